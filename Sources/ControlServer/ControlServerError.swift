internal import Glibc

/// Why there is no server.
public enum ControlServerError: Error, Equatable, Sendable {
  /// Another process serves this prefix; its number where it could be asked.
  case living(path: String, pid: Int32?)
  /// Something that is no socket has the name of one.
  case notASocket(path: String)
  case noGroup(String)
  /// A call of the system failed, on which path and why.
  case system(_ call: String, _ path: String, _ cause: String)
  /// It was started before.
  case started

  /// What the last call of the C library failed with.
  static func last(_ call: String, _ path: String) -> ControlServerError {
    .system(call, path, unsafe String(cString: strerror(errno)))
  }
}

extension ControlServerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .living(let path, let pid?): "\(path) is served by process \(pid): each forwarder needs its own file prefix"
    case .living(let path, nil): "\(path) belongs to a running forwarder: each needs its own file prefix"
    case .notASocket(let path): "\(path) is no socket; it is in the way and is not removed"
    case .noGroup(let group): "there is no group '\(group)'"
    case .system(let call, let path, let cause): "cannot \(call) \(path): \(cause)"
    case .started: "a control server is started once"
    }
  }
}
