/// What a packet's journey needs to know about one frame, read once (`Summary.read`) and then carried beside it.
///
/// Offsets count bytes from the first byte of the frame. Numbers are in host byte order. 36 bytes.
public struct Summary: BitwiseCopyable, Equatable, Sendable {
  /// What the frame is, for the counters; always set, also for a faulty one.
  public var kind: PacketKind = .runt
  /// The first fault of the IP header, or `.none`. A packet with a fault is dropped for it.
  public var fault: HeaderFault = .none
  /// The first fault above the IP header, or `.none`. Policy decides about such a packet.
  public var invalid: InvalidReason = .none
  /// IP protocol number behind all extension headers; 0 when there is no IP header.
  public var transport: UInt8 = 0
  public var flags: SummaryFlags = []
  /// TTL or hop limit.
  public var hopLimit: UInt8 = 0
  /// The TCP flags byte (CWR ... FIN); 0 for anything else.
  public var tcpFlags: UInt8 = 0
  /// How many VLAN tags stand before the EtherType, and the tag control information of the outer two.
  public var vlanCount: UInt8 = 0
  public var outerVLAN: UInt16 = 0
  public var innerVLAN: UInt16 = 0
  /// EtherType behind the tags; a length field (below 0x600) for 802.3.
  public var etherType: UInt16 = 0
  /// Where the IP (or other network) header starts.
  public var networkOffset: UInt16 = 0
  /// Where the transport header starts; 0 when this frame holds none (not IP, a later fragment, a cut chain).
  public var transportOffset: UInt16 = 0
  /// Ports; for ICMP and ICMPv6 type << 8 | code, and the identifier of queries and their answers (else 0).
  public var sourcePort: UInt16 = 0
  public var destinationPort: UInt16 = 0
  /// Offset of a fragment's data in its datagram's payload, in bytes.
  public var fragmentOffset: UInt16 = 0
  /// Where the IPv6 fragment header starts; 0 when there is none.
  public var fragmentHeader: UInt16 = 0
  /// IPv4 or IPv6 fragment identification; 0 when there is none.
  public var identification: UInt32 = 0
  /// Just past the IP datagram: Ethernet padding lies behind it. The frame's length when there is no IP header.
  public var datagramEnd: UInt32 = 0

  @inlinable public init() {}
}

/// One bit each.
public struct SummaryFlags: OptionSet, BitwiseCopyable, Sendable {
  public var rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let ipv4 = SummaryFlags(rawValue: 1 << 0)
  public static let ipv6 = SummaryFlags(rawValue: 1 << 1)
  /// A piece of a larger datagram: offset not zero, or more to come.
  public static let fragment = SummaryFlags(rawValue: 1 << 2)
  /// The fragment has offset zero.
  public static let firstFragment = SummaryFlags(rawValue: 1 << 3)
  /// More fragments follow.
  public static let moreFragments = SummaryFlags(rawValue: 1 << 4)
  /// IPv6 fragment header of a datagram that is whole (RFC 6946).
  public static let atomicFragment = SummaryFlags(rawValue: 1 << 5)
  public static let dontFragment = SummaryFlags(rawValue: 1 << 6)
  /// IPv4 options, or IPv6 extension headers other than a fragment header.
  public static let options = SummaryFlags(rawValue: 1 << 7)
  /// IPv6 jumbogram (RFC 2675).
  public static let jumbogram = SummaryFlags(rawValue: 1 << 8)
  /// Bytes behind the IP datagram.
  public static let padded = SummaryFlags(rawValue: 1 << 9)
  /// The headers go on past the bytes that were given although the frame is longer: call again with more of it.
  public static let needsMore = SummaryFlags(rawValue: 1 << 10)
  /// The Ethernet destination is a group address.
  public static let groupDestination = SummaryFlags(rawValue: 1 << 11)
}

/// What a frame is, by the outermost IP header. Raw values index counters.
public enum PacketKind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case runt, arp, linkOther, llc
  case ipv4TCP, ipv4UDP, ipv4ICMP, ipv4SCTP, ipv4GRE, ipv4Other, ipv4Fragment, ipv4Faulty
  case ipv6TCP, ipv6UDP, ipv6ICMP, ipv6SCTP, ipv6GRE, ipv6Other, ipv6Fragment, ipv6Faulty
}

/// The first fault of an IP header, in the order they are looked for. Raw values index counters.
public enum HeaderFault: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case none
  case ipv4Short, ipv4BadVersion, ipv4BadHeaderLength, ipv4HeaderBeyondFrame
  case ipv4TotalLengthBelowHeader, ipv4TotalLengthBeyondFrame, ipv4BadChecksum
  case ipv6Short, ipv6BadVersion, ipv6PayloadBeyondFrame
}

/// The first fault above a good IP header. Raw values index counters.
public enum InvalidReason: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case none
  case tcpShort, tcpBadDataOffset, tcpBadChecksum
  case udpShort, udpLengthBelowHeader, udpLengthBeyondPayload, udpBadChecksum
  case icmpShort, icmpBadChecksum
  case icmpv6Short, icmpv6BadChecksum
  case sctpShort, sctpBadChecksum
  case greShort
  case ipv6ChainCut, ipv6ChainTooLong, ipv6SeveralFragmentHeaders
}
