internal import CSegment
public import Conntrack
internal import Primitives
public import Segment

/// Connections as somebody knows them who has heard of nothing but events.
public struct EventTable {
  public private(set) var connections: [ConnectionID: Connection] = [:]
  /// Every id that there ever was.
  private var ids: Set<ConnectionID> = []
  /// By shard: the number of its last event.
  private var last: [Int: UInt64] = [:]

  private let hasFlows: Bool

  /// - Parameter hasFlows: rules put flows into flow tables, which takes nothing but status bits: in and out again within
  ///   a breath is an UPDATE with the bits as they were.
  public init(hasFlows: Bool = false) { self.hasFlows = hasFlows }

  /// - Returns: what is wrong with the event, or `nil`.
  public mutating func apply(_ event: ConnectionEvent) -> String? {
    let (id, connection) = (event.connection.id, event.connection)
    let before = last.updateValue(event.sequence, forKey: event.shard) ?? 0
    if event.sequence != before + 1 { return "event \(event.sequence) came after \(before)" }
    let known = connections[id]
    switch event.kind {
    case .new:
      if !ids.insert(id).inserted { return "NEW with an id that there was before" }
      if !event.changes.isEmpty { return "NEW with changes" }
      connections[id] = connection
    case .update:
      guard let known else { return "UPDATE of a connection that nobody told of" }
      if event.changes.isEmpty { return "UPDATE without changes" }
      if let wrong = known.contradiction(to: event, hasFlows: hasFlows) { return wrong }
      connections[id] = connection
    case .destroy:
      guard let known else { return "DESTROY of a connection that nobody told of" }
      if connection.status & Connection.Status.dying == 0 { return "DESTROY of one that is not dying" }
      if known.original != connection.original { return "DESTROY with another tuple" }
      if let wrong = known.accountsMore(than: event) { return wrong }
      connections[id] = nil
    }
    return nil
  }

  /// Passes an event over, as if it had never been written.
  public mutating func skip(_ event: ConnectionEvent) { last[event.shard] = event.sequence }

  /// - Returns: where the worker's table is another than its events say, or `nil`.
  public func difference(from tracker: borrowing Tracker) -> String? {
    var count = 0
    for slot in 0..<tracker.table.slotsUsed where tracker.table.isLive(slot) {
      count += 1
      let (id, record) = unsafe (tracker.id(of: slot), tracker.table.record(slot).pointee)
      guard let told = connections[id] else { return "slot \(slot) is there, and nobody told of it" }
      let labels = tracker.table.labels(of: slot)
      if let wrong = told.difference(from: record, Connection.Labels(low: labels.low, high: labels.high)) {
        return "slot \(slot), after event \(last): \(wrong)"
      }
    }
    return count == connections.count ? nil : "\(connections.count) connections told of, \(count) there"
  }
}

extension Connection {
  /// What an UPDATE of this connection must not, or must, say.
  fileprivate func contradiction(to event: ConnectionEvent, hasFlows: Bool) -> String? {
    let (next, changes) = (event.connection, event.changes)
    if next.original != original || next.reply != reply || next.start != start && event.client == 0 {
      return "UPDATE with another tuple or start"
    }
    let pairs: [(ConnectionEvent.Changes, Bool)] = [
      (.reply, (status ^ next.status) & Status.seenReply != 0),
      (.assured, (status ^ next.status) & Status.assured != 0),
      (.status, (status ^ next.status) & ~(Status.seenReply | Status.assured) != 0),
      (.mark, mark != next.mark), (.labels, labels != next.labels), (.state, state != next.state),
    ]
    for (change, isThere) in pairs where isThere && !changes.contains(change) {
      return "UPDATE that changes more than it says: \(changes.rawValue), and \(change.rawValue): \(self), \(next)"
    }
    if let wrong = accountsMore(than: event) { return wrong }
    // The others may have been set to what they were.
    for (change, isThere) in pairs.prefix(5)
    where !isThere && changes.contains(change) && !(hasFlows && change == .status) {
      return "UPDATE that says more than it changes: \(changes.rawValue), not \(change.rawValue)"
    }
    return nil
  }

  /// Accounts grow, unless somebody sets them.
  fileprivate func accountsMore(than event: ConnectionEvent) -> String? {
    let next = event.connection.counts
    let grows =
      counts.original.packets <= next.original.packets && counts.original.bytes <= next.original.bytes
      && counts.reply.packets <= next.reply.packets && counts.reply.bytes <= next.reply.bytes
    return grows || event.changes.contains(.counts) ? nil : "\(event.kind) with \(next), \(counts) before"
  }

  fileprivate func difference(from record: dpdkfwd_ct_record, _ labels: Labels) -> String? {
    if record.protocol != self.protocol || record.zone != original.zone { return "another protocol or zone" }
    if (record.source_port, record.destination_port) != (original.sourcePort, original.destinationPort) {
      return "other ports"
    }
    if !isIPv6, IPv4Address(bits: record.source.bigEndian) != original.source.ipv4 { return "another source" }
    // That the flow cache has it is no event.
    let offloaded = Status.offloaded | Status.offloadedToHardware
    if (record.status ^ status) & ~offloaded != 0 { return "status \(record.status), told \(status)" }
    if record.state != state { return "state \(record.state), told \(state)" }
    if record.mark != mark { return "mark \(record.mark), told \(mark)" }
    if record.start != start { return "start \(record.start), told \(start)" }
    if labels != self.labels { return "labels \(labels), told \(self.labels)" }
    return nil
  }
}
