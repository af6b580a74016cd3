internal import JSONText

/// A ruleset in the schema of libnftables-json(5): one object for each table, chain, rule and so on.
struct JSONListing {
  /// The nft whose words and schema these are.
  static let version = "1.0.6"
  static let release = "dpdkfwd"

  let options: ListOptions

  init(_ options: ListOptions) { self.options = options }

  func ruleset(_ ruleset: Ruleset) -> String { document(ruleset.tables.flatMap { all($0) }) }

  func document(_ objects: [JSON]) -> String {
    let info = JSON.object([
      ("version", .text(Self.version)), ("release_name", .text(Self.release)), ("json_schema_version", .unsigned(1)),
    ])
    return JSON.object([("nftables", .array([.object([("metainfo", info)])] + objects))]).line + "\n"
  }

  func all(_ table: Table) -> [JSON] {
    // Chains before the maps whose elements jump to them.
    var objects = [self.table(table)] + table.chains.map { chain($0, table) }
    objects += table.counters.map { counter($0, table) }
    objects += table.limits.map { limit($0, table) }
    objects += table.timeouts.map { timeout($0, table) }
    objects += table.sets.map { set($0, table) }
    objects += table.flowtables.map { flowtable($0, table) }
    objects += table.chains.flatMap { rules($0, table) }
    return objects
  }

  /// What every object begins with.
  private func head(_ table: Table, _ name: String, _ handle: UInt64) -> [(String, JSON)] {
    [
      ("family", .text(table.family.rawValue)), ("name", .text(name)), ("table", .text(table.name)),
      ("handle", .unsigned(handle)),
    ]
  }

  private func comment(_ comment: String?) -> [(String, JSON)] { comment.map { [("comment", .text($0))] } ?? [] }

  func table(_ table: Table) -> JSON {
    var members: [(String, JSON)] = [
      ("family", .text(table.family.rawValue)), ("name", .text(table.name)), ("handle", .unsigned(table.handle)),
    ]
    if table.isDormant { members.append(("flags", .text("dormant"))) }
    return .object([("table", .object(members + comment(table.comment)))])
  }

  func chain(_ chain: Chain, _ table: Table) -> JSON {
    var members = [
      ("family", JSON.text(table.family.rawValue)), ("table", .text(table.name)), ("name", .text(chain.name)),
      ("handle", .unsigned(chain.handle)),
    ]
    members += comment(chain.comment)
    if let base = chain.base {
      members += [
        ("type", .text("filter")), ("hook", .text(base.hook.rawValue)), ("prio", .signed(Int64(base.priority))),
      ]
      switch base.devices.count {
      case 0: break
      case 1: members.append(("dev", .text(base.devices[0])))
      default: members.append(("dev", .array(base.devices.map { .text($0) })))
      }
      members.append(("policy", .text(base.drops ? "drop" : "accept")))
    }
    return .object([("chain", .object(members))])
  }

  func rules(_ chain: Chain, _ table: Table) -> [JSON] {
    chain.rules.map { rule in
      var writer = RuleJSON(table.family, options)
      let members: [(String, JSON)] =
        [
          ("family", .text(table.family.rawValue)), ("table", .text(table.name)), ("chain", .text(chain.name)),
          ("handle", .unsigned(rule.handle)),
        ] + comment(rule.comment) + [("expr", .array(writer.statements(rule)))]
      return .object([("rule", .object(members))])
    }
  }

  func set(_ set: NamedSet, _ table: Table) -> JSON {
    func types(_ types: [DataType]) -> JSON {
      let names = types.map { JSON.text($0.name ?? "integer") }
      return names.count == 1 ? names[0] : .array(names)
    }
    var members: [(String, JSON)] = [
      ("family", .text(table.family.rawValue)), ("name", .text(set.name)), ("table", .text(table.name)),
      ("type", types(set.key)), ("handle", .unsigned(set.handle)),
    ]
    members += comment(set.comment)
    switch set.data {
    case nil: break
    case .verdict?: members.append(("map", .text("verdict")))
    case .value(let data)?:
      members.append(("map", .text(data.map { $0.name ?? "integer" }.joined(separator: " . "))))
    }
    if set.savesMemory { members.append(("policy", .text("memory"))) }
    if let size = set.size { members.append(("size", .unsigned(UInt64(size)))) }
    if !set.flags.isEmpty { members.append(("flags", .array(set.flags.words.map { .text($0) }))) }
    if let timeout = set.timeout { members.append(("timeout", .unsigned(timeout / 1000))) }
    if let interval = set.gcInterval { members.append(("gc-interval", .unsigned(interval / 1000))) }
    if set.autoMerge { members.append(("auto-merge", .truth(true))) }
    let writer = RuleJSON(table.family, options)
    if !set.elements.isEmpty, !options.terse {
      members.append(("elem", .array(set.elements.map { writer.element($0, set.key, set.data) })))
    }
    if !set.statements.isEmpty {
      let plain = set.statements.compactMap { statement -> JSON? in
        if case .counter = statement { return .object([("counter", .null)]) }
        return writer.statement(statement)
      }
      members.append(("stmt", .array(plain)))
    }
    return .object([(set.data == nil ? "set" : "map", .object(members))])
  }

  func flowtable(_ flowtable: Flowtable, _ table: Table) -> JSON {
    var members = head(table, flowtable.name, flowtable.handle)
    members += [("hook", .text("ingress")), ("prio", .signed(Int64(flowtable.priority)))]
    let devices = flowtable.devices.map { JSON.text($0) }
    if !devices.isEmpty { members.append(("dev", devices.count == 1 ? devices[0] : .array(devices))) }
    if flowtable.isHardware { members.append(("flags", .text("offload"))) }
    if flowtable.hasCounter { members.append(("counter", .truth(true))) }
    if let timeout = flowtable.timeout { members.append(("timeout", .unsigned(UInt64(timeout)))) }
    return .object([("flowtable", .object(members))])
  }

  func counter(_ counter: NamedCounter, _ table: Table) -> JSON {
    let counts: [(String, JSON)] =
      options.stateless
      ? [] : [("packets", .unsigned(counter.counter.packets)), ("bytes", .unsigned(counter.counter.bytes))]
    return .object([("counter", .object(head(table, counter.name, counter.handle) + comment(counter.comment) + counts))]
    )
  }

  func limit(_ limit: NamedLimit, _ table: Table) -> JSON {
    let members = head(table, limit.name, limit.handle) + comment(limit.comment)
    return .object([("limit", .object(members + RuleJSON.members(of: limit.limit)))])
  }

  func timeout(_ timeout: TimeoutPolicy, _ table: Table) -> JSON {
    let protocolName = Services.protocols.word(UInt128(timeout.transport)) ?? "\(timeout.transport)"
    let members =
      head(table, timeout.name, timeout.handle) + comment(timeout.comment)
      + [
        ("protocol", .text(protocolName)), ("l3proto", .text(timeout.network(of: table.family).rawValue)),
        ("policy", .object(timeout.seconds.map { ($0.state, .unsigned(UInt64($0.seconds))) })),
      ]
    return .object([("ct timeout", .object(members))])
  }
}
