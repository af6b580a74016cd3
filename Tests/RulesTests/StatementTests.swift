import Primitives
import Rules
import Ruleset
import TestSupport
import Testing

/// Issue 7, "Semantics are the kernel's": each statement, as nf_tables of Linux 6.18 does it.
@Suite struct StatementTests {
  let tcp = Datagram.ours().tcp(from: 4000, to: 80, flags: .syn)
  let udp = Datagram.ours().udp(from: 4000, to: 53)

  // MARK: Verdicts

  @Test func `the first verdict counts, and behind the last rule the policy`() throws {
    let bench = try RuleBench([Rule([.tcp, .accept]), Rule([.match(Read.port, .equal, 53), .drop])], drops: true)
    #expect(bench.judge(tcp) == .accept)
    #expect(bench.judge(udp) == .drop)
    #expect(bench.judge(Datagram.ours().udp(from: 1, to: 54)) == .policy)
  }

  @Test func `accept ends its base chain and drop ends all`() throws {
    var ruleset = Ruleset()
    for (name, priority, rules) in [
      ("late", Int32(10), [Rule([.match(Read.port, .equal, 80), .drop])]),
      ("early", Int32(-10), [Rule([.tcp, .counter(1), .accept]), Rule([.drop])]),
    ] {
      var table = Ruleset.inet(rules).tables[0]
      table.name = name
      table.chains[0].base?.priority = priority
      ruleset.tables.append(table)
    }
    let bench = try RuleBench(ruleset)
    #expect(bench.judge(tcp) == .drop)
    #expect(bench.states.counter(1).packets == 1)
    #expect(bench.judge(Datagram.ours().tcp(from: 1, to: 81, flags: .syn)) == .accept)
    #expect(bench.judge(udp) == .drop)
    #expect(bench.program.has(.forward) && !bench.program.has(.ingress))
  }

  /// Not written in nft's manual; KernelTests show it.
  @Test func `of two chains with one priority the later one is first`() throws {
    let bench = try RuleBench([Rule([.counter(1)])]) { table in
      var later = table.chains[0]
      later.name = "later"
      later.rules = [Rule([.drop])]
      table.chains.append(later)
    }
    #expect(bench.judge(tcp) == .drop && bench.states.counter(1).packets == 0)
  }

  @Test func `a jump comes back behind its rule and a goto does not`() throws {
    func bench(_ verdict: RuleVerdict) throws -> RuleBench {
      try RuleBench([Rule([.verdict(verdict)]), Rule([.counter(1), .drop])]) { table in
        var side = Chain(name: "side")
        side.rules = [Rule([.match(Read.port, .equal, 80), .verdict(.return)]), Rule([.counter(2)])]
        table.chains.append(side)
      }
    }
    let jump = try bench(.jump("side"))
    #expect(jump.judge(tcp) == .drop && jump.judge(udp) == .drop)
    #expect(jump.states.counter(1).packets == 2 && jump.states.counter(2).packets == 1)
    let goto = try bench(.goto("side"))
    #expect(goto.judge(tcp) == .accept && goto.judge(udp) == .accept)
    #expect(goto.states.counter(1).packets == 0 && goto.states.counter(2).packets == 1)
  }

  @Test func `jumps go 15 deep and no deeper, and never round`() throws {
    func ruleset(_ count: Int, last: RuleVerdict) -> Ruleset {
      .inet([Rule([.verdict(.jump("c1"))])]) { table in
        for number in 1...count {
          var chain = Chain(name: "c\(number)")
          chain.rules = [Rule([.verdict(number == count ? last : .jump("c\(number + 1)"))])]
          table.chains.append(chain)
        }
      }
    }
    let bench = try RuleBench(ruleset(15, last: .drop))
    #expect(bench.judge(tcp) == .drop)
    #expect(throws: RuleCompileError.self) { try RuleBench(ruleset(16, last: .drop)) }
    #expect(throws: RuleCompileError.self) { try RuleBench(ruleset(3, last: .goto("c2"))) }
  }

  /// Chains of eight jumps each, one below the other, are 8^n ways for a packet; the kernel goes them all.
  @Test func `rules by which a packet could jump for ever are refused`() throws {
    func ruleset(_ depth: Int, _ jumps: Int, _ verdict: (String) -> RuleVerdict = { .jump($0) }) -> Ruleset {
      .inet(
        [Rule([.verdict(.jump("c1"))])],
        with: { table in
          for number in 1...depth {
            var chain = Chain(name: "c\(number)")
            if number < depth {
              chain.rules = (0..<jumps).map { _ in Rule([.verdict(verdict("c\(number + 1)"))]) }
            }
            table.chains.append(chain)
          }
        })
    }
    let error = #expect(throws: RuleCompileError.self) { try RuleBench(ruleset(14, 8)) }
    #expect(
      error?.description == "inet t f: a packet that all rules hold for would jump more than 1000000 times")
    #expect(throws: RuleCompileError.self) { try RuleBench(ruleset(8, 8)) }
    // 1 + 8 + ... + 8^5 ways are no trouble, nor are many jumps that lead nowhere far, nor what does not come back.
    #expect(try RuleBench(ruleset(6, 8)).judge(tcp) == .accept)
    #expect(try RuleBench(ruleset(2, 5000)).judge(tcp) == .accept)
    #expect(try RuleBench(ruleset(14, 8) { .goto($0) }).judge(tcp) == .accept)
  }

  @Test func `reject is a decision of its own`() throws {
    let bench = try RuleBench([Rule([.tcp, .reject(Reject())])])
    #expect(bench.judge(tcp) == .reject && bench.judge(udp) == .accept)
  }

  @Test func `a verdict map decides by an element, and by its star for all others`() throws {
    var map = AnonymousSet(key: [.service], data: .verdict)
    map.elements = [
      Element(Key(80), value: .verdict(.drop)), Element(Key([100...200]), value: .verdict(.continue)),
      Element(nil, value: .verdict(.return)),
    ]
    let bench = try RuleBench([Rule([.verdictMap(Read.port, .anonymous(map)), .counter(1)]), Rule([.counter(2)])])
    #expect(bench.judge(tcp) == .drop)
    #expect(bench.judge(udp) == .accept)
    #expect(bench.states.counter(2).packets == 0)
    #expect(bench.judge(Datagram.ours().udp(from: 1, to: 150)) == .accept)
    #expect(bench.states.counter(1).packets == 1 && bench.states.counter(2).packets == 1)
  }

  // MARK: Fields

  @Test func `a rule ends where the packet does not have what it asks for`() throws {
    let bench = try RuleBench([Rule([.match(Read.port, .notEqual, 80), .counter(1)])])
    let pieces = Datagram.ours().udp(from: 1, to: 53, payload: [UInt8](repeating: 0, count: 100)).fragments(size: 64)
    for piece in pieces { _ = bench.judge(piece) }
    // Only the first piece has ports.
    #expect(pieces.count > 1 && bench.states.counter(1).packets == 1)
  }

  @Test func `chains of a family meet its packets only`() throws {
    var ruleset = Ruleset()
    for (number, family) in [Family.ip, .ip6, .inet].enumerated() {
      var table = Ruleset.inet([Rule([.counter(StateID(number + 1))])]).tables[0]
      table.family = family
      ruleset.tables.append(table)
    }
    let bench = try RuleBench(ruleset)
    _ = bench.judge(tcp)
    _ = bench.judge(Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2").udp(from: 1, to: 2))
    _ = bench.judge(bench.packet(Frame.arp(who: "10.0.0.1", tell: "10.0.0.2")))
    #expect((1...3).map { bench.states.counter($0).packets } == [1, 1, 2])
  }

  @Test func `an ingress chain meets the frames of its ports`() throws {
    var ruleset = Ruleset.inet([Rule([.counter(1), .match(.field(.etherType), .equal, 0x0806), .drop])])
    ruleset.tables[0].family = .netdev
    ruleset.tables[0].chains[0].base = BaseChain(hook: .ingress, priority: -100)
    ruleset.tables[0].chains[0].base?.devices = ["eth*"]
    let bench = try RuleBench(ruleset)
    let arp = Frame.arp(who: "10.0.0.1", tell: "10.0.0.2")
    #expect(bench.judge(bench.packet(arp, ingress: 1), on: .ingress) == .drop)
    #expect(bench.judge(bench.packet(arp, ingress: 2), on: .ingress) == .accept)
    #expect(bench.states.counter(1).packets == 1)
  }

  @Test func `prerouting below -200 is before tracking`() throws {
    var ruleset = Ruleset.inet([Rule([.notrack])])
    ruleset.tables[0].chains[0].base = BaseChain(hook: .prerouting, priority: -300)
    let bench = try RuleBench(ruleset)
    var packet = bench.packet(tcp)
    bench.judge(&packet, on: .raw)
    #expect(packet.effects.changes == .notrack)
    #expect(bench.program.has(.raw) && !bench.program.has(.prerouting))
    #expect(bench.program.needs(.raw).contains(.notracks))
  }

  @Test func `the state of a connection is one of its words`() throws {
    // Invalid 1, established 2, related 4, new 8, untracked 64.
    let bench = try RuleBench([Rule([.match(Read.state, .anyBit, 6), .accept])], drops: true)
    for (state, decision) in [(1, RuleDecision.policy), (2, .accept), (4, .accept), (8, .policy), (64, .policy)] {
      #expect(bench.judge(bench.packet(tcp).tracked(UInt8(state))) == decision)
    }
  }

  @Test func `without a connection only its state can be read`() throws {
    let bench = try RuleBench([Rule([.match(.field(.connection(.mark)), .notEqual, 7), .counter(1)])])
    for state in [UInt8(1), 64] { _ = bench.judge(bench.packet(tcp).tracked(state)) }
    _ = bench.judge(bench.packet(tcp))
    #expect(bench.states.counter(1).packets == 0)
    _ = bench.judge(bench.packet(tcp).tracked())
    #expect(bench.states.counter(1).packets == 1)
  }

  // MARK: Effects

  @Test func `what a rule sets the next one sees`() throws {
    let mark = Expression.field(.mark)
    let bench = try RuleBench([
      Rule([.set(.mark, .constant(5, .mark))]),
      Rule([.set(.connectionMark, .or(.field(.mark), .constant(8, .mark)))]),
      Rule([.match(mark, .equal, 5), .match(.field(.connection(.mark)), .equal, 13), .drop]),
    ])
    var packet = bench.packet(tcp).tracked()
    #expect(bench.judge(&packet) == .drop)
    #expect(packet.mark == 5 && packet.connection.mark == 13 && packet.effects.changes == .mark)
  }

  @Test func `labels are added and never taken`() throws {
    let bench = try RuleBench([Rule([.set(.connectionLabel, .constant(1 << 100, .connectionLabel))])])
    var packet = bench.packet(tcp).tracked { $0.labels = 2 }
    bench.judge(&packet)
    #expect(packet.connection.labels == 1 << 100 | 2 && packet.effects.changes == .labels)
  }

  /// W41 rests on it. nft_ct_set_zone_eval: the first zone stays, and a packet with a zone is tracked whatever notrack
  /// says.
  @Test func `a zone is given once, before tracking`() throws {
    func zone(_ number: UInt128, _ direction: FlowDirection?) -> Statement {
      .set(.connectionZone(direction), .constant(number, .integer(bits: 16)))
    }
    var ruleset = Ruleset.inet([Rule([.notrack, zone(5, .reply), zone(6, nil), .notrack])])
    ruleset.tables[0].chains[0].base = BaseChain(hook: .prerouting, priority: -300)
    let bench = try RuleBench(ruleset)
    var packet = bench.packet(tcp)
    bench.judge(&packet, on: .raw)
    #expect(packet.connection.zones == (0, 5) && packet.effects.changes == .zones)
  }

  @Test func `a timeout policy is for new connections of its protocol`() throws {
    let bench = try RuleBench([Rule([.timeout("slow")])]) { table in
      var policy = TimeoutPolicy(name: "slow")
      policy.transport = 6
      policy.seconds = [TimeoutEntry(state: "established", seconds: 9)]
      table.timeouts = [TimeoutPolicy(name: "other"), policy]
    }
    func effects(_ datagram: Datagram, status: UInt32) -> RuleEffects {
      var packet = bench.packet(datagram).tracked { $0.status = status }
      bench.judge(&packet)
      return packet.effects
    }
    #expect(effects(tcp, status: 0).changes == .timeout && effects(tcp, status: 0).timeout == 1)
    #expect(effects(tcp, status: 8).changes == [])
    #expect(effects(udp, status: 0).changes == [])
    #expect(bench.program.timeouts[1].entries == [TimeoutEntry(state: "established", seconds: 9)])
  }

  /// W1, W2, W12, W31: rules pick flows by tables with names; without a connection the packet goes on.
  @Test func `a flow is added to the flow table that its rule names`() throws {
    let bench = try RuleBench([Rule([.tcp, .offload(flowtable: "w"), .counter(1)])]) { table in
      table.flowtables = [Flowtable(name: "v"), Flowtable(name: "w")]
      table.flowtables[1].devices = ["eth0", "veth*"]
    }
    var packet = bench.packet(tcp).tracked(2)
    #expect(bench.judge(&packet) == .accept)
    #expect(packet.effects.flowtable == 2 && packet.effects.changes == .offload)
    #expect(bench.program.flowtables[1].ports == 0b1101)
    _ = bench.judge(bench.packet(udp).tracked(2))
    _ = bench.judge(bench.packet(tcp).tracked(64))
    #expect(bench.states.counter(1).packets == 1)
    #expect(bench.program.needs(.forward).isSuperset(of: [.offloads, .basics]))
  }

  @Test func `events of a connection are chosen by their bits`() throws {
    let bench = try RuleBench([Rule([.set(.connectionEvents, .constant(5, .connectionEvents))])])
    var packet = bench.packet(tcp).tracked()
    bench.judge(&packet)
    #expect(packet.effects.events == 5 && packet.effects.changes == .events)
  }

  @Test func `a traced packet leaves its steps`() throws {
    let bench = try RuleBench([
      Rule([.set(.trace, .constant(1, .boolean))]), Rule([.tcp, .verdict(.jump("side"))]), Rule([.tcp, .counter(9)]),
    ]) { table in
      var side = Chain(name: "side")
      side.rules = [Rule([.match(Read.port, .equal, 1), .drop])]
      table.chains.append(side)
    }
    _ = bench.judge(tcp)
    #expect(bench.steps.map(\.verdict) == [.continue, .jump, .continue, .policyAccept])
    #expect(bench.steps.map(\.handle) == [1, 2, 3, 0])
    #expect(bench.program.chains[Int(bench.steps[0].chain)].chain == "f")
  }

  // MARK: What counts

  @Test func `a counter counts packets and bytes of datagrams that reach it`() throws {
    let bench = try RuleBench([Rule([.counter(1), .tcp, .namedCounter("c")]), Rule([.namedCounter("c")])]) { table in
      table.counters = [NamedCounter(name: "c")]
      table.counters[0].counter.state = 2
      table.counters[0].counter.packets = 100
    }
    _ = bench.judge(tcp)
    _ = bench.judge(udp)
    #expect(bench.states.counter(1) == (2, 40 + 28))
    #expect(bench.states.counter(2) == (103, 40 + 40 + 28))
    bench.states.reset(2)
    _ = bench.judge(udp)
    #expect(bench.states.counter(2) == (1, 28))
  }

  /// nft_limit: the bucket begins full, and fills by the time that passes.
  @Test func `a limit lets its burst through, and then its rate`() throws {
    let bench = try RuleBench([Rule([.limit(Limit(rate: 10, unit: .second, burst: 3)), .accept])], drops: true)
    func passed(of packets: Int) -> Int { (0..<packets).count { _ in bench.judge(udp) == .accept } }
    #expect(passed(of: 10) == 3)
    bench.advance(.milliseconds(99))
    #expect(passed(of: 1) == 0)
    bench.advance(.milliseconds(1))
    #expect(passed(of: 2) == 1)
    bench.advance(.seconds(60))
    #expect(passed(of: 10) == 3)
  }

  @Test func `a limit over a rate of bytes holds for what is too much`() throws {
    var limit = Limit(rate: 1000, unit: .second, burst: 0)
    limit.countsBytes = true
    limit.isOver = true
    let bench = try RuleBench([Rule([.limit(limit), .drop])])
    let large = Datagram.ours().udp(from: 1, to: 2, payload: [UInt8](repeating: 0, count: 372))
    // 400 bytes each of 1000.
    #expect((0..<4).map { _ in bench.judge(large) } == [.accept, .accept, .drop, .drop])
    bench.advance(.milliseconds(200))
    #expect(bench.judge(large) == .accept)
  }

  @Test func `connections are counted once each, and no more when they end`() throws {
    var count = ConnectionCount(limit: 2)
    count.isOver = true
    let bench = try RuleBench([Rule([.connectionCount(count), .drop])])
    func judge(_ id: UInt32) -> RuleDecision { bench.judge(bench.packet(tcp).tracked(id: id)) }
    #expect([1, 1, 2, 1, 3, 4].map(judge) == [.accept, .accept, .accept, .accept, .drop, .drop])
    bench.ended.ids = [1, 3]
    #expect(judge(4) == .accept)
    #expect(judge(5) == .drop)
  }

  /// Whoever is at the limit may send any number of packets: none of them looks through all of the list, and together
  /// they do once in a tick.
  @Test(arguments: [false, true]) func `a count at its limit costs a packet no more than one below it`(isElement: Bool)
    throws
  {
    var count = ConnectionCount(limit: 200)
    count.isOver = true
    var update = SetUpdate(.add, set: "seen", key: Read.source)
    update.statements = [.connectionCount(count)]
    let statement = isElement ? Statement.update(update) : .connectionCount(count)
    let bench = try RuleBench([Rule([statement, .drop])]) { table in
      var set = NamedSet(name: "seen", key: [.ipv4Address])
      (set.state, set.flags, set.size) = (50, .dynamic, 16)
      table.sets = [set]
    }
    func judge(_ id: UInt32) -> RuleDecision { bench.judge(bench.packet(tcp).tracked(id: id)) }
    for id in 1...200 { #expect(judge(UInt32(id)) == .accept) }
    #expect(bench.ended.questions == 0)
    var most = 0
    for id in 201...1200 {
      let before = bench.ended.questions
      #expect(judge(UInt32(id)) == .drop)
      most = max(most, bench.ended.questions - before)
    }
    #expect(most <= 16)
    #expect(bench.ended.questions <= 216)
    // What ended is found nevertheless, with the ticks.
    bench.ended.ids = [77, 78]
    bench.tick()
    #expect(judge(2000) == .accept && judge(2001) == .drop)
  }

  /// More than a worker can have at once are never met: the list need not be longer.
  @Test func `a count far above what there can be holds few handles, and goes on when they end`() throws {
    let ended = Ended()
    let states = RuleStates(workers: 1, connections: 20, secret: HashSecret(seed: 5))
    let ruleset = Ruleset.inet([Rule([.connectionCount(ConnectionCount(limit: .max)), .accept])], drops: true)
    let program = try RuleProgram(ruleset, ports: RulesetGenerator.ports, states: states, at: Instant(nanoseconds: 1))
    let engine = EngineBox(states.engine(worker: 0, liveness: ended.liveness))
    engine.engine.adopt(program.view)
    let packets = Packets()
    for id in 1...5000 {
      var packet = packets.packet(tcp.frame(), ingress: 0, egress: 1).tracked(id: UInt32(id))
      #expect(engine.engine.judge(.forward, &packet, at: Instant(nanoseconds: UInt64(id))) == .accept)
      // Twenty live at a time.
      if id > 20 { ended.ids.insert(UInt64(id - 20)) }
      if id % 50 == 0 { engine.engine.tick(at: Instant(nanoseconds: UInt64(id))) }
    }
    withExtendedLifetime((program, ended)) {}
  }
}
