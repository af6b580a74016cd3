// Commands: a verb, what it is about, and names.

extension Parser {
  mutating func command() throws(Flaw) {
    if try common() { return }
    let start = spot
    guard next.kind == .word else { throw unexpected() }
    if let verb = Verb(rawValue: next.text) {
      at += 1
      switch verb {
      case .add, .create: try add(verb, start)
      case .insert, .replace: try editRule(verb, start)
      case .delete, .destroy: try delete(verb, start)
      case .flush: try flush(start)
      case .list, .reset: try list(verb, start)
      case .rename: try rename(start)
      }
    } else if ["monitor", "describe", "export", "import", "get"].contains(next.text) {
      throw Flaw.unsupported(next.text, spot)
    } else {
      try add(.add, start)
    }
  }

  mutating func emit(_ verb: Verb, _ spot: Spot, _ form: Command.Form) {
    commands.append(Command(verb: verb, spot: spot, form: form))
  }

  // MARK: Names

  /// `ip`, unless another is named.
  mutating func family() throws(Flaw) -> Family? {
    guard next.kind == .word else { return nil }
    if let family = Family(rawValue: next.text) {
      at += 1
      return family
    }
    if isWord("arp") || isWord("bridge") { throw Flaw.unsupported("The family \(next.text)", spot) }
    return nil
  }

  mutating func tableName() throws(Flaw) -> TableName {
    let family = try family() ?? .ip
    return TableName(family: family, name: try name())
  }

  /// `ct timeout`, and what else `ct` names.
  private mutating func ctObject() throws(Flaw) {
    at += 1
    if isWord("helper") || isWord("expectation") { throw Flaw.unsupported("ct \(next.text)", spot) }
    try expect(word: "timeout")
  }

  // MARK: add, create

  private mutating func add(_ verb: Verb, _ start: Spot) throws(Flaw) {
    guard next.kind == .word else { throw unexpected() }
    switch next.text {
    case "table":
      at += 1
      try table(verb)
    case "chain":
      at += 1
      let table = try tableName()
      try chain(verb, table)
    case "rule" where verb == .add:
      at += 1
      try addRule(verb, start)
    case "set", "map":
      let isMap = next.text == "map"
      at += 1
      let table = try tableName()
      try set(verb, table, isMap: isMap)
    case "element":
      at += 1
      try elements(verb, start)
    case "flowtable":
      at += 1
      let table = try tableName()
      try flowtable(verb, table)
    case "counter", "limit":
      let isCounter = next.text == "counter"
      at += 1
      let table = try tableName()
      try object(verb, table, isCounter ? .counter : .limit)
    case "ct":
      try ctObject()
      let table = try tableName()
      try object(verb, table, .timeout)
    case "quota", "secmark", "synproxy": throw Flaw.unsupported(next.text, spot)
    default:
      guard verb == .add else { throw unexpected() }
      try addRule(verb, start)
    }
  }

  private mutating func addRule(_ verb: Verb, _ start: Spot) throws(Flaw) {
    let table = try tableName()
    let chain = try name()
    let place = try rulePlace()
    emit(verb, start.through(lastSpot), .rule(table, chain: chain, try rule(), place))
  }

  private mutating func rulePlace() throws(Flaw) -> RulePlace? {
    if isWord("handle") || isWord("position") {
      at += 1
      return .handle(try number(), lastSpot)
    }
    if take(word: "index") { return .index(try number(), lastSpot) }
    return nil
  }

  private mutating func editRule(_ verb: Verb, _ start: Spot) throws(Flaw) {
    if !take(word: "rule"), verb == .replace { throw unexpected("rule") }
    let table = try tableName()
    let chain = try name()
    if verb == .replace {
      let (handle, spot) = try handle()
      emit(verb, start, .rule(table, chain: chain, try rule(), .handle(handle, spot)))
    } else {
      let place = try rulePlace()
      emit(verb, start, .rule(table, chain: chain, try rule(), place))
    }
  }

  private mutating func elements(_ verb: Verb, _ start: Spot) throws(Flaw) {
    let table = try tableName()
    let set = try name()
    let block = try setBlock()
    emit(verb, start, .elements(table, set, block))
  }

  /// `{ ... }`, or a variable that stands for such.
  mutating func setBlock() throws(Flaw) -> [ElementNode] {
    if next.kind == .variable {
      let node = try variable()
      guard case .set(let elements) = node.form else {
        return [ElementNode(key: node, spot: node.spot)]
      }
      return elements
    }
    return try setElements()
  }

  // MARK: delete, destroy

  private mutating func delete(_ verb: Verb, _ start: Spot) throws(Flaw) {
    guard next.kind == .word else { throw unexpected() }
    switch next.text {
    case "table":
      at += 1
      let family = try family() ?? .ip
      if isWord("handle") {
        let (handle, spot) = try handle()
        return emit(verb, start, .tableByHandle(family, handle, spot))
      }
      emit(verb, start, .table(TableName(family: family, name: try name()), dormant: nil, comment: nil))
    case "chain":
      at += 1
      let table = try tableName()
      if isWord("handle") {
        let (handle, spot) = try handle()
        return emit(verb, start, .chainByHandle(table, handle, spot))
      }
      let chain = try name()
      emit(verb, start, .chain(table, ChainNode(name: chain)))
    case "rule":
      at += 1
      let table = try tableName()
      let chain = try name()
      let (handle, spot) = try handle()
      emit(verb, start, .rule(table, chain: chain, nil, .handle(handle, spot)))
    case "element":
      at += 1
      try elements(verb, start)
    case "set", "map", "counter", "limit", "ct":
      let kind = try objectKind()
      try deleteNamed(verb, start, kind)
    case "flowtable":
      at += 1
      let table = try tableName()
      if isWord("handle") {
        let (handle, spot) = try handle()
        return emit(verb, start, .namedByHandle(table, .flowtable, handle, spot))
      }
      let name = try name()
      // With devices in brackets, these alone leave.
      guard isSign("{") else { return emit(verb, start, .named(table, .flowtable, name)) }
      emit(verb, start, .flowtable(table, try flowtableBlock(name)))
    default: throw unexpected()
    }
  }

  private mutating func objectKind() throws(Flaw) -> ObjectKind {
    let word = next.text
    if word == "ct" {
      try ctObject()
      return .timeout
    }
    guard let kind = ObjectKind(rawValue: word) else { throw unexpected() }
    at += 1
    return kind
  }

  private mutating func deleteNamed(_ verb: Verb, _ start: Spot, _ kind: ObjectKind) throws(Flaw) {
    let table = try tableName()
    if isWord("handle") {
      let (handle, spot) = try handle()
      return emit(verb, start, .namedByHandle(table, kind, handle, spot))
    }
    emit(verb, start, .named(table, kind, try name()))
  }

  // MARK: flush, list, reset, rename

  private mutating func flush(_ start: Spot) throws(Flaw) {
    guard next.kind == .word else { throw unexpected() }
    switch next.text {
    case "table":
      at += 1
      emit(.flush, start, .tableRules(try tableName()))
    case "chain":
      at += 1
      let table = try tableName()
      emit(.flush, start, .chainRules(table, try name()))
    case "set", "map":
      let kind = try objectKind()
      let table = try tableName()
      emit(.flush, start, .named(table, kind, try name()))
    case "ruleset":
      at += 1
      emit(.flush, start, .ruleset(try family()))
    case "meter", "flow": throw Flaw.unsupported(next.text, spot)
    default: throw unexpected()
    }
  }

  private mutating func list(_ verb: Verb, _ start: Spot) throws(Flaw) {
    guard next.kind == .word else { throw unexpected() }
    let word = next.text
    if verb == .list, word == "ruleset" || word == "table" || word == "chain" {
      at += 1
      if word == "ruleset" { return emit(verb, start, .ruleset(try family())) }
      let table = try tableName()
      if word == "table" { return emit(verb, start, .tableRules(table)) }
      return emit(verb, start, .chainRules(table, try name()))
    }
    switch word {
    case "set", "map", "flowtable", "counter", "limit", "ct":
      if word == "ct", peek(1).kind == .word, ["timeouts", "timeout"].contains(peek(1).text) {
        at += 1
        if take(word: "timeouts") { return emit(verb, start, .all(.timeouts, nil, nil)) }
        at -= 1
      }
      let kind = try objectKind()
      let table = try tableName()
      // nft lists all of a table's under the singular, when it is named alone.
      if next.kind != .word, kind == .timeout { return emit(verb, start, .all(.timeouts, nil, table)) }
      emit(verb, start, .named(table, kind, try name()))
    case "rules":
      guard verb == .reset else { throw unexpected() }
      at += 1
      try resetRules(start)
    case "rule":
      guard verb == .reset else { throw unexpected() }
      at += 1
      let table = try tableName()
      let chain = try name()
      let (handle, spot) = try handle()
      emit(verb, start, .rule(table, chain: chain, nil, .handle(handle, spot)))
    case "quota", "quotas", "meter", "meters", "secmark", "secmarks", "synproxy", "synproxys", "hooks":
      throw Flaw.unsupported(word, spot)
    default:
      guard let kind = Command.AllKind(rawValue: word) else { throw unexpected() }
      at += 1
      try listAll(verb, start, kind)
    }
  }

  private mutating func listAll(_ verb: Verb, _ start: Spot, _ kind: Command.AllKind) throws(Flaw) {
    if take(word: "table") { return emit(verb, start, .all(kind, nil, try tableName())) }
    let family = try family()
    if take(word: "table") || isName {
      return emit(verb, start, .all(kind, nil, TableName(family: family ?? .ip, name: try name())))
    }
    emit(verb, start, .all(kind, family, nil))
  }

  private mutating func resetRules(_ start: Spot) throws(Flaw) {
    if take(word: "chain") {
      let table = try tableName()
      return emit(.reset, start, .chainRules(table, try name()))
    }
    if take(word: "table") { return emit(.reset, start, .tableRules(try tableName())) }
    emit(.reset, start, .all(.rules, try family(), nil))
  }

  private mutating func rename(_ start: Spot) throws(Flaw) {
    try expect(word: "chain")
    let table = try tableName()
    let old = try name()
    emit(.rename, start, .renameChain(table, old, try name()))
  }
}
