import TestSupport
import Testing

/// What the tests read of fragments, held against those that they make.
struct FragmentReadingTests {
  @Test(arguments: [[], [7], [8, 9]] as [[UInt16]])
  func `fragments that were cut make the datagram again`(vlan: [UInt16]) throws {
    let payload = (0..<2_000).map { UInt8(truncatingIfNeeded: $0 / 8) }
    let datagrams = [
      Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: 7, options: [148, 4, 0, 0]).raw(
        protocol: 17, payload: payload),
      Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2", headers: [.hopByHop]).raw(protocol: 17, payload: payload),
    ]
    for datagram in datagrams {
      let frames = datagram.fragments(size: 1_024, id: 7).map { $0.frame(vlan: vlan, padTo: 1_200) }
      let readings = try frames.map { try #require($0.fragment) }
      #expect(Set(readings.map(\.key)).count == 1)
      #expect(readings.map(\.offset) == [0, 1_024])
      let pieces = zip(frames, readings).map { frame, reading in
        (offset: reading.offset, more: reading.more, payload: Array(frame.bytes[reading.payload]))
      }
      #expect(putTogether(pieces.reversed()) == payload)
      #expect(putTogether([pieces[0]]) == nil)
      #expect(putTogether([pieces[1]]) == nil)
      #expect(putTogether([pieces[0], pieces[0], pieces[1]]) == nil)
    }
  }

  @Test func `what is whole is no fragment`() {
    #expect(Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: 7).frame().fragment == nil)
    let atomic = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2", headers: [.fragment(id: 7)])
    #expect(atomic.udp(from: 1, to: 2, payload: [1]).frame().fragment == nil)
    #expect(Frame.arp(who: "10.0.0.2", tell: "10.0.0.1").fragment == nil)
  }

  @Test func `a mark of congestion leaves a good header`() {
    for var datagram in [
      Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2"), Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2"),
    ] {
      datagram.trafficClass = 2
      let marked = datagram.frame().markedCongested
      datagram.trafficClass = 3
      #expect(marked == datagram.frame())
    }
  }

  @Test func `fragments cross with their datagram, or are missing for a reason`() {
    let payload = (0..<100).map { UInt8($0) }
    func pieces(_ id: UInt16) -> [Frame] {
      Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: id).raw(protocol: 17, payload: payload)
        .fragments(size: 40).map { $0.frame() }
    }
    let (one, two, three) = (pieces(1), pieces(2), pieces(3))
    let other = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: 1, to: 2, payload: [1]).frame()
    // One in another order, another one among it, of the third the end is missing.
    let input = [one[2], two[0], one[0], three[0], other, two[1], one[1], three[1], two[2]]
    let right = DatagramCrossing(from: input, to: [other] + one + two)
    #expect((right.crossed, right.stray) == (6, nil))
    #expect((right.lost, right.unfinished) == ([], [3, 7]))
    #expect(DatagramCrossing(from: input, to: one).lost == [1, 5, 8])
    #expect(DatagramCrossing(from: input, to: one + [two[0], other] + two[1...]).stray == 3)
    #expect(DatagramCrossing(from: input, to: [one[0], one[2], one[1]] + two).stray == 0)
    #expect(DatagramCrossing(from: input, to: one + two + two).stray == 6)
    // What is there twice may have ended its datagram.
    let twice = DatagramCrossing(from: [one[0], one[0], one[1], one[2]], to: [])
    #expect((twice.lost, twice.unfinished) == ([], [0, 1, 2, 3]))
  }
}
