internal import Synchronization

/// How many connections each source has, counted by all workers in one table without locks.
///
/// A source has a cell in the cache line that its hash names: 40 bits of the hash and a count of 24. A cell that counts
/// nothing is free for another. A line has eight cells and nothing beyond them: a ninth source finds no room, and is let
/// through uncounted.
///
/// No source ever has more than its limit. Workers that race for its last places may all be refused; nothing else is
/// refused early. When workers meet a new source at the same moment it may get two cells: their sum counts, and a
/// connection is given back where it was taken, so that no look along the line can see it go and not have seen it come.
/// Two sources of one line with the same 40 bits share a count: one pair of 10^12, and the hash's secret says which.
@safe
public struct SourceCounts: BitwiseCopyable, @unchecked Sendable {
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>
  private let lines: UInt64

  public enum Outcome: BitwiseCopyable, Equatable, Sendable {
    /// Counted: `give` it back with this place, 0 to 7, when the connection ends.
    case taken(place: UInt8)
    /// The source has as many as it may.
    case refused
    /// The line is full of other sources: let the connection pass, count that, and give nothing back.
    case noRoom
  }

  /// The most that a source can have; higher limits mean this one.
  public static let highestLimit: UInt32 = 1 << 24 - 1

  /// The memory for a number of sources at a time, 32 bytes each: one in 1000 then finds no room.
  public static func bytes(sources: Int) -> Int { (sources + 1) / 2 * 64 }

  /// - Parameters:
  ///   - memory: `bytes(sources:)` bytes, all zero, aligned to 64; the caller frees them after the last use.
  ///   - sources: at least 1.
  @unsafe public init(memory: UnsafeMutableRawPointer, sources: Int) {
    precondition(sources > 0)
    unsafe cells = memory.assumingMemoryBound(to: Atomic<UInt64>.self)
    lines = UInt64(SourceCounts.bytes(sources: sources) / 64)
  }

  /// One more connection of a source. One cache line and one locked instruction; tried again when another worker has
  /// changed the same cell at the same moment, at most 64 times (`noRoom` then).
  /// - Parameter hash: of the source, keyed.
  public func take(_ hash: UInt64, limit: UInt32) -> Outcome {
    let limit = min(limit, SourceCounts.highestLimit)
    for _ in 0..<64 {
      let seen = look(hash)
      if seen.count >= limit { return .refused }
      guard let place = seen.place else { return .noRoom }
      let counted = SourceCounts.tag(seen.word) == SourceCounts.tag(of: hash)
      let next = counted ? seen.word + 1 : SourceCounts.tag(of: hash) | 1
      guard
        unsafe cell(hash, place).pointee.compareExchange(
          expected: seen.word, desired: next, ordering: .sequentiallyConsistent
        ).exchanged
      else { continue }
      // What was counted before this is seen now: of those who went over the limit together, the last knows it.
      if look(hash).count <= limit { return .taken(place: place) }
      give(hash, place: place)
      return .refused
    }
    return .noRoom
  }

  /// One connection less of a source. One locked instruction: what is counted in a cell keeps it from others.
  /// - Parameter place: where it was taken.
  public func give(_ hash: UInt64, place: UInt8) {
    unsafe cell(hash, place).pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent)
  }

  /// The connections of a source.
  public func count(_ hash: UInt64) -> UInt32 { look(hash).count }

  /// What a line holds of a source: its connections, and the cell for the next: its own if it has one, else a free one.
  private struct Sight {
    var count: UInt32 = 0
    var place: UInt8?
    var word: UInt64 = 0
  }

  private func look(_ hash: UInt64) -> Sight {
    let tag = SourceCounts.tag(of: hash)
    var seen = Sight()
    var isOwn = false
    for place in 0..<8 as Range<UInt8> {
      let word = unsafe cell(hash, place).pointee.load(ordering: .sequentiallyConsistent)
      let count = UInt32(truncatingIfNeeded: word & 0xFF_FFFF)
      if SourceCounts.tag(word) == tag, count > 0 {
        if !isOwn { (seen.place, seen.word, isOwn) = (place, word, true) }
        seen.count += count
      } else if count == 0, seen.place == nil {
        (seen.place, seen.word) = (place, word)
      }
    }
    return seen
  }

  /// The line by the highest bits.
  private func cell(_ hash: UInt64, _ place: UInt8) -> UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe cells + Int(hash.multipliedFullWidth(by: lines).high) * 8 + Int(place)
  }
  /// The lowest 40 bits, where a cell has them.
  private static func tag(of hash: UInt64) -> UInt64 { hash << 24 }
  private static func tag(_ word: UInt64) -> UInt64 { word & ~0xFF_FFFF }
}
