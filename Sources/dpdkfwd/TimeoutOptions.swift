import ArgumentParser

/// netfilter's timeouts, in seconds.
struct TimeoutOptions: ParsableArguments {
  @Option(name: .customLong("tcp-timeout-syn-sent"), help: seconds("TCP after a SYN. (default: 120)"))
  var tcpTimeoutSynSent: String?

  @Option(name: .customLong("tcp-timeout-syn-recv"), help: seconds("TCP after SYN and SYN ACK. (default: 60)"))
  var tcpTimeoutSynRecv: String?

  @Option(name: .customLong("tcp-timeout-established"), help: seconds("TCP while it is open. (default: 432000)"))
  var tcpTimeoutEstablished: String?

  @Option(name: .customLong("tcp-timeout-fin-wait"), help: seconds("TCP after one FIN. (default: 120)"))
  var tcpTimeoutFinWait: String?

  @Option(
    name: .customLong("tcp-timeout-close-wait"),
    help: seconds("TCP after the other side acknowledged it. (default: 60)"))
  var tcpTimeoutCloseWait: String?

  @Option(name: .customLong("tcp-timeout-last-ack"), help: seconds("TCP after both FINs. (default: 30)"))
  var tcpTimeoutLastAck: String?

  @Option(name: .customLong("tcp-timeout-time-wait"), help: seconds("TCP after both are acknowledged. (default: 120)"))
  var tcpTimeoutTimeWait: String?

  @Option(name: .customLong("tcp-timeout-close"), help: seconds("TCP after a RST. (default: 10)"))
  var tcpTimeoutClose: String?

  @Option(name: .customLong("tcp-timeout-syn-sent2"), help: seconds("TCP after SYNs that crossed. (default: 120)"))
  var tcpTimeoutSynSent2: String?

  @Option(
    name: .customLong("tcp-timeout-max-retrans"), help: seconds("TCP after too many retransmissions. (default: 300)"))
  var tcpTimeoutMaxRetrans: String?

  @Option(
    name: .customLong("tcp-timeout-unacknowledged"), help: seconds("TCP with data unacknowledged. (default: 300)"))
  var tcpTimeoutUnacknowledged: String?

  @Option(name: .customLong("udp-timeout"), help: seconds("UDP. (default: 30)"))
  var udpTimeout: String?

  @Option(name: .customLong("udp-timeout-stream"), help: seconds("UDP seen both ways for a while. (default: 120)"))
  var udpTimeoutStream: String?

  @Option(name: .customLong("udplite-timeout"), help: seconds("UDP-Lite. (default: 30)"))
  var udpliteTimeout: String?

  @Option(
    name: .customLong("udplite-timeout-stream"), help: seconds("UDP-Lite seen both ways for a while. (default: 120)"))
  var udpliteTimeoutStream: String?

  @Option(name: .customLong("icmp-timeout"), help: seconds("ICMP queries. (default: 30)"))
  var icmpTimeout: String?

  @Option(name: .customLong("icmpv6-timeout"), help: seconds("ICMPv6 queries. (default: 30)"))
  var icmpv6Timeout: String?

  @Option(name: .customLong("sctp-timeout-closed"), help: seconds("SCTP closed. (default: 10)"))
  var sctpTimeoutClosed: String?

  @Option(name: .customLong("sctp-timeout-cookie-wait"), help: seconds("SCTP after INIT. (default: 3)"))
  var sctpTimeoutCookieWait: String?

  @Option(name: .customLong("sctp-timeout-cookie-echoed"), help: seconds("SCTP after COOKIE ECHO. (default: 3)"))
  var sctpTimeoutCookieEchoed: String?

  @Option(name: .customLong("sctp-timeout-established"), help: seconds("SCTP while it is open. (default: 210)"))
  var sctpTimeoutEstablished: String?

  @Option(name: .customLong("sctp-timeout-shutdown-sent"), help: seconds("SCTP after SHUTDOWN. (default: 3)"))
  var sctpTimeoutShutdownSent: String?

  @Option(name: .customLong("sctp-timeout-shutdown-recd"), help: seconds("SCTP after SHUTDOWN came back. (default: 3)"))
  var sctpTimeoutShutdownRecd: String?

  @Option(name: .customLong("sctp-timeout-shutdown-ack-sent"), help: seconds("SCTP after SHUTDOWN ACK. (default: 3)"))
  var sctpTimeoutShutdownAckSent: String?

  @Option(
    name: .customLong("sctp-timeout-heartbeat-sent"),
    help: seconds("SCTP after a HEARTBEAT on another path. (default: 30)"))
  var sctpTimeoutHeartbeatSent: String?

  @Option(name: .customLong("gre-timeout"), help: seconds("GRE. (default: 30)"))
  var greTimeout: String?

  @Option(name: .customLong("gre-timeout-stream"), help: seconds("GRE seen both ways. (default: 180)"))
  var greTimeoutStream: String?

  @Option(name: .customLong("generic-timeout"), help: seconds("Any other protocol. (default: 600)"))
  var genericTimeout: String?

  var words: [(String, String?)] {
    [
      ("tcp-timeout-syn-sent", tcpTimeoutSynSent),
      ("tcp-timeout-syn-recv", tcpTimeoutSynRecv),
      ("tcp-timeout-established", tcpTimeoutEstablished),
      ("tcp-timeout-fin-wait", tcpTimeoutFinWait),
      ("tcp-timeout-close-wait", tcpTimeoutCloseWait),
      ("tcp-timeout-last-ack", tcpTimeoutLastAck),
      ("tcp-timeout-time-wait", tcpTimeoutTimeWait),
      ("tcp-timeout-close", tcpTimeoutClose),
      ("tcp-timeout-syn-sent2", tcpTimeoutSynSent2),
      ("tcp-timeout-max-retrans", tcpTimeoutMaxRetrans),
      ("tcp-timeout-unacknowledged", tcpTimeoutUnacknowledged),
      ("udp-timeout", udpTimeout),
      ("udp-timeout-stream", udpTimeoutStream),
      ("udplite-timeout", udpliteTimeout),
      ("udplite-timeout-stream", udpliteTimeoutStream),
      ("icmp-timeout", icmpTimeout),
      ("icmpv6-timeout", icmpv6Timeout),
      ("sctp-timeout-closed", sctpTimeoutClosed),
      ("sctp-timeout-cookie-wait", sctpTimeoutCookieWait),
      ("sctp-timeout-cookie-echoed", sctpTimeoutCookieEchoed),
      ("sctp-timeout-established", sctpTimeoutEstablished),
      ("sctp-timeout-shutdown-sent", sctpTimeoutShutdownSent),
      ("sctp-timeout-shutdown-recd", sctpTimeoutShutdownRecd),
      ("sctp-timeout-shutdown-ack-sent", sctpTimeoutShutdownAckSent),
      ("sctp-timeout-heartbeat-sent", sctpTimeoutHeartbeatSent),
      ("gre-timeout", greTimeout),
      ("gre-timeout-stream", greTimeoutStream),
      ("generic-timeout", genericTimeout),
    ]
  }
}

private func seconds(_ help: String) -> ArgumentHelp { ArgumentHelp("\(help)", valueName: "seconds") }
