// Expressions, values, and sets in rules.

extension Evaluator {
  /// What a packet has, left of a comparison or as a key.
  mutating func expression(_ node: Node) throws(Flaw) -> (Expression, [DataType]) {
    switch node.form {
    case .concatenation(let parts):
      var expressions: [Expression] = []
      var types: [DataType] = []
      for part in parts {
        let (expression, type) = try single(part)
        expressions.append(expression)
        types.append(type)
      }
      guard types.allSatisfy({ $0 != .verdict }), types.count <= 16 else {
        throw Flaw(node.spot, "Concatenation is too long")
      }
      return (.concatenation(expressions), types)
    default:
      let (expression, type) = try single(node)
      return (expression, [type])
    }
  }

  /// What a packet has, or a constant where the set has such a part.
  mutating func updateKey(_ node: Node, _ types: [DataType]) throws(Flaw) -> (Expression, [DataType]) {
    let parts = if case .concatenation(let parts) = node.form { parts } else { [node] }
    guard parts.count == types.count, !parts.allSatisfy(\.isField) else { return try expression(node) }
    var values: [Expression] = []
    var found: [DataType] = []
    for (part, type) in zip(parts, types) {
      let (value, own) = part.isField ? try single(part) : (.constant(try constant(part, type), type), type)
      values.append(value)
      found.append(own)
    }
    return (values.count == 1 ? values[0] : .concatenation(values), found)
  }

  private mutating func single(_ node: Node) throws(Flaw) -> (Expression, DataType) {
    switch node.form {
    case .field(let use):
      let (field, type) = try field(use, node.spot)
      return (.field(field), type)
    case .binary(let operation, let left, let right):
      guard left.isField else { throw Flaw(left.spot, "An expression that reads the packet is needed here") }
      let (inner, type) = try single(left)
      switch operation {
      case .shiftLeft, .shiftRight:
        guard case .number(let bits?) = right.form, bits < UInt64(type.bits) else {
          throw Flaw(right.spot, "Value exceeds valid range 0-\(type.bits - 1)")
        }
        let count = UInt8(truncatingIfNeeded: bits)
        return (operation == .shiftLeft ? .shiftLeft(inner, count) : .shiftRight(inner, count), type)
      case .and, .or, .xor:
        let constant = Expression.constant(try constant(right, type), type)
        return (
          operation == .and ? .and(inner, constant) : operation == .or ? .or(inner, constant) : .xor(inner, constant),
          type
        )
      }
    default: throw Flaw(node.spot, "An expression that reads the packet is needed here")
    }
  }

  func constant(_ node: Node, _ type: DataType) throws(Flaw) -> UInt128 {
    let range = try range(node, type)
    guard range.lowerBound == range.upperBound else { throw Flaw(node.spot, "A single value is needed here") }
    return range.lowerBound
  }

  func range(_ node: Node, _ type: DataType) throws(Flaw) -> ClosedRange<UInt128> {
    if type == .interfaceIndex {
      switch node.form {
      case .word(let name), .quoted(let name):
        guard let index = workspace.portIndex(name) else { throw Flaw(node.spot, "Interface does not exist") }
        return index...index
      default: break
      }
    }
    return try type.range(node)
  }

  /// A value of one part or several.
  func key(_ node: Node, _ types: [DataType]) throws(Flaw) -> Key {
    guard types.count > 1 else {
      guard let type = types.first else { throw Flaw(node.spot, "A value is needed here") }
      return Key([try range(node, type)])
    }
    guard case .concatenation(let parts) = node.form else {
      let expected = types.map(\.title).joined(separator: ", ")
      throw Flaw(node.spot, "invalid data type, expected concatenation of (\(expected))")
    }
    guard parts.count == types.count else {
      throw Flaw(
        node.spot,
        parts.count > types.count
          ? "too many concatenation components" : "datatype mismatch: \(parts.count) components for \(types.count)")
    }
    var ranges: [ClosedRange<UInt128>] = []
    for (part, type) in zip(parts, types) { ranges.append(try range(part, type)) }
    return Key(ranges)
  }

  /// Where elements stand, nft takes a word such as `tcp` for a number of any type.
  func elementKey(_ node: Node, _ types: [DataType]) throws(Flaw) -> Key {
    let parts = if case .concatenation(let parts) = node.form { parts } else { [node] }
    for (part, type) in zip(parts, types) {
      guard let word = part.keyword(unlike: type) else { continue }
      throw Flaw.unsupported("A word of another type as \(type.title)", word)
    }
    return try key(node, types)
  }

  // MARK: Sets

  func named(_ name: String, _ spot: Spot) throws(Flaw) -> NamedSet {
    guard let index = workspace.setIndex(table, name) else { throw missing(name, spot) }
    return workspace.ruleset.tables[table].sets[index]
  }

  private func missing(_ name: String, _ spot: Spot) -> Flaw {
    let near = Spelling.nearest(name, among: workspace.ruleset.tables[table].sets.map(\.name))
    return Flaw(spot, "No such file or directory" + (near.map { "; did you mean set \u{2018}\($0)\u{2019}?" } ?? ""))
  }

  func check(_ types: [DataType], against key: [DataType], _ left: Spot, _ spot: Spot) throws(Flaw) {
    guard types.count == key.count, zip(types, key).allSatisfy({ $0.matches($1) }) else {
      func title(_ types: [DataType]) -> String {
        types.count == 1 ? types[0].title : "concatenation of (\(types.map(\.title).joined(separator: ", ")))"
      }
      throw Flaw(
        spot, "datatype mismatch, expected \(title(types)), expression has type \(title(key))", related: left)
    }
  }

  /// `{ ... }` without values.
  mutating func anonymousSet(_ nodes: [ElementNode], _ types: [DataType], _ spot: Spot) throws(Flaw) -> SetReference {
    var set = AnonymousSet(key: types)
    var spots: [Spot] = []
    for node in nodes {
      if let value = node.value { throw Flaw(node.key.spot.through(value.spot), "mapping outside of map context") }
      if node.key.isAny {
        throw nodes.count > 1
          ? Flaw.unsupported("`*` in a rule's set", node.spot)
          : Flaw(node.spot, "Wildcard expression is not allowed here")
      }
      var element = Element(nodes.count > 1 ? try elementKey(node.key, types) : try key(node.key, types))
      element.comment = node.comment
      set.elements.append(element)
      spots.append(node.key.spot)
    }
    guard !set.elements.isEmpty else { throw Flaw(spot, "Set is empty") }
    if types.count > 1 { try Intervals.check(set.elements, spots, isInterval: !set.elements.allSatisfy(\.isExact)) }
    set.elements = Intervals.merged(set.elements, types)
    return .anonymous(set)
  }

  /// `{ KEY : VALUE, ... }`
  mutating func anonymousMap(_ nodes: [ElementNode], _ types: [DataType], _ data: SetData, _ spot: Spot) throws(Flaw)
    -> SetReference
  {
    var set = AnonymousSet(key: types, data: data)
    var spots: [Spot] = []
    for node in nodes {
      guard let value = node.value else { throw Flaw(node.spot, "A map needs a value for each key") }
      var element = Element(node.key.isAny ? nil : try elementKey(node.key, types), value: try self.value(value, data))
      element.comment = node.comment
      set.elements.append(element)
      spots.append(node.key.spot)
    }
    guard !set.elements.isEmpty else { throw Flaw(spot, "Set is empty") }
    try Intervals.check(set.elements, spots, isInterval: true)
    // nft lets the same be said twice.
    var seen: Set<Key?> = []
    set.elements = set.elements.filter { seen.insert($0.key).inserted }
    return .anonymous(set)
  }

  func value(_ node: Node, _ data: SetData) throws(Flaw) -> Element.Value {
    switch data {
    case .verdict:
      guard case .verdict(let verdict) = node.form else { throw Flaw(node.spot, "A verdict is needed here") }
      return .verdict(try self.verdict(verdict, node.spot))
    case .value(let types):
      if case .verdict = node.form { throw Flaw(node.spot, "A value is needed here, no verdict") }
      let value = try elementKey(node, types)
      guard value.isExact else { throw Flaw(node.spot, "Value must be a singleton") }
      return .value(value)
    }
  }

  /// Checks where a jump leads.
  func verdict(_ node: VerdictNode, _ spot: Spot) throws(Flaw) -> RuleVerdict {
    switch node.verdict {
    case .jump(let name), .goto(let name):
      let place = node.target ?? spot
      guard let index = workspace.chainIndex(table, name) else {
        let near = Spelling.nearest(name, among: workspace.ruleset.tables[table].chains.map(\.name))
        throw Flaw(
          place,
          "Could not process rule: No such file or directory"
            + (near.map { "; did you mean chain \u{2018}\($0)\u{2019}?" } ?? ""))
      }
      guard workspace.ruleset.tables[table].chains[index].base == nil else {
        throw Flaw(place, "Could not process rule: Operation not supported")
      }
      return node.verdict
    default: return node.verdict
    }
  }
}

extension Element {
  fileprivate var isExact: Bool { key?.isExact ?? false }
}

extension Node {
  /// A word in it that is a value of another type.
  fileprivate func keyword(unlike type: DataType) -> Spot? {
    switch form {
    case .word(let text): DataType.keywords[text].flatMap { $0 == type ? nil : spot }
    case .prefix(let inner, _): inner.keyword(unlike: type)
    case .range(let left, let right), .binary(_, let left, let right):
      left.keyword(unlike: type) ?? right.keyword(unlike: type)
    case .list(let parts): parts.lazy.compactMap { $0.keyword(unlike: type) }.first
    default: nil
    }
  }

  /// With nothing done to it.
  var isPlainField: Bool {
    if case .field = form { return true }
    return false
  }

  var isAny: Bool {
    if case .any = form { return true }
    return false
  }
}

enum Spelling {
  /// The name that was likely meant: as close as half of its letters.
  static func nearest(_ name: String, among names: [String]) -> String? {
    guard names.count <= 1000 else { return nil }
    let scored = names.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= name.utf8.count / 2, best.1 > 0 else { return nil }
    return best.0
  }

  /// Levenshtein's.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let best = letter == right[column] ? diagonal : min(diagonal, row[column], row[column + 1]) + 1
        diagonal = row[column + 1]
        row[column + 1] = best
      }
    }
    return row[right.count]
  }
}
