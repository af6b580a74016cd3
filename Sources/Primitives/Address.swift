/// An IPv4 address, in host byte order.
public struct IPv4Address: BitwiseCopyable, Hashable, Comparable, Sendable {
  public var bits: UInt32

  @inlinable public init(bits: UInt32) { self.bits = bits }
  @inlinable public static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.bits < b.bits }
}

/// An IPv6 address: the first and the last eight bytes, each in host byte order.
public struct IPv6Address: BitwiseCopyable, Hashable, Comparable, Sendable {
  public var high: UInt64
  public var low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
  @inlinable public static func < (a: IPv6Address, b: IPv6Address) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// An Ethernet address in the low 48 bits, first byte highest; the others are zero.
public struct MACAddress: BitwiseCopyable, Hashable, Comparable, Sendable {
  public var bits: UInt64

  @inlinable public init(bits: UInt64) { self.bits = bits & 0xFFFF_FFFF_FFFF }
  @inlinable public static func < (a: MACAddress, b: MACAddress) -> Bool { a.bits < b.bits }
}

/// A port of the forwarder by its index.
public struct PortID: RawRepresentable, BitwiseCopyable, Hashable, Comparable, Sendable {
  public var rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
  @inlinable public static func < (a: PortID, b: PortID) -> Bool { a.rawValue < b.rawValue }
}
