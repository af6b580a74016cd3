// Words to numbers: what a value means depends on what it is compared with.

extension DataType {
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
    guard bytes.count < 16 else { throw Flaw(spot, "String exceeds maximum length of 16") }
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
    case .word(let text), .quoted(let text): return try value(of: text, node.spot)
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
      throw Flaw(spot, "Could not resolve hostname: Name or service not known")
    case .ipv6Address:
      if let value = IPAddress.six(text) { return value }
      throw Flaw(spot, "Could not resolve hostname: Name or service not known")
    case .etherAddress:
      if let value = EthernetAddress.value(Array(text.utf8)) { return value }
      throw Flaw(spot, "Could not parse Ethernet address")
    case .service:
      if let value = Services.ports.value(text) { return value }
      throw Flaw(spot, "Could not resolve service: Servname not supported for ai_socktype")
    case .ipProtocol:
      if let value = Services.protocols.value(text) ?? Services.protocols.value(text.lowercased()) { return value }
      throw Flaw(spot, "Could not resolve protocol name")
    case .interfaceName:
      let name = text.hasSuffix("\\*") ? String(text.dropLast(2)) + "*" : text
      guard name.utf8.count < 16 else { throw Flaw(spot, "String exceeds maximum length of 16") }
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
}
