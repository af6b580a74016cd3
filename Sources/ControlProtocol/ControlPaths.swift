/// Where the sockets of one file prefix lie.
public struct ControlPaths: Sendable, Equatable {
  /// The folder of all prefixes.
  public static let defaultRoot = "/run/dpdkfwd"
  /// Bytes of a socket's path: what `sun_path` holds before its final zero (unix(7)).
  static let longest = 107

  public let root: String
  public let prefix: String

  /// Fails for a prefix that cannot name a folder, by the rule that the segment's folder has, and for paths that a
  /// socket cannot have.
  public init(root: String = ControlPaths.defaultRoot, prefix: String) throws(ControlPathError) {
    let bytes = Array(prefix.utf8)
    guard (1...63).contains(bytes.count), !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0),
      bytes[0] != UInt8(ascii: ".")
    else { throw .prefix(prefix) }
    self.root = root
    self.prefix = prefix
    guard readOnly.utf8.count <= Self.longest, !root.utf8.contains(0) else { throw .path(readOnly) }
  }

  public var folder: String { "\(root)/\(prefix)" }
  /// For root and the forwarder's own user, who may change things.
  public var readWrite: String { "\(folder)/control" }
  /// For whoever the file's mode lets in.
  public var readOnly: String { "\(folder)/control-ro" }
}

/// Why there are no sockets for a prefix.
public enum ControlPathError: Error, Equatable, Sendable {
  case prefix(String)
  case path(String)
}

extension ControlPathError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .prefix(let prefix):
      "file prefix '\(prefix)' must have 1 to 63 bytes, no '/', and not begin with '.'"
    case .path(let path):
      "a socket's path has \(ControlPaths.longest) bytes at most and no zero byte, and '\(path)' has \(path.utf8.count)"
    }
  }
}
