internal import CSegment
internal import ControlClient
internal import ControlProtocol
internal import Inspection
internal import JSONText
internal import Primitives
internal import Segment
internal import Sync

/// What the forwarder is still to be given. Of a flow only how it is to stand in the end: the newest state, and whether
/// what the forwarder has of it must go first.
struct OperationQueue {
  struct Figures: Equatable {
    var puts: UInt64 = 0
    var deletes: UInt64 = 0
    /// Deletes of what was not there, and whatever else the forwarder refused.
    var absent: UInt64 = 0
    var refused: UInt64 = 0
    /// Operations that were no longer needed when their turn came.
    var merged: UInt64 = 0
    var requests: UInt64 = 0
  }

  private struct Change {
    /// What the forwarder has, if it is to go.
    var delete: SyncFlow?
    var put: Connection?
    /// When `put` stood so.
    var at: Instant
  }

  private static let batch = 500
  private static let attributes: ConnectionChange.Attributes = [
    .status, .timeout, .state, .details, .windows, .mark, .labels, .counts,
  ]

  /// What the forwarder is told of TCP windows.
  enum Windows: String, CaseIterable, Sendable {
    /// Those that the sender told: as they stood a second ago, perhaps, when much was under way.
    case exact
    /// Nothing, while data flows: the forwarder learns them from the first packet of each direction, as Linux does.
    case learn
  }

  private let windows: Windows
  private let port: String?
  private var changes: [SyncFlow: Change] = [:]
  /// The flows with a change, the one that came first first.
  private var line: [SyncFlow] = []
  private var head = 0
  private(set) var figures = Figures()
  /// The first refusal, in the forwarder's words.
  private(set) var complaint: String?

  /// - Parameter port: by which packets of the connections come, by name or number; needed where pairs of ports have
  ///   different owners.
  init(windows: Windows, port: String? = nil) {
    self.windows = windows
    self.port = port
  }

  var count: Int { changes.count }
  var isEmpty: Bool { changes.isEmpty }

  mutating func add(_ operations: [SyncOperation], at now: Instant) {
    for operation in operations {
      let key = operation.flow.eitherWay
      var change = changes[key] ?? Change(at: now)
      if changes[key] == nil { line.append(key) }
      switch operation {
      case .put(let connection):
        if change.put != nil { figures.merged += 1 }
        (change.put, change.at) = (connection, now)
      case .delete(let flow):
        if change.put != nil || change.delete != nil { figures.merged += 1 }
        (change.delete, change.put) = (change.delete ?? flow, nil)
      }
      changes[key] = change
    }
  }

  /// Hands the next changes to the forwarder: what goes in one request, what comes or stays in another. The order within
  /// a request is the forwarder's affair. Fails when that has gone.
  mutating func apply(by control: any Caller) async throws(ControlClientError) {
    let (deletes, puts) = takeBatch(at: Instant(nanoseconds: Clock.monotonic()))
    try await apply(deletes, by: control)
    try await apply(puts, by: control)
  }

  mutating func takeBatch(at now: Instant) -> (deletes: [SyncOperation], puts: [SyncOperation]) {
    var (deletes, puts): ([SyncOperation], [SyncOperation]) = ([], [])
    let end = min(head + Self.batch, line.count)
    for key in line[head..<end] {
      guard let change = changes.removeValue(forKey: key) else { continue }
      if let flow = change.delete { deletes.append(.delete(flow)) }
      if let put = change.put { puts.append(.put(put.aged(by: (now - change.at).nanoseconds / 1_000_000))) }
    }
    head = end
    if head * 2 > line.count {
      line.removeFirst(head)
      head = 0
    }
    return (deletes, puts)
  }

  private mutating func apply(_ operations: [SyncOperation], by control: any Caller) async throws(ControlClientError) {
    guard !operations.isEmpty else { return }
    figures.requests += 1
    let place = port.map { [("port", JSON.text($0))] } ?? []
    let parameters = JSON.object([("operations", .array(operations.map(json)))] + place)
    let results: [JSON]
    do throws(ControlClientError) {
      results = try await control.call("conntrack.apply", parameters)["results"]?.asArray ?? []
    } catch .answered(_, let message, _) {
      figures.refused += UInt64(operations.count)
      complaint = complaint ?? message
      return
    }
    for (operation, result) in zip(operations, results) { note(result, of: operation) }
  }

  private mutating func note(_ result: JSON, of operation: SyncOperation) {
    switch operation {
    case .put: figures.puts += 1
    case .delete: figures.deletes += 1
    }
    guard !result.isNull else { return }
    if case .delete = operation, result["code"]?.asInt64 == Int64(ControlCode.notFound.rawValue) {
      figures.absent += 1
    } else {
      figures.refused += 1
      complaint = complaint ?? result["message"]?.asText ?? result.line
    }
  }

  private func json(_ operation: SyncOperation) -> JSON {
    let writer = ConnectionJSON()
    switch operation {
    case .put(let connection):
      var connection = connection
      // Numbers are each forwarder's own.
      connection.id = ConnectionID(rawValue: 0)
      if windows == .learn { connection.forgetWindows() }
      let start: ConnectionChange.Attributes = connection.start == 0 ? [] : .start
      let entry = writer.object(connection, given: Self.attributes.union(start))
      return .object([("op", .text("add")), ("entry", entry)])
    case .delete(let flow):
      return .object([("op", .text("delete")), ("entry", writer.object(Connection(flow), given: []))])
    }
  }
}

extension Connection {
  /// Makes the tracker learn its windows anew, if it may be sending data. Before and after that every change of a
  /// window is a change of the state, too, and so is told.
  fileprivate mutating func forgetWindows() {
    let (established, lastAck): (UInt8, UInt8) = (3, 6)
    guard self.protocol == Number.tcp, (established...lastAck).contains(state) else { return }
    // What both ends have acknowledged goes with the windows: netfilter's DATA_UNACKNOWLEDGED and MAXACK_SET.
    let acknowledged: UInt8 = 0x30
    var learning = dpdkfwd_ct_tcp()
    learning.flags_original = details.flags_original & ~acknowledged
    learning.flags_reply = details.flags_reply & ~acknowledged
    learning.scales = details.scales
    details = learning
  }
}
