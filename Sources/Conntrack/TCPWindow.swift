internal import CSegment

/// The windows of a connection while one segment is judged: the sides as its sender and its receiver.
///
/// The tests are those of Guido van Rooij's "Real stateful TCP packet filtering in IP Filter" (2000) as netfilter
/// widened them: a segment must touch the window that its receiver has opened, and acknowledge what was sent.
@usableFromInline struct TCPWindow: BitwiseCopyable {
  var sender: TCPSide
  var receiver: TCPSide

  enum Verdict: BitwiseCopyable, Equatable {
    /// Counts; both sides have learnt from it.
    case inside
    /// Not held against it, but nothing was learnt: liberal.
    case tolerated
    /// Passes without counting.
    case late
    /// Passes without counting; what it sent beyond the window is remembered, since it may be acknowledged.
    case overshot
    case outside(TrackingFault)

    /// Of other numbers than the ones that the connection goes by.
    var isForeign: Bool {
      switch self {
      case .inside, .tolerated, .overshot: false
      case .late, .outside: true
      }
    }
  }

  /// Acknowledgements this far behind are still taken, bytes (or the sender's largest window, if that is more).
  @inlinable static var oldestAcknowledgement: UInt32 { 66000 }

  /// Judges a segment and moves the windows; what the caller keeps of that is his matter.
  ///
  /// - Parameter state: of the connection before this segment.
  mutating func judge(
    _ segment: TCPSegment, _ frame: RawSpan, _ direction: Direction, kind: TCPSegment.Kind, state: TCPState,
    liberal: Bool, last: inout dpdkfwd_ct_tcp
  ) -> Verdict {
    let isSYN = segment.flags.contains(.syn)
    var (sequence, end) = (segment.sequence, segment.end)
    var acknowledgement = segment.acknowledgement
    var highest = acknowledgement  // with SACK
    if receiver.flags.contains(.selectiveAcknowledgement), segment.mayAcknowledgeSelectively(frame) {
      highest = segment.highestAcknowledgement(frame)
    }
    if sender.window == 0 {
      if isSYN {
        start(segment, frame, direction)
        if !segment.flags.contains(.ack) { return .inside }
      } else {
        pickUp(segment, highest)
      }
    } else if isSYN, end.isAfter(sender.end), state == .synSent || state == .synReceived {
      // Another attempt, with a higher number (RFC 9293 §3.4.3) and perhaps other options.
      start(segment, frame, direction)
      if direction == .reply, !segment.flags.contains(.ack) { return .inside }
    }
    let isBareReset = kind == .reset && acknowledgement == 0  // some set ACK in it all the same
    if !segment.flags.contains(.ack) || isBareReset { (acknowledgement, highest) = (receiver.end, receiver.end) }
    // A RST that answers a SYN has no number to go by (RFC 9293 §3.10.7.1).
    if kind == .reset, sequence == 0, state == .synSent { (sequence, end) = (sender.end, sender.end) }

    let oldest = receiver.end &- max(sender.window, Self.oldestAcknowledgement) &- 1
    let isTolerant = liberal || sender.flags.contains(.liberal)
    guard sequence.isBefore(sender.limit &+ 1) else {
      let excess = end &- sender.limit &+ 1
      if receiver.window != 0, end.isAfter(sender.end &- receiver.window &- 1), highest.isAfter(oldest),
        excess <= receiver.window, highest.isBefore(receiver.end &+ 1)
      {
        sender.end = end
        sender.flags.insert(.unacknowledged)
        return isTolerant ? .tolerated : .overshot
      }
      return isTolerant ? .tolerated : .outside(.tcpSequenceAbove)
    }
    guard highest.isBefore(receiver.end &+ 1) else {
      return isTolerant ? .tolerated : .outside(kind == .synAck ? .tcpSynAckNumber : .tcpAcknowledgementAbove)
    }
    if receiver.window != 0, !end.isAfter(sender.end &- receiver.window &- 1) { return isTolerant ? .tolerated : .late }
    if !highest.isAfter(oldest) { return isTolerant ? .tolerated : .late }

    let window = isSYN ? UInt32(segment.window) : UInt32(segment.window) << UInt32(sender.scale)
    sender.window = max(sender.window, window &+ (highest &- acknowledgement))
    if end.isAfter(sender.end) {
      sender.end = end
      sender.flags.insert(.unacknowledged)
    }
    if segment.flags.contains(.ack),
      !sender.flags.contains(.hasAcknowledged) || acknowledgement.isAfter(sender.acknowledged)
    {
      sender.acknowledged = acknowledgement
      sender.flags.insert(.hasAcknowledged)
    }
    if receiver.window != 0, end.isAfter(sender.limit) { receiver.window &+= end &- sender.limit }
    let limit = highest &+ window
    if limit.isAfter(receiver.limit &- 1) { receiver.limit = window == 0 ? limit &+ 1 : limit }
    if acknowledgement == receiver.end { receiver.flags.remove(.unacknowledged) }
    if kind == .ack {
      last.count(
        sequence: sequence, acknowledgement: acknowledgement, end: end, window: segment.window, direction: direction)
    }
    return .inside
  }

  /// The sender's first SYN or SYN ACK, or one that takes the place of an earlier.
  private mutating func start(_ segment: TCPSegment, _ frame: RawSpan, _ direction: Direction) {
    sender.end = segment.end
    sender.limit = segment.end
    sender.window = max(1, UInt32(segment.window))
    sender.take(segment.offer(frame))
    // Windows are scaled if both sides offer it: RFC 7323 §2.2.
    if direction == .reply, !sender.flags.intersection(receiver.flags).contains(.windowScale) {
      sender.scale = 0
      receiver.scale = 0
    }
  }

  /// The sender's history is not known: it begins with this segment.
  private mutating func pickUp(_ segment: TCPSegment, _ highest: UInt32) {
    sender.end = segment.end
    sender.window = max(1, UInt32(segment.window) << UInt32(sender.scale))
    sender.limit = segment.end &+ sender.window
    if receiver.window == 0 {
      receiver.end = highest
      receiver.limit = highest
    } else if highest == receiver.end &+ 1 {
      receiver.end = highest  // it answers a keep-alive, which stood one below
    }
  }
}

extension TCPSide {
  /// Without any options what an earlier SYN offered stays.
  mutating func take(_ offer: TCPSegment.Offer?) {
    guard let offer else { return }
    flags.formIntersection(.liberal)
    if offer.selectiveAcknowledgement { flags.insert(.selectiveAcknowledgement) }
    if offer.scale != nil { flags.insert(.windowScale) }
    scale = offer.scale ?? 0
  }
}

extension dpdkfwd_ct_tcp {
  /// Counts how often in a row the same segment came; as in netfilter the count wraps at 256.
  mutating func count(
    sequence: UInt32, acknowledgement: UInt32, end: UInt32, window: UInt16, direction: Direction
  ) {
    if lastDirection == direction, last_sequence == sequence, last_acknowledgement == acknowledgement,
      last_end == end, last_window == window
    {
      retransmissions &+= 1
    } else {
      lastDirection = direction
      last_sequence = sequence
      last_acknowledgement = acknowledgement
      last_end = end
      last_window = window
      retransmissions = 0
    }
  }
}
