/// What the extension headers of IPv6 have in common (RFC 8200 §4, RFC 6564, RFC 7045).
public enum IPv6Extension {
  /// Every extension header is at least this long.
  public static let smallest = 8  // bytes
  /// How many headers of one datagram are walked: RFC 8200 names seven, and each takes part of every packet's budget.
  /// (It also keeps the offset of the transport header within 16 bits.)
  public static let most = 16

  /// The option of a jumbogram's length (RFC 2675).
  static let jumboPayload: UInt8 = 0xC2
  static let nextHeader = Field<UInt8>(at: 0)
  static let length = Field<UInt8>(at: 1)

  /// Whether another header follows this one. ESP is none of them: what follows it is encrypted.
  @inline(always) public static func contains(_ next: UInt8) -> Bool {
    switch next {
    case IPProtocol.hopByHop, IPProtocol.routing, IPProtocol.fragment, IPProtocol.authentication,
      IPProtocol.destination, IPProtocol.mobility, IPProtocol.hip, IPProtocol.shim6, 253, 254:
      true
    default: false
    }
  }

  /// Bytes of the extension header `kind` that starts at `offset`; its first two bytes are inside `bytes`.
  @inline(always)
  static func size(of kind: UInt8, in bytes: RawSpan, at offset: Int) -> Int {
    let units = Int(bytes[length, from: offset])
    return switch kind {
    case IPProtocol.fragment: 8
    case IPProtocol.authentication: (units + 2) * 4  // RFC 4302 §2.2
    default: (units + 1) * 8
    }
  }
}

/// One extension header and what follows it.
public struct IPv6ExtensionView: ~Escapable {
  public let kind: UInt8
  public let payload: RawSpan
  private let header: RawSpan

  /// `nil` when `kind` is none, or `bytes` do not hold the header.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan, kind: UInt8) {
    guard IPv6Extension.contains(kind), bytes.byteCount >= IPv6Extension.smallest else { return nil }
    let size = IPv6Extension.size(of: kind, in: bytes, at: 0)
    guard size <= bytes.byteCount else { return nil }
    self.kind = kind
    header = bytes.extracting(first: size)
    payload = bytes.after(size)
  }

  public var nextHeader: UInt8 { header[IPv6Extension.nextHeader] }
  /// How many addresses a routing header still sends the datagram to (RFC 8200 §4.4).
  public var segmentsLeft: UInt8 { header[Field<UInt8>(at: 3)] }
  /// The header behind its first two bytes: options, addresses, a fragment's place.
  public var body: RawSpan { @_lifetime(copy self) get { header.after(2) } }
}

/// The fragment header (RFC 8200 §4.5).
public struct IPv6FragmentView: ~Escapable {
  public enum Layout {
    public static let size = 8  // bytes
    public static let nextHeader = Field<UInt8>(at: 0)
    public static let placement = Field<UInt16>(at: 2)  // offset in bytes, its low three bits: reserved and "more"
    public static let identification = Field<UInt32>(at: 4)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the header's.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    self.bytes = bytes
  }

  public var nextHeader: UInt8 { bytes[Layout.nextHeader] }
  /// Where the payload stands in that of its datagram, in bytes.
  public var fragmentOffset: Int { Int(bytes[Layout.placement] & 0xFFF8) }
  public var moreFragments: Bool { bytes[Layout.placement] & 1 != 0 }
  public var identification: UInt32 { bytes[Layout.identification] }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}
