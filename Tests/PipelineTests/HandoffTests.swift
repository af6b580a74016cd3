import Pipeline
import Primitives
import Reassembly
import Steering
import TestSupport
import Testing
import Wire

/// Several workers between the ports `Bench.a` and `Bench.b`; worker k has queue k of both, if it has queues.
final class Crew {
  /// A worker in a box of its own: no two are ever touched at once.
  final class Member {
    var worker: Worker<VirtualIO>
    /// Packets that had left by `b` when somebody last looked.
    var seen: UInt64 = 0
    init(_ worker: consuming Worker<VirtualIO>) { self.worker = worker }
  }

  let ports = VirtualPorts()
  let members: [Member]

  /// - Parameters:
  ///   - receivers: how many of the workers have receive queues; the others live from what they are handed.
  ///   - owners: how many own flows.
  ///   - fragments: how many each may hold; 0: they are packets like others.
  init(
    _ count: Int, receivers: Int = .max, owners: Int = .max, by: SteerBy = .addressPair, policy: Policy = Policy(),
    toB: Egress = Egress(port: Bench.b), fragments: Int = 0
  ) {
    let ownership = Ownership(
      by: by, hash: .keyed(HashSecret(seed: 1)), owners: [Array(0..<min(owners, count))])
    members = (0..<count).map { [ports] me in
      let crossings = [(Bench.a, toB), (Bench.b, Egress(port: Bench.a))].map { port, egress in
        Crossing(port: port, egress: egress, transmit: me < owners ? port == Bench.a ? 0 : 1 : -1, group: 0)
      }
      return Member(
        Worker(
          io: VirtualIO(ports: ports, worker: me),
          journey: unsafe Journey(
            policy: policy, owners: OwnerTable(ownership, me: me),
            fragments: fragments == 0
              ? .off() : Reassembly(settings: FragmentSettings(fragments: fragments), secret: HashSecret(seed: 2)),
            gather: VirtualPorts.gather),
          burst: 32, receive: me < receivers ? crossings.map { ReceiveQueue(queue: UInt16(me), crossing: $0) } : [],
          transmit: me < owners
            ? [Bench.b, Bench.a].map { TransmitSetup(port: $0, queue: UInt16(me), attempts: 3, mostTogether: 256) }
            : [],
          sources: me < owners ? (0..<min(receivers, count)).filter { $0 != me } : [], crossings: crossings))
    }
  }

  /// All breathe in turn until none finds anything.
  func work() {
    while members.reduce(0, { $0 + $1.worker.breathe() }) > 0 {}
  }

  /// From now on what leaves by `b` is new.
  func settle() {
    for member in members { member.seen = member.worker.transmitQueue(0).packets }
  }

  func sum(_ figure: (borrowing Worker<VirtualIO>) -> UInt64) -> UInt64 {
    members.reduce(0) { $0 + figure($1.worker) }
  }

  func dropped(_ reason: DropReason) -> UInt64 { sum { $0.journey.tally.drop(Int(reason.rawValue)).packets } }

  /// received + handed in = sent + held + dropped + handed out for each; what is handed out is handed in, or waits.
  var balances: Bool {
    let waiting = ports.rings.values.reduce(0) { $0 + $1.count }
    let held = members.reduce(0) { $0 + $1.worker.held }
    return members.allSatisfy { Self.balances($0.worker) } && ports.alive.count == held + waiting
      && sum { $0.handedOff.packets } == sum { $0.handedIn.packets } + UInt64(waiting)
  }

  private static func balances(_ worker: borrowing Worker<VirtualIO>) -> Bool {
    let received = (0..<worker.receiveCount).reduce(0) { $0 + worker.receiveQueue($1).packets }
    let sent = (0..<worker.transmitCount).reduce(0) { $0 + worker.transmitQueue($1).packets }
    return received + worker.handedIn.packets
      == sent + UInt64(worker.held) + worker.journey.tally.dropped + worker.handedOff.packets
  }
}

@Suite struct `Workers that own flows` {
  /// A packet of one of many flows, with its number in it.
  private func frame(flow: Int, _ number: Int) -> Frame {
    Datagram.ipv4(from: "10.0.\(flow / 250).\(flow % 250 + 1)", to: "192.0.2.1")
      .udp(from: 1000, to: 53, payload: [UInt8(number >> 8), UInt8(number & 255)]).frame()
  }

  private func number(_ frame: Frame) -> Int { Int(frame.bytes[42]) << 8 | Int(frame.bytes[43]) }

  @Test(arguments: [1, 2, 4], [SteerBy.addressPair, .fiveTuple])
  func `however many there are, the same leaves`(workers: Int, by: SteerBy) {
    let crew = Crew(workers, by: by)
    let traffic = DemoTraffic()
    for (i, frame) in traffic.frames.enumerated() { crew.ports.arrive([frame], on: Bench.a, queue: i % workers) }
    crew.work()
    let expected = traffic.frames.filter { $0.headerFault == nil }
    let out = crew.ports.sent[Bench.b, default: []]
    #expect(out.count == expected.count)
    #expect(
      Dictionary(grouping: out) { $0 }.mapValues(\.count) == Dictionary(grouping: expected) { $0 }.mapValues(\.count))
    #expect(crew.balances)
    #expect(crew.sum { $0.handedOff.packets } > 0 || workers == 1)
    // Who receives a packet counts it, once.
    #expect(
      crew.sum { worker in
        PacketKind.allCases.reduce(0) { $0 + worker.journey.tally.kind(Int($1.rawValue)).packets }
      } == UInt64(traffic.frames.count))
  }

  @Test func `packets of a flow leave in order, whoever received them`() {
    let crew = Crew(4)
    var next = [Int](repeating: 0, count: 40)
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<60 {
      for _ in 0..<50 {
        let flow = Int.random(in: next.indices, using: &chance)
        // A flow comes by one queue, not necessarily its owner's.
        crew.ports.arrive([frame(flow: flow, next[flow])], on: Bench.a, queue: flow % 4)
        next[flow] += 1
      }
      for member in crew.members.shuffled(using: &chance) { _ = member.worker.breathe() }
      #expect(crew.balances)
    }
    crew.work()
    let out = crew.ports.sent[Bench.b, default: []]
    #expect(out.count == 3000)
    for (_, frames) in Dictionary(grouping: out, by: { Array($0.bytes[26..<30]) }) {
      let numbers = frames.map(number)
      #expect(numbers == Array(0..<numbers.count))
    }
  }

  @Test func `a worker without a queue lives from what it is handed`() {
    let crew = Crew(3, receivers: 1)
    crew.ports.arrive((0..<300).map { frame(flow: $0, 0) }, on: Bench.a)
    crew.ports.arrive((0..<300).map { frame(flow: $0, 0) }, on: Bench.b)
    crew.work()
    #expect(crew.ports.sent[Bench.b]?.count == 300)
    #expect(crew.ports.sent[Bench.a]?.count == 300)
    for member in crew.members.dropFirst() { #expect(member.worker.handedIn.packets > 100) }
    #expect(crew.balances)
  }

  @Test func `a worker that cannot send owns nothing, not even what has no owner`() {
    let crew = Crew(2, owners: 1)
    let arp = Frame.etherType(0xABCD, [1])
    crew.ports.arrive([frame(flow: 1, 0), arp, frame(flow: 2, 0)], on: Bench.a, queue: 1)
    crew.work()
    #expect(crew.ports.sent[Bench.b] == [frame(flow: 1, 0), arp, frame(flow: 2, 0)])
    #expect(crew.sum { $0.handedOff.packets } == 3)
    #expect(crew.balances)
  }

  @Test func `a full ring is a counted drop, never a wait`() {
    let crew = Crew(2, owners: 1)
    crew.ports.ringRoom = 50
    crew.ports.arrive((0..<200).map { frame(flow: 1, $0) }, on: Bench.a, queue: 1)
    while crew.members[1].worker.breathe() > 0 { #expect(crew.balances) }
    #expect(crew.dropped(.handoffFull) == 150)
    crew.work()
    #expect(crew.ports.sent[Bench.b]?.map(number) == Array(0..<50))
    #expect(crew.balances)
  }

  @Test func `a faulty packet is dropped where it came in`() {
    let crew = Crew(2, owners: 1)
    crew.ports.arrive([frame(flow: 1, 0).damaged(.ipv4Checksum), frame(flow: 1, 1)], on: Bench.a, queue: 1)
    crew.work()
    let faulty = Int(DropReason.ipv4BadChecksum.rawValue)
    #expect(crew.members[1].worker.journey.tally.drop(faulty).packets == 1)
    #expect(crew.ports.sent[Bench.b] == [frame(flow: 1, 1)])
    #expect(crew.balances)
  }

  @Test func `headers in pieces and ICMP errors find their owners too`() {
    let crew = Crew(4)
    let datagram = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2").udp(from: 1, to: 2, payload: [1, 2, 3])
    for contiguous in 1..<40 { crew.ports.arrive([datagram.frame()], on: Bench.a, contiguous: contiguous) }
    crew.work()
    #expect(crew.ports.sent[Bench.b]?.count == 39)
    #expect(crew.members.filter { $0.worker.transmitQueue(0).packets > 0 }.count == 1)
    #expect(crew.balances)
  }

  @Test func `an invalid packet is counted once, and judged by policy where it came in`() {
    for policy in Policy.Invalid.allCases {
      let crew = Crew(2, owners: 1, policy: Policy(checksum: .software, invalid: policy))
      crew.ports.arrive([frame(flow: 1, 0).damaged(.l4Checksum)], on: Bench.a, queue: 1)
      crew.work()
      #expect(crew.sum { $0.journey.tally.invalid(Int(InvalidReason.udpBadChecksum.rawValue)) } == 1)
      #expect(crew.dropped(.invalid) == (policy == .drop ? 1 : 0))
      #expect(crew.ports.sent[Bench.b, default: []].count == (policy == .drop ? 0 : 1))
      #expect(crew.balances)
    }
  }

  @Test func `what is handed over leaves by what its owner knows of the link`() {
    let crew = Crew(2, owners: 1)
    crew.members[0].worker.renew { port in
      var egress = Egress(port: port == Bench.a ? Bench.b : Bench.a)
      if port == Bench.a { egress.close(.linkDown) }
      return egress
    }
    crew.ports.arrive([frame(flow: 1, 0)], on: Bench.a, queue: 1)
    crew.ports.arrive([frame(flow: 1, 1)], on: Bench.b, queue: 1)
    crew.work()
    #expect(crew.dropped(.linkDown) == 1)
    #expect(crew.ports.sent[Bench.a] == [frame(flow: 1, 1)])
  }

  @Test func `at the end what waits between workers is dropped as shutdown`() {
    let crew = Crew(2, owners: 1)
    crew.ports.arrive((0..<40).map { frame(flow: 1, $0) }, on: Bench.a, queue: 1)
    while crew.members[1].worker.breathe() > 0 {}
    for member in crew.members { member.worker.drain() }
    #expect(crew.ports.alive.count == 40)
    for member in crew.members { member.worker.emptyRings() }
    #expect(crew.dropped(.shutdown) == 40)
    #expect(crew.ports.alive.isEmpty)
    #expect(crew.balances)
  }

  @Test func `steering by port hands nothing over`() {
    let bench = Bench()
    bench.send((0..<100).map { frame(flow: $0, 0) })
    #expect(bench.worker.handedOff.packets == 0)
    #expect(bench.out.count == 100)
  }
}
