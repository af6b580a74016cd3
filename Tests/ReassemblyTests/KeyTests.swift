import CSegment
import Primitives
import Testing

@testable import Reassembly

/// F35, F43: which fragments are of one datagram.
struct KeyTests {
  private static var others: [(String, (inout Fragment) -> Void)] {
    [
      ("identification", { $0.id = 8 }), ("identification", { $0.id |= 1 << 31 }), ("source", { $0.source = 2 }),
      ("destination", { $0.destination = 10 }), ("zone", { $0.zone = 1 }), ("tag", { $0.vlans = (5, 0xFFFF) }),
      ("two tags", { $0.vlans = (5, 6) }), ("tags exchanged", { $0.vlans = (6, 5) }),
      ("tag 0", { $0.vlans = (0, 0xFFFF) }), ("ends exchanged", { ($0.source, $0.destination) = (9, 1) }),
    ]
  }

  /// Conformance 69 and 82.
  @Test(arguments: [0, 1])
  func `fragments of datagrams that differ in one thing do not mix`(family: Int) {
    let bench = FragmentBench()
    let one = Fragment.cut(21, by: 8, family: family)
    let datagrams = [one] + Self.others.map { _, change in one.map { $0.with(change) } }
    // All at once: first all firsts, then all seconds.
    for place in 0..<2 {
      for datagram in datagrams { #expect(bench.take(datagram[place]) == .held) }
    }
    #expect(bench.gauges.datagrams == UInt64(datagrams.count))
    #expect(bench.breach == nil)
    for datagram in datagrams {
      guard case .complete(let slot) = bench.take(datagram[2]) else {
        Issue.record("not whole")
        continue
      }
      #expect(bench.pieces(slot).allSatisfy { $0.id == datagram[0].id && $0.source == datagram[0].source })
      bench.end(slot)
    }
    #expect(bench.gauges.datagrams == 0)
  }

  /// The index tells datagrams apart by 16 bits of a hash; the rest is up to the record.
  @Test(arguments: [0, 1])
  func `a record is that of its own key only`(family: Int) {
    let bench = FragmentBench()
    let one = Fragment(0..<8, family: family)
    bench.take(one)
    #expect(bench.isRecord(0, of: one.key))
    for (what, change) in Self.others { #expect(!bench.isRecord(0, of: one.with(change).key), "\(what)") }
    #expect(bench.isRecord(0, of: one.with { $0.number = 6 }.key) == (family == 1))
    #expect(!bench.isRecord(0, of: one.with { $0.family = 1 - family }.key))
    // Both halves of an IPv6 address.
    let none = FragmentKey.noVLAN
    let addresses: [(UInt64, UInt64, UInt64, UInt64)] = [
      (0, 1, 2, 9), (1, 0, 2, 9), (1, 1, 0, 9), (1, 1, 2, 0), (1, 1, 2, 9),
    ]
    let fitting = addresses.map { a, b, c, d in
      bench.isRecord(
        0,
        of: FragmentKey(
          ipv6: IPv6Address(high: a, low: b), IPv6Address(high: c, low: d), identification: 7, zone: 0,
          vlans: (none, none), FragmentBench.secret))
    }
    #expect(fitting == [false, false, false, false, family == 1])
  }

  /// RFC 791 §3.2 and RFC 8200 §4.5: IPv6 fragments may name what is inside only once.
  @Test func `the protocol tells IPv4 datagrams apart, and not IPv6 ones`() {
    for family in 0..<2 {
      let bench = FragmentBench()
      bench.take(Fragment(0..<8, family: family).with { $0.number = 17 })
      let last = Fragment(last: 8..<9, family: family).with { $0.number = 6 }
      #expect(bench.take(last) == (family == 0 ? .held : .complete(slot: 0)))
      #expect(bench.breach == nil)
    }
  }

  @Test func `families do not mix`() {
    let bench = FragmentBench()
    bench.take(Fragment(0..<8))
    #expect(bench.take(Fragment(last: 8..<9, family: 1)) == .held)
    #expect(bench.gauges.datagrams == 2)
    // The addresses of an IPv6 datagram that begin with those of the IPv4 one.
    let alike = FragmentKey(
      ipv6: IPv6Address(high: UInt64(1).byteSwapped, low: 0), IPv6Address(high: UInt64(9).byteSwapped, low: 0),
      identification: 7, zone: 0, vlans: (FragmentKey.noVLAN, FragmentKey.noVLAN), FragmentBench.secret)
    #expect(bench.table.find(alike) == nil)
  }

  /// A record tells the protocol of its IPv6 datagram once it is known, and the key of an IPv4 one stays.
  @Test func `a record keeps its key`() {
    let bench = FragmentBench()
    bench.take(Fragment(last: 8..<9, family: 1).with { $0.transport = 44 })
    #expect(bench.record(0).protocol == 0)
    bench.take(Fragment(16..<24).with { $0.transport = 6 })
    bench.take(Fragment(0..<8).with { $0.transport = 6 })
    #expect(bench.record(1).protocol == 17)
    #expect(bench.take(Fragment(8..<16).with { $0.transport = 6 }) == .held)
    #expect(bench.take(Fragment(last: 24..<25)) == .complete(slot: 1))
    #expect(bench.take(Fragment(0..<8, family: 1).with { $0.transport = 58 }) == .complete(slot: 0))
    #expect(bench.record(0).protocol == 58)
    #expect(bench.breach == nil)
  }
}
