internal import CSegment
internal import Glibc

/// Who owns a file prefix. The lock belongs to an open file, so the kernel gives it back whatever ends its owner; the
/// file says which process and which boot id took it.
struct OwnerLock: ~Copyable {
  private let file: Descriptor

  /// Takes the lock, or fails with `.owned`.
  init(_ paths: SegmentPaths, access: borrowing Access) throws(SegmentError) {
    let file = try Descriptor(open: paths.lock, O_RDWR | O_CREAT | O_NOFOLLOW)
    guard segment_lock(file.number) == 0 else {
      guard errno == EAGAIN || errno == EACCES else { throw .last("lock", paths.lock) }
      throw .owned(prefix: paths.prefix, pid: Self.owner(file)?.pid)
    }
    try access.apply(to: file, paths.lock)
    self.file = file
  }

  /// Says who took it: a line of fixed length, so that it is never seen half written over a longer one.
  func sign(pid: Int32, bootID: BootID) {
    let number = String(pid)
    let line = Array((String(repeating: " ", count: max(0, 10 - number.count)) + number + " \(bootID)\n").utf8)
    _ = unsafe line.withUnsafeBytes { unsafe pwrite(file.number, $0.baseAddress!, $0.count, 0) }
  }

  struct Owner: Equatable {
    var pid: Int
    var bootID: String
  }

  /// The living owner of a prefix, asked without taking the lock; `nil` when there is none.
  static func living(_ paths: SegmentPaths) throws(SegmentError) -> Owner? {
    let file: Descriptor
    do throws(SegmentError) {
      file = try Descriptor(open: paths.lock, O_RDONLY)
    } catch .missing {
      return nil
    }
    switch segment_is_locked(file.number) {
    case 0: return nil
    case 1: return owner(file) ?? Owner(pid: 0, bootID: "")
    default: throw .last("lock", paths.lock)
    }
  }

  private static func owner(_ file: borrowing Descriptor) -> Owner? {
    var line = [UInt8](repeating: 0, count: 64)
    let size = unsafe line.withUnsafeMutableBytes { unsafe pread(file.number, $0.baseAddress!, $0.count, 0) }
    let words = line.prefix(max(0, size)).split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    guard words.count == 2, let pid = Int(String(decoding: words[0], as: UTF8.self)) else { return nil }
    return Owner(pid: pid, bootID: String(decoding: words[1], as: UTF8.self))
  }
}

/// The random number of one start of the forwarder.
public struct BootID: Hashable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public static func random() -> BootID {
    var generator = SystemRandomNumberGenerator()
    return BootID(high: generator.next(), low: generator.next())
  }

  /// 32 hexadecimal digits.
  public var description: String {
    [high, low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

/// Mode and group of the files made.
struct Access: ~Copyable {
  let mode: UInt32
  let group: gid_t?

  init(_ options: SegmentOptions) throws(SegmentError) {
    mode = options.mode & 0o666 | 0o600
    guard let name = options.group else {
      group = nil
      return
    }
    if let entry = unsafe getgrnam(name) {
      group = unsafe entry.pointee.gr_gid
    } else if let number = gid_t(name) {
      group = number
    } else {
      throw .invalid("there is no group '\(name)'")
    }
  }

  /// Whoever may read the files may list the folder.
  var folderMode: UInt32 { 0o700 | (mode & 0o044) | (mode & 0o044) >> 2 }

  func apply(to file: borrowing Descriptor, _ path: String, folder: Bool = false) throws(SegmentError) {
    if let group, fchown(file.number, uid_t.max, group) != 0 { throw .last("chown", path) }
    if fchmod(file.number, folder ? folderMode : mode) != 0 { throw .last("chmod", path) }
  }
}
