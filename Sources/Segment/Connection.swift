public import CSegment
public import Primitives

/// A tracked connection as it stood at one moment, whole: what dumps, events, requests and state sync speak of. Text,
/// JSON and wire formats are renderings of it.
public struct Connection: BitwiseCopyable, Sendable {
  /// One direction's addresses and ports, as packets of that direction carry them.
  public struct Tuple: BitwiseCopyable, Hashable, Sendable {
    /// IPv4: the first four bytes.
    public var source: IPv6Address
    public var destination: IPv6Address
    /// ICMP: the identifier; GRE: the key of the sending side.
    public var sourcePort: UInt16
    /// ICMP: type << 8 | code; GRE: the key of the other side.
    public var destinationPort: UInt16
    public var zone: UInt16

    public init(
      source: IPv6Address = IPv6Address(high: 0, low: 0), destination: IPv6Address = IPv6Address(high: 0, low: 0),
      sourcePort: UInt16 = 0, destinationPort: UInt16 = 0, zone: UInt16 = 0
    ) {
      self.source = source
      self.destination = destination
      self.sourcePort = sourcePort
      self.destinationPort = destinationPort
      self.zone = zone
    }
  }

  public struct Count: BitwiseCopyable, Hashable, Sendable {
    public var packets: UInt64
    public var bytes: UInt64

    public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
      self.packets = packets
      self.bytes = bytes
    }
  }

  /// Zero: it has none yet.
  public var id = ConnectionID(rawValue: 0)
  public var isIPv6 = false
  public var `protocol`: UInt8 = 0
  public var original = Tuple()
  public var reply = Tuple()
  public var counts = (original: Count(), reply: Count())
  /// netfilter's `IPS_*` bits.
  public var status: UInt16 = 0
  /// Of TCP and SCTP, as netfilter numbers them.
  public var state: UInt8 = 0
  public var mark: UInt32 = 0
  public var labels = Labels()
  /// Seconds since 1970.
  public var start: UInt32 = 0
  /// Milliseconds until it expires.
  public var remaining: UInt32 = 0
  /// The same on the worker's clock, modulo 2^32.
  public var deadline: UInt32 = 0
  /// What its protocol's tracker remembers: of TCP, or the same bytes of SCTP and UDP.
  public var details = dpdkfwd_ct_tcp()
  /// The flow cache: of which generation its outcome is, and by which port each direction leaves; 255: not remembered.
  public var cached = (generation: UInt16(0), original: UInt8(255), reply: UInt8(255))
  /// Number of the flow table it is in, where a table of connections was read; 0: none.
  public var flowTable: UInt8 = 0

  public init() {}
}

extension Connection {
  /// 128 bits: netfilter's connlabels.
  public struct Labels: BitwiseCopyable, Hashable, Sendable {
    public var low: UInt64
    public var high: UInt64

    public init(low: UInt64 = 0, high: UInt64 = 0) {
      self.low = low
      self.high = high
    }

    public var isEmpty: Bool { low | high == 0 }
    /// Numbers of the bits that are set, in order.
    public var bits: [Int] { (0..<128).filter { ($0 < 64 ? low : high) >> UInt64($0 % 64) & 1 != 0 } }
  }

  public enum Status {
    public static let expected: UInt16 = 1 << 0
    public static let seenReply: UInt16 = 1 << 1
    public static let assured: UInt16 = 1 << 2
    public static let confirmed: UInt16 = 1 << 3
    public static let dying: UInt16 = 1 << 9
    public static let fixedTimeout: UInt16 = 1 << 10
    public static let offloaded: UInt16 = 1 << 14
    public static let offloadedToHardware: UInt16 = 1 << 15
  }

  public enum Number {
    public static let icmp: UInt8 = 1
    public static let tcp: UInt8 = 6
    public static let udp: UInt8 = 17
    public static let dccp: UInt8 = 33
    public static let gre: UInt8 = 47
    public static let icmpv6: UInt8 = 58
    public static let sctp: UInt8 = 132
    public static let udplite: UInt8 = 136
  }

  /// Whether a protocol has a state of this number, as netfilter numbers them.
  public static func isState(_ state: UInt8, of protocol: UInt8) -> Bool {
    switch `protocol` {
    case Number.tcp: state <= 9
    case Number.sctp: state <= 8
    default: state == 0
    }
  }

  public var isOffloaded: Bool { status & (Status.offloaded | Status.offloadedToHardware) != 0 }
  /// Its ports are an identifier, a type and a code.
  public var isICMP: Bool { isIPv6 ? self.protocol == Number.icmpv6 : self.protocol == Number.icmp }

  /// UDP: milliseconds until answers make it a stream; negative: they do.
  public var streamDelay: Int32 {
    get { Int32(bitPattern: details.original.end &- (deadline &- remaining)) }
    set { details.original.end = (deadline &- remaining) &+ UInt32(bitPattern: newValue) }
  }

  /// SCTP's verification tags, which packets of each direction carry.
  public var tags: (original: UInt32, reply: UInt32) {
    get { (details.original.end, details.reply.end) }
    set { (details.original.end, details.reply.end) = newValue }
  }
}

extension Connection.Tuple {
  /// The tuple of the answers: ends changed over, a query's type turned into its reply's (RFC 792, 950, 4443, 4620).
  public func turned(isICMP: Bool, isIPv6: Bool) -> Connection.Tuple {
    var turned = self
    (turned.source, turned.destination) = (destination, source)
    if isICMP {
      let type = UInt8(destinationPort >> 8)
      turned.destinationPort = UInt16(Self.answer(to: type, isIPv6: isIPv6)) << 8 | destinationPort & 0xff
    } else {
      (turned.sourcePort, turned.destinationPort) = (destinationPort, sourcePort)
    }
    return turned
  }

  private static func answer(to type: UInt8, isIPv6: Bool) -> UInt8 {
    switch (isIPv6, type) {
    case (false, 8): 0
    case (false, 0): 8
    case (false, 13), (false, 15), (false, 17): type + 1
    case (false, 14), (false, 16), (false, 18): type - 1
    case (true, 128), (true, 139): type + 1
    case (true, 129), (true, 140): type - 1
    default: type
    }
  }
}

extension IPv6Address {
  /// An IPv4 address where either family may stand: in the first four bytes.
  public init(ipv4 address: IPv4Address) { self.init(high: UInt64(address.bits) << 32, low: 0) }

  /// The IPv4 address in the first four bytes.
  public var ipv4: IPv4Address { IPv4Address(bits: UInt32(high >> 32)) }
}

// MARK: Images

extension Connection {
  public init(_ image: dpdkfwd_ct_image) {
    let record = image.record
    id = ConnectionID(rawValue: image.id)
    isIPv6 = record.flags & DPDKFWD_CT_IPV6 != 0
    `protocol` = record.protocol
    original = Tuple(
      source: IPv6Address(wire: image.source), destination: IPv6Address(wire: image.destination),
      sourcePort: record.source_port, destinationPort: record.destination_port, zone: record.zone)
    reply = Tuple(
      source: IPv6Address(wire: image.reply_source), destination: IPv6Address(wire: image.reply_destination),
      sourcePort: image.reply_source_port, destinationPort: image.reply_destination_port, zone: image.reply_zone)
    counts = (
      Count(packets: record.packets_original, bytes: record.bytes_original),
      Count(packets: record.packets_reply, bytes: record.bytes_reply)
    )
    status = record.status
    state = record.state
    mark = record.mark
    let bits = IPv6Address(wire: image.labels)
    labels = Labels(low: bits.high.byteSwapped, high: bits.low.byteSwapped)
    start = record.start
    remaining = image.timeout
    deadline = record.deadline
    details = record.tcp
    cached = (record.cached_generation, record.cached_egress.0, record.cached_egress.1)
  }
}

typealias WireBytes = (
  UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
)

extension IPv6Address {
  /// From 16 bytes as they lie on the wire.
  init(wire bytes: WireBytes) {
    func word(_ parts: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)) -> UInt64 {
      let high = UInt32(parts.0) << 24 | UInt32(parts.1) << 16 | UInt32(parts.2) << 8 | UInt32(parts.3)
      let low = UInt32(parts.4) << 24 | UInt32(parts.5) << 16 | UInt32(parts.6) << 8 | UInt32(parts.7)
      return UInt64(high) << 32 | UInt64(low)
    }
    self.init(
      high: word((bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5, bytes.6, bytes.7)),
      low: word((bytes.8, bytes.9, bytes.10, bytes.11, bytes.12, bytes.13, bytes.14, bytes.15)))
  }
}
