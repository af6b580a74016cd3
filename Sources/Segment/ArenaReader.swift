internal import CSegment
internal import Synchronization

/// Reads an arena (`Kind.isArena`) record by record, while its writer goes on without knowing.
public struct ArenaReader: Sendable {
  public let kind: Kind
  public let shard: Int
  private let segment: SegmentReader
  private let generation: Field

  /// - Parameter kind: one with `isArena`.
  public init(_ segment: SegmentReader, _ kind: Kind, shard: Int) {
    guard let generation = kind.field(of: .generation), kind.isArena else {
      preconditionFailure("\(kind.name) is no arena")
    }
    precondition((0..<kind.shards).contains(shard), "no such shard of \(kind.name)")
    self.segment = segment
    self.kind = kind
    self.shard = shard
    self.generation = generation
  }

  /// Which life of the record goes on; 0: none. Reads one cache line.
  public func generation(at index: Int) -> UInt32 {
    precondition((0..<kind.records).contains(index), "no such record of \(kind.name)")
    return segment.mapping.load32(start(of: index) + generation.offset)
  }

  /// A copy of the record, all of one life; `nil` when it is free, or changed hands in each of the attempts. Its
  /// counters may be a packet apart.
  public func record(at index: Int, attempts: Int = 8) -> Record? {
    for _ in 0..<attempts {
      let life = generation(at: index)
      guard life != 0 else { return nil }
      var words = [UInt64](repeating: 0, count: kind.stride / 8)
      segment.mapping.copy(from: start(of: index), to: &words)
      atomicMemoryFence(ordering: .acquiring)
      if generation(at: index) == life {
        return Record(schema: segment.schema, kind: kind, shard: shard, index: index, words: words)
      }
    }
    return nil
  }

  private func start(of index: Int) -> Int { kind.offset + shard * kind.shardStride + index * kind.stride }
}
