import CSegment
import Reassembly
import TestSupport
import Testing

/// Datagrams whose fragments come in any order, or twice.
struct OrderTests {
  /// The table gives back what went in: all pieces, by their place, and nothing in the table is left of it.
  private func check(_ bench: FragmentBench, _ taken: TakenFragment?, _ sent: [Fragment]) {
    guard case .complete(let slot) = taken else {
      Issue.record("not whole: \(String(describing: taken)), of \(sent.map(\.payload))")
      return
    }
    let inOrder = sent.sorted { $0.payload.lowerBound < $1.payload.lowerBound }
    #expect(bench.pieces(slot).map(\.payload) == inOrder.map(\.payload))
    #expect(bench.table.pieceCount(slot) == sent.count)
    #expect(bench.table.payloadLength(slot) == UInt32(inOrder.last!.payload.upperBound))
    #expect(bench.breach == nil)
    bench.end(slot)
    #expect(bench.held.isEmpty && bench.gauges.datagrams == 0)
  }

  @Test(arguments: [0, 1])
  func `fragments in order make a datagram`(family: Int) {
    let bench = FragmentBench()
    let sent = Fragment.cut(1001, by: 200, family: family)
    for fragment in sent.dropLast() { #expect(bench.take(fragment) == .held) }
    check(bench, bench.take(sent.last!), sent)
    #expect(bench.count(FragmentEvent.completed, family) == 6)
    #expect(bench.count(DatagramEvent.completed, family) == 1)
    #expect(bench.count(FragmentEvent.accepted, 1 - family) == 0)
  }

  /// Conformance 63 and 72: as Linux cuts, which sends the last one first.
  @Test(arguments: [0, 1])
  func `fragments in reverse make a datagram`(family: Int) {
    let bench = FragmentBench()
    let sent = Fragment.cut(60_000, by: 1200, family: family)
    check(bench, bench.take(sent.reversed()), sent)
    #expect(bench.gauges.steps == 0, "without a search")
  }

  @Test(arguments: [0, 1], 1...6)
  func `fragments in any order make a datagram`(family: Int, count: Int) {
    let bench = FragmentBench()
    let sent = Fragment.cut(8 * count - 3, by: 8, family: family)
    for order in permutations(of: sent) { check(bench, bench.take(order), order) }
  }

  /// Conformance 63: odd ones first, then the header, then the others.
  @Test(arguments: [8, 16, 1000, 1480, 30_000])
  func `datagrams of all sizes come together again`(size: Int) {
    var settings = FragmentSettings(fragments: 8192)
    settings.perDatagram = 8190
    settings.sourceShare = 100
    settings.high = 100
    let bench = FragmentBench(settings)
    for payload in [1, 7, 8, 9, 1000, 30_001, 60_000] {
      let sent = Fragment.cut(payload, by: size)
      let places = sent.indices.sorted { ($0 % 2 == 0 ? 1 : 0, $0) < ($1 % 2 == 0 ? 1 : 0, $1) }
      check(bench, bench.take(places.map { sent[$0] }), sent)
    }
  }

  /// F42: an exact duplicate is harmless, wherever it comes.
  @Test(arguments: [0, 1])
  func `each fragment may come twice, at any time`(family: Int) {
    let bench = FragmentBench()
    let sent = Fragment.cut(29, by: 8, family: family)
    for order in permutations(of: sent) {
      for again in 0..<3 {
        for later in again..<3 {
          for fragment in order[...later] { #expect(bench.take(fragment) == .held) }
          #expect(bench.take(order[again]) == .refused(.duplicate))
          #expect(bench.breach == nil)
          check(bench, bench.take(Array(order[(later + 1)...])), sent)
        }
      }
    }
    #expect(bench.count(.duplicate, family) == 24 * 6)
    #expect(bench.count(.accepted, family) == bench.count(FragmentEvent.completed, family))
  }

  /// F39: what was whole is never touched again; the same identification begins another datagram.
  @Test(arguments: [0, 1])
  func `an identification may be used again`(family: Int) {
    let bench = FragmentBench()
    let sent = Fragment.cut(29, by: 8, family: family)
    guard case .complete(let slot) = bench.take(sent) else {
      Issue.record("not whole")
      return
    }
    // The first is still on its way out.
    for fragment in sent.dropLast() { #expect(bench.take(fragment) == .held) }
    #expect(bench.breach == nil)
    bench.end(slot)
    #expect(bench.breach == nil)
    check(bench, bench.take(sent.last!), sent)
    #expect(bench.count(DatagramEvent.completed, family) == 2)
  }

  @Test(arguments: FragmentBench.End.allCases)
  func `a whole datagram ends in one of four ways`(end: FragmentBench.End) {
    let bench = FragmentBench()
    guard case .complete(let slot) = bench.take(Fragment.cut(29, by: 8)) else {
      Issue.record("not whole")
      return
    }
    bench.end(slot, as: end)
    let (fragments, datagrams): (FragmentEvent, DatagramEvent) =
      switch end {
      case .sent, .cut: (.completed, .completed)
      case .handedOff: (.handedOff, .handedOff)
      case .refused: (.refused, .refused)
      }
    #expect(bench.count(fragments) == 4)
    #expect(bench.count(datagrams) == 1)
    #expect(bench.count(DatagramEvent.cut) == (end == .cut ? 1 : 0))
    #expect(bench.dead == (end == .cut || end == .refused ? 4 : 0))
    #expect(bench.table.discarded == 0, "its owner counts that")
    #expect(bench.held.isEmpty && bench.breach == nil)
  }

  /// Datagrams of hundreds of fragments, one after the other in the same place: each finds its place, each its like, and
  /// what lies over another is seen.
  @Test(arguments: [0, 1])
  func `among many fragments each one is compared with its neighbours`(family: Int) {
    var chance = SeededGenerator.forThisRun()
    var settings = FragmentSettings(fragments: 8192)
    settings.perDatagram = 8190
    settings.sourceShare = 100
    let bench = FragmentBench(settings)
    for round in 0..<40 as Range<UInt32> {
      let rarely = [2, 10, 60][Int(round % 3)]
      let cuts = (1..<8000).filter { _ in Int.random(in: 0..<rarely, using: &chance) == 0 }.map { $0 * 8 } + [63_997]
      let sent = zip([0] + cuts, cuts).map { start, end in
        Fragment(start..<end, more: end != 63_997, family: family, id: round)
      }.shuffled(using: &chance)
      for (place, fragment) in sent.dropLast().enumerated() {
        guard bench.take(fragment) == .held else {
          Issue.record("\(fragment.payload) is not held")
          return
        }
        let again = sent[Int.random(in: 0...place, using: &chance)]
        if place % 4 == 0, bench.take(again) != .refused(.duplicate) { Issue.record("no duplicate: \(again.payload)") }
      }
      #expect(bench.breach == nil)
      if round % 2 == 0 {
        check(bench, bench.take(sent.last!), sent)
        continue
      }
      // One of them, and 8 octets of a neighbour.
      let one = sent[Int.random(in: 0..<sent.count - 1, using: &chance)].payload
      let over = one.lowerBound == 0 ? 0..<(one.upperBound + 7) / 8 * 8 + 8 : one.lowerBound - 8..<one.upperBound
      let taken = bench.take(Fragment(over, more: one.upperBound != 63_997, family: family, id: round))
      #expect(taken == .refused(.overlapped), "\(over)")
      #expect(bench.held.isEmpty && bench.breach == nil)
      bench.purge()
    }
    #expect(bench.gauges.steps < 128 * bench.count(.accepted, family))
  }

  /// FragmentSmack: however many there are and however they are ordered, a search is short.
  @Test(arguments: ["upward", "downward", "odd first", "from the middle", "by parts", "shuffled", "bit reversed"])
  func `the order of 8190 fragments makes no search long`(order: String) {
    var settings = FragmentSettings(fragments: 8190)
    settings.perDatagram = 8190
    settings.sourceShare = 100
    settings.high = 100
    let bench = FragmentBench(settings)
    let sent = Fragment.cut(8190 * 8 - 5, by: 8)
    var chance = SeededGenerator(seed: 9)
    let places: [Int] =
      switch order {
      case "downward": sent.indices.reversed()
      case "odd first": sent.indices.sorted { ($0 % 2 == 0 ? 1 : 0, $0) < ($1 % 2 == 0 ? 1 : 0, $1) }
      case "from the middle": sent.indices.sorted { abs($0 - 4095) < abs($1 - 4095) }
      case "by parts": sent.indices.sorted { ($0 % 128, -$0) < ($1 % 128, -$1) }
      case "shuffled": sent.indices.shuffled(using: &chance)
      case "bit reversed": (0..<8192).map { Int(UInt16($0).bitReversed >> 3) }.filter { $0 < 8190 }
      default: Array(sent.indices)
      }
    var taken: TakenFragment?
    var most: UInt64 = 0
    for (count, place) in places.enumerated() {
      let before = bench.gauges.steps
      taken = bench.take(sent[place])
      most = max(most, bench.gauges.steps - before)
      if count % 2048 == 40 { #expect(bench.breach == nil) }
    }
    #expect(most < 128)
    check(bench, taken, sent)
  }
}

extension UInt16 {
  fileprivate var bitReversed: UInt16 {
    (0..<16).reduce(0) { $0 | (self >> UInt16($1) & 1) << UInt16(15 - $1) }
  }
}
