// Sets, maps, their elements, flow tables, and objects that rules name.

extension Editor {
  // MARK: Sets

  func addSet(_ verb: Verb, _ table: TableName, _ node: SetNode) throws(Flaw) {
    let index = try find(table)
    try check(name: node.name)
    if let unsupported = node.unsupported { throw Flaw.unsupported(unsupported.text, unsupported.spot) }
    let made = try set(node, index)
    if let old = workspace.setIndex(index, node.name.text) {
      let known = workspace.ruleset.tables[index].sets[old]
      guard verb == .add, known.key == made.key, known.data == made.data else {
        throw Self.refused(node.name.spot, .exists)
      }
      return try add(node.elements, to: old, index, isCreate: false)
    }
    // The kernel has no kind of set that is of intervals and changed by packets.
    guard !made.flags.isSuperset(of: [.dynamic, .interval]) else { throw Self.refused(node.name.spot, .unsupported) }
    var set = made
    set.handle = workspace.nextHandle(index)
    set.state = workspace.nextState()
    workspace.declarations[set.state] = node.name.spot
    let number = workspace.ruleset.tables[index].sets.count
    workspace.ruleset.tables[index].sets.append(set)
    workspace.learn(index) { $0.sets[set.name] = number }
    try add(node.elements, to: number, index, isCreate: false)
  }

  private func set(_ node: SetNode, _ table: Int) throws(Flaw) -> NamedSet {
    let kind = node.isMap ? "map" : "set"
    guard let key = node.key else { throw Flaw(node.name.spot, "\(kind) definition does not specify key") }
    let (types, expressions) = try types(key, table)
    var set = NamedSet(name: node.name.text, key: types)
    set.keyExpressions = expressions
    set.keyWords = key.words
    if node.isMap {
      if node.givesVerdicts {
        set.data = .verdict
      } else if let data = node.data {
        let (types, expressions) = try self.types(data, table)
        set.data = .value(types)
        set.dataExpressions = expressions
        set.dataWords = data.words
      } else {
        throw Flaw(node.name.spot, "map definition does not specify mapping data type")
      }
    }
    set.flags = node.flags
    if node.timeout != nil { set.flags.insert(.timeout) }
    guard node.timeout ?? 0 <= TimeText.longest else { throw Self.refused(node.name.spot, .range) }
    guard node.gcInterval == nil || set.flags.contains(.timeout) else { throw Self.refused(node.name.spot, .invalid) }
    guard !node.autoMerge || set.flags.contains(.interval) else {
      throw Flaw(node.name.spot, "auto-merge only works with interval sets")
    }
    set.timeout = node.timeout
    set.gcInterval = node.gcInterval
    set.size = node.size
    set.savesMemory = node.savesMemory
    set.autoMerge = node.autoMerge
    set.comment = node.comment
    let evaluator = Evaluator(workspace, table: table)
    if set.flags.contains(.timeout), node.statements.contains(where: \.countsConnections) {
      throw Self.refused(node.name.spot, .unsupported)
    }
    for case .counter(let counter) in node.statements.map(\.form) where counter.packets > 0 || counter.bytes > 0 {
      throw Flaw.unsupported("What a set's counter has counted", node.name.spot)
    }
    for statement in node.statements { set.statements.append(try evaluator.stateful(statement)) }
    return set
  }

  private func types(_ key: KeyNode, _ table: Int) throws(Flaw) -> ([DataType], [Expression]) {
    switch key {
    case .types(let types, _): return (types, [])
    case .expression(let node):
      let isPlain =
        if case .concatenation(let parts) = node.form { parts.allSatisfy(\.isPlainField) } else { node.isPlainField }
      guard isPlain else { throw Flaw.unsupported("typeof of what is computed", node.spot) }
      var evaluator = Evaluator(workspace, table: table)
      evaluator.isTypeof = true
      let (expression, types) = try evaluator.expression(node)
      if case .concatenation(let parts) = expression { return (types, parts) }
      return (types, [expression])
    }
  }

  // MARK: Elements

  func addElements(_ verb: Verb, _ table: TableName, _ set: Named, _ nodes: [ElementNode]) throws(Flaw) {
    let index = try find(table)
    try add(nodes, to: try find(set: set, in: index), index, isCreate: verb == .create)
  }

  func find(set name: Named, in table: Int) throws(Flaw) -> Int {
    if let index = workspace.setIndex(table, name.text) { return index }
    let near = Spelling.nearest(name.text, among: workspace.ruleset.tables[table].sets.map(\.name))
    throw Flaw(
      name.spot, "No such file or directory" + (near.map { "; did you mean set \u{2018}\($0)\u{2019}?" } ?? ""))
  }

  private func add(_ nodes: [ElementNode], to number: Int, _ table: Int, isCreate: Bool) throws(Flaw) {
    guard !nodes.isEmpty else { return }
    // Without its elements, so that they can grow in place.
    var set = workspace.ruleset.tables[table].sets[number]
    let count = set.elements.count
    set.elements = []
    var elements: [Element] = []
    var spots: [Spot] = []
    let evaluator = Evaluator(workspace, table: table)
    for node in nodes {
      let element = try element(node, set, evaluator)
      if case .verdict(let verdict) = element.value, let target = verdict.target {
        workspace.note(table, from: .set(set.name), to: .chain(target), node.spot)
      }
      elements.append(element)
      spots.append(node.key.spot)
    }
    let isInterval = set.flags.contains(.interval)
    let merges = set.autoMerge && isInterval && set.data == nil && set.key.count == 1
    if !merges { try Intervals.check(elements, spots, isInterval: isInterval) }
    var known = workspace.elements(of: number, table)
    var isNew = false
    for (element, spot) in zip(elements, spots) {
      if let old = known[element.key] {
        guard !isCreate, workspace.ruleset.tables[table].sets[number].elements[old].value == element.value else {
          throw Self.refused(spot, .exists)
        }
        workspace.ruleset.tables[table].sets[number].elements[old].renew(as: element, in: set)
        continue
      }
      if let size = set.size, known.count >= Int(size) {
        throw Flaw(spot, "Could not process rule: Too many open files in system")
      }
      known[element.key] = known.count
      isNew = true
      workspace.ruleset.tables[table].sets[number].elements.append(element)
    }
    workspace.keep(known, of: set)
    guard isNew, isInterval else { return }
    if merges {
      let all = workspace.ruleset.tables[table].sets[number].elements
      workspace.ruleset.tables[table].sets[number].elements = Intervals.merged(all, set.key)
      workspace.forgetElements(of: set)
    } else if count > 0 {
      let all = workspace.ruleset.tables[table].sets[number].elements
      guard !Intervals.areFree(all[count...], of: all[..<count]) else { return }
      throw Flaw(
        spots[0],
        set.key.count == 1 ? "interval overlaps with an existing one" : "Could not process rule: File exists")
    }
  }

  private func element(_ node: ElementNode, _ set: NamedSet, _ evaluator: Evaluator) throws(Flaw) -> Element {
    if node.value != nil, set.data == nil {
      throw Flaw(node.spot, "Cannot map expression to set without mapping")
    }
    var element = Element(node.key.isAny ? nil : try evaluator.elementKey(node.key, set.key))
    if let key = element.key, !key.isExact, !set.flags.contains(.interval) {
      let kind = if case .prefix = node.key.form { "prefix" } else { "range" }
      throw Flaw(
        node.key.spot,
        "You must add 'flags interval' to your set declaration if you want to add \(kind) elements")
    }
    if let data = set.data {
      guard let value = node.value else { throw Flaw(node.spot, "A map needs a value for each key") }
      element.value = try evaluator.value(value, data)
    }
    guard node.timeout == nil || set.flags.contains(.timeout) else { throw Self.refused(node.key.spot, .invalid) }
    let timeout = node.timeout ?? set.timeout
    guard timeout ?? 0 <= TimeText.longest else { throw Self.refused(node.key.spot, .range) }
    if let expires = node.expires {
      guard let timeout else { throw Self.refused(node.key.spot, .unsupported) }
      guard expires <= timeout else { throw Self.refused(node.key.spot, .range) }
    }
    element.comment = node.comment
    element.timeout = node.timeout
    element.expires = node.expires
    try check(node.statements, of: set)
    if !set.flags.isDisjoint(with: [.timeout, .dynamic]) { element.state = workspace.nextState() }
    for statement in node.statements { element.statements.append(try evaluator.stateful(statement)) }
    if element.statements.isEmpty { element.statements = set.statements.map { workspace.fresh($0) } }
    return element
  }

  /// An element's statements are of the kinds that the set declares; one that packets change may have any.
  private func check(_ nodes: [StatementNode], of set: NamedSet) throws(Flaw) {
    guard let first = nodes.first else { return }
    if set.statements.isEmpty {
      guard set.flags.contains(.dynamic) else { throw Flaw(first.spot, "missing statement in set declaration") }
      return
    }
    guard nodes.count == set.statements.count else {
      throw Flaw(
        first.spot,
        "number of statements mismatch, set expects \(set.statements.count) but element has \(nodes.count)")
    }
    for (node, statement) in zip(nodes, set.statements) where node.keyword != statement.keyword {
      throw Flaw(
        node.spot, "statement mismatch, element expects \(node.keyword), but set has type \(statement.keyword)")
    }
  }

  func deleteElements(_ table: TableName, _ set: Named, _ nodes: [ElementNode], isDestroy: Bool) throws(Flaw) {
    let index = try find(table)
    let number = try find(set: set, in: index)
    let named = workspace.ruleset.tables[index].sets[number]
    let evaluator = Evaluator(workspace, table: index)
    var gone: Set<Key?> = []
    let known = workspace.elements(of: number, index)
    for node in nodes {
      let key = node.key.isAny ? nil : try evaluator.key(node.key, named.key)
      if known[key] != nil, !gone.contains(key) {
        gone.insert(key)
      } else if !isDestroy {
        throw Flaw(
          node.key.spot,
          named.flags.contains(.interval)
            ? "element does not exist" : "Could not process rule: No such file or directory")
      }
    }
    workspace.ruleset.tables[index].sets[number].elements.removeAll { gone.contains($0.key) }
    workspace.forgetElements(of: named)
  }

  // MARK: Flow tables

  func addFlowtable(_ verb: Verb, _ table: TableName, _ node: FlowtableNode) throws(Flaw) {
    let index = try find(table)
    for device in node.devices { try check(device) }
    if let old = workspace.ruleset.tables[index].flowtables.firstIndex(where: { $0.name == node.name.text }) {
      guard verb == .add else { throw Self.refused(node.name.spot, .exists) }
      for device in node.devices where !workspace.ruleset.tables[index].flowtables[old].devices.contains(device.text) {
        workspace.ruleset.tables[index].flowtables[old].devices.append(device.text)
      }
      if let timeout = node.table.timeout { workspace.ruleset.tables[index].flowtables[old].timeout = timeout }
      if node.table.hasCounter { workspace.ruleset.tables[index].flowtables[old].hasCounter = true }
      return
    }
    guard node.hasHook, let priority = node.priority else { throw Self.refused(node.name.spot, .invalid) }
    guard table.family != .netdev else { throw Self.refused(node.name.spot, .unsupported) }
    var flowtable = node.table
    flowtable.priority = try self.priority(priority, .netdev, "ingress")
    var seen: Set<String> = []
    flowtable.devices = node.devices.map(\.text).filter { seen.insert($0).inserted }
    flowtable.handle = workspace.nextHandle(index)
    workspace.ruleset.tables[index].flowtables.append(flowtable)
    workspace.learn(index) { $0.flowtables.insert(flowtable.name) }
  }

  /// `delete flowtable T F { devices = { ... }; }`
  func deleteDevices(_ table: TableName, _ node: FlowtableNode, isDestroy: Bool) throws(Flaw) {
    let index = try find(table)
    guard let number = workspace.ruleset.tables[index].flowtables.firstIndex(where: { $0.name == node.name.text })
    else {
      throw Self.refused(node.name.spot, .missing)
    }
    for device in node.devices {
      guard let at = workspace.ruleset.tables[index].flowtables[number].devices.firstIndex(of: device.text) else {
        if isDestroy { continue }
        throw Self.refused(device.spot, .missing)
      }
      workspace.ruleset.tables[index].flowtables[number].devices.remove(at: at)
    }
  }

  // MARK: Objects

  func addObject(_ verb: Verb, _ table: TableName, _ object: ObjectNode, _ name: Named) throws(Flaw) {
    let index = try find(table)
    try check(name: name)
    let names = workspace.names(index)
    switch object {
    case .counter(var counter):
      guard try isFree(names.counters, name, verb) else { return }
      counter.handle = workspace.nextHandle(index)
      counter.counter.state = workspace.nextState()
      workspace.ruleset.tables[index].counters.append(counter)
      workspace.learn(index) { $0.counters.insert(counter.name) }
    case .limit(var limit):
      guard try isFree(names.limits, name, verb) else { return }
      guard limit.limit.isCountable else { throw Self.refused(name.spot, .overflow) }
      limit.handle = workspace.nextHandle(index)
      limit.limit.state = workspace.nextState()
      workspace.ruleset.tables[index].limits.append(limit)
      workspace.learn(index) { $0.limits.insert(limit.name) }
    case .timeout(var timeout):
      guard try isFree(names.timeouts, name, verb) else { return }
      guard timeout.transport != 0 else { throw Flaw(name.spot, "A ct timeout needs a protocol") }
      guard table.family != .netdev else { throw Flaw(name.spot, "Could not process rule: Protocol error") }
      timeout.handle = workspace.nextHandle(index)
      workspace.ruleset.tables[index].timeouts.append(timeout)
      workspace.learn(index) { $0.timeouts.insert(timeout.name) }
    }
  }

  private func isFree(_ names: Set<String>, _ name: Named, _ verb: Verb) throws(Flaw) -> Bool {
    guard names.contains(name.text) else { return true }
    guard verb == .add else { throw Self.refused(name.spot, .exists) }
    return false
  }
}

extension Limit {
  /// Whether the kernel can count it: a bucket of nanoseconds has 64 bits.
  var isCountable: Bool {
    let unit = unit.seconds * 1_000_000_000
    let (sum, isTooMuch) = rate.addingReportingOverflow(burst)
    guard !isTooMuch else { return false }
    return countsBytes
      ? !unit.multipliedReportingOverflow(by: sum).overflow
      : !(unit / rate).multipliedReportingOverflow(by: burst).overflow
  }
}

extension StatementNode {
  fileprivate var keyword: String {
    switch form {
    case .counter, .namedCounter: "counter"
    case .limit, .namedLimit: "limit"
    default: "connlimit"
    }
  }
}

extension Statement {
  fileprivate var keyword: String {
    switch self {
    case .counter: "counter"
    case .limit: "limit"
    default: "connlimit"
    }
  }
}

extension Element {
  /// One that is there is added again: another timeout is taken over, and the same one goes on (the kernel from 6.12
  /// on).
  fileprivate mutating func renew(as new: Element, in set: NamedSet) {
    guard set.flags.contains(.timeout), new.expires != nil || !hasTimeout(of: new, in: set) else { return }
    (timeout, expires, state) = (new.timeout, new.expires, new.state)
  }

  /// Whether both last as long.
  func hasTimeout(of other: Element, in set: NamedSet) -> Bool {
    timeout ?? set.timeout ?? 0 == other.timeout ?? set.timeout ?? 0
  }
}

extension Workspace {
  /// A set's statement for one more of its elements.
  func fresh(_ statement: Statement) -> Statement { statement.bare.numbered { nextState() } }
}
