import CSegment
import Reassembly
import Testing

/// Fragments that are wrong by themselves. They are refused; their datagram waits for better ones.
struct RefusalTests {
  @Test(arguments: [0, 1])
  func `only the last fragment may have a length that is no multiple of 8`(family: Int) {
    let bench = FragmentBench()
    for length in [1, 7, 9, 1001] {
      #expect(bench.take(Fragment(0..<length, family: family)) == .refused(.misaligned))
    }
    #expect(bench.gauges.datagrams == 0)
    bench.take(Fragment(0..<8, family: family))
    #expect(bench.take(Fragment(8..<15, family: family)) == .refused(.misaligned))
    #expect(bench.take(Fragment(last: 8..<15, family: family)) == .complete(slot: 0))
    #expect(bench.count(.misaligned, family) == 5)
  }

  /// F29, F32: too small a fragment is refused, but for the last.
  @Test(arguments: [0, 1])
  func `a smallest fragment can be set`(family: Int) {
    var settings = FragmentSettings(fragments: 64)
    (settings.ipv4.smallest, settings.ipv6.smallest) = (420, 448)
    let bench = FragmentBench(settings)
    #expect(bench.take(Fragment(0..<392, family: family)) == .refused(.tooSmall))
    #expect(bench.take(Fragment(0..<400, family: family)) == .held)
    #expect(bench.take(Fragment(400..<408, family: family)) == .refused(.tooSmall))
    #expect(bench.take(Fragment(last: 400..<401, family: family)) == .complete(slot: 0))
    #expect(bench.count(.tooSmall, family) == 2)
    #expect(bench.breach == nil)
  }

  // MARK: Beyond 65,535

  /// F38: of IPv4 the header counts, of IPv6 what stands in front of the fragment header, but for the fixed one.
  @Test(arguments: [0, 1])
  func `a datagram has 65535 bytes and not one more`(family: Int) {
    let bench = FragmentBench()
    let most = family == 0 ? 65_515 : 65_535
    let start = most / 8 * 8
    #expect(bench.take(Fragment(last: start..<most + 1, family: family)) == .refused(.oversize))
    #expect(bench.gauges.datagrams == 0)
    #expect(bench.take(Fragment(0..<start, family: family)) == .held)
    #expect(bench.take(Fragment(last: start..<most + 1, family: family)) == .refused(.oversize))
    #expect(bench.take(Fragment(65_528..<65_536, family: family)) == .refused(.oversize))
    #expect(bench.take(Fragment(last: start..<most, family: family)) == .complete(slot: 0))
    #expect(bench.table.payloadLength(0) == UInt32(most))
    #expect(bench.count(.oversize, family) == 3)
    #expect(bench.breach == nil)
  }

  /// Options that later fragments do not repeat are in the datagram all the same (RFC 791 §3.2).
  @Test(arguments: [0, 1])
  func `the headers of the first fragment count, whatever the last ones are`(family: Int) {
    let most = (family == 0 ? 65_515 : 65_535) - 40
    let first = Fragment(0..<65_472, family: family).with { $0.options = 40 }
    for isLastFirst in [false, true] {
      let bench = FragmentBench()
      let fitting = [first, Fragment(last: 65_472..<most, family: family)]
      #expect(bench.take(isLastFirst ? fitting.reversed() : fitting) == .complete(slot: 0))
      bench.end(0)
      let tooLong = [first, Fragment(last: 65_472..<most + 1, family: family)]
      #expect(bench.take(isLastFirst ? tooLong.reversed() : tooLong) == .held, "the table's, and dead")
      #expect(bench.held.isEmpty && bench.dead == 2)
      #expect(bench.count(.oversize, family) == 2)
      #expect(bench.count(DatagramEvent.discarded, family) == 1)
      #expect(bench.take(first) == .refused(.straggler))
      #expect(bench.breach == nil)
    }
  }

  /// A frame can be longer than a datagram: the link's header comes on top.
  @Test func `the largest frame is told as it is`() {
    let bench = FragmentBench()
    bench.take(Fragment(0..<65_512))
    #expect(bench.take(Fragment(last: 65_512..<65_515)) == .complete(slot: 0))
    #expect(bench.largestFrame(0) == 65_546)
  }

  // MARK: Headers

  /// F43: what its owner found wrong with the headers is the reason, whatever else there is.
  @Test(arguments: [FragmentEvent.badHeader, .headerChain])
  func `a fragment with faulty headers is refused`(fault: FragmentEvent) {
    let bench = FragmentBench()
    let faulty = Fragment(0..<8, family: 1).with { $0.fault = fault }
    #expect(bench.take(faulty) == .refused(fault))
    #expect(bench.take(faulty.with { $0.payload = 0..<0 }) == .refused(fault))
    #expect(bench.gauges.datagrams == 0)
    bench.take(Fragment(0..<8, family: 1))
    #expect(bench.take(faulty) == .refused(fault), "no duplicate")
    #expect(bench.take(Fragment(last: 8..<9, family: 1)) == .complete(slot: 0))
    #expect(bench.count(fault, 1) == 3)
    #expect(bench.count(fault, 0) == 0)
  }
}
