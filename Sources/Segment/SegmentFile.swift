internal import Glibc

/// A segment's file in the making: it has its memory at once and its name only when it is complete.
struct SegmentFile: ~Copyable {
  let paths: SegmentPaths
  let mapping: Mapping
  let pageSize: Int
  let isHuge: Bool

  /// Allocates at least `size` bytes, zeroed and touched. What an earlier start left unfinished is removed.
  init(
    _ paths: SegmentPaths, size: Int, hugetlbfs: String?, bootID: BootID, access: borrowing Access
  ) throws(SegmentError) {
    Self.remove(paths.unfinished)
    do throws(SegmentError) {
      var path = paths.unfinished
      if let hugetlbfs {
        path = "\(hugetlbfs)/\(Self.hugePrefix)\(paths.prefix).\(bootID)"
        guard unsafe symlink(path, paths.unfinished) == 0 else { throw .last("symlink", paths.unfinished) }
      }
      let file = try Descriptor(open: path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
      let page = try file.sizes(path).page
      let whole = size.roundedUp(to: page)
      try Self.allocate(file, path, whole, sparing: paths.previous)
      try access.apply(to: file, path)
      mapping = try Mapping(file, path, size: whole, writable: true)
      unsafe memset(mapping.start, 0, whole)
      pageSize = page
      isHuge = hugetlbfs != nil
      self.paths = paths
    } catch {
      Self.remove(paths.unfinished)
      throw error
    }
  }

  /// A sparse file would be SIGBUS in a worker the day the filesystem fills. Where there is no room, the run before the
  /// last one makes some: it would have to go in a moment anyway.
  private static func allocate(
    _ file: borrowing Descriptor, _ path: String, _ size: Int, sparing previous: String
  ) throws(SegmentError) {
    var refusal = posix_fallocate(file.number, 0, off_t(size))
    if refusal == ENOSPC, unsafe access(previous, F_OK) == 0 {
      remove(previous)
      refusal = posix_fallocate(file.number, 0, off_t(size))
    }
    if refusal == ENOSPC { throw .noSpace(path: path, needed: size, free: FreeSpace.at(path)) }
    guard refusal == 0 else { throw .system("allocate \(size) bytes for", path: path, errno: refusal) }
  }

  /// Gives the file its name; the segment that had it becomes the previous one. A reader finds a whole segment at any
  /// moment.
  func publish() throws(SegmentError) {
    Self.remove(paths.previous)
    if unsafe link(paths.segment, paths.previous) != 0, errno != ENOENT { throw .last("link", paths.previous) }
    guard unsafe rename(paths.unfinished, paths.segment) == 0 else { throw .last("rename", paths.segment) }
  }

  private static let hugePrefix = "dpdkfwd."

  /// Removes a segment, and the hugetlbfs file it may be a link to.
  private static func remove(_ path: String) {
    var target = [UInt8](repeating: 0, count: 4096)
    let size = unsafe target.withUnsafeMutableBytes { unsafe readlink(path, $0.baseAddress!, $0.count) }
    if size > 0, size < target.count {
      let file = String(decoding: target.prefix(size), as: UTF8.self)
      if file.split(separator: "/").last?.hasPrefix(hugePrefix) == true { unsafe unlink(file) }
    }
    unsafe unlink(path)
  }

  /// Makes the folders of a prefix.
  static func makeFolders(_ paths: SegmentPaths, access: borrowing Access) throws(SegmentError) {
    if unsafe mkdir(paths.root, 0o755) == 0 { unsafe chmod(paths.root, 0o755) }
    if unsafe mkdir(paths.folder, 0o700) != 0, errno != EEXIST { throw .last("mkdir", paths.folder) }
    let folder = try Descriptor(open: paths.folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try access.apply(to: folder, paths.folder, folder: true)
  }
}

extension FixedWidthInteger {
  /// The least multiple of `unit` that is not below `self`.
  func roundedUp(to unit: Self) -> Self { (self + unit - 1) / unit * unit }
}
