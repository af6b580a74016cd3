import CSegment
import Conntrack
import EventSupport
import FlowCache
import Foundation
import Pipeline
import Primitives
import Reassembly
import Segment
import TestSupport
import Testing

/// Under rules the short ways spare work and change nothing: beside the same worker with its flow cache off, whose packets
/// all go the classic way, the same frames leave, others stay for the same reasons, rules have counted the same, and
/// connections are the same to the byte.
struct RulePathTests {
  private static let rounds =
    ProcessInfo.processInfo.environment["DPDKFWD_CACHE_ROUNDS"].flatMap { Int($0) } ?? 200

  private static let rulesets: [String: String] = [
    "steady": """
    table inet x {
      chain f {
        type filter hook forward priority 0; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        tcp dport 80 counter accept
        ip saddr 10.0.0.2 udp dport 53 counter drop
        meta l4proto { 17, 1, 47 } counter accept
        ip6 nexthdr 6 counter accept
      }
    }
    """,
    "counting on every hook": """
    table netdev n { chain i { type filter hook ingress device eth0 priority 0; ether type ip counter; ip ttl 0 drop } }
    table inet x {
      chain r { type filter hook prerouting priority raw; counter; ip saddr 10.0.0.3 udp sport 2 counter notrack }
      chain p { type filter hook prerouting priority mangle; ct state established counter; meta mark set ct mark }
      chain f {
        type filter hook forward priority 0
        ct state invalid counter drop
        meta mark 0 ct mark set 7
        meta mark 7 counter ct mark set 9
        ct mark 9 counter ct label set 3
        ct label 3 counter
        ct state new limit rate over 20/second counter drop
      }
      chain o { type filter hook postrouting priority 0; oifname eth1 counter; ct packets > 5 counter; ct bytes > 900 counter }
    }
    """,
    "zones": """
    table ip x {
      chain r {
        type filter hook prerouting priority raw
        ip saddr 10.0.0.1 ct zone set 5
        ip daddr 10.0.0.1 ct zone set 5
        udp dport 2 counter notrack
      }
      chain f { type filter hook forward priority 0; ct zone 5 counter; ct state established accept; counter }
    }
    """,
    "what varies": """
    table inet x {
      set seen { type ipv4_addr; flags dynamic; size 64; timeout 2s; }
      set each { type ipv4_addr . inet_service; flags dynamic; size 64; timeout 4s; }
      chain f {
        type filter hook forward priority 0
        ct expiration < 20s counter
        ct status assured counter
        ct direction reply counter
        ct original ip saddr 10.0.0.4 counter drop
        meta length > 200 counter drop
        ip saddr @seen counter
        tcp flags psh update @seen { ip saddr }
        ip protocol udp update @each { ip saddr . udp dport limit rate over 3/second } counter drop
        ct count over 6 counter drop
        ct state established counter accept
      }
    }
    """,
    "timeouts and flows": """
    table inet x {
      ct timeout short { protocol udp; policy = { unreplied : 2s, replied : 5s } }
      flowtable w { hook ingress priority 0; devices = { eth0, eth1 }; counter; timeout 4s; }
      chain p { type filter hook prerouting priority 0; ip daddr 192.0.2.53 ct timeout set "short" }
      chain f {
        type filter hook forward priority 0
        ip6 version 6 accept
        ct direction original ct state established flow add @w
        ip saddr 10.0.0.1 accept
        counter
      }
    }
    """,
    "many that are filed": """
    table inet x {
      chain f {
        type filter hook forward priority 0
        \((1...20).map { "ip saddr 10.0.0.\($0 % 7) tcp dport \(4000 + $0 % 6) counter" }.joined(separator: "\n"))
        \((1...20).map { "udp sport \($0 % 5) ip daddr 192.0.2.53 ct state new counter" }.joined(separator: "\n"))
        ip saddr 10.0.0.5 jump more
        meta mark 1 drop
      }
      chain more { udp dport 3 counter return; ip ttl 64 counter; goto last }
      chain last { ip daddr 192.0.2.53 counter accept }
    }
    """,
  ]

  /// Two workers under the same rules; one has its flow cache on.
  private final class Pair {
    let cached: TrackingBench
    let classic: TrackingBench
    let rules = (RuleLine(), RuleLine())
    private var compared: [PortID: Int] = [:]

    init(policy: Policy, after: FlowCache.CacheAfter, zones: [ZoneMap.Rule]) {
      func bench(_ rules: RuleLine, _ cache: FlowCache) -> TrackingBench {
        TrackingBench(
          policy: policy, cache: cache, capacity: 24, zones: zones,
          fragments: Reassembly(settings: FragmentSettings(fragments: 256), secret: HashSecret(seed: 7)),
          events: EventMemory(), telling: [.new, .update, .destroy, .refresh], rules: rules)
      }
      cached = bench(rules.0, FlowCache(after: after))
      classic = bench(rules.1, FlowCache(isOn: false))
    }

    func load(_ text: String) throws {
      try rules.0.load(text, into: cached.bench)
      try rules.1.load(text, into: classic.bench)
    }

    func flush() {
      rules.0.flush(cached.bench)
      rules.1.flush(classic.bench)
    }

    func play(_ frames: [(frame: Frame, port: PortID)], after interval: Interval, egress: ((PortID) -> Egress)?) {
      for bench in [cached, classic] {
        bench.advance(interval)
        if let egress { bench.bench.worker.renew(egress) }
        for (frame, port) in frames { bench.bench.ports.arrive([frame], on: port) }
        while bench.bench.worker.breathe() > 0 {}
      }
    }

    /// What is not the same; `nil`: all is.
    var difference: String? {
      for port in [Bench.a, Bench.b] {
        let (mine, theirs) = (cached.bench.ports.sent[port, default: []], classic.bench.ports.sent[port, default: []])
        let from = compared[port, default: 0]
        if mine[min(from, mine.count)...] != theirs[min(from, theirs.count)...] { return "frames sent by \(port)" }
        compared[port] = mine.count
      }
      if cached.drops != classic.drops { return "drops" }
      if rules.0.counters != rules.1.counters { return "rules: \(rules.0.counters), not \(rules.1.counters)" }
      if cached.table != classic.table { return "connections" }
      if cached.counters != classic.counters { return "the tracker's counters" }
      if told(cached) != told(classic) { return "events" }
      if !cached.bench.balances { return "the sums" }
      return cached.wrong
    }

    private func told(_ bench: TrackingBench) -> [String] {
      (bench.events?.take() ?? []).map { "\($0.kind) \($0.changes.rawValue) \($0.connection.original)" }
    }
  }

  /// W21, W29, W37: over conversations with trouble, egress that changes, and rules that are replaced on the way.
  @Test(arguments: rulesets.keys.sorted(), FlowCache.CacheAfter.allCases)
  func `under rules the same comes out by the short ways`(name: String, after: FlowCache.CacheAfter) throws {
    var chance = SeededGenerator.forThisRun("rule path, \(name), after \(after)")
    let zones = after == .reply ? [ZoneMap.Rule(vlan: 2, zones: ZonePair(3))] : []
    let pair = Pair(policy: Policy(invalid: after == .assured ? .drop : .forward), after: after, zones: zones)
    let text = Self.rulesets[name]!
    try pair.load(text)
    var traffic = TrackedTraffic(trouble: 3)
    for round in 0..<Self.rounds {
      switch Int.random(in: 0..<60, using: &chance) {
      case 0: try pair.load(Self.rulesets.values.sorted().randomElement(using: &chance)!)
      case 1: pair.flush()
      case 2...4: try pair.load(text)
      default: break
      }
      let pause = [0, 0, 0, 1, 300, 1000, 2500].randomElement(using: &chance)!
      let frames = (0..<Int.random(in: 1...40, using: &chance)).map { _ in traffic.next(&chance) }
      pair.play(frames, after: .milliseconds(UInt64(pause)), egress: Self.egress(&chance))
      let difference = pair.difference
      #expect(difference == nil, "round \(round)")
      guard difference == nil else { return }
    }
    print("\(name), after \(after): \(pair.cached.counts.cache_hits) hits of \(pair.cached.bench.received)")
  }

  /// Now and then a way out closes, opens or grows narrow.
  private static func egress(_ chance: inout SeededGenerator) -> ((PortID) -> Egress)? {
    guard Int.random(in: 0..<40, using: &chance) == 0 else { return nil }
    let mtu: UInt16? = Int.random(in: 0..<2, using: &chance) == 0 ? 400 : nil
    return { $0 == Bench.a ? Egress(port: Bench.b, mtu: mtu) : Egress(port: Bench.a) }
  }

  // MARK: When

  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53, payload: [1])

  /// A flow both sides use, for longer than two seconds.
  private final class Warm {
    let rules = RuleLine()
    let tracking: TrackingBench

    init(_ rule: String) throws {
      tracking = TrackingBench(rules: rules)
      try load(rule)
      for _ in 0..<4 {
        send(RulePathTests.question)
        send(RulePathTests.question.reversed, on: Bench.b)
        tracking.advance(.milliseconds(1500))
      }
    }

    func load(_ rule: String) throws {
      try rules.load("table inet x { chain y { type filter hook forward priority 0; \(rule) } }", into: tracking.bench)
    }

    func send(_ datagram: Datagram, on port: PortID = Bench.a) {
      tracking.bench.ports.arrive([datagram.frame()], on: port)
      while tracking.bench.worker.breathe() > 0 {}
    }

    var hits: UInt64 { tracking.counts.cache_hits }
  }

  @Test func `rules that would say the same again are not asked again`() throws {
    let warm = try Warm("ct state established accept; counter")
    let hits = warm.hits
    for _ in 0..<5 { warm.send(Self.question) }
    #expect(warm.hits == hits + 5)
    #expect(warm.rules.counted("y", 1) == 1, "the first packet was new")
  }

  @Test func `rules that count are asked each time`() throws {
    let warm = try Warm("counter")
    for _ in 0..<5 { warm.send(Self.question) }
    #expect(warm.hits == 0 && warm.rules.counted("y", 0) == 13)
  }

  /// W29: nothing is let pass by what other rules said.
  @Test func `other rules are asked at once`() throws {
    let warm = try Warm("ct state established accept")
    let (hits, sent) = (warm.hits, warm.tracking.bench.sent)
    #expect(hits > 0)
    try warm.load("udp dport 53 drop")
    warm.send(Self.question)
    #expect(warm.tracking.bench.sent == sent && warm.tracking.bench.dropped(.rule) == 1 && warm.hits == hits)
  }

  /// What is steady is so of plain packets: others meet the rules.
  @Test func `a packet that is not plain is asked about`() throws {
    let warm = try Warm("ct state established accept")
    let hits = warm.hits
    var odd = Self.question
    odd.hopLimit = 1
    warm.send(odd)
    #expect(warm.hits == hits)
    warm.send(Self.question)
    #expect(warm.hits == hits + 1)
  }

  /// The record's deadline is its policy's, which only the tracker knows.
  @Test func `a connection with timeouts of its own goes the classic way`() throws {
    let rules = RuleLine()
    let tracking = TrackingBench(rules: rules)
    try rules.load(
      """
      table ip x {
        ct timeout short { protocol udp; l3proto ip; policy = { unreplied : 3s, replied : 5s } }
        chain p { type filter hook prerouting priority 0; ct timeout set "short" }
      }
      """, into: tracking.bench)
    for _ in 0..<6 {
      tracking.bench.send([Self.question.frame()])
      tracking.bench.ports.arrive([Self.question.reversed.frame()], on: Bench.b)
      while tracking.bench.worker.breathe() > 0 {}
      tracking.advance(.milliseconds(900))
    }
    #expect(tracking.counts.insert == 1 && tracking.counts.cache_hits == 0)
    tracking.advance(.seconds(6))
    tracking.bench.send([Self.question.frame()])
    #expect(tracking.counts.insert == 2)
    withExtendedLifetime(rules) {}
  }
}
