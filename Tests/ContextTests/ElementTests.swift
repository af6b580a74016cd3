import Pipeline
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing

@testable import Context

/// Elements over changes of the rules, as nft 1.0.6 on Linux 6.18 has them: each story was told there first.
@Suite struct `Elements come and go` {
  private static func set(_ words: String, rule: String = "ip daddr @t counter") -> String {
    """
    table inet s {
      set t { type ipv4_addr; \(words) }
      chain f {
        type filter hook forward priority 0
        \(rule)
      }
    }
    """
  }

  private func listed(_ bench: KeeperBench, _ name: String = "t") throws -> String {
    try bench.list("list set inet s \(name)")
  }

  private func packet(to destination: Address, from source: Address = "10.0.0.1") -> Frame {
    Datagram.ipv4(from: source, to: destination).tcp(from: 4000, to: 80, flags: .syn).frame()
  }

  private func settle(_ bench: KeeperBench, ticks: Int = 200) { for _ in 0..<ticks { bench.tick() } }

  // MARK: Sets of rules alone

  @Test func `one that is over can be added again`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.set("flags timeout;", rule: "ip daddr @t drop"))
    try bench.run("add element inet s t { 1.2.3.4 timeout 3s }")
    #expect(bench.send(packet(to: "1.2.3.4")) == "drop")
    bench.now = bench.now + .seconds(4)
    #expect(bench.send(packet(to: "1.2.3.4")) == "accept")
    try bench.run("add element inet s t { 1.2.3.4 timeout 60s }")
    bench.now = bench.now + .seconds(1)
    #expect(try listed(bench).contains("1.2.3.4 timeout 1m expires 59s"))
    #expect(bench.send(packet(to: "1.2.3.4")) == "drop")
  }

  @Test func `one that is there takes over another timeout, and goes on with the same one`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.set("flags timeout; timeout 1000s;"))
    try bench.run("add element inet s t { 1.0.0.1 timeout 100s, 1.0.0.2, 1.0.0.3 timeout 50s, 1.0.0.4 }")
    bench.now = bench.now + .seconds(2)
    try bench.run("add element inet s t { 1.0.0.1 timeout 5s, 1.0.0.2 timeout 1000s, 1.0.0.3, 1.0.0.4 expires 90s }")
    let text = try listed(bench)
    for line in [
      "1.0.0.1 timeout 5s expires 5s", "1.0.0.2 expires 16m38s", "1.0.0.3 expires 16m40s", "1.0.0.4 expires 1m30s",
    ] { #expect(text.contains(line), "\(text)") }
    #expect(throws: RuleFailure.self) { try bench.run("create element inet s t { 1.0.0.1 timeout 9s }") }
  }

  @Test func `one of a file that is over is there again when the file is loaded, and goes on if it is not`() throws {
    let bench = try KeeperBench()
    let text = Self.set("flags timeout; elements = { 1.0.0.1 timeout 3s, 1.0.0.2 timeout 60s };")
    try bench.load(text)
    bench.now = bench.now + .seconds(4)
    try bench.load(text)
    #expect(try listed(bench).contains("1.0.0.1 timeout 3s expires 3s"))
    #expect(try listed(bench).contains("1.0.0.2 timeout 1m expires 56s"))
  }

  @Test(arguments: ["", "flags timeout; timeout 60s;", "flags dynamic; size 16;"])
  func `one that was deleted counts from zero when it comes again`(flags: String) throws {
    let bench = try KeeperBench()
    try bench.load(Self.set("\(flags) counter; elements = { 1.2.3.4 };"))
    for worker in 0..<2 { bench.send(packet(to: "1.2.3.4"), worker: worker) }
    #expect(try listed(bench).contains("1.2.3.4 counter packets 2"))
    for change in [
      ["delete element inet s t { 1.2.3.4 }", "add element inet s t { 1.2.3.4 }"],
      ["flush set inet s t; add element inet s t { 1.2.3.4 }"],
    ] {
      for command in change {
        bench.now = bench.now + .milliseconds(10)
        try bench.run(command)
        settle(bench)
      }
      #expect(try listed(bench).contains("1.2.3.4 counter packets 0"), "\(change)")
      bench.send(packet(to: "1.2.3.4"))
      #expect(try listed(bench).contains("1.2.3.4 counter packets 1"))
      // What is added again while it is there goes on.
      try bench.run("add element inet s t { 1.2.3.4, 1.2.3.5 }")
      settle(bench)
      #expect(try listed(bench).contains("1.2.3.4 counter packets 1"))
    }
  }

  @Test func `what is over is forgotten with the next change`() throws {
    let bench = try KeeperBench()
    try bench.load(Self.set("flags timeout; counter;"))
    func add(_ round: Int) throws {
      let all = (0..<100).map { "1.\(round).0.\($0) timeout 1s" }
      try bench.run("add element inet s t { \(all.joined(separator: ", ")) }")
    }
    try add(0)
    let kept = bench.keeper.states.stateCount
    for round in 1..<20 {
      bench.now = bench.now + .seconds(2)
      try add(round)
      #expect(bench.keeper.states.stateCount == kept)
    }
    try bench.run("flush set inet s t")
    #expect(bench.keeper.states.stateCount <= kept - 200)
  }

  @Test(arguments: ["", "flags timeout;", "flags dynamic; size 16;"])
  func `reset set prints what elements counted and counts from zero`(flags: String) throws {
    let bench = try KeeperBench()
    try bench.load(Self.set("\(flags) counter; elements = { 1.2.3.4 };"))
    for _ in 0..<3 { bench.send(packet(to: "1.2.3.4")) }
    #expect(try bench.run("reset set inet s t").contains("1.2.3.4 counter packets 3"))
    #expect(try listed(bench).contains("1.2.3.4 counter packets 0 bytes 0"))
    bench.send(packet(to: "1.2.3.4"), worker: 1)
    #expect(try listed(bench).contains("1.2.3.4 counter packets 1"))
  }

  @Test func `reset map does the same`() throws {
    let bench = try KeeperBench()
    try bench.load(
      """
      table inet s {
        map m { type ipv4_addr : verdict; counter; elements = { 1.2.3.4 : drop }; }
        chain f { type filter hook forward priority 0; ip daddr vmap @m; }
      }
      """)
    for _ in 0..<3 { #expect(bench.send(packet(to: "1.2.3.4")) == "drop") }
    #expect(try bench.run("reset map inet s m").contains("counter packets 3"))
    #expect(try bench.list("list map inet s m").contains("counter packets 0 bytes 0"))
  }

  // MARK: Sets that packets add to

  private static let learning = """
    table inet s {
      set t { type ipv4_addr; size 300; flags dynamic, timeout; timeout 60s; }
      chain f {
        type filter hook forward priority 0
        add @t { ip saddr }
        ip daddr @t counter
        ip daddr @t drop
      }
    }
    """

  @Test(arguments: [1, 2]) func `a change leaves alone what packets add meanwhile`(workers: Int) throws {
    let bench = try KeeperBench(workers: workers)
    try bench.load(Self.learning)
    for round in 0..<5 {
      for x in 0..<20 { bench.send(packet(to: "9.0.0.1", from: "10.1.\(round).\(x)"), worker: x % workers) }
      let change = try bench.keeper.run(RuleTexts("add element inet s t { 1.0.0.\(round) }"), at: bench.now)
      for x in 20..<40 { bench.send(packet(to: "9.0.0.1", from: "10.1.\(round).\(x)"), worker: x % workers) }
      bench.carryOut(change)
      settle(bench)
    }
    let text = try listed(bench)
    #expect(text.split(separator: "10.1.").count - 1 == 200)
    #expect(text.split(separator: "1.0.0.").count - 1 == 5)
    for worker in 0..<workers { #expect(bench.send(packet(to: "1.0.0.3"), worker: worker) == "drop") }
  }

  @Test func `going back leaves alone what packets added meanwhile`() throws {
    let bench = try KeeperBench(workers: 1)
    try bench.load(Self.learning)
    bench.send(packet(to: "9.0.0.1", from: "10.1.0.1"))
    try bench.run("add element inet s t { 1.0.0.1 }")
    bench.send(packet(to: "9.0.0.1", from: "10.1.0.2"))
    settle(bench)
    try bench.load(Self.learning.replacing("timeout 60s;", with: "timeout 60s; elements = { 1.0.0.9 };"), confirm: 60)
    settle(bench)
    bench.now = bench.now + .seconds(1)
    bench.send(packet(to: "9.0.0.1", from: "10.1.0.3"))
    bench.carryOut(try bench.keeper.rollback(at: bench.now))
    settle(bench)
    let text = try listed(bench)
    for address in ["10.1.0.1", "10.1.0.2", "10.1.0.3", "1.0.0.1"] { #expect(text.contains(address), "\(text)") }
    #expect(!text.contains("1.0.0.9"))
  }

  @Test(arguments: [1, 2]) func `what a file declares is in force even if packets filled the set`(workers: Int) throws {
    let bench = try KeeperBench(workers: workers)
    let text = """
      table inet s {
        set t { type ipv4_addr; size 3; flags dynamic; ELEMENTS }
        chain f { type filter hook forward priority 0; add @t { ip saddr }; }
        chain g { type filter hook forward priority 1; ip daddr @t drop; }
      }
      """
    try bench.load(text.replacing("ELEMENTS", with: ""))
    for x in 1...5 { bench.send(packet(to: "8.8.8.8", from: "10.0.0.\(x)"), worker: x % workers) }
    settle(bench)
    try bench.load(text.replacing("ELEMENTS", with: "elements = { 9.9.9.9 };"))
    // Packets fill what was made free for it.
    bench.now = bench.now + .milliseconds(10)
    for x in 6...9 { bench.send(packet(to: "8.8.8.8", from: "10.0.0.\(x)"), worker: x % workers) }
    settle(bench)
    for worker in 0..<workers { #expect(bench.send(packet(to: "9.9.9.9"), worker: worker) == "drop") }
    #expect(try listed(bench).contains("9.9.9.9"))
    // One goes and another comes, any number of times.
    bench.now = bench.now + .milliseconds(10)
    try bench.run("flush set inet s t; add element inet s t { 9.9.9.10, 1.0.0.1, 1.0.0.2 }")
    settle(bench)
    for x in 1...200 {
      bench.now = bench.now + .milliseconds(10)
      try bench.run("delete element inet s t { 9.9.9.\(9 + x) }; add element inet s t { 9.9.9.\(10 + x) }")
      settle(bench, ticks: 20)
      for worker in 0..<workers { #expect(bench.send(packet(to: "9.9.9.\(10 + x)"), worker: worker) == "drop") }
    }
  }

  @Test(arguments: [1, 2]) func `all elements of a full set can be others at once`(workers: Int) throws {
    let bench = try KeeperBench(workers: workers)
    let text = """
      table inet s {
        set t { type ipv4_addr; size 2000; flags dynamic; ELEMENTS }
        chain f { type filter hook forward priority 0; ip daddr @t drop; add @t { ip saddr }; }
      }
      """
    func elements(_ net: Int) -> String {
      "elements = { \((0..<2000).map { "1.\(net).\($0 / 250).\($0 % 250)" }.joined(separator: ", ")) };"
    }
    for net in 1...4 {
      bench.now = bench.now + .milliseconds(10)
      try bench.load(text.replacing("ELEMENTS", with: elements(net)))
      // A flood meanwhile.
      for x in 0..<400 {
        bench.tick()
        bench.send(packet(to: "8.8.8.8", from: "10.\(net).\(x / 250).\(x % 250)"), worker: x % workers)
      }
      for x in 0..<2000 where net > 1 {
        let address: Address = "1.\(net).\(x / 250).\(x % 250)"
        #expect(bench.send(packet(to: address), worker: x % workers) == "drop", "\(address)")
      }
    }
  }

  @Test func `a set that rules no longer add to is listed as it is`() throws {
    let bench = try KeeperBench()
    let set = "set t { type ipv4_addr; flags dynamic; }"
    let text = "table inet s {\n\(set)\nchain f { type filter hook forward priority 0; RULE }\n}"
    try bench.load(text.replacing("RULE", with: "add @t { ip saddr }"))
    bench.send(packet(to: "8.8.8.8"))
    try bench.load(text.replacing("RULE", with: "ip daddr @t drop"))
    try bench.run("add element inet s t { 1.2.3.4 }")
    for _ in 0..<8 { bench.tick() }
    #expect(bench.send(packet(to: "1.2.3.4")) == "drop" && bench.send(packet(to: "10.0.0.1")) == "drop")
    #expect(try listed(bench).contains("1.2.3.4") && listed(bench).contains("10.0.0.1"))
  }

  // MARK: Over many changes

  /// What a set without rules that add to it holds, over hundreds of changes: who is there, how long, and what each
  /// counted.
  @Test(arguments: [1, 2]) func `time and counters are a model's over any changes`(workers: Int) throws {
    struct Entry {
      var deadline: Instant
      var timeout: UInt64
      var packets = 0
    }
    var chance = SeededGenerator.forThisRun()
    let bench = try KeeperBench(workers: workers)
    let text = Self.set("flags timeout; timeout 20s; counter;", rule: "ip daddr @t drop")
    try bench.load(text)
    var model: [Int: Entry] = [:]
    for step in 0..<400 {
      bench.now = bench.now + .milliseconds(UInt64.random(in: 0...2500, using: &chance))
      model = model.filter { $0.value.deadline > bench.now }
      let x = Int.random(in: 0..<12, using: &chance)
      let seconds = UInt64([5, 10, 20].randomElement(using: &chance)!)
      func fresh() -> Entry { Entry(deadline: bench.now + .seconds(seconds), timeout: seconds) }
      let words = "1.0.0.\(x) timeout \(seconds)s"
      switch Int.random(in: 0..<20, using: &chance) {
      case 0..<7:
        try bench.run("add element inet s t { \(words) }")
        if let known = model[x] {
          if known.timeout != seconds {
            model[x] = fresh()
            model[x]!.packets = known.packets
          }
        } else {
          model[x] = fresh()
        }
      case 7..<9 where model[x] != nil:
        try bench.run("delete element inet s t { 1.0.0.\(x) }")
        model[x] = nil
      case 9 where model[x] != nil:
        try bench.run("delete element inet s t { 1.0.0.\(x) }; add element inet s t { \(words) }")
        model[x] = fresh()
      case 10:
        try bench.run("flush set inet s t; add element inet s t { \(words) }")
        model = [x: fresh()]
      case 11:
        // A file that names one of them: the others go.
        try bench.load(text.replacing("counter;", with: "counter; elements = { \(words) };"))
        let known = model[x].flatMap { $0.timeout == seconds ? $0 : nil }
        model = [x: known ?? Entry(deadline: fresh().deadline, timeout: seconds, packets: model[x]?.packets ?? 0)]
      case 12:
        try bench.run("reset set inet s t")
        for x in model.keys { model[x]!.packets = 0 }
      case 13: try bench.run("add chain inet s c\(step)")
      default:
        let said = bench.send(packet(to: "1.0.0.\(x)"), worker: step % workers)
        #expect(said == (model[x] == nil ? "accept" : "drop"), "step \(step)")
        model[x]?.packets += 1
      }
      let set = try #require(bench.keeper.filled(bench.keeper.inForce.run, at: bench.now).tables.first?.sets.first)
      let found = set.elements.map { element -> String in
        let packets = if case .counter(let counter)? = element.statements.first { counter.packets } else { UInt64.max }
        return "\(element.key?.parts[0].lowerBound ?? 0) \(element.expires ?? 0) \(packets)"
      }
      let meant = model.sorted { $0.key < $1.key }.map { x, entry in
        "\(0x0100_0000 + x) \((entry.deadline - bench.now).nanoseconds / 1_000_000) \(entry.packets)"
      }
      try #require(found == meant, "step \(step)")
    }
  }

  // MARK: Counts of connections

  @Test func `a count may be as large as can be`() throws {
    let bench = try KeeperBench { $0.connections = 1000 }
    try bench.load(
      """
      table inet s {
        set t { type ipv4_addr; size 100; flags dynamic; ct count over 4294967295; }
        chain f {
          type filter hook forward priority 0
          ct count over 4294967295 drop
          ct count 1000000000 accept
          add @t { ip saddr }
        }
      }
      """)
    #expect(bench.send(packet(to: "1.2.3.4")) == "accept")
    #expect(try bench.list().contains("ct count over 4294967295"))
  }

  @Test func `states that take too much memory are refused with place and figure`() throws {
    let bench = try KeeperBench(workers: 4) { $0.connections = (1 << 26) - 1 }
    func cause(_ text: String) -> String? {
      do throws(RuleFailure) {
        _ = try bench.keeper.load(RuleTexts(text), at: bench.now)
        return nil
      } catch { return "\(error)" }
    }
    let words = "counts of connections and sets may take 4096 MiB together"
    let chain = "chain f { type filter hook forward priority 0; add @t { ip saddr ct count over 100000 }; }"
    #expect(
      cause("table inet s { set t { type ipv4_addr; size 65536; flags dynamic; }; \(chain) }")
        == "inet s f, rule 1: set t needs 590385 MiB; \(words)")
    #expect(
      cause("table inet s { chain f { accept; ct count over 4000000000 drop; }; }")
        == "inet s f, rule 2: ct count 4000000000 needs 8192 MiB; \(words)")
  }
}
