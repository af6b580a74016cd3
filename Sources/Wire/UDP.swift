/// A UDP header and what it carries (RFC 768).
public struct UDPView: ~Escapable {
  public enum Layout {
    public static let size = 8  // bytes
    public static let ports = Field<UInt32>(at: 0)
    public static let length = Field<UInt16>(at: 4)  // bytes, header included
    public static let checksum = Field<UInt16>(at: 6)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` do not hold the datagram the header claims; bytes behind it are left out.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    let claimed = Int(bytes[Layout.length])
    guard claimed >= Layout.size, claimed <= bytes.byteCount else { return nil }
    self.bytes = bytes.extracting(first: claimed)
  }

  public var sourcePort: UInt16 { UInt16(truncatingIfNeeded: bytes[Layout.ports] >> 16) }
  public var destinationPort: UInt16 { UInt16(truncatingIfNeeded: bytes[Layout.ports]) }
  /// Zero: the sender made none.
  public var checksum: UInt16 { bytes[Layout.checksum] }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}
