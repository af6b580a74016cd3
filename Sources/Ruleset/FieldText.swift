// What fields are called.

extension FieldUse {
  /// As it is written, without regard to a rule.
  var words: String {
    switch self {
    case .header(let header, let field): return "\(header.rawValue) \(field.name)"
    case .raw(let payload): return payload.words
    case .exists(let header): return "exthdr \(header.name)"
    case .extensionField(let header, let field): return "\(header.name) \(field.name)"
    case .tcpOptionExists(let kind): return TCPOptionText.words(kind)
    case .tcpOption(let kind, let field): return TCPOptionText.words(kind, field.offset, field.length)
    case .meta(let field, _): return field.metaWords ?? ""
    case .connection(let field, _): return field.words
    case .address(let direction, let isSource, let header):
      let family = header.map { "\($0.rawValue) " } ?? ""
      return "ct \(direction.rawValue) \(family)\(isSource ? "saddr" : "daddr")"
    case .port(let direction, let isSource): return "ct \(direction.rawValue) \(isSource ? "proto-src" : "proto-dst")"
    }
  }
}

extension Payload {
  var words: String {
    let base =
      switch base {
      case .link: "ll"
      case .network: "nh"
      case .transport: "th"
      }
    return "@\(base),\(offset),\(length)"
  }
}

enum TCPOptionText {
  static func words(_ kind: UInt8) -> String { "tcp option \(TCPOptionNames.name(kind) ?? "\(kind)")" }

  static func words(_ kind: UInt8, _ offset: UInt16, _ length: UInt16) -> String {
    // The blocks of a selective acknowledgement lie behind each other.
    let block = kind == 5 && offset >= 80 ? (offset - 16) / 64 : 0
    let fields = TCPOptionNames.fields(of: kind)
    if let field = fields.first(where: { $0.offset + 64 * block == offset && $0.length == length }) {
      return "tcp option \(block > 0 ? "sack\(block)" : TCPOptionNames.name(kind) ?? "\(kind)") \(field.name)"
    }
    return "tcp option @\(kind),\(offset),\(length)"
  }
}

extension Field {
  /// `nil`: it is no field of `meta`.
  var metaWords: String? {
    switch self {
    case .inputName: "iifname"
    case .outputName: "oifname"
    case .inputIndex: "iif"
    case .outputIndex: "oif"
    case .etherType: "meta protocol"
    case .networkFamily: "meta nfproto"
    case .transport: "meta l4proto"
    case .mark: "meta mark"
    case .length: "meta length"
    case .packetType: "meta pkttype"
    default: nil
    }
  }
}

extension ConnectionField {
  var words: String {
    func directed(_ direction: FlowDirection?, _ word: String) -> String {
      direction.map { "ct \($0.rawValue) \(word)" } ?? "ct \(word)"
    }
    return switch self {
    case .state: "ct state"
    case .direction: "ct direction"
    case .status: "ct status"
    case .mark: "ct mark"
    case .expiration: "ct expiration"
    case .id: "ct id"
    case .labels: "ct label"
    case .zone(let direction): directed(direction, "zone")
    case .networkFamily(let direction): directed(direction, "l3proto")
    case .transport(let direction): directed(direction, "protocol")
    case .source4(let direction): directed(direction, "ip saddr")
    case .destination4(let direction): directed(direction, "ip daddr")
    case .source6(let direction): directed(direction, "ip6 saddr")
    case .destination6(let direction): directed(direction, "ip6 daddr")
    case .sourcePort(let direction): directed(direction, "proto-src")
    case .destinationPort(let direction): directed(direction, "proto-dst")
    case .packets(let direction): directed(direction, "packets")
    case .bytes(let direction): directed(direction, "bytes")
    case .averageLength(let direction): directed(direction, "avgpkt")
    }
  }

  var type: DataType {
    switch self {
    case .state: .connectionState
    case .direction: .connectionDirection
    case .status: .connectionStatus
    case .mark: .mark
    case .expiration: .time
    case .id: .integer(bits: 32)
    case .labels: .connectionLabel
    case .zone: .hostInteger(bits: 16)
    case .networkFamily: .networkFamily
    case .transport: .ipProtocol
    case .source4, .destination4: .ipv4Address
    case .source6, .destination6: .ipv6Address
    case .sourcePort, .destinationPort: .service
    case .packets, .bytes, .averageLength: .hostInteger(bits: 64)
    }
  }
}

extension KeyNode {
  /// Of `typeof`.
  var words: [String] {
    guard case .expression(let node) = self else { return [] }
    if case .concatenation(let parts) = node.form { return parts.map(\.words) }
    return [node.words]
  }
}

extension Node {
  fileprivate var words: String {
    if case .field(let use) = form { use.words } else { "" }
  }
}

/// What is known of the packets that a rule still looks at, from its matches so far: by it a place in a header has a
/// name.
struct Surroundings {
  private var link: Header?
  private var network: Header?
  private var transport: UInt8?
  private var messages: [UInt8] = []
  private let family: Family

  init(_ family: Family) {
    self.family = family
    network = family == .ip ? .ip : family == .ip6 ? .ip6 : nil
  }

  mutating func learn(_ match: Match) {
    guard match.relation == .equal, case .field(let field) = match.left else { return }
    if case .set(.anonymous(let set)) = match.right, match.isImplicit, header(of: field)?.field.name == "type" {
      messages = set.elements.compactMap { $0.key?.parts.first }.map { UInt8(truncatingIfNeeded: $0.lowerBound) }
    }
    guard case .value(let key) = match.right, key.isExact, let value = key.parts.first?.lowerBound else { return }
    let byte = UInt8(truncatingIfNeeded: value)
    switch field {
    case .networkFamily: network = byte == 2 ? .ip : byte == 10 ? .ip6 : network
    case .etherType where family == .netdev: learn(etherType: value)
    case .transport: transport = byte
    case .payload(let payload): learn(payload, value)
    default: break
    }
  }

  private mutating func learn(_ payload: Payload, _ value: UInt128) {
    let byte = UInt8(truncatingIfNeeded: value)
    guard let (header, field) = header(of: .payload(payload)) else { return }
    switch (header, field.name) {
    case (.ether, "type"): if [0x8100, 0x88a8].contains(value) { link = .vlan } else { learn(etherType: value) }
    case (.vlan, "type"): learn(etherType: value)
    case (.ip, "protocol"), (.ip6, "nexthdr"): transport = byte
    case (.icmp, "type"), (.icmpv6, "type"): messages = [byte]
    default: break
    }
  }

  private mutating func learn(etherType: UInt128) {
    if etherType == 0x0800 { network = .ip }
    if etherType == 0x86dd { network = .ip6 }
  }

  /// Whose field it is; `nil`: no header has it, or none that is known.
  func header(of field: Field) -> (header: Header, field: HeaderField)? {
    guard case .payload(let payload) = field else { return nil }
    let candidates: [Header] =
      switch payload.base {
      case .link: link == .vlan ? [.ether, .vlan] : [.ether]
      case .network: network.map { [$0] } ?? []
      case .transport: (transport.flatMap { Header.of(transport: $0) }.map { [$0] } ?? []) + [.th]
      }
    for header in candidates {
      let fields = header.fields.filter { $0.offset == payload.offset && $0.length == payload.length }
      // Messages of different types have different fields at one place.
      let fitting = fields.first {
        let types = header.messageTypes(of: $0.name)
        return !types.isEmpty && !messages.isEmpty && messages.allSatisfy(types.contains)
      }
      if let field = fitting ?? fields.first { return (header, field) }
    }
    return nil
  }

  func words(_ field: Field) -> String {
    switch field {
    case .payload(let payload):
      guard let (header, field) = header(of: field) else { return payload.words }
      return "\(header.rawValue) \(field.name)"
    case .exists(let header): return "exthdr \(header.name)"
    case .extensionField(let header, let payload):
      let field = header.fields.first { $0.offset == payload.offset && $0.length == payload.length }
      return "\(header.name) \(field?.name ?? payload.words)"
    case .tcpOptionExists(let kind): return TCPOptionText.words(kind)
    case .tcpOption(let kind, let offset, let length): return TCPOptionText.words(kind, offset, length)
    case .connection(let field): return field.words
    default: return field.metaWords ?? ""
    }
  }

  func type(_ field: Field) -> DataType {
    switch field {
    case .inputName, .outputName: return .interfaceName
    case .inputIndex, .outputIndex: return .interfaceIndex
    case .etherType: return .etherType
    case .networkFamily: return .networkFamily
    case .transport: return .ipProtocol
    case .mark: return .mark
    case .length: return .hostInteger(bits: 32)
    case .packetType: return .packetType
    case .payload(let payload): return header(of: field)?.field.type ?? .integer(bits: payload.length)
    case .exists, .tcpOptionExists: return .boolean
    case .extensionField(let header, let payload):
      let field = header.fields.first { $0.offset == payload.offset && $0.length == payload.length }
      return field?.type ?? .integer(bits: payload.length)
    case .tcpOption(_, _, let length): return .integer(bits: length)
    case .connection(let field): return field.type
    }
  }

  func types(_ expression: Expression) -> [DataType] {
    switch expression {
    case .concatenation(let parts): parts.flatMap { types($0) }
    case .field(let field): [type(field)]
    case .constant(_, let type): [type]
    case .and(let inner, _), .or(let inner, _), .xor(let inner, _), .shiftLeft(let inner, _), .shiftRight(let inner, _):
      types(inner)
    case .map(_, .anonymous(let map)): if case .value(let types)? = map.data { types } else { [] }
    case .map(_, .named): []
    }
  }
}
