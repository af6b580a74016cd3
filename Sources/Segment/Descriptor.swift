internal import Glibc

/// An open file, closed when it goes.
struct Descriptor: ~Copyable {
  let number: Int32

  init(open path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SegmentError) {
    let number = unsafe open(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw .last("open", path) }
    self.number = number
  }

  deinit { close(number) }

  /// Length and page size, in bytes.
  func sizes(_ path: String) throws(SegmentError) -> (length: Int, page: Int) {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else { throw .last("stat", path) }
    return (Int(status.st_size), Int(status.st_blksize))
  }
}

/// A shared mapping of the first bytes of a file, which stays when the file is closed or loses its name.
@safe
struct Mapping: ~Copyable {
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
