internal import CSegment
internal import Glibc
internal import Synchronization

/// A shared mapping of the first bytes of a file, which stays when the file is closed or loses its name.
@safe
struct Mapping: ~Copyable, @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  /// Bytes.
  let size: Int

  init(_ file: borrowing Descriptor, _ path: String, size: Int, writable: Bool) throws(SegmentError) {
    let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
    guard let start = unsafe mmap(nil, size, protection, MAP_SHARED, file.number, 0), unsafe start != MAP_FAILED else {
      throw .last("map", path)
    }
    unsafe self.start = start
    self.size = size
  }

  deinit { unsafe munmap(start, size) }
}

extension Mapping {
  /// One 64-bit load; the offset is known to lie inside.
  func load(_ offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset % 8 == 0 && offset <= size - 8)
    return unsafe (start + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
  }

  /// One 32-bit load.
  func load32(_ offset: Int) -> UInt32 {
    precondition(offset >= 0 && offset % 4 == 0 && offset <= size - 4)
    return unsafe (start + offset).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
  }

  /// Fills `words` from the mapping, each 64-bit word in one load.
  func copy(from offset: Int, to words: inout [UInt64]) {
    precondition(offset >= 0 && offset % 8 == 0 && words.count <= (size - offset) / 8)
    unsafe words.withUnsafeMutableBufferPointer { words in
      guard let target = words.baseAddress else { return }
      unsafe segment_copy(target, (start + offset).assumingMemoryBound(to: UInt64.self), words.count)
    }
  }

  func bytes(_ range: Range<Int>) -> [UInt8] {
    precondition(range.upperBound <= size)
    return unsafe Array(UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
  }
}
