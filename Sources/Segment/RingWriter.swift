public import CSegment
public import Synchronization

/// The writing side of a ring: one shard of a kind whose records begin with their `entry` number. It never waits; the
/// oldest entry is written over.
@safe
public struct RingWriter<Entry: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  @usableFromInline let count: UInt64
  @usableFromInline var number: UInt64 = 0

  /// Entries so far, which is the number of the last one.
  @inlinable public var written: UInt64 { number }

  /// - Parameter entries: zeroed memory, mapped for as long as the ring is written.
  @unsafe public init(_ entries: UnsafeMutablePointer<Entry>, count: Int) {
    precondition(count > 0, "a ring needs room for an entry")
    unsafe self.entries = entries
    self.count = UInt64(count)
  }

  /// Writes the next entry; `fill` sets all of it but the number at its head. Readers take it when it is whole.
  public mutating func append(_ fill: (UnsafeMutablePointer<Entry>) -> Void) {
    unsafe fill(begin())
    end()
  }

  /// The memory of the next entry, to be filled but for its head until `end`.
  @unsafe @inlinable @inline(__always)
  public mutating func begin() -> UnsafeMutablePointer<Entry> {
    let entry = unsafe entries + Int(number % count)
    let head = unsafe UnsafeMutableRawPointer(entry).assumingMemoryBound(to: Atomic<UInt64>.self)
    unsafe head.pointee.store((number &+ 1) | SEGMENT_UNFINISHED, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    return unsafe entry
  }

  /// The entry that was begun is whole.
  @inlinable @inline(__always)
  public mutating func end() {
    let entry = unsafe UnsafeMutableRawPointer(entries + Int(number % count))
    number &+= 1
    unsafe entry.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(number, ordering: .releasing)
  }
}
