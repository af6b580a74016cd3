import Primitives
import Ruleset
import TestSupport
import Testing

@testable import Context

/// bpfilter's context: criteria B5-B8, B20-B24 as far as they concern programs on hooks.
@Suite struct `Programs on hooks` {
  private func text(_ chain: String, _ hook: String, _ rules: String, device: String = "") -> RuleTexts {
    let family = device.isEmpty ? "inet" : "netdev"
    let place = device.isEmpty ? "" : " device \(device)"
    return RuleTexts(
      "table \(family) f { chain \(chain) { type filter hook \(hook)\(place) priority 0; \(rules) } }", name: "program")
  }

  private func context(_ bench: KeeperBench) throws -> RuntimeContext {
    let context = RuntimeContext()
    try context.setup(bench.keeper)
    return context
  }

  /// B6, B7, B22.
  @Test func `a hook of many programs holds each once, by its name`() throws {
    let bench = try KeeperBench()
    let context = try context(bench)
    let web = text("web", "forward", "tcp dport 80 counter accept;")
    #expect(try context.get(.forward, at: bench.now) == nil)
    bench.carryOut(try context.set(.forward, web, at: bench.now))
    #expect(throws: RuleFailure.exists("the program inet/f/web")) {
      _ = try context.set(.forward, web, at: bench.now)
    }
    bench.carryOut(try context.set(.forward, text("dns", "forward", "udp dport 53 accept;"), at: bench.now))
    let option = try #require(ProgramOption("inet/f/dns"))
    #expect(try context.get(.forward, option, at: bench.now)?.contains("udp dport 53") == true)
    #expect(try context.get(.forward, option, at: bench.now)?.contains("tcp dport 80") == false)
    #expect(try context.get(.postrouting, option, at: bench.now) == nil)
    // Which of two is meant must be said.
    #expect(throws: RuleFailure.self) { try context.get(.forward, at: bench.now) }
  }

  /// B7, B8, B22.
  @Test func `ingress holds one program of a port`() throws {
    let bench = try KeeperBench()
    let context = try context(bench)
    bench.carryOut(try context.set(.ingress, text("a", "ingress", "counter;", device: "eth0"), at: bench.now))
    #expect(throws: RuleFailure.exists("the program netdev/f/a")) {
      _ = try context.set(.ingress, text("b", "ingress", "counter;", device: "eth0"), at: bench.now)
    }
    bench.carryOut(try context.set(.ingress, text("b", "ingress", "drop;", device: "eth1"), at: bench.now))
    #expect(try context.get(.ingress, .port("eth1"), at: bench.now)?.contains("chain b") == true)
    // What is for another hook or port than was said is refused.
    #expect(throws: RuleFailure.self) {
      try context.set(.forward, text("c", "ingress", "", device: "eth0"), at: bench.now)
    }
    #expect(throws: RuleFailure.self) {
      try context.update(
        .ingress, text("b", "ingress", "", device: "eth1"), for: .port("eth0"), at: bench.now)
    }
  }

  /// B21.
  @Test func `an update takes the place of the program, and what is the same in both keeps its counters`() throws {
    let bench = try KeeperBench()
    let context = try context(bench)
    let old = text("web", "forward", "tcp dport 80 counter accept; tcp dport 81 counter drop;")
    let new = text("web", "forward", "tcp dport 443 accept; tcp dport 80 counter accept; tcp dport 81 accept;")
    #expect(throws: RuleFailure.notFound("program inet/f/web on the hook forward")) {
      _ = try context.update(.forward, new, at: bench.now)
    }
    bench.carryOut(try context.set(.forward, old, at: bench.now))
    bench.carryOut(try context.set(.forward, text("other", "forward", "meta mark 7 counter;"), at: bench.now))
    for _ in 0..<4 { bench.send(KeeperBench.tcp(80)) }
    #expect(bench.send(KeeperBench.tcp(81)) == "drop")
    let handles = try bench.list(handles: true)
    bench.carryOut(try context.update(.forward, new, at: bench.now))
    #expect(bench.send(KeeperBench.tcp(81)) == "accept")
    let program = try #require(try context.get(.forward, ProgramOption("inet/f/web"), at: bench.now))
    #expect(program.contains("tcp dport 80 counter packets 4 bytes"))
    #expect(program.contains("tcp dport 443 accept") && !program.contains("drop"))
    // The other one is as it was.
    let kept = handles.split(separator: "\n").filter { $0.contains("meta mark") || $0.contains("chain other") }
    for line in kept { #expect(try bench.list(handles: true).contains(line)) }
    #expect(kept.count == 2)
  }

  @Test func `an update takes what only the old program needed along, and nothing of others`() throws {
    let bench = try KeeperBench()
    let context = try context(bench)
    let old = RuleTexts(
      """
      table inet f {
        set mine { type ipv4_addr; elements = { 10.0.0.7 } }
        set shared { type ipv4_addr; elements = { 10.0.0.8 } }
        chain own { counter }
        chain web { type filter hook forward priority 0; ip saddr @mine jump own; ip saddr @shared drop; }
      }
      """, name: "program")
    bench.carryOut(try context.set(.forward, old, at: bench.now))
    try bench.run("add chain inet f second { type filter hook forward priority 1; }")
    try bench.run("add rule inet f second ip saddr @shared counter")
    bench.carryOut(try context.update(.forward, text("web", "forward", "accept;"), at: bench.now))
    let all = try bench.list()
    #expect(all.contains("set shared") && all.contains("10.0.0.8"))
    #expect(!all.contains("mine") && !all.contains("chain own"))
  }

  /// B3, B23.
  @Test func `the dump is a tree in stable order, with the prefix on every line`() throws {
    let bench = try KeeperBench()
    let context = try context(bench)
    let late = RuleTexts(
      """
      table inet f {
        chain x { accept; }
        chain late { type filter hook forward priority 0; tcp dport 80 counter jump x; }
      }
      """)
    bench.carryOut(try context.set(.forward, late, at: bench.now))
    bench.carryOut(try context.set(.ingress, text("a", "ingress", "counter;", device: "eth0"), at: bench.now))
    bench.send(KeeperBench.tcp(80))
    let dump = try context.dump(prefix: "| ", at: bench.now)
    let shape = dump.split(separator: "\n").map { $0.replacing(#/rule [0-9]+: /#, with: "rule N: ") }
    let length = KeeperBench.tcp(80).bytes.count - 14
    #expect(
      shape == [
        "| context: 3 rules in 3 chains of 2 tables", "|   hook ingress",
        "|     program netdev/f/a devices eth0 priority 0 policy accept",
        "|       rule N: counter; packets 1 bytes \(length)", "|   hook prerouting", "|   hook forward",
        "|     program inet/f/late priority 0 policy accept",
        "|       rule N: tcp dport 80 counter jump x; packets 1 bytes \(length)", "|       chain x",
        "|         rule N: accept", "|   hook postrouting",
      ])
    #expect(try context.dump(prefix: "| ", at: bench.now) == dump)
  }

  /// B1, B2, B12, B24.
  @Test func `without a context there is an error, and with one there is no second`() throws {
    let bench = try KeeperBench()
    let context = RuntimeContext()
    #expect(!context.isSetUp)
    #expect(throws: RuleFailure.notSetUp) { try context.dump(at: bench.now) }
    #expect(throws: RuleFailure.notSetUp) { try context.get(.forward, at: bench.now) }
    #expect(throws: RuleFailure.notSetUp) { try context.set(.forward, RuleTexts(""), at: bench.now) }
    #expect(throws: RuleFailure.notSetUp) { try context.update(.forward, RuleTexts(""), at: bench.now) }
    try context.setup(bench.keeper)
    bench.carryOut(try context.set(.forward, text("web", "forward", "drop;"), at: bench.now))
    #expect(throws: RuleFailure.isSetUp) { try context.setup(try KeeperBench().keeper) }
    #expect(try context.get(.forward, at: bench.now) != nil)
    context.teardown()
    context.teardown()
    #expect(throws: RuleFailure.notSetUp) { try context.dump(at: bench.now) }
    // The programs go on, and another context finds them.
    #expect(bench.send(KeeperBench.tcp(80)) == "drop")
    let next = RuntimeContext()
    try next.setup(bench.keeper)
    #expect(try next.get(.forward, at: bench.now) != nil)
  }

  @Test func `a text that is no single program is refused, and changes nothing`() throws {
    let bench = try KeeperBench()
    let context = try context(bench)
    for bad in ["", "table ip x { chain y { accept; } }", "table ip x { chain", "frob"] {
      #expect(throws: RuleFailure.self) { try context.set(.forward, RuleTexts(bad), at: bench.now) }
    }
    #expect(try bench.list() == "")
  }
}
