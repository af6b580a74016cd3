/// The state of a TCP connection as netfilter numbers and names it: one for both sides, guessed from what passes.
public enum TCPState: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case none, synSent, synReceived, established, finWait, closeWait, lastAck, timeWait, close
  /// Both sides sent a SYN: simultaneous open (RFC 9293 §3.5).
  case synSent2

  /// As `conntrack -L` prints it.
  public var name: String {
    switch self {
    case .none: "NONE"
    case .synSent: "SYN_SENT"
    case .synReceived: "SYN_RECV"
    case .established: "ESTABLISHED"
    case .finWait: "FIN_WAIT"
    case .closeWait: "CLOSE_WAIT"
    case .lastAck: "LAST_ACK"
    case .timeWait: "TIME_WAIT"
    case .close: "CLOSE"
    case .synSent2: "SYN_SENT2"
    }
  }

  /// What a packet arms that leaves the connection in this state, unless a shorter timeout has a reason.
  public var timeout: Timeout {
    switch self {
    case .none, .synSent: .tcpSynSent
    case .synReceived: .tcpSynReceived
    case .established: .tcpEstablished
    case .finWait: .tcpFinWait
    case .closeWait: .tcpCloseWait
    case .lastAck: .tcpLastAck
    case .timeWait: .tcpTimeWait
    case .close: .tcpClose
    case .synSent2: .tcpSynSent2
    }
  }

  /// A FIN or a RST was seen, so that the tuple may be in use for the next connection already.
  var isClosing: Bool {
    switch self {
    case .finWait, .closeWait, .lastAck, .timeWait, .close: true
    case .none, .synSent, .synReceived, .established, .synSent2: false
    }
  }
}

/// Where a segment leads, its numbers aside.
public enum TCPStep: BitwiseCopyable, Equatable, Sendable {
  case to(TCPState)
  /// Perhaps of a connection that has replaced the one we know: it passes, and its answer will tell.
  case ignored
  /// Opens the next connection between the two, if this one is known to be over; otherwise ignored.
  case reopens
  case invalid
}

extension TCPState {
  /// The step that a segment takes from here: netfilter's reading of RFC 9293 §3.3.2 for someone in the middle, who
  /// must not believe that what passed also arrived.
  public func after(_ kind: TCPSegment.Kind, _ direction: Direction) -> TCPStep {
    switch (kind, direction, self) {
    // The opener's SYN, perhaps resent: §3.5. On a live connection one of the three is out of step.
    case (.syn, .original, .none), (.syn, .original, .synSent): .to(.synSent)
    case (.syn, .original, .synSent2): .to(.synSent2)
    case (.syn, .original, .timeWait), (.syn, .original, .close): .reopens
    case (.syn, .original, _): .ignored
    // The other side's: simultaneous open, or in TIME_WAIT a new connection with the roles swapped.
    case (.syn, .reply, .synSent), (.syn, .reply, .synSent2): .to(.synSent2)
    case (.syn, .reply, .timeWait): .reopens

    case (.synAck, .reply, .synSent), (.synAck, .reply, .synSent2): .to(.synReceived)
    case (.synAck, .reply, .none): .invalid
    case (.synAck, .reply, _): .ignored
    // The opener sends one only when the open is simultaneous.
    case (.synAck, .original, .synSent2), (.synAck, .original, .synReceived): .to(.synReceived)

    // Closing: §3.6. After a first FIN the next is taken for the other side's.
    case (.fin, _, .synReceived), (.fin, _, .established): .to(.finWait)
    case (.fin, _, .finWait), (.fin, _, .closeWait), (.fin, _, .lastAck): .to(.lastAck)
    case (.fin, _, .timeWait): .to(.timeWait)
    case (.fin, _, .close): .to(.close)

    // A connection picked up in its middle.
    case (.ack, .original, .none): .to(.established)
    case (.ack, .original, .synReceived): .to(.established)
    case (.ack, .reply, .synReceived): .to(.synReceived)
    // The peer still knows an older connection: a challenge (RFC 5961 §4) to which the opener will answer.
    case (.ack, .reply, .synSent), (.ack, .reply, .synSent2): .ignored
    case (.ack, _, .established): .to(.established)
    case (.ack, _, .finWait), (.ack, _, .closeWait): .to(.closeWait)
    case (.ack, _, .lastAck), (.ack, _, .timeWait): .to(.timeWait)
    case (.ack, _, .close): .to(.close)

    case (.reset, _, .none): .invalid
    case (.reset, _, _): .to(.close)
    default: .invalid
    }
  }

  /// The same for the opener's segments while only that direction is seen (`TrackingPolicy.isAsymmetric`): what the
  /// other side must have answered in between is taken for granted.
  func afterUnanswered(_ kind: TCPSegment.Kind) -> TCPStep {
    switch (kind, self) {
    case (.synAck, .none): .to(.synReceived)
    case (.synAck, .established): .ignored
    case (.syn, _) where isClosing, (.synAck, _) where isClosing: .reopens
    case (.ack, .synSent): .to(.established)
    case (.fin, .synSent): .to(.finWait)
    default: after(kind, .original)
    }
  }
}
