/// The checksum of IP, TCP, UDP and ICMP: the one's complement of the one's complement sum of 16-bit words (RFC 1071).
///
/// The sum is kept in the byte order of the host, which commutes with it, and folded at the end.
public struct InternetChecksum: BitwiseCopyable, Sendable {
  /// A sum of 32-bit pieces; 2^32 of them fit.
  @usableFromInline var sum: UInt64 = 0

  @inlinable public init() {}

  /// Adds `bytes`; an odd one at the end counts as if a zero followed, so only the last piece may have one.
  public mutating func add(_ bytes: RawSpan) {
    let count = bytes.byteCount
    var at = 0
    while at &+ 8 <= count {
      let eight = bytes[Field<UInt64>(at: 0), from: at].bigEndian
      sum &+= (eight & 0xFFFF_FFFF) &+ (eight >> 32)
      at &+= 8
    }
    while at &+ 2 <= count {
      sum &+= UInt64(bytes[Field<UInt16>(at: 0), from: at].bigEndian)
      at &+= 2
    }
    if at < count { add(UInt16(bytes[Field<UInt8>(at: 0), from: at]) << 8) }
  }

  /// Adds one number, given in host order.
  @inlinable public mutating func add(_ number: UInt16) { sum &+= UInt64(number.bigEndian) }
  @inlinable public mutating func add(_ number: UInt32) { sum &+= UInt64(number.bigEndian) }

  /// The sum itself, in host order: 0xFFFF when it ran over bytes that hold their right checksum.
  @inlinable public var folded: UInt16 { UInt16(bigEndian: InternetChecksum.fold(sum)) }

  /// What a header says, in host order, when its checksum field counted as zero in the sum.
  @inlinable public var value: UInt16 { ~folded }

  /// `checksum` after a field changed from `old` to `new` (RFC 1624, eqn. 3): no other byte is looked at. The field
  /// starts at an even offset; of one byte take the 16-bit word it stands in.
  @inlinable public static func updated(_ checksum: UInt16, replacing old: UInt64, by new: UInt64) -> UInt16 {
    let gone = ~old
    let sum =
      UInt64(~checksum) &+ (gone & 0xFFFF_FFFF) &+ (gone >> 32) &+ (new & 0xFFFF_FFFF) &+ (new >> 32)
    return ~fold(sum)
  }

  /// The same for UDP, where zero means that the sender made none (it stays) and is never the result.
  @inlinable public static func updatedUDP(_ checksum: UInt16, replacing old: UInt64, by new: UInt64) -> UInt16 {
    guard checksum != 0 else { return 0 }
    let result = updated(checksum, replacing: old, by: new)
    return result == 0 ? 0xFFFF : result
  }

  /// The 16-bit words of `sum` added up, carries added in again.
  @inlinable @inline(always) static func fold(_ sum: UInt64) -> UInt16 {
    var folded = (sum & 0xFFFF_FFFF) &+ (sum >> 32)
    folded = (folded & 0xFFFF) &+ (folded >> 16)
    folded = (folded & 0xFFFF) &+ (folded >> 16)
    folded = (folded & 0xFFFF) &+ (folded >> 16)
    return UInt16(truncatingIfNeeded: folded)
  }
}
