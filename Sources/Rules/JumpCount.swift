internal import Ruleset

/// How often one packet jumps within a table, at the worst: when every rule holds that can lead it elsewhere. Depth is
/// bounded by the kernel's stack; this is not, in the kernel, and 14 chains of 8 jumps each would keep a worker busy for
/// as good as ever.
struct JumpCount {
  /// Rules are refused by which one packet could jump more often.
  static let most = 1_000_000

  private let table: Table
  private let places: [String: Int]
  private var counts: [Int?]

  /// - Parameter table: one in which no jump leads back to where it came from.
  init(_ table: Table) {
    self.table = table
    places = Dictionary(
      zip(table.chains.map(\.name), table.chains.indices), uniquingKeysWith: { first, _ in first })
    counts = Array(repeating: nil, count: table.chains.count)
  }

  /// Of a packet that enters a chain; no more than just above `most`.
  mutating func worst(of chain: String) -> Int {
    guard let place = places[chain] else { return 0 }
    if let known = counts[place] { return known }
    // What came before is behind a packet that goes elsewhere for good.
    var (sum, worst) = (0, 0)
    for rule in table.chains[place].rules {
      var (jumps, goes) = (0, 0)
      for verdict in verdicts(of: rule) {
        switch verdict {
        case .jump(let name): jumps = max(jumps, 1 + self.worst(of: name))
        case .goto(let name): goes = max(goes, 1 + self.worst(of: name))
        case .accept, .drop, .continue, .return: break
        }
      }
      worst = max(worst, sum + goes)
      sum = min(sum + jumps, Self.most + 1)
    }
    worst = min(max(worst, sum), Self.most + 1)
    counts[place] = worst
    return worst
  }

  /// Where a rule can lead: one of all.
  private func verdicts(of rule: Rule) -> [RuleVerdict] {
    rule.statements.flatMap { statement -> [RuleVerdict] in
      switch statement {
      case .verdict(let verdict): return [verdict]
      case .verdictMap(_, let map):
        let elements =
          switch map {
          case .anonymous(let map): map.elements
          case .named(let name): table.sets.first { $0.name == name }?.elements ?? []
          }
        return elements.compactMap { if case .verdict(let verdict)? = $0.value { verdict } else { nil } }
      default: return []
      }
    }
  }
}
