/// An association as netfilter sees it, and numbers it: one state for both directions (Linux 6.18).
public enum SCTPState: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case none
  case closed, cookieWait, cookieEchoed, established, shutdownSent, shutdownReceived, shutdownAckSent
  /// A path that a heartbeat opened: a second one of an association set up elsewhere.
  case heartbeatSent

  /// As `conntrack -L` writes it.
  public var name: String {
    switch self {
    case .none: "NONE"
    case .closed: "CLOSED"
    case .cookieWait: "COOKIE_WAIT"
    case .cookieEchoed: "COOKIE_ECHOED"
    case .established: "ESTABLISHED"
    case .shutdownSent: "SHUTDOWN_SENT"
    case .shutdownReceived: "SHUTDOWN_RECD"
    case .shutdownAckSent: "SHUTDOWN_ACK_SENT"
    case .heartbeatSent: "HEARTBEAT_SENT"
    }
  }

  /// What is armed in it; nothing is armed in `none`.
  @inlinable public var timeout: Timeout {
    switch self {
    case .none, .closed: .sctpClosed
    case .cookieWait: .sctpCookieWait
    case .cookieEchoed: .sctpCookieEchoed
    case .established: .sctpEstablished
    case .shutdownSent: .sctpShutdownSent
    case .shutdownReceived: .sctpShutdownReceived
    case .shutdownAckSent: .sctpShutdownAckSent
    case .heartbeatSent: .sctpHeartbeatSent
    }
  }

  /// The state after a chunk; `nil` when it fits no association here. `none` stays `none` for what opens nothing.
  public func after(_ chunk: SCTPChunkType?, _ direction: Direction) -> SCTPState? {
    switch (self, direction, chunk) {
    // Nobody answers before somebody spoke; on a second path only heartbeats are answered: RFC 9260 §8.3.
    case (.none, .reply, _): nil
    case (_, _, nil), (.heartbeatSent, .original, .heartbeat), (.heartbeatSent, .original, .heartbeatAck),
      (.heartbeatSent, .reply, .heartbeat):
      self
    case (.heartbeatSent, .reply, .heartbeatAck): .established
    case (.heartbeatSent, .reply, _): nil
    // The opener: §5.1; §8.3; §9.2 when only the end of an association is seen.
    case (.none, .original, .heartbeat): .heartbeatSent
    case (.none, .original, .shutdownAck), (.heartbeatSent, .original, .shutdownAck): .shutdownAckSent
    case (.heartbeatSent, .original, .initiation): .cookieWait
    case (.none, .original, _), (.heartbeatSent, .original, _): .closed
    // The four-way handshake: §5.1. Who opened may have moved: INITs cross (§5.2.1).
    case (.closed, .reply, .initiationAck): .cookieWait
    case (.cookieWait, _, .cookieEcho): .cookieEchoed
    case (.cookieEchoed, _, .cookieAck): .established
    case (.cookieEchoed, .reply, .error): .closed  // a stale cookie: §5.2.6
    // The end: §9.2, or at once: §9.1.
    case (.established, .original, .shutdown): .shutdownSent
    case (.established, .reply, .shutdown): .shutdownReceived
    case (.shutdownSent, _, .shutdownAck), (.shutdownReceived, _, .shutdownAck): .shutdownAckSent
    case (.shutdownAckSent, _, .shutdownComplete): .closed
    case (_, _, .abort): .closed
    // A new association while the old one ends.
    case (.shutdownSent, .original, .initiation), (.shutdownReceived, .original, .initiation): .closed
    default: self
    }
  }
}

/// The chunks that matter to an association's state (RFC 9260 §3.2).
public enum SCTPChunkType: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case initiation = 1
  case initiationAck = 2
  case heartbeat = 4
  case heartbeatAck = 5
  case abort = 6
  case shutdown = 7
  case shutdownAck = 8
  case error = 9
  case cookieEcho = 10
  case cookieAck = 11
  case shutdownComplete = 14
}
