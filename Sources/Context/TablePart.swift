internal import Ruleset

// What of a table a chain needs.
extension Table {
  /// Names of a table's objects, by kind.
  struct Names {
    var chains: Set<String> = []
    var sets: Set<String> = []
    var flowtables: Set<String> = []
    var counters: Set<String> = []
    var limits: Set<String> = []
    var timeouts: Set<String> = []

    func subtracting(_ other: Names) -> Names {
      Names(
        chains: chains.subtracting(other.chains), sets: sets.subtracting(other.sets),
        flowtables: flowtables.subtracting(other.flowtables), counters: counters.subtracting(other.counters),
        limits: limits.subtracting(other.limits), timeouts: timeouts.subtracting(other.timeouts))
    }
  }

  var names: Names {
    Names(
      chains: Set(chains.map(\.name)), sets: Set(sets.map(\.name)), flowtables: Set(flowtables.map(\.name)),
      counters: Set(counters.map(\.name)), limits: Set(limits.map(\.name)), timeouts: Set(timeouts.map(\.name)))
  }

  /// The table with a chain, all chains that can be reached from it, and what these refer to.
  func part(of chain: String) -> Table {
    var needed = Names()
    collect(chain, into: &needed)
    var part = self
    part.remove(names.subtracting(needed))
    // The chain that is meant comes first.
    part.chains.sort { ($0.name == chain ? 0 : 1) < ($1.name == chain ? 0 : 1) }
    return part
  }

  mutating func remove(_ names: Names) {
    chains.removeAll { names.chains.contains($0.name) }
    sets.removeAll { names.sets.contains($0.name) }
    flowtables.removeAll { names.flowtables.contains($0.name) }
    counters.removeAll { names.counters.contains($0.name) }
    limits.removeAll { names.limits.contains($0.name) }
    timeouts.removeAll { names.timeouts.contains($0.name) }
  }

  func collect(_ name: String, into names: inout Names) {
    guard let chain = chains.first(where: { $0.name == name }), names.chains.insert(name).inserted else { return }
    for rule in chain.rules { collect(rule.statements, into: &names) }
  }

  private func collect(_ statements: [Statement], into names: inout Names) {
    for statement in statements {
      switch statement {
      case .match(let match):
        collect(match.left, into: &names)
        switch match.right {
        case .value: break
        case .set(let set): collect(set, into: &names)
        case .expression(let expression): collect(expression, into: &names)
        }
      case .namedCounter(let name): names.counters.insert(name)
      case .namedLimit(let name): names.limits.insert(name)
      case .timeout(let name): names.timeouts.insert(name)
      case .offload(let name): names.flowtables.insert(name)
      case .set(_, let expression): collect(expression, into: &names)
      case .verdict(let verdict): collect(verdict, into: &names)
      case .verdictMap(let key, let map):
        collect(key, into: &names)
        collect(map, into: &names)
      case .update(let update):
        collect(.named(update.set), into: &names)
        collect(update.key, into: &names)
        if let data = update.data { collect(data, into: &names) }
        collect(update.statements, into: &names)
      case .counter, .limit, .connectionCount, .notrack, .reject: break
      }
    }
  }

  private func collect(_ verdict: RuleVerdict, into names: inout Names) {
    switch verdict {
    case .jump(let chain), .goto(let chain): collect(chain, into: &names)
    case .accept, .drop, .continue, .return: break
    }
  }

  private func collect(_ reference: SetReference, into names: inout Names) {
    switch reference {
    case .named(let name):
      guard names.sets.insert(name).inserted, let set = sets.first(where: { $0.name == name }) else { return }
      collect(set.statements, into: &names)
      collect(set.elements, into: &names)
    case .anonymous(let set): collect(set.elements, into: &names)
    }
  }

  private func collect(_ elements: [Element], into names: inout Names) {
    for element in elements {
      if case .verdict(let verdict) = element.value { collect(verdict, into: &names) }
      collect(element.statements, into: &names)
    }
  }

  private func collect(_ expression: Expression, into names: inout Names) {
    switch expression {
    case .field, .constant: break
    case .and(let a, let b), .or(let a, let b), .xor(let a, let b):
      collect(a, into: &names)
      collect(b, into: &names)
    case .shiftLeft(let a, _), .shiftRight(let a, _): collect(a, into: &names)
    case .concatenation(let parts): for part in parts { collect(part, into: &names) }
    case .map(let key, let map):
      collect(key, into: &names)
      collect(map, into: &names)
    }
  }
}
