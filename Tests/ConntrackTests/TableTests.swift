import CSegment
import Conntrack
import Primitives
import TestSupport
import Testing

/// Where connections meet in the table: equal tuples, room that runs out, numbers that come to their end.
struct TableTests {
  private static func flow(_ source: Address = "10.0.0.1", _ port: Int = 4000) -> Datagram {
    source.isIPv6
      ? .ipv6(from: source, to: "2001:db8::53").udp(from: UInt16(port), to: 53)
      : .ipv4(from: source, to: "192.0.2.53").udp(from: UInt16(port), to: 53)
  }

  // MARK: Equal tuples

  /// Linux puts the reply tuple in front of the original one: what follows counts as an answer.
  @Test func `a flow of one end with itself is answered by its next packet`() {
    let bench = TrackerBench()
    let own = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.1").udp(from: 7, to: 7)
    #expect(bench.send(own).words == "new_o")
    #expect(bench.send(own).words == "established_r")
    bench.advance(.seconds(40))
    bench.sweep()
    #expect(bench.count == 0)
    #expect(bench.tracker.table.checkInvariants() == nil)
  }

  /// Also when the identifier looks like the question's type (8 << 8): there is only the role left to tell them apart.
  @Test(arguments: [7, 2048] as [UInt16], ["10.0.0.1", "2001:db8::1"] as [Address])
  func `a host may ask itself`(id: UInt16, host: Address) {
    let bench = TrackerBench()
    let question =
      host.isIPv6
      ? Datagram.ipv6(from: host, to: host).icmpv6(id: id == 2048 ? 128 << 8 : id)
      : Datagram.ipv4(from: host, to: host).icmp(id: id)
    #expect(bench.send(question).words == "new_o")
    #expect(bench.send(question.reversed).words == "established_r")
    #expect(bench.send(question).words == "established_o")
    #expect(bench.count == 1)
  }

  /// W41: a reply tuple may live where another connection has the same one as its original.
  @Test func `the other direction of a stranger in the same zone hides no connection`() {
    let bench = TrackerBench(zones: [
      ZoneMap.Rule(port: 0, zones: ZonePair(original: 3, reply: 1)),
      ZoneMap.Rule(port: 1, zones: ZonePair(original: 1, reply: 2)),
    ])
    #expect(bench.send(Self.flow().reversed, port: 0).words == "new_o")
    #expect(bench.send(Self.flow(), port: 1).words == "new_o")
    #expect(bench.send(Self.flow(), port: 1).words == "new_o")
    #expect(bench.count == 2)
    #expect(bench.connections.map(\.packets_original) == [1, 2])
  }

  @Test func `a connection whose time is over hides no other one`() {
    let bench = TrackerBench(zones: [
      ZoneMap.Rule(port: 0, zones: ZonePair(original: 5, reply: 1)),
      ZoneMap.Rule(port: 1, zones: ZonePair(original: 6, reply: 0)),
      ZoneMap.Rule(port: 2, zones: ZonePair(original: 5, reply: 0)),
    ])
    bench.send(Self.flow(), port: 0)
    bench.advance(.seconds(20))
    #expect(bench.send(Self.flow().reversed, port: 1).words == "new_o")
    bench.advance(.seconds(20))
    #expect(bench.send(Self.flow(), port: 2).words == "established_r")
    #expect(bench.count == 1)
  }

  /// Conformance 140, zone-05: two zones of their own, one zone for the answers.
  @Test(arguments: ["10.0.0.1", "2001:db8::1"] as [Address])
  func `two connections cannot have one reply tuple`(source: Address) {
    let bench = TrackerBench(zones: [
      ZoneMap.Rule(port: 0, zones: ZonePair(original: 5, reply: 0)),
      ZoneMap.Rule(port: 1, zones: ZonePair(original: 6, reply: 0)),
    ])
    #expect(bench.send(Self.flow(source), port: 0).refusal == nil)
    #expect(bench.send(Self.flow(source), port: 1).refusal == .tupleTaken)
    #expect(bench.counts.insert_failed == 1)
    #expect(bench.counts.drop == 1)
    // Who is silent for too long holds nothing, swept or not.
    bench.advance(.seconds(40))
    #expect(bench.send(Self.flow(source), port: 1).refusal == nil)
    #expect(bench.connections.map(\.zone) == [6])
    #expect(bench.tracker.table.checkInvariants() == nil)
  }

  // MARK: Room

  @Test func `who is over a limit makes no room at the cost of others`() {
    let bench = TrackerBench(
      capacity: 8, limits: SharedLimits(source: 2, capacity: 100, secret: TrackerBench.secret))
    for port in 0..<2 { bench.send(Self.flow("10.0.0.1", port)) }
    for host in 2..<8 { bench.send(Self.flow("10.0.0.\(host)", 1)) }
    #expect(bench.count == 8)
    #expect(bench.send(Self.flow("10.0.0.1", 9)).refusal == .sourceReached)
    #expect(bench.count == 8)
    #expect(bench.counts.early_drop == 0)
  }

  @Test func `what is reserved stays so when a connection goes whose time is over`() {
    var settings = TrackerSettings()
    settings.mostUnassured = 2
    let bench = TrackerBench(capacity: 8, settings: settings)
    bench.send(Self.flow("10.0.0.1", 1))
    bench.send(Self.flow("10.0.0.1", 1).reversed)
    bench.advance(.milliseconds(2500))
    bench.send(Self.flow("10.0.0.1", 1))
    #expect(bench.counts.unassured == 0)
    bench.advance(.seconds(130))
    for port in 2..<9 {
      #expect(bench.send(Self.flow("10.0.0.1", port)).refusal == nil)
      #expect(bench.counts.unassured <= 2)
    }
  }

  /// IPv4 goes on when the extensions of a table are used up, and IPv6 takes the place of IPv6.
  @Test func `where extensions run out an unassured connection with one goes`() {
    let bench = TrackerBench(capacity: 16, extensions: 4)
    for port in 0..<4 { bench.send(Self.flow("10.0.0.1", port)) }
    for port in 0..<20 { #expect(bench.send(Self.flow("2001:db8::1", port)).refusal == nil) }
    #expect(bench.count == 8)
    #expect(bench.counts.early_drop == 16)
    #expect(bench.counts.insert_failed == 0)
    #expect(bench.tracker.table.checkInvariants() == nil)
  }

  // MARK: Numbers

  /// C19: rather no connection than an id twice.
  @Test func `a slot that has used up its generations rests`() {
    let bench = TrackerBench(capacity: 1)
    bench.send(Self.flow())
    bench.advance(.seconds(40))
    bench.sweep()
    unsafe bench.tracker.table.record(0).pointee.start = (1 << 28) - 2
    #expect(bench.send(Self.flow()).refusal == nil)
    #expect(bench.connections.map(\.generation) == [(1 << 28) - 1])
    bench.advance(.seconds(40))
    bench.sweep()
    #expect(bench.send(Self.flow()).refusal == .shardFull)
    #expect(bench.counts.insert_failed == 1)
    #expect(bench.tracker.table.checkInvariants() == nil)
  }

  /// A question may be repeated for longer than half the clock's range before its first answer.
  @Test func `an answer after thirty days makes a stream at the next packet`() {
    var choices = TrackingChoices()
    choices.seconds[.udp] = Timeout.longest
    let bench = TrackerBench(choices: choices)
    for _ in 0..<3 {
      #expect(bench.send(Self.flow()).words == "new_o")
      bench.advance(.seconds(1_000_000))
    }
    bench.send(Self.flow().reversed)
    #expect(bench.counts.unassured == 1)
    bench.send(Self.flow())
    #expect(bench.counts.unassured == 0)
  }

  // MARK: What a protocol says

  /// RFC 3828 §3.1: of a flow or not, a datagram without a checksum is none.
  @Test func `UDP-Lite that covers nothing is invalid`() {
    let bench = TrackerBench()
    let lite = { (coverage: UInt8, checksum: UInt8) in
      Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").raw(
        protocol: 136, payload: [0, 1, 0, 2, 0, coverage, 0, checksum, 1, 2])
    }
    #expect(bench.send(lite(7, 1)).words == "invalid")
    #expect(bench.count == 0)
    #expect(bench.send(lite(8, 1)).words == "new_o")
    for bad in [lite(8, 0), lite(3, 1), lite(11, 1)] { #expect(bench.send(bad).words == "invalid") }
    #expect(bench.tracker.faultCount(Int(TrackingFault.udpliteCoverage.rawValue)) == 4)
    #expect(bench.connections.map(\.packets_original) == [1])
  }

  /// The opener's own RST ends an unanswered connection; the packet is what it was before: of a new one.
  @Test func `a RST of the side that sent the SYN is no answer`() {
    let bench = TrackerBench()
    let segment = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80")
    #expect(bench.send(segment.tcp(from: 4000, to: 80, flags: .syn, seq: 100)).words == "new_o")
    let reset = bench.send(segment.tcp(from: 4000, to: 80, flags: .rst, seq: 101))
    #expect(reset.words == "new_o")
    #expect(reset.refusal == nil)
    #expect(bench.count == 0)
  }

  /// A connection that parts with its ends is forgotten earlier, unless it is soon over anyway (two minutes).
  @Test func `a deadline is not brought forward that is near`() throws {
    var choices = TrackingChoices()
    choices.seconds = [.tcpUnacknowledged: 20, .tcpEstablished: 100]
    let near = try deadlines(choices)
    #expect(near.after == near.before)
    choices.seconds[.tcpEstablished] = 300
    let far = try deadlines(choices)
    #expect(far.after == far.before - 280_000)
  }

  /// Of an open connection, before and after both sides send a RST that is far off.
  private func deadlines(_ choices: TrackingChoices) throws -> (before: UInt32, after: UInt32) {
    let bench = TrackerBench(choices: choices)
    let (client, server) = (
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80"), Datagram.ipv4(from: "192.0.2.80", to: "10.0.0.1")
    )
    bench.send(client.tcp(from: 4000, to: 80, flags: .syn, seq: 100))
    bench.send(server.tcp(from: 80, to: 4000, flags: [.syn, .ack], seq: 500, ack: 101))
    bench.send(client.tcp(from: 4000, to: 80, flags: .ack, seq: 101, ack: 501))
    let before = try #require(bench.connections.first?.deadline)
    for far in [1 << 30, 1 << 29] as [UInt32] {
      #expect(bench.send(client.tcp(from: 4000, to: 80, flags: [.fin, .ack], seq: far, ack: 501)).words == "invalid")
      #expect(bench.send(server.tcp(from: 80, to: 4000, flags: [.fin, .ack], seq: far, ack: 101)).words == "invalid")
    }
    return (before, try #require(bench.connections.first?.deadline))
  }
}
