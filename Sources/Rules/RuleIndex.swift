internal import Ruleset

/// What a packet must have for a rule to hold: a field's value in one of some ranges.
struct Criterion {
  var field: PacketField
  /// How the value is loaded; rules of different fields that load alike share a table.
  var load: Load
  var ranges: [ClosedRange<UInt128>]
}

extension Compiler {
  /// What can be asked of a packet before a rule is run. Only matches before the first statement with an effect count:
  /// a packet that fails one of them leaves nothing behind.
  func criteria(of rule: Rule) -> [Criterion] {
    var all: [Criterion] = []
    for statement in rule.statements {
      switch statement {
      case .verdict(.continue): continue
      case .match(let match):
        if match.relation != .anyBit, match.relation != .noBit, match.relation != .notEqual {
          all += criteria(of: match)
        }
        if mayHaveEffects(match) { return all }
      default: return all
      }
    }
    return all
  }

  private func criteria(of match: Match) -> [Criterion] {
    let keys: [Key]
    switch match.right {
    case .expression: return []
    case .value(let key):
      if match.relation == .equal {
        keys = [key]
      } else {
        guard let first = key.parts.first, let range = Compiler.range(match.relation, first) else { return [] }
        keys = [Key([range])]
      }
    case .set(.anonymous(let set)):
      guard set.elements.allSatisfy({ $0.key != nil }) else { return [] }
      keys = set.elements.compactMap(\.key)
    case .set(.named(let name)):
      guard let set = table.sets.first(where: { $0.name == name }), !isLive(set),
        set.elements.allSatisfy({ $0.key != nil })
      else { return [] }
      keys = set.elements.compactMap(\.key)
    }
    let parts = match.left.parts
    return parts.indices.compactMap { part in
      guard case .field(let field) = parts[part], keys.allSatisfy({ $0.parts.count == parts.count }) else { return nil }
      return criterion(field, keys.map { $0.parts[part] })
    }
  }

  private func criterion(_ field: PacketField, _ ranges: [ClosedRange<UInt128>]) -> Criterion? {
    switch field {
    case .inputName, .outputName:
      // By the port's number: names are wide.
      let index: PacketField = field == .inputName ? .inputIndex : .outputIndex
      var numbers: [ClosedRange<UInt128>] = []
      for port in 0...ports.count {
        let name = port == 0 ? 0 : ports.paddedName(UInt16(port - 1))
        if ranges.contains(where: { $0.contains(name) }) { numbers.append(UInt128(port)...UInt128(port)) }
      }
      return Criterion(field: index, load: Compiler.load(index, isNetdev: false), ranges: numbers)
    case .inputIndex, .outputIndex, .etherType, .networkFamily, .transport, .packetType, .payload:
      break
    case .mark: guard marksKept.contains(.mark) else { return nil }
    case .connection(.mark): guard marksKept.contains(.connectionMark) else { return nil }
    // What rules change, and what is costly to find.
    default: return nil
    }
    return Criterion(field: field, load: Compiler.load(field, isNetdev: table.family == .netdev), ranges: ranges)
  }

  /// The marks that no rule can set between the lookup in a chain's index and the chain's end.
  func marksKept(in chain: Chain) -> [Target] {
    let leadsOut = chain.rules.contains { rule in
      rule.statements.contains { statement in
        switch statement {
        case .verdict(.jump), .verdict(.goto), .verdictMap: true
        default: false
        }
      }
    }
    let chains = leadsOut ? table.chains : [chain]
    return [.mark, .connectionMark].filter { mark in
      !chains.contains { chain in
        chain.rules.contains { rule in
          rule.statements.contains { if case .set(mark, _) = $0 { true } else { false } }
        }
      }
    }
  }

  /// An element found may count, limit and so on.
  private func mayHaveEffects(_ match: Match) -> Bool {
    if case .set(let reference) = match.right, mayHaveEffects(reference) { return true }
    if case .expression(let right) = match.right, mayHaveEffects(right) { return true }
    return mayHaveEffects(match.left)
  }

  private func mayHaveEffects(_ expression: Expression) -> Bool {
    switch expression {
    case .field, .constant: false
    case .and(let a, let b), .or(let a, let b), .xor(let a, let b): mayHaveEffects(a) || mayHaveEffects(b)
    case .shiftLeft(let a, _), .shiftRight(let a, _): mayHaveEffects(a)
    case .concatenation(let parts): parts.contains(where: mayHaveEffects)
    case .map: true
    }
  }

  private func mayHaveEffects(_ reference: SetReference) -> Bool {
    guard case .named(let name) = reference else { return false }
    return table.sets.first { $0.name == name }.map { set in
      isLive(set) || !set.statements.isEmpty || set.elements.contains { !$0.statements.isEmpty }
    } ?? true
  }
}

/// Files each rule of a chain under the criterion that fewest others share. A packet looks its few values up and gets
/// short lists of rules in their order; whatever is not on them could not hold, so the meaning stays the same.
struct RuleIndexBuilder {
  private let secret: (UInt64, UInt64)
  private var rules: [[Criterion]] = []
  /// The criterion a rule is filed under; `nil`: it is always run.
  private var filed: [Int?] = []

  /// Rules before the first that is filed.
  private(set) var straight = 0
  private(set) var isUseful = false

  /// A list of those that are always run, and one for each way to load a value.
  private static let mostFeatures = RuleEngine.mostLists - 1

  init(secret: (UInt64, UInt64)) { self.secret = secret }

  mutating func add(_ criteria: [Criterion]) { rules.append(criteria) }

  mutating func decide(head: Int) {
    var features = Set(rules.flatMap { $0.map(\.load) })
    let overlaps = overlapCounts()
    file(under: features, overlaps)
    // Few ways to load a value are worth a lookup for each packet.
    let uses = features.map { feature in (feature, filed(under: feature).count) }
    features = Set(uses.filter { $0.1 > 2 }.sorted { $0.1 > $1.1 }.prefix(Self.mostFeatures).map(\.0))
    file(under: features, overlaps)
    for feature in features { unfileBroad(feature) }
    straight = filed.firstIndex { $0 != nil } ?? filed.count
    isUseful = filed.count { $0 != nil } > head / 2
  }

  private func filed(under load: Load) -> [Int] {
    rules.indices.filter { rule in filed[rule].map { rules[rule][$0].load == load } ?? false }
  }

  private mutating func file(under features: Set<Load>, _ overlaps: [[Int]]) {
    filed = rules.indices.map { rule in
      rules[rule].indices.filter { features.contains(rules[rule][$0].load) }.min {
        overlaps[rule][$0] < overlaps[rule][$1]
      }
    }
  }

  /// For each rule and criterion how many ranges of all rules meet its own, at worst.
  private func overlapCounts() -> [[Int]] {
    var starts: [Load: [UInt128]] = [:]
    var ends: [Load: [UInt128]] = [:]
    for criterion in rules.joined() {
      starts[criterion.load, default: []] += criterion.ranges.map(\.lowerBound)
      ends[criterion.load, default: []] += criterion.ranges.map(\.upperBound)
    }
    for load in starts.keys {
      starts[load]!.sort()
      ends[load]!.sort()
    }
    return rules.map { criteria in
      criteria.map { criterion in
        let (begin, end) = (starts[criterion.load]!, ends[criterion.load]!)
        return criterion.ranges.map { begin.count(upTo: $0.upperBound) - end.count(below: $0.lowerBound) }.max() ?? 0
      }
    }
  }

  /// A rule with a range over very many others' would be on all their lists.
  private mutating func unfileBroad(_ load: Load) {
    let members = filed(under: load)
    let bounds = members.flatMap { rule in rules[rule][filed[rule]!].ranges.flatMap { [$0.lowerBound, $0.upperBound] } }
      .sorted()
    let widths = members.map { rule in
      (
        rule,
        rules[rule][filed[rule]!].ranges.reduce(0) {
          $0 + bounds.count(upTo: $1.upperBound) - bounds.count(below: $1.lowerBound)
        }
      )
    }
    var budget = 64 * bounds.count + 4096
    for (rule, width) in widths.sorted(by: { $0.1 < $1.1 }) {
      budget -= width
      if budget < 0 { filed[rule] = nil }
    }
  }

  // MARK: Writing

  /// - Parameter starts: where each rule's code is.
  /// - Returns: the index's place.
  func write(starts: [UInt32], to words: inout [UInt64]) -> UInt32 {
    var lists = ListWriter()
    let always = lists.write(rules.indices.dropFirst(straight).filter { filed[$0] == nil }.map { starts[$0] }, &words)
    var index: [UInt64] = [0, always]
    var loads: [Load] = []
    for rule in rules.indices {
      if let load = filed[rule].map({ rules[rule][$0].load }), !loads.contains(load) { loads.append(load) }
    }
    for load in loads {
      index[0] += 1
      index += writeFeature(load, starts, &lists, &words)
    }
    let place = UInt32(words.count)
    words += index
    return place
  }

  private func writeFeature(
    _ load: Load, _ starts: [UInt32], _ lists: inout ListWriter, _ words: inout [UInt64]
  ) -> [UInt64] {
    let members = filed(under: load)
    let ranges = members.flatMap { rule in rules[rule][filed[rule]!].ranges.map { (range: $0, rule: rule) } }
    let isWide = load.kind.rawValue <= Load.Kind.transport.rawValue && load.bits > 64
    let loadWord = unsafe unsafeBitCast(load, to: UInt64.self)
    if ranges.allSatisfy({ $0.range.lowerBound == $0.range.upperBound }) {
      var rulesOf: [UInt128: [Int]] = [:]
      for (range, rule) in ranges where rulesOf[range.lowerBound]?.last != rule {
        rulesOf[range.lowerBound, default: []].append(rule)
      }
      var slots = 2
      while slots < 2 * rulesOf.count { slots *= 2 }
      let mask = slots - 1
      let stride = isWide ? 3 : 2
      var table = [UInt64](repeating: 0, count: slots * stride)
      for value in rulesOf.keys.sorted() {
        let key = isWide ? Compiler.words(of: value) : [UInt64(truncatingIfNeeded: value)]
        var hash = RuleView.hash(key[0], secret)
        if isWide { hash = RuleView.hash(hash ^ key[1], secret) }
        var place = Int(truncatingIfNeeded: hash) & mask
        while table[place * stride + stride - 1] != 0 { place = (place + 1) & mask }
        for (word, value) in key.enumerated() { table[place * stride + word] = value }
        table[place * stride + stride - 1] = lists.write(rulesOf[value]!.map { starts[$0] }, &words)
      }
      let place = words.count
      words += table
      return [loadWord, (isWide ? IndexWords.Kind.wideHash : .hash).rawValue, UInt64(place), UInt64(mask)]
    }
    let segments = SegmentLists(ranges.map(\.range))
    var found = Segments()
    found.starts = segments.starts
    for members in segments.lists {
      var codes: [UInt32] = []
      for member in members where codes.last != starts[ranges[member].rule] {
        codes.append(starts[ranges[member].rule])
      }
      found.values.append(lists.write(codes, &words))
    }
    let place = words.count
    words += found.words(isWide: isWide)
    let kind = isWide ? IndexWords.Kind.wideSegments : .segments
    return [loadWord, kind.rawValue, UInt64(place), UInt64(found.starts.count)]
  }
}

/// Writes lists of code places, each once.
private struct ListWriter {
  private var known: [[UInt32]: UInt64] = [[]: 0]

  /// - Returns: where it is in halves of words, and in the upper half how long.
  mutating func write(_ list: [UInt32], _ words: inout [UInt64]) -> UInt64 {
    if let place = known[list] { return place }
    let place = UInt64(words.count * 2) | UInt64(list.count) << 32
    for pair in stride(from: 0, to: list.count, by: 2) {
      words.append(UInt64(list[pair]) | (pair + 1 < list.count ? UInt64(list[pair + 1]) << 32 : 0))
    }
    known[list] = place
    return place
  }
}

extension [UInt128] {
  /// Of sorted numbers, how many are at most a value.
  func count(upTo value: UInt128) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }
  func count(below value: UInt128) -> Int { value == 0 ? 0 : count(upTo: value - 1) }
}
