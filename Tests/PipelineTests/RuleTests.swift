import CSegment
import Conntrack
import FlowCache
import Pipeline
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing
import Wire

/// Rules on a packet's journey, and the flow tables they fill.
struct RuleTests {
  private static let offload = """
    table ip x {
      flowtable w { hook ingress priority -100; devices = { eth0, eth1 }; counter; }
      chain y { type filter hook forward priority 0; policy accept; ip protocol tcp counter flow add @w; counter }
    }
    """

  private static func segment(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, length: Int = 0) -> Datagram {
    .ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
      from: 4000, to: 80, flags: flags, seq: seq, ack: ack, payload: [UInt8](repeating: 1, count: length))
  }
  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53, payload: [1])

  private final class Line {
    let rules = RuleLine()
    let bench: Bench

    init(_ text: String? = nil, policy: Policy = Policy(), zones: [ZoneMap.Rule] = [], tracks: Bool = true) throws {
      let tracker =
        tracks
        ? Tracker(
          table: ConnectionTable(capacity: 64, extensionCapacity: 64, secret: HashSecret(seed: 7)),
          settings: TrackerSettings(), zones: ZoneMap(zones, ports: 2)) : Tracker.off()
      bench = Bench(policy: policy, tracker: tracker, mailbox: rules.mailbox, states: rules.states)
      if let text { try rules.load(text, into: bench) }
    }

    /// Whether it left again.
    @discardableResult
    func send(_ datagram: Datagram, on port: PortID = Bench.a, vlan: [UInt16] = []) -> Bool {
      let sent = bench.sent
      bench.ports.arrive([datagram.frame(vlan: vlan)], on: port)
      while bench.worker.breathe() > 0 {}
      return bench.sent > sent
    }

    func advance(_ interval: Interval) {
      bench.ports.now = bench.ports.now + interval
      _ = bench.worker.breathe()
    }

    func open() {
      send(RuleTests.segment(.syn, seq: 1000))
      send(RuleTests.segment([.syn, .ack], seq: 5000, ack: 1001).reversed, on: Bench.b)
      send(RuleTests.segment(.ack, seq: 1001, ack: 5001))
    }

    var isOffloaded: Bool {
      (0..<bench.worker.journey.tracker.table.slotsUsed).contains { slot in
        unsafe bench.worker.journey.tracker.table.record(slot).pointee.status & Status.offload != 0
      }
    }
    var packets: (UInt64, UInt64) {
      let record = unsafe bench.worker.journey.tracker.table.record(0).pointee
      return (record.packets_original, record.packets_reply)
    }
    var served: UInt64 { unsafe bench.worker.journey.tracker.flowRecord(1).pointee.packets }
  }

  // MARK: Verdicts

  @Test func `a packet that a rule drops is counted under that, and opens nothing`() throws {
    let line = try Line("table ip f { chain f { type filter hook forward priority 0; tcp dport 80 drop; } }")
    #expect(!line.send(Self.segment(.syn, seq: 1)))
    #expect(line.bench.dropped(.rule) == 1 && line.bench.worker.journey.tracker.table.count == 0)
    #expect(line.send(Self.question))
    #expect(line.bench.balances)
  }

  @Test func `policy, reject and rule have a reason of their own`() throws {
    let line = try Line(
      """
      table inet f { chain f { type filter hook forward priority 0; policy drop;
        tcp dport 80 reject; udp dport 53 accept; icmp type echo-request drop } }
      """)
    #expect(!line.send(Self.segment(.syn, seq: 1)))
    #expect(line.send(Self.question))
    #expect(!line.send(.ipv4(from: "10.0.0.1", to: "192.0.2.1").icmp()))
    #expect(!line.send(.ipv6(from: "2001:db8::1", to: "2001:db8::2").icmpv6()))
    #expect(line.bench.dropped(.ruleReject) == 1 && line.bench.dropped(.rule) == 1)
    #expect(line.bench.dropped(.rulePolicy) == 1 && line.bench.balances)
  }

  @Test func `without rules nothing passes where settings say so`() throws {
    let line = try Line()
    line.rules.flush(line.bench, isClosed: true)
    #expect(!line.send(Self.question))
    #expect(line.bench.dropped(.noRules) == 1 && line.bench.worker.journey.tracker.table.count == 0)
    try line.rules.load("table ip x { }", into: line.bench)
    line.rules.flush(line.bench)
    #expect(line.send(Self.question) && line.bench.balances)
  }

  @Test func `rules work without tracking too`() throws {
    let line = try Line(
      "table ip f { chain f { type filter hook forward priority 0; udp dport 53 counter drop; } }", tracks: false)
    #expect(!line.send(Self.question))
    #expect(line.send(Self.segment(.syn, seq: 1)))
    #expect(line.rules.counted("f", 0) == 1 && line.bench.balances)
  }

  @Test func `hooks come in their order, each with what is known there`() throws {
    let line = try Line(
      """
      table netdev n { chain i { type filter hook ingress device eth0 priority 0; ether type ip counter } }
      table inet f {
        chain raw { type filter hook prerouting priority raw; ct state new counter; counter }
        chain pre { type filter hook prerouting priority 0; ct state new counter; oifname eth1 counter }
        chain onward { type filter hook forward priority 0; iifname eth0 oifname eth1 counter }
        chain post { type filter hook postrouting priority 0; counter }
      }
      """)
    #expect(line.send(Self.question))
    #expect(line.rules.counted("i", 0) == 1)
    #expect(line.rules.counted("raw", 0) == 0, "no connection is known yet")
    #expect(line.rules.counted("raw", 1) == 1)
    #expect(line.rules.counted("pre", 0) == 1)
    #expect(line.rules.counted("pre", 1) == 0, "nor the way out")
    #expect(line.rules.counted("onward", 0) == 1)
    #expect(line.rules.counted("post", 0) == 1)
  }

  // MARK: Flow tables

  /// W2, W31, W32: the handshake goes through the rules, what follows takes the short way; only TCP does.
  @Test func `TCP that is established takes the short way, and UDP does not`() throws {
    let line = try Line(Self.offload)
    line.open()
    #expect(line.isOffloaded && line.served == 0)
    for i in 0..<10 {
      line.send(Self.segment([.ack, .psh], seq: 1001 + UInt32(i), ack: 5001, length: 1))
      line.send(Self.segment(.ack, seq: 1002 + UInt32(i), ack: 5001).reversed, on: Bench.b)
    }
    #expect(line.served == 19)
    #expect(line.rules.counted("y", 0) == 4, "rules are asked once more, for the way back")
    #expect(line.packets == (12, 11), "the connection counts on: the table says so (W32)")
    line.send(Self.question)
    line.send(Self.question.reversed, on: Bench.b)
    line.send(Self.question)
    #expect(line.served == 19 && line.bench.balances)
  }

  /// W24, W32: without `counter` the connection's counters stand still, and the table's do not.
  @Test func `without counter the connection's numbers stand still`() throws {
    let line = try Line(Self.offload.replacing(" counter; }\n  chain", with: " }\n  chain"))
    line.open()
    for i in 0..<5 { line.send(Self.segment([.ack, .psh], seq: 1001 + UInt32(i), ack: 5001, length: 1)) }
    #expect(line.served == 5)
    #expect(line.packets == (2, 1))
  }

  /// W21: options, a hop limit of one, fragments and SYN go the classic way, and the flow stays one.
  @Test func `what needs a closer look goes the classic way`() throws {
    let line = try Line(Self.offload)
    line.open()
    var odd = Self.segment([.ack, .psh], seq: 1001, ack: 5001, length: 4)
    odd.hopLimit = 1
    #expect(line.send(odd))
    #expect(line.served == 0 && line.isOffloaded)
    #expect(line.rules.counted("y", 0) == 4)
    #expect(line.send(Self.segment([.ack, .psh], seq: 1005, ack: 5001, length: 4)))
    #expect(line.served == 1)
  }

  /// W29, W38: other rules, and every flow is asked about again with its next packet.
  @Test func `a change of the rules ends what was decided under the old ones`() throws {
    let line = try Line(Self.offload)
    line.open()
    line.send(Self.segment(.ack, seq: 1001, ack: 5001))
    #expect(line.served == 1)
    try line.rules.load(
      Self.offload.replacing("policy accept;", with: "policy accept; tcp dport 80 drop;"), into: line.bench)
    #expect(!line.send(Self.segment(.ack, seq: 1001, ack: 5001)))
    #expect(!line.isOffloaded)
    #expect(line.bench.dropped(.rule) == 1)
    try line.rules.load(Self.offload, into: line.bench)
    #expect(line.send(Self.segment(.ack, seq: 1001, ack: 5001)))
    #expect(line.isOffloaded)
    #expect(line.send(Self.segment(.ack, seq: 1001, ack: 5001)) && line.served == 2)
  }

  /// W38: a table that is not bound to both ports takes none of their flows.
  @Test func `a flow of a port that is unbound goes the classic way`() throws {
    let line = try Line(Self.offload)
    line.open()
    #expect(line.isOffloaded)
    try line.rules.load(Self.offload.replacing("{ eth0, eth1 }", with: "{ eth0 }"), into: line.bench)
    #expect(line.send(Self.segment(.ack, seq: 1001, ack: 5001)))
    #expect(!line.isOffloaded)
  }

  /// W41: one five-tuple in two zones is two flows.
  @Test(arguments: [false, true]) func `zones do not share a flow`(byRule: Bool) throws {
    let zones = byRule ? "chain r { type filter hook prerouting priority raw; vlan id 5 ct zone set 5 }" : ""
    let line = try Line(
      Self.offload.replacing("chain y", with: zones + "\n  chain y"),
      zones: byRule ? [] : [ZoneMap.Rule(vlan: 5, zones: ZonePair(5))])
    line.open()
    #expect(line.isOffloaded)
    line.send(Self.segment(.ack, seq: 1001, ack: 5001))
    #expect(line.served == 1)
    line.send(Self.segment(.ack, seq: 1001, ack: 5001), vlan: [5])
    #expect(line.served == 1, "it belongs to no flow")
    #expect(line.bench.worker.journey.tracker.table.count == 2)
    line.send(Self.segment(.ack, seq: 1001, ack: 5001))
    #expect(line.served == 2 && line.bench.balances)
  }

  /// W14: IPv6 in the same table.
  @Test func `IPv6 flows take the short way`() throws {
    let line = try Line(
      """
      table inet x {
        flowtable w { hook ingress priority 0; devices = { eth0, eth1 }; }
        chain y { type filter hook forward priority 0; ct state established flow add @w }
      }
      """)
    let question = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::53").udp(from: 4000, to: 53, payload: [1])
    line.send(question)
    line.send(question.reversed, on: Bench.b)
    #expect(!line.isOffloaded, "W28: nothing is before it is assured")
    line.advance(.seconds(3))
    line.send(question)
    #expect(line.isOffloaded)
    line.send(question)
    line.send(question.reversed, on: Bench.b)
    #expect(line.served == 1, "the way back is learned")
    line.send(question.reversed, on: Bench.b)
    #expect(line.served == 2)
  }
}
