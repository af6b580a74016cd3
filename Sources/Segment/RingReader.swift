internal import CSegment
internal import Synchronization

/// The reading side of a ring: every entry once and in order, and of those that were written over before they were read
/// the exact numbers. It never waits for the writer, and the writer never for it.
public struct RingReader: Sendable {
  public enum Reading: Sendable {
    case entry(UInt64, Record)
    /// Written over before they were read.
    case lost(ClosedRange<UInt64>)

    public var entry: Record? { if case .entry(_, let record) = self { record } else { nil } }
  }

  public let kind: Kind
  public let shard: Int
  /// The number of the entry that is read next.
  public private(set) var next: UInt64
  private let segment: SegmentReader
  private let head: Int

  /// - Parameters:
  ///   - kind: one with `isRing`.
  ///   - first: the entry to begin with; `nil`: the oldest that is there.
  public init(_ segment: SegmentReader, _ kind: Kind, shard: Int, from first: UInt64? = nil) {
    guard let number = kind.field(of: .entry) else { preconditionFailure("\(kind.name) is no ring") }
    precondition((0..<kind.shards).contains(shard), "no such shard of \(kind.name)")
    self.segment = segment
    self.kind = kind
    self.shard = shard
    head = number.offset
    next = 1
    next = max(1, first ?? oldest)
  }

  /// One that begins with what is written from now on.
  public init(fromNewest segment: SegmentReader, _ kind: Kind, shard: Int) {
    self.init(segment, kind, shard: shard, from: 1)
    next = newest + 1
  }

  /// The highest number given so far; its entry may still be in the writing. Zero when there is none. A few looks.
  public var newest: UInt64 { Self.newest(of: kind.records) { number(at: $0) & ~SEGMENT_UNFINISHED } }

  /// The highest of the numbers in a ring's places. Those of one lap lie from the first place on, those of the lap before
  /// behind them, so halving finds where the one ends.
  ///
  /// - Complexity: O(log places), unless the first place is damaged.
  static func newest(of places: Int, _ number: (Int) -> UInt64) -> UInt64 {
    guard places > 0 else { return 0 }
    let first = number(0)
    guard first > 0 else { return 0 }
    guard (first - 1) % UInt64(places) == 0 else {
      // A number in the place of another is damage, not news.
      return (1..<places).map { ($0, number($0)) }
        .filter { place, number in number > 0 && (number - 1) % UInt64(places) == UInt64(place) }.map(\.1).max() ?? 0
    }
    var (last, next) = (0, places)
    while next - last > 1 {
      let middle = last + (next - last) / 2
      if number(middle) >= first + UInt64(middle) { last = middle } else { next = middle }
    }
    return first + UInt64(last)
  }

  /// The lowest number whose entry is still there.
  public var oldest: UInt64 {
    let (newest, room) = (newest, UInt64(kind.records))
    return newest > room ? newest - room + 1 : 1
  }

  /// What came since the last reading, in order, at most `limit` entries or else a ring's worth. Ends at an
  /// entry that is not there or not whole yet.
  public mutating func read(atMost limit: Int? = nil) -> [Reading] {
    guard kind.records > 0 else { return [] }
    var readings: [Reading] = []
    var room = limit ?? kind.records
    var overruns: UInt64 = 0
    while room > 0 {
      switch look() {
      case .pending: return readings
      case .whole(let record):
        readings.append(.entry(next, record))
        next += 1
        room -= 1
        overruns = 0
      case .overwritten:
        // A writer that overtakes us again and again gets a head start that grows, up to the whole ring.
        let ring = UInt64(kind.records)
        let until = max(next + 1, oldest + min(ring, overruns * (ring / 8 + 1)))
        if case .lost(let range)? = readings.last {
          readings[readings.count - 1] = .lost(range.lowerBound...until - 1)
        } else {
          readings.append(.lost(next...until - 1))
        }
        next = until
        overruns += 1
      }
    }
    return readings
  }

  private enum Look {
    case pending, overwritten
    case whole(Record)
  }

  /// One try at the next entry.
  private func look() -> Look {
    let place = Int((next - 1) % UInt64(kind.records))
    let before = number(at: place)
    if before & ~SEGMENT_UNFINISHED > next { return .overwritten }
    guard before == next else { return .pending }
    var words = [UInt64](repeating: 0, count: kind.stride / 8)
    segment.mapping.copy(from: start(of: place), to: &words)
    atomicMemoryFence(ordering: .acquiring)
    guard number(at: place) == before else { return .overwritten }
    return .whole(Record(schema: segment.schema, kind: kind, shard: shard, index: place, words: words))
  }

  private func start(of place: Int) -> Int { kind.offset + shard * kind.shardStride + place * kind.stride }
  private func number(at place: Int) -> UInt64 { segment.mapping.load(start(of: place) + head) }
}
