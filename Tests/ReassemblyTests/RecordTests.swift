import CSegment
import Testing

@testable import Reassembly

/// What a reader of the segment sees of a datagram, from its first fragment to its end (F13-F19, F45).
struct RecordTests {
  /// The pieces that a reader finds from a record, each with its datagram's generation.
  private func chain(_ bench: FragmentBench, _ slot: Int) -> [Range<Int>] {
    var chain: [Range<Int>] = []
    var link = bench.record(slot).first
    while link != 0 {
      let piece = bench.piece(link)
      #expect(piece.owner == bench.record(slot).generation)
      chain.append(Int(piece.offset)..<Int(piece.offset) + Int(piece.length))
      if piece.next == 0 { #expect(bench.record(slot).last == link) }
      link = piece.next
    }
    return chain
  }

  @Test func `a record tells the life of a datagram`() {
    let bench = FragmentBench()
    #expect(bench.record(0).generation == 0 && bench.piece(1).owner == 0)

    bench.take(Fragment(16..<32).with { ($0.zone, $0.vlans, $0.ecn, $0.mbufs) = (5, (100, 200), 2, 3) })
    var record = bench.record(0)
    #expect(record.generation == 1)
    #expect(record.identification == 7 && record.zone == 5 && record.protocol == 17)
    #expect(record.source.0 == 1 && record.source.4 == 0 && record.destination.0 == 9)
    #expect(record.vlan_outer == 100 && record.vlan_inner == 200)
    #expect(record.flags == 0 && record.end == DPDKFWD_FRAG_NO_END && record.covered == 16)
    #expect(record.fragments == 1 && record.bytes == 50 && record.mbufs == 3)
    #expect(record.largest == 36 && record.largest_frame == 50)
    #expect(record.began == 1000 && record.deadline == 31_000)
    #expect(record.ecn == 1 << 2)
    #expect(chain(bench, 0) == [16..<32])
    #expect(bench.piece(record.first).mbufs == 3 && bench.piece(record.first).more == 1)

    bench.now += 10
    let others = { (fragment: Fragment) in fragment.with { ($0.zone, $0.vlans) = (5, (100, 200)) } }
    bench.take(others(Fragment(0..<8).with { ($0.ports, $0.ecn) = ((53, 4000), 1) }))
    record = bench.record(0)
    #expect(record.flags == DPDKFWD_FRAG_FIRST && record.source_port == 53 && record.destination_port == 4000)
    #expect(record.fragments == 2 && record.covered == 24 && record.began == 1000 && record.deadline == 31_000)
    #expect(record.ecn == 1 << 2 | 1 << 1 && record.largest == 36)
    #expect(chain(bench, 0) == [0..<8, 16..<32])

    bench.take(others(Fragment(last: 32..<37)))
    record = bench.record(0)
    #expect(record.flags == DPDKFWD_FRAG_FIRST | DPDKFWD_FRAG_LAST && record.end == 37 && record.covered == 29)
    #expect(bench.piece(record.last).more == 0)
    bench.take(others(Fragment(last: 32..<37)))
    #expect(bench.record(0).fragments == 3, "a duplicate leaves no trace")
    #expect(bench.breach == nil)
  }

  @Test func `a whole datagram is seen until it has left`() {
    let bench = FragmentBench()
    bench.take(Fragment.cut(29, by: 8))
    #expect(bench.record(0).generation == 1 && bench.record(0).flags & DPDKFWD_FRAG_COMPLETE != 0)
    #expect(chain(bench, 0) == [0..<8, 8..<16, 16..<24, 24..<29])
    bench.end(0)
    #expect(bench.record(0).generation == 0)
    for link in 1...4 as ClosedRange<UInt32> { #expect(bench.piece(link).owner == 0) }
    bench.take(Fragment(0..<8))
    #expect(bench.record(0).generation == 2, "another one in the same place")
    #expect(bench.record(0).flags == DPDKFWD_FRAG_FIRST && bench.record(0).covered == 8)
    #expect(chain(bench, 0) == [0..<8])
  }

  @Test func `a discarded datagram is seen without fragments`() {
    let bench = FragmentBench()
    bench.take([Fragment(0..<8), Fragment(8..<24)])
    bench.now += 500
    bench.take(Fragment(16..<32))
    let record = bench.record(0)
    #expect(record.generation == 1 && record.flags & DPDKFWD_FRAG_DISCARDED != 0)
    #expect(record.first == 0 && record.last == 0 && record.fragments == 0)
    #expect(record.covered == 0 && record.bytes == 0 && record.mbufs == 0)
    #expect(record.deadline == 31_500)
    #expect(bench.piece(1).owner == 0 && bench.piece(2).owner == 0)
    bench.now += 30_000
    bench.tick()
    #expect(bench.record(0).generation == 0)
  }

  @Test func `no two datagrams have the same generation`() {
    let bench = FragmentBench(FragmentSettings(fragments: 8, datagrams: 4))
    var seen: Set<UInt32> = []
    for id in 0..<100 as Range<UInt32> {
      bench.take(Fragment(0..<8, id: id, source: id))
      let live = (0..<4).map { bench.record($0) }.filter { $0.generation != 0 }
      for record in live where record.identification == id {
        #expect(seen.insert(record.generation).inserted)
        #expect(bench.piece(record.first).owner == record.generation)
      }
    }
    #expect(seen.count == 100)
  }

  // MARK: Counts for those who copy them out

  @Test func `what was discarded is told once, by reason`() {
    let bench = FragmentBench()
    bench.take([Fragment(0..<8, id: 1), Fragment(0..<16, id: 1)])
    bench.take([Fragment(0..<8, id: 2), Fragment(16..<32, id: 2), Fragment(8..<8, id: 2)])
    #expect(bench.table.discards(.overlapped) == Reassembly.Discard(packets: 1, bytes: 42))
    #expect(bench.table.discards(.empty) == Reassembly.Discard(packets: 2, bytes: 42 + 50))
    #expect(bench.table.discarded.nonzeroBitCount == 2)
    bench.accounted()
    #expect(bench.table.discarded == 0 && bench.table.discards(.empty) == Reassembly.Discard())
    bench.now += 30_000
    bench.tick()
    #expect(bench.table.discarded == 0, "a discarded datagram has nothing that could be told again")
  }

  @Test func `a table says when something was counted`() {
    let bench = FragmentBench()
    let steps: [(String, () -> Void)] = [
      ("settings", {}), ("held", { bench.take(Fragment(0..<8)) }), ("duplicate", { bench.take(Fragment(0..<8)) }),
      ("discarded", { bench.take(Fragment(0..<16)) }), ("straggler", { bench.take(Fragment(0..<16)) }),
      ("forgotten", { (bench.now += 30_000, bench.tick()).1 }),
    ]
    for (story, step) in steps {
      step()
      #expect(bench.isTouched, "\(story)")
      bench.settled()
      #expect(!bench.isTouched)
    }
    bench.tick()
    #expect(!bench.isTouched)
  }

  @Test func `each event has its place and its name`() {
    #expect(FragmentEvent.allCases.map(\.rawValue) == Array(0..<UInt8(FragmentEvent.slots)))
    #expect(DatagramEvent.allCases.map(\.rawValue) == Array(0..<UInt8(DatagramEvent.slots)))
    #expect(FragmentEvent.slots <= Int(SEGMENT_FRAG_EVENTS) && DatagramEvent.slots <= Int(SEGMENT_FRAG_DATAGRAM_EVENTS))
    #expect(Set(FragmentEvent.allCases.map(\.name)).count == FragmentEvent.slots)
    #expect(Set(DatagramEvent.allCases.map(\.name)).count == DatagramEvent.slots)
    let bench = FragmentBench()
    bench.take([Fragment(0..<8, family: 1), Fragment(0..<8, family: 1)])
    #expect(bench.table.fragmentCount(FragmentEvent.slots + Int(FragmentEvent.duplicate.rawValue)) == 1)
    #expect(bench.table.datagramCount(DatagramEvent.slots + Int(DatagramEvent.started.rawValue)) == 1)
  }
}
