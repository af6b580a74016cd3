import ControlClient
import ControlProtocol
import Inspection
import JSONText
import Segment
import Synchronization

@testable import dpdkfwd_ctl

/// A forwarder in memory that answers what dpctl asks for as docs/control.md says.
final class DpctlFake: DpctlForwarder, Caller {
  struct State {
    var connections: [Connection] = []
    var now = TrackingNow(connectionsLimit: 3_000_000, room: 4_000_000, checksSequences: true, sweepInterval: 1000)
    var defaultLimit: UInt64 = 0
    var zoneLimits: [UInt64: UInt64] = [:]
    var calls: [String] = []
    var openings: [String] = []
    var buckets: [UInt64] = []
    /// Instead of an answer.
    var failure: ControlClientError?
    /// Instead of a socket.
    var refusal: ControlClientError?
    /// Instead of what the segment tells.
    var unreadable: SegmentError?
    /// Instead of what it tells of tracking as a whole.
    var untold: SegmentError?
    var isClosed = false
  }

  private let state = Mutex(State())

  init(_ connections: [Connection] = []) { state.withLock { $0.connections = connections } }

  var calls: [String] { state.withLock(\.calls) }
  var openings: [String] { state.withLock(\.openings) }

  func edit(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
  func look<Value: Sendable>(_ path: KeyPath<State, Value>) -> Value { state.withLock { $0[keyPath: path] } }

  struct Output: Equatable {
    var status: Int32
    var out: String
    var error: String
  }

  /// Runs dpctl on it.
  func run(_ words: [String]) async -> Output {
    let (out, error) = (Printed(), Printed())
    let console = Console(out: { out.add($0) }, error: { error.add($0) })
    let status = await Dpctl(forwarder: self, console: console, prefix: "rte").run(words)
    return Output(status: status, out: out.text, error: error.text)
  }

  func run(_ line: String) async -> Output { await run(line.split(separator: " ").map(String.init)) }

  // MARK: Segment

  /// dpctl follows nothing.
  func events(
    from start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter
  ) throws(SegmentError) -> any EventSource {
    throw .missing(path: "events")
  }

  func tables() throws(SegmentError) -> any ConnectionTables {
    if let error = state.withLock(\.unreadable) { throw error }
    return Tables(connections: state.withLock(\.connections))
  }

  func fragmentStatus(zone: UInt16?, more: Int) throws(SegmentError) -> String {
    if let error = state.withLock(\.unreadable) { throw error }
    return "status zone=\(zone.map { "\($0)" } ?? "all") more=\(more)\n"
  }

  func tracking() throws(SegmentError) -> TrackingNow {
    if let error = state.withLock({ $0.unreadable ?? $0.untold }) { throw error }
    return state.withLock(\.now)
  }

  private struct Tables: ConnectionTables {
    let connections: [Connection]

    func each(
      _ table: ConntrackTable, _ filter: ConnectionFilter, _ body: (Connection) -> Bool
    ) throws(SegmentError) {
      for connection in connections where filter.takes(connection) { guard body(connection) else { return } }
    }

    func count() throws(SegmentError) -> UInt64 { UInt64(connections.count) }
    func statistics() throws(SegmentError) -> [String] { [] }
    func lcores() throws(SegmentError) -> [Int: UInt64] { [:] }
  }

  // MARK: Socket

  func connect(readOnly: Bool) async throws(ControlClientError) -> any Caller {
    state.withLock { $0.openings.append(readOnly ? "read-only" : "read-write") }
    if let refusal = state.withLock(\.refusal) { throw refusal }
    return self
  }

  func close() async { state.withLock { $0.isClosed = true } }

  func call(_ method: String, _ parameters: JSON) async throws(ControlClientError) -> JSON {
    state.withLock { $0.calls.append("\(method) \(parameters.line)") }
    if let failure = state.withLock(\.failure) { throw failure }
    switch method {
    case "conntrack.flush": return try flush(parameters)
    case "conntrack.apply": return delete(parameters)
    case "conntrack.buckets": return buckets(parameters)
    case "tracking.get", "tracking.set": return tracking(parameters)
    case "limits.get", "limits.set", "limits.delete": return limits(method, parameters)
    case "fragments.set": return .null
    default: throw .answered(code: ControlCode.methodNotFound.rawValue, message: "no method \(method)", data: nil)
    }
  }

  private func flush(_ parameters: JSON) throws(ControlClientError) -> JSON {
    let filter: ConnectionFilter
    do throws(MemberError) {
      filter = try ConnectionFilter(json: parameters["filter"] ?? .object([]))
    } catch {
      throw .answered(code: ControlCode.invalidParameters.rawValue, message: "\(error)", data: nil)
    }
    return state.withLock { state in
      let before = state.connections.count
      state.connections.removeAll { filter.takes($0) }
      return .object([("count", .unsigned(UInt64(before - state.connections.count)))])
    }
  }

  private func delete(_ parameters: JSON) -> JSON {
    let ids = (parameters["operations"]?.asArray ?? []).map { operation in
      operation["op"]?.asText == "delete" ? operation["entry"]?["id"]?.asUInt64 : nil
    }
    state.withLock { $0.connections.removeAll { ids.contains($0.id.rawValue) } }
    return .object([("results", .array(ids.map { _ in .null }))])
  }

  /// Three at a time.
  private func buckets(_ parameters: JSON) -> JSON {
    let first = Int(parameters["bucket"]?.asUInt64 ?? 0)
    let all = state.withLock(\.buckets)
    let end = min(first + 3, all.count)
    let next: JSON =
      end == all.count ? .null : .object([("worker", .unsigned(0)), ("bucket", .unsigned(UInt64(end)))])
    return .object([("counts", .array(all[first..<end].map { .unsigned($0) })), ("next", next)])
  }

  private func tracking(_ parameters: JSON) -> JSON {
    state.withLock { state in
      state.now.connectionsLimit = parameters["connections_limit"]?.asUInt64 ?? state.now.connectionsLimit
      state.now.checksSequences = parameters["tcp_seq_chk"]?.asBool ?? state.now.checksSequences
      state.now.sweepInterval = parameters["sweep_interval_ms"]?.asUInt64 ?? state.now.sweepInterval
      return .object([
        ("connections_limit", .unsigned(state.now.connectionsLimit)), ("connections", .unsigned(0)),
        ("connections_room", .unsigned(state.now.room)), ("tcp_seq_chk", .truth(state.now.checksSequences)),
        ("sweep_interval_ms", .unsigned(state.now.sweepInterval)),
      ])
    }
  }

  private func limits(_ method: String, _ parameters: JSON) -> JSON {
    state.withLock { state in
      let zones = parameters["zones"]?.asArray ?? []
      switch method {
      case "limits.set":
        state.defaultLimit = parameters["default"]?.asUInt64 ?? state.defaultLimit
        for zone in zones { state.zoneLimits[zone["zone"]?.asUInt64 ?? 0] = zone["limit"]?.asUInt64 }
      case "limits.delete":
        if parameters["default"]?.asBool == true { state.defaultLimit = 0 }
        for zone in zones { state.zoneLimits[zone.asUInt64 ?? 0] = nil }
      default: break
      }
      let asked = method == "limits.get" && !zones.isEmpty ? zones.compactMap(\.asUInt64) : nil
      let shown = (asked ?? state.zoneLimits.keys.sorted()).map { zone in
        let count = state.connections.count { UInt64($0.original.zone) == zone }
        return JSON.object([
          ("zone", .unsigned(zone)), ("limit", .unsigned(state.zoneLimits[zone] ?? state.defaultLimit)),
          ("count", .unsigned(UInt64(count))),
        ])
      }
      return .object([("default", .unsigned(state.defaultLimit)), ("zones", .array(shown))])
    }
  }
}

/// What is printed, piece by piece.
private final class Printed: Sendable {
  private let content = Mutex("")
  var text: String { content.withLock { $0 } }
  func add(_ text: String) { content.withLock { $0 += text } }
}

extension Connection {
  /// As docs/control.md has it.
  init(text: String) throws { self = try Connection(json: try JSON(parsing: text)) }
}

// MARK: Samples

extension Connection {
  /// Between two hosts, by UDP unless another protocol is named.
  static func sample(protocol number: Int = 17, zone: Int = 0, port: Int = 1) throws -> Connection {
    let ports = number == 17 ? #", "sport": \#(port), "dport": 53"# : ""
    return try Connection(
      text: #"""
        {"l3": "ipv4", "l4": "\#(number)", "zone": \#(zone), "timeout": 30,
        "orig": {"src": "10.0.0.1", "dst": "10.0.0.2"\#(ports)}}
        """#)
  }

  static func sample(tcp state: String, port: Int) throws -> Connection {
    try Connection(
      text: #"""
        {"l3": "ipv4", "l4": "tcp", "timeout": 30, "tcp": {"state": "\#(state)"},
        "orig": {"src": "10.0.0.1", "dst": "10.0.0.2", "sport": \#(port + 1), "dport": 80}}
        """#)
  }
}
