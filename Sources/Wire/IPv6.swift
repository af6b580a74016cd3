public import Primitives

/// An IPv6 header and what it carries, extension headers first (RFC 8200 §3).
public struct IPv6View: ~Escapable {
  public enum Layout {
    public static let size = 40  // bytes
    public static let versionAndFlow = Field<UInt32>(at: 0)
    public static let payloadLength = Field<UInt16>(at: 4)  // bytes behind this header
    public static let nextHeader = Field<UInt8>(at: 6)
    public static let hopLimit = Field<UInt8>(at: 7)
    public static let source = Field<UInt64>(at: 8)
    public static let sourceEnd = Field<UInt64>(at: 16)
    public static let destination = Field<UInt64>(at: 24)
    public static let destinationEnd = Field<UInt64>(at: 32)
    // A jumbogram: the hop-by-hop header right behind, with its option first (RFC 2675 §2).
    public static let jumboOption = Field<UInt8>(at: 42)
    public static let jumboLength = Field<UInt32>(at: 44)
    public static let jumboSize = 48
  }
  let bytes: RawSpan

  /// `nil` when `bytes` do not hold the payload the header claims; bytes behind it are left out. A jumbogram is taken
  /// to reach to the end of `bytes`.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size, bytes[Layout.versionAndFlow] >> 28 == 6 else { return nil }
    let length = Int(bytes[Layout.payloadLength])
    guard Layout.size + length <= bytes.byteCount else { return nil }
    let isJumbogram =
      length == 0 && bytes[Layout.nextHeader] == IPProtocol.hopByHop
      && bytes.byteCount >= Layout.jumboSize && bytes[Layout.jumboOption] == IPv6Extension.jumboPayload
    self.bytes = isJumbogram ? bytes : bytes.extracting(first: Layout.size + length)
  }

  public var trafficClass: UInt8 { UInt8(truncatingIfNeeded: bytes[Layout.versionAndFlow] >> 20) }
  public var flowLabel: UInt32 { bytes[Layout.versionAndFlow] & 0xF_FFFF }
  public var nextHeader: UInt8 { bytes[Layout.nextHeader] }
  public var hopLimit: UInt8 { bytes[Layout.hopLimit] }
  public var source: IPv6Address {
    IPv6Address(high: bytes[Layout.source], low: bytes[Layout.sourceEnd])
  }
  public var destination: IPv6Address {
    IPv6Address(high: bytes[Layout.destination], low: bytes[Layout.destinationEnd])
  }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}
