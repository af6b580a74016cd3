/// The words that nft knows for values of a type; for printing, the first word of a value counts.
struct Symbols: Sendable {
  let words: [(word: String, value: UInt128)]
  private let values: [String: UInt128]
  private let names: [UInt128: String]

  init(_ words: [(String, UInt128)]) {
    self.words = words.map { (word: $0.0, value: $0.1) }
    values = Dictionary(words, uniquingKeysWith: { first, _ in first })
    names = Dictionary(words.map { ($0.1, $0.0) }, uniquingKeysWith: { first, _ in first })
  }

  func value(_ word: String) -> UInt128? { values[word] }
  func word(_ value: UInt128) -> String? { names[value] }

  static func of(_ type: DataType) -> Symbols? {
    switch type {
    case .etherType: etherTypes
    case .ipProtocol: Services.protocols
    case .networkFamily: networkFamilies
    case .packetType: packetTypes
    case .dscp: codePoints
    case .ecn: congestion
    case .icmpType: icmpTypes
    case .icmpCode: icmpCodes
    case .icmpv6Type: icmpv6Types
    case .icmpv6Code: icmpv6Codes
    case .icmpxCode: icmpxCodes
    case .tcpFlags: tcpFlags
    case .connectionState: states
    case .connectionDirection: directions
    case .connectionStatus: statuses
    case .connectionEvents: events
    case .boolean: truth
    default: nil
    }
  }

  private static let etherTypes = Symbols([
    ("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86dd), ("8021q", 0x8100), ("8021ad", 0x88a8), ("vlan", 0x8100),
  ])
  private static let networkFamilies = Symbols([("ipv4", 2), ("ipv6", 10)])
  private static let packetTypes = Symbols([
    ("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3),
  ])
  private static let truth = Symbols([("exists", 1), ("missing", 0)])

  /// RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622.
  private static let codePoints = Symbols([
    ("cs0", 0), ("cs1", 8), ("cs2", 16), ("cs3", 24), ("cs4", 32), ("cs5", 40), ("cs6", 48), ("cs7", 56), ("df", 0),
    ("be", 0), ("lephb", 1), ("af11", 10), ("af12", 12), ("af13", 14), ("af21", 18), ("af22", 20), ("af23", 22),
    ("af31", 26), ("af32", 28), ("af33", 30), ("af41", 34), ("af42", 36), ("af43", 38), ("va", 44), ("ef", 46),
  ])
  /// RFC 3168.
  private static let congestion = Symbols([("not-ect", 0), ("ect1", 1), ("ect0", 2), ("ce", 3)])

  private static let icmpTypes = Symbols([
    ("echo-reply", 0), ("destination-unreachable", 3), ("source-quench", 4), ("redirect", 5), ("echo-request", 8),
    ("router-advertisement", 9), ("router-solicitation", 10), ("time-exceeded", 11), ("parameter-problem", 12),
    ("timestamp-request", 13), ("timestamp-reply", 14), ("info-request", 15), ("info-reply", 16),
    ("address-mask-request", 17), ("address-mask-reply", 18),
  ])
  private static let icmpCodes = Symbols([
    ("net-unreachable", 0), ("host-unreachable", 1), ("prot-unreachable", 2), ("port-unreachable", 3),
    ("frag-needed", 4), ("net-prohibited", 9), ("host-prohibited", 10), ("admin-prohibited", 13),
  ])
  private static let icmpv6Types = Symbols([
    ("destination-unreachable", 1), ("packet-too-big", 2), ("time-exceeded", 3), ("parameter-problem", 4),
    ("echo-request", 128), ("echo-reply", 129), ("mld-listener-query", 130), ("mld-listener-report", 131),
    ("mld-listener-done", 132), ("mld-listener-reduction", 132), ("nd-router-solicit", 133), ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135), ("nd-neighbor-advert", 136), ("nd-redirect", 137), ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141), ("ind-neighbor-advert", 142), ("mld2-listener-report", 143),
  ])
  private static let icmpv6Codes = Symbols([
    ("no-route", 0), ("admin-prohibited", 1), ("addr-unreachable", 3), ("port-unreachable", 4), ("policy-fail", 5),
    ("reject-route", 6),
  ])
  private static let icmpxCodes = Symbols([
    ("no-route", 0), ("port-unreachable", 1), ("host-unreachable", 2), ("admin-prohibited", 3),
  ])
  /// RFC 9293 §3.1, RFC 3168 §6.1.
  private static let tcpFlags = Symbols([
    ("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128),
  ])

  private static let states = Symbols([
    ("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64),
  ])
  private static let directions = Symbols([("original", 0), ("reply", 1)])
  private static let statuses = Symbols([
    ("expected", 1), ("seen-reply", 2), ("assured", 4), ("confirmed", 8), ("snat", 16), ("dnat", 32), ("dying", 512),
  ])
  private static let events = Symbols([
    ("new", 1), ("related", 2), ("destroy", 4), ("reply", 8), ("assured", 16), ("protoinfo", 32), ("helper", 64),
    ("mark", 128), ("seqadj", 256), ("secmark", 512), ("label", 1024),
  ])
}

extension DataType {
  /// Values are sets of flags: a list of words is their sum, and to match means to have one of them.
  var isBitmask: Bool {
    switch self {
    case .tcpFlags, .connectionState, .connectionStatus, .connectionLabel, .connectionEvents: true
    default: false
    }
  }

  /// As nft's `type` names it; `nil`: it can only be told by an expression.
  var name: String? { Self.names.first { $0.type == self }?.name }

  static func named(_ name: String) -> DataType? { names.first { $0.name == name }?.type }

  /// Types of nft that nothing here has values of.
  static let foreign: Set<String> = [
    "realm", "classid", "tc_handle", "uid", "gid", "devgroup", "fib_addrtype", "mh_type", "igmp_type", "dccp_pkttype",
    "arp_op", "cgroupsv2", "iface_type", "day", "hour", "policy", "ll_addr", "rt_class", "icmpx", "bitmask",
  ]

  private static let names: [(name: String, type: DataType)] = [
    ("ipv4_addr", .ipv4Address), ("ipv6_addr", .ipv6Address), ("ether_addr", .etherAddress),
    ("ether_type", .etherType), ("inet_proto", .ipProtocol), ("inet_service", .service), ("ifname", .interfaceName),
    ("iface_index", .interfaceIndex), ("nf_proto", .networkFamily), ("pkt_type", .packetType), ("mark", .mark),
    ("dscp", .dscp), ("ecn", .ecn), ("icmp_type", .icmpType), ("icmp_code", .icmpCode),
    ("icmpv6_type", .icmpv6Type), ("icmpv6_code", .icmpv6Code), ("icmpx_code", .icmpxCode), ("tcp_flag", .tcpFlags),
    ("ct_state", .connectionState), ("ct_dir", .connectionDirection), ("ct_status", .connectionStatus),
    ("boolean", .boolean), ("time", .time),
    ("verdict", .verdict),
  ]

  /// What nft's faults call it.
  var title: String {
    switch self {
    case .integer, .hostInteger: "integer"
    case .ipv4Address: "IPv4 address"
    case .ipv6Address: "IPv6 address"
    case .etherAddress: "Ethernet address"
    case .etherType: "Ethernet protocol"
    case .ipProtocol: "Internet protocol"
    case .service: "internet network service"
    case .interfaceName: "network interface name"
    case .interfaceIndex: "network interface index"
    case .networkFamily: "netfilter protocol"
    case .packetType: "packet type"
    case .mark: "packet mark"
    case .dscp: "Differentiated Services Code Point"
    case .ecn: "Explicit Congestion Notification"
    case .icmpType: "ICMP type"
    case .icmpCode: "icmp code"
    case .icmpv6Type: "ICMPv6 type"
    case .icmpv6Code: "icmpv6 code"
    case .icmpxCode: "icmpx code"
    case .tcpFlags: "TCP flag"
    case .connectionState: "conntrack state"
    case .connectionDirection: "conntrack direction"
    case .connectionStatus: "conntrack status"
    case .connectionLabel: "conntrack label"
    case .connectionEvents: "conntrack event bits"
    case .boolean: "boolean type"
    case .time: "relative time"
    case .verdict: "netfilter verdict"
    }
  }

  /// The same values in the same width, however they are called.
  func matches(_ other: DataType) -> Bool {
    switch (self, other) {
    case (.integer(let left), .integer(let right)), (.hostInteger(let left), .hostInteger(let right)),
      (.integer(let left), .hostInteger(let right)), (.hostInteger(let left), .integer(let right)):
      left == right
    default: self == other
    }
  }
}
