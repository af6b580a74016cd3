internal import Glibc

/// Where the files of one file prefix lie.
public struct SegmentPaths: Sendable, Equatable {
  /// The folder of all prefixes.
  public static let defaultRoot = "/dev/shm/dpdkfwd"

  public let root: String
  public let prefix: String

  /// Fails with `.invalid` for a prefix that cannot name a folder or does not fit the header.
  public init(root: String = SegmentPaths.defaultRoot, prefix: String) throws(SegmentError) {
    let bytes = Array(prefix.utf8)
    guard (1...63).contains(bytes.count), !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0),
      bytes[0] != UInt8(ascii: ".")
    else { throw .invalid("file prefix '\(prefix)' must have 1 to 63 bytes, no '/', and not begin with '.'") }
    self.root = root
    self.prefix = prefix
  }

  public var folder: String { "\(root)/\(prefix)" }
  public var segment: String { "\(folder)/segment" }
  /// The run before.
  public var previous: String { "\(folder)/segment.previous" }
  public var lock: String { "\(folder)/lock" }
  /// A segment in the making.
  var unfinished: String { "\(folder)/segment.unfinished" }
}

/// How a segment is made.
public struct SegmentOptions: Sendable {
  public var root: String
  /// Of segment and lock; folders get `x` where this has `r`.
  public var mode: UInt32
  /// Name or number of the group that files and the prefix's folder belong to.
  public var group: String?
  /// Where a hugetlbfs is mounted, to keep the segment there.
  public var hugetlbfs: String?

  public init(
    root: String = SegmentPaths.defaultRoot, mode: UInt32 = 0o640, group: String? = nil, hugetlbfs: String? = nil
  ) {
    self.root = root
    self.mode = mode
    self.group = group
    self.hugetlbfs = hugetlbfs
  }
}

extension SegmentPaths {
  /// The names of the folders below `root`, sorted; fails with `.missing` when there is no root.
  public static func prefixes(root: String) throws(SegmentError) -> [String] {
    guard let folder = unsafe opendir(root) else { throw .last("open", root) }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
