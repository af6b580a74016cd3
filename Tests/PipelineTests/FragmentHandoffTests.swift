import Pipeline
import Primitives
import Reassembly
import Steering
import TestSupport
import Testing
import Wire

/// F47: fragments that arrive on different queues.
@Suite struct `Fragments among workers` {
  /// A hundred datagrams of as many flows between few hosts, some shuffled, each fragment by another queue.
  @Test(arguments: [1, 2, 4], [SteerBy.addressPair, .fiveTuple])
  func `a datagram is put together wherever its fragments arrive`(workers: Int, by: SteerBy) throws {
    let crew = Crew(workers, by: by, fragments: 256)
    var chance = SeededGenerator.forThisRun()
    let datagrams = (0..<100).map {
      Datagram.sample(300, id: UInt16($0), source: "10.0.0.\($0 % 7)", port: UInt16(2000 + $0))
    }
    for datagram in datagrams {
      for (i, frame) in datagram.frames(size: 48).shuffled(using: &chance).enumerated() {
        crew.ports.arrive([frame], on: Bench.a, queue: i % workers)
      }
      crew.work()
    }
    let out = crew.ports.sent[Bench.b, default: []]
    let whole = try #require(Defragmented.all(in: out))
    #expect(whole.map(\.payload) == datagrams.map { Array($0.bytes.dropFirst(20)) })
    #expect(crew.balances && crew.ports.alive.isEmpty)
    if workers > 1 { #expect(crew.sum { $0.handedOff.packets } > 0) }
  }

  /// By five-tuple the fragments meet at the owner of their addresses, and go on to the owner of the flow: where whole
  /// packets of the same flow go.
  @Test func `it reaches the worker that owns its flow`() {
    let crew = Crew(4, by: .fiveTuple, fragments: 256)
    for port in 0..<64 as Range<UInt16> {
      let flow = Datagram.sample(200, id: port, port: 3000 + port)
      crew.ports.arrive([flow.frame()], on: Bench.a, queue: Int(port) % 4)
      crew.work()
      let owner = crew.members.firstIndex {
        $0.worker.transmitQueue(0).packets > 0 && $0.seen < $0.worker.transmitQueue(0).packets
      }
      crew.settle()
      crew.ports.arrive(flow.frames(size: 48), on: Bench.a, queue: Int(port + 1) % 4)
      crew.work()
      let sender = crew.members.firstIndex { $0.seen < $0.worker.transmitQueue(0).packets }
      #expect(owner == sender)
      crew.settle()
    }
    #expect(crew.balances)
    #expect(crew.sum { $0.journey.fragments.count(of: DatagramEvent.handedOff, 0) } > 0)
  }

  @Test func `a ring without room for all of it gets none`() {
    let crew = Crew(2, by: .fiveTuple, fragments: 256)
    crew.ports.ringRoom = 5
    for port in 0..<64 as Range<UInt16> {
      crew.ports.arrive(
        Datagram.sample(300, id: port, port: 3000 + port).frames(size: 48), on: Bench.a, queue: Int(port) % 2)
      crew.work()
    }
    #expect(crew.dropped(.handoffFull) > 0)
    for member in crew.members { member.worker.drain() }
    #expect(Defragmented.all(in: crew.ports.sent[Bench.b, default: []]) != nil)
    #expect(crew.balances && crew.ports.alive.isEmpty)
  }

  @Test func `what is found of a datagram is counted by whoever owns its flow, and once`() {
    let crew = Crew(4, by: .fiveTuple, policy: Policy(checksum: .software), fragments: 256)
    for port in 0..<32 as Range<UInt16> {
      var pieces = Datagram.sample(200, id: port, port: 3000 + port).frames(size: 48)
      pieces[pieces.count - 1].bytes[pieces[pieces.count - 1].count - 1] ^= 1
      crew.ports.arrive(pieces, on: Bench.a, queue: Int(port) % 4)
    }
    crew.work()
    #expect(crew.sum { $0.journey.fragments.count(of: DatagramEvent.handedOff, 0) } > 0)
    #expect(crew.sum { $0.journey.tally.invalid(Int(InvalidReason.udpBadChecksum.rawValue)) } == 32)
    #expect(crew.balances)
  }
}
