public import Primitives

/// What tells one packet's flow from another's: two endpoints, the transport and the zone, seen from the packet.
///
/// Both directions of a flow have the same `hash`: it is made from the endpoints in order, the lower first, and
/// `isFlipped` says which way round the packet goes. IPv6 addresses are represented by keyed digests; the addresses
/// themselves are compared where a record is found (`IPv6Pair`).
public struct Tuple: BitwiseCopyable, Equatable, Sendable {
  public var hash: UInt64 = 0
  /// The first two words of a record whose original direction goes as this packet does: addresses; then ports, zone,
  /// transport and flags.
  @usableFromInline var addresses: UInt64 = 0
  @usableFromInline var rest: UInt64 = 0

  @inlinable public init() {}

  /// An IPv4 address in network order, as readers of the record want it, or 32 bits of an IPv6 address's digest.
  @inlinable public var source: UInt32 { UInt32(truncatingIfNeeded: addresses) }
  @inlinable public var destination: UInt32 { UInt32(truncatingIfNeeded: addresses >> 32) }
  /// ICMP queries: the identifier at the asking side, the question's type << 8 | code at the other. GRE: keys.
  @inlinable public var sourcePort: UInt16 { UInt16(truncatingIfNeeded: rest) }
  @inlinable public var destinationPort: UInt16 { UInt16(truncatingIfNeeded: rest >> 16) }
  @inlinable public var zone: UInt16 { UInt16(truncatingIfNeeded: rest >> 32) }
  @inlinable public var transport: UInt8 { UInt8(truncatingIfNeeded: rest >> 48) }
  @inlinable public var marks: TupleMarks { TupleMarks(rawValue: UInt8(truncatingIfNeeded: rest >> 56)) }

  /// The source is the higher endpoint.
  @inlinable public var isFlipped: Bool { @inline(__always) get { marks.contains(.flipped) } }
  @inlinable public var isIPv6: Bool { @inline(__always) get { marks.contains(.ipv6) } }

  /// Its packets touch the record's second line too: TCP's windows, IPv6's extension.
  @inlinable public var readsSecondLine: Bool { transport == 6 || isIPv6 }

  /// The same flow from the other end.
  var reversed: Tuple {
    var turned = self
    turned.addresses = addresses << 32 | addresses >> 32
    turned.rest = rest & ~0xFFFF_FFFF | (rest & 0xFFFF) << 16 | (rest >> 16) & 0xFFFF
    let asks = !marks.isDisjoint(with: [.question, .answer])
    var marks = marks
    if asks { marks.formSymmetricDifference([.question, .answer]) }
    if asks || source != destination || sourcePort != destinationPort { marks.formSymmetricDifference(.flipped) }
    turned.rest = turned.rest & ~(0xFF << 56) | UInt64(marks.rawValue) << 56
    return turned
  }

  /// The words that a record must begin with, when the packet goes in that direction of it. No record begins with them
  /// if the packet cannot: an ICMP question goes in the original direction, its answer in the other.
  @inlinable @inline(__always)
  func words(isOriginal: Bool) -> (UInt64, UInt64) {
    let own = rest & ~Tuple.ours
    if isOriginal { return (addresses, own) }
    let ports = (own & 0xFFFF) << 16 | (own >> 16) & 0xFFFF
    // An answer turned round is its question, a question turned round is nothing.
    let turned = own & ~0xFFFF_FFFF | ports
    return (addresses << 32 | addresses >> 32, turned ^ (own >> 57 & 1 | own >> 56 & 1) << 56 ^ (own >> 57 & 1) << 57)
  }

  /// Bits of `rest` that no record has: the mark `flipped`.
  @usableFromInline static let ours: UInt64 = 1 << 60
}

/// One bit each; where a record's `flags` have the same, they mean the same.
public struct TupleMarks: OptionSet, BitwiseCopyable, Sendable {
  public var rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// An ICMP message that asks, or one that answers: it goes in one direction only.
  @inlinable public static var question: TupleMarks { TupleMarks(rawValue: 1 << 0) }
  @inlinable public static var answer: TupleMarks { TupleMarks(rawValue: 1 << 1) }
  @inlinable public static var ipv6: TupleMarks { TupleMarks(rawValue: 1 << 2) }
  /// The source is the higher endpoint.
  @inlinable public static var flipped: TupleMarks { TupleMarks(rawValue: 1 << 4) }
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
    let (here, there) = (UInt64(source) << 16 | UInt64(ports.0), UInt64(destination) << 16 | UInt64(ports.1))
    // Of one end to itself, an answer must still look like its question turned round.
    let isFlipped = here > there || (here == there && marks.contains(.answer))
    addresses = UInt64(source) | UInt64(destination) << 32
    rest = Self.rest(ports, zone, transport, marks, isFlipped: isFlipped)
    let (low, high) = (min(here, there), max(here, there))
    hash = secret.hash(low >> 16 | (high >> 16) << 32, canonical(low, high))
  }

  /// Of IPv6 endpoints.
  @inlinable @inline(__always)
  public init(
    _ pair: IPv6Pair, ports: (UInt16, UInt16), transport: UInt8, zone: UInt16, marks: TupleMarks = [],
    secret: HashSecret
  ) {
    self.init()
    let here = secret.hash(pair.source.high, pair.source.low)
    let there = secret.hash(pair.destination.high, pair.destination.low)
    let isFlipped =
      here > there || (here == there && (ports.0 > ports.1 || (ports.0 == ports.1 && marks.contains(.answer))))
    addresses = here & 0xFFFF_FFFF | there << 32
    rest = Self.rest(ports, zone, transport, marks.union(.ipv6), isFlipped: isFlipped)
    let (low, high) = isFlipped ? (there, here) : (here, there)
    let (lowPort, highPort) = isFlipped ? (ports.1, ports.0) : ports
    hash = secret.hash(low &+ (high << 31 | high >> 33), canonical(UInt64(lowPort), UInt64(highPort)))
  }

  @inlinable @inline(__always)
  static func rest(
    _ ports: (UInt16, UInt16), _ zone: UInt16, _ transport: UInt8, _ marks: TupleMarks, isFlipped: Bool
  ) -> UInt64 {
    UInt64(ports.0) | UInt64(ports.1) << 16 | UInt64(zone) << 32 | UInt64(transport) << 48
      | UInt64(marks.rawValue) << 56 | (isFlipped ? 1 << 60 : 0)
  }

  /// Everything but the addresses, the same for both directions. Ports are the low 16 bits of `low` and `high`.
  @inlinable @inline(__always)
  func canonical(_ low: UInt64, _ high: UInt64) -> UInt64 {
    var word = rest & 0x04FF_FFFF_0000_0000 | low & 0xFFFF | (high & 0xFFFF) << 16
    // ICMP: which end asks is part of the flow. An answer goes the other way than its question.
    if !marks.isDisjoint(with: [.question, .answer]) {
      word |= (marks.contains(.question) != isFlipped ? 1 : 2) << 56
    }
    return word
  }
}
