extension Ruleset {
  /// For a whole file that takes the place of `old`: what is the same in both keeps its handle and what it counted. A
  /// rule is the same when its chain had one with the same words; of several alike, the first is the first. What is new
  /// gets handles and numbers that nothing had.
  public mutating func adopt(from old: Ruleset) {
    var numbers = Numbers(old)
    lastTableHandle = old.lastTableHandle
    for index in tables.indices {
      let known = old.tables.first { $0.family == tables[index].family && $0.name == tables[index].name }
      if let known {
        tables[index].handle = known.handle
      } else {
        lastTableHandle += 1
        tables[index].handle = lastTableHandle
      }
      tables[index].adopt(from: known, &numbers)
    }
    lastState = numbers.last
  }
}

/// Gives out numbers of states beyond those of the old ruleset.
struct Numbers {
  private(set) var last: StateID

  init(_ old: Ruleset) { last = old.lastState }

  mutating func next() -> StateID {
    last += 1
    return last
  }

  /// Statements of the same words, from old to new.
  mutating func renumber(_ statements: inout [Statement], like old: [Statement]?) {
    for index in statements.indices {
      let known = old.flatMap { $0.indices.contains(index) ? $0[index] : nil }
      switch (statements[index], known) {
      case (.counter(var counter), let known):
        if case .counter(let old)? = known { counter = old } else { counter.state = next() }
        statements[index] = .counter(counter)
      case (.limit(var limit), let known):
        if case .limit(let old)? = known { limit.state = old.state } else { limit.state = next() }
        statements[index] = .limit(limit)
      case (.connectionCount(var count), let known):
        if case .connectionCount(let old)? = known { count.state = old.state } else { count.state = next() }
        statements[index] = .connectionCount(count)
      case (.update(var update), let known):
        if case .update(let old)? = known {
          renumber(&update.statements, like: old.statements)
        } else {
          renumber(&update.statements, like: nil)
        }
        statements[index] = .update(update)
      default: break
      }
    }
  }
}

extension Table {
  fileprivate mutating func adopt(from old: Table?, _ numbers: inout Numbers) {
    lastHandle = old?.lastHandle ?? 0
    func number(_ known: UInt64?, _ last: inout UInt64) -> UInt64 {
      if let known { return known }
      last += 1
      return last
    }
    for index in counters.indices {
      let known = old?.counters.first { $0.name == counters[index].name }
      counters[index].handle = number(known?.handle, &lastHandle)
      if let known { counters[index].counter = known.counter } else { counters[index].counter.state = numbers.next() }
    }
    for index in limits.indices {
      // Another rate is another limit.
      let known = old?.limits.first { $0.name == limits[index].name && $0.limit.text == limits[index].limit.text }
      limits[index].handle = number(known?.handle, &lastHandle)
      limits[index].limit.state = known?.limit.state ?? numbers.next()
    }
    for index in timeouts.indices {
      let known = old?.timeouts.first { $0.name == timeouts[index].name }
      timeouts[index].handle = number(known?.handle, &lastHandle)
    }
    for index in flowtables.indices {
      let known = old?.flowtables.first { $0.name == flowtables[index].name }
      flowtables[index].handle = number(known?.handle, &lastHandle)
    }
    for index in sets.indices {
      let known = old?.sets.first { $0.isSame(as: sets[index]) }
      sets[index].handle = number(known?.handle, &lastHandle)
      sets[index].state = known?.state ?? numbers.next()
      sets[index].adoptElements(from: known, &numbers)
    }
    for index in chains.indices {
      let known = old?.chains.first { $0.name == chains[index].name }
      chains[index].handle = number(known?.handle, &lastHandle)
      chains[index].adoptRules(from: known, &lastHandle, &numbers)
    }
  }
}

extension NamedSet {
  /// What keeps its elements' states: the same kind of set, whatever is in it.
  fileprivate func isSame(as other: NamedSet) -> Bool {
    name == other.name && key == other.key && data == other.data && flags == other.flags
      && statements.map(\.bare) == other.statements.map(\.bare)
  }

  fileprivate mutating func adoptElements(from old: NamedSet?, _ numbers: inout Numbers) {
    numbers.renumber(&statements, like: old?.statements)
    guard elements.contains(where: { $0.state != 0 || !$0.statements.isEmpty }) else { return }
    let known = Dictionary(old?.elements.map { ($0.key, $0) } ?? [], uniquingKeysWith: { first, _ in first })
    for index in elements.indices {
      let before = known[elements[index].key]
      let isSame = before?.statements.map(\.bare) == elements[index].statements.map(\.bare)
      numbers.renumber(&elements[index].statements, like: isSame ? before?.statements : nil)
      // One that lasts as long as before goes on, unless it says itself what is left.
      if let before, elements[index].expires == nil, before.hasTimeout(of: elements[index], in: self) {
        (elements[index].state, elements[index].expires) = (before.state, before.expires)
      } else if elements[index].state != 0 {
        elements[index].state = numbers.next()
      }
    }
  }
}

extension Chain {
  fileprivate mutating func adoptRules(from old: Chain?, _ last: inout UInt64, _ numbers: inout Numbers) {
    var known: [Rule: [Rule]] = [:]
    // The last first, so that the first is taken from the end.
    for rule in old?.rules.reversed() ?? [] { known[rule.bare, default: []].append(rule) }
    for index in rules.indices {
      let before = known[rules[index].bare]?.popLast()
      if let before {
        rules[index].handle = before.handle
      } else {
        last += 1
        rules[index].handle = last
      }
      numbers.renumber(&rules[index].statements, like: before?.statements)
    }
  }
}

extension Rule {
  /// What it says, without what it counted.
  var bare: Rule {
    var rule = self
    rule.handle = 0
    rule.statements = statements.map(\.bare)
    return rule
  }
}

extension Statement {
  /// What it says, without what it counted.
  var bare: Statement {
    switch self {
    case .counter: return .counter(Counter())
    case .update(var update):
      update.statements = update.statements.map(\.bare)
      return .update(update)
    default: return numbered { 0 }
    }
  }

  /// The same with a number for its own state, if it keeps one.
  public func numbered(_ number: () -> StateID) -> Statement {
    switch self {
    case .counter(var counter):
      counter.state = number()
      return .counter(counter)
    case .limit(var limit):
      limit.state = number()
      return .limit(limit)
    case .connectionCount(var count):
      count.state = number()
      return .connectionCount(count)
    default: return self
    }
  }
}
