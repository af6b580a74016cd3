// Words to numbers: what a value means depends on what it is compared with.

extension DataType {
  /// Words of the language that are values of one type whatever they are compared with. In a set of several elements
  /// and in maps nft takes them for numbers of any type.
  static let keywords: [String: DataType] = {
    let protocols = [
      "tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "igmp", "ah", "esp", "comp",
    ]
    var types = Dictionary(uniqueKeysWithValues: protocols.map { ($0, DataType.ipProtocol) })
    types["exists"] = .boolean
    types["missing"] = .boolean
    types["redirect"] = .icmpType
    return types
  }()

  var greatest: UInt128 { bits >= 128 ? .max : (1 << UInt128(bits)) - 1 }

  /// A constant, or a range of such.
  func range(_ node: Node) throws(Flaw) -> ClosedRange<UInt128> {
    switch node.form {
    case .prefix(let base, let length):
      guard self != .interfaceName, self != .connectionLabel else {
        throw Flaw(node.spot, "Prefix expression is undefined for \(title) types")
      }
      guard length <= UInt64(bits) else {
        throw Flaw(node.spot, "Prefix length \(length) is invalid for type of \(bits) bits width")
      }
      let value = try constant(base)
      let free = UInt128(bits) - UInt128(length)
      let mask: UInt128 = free >= 128 ? .max : (1 << free) - 1
      return (value & ~mask)...(value | mask)
    case .range(let first, let last):
      guard self != .interfaceName else { throw Flaw(node.spot, "Range expression is undefined for \(title) types") }
      let (lower, upper) = (try constant(first), try constant(last))
      guard lower <= upper else { throw Flaw(node.spot, "Range has zero or negative size") }
      return lower...upper
    case .word(let text), .quoted(let text):
      if self == .interfaceName, text.hasSuffix("*"), !text.hasSuffix("\\*") { return try wildcard(text, node.spot) }
      let value = try constant(node)
      return value...value
    default:
      let value = try constant(node)
      return value...value
    }
  }

  /// All names that begin so.
  private func wildcard(_ text: String, _ spot: Spot) throws(Flaw) -> ClosedRange<UInt128> {
    let bytes = text.utf8.dropLast()
    guard bytes.allSatisfy({ $0 >= 0x20 }) else { throw Flaw(spot, "Could not parse \(title)") }
    guard !bytes.isEmpty else { throw Flaw(spot, "All-wildcard strings are not supported") }
    guard bytes.count < 15 else { throw Flaw(spot, "String exceeds maximum length of 16") }
    let lower = Self.name(bytes)
    let free = UInt128(8 * (16 - bytes.count))
    return lower...(lower | ((1 << free) - 1))
  }

  private static func name(_ bytes: some Collection<UInt8>) -> UInt128 {
    bytes.reduce(0) { $0 << 8 | UInt128($1) } << UInt128(8 * (16 - bytes.count))
  }

  /// A single value.
  func constant(_ node: Node) throws(Flaw) -> UInt128 {
    switch node.form {
    case .number(let number):
      guard let number else { throw Flaw(node.spot, "Could not parse \(title)") }
      return try checked(number, node.spot)
    case .word(let text):
      if let type = DataType.keywords[text], type != self {
        throw Flaw(node.spot, "datatype mismatch, expected \(title), expression has type \(type.title)")
      }
      return try value(of: text, node.spot)
    case .quoted(let text): return try value(of: text, node.spot)
    case .binary(let operation, let left, let right): return try folded(operation, left, right)
    case .list(let parts):
      guard isBitmask else {
        throw Flaw(parts.first?.spot ?? node.spot, "Basetype of type \(title) is not bitmask")
      }
      var sum: UInt128 = 0
      for part in parts { sum |= try constant(part) }
      return sum
    case .prefix, .range: throw Flaw(node.spot, "A range cannot stand here")
    case .any: throw Flaw(node.spot, "Wildcard expression is not allowed here")
    case .concatenation(let parts):
      throw Flaw(parts.first?.spot ?? node.spot, "Can't parse symbolic invalid expressions")
    case .set: throw Flaw(node.spot, "A set cannot stand here")
    case .reference(let name): throw Flaw(node.spot, "A named set, here \(name), cannot stand here")
    case .field, .map, .verdict: throw Flaw(node.spot, "A constant is needed here")
    }
  }

  private func folded(_ operation: Node.Operator, _ left: Node, _ right: Node) throws(Flaw) -> UInt128 {
    let first = try constant(left)
    switch operation {
    case .and: return first & (try constant(right))
    case .or: return first | (try constant(right))
    case .xor: return first ^ (try constant(right))
    case .shiftLeft, .shiftRight:
      guard case .number(let number?) = right.form, number < 128 else {
        throw Flaw(right.spot, "Could not parse integer")
      }
      return operation == .shiftLeft ? (first << UInt128(number)) & greatest : first >> UInt128(number)
    }
  }

  private func checked(_ number: UInt64, _ spot: Spot) throws(Flaw) -> UInt128 {
    let value = UInt128(number)
    switch self {
    case .time:
      guard number <= UInt64(UInt32.max) else { throw Flaw(spot, "Could not parse relative time") }
      return value * 1000
    case .connectionLabel:
      // The number of a bit.
      guard number < 128 else { throw Flaw(spot, "\(number): bit \(number) out of range (128 max)") }
      return 1 << value
    case .interfaceName: return try self.value(of: "\(number)", spot)
    case .ipv6Address: throw Flaw(spot, "Could not resolve hostname: Address family for hostname not supported")
    case .etherAddress: throw Flaw(spot, "Invalid LL address")
    case .service where value > greatest: throw Flaw(spot, "Service out of range")
    case .ipProtocol where value > greatest: throw Flaw(spot, "Protocol out of range")
    default:
      guard value <= greatest else { throw Flaw(spot, "Value \(number) exceeds valid range 0-\(greatest)") }
      return value
    }
  }

  private func value(of text: String, _ spot: Spot) throws(Flaw) -> UInt128 {
    switch self {
    case .ipv4Address:
      if let value = IPAddress.four(text) { return UInt128(value) }
      throw Self.hostName(text, spot)
    case .ipv6Address:
      if let value = IPAddress.six(text) { return value }
      throw Self.hostName(text, spot)
    case .etherAddress:
      if let value = EthernetAddress.value(Array(text.utf8)) { return value }
      throw Flaw(spot, "Could not parse Ethernet address")
    case .service:
      if let value = Services.ports.value(text) ?? UInt16(text).map({ UInt128($0) }) { return value }
      throw Flaw(spot, "Could not resolve service: Servname not supported for ai_socktype")
    case .ipProtocol:
      if let value = Services.protocols.value(text) ?? Services.protocols.value(text.lowercased()) { return value }
      throw Flaw(spot, "Could not resolve protocol name")
    case .interfaceName:
      let name = text.hasSuffix("\\*") ? String(text.dropLast(2)) + "*" : text
      guard name.utf8.count < 16 else { throw Flaw(spot, "String exceeds maximum length of 16") }
      guard !name.isEmpty else { throw Flaw(spot, "Empty string is not allowed") }
      guard name.utf8.allSatisfy({ $0 >= 0x20 }) else { throw Flaw(spot, "Could not parse \(title)") }
      return Self.name(name.utf8)
    case .interfaceIndex: throw Flaw(spot, "Interface does not exist")
    case .time:
      guard let value = TimeText.milliseconds(text) else { throw Flaw(spot, "Could not parse relative time") }
      return UInt128(value)
    default: break
    }
    if let value = Symbols.of(self)?.value(text) { return value }
    throw Flaw(spot, "Could not parse \(title)")
  }

  /// nft asks the system for a host's addresses. What rules say is not to depend on who answers, and when.
  private static func hostName(_ text: String, _ spot: Spot) -> Flaw {
    let isName = text.utf8.allSatisfy {
      $0.isDigit || $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") || "-._".utf8.contains($0)
    }
    guard isName, !text.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ".") }) else {
      return Flaw(spot, "Could not resolve hostname: Name or service not known")
    }
    return Flaw.unsupported("The name of a host as an address", spot)
  }
}
