// Fields, by the words that name them.

extension Parser {
  /// `nil`: the next word begins none.
  mutating func field() throws(Flaw) -> FieldUse? {
    let word = next.text
    switch word {
    case "meta":
      at += 1
      return try meta()
    case "ct": return try connection()
    case "exthdr":
      at += 1
      guard next.kind == .word, let header = ExtensionHeader.named(next.text) else { throw unexpected() }
      at += 1
      return .exists(header)
    case "tcp" where peek(1).kind == .word && peek(1).text == "option": return try tcpOption()
    case "ip" where peek(1).kind == .word && peek(1).text == "option": throw Flaw.unsupported("ip option", spot)
    case "sctp" where peek(1).kind == .word && peek(1).text == "chunk": throw Flaw.unsupported("sctp chunk", spot)
    case "rt" where peek(1).kind == .word && ["nexthop", "classid", "mtu", "ipsec"].contains(peek(1).text),
      "rt" where peek(1).kind == .word && (peek(1).text == "ip" || peek(1).text == "ip6"):
      throw Flaw.unsupported("rt \(peek(1).text)", spot)
    case "hbh", "rt", "frag", "dst", "mh":
      guard let header = ExtensionHeader.named(word) else { return nil }
      at += 1
      guard next.kind == .word, let field = header.fields.first(where: { $0.name == next.text }) else {
        throw unexpected()
      }
      at += 1
      return .extensionField(header, field)
    case "mark", "iif", "iifname", "oif", "oifname", "pkttype", "nftrace": return try meta()
    default: break
    }
    guard let header = Header(rawValue: word) else {
      if Reserved.unsupported.contains(word) { throw Flaw.unsupported(word, spot) }
      return nil
    }
    at += 1
    guard next.kind == .word else { throw unexpected() }
    guard let field = header.field(next.text) else {
      if ["type", "chunk", "nexthdr", "taddr", "daddr"].contains(next.text), header == .dccp || header == .icmpv6 {
        throw Flaw.unsupported("\(word) \(next.text)", spot)
      }
      throw unexpected()
    }
    at += 1
    return .header(header, field)
  }

  private mutating func meta() throws(Flaw) -> FieldUse {
    guard next.kind == .word else { throw unexpected() }
    let use: FieldUse
    switch next.text {
    case "iifname": use = .meta(.inputName, .interfaceName)
    case "oifname": use = .meta(.outputName, .interfaceName)
    case "iif": use = .meta(.inputIndex, .interfaceIndex)
    case "oif": use = .meta(.outputIndex, .interfaceIndex)
    case "protocol": use = .meta(.etherType, .etherType)
    case "nfproto": use = .meta(.networkFamily, .networkFamily)
    case "l4proto": use = .meta(.transport, .ipProtocol)
    case "mark": use = .meta(.mark, .mark)
    case "length": use = .meta(.length, .hostInteger(bits: 32))
    case "pkttype": use = .meta(.packetType, .packetType)
    default:
      let known: Set = [
        "priority", "nftrace", "broute", "ibrpvid", "ibrvproto", "sdif", "sdifname", "ipsec", "secpath",
        "iifkind", "oifkind",
      ]
      if Reserved.unsupported.contains(next.text) || known.contains(next.text) {
        throw Flaw.unsupported("meta \(next.text)", spot)
      }
      throw Flaw(spot, "unknown meta key")
    }
    at += 1
    return use
  }

  /// `tcp option NAME FIELD`, `tcp option NAME` with `exists` or `missing` behind it, `tcp option @KIND,OFFSET,LENGTH`.
  private mutating func tcpOption() throws(Flaw) -> FieldUse {
    let start = spot
    at += 2
    if take(sign: "@") {
      let (kind, _) = try tcpOptionKind()
      try expect(sign: ",")
      let offset = try number()
      try expect(sign: ",")
      let length = try number()
      guard (1...64).contains(length), offset <= 320 - length else {
        throw Flaw.unsupported("So long a part of an option", start.through(lastSpot))
      }
      return .tcpOption(kind, HeaderField("", UInt16(offset), UInt16(length)))
    }
    let isNumber = next.kind == .number
    let (kind, block) = try tcpOptionKind()
    let fields = isNumber ? TCPOptionNames.fields(of: 255) : TCPOptionNames.fields(of: kind)
    if next.kind == .word, let field = fields.first(where: { $0.name == next.text }) {
      at += 1
      let isBlock = field.name == "left" || field.name == "right"
      return .tcpOption(kind, HeaderField(field.name, field.offset + (isBlock ? 64 * block : 0), field.length))
    }
    return .tcpOptionExists(kind)
  }

  /// By name or number; `sack1` and such also say which block of the option they mean.
  private mutating func tcpOptionKind() throws(Flaw) -> (kind: UInt8, block: UInt16) {
    if next.kind == .number {
      let number = try number()
      guard let kind = UInt8(exactly: number) else { throw Flaw(lastSpot, "value too large") }
      return (kind, 0)
    }
    guard next.kind == .word else { throw unexpected() }
    at += 1
    let word = tokens[at - 1].text
    if word.hasPrefix("sack"), let block = UInt16(word.dropFirst(4)), block < 4 { return (5, block) }
    guard let kind = TCPOptionNames.kind(word) else {
      at -= 1
      throw unexpected()
    }
    return (kind, 0)
  }

  /// `@nh,OFFSET,LENGTH`; `nil`: it names a set.
  mutating func rawPayload() throws(Flaw) -> FieldUse? {
    let bases: [String: Payload.Base] = ["ll": .link, "nh": .network, "th": .transport]
    guard peek(1).kind == .word, peek(2).kind == .sign, peek(2).text == ",", peek(3).kind == .number else { return nil }
    if peek(1).text == "ih" { throw Flaw.unsupported("@ih", spot) }
    guard let base = bases[peek(1).text] else { return nil }
    at += 3
    let offset = try number()
    try expect(sign: ",")
    let length = try number()
    guard offset <= 2048, (1...128).contains(length) else { throw Flaw.unsupported("So far a place", lastSpot) }
    return .raw(Payload(base, offset: UInt16(offset), length: UInt16(length)))
  }

  // MARK: ct

  private mutating func connection() throws(Flaw) -> FieldUse {
    at += 1
    var direction: FlowDirection?
    if next.kind == .word, let found = FlowDirection(rawValue: next.text) {
      direction = found
      at += 1
    }
    guard next.kind == .word else { throw unexpected() }
    var header: Header?
    if direction != nil, isWord("ip") || isWord("ip6") {
      header = isWord("ip") ? .ip : .ip6
      at += 1
    }
    let word = next.text
    guard next.kind == .word else { throw unexpected() }
    if let use = Self.connectionWord(word, direction, header) {
      at += 1
      return use
    }
    if ["helper", "secmark", "event", "timeout"].contains(word) { throw Flaw.unsupported("ct \(word)", spot) }
    throw header == nil && direction == nil ? Flaw(spot, "unknown ct key") : unexpected()
  }

  private static func connectionWord(_ word: String, _ direction: FlowDirection?, _ header: Header?) -> FieldUse? {
    if let direction, word == "saddr" || word == "daddr" {
      return .address(direction, isSource: word == "saddr", header)
    }
    guard header == nil else { return nil }
    switch word {
    case "l3proto": return .connection(.networkFamily(direction), .networkFamily)
    case "protocol": return .connection(.transport(direction), .ipProtocol)
    case "zone": return .connection(.zone(direction), .hostInteger(bits: 16))
    case "packets": return .connection(.packets(direction), .hostInteger(bits: 64))
    case "bytes": return .connection(.bytes(direction), .hostInteger(bits: 64))
    case "avgpkt": return .connection(.averageLength(direction), .hostInteger(bits: 64))
    default: break
    }
    if let direction {
      switch word {
      case "proto-src": return .port(direction, isSource: true)
      case "proto-dst": return .port(direction, isSource: false)
      default: return nil
      }
    }
    switch word {
    case "state": return .connection(.state, .connectionState)
    case "direction": return .connection(.direction, .connectionDirection)
    case "status": return .connection(.status, .connectionStatus)
    case "mark": return .connection(.mark, .mark)
    case "expiration": return .connection(.expiration, .time)
    case "id": return .connection(.id, .integer(bits: 32))
    case "label": return .connection(.labels, .connectionLabel)
    default: return nil
    }
  }
}
