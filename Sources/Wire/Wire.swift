// Wire: what stands in a frame. A header is a view over bytes that someone else owns; it is made by an initializer that
// checks once that the bytes hold the header, and read through numbers named once, in host order. Nothing here
// allocates, keeps a byte, or knows a packet's fate.
//
// `Summary.read` is the packet path: one pass over a frame, every later stage reads its 36 bytes instead. The views
// serve those who need more than the summary says. `InternetChecksum` and `CRC32c` judge and repair checksums.
//
// What holds: no byte outside the given span is read, and no accessor of a view traps once its initializer has returned
// a view. Both rest on `Field` below, which holds the module's only unchecked load.

/// A number in a header: where it stands, in bytes from the header's start, and how wide it is. Big-endian on the wire.
public struct Field<Value: FixedWidthInteger & BitwiseCopyable>: BitwiseCopyable, Sendable {
  @usableFromInline let offset: Int

  @inlinable public init(at offset: Int) { self.offset = offset }
}

extension RawSpan {
  /// The number of the header that starts at `base`, in host order. It must stand inside the span: whoever reads has
  /// checked the header's length before (a debug build checks again).
  @inlinable @inline(always)
  subscript<Value>(field: Field<Value>, from base: Int = 0) -> Value {
    let offset = base &+ field.offset
    assert(offset >= 0 && offset + MemoryLayout<Value>.size <= byteCount, "read outside the frame")
    return unsafe Value(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Value.self))
  }

  /// What follows the first `count` bytes; empty when there are fewer.
  @inlinable @inline(always) @_lifetime(copy self)
  func after(_ count: Int) -> RawSpan { extracting(droppingFirst: min(count, byteCount)) }
}

/// Protocol numbers of the IPv4 header and of IPv6's next header.
public enum IPProtocol {
  public static let hopByHop: UInt8 = 0
  public static let icmp: UInt8 = 1
  public static let tcp: UInt8 = 6
  public static let udp: UInt8 = 17
  public static let routing: UInt8 = 43
  public static let fragment: UInt8 = 44
  public static let gre: UInt8 = 47
  public static let authentication: UInt8 = 51
  public static let icmpv6: UInt8 = 58
  public static let noNextHeader: UInt8 = 59
  public static let destination: UInt8 = 60
  public static let sctp: UInt8 = 132
  public static let mobility: UInt8 = 135
  public static let udplite: UInt8 = 136
  public static let hip: UInt8 = 139
  public static let shim6: UInt8 = 140
}
