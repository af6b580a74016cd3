internal import CSegment
public import Primitives

/// What tells the fragments of one datagram from all others: zone, addresses, identification, for IPv4 the protocol
/// (RFC 791 §3.2, RFC 8200 §4.5), and the VLANs of the two outer tags and the number of tags, so that nothing is put
/// together across networks. Not the port: the links of a bundle are one wire, and a zone tells wires apart.
public struct FragmentKey: BitwiseCopyable, Sendable {
  public let identification: UInt32
  /// Addresses as they stand in memory, in network order; an IPv4 address in the first four bytes.
  @usableFromInline let source: (UInt64, UInt64)
  @usableFromInline let destination: (UInt64, UInt64)
  /// Zone, protocol, flags and VLANs as a record has them in one word.
  @usableFromInline let rest: UInt64
  /// The number of tags; no part of the hash, since a record does not say it.
  @usableFromInline let tags: UInt8
  public let hash: UInt64

  /// What stands for a tag that is not there.
  public static let noVLAN: UInt16 = 0xFFFF

  /// - Parameters:
  ///   - source, destination: in network order.
  ///   - vlans: of the outer and the second tag, 12 bits each, or `noVLAN`.
  ///   - tags: how many there are.
  @inlinable @inline(__always)
  public init(
    ipv4 source: UInt32, _ destination: UInt32, protocol number: UInt8, identification: UInt32, zone: UInt16,
    vlans: (UInt16, UInt16), tags: UInt8 = 0, _ secret: HashSecret
  ) {
    self.init(
      (UInt64(source), 0), (UInt64(destination), 0), identification,
      rest: Self.word(zone, number, vlans, isIPv6: false), tags: tags, secret)
  }

  /// - Parameters:
  ///   - source, destination: in host order.
  @inlinable @inline(__always)
  public init(
    ipv6 source: IPv6Address, _ destination: IPv6Address, identification: UInt32, zone: UInt16,
    vlans: (UInt16, UInt16), tags: UInt8 = 0, _ secret: HashSecret
  ) {
    self.init(
      (source.high.bigEndian, source.low.bigEndian), (destination.high.bigEndian, destination.low.bigEndian),
      identification, rest: Self.word(zone, 0, vlans, isIPv6: true), tags: tags, secret)
  }

  /// The key of a datagram, but for the number of tags.
  @unsafe
  init(of record: UnsafePointer<dpdkfwd_frag_record>, _ secret: HashSecret) {
    let words = unsafe UnsafeRawPointer(record).assumingMemoryBound(to: UInt64.self)
    let rest = unsafe words[5]
    unsafe self.init(
      (words[1], words[2]), (words[3], words[4]), record.pointee.identification, rest: rest & Self.mask(rest), tags: 0,
      secret)
  }

  @inlinable @inline(__always)
  init(
    _ source: (UInt64, UInt64), _ destination: (UInt64, UInt64), _ identification: UInt32, rest: UInt64,
    tags: UInt8, _ secret: HashSecret
  ) {
    self.source = source
    self.destination = destination
    self.identification = identification
    self.rest = rest
    self.tags = tags
    hash =
      rest & Self.ipv6 == 0
      ? secret.hash(source.0 | destination.0 << 32, rest, UInt64(identification))
      : secret.hash(
        source.0, source.1, destination.0, destination.1, rest ^ UInt64(identification) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// 0: IPv4, 1: IPv6.
  @inline(__always) public var family: Int { Int(truncatingIfNeeded: rest >> 24 & 1) }

  @inlinable @inline(__always) static var ipv6: UInt64 { 1 << 24 }

  /// Of the flags only the family counts, and of IPv6 not the protocol, which a record learns later.
  @inline(__always)
  private static func mask(_ rest: UInt64) -> UInt64 {
    rest & ipv6 == 0 ? 0xFFFF_FFFF_01FF_FFFF : 0xFFFF_FFFF_0100_FFFF
  }

  @inlinable @inline(__always)
  static func word(_ zone: UInt16, _ number: UInt8, _ vlans: (UInt16, UInt16), isIPv6: Bool) -> UInt64 {
    UInt64(zone) | UInt64(number) << 16 | (isIPv6 ? ipv6 : 0) | UInt64(vlans.0) << 32 | UInt64(vlans.1) << 48
  }

  /// All but the number of tags.
  @unsafe @inline(__always)
  func matches(_ record: UnsafePointer<dpdkfwd_frag_record>) -> Bool {
    let words = unsafe UnsafeRawPointer(record).assumingMemoryBound(to: UInt64.self)
    return unsafe words[0] >> 32 == UInt64(identification) && words[1] == source.0 && words[3] == destination.0
      && words[2] == source.1 && words[4] == destination.1 && (words[5] ^ rest) & Self.mask(rest) == 0
  }

  @unsafe
  func write(to record: UnsafeMutablePointer<dpdkfwd_frag_record>) {
    let words = unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: UInt64.self)
    unsafe record.pointee.identification = identification
    unsafe (words[1], words[2]) = source
    unsafe (words[3], words[4]) = destination
    unsafe words[5] = rest
  }
}

/// How much of a table one source has: counted in buckets that a keyed hash of its address chooses.
enum SourceShare {
  /// A power of two: so many that two sources of a full table seldom share one.
  static func buckets(datagrams: Int) -> Int {
    var count = 256
    while count < 4 * datagrams, count < 1 << 18 { count *= 2 }
    return count
  }

  @inline(__always)
  static func bucket(of key: FragmentKey, _ secret: HashSecret, count: Int) -> Int {
    Int(truncatingIfNeeded: secret.hash(key.source.0, key.source.1)) & (count &- 1)
  }
}
