internal import ControlProtocol
internal import Glibc
internal import Synchronization

/// The folder of a file prefix and the sockets in it, owned by one process at a time.
///
/// The owner holds a lock on the folder, which the kernel gives back whatever ends it; sockets found by the next owner
/// are leftovers. A socket gets its group and mode between bind and listen: until it listens, nobody can connect.
final class SocketFolder: Sendable {
  private let paths: ControlPaths
  private let options: ControlOptions
  private let group: gid_t?
  private let folder: Int32
  /// The paths at which there are sockets of ours.
  private let made = Mutex<[String]>([])

  enum Socket {
    case readWrite
    case readOnly
  }

  /// Takes the folder, or fails with `.living`.
  init(_ paths: ControlPaths, _ options: ControlOptions) throws(ControlServerError) {
    self.paths = paths
    self.options = options
    group = try options.group.map { name throws(ControlServerError) in try Self.group(name) }
    folder = try Self.taken(paths)
    // Everybody may pass through; what they find are the sockets, which have modes of their own. While they are made,
    // nobody else may move them away: chmod and chown go by name.
    if fchown(folder, geteuid(), gid_t.max) != 0 { throw .last("chown", paths.folder) }
    if fchmod(folder, 0o755) != 0 { throw .last("chmod", paths.folder) }
  }

  deinit { close(folder) }

  /// The folder, made if need be, and locked. One that its last owner removes meanwhile is made anew.
  private static func taken(_ paths: ControlPaths) throws(ControlServerError) -> Int32 {
    if unsafe mkdir(paths.root, 0o755) == 0 { unsafe chmod(paths.root, 0o755) }
    while true {
      let isNew = unsafe mkdir(paths.folder, 0o755) == 0
      guard isNew || errno == EEXIST else { throw .last("make", paths.folder) }
      let folder = unsafe open(paths.folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if folder < 0, errno == ENOENT { continue }
      guard folder >= 0 else { throw .last("open", paths.folder) }
      guard flock(folder, LOCK_EX | LOCK_NB) == 0 else {
        let isHeld = errno == EWOULDBLOCK
        let error = ControlServerError.last("lock", paths.folder)
        close(folder)
        throw isHeld ? .living(path: paths.folder, pid: UnixSocket.listener(at: paths.readWrite)) : error
      }
      var status = stat()
      if unsafe fstat(folder, &status) == 0, status.st_nlink > 0 { return folder }
      close(folder)
    }
  }

  private static func group(_ name: String) throws(ControlServerError) -> gid_t {
    guard let number = unsafe getgrnam(name)?.pointee.gr_gid ?? gid_t(name) else { throw .noGroup(name) }
    return number
  }

  /// A socket with its name, mode and owners, which does not listen yet. The caller closes it.
  func bind(_ socket: Socket) throws(ControlServerError) -> Int32 {
    let path = socket == .readWrite ? paths.readWrite : paths.readOnly
    try clear(path)
    let descriptor = try UnixSocket.bound(to: path)
    made.withLock { $0.append(path) }
    do throws(ControlServerError) {
      if socket == .readOnly, let group, unsafe lchown(path, uid_t.max, group) != 0 { throw .last("chown", path) }
      let mode = socket == .readWrite ? options.readWriteMode : options.readOnlyMode
      if unsafe chmod(path, mode) != 0 { throw .last("chmod", path) }
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Gives folder and sockets to the user whom they shall belong to, the folder last.
  func handOver() throws(ControlServerError) {
    guard let owner = options.owner else { return }
    for path in [paths.readWrite, paths.readOnly] where unsafe lchown(path, owner, gid_t.max) != 0 {
      throw .last("chown", path)
    }
    if fchown(folder, owner, gid_t.max) != 0 { throw .last("chown", paths.folder) }
  }

  /// Removes the socket that a dead owner left.
  private func clear(_ path: String) throws(ControlServerError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw .last("look at", path)
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
    // Nobody holds the folder; a process that answers here is no forwarder of this kind, and lives all the same.
    if let pid = UnixSocket.listener(at: path) { throw .living(path: path, pid: pid) }
    guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .last("remove", path) }
  }

  /// Removes the sockets that it made, and the folder where it may and nothing else is in it; returns what could not be
  /// done.
  func remove() -> [ControlServerError] {
    let failures = made.withLock { $0 }.compactMap { path -> ControlServerError? in
      unsafe unlink(path) == 0 || errno == ENOENT ? nil : .last("remove", path)
    }
    unsafe rmdir(paths.folder)
    return failures
  }
}

/// The few calls that NIO does not make for us.
enum UnixSocket {
  /// A stream socket bound to a path that is free.
  static func bound(to path: String) throws(ControlServerError) -> Int32 {
    let descriptor = unlinked()
    guard descriptor >= 0 else { throw .last("make a socket for", path) }
    guard unsafe withAddress(path, { unsafe bind(descriptor, $0, $1) }) == 0 else {
      let error = ControlServerError.last("bind", path)
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// The process that listens there; `nil` when nobody does. It sees a connection come and go.
  static func listener(at path: String) -> Int32? {
    let descriptor = unlinked(SOCK_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let isConnected = unsafe withAddress(path) { unsafe connect(descriptor, $0, $1) } == 0
    // A full queue is one that somebody has.
    guard isConnected || errno == EAGAIN else { return nil }
    var credentials = Credentials(pid: 0, uid: 0, gid: 0)
    var size = socklen_t(MemoryLayout<Credentials>.size)
    let isKnown = unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0
    return isConnected && isKnown ? credentials.pid : 0
  }

  private static func unlinked(_ flags: __socket_type = __socket_type(0)) -> Int32 {
    socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | flags.rawValue), 0)
  }

  /// Calls with the address of a path, whose length `ControlPaths` has checked.
  private static func withAddress(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      unsafe bytes.copyBytes(from: path.utf8.prefix(bytes.count - 1))
    }
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe call(address, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
