public import Primitives

/// What an Ethernet header or a VLAN tag says it carries.
public enum EtherType {
  public static let ipv4: UInt16 = 0x0800
  public static let arp: UInt16 = 0x0806
  public static let ipv6: UInt16 = 0x86DD
  /// Below it stands the length of an 802.3 frame.
  public static let lowest: UInt16 = 0x0600

  /// The tag of 802.1Q, the service tag of 802.1ad, and the two that were in use before it.
  @inline(always) public static func isVLAN(_ type: UInt16) -> Bool {
    type == 0x8100 || type == 0x88A8 || type == 0x9100 || type == 0x9200
  }
}

/// An Ethernet header and what it carries (IEEE 802.3).
public struct EthernetView: ~Escapable {
  public enum Layout {
    public static let size = 14  // bytes
    public static let destination = Field<UInt32>(at: 0)
    public static let destinationEnd = Field<UInt16>(at: 4)
    public static let source = Field<UInt16>(at: 6)
    public static let sourceEnd = Field<UInt32>(at: 8)
    public static let etherType = Field<UInt16>(at: 12)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the header's.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    self.bytes = bytes
  }

  public var destination: MACAddress {
    MACAddress(bits: UInt64(bytes[Layout.destination]) << 16 | UInt64(bytes[Layout.destinationEnd]))
  }
  public var source: MACAddress {
    MACAddress(bits: UInt64(bytes[Layout.source]) << 32 | UInt64(bytes[Layout.sourceEnd]))
  }
  public var etherType: UInt16 { bytes[Layout.etherType] }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}

/// A VLAN tag behind the EtherType that announced it (IEEE 802.1Q), and what it carries.
public struct VLANTagView: ~Escapable {
  public enum Layout {
    public static let size = 4  // bytes
    public static let control = Field<UInt16>(at: 0)
    public static let etherType = Field<UInt16>(at: 2)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the tag's.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    self.bytes = bytes
  }

  /// Priority, drop eligibility and identifier.
  public var control: UInt16 { bytes[Layout.control] }
  public var identifier: UInt16 { control & 0x0FFF }
  public var etherType: UInt16 { bytes[Layout.etherType] }
  public var payload: RawSpan { @_lifetime(copy self) get { bytes.after(Layout.size) } }
}
