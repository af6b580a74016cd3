/// A ruleset while a text's commands change it: with indices by name, and the places of what the text says, so that
/// what is found wrong at the end has one.
final class Workspace {
  struct TableKey: Hashable {
    var family: Family
    var name: String
  }

  /// What a table holds, by name.
  struct Names {
    var chains: [String: Int]
    var sets: [String: Int]
    var counters: Set<String>
    var limits: Set<String>
    var timeouts: Set<String>
    var flowtables: Set<String>

    init(_ table: Table) {
      func index(_ names: [String]) -> [String: Int] {
        Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
      }
      chains = index(table.chains.map(\.name))
      sets = index(table.sets.map(\.name))
      counters = Set(table.counters.map(\.name))
      limits = Set(table.limits.map(\.name))
      timeouts = Set(table.timeouts.map(\.name))
      flowtables = Set(table.flowtables.map(\.name))
    }
  }

  /// A jump that this text wrote: from a chain to a chain or a map, from a map to a chain.
  struct Jump: Hashable {
    var table: TableKey
    var from: Reference
    var to: Reference
  }

  var ruleset: Ruleset
  let ports: [String]?
  var flaws: [Flaw] = []
  private(set) var jumps: [Jump: (order: Int, spot: Spot)] = [:]
  /// Where this text declares sets, and where its rules change them.
  var declarations: [StateID: Spot] = [:]
  var updates: [StateID: Spot] = [:]
  private var names: [TableKey: Names] = [:]
  /// Where each key stands among a set's elements.
  private var elements: [StateID: [Key?: Int]] = [:]

  init(_ ruleset: Ruleset, ports: [String]?) {
    self.ruleset = ruleset
    self.ports = ports
  }

  /// The first that says so counts.
  func note(_ table: Int, from: Reference, to: Reference, _ spot: Spot) {
    let jump = Jump(table: key(table), from: from, to: to)
    if jumps[jump] == nil { jumps[jump] = (jumps.count, spot) }
  }

  /// The last of the jumps on a way that this text wrote: it made the way too long.
  func lastJump(_ table: Int, _ way: [Reference]) -> Spot? {
    let key = key(table)
    return zip(way, way.dropFirst()).compactMap { jumps[Jump(table: key, from: $0, to: $1)] }.max {
      $0.order < $1.order
    }?
    .spot
  }

  func tableIndex(_ table: TableName) -> Int? {
    ruleset.tables.firstIndex { $0.family == table.family && $0.name == table.name.text }
  }

  func names(_ table: Int) -> Names {
    let key = key(table)
    if let found = names[key] { return found }
    let made = Names(ruleset.tables[table])
    names[key] = made
    return made
  }

  func chainIndex(_ table: Int, _ name: String) -> Int? { names(table).chains[name] }
  func setIndex(_ table: Int, _ name: String) -> Int? { names(table).sets[name] }

  private func key(_ table: Int) -> TableKey {
    TableKey(family: ruleset.tables[table].family, name: ruleset.tables[table].name)
  }

  /// Something was removed or renamed.
  func forget(_ table: Int) { names[key(table)] = nil }

  /// Something was added at the end.
  func learn(_ table: Int, _ change: (inout Names) -> Void) {
    let key = key(table)
    guard names[key] != nil else { return }
    change(&names[key, default: Names(ruleset.tables[table])])
  }

  func forgetAll() {
    names = [:]
    elements = [:]
  }

  /// Taken out, so that it can grow in place; `keep` puts it back.
  func elements(of set: Int, _ table: Int) -> [Key?: Int] {
    if let known = elements.removeValue(forKey: ruleset.tables[table].sets[set].state) { return known }
    let all = ruleset.tables[table].sets[set].elements
    return Dictionary(zip(all.map(\.key), all.indices), uniquingKeysWith: { first, _ in first })
  }

  func keep(_ known: [Key?: Int], of set: NamedSet) { elements[set.state] = known }
  func forgetElements(of set: NamedSet) { elements[set.state] = nil }

  func nextState() -> StateID {
    ruleset.lastState += 1
    return ruleset.lastState
  }

  func nextHandle(_ table: Int) -> UInt64 {
    ruleset.tables[table].lastHandle += 1
    return ruleset.tables[table].lastHandle
  }

  /// The number of a port, as an interface's index.
  func portIndex(_ name: String) -> UInt128? {
    ports?.firstIndex(of: name).map { UInt128($0 + 1) }
  }
}
