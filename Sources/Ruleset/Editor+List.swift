internal import JSONText

// What shows: list, and reset, which shows what it sets back to nothing.

extension Editor {
  private var json: JSONListing { JSONListing(options) }

  private mutating func show(_ objects: [JSON], _ text: String) {
    output += options.json ? json.document(objects) : text
  }

  mutating func list(_ command: Command) throws(Flaw) {
    switch command.form {
    case .ruleset(let family):
      let tables = workspace.ruleset.tables.filter { family == nil || $0.family == family }
      show(tables.flatMap { json.all($0) }, tables.map { TableText($0, options).all }.joined())
    case .tableRules(let name):
      let table = workspace.ruleset.tables[try find(name)]
      show(json.all(table), TableText(table, options).all)
    case .chainRules(let name, let chain):
      let index = try find(name)
      let table = workspace.ruleset.tables[index]
      let found = table.chains[try find(chain, in: index)]
      let writer = TableText(table, options)
      show([json.chain(found, table)] + json.rules(found, table), writer.within(writer.text(found)))
    case .named(let name, let kind, let object):
      let table = workspace.ruleset.tables[try find(name)]
      guard let handle = table.handle(of: kind, object.text) else { throw Self.refused(object.spot, .missing) }
      let (objects, text) = named(table, kind) { $0 == handle }
      show(objects, TableText(table, options).within(text.joined()))
    case .all(let kind, let family, let table): try listAll(kind, family, table)
    default: throw Flaw(command.spot, "This command cannot be done")
    }
  }

  private mutating func listAll(_ kind: Command.AllKind, _ family: Family?, _ name: TableName?) throws(Flaw) {
    var tables = workspace.ruleset.tables.filter { family == nil || $0.family == family }
    if let name { tables = [workspace.ruleset.tables[try find(name)]] }
    var objects: [JSON] = []
    var text = ""
    for table in tables {
      let writer = TableText(table, options)
      switch kind {
      case .tables:
        objects.append(json.table(table))
        text += "\(writer.header)\n"
      case .chains:
        objects += table.chains.map { json.chain($0, table) }
        var bare = table
        for chain in bare.chains.indices { bare.chains[chain].rules = [] }
        text += writer.within(bare.chains.map { writer.text($0) }.joined())
      case .rules: break
      case .sets, .maps, .flowtables, .counters, .limits, .timeouts:
        let (found, parts) = named(table, kind.object) { _ in true }
        objects += found
        text += writer.within(parts.joined())
      }
    }
    show(objects, text)
  }

  private func named(_ table: Table, _ kind: ObjectKind, _ isWanted: (UInt64) -> Bool) -> ([JSON], [String]) {
    let writer = TableText(table, options)
    switch kind {
    case .set, .map:
      let found = table.sets.filter { isWanted($0.handle) && ($0.data != nil) == (kind == .map) }
      return (found.map { json.set($0, table) }, found.map { writer.text($0) })
    case .flowtable:
      let found = table.flowtables.filter { isWanted($0.handle) }
      return (found.map { json.flowtable($0, table) }, found.map { writer.text($0) })
    case .counter:
      let found = table.counters.filter { isWanted($0.handle) }
      return (found.map { json.counter($0, table) }, found.map { writer.text($0) })
    case .limit:
      let found = table.limits.filter { isWanted($0.handle) }
      return (found.map { json.limit($0, table) }, found.map { writer.text($0) })
    case .timeout:
      let found = table.timeouts.filter { isWanted($0.handle) }
      return (found.map { json.timeout($0, table) }, found.map { writer.text($0) })
    }
  }

  // MARK: reset

  mutating func reset(_ command: Command) throws(Flaw) {
    switch command.form {
    case .all(.rules, let family, _):
      var copy = command
      copy.form = .ruleset(family)
      try list(copy)
      for index in workspace.ruleset.tables.indices
      where family == nil || workspace.ruleset.tables[index].family == family {
        resetRules(index) { _ in true }
      }
    case .tableRules(let name):
      try list(command)
      resetRules(try find(name)) { _ in true }
    case .chainRules(let name, let chain):
      try list(command)
      resetRules(try find(name)) { $0 == chain.text }
    case .rule(let name, let chain, _, .handle(let handle, let spot)?):
      let index = try find(name)
      let number = try find(chain, in: index)
      let at = try find(rule: handle, spot, in: index, number)
      var part = workspace.ruleset.tables[index].chains[number]
      part.rules = [part.rules[at]]
      let table = workspace.ruleset.tables[index]
      let writer = TableText(table, options)
      show(json.rules(part, table), writer.within(writer.text(part)))
      reset(&workspace.ruleset.tables[index].chains[number].rules[at].statements)
    case .all(let kind, let family, let table):
      guard kind == .counters else { throw Flaw.unsupported("reset \(kind.rawValue)", command.spot) }
      try listAll(kind, family, table)
      for index in workspace.ruleset.tables.indices {
        let known = workspace.ruleset.tables[index]
        guard family == nil || known.family == family,
          table.map({ known.name == $0.name.text && known.family == $0.family }) ?? true
        else { continue }
        resetCounters(index) { _ in true }
      }
    case .named(let name, let kind, let object):
      try list(command)
      let index = try find(name)
      switch kind {
      case .counter: resetCounters(index) { $0 == object.text }
      case .limit:
        for limit in workspace.ruleset.tables[index].limits where limit.name == object.text {
          resets.append(limit.limit.state)
        }
      case .set, .map:
        let number = try find(set: object, in: index)
        // Of one that packets change, the elements are known by the set.
        resets.append(workspace.ruleset.tables[index].sets[number].state)
        for element in workspace.ruleset.tables[index].sets[number].elements.indices {
          reset(&workspace.ruleset.tables[index].sets[number].elements[element].statements)
        }
      case .flowtable, .timeout: throw Flaw.unsupported("reset \(kind.rawValue)", command.spot)
      }
    default: throw Flaw(command.spot, "This command cannot be done")
    }
  }

  private mutating func resetCounters(_ table: Int, _ isWanted: (String) -> Bool) {
    for index in workspace.ruleset.tables[table].counters.indices
    where isWanted(workspace.ruleset.tables[table].counters[index].name) {
      resets.append(workspace.ruleset.tables[table].counters[index].counter.state)
      workspace.ruleset.tables[table].counters[index].counter.packets = 0
      workspace.ruleset.tables[table].counters[index].counter.bytes = 0
    }
  }

  private mutating func resetRules(_ table: Int, _ isWanted: (String) -> Bool) {
    for chain in workspace.ruleset.tables[table].chains.indices
    where isWanted(workspace.ruleset.tables[table].chains[chain].name) {
      for rule in workspace.ruleset.tables[table].chains[chain].rules.indices {
        reset(&workspace.ruleset.tables[table].chains[chain].rules[rule].statements)
      }
    }
  }

  private mutating func reset(_ statements: inout [Statement]) {
    for index in statements.indices {
      switch statements[index] {
      case .counter(var counter):
        resets.append(counter.state)
        counter.packets = 0
        counter.bytes = 0
        statements[index] = .counter(counter)
      case .limit(let limit): resets.append(limit.state)
      default: break
      }
    }
  }
}

extension Command.AllKind {
  fileprivate var object: ObjectKind {
    switch self {
    case .maps: .map
    case .flowtables: .flowtable
    case .counters: .counter
    case .limits: .limit
    case .timeouts: .timeout
    case .sets, .tables, .chains, .rules: .set
    }
  }
}
