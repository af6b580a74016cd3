public import Primitives

/// The datagram quoted by an ICMP or ICMPv6 error: as much of it as tells which flow the error is about.
///
/// Numbers are in host byte order, offsets count bytes from the first byte of the frame.
public struct Quote: BitwiseCopyable, Equatable, Sendable {
  public var isIPv6 = false
  /// IP protocol number behind all extension headers.
  public var transport: UInt8 = 0
  /// It was the first fragment of a larger datagram.
  public var isFirstFragment = false
  /// It answered an ICMP query; the ports are then those of the question, turned round.
  public var isAnswer = false
  /// As connections know them: ports; of an ICMP query the identifier at the end that asks, the question's
  /// type << 8 | code at the other; of PPTP's GRE the call at the destination; otherwise 0.
  public var sourcePort: UInt16 = 0
  public var destinationPort: UInt16 = 0
  /// Where the quoted IP header starts.
  public var networkOffset: UInt16 = 0
  /// Where the quoted transport header starts; it may lie at the very end.
  public var transportOffset: UInt16 = 0
  /// An IPv4 address stands in the low 32 bits of `low`.
  public var source = IPv6Address(high: 0, low: 0)
  public var destination = IPv6Address(high: 0, low: 0)

  public init() {}

  public var ipv4Source: IPv4Address { IPv4Address(bits: UInt32(truncatingIfNeeded: source.low)) }
  public var ipv4Destination: IPv4Address { IPv4Address(bits: UInt32(truncatingIfNeeded: destination.low)) }
}

/// Why a quote cannot be used.
public enum QuoteFault: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  /// It can.
  case none
  /// The message is no error that quotes, or itself at fault.
  case notAnError
  /// It ends before the flow is known.
  case cut
  /// It goes on behind the bytes that were given: try again with more of the frame.
  case needsMore
  /// A header that cannot be (its family is taken to be the message's), or a redirect that a router would not have sent.
  case malformed
  /// A later fragment: the ports are in another one.
  case laterFragment
  /// Nothing of which there can be a flow: an ICMP error, neighbour discovery, a datagram without content.
  case untrackable
}

extension Quote {
  /// Reads what the ICMP error in `frame`, whose summary is given, quotes.
  ///
  /// Four bytes of the quoted transport are enough for ports, as for Linux; RFC 792 promises eight, RFC 1812 §4.3.2.3
  /// more. O(1): at most `IPv6Extension.most` extension headers are walked.
  ///
  /// - Returns: `.none` when `quote` is filled in.
  public static func read(_ frame: RawSpan, _ summary: Summary, into quote: inout Quote) -> QuoteFault {
    quote = Quote()
    let at = Int(summary.transportOffset)
    quote.isIPv6 = summary.flags.contains(.ipv6)
    guard at != 0, summary.fault == .none, summary.invalid == .none,
      summary.transport == (quote.isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp),
      ICMPClass(type: UInt8(truncatingIfNeeded: summary.sourcePort >> 8), isIPv6: quote.isIPv6) == .error
    else { return .notAnError }
    let bytes = frame.extracting(first: min(Int(summary.datagramEnd), frame.byteCount))
    let fault = quote.read(bytes, at, summary)
    return fault == .cut && Int(summary.datagramEnd) > frame.byteCount ? .needsMore : fault
  }

  private mutating func read(_ bytes: RawSpan, _ message: Int, _ summary: Summary) -> QuoteFault {
    var at = message + ICMPView.Layout.size  // those of ICMPv6 are as long
    if isIPv6, summary.sourcePort >> 8 == Redirect.type {
      guard at + Redirect.rest <= bytes.byteCount else { return .cut }
      guard Redirect.isCredible(bytes, at: message, summary) else { return .malformed }
      at += Redirect.rest
    }
    networkOffset = UInt16(truncatingIfNeeded: at)
    return isIPv6 ? readIPv6(bytes, at: at) : readIPv4(bytes, at: at)
  }

  private mutating func readIPv4(_ bytes: RawSpan, at: Int) -> QuoteFault {
    typealias IP = IPv4View.Layout
    guard at + IP.size <= bytes.byteCount else { return .cut }
    let first = bytes[IP.versionAndLength, from: at]
    let header = Int(first & 15) * 4
    guard header >= IP.size else { return .malformed }
    let fragment = bytes[IP.fragment, from: at]
    guard fragment & IPv4View.FragmentWord.offset == 0 else { return .laterFragment }
    guard at + header <= bytes.byteCount else { return .cut }
    isFirstFragment = fragment & IPv4View.FragmentWord.moreFragments != 0
    source.low = UInt64(bytes[IP.source, from: at])
    destination.low = UInt64(bytes[IP.destination, from: at])
    transport = bytes[IP.transport, from: at]
    return readTransport(bytes, at: at + header)
  }

  private mutating func readIPv6(_ bytes: RawSpan, at network: Int) -> QuoteFault {
    typealias IP = IPv6View.Layout
    guard network + IP.size <= bytes.byteCount else { return .cut }
    source = IPv6Address(high: bytes[IP.source, from: network], low: bytes[IP.sourceEnd, from: network])
    destination = IPv6Address(high: bytes[IP.destination, from: network], low: bytes[IP.destinationEnd, from: network])
    transport = bytes[IP.nextHeader, from: network]
    var at = network + IP.size
    var walked = 0
    while IPv6Extension.contains(transport) {
      guard walked < IPv6Extension.most else { return .malformed }
      guard at + IPv6Extension.smallest <= bytes.byteCount else { return .cut }
      if transport == IPProtocol.fragment {
        let placement = bytes[IPv6FragmentView.Layout.placement, from: at]
        guard placement & 0xFFF8 == 0 else { return .laterFragment }
        isFirstFragment = placement & 1 != 0
      }
      let size = IPv6Extension.size(of: transport, in: bytes, at: at)
      transport = bytes[IPv6Extension.nextHeader, from: at]
      at += size
      walked += 1
    }
    guard at <= bytes.byteCount else { return .cut }
    return readTransport(bytes, at: at)
  }

  private mutating func readTransport(_ bytes: RawSpan, at: Int) -> QuoteFault {
    transportOffset = UInt16(truncatingIfNeeded: at)
    let left = bytes.byteCount - at
    switch transport {
    case IPProtocol.tcp, IPProtocol.udp, IPProtocol.udplite, IPProtocol.sctp:
      guard left >= 4 else { return .cut }
      let ports = bytes[UDPView.Layout.ports, from: at]
      sourcePort = UInt16(truncatingIfNeeded: ports >> 16)
      destinationPort = UInt16(truncatingIfNeeded: ports)
    case IPProtocol.icmp, IPProtocol.icmpv6:
      guard transport == (isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp) else { return .untrackable }
      guard left >= ICMPView.Layout.size else { return .cut }
      return readQuery(bytes[ICMPView.Layout.typeAndCode, from: at], bytes[ICMPView.Layout.identifier, from: at])
    case IPProtocol.gre:
      guard let call = GREView.call(bytes.after(at)) else { return .untrackable }
      destinationPort = call
    case IPProtocol.noNextHeader where isIPv6: return .untrackable
    default: break
    }
    return .none
  }

  private mutating func readQuery(_ typeAndCode: UInt16, _ identifier: UInt16) -> QuoteFault {
    switch ICMPClass(type: UInt8(truncatingIfNeeded: typeAndCode >> 8), isIPv6: isIPv6) {
    case .request: (sourcePort, destinationPort) = (identifier, typeAndCode)
    case .reply(let question):
      isAnswer = true
      (sourcePort, destinationPort) = (UInt16(question) << 8 | typeAndCode & 0xFF, identifier)
    case .error, .untracked, .other: return .untrackable
    }
    return .none
  }
}

/// A redirect of neighbour discovery quotes in its first option (RFC 4861 §4.5).
private enum Redirect {
  static let type: UInt16 = 137
  /// From the end of the first eight bytes to the quote: target, destination, and the option's header.
  static let rest = 16 + 16 + 8  // bytes
  private static let redirectedHeader: UInt8 = 4

  /// From a router on the link (RFC 4861 §8.1), its first option a quote. The bytes up to the quote are there.
  static func isCredible(_ bytes: RawSpan, at message: Int, _ summary: Summary) -> Bool {
    let option = message + 40
    let source = bytes[IPv6View.Layout.source, from: Int(summary.networkOffset)]
    return summary.sourcePort & 0xFF == 0 && summary.hopLimit == 255 && source >> 54 == 0xFE80 >> 6
      && bytes[Field<UInt8>(at: 0), from: option] == redirectedHeader
      && bytes[Field<UInt8>(at: 1), from: option] != 0
  }
}
