import Ruleset
import TestSupport

/// Rulesets of everything the language has, from a seed, about packets of few addresses and ports so that rules hold
/// now and then.
struct RulesetGenerator {
  var chance: SeededGenerator
  private var family = Family.inet
  private var sets: [NamedSet] = []
  private var targets: [String] = []
  private var isLeaf = false
  private var table = Table(family: .inet, name: "t")

  init(chance: SeededGenerator) { self.chance = chance }

  static let ports = ["eth0", "eth1", "veth2", "veth3"]

  mutating func ruleset() -> Ruleset {
    var ruleset = Ruleset()
    for number in 0..<pick(1...3) {
      ruleset.tables.append(makeTable("t\(number)"))
    }
    var state: StateID = 0
    func next() -> StateID {
      state += 1
      return state
    }
    for t in ruleset.tables.indices {
      for i in ruleset.tables[t].sets.indices { ruleset.tables[t].sets[i].state = next() }
      for i in ruleset.tables[t].counters.indices { ruleset.tables[t].counters[i].counter.state = next() }
      for i in ruleset.tables[t].limits.indices { ruleset.tables[t].limits[i].limit.state = next() }
      for c in ruleset.tables[t].chains.indices {
        for r in ruleset.tables[t].chains[c].rules.indices {
          ruleset.tables[t].chains[c].rules[r].handle = UInt64(next())
          ruleset.tables[t].chains[c].rules[r].statements = ruleset.tables[t].chains[c].rules[r].statements.map {
            numbered($0, next)
          }
        }
      }
    }
    ruleset.lastState = state
    return ruleset
  }

  private func numbered(_ statement: Statement, _ next: () -> StateID) -> Statement {
    switch statement {
    case .counter(var counter):
      counter.state = next()
      return .counter(counter)
    case .limit(var limit):
      limit.state = next()
      return .limit(limit)
    case .connectionCount(var count):
      count.state = next()
      return .connectionCount(count)
    default: return statement
    }
  }

  // MARK: Tables

  private mutating func makeTable(_ name: String) -> Table {
    family = one(of: [.inet, .inet, .inet, .ip, .ip6, .netdev])
    table = Table(family: family, name: name)
    table.isDormant = pick(1...20) == 1
    for number in 0..<pick(0...2) {
      table.counters.append(NamedCounter(name: "c\(number)"))
      table.limits.append(NamedLimit(name: "l\(number)", limit: limit()))
    }
    for number in 0..<2 {
      var policy = TimeoutPolicy(name: "o\(number)")
      policy.transport = one(of: [6, 17])
      table.timeouts.append(policy)
      table.flowtables.append(Flowtable(name: "f\(number)"))
    }
    sets = []
    let regular = (0..<pick(1...4)).map { "r\($0)" }
    // Maps with names are used anywhere: their jumps lead where no jump leads on.
    targets = ["leaf"]
    for number in 0..<pick(2...6) { sets.append(namedSet("s\(number)")) }
    table.sets = sets
    targets = []
    isLeaf = true
    var leaf = Chain(name: "leaf")
    leaf.rules = rules(pick(0...3))
    table.chains.append(leaf)
    isLeaf = false
    for (place, name) in regular.enumerated() {
      targets = Array(regular.dropFirst(place + 1))
      var chain = Chain(name: name)
      chain.rules = rules(pick(0...14))
      table.chains.append(chain)
    }
    targets = regular
    for number in 0..<pick(1...3) {
      var chain = Chain(name: "b\(number)")
      var base = BaseChain(
        hook: family == .netdev ? .ingress : one(of: [.prerouting, .forward, .forward, .postrouting]),
        priority: Int32(one(of: [-300, -150, 0, 0, 10])))
      base.devices = family == .netdev ? one(of: [["eth0"], ["eth*", "veth2"], ["none"]]) : []
      base.drops = pick(1...4) == 1
      chain.base = base
      chain.rules = rules(one(of: [0, 2, 5, 8, 12, 25, 40]))
      table.chains.append(chain)
    }
    return table
  }

  private mutating func rules(_ count: Int) -> [Rule] { (0..<count).map { _ in rule() } }

  private mutating func rule() -> Rule {
    var statements: [Statement] = []
    for _ in 0..<one(of: [0, 1, 1, 1, 2, 2, 3]) { statements.append(.match(match())) }
    for _ in 0..<one(of: [0, 0, 1, 1, 2]) { statements.append(middle()) }
    if pick(1...4) == 1 { statements.append(.match(match())) }
    switch pick(1...10) {
    case 1...3: statements.append(.verdict(verdict(mayEnd: true)))
    case 4 where !vmaps.isEmpty && !isLeaf:
      let set = one(of: vmaps)
      statements.append(.verdictMap(key(set.key), .named(set.name)))
    case 5:
      let types: [DataType] = keyTypes()
      statements.append(.verdictMap(key(types), .anonymous(anonymous(types, data: .verdict))))
    case 6 where pick(1...3) == 1: statements.append(.reject(Reject()))
    default: break
    }
    return Rule(statements)
  }

  private var vmaps: [NamedSet] { sets.filter { $0.data == .verdict } }

  private mutating func verdict(mayEnd: Bool) -> RuleVerdict {
    switch pick(1...10) {
    case 1...2: .accept
    case 3: .drop
    case 4: .continue
    case 5: .return
    case 6...8: targets.isEmpty ? .accept : .jump(one(of: targets))
    default: targets.isEmpty ? .return : .goto(one(of: targets))
    }
  }

  private mutating func middle() -> Statement {
    switch pick(1...17) {
    case 1...4: return .counter(Counter())
    case 5: return table.counters.isEmpty ? .counter(Counter()) : .namedCounter(one(of: table.counters).name)
    case 6: return table.limits.isEmpty ? .limit(limit()) : .namedLimit(one(of: table.limits).name)
    case 7: return .limit(limit())
    case 8: return .connectionCount(connectionCount())
    case 9: return .notrack
    case 10: return .timeout(one(of: table.timeouts).name)
    case 11: return .offload(flowtable: one(of: table.flowtables).name)
    case 12...14:
      let dynamic = sets.filter { $0.flags.contains(.dynamic) }
      guard !dynamic.isEmpty else { return .counter(Counter()) }
      let set = one(of: dynamic)
      var update = SetUpdate(one(of: [.add, .update, .update, .delete]), set: set.name, key: key(set.key))
      if case .value(let types) = set.data { update.data = key(types) }
      if pick(1...4) == 1, set.flags.contains(.timeout) { update.timeout = UInt64(pick(1...4)) * 1000 }
      return .update(update)
    default: return set()
    }
  }

  private mutating func set() -> Statement {
    switch pick(1...7) {
    case 1: return .set(.mark, expression(.mark))
    case 2: return .set(.trace, .constant(UInt128(pick(0...1)), .boolean))
    case 3: return .set(.connectionMark, expression(.mark))
    case 4: return .set(.connectionLabel, .constant(1 << UInt128(pick(0...127)), .connectionLabel))
    case 5, 6:
      return .set(
        .connectionZone(one(of: [nil, nil, .original, .reply])), .constant(UInt128(pick(0...3)), .integer(bits: 16)))
    default: return .set(.connectionEvents, .constant(UInt128(pick(0...2047)), .connectionEvents))
    }
  }

  private mutating func limit() -> Limit {
    var limit = Limit(
      rate: UInt64(pick(1...20)), unit: one(of: [.second, .second, .minute]), burst: UInt64(pick(0...5)))
    limit.isOver = pick(1...3) == 1
    limit.countsBytes = pick(1...3) == 1
    if limit.countsBytes {
      limit.rate = UInt64(pick(20...400))
      limit.burst = UInt64(pick(0...300))
    }
    return limit
  }

  private mutating func connectionCount() -> ConnectionCount {
    var count = ConnectionCount(limit: UInt32(pick(0...6)))
    count.isOver = pick(1...2) == 1
    return count
  }

  // MARK: Sets

  private mutating func keyTypes() -> [DataType] {
    one(of: [
      [.ipv4Address], [.ipv4Address], [.ipv6Address], [.service], [.service], [.ipProtocol], [.mark], [.interfaceName],
      [.ipv4Address, .service], [.ipProtocol, .service], [.ipv6Address, .service], [.interfaceName, .ipv4Address],
      [.ipv4Address, .ipv4Address, .service],
    ])
  }

  private mutating func namedSet(_ name: String) -> NamedSet {
    var set = NamedSet(name: name, key: keyTypes())
    switch pick(1...6) {
    case 1, 2:
      set.flags = pick(1...2) == 1 ? [.dynamic, .timeout] : [.dynamic]
      if set.flags.contains(.timeout) { set.timeout = UInt64(pick(1...5)) * 1000 }
      set.size = UInt32(pick(1...12))
      if pick(1...3) == 1 { set.data = .value([.mark]) }
      if pick(1...2) == 1 { set.statements = elementStatements() }
      set.elements = Array(elements(set.key, data: set.data, intervals: false).prefix(Int(set.size!)))
      set.elements.removeAll { $0.key == nil }
    case 3: set.data = .verdict
    case 4: set.data = one(of: [.value([.mark]), .value([.ipv4Address, .service]), .value([.mark])])
    case 5:
      set.statements = elementStatements()
      set.flags = .timeout
    default: break
    }
    if !set.flags.contains(.dynamic) {
      let intervals = pick(1...2) == 1
      if intervals { set.flags.insert(.interval) }
      set.elements = elements(set.key, data: set.data, intervals: intervals)
      if set.flags.contains(.timeout) {
        for i in set.elements.indices where pick(1...2) == 1 { set.elements[i].timeout = UInt64(pick(1...9)) * 1000 }
      }
    }
    return set
  }

  private mutating func elementStatements() -> [Statement] {
    one(of: [
      [.counter(Counter())], [.limit(limit())], [.connectionCount(connectionCount())],
      [.counter(Counter()), .limit(limit())],
    ])
  }

  private mutating func anonymous(_ key: [DataType], data: SetData?) -> AnonymousSet {
    var set = AnonymousSet(key: key, data: data)
    set.elements = elements(key, data: data, intervals: pick(1...3) == 1)
    return set
  }

  /// Without two of one key, and of ranges in one part without overlaps.
  private mutating func elements(_ key: [DataType], data: SetData?, intervals: Bool) -> [Element] {
    var elements: [Element] = []
    var taken: [Key] = []
    for _ in 0..<one(of: [1, 2, 4, 8, 20]) {
      let parts = key.map { type in intervals && pick(1...2) == 1 ? range(type) : exact(type) }
      let made = Key(parts)
      let overlaps = taken.contains { zip($0.parts, parts).allSatisfy { $0.overlaps($1) } }
      if overlaps { continue }
      taken.append(made)
      elements.append(Element(made, value: value(data)))
    }
    if pick(1...6) == 1 { elements.append(Element(nil, value: value(data))) }
    return elements
  }

  private mutating func value(_ data: SetData?) -> Element.Value? {
    switch data {
    case nil: nil
    case .verdict: .verdict(verdict(mayEnd: true))
    case .value(let types): .value(Key(types.map { exact($0) }))
    }
  }

  // MARK: Values

  private mutating func exact(_ type: DataType) -> ClosedRange<UInt128> {
    let value = self.value(type)
    return value...value
  }

  private mutating func range(_ type: DataType) -> ClosedRange<UInt128> {
    if type == .interfaceName {
      return one(of: [name("eth0")...name("eth0"), prefix("eth"), prefix("veth")])
    }
    let (a, b) = (value(type), value(type))
    return min(a, b)...max(a, b)
  }

  private func name(_ text: String) -> UInt128 {
    text.utf8.reduce(0) { $0 << 8 | UInt128($1) } << UInt128(8 * (16 - text.utf8.count))
  }
  private func prefix(_ text: String) -> ClosedRange<UInt128> {
    name(text)...(name(text) | ((1 << UInt128(8 * (16 - text.utf8.count))) - 1))
  }

  private mutating func value(_ type: DataType) -> UInt128 {
    switch type {
    case .ipv4Address: 0x0A00_0000 + UInt128(pick(0...7))
    case .ipv6Address: 0x2001_0DB8 << 96 + UInt128(pick(0...5))
    case .service: UInt128(pick(0...12))
    case .ipProtocol: one(of: [1, 6, 6, 17, 17, 58, 132, 47])
    case .mark: UInt128(pick(0...7))
    case .interfaceName: name(one(of: RulesetGenerator.ports + ["", "none"]))
    default: UInt128(pick(0...255)) & ((1 << UInt128(min(type.bits, 127))) - 1)
    }
  }

  private mutating func key(_ types: [DataType]) -> Expression {
    let parts = types.map { expression($0) }
    return parts.count == 1 ? parts[0] : .concatenation(parts)
  }

  private mutating func expression(_ type: DataType) -> Expression {
    switch type {
    case .ipv4Address:
      return .field(
        one(of: [
          .payload(Payload(.network, offset: 96, length: 32)), .payload(Payload(.network, offset: 128, length: 32)),
          .payload(Payload(.network, offset: 96, length: 32)), .connection(.source4(direction())),
          .connection(.destination4(direction())),
        ]))
    case .ipv6Address:
      return .field(
        one(of: [
          .payload(Payload(.network, offset: 64, length: 128)), .payload(Payload(.network, offset: 192, length: 128)),
          .connection(.source6(direction())), .connection(.destination6(direction())),
        ]))
    case .service:
      return .field(
        one(of: [
          .payload(Payload(.transport, offset: 0, length: 16)), .payload(Payload(.transport, offset: 16, length: 16)),
          .payload(Payload(.transport, offset: 16, length: 16)), .connection(.sourcePort(direction())),
          .connection(.destinationPort(direction())),
        ]))
    case .ipProtocol: return .field(one(of: [.transport, .transport, .connection(.transport(nil))]))
    case .interfaceName: return .field(one(of: [.inputName, .outputName]))
    case .mark:
      switch pick(1...8) {
      case 1: return .constant(value(.mark), .mark)
      case 2: return .and(.field(.mark), .constant(UInt128(pick(0...15)), .mark))
      case 3: return .or(.field(.connection(.mark)), .constant(UInt128(pick(0...15)), .mark))
      case 4: return .xor(.field(.mark), .field(.connection(.mark)))
      case 5: return .shiftLeft(.field(.mark), UInt8(pick(0...31)))
      case 6: return .shiftRight(.field(.mark), UInt8(pick(0...31)))
      case 7:
        let maps = sets.filter { $0.data == .value([.mark]) }
        guard !maps.isEmpty else { return .field(.mark) }
        let map = one(of: maps)
        return .map(key(map.key), .named(map.name))
      default: return .field(.mark)
      }
    default: return .field(.length)
    }
  }

  private mutating func direction() -> FlowDirection { one(of: [.original, .reply]) }

  // MARK: Matches

  private mutating func match() -> Match {
    switch pick(1...12) {
    case 1...4:
      let types = keyTypes()
      switch pick(1...3) {
      case 1:
        let named = sets.filter { $0.key == types && $0.data == nil }
        guard !named.isEmpty else { break }
        return Match(key(types), relation(true), .set(.named(one(of: named).name)))
      case 2: return Match(key(types), relation(true), .set(.anonymous(anonymous(types, data: nil))))
      default: break
      }
      return Match(key(types), relation(true), .value(Key(types.map { pick(1...2) == 1 ? exact($0) : range($0) })))
    case 5...6:
      let type: DataType = one(of: [.ipv4Address, .service, .mark, .ipProtocol])
      let relation = relation(false)
      return Match(expression(type), relation, .value(Key([exact(type)])))
    case 7:
      return Match(
        .and(expression(.ipv4Address), .constant(UInt128(one(of: [1, 2, 3, 6, 0xFFFF_FFF8])), .ipv4Address)),
        relation(true), .value(Key(UInt128(pick(0...3)))))
    case 8:
      return Match(expression(.mark), relation(false), .expression(expression(.mark)))
    default: return simpleMatch()
    }
  }

  private mutating func relation(_ onlyEqual: Bool) -> Match.Relation {
    onlyEqual
      ? one(of: [.equal, .equal, .equal, .notEqual])
      : one(of: [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .anyBit, .noBit])
  }

  private mutating func simpleMatch() -> Match {
    let choices: [(PacketField, [UInt128])] = [
      (.etherType, [0x0800, 0x86DD, 0x0806]), (.networkFamily, [2, 10, 5]), (.length, [40, 60, 100]),
      (.packetType, [0, 1, 2]), (.inputIndex, [0, 1, 2]), (.outputIndex, [0, 1, 2]),
      (.payload(Payload(.link, offset: 0, length: 48)), [0x0200_0000_0002, 0xFFFF_FFFF_FFFF]),
      (.payload(Payload(.link, offset: 96, length: 16)), [0x8100, 0x0800]),
      (.payload(Payload(.link, offset: 116, length: 12)), [0, 1, 2]),
      (.payload(Payload(.network, offset: 8, length: 6)), [0, 1, 10]),
      (.payload(Payload(.network, offset: 4, length: 8)), [0, 0x50]),
      (.payload(Payload(.network, offset: 51, length: 13)), [0, 1, 3]),
      (.payload(Payload(.network, offset: 64, length: 8)), [64, 1]),
      (.payload(Payload(.network, offset: 12, length: 20)), [0]),
      (.payload(Payload(.network, offset: 57, length: 70)), [0, 5]),
      (.payload(Payload(.network, offset: 90, length: 126)), [0, 5]),
      (.payload(Payload(.transport, offset: 0, length: 8)), [8, 0, 128]),
      (.payload(Payload(.transport, offset: 104, length: 8)), [2, 16, 18]),
      (.payload(Payload(.transport, offset: 100, length: 4)), [0]),
      (.payload(Payload(.transport, offset: 3, length: 61)), [0, 77]),
      (.exists(one(of: ExtensionHeaderKind.allCases)), [0, 1]),
      (.extensionField(.fragment, Payload(.network, offset: 16, length: 13)), [0, 1, 3]),
      (.extensionField(.fragment, Payload(.network, offset: 31, length: 1)), [0, 1]),
      (.extensionField(.hopByHop, Payload(.network, offset: 0, length: 8)), [6, 17, 60]),
      (.tcpOptionExists(one(of: [2, 3, 4, 8])), [0, 1]),
      (.tcpOption(2, offset: 16, length: 16), [1460, 536]),
      (.connection(.state), [1, 2, 4, 8, 64]), (.connection(.direction), [0, 1]),
      (.connection(.status), [0, 4, 8, 14]),
      (.connection(.mark), [0, 1, 2]), (.connection(.expiration), [1000, 30000]), (.connection(.id), [1, 2, 3]),
      (.connection(.labels), [0, 1, 2, 1 << 127]), (.connection(.zone(one(of: [nil, .original, .reply]))), [0, 1, 2]),
      (.connection(.networkFamily(nil)), [2, 10]), (.connection(.packets(one(of: [nil, .original, .reply]))), [1, 9]),
      (.connection(.bytes(one(of: [nil, .original, .reply]))), [100, 900]),
      (.connection(.averageLength(one(of: [nil, .original, .reply]))), [0, 100]),
    ]
    let (field, values) = one(of: choices)
    let relation = relation(false)
    let value = one(of: values)
    return Match(.field(field), relation, .value(Key(value)))
  }

  private mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &chance) }
  private mutating func one<Value>(of values: [Value]) -> Value { values.randomElement(using: &chance)! }
}
