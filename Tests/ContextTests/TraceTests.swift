import Context
import Pipeline
import Rules
import TestSupport
import Testing

/// Steps of traced packets, told as `nft monitor trace` tells them.
struct TraceTests {
  private static let rules = """
    table inet f {
      chain c { type filter hook forward priority 0; policy drop; meta nftrace set 1; tcp dport 23 counter drop; }
    }
    """

  private func step(
    _ bench: KeeperBench, handle: UInt64, _ verdict: TraceStep.Verdict, _ datagram: Datagram, program: UInt32? = nil
  ) -> TracedStep {
    TracedStep(
      trace: 0x0100_0002, program: program ?? bench.keeper.setup.number, chain: 0, handle: handle, verdict: verdict,
      ingress: 0, egress: 1, frame: Array(datagram.frame().bytes.prefix(96)))
  }

  @Test func `a step names its packet, its rule and what that said`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.rules)
    let handle = try #require(
      UInt64(try bench.list(handles: true).firstMatch(of: /drop # handle (\d+)\n\t}/)?.1 ?? ""))
    let telnet = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").tcp(from: 4000, to: 23, flags: .syn)
    #expect(
      bench.keeper.lines(of: step(bench, handle: handle, .drop, telnet), isFirst: true) == [
        "trace id 01000002 inet f c packet: iif \"eth0\" oif \"eth1\" ip saddr 10.0.0.1 ip daddr 192.0.2.1 "
          + "tcp sport 4000 tcp dport 23",
        "trace id 01000002 inet f c rule tcp dport 23 counter drop (verdict drop)",
      ])
    let question = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::53").udp(from: 4000, to: 53)
    #expect(
      bench.keeper.lines(of: step(bench, handle: 0, .policyDrop, question), isFirst: true) == [
        "trace id 01000002 inet f c packet: iif \"eth0\" oif \"eth1\" ip6 saddr 2001:db8::1 ip6 daddr 2001:db8::53 "
          + "udp sport 4000 udp dport 53",
        "trace id 01000002 inet f c policy drop",
      ])
  }

  /// A step that was told under rules that are gone says so rather than naming another rule.
  @Test func `rules that are gone are not guessed`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.rules)
    let packet = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").udp(from: 1, to: 2)
    let old = step(bench, handle: 4, .accept, packet, program: bench.keeper.setup.number &+ 7)
    #expect(
      bench.keeper.lines(of: old, isFirst: false) == [
        "trace id 01000002 of an earlier ruleset, chain #0 rule handle 4 (verdict accept)"
      ])
  }

  /// However short the bytes are.
  @Test func `a frame that was cut anywhere has its words`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.rules)
    let frame = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::53").udp(from: 4000, to: 53).frame().bytes
    for length in 0...frame.count {
      var step = step(bench, handle: 0, .policyDrop, .ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: 1, to: 2))
      step.frame = Array(frame.prefix(length))
      #expect(bench.keeper.lines(of: step, isFirst: true).count == 2)
    }
  }
}
