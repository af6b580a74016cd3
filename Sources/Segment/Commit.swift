public import CSegment
public import Synchronization

/// Opens a commit of an lcore: readers wait, for a bounded time, until `endCommit`. In between the lcore stores its
/// record and its shards of the kinds that `lcores` guards.
@unsafe @inline(always)
public func beginCommit(_ record: UnsafeMutablePointer<dpdkfwd_lcore_record>) {
  let sequence = unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: Atomic<UInt64>.self)
  unsafe sequence.pointee.store(sequence.pointee.load(ordering: .relaxed) | 1, ordering: .relaxed)
  atomicMemoryFence(ordering: .releasing)
}

/// Closes the commit: what was stored since `beginCommit` belongs together.
@unsafe @inline(always)
public func endCommit(_ record: UnsafeMutablePointer<dpdkfwd_lcore_record>) {
  let sequence = unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: Atomic<UInt64>.self)
  unsafe sequence.pointee.store((sequence.pointee.load(ordering: .relaxed) | 1) &+ 1, ordering: .releasing)
}

/// The first cell of an array of 64-bit cells in a record, such as `\.stage_cycles`.
@unsafe
public func cells<Record, Cells>(
  of record: UnsafeMutablePointer<Record>, _ path: KeyPath<Record, Cells>
) -> UnsafeMutablePointer<UInt64> {
  guard let offset = MemoryLayout<Record>.offset(of: path) else {
    preconditionFailure("\(path) is not stored in \(Record.self)")
  }
  return unsafe (UnsafeMutableRawPointer(record) + offset).assumingMemoryBound(to: UInt64.self)
}

/// Writes text into a `char` array of a record: cut at a character to leave room for the zero at its end.
public func setText<Characters: BitwiseCopyable>(_ characters: inout Characters, _ text: String) {
  unsafe withUnsafeMutableBytes(of: &characters) { bytes in
    var end = 0
    for character in text {
      let encoded = character.utf8
      guard end + encoded.count < bytes.count else { break }
      for byte in encoded {
        unsafe bytes[end] = byte
        end += 1
      }
    }
    while end < bytes.count {
      unsafe bytes[end] = 0
      end += 1
    }
  }
}
