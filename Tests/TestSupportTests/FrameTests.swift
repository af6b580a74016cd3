// Judges the judge: what TestSupport puts on the wire is held against bytes worked out by hand, the RFCs' own check
// values, and real captures with the facts that others counted in them.
import TestSupport
import Testing

struct FrameTests {
  let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53", id: 7, dontFragment: true)
    .udp(from: 4000, to: 53, payload: [0xab])

  @Test func `a question to a DNS server has these bytes`() {
    let frame = question.frame(vlan: [100], padTo: 60)
    let expected: [UInt8] = [
      2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 100, 8, 0,
      0x45, 0, 0, 29, 0, 7, 0x40, 0, 64, 17, 0x6e, 0x93, 10, 0, 0, 1, 192, 0, 2, 53,
      0x0f, 0xa0, 0, 53, 0, 9, 0x78, 0xd0, 0xab,
    ]
    #expect(frame.bytes == expected + [UInt8](repeating: 0, count: 60 - expected.count))
  }

  @Test func `two tags are a service tag and a customer tag`() {
    #expect(question.frame(vlan: [7, 100]).bytes[12..<22] == [0x88, 0xa8, 0, 7, 0x81, 0, 0, 100, 8, 0])
  }

  @Test func `checksums are those of RFC 1071 and of the CRC32c catalogue`() {
    #expect(internetChecksum([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]) == ~0xddf2)  // RFC 1071 §3
    #expect(castagnoli(Array("123456789".utf8)) == 0x8392_06e3)
  }

  @Test func `an IPv6 packet chains its extension headers`() {
    let packet = Datagram.ipv6(
      from: "2001:db8::1", to: "2001:db8::2", headers: [.hopByHop, .fragment(id: 9, offset: 16, more: true), .auth])
    let bytes = packet.raw(protocol: 59).bytes
    #expect(bytes.word(at: 4) == 8 + 8 + 24)
    #expect([bytes[6], bytes[40], bytes[48], bytes[56]] == [0, 44, 51, 59])
    #expect(bytes[48..<56] == [51, 0, 0, 17, 0, 0, 0, 9])
  }

  @Test func `the answer goes back the way the question came`() {
    #expect(
      question.reversed
        == Datagram.ipv4(from: "192.0.2.53", to: "10.0.0.1", id: 7, dontFragment: true)
        .udp(from: 53, to: 4000, payload: [0xab]))
    #expect(question.reversed.reversed == question)
    let ping = Datagram.ipv6(from: "fe80::1", to: "fe80::2").icmpv6()
    #expect(ping.reversed.bytes[40] == 129)
  }

  @Test func `a span ends with the frame`() {
    #expect(question.frame().withSpan { $0.byteCount } == 14 + 29)
  }
}

struct FragmentTests {
  let payload = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }

  @Test func `IPv4 pieces lie end to end`() {
    let options: [UInt8] = [148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0]  // router alert is copied, record route is not
    let whole = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: 9, dontFragment: true, options: options)
      .udp(from: 1, to: 2, payload: payload)
    let pieces = whole.fragments(size: 400).map(\.bytes)

    #expect(pieces.map { $0.word(at: 6) } == [0x2000, 0x2000 | 50, 100])
    #expect(pieces.map { $0[0] } == [0x48, 0x46, 0x46])
    #expect(pieces[1][20..<24] == [148, 4, 0, 0])
    #expect(pieces.flatMap { $0.dropFirst(Int($0[0] & 15) * 4) } == Array(whole.bytes[32...]))
    #expect(pieces.allSatisfy { internetChecksum($0.prefix(Int($0[0] & 15) * 4)) == 0 })
  }

  @Test func `a piece is cut again where it was`() {
    let whole = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: 9).udp(from: 1, to: 2, payload: payload)
    let again = whole.fragments(size: 800).flatMap { $0.fragments(size: 400) }
    #expect(again.map { $0.bytes.word(at: 6) } == [0x2000, 0x2000 | 50, 100])
    #expect(again == whole.fragments(size: 400))
  }

  @Test func `IPv6 pieces repeat what every router reads and share the rest`() {
    let whole = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2", headers: [.hopByHop, .routing, .destination])
      .udp(from: 1, to: 2, payload: payload)
    let pieces = whole.fragments(size: 512).map(\.bytes)

    #expect(pieces.map { [$0[6], $0[40], $0[48], $0[56]] } == [[0, 43, 44, 60], [0, 43, 44, 60]])
    #expect(pieces.map { $0.word(at: 58) } == [1, 512])
    #expect(pieces.flatMap { $0.dropFirst(64) } == Array(whole.bytes[56...]))
  }
}

struct DamageTests {
  let good = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").tcp(from: 1, to: 2, flags: .syn).frame(vlan: [5])

  /// What is wrong with the IPv4 header at `offset`: the words of the corpus manifest.
  private func fault(_ frame: Frame) -> String {
    let header = Array(frame.bytes.dropFirst(frame.networkOffset))
    guard header.count >= 20 else { return "short" }
    let length = Int(header[0] & 15) * 4
    if header[0] >> 4 != 4 { return "bad_version" }
    if length < 20 { return "bad_header_length" }
    if length > header.count { return "header_beyond_frame" }
    if Int(header.word(at: 2)) < length { return "total_length_lt_header" }
    if Int(header.word(at: 2)) > header.count { return "total_length_gt_frame" }
    return internetChecksum(header.prefix(length)) == 0 ? "ok" : "bad_checksum"
  }

  @Test func `each damage is the fault it names`() {
    #expect(fault(good) == "ok")
    #expect(fault(good.damaged(.ipv4Checksum)) == "bad_checksum")
    #expect(fault(good.damaged(.version(5))) == "bad_version")
    #expect(fault(good.damaged(.headerLength(4))) == "bad_header_length")
    #expect(fault(good.damaged(.headerLength(15))) == "header_beyond_frame")
    #expect(fault(good.damaged(.totalLength(19))) == "total_length_lt_header")
    #expect(fault(good.damaged(.totalLength(41))) == "total_length_gt_frame")
    #expect(fault(good.damaged(.datagramTruncated(to: 39))) == "total_length_gt_frame")
    #expect(fault(good.damaged(.datagramTruncated(to: 19))) == "short")
    #expect(fault(good.damaged(.l4Checksum)) == "ok")
  }

  @Test func `a shorter total length is the only fault of its header`() {
    #expect(fault(good.damaged(.totalLength(30))) == "ok")
  }
}
