/// What numbers of connections mean: netfilter's, which no forwarder has otherwise. A segment's schema says the same,
/// and who has no segment at hand reads and writes by these.
public enum ConnectionWords {
  public static let protocols = Enumeration(
    ForwarderSchema.Names.ipProtocol, "ip_protocol",
    values: [
      (1, "icmp"), (6, "tcp"), (17, "udp"), (33, "dccp"), (47, "gre"), (50, "esp"), (51, "ah"), (58, "icmpv6"),
      (132, "sctp"), (136, "udplite"),
    ])
  /// Bits.
  public static let status = Enumeration(
    ForwarderSchema.Names.connectionStatus, "ct_status",
    bits: [
      "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE",
      "DST_NAT_DONE", "DYING", "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD", "HW_OFFLOAD",
    ])
  public static let tcpStates = Enumeration(
    ForwarderSchema.Names.tcpState, "tcp_state",
    [
      "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
      "SYN_SENT2",
    ])
  /// Bits.
  public static let tcpFlags = Enumeration(
    ForwarderSchema.Names.tcpFlag, "tcp_flag",
    bits: [
      "WINDOW_SCALE", "SACK_PERM", "CLOSE_INIT", "BE_LIBERAL", "DATA_UNACKNOWLEDGED", "MAXACK_SET",
      "EXP_CHALLENGE_ACK", "SIMULTANEOUS_OPEN",
    ])
  public static let sctpStates = Enumeration(
    ForwarderSchema.Names.sctpState, "sctp_state",
    [
      "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
      "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
    ])
  public static let eventKinds = Enumeration(
    ForwarderSchema.Names.eventKind, "ct_event", values: [(1, "new"), (2, "update"), (3, "destroy")])
  public static let originators = Enumeration(
    ForwarderSchema.Names.eventOriginator, "originator", ["packet", "timeout", "early_drop", "request"])
  /// Bits.
  public static let changes = Enumeration(
    ForwarderSchema.Names.eventChange, "ct_change",
    bits: ["reply", "assured", "state", "timeout", "mark", "labels", "status", "counters"])
  /// The kinds of events: bit 0, 1, ... of a mask of them.
  public static let eventMask = Enumeration(
    ForwarderSchema.Names.eventMask, "event_kind", ["new", "update", "destroy", "refresh", "fragments"])

  /// What a state is called, of those protocols that have states; `nil` for the others.
  public static func state(_ state: UInt8, of protocol: UInt8) -> String? {
    states(of: `protocol`).map { $0.name(of: UInt64(state)) ?? "\(state)" }
  }

  public static func states(of protocol: UInt8) -> Enumeration? {
    switch `protocol` {
    case Connection.Number.tcp: tcpStates
    case Connection.Number.sctp: sctpStates
    default: nil
    }
  }
}

extension Enumeration {
  public func value(of name: String) -> UInt64? { values.first { $0.name == name }?.value }
}
