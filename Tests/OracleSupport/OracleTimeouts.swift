/// The timeouts that the oracle gave the kernel: each has a value of its own, in netfilter's order, so that the
/// remaining time names the timer that is armed.
public enum OracleTimeouts {
  /// netfilter's name without the prefix `nf_conntrack_`, and seconds.
  public static let all: [(name: String, seconds: UInt32)] = [
    ("tcp_timeout_close", 10_000), ("tcp_timeout_last_ack", 10_100), ("tcp_timeout_syn_recv", 10_200),
    ("tcp_timeout_close_wait", 10_300), ("tcp_timeout_syn_sent", 10_400), ("tcp_timeout_fin_wait", 10_500),
    ("tcp_timeout_time_wait", 10_600), ("tcp_timeout_max_retrans", 10_700),
    ("tcp_timeout_unacknowledged", 10_800), ("udp_timeout", 11_000), ("udp_timeout_stream", 11_100),
    ("icmp_timeout", 11_200), ("icmpv6_timeout", 11_300), ("generic_timeout", 11_400), ("gre_timeout", 11_500),
    ("gre_timeout_stream", 11_600), ("sctp_timeout_closed", 12_000), ("sctp_timeout_cookie_wait", 12_100),
    ("sctp_timeout_cookie_echoed", 12_200), ("sctp_timeout_established", 12_300),
    ("sctp_timeout_shutdown_sent", 12_400), ("sctp_timeout_shutdown_recd", 12_500),
    ("sctp_timeout_shutdown_ack_sent", 12_600), ("sctp_timeout_heartbeat_sent", 12_700),
    ("tcp_timeout_established", 20_000),
  ]

  /// Timeouts of ours for which netfilter takes another's value, or has one that cannot be set.
  static let borrowed: [(name: String, seconds: UInt32)] = [
    ("tcp_timeout_syn_sent2", 120), ("udplite_timeout", 11_000), ("udplite_timeout_stream", 11_100),
  ]

  /// What a timeout, by the name that netfilter or we have for it, was set to; `nil`: it kept its default.
  public static func seconds(_ name: String) -> UInt32? { (all + borrowed).first { $0.name == name }?.seconds }

  /// The timer that has so many seconds left, `_timeout` left out, as the oracle names it.
  public static func name(ofRemaining seconds: UInt32) -> String {
    // SYN_SENT2's cannot be set in the kernel, where it was read within the first second.
    if 100...120 ~= seconds { return "119s" }
    // A policy's of the rules: right after the packet, and when the table is read, which was in the next second there.
    if 7717..<7777 ~= seconds { return "7776s" }
    let armed = all.first { $0.seconds - 60...$0.seconds ~= seconds }
    return armed?.name.replacing("_timeout", with: "") ?? "\(seconds)s"
  }
}
