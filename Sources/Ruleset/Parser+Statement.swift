// Rules: statements, one behind the other up to the end of the line.

extension Parser {
  mutating func rule() throws(Flaw) -> RuleNode {
    let start = spot
    var statements: [StatementNode] = []
    var comment: String?
    repeat {
      if isWord("comment") {
        at += 1
        comment = try self.comment()
        break
      }
      statements.append(try statement())
    } while next.kind != .newline && next.kind != .end && !isSign(";") && !isSign("}")
    return RuleNode(statements: statements, comment: comment, spot: start.through(lastSpot))
  }

  private mutating func statement() throws(Flaw) -> StatementNode {
    let start = spot
    let form = try statementForm()
    return StatementNode(form: form, spot: start.through(lastSpot))
  }

  private mutating func statementForm() throws(Flaw) -> StatementNode.Form {
    guard next.kind == .word else { return try match() }
    if let verdict = try verdict(), case .verdict(let node) = verdict.form { return .verdict(node) }
    switch next.text {
    case "counter", "limit": return try stateful().form
    case "notrack":
      at += 1
      return .notrack
    case "reject":
      at += 1
      return .reject(try reject())
    case "flow":
      at += 1
      guard take(word: "add") || take(word: "offload") else {
        if isWord("table") { throw Flaw.unsupported("flow table", spot) }
        throw unexpected()
      }
      try expect(sign: "@")
      return .offload(try name())
    case "meta": return try meta(1)
    case "mark", "nftrace", "pkttype", "priority": return try meta(0)
    case "ct": return try connection()
    case "add", "update", "delete": return try update()
    case "set":
      at += 1
      return try oldUpdate()
    case "reset": throw Flaw.unsupported("reset", spot)
    default: break
    }
    if Reserved.unsupported.contains(next.text), !Header.allCases.contains(where: { $0.rawValue == next.text }) {
      throw Flaw.unsupported(next.text, spot)
    }
    return try match()
  }

  // MARK: Matches

  private mutating func match() throws(Flaw) -> StatementNode.Form {
    let left = try concatenation(.left)
    if take(word: "vmap") { return .verdictMap(left, try mapOperand()) }
    if isWord("map") { throw Flaw.unsupported("A map left of a comparison", spot) }
    if isWord("set") { throw Flaw.unsupported("To change the packet", left.spot.through(spot)) }
    guard left.isField || left.isConcatenation else { throw unexpected() }
    let relation = relation()
    if relation == .noBit { return .match(left, .noBit, try operand()) }
    let right = try operand()
    // `tcp flags syn / syn,ack`
    if isSign("/"), relation == nil || relation == .equal || relation == .notEqual {
      at += 1
      let mask = try operand()
      // One flag alone would be a prefix.
      guard case .list = mask.form else { throw unexpected("comma") }
      return .masked(left, relation == .notEqual, right, mask)
    }
    return .match(left, relation, right)
  }

  private mutating func relation() -> StatementNode.Relation? {
    let words: [String: StatementNode.Relation] = [
      "eq": .equal, "ne": .notEqual, "lt": .less, "le": .lessOrEqual, "gt": .greater, "ge": .greaterOrEqual,
      "not": .noBit,
    ]
    let found =
      next.kind == .sign ? StatementNode.Relation(rawValue: next.text) : next.kind == .word ? words[next.text] : nil
    if found != nil { at += 1 }
    return found
  }

  // MARK: What sets something

  private mutating func meta(_ words: Int) throws(Flaw) -> StatementNode.Form {
    guard peek(words).kind == .word, peek(words + 1).kind == .word, peek(words + 1).text == "set" else {
      return try match()
    }
    let word = peek(words)
    switch word.text {
    case "mark":
      at += words + 2
      return .set(.mark, .mark, try value())
    case "nftrace":
      at += words + 2
      return .set(.trace, .integer(bits: 1), try value())
    default:
      let known = ["priority", "pkttype", "secmark", "broute"]
      guard known.contains(word.text) || Reserved.unsupported.contains(word.text) else { return try match() }
      throw Flaw.unsupported("meta \(word.text) set", word.spot)
    }
  }

  private mutating func connection() throws(Flaw) -> StatementNode.Form {
    func isSet(_ offset: Int) -> Bool { peek(offset).kind == .word && peek(offset).text == "set" }
    let word = peek(1)
    guard word.kind == .word else { return try match() }
    if word.text == "count" { return try stateful().form }
    if let direction = FlowDirection(rawValue: word.text), isSet(3) {
      guard peek(2).text == "zone" else {
        throw Flaw(peek(2).spot, "syntax error, unexpected \(peek(2).text)")
      }
      at += 4
      return .set(.connectionZone(direction), .hostInteger(bits: 16), try value())
    }
    guard isSet(2) else { return try match() }
    switch word.text {
    case "mark":
      at += 3
      return .set(.connectionMark, .mark, try value())
    case "label":
      at += 3
      return .set(.connectionLabel, .connectionLabel, try value())
    case "zone":
      at += 3
      return .set(.connectionZone(nil), .hostInteger(bits: 16), try value())
    case "event":
      at += 3
      return .set(.connectionEvents, .connectionEvents, try value(isList: true))
    case "timeout":
      at += 3
      return .timeout(try string())
    case "helper", "secmark", "expectation": throw Flaw.unsupported("ct \(word.text) set", word.spot)
    default:
      at += 1
      throw ["state", "status", "id", "direction", "expiration"].contains(word.text)
        ? Flaw(word.spot, "ct \(word.text) cannot be set") : Flaw(word.spot, "unknown ct key")
    }
  }

  // MARK: Set updates

  /// `add @s { KEY ... [: DATA] }`
  private mutating func update() throws(Flaw) -> StatementNode.Form {
    guard let verb = SetUpdate.Verb(rawValue: next.text) else { throw unexpected() }
    at += 1
    try expect(sign: "@")
    let set = try name()
    try expect(sign: "{")
    let key = try updateKey()
    var data: Node?
    if take(sign: ":") { data = try value() }
    try expect(sign: "}")
    return .update(verb, set, key: key, data: data)
  }

  /// `set add KEY @s`
  private mutating func oldUpdate() throws(Flaw) -> StatementNode.Form {
    guard next.kind == .word, let verb = SetUpdate.Verb(rawValue: next.text) else { throw unexpected() }
    at += 1
    let key = try updateKey()
    try expect(sign: "@")
    return .update(verb, try name(), key: key, data: nil)
  }

  // MARK: reject

  private mutating func reject() throws(Flaw) -> RejectNode? {
    guard take(word: "with") else { return nil }
    guard next.kind == .word else { throw unexpected() }
    if take(word: "tcp") {
      try expect(word: "reset")
      return RejectNode(kind: .reset)
    }
    guard let kind = RejectNode.Kind(rawValue: next.text) else { throw unexpected() }
    at += 1
    _ = take(word: "type")
    return RejectNode(kind: kind, code: try concatenation(.right))
  }

  // MARK: What keeps a state

  /// `counter ...`, `limit ...`, `ct count ...`
  mutating func stateful() throws(Flaw) -> StatementNode {
    let start = spot
    let form: StatementNode.Form
    if take(word: "counter") {
      if take(word: "name") {
        form = .namedCounter(try objectName("counter"))
      } else {
        form = .counter(try anyCounts())
      }
    } else if take(word: "limit") {
      form = take(word: "name") ? .namedLimit(try objectName("limit")) : .limit(try rate())
    } else if isWord("ct") {
      at += 1
      try expect(word: "count")
      let isOver = take(word: "over")
      let number = try number()
      // nft cuts it off.
      guard let limit = UInt32(exactly: number) else {
        throw Flaw.unsupported("To count so many connections", lastSpot)
      }
      var count = ConnectionCount(limit: limit)
      count.isOver = isOver
      form = .connectionCount(count)
    } else {
      throw Flaw.unsupported(next.text, spot)
    }
    return StatementNode(form: form, spot: start.through(lastSpot))
  }

  private mutating func objectName(_ kind: String) throws(Flaw) -> Named {
    if next.kind == .word, Header(rawValue: next.text) != nil || isWord("meta") || isWord("ct") {
      throw Flaw.unsupported("A map of \(kind)s", spot)
    }
    let name = try string()
    if isWord("map") { throw Flaw.unsupported("A map of \(kind)s", spot) }
    return name
  }

  /// `packets N bytes N`
  mutating func counts() throws(Flaw) -> Counter {
    var counter = Counter()
    try expect(word: "packets")
    counter.packets = try number()
    try expect(word: "bytes")
    counter.bytes = try number()
    return counter
  }

  /// One of the two is enough in a rule.
  private mutating func anyCounts() throws(Flaw) -> Counter {
    var counter = Counter()
    while isWord("packets") || isWord("bytes") {
      let isPackets = isWord("packets")
      at += 1
      let count = try number()
      if isPackets { counter.packets = count } else { counter.bytes = count }
    }
    return counter
  }

  private static let byteUnits: [String: UInt64] = ["bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20]

  /// `rate [over] N [BYTES]/UNIT [burst N packets|BYTES]`
  mutating func rate() throws(Flaw) -> Limit {
    try expect(word: "rate")
    let isOver = take(word: "over")
    var limit = Limit(rate: try number(), unit: .second, burst: 5)
    let rateSpot = lastSpot
    // `1500 bytes/second`: the scanner takes it for one word.
    if next.kind == .word, let slash = next.text.firstIndex(of: "/") {
      let token = next
      let (bytes, unit) = (String(token.text[..<slash]), String(token.text[token.text.index(after: slash)...]))
      guard let factor = Self.byteUnits[bytes], let unit = Limit.Unit(rawValue: unit) else { throw unexpected() }
      at += 1
      limit = try Self.scaled(limit, factor, rateSpot)
      limit.unit = unit
    } else {
      if next.kind == .word, let factor = Self.byteUnits[next.text] {
        at += 1
        limit = try Self.scaled(limit, factor, rateSpot)
      }
      try expect(sign: "/")
      guard next.kind == .word, let unit = Limit.Unit(rawValue: next.text) else { throw unexpected() }
      at += 1
      limit.unit = unit
    }
    guard limit.rate > 0 else { throw Flaw(rateSpot, "limit rate must be > 0") }
    limit.isOver = isOver
    if limit.countsBytes { limit.burst = 0 }
    if isWord("burst") {
      let start = spot
      at += 1
      try burst(&limit)
      guard limit.burst > 0 || limit.countsBytes else {
        throw Flaw(start.through(lastSpot), "packet limit burst must be > 0")
      }
    }
    return limit
  }

  private static func scaled(_ limit: Limit, _ factor: UInt64, _ spot: Spot) throws(Flaw) -> Limit {
    var limit = limit
    let (rate, isTooMuch) = limit.rate.multipliedReportingOverflow(by: factor)
    guard !isTooMuch else { throw Flaw.unsupported("So high a rate", spot) }
    limit.rate = rate
    limit.countsBytes = true
    return limit
  }

  private mutating func burst(_ limit: inout Limit) throws(Flaw) {
    let burst = try number()
    let spot = lastSpot
    guard next.kind == .word else { throw unexpected(limit.countsBytes ? "bytes" : "packets") }
    if limit.countsBytes {
      guard let factor = Self.byteUnits[next.text] else { throw unexpected("bytes") }
      let (bytes, isTooMuch) = burst.multipliedReportingOverflow(by: factor)
      guard !isTooMuch, bytes <= UInt64(UInt32.max) else { throw Flaw.unsupported("So long a burst", spot) }
      limit.burst = bytes
    } else {
      guard isWord("packets") else { throw unexpected("packets") }
      guard burst <= UInt64(UInt32.max) else { throw Flaw.unsupported("So long a burst", spot) }
      limit.burst = burst
    }
    at += 1
  }
}

extension Node {
  fileprivate var isConcatenation: Bool {
    if case .concatenation(let parts) = form { return parts.allSatisfy(\.isField) }
    return false
  }
}
