import CSegment
import Conntrack
import TestSupport
import Wire

/// One TCP connection beside the tracker: what its table would keep of it, and what a packet's journey would say.
struct TCPLine {
  var policy: TrackingPolicy
  var tcp = dpdkfwd_ct_tcp()
  var state: UInt8 = 0
  var hasReply = false
  var isAssured = false
  /// What the last segment that moved the deadline armed.
  var armed: Timeout?
  var exists = false
  var judgement = Judgement.pass
  /// The last segment opened it, anew if need be: its direction is the original one.
  var hasOpened = false

  init(_ timeouts: Timeouts) { policy = TrackingPolicy(timeouts: timeouts) }

  var tcpState: TCPState { TCPState(rawValue: state)! }

  /// Shows the frame to the tracker as the journey does, and says netfilter's class of it (`new_o`, `est_r`, `inv`).
  mutating func send(_ frame: RawSpan, _ summary: Summary, _ direction: Direction) -> String {
    guard summary.fault == .none, summary.invalid == .none else {
      judgement = .invalid(.malformed)
      return "inv"
    }
    return send(TCPSegment(frame: frame, summary: summary), frame, direction)
  }

  mutating func send(_ segment: TCPSegment, _ frame: RawSpan, _ direction: Direction) -> String {
    hasOpened = false
    if !exists { return open(segment, frame) }
    judgement = TCPTracker.follow(
      segment, frame, direction, tcp: &tcp, state: &state, hasReply: hasReply, isAssured: isAssured, policy: policy)
    switch judgement.action {
    case .invalid:
      let timeouts = policy.timeouts
      if judgement.timeout != .generic, timeouts[armed!] > timeouts[judgement.timeout] { armed = judgement.timeout }
      return "inv"
    case .restart: return open(segment, frame)
    case .accept, .pass, .end: break
    }
    if direction == .reply { hasReply = true }
    if judgement.action == .accept {
      armed = judgement.timeout
      isAssured = isAssured || judgement.assures
    }
    if judgement.action == .end { exists = false }
    return direction == .reply ? "est_r" : hasReply ? "est_o" : "new_o"
  }

  private mutating func open(_ segment: TCPSegment, _ frame: RawSpan) -> String {
    (hasReply, isAssured, exists) = (false, false, false)
    judgement = TCPTracker.begin(segment, frame, tcp: &tcp, state: &state, policy: policy)
    guard judgement.action == .accept else { return "inv" }
    (exists, hasOpened) = (true, true)
    armed = judgement.timeout
    isAssured = judgement.assures
    return "new_o"
  }
}

extension TCPLine {
  /// Three segments that open it: client at 1000, server at 5000, windows of 8192.
  mutating func open(options: [UInt8] = []) {
    let steps: [(Header, Direction)] = [
      (Header(sequence: 1000, acknowledgement: 0, flags: 0x02, window: 8192, options: options), .original),
      (Header(sequence: 5000, acknowledgement: 1001, flags: 0x12, window: 8192, options: options), .reply),
      (Header(sequence: 1001, acknowledgement: 5001, flags: 0x10, window: 8192), .original),
    ]
    for (header, direction) in steps { _ = send(header, direction) }
  }

  mutating func send(_ header: Header, _ direction: Direction) -> String {
    var line = self
    var said = ""
    header.withFrame { said = line.send($0, $1, direction) }
    self = line
    return said
  }
}

extension dpdkfwd_ct_tcp {
  func isSame(as other: dpdkfwd_ct_tcp) -> Bool {
    original.isSame(as: other.original) && reply.isSame(as: other.reply) && last_sequence == other.last_sequence
      && last_acknowledgement == other.last_acknowledgement && last_end == other.last_end
      && last_window == other.last_window && flags_original == other.flags_original
      && flags_reply == other.flags_reply && scales == other.scales && last_segment == other.last_segment
      && last_flags == other.last_flags && retransmissions == other.retransmissions
  }
}

extension dpdkfwd_ct_tcp_side {
  func isSame(as other: dpdkfwd_ct_tcp_side) -> Bool {
    end == other.end && max_end == other.max_end && max_window == other.max_window && max_ack == other.max_ack
  }
}

/// A connection between a client, who opens it from 1000 on, and a server at 5000, with netfilter's timeouts.
final class TCPBench {
  private let timeouts: TimeoutTable
  var line: TCPLine

  init() {
    timeouts = TimeoutTable()
    line = TCPLine(timeouts.lent)
  }

  var state: TCPState? { line.exists ? line.tcpState : nil }

  /// - Parameter flags: letters as tcpdump writes them, `A` for ACK, `C` for CWR.
  @discardableResult
  func client(
    _ flags: String, _ sequence: UInt32, ack: UInt32 = 0, window: UInt16 = 8192, bytes: UInt32 = 0,
    options: [UInt8] = []
  ) -> Judgement {
    send(.original, flags, sequence, ack, window, bytes, options)
  }

  @discardableResult
  func server(
    _ flags: String, _ sequence: UInt32, ack: UInt32 = 0, window: UInt16 = 8192, bytes: UInt32 = 0,
    options: [UInt8] = []
  ) -> Judgement {
    send(.reply, flags, sequence, ack, window, bytes, options)
  }

  /// SYN, SYN ACK, ACK.
  func handshake(window: UInt16 = 8192, options: [UInt8] = []) {
    client("S", 1000, window: window, options: options)
    server("SA", 5000, ack: 1001, window: window, options: options)
    client("A", 1001, ack: 5001, window: window)
  }

  private func send(
    _ direction: Direction, _ flags: String, _ sequence: UInt32, _ ack: UInt32, _ window: UInt16, _ bytes: UInt32,
    _ options: [UInt8]
  ) -> Judgement {
    let header = Header(
      sequence: sequence, acknowledgement: ack, flags: tcpFlags(flags), window: window, options: options, payload: bytes
    )
    _ = line.send(header, direction)
    return line.judgement
  }
}

func tcpFlags(_ letters: String) -> UInt8 {
  letters.reduce(0) { $0 | 1 << UInt8(Array("FSRPAUEC").firstIndex(of: $1)!) }
}
