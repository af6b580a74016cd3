internal import Segment

/// The connections that came from the sender.
struct KnownFlows {
  struct Known {
    /// Zero: it was there before the receiver was.
    var id: ConnectionID
    /// As it was told.
    var flow: SyncFlow
    /// Number of the message that told it last; zero: none did.
    var toldAt: UInt64
  }

  let limit: Int
  private var flows: [SyncFlow: Known] = [:]

  init(limit: Int) { self.limit = max(1, limit) }

  var count: Int { flows.count }

  subscript(flow: SyncFlow) -> Known? { flows[flow.eitherWay] }

  /// Whether there was room.
  mutating func set(_ known: Known) -> Bool {
    let key = known.flow.eitherWay
    guard flows[key] != nil || flows.count < limit else { return false }
    flows[key] = known
    return true
  }

  mutating func remove(_ flow: SyncFlow) { flows[flow.eitherWay] = nil }

  /// Removes and returns those that a walk covers and that were not told since it began.
  mutating func removeUntold(by walk: SyncWalk, since begin: UInt64) -> [SyncFlow] {
    let untold = flows.filter { $1.toldAt < begin && walk.covers($1.id) }
    for key in untold.keys { flows[key] = nil }
    return untold.values.map(\.flow)
  }
}
