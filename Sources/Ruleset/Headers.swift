/// The headers that rules name, with their fields.
enum Header: String, CaseIterable, Sendable {
  case ether, vlan, ip, ip6, icmp, icmpv6, tcp, udp, udplite, sctp, dccp, ah, esp, comp, th

  var base: Payload.Base {
    switch self {
    case .ether, .vlan: .link
    case .ip, .ip6: .network
    default: .transport
    }
  }

  /// The IP protocol whose header it is.
  var transport: UInt8? {
    switch self {
    case .icmp: 1
    case .tcp: 6
    case .udp: 17
    case .dccp: 33
    case .esp: 50
    case .ah: 51
    case .icmpv6: 58
    case .comp: 108
    case .sctp: 132
    case .udplite: 136
    case .ether, .vlan, .ip, .ip6, .th: nil
    }
  }

  static func of(transport: UInt8) -> Header? { allCases.first { $0.transport == transport } }

  var hasPorts: Bool { [.tcp, .udp, .udplite, .sctp, .dccp].contains(self) }

  var fields: [HeaderField] {
    switch self {
    case .ether: Self.etherFields
    case .vlan: Self.vlanFields
    case .ip: Self.ipFields
    case .ip6: Self.ip6Fields
    case .icmp: Self.icmpFields
    case .icmpv6: Self.icmpv6Fields
    case .tcp: Self.ports + Self.tcpFields
    case .udp: Self.ports + [HeaderField("length", 32, 16), HeaderField("checksum", 48, 16)]
    case .udplite: Self.ports + [HeaderField("csumcov", 32, 16), HeaderField("checksum", 48, 16)]
    case .sctp: Self.ports + [HeaderField("vtag", 32, 32), HeaderField("checksum", 64, 32)]
    case .dccp, .th: Self.ports
    case .ah: Self.ahFields
    case .esp: [HeaderField("spi", 0, 32), HeaderField("sequence", 32, 32)]
    case .comp:
      [HeaderField("nexthdr", 0, 8, .ipProtocol), HeaderField("flags", 8, 8), HeaderField("cpi", 16, 16)]
    }
  }

  func field(_ name: String) -> HeaderField? { fields.first { $0.name == name } }

  func field(at offset: UInt16, _ length: UInt16) -> HeaderField? {
    fields.first { $0.offset == offset && $0.length == length }
  }
}

/// A field by its place, in bits from the beginning of the header's layer.
struct HeaderField: Sendable {
  let name: String
  let offset: UInt16
  let length: UInt16
  let type: DataType

  init(_ name: String, _ offset: UInt16, _ length: UInt16, _ type: DataType? = nil) {
    self.name = name
    self.offset = offset
    self.length = length
    self.type = type ?? .integer(bits: length)
  }
}

extension Header {
  fileprivate static let ports = [HeaderField("sport", 0, 16, .service), HeaderField("dport", 16, 16, .service)]

  fileprivate static let etherFields = [
    HeaderField("daddr", 0, 48, .etherAddress), HeaderField("saddr", 48, 48, .etherAddress),
    HeaderField("type", 96, 16, .etherType),
  ]
  /// The tag follows the Ethernet header (IEEE 802.1Q).
  fileprivate static let vlanFields = [
    HeaderField("pcp", 112, 3), HeaderField("dei", 115, 1), HeaderField("cfi", 115, 1), HeaderField("id", 116, 12),
    HeaderField("type", 128, 16, .etherType),
  ]
  /// RFC 791 §3.1, RFC 2474.
  fileprivate static let ipFields = [
    HeaderField("version", 0, 4), HeaderField("hdrlength", 4, 4), HeaderField("dscp", 8, 6, .dscp),
    HeaderField("ecn", 14, 2, .ecn), HeaderField("length", 16, 16), HeaderField("id", 32, 16),
    HeaderField("frag-off", 48, 16), HeaderField("ttl", 64, 8), HeaderField("protocol", 72, 8, .ipProtocol),
    HeaderField("checksum", 80, 16), HeaderField("saddr", 96, 32, .ipv4Address),
    HeaderField("daddr", 128, 32, .ipv4Address),
  ]
  /// RFC 8200 §3.
  fileprivate static let ip6Fields = [
    HeaderField("version", 0, 4), HeaderField("dscp", 4, 6, .dscp), HeaderField("ecn", 10, 2, .ecn),
    HeaderField("flowlabel", 12, 20), HeaderField("length", 32, 16), HeaderField("nexthdr", 48, 8, .ipProtocol),
    HeaderField("hoplimit", 56, 8), HeaderField("saddr", 64, 128, .ipv6Address),
    HeaderField("daddr", 192, 128, .ipv6Address),
  ]
  /// RFC 792.
  fileprivate static let icmpFields = [
    HeaderField("type", 0, 8, .icmpType), HeaderField("code", 8, 8, .icmpCode), HeaderField("checksum", 16, 16),
    HeaderField("id", 32, 16), HeaderField("sequence", 48, 16), HeaderField("gateway", 32, 32),
    HeaderField("mtu", 48, 16),
  ]
  /// RFC 4443, RFC 2710.
  fileprivate static let icmpv6Fields = [
    HeaderField("type", 0, 8, .icmpv6Type), HeaderField("code", 8, 8, .icmpv6Code), HeaderField("checksum", 16, 16),
    HeaderField("param-problem", 32, 32), HeaderField("mtu", 32, 32), HeaderField("id", 32, 16),
    HeaderField("sequence", 48, 16), HeaderField("max-delay", 32, 16),
  ]
  /// RFC 9293 §3.1.
  fileprivate static let tcpFields = [
    HeaderField("sequence", 32, 32), HeaderField("ackseq", 64, 32), HeaderField("doff", 96, 4),
    HeaderField("reserved", 100, 4), HeaderField("flags", 104, 8, .tcpFlags), HeaderField("window", 112, 16),
    HeaderField("checksum", 128, 16), HeaderField("urgptr", 144, 16),
  ]
  /// RFC 4302 §2.
  fileprivate static let ahFields = [
    HeaderField("nexthdr", 0, 8, .ipProtocol), HeaderField("hdrlength", 8, 8), HeaderField("reserved", 16, 16),
    HeaderField("spi", 32, 32), HeaderField("sequence", 64, 32),
  ]

  /// The types of message that have a field, as nft asks for them before it reads it.
  func messageTypes(of field: String) -> [UInt8] {
    switch (self, field) {
    case (.icmp, "id"), (.icmp, "sequence"): [0, 8]
    case (.icmp, "gateway"): [5]
    case (.icmp, "mtu"): [3]
    case (.icmpv6, "id"), (.icmpv6, "sequence"): [128, 129]
    case (.icmpv6, "mtu"): [2]
    case (.icmpv6, "param-problem"): [4]
    case (.icmpv6, "max-delay"): [130]
    default: []
    }
  }
}

/// What nft calls an IPv6 extension header, with its fields (RFC 8200 §4, RFC 6275 §6.1).
extension ExtensionHeader {
  var name: String {
    switch self {
    case .hopByHop: "hbh"
    case .routing: "rt"
    case .fragment: "frag"
    case .destination: "dst"
    case .mobility: "mh"
    }
  }

  static func named(_ name: String) -> ExtensionHeader? { allCases.first { $0.name == name } }

  var fields: [HeaderField] {
    let first = [HeaderField("nexthdr", 0, 8, .ipProtocol), HeaderField("hdrlength", 8, 8)]
    return switch self {
    case .hopByHop, .destination: first
    case .routing: first + [HeaderField("type", 16, 8), HeaderField("seg-left", 24, 8)]
    case .mobility:
      first + [HeaderField("type", 16, 8), HeaderField("reserved", 24, 8), HeaderField("checksum", 32, 16)]
    case .fragment:
      [
        first[0], HeaderField("reserved", 8, 8), HeaderField("frag-off", 16, 13), HeaderField("reserved2", 29, 2),
        HeaderField("more-fragments", 31, 1), HeaderField("id", 32, 32),
      ]
    }
  }
}

/// TCP options by name (IANA's registry of kinds), each with its fields.
enum TCPOptionNames {
  static let kinds: [(name: String, kind: UInt8)] = [
    ("eol", 0), ("nop", 1), ("noop", 1), ("maxseg", 2), ("mss", 2), ("window", 3), ("sack-perm", 4),
    ("sack-permitted", 4), ("sack", 5), ("timestamp", 8), ("md5sig", 19), ("mptcp", 30), ("fastopen", 34),
  ]

  static func kind(_ name: String) -> UInt8? { kinds.first { $0.name == name }?.kind }
  static func name(_ kind: UInt8) -> String? { kinds.first { $0.kind == kind }?.name }

  static func fields(of kind: UInt8) -> [HeaderField] {
    let length = [HeaderField("length", 8, 8)]
    return switch kind {
    case 0, 1: []
    case 2: length + [HeaderField("size", 16, 16)]
    case 3: length + [HeaderField("count", 16, 8)]
    case 5: length + [HeaderField("left", 16, 32), HeaderField("right", 48, 32)]
    case 30: length + [HeaderField("subtype", 16, 4)]
    case 8: length + [HeaderField("tsval", 16, 32), HeaderField("tsecr", 48, 32)]
    default: length
    }
  }
}
