internal import Glibc

/// Why a segment could not be made or read.
public enum SegmentError: Error, Equatable, Sendable {
  /// There is no segment where one was looked for.
  case missing(path: String)
  case noPermission(path: String)
  /// The file is no segment, or not whole: what is wrong, and how many bytes into it.
  case damaged(path: String, at: Int, String)
  /// Written by a program whose layout this one does not read.
  case version(path: String, found: String, readable: String)
  /// The reader needs fields that the segment does not have.
  case fields(kind: String, missing: [String])
  /// Another forwarder owns the prefix.
  case owned(prefix: String, pid: Int?)
  /// A name, option or schema that cannot be used.
  case invalid(String)
  /// The filesystem cannot hold the segment: bytes that it needs, and that are free, if the filesystem says.
  case noSpace(path: String, needed: Int, free: Int?)
  /// The operating system refused.
  case system(String, path: String, errno: Int32)
}

extension SegmentError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let path): "no segment at \(path)"
    case .noPermission(let path): "no permission for \(path)"
    case .damaged(let path, let offset, let what): "\(path) is damaged: \(what) (byte \(offset))"
    case .version(let path, let found, let readable): "\(path) has layout \(found); this program reads \(readable)"
    case .fields(let kind, []): "the segment has no \(kind)"
    case .fields(let kind, let missing): "the segment's \(kind) have no \(missing.joined(separator: ", "))"
    case .owned(let prefix, let pid?): "file prefix \(prefix) is owned by the forwarder with process id \(pid)"
    case .owned(let prefix, nil): "file prefix \(prefix) is owned by another forwarder"
    case .noSpace(let path, let needed, let free):
      "\(path): there is no room for the segment, which needs \(mebibytes(needed))"
        + (free.map { " where \(mebibytes($0)) are free" } ?? "")
        + "; make the filesystem larger, track fewer connections (--connections), or use --segment-hugetlbfs"
    case .invalid(let what): what
    case .system(let call, let path, let errno): "\(call) \(path): \(unsafe String(cString: strerror(errno)))"
    }
  }

  private func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }

  /// The error the operating system just reported for `path`.
  static func last(_ call: String, _ path: String) -> SegmentError {
    switch errno {
    case ENOENT, ENOTDIR: .missing(path: path)
    case EACCES, EPERM: .noPermission(path: path)
    default: .system(call, path: path, errno: errno)
    }
  }
}
