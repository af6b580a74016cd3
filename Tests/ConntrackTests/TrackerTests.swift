import CSegment
import Conntrack
import Primitives
import TestSupport
import Testing

/// Connections: how they begin, what belongs to them and how they end.
struct TrackerTests {
  static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53, payload: [1, 2, 3])
  static let question6 = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::53").udp(from: 4000, to: 53, payload: [1])

  /// C3: a flow exists once it is confirmed; what policy drops leaves nothing (tcp-51).
  @Test func `a packet that is not let through opens nothing`() {
    let bench = TrackerBench()
    #expect(bench.send(Self.question, confirms: false).words == "new_o")
    #expect(bench.count == 0)
    #expect(bench.send(Self.question.reversed).words == "new_o")
    #expect(bench.count == 1)
  }

  @Test(arguments: [question, question6])
  func `an answer is established and both directions are counted`(question: Datagram) throws {
    let bench = TrackerBench()
    #expect(bench.send(question).words == "new_o")
    #expect(bench.send(question).words == "new_o")
    #expect(bench.send(question.reversed).words == "established_r")
    #expect(bench.send(question).words == "established_o")
    let connection = try #require(bench.connections.first)
    #expect(bench.connections.count == 1)
    #expect(connection.packets_original == 3)
    #expect(connection.packets_reply == 1)
    #expect(connection.bytes_reply * 3 == connection.bytes_original)
    #expect(connection.status & Status.seenReply != 0)
  }

  /// udp-03, conformance 45: assured takes a reply and more than two seconds of life.
  @Test func `a UDP flow is assured when it goes on after two seconds`() throws {
    let bench = TrackerBench()
    bench.send(Self.question)
    bench.send(Self.question.reversed)
    bench.advance(.milliseconds(1999))
    bench.send(Self.question)
    #expect(bench.counts.unassured == 1)
    bench.advance(.milliseconds(2))
    bench.send(Self.question)
    #expect(bench.counts.unassured == 0)
  }

  /// A deadline counts from the next whole second, so a connection lives its timeout and less than a second more (C11).
  @Test func `a flow that is silent for its timeout is gone`() {
    let bench = TrackerBench()
    bench.advance(.milliseconds(300))
    bench.send(Self.question)
    bench.advance(.milliseconds(30_000))
    #expect(bench.send(Self.question).words == "new_o")
    #expect(bench.connections.first?.packets_original == 2)
    bench.advance(.milliseconds(31_000))
    #expect(bench.send(Self.question).words == "new_o")
    #expect(bench.connections.first?.packets_original == 1)
    #expect(bench.counts.expired == 1)
  }

  @Test func `the sweep removes what nobody asks for any more`() {
    let bench = TrackerBench()
    for port in 0..<500 {
      bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: UInt16(1000 + port), to: 53, payload: []))
    }
    #expect(bench.count == 500)
    bench.advance(.seconds(31))
    bench.sweep()
    #expect(bench.count == 0)
    #expect(bench.counts.expired == 500)
    #expect(bench.counts.entries_max == 500)
  }

  /// X8: however many are due, a breath visits no more than it is told.
  @Test func `a breath visits a bounded number of records`() {
    let bench = TrackerBench(capacity: 4096)
    for port in 0..<4096 {
      bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: UInt16(port), to: 53, payload: []))
    }
    bench.advance(.seconds(100))
    var before = bench.counts.swept
    for _ in 0..<200 {
      bench.tracker.sweep(most: 64, wiping: 1)
      #expect(bench.counts.swept - before <= 64)
      before = bench.counts.swept
    }
    #expect(bench.count == 0)
  }

  /// A refresh writes the record at most once a second (C11, W23).
  @Test func `a deadline is stored at most once a second`() {
    let bench = TrackerBench()
    for _ in 0..<100 {
      bench.advance(.milliseconds(10))
      bench.send(Self.question)
    }
    #expect(bench.counts.refreshes <= 2)
  }

  // MARK: ICMP

  @Test func `an error belongs to the flow of what it quotes, in the way it goes`() {
    let bench = TrackerBench()
    bench.send(Self.question)
    let quoted = Array(Self.question.frame().bytes.dropFirst(14))
    let error = Datagram.ipv4(from: "198.51.100.1", to: "10.0.0.1").icmp(
      type: 11, code: 0, id: 0, seq: 0, payload: quoted)
    #expect(bench.send(error).words == "related_r")
    #expect(bench.counts.error == 0)
    // Conformance 59: the error goes to someone else.
    let astray = Datagram.ipv4(from: "198.51.100.1", to: "10.0.0.9").icmp(
      type: 11, code: 0, id: 0, seq: 0, payload: quoted)
    #expect(bench.send(astray).words == "invalid")
    #expect(bench.counts.error == 1)
  }

  /// A question is another flow than the same question asked from the other end, also when the identifier looks like
  /// the question's type (8 << 8).
  @Test(arguments: [7, 2048] as [UInt16])
  func `two hosts may ask each other under one identifier`(id: UInt16) {
    let bench = TrackerBench()
    let one = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").icmp(type: 8, code: 0, id: id, seq: 1, payload: [])
    let other = Datagram.ipv4(from: "10.0.0.2", to: "10.0.0.1").icmp(type: 8, code: 0, id: id, seq: 1, payload: [])
    let answer = Datagram.ipv4(from: "10.0.0.2", to: "10.0.0.1").icmp(type: 0, code: 0, id: id, seq: 1, payload: [])
    #expect(bench.send(answer).words == "invalid")
    #expect(bench.send(one).words == "new_o")
    #expect(bench.send(other).words == "new_o")
    #expect(bench.send(answer).words == "established_r")
    #expect(bench.count == 2)
  }

  // MARK: Zones

  /// W41, conformance 133: independent states under one tuple.
  @Test func `two zones with the same addresses and ports do not share`() {
    let rules = [ZoneMap.Rule(port: 1, zones: ZonePair(7)), ZoneMap.Rule(vlan: 100, zones: ZonePair(9))]
    let bench = TrackerBench(zones: rules)
    #expect(bench.send(Self.question, port: 0).words == "new_o")
    #expect(bench.send(Self.question.reversed, port: 1).words == "new_o")
    #expect(bench.send(Self.question.reversed, port: 0, vlan: [100]).words == "new_o")
    #expect(bench.send(Self.question.reversed, port: 0).words == "established_r")
    #expect(Set(bench.connections.map(\.zone)) == [0, 7, 9])
  }

  /// zone-02: each direction in a zone of its own; the answer is looked for in the reply direction's zone.
  @Test(arguments: [question, question6])
  func `a connection may have another zone in each direction`(question: Datagram) {
    let rules = [ZoneMap.Rule(port: 0, zones: ZonePair(original: 5, reply: 0))]
    let bench = TrackerBench(zones: rules)
    #expect(bench.send(question, port: 0).words == "new_o")
    // From the other port, zone 0 both ways: the reply tuple lives there.
    #expect(bench.send(question.reversed, port: 1).words == "established_r")
    #expect(bench.send(question, port: 0).words == "established_o")
    // The original tuple does not, but a flow of that would have the same reply tuple: conformance 140, zone-05.
    let clash = bench.send(question, port: 1)
    #expect(clash.words == "new_o")
    #expect(clash.refusal == .tupleTaken)
    #expect(bench.counts.insert_failed == 1)
    #expect(bench.counts.drop == 1)
    #expect(bench.count == 1)
    bench.advance(.seconds(200))
    bench.sweep()
    #expect(bench.count == 0)
    #expect(bench.counts.extensions == 0)
  }

  // MARK: Mark and labels

  @Test func `a mark changes under its mask only`() {
    let bench = TrackerBench()
    let slot = bench.send(Self.question).slot
    bench.tracker.table.setMark(0xAABB_CCDD, of: slot)
    bench.tracker.table.setMark(0x1100, mask: 0xFF00, of: slot)
    #expect(bench.connections[0].mark == 0xAABB_11DD)
  }

  @Test(arguments: [question, question6])
  func `labels are kept as long as the connection`(question: Datagram) {
    let bench = TrackerBench(extensions: 2)
    let slot = bench.send(question).slot
    #expect(bench.tracker.table.labels(of: slot) == (0, 0))
    let isSet = bench.tracker.setLabels(low: 1 << 5, high: 1 << 63, of: slot)
    #expect(isSet)
    #expect(bench.tracker.table.labels(of: slot) == (1 << 5, 1 << 63))
    bench.send(question.reversed)
    #expect(bench.tracker.table.labels(of: slot) == (1 << 5, 1 << 63))
    bench.advance(.seconds(200))
    bench.sweep()
    #expect(bench.counts.extensions == 0)
    let next = bench.send(question).slot
    #expect(bench.tracker.table.labels(of: next) == (0, 0))
  }

  // MARK: Ids

  /// C19: a slot's next connection has another generation.
  @Test func `a generation is never given twice`() {
    let bench = TrackerBench(capacity: 1)
    var seen: Set<UInt32> = []
    for round in 0..<100 {
      #expect(bench.send(Self.question).words == "new_o")
      #expect(seen.insert(bench.connections[0].generation).inserted, "round \(round)")
      bench.advance(.seconds(40))
    }
  }

  // MARK: Pressure

  @Test func `a full table drops an unassured connection for a new one`() {
    let bench = TrackerBench(capacity: 16)
    for port in 0..<64 {
      let seen = bench.send(
        Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: UInt16(port), to: 53, payload: []))
      #expect(seen.refusal == nil)
    }
    #expect(bench.count == 16)
    #expect(bench.counts.early_drop == 48)
  }

  @Test func `assured connections are not dropped for new ones`() {
    let bench = TrackerBench(capacity: 8)
    let flow = { (port: Int) in
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: UInt16(port), to: 53, payload: [])
    }
    for port in 0..<8 {
      bench.send(flow(port))
      bench.send(flow(port).reversed)
    }
    bench.advance(.seconds(3))
    for port in 0..<8 { bench.send(flow(port)) }
    #expect(bench.counts.unassured == 0)
    #expect(bench.send(flow(100)).refusal == .shardFull)
    #expect(bench.count == 8)
    #expect(bench.counts.drop == 1)
  }

  @Test func `what is reserved for assured traffic is not filled by others`() {
    var settings = TrackerSettings()
    settings.mostUnassured = 12
    let bench = TrackerBench(capacity: 16, settings: settings)
    for port in 0..<64 {
      bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: UInt16(port), to: 53, payload: []))
    }
    #expect(bench.count == 12)
  }

  @Test func `limits in all, by zone and by source refuse, and give back`() {
    let make = { (limits: SharedLimits) in
      TrackerBench(zones: [ZoneMap.Rule(port: 1, zones: ZonePair(7))], limits: limits)
    }
    let flow = { (source: Address, port: Int) in
      Datagram.ipv4(from: source, to: "192.0.2.53").udp(from: UInt16(port), to: 53, payload: [])
    }
    let total = make(SharedLimits(total: 3, capacity: 100, secret: TrackerBench.secret))
    #expect((0..<4).map { total.send(flow("10.0.0.1", $0)).refusal } == [nil, nil, nil, .totalReached])
    total.advance(.seconds(40))
    total.sweep()
    #expect((4..<8).map { total.send(flow("10.0.0.1", $0)).refusal } == [nil, nil, nil, .totalReached])

    let zone = make(SharedLimits(zones: [7: 2], capacity: 100, secret: TrackerBench.secret))
    #expect((0..<3).map { zone.send(flow("10.0.0.1", $0), port: 1).refusal } == [nil, nil, .zoneReached])
    #expect(zone.send(flow("10.0.0.1", 0), port: 0).refusal == nil)

    let source = make(SharedLimits(source: 2, capacity: 100, secret: TrackerBench.secret))
    #expect((0..<3).map { source.send(flow("10.0.0.1", $0)).refusal } == [nil, nil, .sourceReached])
    #expect(source.send(flow("10.0.0.2", 0)).refusal == nil)
    source.advance(.seconds(40))
    source.sweep()
    #expect(source.send(flow("10.0.0.1", 9)).refusal == nil)
  }
}
