import CSegment
import Reassembly
import TestSupport
import Testing

/// Fragments that contradict those that are there: the datagram is discarded (RFC 5722 §4), and remembered for as long as
/// its stragglers may come.
struct ConflictTests {
  /// Two of one datagram, the second of which ends it; and which is not missed.
  struct Pair: CustomTestStringConvertible {
    let story: String
    let first: Fragment
    let second: Fragment
    let event: FragmentEvent
    var testDescription: String { story }

    init(_ story: String, _ first: Fragment, _ second: Fragment, _ event: FragmentEvent = .overlapped) {
      (self.story, self.first, self.second, self.event) = (story, first, second, event)
    }
  }

  /// F41, F42: one octet is seen where an end may lie anywhere, eight everywhere else.
  static let overlaps = [
    Pair("8 octets of the back", Fragment(16..<48), Fragment(40..<64)),
    Pair("8 octets of the front", Fragment(16..<48), Fragment(8..<24)),
    Pair("one octet, by the end", Fragment(16..<48), Fragment(last: 8..<17)),
    Pair("one octet of the end", Fragment(last: 40..<49), Fragment(48..<56)),
    Pair("all of it and more on both sides", Fragment(16..<48), Fragment(8..<56)),
    Pair("all of it and more in front", Fragment(16..<48), Fragment(8..<48)),
    Pair("all of it and more behind", Fragment(16..<48), Fragment(16..<56)),
    Pair("a part inside", Fragment(16..<48), Fragment(24..<32)),
    Pair("its front half", Fragment(16..<48), Fragment(16..<32)),
    Pair("its back half", Fragment(16..<48), Fragment(32..<48)),
    Pair("an end one octet shorter", Fragment(last: 16..<48), Fragment(last: 16..<47)),
    Pair("an end one octet longer", Fragment(last: 16..<48), Fragment(last: 16..<49)),
    Pair("another end inside", Fragment(last: 16..<48), Fragment(last: 24..<48)),
    Pair("everything", Fragment(last: 800..<801), Fragment(0..<64_000)),
  ]

  /// Conformance 81 and 98.
  static let ends = [
    Pair("two ends", Fragment(last: 16..<20), Fragment(last: 24..<30), .endConflict),
    Pair("data behind the end", Fragment(last: 16..<24), Fragment(24..<32), .endConflict),
    Pair("data far behind the end", Fragment(last: 16..<20), Fragment(800..<1600), .endConflict),
    Pair("an end like a piece", Fragment(16..<24), Fragment(last: 16..<24), .endConflict),
  ]

  @Test(arguments: overlaps + ends, [0, 1])
  func `fragments that contradict each other end their datagram`(pair: Pair, family: Int) {
    for (first, second) in [(pair.first, pair.second), (pair.second, pair.first)] {
      // Alone, and among others.
      for others in [[], [Fragment(128..<136)], [Fragment(128..<136), Fragment(256..<264)]] {
        let bench = FragmentBench()
        let others = pair.event == .overlapped && first.more && second.more ? others : []
        let sent = (others + [first]).map { $0.with { $0.family = family } }
        #expect(bench.take(sent) == .held)
        #expect(bench.take(second.with { $0.family = family }) == .refused(pair.event))
        isDiscarded(bench, pair.event, family, fragments: sent.count)
      }
    }
  }

  /// Nothing is held, all that comes is refused, and the time of it ends.
  private func isDiscarded(_ bench: FragmentBench, _ event: FragmentEvent, _ family: Int, fragments: Int) {
    let timeout: UInt32 = family == 0 ? 30_000 : 60_000
    #expect(bench.held.isEmpty && bench.dead == fragments)
    #expect(bench.count(event, family) == UInt64(fragments + 1), "those that were there, and the one that came")
    #expect(bench.count(event == .overlapped ? DatagramEvent.overlapped : .discarded, family) == 1)
    let gauges = bench.gauges
    #expect(gauges.datagrams == 1 && gauges.discarded == 1 && gauges.fragments == 0 && gauges.bytes == 0)
    #expect(bench.breach == nil)
    bench.now += timeout - 1
    for fragment in Fragment.cut(64, by: 8, family: family) {
      #expect(bench.take(fragment) == .refused(.straggler))
      bench.tick()
    }
    #expect(bench.count(.straggler, family) == 8)
    bench.now += 1
    bench.tick()
    #expect(bench.gauges.datagrams == 0 && bench.gauges.discarded == 0)
    #expect(bench.count(FragmentEvent.expired, family) == 0, "it was counted before")
    #expect(bench.take(Fragment.cut(64, by: 8, family: family)) == .complete(slot: 0))
    #expect(bench.breach == nil)
  }

  /// F42: between neighbours that just fit, an octet too many is seen on both sides.
  @Test(arguments: [0, 1])
  func `a fragment fits into a hole or ends its datagram`(family: Int) {
    for start in stride(from: 0, through: 40, by: 8) {
      for end in stride(from: start + 8, through: 48, by: 8) {
        let bench = FragmentBench()
        bench.take([Fragment(0..<16, family: family), Fragment(last: 32..<45, family: family)])
        let taken = bench.take(Fragment(start..<end, family: family))
        let expected: TakenFragment =
          switch (start, end) {
          case (16, 32): .complete(slot: 0)
          case (16, 24), (24, 32): .held
          case (0, 16): .refused(.duplicate)
          default: .refused(.overlapped)
          }
        #expect(taken == expected, "\(start)..<\(end)")
        #expect(bench.breach == nil)
      }
    }
  }

  /// The last piece, when it lies in front of another: an end that cannot be.
  @Test(arguments: [0, 1])
  func `an end lies behind all other data`(family: Int) {
    for others in [[Fragment(64..<72)], [Fragment(0..<8), Fragment(64..<72)], [Fragment(64..<72), Fragment(80..<88)]] {
      let bench = FragmentBench()
      bench.take(others.map { $0.with { $0.family = family } })
      #expect(bench.take(Fragment(last: 16..<21, family: family)) == .refused(.endConflict))
      isDiscarded(bench, .endConflict, family, fragments: others.count)
    }
  }

  // MARK: Without data

  @Test(arguments: [0, 1])
  func `a fragment without data ends its datagram`(family: Int) {
    for empty in [Fragment(0..<0), Fragment(8..<8), Fragment(last: 0..<0), Fragment(last: 8..<8)] {
      let bench = FragmentBench()
      bench.take(Fragment(0..<8, family: family))
      #expect(bench.take(empty.with { $0.family = family }) == .refused(.empty))
      isDiscarded(bench, .empty, family, fragments: 1)
    }
  }

  @Test(arguments: [0, 1])
  func `a fragment without data ends the datagram that it would begin`(family: Int) {
    for empty in [Fragment(0..<0), Fragment(8..<8), Fragment(last: 0..<0), Fragment(last: 8..<8)] {
      let bench = FragmentBench()
      #expect(bench.take(empty.with { $0.family = family }) == .refused(.empty))
      #expect(bench.count(DatagramEvent.started, family) == 1)
      isDiscarded(bench, .empty, family, fragments: 0)
    }
  }

  // MARK: Too many

  @Test(arguments: [0, 1])
  func `a datagram may come in 64 fragments`(family: Int) {
    let bench = FragmentBench()
    #expect(bench.take(Fragment.cut(64 * 8, by: 8, family: family)) == .complete(slot: 0))
    bench.end(0)
    let sent = Fragment.cut(65 * 8, by: 8, family: family)
    #expect(bench.take(sent.dropLast()) == .held)
    #expect(bench.take(sent[7]) == .refused(.duplicate), "no fragment more")
    #expect(bench.take(sent[64]) == .refused(.tooMany))
    #expect(bench.count(.tooMany, family) == 65)
    #expect(bench.take(sent[0]) == .refused(.straggler))
    #expect(bench.held.isEmpty && bench.breach == nil)
  }

  // MARK: Congestion

  /// RFC 3168 §5.3, as Linux has it: who can carry marks and who cannot do not mix; one mark is a mark for all.
  @Test(arguments: 1..<16 as Range<UInt8>, [0, 1])
  func `fragments agree about congestion or end their datagram`(set: UInt8, family: Int) {
    let codepoints = (0..<4 as Range<UInt8>).filter { set & 1 << $0 != 0 }
    let outcome: UInt8? =
      switch set {
      case 0b0001: 0  // none can carry marks
      case 0b0010, 0b0100, 0b0110, 0b1000: 0  // all can, none says so or all do: each keeps its own
      case 0b1010, 0b1100, 0b1110: 3
      default: nil
      }
    let sent = codepoints.enumerated().map { place, ecn in
      Fragment(place * 8..<place * 8 + 8, more: place + 1 < codepoints.count, family: family).with { $0.ecn = ecn }
    }
    for order in permutations(of: sent) {
      let bench = FragmentBench()
      let taken = bench.take(order)
      guard let outcome else {
        #expect(taken == .held, "the table's, and dead")
        #expect(bench.held.isEmpty && bench.dead == sent.count)
        #expect(bench.count(FragmentEvent.ecn, family) == UInt64(sent.count))
        #expect(bench.count(DatagramEvent.discarded, family) == 1)
        #expect(bench.take(sent[0]) == .refused(.straggler))
        #expect(bench.breach == nil)
        continue
      }
      #expect(taken == .complete(slot: 0))
      #expect(bench.table.congestion(0) == outcome)
      #expect(bench.breach == nil)
    }
  }

  @Test func `congestion is told of the sixteen sets of codepoints`() {
    let combined: [UInt8?] = [0, 0, 0, nil, 0, nil, 0, nil, 0, nil, 3, nil, 3, nil, 3, nil]
    for set in 0..<16 as Range<UInt8> { #expect(ECN.combined(set) == combined[Int(set)], "\(set)") }
    #expect(ECN.combined(0b1_0100) == 0, "other bits say nothing")
  }
}
