import Primitives
import Ruleset
import TestSupport
import Testing

@testable import Context

@Suite struct `What the rules say of one packet` {
  static let text = """
    table inet f {
      set good { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
      chain web { tcp dport { 80, 443 } accept; }
      chain pre { type filter hook prerouting priority raw; iifname "eth1" notrack; }
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ct state invalid drop
        ip saddr @good jump web
        udp dport 53 counter accept
      }
    }
    """

  private func bench() throws -> KeeperBench {
    let bench = try KeeperBench()
    try bench.load(Self.text)
    return bench
  }

  @Test func `each rule on the way is told, with what of it does not hold, and the one that decides`() throws {
    let bench = try bench()
    let told = try bench.keeper.explain(
      "iif eth0 ip saddr 10.0.0.1 ip daddr 192.0.2.1 tcp sport 1000 dport 80 flags syn ct state new", at: bench.now)
    #expect(told.decision == "accept")
    #expect(told.decidedBy?.chain == "web")
    #expect(told.decidedBy?.rule == "tcp dport { 80, 443 } accept")
    let listed = try bench.list(handles: true)
    #expect(listed.contains("tcp dport { 80, 443 } accept # handle \(told.decidedBy?.handle ?? 0)\n"))
    let steps = told.steps.map { "\($0.chain): \($0.outcome)\($0.failed.map { " (\($0))" } ?? "")" }
    #expect(
      steps == [
        "pre: no match (iifname \"eth1\")", "pre: policy accept", "forward: no match (ct state established,related)",
        "forward: no match (ct state invalid)", "forward: jump web", "web: accept",
      ])
    #expect(told.description.hasSuffix("accept: by \(told.decidedBy!.place)\n"))
  }

  @Test func `a policy decides where no rule does`() throws {
    let told = try bench().keeper.explain("iif eth0 ip saddr 10.9.9.9 tcp dport 80", at: Instant(nanoseconds: 0))
    #expect(told.decision == "drop")
    #expect(told.decidedBy?.outcome == "policy drop")
    #expect(told.decidedBy?.chain == "forward")
  }

  @Test(arguments: [
    ("iif eth0 ip saddr 10.0.0.9 udp dport 53", "accept"), ("iif eth0 ip saddr 10.0.0.9 udp dport 54", "drop"),
    ("iif eth0 ip saddr 10.0.0.9 udp dport 54 ct state established", "accept"),
    ("iif eth1 ip saddr 10.0.0.9 udp dport 54 ct state established", "drop"),
    ("iif eth0 ip6 saddr fd00::9 udp dport 53", "accept"),
    ("iif eth0 ip6 saddr fd00::9 icmpv6 type echo-request", "drop"),
  ]) func `what a packet is decides`(words: String, decision: String) throws {
    #expect(try bench().keeper.explain(words, at: Instant(nanoseconds: 0)).decision == decision)
  }

  @Test func `a frame is explained as it is`() throws {
    let bench = try bench()
    let frame = KeeperBench.tcp(443).bytes
    let told = try bench.keeper.explain(frame: frame, "iif eth0 ct state new", at: bench.now)
    #expect(told.packet == "ipv4_tcp from eth0 to eth1")
    #expect(told.decidedBy?.chain == "web")
    #expect(throws: RuleFailure.self) {
      try bench.keeper.explain(frame: Array(frame.prefix(20)), "iif eth0", at: bench.now)
    }
  }

  /// It asks the rules as they stand, and changes nothing of them.
  @Test func `explaining counts nothing`() throws {
    let bench = try bench()
    let before = try bench.list()
    _ = try bench.keeper.explain("iif eth0 udp dport 53", at: bench.now)
    #expect(try bench.list() == before)
  }

  @Test(arguments: [
    "iif eth9", "ip saddr", "ip saddr 10.0.0.300", "tcp dport 70000", "tcp port 1", "ct state open", "frobnicate 1",
    "ip saddr 10.0.0.1 ip6 daddr fd00::1", "tcp dport 80 udp dport 1", "meta l4proto udp tcp dport 1",
  ]) func `words that mean nothing are refused`(words: String) throws {
    #expect(throws: RuleFailure.self) { try bench().keeper.explain(words, at: Instant(nanoseconds: 0)) }
  }

  @Test func `without rules nothing decides, or nothing passes`() throws {
    let open = try KeeperBench()
    let told = try open.keeper.explain("iif eth0 tcp dport 1", at: open.now)
    #expect(told.decision == "accept" && told.decidedBy == nil && told.steps.isEmpty)
    let closed = try KeeperBench { $0.failsClosed = true }
    #expect(try closed.keeper.explain("iif eth0 tcp dport 1", at: closed.now).decision == "drop")
  }
}
