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
  /// Of several that a match allows, the others.
  private var otherTransports: [UInt8] = []
  private var isARP = false
  /// A tag is said to be behind the tag.
  private var isStacked = false
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
      if isStacked { throw Flaw.unsupported("A second VLAN tag", spot) }
      if link == .ether, family == .ip || family == .ip6 { throw Self.conflict("ether", "vlan", spot) }
      if link != .vlan { imply(.payload(Payload(.link, offset: 96, length: 16)), 0x8100) }
      link = .vlan
    case .th: break
    default:
      guard let number = header.transport else { return }
      if let transport {
        for known in [transport] + otherTransports where known != number {
          throw Self.conflict(Self.title(transport: known), header.rawValue, spot)
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
    if isARP { throw Self.conflict("arp", header.rawValue, spot) }
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

  private mutating func requireMessage(_ header: Header, _ field: HeaderField, _ spot: Spot) throws(Flaw) {
    let types = header.messageTypes(of: field.name)
    guard !types.isEmpty, !isTypeof else { return }
    if let messages {
      guard messages.allSatisfy(types.contains) else {
        throw Flaw(spot, "incompatible icmp match: rule has \(messages[0]), need \(types[0])")
      }
      return
    }
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

  /// What a set says whose element the packet is: as nft has it, the last counts, but none may be in the way.
  mutating func learn(_ left: Node, _ elements: [Element]) {
    guard case .field(let use) = left.form else { return }
    var known: [UInt8] = []
    for element in elements {
      guard let key = element.key, key.isExact, let value = key.parts.first?.lowerBound else { continue }
      switch use {
      case .header(.icmp, _), .header(.icmpv6, _): return
      default: learn(left, value)
      }
      if let transport, known.last != transport { known.append(transport) }
    }
    otherTransports = known.dropLast()
  }

  /// What a match says about the packet to those behind it.
  mutating func learn(_ left: Node, _ value: UInt128) {
    guard case .field(let use) = left.form else { return }
    let byte = UInt8(truncatingIfNeeded: value)
    switch use {
    case .meta(.transport, _): transport = byte
    case .meta(.networkFamily, _): network = byte == 2 ? .ip : byte == 10 ? .ip6 : network
    case .meta(.etherType, _) where family == .netdev: learn(etherType: value)
    case .header(.ip, let field) where field.name == "protocol" && Header.of(transport: byte) != nil: transport = byte
    case .header(.ip6, let field) where field.name == "nexthdr" && Header.of(transport: byte) != nil: transport = byte
    case .header(.ether, let field) where field.name == "type":
      if [0x8100, 0x88a8].contains(value) { link = .vlan } else { learn(etherType: value) }
    case .header(.vlan, let field) where field.name == "type":
      if [0x8100, 0x88a8].contains(value) { isStacked = true } else { learn(etherType: value) }
    case .header(.icmp, let field) where field.name == "type": messages = [byte]
    case .header(.icmpv6, let field) where field.name == "type": messages = [byte]
    default: break
    }
  }

  private mutating func learn(etherType: UInt128) {
    switch etherType {
    case 0x0800: network = .ip
    case 0x0806: isARP = true
    case 0x86dd: network = .ip6
    default: break
    }
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
    if case .number(let number?) = code.form, number > 255 { throw Flaw.unsupported("So large a code", code.spot) }
    let value = try type.constant(code)
    switch node.kind {
    case .icmp, .icmpv6:
      let header: Header = node.kind == .icmp ? .ip : .ip6
      let network = family == .ip ? .ip : family == .ip6 ? .ip6 : network
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
      try requireMessage(header, field, spot)
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
      if field == .networkFamily, family != .inet, !isTypeof {
        throw Flaw(spot, "meta nfproto is only useful in the inet family")
      }
      return (field, type)
    case .connection(let field, let type):
      try requireTracking(spot)
      return (.connection(field), type)
    case .address(let direction, let isSource, let header): return try address(direction, isSource, header, spot)
    case .port(let direction, let isSource):
      try requireTracking(spot)
      if isTypeof { throw Flaw.unsupported("typeof of a connection's port", spot) }
      guard transport != nil else { throw Flaw(spot, "Can't parse symbolic invalid expressions") }
      return (.connection(isSource ? .sourcePort(direction) : .destinationPort(direction)), .service)
    }
  }

  /// A raw place is a number; of a transport header it has the type of the field that lies there, as nft has it.
  private func rawType(_ payload: Payload) -> DataType {
    guard payload.base == .transport else { return .integer(bits: payload.length) }
    let header = transport.flatMap { Header.of(transport: $0) } ?? .th
    guard let type = header.field(at: payload.offset, payload.length)?.type, !type.isBitmask else {
      return .integer(bits: payload.length)
    }
    return type
  }

  private mutating func requireExtension(_ spot: Spot) throws(Flaw) {
    if isTypeof { return }
    if network == .ip { throw Flaw(spot, "cannot use exthdr with ip") }
    guard network == nil else { return }
    network = .ip6
    // Unlike others it is asked before all else: what is counted in front of the match are IPv6 packets, too.
    let field: Field = family == .inet ? .networkFamily : .etherType
    let value: UInt128 = family == .inet ? 10 : 0x86dd
    statements.insert(.match(Match(.field(field), .equal, .value(Key(value)), isImplicit: true)), at: 0)
  }

  /// Before its port's own rules a packet has no connection: the kernel refuses `ct` there.
  func requireTracking(_ spot: Spot) throws(Flaw) {
    guard family == .netdev, !isTypeof else { return }
    throw Flaw(spot, "Could not process rule: Protocol error")
  }

  private mutating func address(
    _ direction: FlowDirection, _ isSource: Bool, _ header: Header?, _ spot: Spot
  ) throws(Flaw) -> (Field, DataType) {
    try requireTracking(spot)
    if let header, let network, header != network, !isTypeof {
      throw Self.conflict(network.rawValue, header.rawValue, spot)
    }
    guard let kind = header ?? (isTypeof ? nil : network) else {
      throw Flaw(spot, "cannot determine ip protocol version, use \"ip saddr\" or \"ip6 saddr\" instead")
    }
    if kind == .ip {
      return (.connection(isSource ? .source4(direction) : .destination4(direction)), .ipv4Address)
    }
    return (.connection(isSource ? .source6(direction) : .destination6(direction)), .ipv6Address)
  }
}
