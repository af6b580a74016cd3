/// A rule as text, statement by statement.
struct RuleText {
  let options: ListOptions
  var known: Surroundings

  init(_ family: Family, _ options: ListOptions) {
    self.options = options
    known = Surroundings(family)
  }

  static func text(_ rule: Rule, _ family: Family, _ options: ListOptions) -> String {
    var writer = RuleText(family, options)
    var parts: [String] = []
    for statement in rule.statements {
      if let text = writer.text(statement) { parts.append(text) }
      if case .match(let match) = statement { writer.known.learn(match) }
    }
    if let comment = rule.comment { parts.append("comment \"\(comment)\"") }
    if options.handles { parts.append("# handle \(rule.handle)") }
    return parts.joined(separator: " ")
  }

  /// `nil`: nothing is written for it.
  func text(_ statement: Statement) -> String? {
    switch statement {
    case .match(let match): return match.isImplicit ? nil : text(match)
    case .counter(let counter):
      return options.stateless ? "counter" : "counter packets \(counter.packets) bytes \(counter.bytes)"
    case .namedCounter(let name): return "counter name \"\(name)\""
    case .limit(let limit): return "limit " + limit.text
    case .namedLimit(let name): return "limit name \"\(name)\""
    case .connectionCount(let count): return "ct count \(count.isOver ? "over " : "")\(count.limit)"
    case .notrack: return "notrack"
    case .set(let target, let value): return "\(target.words) set \(text(value, of: target))"
    case .timeout(let name): return "ct timeout set \"\(name)\""
    case .update(let update): return text(update)
    case .offload(let name): return "flow add @\(name)"
    case .verdict(let verdict): return verdict.text
    case .verdictMap(let key, let map): return "\(text(key)) vmap \(text(map, of: key))"
    case .reject(let reject): return reject.with.isEmpty ? "reject" : "reject with \(reject.with)"
    }
  }

  // MARK: Matches

  private func text(_ match: Match) -> String {
    let left = text(match.left)
    let types = known.types(match.left)
    let isNot = match.relation == .notEqual ? "!= " : ""
    switch match.right {
    case .set(let set): return "\(left) \(isNot)\(text(set, of: match.left))"
    case .expression(let expression): return "\(left) \(match.relation.sign) \(text(expression))"
    case .value(let key):
      let value = text(key, types)
      let isBitmask = types.count == 1 && types[0].isBitmask
      switch match.relation {
      case .anyBit: return "\(left) \(list(key, types) ?? value)"
      case .noBit: return "\(left) ! \(list(key, types) ?? value)"
      case .equal where isBitmask && key.isExact || match.left.isComputed: return "\(left) == \(value)"
      case .equal: return "\(left) \(value)"
      default: return "\(left) \(match.relation.sign) \(value)"
      }
    }
  }

  private func list(_ key: Key, _ types: [DataType]) -> String? {
    guard let value = key.parts.first?.lowerBound, let type = types.first else { return nil }
    return type.list(value, options)
  }

  func text(_ key: Key, _ types: [DataType]) -> String {
    zip(key.parts, types).map { $1.text($0, options) }.joined(separator: " . ")
  }

  // MARK: Expressions

  func text(_ expression: Expression) -> String {
    switch expression {
    case .field(let field): return known.words(field)
    case .constant(let value, let type): return type.text(value, options)
    case .and(let left, let right): return binary(left, "&", right, 3)
    case .or(let left, let right): return binary(left, "|", right, 1)
    case .xor(let left, let right): return binary(left, "^", right, 2)
    case .shiftLeft(let inner, let count): return "\(bracketed(inner, 4)) << \(count)"
    case .shiftRight(let inner, let count): return "\(bracketed(inner, 4)) >> \(count)"
    case .concatenation(let parts): return parts.map { text($0) }.joined(separator: " . ")
    case .map(let key, let map): return "\(text(key)) map \(text(map, of: key))"
    }
  }

  private func binary(_ left: Expression, _ sign: String, _ right: Expression, _ level: Int) -> String {
    // As the field is called, so its bits are written.
    let type = if case .constant = right { known.types(left).first } else { DataType?.none }
    let constant = if let type, case .constant(let value, _) = right { type.text(value, options) } else { text(right) }
    return "\(bracketed(left, level)) \(sign) \(constant.contains(" | ") ? "(\(constant))" : constant)"
  }

  /// What binds looser stands in brackets.
  private func bracketed(_ expression: Expression, _ level: Int) -> String {
    let own =
      switch expression {
      case .or: 1
      case .xor: 2
      case .and: 3
      case .shiftLeft, .shiftRight: 4
      default: 5
      }
    return own < level ? "(\(text(expression)))" : text(expression)
  }

  private func text(_ value: Expression, of target: Target) -> String {
    guard target == .connectionEvents, case .constant(let number, let type) = value,
      let list = type.list(number, options)
    else { return text(value) }
    return list
  }

  // MARK: Sets

  func text(_ set: SetReference, of key: Expression) -> String {
    switch set {
    case .named(let name): return "@\(name)"
    case .anonymous(let set):
      let types = known.types(key)
      let elements = set.elements.map { text($0, types.count == set.key.count ? types : set.key, set.data) }
      return "{ \(elements.joined(separator: ", ")) }"
    }
  }

  func text(_ element: Element, _ types: [DataType], _ data: SetData?) -> String {
    var text = element.key.map { self.text($0, types) } ?? "*"
    for statement in element.statements { text += self.text(statement).map { " \($0)" } ?? "" }
    if let timeout = element.timeout { text += " timeout \(TimeText.text(timeout))" }
    if let expires = element.expires, !options.stateless { text += " expires \(TimeText.text(expires))" }
    if let comment = element.comment { text += " comment \"\(comment)\"" }
    switch (element.value, data) {
    case (.verdict(let verdict)?, _): text += " : \(verdict.text)"
    case (.value(let key)?, .value(let types)?): text += " : \(self.text(key, types))"
    default: break
    }
    return text
  }

  private func text(_ update: SetUpdate) -> String {
    var text = "\(update.verb.rawValue) @\(update.set) { \(self.text(update.key))"
    if let timeout = update.timeout { text += " timeout \(TimeText.text(timeout))" }
    for statement in update.statements { text += self.text(statement).map { " \($0)" } ?? "" }
    if let data = update.data { text += " : \(self.text(data))" }
    return text + " }"
  }
}

extension Expression {
  var isComputed: Bool {
    switch self {
    case .field, .constant, .concatenation, .map: false
    default: true
    }
  }
}

extension Target {
  var words: String {
    switch self {
    case .mark: "meta mark"
    case .trace: "meta nftrace"
    case .connectionMark: "ct mark"
    case .connectionLabel: "ct label"
    case .connectionZone(let direction): direction.map { "ct \($0.rawValue) zone" } ?? "ct zone"
    case .connectionEvents: "ct event"
    }
  }
}

extension RuleVerdict {
  var text: String {
    switch self {
    case .accept: "accept"
    case .drop: "drop"
    case .continue: "continue"
    case .return: "return"
    case .jump(let name): "jump \(name)"
    case .goto(let name): "goto \(name)"
    }
  }
}

extension Limit {
  /// What stands behind `limit`.
  var text: String {
    let over = isOver ? "over " : ""
    if countsBytes {
      let burst = burst > 0 ? " burst \(Self.bytes(burst))" : ""
      return "rate \(over)\(Self.bytes(rate))/\(unit.rawValue)\(burst)"
    }
    let burst = burst != 5 ? " burst \(burst) packets" : ""
    return "rate \(over)\(rate)/\(unit.rawValue)\(burst)"
  }

  /// The largest unit that leaves nothing over.
  static func scaled(_ count: UInt64) -> (UInt64, String) {
    if count > 0, count % (1 << 20) == 0 { return (count >> 20, "mbytes") }
    if count > 0, count % (1 << 10) == 0 { return (count >> 10, "kbytes") }
    return (count, "bytes")
  }

  private static func bytes(_ count: UInt64) -> String {
    let (number, unit) = scaled(count)
    return "\(number) \(unit)"
  }
}
