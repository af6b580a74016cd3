import Primitives
import Rules
import Ruleset
import TestSupport
import Testing

/// Issue 7: sets, maps and dynamic sets with timeout and size, as nft_dynset and nft_lookup do them.
@Suite struct SetTests {
  private func udp(_ x: Int, port: UInt16 = 53) -> Datagram { Datagram.ours(x).udp(from: 4000, to: port) }

  private func seen(_ update: SetUpdate, _ change: @escaping (inout NamedSet) -> Void = { _ in }) throws -> RuleBench {
    try RuleBench([Rule([.update(update), .accept])], drops: true) { table in
      var set = NamedSet(name: "seen", key: [.ipv4Address])
      set.state = 50
      set.flags = .dynamic
      change(&set)
      table.sets = [set]
    }
  }

  @Test func `a full set ends the rule, and what is in it goes on`() throws {
    let bench = try seen(SetUpdate(.add, set: "seen", key: Read.source)) { $0.size = 2 }
    #expect([1, 2, 3, 1].map { bench.judge(udp($0)) } == [.accept, .accept, .policy, .accept])
    #expect(bench.states.elements(of: 50, at: bench.now).count == 2)
  }

  /// The kernel takes them; packets change none of them, for no rule can.
  @Test(arguments: [
    "map m { type ipv4_addr : verdict; flags dynamic; elements = { 1.2.3.4 : drop }; }; chain c { ip saddr vmap @m; }",
    "map m { type ipv4_addr : mark; flags dynamic; elements = { * : 5 }; }; chain c { meta mark set ip saddr map @m; }",
    "set s { type ipv4_addr; flags dynamic; elements = { 192.0.2.1 counter, 192.0.2.2 limit rate 5/second }; }",
    "chain a { jump b; }; chain b { jump a; }",
  ]) func `what the kernel takes is compiled`(_ text: String) throws {
    let source = RulesetSource(name: "rules", text: "table ip t { \(text); }\n")
    let ruleset = try RulesetReader().run(source, on: Ruleset()).ruleset
    #expect(throws: Never.self) {
      try RuleProgram(
        ruleset, ports: ["lo"], states: RuleStates(workers: 1, secret: HashSecret(seed: 1)), at: Instant(nanoseconds: 0)
      )
    }
  }

  @Test func `a constant is a key as good as a field`() throws {
    let bench = try seen(SetUpdate(.add, set: "seen", key: .constant(5, .ipv4Address)))
    #expect(bench.judge(udp(1)) == .accept)
    #expect(bench.states.elements(of: 50, at: bench.now).map(\.key) == [Key(5)])
  }

  @Test func `an update renews an element's time and an add does not`() throws {
    func left(_ verb: SetUpdate.Verb) throws -> UInt64? {
      let bench = try seen(SetUpdate(verb, set: "seen", key: Read.source)) { set in
        set.flags = [.dynamic, .timeout]
        set.timeout = 5000
      }
      _ = bench.judge(udp(1))
      bench.advance(.seconds(2))
      _ = bench.judge(udp(1))
      let elements = bench.states.elements(of: 50, at: bench.now)
      #expect(elements.map(\.timeout) == [5000])
      return elements.first?.expires
    }
    #expect(try left(.add) == 3000)
    #expect(try left(.update) == 5000)
  }

  @Test func `an element that is over is found no more, and makes room when it is collected`() throws {
    let bench = try seen(SetUpdate(.add, set: "seen", key: Read.source)) { set in
      set.flags = [.dynamic, .timeout]
      set.timeout = 1000
      set.size = 1
    }
    #expect(bench.judge(udp(1)) == .accept)
    bench.advance(.seconds(1))
    #expect(bench.judge(udp(2)) == .policy)
    bench.tick()
    #expect(bench.judge(udp(2)) == .accept)
  }

  @Test func `a packet deletes an element, and what is not there is no failure`() throws {
    let bench = try seen(SetUpdate(.delete, set: "seen", key: Read.source)) { set in
      set.elements = [Element(Key(0x0A00_0001)), Element(Key(0x0A00_0002))]
    }
    #expect(bench.judge(udp(1)) == .accept && bench.judge(udp(9)) == .accept)
    #expect(bench.states.elements(of: 50, at: bench.now).map(\.key) == [Key(0x0A00_0002)])
  }

  @Test func `each element has a limit of its own`() throws {
    var update = SetUpdate(.add, set: "seen", key: Read.source)
    update.statements = [.limit(Limit(rate: 1, unit: .second, burst: 2)), .counter(Counter())]
    let bench = try seen(update)
    #expect([1, 1, 1, 2, 2, 2].map { bench.judge(udp($0)) } == [.accept, .accept, .policy, .accept, .accept, .policy])
    let counted = bench.states.elements(of: 50, at: bench.now).map { element -> UInt64 in
      guard case .counter(let counter) = element.statements[1] else { return 0 }
      return counter.packets
    }
    #expect(counted == [2, 2])
  }

  @Test func `each element counts its own connections`() throws {
    var update = SetUpdate(.add, set: "seen", key: Read.source)
    update.statements = [.connectionCount(ConnectionCount(limit: 1))]
    let bench = try seen(update)
    func judge(_ x: Int, _ id: UInt32) -> RuleDecision { bench.judge(bench.packet(udp(x)).tracked(id: id)) }
    #expect(judge(1, 10) == .accept && judge(1, 11) == .policy && judge(2, 12) == .accept)
    bench.ended.ids = [10]
    #expect(judge(1, 11) == .accept)
  }

  /// As nft_connlimit's collection has it (Linux 6.18): an element without connections goes, and makes room.
  @Test func `an element that counts no connection any more goes`() throws {
    var update = SetUpdate(.add, set: "seen", key: Read.source)
    update.statements = [.connectionCount(ConnectionCount(limit: 5))]
    let bench = try seen(update) { $0.size = 2 }
    func judge(_ x: Int, _ id: UInt32) -> RuleDecision { bench.judge(bench.packet(udp(x)).tracked(id: id)) }
    #expect(judge(1, 10) == .accept && judge(2, 11) == .accept && judge(3, 12) == .policy)
    bench.ended.ids = [10]
    bench.tick()
    #expect(judge(3, 12) == .accept && judge(1, 13) == .policy)
    #expect(bench.states.elements(of: 50, at: bench.now).count == 2)
  }

  @Test func `a map that packets fill gives what they put in`() throws {
    var update = SetUpdate(.update, set: "marks", key: Read.source)
    update.data = .field(.mark)
    let learned = Expression.map(Read.source, .named("marks"))
    let bench = try RuleBench(
      [
        Rule([.match(.field(.mark), .notEqual, 0), .update(update), .accept]), Rule([.set(.mark, learned), .accept]),
      ], drops: true
    ) { table in
      var map = NamedSet(name: "marks", key: [.ipv4Address], data: .value([.mark]))
      map.flags = .dynamic
      table.sets = [map]
    }
    var packet = bench.packet(udp(1))
    #expect(bench.judge(&packet) == .policy)
    packet.mark = 77
    #expect(bench.judge(&packet) == .accept)
    packet = bench.packet(udp(1))
    #expect(bench.judge(&packet) == .accept && packet.mark == 77)
  }

  @Test func `elements of intervals end and count like any other`() throws {
    let bench = try RuleBench([Rule([.match(Read.source, inSet: "nets"), .drop])]) { table in
      var set = NamedSet(name: "nets", key: [.ipv4Address])
      set.state = 60
      set.flags = [.interval, .timeout]
      set.statements = [.counter(Counter())]
      set.elements = [Element(Key([0x0A00_0000...0x0A00_0007])), Element(Key([0x0A00_0010...0x0A00_001F]))]
      set.elements[0].timeout = 1000
      table.sets = [set]
    }
    let set = bench.set("nets")
    #expect([1, 7, 8, 17].map { bench.judge(udp($0)) } == [.drop, .drop, .accept, .drop])
    #expect(bench.states.current(set, at: bench.now).map(\.statements).map(packets) == [2, 1])
    bench.advance(.seconds(1))
    #expect(bench.judge(udp(1)) == .accept)
    #expect(bench.states.current(set, at: bench.now).count == 1)
  }

  private func packets(_ statements: [Statement]) -> UInt64? {
    if case .counter(let counter) = statements.first { counter.packets } else { nil }
  }

  @Test func `concatenations with ranges are found among thousands`() throws {
    var set = AnonymousSet(key: [.ipv4Address, .service])
    set.elements = (0..<3000).map { place in
      let net = 0x0A00_0000 + UInt128(place % 100) * 2
      let low = UInt128(place / 100) * 1000
      return Element(Key([net...net + 1, low...low + 10]))
    }
    let key = Expression.concatenation([Read.source, Read.port])
    let bench = try RuleBench([Rule([.match(Match(key, .equal, .set(.anonymous(set)))), .drop])])
    for (x, port, decision) in [
      (1, 5, RuleDecision.drop), (1, 11, .accept), (199, 29_010, .drop), (200, 29_010, .accept), (3, 30_000, .accept),
    ] { #expect(bench.judge(udp(x, port: UInt16(port))) == decision) }
  }

  @Test func `a reset sets counters of elements to zero and fills limits`() throws {
    var limit = Limit(rate: 1, unit: .week, burst: 1)
    limit.state = 9
    let update = SetUpdate(.add, set: "seen", key: Read.source)
    let bench = try RuleBench([Rule([.update(update), .limit(limit), .accept])], drops: true) { table in
      var set = NamedSet(name: "seen", key: [.ipv4Address])
      set.state = 50
      set.flags = .dynamic
      set.statements = [.counter(Counter())]
      table.sets = [set]
    }
    func counted() -> [UInt64?] { bench.states.elements(of: 50, at: bench.now).map(\.statements).map(packets) }
    #expect([1, 1].map { bench.judge(udp($0)) } == [.accept, .policy])
    #expect(counted() == [2])
    bench.states.reset(50)
    #expect(counted() == [0])
    bench.states.reset(9)
    #expect(bench.judgeByProgram(udp(1)) == .accept && bench.judgeByProgram(udp(1)) == .policy)
    #expect(counted() == [2])
  }

  // MARK: On request, and over changes of the rules

  @Test func `elements are added and removed on request`() throws {
    let bench = try seen(SetUpdate(.add, set: "seen", key: Read.destination)) { $0.size = 4 }
    let (one, two) = (Key(0x0A00_0001), Key(0x0A00_0002))
    bench.states.carryOut(ElementChanges(set: 50, added: [Element(one), Element(two)]), at: bench.now)
    bench.tick()
    #expect(Set(bench.states.elements(of: 50, at: bench.now).compactMap(\.key)) == [one, two])
    bench.advance(.seconds(1))
    bench.states.carryOut(ElementChanges(set: 50, added: [Element(Key(3))], removed: [one]), at: bench.now)
    bench.tick()
    #expect(Set(bench.states.elements(of: 50, at: bench.now).compactMap(\.key)) == [two, Key(3)])
  }

  /// B21: rules that stay keep what they counted; issue 7: unchanged rules keep counters.
  @Test func `what stays in the rules keeps its state over a change`() throws {
    func rules(_ more: [Rule]) -> Ruleset {
      .inet(
        more + [
          Rule([.counter(1), .update(SetUpdate(.add, set: "seen", key: Read.source))]),
          Rule([.limit(limit), .accept]),
        ], drops: true
      ) { table in
        var set = NamedSet(name: "seen", key: [.ipv4Address])
        set.state = 50
        set.flags = .dynamic
        table.sets = [set]
      }
    }
    var limit: Limit {
      var limit = Limit(rate: 1, unit: .hour, burst: 2)
      limit.state = 2
      return limit
    }
    let bench = try RuleBench(rules([]))
    #expect(bench.judge(udp(1)) == .accept)
    try bench.replace(by: rules([Rule([.match(Read.port, .equal, 80), .counter(3), .drop])]))
    bench.states.retire(keeping: [1, 2, 3, 50])
    #expect(bench.judgeByProgram(udp(2)) == .accept && bench.judgeByProgram(udp(3)) == .policy)
    #expect(bench.states.counter(1).packets == 3)
    #expect(bench.states.elements(of: 50, at: bench.now).count == 3)
    #expect(bench.judgeByProgram(udp(3, port: 80)) == .drop && bench.states.counter(3).packets == 1)
    // Without its rule it is forgotten, and a later one begins at zero.
    try bench.replace(by: .inet([]))
    bench.states.retire(keeping: [])
    #expect(bench.states.counter(1).packets == 0)
  }

  @Test func `what cannot be done is refused with its place`() throws {
    let text: (Ruleset) -> String? = { ruleset in
      do {
        _ = try RuleBench(ruleset)
        return nil
      } catch { return "\(error)" }
    }
    #expect(text(.inet([Rule([.match(Read.source, inSet: "none")])])) == "inet t f, rule 1: no set none")
    #expect(text(.inet([Rule([.verdict(.jump("gone"))])])) == "inet t f, rule 1: no chain gone")
    #expect(text(.inet([Rule([.offload(flowtable: "w")])])) == "inet t f, rule 1: no flowtable w")
    #expect(text(.inet([Rule([.timeout("x")])])) == "inet t f, rule 1: no ct timeout x")
    #expect(text(.inet([Rule([.namedCounter("c")])])) == "inet t f, rule 1: no counter c")
  }
}
