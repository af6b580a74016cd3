internal import Primitives
internal import Ruleset

extension Interpreter {
  /// What a statement does to the packet, and whether the rule goes on.
  func step(_ statement: Statement, _ packet: inout RulePacket) -> Step {
    switch statement {
    case .match(let match): return holds(match, packet) ? .goesOn : .breaks
    case .counter(let counter):
      count(counter.state, packet)
      return .goesOn
    case .namedCounter(let name):
      guard let counter = walk.table.counters.first(where: { $0.name == name }) else { return .breaks }
      count(counter.counter.state, packet)
      return .goesOn
    case .limit(let limit): return allows(limit, packet) ? .goesOn : .breaks
    case .namedLimit(let name):
      guard let limit = walk.table.limits.first(where: { $0.name == name }) else { return .breaks }
      return allows(limit.limit, packet) ? .goesOn : .breaks
    case .connectionCount(let count):
      return holds(count, &counts[count.state, default: []], packet) ? .goesOn : .breaks
    case .notrack:
      packet.setUntracked()
      return .goesOn
    case .set(let target, let expression):
      guard let value = values(of: expression, packet)?.first else { return .breaks }
      packet.set(target, value)
      return .goesOn
    case .timeout(let name):
      if let policy = walk.table.timeouts.first(where: { $0.name == name }), let place = place(of: policy) {
        packet.setTimeout(place, transport: policy.transport)
      }
      return .goesOn
    case .update(let update): return updates(update, packet) ? .goesOn : .breaks
    case .offload(let name):
      guard packet.connection.isConnection, let place = flowtablePlace(name) else { return .breaks }
      packet.setFlowtable(place)
      return .goesOn
    case .verdict(.continue): return .goesOn
    case .verdict(let verdict): return .verdict(verdict)
    case .verdictMap(let key, let reference):
      guard let key = values(of: key, packet), let found = set(reference).find(key, at: walk.now),
        case .verdict(let verdict) = found.value
      else { return .breaks }
      guard holdsAll(of: found, packet) else { return .breaks }
      return verdict == .continue ? .goesOn : .verdict(verdict)
    case .reject: return .rejects
    }
  }

  // MARK: Matches

  private func holds(_ match: Match, _ packet: RulePacket) -> Bool {
    guard let left = values(of: match.left, packet) else { return false }
    switch match.right {
    case .value(let key):
      let isIn = key.parts.count == left.count && zip(key.parts, left).allSatisfy { $0.contains($1) }
      guard let first = key.parts.first?.lowerBound, let value = left.first else { return false }
      return switch match.relation {
      case .equal: isIn
      case .notEqual: !isIn
      default: Interpreter.compare(value, match.relation, first)
      }
    case .set(let reference):
      let found = set(reference).find(left, at: walk.now)
      guard (found != nil) == (match.relation == .equal) else { return false }
      return found.map { holdsAll(of: $0, packet) } ?? true
    case .expression(let right):
      guard let right = values(of: right, packet) else { return false }
      if match.relation == .equal { return left == right }
      if match.relation == .notEqual { return left != right }
      return Interpreter.compare(left[0], match.relation, right[0])
    }
  }

  private static func compare(_ a: UInt128, _ relation: Match.Relation, _ b: UInt128) -> Bool {
    switch relation {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .greaterOrEqual: a >= b
    case .anyBit: a & b != 0
    case .noBit: a & b == 0
    }
  }

  // MARK: Values

  /// One value for each part; `nil`: the packet does not have all of it.
  private func values(of expression: Expression, _ packet: RulePacket) -> [UInt128]? {
    func both(_ a: Expression, _ b: Expression, _ operate: (UInt128, UInt128) -> UInt128) -> [UInt128]? {
      guard let a = values(of: a, packet)?.first, let b = values(of: b, packet)?.first else { return nil }
      return [operate(a, b)]
    }
    switch expression {
    case .field(let field): return value(of: field, packet).map { [$0] }
    case .constant(let value, _): return [value]
    case .and(let a, let b): return both(a, b, &)
    case .or(let a, let b): return both(a, b, |)
    case .xor(let a, let b): return both(a, b, ^)
    case .shiftLeft(let a, let bits):
      return values(of: a, packet).map { [$0[0] << UInt128(bits) & lowBits(a.registerBits)] }
    case .shiftRight(let a, let bits): return values(of: a, packet).map { [$0[0] >> UInt128(bits)] }
    case .concatenation(let parts):
      var all: [UInt128] = []
      for part in parts {
        guard let values = values(of: part, packet) else { return nil }
        all += values
      }
      return all
    case .map(let key, let reference):
      guard let key = values(of: key, packet), let found = set(reference).find(key, at: walk.now),
        case .value(let data) = found.value, holdsAll(of: found, packet)
      else { return nil }
      return data.parts.map(\.lowerBound)
    }
  }

  private func set(_ reference: SetReference) -> MeantSet {
    switch reference {
    case .named(let name):
      return walk.table.sets.first { $0.name == name }.flatMap { sets[$0.state] } ?? MeantSet()
    case .anonymous(let anonymous):
      if let known = anonymousSets[anonymous] { return known }
      let made = MeantSet(anonymous)
      anonymousSets[anonymous] = made
      return made
    }
  }

  // MARK: What keeps a state

  private func count(_ id: StateID, _ packet: RulePacket) {
    counters[id, default: Counter()].packets &+= 1
    counters[id, default: Counter()].bytes &+= UInt64(packet.datagramLength)
  }

  private func allows(_ limit: Limit, _ packet: RulePacket) -> Bool {
    limits[limit.state, default: TokenBucket(limit)].allows(packet.datagramLength, at: walk.now)
  }

  /// At most one connection more than the limit is remembered: others change no answer, and those that live on are met
  /// again. A packet without a connection adds none.
  private func holds(_ count: ConnectionCount, _ ids: inout Set<UInt64>, _ packet: RulePacket) -> Bool {
    ids = ids.filter(isAlive)
    if packet.connection.isConnection, ids.count <= Int(count.limit) { ids.insert(packet.connection.handle) }
    return (ids.count > Int(count.limit)) == count.isOver
  }

  /// The element's own statements, each of which may end the rule.
  private func holdsAll(of element: MeantElement, _ packet: RulePacket) -> Bool {
    for (place, statement) in element.statements.enumerated() {
      switch statement {
      case .counter(var counter):
        counter.packets &+= 1
        counter.bytes &+= UInt64(packet.datagramLength)
        element.statements[place] = .counter(counter)
      case .limit(let limit):
        guard element.buckets[place, default: TokenBucket(limit)].allows(packet.datagramLength, at: walk.now) else {
          return false
        }
      case .connectionCount(let count):
        guard holds(count, &element.counts[place, default: []], packet) else { return false }
      default: break
      }
    }
    return true
  }

  private func updates(_ update: SetUpdate, _ packet: RulePacket) -> Bool {
    guard let named = walk.table.sets.first(where: { $0.name == update.set }), let set = sets[named.state],
      let key = values(of: update.key, packet)
    else { return false }
    if update.verb == .delete {
      set.elements[key] = nil
      return true
    }
    var data: Element.Value?
    if let expression = update.data {
      guard let values = values(of: expression, packet) else { return false }
      data = .value(Key(values.map { $0...$0 }))
    }
    let milliseconds = update.timeout ?? named.timeout
    let deadline = milliseconds.map { walk.now + .timeout(milliseconds: $0) }
    if let known = set.elements[key], !known.isExpired(at: walk.now) {
      if update.verb == .update, known.deadline != nil, let deadline { known.deadline = deadline }
      return holdsAll(of: known, packet)
    }
    guard set.elements[key] != nil || set.elements.count < set.size else { return false }
    let made = MeantElement(
      key: Key(key.map { $0...$0 }), value: data, statements: named.elementStatements(update))
    made.deadline = deadline
    made.timeout = milliseconds
    set.elements[key] = made
    return holdsAll(of: made, packet)
  }

  // MARK: Places

  private func place(of policy: TimeoutPolicy) -> Int? {
    ruleset.timeoutPlaces.firstIndex { $0.table == walk.table.handleKey && $0.name == policy.name }
  }
  private func flowtablePlace(_ name: String) -> Int? {
    ruleset.flowtablePlaces.firstIndex { $0.table == walk.table.handleKey && $0.name == name }
  }
}
