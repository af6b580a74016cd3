internal import Ruleset

extension Compiler {
  // MARK: Matches

  mutating func compile(_ match: Match) throws(RuleCompileError) {
    if case .value(let key) = match.right, key.parts.count == 1, compileShort(match, key.parts[0]) { return }
    if case .set(let reference) = match.right, case .field(let field) = match.left, field.bits <= 64 {
      guard match.relation == .equal || match.relation == .notEqual else { throw fail("a set is equal, or not") }
      var step = Instruction(.inSet)
      step.load = load(field)
      step.isNegated = match.relation == .notEqual
      step.a = try set(reference)
      code.append(step)
      return
    }
    let parts = try push(match.left)
    var step: Instruction
    switch match.right {
    case .set(let reference):
      guard match.relation == .equal || match.relation == .notEqual else { throw fail("a set is equal, or not") }
      step = Instruction(.topInSet)
      step.isNegated = match.relation == .notEqual
      step.a = try set(reference)
    case .value(let key):
      step = try compileKey(match.relation, key, parts: parts)
    case .expression(let right):
      guard try push(right) == parts else { throw fail("values of different parts are compared") }
      step = Instruction(.compare)
      step.x = [
        Match.Relation.equal: 0, .notEqual: 1, .less: 2, .lessOrEqual: 3, .greater: 4, .greaterOrEqual: 5, .anyBit: 6,
        .noBit: 7,
      ][match.relation]!
      step.y = UInt64(parts)
    }
    code.append(step)
  }

  /// A field, or some of its bits, against a value of at most 64 bits: one instruction. False: it is no such match.
  private mutating func compileShort(_ match: Match, _ value: ClosedRange<UInt128>) -> Bool {
    switch match.left {
    case .field(let field):
      if let ports = portMask(field, match.relation, value) {
        code.append(ports)
        return true
      }
      guard field.bits <= 64 else { return false }
      var step: Instruction
      switch match.relation {
      case .anyBit, .noBit:
        step = Instruction(.anyBit)
        step.x = UInt64(truncatingIfNeeded: value.lowerBound)
        step.isNegated = match.relation == .noBit
      default:
        let range = Compiler.range(match.relation, value)
        step = Instruction(.range)
        step.isNegated = match.relation == .notEqual
        if let range, range.lowerBound <= UInt128(UInt64.max) {
          step.x = UInt64(range.lowerBound)
          step.y = UInt64(clamping: range.upperBound)
        } else {
          (step.x, step.y) = (1, 0)
        }
      }
      step.load = load(field)
      code.append(step)
      return true
    case .and(.field(let field), .constant(let mask, _)), .and(.constant(let mask, _), .field(let field)):
      guard field.bits <= 64, value.lowerBound == value.upperBound else { return false }
      guard match.relation == .equal || match.relation == .notEqual else { return false }
      var step = Instruction(.masked)
      step.load = load(field)
      step.x = UInt64(truncatingIfNeeded: mask)
      step.y = UInt64(truncatingIfNeeded: value.lowerBound)
      step.isNegated = match.relation == .notEqual
      // No field has more bits: nothing equals such a value.
      if value.lowerBound > UInt128(UInt64.max) { (step.x, step.y) = (0, 1) }
      code.append(step)
      return true
    default: return false
    }
  }

  /// The values that a relation allows, but for `notEqual`, which allows all others; `nil`: none.
  static func range(_ relation: Match.Relation, _ value: ClosedRange<UInt128>) -> ClosedRange<UInt128>? {
    let bound = value.lowerBound
    switch relation {
    case .less: return bound == 0 ? nil : 0...bound - 1
    case .lessOrEqual: return 0...bound
    case .greater: return bound == .max ? nil : bound + 1 ... .max
    case .greaterOrEqual: return bound ... .max
    default: return value
    }
  }

  /// An interface's name as bits of port numbers.
  private func portMask(
    _ field: PacketField, _ relation: Match.Relation, _ value: ClosedRange<UInt128>
  ) -> Instruction? {
    guard field == .inputName || field == .outputName, relation == .equal || relation == .notEqual, ports.count <= 64
    else { return nil }
    var step = Instruction(.port)
    for port in ports.indices where value.contains(ports.paddedName(UInt16(port))) { step.x |= 1 << UInt64(port) }
    step.y = value.contains(0) ? 1 : 0
    step.a = field == .inputName ? 0 : 1
    step.isNegated = relation == .notEqual
    return step
  }

  private mutating func compileKey(
    _ relation: Match.Relation, _ key: Key, parts: Int
  ) throws(RuleCompileError) -> Instruction {
    guard key.parts.count == parts, parts > 0 else { throw fail("\(parts) values against \(key.parts.count)") }
    var step: Instruction
    if relation == .anyBit || relation == .noBit {
      step = Instruction(.topAnyBit)
      step.isNegated = relation == .noBit
      step.a = place(of: Compiler.words(of: key.parts[0].lowerBound))
    } else if parts == 1 {
      step = Instruction(.topRange)
      step.isNegated = relation == .notEqual
      let range = Compiler.range(relation, key.parts[0])
      step.a = place(
        of: Compiler.words(of: range?.lowerBound ?? 1) + Compiler.words(of: range?.upperBound ?? 0))
    } else {
      guard relation == .equal || relation == .notEqual else { throw fail("parts are equal, or not") }
      step = Instruction(.topKey)
      step.isNegated = relation == .notEqual
      step.x = UInt64(parts)
      step.a = place(of: key.parts.flatMap { Compiler.words(of: $0.lowerBound) + Compiler.words(of: $0.upperBound) })
    }
    return step
  }

  static func words(of value: UInt128) -> [UInt64] {
    [UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value >> 64)]
  }

  // MARK: Expressions

  /// Puts a value on the stack; of how many parts.
  mutating func push(_ expression: Expression) throws(RuleCompileError) -> Int {
    func operate(_ operation: Operation, _ a: Expression, _ b: Expression) throws(RuleCompileError) -> Int {
      guard try push(a) == 1, try push(b) == 1 else { throw fail("bits of several values at once") }
      code.append(Instruction(operation))
      return 1
    }
    switch expression {
    case .field(let field):
      var step = Instruction(.push)
      step.load = load(field)
      code.append(step)
      return 1
    case .constant(let value, _):
      var step = Instruction(.pushConstant)
      step.x = UInt64(truncatingIfNeeded: value)
      step.y = UInt64(truncatingIfNeeded: value >> 64)
      code.append(step)
      return 1
    case .and(let a, let b): return try operate(.and, a, b)
    case .or(let a, let b): return try operate(.or, a, b)
    case .xor(let a, let b): return try operate(.xor, a, b)
    case .shiftLeft(let a, let bits), .shiftRight(let a, let bits):
      guard try push(a) == 1 else { throw fail("bits of several values at once") }
      var step = Instruction(.shiftRight)
      if case .shiftLeft = expression { step = Instruction(.shiftLeft) }
      step.x = UInt64(bits)
      step.y = UInt64(a.registerBits)
      code.append(step)
      return 1
    case .concatenation(let all):
      var parts = 0
      for part in all { parts += try push(part) }
      guard parts <= 16 else { throw fail("more than 16 parts") }
      return parts
    case .map(let key, let reference):
      let parts = try push(key)
      var step = Instruction(.map)
      step.a = try set(reference)
      step.x = UInt64(parts)
      code.append(step)
      return Int(words[Int(step.a) + SetWords.data])
    }
  }

  /// Where a field's value comes from.
  mutating func load(_ field: PacketField) -> Load {
    noteNeeds(field)
    return Compiler.load(field, isNetdev: table.family == .netdev)
  }

  static func load(_ field: PacketField, isNetdev: Bool) -> Load {
    var load = Load()
    switch field {
    case .inputName: load.kind = .inputName
    case .outputName: load.kind = .outputName
    case .inputIndex: load.kind = .inputIndex
    case .outputIndex: load.kind = .outputIndex
    case .etherType: load.kind = .etherType
    case .networkFamily:
      load.kind = .networkFamily
      load.which = isNetdev ? 1 : 0
    case .transport: load.kind = .protocolNumber
    case .mark: load.kind = .mark
    case .length: load.kind = .length
    case .packetType: load.kind = .packetType
    case .payload(let payload):
      load = bytes(payload)
      load.kind = payload.base == .link ? .link : payload.base == .network ? .network : .transport
    case .exists(let header):
      load.kind = .ipv6Extension
      load.which = header.rawValue
    case .extensionField(let header, let payload):
      load = bytes(payload)
      load.kind = .ipv6ExtensionField
      load.which = header.rawValue
    case .tcpOptionExists(let kind):
      load.kind = .tcpOptionExists
      load.which = kind
    case .tcpOption(let kind, let offset, let length):
      load.kind = .tcpOption
      load.which = kind
      load.offset = offset
      load.bits = UInt8(clamping: length)
    case .connection(let field): load = connectionLoad(field)
    }
    return load
  }

  private static func bytes(_ payload: Payload) -> Load {
    var load = Load()
    load.offset = payload.offset
    load.bits = UInt8(clamping: payload.length)
    let end = Int(payload.offset) + Int(payload.length)
    let bytes = (end + 7) / 8 - Int(payload.offset) / 8
    if payload.length > 0, bytes <= 8 {
      load.bytes = UInt8(bytes)
      load.shift = UInt8((8 - end % 8) % 8)
    }
    return load
  }

  private static func connectionLoad(_ field: ConnectionField) -> Load {
    func of(_ kind: Load.Kind, _ direction: FlowDirection? = .original) -> Load {
      var load = Load()
      load.kind = kind
      load.bits = direction == .original ? 0 : direction == .reply ? 1 : 2
      return load
    }
    switch field {
    case .state: return of(.state)
    case .direction: return of(.direction)
    case .status: return of(.status)
    case .mark: return of(.connectionMark)
    case .expiration: return of(.expiration)
    case .id: return of(.id)
    case .labels: return of(.labels)
    case .zone(let direction): return of(.zone, direction)
    case .networkFamily: return of(.connectionFamily)
    case .transport: return of(.connectionTransport)
    case .source4(let direction): return of(.source4, direction)
    case .destination4(let direction): return of(.destination4, direction)
    case .source6(let direction): return of(.source6, direction)
    case .destination6(let direction): return of(.destination6, direction)
    case .sourcePort(let direction): return of(.sourcePort, direction)
    case .destinationPort(let direction): return of(.destinationPort, direction)
    case .packets(let direction): return of(.packets, direction)
    case .bytes(let direction): return of(.bytes, direction)
    case .averageLength(let direction): return of(.averageLength, direction)
    }
  }

  private mutating func noteNeeds(_ field: PacketField) {
    guard case .connection(let field) = field else { return }
    needs.insert(.basics)
    switch field {
    case .state, .direction, .status, .mark, .networkFamily, .transport: break
    case .expiration: needs.insert(.expiration)
    case .id: needs.insert(.id)
    case .labels: needs.insert(.labels)
    case .zone: needs.insert(.zones)
    case .source4, .destination4, .source6, .destination6, .sourcePort, .destinationPort: needs.insert(.tuples)
    case .packets, .bytes, .averageLength: needs.insert(.counters)
    }
  }
}
