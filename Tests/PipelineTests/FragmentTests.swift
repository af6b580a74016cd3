import CSegment
import Conntrack
import FlowCache
import Pipeline
import Primitives
import Reassembly
import TestSupport
import Testing
import Wire

@Suite struct `Fragments on their journey` {
  /// F41. The pieces wait, are judged once, and leave in the order of their offsets where the last one came.
  @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
  func `a datagram leaves where its last fragment came`(order: [Int]) {
    let line = FragmentBench()
    let pieces = Datagram.sample(100).frames(size: 40)
    let others = (1...4).map { Datagram.sample(9, source: "10.0.0.\($0 + 1)").frame() }
    let verdicts = line.play([
      others[0], pieces[order[0]], others[1], pieces[order[1]], others[2], pieces[order[2]], others[3],
    ])
    #expect(verdicts[1] == .hold && verdicts[3] == .hold && verdicts[5] == .forward(Bench.b))
    #expect(line.out == others[0...2] + pieces + [others[3]])
    #expect(line.count(.accepted) == 3 && line.count(FragmentEvent.completed) == 3)
    #expect(line.count(.started) == 1 && line.count(DatagramEvent.completed) == 1)
    #expect(line.balances && line.held == 0)
  }

  /// It is one packet of its connection, as long as it would be whole: in IPv6 without the fragment header.
  @Test(arguments: [false, true])
  func `a connection counts the datagram, not its fragments`(ipv6: Bool) {
    let line = FragmentBench()
    let datagram = ipv6 ? Datagram.sample6(500) : .sample(500)
    line.play(datagram.frames(size: 200))
    #expect(line.out.count == 3)
    let record = unsafe line.bench.worker.journey.tracker.table.record(0).pointee
    #expect(record.packets_original == 1 && record.bytes_original == UInt64(datagram.bytes.count))
    #expect(record.source_port == 1000 && record.destination_port == 53)
    #expect(line.tracking.classes[0] == 1)
  }

  /// X1: the flow cache serves datagrams that come in fragments as it does others.
  @Test func `the flow cache serves datagrams, too`() {
    let line = FragmentBench(cache: FlowCache(after: .confirmed))
    for id in 1...3 { line.play(Datagram.sample(100, id: UInt16(id)).frames(size: 40)) }
    #expect(line.out.count == 9 && line.tracking.counts.cache_hits == 2)
    #expect(unsafe line.bench.worker.journey.tracker.table.record(0).pointee.packets_original == 3)
  }

  @Test func `without connection tracking datagrams are put together all the same`() {
    let line = FragmentBench(isTracking: false)
    let pieces = Datagram.sample(100).frames(size: 40)
    #expect(line.play([pieces[2], pieces[0]]) == [.hold, .hold])
    #expect(line.play([pieces[1]]) == [.forward(Bench.b)])
    #expect(line.out == pieces && line.balances)
  }

  /// F28.
  @Test func `a family that is off has its fragments cross like other packets`() {
    let line = FragmentBench { $0.ipv4.isOn = false }
    let pieces = Datagram.sample(100).frames(size: 40)
    #expect(line.play([pieces[2], pieces[0]]) == [.forward(Bench.b), .forward(Bench.b)])
    #expect(line.play([Datagram.sample6(100).frames(size: 40)[0]]) == [.hold])
    #expect(line.balances)
  }

  /// F43, RFC 6946.
  @Test func `an atomic fragment waits for nothing`() {
    let line = FragmentBench()
    let frame = Datagram.sample6(20, headers: [.fragment(id: 9)]).frame()
    #expect(line.play([frame]) == [.forward(Bench.b)])
    #expect(line.out == [frame] && line.count(.atomic, ipv6: true) == 1 && line.count(.accepted, ipv6: true) == 0)
    let record = unsafe line.bench.worker.journey.tracker.table.record(0).pointee
    #expect(record.bytes_original == UInt64(frame.count - 14 - 8))
  }

  /// F41: one tag, two tags. Datagrams of different networks are kept apart, and leave with the tags they came with.
  @Test(arguments: [[10], [10, 20]] as [[UInt16]])
  func `datagrams are put together by their tags`(tags: [UInt16]) {
    let line = FragmentBench()
    let other = Array(tags.dropLast()) + [99]
    let (here, there) = (
      Datagram.sample(100).frames(size: 40, vlan: tags), Datagram.sample(100).frames(size: 40, vlan: other)
    )
    line.play([here[0], there[0], here[1], there[1], there[2], here[2]])
    #expect(line.out == there + here)
    #expect(line.count(.duplicate) == 0 && line.balances)
  }

  /// F35.
  @Test func `fragments of different zones do not meet`() {
    let line = FragmentBench(zones: [.init(port: 0, zones: ZonePair(7)), .init(port: 1, zones: ZonePair(8))])
    let pieces = Datagram.sample(60).frames(size: 40)
    line.bench.ports.arrive([pieces[0]], on: Bench.a)
    line.bench.ports.arrive([pieces[1]], on: Bench.b)
    _ = line.bench.worker.breathe()
    #expect(line.held == 2 && line.out.isEmpty)
    line.play([pieces[1]])
    #expect(line.out == pieces && line.held == 1)
    #expect(unsafe line.bench.worker.journey.tracker.table.record(0).pointee.zone == 7)
  }

  /// F41: several extension headers in several orders, before the fragment header and behind it.
  @Test(
    arguments: [
      [.hopByHop, .routing, .destination], [.destination, .hopByHop, .routing], [.routing], [.destination],
      [.hopByHop, .destination],
    ] as [[ExtensionHeader]])
  func `the fragment header may stand anywhere in the chain`(headers: [ExtensionHeader]) {
    let line = FragmentBench()
    let datagram = Datagram.sample6(400, headers: headers)
    let pieces = datagram.frames(size: 120)
    for order in [pieces, pieces.reversed()] {
      line.play(order)
      #expect(line.out.suffix(pieces.count) == pieces)
    }
    let record = unsafe line.bench.worker.journey.tracker.table.record(0).pointee
    #expect(record.source_port == 1000 && record.packets_original == 2)
    #expect(record.bytes_original == 2 * UInt64(datagram.bytes.count))
  }

  /// RFC 7112 §5 for IPv6; in IPv4 a header may go on in the next fragment, as the kernel has it.
  @Test func `a transport header that is cut in two`() {
    let line = FragmentBench()
    let tcp = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 3)
      .tcp(from: 1000, to: 80, flags: .syn, options: [2, 4, 5, 180])
    let pieces = tcp.frames(size: 8)
    line.play(pieces)
    #expect(line.out == pieces)
    #expect(unsafe line.bench.worker.journey.tracker.table.record(0).pointee.state == TCPState.synSent.rawValue)
    let six = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2").tcp(from: 1000, to: 80, flags: .syn)
      .frames(size: 8)
    #expect(line.play(six).prefix(2) == [.drop(.fragHeaderChain), .hold])
    #expect(line.count(.headerChain, ipv6: true) == 1 && line.balances)
  }

  /// Without the transport's header the padding of a short frame would be taken for it.
  @Test func `the padding of a first fragment is no header`() {
    let line = FragmentBench()
    let datagram = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 3)
      .tcp(from: 1000, to: 80, flags: .syn, seq: 0x0102_0304)
    let pieces = datagram.fragments(size: 8).map { $0.frame(padTo: 60) }
    line.play(pieces)
    #expect(line.out == pieces)
    #expect(unsafe line.bench.worker.journey.tracker.table.record(0).pointee.tcp.original.end == 0x0102_0305)
  }

  /// Frames in several segments, down to one that ends within the IP header.
  @Test(arguments: [20, 34, 36, 42, 60])
  func `fragments may lie in several segments`(contiguous: Int) {
    let line = FragmentBench(policy: Policy(checksum: .software))
    let pieces = Datagram.sample(100).frames(size: 48)
    line.play(pieces.reversed(), contiguous: contiguous)
    #expect(line.out == pieces && line.balances)
    #expect(line.bench.invalid(.udpBadChecksum) == 0)
    #expect(unsafe line.bench.worker.journey.tracker.table.record(0).pointee.source_port == 1000)
  }

  /// Such frames come from captures only.
  @Test func `the largest IPv6 datagram behind all tags may lie in several segments`() {
    let line = FragmentBench()
    let datagram = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2").raw(
      protocol: 58, payload: [128, 0, 0, 0] + [UInt8](repeating: 7, count: 65_531))
    let pieces = datagram.fragments(size: 65_520, id: 9).map { $0.frame(vlan: Array(1...8)) }
    #expect(pieces[0].count == 65_614)
    line.play(pieces, contiguous: 100)
    #expect(line.out == pieces && line.balances)
  }

  /// frag4-23: what is wrong shows when the datagram is whole; policy decides about all of it.
  @Test func `a wrong checksum is one of the datagram`() {
    let wrong = Datagram.sample(100).frames(size: 48)
    let pieces = [wrong[0], wrong[1].damaged(.byte(at: 40, 0xee)), wrong[2]]
    let forwards = FragmentBench(policy: Policy(checksum: .software))
    #expect(forwards.play(pieces) == [.hold, .hold, .forward(Bench.b)])
    #expect(forwards.out == pieces && forwards.bench.invalid(.udpBadChecksum) == 1)
    #expect(forwards.tracking.classes[6] == 1)
    let drops = FragmentBench(policy: Policy(checksum: .software, invalid: .drop))
    #expect(drops.play(pieces) == [.hold, .hold, .drop(.invalid)])
    #expect(drops.bench.dropped(.invalid) == 3 && drops.count(DatagramEvent.refused) == 1 && drops.balances)
  }

  /// X2: every piece has the datagram's verdict.
  @Test func `what is refused is refused with all its fragments`() {
    let refuses = FragmentBench(policy: Policy(refusesNew: 1))
    refuses.play(Datagram.sample(100).frames(size: 40))
    #expect(refuses.bench.dropped(.newRefused) == 3 && refuses.out.isEmpty && refuses.balances)
    let down = FragmentBench(toB: .closed(.linkDown))
    down.play(Datagram.sample(100).frames(size: 40))
    #expect(down.bench.dropped(.linkDown) == 3 && down.balances)
    #expect(down.count(FragmentEvent.refused) == 3)
    let left = FragmentBench()
    left.play(Datagram.sample(100).frames(size: 40), marks: .checksumPartial)
    #expect(left.bench.dropped(.offloadUnsupported) == 3 && left.balances)
  }

  /// RFC 3168 §5.3, as a receiver that puts it together would have it.
  @Test(arguments: [false, true])
  func `one fragment's congestion mark is the whole datagram's`(ipv6: Bool) {
    let line = FragmentBench()
    var datagram = ipv6 ? Datagram.sample6(100) : .sample(100)
    datagram.trafficClass = 0b1010_1010
    var pieces = datagram.fragments(size: 40)
    pieces[1].trafficClass |= 3
    line.play(pieces.map { $0.frame() })
    let out = line.out.compactMap { FragmentPiece($0) }
    #expect(out.count == 3 && out.allSatisfy { $0.ecn == 3 })
    #expect(line.out.allSatisfy { $0.headerFault == nil })
    pieces[0].trafficClass &= ~3
    line.play(pieces.map { $0.frame() })
    #expect(line.bench.dropped(.fragECN) == 3 && line.balances)
  }

  /// F36, F48.
  @Test func `what is not whole in time is dropped, so many at a time`() {
    let line = FragmentBench()
    for id in 0..<40 { line.play([Datagram.sample(100, id: UInt16(id)).frames(size: 40)[0]]) }
    line.tracking.advance(.milliseconds(29_999))
    line.play([])
    #expect(line.held == 40)
    line.tracking.advance(.milliseconds(1))
    line.play([])
    #expect(line.held == 32 && line.bench.dropped(.fragExpired) == 8)
    for _ in 0..<4 { line.play([]) }
    #expect(line.held == 0 && line.bench.dropped(.fragExpired) == 40 && line.count(FragmentEvent.expired) == 40)
    #expect(line.bench.ports.alive.isEmpty && line.balances)
  }

  @Test func `what is held at the end is dropped, and every buffer is back`() {
    let line = FragmentBench()
    line.play(Datagram.sample(100).frames(size: 40).dropLast() + Datagram.sample6(100).frames(size: 40).dropFirst())
    #expect(line.held == 4)
    line.bench.worker.drain()
    #expect(line.held == 0 && line.bench.dropped(.shutdown) == 4)
    #expect(line.count(FragmentEvent.purged) == 2 && line.count(FragmentEvent.purged, ipv6: true) == 2)
    #expect(line.bench.ports.alive.isEmpty && line.balances)
  }

  /// RFC 5722 for both families; the drops have their reasons.
  @Test func `an overlap ends the datagram, and nothing restarts it`() {
    let line = FragmentBench()
    let pieces = Datagram.sample(100).frames(size: 40)
    let shifted = Datagram.sample(100).fragments(size: 48)[1].frame()
    #expect(
      line.play([pieces[0], pieces[1], shifted, pieces[2]]) == [
        .hold, .hold, .drop(.fragOverlapped), .drop(.fragStraggler),
      ])
    #expect(line.bench.dropped(.fragOverlapped) == 3 && line.bench.dropped(.fragStraggler) == 1)
    #expect(line.held == 0 && line.balances)
  }

  /// A frame that ends before its fragment does is faulty, and counted as a fragment that was cut.
  @Test func `fragments that are cut short are counted`() {
    let line = FragmentBench()
    let four = Datagram.sample(100).frames(size: 40)[1]
    let six = Datagram.sample6(100).frames(size: 40)[1]
    line.play([four.prefix(four.count - 1), six.prefix(six.count - 1)])
    #expect(line.count(.truncated) == 1 && line.count(.truncated, ipv6: true) == 1)
    #expect(line.bench.dropped(.ipv4TotalLengthBeyondFrame) == 1 && line.bench.dropped(.ipv6PayloadBeyondFrame) == 1)
  }

  /// A faulty header behind a datagram, in its place of the next burst, was once taken for the datagram.
  @Test func `a burst knows nothing of the one before`() {
    let line = FragmentBench()
    line.play(Datagram.sample(60).frames(size: 40))
    let faulty = Datagram.sample(60).frame().damaged(.ipv4Checksum)
    #expect(line.play([faulty, faulty]) == [.drop(.ipv4BadChecksum), .drop(.ipv4BadChecksum)])
    #expect(line.out.count == 2 && line.balances)
  }

  /// Behind a second fragment header is nothing that could be tracked; policy says what becomes of it.
  @Test func `a datagram in fragments of fragments is invalid`() {
    let line = FragmentBench()
    let nested = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2", headers: [.fragment(id: 4), .fragment(id: 5)])
      .udp(from: 1, to: 2, payload: [UInt8](repeating: 3, count: 80)).frame().bytes
    let inner = Array(nested[62...])
    let pieces = [(0, true), (48, false)].map { offset, more in
      var piece = Datagram.ipv6(
        from: "2001:db8::1", to: "2001:db8::2", headers: [.fragment(id: 4, offset: offset, more: more)])
      piece.transport = .raw(protocol: 44, payload: Array(more ? inner[..<48] : inner[48...]))
      return piece.frame()
    }
    #expect(line.play(pieces) == [.hold, .forward(Bench.b)])
    #expect(line.out == pieces && line.bench.invalid(.ipv6SeveralFragmentHeaders) == 1)
    #expect(line.tracking.classes[6] == 1)
  }

  /// F46.
  @Test func `datagrams of unknown protocols are put together and counted`() {
    let line = FragmentBench()
    let datagram = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 3).raw(
      protocol: 99, payload: [UInt8](repeating: 5, count: 100))
    line.play(datagram.frames(size: 40))
    #expect(line.out.count == 3 && line.count(.unknownProtocol) == 3)
  }

  /// An ICMP error that comes in fragments is about the flow that it quotes, behind its first fragment's end too.
  @Test func `an error in fragments is related`() {
    let line = FragmentBench()
    let question = Datagram.sample(200)
    line.play([question.frame()])
    let error = Datagram.ipv4(from: "203.0.113.9", to: "10.0.0.1", id: 4)
      .icmp(type: 3, code: 3, id: 0, seq: 0, payload: question.bytes)
    line.bench.ports.arrive(error.frames(size: 16).reversed(), on: Bench.b)
    _ = line.bench.worker.breathe()
    #expect(line.bench.ports.sent[Bench.a]?.count == error.frames(size: 16).count)
    #expect(line.tracking.classes[5] == 1)
  }
}
