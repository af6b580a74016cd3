/// Makes one rule's tree of its words. What a packet must be for a field to exist becomes a match of its own before the
/// one that reads it, as nft adds it, unless the rule has already said so.
struct Evaluator {
  let workspace: Workspace
  let table: Int
  let family: Family
  /// Of `typeof`, which reads nothing.
  var isTypeof = false

  var statements: [Statement] = []
  /// What is known of the packet by now.
  private var link: Header?
  private var network: Header?
  private var transport: UInt8?
  /// The types of ICMP message that can still be.
  private var messages: [UInt8]?

  init(_ workspace: Workspace, table: Int) {
    self.workspace = workspace
    self.table = table
    family = workspace.ruleset.tables[table].family
    switch family {
    case .ip: network = .ip
    case .ip6: network = .ip6
    case .inet, .netdev: break
    }
  }

  // MARK: Dependencies

  private mutating func imply(_ field: Field, _ value: UInt128) {
    guard !isTypeof else { return }
    statements.append(.match(Match(.field(field), .equal, .value(Key(value)), isImplicit: true)))
  }

  private static func conflict(_ old: String, _ new: String, _ spot: Spot) -> Flaw {
    Flaw(spot, "conflicting protocols specified: \(old) vs. \(new)")
  }

  private static func title(transport: UInt8) -> String {
    Header.of(transport: transport)?.rawValue ?? Services.protocols.word(UInt128(transport)) ?? "\(transport)"
  }

  mutating func require(_ header: Header, _ spot: Spot) throws(Flaw) {
    guard !isTypeof else { return }
    switch header {
    case .ip, .ip6: try requireNetwork(header, spot)
    case .ether: if link == nil { link = .ether }
    case .vlan:
      if link != .vlan { imply(.payload(Payload(.link, offset: 96, length: 16)), 0x8100) }
      link = .vlan
    case .th: break
    default:
      guard let number = header.transport else { return }
      if let transport {
        guard transport == number else {
          throw Self.conflict(Self.title(transport: transport), header.rawValue, spot)
        }
        return
      }
      if header == .icmp, network == nil { try requireNetwork(.ip, spot) }
      if header == .icmpv6, network == nil { try requireNetwork(.ip6, spot) }
      imply(.transport, UInt128(number))
      transport = number
    }
  }

  mutating func requireNetwork(_ header: Header, _ spot: Spot) throws(Flaw) {
    if isTypeof { return }
    if let network {
      guard network == header else { throw Self.conflict(network.rawValue, header.rawValue, spot) }
      return
    }
    network = header
    let etherType: UInt128 = header == .ip ? 0x0800 : 0x86dd
    if link == .vlan {
      imply(.payload(Payload(.link, offset: 128, length: 16)), etherType)
    } else if family == .inet {
      imply(.networkFamily, header == .ip ? 2 : 10)
    } else {
      imply(.etherType, etherType)
    }
  }

  private mutating func requireMessage(_ header: Header, _ field: HeaderField) {
    let types = header.messageTypes(of: field.name)
    guard !types.isEmpty, !isTypeof else { return }
    if let messages, messages.allSatisfy(types.contains) { return }
    messages = types
    let type = Expression.field(.payload(Payload(.transport, offset: 0, length: 8)))
    if types.count == 1 {
      statements.append(.match(Match(type, .equal, .value(Key(UInt128(types[0]))), isImplicit: true)))
      return
    }
    var set = AnonymousSet(key: [header == .icmp ? .icmpType : .icmpv6Type])
    set.elements = types.map { Element(Key(UInt128($0))) }
    statements.append(.match(Match(type, .equal, .set(.anonymous(set)), isImplicit: true)))
  }

  /// What a match says about the packet to those behind it.
  mutating func learn(_ left: Node, _ value: UInt128) {
    guard case .field(let use) = left.form else { return }
    let byte = UInt8(truncatingIfNeeded: value)
    switch use {
    case .meta(.transport, _): transport = byte
    case .meta(.networkFamily, _): network = byte == 2 ? .ip : byte == 10 ? .ip6 : network
    case .meta(.etherType, _) where family == .netdev: learn(etherType: value)
    case .header(.ip, let field) where field.name == "protocol": transport = byte
    case .header(.ip6, let field) where field.name == "nexthdr": transport = byte
    case .header(.ether, let field) where field.name == "type":
      if value == 0x8100 { link = .vlan } else { learn(etherType: value) }
    case .header(.vlan, let field) where field.name == "type": learn(etherType: value)
    case .header(.icmp, let field) where field.name == "type": messages = [byte]
    case .header(.icmpv6, let field) where field.name == "type": messages = [byte]
    default: break
    }
  }

  private mutating func learn(etherType: UInt128) {
    guard network == nil else { return }
    network = etherType == 0x0800 ? .ip : etherType == 0x86dd ? .ip6 : nil
  }

  // MARK: Reject

  mutating func reject(_ node: RejectNode?, _ spot: Spot) throws(Flaw) -> Reject {
    guard let node else { return Reject() }
    guard let code = node.code else {
      if let transport, transport != 6 { throw Flaw(spot, "you cannot use tcp reset with this protocol") }
      if transport == nil {
        imply(.transport, 6)
        transport = 6
      }
      return Reject(with: node.kind.rawValue)
    }
    let type: DataType
    switch node.kind {
    case .icmp: type = .icmpCode
    case .icmpv6: type = .icmpv6Code
    case .icmpx, .reset: type = .icmpxCode
    }
    let value = try type.constant(code)
    switch node.kind {
    case .icmp, .icmpv6:
      let header: Header = node.kind == .icmp ? .ip : .ip6
      if let network, network != header {
        throw Flaw(
          code.spot, "conflicting protocols specified: \(network.rawValue) vs \(header.rawValue)", related: spot)
      }
      try requireNetwork(header, code.spot)
    case .icmpx, .reset:
      guard family == .inet || family == .netdev else {
        throw Flaw(code.spot, "abstracted ICMP unreachable not supported", related: spot)
      }
    }
    return Reject(with: "\(node.kind.rawValue) \(type.text(value, ListOptions()))")
  }

  // MARK: Fields

  mutating func field(_ use: FieldUse, _ spot: Spot) throws(Flaw) -> (Field, DataType) {
    switch use {
    case .header(let header, let field):
      try require(header, spot)
      requireMessage(header, field)
      return (.payload(Payload(header.base, offset: field.offset, length: field.length)), field.type)
    case .raw(let payload): return (.payload(payload), rawType(payload))
    case .exists(let header):
      try requireExtension(spot)
      return (.exists(header), .boolean)
    case .extensionField(let header, let field):
      try requireExtension(spot)
      return (.extensionField(header, Payload(.network, offset: field.offset, length: field.length)), field.type)
    case .tcpOptionExists(let kind): return (.tcpOptionExists(kind), .boolean)
    case .tcpOption(let kind, let field):
      return (.tcpOption(kind, offset: field.offset, length: field.length), field.type)
    case .meta(let field, let type):
      if field == .networkFamily, family == .ip || family == .ip6, !isTypeof {
        throw Flaw(spot, "meta nfproto is only useful in the inet family")
      }
      return (field, type)
    case .connection(let field, let type): return (.connection(field), type)
    case .address(let direction, let isSource, let header): return try address(direction, isSource, header, spot)
    case .port(let direction, let isSource):
      guard transport != nil || isTypeof else { throw Flaw(spot, "Can't parse symbolic invalid expressions") }
      return (.connection(isSource ? .sourcePort(direction) : .destinationPort(direction)), .service)
    }
  }

  /// A raw place has the type of the field that lies there, as nft lists it by that name.
  private func rawType(_ payload: Payload) -> DataType {
    let header: Header? =
      switch payload.base {
      case .link: .ether
      case .network: network
      case .transport: transport.flatMap { Header.of(transport: $0) } ?? .th
      }
    let type = header?.field(at: payload.offset, payload.length)?.type
    return type.map { $0.isBitmask || $0 == .ipv6Address ? .integer(bits: payload.length) : $0 }
      ?? .integer(bits: payload.length)
  }

  private mutating func requireExtension(_ spot: Spot) throws(Flaw) {
    if isTypeof { return }
    if network == .ip { throw Flaw(spot, "cannot use exthdr with ip") }
    try requireNetwork(.ip6, spot)
  }

  private mutating func address(
    _ direction: FlowDirection, _ isSource: Bool, _ header: Header?, _ spot: Spot
  ) throws(Flaw) -> (Field, DataType) {
    if let header, let network, header != network, !isTypeof {
      throw Self.conflict(network.rawValue, header.rawValue, spot)
    }
    guard let kind = header ?? network else {
      throw Flaw(spot, "cannot determine ip protocol version, use \"ip saddr\" or \"ip6 saddr\" instead")
    }
    if kind == .ip {
      return (.connection(isSource ? .source4(direction) : .destination4(direction)), .ipv4Address)
    }
    return (.connection(isSource ? .source6(direction) : .destination6(direction)), .ipv6Address)
  }
}
