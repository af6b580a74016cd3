// What takes away: delete and destroy, which differ in what is not there, and flush.

extension Editor {
  func delete(_ command: Command) throws(Flaw) {
    let isDestroy = command.verb == .destroy
    do throws(Flaw) {
      try deleteOne(command, isDestroy)
    } catch {
      guard isDestroy, error.message.contains(Refusal.missing.rawValue) else { throw error }
    }
  }

  private func deleteOne(_ command: Command, _ isDestroy: Bool) throws(Flaw) {
    switch command.form {
    case .table(let name, _, _): deleteTable(try find(name))
    case .tableByHandle(let family, let handle, let spot):
      let index = workspace.ruleset.tables.firstIndex { $0.family == family && $0.handle == handle }
      guard let index else { throw Self.refused(spot, .missing) }
      deleteTable(index)
    case .chain(let table, let chain):
      let index = try find(table)
      try deleteChain(try find(chain.name, in: index), index, chain.name.spot)
    case .chainByHandle(let table, let handle, let spot):
      let index = try find(table)
      let chain = workspace.ruleset.tables[index].chains.firstIndex { $0.handle == handle }
      guard let chain else { throw Self.refused(spot, .missing) }
      try deleteChain(chain, index, spot)
    case .rule(let table, let chain, _, .handle(let handle, let spot)?):
      let index = try find(table)
      let number = try find(chain, in: index)
      let at = try find(rule: handle, spot, in: index, number)
      workspace.ruleset.tables[index].chains[number].rules.remove(at: at)
    case .elements(let table, let set, let nodes): try deleteElements(table, set, nodes, isDestroy: isDestroy)
    case .flowtable(let table, let node): try deleteDevices(table, node, isDestroy: isDestroy)
    case .named(let table, let kind, let name):
      let index = try find(table)
      // To the kernel a map is a set.
      let tables = workspace.ruleset.tables
      let other: ObjectKind = kind == .map ? .set : kind == .set ? .map : kind
      let handle = tables[index].handle(of: kind, name.text) ?? tables[index].handle(of: other, name.text)
      guard let handle else { throw Self.refused(name.spot, .missing) }
      try deleteNamed(index, kind, handle, name.spot)
    case .namedByHandle(let table, let kind, let handle, let spot):
      try deleteNamed(try find(table), kind, handle, spot)
    default: throw Flaw(command.spot, "This command cannot be done")
    }
  }

  private func deleteTable(_ index: Int) {
    workspace.forgetAll()
    workspace.ruleset.tables.remove(at: index)
  }

  /// A chain that is jumped to stays; its rules go with it.
  private func deleteChain(_ chain: Int, _ table: Int, _ spot: Spot) throws(Flaw) {
    let known = workspace.ruleset.tables[table]
    guard !known.refers(to: .chain(known.chains[chain].name)) else {
      throw Self.refused(spot, .busy)
    }
    workspace.ruleset.tables[table].chains.remove(at: chain)
    workspace.forget(table)
  }

  private func deleteNamed(_ table: Int, _ kind: ObjectKind, _ handle: UInt64, _ spot: Spot) throws(Flaw) {
    guard let name = workspace.ruleset.tables[table].name(of: kind, handle) else { throw Self.refused(spot, .missing) }
    let reference: Reference =
      switch kind {
      case .set, .map: .set(name)
      case .flowtable: .flowtable(name)
      case .counter: .counter(name)
      case .limit: .limit(name)
      case .timeout: .timeout(name)
      }
    guard !workspace.ruleset.tables[table].refers(to: reference) else { throw Self.refused(spot, .busy) }
    workspace.ruleset.tables[table].remove(kind, handle)
    workspace.forgetAll()
  }

  // MARK: flush

  func flush(_ command: Command) throws(Flaw) {
    switch command.form {
    case .ruleset(let family):
      workspace.ruleset.tables.removeAll { family == nil || $0.family == family }
      workspace.forgetAll()
    case .tableRules(let table):
      let index = try find(table)
      for chain in workspace.ruleset.tables[index].chains.indices {
        workspace.ruleset.tables[index].chains[chain].rules = []
      }
    case .chainRules(let table, let chain):
      let index = try find(table)
      workspace.ruleset.tables[index].chains[try find(chain, in: index)].rules = []
    case .named(let table, let kind, let name):
      let index = try find(table)
      let number = try find(set: name, in: index)
      guard (workspace.ruleset.tables[index].sets[number].data != nil) == (kind == .map) else {
        throw Flaw(name.spot, Refusal.missing.rawValue)
      }
      workspace.forgetElements(of: workspace.ruleset.tables[index].sets[number])
      workspace.ruleset.tables[index].sets[number].elements = []
    default: throw Flaw(command.spot, "This command cannot be done")
    }
  }
}

extension Table {
  func handle(of kind: ObjectKind, _ name: String) -> UInt64? {
    switch kind {
    case .set, .map: sets.first { $0.name == name && ($0.data != nil) == (kind == .map) }?.handle
    case .flowtable: flowtables.first { $0.name == name }?.handle
    case .counter: counters.first { $0.name == name }?.handle
    case .limit: limits.first { $0.name == name }?.handle
    case .timeout: timeouts.first { $0.name == name }?.handle
    }
  }

  fileprivate func name(of kind: ObjectKind, _ handle: UInt64) -> String? {
    switch kind {
    case .set, .map: sets.first { $0.handle == handle }?.name
    case .flowtable: flowtables.first { $0.handle == handle }?.name
    case .counter: counters.first { $0.handle == handle }?.name
    case .limit: limits.first { $0.handle == handle }?.name
    case .timeout: timeouts.first { $0.handle == handle }?.name
    }
  }

  fileprivate mutating func remove(_ kind: ObjectKind, _ handle: UInt64) {
    switch kind {
    case .set, .map: sets.removeAll { $0.handle == handle }
    case .flowtable: flowtables.removeAll { $0.handle == handle }
    case .counter: counters.removeAll { $0.handle == handle }
    case .limit: limits.removeAll { $0.handle == handle }
    case .timeout: timeouts.removeAll { $0.handle == handle }
    }
  }
}
