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
