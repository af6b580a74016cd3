import Primitives
import TestSupport
import Testing
import Wire

/// What ICMP errors quote (RFC 792, RFC 4443 §2.4, RFC 4861 §4.5), in words that a flow is found by. Beside Linux 6.18, 1,800
/// random errors were read with one difference: a quoted header that claims fewer than 20 bytes.
struct QuoteTests {
  private let asked = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").udp(
    from: 1000, to: 53, payload: [1, 2, 3, 4, 5])
  private let asked6 = Datagram.ipv6(from: "fd00:1::10", to: "fd00:2::20").udp(from: 1000, to: 53, payload: [1, 2])

  private func error(_ type: UInt8 = 3, _ quoted: [UInt8]) -> Frame {
    Datagram.ipv4(from: "10.0.9.9", to: "10.0.1.10").icmp(type: type, code: 1, id: 0, seq: 0, payload: quoted).frame()
  }
  private func error6(_ type: UInt8 = 1, _ quoted: [UInt8]) -> Frame {
    Datagram.ipv6(from: "fd00:9::9", to: "fd00:1::10").icmpv6(type: type, code: 0, id: 0, seq: 0, payload: quoted)
      .frame()
  }

  /// - Parameter given: how many bytes of the frame are at hand; `nil`: all.
  private func read(_ frame: Frame, given: Int? = nil) -> (QuoteFault, Quote) {
    var summary = Summary()
    frame.withSpan { span in _ = Summary.read(span, frameLength: span.byteCount, into: &summary) }
    var quote = Quote()
    let fault = frame.prefix(given ?? frame.count).withSpan { Quote.read($0, summary, into: &quote) }
    return (fault, quote)
  }

  @Test(arguments: [3, 4, 5, 11, 12] as [UInt8])
  func `an error tells the flow it is about`(type: UInt8) {
    let (fault, quote) = read(error(type, asked.bytes))
    #expect(fault == .none && !quote.isIPv6 && quote.transport == 17 && !quote.isFirstFragment && !quote.isAnswer)
    #expect(quote.ipv4Source.bits == 0x0A00_010A && quote.ipv4Destination.bits == 0x0A00_0214)
    #expect(quote.sourcePort == 1000 && quote.destinationPort == 53)
    #expect(quote.networkOffset == 14 + 20 + 8 && quote.transportOffset == 14 + 20 + 8 + 20)
  }

  @Test(arguments: [1, 2, 3, 4, 100, 127] as [UInt8])
  func `every ICMPv6 type below 128 is an error`(type: UInt8) {
    let (fault, quote) = read(error6(type, asked6.bytes))
    #expect(fault == .none && quote.isIPv6 && quote.sourcePort == 1000 && quote.destinationPort == 53)
    #expect(quote.source.high == 0xFD00_0001_0000_0000 && quote.destination.low == 0x20)
    #expect(quote.transportOffset == 14 + 40 + 8 + 40)
  }

  @Test func `what is no error quotes nothing`() {
    for type in [0, 8, 9, 10, 13, 30] as [UInt8] { #expect(read(error(type, asked.bytes)).0 == .notAnError) }
    for type in [128, 129, 135, 143, 200] as [UInt8] { #expect(read(error6(type, asked6.bytes)).0 == .notAnError) }
    #expect(read(asked.frame()).0 == .notAnError)
  }

  /// Conformance: golden icmp-08.
  @Test func `four bytes behind the quoted header are enough for ports`() {
    for (kept, expected) in [(28, .none), (24, .none), (23, .cut), (20, .cut), (19, .cut), (0, .cut)]
      as [(Int, QuoteFault)]
    {
      #expect(read(error(3, Array(asked.bytes.prefix(kept)))).0 == expected, "\(kept) bytes")
      #expect(read(error6(1, Array(asked6.bytes.prefix(kept + 20)))).0 == expected, "\(kept + 20) bytes of IPv6")
    }
    let portless = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").raw(protocol: 50).bytes
    #expect(read(error(3, portless)).0 == .none)
  }

  @Test func `a part of the frame asks for more, and never gives another answer`() {
    for frame in [error(3, asked.bytes), error6(1, asked6.bytes), redirect()] {
      let (fault, whole) = read(frame)
      #expect(fault == .none)
      for given in 0..<frame.count {
        let (fault, quote) = read(frame, given: given)
        #expect(fault == .needsMore || (fault == .none && quote == whole), "\(given) bytes: \(fault)")
      }
    }
  }

  @Test func `fragments: the first has the ports, later ones have none`() {
    var (first, later) = (asked.bytes, asked.bytes)
    first[6] = 0x20  // more fragments
    (later[6], later[7]) = (0x20, 1)
    #expect(read(error(3, first)).0 == .none && read(error(3, first)).1.isFirstFragment)
    #expect(read(error(3, later)).0 == .laterFragment)
    for (offset, expected) in [(0, .none), (8, .laterFragment)] as [(Int, QuoteFault)] {
      let piece = Datagram.ipv6(
        from: "fd00:1::10", to: "fd00:2::20", headers: [.hopByHop, .fragment(id: 1, offset: offset, more: true)])
      let (fault, quote) = read(error6(1, piece.udp(from: 1000, to: 53).bytes))
      #expect(fault == expected && quote.isFirstFragment == (offset == 0))
    }
  }

  /// Conformance 60, golden icmp-15; an answer quoted belongs to its question.
  @Test func `a quoted query names its ends, a quoted error none`() {
    let v4 = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20")
    let question = read(error(3, v4.icmp(type: 8, code: 0, id: 7).bytes)).1
    #expect(question.sourcePort == 7 && question.destinationPort == 0x0800 && !question.isAnswer)
    let answer = read(error(3, v4.icmp(type: 14, code: 0, id: 7).bytes)).1
    #expect(answer.sourcePort == 0x0D00 && answer.destinationPort == 7 && answer.isAnswer)
    #expect(read(error(3, v4.icmp(type: 3, code: 1).bytes)).0 == .untrackable)
    #expect(read(error(3, Array(v4.icmp(type: 8).bytes.prefix(27)))).0 == .cut)
    #expect(read(error(3, v4.raw(protocol: 58, payload: [128, 0, 0, 0, 0, 7, 0, 1]).bytes)).0 == .untrackable)
    let solicitation = Datagram.ipv6(from: "fd00:1::10", to: "fd00:2::20").icmpv6(type: 135)
    #expect(read(error6(1, solicitation.bytes)).0 == .untrackable)
  }

  @Test func `GRE is named by PPTP's call alone`() {
    func quoted(_ header: [UInt8]) -> (QuoteFault, UInt16) {
      let (fault, quote) = read(
        error(3, Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").raw(protocol: 47, payload: header).bytes))
      return (fault, quote.destinationPort)
    }
    #expect(quoted([0x30, 0x01, 0x88, 0x0B, 0, 4, 0, 100]) == (.none, 100))
    #expect(quoted([0x20, 0x00, 0x08, 0x00, 0, 0, 0, 42]) == (.none, 0))
    #expect(quoted([0x30, 0x01, 0x88]) == (.none, 0))
    #expect(quoted([0x30, 0x01, 0x08, 0x00, 0, 4, 0, 100]).0 == .untrackable)
  }

  private func redirect(
    from router: Address = "fe80::1", hopLimit: UInt8 = 255, code: UInt8 = 0, option: [UInt8] = [4, 8]
  ) -> Frame {
    let target = [UInt8](repeating: 0xFD, count: 32)
    let payload = target + option + [0, 0, 0, 0, 0, 0] + asked6.bytes
    return Datagram.ipv6(from: router, to: "fd00:1::10", hopLimit: hopLimit)
      .icmpv6(type: 137, code: code, id: 0, seq: 0, payload: payload).frame()
  }

  /// RFC 4861 §8.1.
  @Test func `a redirect is believed from a router on the link`() {
    let (fault, quote) = read(redirect())
    #expect(fault == .none && quote.sourcePort == 1000 && quote.networkOffset == 14 + 40 + 8 + 40)
    let refused = [
      redirect(from: "fd00::1"), redirect(hopLimit: 64), redirect(code: 1), redirect(option: [2, 8]),
      redirect(option: [4, 0]),
    ]
    for frame in refused { #expect(read(frame).0 == .malformed) }
  }

  @Test func `a chain of quoted headers has its bound, and an end`() {
    func chain(_ count: Int) -> QuoteFault {
      let headers = [ExtensionHeader](repeating: .destination, count: count)
      let long = Datagram.ipv6(from: "fd00:1::10", to: "fd00:2::20", headers: headers).udp(from: 1000, to: 53)
      return read(error6(1, long.bytes)).0
    }
    #expect(chain(IPv6Extension.most) == .none && chain(IPv6Extension.most + 1) == .malformed)
    let nothing = Datagram.ipv6(from: "fd00:1::10", to: "fd00:2::20").raw(protocol: 59)
    #expect(read(error6(1, nothing.bytes)).0 == .untrackable)
  }

  @Test func `noise is read without a byte beyond`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<20_000 {
      var bytes = Bool.random(using: &chance) ? asked.bytes : asked6.bytes
      for _ in 0..<Int.random(in: 0...6, using: &chance) {
        bytes[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
      }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &chance))
      for frame in [error(3, bytes), error6(1, bytes)] {
        let (fault, quote) = read(frame)
        #expect(fault != .needsMore && Int(quote.transportOffset) <= frame.count)
      }
    }
  }
}
