/// What a rule can read of a packet. A field that the packet does not have ends the rule: it does not match.
public enum Field: Hashable, Sendable {
  // meta
  case inputName, outputName
  /// The port's number plus 1, as an interface's index.
  case inputIndex, outputIndex
  case etherType
  /// NFPROTO_*: 2 IPv4, 10 IPv6.
  case networkFamily
  case transport
  case mark
  /// Bytes of the IP datagram.
  case length
  /// 0 host, 1 broadcast, 2 multicast, 3 otherhost.
  case packetType
  // Headers
  case payload(Payload)
  case exists(ExtensionHeader)
  case extensionField(ExtensionHeader, Payload)
  case tcpOptionExists(UInt8)
  /// Offset and length in bits from the option's first byte.
  case tcpOption(UInt8, offset: UInt16, length: UInt16)
  // ct
  case connection(ConnectionField)
}

/// Bits at a place of a header.
public struct Payload: Hashable, Sendable {
  public enum Base: String, Hashable, Sendable { case link, network, transport }
  public var base: Base
  /// In bits.
  public var offset: UInt16
  public var length: UInt16

  public init(_ base: Base, offset: UInt16, length: UInt16) {
    self.base = base
    self.offset = offset
    self.length = length
  }
}

/// By the IPv6 protocol number of the header.
public enum ExtensionHeader: UInt8, CaseIterable, Hashable, Sendable {
  case hopByHop = 0
  case routing = 43
  case fragment = 44
  case destination = 60
  case mobility = 135
}

public enum ConnectionField: Hashable, Sendable {
  /// Bits: invalid 1, established 2, related 4, new 8, untracked 64.
  case state
  /// 0 original, 1 reply.
  case direction
  /// IPS_*.
  case status
  case mark
  /// Milliseconds.
  case expiration
  case id
  /// All 128 bits.
  case labels
  case zone(FlowDirection?)
  case networkFamily(FlowDirection?)
  case transport(FlowDirection?)
  /// Of IPv4 (`ct original ip saddr`, or `saddr` in a table of that family) and IPv6.
  case source4(FlowDirection), destination4(FlowDirection)
  case source6(FlowDirection), destination6(FlowDirection)
  case sourcePort(FlowDirection), destinationPort(FlowDirection)
  /// `nil`: of both directions together.
  case packets(FlowDirection?), bytes(FlowDirection?), averageLength(FlowDirection?)
}

/// What kind of value a field or a part of a set's key is: its width, its words, how it is written.
public enum DataType: Hashable, Sendable {
  case integer(bits: UInt16)
  /// The same, the lowest byte first on the wire of nft (meta and ct fields).
  case hostInteger(bits: UInt16)
  case ipv4Address, ipv6Address, etherAddress
  case etherType, ipProtocol, service
  /// 16 bytes, padded with zeros.
  case interfaceName
  case interfaceIndex
  case networkFamily, packetType
  case mark
  case dscp, ecn
  case icmpType, icmpCode, icmpv6Type, icmpv6Code, icmpxCode
  case tcpFlags
  case connectionState, connectionDirection, connectionStatus, connectionLabel, connectionEvents
  case boolean
  /// Milliseconds.
  case time
  case verdict

  var isInteger: Bool {
    switch self {
    case .integer, .hostInteger: true
    default: false
    }
  }

  /// How many bits a value has.
  public var bits: Int {
    switch self {
    case .integer(let bits), .hostInteger(let bits): Int(bits)
    case .ipv4Address, .mark, .interfaceIndex, .connectionState, .connectionStatus, .connectionEvents: 32
    case .ipv6Address, .interfaceName, .connectionLabel: 128
    case .etherAddress: 48
    case .etherType, .service: 16
    case .ipProtocol, .networkFamily, .packetType, .icmpType, .icmpCode, .icmpv6Type, .icmpv6Code, .icmpxCode: 8
    case .tcpFlags, .connectionDirection, .boolean: 8
    case .dscp: 6
    case .ecn: 2
    case .time: 64
    case .verdict: 32
    }
  }
}
