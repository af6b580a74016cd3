// Expressions, from the loosest binding to the tightest: concatenation, range and prefix, |, ^, &, shifts.

extension Parser {
  /// Left of a comparison, words of the language begin fields; right of it, all words are values.
  enum Side { case left, right }

  /// `A . B . C`
  mutating func concatenation(_ side: Side) throws(Flaw) -> Node {
    let first = try rangeOrPrefix(side)
    guard isSign(".") else { return first }
    var parts = [first]
    while take(sign: ".") { parts.append(try rangeOrPrefix(side)) }
    return Node(.concatenation(parts), first.spot.through(lastSpot))
  }

  private mutating func rangeOrPrefix(_ side: Side) throws(Flaw) -> Node {
    let first = try binary(side, 0)
    guard side == .right || !first.isField else { return first }
    if isSign("-") {
      at += 1
      let last = try binary(side, 0)
      return Node(.range(first, last), first.spot.through(lastSpot == last.spot ? last.spot : lastSpot))
    }
    if isSign("/"), peek(1).kind == .number {
      at += 1
      let length = try number()
      return Node(.prefix(first, length), first.spot.through(lastSpot))
    }
    return first
  }

  private static let levels: [[(sign: String, word: String, operation: Node.Operator)]] = [
    [("|", "or", .or)], [("^", "xor", .xor)], [("&", "and", .and)],
    [("<<", "lshift", .shiftLeft), (">>", "rshift", .shiftRight)],
  ]

  private mutating func binary(_ side: Side, _ level: Int) throws(Flaw) -> Node {
    guard level < Self.levels.count else { return try primary(side) }
    var left = try binary(side, level + 1)
    var count = 0
    while let step = Self.levels[level].first(where: { isSign($0.sign) || isWord($0.word) }) {
      at += 1
      count += 1
      // A long row of operators is as deep as brackets.
      guard count < Self.deepest else { throw Flaw(spot, "Too deeply nested") }
      let right = try binary(.right, level + 1)
      left = Node(.binary(step.operation, left, right), left.spot.through(lastSpot))
    }
    return left
  }

  private mutating func primary(_ side: Side) throws(Flaw) -> Node {
    let token = next
    switch token.kind {
    case .number:
      at += 1
      return Node(.number(token.number), token.spot)
    case .quoted:
      at += 1
      return Node(.quoted(token.text), token.spot)
    case .variable: return try variable()
    case .word: return try word(side)
    case .sign where token.text == "(":
      at += 1
      return try nested { parser throws(Flaw) in
        let inner = try parser.binary(side, 0)
        try parser.expect(sign: ")")
        return inner
      }
    case .sign where token.text == "@":
      if let field = try rawPayload() { return Node(.field(field), token.spot.through(lastSpot)) }
      at += 1
      let name = try name()
      return Node(.reference(name.text), token.spot.through(name.spot))
    case .sign where token.text == "[" && side == .right && isBracketed:
      at += 3
      return Node(.word(tokens[at - 2].text), token.spot.through(lastSpot))
    case .sign where token.text == "{" && side == .right:
      return Node(.set(try setElements()), token.spot.through(lastSpot))
    case .sign where token.text == "*" && side == .right:
      at += 1
      return Node(.any, token.spot)
    default: throw unexpected()
    }
  }

  /// `[::1]`
  private var isBracketed: Bool {
    let (address, end) = (peek(1), peek(2))
    return end.kind == .sign && end.text == "]" && address.kind == .word && IPAddress.six(address.text) != nil
      && address.spot.first == spot.last + 1 && end.spot.first == address.spot.last + 1
  }

  private mutating func word(_ side: Side) throws(Flaw) -> Node {
    let token = next
    if side == .left {
      if let field = try field() { return Node(.field(field), token.spot.through(lastSpot)) }
    }
    if side == .right, Reserved.words.contains(token.text), !Reserved.values.contains(token.text) { throw unexpected() }
    if side == .left, Reserved.words.contains(token.text) { throw unexpected() }
    at += 1
    return Node(.word(token.text), token.spot)
  }

  /// What stands right of a match: a value, a list, a set.
  mutating func operand() throws(Flaw) -> Node {
    let first = try concatenation(.right)
    guard isSign(",") else { return first }
    var parts = [first]
    while take(sign: ",") { parts.append(try concatenation(.right)) }
    return Node(.list(parts), first.spot.through(lastSpot))
  }

  /// What `define` gives a name to.
  mutating func definition() throws(Flaw) -> Node {
    let start = spot
    if isSign("{") {
      // Without elements it is as good.
      if peek(1).kind == .sign, peek(1).text == "}" {
        at += 2
        return Node(.set([]), start.through(lastSpot))
      }
      return Node(.set(try setElements()), start.through(lastSpot))
    }
    if isSign("-"), peek(1).kind == .number { throw Flaw.unsupported("A negative number as a value", spot) }
    return try operand()
  }

  /// What a statement sets something to: a constant, a field, a map's value, of some a list.
  mutating func value(isList: Bool = false) throws(Flaw) -> Node {
    let first = try concatenation(.left)
    if isList, isSign(",") {
      var parts = [first]
      while take(sign: ",") { parts.append(try concatenation(.left)) }
      return Node(.list(parts), first.spot.through(lastSpot))
    }
    guard isWord("map") else { return first }
    return try map(of: first)
  }

  mutating func map(of key: Node) throws(Flaw) -> Node {
    try expect(word: "map")
    let table = try mapOperand()
    return Node(.map(key, table), key.spot.through(lastSpot))
  }

  /// `{ ... }`, `@name` or a variable.
  mutating func mapOperand() throws(Flaw) -> Node {
    let start = spot
    if isSign("{") { return Node(.set(try setElements()), start.through(lastSpot)) }
    if next.kind == .variable { return try variable() }
    guard take(sign: "@") else { throw unexpected("'{'") }
    let name = try name()
    return Node(.reference(name.text), start.through(name.spot))
  }

  /// `accept`, `jump NAME` and such.
  mutating func verdict() throws(Flaw) -> Node? {
    guard next.kind == .word else { return nil }
    let start = spot
    let plain: RuleVerdict? =
      switch next.text {
      case "accept": .accept
      case "drop": .drop
      case "continue": .continue
      case "return": .return
      default: nil
      }
    if let plain {
      at += 1
      return Node(.verdict(VerdictNode(verdict: plain)), start)
    }
    guard isWord("jump") || isWord("goto") else { return nil }
    let isJump = isWord("jump")
    at += 1
    let name = next.kind == .variable ? try string() : try name()
    let verdict: RuleVerdict = isJump ? .jump(name.text) : .goto(name.text)
    return Node(.verdict(VerdictNode(verdict: verdict, target: name.spot)), start.through(lastSpot))
  }
}

extension Node {
  var isField: Bool {
    switch form {
    case .field: true
    case .binary(_, let left, _): left.isField
    default: false
    }
  }
}
