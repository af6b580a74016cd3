public import JSONText
public import Segment

/// Reassembly as the workers count it, each read at one moment of its own.
public struct Reassembly {
  /// Of `frag_shards`.
  public let kind: Kind
  /// A record for each worker.
  public let workers: [Row]
  public let total: Row?
  public let fragments: [Event]
  public let datagrams: [Event]

  /// What was counted under one heading, over all workers.
  public struct Event {
    public let name: String
    public let ipv4: UInt64
    public let ipv6: UInt64

    public var isZero: Bool { ipv4 | ipv6 == 0 }
  }

  /// Fails with `.fields` when nothing puts fragments together.
  public init(_ reader: SegmentReader) throws(SegmentError) {
    kind = try reader.kind("frag_shards", having: ["lcore", "fragments", "fragments_limit"])
    let fragments = try reader.kind("frag_fragments", having: ["family", "event", "fragments"])
    let datagrams = try reader.kind("frag_datagrams", having: ["family", "event", "datagrams"])
    let kinds = [kind, fragments, datagrams]
    let moments = (0..<(kinds.map(\.shards).min() ?? 0)).map { reader.moment(of: kinds, shard: $0).records }
    let records = moments.flatMap { $0[0] }
    workers = records.map { Row.alone($0) }
    total = records.isEmpty ? nil : Row(records: records)
    self.fragments = Self.events(moments.flatMap { $0[1] }, of: fragments, counting: "fragments")
    self.datagrams = Self.events(moments.flatMap { $0[2] }, of: datagrams, counting: "datagrams")
  }

  private static func events(_ records: [Record], of kind: Kind, counting field: String) -> [Event] {
    Row.grouped(records, by: kind.keys.filter { $0.name == "event" }).map { row in
      func count(_ family: UInt64) -> UInt64 {
        Row(records: row.records.filter { $0.number("family") == family }).sum(field)
      }
      return Event(name: row.records[0]["event"]?.description ?? "?", ipv4: count(0), ipv6: count(1))
    }
  }

  /// Over all workers; 0 when the segment has no such field.
  public func sum(_ name: String) -> UInt64 { total?.sum(name) ?? 0 }

  /// The highest of a worker: what is set is the same for all that work, and marks of different moments make no sum.
  public func most(_ name: String) -> UInt64 { workers.map { $0.sum(name) }.max() ?? 0 }

  /// Every event by family and name.
  public static func json(_ events: [Event]) -> JSON {
    .object([
      ("ipv4", .object(events.map { ($0.name, .unsigned($0.ipv4)) })),
      ("ipv6", .object(events.map { ($0.name, .unsigned($0.ipv6)) })),
    ])
  }
}
