/// What a rule, or a map's element, names in its table.
enum Reference: Hashable {
  case chain(String)
  case set(String)
  case counter(String)
  case limit(String)
  case timeout(String)
  case flowtable(String)
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

// MARK: Jumps

/// Follows jumps from where packets enter, as the kernel does: none may come back to a chain it left, none go deeper
/// than the stack of jumps.
struct JumpCheck {
  /// Jumps in a row; the kernel's stack has as many places.
  static let deepest = 16

  private let table: Table
  private let index: [String: Int]
  /// Where each chain leads.
  private var targets: [[Int]]
  /// How many chains lie below each; -1: not known yet, -2: being looked at.
  private var depths: [Int]
  /// From and to, of a jump that may not be.
  private(set) var fault: (from: String, to: String)?
  private(set) var path: [String] = []

  init(_ table: Table) {
    self.table = table
    let index = Dictionary(
      zip(table.chains.map(\.name), table.chains.indices), uniquingKeysWith: { first, _ in first })
    self.index = index
    var maps: [String: [Int]] = [:]
    for set in table.sets where set.data == .verdict {
      var found: [Int] = []
      for element in set.elements {
        element.visit { if case .chain(let name) = $0, let target = index[name] { found.append(target) } }
      }
      maps[set.name] = found
    }
    targets = table.chains.map { chain in
      var found: Set<Int> = []
      for rule in chain.rules {
        rule.visit { reference in
          switch reference {
          case .chain(let name): if let target = index[name] { found.insert(target) }
          case .set(let name): found.formUnion(maps[name] ?? [])
          default: break
          }
        }
      }
      return found.sorted()
    }
    depths = Array(repeating: -1, count: table.chains.count)
    for (number, chain) in table.chains.enumerated() where chain.base != nil {
      guard fault == nil else { break }
      _ = depth(number, 0)
    }
  }

  /// How many jumps can follow each other from here.
  private mutating func depth(_ chain: Int, _ level: Int) -> Int {
    if depths[chain] >= 0 { return depths[chain] }
    depths[chain] = -2
    path.append(table.chains[chain].name)
    var deepest = 0
    for target in targets[chain] {
      let below = depths[target] == -2 || level >= Self.deepest ? Self.deepest : depth(target, level + 1)
      guard fault == nil else { return 0 }
      if level + 1 + below > Self.deepest {
        fault = (table.chains[chain].name, table.chains[target].name)
        return 0
      }
      deepest = max(deepest, below + 1)
    }
    path.removeLast()
    depths[chain] = deepest
    return deepest
  }
}
