public import Primitives

/// What tells one packet's flow from another's: two endpoints, the transport and the zone, seen from the packet.
///
/// Both directions of a flow have the same `hash`: it is made from the endpoints in order, the lower first, and
/// `isFlipped` says which way round the packet goes. IPv6 addresses are represented by keyed digests; the addresses
/// themselves are compared where a record is found (`IPv6Pair`).
public struct Tuple: BitwiseCopyable, Equatable, Sendable {
  public var hash: UInt64 = 0
  /// An IPv4 address in network order, as readers of the record want it, or 32 bits of an IPv6 address's digest.
  public var source: UInt32 = 0
  public var destination: UInt32 = 0
  /// ICMP queries: the identifier at the asking side, the question's type << 8 | code at the other. GRE: keys.
  public var sourcePort: UInt16 = 0
  public var destinationPort: UInt16 = 0
  public var zone: UInt16 = 0
  public var transport: UInt8 = 0
  public var marks: TupleMarks = []

  @inlinable public init() {}

  @inlinable public var isFlipped: Bool { @inline(__always) get { marks.contains(.flipped) } }
  @inlinable public var isIPv6: Bool { @inline(__always) get { marks.contains(.ipv6) } }
}

/// One bit each.
public struct TupleMarks: OptionSet, BitwiseCopyable, Sendable {
  public var rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let ipv6 = TupleMarks(rawValue: 1 << 0)
  /// The source is the higher endpoint.
  public static let flipped = TupleMarks(rawValue: 1 << 1)
  /// An ICMP message that asks, or one that answers: it goes in one direction only.
  public static let question = TupleMarks(rawValue: 1 << 2)
  public static let answer = TupleMarks(rawValue: 1 << 3)
}

/// The addresses of an IPv6 packet.
public struct IPv6Pair: BitwiseCopyable, Equatable, Sendable {
  public var source: IPv6Address
  public var destination: IPv6Address

  @inlinable
  public init(source: IPv6Address, destination: IPv6Address) {
    self.source = source
    self.destination = destination
  }

  /// For tuples that have none.
  @inlinable public static var none: IPv6Pair {
    IPv6Pair(source: IPv6Address(high: 0, low: 0), destination: IPv6Address(high: 0, low: 0))
  }
  @inlinable public var reversed: IPv6Pair { IPv6Pair(source: destination, destination: source) }
}

extension Tuple {
  /// Of IPv4 endpoints; addresses in network order.
  @inlinable @inline(__always)
  public init(
    source: UInt32, destination: UInt32, ports: (UInt16, UInt16), transport: UInt8, zone: UInt16,
    marks: TupleMarks = [], secret: HashSecret
  ) {
    self.init()
    self.source = source
    self.destination = destination
    (sourcePort, destinationPort) = ports
    self.transport = transport
    self.zone = zone
    self.marks = marks
    let (here, there) = (UInt64(source) << 16 | UInt64(ports.0), UInt64(destination) << 16 | UInt64(ports.1))
    if here > there { self.marks.insert(.flipped) }
    let (low, high) = (min(here, there), max(here, there))
    hash = secret.hash(low >> 16 | (high >> 16) << 32, Self.word(low, high, zone, transport, self.marks))
  }

  /// Of IPv6 endpoints.
  @inlinable @inline(__always)
  public init(
    _ addresses: IPv6Pair, ports: (UInt16, UInt16), transport: UInt8, zone: UInt16, marks: TupleMarks = [],
    secret: HashSecret
  ) {
    self.init()
    let here = secret.hash(addresses.source.high, addresses.source.low)
    let there = secret.hash(addresses.destination.high, addresses.destination.low)
    source = UInt32(truncatingIfNeeded: here)
    destination = UInt32(truncatingIfNeeded: there)
    (sourcePort, destinationPort) = ports
    self.transport = transport
    self.zone = zone
    self.marks = marks.union(.ipv6)
    let isFlipped = here > there || (here == there && ports.0 > ports.1)
    if isFlipped { self.marks.insert(.flipped) }
    let (low, high) = isFlipped ? (there, here) : (here, there)
    let (lowPort, highPort) = isFlipped ? (ports.1, ports.0) : ports
    hash = secret.hash(
      low &+ (high << 31 | high >> 33), Self.word(UInt64(lowPort), UInt64(highPort), zone, transport, self.marks))
  }

  /// Everything but the addresses. Ports are the low 16 bits of `low` and `high`.
  @inlinable @inline(__always)
  static func word(_ low: UInt64, _ high: UInt64, _ zone: UInt16, _ transport: UInt8, _ marks: TupleMarks) -> UInt64 {
    // ICMP: which end asks is part of the flow. An answer goes the other way than its question.
    let asksFromLow = marks.contains(.question) != marks.contains(.flipped)
    let role: UInt64 = marks.isDisjoint(with: [.question, .answer]) ? 0 : asksFromLow ? 1 : 2
    return low & 0xFFFF | (high & 0xFFFF) << 16 | UInt64(zone) << 32 | UInt64(transport) << 48
      | (role | UInt64(marks.rawValue & TupleMarks.ipv6.rawValue) << 2) << 56
  }
}
