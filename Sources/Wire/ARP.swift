public import Primitives

/// An ARP message for IPv4 over Ethernet (RFC 826).
public struct ARPView: ~Escapable {
  public enum Layout {
    public static let size = 28  // bytes
    public static let hardwareAndProtocol = Field<UInt32>(at: 0)  // 1: Ethernet, 0x0800: IPv4
    public static let lengths = Field<UInt16>(at: 4)  // 6 and 4 bytes
    public static let operation = Field<UInt16>(at: 6)
    public static let senderHardware = Field<UInt64>(at: 8)  // and two bytes of what follows
    public static let sender = Field<UInt32>(at: 14)
    public static let targetHardware = Field<UInt64>(at: 18)
    public static let target = Field<UInt32>(at: 24)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the message's, or speak of other addresses.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size, bytes[Layout.hardwareAndProtocol] == 0x0001_0800,
      bytes[Layout.lengths] == 0x0604
    else { return nil }
    self.bytes = bytes
  }

  /// 1: request, 2: reply.
  public var operation: UInt16 { bytes[Layout.operation] }
  public var senderHardware: MACAddress { MACAddress(bits: bytes[Layout.senderHardware] >> 16) }
  public var sender: IPv4Address { IPv4Address(bits: bytes[Layout.sender]) }
  public var targetHardware: MACAddress { MACAddress(bits: bytes[Layout.targetHardware] >> 16) }
  public var target: IPv4Address { IPv4Address(bits: bytes[Layout.target]) }
}
