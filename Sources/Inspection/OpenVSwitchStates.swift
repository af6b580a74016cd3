internal import CSegment
public import Segment

/// The states of one end of a TCP connection, as Open vSwitch's tracker names and orders them.
public enum OpenVSwitchState: Int, CaseIterable, Comparable, Sendable {
  case closed, listen, synSent, synReceived, established, closeWait, finWait1, closing, lastAck, finWait2, timeWait

  public var name: String {
    switch self {
    case .closed: "CLOSED"
    case .listen: "LISTEN"
    case .synSent: "SYN_SENT"
    case .synReceived: "SYN_RECV"
    case .established: "ESTABLISHED"
    case .closeWait: "CLOSE_WAIT"
    case .finWait1: "FIN_WAIT_1"
    case .closing: "CLOSING"
    case .lastAck: "LAST_ACK"
    case .finWait2: "FIN_WAIT_2"
    case .timeWait: "TIME_WAIT"
    }
  }

  public static func < (a: OpenVSwitchState, b: OpenVSwitchState) -> Bool { a.rawValue < b.rawValue }
}

extension Connection {
  /// What Open vSwitch would call the state of either end. It keeps one for each: where the other side stands in hearing
  /// of this one's SYN (SYN_SENT, ESTABLISHED) and FIN (CLOSING, FIN_WAIT_2). We keep netfilter's single state, from
  /// which these follow, and who sent the first FIN.
  public var openVSwitchStates: (original: OpenVSwitchState, reply: OpenVSwitchState) {
    /// CLOSE_INIT of the reply side.
    let replyClosed = details.flags_reply & 1 << 2 != 0
    func closing(_ first: OpenVSwitchState, _ other: OpenVSwitchState) -> (OpenVSwitchState, OpenVSwitchState) {
      replyClosed ? (other, first) : (first, other)
    }
    return switch ConnectionWords.tcpStates.name(of: UInt64(state)) {
    case "SYN_SENT": (.synSent, .closed)
    case "SYN_SENT2": (.synSent, .synSent)
    case "SYN_RECV": (.established, .synSent)
    case "ESTABLISHED": (.established, .established)
    case "FIN_WAIT": closing(.closing, .established)
    case "CLOSE_WAIT": closing(.finWait2, .established)
    case "LAST_ACK": closing(.finWait2, .closing)
    case "TIME_WAIT": (.finWait2, .finWait2)
    case "CLOSE": (.timeWait, .timeWait)
    default: (.closed, .closed)
    }
  }

  /// The one state that Open vSwitch prints where it has no room for two: the one further on, and TIME_WAIT for an end
  /// whose FIN is acknowledged.
  public var openVSwitchState: OpenVSwitchState {
    let (original, reply) = openVSwitchStates
    let further = max(original, reply)
    return further == .finWait2 ? .timeWait : further
  }
}
