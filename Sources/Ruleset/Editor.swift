/// Does commands to a ruleset. What a command is refused for, it is refused as a whole; the reader throws away all that
/// was done when there was a fault.
struct Editor {
  let workspace: Workspace
  let options: ListOptions
  var output = ""
  var resets: [StateID] = []

  init(_ workspace: Workspace, _ options: ListOptions) {
    self.workspace = workspace
    self.options = options
  }

  static func refused(_ spot: Spot, _ why: Refusal) -> Flaw { Flaw(spot, "Could not process rule: \(why.rawValue)") }

  enum Refusal: String {
    case missing = "No such file or directory"
    case exists = "File exists"
    case busy = "Device or resource busy"
    case unsupported = "Operation not supported"
    case invalid = "Invalid argument"
    case links = "Too many links"
    case overflow = "Value too large for defined data type"
    case range = "Numerical result out of range"
  }

  mutating func run(_ command: Command) throws(Flaw) {
    switch (command.verb, command.form) {
    case (.add, .table(let name, let dormant, let comment)), (.create, .table(let name, let dormant, let comment)):
      try addTable(command.verb, name, dormant, comment)
    case (.add, .chain(let table, let chain)), (.create, .chain(let table, let chain)):
      try addChain(command.verb, table, chain)
    case (.add, .rule(let table, let chain, let rule?, let place)),
      (.create, .rule(let table, let chain, let rule?, let place)):
      try addRule(table, chain, rule, place, isInsert: false)
    case (.insert, .rule(let table, let chain, let rule?, let place)):
      try addRule(table, chain, rule, place, isInsert: true)
    case (.replace, .rule(let table, let chain, let rule?, .handle(let handle, let spot)?)):
      try replaceRule(table, chain, rule, handle, spot)
    case (.add, .set(let table, let set)), (.create, .set(let table, let set)): try addSet(command.verb, table, set)
    case (.add, .flowtable(let table, let flowtable)), (.create, .flowtable(let table, let flowtable)):
      try addFlowtable(command.verb, table, flowtable)
    case (.add, .object(let table, let object, let name)), (.create, .object(let table, let object, let name)):
      try addObject(command.verb, table, object, name)
    case (.add, .elements(let table, let set, let nodes)), (.create, .elements(let table, let set, let nodes)):
      try addElements(command.verb, table, set, nodes)
    case (.delete, _), (.destroy, _): try delete(command)
    case (.flush, _): try flush(command)
    case (.list, _): try list(command)
    case (.reset, _): try reset(command)
    case (.rename, .renameChain(let table, let old, let new)): try rename(table, old, new)
    default: throw Flaw(command.spot, "This command cannot be done")
    }
  }

  /// The kernel's names have at most 255 bytes.
  func check(name: Named) throws(Flaw) {
    guard name.text.utf8.count < 256 else { throw Self.refused(name.spot, .range) }
  }

  // MARK: Finding

  func find(_ table: TableName) throws(Flaw) -> Int {
    if let index = workspace.tableIndex(table) { return index }
    let near = Spelling.nearest(
      table.name.text, among: workspace.ruleset.tables.filter { $0.family == table.family }.map(\.name))
    throw Flaw(
      table.name.spot,
      "Could not process rule: No such file or directory"
        + (near.map { "; did you mean table \u{2018}\($0)\u{2019} in family \(table.family.rawValue)?" } ?? ""))
  }

  func find(_ chain: Named, in table: Int) throws(Flaw) -> Int {
    if let index = workspace.chainIndex(table, chain.text) { return index }
    let near = Spelling.nearest(chain.text, among: workspace.ruleset.tables[table].chains.map(\.name))
    throw Flaw(
      chain.spot,
      "Could not process rule: No such file or directory"
        + (near.map { "; did you mean chain \u{2018}\($0)\u{2019}?" } ?? ""))
  }

  func find(rule handle: UInt64, _ spot: Spot, in table: Int, _ chain: Int) throws(Flaw) -> Int {
    let rules = workspace.ruleset.tables[table].chains[chain].rules
    guard let index = rules.firstIndex(where: { $0.handle == handle }) else { throw Self.refused(spot, .missing) }
    return index
  }

  // MARK: Tables

  private func addTable(_ verb: Verb, _ name: TableName, _ dormant: Bool?, _ comment: String?) throws(Flaw) {
    if let index = workspace.tableIndex(name) {
      guard verb == .add else { throw Self.refused(name.name.spot, .exists) }
      // Who says nothing says that it is awake.
      workspace.ruleset.tables[index].isDormant = dormant ?? false
      return
    }
    var table = Table(family: name.family, name: name.name.text)
    try check(name: name.name)
    workspace.ruleset.lastTableHandle += 1
    table.handle = workspace.ruleset.lastTableHandle
    table.isDormant = dormant ?? false
    table.comment = comment
    workspace.ruleset.tables.append(table)
  }

  // MARK: Chains

  private func addChain(_ verb: Verb, _ table: TableName, _ node: ChainNode) throws(Flaw) {
    let index = try find(table)
    let base = try base(node, table.family)
    if let old = workspace.chainIndex(index, node.name.text) {
      guard verb == .add else { throw Self.refused(node.name.spot, .exists) }
      guard let base else {
        guard let drops = node.drops else { return }
        guard workspace.ruleset.tables[index].chains[old].base != nil else {
          throw Self.refused(node.policy ?? node.name.spot, .unsupported)
        }
        workspace.ruleset.tables[index].chains[old].base?.drops = drops
        return
      }
      guard var known = workspace.ruleset.tables[index].chains[old].base, known.hook == base.hook,
        known.priority == base.priority
      else { throw Self.refused(node.name.spot, .exists) }
      if let drops = node.drops { known.drops = drops }
      for device in base.devices where !known.devices.contains(device) { known.devices.append(device) }
      workspace.ruleset.tables[index].chains[old].base = known
      return
    }
    try check(name: node.name)
    if base == nil, node.drops != nil { throw Self.refused(node.policy ?? node.name.spot, .unsupported) }
    var chain = Chain(name: node.name.text)
    chain.handle = workspace.nextHandle(index)
    chain.comment = node.comment
    chain.base = base
    let number = workspace.ruleset.tables[index].chains.count
    workspace.ruleset.tables[index].chains.append(chain)
    workspace.learn(index) { $0.chains[chain.name] = number }
  }

  private func base(_ node: ChainNode, _ family: Family) throws(Flaw) -> BaseChain? {
    guard let base = node.base else { return nil }
    let isIngress = base.hook.text == "ingress" || base.hook.text == "egress"
    if family == .netdev ? !isIngress : isIngress && (family != .inet || base.hook.text == "egress") {
      throw Flaw(base.hook.spot, "The \(family.rawValue) family does not support this hook")
    }
    guard let hook = Hook(rawValue: base.hook.text) else {
      throw Flaw.unsupported("The hook \(base.hook.text)", base.hook.spot)
    }
    var chain = BaseChain(hook: hook, priority: try priority(base.priority, family, base.hook.text))
    chain.drops = node.drops ?? false
    for device in base.devices { try check(device) }
    chain.devices = base.devices.map(\.text)
    guard Set(chain.devices).count == chain.devices.count else { throw Self.refused(node.name.spot, .exists) }
    guard isIngress != chain.devices.isEmpty else {
      throw Flaw(
        base.spot, isIngress ? "Missing `device' in this chain definition" : "This chain type cannot be bound to device"
      )
    }
    return chain
  }

  func priority(_ node: PriorityNode, _ family: Family, _ hook: String) throws(Flaw) -> Int32 {
    var value = node.offset
    if let name = node.name {
      guard let known = Priorities.value(name, family, hook) else {
        throw Flaw(node.spot, "invalid priority expression value in this context.")
      }
      value += Int64(known)
    }
    guard let value = Int32(exactly: value) else {
      throw Flaw(node.spot, "invalid priority expression value in this context.")
    }
    return value
  }

  /// A port that is named is one of those that exist; what ends with `*` is none yet, perhaps.
  func check(_ device: Named) throws(Flaw) {
    guard let ports = workspace.ports, !device.text.hasSuffix("*"), !ports.contains(device.text) else { return }
    let near = Spelling.nearest(device.text, among: ports)
    throw Flaw(
      device.spot,
      "Could not process rule: No such file or directory"
        + (near.map { "; did you mean port \u{2018}\($0)\u{2019}?" } ?? ""))
  }

  private func rename(_ table: TableName, _ old: Named, _ new: Named) throws(Flaw) {
    let index = try find(table)
    let chain = try find(old, in: index)
    guard workspace.chainIndex(index, new.text) == nil else { throw Self.refused(new.spot, .exists) }
    // Jumps lead to the chain, not to its name.
    workspace.ruleset.tables[index].renameJumps(old.text, new.text)
    workspace.ruleset.tables[index].chains[chain].name = new.text
    workspace.forget(index)
  }

  // MARK: Rules

  private func rule(_ node: RuleNode, _ table: Int, _ chain: String) throws(Flaw) -> Rule {
    var evaluator = Evaluator(workspace, table: table)
    return try evaluator.rule(node, in: chain)
  }

  private func addRule(_ table: TableName, _ chain: Named, _ node: RuleNode, _ place: RulePlace?, isInsert: Bool)
    throws(Flaw)
  {
    let index = try find(table)
    let number = try find(chain, in: index)
    var rule = try rule(node, index, chain.text)
    let count = workspace.ruleset.tables[index].chains[number].rules.count
    var at = isInsert ? 0 : count
    switch place {
    case nil: break
    case .handle(let handle, let spot):
      at = try find(rule: handle, spot, in: index, number) + (isInsert ? 0 : 1)
    case .index(let position, let spot):
      guard position < UInt64(count) else { throw Self.refused(spot, .missing) }
      at = Int(position) + (isInsert ? 0 : 1)
    }
    rule.handle = workspace.nextHandle(index)
    workspace.ruleset.tables[index].chains[number].rules.insert(rule, at: at)
  }

  private func replaceRule(_ table: TableName, _ chain: Named, _ node: RuleNode, _ handle: UInt64, _ spot: Spot)
    throws(Flaw)
  {
    let index = try find(table)
    let number = try find(chain, in: index)
    let at = try find(rule: handle, spot, in: index, number)
    var rule = try rule(node, index, chain.text)
    // As Linux 6.18 has it: who replaces by handle can do so again.
    rule.handle = handle
    workspace.ruleset.tables[index].chains[number].rules[at] = rule
  }
}

/// The kernel's priorities of hooks by nft's names.
enum Priorities {
  static let names: [(name: String, value: Int32)] = [
    ("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50), ("srcnat", 100),
  ]

  static func value(_ name: String, _ family: Family, _ hook: String) -> Int32? {
    guard isKnown(name, family, hook) else { return nil }
    return names.first { $0.name == name }?.value
  }

  private static func isKnown(_ name: String, _ family: Family, _ hook: String) -> Bool {
    if family == .netdev || hook == "ingress" && family != .inet { return name == "filter" }
    switch name {
    case "dstnat": return hook == "prerouting"
    case "srcnat": return hook == "postrouting"
    default: return true
    }
  }

  /// `filter`, `raw - 10`, or a number far from all names.
  static func text(_ value: Int32, _ family: Family, _ hook: String) -> String {
    let near = names.filter { isKnown($0.name, family, hook) && abs(Int64(value) - Int64($0.value)) <= 10 }
    guard let best = near.min(by: { abs(Int64(value) - Int64($0.value)) < abs(Int64(value) - Int64($1.value)) }) else {
      return "\(value)"
    }
    let offset = Int64(value) - Int64(best.value)
    return offset == 0 ? best.name : "\(best.name) \(offset < 0 ? "-" : "+") \(abs(offset))"
  }
}
