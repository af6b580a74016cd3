internal import Glibc

/// What a filesystem has left.
enum FreeSpace {
  /// Bytes that the caller may still take where `path` lies, or will lie; `nil` when the filesystem does not say, as a
  /// hugetlbfs without a size does not.
  static func at(_ path: String) -> Int? {
    var (path, status) = (path, statvfs())
    while unsafe statvfs(path, &status) != 0 {
      guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
      path = String(path[..<slash])
    }
    return status.f_blocks == 0 ? nil : Int(clamping: status.f_bavail) * Int(status.f_frsize)
  }

  /// Bytes that a file holds; 0 when there is none.
  static func taken(by path: String) -> Int {
    var status = Glibc.stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
  }
}
