public import CSegment

/// TCP connections as netfilter tracks them (`nf_conntrack_proto_tcp`, Linux 6.18), but for two things on purpose: in
/// FIN_WAIT another FIN of the side that sent the first is not the other side's, and a stale SYN ACK moves no window.
///
/// Functions over a connection's `state` and protocol bytes; the caller keeps the table, the counters and the clock.
/// Sequence numbers are the sender's; whoever rewrites them shows the acknowledgement as the other side will know it.
///
/// Under `TrackingPolicy.isAsymmetric` windows reject nothing, and as long as no answer was seen the connection goes by
/// what its opener shows: a SYN ACK may open it, an ACK after a SYN tells that the SYN ACK went by elsewhere, the
/// segment that establishes it or the next one assures it, and timeouts are those of the state: none is shorter because
/// data was not seen to be acknowledged.
public enum TCPTracker {
  /// A segment of no known connection. Accepted: `tcp` and `state` are those of the connection that it opens.
  ///
  /// - Parameter frame: holds the options, as far as they were received.
  public static func begin(
    _ segment: TCPSegment, _ frame: RawSpan, tcp: inout dpdkfwd_ct_tcp, state: inout UInt8, policy: TrackingPolicy
  ) -> Judgement {
    guard segment.isSensible else { return .invalid(.tcpFlags) }
    let kind = segment.kind
    let step = policy.isAsymmetric ? TCPState.none.afterUnanswered(kind) : TCPState.none.after(kind, .original)
    guard case .to(let opened) = step, opened != .established || policy.tcpLoose else {
      return .invalid(.tcpNoConnection)
    }
    var opener = TCPSide(end: segment.end, limit: segment.end, window: max(1, UInt32(segment.window)))
    var other = TCPSide()
    if opened == .established {
      // Picked up: what the SYNs offered is not known, so SACK and any scale are assumed.
      opener.limit &+= opener.window
      opener.flags = [.selectiveAcknowledgement, .liberal]
      other.flags = opener.flags
    } else {
      opener.take(segment.offer(frame))
    }
    tcp = dpdkfwd_ct_tcp()
    tcp[.original] = opener
    tcp[.reply] = other
    tcp.lastKind = .none
    state = TCPState.none.rawValue
    var context = Context(
      segment: segment, kind: kind, direction: .original, old: .none, next: opened, hasReply: false, isAssured: false,
      policy: policy)
    return context.judge(frame, &tcp, &state)
  }

  /// A segment of a known connection.
  ///
  /// - Parameters:
  ///   - hasReply: the connection had been seen in the reply direction before this segment.
  ///   - isAssured: it was assured before.
  @inline(never)
  public static func follow(
    _ segment: TCPSegment, _ frame: RawSpan, _ direction: Direction, tcp: inout dpdkfwd_ct_tcp, state: inout UInt8,
    hasReply: Bool, isAssured: Bool, policy: TrackingPolicy
  ) -> Judgement {
    guard segment.isSensible else { return .invalid(.tcpFlags) }
    let old = TCPState(rawValue: state) ?? .none
    var context = Context(
      segment: segment, kind: segment.kind, direction: direction, old: old, next: old, hasReply: hasReply,
      isAssured: isAssured, policy: policy)
    let isUnanswered = context.isOneSided && direction == .original
    switch isUnanswered ? old.afterUnanswered(context.kind) : old.after(context.kind, direction) {
    case .invalid: return .invalid(.tcpTransition)
    case .ignored: return context.ignore(frame, &tcp, &state)
    case .reopens: return isUnanswered || context.isOver(tcp) ? .restart : context.ignore(frame, &tcp, &state)
    case .to(let next):
      context.next = next
      return context.proceed(frame, &tcp, &state)
    }
  }
}

extension TCPTracker {
  /// One segment on its way through a connection.
  struct Context: BitwiseCopyable {
    let segment: TCPSegment
    let kind: TCPSegment.Kind
    let direction: Direction
    /// The state before, and after if the segment is accepted.
    var old: TCPState
    var next: TCPState
    let hasReply: Bool
    let isAssured: Bool
    let policy: TrackingPolicy

    /// Only the opener's direction has been seen, and more may not come.
    var isOneSided: Bool { policy.isAsymmetric && !hasReply }
  }
}

extension TCPTracker.Context {
  /// What a state and a kind alone do not tell.
  mutating func proceed(_ frame: RawSpan, _ tcp: inout dpdkfwd_ct_tcp, _ state: inout UInt8) -> Judgement {
    switch (kind, next) {
    case (.reset, .close): return reset(frame, &tcp, &state)
    case (.fin, .lastAck) where old == .finWait && tcp[direction].flags.contains(.closedFirst):
      next = .finWait
    case (.ack, .timeWait)
    where old == .lastAck && tcp.lastKind == .syn && tcp.lastDirection != direction
      && tcp.lastFlags.contains(.expectsChallenge):
      // It answers a SYN that was ignored, not the last FIN (RFC 5961 §4).
      tcp.lastFlags.remove(.expectsChallenge)
      return .pass
    case (_, .synSent2): tcp.lastFlags.insert(.simultaneousOpen)
    case (.ack, .synReceived) where direction == .reply && tcp.lastFlags.contains(.simultaneousOpen):
      next = .established
    default: break
    }
    return judge(frame, &tcp, &state)
  }

  // MARK: Connections that begin again

  /// Both ends, or the side that now sends a SYN, are known to have done with the connection. (RFC 9293 §3.6.1 lets a
  /// SYN out of TIME_WAIT only with a higher number; who is in the middle need not be stricter than the ends.)
  func isOver(_ tcp: dpdkfwd_ct_tcp) -> Bool {
    tcp[.original].flags.union(tcp[.reply].flags).contains(.closedFirst)
      || (tcp.lastKind == .reset && tcp.lastDirection == direction)
  }

  /// Lets a segment pass that may show that the ends know better: a SYN on a live connection, its answer, a challenge.
  mutating func ignore(_ frame: RawSpan, _ tcp: inout dpdkfwd_ct_tcp, _ state: inout UInt8) -> Judgement {
    if kind == .synAck, tcp.lastKind == .syn, tcp.lastDirection != direction,
      segment.acknowledgement == tcp.last_end
    {
      // The SYN that was ignored was in earnest: the ends are in step, and we take up what it offered.
      var opener = tcp[tcp.lastDirection]
      (opener.end, opener.limit) = (tcp.last_end, tcp.last_end)
      opener.window = max(1, UInt32(tcp.last_window))
      opener.scale = tcp.offeredScale
      tcp.lastFlags.remove(.expectsChallenge)
      opener.flags = tcp.lastFlags
      tcp[tcp.lastDirection] = opener
      tcp[direction] = TCPSide(flags: tcp[direction].flags.intersection(.liberal))
      next = .synReceived
      return judge(frame, &tcp, &state, countsAs: .synSent)
    }
    tcp.lastKind = kind
    tcp.lastDirection = direction
    tcp.last_sequence = segment.sequence
    tcp.last_end = segment.end
    tcp.last_window = segment.window
    if kind == .syn, direction == .original {
      var offering = TCPSide()
      offering.take(segment.offer(frame))
      tcp.offeredScale = offering.scale
      tcp.lastFlags = offering.flags
      if old == .lastAck { tcp.lastFlags.insert(.expectsChallenge) }
    }
    if kind == .ack, direction == .reply, old == .synSent { tcp.last_acknowledgement = segment.acknowledgement }
    return .pass
  }

  // MARK: Resets

  /// A RST ends a live connection only at the exact next number; within the window it may be a blind guess, to which
  /// the receiver answers with a challenge (RFC 5961 §3).
  mutating func reset(_ frame: RawSpan, _ tcp: inout dpdkfwd_ct_tcp, _ state: inout UInt8) -> Judgement {
    // The ends may be further than we are.
    if old.isClosing { return settle(&tcp, &state) }
    let other = tcp[direction.other]
    if other.flags.contains(.hasAcknowledged), tcp.lastKind != .syn {
      let isLive = old == .established && isAssured
      if segment.sequence != 0 || isLive {
        if segment.sequence.isBefore(other.acknowledged), !policy.tcpIgnoresInvalidReset { return .invalid(.tcpReset) }
        let follows =
          tcp.lastKind == .ack && tcp.lastDirection == direction && segment.sequence == tcp.last_end
        if isLive, segment.sequence != other.acknowledged, !follows { next = old }
      }
      if next == .close { return judge(frame, &tcp, &state) }
    }
    // It answers a segment that we ignored, whose numbers our windows do not know.
    let answersIgnored =
      hasReply && tcp.lastKind == .syn && tcp.lastDirection != direction || !isAssured && tcp.lastKind == .ack
    if answersIgnored, segment.acknowledgement == tcp.last_end { return settle(&tcp, &state) }
    if old == .synSent, tcp.lastKind == .ack, tcp.lastDirection == .reply,
      segment.sequence == tcp.last_acknowledgement
    {
      return settle(&tcp, &state)
    }
    return judge(frame, &tcp, &state)
  }

  // MARK: The window, and what follows from it

  /// - Parameter countsAs: the state before, if not the one that the windows go by.
  mutating func judge(
    _ frame: RawSpan, _ tcp: inout dpdkfwd_ct_tcp, _ state: inout UInt8, countsAs: TCPState? = nil
  ) -> Judgement {
    var window = TCPWindow(sender: tcp[direction], receiver: tcp[direction.other])
    let verdict = window.judge(
      segment, frame, direction, kind: kind, state: old, liberal: policy.tcpLiberal || policy.isAsymmetric, last: &tcp)
    // Even a segment that is refused can be the first that is known of its side, as in Linux; but a stale SYN ACK would
    // put the right one outside.
    if kind != .synAck || !verdict.isForeign {
      tcp[direction] = window.sender
      tcp[direction.other] = window.receiver
    }
    switch verdict {
    case .inside, .tolerated:
      if let countsAs { old = countsAs }
      return settle(&tcp, &state)
    case .overshot, .late: return .pass
    case .outside(let fault): return refuse(fault, &tcp)
    }
  }

  /// Invalid by its numbers. When both sides part in this way we are the ones who are out of step: the connection is
  /// not kept for days.
  func refuse(_ fault: TrackingFault, _ tcp: inout dpdkfwd_ct_tcp) -> Judgement {
    guard isAssured, kind == .fin || kind == .reset else { return .invalid(fault) }
    if tcp.lastDirection != direction, tcp.lastKind == .fin || tcp.lastKind == .reset {
      return Judgement(.invalid, .tcpUnacknowledged, fault: fault)
    }
    tcp.lastKind = kind
    tcp.lastDirection = direction
    return .invalid(fault)
  }

  /// The segment counts: the state moves, and a timeout is armed.
  func settle(_ tcp: inout dpdkfwd_ct_tcp, _ state: inout UInt8) -> Judgement {
    tcp.lastKind = kind
    tcp.lastDirection = direction
    state = next.rawValue
    if next == .finWait, old != .finWait { tcp[direction].flags.insert(.closedFirst) }
    if isOneSided { return settleOneSided() }
    let flags = tcp[.original].flags.union(tcp[.reply].flags)
    let timeout = TCPTracker.armed(
      next, retransmissions: tcp.retransmissions, isReset: kind == .reset,
      isUnacknowledged: flags.contains(.unacknowledged), window: tcp.last_window, policy)
    if !hasReply {
      if kind == .reset { return .end }
      // A SYN sent again and again must not keep a connection that no one answers.
      if kind == .syn, old == .synSent { return .pass }
      let timeouts = policy.timeouts
      if next == .established, timeouts[timeout] > timeouts[.tcpUnacknowledged] { return .accept(.tcpUnacknowledged) }
      return .accept(timeout)
    }
    let assures = !isAssured && next == .established && (old == .synReceived || old == .established)
    return .accept(timeout, assures: assures)
  }

  private func settleOneSided() -> Judgement {
    if kind == .reset { return direction == .reply ? .end : .accept(.tcpClose) }
    if kind == .syn, old == .synSent { return .pass }
    return .accept(next.timeout, assures: !isAssured && next == .established && old != .none)
  }
}

extension TCPTracker {
  /// The timeout of the state, or a shorter one: after many retransmissions, with data that waits for acknowledgement,
  /// with a window of zero.
  @usableFromInline
  static func armed(
    _ state: TCPState, retransmissions: UInt8, isReset: Bool = false, isUnacknowledged: Bool, window: UInt16,
    _ policy: TrackingPolicy
  ) -> Timeout {
    let own = state.timeout
    let timeouts = policy.timeouts
    let hasRetransmitted = retransmissions >= policy.tcpMaxRetransmissions
    if hasRetransmitted, timeouts[own] > timeouts[.tcpMaxRetransmissions] { return .tcpMaxRetransmissions }
    if isReset { return .tcpClose }
    if isUnacknowledged, timeouts[own] > timeouts[.tcpUnacknowledged] { return .tcpUnacknowledged }
    if window == 0, timeouts[own] > timeouts[.tcpMaxRetransmissions] { return .tcpMaxRetransmissions }
    return own
  }
}
