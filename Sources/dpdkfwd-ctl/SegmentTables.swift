internal import Inspection
internal import Segment

/// The tables of a forwarder that lives, read out of its segment.
struct SegmentTables: ConnectionTables {
  private let reader: SegmentReader

  init(_ reader: SegmentReader) throws(SegmentError) {
    guard try Heading(reader).isLive else {
      throw .invalid("the forwarder has ended; `dpdkfwd-stat dump ct` shows what it left behind")
    }
    self.reader = reader
  }

  func each(
    _ table: ConntrackTable, _ filter: ConnectionFilter, _ body: (Connection) -> Bool
  ) throws(SegmentError) {
    switch table {
    case .conntrack where filter.conditions.contains(.id):
      let workers = try ConnectionReader.all(reader)
      guard let worker = workers.first(where: { $0.shard == filter.id.shard }) else { return }
      if let connection = worker.connection(filter.id, now: Clock.monotonic()), filter.takes(connection) {
        _ = body(connection)
      }
    case .conntrack:
      var walk = try Walk(reader, filter: filter)
      while let connection = walk.next() {
        guard body(connection) else { return }
      }
    // A connection is confirmed in the breath that sees its first packet: none is ever found before.
    case .unconfirmed, .expect: return
    case .dying:
      for event in try DyingReader(reader).events(filter: filter) { guard body(event.connection) else { return } }
    }
  }

  func count() throws(SegmentError) -> UInt64 { try shards().reduce(0) { $0 + ($1.number("entries") ?? 0) } }

  func statistics() throws(SegmentError) -> [String] {
    try shards().map { record in
      let cpu = "\(record.number("lcore") ?? 0)"
      let counts = Self.counters.map { "\($0)=\(record.number($0) ?? 0) " }.joined()
      return "cpu=" + cpu + String(repeating: " ", count: max(0, 4 - cpu.count)) + "\t" + counts
    }
  }

  private static let counters = [
    "found", "invalid", "insert", "insert_failed", "drop", "early_drop", "error", "search_restart", "clash_resolve",
    "chaintoolong",
  ]

  func lcores() throws(SegmentError) -> [Int: UInt64] {
    Dictionary(try shards().map { ($0.shard, $0.number("lcore") ?? 0) }) { first, _ in first }
  }

  private func shards() throws(SegmentError) -> [Record] {
    reader.records(of: try reader.kind("ct_shards", having: ["lcore", "entries"]))
  }
}

/// The rings of a forwarder, with what is known of its connections.
struct SegmentEvents: EventSource {
  private let segment: SegmentReader
  private let filter: ConnectionFilter
  private var reader: EventReader
  private var mirror = ConnectionMirror()
  private var keepsMirror = false

  init(
    _ segment: SegmentReader, from start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter
  ) throws(SegmentError) {
    self.segment = segment
    self.filter = filter
    reader = try EventReader(segment, from: .at(start), mask: mask, filter: filter)
  }

  mutating func read() -> EventReader.Batch {
    let batch = reader.read()
    if keepsMirror {
      for case .connection(let event) in batch.events { mirror.apply(event) }
    }
    return batch
  }

  var positions: EventReader.Positions { reader.positions }

  mutating func learn() throws(SegmentError) {
    keepsMirror = true
    _ = try mirror.repair(segment, filter: filter)
  }

  mutating func repair(_ losses: [EventReader.Loss]) throws(SegmentError) -> [ConnectionEvent] {
    try mirror.repair(segment, losses: losses, filter: filter)
  }

  var endsLost: UInt64 {
    guard let kind = segment.schema.kind(named: "events") else { return 0 }
    return segment.records(of: kind).reduce(0) { $0 + ($1.number("dying_lost") ?? 0) }
  }

  var isLive: Bool { (try? Heading(segment).isLive) ?? false }
}
