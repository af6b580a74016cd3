/// A TCP header and what it carries (RFC 9293 §3.1).
public struct TCPView: ~Escapable {
  public enum Layout {
    public static let size = 20  // bytes, without options
    public static let ports = Field<UInt32>(at: 0)
    public static let sequence = Field<UInt32>(at: 4)
    public static let acknowledgment = Field<UInt32>(at: 8)
    public static let dataOffset = Field<UInt8>(at: 12)  // in the high four bits, words of four bytes
    public static let flags = Field<UInt8>(at: 13)
    public static let window = Field<UInt16>(at: 14)
    public static let checksum = Field<UInt16>(at: 16)
    public static let urgent = Field<UInt16>(at: 18)
  }
  @usableFromInline let bytes: RawSpan
  @usableFromInline let headerLength: Int

  /// `nil` when `bytes` do not hold the header with its options.
  @inline(always) @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    let header = Int(bytes[Layout.dataOffset] >> 4) * 4
    guard header >= Layout.size, header <= bytes.byteCount else { return nil }
    self.bytes = bytes
    headerLength = header
  }

  public var sourcePort: UInt16 { UInt16(truncatingIfNeeded: bytes[Layout.ports] >> 16) }
  public var destinationPort: UInt16 { UInt16(truncatingIfNeeded: bytes[Layout.ports]) }
  public var sequence: UInt32 { bytes[Layout.sequence] }
  public var acknowledgment: UInt32 { bytes[Layout.acknowledgment] }
  public var flags: UInt8 { bytes[Layout.flags] }
  public var window: UInt16 { bytes[Layout.window] }
  public var checksum: UInt16 { bytes[Layout.checksum] }
  public var urgent: UInt16 { bytes[Layout.urgent] }
  public var options: Options {
    @_lifetime(copy self) get {
      Options(bytes.extracting(Layout.size..<headerLength))
    }
  }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(headerLength) } }
}
