extension Table {
  /// A chain gets another name: what jumps to it goes on to do so.
  mutating func renameJumps(_ old: String, _ new: String) {
    for chain in chains.indices {
      for rule in chains[chain].rules.indices {
        for statement in chains[chain].rules[rule].statements.indices {
          chains[chain].rules[rule].statements[statement].rename(old, new)
        }
      }
    }
    for set in sets.indices where sets[set].data == .verdict {
      for element in sets[set].elements.indices { sets[set].elements[element].rename(old, new) }
    }
  }
}

extension Statement {
  fileprivate mutating func rename(_ old: String, _ new: String) {
    switch self {
    case .verdict(let verdict): self = .verdict(verdict.renamed(old, new))
    case .verdictMap(let key, .anonymous(var map)):
      for element in map.elements.indices { map.elements[element].rename(old, new) }
      self = .verdictMap(key, .anonymous(map))
    default: break
    }
  }
}

extension Element {
  fileprivate mutating func rename(_ old: String, _ new: String) {
    if case .verdict(let verdict) = value { value = .verdict(verdict.renamed(old, new)) }
  }
}

extension RuleVerdict {
  fileprivate func renamed(_ old: String, _ new: String) -> RuleVerdict {
    switch self {
    case .jump(old): .jump(new)
    case .goto(old): .goto(new)
    default: self
    }
  }
}
