import ControlClient
import ControlProtocol
import Inspection
import JSONText
import Segment
import Synchronization

@testable import dpdkfwd_ctl

/// A forwarder of one table in memory, which answers as docs/control.md says.
final class FakeForwarder: Forwarder, Caller {
  struct State {
    var connections: [Connection] = []
    var lastID: UInt64 = 1 << 28
    /// Methods as they were called, with their parameters.
    var calls: [(method: String, parameters: JSON)] = []
    var openings: [String] = []
    /// What the next calls fail with.
    var failures: [ControlClientError] = []
    var isClosed = false
    var watched: (start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter)?
    /// What readings of events bring, one after the other.
    var batches: [EventReader.Batch] = []
    /// What repair brings.
    var repaired: [ConnectionEvent] = []
    var repairs: [[EventReader.Loss]] = []
    /// By reading.
    var endsLost: [UInt64] = []
    var learned = 0
    var positions = EventReader.Positions()
    var isLive = true
    var connectFailure: ControlClientError?
    /// What reading the tables fails with.
    var tableFailure: SegmentError?
  }

  let state = Mutex(State())

  /// Connections of a page.
  let page: Int

  init(page: Int = 1000) { self.page = page }

  var connections: [Connection] { state.withLock { $0.connections } }
  var calls: [(method: String, parameters: JSON)] { state.withLock { $0.calls } }

  // MARK: Forwarder

  func tables() throws(SegmentError) -> any ConnectionTables {
    if let failure = state.withLock({ $0.tableFailure }) { throw failure }
    return FakeTables(connections: connections)
  }

  func events(
    from start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter
  ) throws(SegmentError) -> any EventSource {
    state.withLock { $0.watched = (start, mask, filter) }
    return FakeEvents(forwarder: self)
  }

  func connect(readOnly: Bool) async throws(ControlClientError) -> any Caller {
    let failure = state.withLock { state in
      state.openings.append(readOnly ? "read-only" : "read-write")
      defer { state.connectFailure = nil }
      return state.connectFailure
    }
    if let failure { throw failure }
    return self
  }

  func close() async { state.withLock { $0.isClosed = true } }

  // MARK: Caller

  func call(_ method: String, _ parameters: JSON) async throws(ControlClientError) -> JSON {
    let failure = state.withLock { state -> ControlClientError? in
      state.calls.append((method, parameters))
      return state.failures.isEmpty ? nil : state.failures.removeFirst()
    }
    if let failure { throw failure }
    do throws(MemberError) {
      switch method {
      case "conntrack.create": return try create(parameters)
      case "conntrack.update", "conntrack.delete": return try change(method, parameters)
      case "conntrack.zero":
        let filter = try ConnectionFilter(json: parameters["filter"] ?? .object([]))
        return state.withLock { state in
          let meant = state.connections.indices.filter { filter.takes(state.connections[$0]) }
          let before = meant.map { ConnectionJSON().object(state.connections[$0]) }
          for place in meant { state.connections[place].counts = (Connection.Count(), Connection.Count()) }
          return .object([("entries", .array(before)), ("cursor", .null)])
        }
      case "conntrack.flush": return try flush(parameters)
      case "conntrack.apply": return try await apply(parameters)
      case "events.subscribe":
        return .object([
          ("subscription", .unsigned(7)),
          (
            "rings",
            .array([.object([("shard", .unsigned(0)), ("events", .unsigned(11)), ("fragments", .unsigned(2))])])
          ),
        ])
      case "events.acknowledge": return .object([])
      default: throw MemberError("", "no method \(method)")
      }
    } catch {
      throw .answered(code: Self.code(of: error).rawValue, message: "\(error)", data: nil)
    }
  }

  private static func code(of error: MemberError) -> ControlCode {
    error.member == "exists" ? .exists : .invalidParameters
  }

  private func create(_ parameters: JSON) throws(MemberError) -> JSON {
    guard let json = parameters["entry"] else { throw MemberError("entry", "is missing") }
    var entry = try Connection(json: json)
    let isKnown = state.withLock { state in
      state.connections.contains {
        $0.isIPv6 == entry.isIPv6 && $0.protocol == entry.protocol
          && ($0.original == entry.original || $0.reply == entry.original)
      }
    }
    if isKnown { throw MemberError("exists", "") }
    let turned = entry.original.turned(isICMP: entry.isICMP, isIPv6: entry.isIPv6)
    var reply = entry.reply
    reply.zone = turned.zone
    guard reply == turned else { throw MemberError("reply", "is not the original tuple turned round") }
    entry.status |= Connection.Status.confirmed
    state.withLock { state in
      state.lastID += 1 << 28
      entry.id = ConnectionID(rawValue: state.lastID)
      state.connections.append(entry)
    }
    return ConnectionJSON().object(entry)
  }

  private func change(_ method: String, _ parameters: JSON) throws(MemberError) -> JSON {
    let filter = try parameters["filter"].map { json throws(MemberError) in try ConnectionFilter(json: json) }
    let cursor = parameters["cursor"]?.asUInt64 ?? 0
    let limit = min(Int(parameters["limit"]?.asUInt64 ?? 1000), page)
    let change =
      method == "conntrack.update"
      ? try ConnectionChange(json: parameters["change"] ?? .null, protocol: filter?.protocol) : nil
    var entries: [JSON] = []
    var next = JSON.null
    state.withLock { state in
      var kept: [Connection] = []
      for connection in state.connections {
        let isMeant = connection.id.rawValue > cursor && filter?.takes(connection) ?? true
        guard isMeant, entries.count < limit else {
          if isMeant, next.isNull { next = .unsigned(kept.last?.id.rawValue ?? cursor) }
          kept.append(connection)
          continue
        }
        guard let change else {
          entries.append(ConnectionJSON().object(connection))
          continue
        }
        let changed = Self.apply(change, to: connection)
        kept.append(changed)
        if ConnectionJSON().line(changed) != ConnectionJSON().line(connection) {
          entries.append(ConnectionJSON().object(changed))
        }
      }
      state.connections = kept
    }
    if case .unsigned = next, change == nil { next = .unsigned(cursor) }
    return .object([("entries", .array(entries)), ("cursor", next)])
  }

  private static func apply(_ change: ConnectionChange, to connection: Connection) -> Connection {
    var changed = connection
    let attributes = change.attributes
    if attributes.contains(.mark) {
      changed.mark = change.markMask == .max ? change.values.mark : changed.mark & ~change.markMask ^ change.values.mark
    }
    if attributes.contains(.timeout) { changed.remaining = change.values.remaining }
    if attributes.contains(.status) { changed.status |= change.values.status }
    if attributes.contains(.state) { changed.state = change.values.state }
    if attributes.contains(.counts) { changed.counts = change.values.counts }
    if attributes.contains(.labels) {
      let (mask, values) = (change.labelMask, change.values.labels)
      changed.labels.low = changed.labels.low & ~mask.low | values.low
      changed.labels.high = changed.labels.high & ~mask.high | values.high
    }
    return changed
  }

  private func flush(_ parameters: JSON) throws(MemberError) -> JSON {
    let filter = try ConnectionFilter(json: parameters["filter"] ?? .object([]))
    let count = state.withLock { state in
      let before = state.connections.count
      state.connections.removeAll { filter.takes($0) }
      return before - state.connections.count
    }
    return .object([("count", .unsigned(UInt64(count)))])
  }

  private func apply(_ parameters: JSON) async throws(MemberError) -> JSON {
    var results: [JSON] = []
    for operation in parameters["operations"]?.asArray ?? [] {
      var result = JSON.null
      do throws(MemberError) {
        switch operation["op"]?.asText {
        case "create": _ = try create(.object([("entry", operation["entry"] ?? .null)]))
        case "update": try update(operation["entry"] ?? .null)
        default: throw MemberError("op", "is none")
        }
      } catch {
        result = .object([
          ("code", .signed(Int64(Self.code(of: error).rawValue))), ("message", .text("\(error)")),
        ])
      }
      results.append(result)
    }
    return .object([("results", .array(results))])
  }

  private func update(_ json: JSON) throws(MemberError) {
    let (entry, given) = try Connection.read(json)
    state.withLock { state in
      for place in state.connections.indices where state.connections[place].original == entry.original {
        if given.contains(.counts) { state.connections[place].counts = entry.counts }
      }
    }
  }
}

struct FakeTables: ConnectionTables {
  let connections: [Connection]

  func each(
    _ table: ConntrackTable, _ filter: ConnectionFilter, _ body: (Connection) -> Bool
  ) throws(SegmentError) {
    guard table == .conntrack else { return }
    for connection in connections where filter.takes(connection) { guard body(connection) else { return } }
  }

  func count() throws(SegmentError) -> UInt64 { UInt64(connections.count) }
  func statistics() throws(SegmentError) -> [String] { ["cpu=1   \tfound=0 "] }
  func lcores() throws(SegmentError) -> [Int: UInt64] { [0: 1] }
}

struct FakeEvents: EventSource {
  let forwarder: FakeForwarder

  mutating func read() -> EventReader.Batch {
    forwarder.state.withLock { $0.batches.isEmpty ? EventReader.Batch() : $0.batches.removeFirst() }
  }

  var positions: EventReader.Positions { forwarder.state.withLock { $0.positions } }
  mutating func learn() throws(SegmentError) { forwarder.state.withLock { $0.learned += 1 } }

  var endsLost: UInt64 { forwarder.state.withLock { $0.endsLost.isEmpty ? 0 : $0.endsLost.removeFirst() } }

  mutating func repair(_ losses: [EventReader.Loss]) throws(SegmentError) -> [ConnectionEvent] {
    forwarder.state.withLock {
      $0.repairs.append(losses)
      return $0.repaired
    }
  }

  var isLive: Bool { forwarder.state.withLock { $0.isLive } }
}

/// What a command wrote, and how it ended.
struct Told: Equatable {
  var status: Int32
  var out: String
  var error: String

  /// The message behind the tool's name and version; without one, what else was written there.
  var message: String { Self.message(error) }

  static func message(_ error: String) -> String {
    let lines = error.split(separator: "\n")
    for line in lines where line.hasPrefix("conntrack v") {
      guard let end = line.firstRange(of: "): ") else { continue }
      return String(line[end.upperBound...])
    }
    return lines.first.map(String.init) ?? ""
  }
}

extension Told {
  private final class Written: Sendable {
    let text = Mutex((out: "", error: ""))
  }

  /// What conntrack does on a forwarder; events end at the first pause.
  static func of(_ forwarder: any Forwarder, _ words: [String], labels: LabelMap = LabelMap()) async -> Told {
    let written = Written()
    let console = Console(
      out: { text in written.text.withLock { $0.out += text } },
      error: { text in written.text.withLock { $0.error += text } })
    let names = ProtocolNames("ip 0 IP\nicmp 1\ntcp 6 TCP\nudp 17\nesp 50 IPSEC-ESP\nah 51\nipv6-icmp 58 IPv6-ICMP\n")
    let conntrack = Conntrack(
      forwarder: forwarder, console: console, protocols: names, labels: labels, pause: { false })
    let status = await conntrack.run(words)
    return written.text.withLock { Told(status: status, out: $0.out, error: $0.error) }
  }
}

extension FakeForwarder {
  func run(_ words: [String], labels: LabelMap = LabelMap()) async -> Told {
    await Told.of(self, words, labels: labels)
  }

  /// Words between spaces, as a shell parts them; quotes around nothing make an empty one.
  func run(_ line: String, labels: LabelMap = LabelMap()) async -> Told {
    await run(line.split(separator: " ").map { $0 == "\"\"" ? "" : String($0) }, labels: labels)
  }
}
