import TestSupport
import Testing
@testable import Wire

struct SummaryTests {
  @Test func `each kind of packet is named`() {
    let kinds = samples.map { summary(of: $0.frame).kind }
    #expect(
      kinds == [
        .ipv4TCP, .ipv4TCP, .ipv4UDP, .ipv4UDP, .ipv4UDP, .ipv4UDP, .ipv4ICMP, .ipv4ICMP, .ipv4SCTP, .ipv4GRE,
        .ipv4Other, .ipv4Fragment, .ipv4Fragment, .ipv6TCP, .ipv6UDP, .ipv6ICMP, .ipv6SCTP, .ipv6GRE, .ipv6UDP,
        .ipv6UDP, .ipv6Fragment, .ipv6Fragment, .ipv6Other, .ipv6UDP, .arp, .linkOther, .llc,
      ])
    for (name, frame) in samples {
      let summary = summary(of: frame)
      #expect(summary.fault == .none && summary.invalid == .none && !summary.flags.contains(.needsMore), "\(name)")
    }
  }

  @Test func `a TCP segment is summed up`() {
    let summary = summary(of: samples[0].frame)
    #expect(summary.transport == 6 && summary.tcpFlags == 0x02 && summary.hopLimit == 61)
    #expect(summary.sourcePort == 4000 && summary.destinationPort == 80)
    #expect(summary.networkOffset == 14 && summary.transportOffset == 34 && summary.datagramEnd == 62)
    #expect(summary.etherType == 0x0800 && summary.identification == 7 && summary.vlanCount == 0)
    #expect(summary.flags == [.ipv4, .dontFragment])
  }

  @Test func `padding is not part of the datagram`() {
    let padded = summary(of: v4.udp(from: 1, to: 2).frame(padTo: 60))
    #expect(padded.datagramEnd == 42 && padded.flags == [.ipv4, .dontFragment, .padded])
    let overIPv6 = summary(of: v6().udp(from: 1, to: 2).frame(padTo: 90))
    #expect(overIPv6.datagramEnd == 62 && overIPv6.flags == [.ipv6, .padded])
  }

  @Test func `a group address is seen`() {
    #expect(summary(of: v4.udp(from: 1, to: 2).frame(to: .broadcast, padTo: 60)).flags.contains(.groupDestination))
    #expect(summary(of: v6().udp(from: 1, to: 2).frame(to: .lldp)).flags.contains(.groupDestination))
    #expect(!summary(of: v6().udp(from: 1, to: 2).frame()).flags.contains(.groupDestination))
  }

  @Test func `ICMP gives type, code and the identifier of a query`() {
    let echo = summary(of: v4.icmp(type: 8, code: 0, id: 77).frame())
    #expect(echo.sourcePort == 0x0800 && echo.destinationPort == 77)
    let answer = summary(of: v4.icmp(type: 0, code: 0, id: 77).frame())
    #expect(answer.sourcePort == 0 && answer.destinationPort == 77)
    let unreachable = summary(of: v4.icmp(type: 3, code: 4, id: 77).frame())
    #expect(unreachable.sourcePort == 0x0304 && unreachable.destinationPort == 0)
    let timestamp = summary(of: v4.icmp(type: 14, code: 0, id: 77).frame())
    #expect(timestamp.sourcePort == 0x0E00 && timestamp.destinationPort == 77)
    let echo6 = summary(of: v6().icmpv6(type: 129, code: 0, id: 78).frame())
    #expect(echo6.sourcePort == 0x8100 && echo6.destinationPort == 78)
    let tooBig = summary(of: v6().icmpv6(type: 2, code: 0, id: 78).frame())
    #expect(tooBig.sourcePort == 0x0200 && tooBig.destinationPort == 0)
  }

  /// ICMPv6 in IPv4 and ICMP in IPv6 are protocols like any other.
  @Test func `ICMP belongs to its family`() {
    #expect(summary(of: v4.raw(protocol: 58).frame()).kind == .ipv4Other)
    #expect(summary(of: v6().raw(protocol: 1).frame()).kind == .ipv6Other)
  }

  @Test func `a protocol without ports has an offset and no ports`() {
    let summary = summary(of: v4.raw(protocol: 89, payload: text(24)).frame())
    #expect(summary.transport == 89 && summary.transportOffset == 34)
    #expect(summary.sourcePort == 0 && summary.destinationPort == 0)
  }

  // MARK: Tags

  @Test func `the outer two tags are kept`() {
    let one = summary(of: v4.udp(from: 1, to: 2).frame(vlan: [100]))
    #expect(one.vlanCount == 1 && one.outerVLAN == 100 && one.innerVLAN == 0 && one.networkOffset == 18)
    let two = summary(of: v4.udp(from: 1, to: 2).frame(vlan: [7, 100]))
    #expect(two.vlanCount == 2 && two.outerVLAN == 7 && two.innerVLAN == 100 && two.networkOffset == 22)
    let three = summary(of: v6().udp(from: 1, to: 2).frame(vlan: [7, 100, 9]))
    #expect(three.vlanCount == 3 && three.outerVLAN == 7 && three.innerVLAN == 100 && three.kind == .ipv6UDP)
  }

  @Test(arguments: [0x8100, 0x88A8, 0x9100, 0x9200])
  func `every EtherType of a tag is one`(type: UInt16) {
    var frame = v4.udp(from: 1, to: 2).frame(vlan: [100])
    frame.bytes.setWord(type, at: 12)
    #expect(summary(of: frame).kind == .ipv4UDP)
    #expect(summary(of: frame).vlanCount == 1)
  }

  @Test func `eight tags are walked, a ninth is not`() {
    let eight = summary(of: v4.udp(from: 1, to: 2).frame(vlan: Array(1...8)))
    #expect(eight.kind == .ipv4UDP && eight.vlanCount == 8)
    let nine = summary(of: v4.udp(from: 1, to: 2).frame(vlan: Array(1...9)))
    #expect(nine.kind == .linkOther && nine.vlanCount == 8 && nine.etherType == 0x8100)
  }

  @Test func `a tag that the frame cuts off is not walked`() {
    for length in 14..<18 {
      let summary = summary(of: v4.udp(from: 1, to: 2).frame(vlan: [100]).damaged(.truncated(to: length)))
      #expect(summary.kind == .linkOther && summary.etherType == 0x8100 && summary.vlanCount == 0, "\(length) bytes")
    }
  }

  // MARK: Jumbograms

  @Test func `a jumbogram ends where its option says`() throws {
    let frame = try #require(samples.first { $0.name == "jumbogram" }).frame
    let whole = summary(of: frame)
    #expect(whole.flags == [.ipv6, .options, .jumbogram] && Int(whole.datagramEnd) == frame.count)
    #expect(whole.destinationPort == 2)
    let padded = summary(of: Frame(frame.bytes + [0, 0, 0]))
    #expect(padded.flags.contains(.padded) && Int(padded.datagramEnd) == frame.count)
  }

  @Test func `a jumbogram longer than its frame ends with the frame`() throws {
    var frame = try #require(samples.first { $0.name == "jumbogram" }).frame
    frame.bytes[14 + 44] = 0xFF
    let summary = summary(of: frame)
    #expect(summary.fault == .none && Int(summary.datagramEnd) == frame.count)
  }

  @Test func `a UDP length of zero is right in a jumbogram only`() throws {  // RFC 2675 §4
    var jumbo = try #require(samples.first { $0.name == "jumbogram" }).frame
    jumbo.bytes.setWord(0, at: 14 + 40 + 8 + 4)
    #expect(summary(of: jumbo).invalid == .none)
    #expect(summary(of: v6().udp(from: 1, to: 2).frame().damaged(.udpLength(0))).invalid == .udpLengthBelowHeader)
  }

  // MARK: The two ways through the code

  @Test func `the short way gives the answer of the long one`() {
    var taken = 0
    for (name, frame) in samples + chancyFrames() {
      frame.withSpan { bytes in
        var short = Summary()
        guard Summary.read(bytes, frameLength: frame.count, into: &short) else { return }
        var long = Summary()
        long.readAny(bytes, frameLength: frame.count)
        #expect(short == long, "\(name)")
        taken += 1
      }
    }
    #expect(taken > 1000)
  }

  @Test func `the short way gives the answer of the long one for IPv4 fragments, whatever they begin with`() {
    var chance = SeededGenerator.forThisRun()
    var taken = (first: 0, later: 0)
    for _ in 0..<4000 {
      let isFirst = Bool.random(using: &chance)
      var datagram = Datagram.ipv4(
        from: "10.0.0.1", to: "192.0.2.53", ttl: .random(in: 0...255, using: &chance), id: 7,
        dontFragment: .random(using: &chance)
      ).raw(
        protocol: [6, 17, 1, 47, 132, 58].randomElement(using: &chance)!,
        payload: chance.bytes(Int.random(in: 0...40, using: &chance)))
      guard case .ipv4(var header) = datagram.network else { continue }
      header.moreFragments = isFirst || .random(using: &chance)
      header.offset = isFirst ? 0 : .random(in: 1...8191, using: &chance) * 8
      datagram.network = .ipv4(header)
      var frame = datagram.frame(
        to: .random(using: &chance) ? .two : .broadcast, padTo: .random(in: 0...80, using: &chance))
      switch Int.random(in: 0..<8, using: &chance) {
      case 0: frame.bytes[Int.random(in: 14..<34, using: &chance)] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
      case 1: frame.bytes.removeLast(Int.random(in: 1...8, using: &chance))
      default: break
      }
      frame.withSpan { bytes in
        var (short, long) = (Summary(), Summary())
        guard Summary.read(bytes, frameLength: frame.count, into: &short) else { return }
        long.readAny(bytes, frameLength: frame.count)
        #expect(short == long && long.fault == .none, "\(frame)")
        if isFirst { taken.first += 1 } else { taken.later += 1 }
      }
    }
    #expect(taken.first > 200 && taken.later > 1000)
  }

  @Test func `the short way takes each plain packet whose checksum is right, and no other`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<2000 {
      // Half of the words are all ones or zeros, which is where sums carry.
      let ones: Address = "255.255.255.255"
      let datagram = Datagram.ipv4(
        from: .random(using: &chance) ? ones : Address(bytes: chance.bytes(4)),
        to: .random(using: &chance) ? ones : Address(bytes: chance.bytes(4)),
        ttl: .random(in: 0...255, using: &chance),
        id: .random(using: &chance) ? 0 : .random(in: 0...65535, using: &chance),
        dontFragment: .random(using: &chance))
      let good = datagram.udp(from: 1, to: 2).frame(padTo: 60)
      for error: UInt16 in [0, 1, 2, 0x0100, 0xFFFF, 0xFFFE] {
        var frame = good
        frame.bytes.setWord(good.bytes.word(at: 24) &+ error, at: 24)
        let (isTaken, isRight) = frame.withSpan { bytes in
          var short = Summary()
          var long = Summary()
          long.readAny(bytes, frameLength: frame.count)
          return (Summary.read(bytes, frameLength: frame.count, into: &short), long.fault == .none)
        }
        #expect(isTaken == isRight, "an error of \(error) in the checksum")
      }
    }
  }

  /// Plain packets of every length, flag and destination, some of them damaged.
  private func chancyFrames() -> [(name: String, frame: Frame)] {
    var chance = SeededGenerator.forThisRun()
    return (0..<2000).map { round in
      let payload = chance.bytes(.random(in: 0...40, using: &chance))
      let limit = UInt8.random(in: 0...255, using: &chance)
      let ipv4 = Datagram.ipv4(
        from: "10.0.0.1", to: "192.0.2.53", ttl: limit, id: .random(in: 0...65535, using: &chance),
        dontFragment: .random(using: &chance))
      let datagram = round % 2 == 0 ? ipv4 : Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::53", hopLimit: limit)
      var frame =
        (.random(using: &chance)
        ? datagram.udp(from: .random(in: 0...65535, using: &chance), to: 53, payload: payload)
        : datagram.tcp(from: .random(in: 0...65535, using: &chance), to: 80, flags: [.ack], payload: payload))
        .frame(to: .random(using: &chance) ? .two : .broadcast, padTo: .random(in: 0...80, using: &chance))
      if round % 8 < 2 {
        frame.bytes[.random(in: 0..<frame.count, using: &chance)] ^= UInt8.random(in: 1...255, using: &chance)
      }
      return ("round \(round)", frame)
    }
  }
}

/// The summary of `frame` when only its first `given` bytes are at hand; it starts out with what another frame left.
func summary(of frame: Frame, given: Int? = nil) -> Summary {
  var summary = Summary()
  let another = v6([.fragment(id: .max, offset: 65528)]).raw(protocol: 99).frame(vlan: [4095, 4095])
  another.withSpan { _ = Summary.read($0, frameLength: $0.byteCount, into: &summary) }
  frame.prefix(given ?? frame.count).withSpan { _ = Summary.read($0, frameLength: frame.count, into: &summary) }
  return summary
}
