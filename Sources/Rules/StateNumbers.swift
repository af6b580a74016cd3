public import Ruleset

// What of a ruleset keeps a state while packets pass, and the numbers it is known by.

extension Ruleset {
  /// The same with a number for everything that keeps a state and has none yet, the same ones each time.
  public func numbered() -> Ruleset {
    var copy = self
    func number(_ state: inout StateID) {
      guard state == 0 else { return }
      copy.lastState += 1
      state = copy.lastState
    }
    func visit(_ statement: inout Statement) {
      switch statement {
      case .counter(var counter):
        number(&counter.state)
        statement = .counter(counter)
      case .limit(var limit):
        number(&limit.state)
        statement = .limit(limit)
      case .connectionCount(var count):
        number(&count.state)
        statement = .connectionCount(count)
      default: break
      }
    }
    for t in tables.indices {
      var table = tables[t]
      let updated = table.updatedSets
      for i in table.sets.indices {
        number(&table.sets[i].state)
        // In a set that packets change, elements are known by their keys.
        guard !table.sets[i].isLive(among: updated), table.sets[i].keepsState else { continue }
        let statements = table.sets[i].statements
        for e in table.sets[i].elements.indices where table.sets[i].elements[e].state == 0 {
          if table.sets[i].elements[e].statements.isEmpty {
            table.sets[i].elements[e].statements = statements.unnumbered
          }
          for s in table.sets[i].elements[e].statements.indices { visit(&table.sets[i].elements[e].statements[s]) }
          number(&table.sets[i].elements[e].state)
        }
      }
      for i in table.counters.indices { number(&table.counters[i].counter.state) }
      for i in table.limits.indices { number(&table.limits[i].limit.state) }
      for c in table.chains.indices {
        for r in table.chains[c].rules.indices {
          for s in table.chains[c].rules[r].statements.indices { visit(&table.chains[c].rules[r].statements[s]) }
        }
      }
      copy.tables[t] = table
    }
    return copy
  }
}

extension Table {
  /// Names of the sets that rules add to or delete from.
  public var updatedSets: Set<String> { Set(updates.keys) }
}

extension NamedSet {
  /// Whether packets can change it.
  /// - Parameter updated: the sets of its table that rules add to or delete from.
  public func isLive(among updated: Set<String>) -> Bool {
    // Where no rule does, one may one day, unless something in the set speaks against it.
    updated.contains(name) || flags.contains(.dynamic) && canBeLive && statementsOfElements([]) != nil
  }

  /// Whether elements end, count or limit.
  public var keepsState: Bool {
    timeout != nil || flags.contains(.timeout) || !statements.isEmpty
      || elements.contains { $0.timeout != nil || !$0.statements.isEmpty }
  }
}

extension [Statement] {
  /// The same for something new, which has no numbers yet.
  public var unnumbered: [Statement] { map { $0.numbered { 0 } } }
}
