import TestSupport
import Testing
import Wire

struct ChecksumTests {
  /// RFC 3828 §3.1: what is not covered may change on the way.
  @Test func `UDP-Lite's checksum covers as much as it says`() {
    func judged(coverage: UInt16, number: UInt8 = 136, damaging place: Int? = nil) -> (InvalidReason, Bool) {
      var bytes: [UInt8] = [3, 232, 0, 53, UInt8(coverage >> 8), UInt8(coverage & 255), 0, 0] + text(6)
      let covered = coverage == 0 ? bytes.count : min(Int(coverage), bytes.count)
      let pseudo: [UInt8] = v4.source.bytes + v4.destination.bytes + [0, number, 0, UInt8(bytes.count)]
      var sum = InternetChecksum()
      Frame(pseudo + bytes[..<covered]).withSpan { sum.add($0) }
      (bytes[6], bytes[7]) = (UInt8(sum.value >> 8), UInt8(sum.value & 255))
      if let place { bytes[place] ^= 1 }
      return v4.raw(protocol: 136, payload: bytes).frame().withSpan { frame in
        var summary = Summary()
        _ = Summary.read(frame, frameLength: frame.byteCount, into: &summary)
        return (summary.verifyTransport(frame), summary.isCoverageSound(frame))
      }
    }
    for coverage in [0, 8, 10, 14] as [UInt16] {
      #expect(judged(coverage: coverage) == (.none, true))
      #expect(judged(coverage: coverage, number: 17) == (.none, true), "as netfilter sums it")
      #expect(judged(coverage: coverage, damaging: 1).0 == .udpBadChecksum)
    }
    #expect(judged(coverage: 10, damaging: 12).0 == .none)
    #expect(!judged(coverage: 7).1 && !judged(coverage: 15).1)
  }

  @Test func `the sum is that of RFC 1071`() {
    var chance = SeededGenerator.forThisRun()
    for length in 0..<200 {
      let bytes = chance.bytes(length)
      let value = Frame(bytes).withSpan { span in
        var checksum = InternetChecksum()
        checksum.add(span)
        return checksum.value
      }
      #expect(value == internetChecksum(bytes), "\(length) bytes")
    }
  }

  @Test func `a sum in pieces is the sum of the whole`() {
    var chance = SeededGenerator.forThisRun()
    let bytes = chance.bytes(101)
    for cut in stride(from: 0, through: 100, by: 2) {
      let value = Frame(bytes).withSpan { span in
        var checksum = InternetChecksum()
        checksum.add(span.extracting(first: cut))
        checksum.add(span.extracting(droppingFirst: cut))
        return checksum.value
      }
      #expect(value == internetChecksum(bytes), "cut at \(cut)")
    }
  }

  /// RFC 1624: equal to the checksum made afresh, whatever changed.
  @Test func `an updated checksum is the one made afresh`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<20_000 {
      var header = chance.bytes(40)
      header[0] = 0x45  // never all zeros, as no header is
      let before = internetChecksum(header)
      let width = [2, 4, 8].randomElement(using: &chance)!
      let at = 2 * Int.random(in: 1...(38 - width) / 2, using: &chance)
      let old = header[at..<at + width].reduce(0) { $0 << 8 | UInt64($1) }
      // Zeros and ones are where an update goes wrong (RFC 1624 §3).
      let new = [0, .max, old, ~old, .random(in: 0 ... .max, using: &chance)].randomElement(using: &chance)!
      let masked = width == 8 ? new : new & (1 << (8 * UInt64(width)) - 1)
      for (i, shift) in stride(from: 8 * width - 8, through: 0, by: -8).enumerated() {
        header[at + i] = UInt8(truncatingIfNeeded: masked >> UInt64(shift))
      }
      #expect(InternetChecksum.updated(before, replacing: old, by: masked) == internetChecksum(header))
    }
  }

  @Test func `a UDP checksum of zero stays, and is never the result`() {
    #expect(InternetChecksum.updatedUDP(0, replacing: 1, by: 2) == 0)
    #expect(InternetChecksum.updated(0x0001, replacing: 0, by: 1) == 0)
    #expect(InternetChecksum.updatedUDP(0x0001, replacing: 0, by: 1) == 0xFFFF)
    #expect(InternetChecksum.updatedUDP(0x1234, replacing: 5, by: 6) == 0x1233)
  }

  // MARK: Judging

  static let carriers: [(name: String, frame: Frame, bad: InvalidReason)] = [
    ("TCP", v4.tcp(from: 4000, to: 80, flags: [.ack], payload: text(33)).frame(padTo: 120), .tcpBadChecksum),
    ("UDP", v4.udp(from: 4000, to: 53, payload: text(7)).frame(padTo: 60), .udpBadChecksum),
    ("ICMP", v4.icmp(payload: text(9)).frame(padTo: 60), .icmpBadChecksum),
    ("SCTP", v4.sctp(from: 1, to: 2, tag: 3, chunks: [.data(tsn: 1, text(9))]).frame(), .sctpBadChecksum),
    ("TCP over IPv6", v6().tcp(from: 4000, to: 80, flags: [.ack], payload: text(33)).frame(vlan: [1]), .tcpBadChecksum),
    ("UDP over IPv6", v6().udp(from: 4000, to: 53, payload: text(7)).frame(padTo: 90), .udpBadChecksum),
    ("ICMPv6", v6().icmpv6(payload: text(9)).frame(), .icmpv6BadChecksum),
    ("SCTP over IPv6", v6().sctp(from: 1, to: 2, tag: 3, chunks: []).frame(), .sctpBadChecksum),
  ]

  @Test func `a right checksum is told from a wrong one`() {
    for (name, frame, bad) in Self.carriers {
      #expect(judge(frame) == .none, "\(name)")
      #expect(judge(frame.damaged(.l4Checksum)) == bad, "\(name)")
    }
  }

  @Test func `every bit of the datagram counts, and none of the padding`() {
    for (name, frame, bad) in Self.carriers {
      let good = summary(of: frame)
      for at in Int(good.transportOffset)..<frame.count {
        let isPadding = at >= good.datagramEnd
        let damaged = frame.damaged(.byte(at: at, frame.bytes[at] ^ 0x10))
        guard summary(of: damaged).invalid == .none else { continue }  // a broken length: nothing to judge
        #expect(judge(damaged) == (isPadding ? .none : bad), "\(name), byte \(at)")
      }
    }
  }

  @Test func `extension headers do not count, the addresses do`() {
    var frame = v6(everyHeader).udp(from: 4000, to: 53, payload: text(3)).frame()
    #expect(judge(frame) == .none)
    frame.bytes[14 + 8] ^= 1
    #expect(judge(frame) == .udpBadChecksum)
  }

  @Test func `UDP without a checksum is not judged`() {
    for datagram in [v4.udp(from: 1, to: 2, payload: text(9)), v6().udp(from: 1, to: 2, payload: text(9))] {
      var frame = datagram.frame()
      frame.bytes.setWord(0, at: frame.transportOffset + 6)
      #expect(judge(frame) == .none)
    }
  }

  @Test func `a UDP datagram shorter than its packet is summed to its own end`() {
    var frame = v4.udp(from: 1, to: 2, payload: text(9)).frame()
    frame.bytes += [1, 2, 3]
    frame = frame.damaged(.totalLength(20 + 17 + 3))
    #expect(summary(of: frame).flags.contains(.padded) == false)
    #expect(judge(frame) == .none)
  }

  @Test func `what cannot be judged is not`() {
    let segment = v4.tcp(from: 1, to: 2, flags: [.ack], payload: text(80))
    #expect(judge(segment.fragments(size: 40)[0].frame()) == .none)
    #expect(judge(segment.frame().damaged(.l4Checksum), given: 100) == .none)
    // Routing headers and source routes: the checksum covers the final destination.
    let routed = ExtensionHeader.custom(43, [2, 0, 1] + Array(repeating: 0, count: 20))
    #expect(judge(changingLastByte(of: v6([routed]).udp(from: 1, to: 2, payload: text(9)).frame())) == .none)
    let passed = ExtensionHeader.custom(43, [2, 0, 0] + Array(repeating: 0, count: 20))
    #expect(judge(changingLastByte(of: v6([passed]).udp(from: 1, to: 2, payload: text(9)).frame())) == .udpBadChecksum)
    for (option, reason) in [(131, InvalidReason.none), (137, .none), (7, .udpBadChecksum)] as [(UInt8, InvalidReason)]
    {
      let sent = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", options: [1, option, 7, 4, 10, 0, 0, 9])
        .udp(from: 1, to: 2, payload: text(9)).frame()
      #expect(judge(changingLastByte(of: sent)) == reason)
    }
  }

  // MARK: Filling in

  @Test func `a checksum that was left out is filled in`() {
    for (name, frame, _) in Self.carriers where name.contains("TCP") && !name.contains("SCTP") || name.contains("UDP") {
      for left: UInt16 in [0, 0xFFFF, 0x1234] {
        let field = Int(summary(of: frame).transportOffset) + (name.contains("TCP") ? 16 : 6)
        var partial = frame
        partial.bytes.setWord(left, at: field)
        let (done, filled) = complete(partial)
        #expect(done && filled == frame, "\(name), \(left) in the field")
      }
    }
  }

  @Test func `a UDP checksum that comes out as zero is sent as ones`() {
    // The payload's last word is chosen so that the sum is 0xFFFF.
    let plain = v4.udp(from: 1, to: 2, payload: [0, 0]).frame()
    let last = plain.bytes.word(at: plain.transportOffset + 6)
    let frame = v4.udp(from: 1, to: 2, payload: [UInt8(last >> 8), UInt8(last & 255)]).frame()
    #expect(frame.bytes.word(at: frame.transportOffset + 6) == 0xFFFF)
    #expect(complete(frame) == (true, frame))
    #expect(judge(frame) == .none)
  }

  @Test func `nothing else is touched`() {
    for frame in [
      v4.icmp().frame(), v4.udp(from: 1, to: 2, payload: text(60)).fragments(size: 24)[0].frame(),
      FaultTests.good4.damaged(.udpLength(7)),
    ] {
      #expect(complete(frame) == (false, frame))
    }
  }

  private func judge(_ frame: Frame, given: Int? = nil) -> InvalidReason {
    let summary = summary(of: frame)
    return frame.prefix(given ?? frame.count).withSpan { summary.verifyTransport($0) }
  }

  private func complete(_ frame: Frame) -> (Bool, Frame) {
    let summary = summary(of: frame)
    var bytes = frame.bytes
    let done = unsafe bytes.withUnsafeMutableBytes { buffer in
      var span = unsafe buffer.mutableBytes
      return summary.completeTransportChecksum(&span)
    }
    return (done, Frame(bytes))
  }

  private func changingLastByte(of frame: Frame) -> Frame {
    frame.damaged(.byte(at: frame.count - 1, frame.bytes[frame.count - 1] ^ 1))
  }
}
