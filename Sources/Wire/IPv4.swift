public import Primitives

/// An IPv4 header and what it carries (RFC 791).
public struct IPv4View: ~Escapable {
  public enum Layout {
    public static let size = 20  // bytes, without options
    public static let versionAndLength = Field<UInt8>(at: 0)  // length in words of four bytes
    public static let totalLength = Field<UInt16>(at: 2)  // bytes, header included
    public static let identification = Field<UInt16>(at: 4)
    public static let fragment = Field<UInt16>(at: 6)  // flags, and the offset in units of eight bytes
    public static let ttl = Field<UInt8>(at: 8)
    public static let transport = Field<UInt8>(at: 9)
    public static let checksum = Field<UInt16>(at: 10)
    public static let source = Field<UInt32>(at: 12)
    public static let destination = Field<UInt32>(at: 16)
  }
  /// Bits of the fragment word.
  public enum FragmentWord {
    public static let dontFragment: UInt16 = 0x4000
    public static let moreFragments: UInt16 = 0x2000
    public static let offset: UInt16 = 0x1FFF
  }
  let bytes: RawSpan
  let headerLength: Int

  /// `nil` when `bytes` do not hold the datagram the header claims; bytes behind it are left out.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size, bytes[Layout.versionAndLength] >> 4 == 4 else { return nil }
    let header = Int(bytes[Layout.versionAndLength] & 15) * 4
    let total = Int(bytes[Layout.totalLength])
    guard header >= Layout.size, total >= header, total <= bytes.byteCount else { return nil }
    self.bytes = bytes.extracting(first: total)
    headerLength = header
  }

  public var identification: UInt16 { bytes[Layout.identification] }
  public var dontFragment: Bool { bytes[Layout.fragment] & FragmentWord.dontFragment != 0 }
  public var moreFragments: Bool { bytes[Layout.fragment] & FragmentWord.moreFragments != 0 }
  /// Where the payload stands in that of its datagram, in bytes.
  public var fragmentOffset: Int { Int(bytes[Layout.fragment] & FragmentWord.offset) * 8 }
  public var ttl: UInt8 { bytes[Layout.ttl] }
  public var transport: UInt8 { bytes[Layout.transport] }
  public var checksum: UInt16 { bytes[Layout.checksum] }
  public var source: IPv4Address { IPv4Address(bits: bytes[Layout.source]) }
  public var destination: IPv4Address { IPv4Address(bits: bytes[Layout.destination]) }
  public var options: Options {
    @_lifetime(copy self) get {
      Options(bytes.extracting(Layout.size..<headerLength))
    }
  }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(headerLength) } }
}
