public import Segment

/// A reader's own set of connections, kept equal to the forwarder's by its events, and repaired from its tables when
/// events were lost (C14, C21, C38).
///
/// Events carry the whole connection, so one that is applied late or twice does no harm: what comes after it says how
/// the connection stands, and its end is the last to come.
public struct ConnectionMirror: Sendable {
  public private(set) var connections: [ConnectionID: Connection] = [:]

  public init() {}

  public mutating func apply(_ event: ConnectionEvent) {
    switch event.kind {
    case .new, .update: connections[event.connection.id] = event.connection
    case .destroy: connections[event.connection.id] = nil
    }
  }

  /// Walks the tables, brings the set up to date and makes up the events that would have done it: a beginning for who
  /// was not known, an update for who stands otherwise than he was known, an end for who is gone: with his last counts
  /// if the dying list has him, else as he was known. Who began and ended while events were lost was never known: his end
  /// is told too, if the dying list has it. Traffic goes on meanwhile; what happens then is in the rings.
  ///
  /// Take the positions to go on from before this, not after: what is read again is harmless.
  ///
  /// - Parameters:
  ///   - losses: the events that were lost: those workers are walked; `nil`: all are.
  ///   - filter: which connections are kept; as for the events.
  ///   - pace: slots a second; 0: without a pause.
  ///   - frozen: when the clock stopped, for a forwarder that does not live, in nanoseconds of CLOCK_MONOTONIC.
  /// - Returns: events without a `sequence`, but for ends that the dying list has.
  public mutating func repair(
    _ reader: SegmentReader, losses: [EventReader.Loss]? = nil, filter: ConnectionFilter = ConnectionFilter(),
    pace: Int = PacedClock.usualPace, frozen: UInt64? = nil
  ) throws(SegmentError) -> [ConnectionEvent] {
    let losses = losses?.filter { $0.ring == .connections }
    let workers = try ConnectionReader.all(reader).filter { worker in
      losses?.contains { $0.shard == worker.shard } ?? true
    }
    var clock = PacedClock(pace: pace, frozen: frozen)
    var events: [ConnectionEvent] = []
    var seen: Set<ConnectionID> = []
    for worker in workers {
      for slot in 0..<worker.slots {
        guard let connection = worker.connection(at: slot, now: clock.look(), filter: filter) else { continue }
        seen.insert(connection.id)
        events += change(to: connection).map { [$0] } ?? []
        connections[connection.id] = connection
      }
    }
    let ends = ends(workers, reader, seen, losses ?? [], filter, &clock)
    for end in ends { apply(end) }
    return events + ends
  }

  private func change(to connection: Connection) -> ConnectionEvent? {
    guard let known = connections[connection.id] else { return made(.new, connection) }
    let changes = connection.changes(since: known)
    return changes.isEmpty ? nil : made(.update, connection, changes)
  }

  private func ends(
    _ workers: [ConnectionReader], _ reader: SegmentReader, _ seen: Set<ConnectionID>, _ losses: [EventReader.Loss],
    _ filter: ConnectionFilter, _ clock: inout PacedClock
  ) -> [ConnectionEvent] {
    let byShard = Dictionary(uniqueKeysWithValues: workers.map { ($0.shard, $0) })
    let gone = connections.values.filter { connection in
      guard let worker = byShard[connection.id.shard], !seen.contains(connection.id) else { return false }
      // Its record may have been in change each time it was looked at.
      return worker.connection(connection.id, now: clock.look()) == nil
    }
    guard !gone.isEmpty || !losses.isEmpty else { return [] }
    let dying = (try? DyingReader(reader))?.events() ?? []
    let last = Dictionary(dying.map { ($0.connection.id, $0) }) { _, later in later }
    let known = gone.sorted { $0.id < $1.id }.map { last[$0.id] ?? made(.destroy, $0) }
    let unknown = dying.filter { end in
      connections[end.connection.id] == nil && filter.takes(end.connection)
        && losses.contains { $0.shard == end.shard && $0.first <= end.sequence && end.sequence <= $0.last }
    }
    return known + unknown
  }

  private func made(
    _ kind: ConnectionEvent.Kind, _ connection: Connection, _ changes: ConnectionEvent.Changes = []
  ) -> ConnectionEvent {
    ConnectionEvent(
      sequence: 0, shard: connection.id.shard, at: Clock.wall(), kind: kind, changes: changes, connection: connection)
  }
}

extension Connection {
  /// What is otherwise than it was; counts only where they were reset.
  func changes(since old: Connection) -> ConnectionEvent.Changes {
    var changes: ConnectionEvent.Changes = []
    let status = status ^ old.status
    if status & Status.seenReply != 0 { changes.insert(.reply) }
    if status & Status.assured != 0 { changes.insert(.assured) }
    if status & ~(Status.seenReply | Status.assured) != 0 { changes.insert(.status) }
    if state != old.state { changes.insert(.state) }
    if mark != old.mark { changes.insert(.mark) }
    if labels != old.labels { changes.insert(.labels) }
    if deadline != old.deadline { changes.insert(.timeout) }
    if counts.original.packets < old.counts.original.packets || counts.reply.packets < old.counts.reply.packets {
      changes.insert(.counts)
    }
    return changes
  }
}
