internal import Primitives
internal import Ruleset

extension Compiler {
  // MARK: Sets that stay as they are

  mutating func staticSet(of named: NamedSet) throws(RuleCompileError) -> UInt32 {
    try staticSet(key: named.key, data: named.data, elements: named.elements, of: named)
  }

  /// Writes a set: its head, its elements, and a table by which keys find them.
  /// - Parameter named: gives elements their statements and timeouts.
  mutating func staticSet(
    key: [DataType], data: SetData?, elements: [Element], of named: NamedSet? = nil
  ) throws(RuleCompileError) -> UInt32 {
    guard !key.isEmpty, key.count <= 16 else { throw fail("a set with \(key.count) parts") }
    guard named != nil || elements.allSatisfy({ $0.statements.isEmpty && $0.timeout == nil }) else {
      throw fail("elements of a set without a name have no timeouts and no statements")
    }
    let statements = elements.map(\.statements)
    let most = statements.map(\.count).max() ?? 0
    let hasDeadlines = named?.timeout != nil || elements.contains { $0.timeout != nil }
    let dataWords: Int
    switch data {
    case nil: dataWords = 0
    case .verdict: dataWords = 1
    case .value(let types): dataWords = 2 * types.count
    }
    let stride = most == 0 && !hasDeadlines && dataWords == 0 ? 0 : 1 + dataWords + 2 * most

    // Elements.
    var body: [UInt64] = []
    body.reserveCapacity(elements.count * stride)
    for (place, element) in elements.enumerated() where stride > 0 {
      body.append(hasDeadlines ? deadline(of: element, in: named) : 0)
      body += try dataWordsOf(element, data)
      for index in 0..<most {
        guard index < statements[place].count, let named else {
          body += [0, 0]
          continue
        }
        body += try stateOf(statements[place][index], in: named)
      }
    }
    let elementsPlace = place(of: body)

    var head = [UInt64](repeating: 0, count: SetWords.count)
    head[SetWords.elements] = UInt64(elementsPlace)
    head[SetWords.stride] = UInt64(stride)
    if let other = elements.firstIndex(where: { $0.key == nil }) { head[SetWords.other] = UInt64(other + 1) }
    if case .value(let types) = data { head[SetWords.data] = UInt64(types.count) }
    let table = try writeTable(key, elements)
    var wide: UInt64 = 0
    for (part, type) in key.enumerated() where type.bits > 64 { wide |= 1 << UInt64(part) }
    let keyWords = key.count + wide.nonzeroBitCount
    head[SetWords.head] = UInt64(table.kind.rawValue) | UInt64(key.count) << 8 | UInt64(keyWords) << 16
    head[SetWords.head] |= UInt64(most) << 24 | (hasDeadlines ? 1 << 32 : 0) | wide << 40
    head[SetWords.table] = UInt64(table.place)
    head[SetWords.size] = table.size
    return place(of: head)
  }

  private func deadline(of element: Element, in named: NamedSet?) -> UInt64 {
    guard let named, let timeout = element.timeout ?? named.timeout, timeout > 0 else { return 0 }
    let fresh = now + .timeout(milliseconds: element.expires ?? timeout)
    return states.deadline(of: element.state, fresh: fresh).nanoseconds
  }

  private mutating func dataWordsOf(_ element: Element, _ data: SetData?) throws(RuleCompileError) -> [UInt64] {
    switch data {
    case nil: return []
    case .verdict:
      guard case .verdict(let verdict) = element.value else { throw fail("an element without its verdict") }
      switch verdict {
      case .accept: return [UInt64(VerdictWord.accept.rawValue)]
      case .drop: return [UInt64(VerdictWord.drop.rawValue)]
      case .continue: return [UInt64(VerdictWord.continue.rawValue)]
      case .return: return [UInt64(VerdictWord.return.rawValue)]
      case .jump(let name): return [UInt64(VerdictWord.jump.rawValue) | UInt64(try chainNumber(name)) << 32]
      case .goto(let name): return [UInt64(VerdictWord.goto.rawValue) | UInt64(try chainNumber(name)) << 32]
      }
    case .value(let types):
      guard case .value(let value) = element.value, value.parts.count == types.count else {
        throw fail("an element without its data")
      }
      return value.parts.flatMap { Compiler.words(of: $0.lowerBound) }
    }
  }

  /// Cell and words of an element's statement.
  private mutating func stateOf(_ statement: Statement, in named: NamedSet) throws(RuleCompileError) -> [UInt64] {
    let cell: StateCell
    let words: [UInt64]
    switch statement {
    case .counter(let counter):
      cell = states.counterCell(counter)
      words = stateWords(counter)
    case .limit(let limit):
      cell = states.limitCell(limit.state)
      words = stateWords(limit)
    case .connectionCount(let count):
      needs.formUnion([.basics, .id])
      cell = try countCell(count)
      words = stateWords(count)
    default: throw fail("elements of set \(named.name) have statements that keep no state")
    }
    held.append(cell)
    let place = place(of: words)
    if case .limit = statement { limitPlaces.append((cell.address, place)) }
    if case .connectionCount = statement { countPlaces.append((cell.address, place)) }
    return [cell.address, UInt64(place)]
  }

  // MARK: Tables of keys

  private struct KeyTable {
    var kind: SetWords.Kind
    var place: UInt32
    var size: UInt64
  }

  private mutating func writeTable(_ key: [DataType], _ elements: [Element]) throws(RuleCompileError) -> KeyTable {
    var keys: [(element: Int, key: Key)] = []
    for (place, element) in elements.enumerated() {
      guard let key = element.key else { continue }
      keys.append((place, key))
    }
    guard keys.allSatisfy({ $0.key.parts.count == key.count }) else { throw fail("an element of another type") }
    if keys.isEmpty { return KeyTable(kind: .empty, place: 0, size: 0) }
    if keys.allSatisfy(\.key.isExact) { return writeHash(key, keys) }
    if key.count == 1 {
      let isWide = key[0].bits > 64
      // An exact element stands before a range that has it.
      let ordered = keys.filter(\.key.isExact) + keys.filter { !$0.key.isExact }
      let segments = Segments.first(ordered.map { ($0.key.parts[0], UInt64($0.element + 1)) })
      let place = place(of: segments.words(isWide: isWide))
      return KeyTable(kind: isWide ? .wideSegments : .segments, place: place, size: UInt64(segments.starts.count))
    }
    var tree = TreeBuilder(keys, isWide: key.map { $0.bits > 64 })
    return KeyTable(kind: .tree, place: tree.write(to: &words), size: 0)
  }

  private mutating func writeHash(_ key: [DataType], _ keys: [(element: Int, key: Key)]) -> KeyTable {
    let isWide = key.map { $0.bits > 64 }
    let keyWords = key.count + isWide.count { $0 }
    let stride = keyWords + 1
    var slots = 2
    while slots < 2 * keys.count { slots *= 2 }
    let mask = UInt64(slots - 1)
    var table = [UInt64](repeating: 0, count: slots * stride)
    for (element, key) in keys {
      var words: [UInt64] = []
      for (part, range) in key.parts.enumerated() {
        words.append(UInt64(truncatingIfNeeded: range.lowerBound))
        if isWide[part] { words.append(UInt64(truncatingIfNeeded: range.lowerBound >> 64)) }
      }
      let isPlain = keyWords == 1
      var hash: UInt64 = 0
      for word in words { hash = RuleView.hash(hash ^ word, secret) }
      var place = Int((isPlain ? RuleView.hash(words[0], secret) : hash) & mask)
      while table[place * stride + keyWords] != 0, Array(table[place * stride..<place * stride + keyWords]) != words {
        place = (place + 1) & Int(mask)
      }
      // Of two with one key the later one holds, as it does in a dictionary.
      for (word, value) in words.enumerated() { table[place * stride + word] = value }
      table[place * stride + keyWords] = UInt64(element + 1)
    }
    return KeyTable(kind: keyWords == 1 ? .hashOfOneWord : .hash, place: place(of: table), size: mask)
  }

  // MARK: Sets that packets change

  mutating func liveSet(_ named: NamedSet) throws(RuleCompileError) -> UInt32 {
    guard named.canBeLive else { throw fail("set \(named.name) has intervals or verdicts, and packets change it") }
    guard !named.key.isEmpty, named.key.count <= 16 else { throw fail("a set with \(named.key.count) parts") }
    let statements = try statements(of: named)
    let shape = LiveSet.Shape(named, statements, states)
    try reserve(shape.bytes, for: "set \(named.name)")
    guard named.elements.count <= shape.capacity else {
      throw fail("set \(named.name) has \(named.elements.count) elements, more than its size")
    }
    let live = states.liveSet(named, statements, shape, at: now)
    held.append(live)
    let addresses = live.addresses
    let pointers = place(of: addresses)
    var head = [UInt64](repeating: 0, count: SetWords.count)
    head[SetWords.head] = UInt64(SetWords.Kind.live.rawValue) | UInt64(named.key.count) << 8
    head[SetWords.head] |= UInt64(statements.count) << 24
    head[SetWords.data] = UInt64(namedDataParts(named))
    head[SetWords.live] = UInt64(pointers)
    for (index, statement) in statements.enumerated() {
      var words = stateWords(of: statement)
      words[StateWords.place] = UInt64(live.statementPlaces[index])
      head += words
    }
    let place = place(of: head)
    liveSets.append(place)
    return place
  }

  /// What elements of a set run: what it says, or what the rules say that add them.
  private mutating func statements(of named: NamedSet) throws(RuleCompileError) -> [Statement] {
    guard let first = named.statementsOfElements(updates[named.name] ?? []) else {
      throw fail("rules give elements of set \(named.name) different statements")
    }
    for case .connectionCount in first { needs.formUnion([.basics, .id]) }
    return first
  }

  // MARK: Words of what keeps a state

  func stateWords(of statement: Statement) -> [UInt64] {
    switch statement {
    case .counter(let counter): stateWords(counter)
    case .limit(let limit): stateWords(limit)
    case .connectionCount(let count): stateWords(count)
    default: [UInt64](repeating: 0, count: StateWords.count)
    }
  }

  func stateWords(_ counter: Counter) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: StateWords.count)
    words[StateWords.kind] = StateWords.Kind.counter.rawValue
    return words
  }

  func stateWords(_ limit: Limit) -> [UInt64] {
    let arithmetic = LimitArithmetic(limit)
    var words = [UInt64](repeating: 0, count: StateWords.count)
    words[StateWords.kind] = StateWords.Kind.limit.rawValue
    words[StateWords.flags] = (limit.countsBytes ? 1 : 0) | (limit.isOver ? 2 : 0)
    words[StateWords.most] = UInt64(arithmetic.most)
    words[StateWords.cost] = UInt64(limit.countsBytes ? 0 : arithmetic.cost(bytes: 0))
    words[StateWords.unit] = arithmetic.unit
    words[StateWords.rate] = arithmetic.rate
    words[StateWords.batch] = UInt64(arithmetic.batch(workers: states.workers))
    return words
  }

  func stateWords(_ count: ConnectionCount) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: StateWords.count)
    words[StateWords.kind] = StateWords.Kind.count.rawValue
    words[StateWords.flags] = count.isOver ? 2 : 0
    words[StateWords.connections] = UInt64(count.limit)
    words[StateWords.slots] = UInt64(states.slots(count))
    return words
  }
}

extension NamedSet {
  /// Whether each of its elements can be in a table that packets change.
  var canBeLive: Bool {
    data != .verdict && !flags.contains(.interval) && elements.allSatisfy { $0.key?.isExact ?? false }
  }
}

extension LimitArithmetic {
  /// What a worker leases at once, in nanoseconds: an eighth of the bucket shared by all, and of a limit of packets at
  /// most 64. One worker has nobody to share with.
  func batch(workers: Int) -> Int64 {
    guard workers > 1 else { return 0 }
    let share = most / Int64(8 * workers)
    return countsBytes ? share : min(share, 64 * Int64(unit / rate))
  }
}
