import Pipeline
import Primitives
import TestSupport
import Testing
import Wire

@Suite struct `A packet's journey` {
  let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53, payload: [1, 2, 3, 4])

  @Test func `frames leave by the other port, untouched and in order`() {
    let bench = Bench()
    let frames = (0..<100).map { Frame(question.frame().bytes + [UInt8($0)]) }
    bench.send(frames)
    #expect(bench.out == frames)
    #expect(bench.balances)
    #expect(bench.seen(.ipv4UDP) == 100)
  }

  @Test func `both directions cross`() {
    let bench = Bench()
    bench.ports.arrive([question.frame()], on: Bench.a)
    bench.ports.arrive([question.reversed.frame()], on: Bench.b)
    _ = bench.worker.breathe()
    #expect(bench.out == [question.frame()])
    #expect(bench.ports.sent[Bench.a] == [question.reversed.frame()])
    #expect(bench.balances)
  }

  @Test func `runts, unknown EtherTypes, LLDP and spanning tree cross and are counted as such`() {
    let bench = Bench()
    let frames = [
      Frame(Array(repeating: 0xEE, count: 13)), Frame([1]),
      .etherType(0xABCD, [1, 2, 3]), .etherType(EtherType.lldp, [2, 7, 4]), .llc([0, 0, 0]),
      .etherType(EtherType.slow, [1]),
    ]
    bench.send(frames)
    #expect(bench.out == frames)
    #expect(bench.seen(.runt) == 2)
    #expect(bench.seen(.linkOther) == 3)
    #expect(bench.seen(.llc) == 1)
  }

  @Test(arguments: HeaderFault.allCases.dropFirst())
  func `a fault of the IP header drops the packet with the reason of that name`(fault: HeaderFault) throws {
    let reason = try #require(DropReason(rawValue: fault.rawValue))
    #expect(DropReason(fault) == reason)
    #expect("\(reason)" == "\(fault)")
    #expect(reason.name.hasPrefix(fault.rawValue <= HeaderFault.ipv4BadChecksum.rawValue ? "ipv4_" : "ipv6_"))
  }

  @Test func `a faulty packet is dropped in place and its neighbours keep their order`() {
    let bench = Bench()
    var broken = question.frame()
    broken.bytes[24] ^= 0x55  // the header checksum
    bench.send([question.frame(), broken, question.reversed.frame(), broken])
    #expect(bench.out == [question.frame(), question.reversed.frame()])
    #expect(bench.dropped(.ipv4BadChecksum) == 2)
    #expect(bench.balances)
  }

  @Test func `an invalid packet is counted and crosses, unless policy says drop`() {
    let short = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").raw(protocol: 6, payload: [1, 2, 3]).frame()
    let open = Bench()
    open.send([short])
    #expect(open.out == [short])
    #expect(open.invalid(.tcpShort) == 1)

    let closed = Bench(policy: Policy(invalid: .drop))
    closed.send([short])
    #expect(closed.out.isEmpty)
    #expect(closed.dropped(.invalid) == 1)
    #expect(closed.balances)
  }

  @Test func `headers spread over several segments are read all the same`() {
    let frame = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2", headers: [.hopByHop, .destination])
      .tcp(from: 1, to: 2, flags: [.syn]).frame()
    for contiguous in [1, 14, 20, 54, 60, 70] {
      let bench = Bench()
      bench.send([frame], contiguous: contiguous)
      #expect(bench.out == [frame])
      #expect(bench.seen(.ipv6TCP) == 1, "first segment of \(contiguous) bytes")
    }
  }

  // MARK: Checksums above IP

  @Test func `software adds up the transport checksum, also across segments`() {
    var wrong = question.frame()
    wrong.bytes[wrong.count - 1] ^= 1
    for contiguous in [nil, 40] {
      let bench = Bench(policy: Policy(checksum: .software))
      bench.send([wrong, question.frame()], contiguous: contiguous)
      #expect(bench.invalid(.udpBadChecksum) == 1)
      #expect(bench.out.count == 2)
    }
  }

  @Test func `hardware's word is taken: bad is looked into, good and silence are believed`() {
    var wrong = question.frame()
    wrong.bytes[wrong.count - 1] ^= 1
    for (marks, found) in [(PacketMarks.checksumBad, UInt64(1)), (.checksumGood, 0), ([], 0)] {
      let bench = Bench(policy: Policy(checksum: .hardware))
      bench.send([wrong], marks: marks)
      #expect(bench.invalid(.udpBadChecksum) == found)
    }
    let falseAlarm = Bench(policy: Policy(checksum: .hardware))
    falseAlarm.send([question.frame()], marks: .checksumBad)
    #expect(falseAlarm.invalid(.udpBadChecksum) == 0)
  }

  @Test func `a partial checksum of a virtual port is no fault, and is finished before it leaves`() {
    var partial = question.frame()
    partial.bytes[40] = 0
    partial.bytes[41] = 9
    let bench = Bench(policy: Policy(checksum: .software, invalid: .drop))
    bench.send([partial], marks: .checksumPartial)
    #expect(bench.out.count == 1)
    #expect(bench.ports.finished.count == 1)
    #expect(bench.dropped == 0)
  }

  @Test func `a partial checksum that nobody can finish drops the packet with a reason`() {
    let bench = Bench()
    bench.send([question.frame()], marks: .checksumPartial, contiguous: 50)
    #expect(bench.dropped(.offloadUnsupported) == 1)
    let able = Bench(toB: Egress(port: Bench.b, finishesChecksums: true))
    able.send([question.frame()], marks: .checksumPartial, contiguous: 50)
    #expect(able.out.count == 1)
  }

  /// Ports mark what they please: only the checksum of a whole TCP or UDP datagram can be finished, by anyone.
  @Test func `what has no checksum to finish is dropped with a reason, however able the port`() throws {
    let datagram = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2")
    let large = datagram.tcp(from: 1, to: 2, flags: [.ack], payload: Array(repeating: 7, count: 100))
    let short = datagram.raw(protocol: 6, payload: [1, 2, 3]).frame()
    let hopeless =
      [Frame.etherType(0xABCD, [1, 2, 3]), short] + large.fragments(size: 64).map { $0.frame() }
      + [datagram.sctp(from: 1, to: 2, tag: 3, chunks: []).frame()]
    for able in [true, false] {
      for marks in [PacketMarks.checksumPartial, [.checksumPartial, .segmented]] {
        let bench = Bench(toB: Egress(port: Bench.b, finishesChecksums: able, cutsSegments: able))
        bench.send(hopeless, marks: marks)
        #expect(bench.out.isEmpty)
        #expect(bench.dropped(.offloadUnsupported) == UInt64(hopeless.count))
        #expect(bench.balances)
      }
    }
  }

  @Test func `a packet that could not be finished after all does not leave`() {
    let bench = Bench()
    bench.ports.canFinish = false
    bench.send([question.frame()], marks: .checksumPartial)
    #expect(bench.out.isEmpty)
    #expect(bench.dropped(.offloadUnsupported) == 1)
    #expect(bench.balances)
  }

  @Test func `a frame of many segments leaves only where the port can cut it, whatever the MTU`() {
    let large = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2")
      .tcp(from: 1, to: 2, flags: [.ack], payload: Array(repeating: 7, count: 5000)).frame()
    let unable = Bench(toB: Egress(port: Bench.b, mtu: 1500))
    unable.send([large], marks: .segmented)
    #expect(unable.dropped(.offloadUnsupported) == 1)
    let able = Bench(toB: Egress(port: Bench.b, mtu: 1500, cutsSegments: true))
    able.send([large], marks: .segmented)
    #expect(able.out == [large])
  }

  // MARK: What the egress port takes

  @Test func `a frame longer than the MTU is dropped, a VLAN tag not counted`() {
    let bench = Bench(toB: Egress(port: Bench.b, mtu: 1500))
    let full = Frame.etherType(0xABCD, Array(repeating: 0, count: 1500))
    let tagged = question.frame(vlan: [7, 8]).bytes
    let fullTagged = Frame(tagged + Array(repeating: 0, count: 1500 + 14 + 8 - tagged.count))
    bench.send([full, Frame(full.bytes + [0]), fullTagged, Frame(fullTagged.bytes + [0])])
    #expect(bench.out == [full, fullTagged])
    #expect(bench.dropped(.mtuExceeded) == 2)
  }

  @Test func `a port's own limits are named, chains apart`() {
    let bench = Bench(toB: Egress(port: Bench.b, longest: 200, longestChained: 100))
    let frame = Frame.etherType(0xABCD, Array(repeating: 0, count: 150))
    bench.send([frame])
    bench.send([frame], contiguous: 60)
    bench.send([Frame.etherType(0xABCD, Array(repeating: 0, count: 190))])
    #expect(bench.out == [frame])
    #expect(bench.dropped(.txOversize) == 2)
  }

  @Test func `a closed way out drops with its reason until it opens`() {
    let bench = Bench()
    bench.worker.renew { _ in
      var down = Egress(port: Bench.b)
      down.close(.linkDown)
      return down
    }
    bench.send([question.frame()])
    #expect(bench.dropped(.linkDown) == 1)
    bench.worker.renew { _ in Egress(port: Bench.b) }
    bench.send([question.frame()])
    #expect(bench.out.count == 1)
    #expect(bench.balances)
  }

  @Test func `drop reasons have names of their own and fit their tables`() {
    #expect(Set(DropReason.allCases.map(\.name)).count == DropReason.allCases.count)
    #expect(DropReason.allCases.map { Int($0.rawValue) } == Array(1..<DropReason.slots))
    let tally = Tally()
    #expect(tally.drops.count == DropReason.slots)
    #expect(tally.invalid.count == InvalidReason.allCases.count)
    #expect(Tally.invalidSlots == InvalidReason.allCases.count)
    #expect(tally.kinds.count == PacketKind.allCases.count)
    #expect(Set(PacketKind.allCases.map(\.name)).count == PacketKind.allCases.count)
    #expect(Set(InvalidReason.allCases.map(\.name)).count == InvalidReason.allCases.count)
  }
}
