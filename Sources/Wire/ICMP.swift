/// An ICMP message (RFC 792).
public struct ICMPView: ~Escapable {
  public enum Layout {
    public static let size = 8  // bytes
    public static let typeAndCode = Field<UInt16>(at: 0)
    public static let checksum = Field<UInt16>(at: 2)
    public static let identifier = Field<UInt16>(at: 4)
    public static let rest = Field<UInt32>(at: 4)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the header's.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    self.bytes = bytes
  }

  public var type: UInt8 { UInt8(truncatingIfNeeded: bytes[Layout.typeAndCode] >> 8) }
  public var code: UInt8 { UInt8(truncatingIfNeeded: bytes[Layout.typeAndCode]) }
  public var checksum: UInt16 { bytes[Layout.checksum] }
  /// The second half of the header; its meaning hangs on the type.
  public var rest: UInt32 { bytes[Layout.rest] }
  /// An error message quotes the datagram that caused it here.
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}

/// An ICMPv6 message (RFC 4443).
public struct ICMPv6View: ~Escapable {
  public enum Layout {
    public static let size = 4  // bytes
    public static let typeAndCode = Field<UInt16>(at: 0)
    public static let checksum = Field<UInt16>(at: 2)
    // An echo message goes on with its identifier and sequence number.
    public static let echoSize = 8
    public static let identifier = Field<UInt16>(at: 4)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the header's.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    self.bytes = bytes
  }

  public var type: UInt8 { UInt8(truncatingIfNeeded: bytes[Layout.typeAndCode] >> 8) }
  public var code: UInt8 { UInt8(truncatingIfNeeded: bytes[Layout.typeAndCode]) }
  public var checksum: UInt16 { bytes[Layout.checksum] }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}
