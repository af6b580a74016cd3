/// A GRE header and what it carries (RFC 2784, RFC 2890; version 1 as in RFC 2637).
public struct GREView: ~Escapable {
  public enum Layout {
    public static let size = 4  // bytes, without the optional fields
    public static let flags = Field<UInt16>(at: 0)
    public static let etherType = Field<UInt16>(at: 2)
    public static let call = Field<UInt16>(at: 6)  // version 1
    public static let key = Field<UInt32>(at: 0)  // from where the optional fields before it end
  }
  /// Bits of the flags word; each announces four bytes, in this order, checksum and routing the same four.
  private enum Flag {
    static let checksum: UInt16 = 0x8000
    static let routing: UInt16 = 0x4000
    static let key: UInt16 = 0x2000
    static let sequence: UInt16 = 0x1000
    static let acknowledgment: UInt16 = 0x0080  // version 1 only
  }
  let bytes: RawSpan
  let headerLength: Int

  /// `nil` when `bytes` do not hold the header with the fields it announces.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    let header = GREView.headerLength(bytes[Layout.flags])
    guard header <= bytes.byteCount else { return nil }
    self.bytes = bytes
    headerLength = header
  }

  /// Bytes of a header with these flags.
  static func headerLength(_ flags: UInt16) -> Int {
    var words = 1
    if flags & (Flag.checksum | Flag.routing) != 0 { words += 1 }
    if flags & Flag.key != 0 { words += 1 }
    if flags & Flag.sequence != 0 { words += 1 }
    if flags & 7 == 1, flags & Flag.acknowledgment != 0 { words += 1 }
    return words * 4
  }

  public var flags: UInt16 { bytes[Layout.flags] }
  /// 0, or 1 for PPTP.
  public var version: UInt8 { UInt8(truncatingIfNeeded: flags & 7) }
  /// The EtherType of what is carried.
  public var etherType: UInt16 { bytes[Layout.etherType] }
  public var key: UInt32? {
    guard flags & Flag.key != 0 else { return nil }
    return bytes[Layout.key, from: flags & (Flag.checksum | Flag.routing) != 0 ? 8 : 4]
  }

  /// What tells one GRE flow from another between two hosts, as netfilter does: the call of PPTP's version at the
  /// destination (RFC 2637 §4.1), 0 for plain GRE whatever its key. `header` may be cut, as in a quote.
  ///
  /// - Returns: `nil` for version 1 with anything but PPP.
  public static func call(_ header: RawSpan) -> UInt16? {
    guard header.byteCount >= 8, header[Layout.flags] & 7 == 1 else { return 0 }
    return header[Layout.etherType] == 0x880B ? header[Layout.call] : nil
  }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(headerLength) } }
}
