// Statements of a rule.

extension Evaluator {
  mutating func rule(_ node: RuleNode, in chain: String) throws(Flaw) -> Rule {
    var terminal: Spot?
    for statement in node.statements {
      if let terminal {
        throw Flaw(statement.spot, "Statement after terminal statement has no effect", related: terminal)
      }
      statements.append(try self.statement(statement, in: chain))
      if statement.isTerminal { terminal = statement.spot }
    }
    return Rule(statements, comment: node.comment)
  }

  private mutating func statement(_ node: StatementNode, in chain: String) throws(Flaw) -> Statement {
    switch node.form {
    case .match(let left, let relation, let right): return .match(try match(left, relation, right))
    case .masked(let left, let isNot, let value, let mask): return .match(try masked(left, isNot, value, mask))
    case .set(let target, let type, let value): return try set(target, type, value, node.spot)
    case .offload(let name):
      guard workspace.names(table).flowtables.contains(name.text) else { throw missing("flowtable", name, node.spot) }
      return .offload(flowtable: name.text)
    case .timeout(let name):
      guard workspace.names(table).timeouts.contains(name.text) else { throw missing("ct timeout", name, name.spot) }
      return .timeout(name.text)
    case .update(let verb, let set, let key, let data): return try update(verb, set, key, data, node.spot)
    case .verdict(let verdict):
      let result = try self.verdict(verdict, node.spot)
      note(result, from: chain, node.spot)
      return .verdict(result)
    case .verdictMap(let key, let map): return try verdictMap(key, map, in: chain)
    case .reject(let reject):
      workspace.note(table, from: .chain(chain), to: .reject, node.spot)
      return .reject(try self.reject(reject, node.spot))
    case .notrack: return .notrack
    case .counter, .namedCounter, .limit, .namedLimit: return try stateful(node)
    case .connectionCount:
      try requireTracking(node.spot)
      return try stateful(node)
    }
  }

  private func note(_ verdict: RuleVerdict, from chain: String, _ spot: Spot) {
    switch verdict {
    case .jump(let name), .goto(let name): workspace.note(table, from: .chain(chain), to: .chain(name), spot)
    default: break
    }
  }

  private func missing(_ kind: String, _ name: Named, _ spot: Spot) -> Flaw {
    let known = workspace.ruleset.tables[table]
    let names =
      switch kind {
      case "flowtable": known.flowtables.map(\.name)
      case "counter": known.counters.map(\.name)
      case "limit": known.limits.map(\.name)
      default: known.timeouts.map(\.name)
      }
    let near = Spelling.nearest(name.text, among: names)
    return Flaw(
      spot,
      "Could not process rule: No such file or directory"
        + (near.map { "; did you mean \(kind) \u{2018}\($0)\u{2019}?" } ?? ""))
  }

  func stateful(_ node: StatementNode) throws(Flaw) -> Statement {
    switch node.form {
    case .counter(var counter):
      counter.state = workspace.nextState()
      return .counter(counter)
    case .namedCounter(let name):
      guard workspace.names(table).counters.contains(name.text) else { throw missing("counter", name, name.spot) }
      return .namedCounter(name.text)
    case .limit(var limit):
      guard limit.isCountable else { throw Editor.refused(node.spot, .overflow) }
      limit.state = workspace.nextState()
      return .limit(limit)
    case .namedLimit(let name):
      guard workspace.names(table).limits.contains(name.text) else { throw missing("limit", name, name.spot) }
      return .namedLimit(name.text)
    case .connectionCount(var count):
      count.state = workspace.nextState()
      return .connectionCount(count)
    default: throw Flaw(node.spot, "This statement keeps no state")
    }
  }

  // MARK: Matches

  private mutating func match(_ left: Node, _ relation: StatementNode.Relation?, _ right: Node) throws(Flaw) -> Match {
    let (expression, types) = try self.expression(left)
    if case .field(.extensionField(.mobility, let field)) = left.form, field.name == "type", right.hasWords {
      throw Flaw.unsupported("A word for mh type", right.spot)
    }
    let plain = Self.plain(relation)
    try checkShift(left, types, plain, right.spot)
    switch right.form {
    case .reference(let name):
      let set = try named(name, right.spot)
      try check(types, against: set.key, left.spot, right.spot)
      guard plain == .equal || plain == .notEqual, relation != .noBit else {
        throw Flaw(right.spot, "Relational expression (\(relation?.rawValue ?? "")) is undefined for set expressions")
      }
      return Match(expression, plain, .set(.named(name)))
    case .set(let elements):
      // Of a single value it is that value.
      if elements.count == 1, elements[0].value == nil, relation == .noBit || plain != .equal && plain != .notEqual {
        return try match(left, relation, elements[0].key)
      }
      guard plain == .equal || plain == .notEqual, relation != .noBit else {
        throw Flaw(
          right.spot, "Relational expression (\(relation?.rawValue ?? "")) is undefined for set expressions",
          related: left.spot)
      }
      let set = try anonymousSet(elements, types, right.spot)
      if plain == .equal, types.count == 1, case .anonymous(let known) = set { learn(left, known.elements) }
      return Match(expression, plain, .set(set))
    default: break
    }
    if types.count > 1 {
      throw Flaw(left.spot, "Use concatenations with sets and maps, not singleton values", related: right.spot)
    }
    let key = try self.key(right, types)
    if !key.isExact, plain != .equal, plain != .notEqual {
      let kind = if case .prefix = right.form { "prefix" } else { "range" }
      throw Flaw(
        right.spot, "Relational expression (\(plain.sign)) is undefined for \(kind) expressions", related: left.spot)
    }
    guard types.count == 1, types[0].isBitmask, key.isExact, !right.isSpan else {
      if relation == .noBit {
        throw Flaw(left.spot, "negation can only be used with singleton bitmask values", related: right.spot)
      }
      if plain == .equal, key.isExact, let value = key.parts.first?.lowerBound { learn(left, value) }
      return Match(expression, plain, .value(key))
    }
    if relation == .noBit { return Match(expression, .noBit, .value(key)) }
    if relation == nil, !left.isComputed { return Match(expression, .anyBit, .value(key)) }
    return Match(expression, plain, .value(key))
  }

  /// What was shifted is a number to nft. It has its own way with what is shifted right, and loses some values.
  private func checkShift(
    _ left: Node, _ types: [DataType], _ relation: Match.Relation, _ spot: Spot
  ) throws(Flaw) {
    guard case .binary(let operation, _, _) = left.form, operation == .shiftLeft || operation == .shiftRight else {
      return
    }
    if let type = types.first, !type.isInteger {
      throw Flaw(spot, "datatype mismatch, expected \(type.title), expression has type integer", related: left.spot)
    }
    guard operation == .shiftRight, relation == .equal || relation == .notEqual else { return }
    throw Flaw.unsupported("To compare what is shifted right", left.spot)
  }

  private static func plain(_ relation: StatementNode.Relation?) -> Match.Relation {
    switch relation {
    case nil, .equal: .equal
    case .notEqual: .notEqual
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .greater: .greater
    case .greaterOrEqual: .greaterOrEqual
    case .noBit: .noBit
    }
  }

  /// `tcp flags syn / syn,ack`: of the second, just the first are set.
  private mutating func masked(_ left: Node, _ isNot: Bool, _ value: Node, _ mask: Node) throws(Flaw) -> Match {
    let (expression, types) = try self.expression(left)
    guard types.count == 1, types[0].isBitmask else {
      throw Flaw(left.spot, "Basetype of type \(types.first?.title ?? "") is not bitmask")
    }
    let masked = Expression.and(expression, .constant(try constant(mask, types[0]), types[0]))
    return Match(masked, isNot ? .notEqual : .equal, .value(Key(try constant(value, types[0]))))
  }

  private mutating func verdictMap(_ key: Node, _ map: Node, in chain: String) throws(Flaw) -> Statement {
    let (expression, types) = try self.expression(key)
    try checkShift(key, types, .equal, map.spot)
    switch map.form {
    case .reference(let name):
      let set = try named(name, map.spot)
      guard let data = set.data else { throw Flaw(map.spot, "Expression is not a map") }
      guard data == .verdict else { throw Flaw(map.spot, "The map \(name) gives no verdicts") }
      try check(types, against: set.key, key.spot, map.spot)
      workspace.note(table, from: .chain(chain), to: .set(name), key.spot)
      return .verdictMap(expression, .named(name))
    case .set(let elements):
      for element in elements {
        if case .verdict(let verdict) = element.value?.form {
          note(verdict.verdict, from: chain, key.spot)
        }
      }
      return .verdictMap(expression, try anonymousMap(elements, types, .verdict, map.spot))
    default: throw Flaw(map.spot, "Expression is not a map")
    }
  }

  // MARK: set

  private mutating func set(_ target: Target, _ type: DataType, _ node: Node, _ spot: Spot) throws(Flaw) -> Statement {
    switch target {
    case .mark, .trace: break
    case .connectionMark, .connectionLabel, .connectionZone, .connectionEvents: try requireTracking(spot)
    }
    return .set(target, try value(node, [type], spot))
  }

  /// A constant, a field of that type, or what a map has.
  private mutating func value(_ node: Node, _ types: [DataType], _ spot: Spot) throws(Flaw) -> Expression {
    if case .map(let key, let table) = node.form { return try map(key, table, types) }
    guard node.isField || node.hasFields else {
      let key = try self.key(node, types)
      guard key.isExact else { throw Flaw(node.spot, "A single value is needed here") }
      let constants = zip(key.parts, types).map { Expression.constant($0.lowerBound, $1) }
      return constants.count == 1 ? constants[0] : .concatenation(constants)
    }
    let (expression, found) = try self.expression(node)
    guard found.count == types.count, zip(found, types).allSatisfy({ $0.matches($1) }) else {
      func title(_ types: [DataType]) -> String { types.map(\.title).joined(separator: " . ") }
      throw Flaw(
        node.spot, "datatype mismatch: expected \(title(types)), expression has type \(title(found))", related: spot)
    }
    return expression
  }

  private mutating func map(_ key: Node, _ map: Node, _ types: [DataType]) throws(Flaw) -> Expression {
    let (expression, keyTypes) = try self.expression(key)
    try checkShift(key, keyTypes, .equal, map.spot)
    switch map.form {
    case .reference(let name):
      let set = try named(name, map.spot)
      guard case .value(let data)? = set.data else { throw Flaw(map.spot, "Expression is not a map") }
      try check(keyTypes, against: set.key, key.spot, map.spot)
      try check(types, against: data, key.spot, map.spot)
      return .map(expression, .named(name))
    case .set(let elements):
      return .map(expression, try anonymousMap(elements, keyTypes, .value(types), map.spot))
    default: throw Flaw(map.spot, "Expression is not a map")
    }
  }

  // MARK: add, update, delete

  private mutating func update(
    _ verb: SetUpdate.Verb, _ name: Named, _ node: ElementNode, _ data: Node?, _ spot: Spot
  ) throws(Flaw) -> Statement {
    let set = try named(name.text, name.spot)
    let (key, types) = try updateKey(node.key, set.key)
    try check(types, against: set.key, name.spot, node.key.spot)
    if node.comment != nil { throw Flaw(node.key.spot, "Key expression comments are not supported") }
    try check(set, spot)
    workspace.updates[set.state] = spot
    var update = SetUpdate(verb, set: name.text, key: key)
    if let timeout = node.timeout {
      guard set.flags.contains(.timeout) else {
        throw Flaw(spot, "Could not process rule: Operation not supported")
      }
      guard timeout <= TimeText.longest else { throw Editor.refused(spot, .range) }
      update.timeout = timeout
    }
    // A list of connections lives as long as its element.
    if set.flags.contains(.timeout), node.statements.contains(where: \.countsConnections) {
      throw Flaw(spot, "Could not process rule: Operation not supported")
    }
    for statement in node.statements {
      if statement.countsConnections { try requireTracking(spot) }
      update.statements.append(try stateful(statement))
    }
    guard set.statements.isEmpty || update.statements.isEmpty || update.statements.areLike(set.statements) else {
      throw Flaw(spot, "Could not process rule: Operation not supported")
    }
    switch (set.data, data) {
    case (.value(let types)?, let data?): update.data = try value(data, types, spot)
    case (nil, nil): break
    case (nil, let data?): throw Flaw(data.spot, "The set \(name.text) is no map")
    case (_?, nil): throw Flaw(spot, "The map \(name.text) needs a value")
    case (.verdict?, let data?): throw Flaw.unsupported("To add verdicts by a packet", data.spot)
    }
    return .update(update)
  }
}

extension Evaluator {
  /// Whether packets may change a set: the kernel has no kind of set that they change and that is of intervals, or of a
  /// fixed size without being `dynamic`. nft makes one dynamic that the same text declares.
  private func check(_ set: NamedSet, _ spot: Spot) throws(Flaw) {
    let declaration = set.data == nil ? workspace.declarations[set.state] : nil
    if set.flags.contains(.interval) {
      throw Flaw(declaration ?? spot, "Could not process rule: Operation not supported")
    }
    let isFixed = set.size != nil && set.flags.isDisjoint(with: [.dynamic, .timeout])
    guard !set.flags.contains(.constant), !isFixed || declaration != nil else {
      throw Flaw(spot, "Could not process rule: Device or resource busy")
    }
    guard declaration != nil, let index = workspace.setIndex(table, set.name) else { return }
    workspace.ruleset.tables[table].sets[index].flags.insert(.dynamic)
  }
}

extension Match.Relation {
  var sign: String {
    switch self {
    case .equal, .anyBit: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .noBit: "!"
    }
  }
}

extension Node {
  /// A range or a prefix.
  fileprivate var isSpan: Bool {
    switch form {
    case .range, .prefix: true
    default: false
    }
  }

  fileprivate var hasWords: Bool {
    switch form {
    case .word: true
    case .list(let parts): parts.contains(where: \.hasWords)
    case .set(let elements): elements.contains { $0.key.hasWords }
    case .range(let first, let last): first.hasWords || last.hasWords
    default: false
    }
  }

  fileprivate var isComputed: Bool {
    if case .binary = form { return true }
    return false
  }

  fileprivate var hasFields: Bool {
    if case .concatenation(let parts) = form { return parts.contains(where: \.isField) }
    return false
  }
}

extension StatementNode {
  var countsConnections: Bool {
    if case .connectionCount = form { return true }
    return false
  }

  /// Nothing behind it is ever done.
  fileprivate var isTerminal: Bool {
    switch form {
    case .verdict(let node): node.verdict != .continue
    case .reject: true
    default: false
    }
  }
}
