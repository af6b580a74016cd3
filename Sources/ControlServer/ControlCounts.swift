public import ControlProtocol
internal import Synchronization

/// Why a connection ended.
public enum ControlClosing: String, CaseIterable, Sendable {
  /// The client closed it.
  case client
  /// A line was too long.
  case tooLarge
  /// A request took too long to come.
  case slowRequest
  /// Answers lay too long.
  case unread
  case idle
  /// The server stopped.
  case stopped
}

/// What a server has seen since it was made.
public struct ControlCounts: Equatable, Sendable {
  /// Connections served, now and before.
  public var accepted: UInt64 = 0
  /// Refused since too many were served.
  public var full: UInt64 = 0
  /// Refused for their credentials.
  public var strangers: UInt64 = 0
  /// Served now, or gone with a request still being answered.
  public var open: UInt64 = 0
  public var closed: [ControlClosing: UInt64] = [:]

  /// Requests and notifications that were well formed.
  public var requests: UInt64 = 0
  /// Of requests, notifications and connections, told or not: a notification's are not.
  public var errors: [ControlCode: UInt64] = [:]
  /// Times that a client came too fast and reading paused.
  public var pauses: UInt64 = 0
  public var bytesIn: UInt64 = 0
  /// Taken by the clients' kernel.
  public var bytesOut: UInt64 = 0

  public init() {}
}

final class Counter: Sendable {
  private struct State {
    var counts = ControlCounts()
    var listener: (@Sendable (ControlCounts) -> Void)?
  }

  private let state = Mutex(State())

  var counts: ControlCounts { state.withLock(\.counts) }

  /// - Parameter listener: called now and whenever something is counted.
  func tell(_ listener: @escaping @Sendable (ControlCounts) -> Void) {
    state.withLock { $0.listener = listener }
    count { _ in }
  }

  func count(_ change: (inout ControlCounts) -> Void) {
    state.withLock { state in
      change(&state.counts)
      state.listener?(state.counts)
    }
  }

  func count(_ code: ControlCode) { count { $0.errors[code, default: 0] += 1 } }
}
