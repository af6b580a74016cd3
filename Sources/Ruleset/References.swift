/// What a rule, or a map's element, names in its table.
enum Reference: Hashable {
  case chain(String)
  case set(String)
  case counter(String)
  case limit(String)
  case timeout(String)
  case flowtable(String)
  /// No name, but as bound to where it stands: the kernel rejects nothing that has been routed.
  case reject
}

extension Rule {
  func visit(_ found: (Reference) -> Void) {
    for statement in statements { statement.visit(found) }
  }
}

extension Statement {
  fileprivate func visit(_ found: (Reference) -> Void) {
    switch self {
    case .match(let match):
      match.left.visit(found)
      switch match.right {
      case .set(let set): set.visit(found)
      case .expression(let expression): expression.visit(found)
      case .value: break
      }
    case .namedCounter(let name): found(.counter(name))
    case .namedLimit(let name): found(.limit(name))
    case .timeout(let name): found(.timeout(name))
    case .offload(let name): found(.flowtable(name))
    case .set(_, let expression): expression.visit(found)
    case .update(let update):
      found(.set(update.set))
      update.key.visit(found)
      update.data?.visit(found)
      for statement in update.statements { statement.visit(found) }
    case .verdict(let verdict): verdict.visit(found)
    case .verdictMap(let key, let map):
      key.visit(found)
      map.visit(found)
    case .counter, .limit, .connectionCount, .notrack, .reject: break
    }
  }
}

extension Expression {
  fileprivate func visit(_ found: (Reference) -> Void) {
    switch self {
    case .field, .constant: break
    case .and(let left, let right), .or(let left, let right), .xor(let left, let right):
      left.visit(found)
      right.visit(found)
    case .shiftLeft(let inner, _), .shiftRight(let inner, _): inner.visit(found)
    case .concatenation(let parts): for part in parts { part.visit(found) }
    case .map(let key, let map):
      key.visit(found)
      map.visit(found)
    }
  }
}

extension SetReference {
  fileprivate func visit(_ found: (Reference) -> Void) {
    switch self {
    case .named(let name): found(.set(name))
    case .anonymous(let set): for element in set.elements { element.visit(found) }
    }
  }
}

extension Element {
  func visit(_ found: (Reference) -> Void) {
    if case .verdict(let verdict) = value { verdict.visit(found) }
  }
}

extension RuleVerdict {
  /// The chain it leads to.
  var target: String? {
    switch self {
    case .jump(let name), .goto(let name): name
    case .accept, .drop, .continue, .return: nil
    }
  }

  fileprivate func visit(_ found: (Reference) -> Void) {
    switch self {
    case .jump(let name), .goto(let name): found(.chain(name))
    case .accept, .drop, .continue, .return: break
    }
  }
}

extension Table {
  /// Whether a rule or a map's element names it.
  func refers(to reference: Reference) -> Bool {
    var isFound = false
    for chain in chains {
      for rule in chain.rules { rule.visit { if $0 == reference { isFound = true } } }
      if isFound { return true }
    }
    for set in sets where set.data == .verdict {
      for element in set.elements { element.visit { if $0 == reference { isFound = true } } }
    }
    return isFound
  }
}

// MARK: Sets that packets change

extension Table {
  /// What rules put into sets, by the name of the set.
  public var updates: [String: [SetUpdate]] {
    var found: [String: [SetUpdate]] = [:]
    for case .update(let update) in chains.lazy.flatMap(\.rules).flatMap(\.statements) {
      found[update.set, default: []].append(update)
    }
    return found
  }
}

extension NamedSet {
  /// What all elements have that packets add; `nil`: they would have different statements.
  public func statementsOfElements(_ updates: [SetUpdate]) -> [Statement]? {
    let all = ([statements] + updates.map(\.statements) + elements.map(\.statements)).filter { !$0.isEmpty }
    guard let first = all.first else { return [] }
    return all.allSatisfy { $0.areLike(first) } ? first : nil
  }
}

extension [Statement] {
  /// The same but for what they have counted.
  func areLike(_ others: [Statement]) -> Bool { map(\.bare) == others.map(\.bare) }
}

// MARK: Jumps

/// Follows jumps from where packets enter, as the kernel does: none may come back to a chain it left, none go deeper
/// than the stack of jumps.
struct JumpCheck {
  /// Jumps in a row: a base chain is one of the 16 chains that the kernel lets follow each other.
  static let deepest = 15

  /// Where a chain leads, and through which map.
  private struct Jump: Hashable {
    var target: Int
    var map: String?
  }

  private let table: Table
  private var jumps: [[Jump]]
  /// How many chains lie below each, and where the longest way goes on; -1: not known yet, -2: being looked at.
  private var depths: [Int]
  private var deepestJumps: [Jump?]
  private var way: [Reference] = []
  /// The chains and maps of a way that may not be, in order.
  private(set) var fault: [Reference]?

  init(_ table: Table) {
    self.table = table
    let index = Dictionary(
      zip(table.chains.map(\.name), table.chains.indices), uniquingKeysWith: { first, _ in first })
    var maps: [String: [Jump]] = [:]
    for set in table.sets where set.data == .verdict {
      var found: Set<Int> = []
      for element in set.elements {
        element.visit { if case .chain(let name) = $0, let target = index[name] { found.insert(target) } }
      }
      maps[set.name] = found.sorted().map { Jump(target: $0, map: set.name) }
    }
    jumps = table.chains.map { chain in
      var found: [Jump] = []
      for rule in chain.rules {
        rule.visit { reference in
          switch reference {
          case .chain(let name): if let target = index[name] { found.append(Jump(target: target)) }
          case .set(let name): found += maps[name] ?? []
          default: break
          }
        }
      }
      var seen: Set<Jump> = []
      return found.filter { seen.insert($0).inserted }
    }
    depths = Array(repeating: -1, count: table.chains.count)
    deepestJumps = Array(repeating: nil, count: table.chains.count)
    for (number, chain) in table.chains.enumerated() where chain.base != nil && fault == nil { look(number, 0) }
  }

  /// The chains and maps on a way from where routed packets enter to a chain that rejects.
  var wayToReject: [Reference]? {
    let rejects = table.chains.map { chain in
      chain.rules.contains { rule in rule.statements.contains { if case .reject = $0 { true } else { false } } }
    }
    guard rejects.contains(true) else { return nil }
    for (number, chain) in table.chains.enumerated() where chain.base?.hook == .postrouting {
      var ways: [Int: [Reference]] = [number: [.chain(chain.name)]]
      var open = [number]
      while let next = open.popLast() {
        let way = ways[next] ?? []
        if rejects[next] { return way + [.reject] }
        for jump in jumps[next] where ways[jump.target] == nil {
          ways[jump.target] = way + (jump.map.map { [.set($0)] } ?? []) + [.chain(table.chains[jump.target].name)]
          open.append(jump.target)
        }
      }
    }
    return nil
  }

  /// How many jumps can follow each other from here.
  private mutating func look(_ chain: Int, _ level: Int) {
    guard depths[chain] == -1 else { return }
    depths[chain] = -2
    let count = way.count
    way.append(.chain(table.chains[chain].name))
    var deepest = 0
    for jump in jumps[chain] {
      if let map = jump.map { way.append(.set(map)) }
      if level < Self.deepest { look(jump.target, level + 1) }
      guard fault == nil else { return }
      let below = depths[jump.target]
      guard below >= 0, level + 1 + below <= Self.deepest else {
        fault = way + rest(jump.target)
        return
      }
      if below >= deepest { (deepest, deepestJumps[chain]) = (below + 1, jump) }
      way.removeLast(way.count - count - 1)
    }
    way.removeLast()
    depths[chain] = deepest
  }

  /// The longest way from a chain on.
  private func rest(_ chain: Int) -> [Reference] {
    var rest: [Reference] = [.chain(table.chains[chain].name)]
    var next = depths[chain] > 0 ? deepestJumps[chain] : nil
    while let jump = next {
      if let map = jump.map { rest.append(.set(map)) }
      rest.append(.chain(table.chains[jump.target].name))
      next = depths[jump.target] > 0 ? deepestJumps[jump.target] : nil
    }
    return rest
  }
}
