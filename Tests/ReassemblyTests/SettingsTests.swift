import CSegment
import Reassembly
import Testing

/// F4, F28, F44: what holds changes while datagrams wait.
struct SettingsTests {
  private func settings(_ change: (inout FragmentSettings) -> Void) -> FragmentSettings {
    var settings = FragmentSettings(fragments: 64)
    settings.sourceShare = 100
    settings.high = 100
    change(&settings)
    return settings
  }

  @Test(arguments: [0, 1])
  func `a new timeout holds for those that wait`(family: Int) {
    let bench = FragmentBench(settings { _ in })
    bench.take(Fragment(0..<8, family: family))
    bench.now += 10_000
    bench.set(settings { ($0.ipv4.timeout, $0.ipv6.timeout) = (12_000, 12_000) })
    bench.now += 1999
    bench.tick()
    #expect(bench.held.count == 1)
    bench.set(settings { ($0.ipv4.timeout, $0.ipv6.timeout) = (90_000, 90_000) })
    bench.now += 60_000
    bench.tick()
    #expect(bench.held.count == 1)
    bench.set(settings { ($0.ipv4.timeout, $0.ipv6.timeout) = (5000, 5000) })
    bench.tick()
    #expect(bench.held.isEmpty && bench.count(FragmentEvent.expired, family) == 1)
    #expect(bench.breach == nil)
  }

  /// Those in front of a list are to be the first to end, also when older ones were discarded under another timeout.
  @Test(arguments: [0, 1])
  func `a new timeout holds for what is remembered`(family: Int) {
    let bench = FragmentBench(settings { ($0.ipv4.timeout, $0.ipv6.timeout) = (50_000, 50_000) })
    bench.take([Fragment(0..<8, family: family, id: 1), Fragment(0..<16, family: family, id: 1)])
    bench.now += 1000
    bench.set(settings { ($0.ipv4.timeout, $0.ipv6.timeout) = (10_000, 10_000) })
    bench.take([Fragment(0..<8, family: family, id: 2), Fragment(0..<16, family: family, id: 2)])
    #expect(bench.gauges.discarded == 2 && bench.breach == nil)
    bench.now += 8999
    bench.tick()
    #expect(bench.gauges.discarded == 2)
    bench.now += 1
    bench.tick()
    #expect(bench.gauges.discarded == 1)
    bench.now += 1000
    bench.tick()
    #expect(bench.gauges.discarded == 0 && bench.breach == nil)
  }

  /// 2^31 ms cannot be told from the past.
  @Test func `a timeout is at most 24 days`() {
    let bench = FragmentBench(settings { $0.ipv4.timeout = .max })
    #expect(bench.take(Fragment.cut(29, by: 8)) == .complete(slot: 0))
    #expect(bench.gauges.timeout.0 == UInt32(Int32.max))
  }

  @Test(arguments: [0, 1])
  func `a family that is switched off ends`(family: Int) {
    let bench = FragmentBench(settings { _ in })
    for id in 0..<6 as Range<UInt32> { bench.take(Fragment(0..<8, family: Int(id % 2), id: id)) }
    bench.take([Fragment(0..<16, family: family, id: 0), Fragment(0..<16, family: family, id: 1)])
    let before = bench.held.count
    bench.set(settings { family == 0 ? ($0.ipv4.isOn = false) : ($0.ipv6.isOn = false) })
    #expect(bench.held.count == before, "not at once")
    bench.tick(most: 2)
    #expect(bench.held.count == before - 2)
    bench.tick()
    #expect(!bench.table.isOn(ipv6: family == 1) && bench.table.isOn(ipv6: family == 0))
    #expect(bench.count(FragmentEvent.purged, family) == UInt64(before - 3))
    #expect(bench.count(DatagramEvent.purged, family) == UInt64(before - 3))
    #expect(bench.count(FragmentEvent.purged, 1 - family) == 0)
    #expect(bench.held.count == 3 && bench.held.values.allSatisfy { $0.family != family })
    #expect(bench.gauges.discarded == 0 && bench.breach == nil)
    bench.set(settings { _ in })
    #expect(bench.take(Fragment.cut(29, by: 8, family: family)) != .held)
  }

  /// Fewer fragments than are held: the oldest make room for the next, and a tick does it too.
  @Test func `fewer fragments may be held than there are`() {
    for byTick in [false, true] {
      let bench = FragmentBench(settings { _ in })
      for id in 0..<60 as Range<UInt32> {
        bench.take(Fragment(0..<8, id: id))
        bench.now += 1
      }
      bench.set(settings { $0.fragments = 10 })
      #expect(bench.held.count == 60, "not at once")
      if byTick {
        while bench.held.count > 10 {
          let before = bench.held.count
          bench.tick(most: 8)
          guard bench.held.count < before else { break }
        }
        #expect(bench.held.values.allSatisfy { $0.id >= 50 } && bench.held.count <= 10)
      } else {
        #expect(bench.take(Fragment(0..<8, id: 100)) == .held)
        #expect(bench.held.values.allSatisfy { $0.id > 50 } && bench.held.count == 10)
      }
      #expect(bench.gauges.fragments_limit == 10 && bench.breach == nil)
    }
  }

  @Test func `fewer datagrams may be held than there are`() {
    let bench = FragmentBench(settings { _ in })
    for id in 0..<60 as Range<UInt32> {
      bench.take(Fragment(0..<8, id: id))
      bench.now += 1
    }
    bench.set(settings { $0.datagrams = 10 })
    #expect(bench.take(Fragment(0..<8, id: 100)) == .held)
    #expect(bench.gauges.datagrams == 10)
    #expect(bench.held.values.allSatisfy { $0.id > 50 })
    #expect(bench.breach == nil)
  }

  /// Also when one fragment may not drive out as many as there are too many.
  @Test func `a far lower limit is reached step by step`() {
    let many = FragmentBench(FragmentSettings(fragments: 1000))
    for id in 0..<1000 as Range<UInt32> { many.take(Fragment(0..<8, id: id, source: id)) }
    var few = FragmentSettings(fragments: 1000, datagrams: 10)
    few.high = 100
    many.set(few)
    var begun: UInt32 = 1000
    while many.gauges.datagrams > 10, begun < 1100 {
      many.take(Fragment(0..<8, id: begun, source: begun))
      begun += 1
    }
    #expect(many.gauges.datagrams == 10 && many.breach == nil)
    #expect(begun < 1030)
  }

  @Test func `limits end at what there is memory for`() {
    let bench = FragmentBench(FragmentSettings(fragments: 8, datagrams: 4))
    bench.set(FragmentSettings(fragments: 1000, mbufs: 1000, bytes: 1 << 30, datagrams: 1000))
    for id in 0..<100 as Range<UInt32> { bench.take(Fragment(0..<8, id: id, source: id)) }
    #expect(bench.gauges.datagrams == 4 && bench.breach == nil)
    #expect(bench.gauges.fragments_limit == 8 && bench.gauges.datagrams_limit == 4)
  }

  @Test func `more fragments a datagram can be allowed, and fewer`() {
    let bench = FragmentBench(settings { $0.perDatagram = 2 })
    #expect(bench.take(Fragment.cut(16, by: 8, id: 1)) == .complete(slot: 0))
    bench.end(0)
    #expect(bench.take(Fragment.cut(24, by: 8, id: 2)) == .refused(.tooMany))
    bench.set(settings { $0.perDatagram = 4 })
    bench.take(Array(Fragment.cut(40, by: 8, id: 3)[..<4]))
    bench.set(settings { $0.perDatagram = 2 })
    #expect(bench.take(Fragment(last: 32..<40, id: 3)) == .refused(.tooMany))
    #expect(bench.held.isEmpty && bench.breach == nil)
  }

  @Test func `a table that is off takes nothing`() {
    let off = Reassembly.off()
    let isOn = (off.isOn(ipv6: false), off.isOn(ipv6: true))
    #expect(isOn == (false, false))
  }
}
