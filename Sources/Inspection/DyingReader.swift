public import Segment

/// Reads the connections that are gone and are kept until all who asked for it know their end, with their last counts.
public struct DyingReader: Sendable {
  private let arenas: [ArenaReader]
  private let fields: EventFields

  /// Fails with `.fields` when the segment has no such list.
  public init(_ reader: SegmentReader) throws(SegmentError) {
    let kind = try ArenaReader.arena("ct_dying", of: reader)
    fields = try EventFields(kind)
    arenas = (0..<kind.shards).map { ArenaReader(reader, kind, shard: $0) }
  }

  /// Workers, and connections that each of them has room for.
  public var shards: Int { arenas.count }
  public var slots: Int { arenas.first?.kind.records ?? 0 }

  /// The end that a worker keeps in a slot, if there is one.
  public func event(of shard: Int, at slot: Int) -> ConnectionEvent? {
    arenas[shard].record(at: slot).flatMap(fields.event)
  }

  /// Worker by worker, in the order in which they ended.
  ///
  /// - Parameter filter: which connections are wanted.
  public func events(filter: ConnectionFilter = ConnectionFilter(), frozen: UInt64? = nil) -> [ConnectionEvent] {
    var clock = PacedClock(frozen: frozen)
    return (0..<shards).flatMap { shard in
      (0..<slots).compactMap { slot -> ConnectionEvent? in
        _ = clock.look()
        guard let event = event(of: shard, at: slot), filter.takes(event.connection) else { return nil }
        return event
      }.sorted { $0.sequence < $1.sequence }
    }
  }
}
