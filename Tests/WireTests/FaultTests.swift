import TestSupport
import Testing
import Wire

/// The words of the corpus manifest, in its order: the first fault that fits is the one.
struct FaultTests {
  static let good4 = v4.udp(from: 4000, to: 53, payload: text(20)).frame(padTo: 70)
  static let good6 = v6().udp(from: 4000, to: 53, payload: text(20)).frame(padTo: 90)

  @Test(arguments: [
    ([Damage.truncated(to: 33)], HeaderFault.ipv4Short),
    ([.truncated(to: 14)], .ipv4Short),
    ([.version(6)], .ipv4BadVersion),
    ([.version(0)], .ipv4BadVersion),
    ([.headerLength(4)], .ipv4BadHeaderLength),
    ([.headerLength(15)], .ipv4HeaderBeyondFrame),
    ([.headerLength(14), .truncated(to: 69)], .ipv4HeaderBeyondFrame),
    ([.totalLength(19)], .ipv4TotalLengthBelowHeader),
    ([.totalLength(57)], .ipv4TotalLengthBeyondFrame),
    ([.totalLength(65535)], .ipv4TotalLengthBeyondFrame),
    ([.ipv4Checksum], .ipv4BadChecksum),
    // Two at once: the earlier one.
    ([.version(6), .truncated(to: 33)], .ipv4Short),
    ([.version(6), .headerLength(4)], .ipv4BadVersion),
    ([.headerLength(4), .totalLength(65535)], .ipv4BadHeaderLength),
    ([.headerLength(15), .totalLength(30), .truncated(to: 60)], .ipv4HeaderBeyondFrame),
    ([.totalLength(0), .ipv4Checksum], .ipv4TotalLengthBelowHeader),
    ([.totalLength(57), .ipv4Checksum], .ipv4TotalLengthBeyondFrame),
  ])
  func `an IPv4 header's first fault is named`(damage: [Damage], fault: HeaderFault) {
    let summary = summary(of: damage.reduce(Self.good4) { $0.damaged($1) })
    #expect(summary.fault == fault)
    #expect(summary.kind == .ipv4Faulty && summary.flags.contains(.ipv4) && summary.invalid == .none)
  }

  @Test(arguments: [
    ([Damage.truncated(to: 53)], HeaderFault.ipv6Short),
    ([.truncated(to: 14)], .ipv6Short),
    ([.version(4)], .ipv6BadVersion),
    ([.payloadLength(37)], .ipv6PayloadBeyondFrame),
    ([.payloadLength(65535)], .ipv6PayloadBeyondFrame),
    ([.version(4), .truncated(to: 53)], .ipv6Short),
    ([.version(4), .payloadLength(65535)], .ipv6BadVersion),
  ])
  func `an IPv6 header's first fault is named`(damage: [Damage], fault: HeaderFault) {
    let summary = summary(of: damage.reduce(Self.good6) { $0.damaged($1) })
    #expect(summary.fault == fault)
    #expect(summary.kind == .ipv6Faulty && summary.flags.contains(.ipv6) && summary.invalid == .none)
  }

  @Test func `lengths that just fit are no fault`() {
    #expect(summary(of: Self.good4.damaged(.totalLength(56))).fault == .none)
    #expect(summary(of: Self.good4.damaged(.totalLength(20))).fault == .none)
    #expect(summary(of: Self.good6.damaged(.payloadLength(36))).fault == .none)
    #expect(summary(of: Self.good6.damaged(.payloadLength(0))).fault == .none)
  }

  @Test func `fewer than fourteen bytes are a runt`() {
    for length in 0..<14 {
      let summary = summary(of: Self.good4.damaged(.truncated(to: length)))
      #expect(summary.kind == .runt && summary.fault == .none && summary.datagramEnd == length, "\(length) bytes")
    }
  }

  // MARK: Above IP

  static let tcp = v4.tcp(from: 4000, to: 80, flags: [.ack], payload: text(4)).frame()
  static let tcp6 = v6().tcp(from: 4000, to: 80, flags: [.ack], payload: text(4)).frame()

  @Test(arguments: [
    (v4.raw(protocol: 6, payload: text(19)).frame(), InvalidReason.tcpShort, PacketKind.ipv4TCP),
    (v6().raw(protocol: 6, payload: []).frame(), .tcpShort, .ipv6TCP),
    (tcp.damaged(.tcpDataOffset(4)), .tcpBadDataOffset, .ipv4TCP),
    (tcp.damaged(.tcpDataOffset(7)), .tcpBadDataOffset, .ipv4TCP),
    (tcp6.damaged(.tcpDataOffset(0)), .tcpBadDataOffset, .ipv6TCP),
    (tcp.damaged(.tcpDataOffset(6)), .none, .ipv4TCP),
    (v4.raw(protocol: 17, payload: text(7)).frame(), .udpShort, .ipv4UDP),
    (good4.damaged(.udpLength(7)), .udpLengthBelowHeader, .ipv4UDP),
    (good4.damaged(.udpLength(29)), .udpLengthBeyondPayload, .ipv4UDP),
    (good6.damaged(.udpLength(29)), .udpLengthBeyondPayload, .ipv6UDP),
    (good4.damaged(.udpLength(8)), .none, .ipv4UDP),
    (v4.raw(protocol: 1, payload: text(7)).frame(), .icmpShort, .ipv4ICMP),
    (v6().raw(protocol: 58, payload: text(3)).frame(), .icmpv6Short, .ipv6ICMP),
    (v6().raw(protocol: 58, payload: text(4)).frame(), .none, .ipv6ICMP),
    (v4.raw(protocol: 132, payload: text(11)).frame(), .sctpShort, .ipv4SCTP),
    (v4.raw(protocol: 47, payload: text(3)).frame(), .greShort, .ipv4GRE),
    (v4.raw(protocol: 47, payload: [0x20, 0, 8, 0, 0, 0, 0]).frame(), .greShort, .ipv4GRE),
    (v4.raw(protocol: 47, payload: [0x30, 0x81, 8, 0] + text(11)).frame(), .greShort, .ipv4GRE),
    (v4.raw(protocol: 47, payload: [0x30, 0x81, 8, 0] + text(12)).frame(), .none, .ipv4GRE),
  ])
  func `a fault above IP keeps the packet's kind`(frame: Frame, reason: InvalidReason, kind: PacketKind) {
    let summary = summary(of: frame)
    #expect(summary.invalid == reason)
    #expect(summary.kind == kind && summary.fault == .none && summary.transportOffset > 0)
  }

  /// A first fragment shows the header only; its lengths speak of the whole datagram.
  @Test func `a first fragment is judged by its header alone`() throws {
    let pieces = v4.udp(from: 4000, to: 53, payload: text(100)).fragments(size: 8)
    let udp = summary(of: try #require(pieces.first).frame())
    #expect(udp.invalid == .none && udp.sourcePort == 4000)

    let segment = v4.tcp(from: 4000, to: 80, flags: [.syn], options: text(20).map { _ in 1 })
    #expect(summary(of: segment.fragments(size: 8)[0].frame()).invalid == .tcpShort)
    #expect(summary(of: segment.fragments(size: 24)[0].frame()).invalid == .none)
    #expect(summary(of: segment.fragments(size: 24)[0].frame().damaged(.tcpDataOffset(4))).invalid == .tcpBadDataOffset)
  }
}
