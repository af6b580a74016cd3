public import Primitives

/// The bytes of a packet in hand, as far as they are in one piece. Valid for the burst; not to be kept.
///
/// Reads outside give zero: whoever needs certainty asks `holds` first. Numbers come in host order.
@safe
public struct PacketBytes: BitwiseCopyable {
  @usableFromInline let base: UnsafeRawPointer
  public let count: Int

  @inlinable
  public init(_ base: UnsafeRawPointer, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  @inlinable @inline(__always)
  public func holds(_ size: Int, at offset: Int) -> Bool { offset >= 0 && size <= count &- offset }

  @inlinable @inline(__always)
  public func read<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at offset: Int) -> Value {
    guard holds(MemoryLayout<Value>.size, at: offset) else { return 0 }
    return unsafe Value(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// The IPv4 address at `offset`, in network order.
  @inlinable @inline(__always)
  public func ipv4(at offset: Int) -> UInt32 {
    guard holds(4, at: offset) else { return 0 }
    return unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  /// The same where the caller has asked `holds`.
  @inlinable @inline(__always)
  public func ipv4(checked offset: Int) -> UInt32 {
    assert(holds(4, at: offset))
    return unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  /// For readers of `Wire`.
  @unsafe @inlinable public var span: RawSpan {
    @_lifetime(borrow self) get {
      unsafe _overrideLifetime(RawSpan(_unsafeStart: base, byteCount: count), borrowing: self)
    }
  }

  /// The addresses of the IPv6 header that starts at `network`, where the caller has asked for its 40 bytes.
  @inlinable @inline(__always)
  public func ipv6Pair(checked network: Int) -> IPv6Pair {
    assert(holds(40, at: network))
    let words = unsafe base + network + 8
    return unsafe IPv6Pair(
      source: IPv6Address(
        high: UInt64(bigEndian: words.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self))),
      destination: IPv6Address(
        high: UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
        low: UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 24, as: UInt64.self))))
  }

  /// The addresses of the IPv6 header that starts at `network`.
  @inlinable @inline(__always)
  public func ipv6Pair(at network: Int) -> IPv6Pair {
    IPv6Pair(
      source: IPv6Address(high: read(UInt64.self, at: network &+ 8), low: read(UInt64.self, at: network &+ 16)),
      destination: IPv6Address(high: read(UInt64.self, at: network &+ 24), low: read(UInt64.self, at: network &+ 32)))
  }
}
