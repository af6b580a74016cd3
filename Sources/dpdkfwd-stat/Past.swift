internal import Inspection
internal import Segment

/// The recent past out of the segment's rings, for sparklines: read once when it begins, then only what is new.
struct Past {
  /// The most values of each line.
  static let length = 120

  private struct Line {
    var ring: RingReader
    var last: Record?
    var values: [Double] = []

    /// What happened between two entries that follow each other, as a number; `nil`: nothing to be seen.
    let value: @Sendable (Record, Record) -> Double?

    init(_ segment: SegmentReader, _ kind: Kind, _ shard: Int, _ value: @escaping @Sendable (Record, Record) -> Double?)
    {
      ring = RingReader(segment, kind, shard: shard)
      let newest = ring.newest
      if newest > UInt64(Past.length) {
        ring = RingReader(segment, kind, shard: shard, from: max(ring.oldest, newest - UInt64(Past.length)))
      }
      self.value = value
    }

    mutating func catchUp() -> [ClosedRange<UInt64>] {
      var lost: [ClosedRange<UInt64>] = []
      for reading in ring.read() {
        switch reading {
        case .lost(let range): lost.append(range)
        case .entry(_, let record):
          if let last, let value = value(last, record) { values.append(value) }
          last = record
        }
      }
      values.removeFirst(max(0, values.count - Past.length))
      return lost
    }
  }

  private var lines: [String: [Line]] = [:]

  /// A segment without rings has no past.
  init(_ segment: SegmentReader) {
    let values: [String: @Sendable (Record, Record) -> Double?] = [
      "port_history": { Self.rate("rx_packets", $0, $1) },
      "lcore_history": { Self.busy($0, $1) },
      "mempool_history": { $1.number("in_use").map { Double($0) } },
    ]
    for (name, value) in values {
      guard let kind = segment.schema.kind(named: name), kind.isRing else { continue }
      lines[name] = (0..<kind.shards).map { Line(segment, kind, $0, value) }
    }
  }

  /// Reads what came; returns what was written over before it could be read, in words.
  mutating func catchUp() -> [String] {
    var words: [String] = []
    for name in lines.keys.sorted() {
      for shard in lines[name, default: []].indices {
        guard let lost = lines[name]?[shard].catchUp() else { continue }
        words += lost.map { "\(name) \(shard): entries \($0.lowerBound) to \($0.upperBound) are lost" }
      }
    }
    return words
  }

  /// Packets received by the second, by port.
  var ports: [[Double]] { lines["port_history", default: []].map(\.values) }
  /// Busy share, by lcore.
  var lcores: [[Double]] { lines["lcore_history", default: []].map(\.values) }
  /// Buffers in use, by pool.
  var pools: [[Double]] { lines["mempool_history", default: []].map(\.values) }
}

extension Past {
  /// By the second, between two entries of a ring; `nil` when it cannot be told.
  static func rate(_ field: String, _ old: Record, _ new: Record) -> Double? {
    guard let before = old.number(field), let after = new.number(field), after >= before,
      let from = old.number("monotonic"), let to = new.number("monotonic"), to > from
    else { return nil }
    return Double(after - before) * 1e9 / Double(to - from)
  }

  /// The share of the cycles between two entries that busy rounds took.
  static func busy(_ old: Record, _ new: Record) -> Double? {
    Figures.Lcore(new).busyShare(since: Figures.Lcore(old))
  }
}

/// Numbers as a row of blocks, the newest at the right.
func sparkline(_ values: [Double], width: Int, top: Double? = nil, blocks: [Character]) -> String {
  let shown = values.suffix(max(0, width))
  let top = top ?? shown.max() ?? 0
  return String(
    shown.map { value in
      guard top > 0, value > 0 else { return blocks[0] }
      return blocks[min(blocks.count - 1, 1 + Int(value / top * Double(blocks.count - 2)))]
    })
}
