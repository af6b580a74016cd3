internal import Primitives

/// A timeout by netfilter's name for it. The raw value is its place in a `TimeoutTable` and in the settings' list.
public enum Timeout: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case tcpSynSent, tcpSynReceived, tcpEstablished, tcpFinWait, tcpCloseWait, tcpLastAck, tcpTimeWait, tcpClose
  case tcpSynSent2, tcpMaxRetransmissions, tcpUnacknowledged
  case udp, udpStream, udplite, udpliteStream
  case icmp, icmpv6
  case sctpClosed, sctpCookieWait, sctpCookieEchoed, sctpEstablished
  case sctpShutdownSent, sctpShutdownReceived, sctpShutdownAckSent, sctpHeartbeatSent
  case gre, greStream
  case generic

  /// netfilter's sysctl `net.netfilter.nf_conntrack_*`; udplite and SYN_SENT2 have none and are named alike.
  public var name: String {
    switch self {
    case .tcpSynSent: "tcp_timeout_syn_sent"
    case .tcpSynReceived: "tcp_timeout_syn_recv"
    case .tcpEstablished: "tcp_timeout_established"
    case .tcpFinWait: "tcp_timeout_fin_wait"
    case .tcpCloseWait: "tcp_timeout_close_wait"
    case .tcpLastAck: "tcp_timeout_last_ack"
    case .tcpTimeWait: "tcp_timeout_time_wait"
    case .tcpClose: "tcp_timeout_close"
    case .tcpSynSent2: "tcp_timeout_syn_sent2"
    case .tcpMaxRetransmissions: "tcp_timeout_max_retrans"
    case .tcpUnacknowledged: "tcp_timeout_unacknowledged"
    case .udp: "udp_timeout"
    case .udpStream: "udp_timeout_stream"
    case .udplite: "udplite_timeout"
    case .udpliteStream: "udplite_timeout_stream"
    case .icmp: "icmp_timeout"
    case .icmpv6: "icmpv6_timeout"
    case .sctpClosed: "sctp_timeout_closed"
    case .sctpCookieWait: "sctp_timeout_cookie_wait"
    case .sctpCookieEchoed: "sctp_timeout_cookie_echoed"
    case .sctpEstablished: "sctp_timeout_established"
    case .sctpShutdownSent: "sctp_timeout_shutdown_sent"
    case .sctpShutdownReceived: "sctp_timeout_shutdown_recd"
    case .sctpShutdownAckSent: "sctp_timeout_shutdown_ack_sent"
    case .sctpHeartbeatSent: "sctp_timeout_heartbeat_sent"
    case .gre: "gre_timeout"
    case .greStream: "gre_timeout_stream"
    case .generic: "generic_timeout"
    }
  }

  /// netfilter's default, in seconds.
  public var standard: UInt32 {
    switch self {
    case .tcpSynSent, .tcpSynSent2, .tcpFinWait, .tcpTimeWait: 120
    case .tcpSynReceived, .tcpCloseWait: 60
    case .tcpEstablished: 432_000
    case .tcpLastAck: 30
    case .tcpClose: 10
    case .tcpMaxRetransmissions, .tcpUnacknowledged: 300
    case .udp, .udplite: 30
    case .udpStream, .udpliteStream: 120
    case .icmp, .icmpv6: 30
    case .sctpClosed: 10
    case .sctpCookieWait, .sctpCookieEchoed: 3
    case .sctpEstablished: 210
    case .sctpShutdownSent, .sctpShutdownReceived, .sctpShutdownAckSent: 3
    case .sctpHeartbeatSent: 30
    case .gre: 30
    case .greStream: 180
    case .generic: 600
    }
  }

  /// The longest that can be set, in seconds: deadlines are milliseconds modulo 2^32.
  public static let longest: UInt32 = 2_000_000
}

/// All timeouts of one policy, in milliseconds. Owned by whoever made it; `Timeouts` lends it out.
@safe
public struct TimeoutTable: ~Copyable {
  private var milliseconds: FixedArray<UInt32>

  /// netfilter's defaults.
  public init() { milliseconds = FixedArray(Timeout.allCases.map { $0.standard * 1000 }) }

  /// - Parameter seconds: at most `Timeout.longest`.
  public mutating func set(_ timeout: Timeout, seconds: UInt32) {
    milliseconds[Int(timeout.rawValue)] = min(seconds, Timeout.longest) * 1000
  }

  /// Valid as long as the table.
  public var lent: Timeouts { unsafe Timeouts(milliseconds.buffer.baseAddress!) }
}

/// The timeouts of a policy, as trackers read them.
@safe
public struct Timeouts: BitwiseCopyable {
  @usableFromInline let milliseconds: UnsafePointer<UInt32>

  init(_ milliseconds: UnsafePointer<UInt32>) { unsafe self.milliseconds = milliseconds }

  /// In milliseconds.
  @inlinable public subscript(timeout: Timeout) -> UInt32 {
    @inline(__always) get { unsafe milliseconds[Int(timeout.rawValue)] }
  }
}

/// What trackers are told to do: netfilter's switches, by its names, and ours. One for each zone's policy.
public struct TrackingPolicy: BitwiseCopyable {
  public var timeouts: Timeouts
  /// `nf_conntrack_tcp_loose`: a connection may be picked up in the middle.
  public var tcpLoose = true
  /// `nf_conntrack_tcp_be_liberal`: segments outside the window are accepted, RSTs excepted.
  public var tcpLiberal = false
  /// `nf_conntrack_tcp_ignore_invalid_rst`: RSTs outside the window are not called invalid.
  public var tcpIgnoresInvalidReset = false
  /// `nf_conntrack_tcp_max_retrans`.
  public var tcpMaxRetransmissions: UInt8 = 3
  /// Only one direction may pass here: what depends on having seen the other is not held against a packet.
  public var isAsymmetric = false

  public init(timeouts: Timeouts) { self.timeouts = timeouts }

  init(_ choices: TrackingChoices, timeouts: Timeouts) {
    self.timeouts = timeouts
    tcpLoose = choices.tcpLoose
    tcpLiberal = choices.tcpLiberal
    tcpIgnoresInvalidReset = choices.tcpIgnoresInvalidReset
    tcpMaxRetransmissions = choices.tcpMaxRetransmissions
    isAsymmetric = choices.isAsymmetric
  }
}
