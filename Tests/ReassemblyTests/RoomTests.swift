import CSegment
import Reassembly
import Testing

/// F44: what may be held, and who goes when that is not enough.
struct RoomTests {
  enum Limit: CaseIterable { case fragments, mbufs, bytes, datagrams }

  /// Room for 16 fragments of one buffer and 42 bytes of frame, if they are of different datagrams.
  private func bench(_ limit: Limit, share: Int = 100) -> FragmentBench {
    var settings = FragmentSettings(fragments: 256)
    settings.sourceShare = share
    settings.high = 100
    switch limit {
    case .fragments: settings.fragments = 16
    case .mbufs: settings.mbufs = 16
    case .bytes: settings.bytes = 16 * 42 + 41
    case .datagrams: settings.datagrams = 16
    }
    return FragmentBench(settings)
  }

  @Test(arguments: Limit.allCases)
  func `the oldest makes room`(limit: Limit) {
    let bench = bench(limit)
    for id in 0..<100 as Range<UInt32> {
      #expect(bench.take(Fragment(0..<8, family: limit == .bytes ? 0 : Int(id % 2), id: id)) == .held)
      bench.now += 1
      #expect(bench.held.values.map(\.id).sorted() == Array((id < 16 ? 0 : id - 15)...id))
      #expect(bench.breach == nil)
    }
    #expect(bench.count(FragmentEvent.evicted, 0) + bench.count(FragmentEvent.evicted, 1) == 84)
    #expect(bench.count(DatagramEvent.evicted, 0) + bench.count(DatagramEvent.evicted, 1) == 84)
  }

  /// Open vSwitch's table, once full of what never completed, took nothing more.
  @Test(arguments: Limit.allCases)
  func `new datagrams complete in a table full of others`(limit: Limit) {
    let bench = bench(limit)
    for id in 0..<16 as Range<UInt32> { bench.take(Fragment(8..<16, id: id, source: id)) }
    for id in 100..<200 as Range<UInt32> {
      bench.now += 1
      guard case .complete(let slot) = bench.take(Fragment.cut(29, by: 8, id: id, source: 99)) else {
        Issue.record("not whole")
        return
      }
      bench.end(slot)
      bench.tick()
      // The others go on.
      bench.take(Fragment(8..<16, id: id, source: id))
    }
    #expect(bench.count(DatagramEvent.completed) == 100)
    #expect(bench.breach == nil)
  }

  @Test(arguments: [Limit.fragments, .mbufs, .bytes])
  func `a fragment drives out others, and not its own datagram`(limit: Limit) {
    let bench = bench(limit)
    bench.take(Fragment(0..<8, id: 1))
    bench.now += 1
    for id in 2...16 as ClosedRange<UInt32> { bench.take(Fragment(0..<8, id: id)) }
    for place in 1..<16 { #expect(bench.take(Fragment(place * 8..<place * 8 + 8, id: 1)) == .held) }
    #expect(bench.held.values.allSatisfy { $0.id == 1 } && bench.held.count == 16)
    #expect(bench.take(Fragment(128..<136, id: 1)) == .refused(.noRoom))
    #expect(bench.take(Fragment(128..<136, id: 1)) == .refused(.noRoom))
    #expect(bench.held.count == 16 && bench.breach == nil)
    #expect(bench.take(Fragment(0..<8, id: 3)) == .held, "another one finds room")
    #expect(bench.held.count == 1 && bench.breach == nil)
  }

  /// What no eviction can make room for costs nobody anything.
  @Test(arguments: [Limit.mbufs, .bytes])
  func `a fragment that fits into no table drives nothing out`(limit: Limit) {
    let bench = bench(limit)
    for id in 0..<12 as Range<UInt32> { bench.take(Fragment(0..<8, id: id)) }
    let large = Fragment(8..<1608).with { $0.mbufs = 17 }
    #expect(bench.take(large.with { $0.id = 50 }) == .refused(.noRoom))
    #expect(bench.take(large) == .refused(.noRoom))
    #expect(bench.held.count == 12)
    // With what its own datagram has it would be too much.
    let largest = Fragment(8..<680).with { $0.mbufs = 16 }
    #expect(bench.take(largest.with { $0.id = 5 }) == .refused(.noRoom))
    #expect(bench.held.count == 12)
    #expect(bench.take(largest.with { $0.id = 50 }) == .held, "alone it has room")
    #expect(bench.breach == nil)
  }

  @Test(arguments: Limit.allCases)
  func `whole datagrams on their way out are not driven out`(limit: Limit) {
    let bench = bench(limit)
    var slots: [Int] = []
    for id in 0..<16 as Range<UInt32> {
      guard case .complete(let slot) = bench.take(Fragment(last: 0..<8, id: id)) else {
        Issue.record("not whole")
        return
      }
      slots.append(slot)
    }
    #expect(bench.take(Fragment(0..<8, id: 50)) == .refused(.noRoom))
    #expect(bench.held.count == 16 && bench.breach == nil)
    for slot in slots { bench.end(slot) }
    #expect(bench.take(Fragment(0..<8, id: 50)) == .held)
    #expect(bench.breach == nil)
  }

  // MARK: A source's share

  /// Also for one source new datagrams complete among others that never do: it may be a tunnel with losses.
  @Test func `a source that has its share gives up its own oldest`() {
    let bench = bench(.fragments, share: 50)
    for source in 2..<10 as Range<UInt32> { #expect(bench.take(Fragment(0..<8, source: source)) == .held) }
    for id in 0..<8 as Range<UInt32> { #expect(bench.take(Fragment(0..<8, id: id)) == .held) }
    // Full, and those of others are older.
    for id in 8..<100 as Range<UInt32> {
      bench.now += 1
      #expect(bench.take(Fragment(0..<8, id: id)) == .held)
      #expect(bench.held.values.filter { $0.source == 1 }.map(\.id).sorted() == Array(id - 7...id))
      #expect(bench.held.count == 16)
    }
    #expect(bench.take(Fragment.cut(29, by: 8, id: 200)) != .refused(.sourceShare))
    #expect(bench.gauges.source_max == 8 && bench.gauges.source_limit == 8)
    #expect(bench.count(FragmentEvent.evicted) == 92 + 4)
    #expect(bench.breach == nil)
  }

  @Test func `no datagram is larger than its source's share`() {
    let bench = bench(.fragments, share: 50)
    for source in 2..<6 as Range<UInt32> { bench.take(Fragment(0..<8, source: source)) }
    #expect(bench.take(Fragment.cut(72, by: 8).dropLast()) == .held)
    for _ in 0..<20 { #expect(bench.take(Fragment(last: 64..<72)) == .refused(.sourceShare)) }
    #expect(bench.held.count == 12 && bench.count(FragmentEvent.evicted) == 0)
    #expect(bench.count(.sourceShare) == 20)
    #expect(bench.breach == nil)
  }

  @Test func `a datagram larger than its source's share costs the source no other one`() {
    let bench = bench(.fragments, share: 50)
    for id in 50..<53 as Range<UInt32> { bench.take(Fragment(0..<8, id: id)) }
    // Of 8 the fourth and later ones drive out the three, the ninth would have to drive out its own.
    #expect(bench.take(Fragment.cut(72, by: 8).dropLast(3)) == .held)
    #expect(bench.held.count == 8 && bench.count(FragmentEvent.evicted) == 1)
    bench.take(Fragment.cut(72, by: 8)[6])
    bench.take(Fragment.cut(72, by: 8)[7])
    for id in 60..<62 as Range<UInt32> { bench.take(Fragment(0..<8, family: 1, id: id)) }
    let before = bench.count(FragmentEvent.evicted)
    #expect(bench.take(Fragment(last: 64..<72)) == .refused(.sourceShare))
    #expect(bench.count(FragmentEvent.evicted) == before)
  }

  /// How long it takes to refuse one is not up to who sends it.
  @Test func `a source's own oldest is sought among the oldest only`() {
    var settings = FragmentSettings(fragments: 100)
    settings.sourceShare = 5
    let bench = FragmentBench(settings)
    for source in 2..<22 as Range<UInt32> { bench.take(Fragment(0..<8, source: source)) }
    for id in 0..<5 as Range<UInt32> { bench.take(Fragment(0..<8, id: id)) }
    #expect(bench.take(Fragment(0..<8, id: 5)) == .refused(.sourceShare))
    #expect(bench.held.count == 25 && bench.breach == nil)
  }

  @Test func `a source whose datagrams end may send more`() {
    let bench = bench(.fragments, share: 25)
    for round in 0..<20 as Range<UInt32> {
      #expect(bench.take(Array(Fragment.cut(29, by: 8, id: round)[..<3])) == .held)
      #expect(bench.take(Fragment(last: 24..<29, id: round)) == .complete(slot: 0))
      #expect(bench.take(Fragment(0..<8, id: 99)) == .refused(.sourceShare), "not before they have left")
      bench.end(0, as: round % 2 == 0 ? .sent : .refused)
    }
    #expect(bench.breach == nil)
  }

  /// A share of all is no limit: the oldest go.
  @Test func `a source alone may have the whole table`() {
    let bench = bench(.fragments, share: 100)
    for id in 0..<100 as Range<UInt32> { #expect(bench.take(Fragment(0..<8, id: id)) == .held) }
    #expect(bench.held.count == 16 && bench.breach == nil)
  }

  // MARK: Watermarks

  @Test(arguments: [Limit.fragments, .mbufs, .bytes])
  func `the oldest go ahead of need from the high watermark down to the low one`(limit: Limit) {
    var settings = FragmentSettings(fragments: 1000)
    settings.sourceShare = 100
    switch limit {
    case .mbufs: settings.mbufs = 100
    case .bytes: settings.bytes = 4200
    default: settings.fragments = 100
    }
    let bench = FragmentBench(settings)
    for id in 0..<90 as Range<UInt32> {
      bench.take(Fragment(0..<8, id: id))
      bench.now += 1
      bench.tick()
    }
    #expect(bench.held.count == 90, "not above it yet")
    bench.take(Fragment(0..<8, id: 90))
    bench.tick(most: 4)
    #expect(bench.held.count == 87)
    bench.tick(most: 4)
    bench.tick(most: 4)
    #expect(bench.held.count == 79)
    bench.tick(most: 100)
    #expect(bench.held.count == 75)
    #expect(bench.held.values.allSatisfy { $0.id > 15 })
    bench.take(Fragment(0..<8, id: 91))
    bench.tick()
    #expect(bench.held.count == 76, "enough until the high watermark is reached again")
    #expect(bench.count(FragmentEvent.evicted) == 16)
    #expect(bench.breach == nil)
  }

  // MARK: What is remembered

  /// Discarded datagrams go before those that wait.
  @Test func `a flood of contradictions keeps no datagram from completing`() {
    let bench = bench(.datagrams)
    for id in 0..<8 as Range<UInt32> { bench.take(Fragment(0..<8, id: id, source: 2)) }
    for id in 100..<400 as Range<UInt32> {
      bench.now += 1
      if id % 3 == 0 {
        bench.take(Fragment(0..<0, id: id))
      } else {
        bench.take([Fragment(0..<16, id: id), Fragment(8..<24, id: id)])
      }
      #expect(bench.gauges.datagrams <= 16)
    }
    #expect(bench.gauges.discarded == 8)
    for id in 0..<8 as Range<UInt32> {
      guard case .complete(let slot) = bench.take(Fragment(last: 8..<9, id: id, source: 2)) else {
        Issue.record("\(id) is not whole")
        continue
      }
      bench.end(slot)
    }
    #expect(bench.count(DatagramEvent.evicted) == 0, "what is only remembered was counted before")
    #expect(bench.breach == nil)
  }

  @Test func `what is remembered is forgotten, the oldest first, when all that is there is discarded`() {
    let bench = bench(.datagrams)
    for id in 0..<40 as Range<UInt32> {
      bench.take(Fragment(0..<0, id: id))
      bench.now += 1
    }
    #expect(bench.gauges.discarded == 16)
    for id in 24..<40 as Range<UInt32> { #expect(bench.take(Fragment(0..<8, id: id)) == .refused(.straggler)) }
    #expect(bench.take(Fragment(0..<8, id: 23)) == .held)
    #expect(bench.gauges.discarded == 15 && bench.breach == nil)
  }
}
