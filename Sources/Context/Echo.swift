internal import Ruleset

extension Ruleset {
  /// What there is here and was not there, as commands that would add it: `nft -e`.
  func additions(to old: Ruleset, _ options: ListOptions) -> String {
    var text = ""
    func line(_ words: String, _ handle: UInt64) {
      text += words + (options.handles ? " # handle \(handle)" : "") + "\n"
    }
    for table in tables {
      let before = old.tables.first { $0.family == table.family && $0.name == table.name }
      let name = "\(table.family.rawValue) \(table.name)"
      if before == nil { line("add table \(name)", table.handle) }
      func isNew(_ handle: UInt64, _ known: [UInt64]?) -> Bool { !(known ?? []).contains(handle) }
      for flowtable in table.flowtables where isNew(flowtable.handle, before?.flowtables.map(\.handle)) {
        line("add flowtable \(name) \(flowtable.name)", flowtable.handle)
      }
      for set in table.sets where isNew(set.handle, before?.sets.map(\.handle)) {
        line("add \(set.data == nil ? "set" : "map") \(name) \(set.name)", set.handle)
      }
      for chain in table.chains {
        let known = before?.chains.first { $0.handle == chain.handle }
        if known == nil { line("add chain \(name) \(chain.name)", chain.handle) }
        let handles = Set(known?.rules.map(\.handle) ?? [])
        for rule in chain.rules where !handles.contains(rule.handle) {
          line("add rule \(name) \(chain.name) \(Rule.text([rule], in: table).first ?? "")", rule.handle)
        }
      }
    }
    return text
  }
}
