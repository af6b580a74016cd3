internal import Primitives
internal import Rules
internal import Ruleset

// A ruleset beside what is counted: counters, and the elements that packets add or that expire.

extension RuleKeeper {
  /// The rules with what they have counted by now.
  func filled(_ ruleset: Ruleset, at now: Instant) -> Ruleset {
    var filled = ruleset
    for table in filled.tables.indices {
      for chain in filled.tables[table].chains.indices {
        for rule in filled.tables[table].chains[chain].rules.indices {
          fill(&filled.tables[table].chains[chain].rules[rule].statements)
        }
      }
      for counter in filled.tables[table].counters.indices { fill(&filled.tables[table].counters[counter].counter) }
      for set in filled.tables[table].sets.indices {
        filled.tables[table].sets[set].elements = states.current(filled.tables[table].sets[set], at: now).inOrder
      }
    }
    return filled
  }

  /// Sets that were there before keep what packets added to them, as far as what is declared of them now leaves room.
  func keepElements(in ruleset: inout Ruleset, at now: Instant) {
    for table in ruleset.tables.indices {
      for set in ruleset.tables[table].sets.indices {
        let named = ruleset.tables[table].sets[set]
        let held = states.elements(of: named.state, at: now)
        guard !held.isEmpty else { continue }
        let declared = Set(named.elements.map(\.key))
        let room = max((named.size.map(Int.init) ?? .max) - declared.count, 0)
        ruleset.tables[table].sets[set].elements += held.lazy.filter { !declared.contains($0.key) }.prefix(room)
      }
    }
  }

  /// For going back: sets hold what they held before the last load, but for what is over since, and what packets added
  /// since.
  func takeBackElements(in ruleset: inout Ruleset, at now: Instant) {
    let loaded = inForce.ruleset.sets
    for table in ruleset.tables.indices {
      for set in ruleset.tables[table].sets.indices {
        let id = ruleset.tables[table].sets[set].state
        guard states.isLive(id), let loaded = loaded[id] else { continue }
        let held = states.elements(of: id, at: now)
        let (then, still) = (Set(loaded.elements.map(\.key)), Set(held.map(\.key)))
        let back = ruleset.tables[table].sets[set].elements.filter { !then.contains($0.key) || still.contains($0.key) }
        let known = then.union(back.map(\.key))
        ruleset.tables[table].sets[set].elements = back + held.filter { !known.contains($0.key) }
      }
    }
  }

  private func fill(_ statements: inout [Statement]) {
    for place in statements.indices {
      guard case .counter(var counter) = statements[place] else { continue }
      fill(&counter)
      statements[place] = .counter(counter)
    }
  }

  private func fill(_ counter: inout Counter) {
    guard counter.state != 0 else { return }
    (counter.packets, counter.bytes) = states.counter(counter.state)
  }
}

extension [Element] {
  /// By their keys, which differ.
  fileprivate var inOrder: [Element] {
    // Most were listed before.
    if indices.dropFirst().allSatisfy({ !self[$0].isBefore(self[$0 - 1]) }) { return self }
    return sorted { $0.isBefore($1) }
  }
}

extension Element {
  fileprivate func isBefore(_ other: Element) -> Bool {
    guard let first = key?.parts, let second = other.key?.parts else { return key == nil && other.key != nil }
    for (a, b) in zip(first, second) where a.lowerBound != b.lowerBound { return a.lowerBound < b.lowerBound }
    return first.count < second.count
  }
}

extension NamedSet {
  /// What makes of a set's elements those of another: packets may have added more meanwhile, which stay.
  func changes(to next: NamedSet) -> ElementChanges? {
    let before = Dictionary(elements.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    let after = Set(next.elements.map(\.key))
    var changes = ElementChanges(set: state)
    var added: [Element] = []
    for element in next.elements {
      if let known = before[element.key] {
        // One that was added again, perhaps with another time, has another number.
        guard known.state != element.state || known.value != element.value else { continue }
        // After it was deleted it begins anew.
        if let key = element.key, element.statements != element.statements.unnumbered {
          changes.removed.append(key)
          changes.added.append(element)
          continue
        }
      }
      added.append(element)
    }
    changes.added += added
    changes.removed += elements.compactMap(\.key).filter { !after.contains($0) }
    return changes.added.isEmpty && changes.removed.isEmpty ? nil : changes
  }

  /// The elements without what they counted and what is left of their time.
  var declaredElements: [Element] {
    elements.map { element in
      var declared = element
      declared.expires = nil
      declared.statements = declared.statements.map(\.declared)
      return declared
    }
  }
}

extension Statement {
  /// Without what it counted.
  fileprivate var declared: Statement {
    guard case .counter(var counter) = self else { return self }
    (counter.packets, counter.bytes) = (0, 0)
    return .counter(counter)
  }
}

extension Ruleset {
  /// The same without what was counted: two that differ are different rules.
  var declared: Ruleset {
    var declared = self
    (declared.lastState, declared.lastTableHandle) = (0, 0)
    for table in declared.tables.indices {
      declared.tables[table].lastHandle = 0
      for chain in declared.tables[table].chains.indices {
        for rule in declared.tables[table].chains[chain].rules.indices {
          let statements = declared.tables[table].chains[chain].rules[rule].statements
          declared.tables[table].chains[chain].rules[rule].statements = statements.map(\.declared)
        }
      }
      for counter in declared.tables[table].counters.indices {
        declared.tables[table].counters[counter].counter.packets = 0
        declared.tables[table].counters[counter].counter.bytes = 0
      }
      for set in declared.tables[table].sets.indices {
        declared.tables[table].sets[set].elements = declared.tables[table].sets[set].declaredElements
      }
    }
    return declared
  }

  /// By their number.
  var sets: [StateID: NamedSet] {
    Dictionary(tables.flatMap { $0.sets.map { ($0.state, $0) } }) { first, _ in first }
  }

  /// The numbers of everything that keeps a state.
  var stateIDs: Set<StateID> {
    var all: Set<StateID> = []
    func add(_ statements: [Statement]) {
      for statement in statements {
        switch statement {
        case .counter(let counter): all.insert(counter.state)
        case .limit(let limit): all.insert(limit.state)
        case .connectionCount(let count): all.insert(count.state)
        case .update(let update): add(update.statements)
        default: break
        }
      }
    }
    for table in tables {
      for chain in table.chains { for rule in chain.rules { add(rule.statements) } }
      let updated = table.updatedSets
      for set in table.sets {
        if set.isLive(among: updated) { all.insert(set.state) }
        add(set.statements)
        guard set.keepsState else { continue }
        for element in set.elements {
          all.insert(element.state)
          add(element.statements)
        }
      }
      all.formUnion(table.counters.map(\.counter.state))
      all.formUnion(table.limits.map(\.limit.state))
    }
    return all
  }
}
