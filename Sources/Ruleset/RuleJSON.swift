internal import JSONText

/// The statements and expressions of a rule in the schema of libnftables-json(5).
struct RuleJSON {
  private let options: ListOptions
  private var known: Surroundings

  init(_ family: Family, _ options: ListOptions) {
    self.options = options
    known = Surroundings(family)
  }

  mutating func statements(_ rule: Rule) -> [JSON] {
    var objects: [JSON] = []
    for statement in rule.statements {
      if let object = self.statement(statement) { objects.append(object) }
      if case .match(let match) = statement { known.learn(match) }
    }
    return objects
  }

  private func one(_ name: String, _ value: JSON) -> JSON { .object([(name, value)]) }

  /// `nil`: nothing is written for it.
  func statement(_ statement: Statement) -> JSON? {
    switch statement {
    case .match(let match): return match.isImplicit ? nil : one("match", self.match(match))
    case .counter(let counter):
      guard !options.stateless else { return one("counter", .null) }
      return one(
        "counter", .object([("packets", .unsigned(counter.packets)), ("bytes", .unsigned(counter.bytes))]))
    case .namedCounter(let name): return one("counter", .text(name))
    case .limit(let limit): return one("limit", .object(Self.members(of: limit)))
    case .namedLimit(let name): return one("limit", .text(name))
    case .connectionCount(let count):
      let value = [("val", JSON.unsigned(UInt64(count.limit)))]
      return one("ct count", .object(value + (count.isOver ? [("inv", .truth(true))] : [])))
    case .notrack: return one("notrack", .null)
    case .set(let target, let value):
      return one("mangle", .object([("key", key(target)), ("value", self.value(value, target))]))
    case .timeout(let name): return one("ct timeout", .text(name))
    case .update(let update): return self.update(update)
    case .offload(let name): return one("flow", .object([("op", .text("add")), ("flowtable", .text("@\(name)"))]))
    case .verdict(let verdict): return self.verdict(verdict)
    case .verdictMap(let key, let map):
      return one("vmap", .object([("key", expression(key)), ("data", set(map))]))
    case .reject(let reject):
      guard !reject.with.isEmpty else { return one("reject", .null) }
      let words = reject.with.split(separator: " ", maxSplits: 1).map(String.init)
      if words[0] == "tcp" { return one("reject", .object([("type", .text("tcp reset"))])) }
      return one("reject", .object([("type", .text(words[0])), ("expr", .text(words.last ?? ""))]))
    }
  }

  static func members(of limit: Limit) -> [(String, JSON)] {
    var members: [(String, JSON)] = []
    if limit.countsBytes {
      let (rate, unit) = Limit.scaled(limit.rate)
      let (burst, burstUnit) = Limit.scaled(limit.burst)
      members = [
        ("rate", .unsigned(rate)), ("burst", .unsigned(burst)), ("per", .text(limit.unit.rawValue)),
        ("rate_unit", .text(unit)), ("burst_unit", .text(burstUnit)),
      ]
    } else {
      members = [
        ("rate", .unsigned(limit.rate)), ("burst", .unsigned(limit.burst)), ("per", .text(limit.unit.rawValue)),
      ]
    }
    if limit.isOver { members.append(("inv", .truth(true))) }
    return members
  }

  func verdict(_ verdict: RuleVerdict) -> JSON {
    switch verdict {
    case .jump(let name): one("jump", one("target", .text(name)))
    case .goto(let name): one("goto", one("target", .text(name)))
    default: one(verdict.text, .null)
    }
  }

  private func update(_ update: SetUpdate) -> JSON {
    var inner: [(String, JSON)] = [("val", expression(update.key))]
    if let timeout = update.timeout { inner.append(("timeout", .unsigned(timeout / 1000))) }
    let isPlain = inner.count == 1
    let element = isPlain ? inner[0].1 : one("elem", .object(inner))
    var members: [(String, JSON)] = [("op", .text(update.verb.rawValue)), ("elem", element)]
    if let data = update.data { members.append(("data", expression(data))) }
    members.append((update.data == nil ? "set" : "map", .text("@\(update.set)")))
    let statements = update.statements.compactMap { statement($0) }
    if !statements.isEmpty { members.append(("stmt", .array(statements))) }
    return one(update.data == nil ? "set" : "map", .object(members))
  }

  // MARK: Matches

  private func match(_ match: Match) -> JSON {
    let types = known.types(match.left)
    let right: JSON
    switch match.right {
    case .set(let set): right = self.set(set)
    case .expression(let expression): right = self.expression(expression)
    case .value(let key):
      let isList = match.relation == .anyBit || match.relation == .noBit
      let words =
        isList ? key.parts.first.flatMap { range in types.first.flatMap { flags(range.lowerBound, $0) } } : nil
      right = words.map { $0.count == 1 ? $0[0] : .array($0) } ?? constant(key, types)
    }
    let sign = match.relation == .anyBit ? "in" : match.relation.sign
    return .object([("op", .text(sign)), ("left", expression(match.left)), ("right", right)])
  }

  // MARK: Values

  func constant(_ key: Key, _ types: [DataType]) -> JSON {
    let parts = zip(key.parts, types).map { part($0, $1) }
    return parts.count == 1 ? parts[0] : one("concat", .array(parts))
  }

  private func part(_ range: ClosedRange<UInt128>, _ type: DataType) -> JSON {
    if range.lowerBound == range.upperBound { return value(range.lowerBound, type) }
    if type == .interfaceName { return .text((type.wildcard(range) ?? "") + "*") }
    if type == .ipv4Address || type == .ipv6Address, let length = type.prefixLength(range) {
      return one("prefix", .object([("addr", value(range.lowerBound, type)), ("len", .unsigned(UInt64(length)))]))
    }
    return one("range", .array([value(range.lowerBound, type), value(range.upperBound, type)]))
  }

  private func value(_ value: UInt128, _ type: DataType) -> JSON {
    switch type {
    case .interfaceName:
      let name = DataType.name(value)
      return .text(name.hasSuffix("*") ? "\(name.dropLast())\\*" : name)
    case .interfaceIndex:
      let index = Int(truncatingIfNeeded: value)
      return .text(options.ports.indices.contains(index - 1) ? options.ports[index - 1] : "\(value)")
    case .integer, .hostInteger, .mark, .service:
      return UInt64(exactly: value).map { .unsigned($0) } ?? .text("0x" + String(value, radix: 16))
    case .time: return .unsigned(UInt64(truncatingIfNeeded: value / 1000))
    case .boolean where value < 2: return .truth(value == 1)
    default: break
    }
    if let words = flags(value, type), let first = words.first {
      return words.dropFirst().reduce(first) { one("|", .array([$0, $1])) }
    }
    let text = type.text(value, options)
    if let number = UInt64(text) { return .unsigned(number) }
    if text.hasPrefix("0x"), let number = UInt64(text.dropFirst(2), radix: 16) { return .unsigned(number) }
    return .text(text)
  }

  /// The words of a value that is a sum of flags.
  private func flags(_ value: UInt128, _ type: DataType) -> [JSON]? {
    type.list(value, options)?.split(separator: ",").map { word in
      UInt64(word).map { .unsigned($0) } ?? .text(String(word))
    }
  }

  /// Flags that are set one beside the other are a list.
  private func value(_ expression: Expression, _ target: Target) -> JSON {
    if target == .connectionEvents, case .constant(let value, let type) = expression, let words = flags(value, type),
      words.count > 1
    {
      return .array(words)
    }
    return self.expression(expression)
  }

  // MARK: Expressions

  func expression(_ expression: Expression) -> JSON {
    switch expression {
    case .field(let field): return self.field(field)
    case .constant(let value, let type): return self.value(value, type)
    case .and(let left, let right): return one("&", .array([self.expression(left), self.expression(right)]))
    case .or(let left, let right): return one("|", .array([self.expression(left), self.expression(right)]))
    case .xor(let left, let right): return one("^", .array([self.expression(left), self.expression(right)]))
    case .shiftLeft(let inner, let count):
      return one("<<", .array([self.expression(inner), .unsigned(UInt64(count))]))
    case .shiftRight(let inner, let count):
      return one(">>", .array([self.expression(inner), .unsigned(UInt64(count))]))
    case .concatenation(let parts): return one("concat", .array(parts.map { self.expression($0) }))
    case .map(let key, let map): return one("map", .object([("key", self.expression(key)), ("data", set(map))]))
    }
  }

  private func field(_ field: Field) -> JSON {
    switch field {
    case .payload(let payload):
      guard let (header, known) = known.header(of: field) else {
        let base = payload.words.dropFirst().prefix(2)
        return one(
          "payload",
          .object([
            ("base", .text(String(base))), ("offset", .unsigned(UInt64(payload.offset))),
            ("len", .unsigned(UInt64(payload.length))),
          ]))
      }
      let name = known.name == "param-problem" ? "parameter-problem" : known.name
      return one("payload", .object([("protocol", .text(header.rawValue)), ("field", .text(name))]))
    case .exists(let header): return one("exthdr", .object([("name", .text(header.name))]))
    case .extensionField(let header, let payload):
      let field = header.fields.first { $0.offset == payload.offset && $0.length == payload.length }
      return one("exthdr", .object([("name", .text(header.name)), ("field", .text(field?.name ?? ""))]))
    case .tcpOptionExists(let kind) where TCPOptionNames.name(kind) == nil: return tcpOption(kind, 0, 8)
    case .tcpOption(let kind, let offset, let length) where known.words(field).contains("@"):
      return tcpOption(kind, offset, length)
    case .tcpOptionExists, .tcpOption:
      let words = known.words(field).split(separator: " ").dropFirst(2).map { JSON.text(String($0)) }
      return one("tcp option", .object(Array(zip(["name", "field"], words))))
    case .connection(let field):
      var words = field.words.split(separator: " ").dropFirst().map(String.init)
      var direction: String?
      if words.count > 1, FlowDirection(rawValue: words[0]) != nil { direction = words.removeFirst() }
      let key: [(String, JSON)] = [("key", .text(words.joined(separator: " ")))]
      return one("ct", .object(key + (direction.map { [("dir", .text($0))] } ?? [])))
    default:
      let word = field.metaWords ?? ""
      return one("meta", one("key", .text(word.hasPrefix("meta ") ? String(word.dropFirst(5)) : word)))
    }
  }

  private func tcpOption(_ kind: UInt8, _ offset: UInt16, _ length: UInt16) -> JSON {
    one(
      "tcp option",
      .object([
        ("base", .unsigned(UInt64(kind))), ("offset", .unsigned(UInt64(offset))), ("len", .unsigned(UInt64(length))),
      ]))
  }

  private func key(_ target: Target) -> JSON {
    let words = target.words.split(separator: " ").map(String.init)
    if words[0] == "meta" { return one("meta", one("key", .text(words[1]))) }
    guard words.count == 3 else { return one("ct", one("key", .text(words[1]))) }
    return one("ct", .object([("key", .text(words[2])), ("dir", .text(words[1]))]))
  }

  // MARK: Sets

  func set(_ set: SetReference) -> JSON {
    switch set {
    case .named(let name): return .text("@\(name)")
    case .anonymous(let set): return one("set", .array(set.elements.map { element($0, set.key, set.data) }))
    }
  }

  func element(_ element: Element, _ types: [DataType], _ data: SetData?) -> JSON {
    var members: [(String, JSON)] = [("val", element.key.map { constant($0, types) } ?? .text("*"))]
    if let timeout = element.timeout { members.append(("timeout", .unsigned(timeout / 1000))) }
    if let expires = element.expires, !options.stateless { members.append(("expires", .unsigned(expires / 1000))) }
    if let comment = element.comment { members.append(("comment", .text(comment))) }
    for statement in element.statements {
      if case .object(let inner)? = self.statement(statement) { members += inner }
    }
    let key = members.count == 1 ? members[0].1 : one("elem", .object(members))
    switch (element.value, data) {
    case (.verdict(let verdict)?, _): return .array([key, self.verdict(verdict)])
    case (.value(let value)?, .value(let types)?): return .array([key, constant(value, types)])
    default: return key
    }
  }
}
