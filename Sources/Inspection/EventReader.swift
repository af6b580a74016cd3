public import JSONText
public import Segment

/// Follows the rings of events of all workers: every event once, those of a worker in their order, and of those that
/// were written over before they were read the exact numbers (C21, C38). It never waits: `read` returns what there is,
/// and who calls it sees to the pauses.
public struct EventReader: Sendable {
  /// The rings that a worker has.
  public enum Ring: String, CaseIterable, Sendable {
    case connections = "ct_events"
    case fragments = "frag_events"

    /// What requests call it.
    var word: String { self == .connections ? "events" : "fragments" }
  }

  /// Events that were written over before they were read.
  public struct Loss: Equatable, Sendable {
    public let shard: Int
    public let ring: Ring
    public let first: UInt64
    public let last: UInt64

    public init(shard: Int, ring: Ring, first: UInt64, last: UInt64) {
      self.shard = shard
      self.ring = ring
      self.first = first
      self.last = last
    }

    public var count: UInt64 { last - first + 1 }
  }

  /// What one reading brought.
  public struct Batch: Sendable {
    /// By time, as far as the order of each ring allows.
    public var events: [SegmentEvent] = []
    public var losses: [Loss] = []

    public init(events: [SegmentEvent] = [], losses: [Loss] = []) {
      self.events = events
      self.losses = losses
    }

    public var isEmpty: Bool { events.isEmpty && losses.isEmpty }
  }

  /// Where reading begins.
  public enum Start: Sendable {
    case oldest
    /// With what is written from now on.
    case newest
    /// With the entries of these numbers, by shard; a shard without one begins with the oldest.
    case at(Positions)
  }

  /// The numbers of the entries that are next, by shard.
  public struct Positions: Equatable, Sendable {
    public var connections: [UInt64]
    public var fragments: [UInt64]

    public init(connections: [UInt64] = [], fragments: [UInt64] = []) {
      self.connections = connections
      self.fragments = fragments
    }
  }

  private var connections: [RingReader] = []
  private var fragments: [RingReader] = []
  private var fields: EventFields?
  private var fragmentFields: FragmentEventFields?
  private let mask: EventMask
  private let filter: ConnectionFilter

  /// Fails with `.fields` when the segment has neither ring.
  ///
  /// - Parameters:
  ///   - mask: which events are wanted.
  ///   - filter: of which connections; fragments have to do with its zone, protocol and IP version alone.
  public init(
    _ reader: SegmentReader, from start: Start = .newest, mask: EventMask = .conntrack,
    filter: ConnectionFilter = ConnectionFilter()
  ) throws(SegmentError) {
    self.mask = mask
    self.filter = filter
    let kinds = Ring.allCases.map { reader.schema.kind(named: $0.rawValue) }
    guard kinds.contains(where: { $0?.isRing == true }) else {
      throw .fields(kind: Ring.connections.rawValue, missing: [])
    }
    if let kind = kinds[0], kind.isRing {
      fields = try EventFields(kind)
      connections = Self.rings(reader, kind, start, \.connections)
    }
    if let kind = kinds[1], kind.isRing {
      fragmentFields = try FragmentEventFields(kind)
      fragments = Self.rings(reader, kind, start, \.fragments)
    }
  }

  private static func rings(
    _ reader: SegmentReader, _ kind: Kind, _ start: Start, _ side: KeyPath<Positions, [UInt64]>
  ) -> [RingReader] {
    (0..<kind.shards).map { shard in
      switch start {
      case .oldest: return RingReader(reader, kind, shard: shard)
      case .newest: return RingReader(fromNewest: reader, kind, shard: shard)
      case .at(let positions):
        let numbers = positions[keyPath: side]
        return RingReader(
          reader, kind, shard: shard, from: numbers.indices.contains(shard) ? numbers[shard] : nil)
      }
    }
  }

  /// Where reading goes on.
  public var positions: Positions {
    Positions(connections: connections.map(\.next), fragments: fragments.map(\.next))
  }

  /// Of how many workers there are events.
  public var shards: Int { max(connections.count, fragments.count) }

  /// What came since the last reading, of each ring at most `limit` entries.
  public mutating func read(atMost limit: Int = 1024) -> Batch {
    var batch = Batch()
    var queues: [ArraySlice<SegmentEvent>] = []
    for place in connections.indices {
      let shard = connections[place].shard
      let readings = connections[place].read(atMost: limit)
      queues.append(take(readings, shard, .connections, &batch)[...])
    }
    for place in fragments.indices {
      let shard = fragments[place].shard
      let readings = fragments[place].read(atMost: limit)
      queues.append(take(readings, shard, .fragments, &batch)[...])
    }
    batch.events = Self.merged(queues)
    return batch
  }

  private func take(
    _ readings: [RingReader.Reading], _ shard: Int, _ ring: Ring, _ batch: inout Batch
  ) -> [SegmentEvent] {
    var events: [SegmentEvent] = []
    for reading in readings {
      switch reading {
      case .lost(let range):
        batch.losses.append(Loss(shard: shard, ring: ring, first: range.lowerBound, last: range.upperBound))
      case .entry(let number, let record):
        if let event = event(number, record, ring), isWanted(event) { events.append(event) }
      }
    }
    return events
  }

  private func event(_ number: UInt64, _ record: Record, _ ring: Ring) -> SegmentEvent? {
    switch ring {
    case .connections: fields?.event(record).map { .connection($0) }
    case .fragments: (fragmentFields?.event(record, number: number)).map { .fragments($0) }
    }
  }

  private func isWanted(_ event: SegmentEvent) -> Bool {
    guard mask.contains(event.kind) else { return false }
    switch event {
    case .connection(let event): return filter.takes(event.connection)
    case .fragments(let event):
      return (!filter.conditions.contains(.zone) || event.zone == filter.zone)
        && (!filter.conditions.contains(.protocol) || event.protocol == filter.protocol)
        && (!filter.conditions.contains(.family) || event.isIPv6 == filter.isIPv6)
    }
  }

  /// By time, but never one before another that its ring has first.
  private static func merged(_ queues: [ArraySlice<SegmentEvent>]) -> [SegmentEvent] {
    var queues = queues.filter { !$0.isEmpty }
    guard queues.count > 1 else { return queues.first.map(Array.init) ?? [] }
    var events: [SegmentEvent] = []
    func next(_ place: Int) -> UInt64 { queues[place].first?.at ?? .max }
    while let place = queues.indices.min(by: { next($0) < next($1) }) {
      events.append(queues[place].removeFirst())
      if queues[place].isEmpty { queues.remove(at: place) }
    }
    return events
  }
}

extension EventReader.Loss {
  /// As `lost` of `events.read` has it.
  public var json: JSON {
    .object([
      ("shard", .unsigned(UInt64(shard))), ("ring", .text(ring.word)), ("first", .unsigned(first)),
      ("last", .unsigned(last)),
    ])
  }

  /// Reads what `json` writes.
  public init(json: JSON) throws(MemberError) {
    let members = try Members(json, known: ["shard", "ring", "first", "last"])
    let word = try members.text("ring")
    guard let ring = EventReader.Ring.allCases.first(where: { $0.word == word }) else {
      throw members.error("ring", "is neither events nor fragments")
    }
    self.init(
      shard: try members.needed("shard"), ring: ring, first: try members.needed("first"),
      last: try members.needed("last"))
    guard first <= last else { throw members.error("last", "is before first") }
  }
}

extension EventMask {
  /// The kinds that workers write now, of any of them; nothing when the segment does not say.
  public init(writtenBy reader: SegmentReader) {
    guard let kind = reader.schema.kind(named: "events") else {
      self = []
      return
    }
    let bits = reader.records(of: kind).map { UInt32(truncatingIfNeeded: $0.number("mask") ?? 0) }
    self.init(rawValue: bits.reduce(0, |))
  }
}
