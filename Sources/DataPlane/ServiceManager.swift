internal import Glibc
internal import Primitives

/// Tells a service manager how the process fares, by the protocol of sd_notify(3): datagrams of `NAME=value` lines to the
/// socket that the environment names. Without that name it is silent.
struct ServiceManager: Sendable {
  private let address: String?
  /// How often the manager wants to hear that the process lives; `nil`: never.
  let watchdog: Interval?

  init(environment: (String) -> String? = { name in unsafe getenv(name).map { unsafe String(cString: $0) } }) {
    address = environment("NOTIFY_SOCKET")
    let isOurs = environment("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
    watchdog = isOurs ? environment("WATCHDOG_USEC").flatMap(UInt64.init).map { .microseconds($0) } : nil
  }

  /// Sends one message; what goes wrong is not ours to mend, and a manager that does not listen is not waited for.
  func tell(_ message: String) {
    guard let address, address.hasPrefix("/") || address.hasPrefix("@") else { return }
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    // A name behind '@' is an abstract one: its first byte is zero.
    let path = address.hasPrefix("@") ? [0] + Array(address.utf8.dropFirst()) : Array(address.utf8)
    let room = MemoryLayout.size(ofValue: target.sun_path)
    guard path.count < room else { return }
    unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 0, tv_usec: 100_000)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let bytes = Array(message.utf8)
    unsafe withUnsafePointer(to: &target) { target in
      unsafe target.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
        _ = unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), target, length)
      }
    }
  }
}
