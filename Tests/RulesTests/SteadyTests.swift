import Foundation
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing
import Wire

/// What the flow cache goes by: rules that say of themselves that they would say the same of the flow's next packet do.
@Suite struct SteadyTests {
  /// Two plain packets of a connection and direction, alike in nothing else; whatever rules say to be steady of one of them
  /// is said of the other, and nothing is counted.
  @Test func `what is steady holds for every plain packet of the flow`() throws {
    let rounds = ProcessInfo.processInfo.environment["DPDKFWD_RULES_ROUNDS"].flatMap(Int.init) ?? 60
    var chance = SeededGenerator.forThisRun()
    var (steady, asked) = (0, 0)
    for _ in 0..<rounds {
      let seed = chance.next()
      guard let found = try holds(seed, packets: 200) else { return }
      steady += found
      asked += 200
    }
    print("\(steady) of \(asked) answers were steady")
    #expect(steady > asked / 50 && steady < asked)
  }

  /// - Returns: how many were steady; `nil`: one of them did not hold.
  private func holds(_ seed: UInt64, packets count: Int) throws -> Int? {
    var generator = RulesetGenerator(chance: SeededGenerator(seed: seed))
    let ruleset = generator.ruleset()
    var now = Instant(nanoseconds: 5_000_000_000)
    let states = RuleStates(workers: 1, secret: HashSecret(seed: seed))
    let program = try RuleProgram(ruleset, ports: RulesetGenerator.ports, states: states, at: now)
    var engine = states.engine(worker: 0)
    engine.adopt(program.view)
    func counters() -> [UInt64] { (1...max(ruleset.lastState, 1)).map { states.counter($0).packets } }
    var source = PlainPackets(chance: SeededGenerator(seed: seed ^ 1))
    var steady = 0
    for number in 0..<count {
      let memory = Packets()
      let hook = RuleHook.allCases.randomElement(using: &source.chance)!
      var (one, other) = source.pair(on: hook, memory)
      engine.begin()
      let first = engine.judge(hook, &one, at: now)
      let isSteady = engine.isSteady(isIPv6: one.connection.isIPv6)
      let before = isSteady ? counters() : []
      now = now + .milliseconds([0, 1, 900, 4000].randomElement(using: &source.chance)!)
      let second = engine.judge(hook, &other, at: now)
      withExtendedLifetime(memory) {}
      guard isSteady else { continue }
      steady += 1
      let changes = one.effects.changes.union(other.effects.changes)
      let isKept = second == first && one.mark == other.mark && changes.isEmpty && counters() == before
      guard isKept, engine.traceCount == 0, engine.isSteady(isIPv6: one.connection.isIPv6) else {
        Issue.record("seed \(seed), packet \(number) on \(hook): \(first), then \(second), changes \(changes)")
        return nil
      }
    }
    return steady
  }

  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: 7, to: 53)

  private func isSteady(_ rule: String, _ datagram: Datagram = question) throws -> Bool {
    let text =
      """
      table inet x {
        set live { type ipv4_addr; flags dynamic; timeout 1m; }
        set fixed { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.9 } }
        set timed { type ipv4_addr; flags timeout; elements = { 10.0.0.1 timeout 1h } }
        set counting { type ipv4_addr; counter; elements = { 10.0.0.1 } }
        chain y { type filter hook forward priority 0; \(rule); }
      }
      """
    let ports = RulesetGenerator.ports
    let read = try RulesetReader(ports: ports).run(RulesetSource(name: "test", text: text), on: Ruleset())
    let states = RuleStates(workers: 1, secret: HashSecret(seed: 7))
    let program = try RuleProgram(read.ruleset, ports: ports, states: states, at: Instant(nanoseconds: 1))
    var engine = states.engine(worker: 0)
    engine.adopt(program.view)
    let packets = Packets()
    var packet = packets.packet(datagram.frame(), egress: 1)
    packet.connection.isKnown = true
    packet.connection.state = 2
    engine.begin()
    _ = engine.judge(.forward, &packet, at: Instant(nanoseconds: 1))
    withExtendedLifetime(packets) {}
    return engine.isSteady(isIPv6: datagram.source.isIPv6)
  }

  @Test(arguments: [
    "ip saddr 10.0.0.0/24 accept", "udp dport 53 accept", "ct state established accept", "meta l4proto tcp counter",
    "ip saddr 10.0.0.3 counter drop", "ct state vmap { established : accept, invalid : drop }",
    "ip saddr @fixed accept",
    "ct direction reply counter", "meta mark set 5; meta mark 5 accept; counter", "ct state new ip ttl 1 drop",
    "th dport 1-1000 accept", "ip protocol udp accept", "ct original ip saddr 10.0.0.1 accept",
    "meta nfproto ipv4 accept",
  ])
  func `rules that ask for what a flow keeps are steady`(rule: String) throws {
    #expect(try isSteady(rule))
  }

  @Test(arguments: [
    "counter", "ip saddr 10.0.0.1 counter accept", "limit rate 5/second accept", "ct count over 5 drop",
    "ip ttl < 5 drop",
    "meta length > 100 drop", "udp length 9 drop", "ct mark 5 drop", "ct mark set 5", "ct label 1 drop",
    "ct packets > 5 drop",
    "ct expiration < 5s drop", "ct status assured accept", "ether saddr 02:00:00:00:00:01 drop", "ip dscp 5 drop",
    "meta nftrace set 1", "ip saddr @live accept", "ip saddr @timed accept", "ip saddr @counting accept",
    "update @live { ip saddr }", "meta pkttype broadcast drop", "ip id 5 drop", "@nh,64,32 5 drop",
  ])
  func `rules that ask for more, or do something, are not`(rule: String) throws {
    #expect(try !isSteady(rule))
  }

  /// Filed under a value that varies: the lookup asks for it.
  @Test func `a chain that is filed by what varies is not steady`() throws {
    let rules = (1...20).map { "ip id \($0) drop" }
    #expect(try !isSteady(rules.joined(separator: "; ")))
    #expect(try isSteady((1...20).map { "ip saddr 10.1.0.\($0) counter drop" }.joined(separator: "; ")))
  }

  /// Where addresses lie in IPv4, other things lie in IPv6, and the other way round.
  @Test func `what is steady in one family need not be in the other`() throws {
    let six = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2").udp(from: 7, to: 53)
    #expect(try isSteady("@nh,72,8 17 accept") && isSteady("@nh,72,8 17 accept", six))
    #expect(try !isSteady("@nh,48,8 17 accept") && isSteady("@nh,48,8 17 accept", six))
    #expect(try isSteady("ip6 saddr 2001:db8::1 accept", six) && isSteady("ip6 saddr 2001:db8::1 accept"))
    #expect(try !isSteady("ip6 hoplimit 1 drop", six))
  }
}

/// Pairs of plain packets of one flow, with the facts of a connection that was answered.
private struct PlainPackets {
  var chance: SeededGenerator

  init(chance: SeededGenerator) { self.chance = chance }

  private mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &chance) }

  mutating func pair(on hook: RuleHook, _ packets: Packets) -> (RulePacket, RulePacket) {
    let isIPv6 = pick(0...2) == 0
    let (from, to) = (pick(0...7), pick(0...7))
    let ports = (UInt16(pick(0...12)), UInt16(pick(0...12)))
    let (isTCP, ingress, egress) = (pick(0...1) == 0, UInt16(pick(0...3)), UInt16(pick(0...2)))
    var facts = ConnectionFacts()
    facts.isKnown = hook != .ingress && hook != .raw
    facts.state = 2
    facts.direction = UInt8(pick(0...1))
    facts.isIPv6 = isIPv6
    facts.transport = isTCP ? 6 : 17
    facts.id = UInt32(pick(1...30))
    facts.handle = UInt64(facts.id)
    let base: UInt128 = isIPv6 ? 0x2001_0DB8 << 96 : 0x0A00_0000
    facts.source = (base + UInt128(from), base + UInt128(to))
    facts.destination = (facts.source.1, facts.source.0)
    facts.sourcePort = ports
    facts.destinationPort = (ports.1, ports.0)
    func one() -> RulePacket {
      var datagram =
        isIPv6
        ? Datagram.ipv6(from: "2001:db8::\(from)", to: "2001:db8::\(to)", hopLimit: UInt8(pick(2...255)))
        : Datagram.ipv4(
          from: "10.0.0.\(from)", to: "10.0.0.\(to)", ttl: UInt8(pick(2...255)), id: UInt16(pick(0...65535)))
      datagram.trafficClass = UInt8(pick(0...255))
      let payload = [UInt8](repeating: 0x11, count: pick(0...60))
      datagram =
        isTCP
        ? datagram.tcp(from: ports.0, to: ports.1, flags: pick(0...1) == 0 ? .ack : [.ack, .psh], payload: payload)
        : datagram.udp(from: ports.0, to: ports.1, payload: payload)
      let frame = datagram.frame(
        vlan: [[], [1], [1, 2]][pick(0...2)], to: pick(0...1) == 0 ? .two : .broadcast, padTo: pick(0...60))
      var packet = packets.packet(frame, ingress: ingress)
      if hook == .forward || hook == .postrouting { packet.egress = egress }
      packet.connection = facts
      packet.connection.status = UInt32([6, 14][pick(0...1)])
      packet.connection.mark = UInt32(pick(0...7))
      packet.connection.labels = UInt128(pick(0...3))
      packet.connection.expiration = UInt64(pick(0...60_000))
      packet.connection.packets = (UInt64(pick(0...9)), UInt64(pick(0...9)))
      packet.connection.bytes = (UInt64(pick(0...900)), UInt64(pick(0...900)))
      return packet
    }
    return (one(), one())
  }
}
