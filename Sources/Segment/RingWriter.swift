internal import CSegment
internal import Synchronization

/// The writing side of a ring: one shard of a kind whose records begin with their `entry` number. It never waits; the
/// oldest entry is written over.
@safe
public struct RingWriter<Entry: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
  private let entries: UnsafeMutablePointer<Entry>
  private let count: UInt64
  /// Entries so far, which is the number of the last one.
  public private(set) var written: UInt64 = 0

  /// - Parameter entries: zeroed memory, mapped for as long as the ring is written.
  @unsafe init(_ entries: UnsafeMutablePointer<Entry>, count: Int) {
    precondition(count > 0, "a ring needs room for an entry")
    unsafe self.entries = entries
    self.count = UInt64(count)
  }

  /// Writes the next entry; `fill` sets all of it but the number at its head. Readers take it when it is whole.
  public mutating func append(_ fill: (UnsafeMutablePointer<Entry>) -> Void) {
    let entry = unsafe entries + Int(written % count)
    let number = unsafe UnsafeMutableRawPointer(entry).assumingMemoryBound(to: Atomic<UInt64>.self)
    written &+= 1
    unsafe number.pointee.store(written | SEGMENT_UNFINISHED, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    unsafe fill(entry)
    unsafe number.pointee.store(written, ordering: .releasing)
  }
}
