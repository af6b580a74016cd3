import CSegment
import Reassembly
import Testing

/// How long a datagram waits.
struct TimeTests {
  private static let timeouts: [UInt32] = [30_000, 60_000]

  /// F27, conformance 68 and 90: counted from the first that came, to the millisecond; the milliseconds pass 2^32.
  @Test(arguments: [0, 1], [1000, UInt32.max - 15_000, UInt32.max])
  func `a datagram waits for so long and no longer`(family: Int, start: UInt32) {
    let timeout = Self.timeouts[family]
    let bench = FragmentBench(now: start)
    bench.take(Fragment(0..<8, family: family))
    bench.now &+= timeout / 2
    bench.take(Fragment(8..<16, family: family))
    bench.now = start &+ timeout &- 1
    bench.tick()
    #expect(bench.held.count == 2)
    bench.now &+= 1
    bench.tick()
    #expect(bench.held.isEmpty && bench.dead == 2)
    #expect(bench.count(FragmentEvent.expired, family) == 2)
    #expect(bench.count(DatagramEvent.expired, family) == 1)
    #expect(bench.gauges.datagrams == 0 && bench.breach == nil)
  }

  @Test(arguments: [0, 1], [1000, UInt32.max - 15_000, UInt32.max])
  func `the last fragment comes in time, or begins another datagram`(family: Int, start: UInt32) {
    for late in [false, true] {
      let bench = FragmentBench(now: start)
      bench.take(Fragment(0..<8, family: family))
      bench.now &+= Self.timeouts[family] - (late ? 0 : 1)
      // No tick has been there.
      let taken = bench.take(Fragment(last: 8..<9, family: family))
      #expect(taken == (late ? .held : .complete(slot: 0)))
      #expect(bench.count(FragmentEvent.expired, family) == (late ? 1 : 0))
      #expect(bench.held.count == (late ? 1 : 2))
      #expect(bench.breach == nil)
    }
  }

  /// What is discarded keeps its time from then on, whatever stragglers come.
  @Test(arguments: [0, 1])
  func `a discarded datagram is remembered from when it was discarded`(family: Int) {
    let bench = FragmentBench()
    bench.take(Fragment(0..<16, family: family))
    bench.now += Self.timeouts[family] - 1
    #expect(bench.take(Fragment(8..<16, family: family)) == .refused(.overlapped))
    bench.now += Self.timeouts[family] - 1
    bench.tick()
    #expect(bench.take(Fragment(16..<24, family: family)) == .refused(.straggler))
    bench.now += 1
    #expect(bench.take(Fragment(16..<24, family: family)) == .held, "without a tick")
    #expect(bench.gauges.discarded == 0 && bench.breach == nil)
  }

  @Test func `the families have their own time`() {
    let bench = FragmentBench()
    bench.take(Fragment(0..<8, family: 1))
    bench.now += 1000
    bench.take(Fragment(0..<8, family: 0))
    bench.now += 30_000
    bench.tick()
    #expect(bench.count(FragmentEvent.expired, 0) == 1 && bench.count(FragmentEvent.expired, 1) == 0)
    bench.now += 29_000
    bench.tick()
    #expect(bench.count(FragmentEvent.expired, 1) == 1)
  }

  /// F36, F41: Open vSwitch crashed with more than 32 at once; ours go a few at a time.
  @Test(arguments: [1, 8, 32, 1000])
  func `datagrams that expire together end so many a tick`(most: Int) {
    let bench = FragmentBench()
    for id in 0..<100 as Range<UInt32> {
      bench.take(Fragment(0..<8, family: Int(id % 2), id: id, source: id))
    }
    // A third of them are discarded, and go the same way.
    for id in stride(from: 0, to: 100, by: 3) as StrideTo<UInt32> {
      bench.take(Fragment(0..<16, family: Int(id % 2), id: id, source: id))
    }
    bench.now += 60_000
    var left = 100
    while left > 0 {
      bench.tick(most: most)
      left = max(0, left - most)
      #expect(bench.gauges.datagrams == UInt64(left))
      #expect(bench.breach == nil)
    }
    #expect(bench.held.isEmpty)
    #expect(bench.count(FragmentEvent.expired, 0) + bench.count(FragmentEvent.expired, 1) == 66)
  }

  /// F36: and none waits for others that do not end.
  @Test func `many that expire of one family keep none of the other waiting`() {
    let bench = FragmentBench()
    for id in 0..<4 as Range<UInt32> { bench.take(Fragment(0..<8, family: 1, id: id, source: id)) }
    bench.now += 30_000
    for id in 0..<100 as Range<UInt32> { bench.take(Fragment(0..<8, family: 0, id: id, source: id)) }
    bench.now += 30_000
    for _ in 0..<8 { bench.tick(most: 2) }
    #expect(bench.count(FragmentEvent.expired, 1) == 4)
    #expect(bench.count(FragmentEvent.expired, 0) == 12)
  }

  /// F39: what is whole has no time.
  @Test func `a whole datagram on its way out does not expire`() {
    let bench = FragmentBench()
    #expect(bench.take(Fragment.cut(29, by: 8)) == .complete(slot: 0))
    bench.now += 100_000
    bench.tick()
    bench.purge()
    #expect(bench.pieces(0).count == 4)
    bench.end(0)
    #expect(bench.count(FragmentEvent.completed) == 4 && bench.breach == nil)
  }
}
