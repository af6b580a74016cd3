internal import Primitives
public import Ruleset

/// Makes a program of a tree. Code is laid out chain by chain, rule by rule; everything else lies in words beside it.
struct Compiler {
  let ruleset: Ruleset
  let ports: [String]
  let states: RuleStates
  let now: Instant
  let secret: (UInt64, UInt64)

  var code: [Instruction] = []
  /// Word 0 stands for "nothing".
  var words: [UInt64] = [0]
  /// What the program's addresses point into.
  var held: [AnyObject] = []
  /// All chains in order, with where their code begins.
  var chains: [ChainPlace] = []
  var chainNumbers: [ChainPlace: Int] = [:]
  var chainCode: [UInt32] = []
  /// Jumps whose target's code was not there yet.
  private var jumps: [(code: Int, chain: Int)] = []
  private var namedSets: [ObjectPlace: UInt32] = [:]
  /// Places of limits and counts of connections (cell, statement) and of live sets, for `tick`.
  var limitPlaces: [(cell: UInt64, place: UInt32)] = []
  var countPlaces: [(cell: UInt64, place: UInt32)] = []
  var liveSets: [UInt32] = []
  /// What states take that were met so far.
  private var stateBytes = 0
  var needs = RuleNeeds()
  var needsOfChains: [RuleNeeds] = []
  var targetsOfChains: [Set<Int>] = []

  var table = Table(family: .inet, name: "") {
    didSet {
      updates = table.updates
      updatedSets = Set(updates.keys)
    }
  }
  /// Sets of the table that rules add to or delete from, and what they do.
  private(set) var updates: [String: [SetUpdate]] = [:]
  private var updatedSets: Set<String> = []
  /// Of the chain in hand: rules may be filed under these.
  private(set) var marksKept: [Target] = []
  private var chainName = ""
  private var ruleNumber = 0

  init(_ ruleset: Ruleset, ports: [String], states: RuleStates, at now: Instant) {
    self.ruleset = ruleset
    self.ports = ports
    self.states = states
    self.now = now
    secret = states.wordSecret
  }

  /// A chain of 8 rules or fewer is run rule by rule.
  static let shortChain = 8

  // MARK: Chains

  mutating func compile() throws(RuleCompileError) {
    for table in ruleset.tables where !table.isDormant {
      for chain in table.chains {
        let place = ChainPlace(family: table.family, table: table.name, chain: chain.name)
        chainNumbers[place] = chains.count
        chains.append(place)
      }
    }
    for table in ruleset.tables where !table.isDormant {
      self.table = table
      for chain in table.chains { try compile(chain) }
      try keepUnused()
    }
    for jump in jumps { code[jump.code].a = chainCode[jump.chain] }
    noteVariance()
    try checkDepth()
  }

  /// What has a name keeps its state also while no rule uses it.
  private mutating func keepUnused() throws(RuleCompileError) {
    for named in table.counters { held.append(states.counterCell(named.counter)) }
    for named in table.limits { held.append(states.limitCell(named.limit.state)) }
    for named in table.sets where named.data != .verdict && (isLive(named) || named.keepsState) {
      _ = try set(.named(named.name))
    }
  }

  private mutating func compile(_ chain: Chain) throws(RuleCompileError) {
    chainName = chain.name
    needs = []
    targetsOfChains.append([])
    chainCode.append(UInt32(code.count))
    let number = UInt64(chainCode.count - 1)
    var index = RuleIndexBuilder(secret: secret)
    if chain.rules.count > Compiler.shortChain {
      marksKept = marksKept(in: chain)
      for rule in chain.rules { index.add(criteria(of: rule)) }
      index.decide(head: Compiler.shortChain)
    }
    let straight = index.isUseful ? index.straight : chain.rules.count
    for (place, rule) in chain.rules.prefix(straight).enumerated() {
      ruleNumber = place
      let start = code.count
      try compile(rule, chain: number)
      for i in start..<code.count { code[i].next = UInt32(code.count) }
    }
    if straight < chain.rules.count {
      let lookup = code.count
      code.append(Instruction(.index))
      code.append(Instruction(.choose))
      var starts = [UInt32](repeating: 0, count: straight)
      for (place, rule) in chain.rules.enumerated().dropFirst(straight) {
        ruleNumber = place
        starts.append(UInt32(code.count))
        let start = code.count
        try compile(rule, chain: number)
        for i in start..<code.count { code[i].next = UInt32(lookup + 1) }
      }
      code[lookup].a = index.write(starts: starts, to: &words)
      code[lookup].next = UInt32(code.count)
      code[lookup + 1].next = UInt32(code.count)
    }
    code.append(Instruction(.chainEnd))
    needsOfChains.append(needs)
  }

  private mutating func compile(_ rule: Rule, chain: UInt64) throws(RuleCompileError) {
    var ends = false
    for statement in rule.statements {
      let isVerdict = try compile(statement)
      code[code.count - 1].x = isVerdict || isVerdictMap(statement) ? rule.handle : code[code.count - 1].x
      if isVerdict || isVerdictMap(statement) { code[code.count - 1].y = chain }
      if isVerdict {
        ends = true
        break
      }
    }
    if ends { return }
    var held = Instruction(.held)
    (held.x, held.y) = (rule.handle, chain)
    code.append(held)
  }

  private func isVerdictMap(_ statement: Statement) -> Bool {
    if case .verdictMap = statement { true } else { false }
  }

  /// Refuses loops, and jumps deeper than the kernel's stack (its nft_chain_validate: goto counts, too), where packets
  /// can come to.
  private func checkDepth() throws(RuleCompileError) {
    var depths = [Int?](repeating: nil, count: chains.count)
    var isOpen = [Bool](repeating: false, count: chains.count)
    func depth(_ chain: Int) throws(RuleCompileError) -> Int {
      if let known = depths[chain] { return known }
      guard !isOpen[chain] else {
        throw RuleCompileError(description: "\(chains[chain]): jumps lead back to this chain")
      }
      isOpen[chain] = true
      defer { isOpen[chain] = false }
      var most = 0
      for target in targetsOfChains[chain] { most = max(most, try depth(target) + 1) }
      depths[chain] = most
      return most
    }
    let isBase = ruleset.tables.filter { !$0.isDormant }.flatMap(\.chains).map { $0.base != nil }
    for chain in chains.indices where isBase[chain] {
      guard try depth(chain) > jumpDepth else { continue }
      throw RuleCompileError(description: "\(chains[chain]): jumps go deeper than \(jumpDepth) chains")
    }
    for table in ruleset.tables where !table.isDormant {
      var jumps = JumpCount(table)
      for chain in table.chains where chain.base != nil && jumps.worst(of: chain.name) > JumpCount.most {
        let place = ChainPlace(family: table.family, table: table.name, chain: chain.name)
        throw RuleCompileError(
          description: "\(place): a packet that all rules hold for would jump more than \(JumpCount.most) times")
      }
    }
  }

  /// All states of a load together may take so much memory.
  private static let mostStateBytes = 1 << 32

  /// - Parameter what: has states that take so much memory.
  mutating func reserve(_ bytes: Int, for what: String) throws(RuleCompileError) {
    stateBytes += bytes
    guard stateBytes > Compiler.mostStateBytes else { return }
    throw fail("\(what) needs \(bytes >> 20) MiB; counts of connections and sets may take 4096 MiB together")
  }

  func fail(_ what: String) -> RuleCompileError {
    RuleCompileError(
      description: "\(table.family.rawValue) \(table.name) \(chainName), rule \(ruleNumber + 1): \(what)")
  }

  // MARK: Statements

  /// - Returns: whether it ends the rule.
  private mutating func compile(_ statement: Statement) throws(RuleCompileError) -> Bool {
    switch statement {
    case .match(let match): try compile(match)
    case .counter(let counter): emitCounter(counter)
    case .namedCounter(let name):
      guard let named = table.counters.first(where: { $0.name == name }) else { throw fail("no counter \(name)") }
      emitCounter(named.counter)
    case .limit(let limit): emitLimit(limit)
    case .namedLimit(let name):
      guard let named = table.limits.first(where: { $0.name == name }) else { throw fail("no limit \(name)") }
      emitLimit(named.limit)
    case .connectionCount(let count):
      needs.formUnion([.basics, .id])
      let cell = try countCell(count)
      var step = Instruction(.count)
      step.a = place(of: stateWords(count))
      step.x = cell.address
      countPlaces.append((cell.address, step.a))
      code.append(step)
    case .notrack:
      needs.formUnion([.basics, .notracks])
      code.append(Instruction(.notrack))
    case .set(let target, let expression): try compileSet(target, expression)
    case .timeout(let name):
      guard let policy = table.timeouts.first(where: { $0.name == name }),
        let place = ruleset.timeoutPlaces.firstIndex(of: ObjectPlace(table: table.handleKey, name: name))
      else { throw fail("no ct timeout \(name)") }
      guard place < 256 else { throw fail("more than 256 ct timeouts") }
      needs.formUnion([.basics, .setsTimeout])
      var step = Instruction(.timeout)
      step.a = UInt32(place)
      step.x = UInt64(policy.transport)
      code.append(step)
    case .update(let update): try compileUpdate(update)
    case .offload(let name):
      guard let place = ruleset.flowtablePlaces.firstIndex(of: ObjectPlace(table: table.handleKey, name: name)) else {
        throw fail("no flowtable \(name)")
      }
      guard place < 255 else { throw fail("more than 255 flowtables") }
      needs.formUnion([.basics, .offloads])
      var step = Instruction(.offload)
      step.a = UInt32(place)
      code.append(step)
    case .verdict(.continue): code.append(pass)
    case .verdict(let verdict):
      try emit(verdict)
      return true
    case .verdictMap(let key, let reference):
      _ = try push(key)
      var step = Instruction(.verdictMap)
      step.a = try set(reference)
      code.append(step)
    case .reject:
      code.append(Instruction(.reject))
      return true
    }
    return false
  }

  /// Does nothing: no label is set.
  private var pass: Instruction {
    var step = Instruction(.port)
    (step.x, step.y) = (.max, 1)
    return step
  }

  private mutating func emit(_ verdict: RuleVerdict) throws(RuleCompileError) {
    switch verdict {
    case .accept: code.append(Instruction(.accept))
    case .drop: code.append(Instruction(.drop))
    case .continue: code.append(pass)
    case .return: code.append(Instruction(.return))
    case .jump(let name):
      jumps.append((code.count, try chainNumber(name)))
      code.append(Instruction(.jump))
    case .goto(let name):
      jumps.append((code.count, try chainNumber(name)))
      code.append(Instruction(.goto))
    }
  }

  /// A chain of this table, to which the chain at hand leads.
  mutating func chainNumber(_ name: String) throws(RuleCompileError) -> Int {
    let place = ChainPlace(family: table.family, table: table.name, chain: name)
    guard let number = chainNumbers[place] else { throw fail("no chain \(name)") }
    targetsOfChains[targetsOfChains.count - 1].insert(number)
    return number
  }

  mutating func countCell(_ count: ConnectionCount) throws(RuleCompileError) -> StateCell {
    try reserve(states.bytes(of: count), for: "ct count \(count.limit)")
    let cell = states.countCell(count)
    held.append(cell)
    return cell
  }

  private mutating func emitCounter(_ counter: Counter) {
    let cell = states.counterCell(counter)
    held.append(cell)
    var step = Instruction(.counter)
    step.x = cell.address
    code.append(step)
  }

  private mutating func emitLimit(_ limit: Limit) {
    let cell = states.limitCell(limit.state)
    held.append(cell)
    var step = Instruction(.limit)
    step.a = place(of: stateWords(limit))
    step.x = cell.address
    limitPlaces.append((cell.address, step.a))
    code.append(step)
  }

  private mutating func compileSet(_ target: Target, _ expression: Expression) throws(RuleCompileError) {
    _ = try push(expression)
    var step: Instruction
    switch target {
    case .mark: step = Instruction(.setMark)
    case .trace: step = Instruction(.setTrace)
    case .connectionMark:
      needs.formUnion([.basics, .changesMark])
      step = Instruction(.setConnectionMark)
    case .connectionLabel:
      needs.formUnion([.basics, .labels, .changesLabels])
      step = Instruction(.setLabels)
    case .connectionEvents:
      needs.formUnion([.basics, .setsEvents])
      step = Instruction(.setEvents)
    case .connectionZone(let direction):
      needs.formUnion([.basics, .zones, .changesZones])
      step = Instruction(.setZone)
      step.x = direction == .original ? 1 : direction == .reply ? 2 : 3
    }
    code.append(step)
  }

  private mutating func compileUpdate(_ update: SetUpdate) throws(RuleCompileError) {
    guard let named = table.sets.first(where: { $0.name == update.set }) else { throw fail("no set \(update.set)") }
    let set = try set(.named(update.set))
    let parts = try push(update.key)
    guard parts == named.key.count else { throw fail("a key of \(parts) parts for set \(update.set)") }
    if let data = update.data, update.verb != .delete {
      guard try push(data) == namedDataParts(named) else { throw fail("data of another type for map \(update.set)") }
    }
    var step = Instruction(.update)
    step.a = set
    step.x = update.verb == .add ? 0 : update.verb == .update ? 1 : 2
    if !named.elementStatements(update).isEmpty { step.x |= 4 }
    step.y = Interval.timeout(milliseconds: update.timeout ?? named.timeout ?? 0).nanoseconds
    code.append(step)
  }

  // MARK: Sets by name

  mutating func set(_ reference: SetReference) throws(RuleCompileError) -> UInt32 {
    switch reference {
    case .anonymous(let set): return try staticSet(key: set.key, data: set.data, elements: set.elements)
    case .named(let name):
      guard let named = table.sets.first(where: { $0.name == name }) else { throw fail("no set \(name)") }
      let place = ObjectPlace(table: table.handleKey, name: name)
      if case .verdict = named.data {
        for element in named.elements {
          guard case .verdict(let verdict) = element.value else { continue }
          if case .jump(let chain) = verdict { _ = try chainNumber(chain) }
          if case .goto(let chain) = verdict { _ = try chainNumber(chain) }
        }
      }
      if let known = namedSets[place] { return known }
      let made = try isLive(named) ? liveSet(named) : staticSet(of: named)
      namedSets[place] = made
      return made
    }
  }

  /// Whether packets can change it.
  func isLive(_ set: NamedSet) -> Bool { set.isLive(among: updatedSets) }

  /// Where some words are from now on.
  mutating func place(of new: [UInt64]) -> UInt32 {
    let place = UInt32(words.count)
    words += new
    return place
  }
}

/// A chain by its names.
public struct ChainPlace: Hashable, Sendable, CustomStringConvertible {
  public var family: Family
  public var table: String
  public var chain: String
  public var description: String { "\(family.rawValue) \(table) \(chain)" }
}

func namedDataParts(_ set: NamedSet) -> Int {
  if case .value(let types) = set.data { types.count } else { 0 }
}
