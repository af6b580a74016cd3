import Conntrack
import Pipeline
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing

@testable import Context

@Suite struct `Rules are replaced as a whole` {
  static let web = """
    table inet f {
      counter hits { }
      set seen { type ipv4_addr; flags dynamic; size 64; }
      chain forward {
        type filter hook forward priority filter; policy drop;
        tcp dport 80 counter accept
        tcp dport 22 counter name hits accept
      }
    }
    """

  @Test func `what was loaded decides, and is listed`() throws {
    let bench = try KeeperBench()
    #expect(bench.send(KeeperBench.tcp(443)) == "accept")
    try bench.load(Self.web)
    #expect(bench.send(KeeperBench.tcp(80)) == "accept")
    #expect(bench.send(KeeperBench.tcp(443), worker: 1) == "policy")
    let text = try bench.list()
    #expect(text.contains("tcp dport 80 counter packets 1 bytes"))
    #expect(bench.keeper.size.description == "2 rules in 1 chain of 1 table")
    // What is listed can be loaded, and says the same.
    let other = try KeeperBench()
    try other.load(try bench.list(stateless: true))
    #expect(try other.list(stateless: true) == bench.list(stateless: true))
  }

  /// nft takes what nanoseconds hold in 64 bits. (Deadlines once wrapped, and arithmetic ended the process.)
  @Test func `the longest timeouts there are do not end at once`() throws {
    let bench = try KeeperBench()
    bench.now = Instant(nanoseconds: 1 << 62)
    try bench.load(
      """
      table inet f {
        set still {
          type inet_service; flags timeout; timeout 213503d;
          elements = { 80, 81 timeout 18446744073707ms expires 200000d };
        }
        set seen { type ipv4_addr; flags dynamic,timeout; size 8; }
        chain forward {
          type filter hook forward priority filter; policy drop;
          update @seen { ip saddr timeout 213503d }
          tcp dport @still ip saddr @seen accept
        }
      }
      """)
    for _ in 0..<2 {
      #expect([80, 81, 82].map { bench.send(KeeperBench.tcp($0)) } == ["accept", "accept", "policy"])
      bench.now = bench.now + .seconds(UInt64(40 * 365 * 86_400))
    }
    #expect(try bench.list("list set inet f seen").contains(" expires "))
  }

  /// Who may only look cannot have work done that is longer than a list.
  @Test func `a question is one list`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.web)
    for text in [
      "", "list ruleset; list ruleset", "add table ip x", "reset counters", "list tables\nlist sets",
      "define a0 = 1\nadd element inet f seen $a0",
    ] {
      let error = #expect(throws: RuleFailure.self) { _ = try bench.list(text) }
      #expect(error?.description == "more than a question: one list is one")
    }
    #expect(throws: RuleFailure.self) { _ = try bench.list("list nonsense") }
    #expect(try bench.list("define a = f\nlist table inet f").hasPrefix("table inet f {"))
  }

  /// B21 in nft's words: unchanged rules keep handles and counters, whatever comes and goes around them.
  @Test func `what is the same in the next ruleset keeps its handle and what it counted`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.web)
    for _ in 0..<3 { bench.send(KeeperBench.tcp(80)) }
    for _ in 0..<2 { bench.send(KeeperBench.tcp(22), worker: 1) }
    let before = try bench.list("list chain inet f forward", handles: true)
    try bench.load(Self.web.replacing("tcp dport 80", with: "tcp dport 443 counter accept\n    tcp dport 80"))
    let after = try bench.list("list chain inet f forward", handles: true)
    for line in before.split(separator: "\n") where line.contains("dport") || line.contains("chain forward") {
      #expect(after.contains(line), "\(line)")
    }
    #expect(try bench.list("list counters").contains("packets 2 bytes"))
    bench.send(KeeperBench.tcp(80), worker: 1)
    #expect(try bench.list().contains("tcp dport 80 counter packets 4 bytes"))
    #expect(try bench.list().contains("tcp dport 443 counter packets 0 bytes 0"))
  }

  /// The forwarder may end between the first worker that takes a change over and the last.
  @Test func `what workers were told to go by is kept although not all have taken it over`() throws {
    let bench = try KeeperBench()
    func begin(_ text: String) throws -> () -> RuleIssue? {
      let change = try bench.keeper.load(RuleTexts(text), at: bench.now)
      bench.keeper.begin(change, at: bench.now)
      let issue = try #require(change.next?.issue)
      return { [weak issue] in issue }
    }
    let issues = [try begin(Self.web), try begin("table ip other { chain c { accept; } }")]
    #expect(issues.allSatisfy { $0() != nil })
    // All of them go by the next.
    try bench.load("flush ruleset")
    #expect(issues.allSatisfy { $0() == nil })
  }

  @Test func `a text with a fault changes nothing`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.web)
    bench.send(KeeperBench.tcp(80))
    let before = try bench.list(handles: true)
    for text in [
      Self.web + "\nadd rule inet f forward tcp dprt 1 accept", "table inet f { flowtable w { devices = { eth7 }; } }",
      "add rule inet f nowhere accept",
    ] {
      #expect(throws: RuleFailure.self) { try bench.load(text) }
      #expect(throws: RuleFailure.self) { try bench.run(text) }
    }
    #expect(try bench.list(handles: true) == before)
    #expect(bench.keeper.generation == 2)
    #expect(bench.send(KeeperBench.tcp(443)) == "policy")
  }

  /// W5.
  @Test func `a port that there is not is a fault with its place`() throws {
    let bench = try KeeperBench()
    let text = "table inet f {\n  flowtable w { hook ingress priority 0; devices = { eth0, eth7 }; }\n}\n"
    do throws(RuleFailure) {
      _ = try bench.keeper.load(RuleTexts(text, name: "rules"), at: bench.now)
      Issue.record("loaded")
    } catch {
      guard case .faults(let faults) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(faults.faults.map(\.place.line) == [2])
      #expect(faults.description.hasPrefix("rules:2:"))
      #expect(faults.description.contains("Error: "))
    }
  }

  @Test func `commands are done in one go or not at all`() throws {
    let bench = try KeeperBench()
    try bench.run("add table ip x; add chain ip x y { type filter hook forward priority 0; policy accept; }")
    try bench.run("add rule ip x y tcp dport 22 counter drop")
    #expect(bench.send(KeeperBench.tcp(22)) == "drop")
    let handle = try #require(
      try bench.list(handles: true).firstMatch(of: /tcp dport 22 .*# handle ([0-9]+)/)
    ).1
    #expect(throws: RuleFailure.self) {
      try bench.run("delete rule ip x y handle \(handle)\nadd rule ip x z accept")
    }
    #expect(bench.send(KeeperBench.tcp(22)) == "drop")
    try bench.run("insert rule ip x y tcp dport 22 accept")
    #expect(bench.send(KeeperBench.tcp(22)) == "accept")
    #expect(try bench.list().contains("tcp dport 22 counter packets 2 bytes"))
    try bench.run("delete rule ip x y handle \(handle)")
    #expect(try !bench.list().contains("drop"))
    try bench.run("flush ruleset")
    #expect(try bench.list() == "")
    #expect(bench.send(KeeperBench.tcp(22)) == "accept")
  }

  @Test func `only questions are listed`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.web)
    #expect(throws: RuleFailure.self) { try bench.list("flush ruleset") }
    #expect(throws: RuleFailure.self) { try bench.list("reset counters") }
    #expect(try bench.list() != "")
  }

  @Test func `reset prints what was counted and counts from zero`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.web)
    bench.send(KeeperBench.tcp(22))
    #expect(try bench.run("reset counters").contains("packets 1 bytes"))
    #expect(try bench.list("list counters").contains("packets 0 bytes 0"))
    bench.send(KeeperBench.tcp(22))
    #expect(try bench.list("list counters").contains("packets 1 bytes"))
    #expect(bench.keeper.generation == 2, "a reset is no new ruleset")
  }

  @Test func `a dry run says what there would be and touches nothing`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.web)
    bench.send(KeeperBench.tcp(80))
    let before = try bench.list(handles: true)
    let size = try bench.keeper.check(RuleTexts("table ip x { chain y { accept; drop; } }"), loads: true, at: bench.now)
    #expect(size.description == "2 rules in 1 chain of 1 table")
    let added = try bench.keeper.check(RuleTexts("add rule inet f forward accept"), loads: false, at: bench.now)
    #expect(added.rules == 3)
    #expect(throws: RuleFailure.self) {
      try bench.keeper.check(RuleTexts("add rule inet g forward accept"), loads: false, at: bench.now)
    }
    #expect(try bench.list(handles: true) == before)
  }

  /// Connections have four bits for the number of their table.
  @Test func `more flow tables than can be numbered are refused, in a dry run too`() throws {
    func text(_ count: Int) -> String {
      let tables = (0..<count).map { "flowtable w\($0) { hook ingress priority 0; devices = { eth0 }; }" }
      return "table inet f {\n\(tables.joined(separator: "\n"))\n}\n"
    }
    let bench = try KeeperBench()
    _ = try bench.keeper.check(RuleTexts(text(15)), loads: true, at: bench.now)
    #expect(throws: RuleFailure.unbuildable("more than 15 flow tables at once")) {
      try bench.keeper.check(RuleTexts(text(16)), loads: true, at: bench.now)
    }
    try bench.load(text(15))
    #expect(throws: RuleFailure.unbuildable("more than 15 flow tables at once")) { try bench.load(text(16)) }
    #expect(bench.keeper.size.flowtables == 15)
  }

  @Test func `what was added is echoed, with its handle`() throws {
    let bench = try KeeperBench()
    var options = ListOptions()
    options.handles = true
    try bench.run("add table ip x; add chain ip x y")
    let echo = try bench.run("add rule ip x y tcp dport 22 accept", options, echoes: true)
    #expect(echo.wholeMatch(of: /add rule ip x y tcp dport 22 accept # handle [0-9]+\n/) != nil, "\(echo)")
  }
}

@Suite struct `A way back` {
  private func bench() throws -> KeeperBench {
    let bench = try KeeperBench()
    try bench.load("table ip x { chain y { type filter hook forward priority 0; tcp dport 80 counter accept; } }")
    bench.send(KeeperBench.tcp(80))
    return bench
  }
  private let next = """
    table ip x {
      chain y { type filter hook forward priority 0; policy drop; tcp dport 80 counter accept; }
      chain z { type filter hook postrouting priority 0; counter }
    }
    """

  @Test func `rules that nobody confirms are taken back, with what was counted meanwhile`() throws {
    let bench = try bench()
    let before = try bench.list(handles: true, stateless: true)
    try bench.load(next, confirm: 30)
    #expect(bench.keeper.deadline == bench.now + .seconds(30))
    #expect(bench.send(KeeperBench.tcp(22)) == "policy")
    bench.send(KeeperBench.tcp(80))
    bench.now = bench.now + .seconds(31)
    bench.carryOut(try bench.keeper.rollback(at: bench.now))
    #expect(bench.send(KeeperBench.tcp(22)) == "accept")
    #expect(try bench.list(handles: true, stateless: true) == before)
    #expect(try bench.list().contains("packets 2 bytes"))
    #expect(bench.keeper.deadline == nil)
    // What comes next gets handles that nothing had.
    let known = try bench.list(handles: true).matches(of: /handle ([0-9]+)/).map { Int($0.1)! }
    try bench.run("add rule ip x y tcp dport 443 accept")
    let all = try bench.list(handles: true).matches(of: /handle ([0-9]+)/).map { Int($0.1)! }
    #expect(Set(all).isSuperset(of: known))
    #expect(Set(all).count > Set(known).count)
  }

  @Test func `confirmed rules stay`() throws {
    let bench = try bench()
    try bench.load(next, confirm: 30)
    try bench.keeper.confirm()
    #expect(bench.keeper.deadline == nil)
    #expect(bench.send(KeeperBench.tcp(22)) == "policy")
    #expect(throws: RuleFailure.nothingToConfirm) { try bench.keeper.confirm() }
    #expect(throws: RuleFailure.nothingToConfirm) { _ = try bench.keeper.rollback(at: bench.now) }
  }

  /// An editor that has emptied a file before it writes it anew must not open the firewall.
  @Test(arguments: ["", "\n", "# table ip x { }\n# flush ruleset", "define x = 5"])
  func `a text without a table takes no rules away`(_ text: String) throws {
    let bench = try bench()
    let error = #expect(throws: RuleFailure.self) { try bench.load(text) }
    #expect(error?.description == "rules has no table: to have no rules, it must say `flush ruleset`")
    #expect(throws: RuleFailure.self) { try bench.keeper.check(RuleTexts(text), loads: true, at: bench.now) }
    #expect(bench.keeper.size.rules == 1)
    try bench.load("flush ruleset\n" + text)
    #expect(bench.keeper.size.rules == 0)
  }

  /// Else it would not be clear what is gone back to.
  @Test func `nothing is changed while rules wait to be confirmed`() throws {
    let bench = try bench()
    try bench.load(next, confirm: 30)
    #expect(throws: RuleFailure.unconfirmed) { try bench.load(next) }
    #expect(throws: RuleFailure.unconfirmed) { try bench.run("flush ruleset") }
    // Looking, and setting counters to zero, is no change of rules.
    #expect(try bench.list().contains("policy drop"))
    _ = try bench.run("reset rules")
    #expect(try bench.keeper.check(RuleTexts("flush ruleset"), loads: false, at: bench.now).rules == 0)
  }
}

@Suite struct `Sets that packets add to` {
  static let text = """
    table ip x {
      set seen { type ipv4_addr; size 64; flags dynamic,timeout; timeout 60s; }
      chain y {
        type filter hook forward priority 0
        add @seen { ip saddr }
        ip saddr @seen counter
      }
    }
    """
  private func hit(_ bench: KeeperBench) {
    for worker in 0..<2 {
      bench.send(KeeperBench.tcp(80), worker: worker)
      for _ in 0..<8 { bench.tick() }
    }
  }

  @Test func `what they added is listed, with the time that is left`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.text)
    hit(bench)
    bench.now = bench.now + .seconds(10)
    #expect(try bench.list("list set ip x seen").contains("10.0.0.1"))
    #expect(try bench.list("list set ip x seen").contains("expires 50s"))
  }

  @Test func `it stays when rules around it change, and goes with the set`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.text)
    hit(bench)
    try bench.load(Self.text.replacing("ip saddr @seen counter", with: "ip saddr @seen counter drop"))
    #expect(try bench.list("list set ip x seen").contains("10.0.0.1"))
    #expect(bench.send(KeeperBench.tcp(80)) == "drop")
    try bench.load("flush ruleset")
    try bench.load(Self.text)
    #expect(try !bench.list("list set ip x seen").contains("10.0.0.1"))
  }

  @Test func `elements are added and deleted by command`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.text)
    try bench.run("add element ip x seen { 192.0.2.7 }")
    hit(bench)
    let text = try bench.list("list set ip x seen")
    #expect(text.contains("192.0.2.7") && text.contains("10.0.0.1"))
    try bench.run("delete element ip x seen { 10.0.0.1 }")
    #expect(try !bench.list("list set ip x seen").contains("10.0.0.1"))
    #expect(try bench.list("list set ip x seen").contains("192.0.2.7"))
  }
}

@Suite struct `Without rules` {
  @Test func `packets pass, or do not`() throws {
    #expect(try KeeperBench().send(KeeperBench.tcp(80)) == "accept")
    let bench = try KeeperBench { $0.failsClosed = true }
    #expect(bench.keeper.isClosed)
    #expect(bench.send(KeeperBench.tcp(80)) == "closed")
    try bench.load("table ip x { }")
    #expect(bench.send(KeeperBench.tcp(80)) == "accept")
    #expect(throws: RuleFailure.self) { try bench.load("table ip x { chain") }
    #expect(bench.send(KeeperBench.tcp(80)) == "accept")
    try bench.run("flush ruleset")
    #expect(bench.keeper.isClosed)
    #expect(bench.send(KeeperBench.tcp(80)) == "closed")
  }

  /// `--auto-flowtable`.
  @Test func `established flows are offloaded if settings say so, until there are rules`() throws {
    let bench = try KeeperBench { $0.hasAutoFlowtable = true }
    #expect(bench.keeper.isGenerated)
    let text = try bench.list()
    #expect(text.hasPrefix("# generated"))
    #expect(text.contains("flow add @auto"))
    #expect(bench.keeper.setup.flowTables[1].ports == 3)
    #expect(bench.keeper.size.rules == 0)
    try bench.run("add table ip x")
    #expect(!bench.keeper.isGenerated)
    #expect(try !bench.list().contains("auto"))
    try bench.run("delete table ip x")
    #expect(bench.keeper.isGenerated)
  }
}
