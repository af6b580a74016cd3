// Sets and maps: their definition and their elements.

extension Parser {
  mutating func set(_ verb: Verb, _ table: TableName, isMap: Bool, isInBlock: Bool = false) throws(Flaw) {
    var node = SetNode(name: try name(), isMap: isMap)
    if isInBlock || isSign("{") {
      try block { parser throws(Flaw) in
        if try parser.common() { return }
        try parser.setLine(&node)
        try parser.separator()
      }
    }
    emit(verb, node.name.spot, .set(table, node))
  }

  private mutating func setLine(_ node: inout SetNode) throws(Flaw) {
    guard next.kind == .word else { throw unexpected() }
    let word = next.text
    let start = spot
    at += 1
    switch word {
    case "type":
      node.key = .types(try types(), start.through(lastSpot))
      if node.isMap { try mapType(&node) }
    case "typeof":
      node.key = .expression(try typeofKey())
      if node.isMap {
        try expect(sign: ":")
        if take(word: "verdict") {
          node.givesVerdicts = true
        } else {
          if isWord("interval") { throw Flaw.unsupported("A map to intervals", spot) }
          node.data = .expression(try typeofKey())
        }
      }
    case "flags":
      node.flags = []
      try setFlags(&node.flags)
    case "timeout":
      let time = try time()
      node.timeout = time > 0 ? time : nil
    case "gc-interval" where !node.isMap: node.gcInterval = try time()
    case "size":
      let size = try number()
      guard let size = UInt32(exactly: size) else { throw Flaw.unsupported("So large a set", lastSpot) }
      node.size = size
    case "policy":
      guard isWord("memory") || isWord("performance") else { throw unexpected("performance or memory") }
      node.savesMemory = isWord("memory")
      at += 1
    case "auto-merge" where !node.isMap: node.autoMerge = true
    case "comment": node.comment = try comment(after: node.comment)
    case "elements":
      try expect(sign: "=")
      node.elements = try setBlock()
    case "counter", "limit", "ct", "quota", "last":
      at -= 1
      repeat { node.statements.append(try stateful()) } while isStateful
    default:
      at -= 1
      throw unexpected()
    }
  }

  private var isStateful: Bool {
    next.kind == .word && ["counter", "limit", "ct", "quota", "last"].contains(next.text)
  }

  private mutating func setFlags(_ flags: inout NamedSet.Flags) throws(Flaw) {
    repeat {
      guard next.kind == .word else { throw unexpected() }
      switch next.text {
      case "constant": flags.insert(.constant)
      case "interval": flags.insert(.interval)
      case "timeout": flags.insert(.timeout)
      case "dynamic": flags.insert(.dynamic)
      default: throw unexpected()
      }
      at += 1
    } while take(sign: ",")
  }

  /// `ipv4_addr . inet_service`
  private mutating func types() throws(Flaw) -> [DataType] {
    var types: [DataType] = []
    repeat {
      let name = next
      guard name.kind == .word else { throw unexpected("string") }
      at += 1
      if name.text == "integer" || name.text == "string" {
        throw Flaw(
          name.spot,
          "unqualified type \(name.text) specified in set definition. "
            + "Try \"typeof expression\" instead of \"type datatype\".")
      }
      if DataType.foreign.contains(name.text) { throw Flaw.unsupported("The type \(name.text)", name.spot) }
      // `ecn` and `mark` are words of the language, but types as well.
      guard let type = DataType.named(name.text), type != .verdict else {
        throw Flaw(name.spot, "unknown datatype \(name.text)")
      }
      types.append(type)
    } while take(sign: ".")
    return types
  }

  private mutating func mapType(_ node: inout SetNode) throws(Flaw) {
    try expect(sign: ":")
    if isWord("verdict") {
      at += 1
      node.givesVerdicts = true
      return
    }
    if isWord("counter") || isWord("limit") || isWord("quota") || isWord("synproxy") || isWord("secmark") {
      node.unsupported = Named(text: "A map of \(next.text)s", spot: spot)
      at += 1
      return
    }
    if isWord("interval") { throw Flaw.unsupported("A map to intervals", spot) }
    let start = spot
    node.data = .types(try types(), start.through(lastSpot))
  }

  private mutating func typeofKey() throws(Flaw) -> Node { try concatenation(.left) }

  // MARK: Elements

  /// `{ KEY [: VALUE], ... }`
  mutating func setElements() throws(Flaw) -> [ElementNode] {
    try expect(sign: "{")
    return try nested { parser throws(Flaw) in
      var elements: [ElementNode] = []
      parser.skipNewlines()
      repeat {
        parser.skipNewlines()
        if parser.isSign("}"), !elements.isEmpty { break }
        // More commas than one mean no more than one.
        if !elements.isEmpty, parser.isSign(",") { continue }
        elements += try parser.element()
        parser.skipNewlines()
      } while parser.take(sign: ",")
      try parser.expect(sign: "}")
      return elements
    }
  }

  /// One; or all of those that a variable stands for.
  private mutating func element() throws(Flaw) -> [ElementNode] {
    let start = spot
    let key = isSign("*") ? any() : try concatenation(.right)
    if case .set(let elements) = key.form { return elements }
    var element = ElementNode(key: key, spot: key.spot)
    while isStateful { element.statements.append(try stateful()) }
    try elementOptions(&element)
    if take(sign: ":") {
      element.value = try elementValue()
    }
    element.spot = start == key.spot ? key.spot : start.through(lastSpot)
    return [element]
  }

  private mutating func any() -> Node {
    at += 1
    return Node(.any, lastSpot)
  }

  private mutating func elementOptions(_ element: inout ElementNode) throws(Flaw) {
    while next.kind == .word {
      switch next.text {
      case "timeout":
        at += 1
        element.timeout = try time()
      case "expires":
        at += 1
        element.expires = try time()
      case "comment":
        at += 1
        element.comment = try comment()
      default: return
      }
    }
  }

  private mutating func elementValue() throws(Flaw) -> Node {
    if let verdict = try verdict() { return verdict }
    return try concatenation(.right)
  }

  /// `add @s { ... }`: one element whose key is what the packet has.
  mutating func updateKey() throws(Flaw) -> ElementNode {
    let key = try concatenation(.left)
    var element = ElementNode(key: key, spot: key.spot)
    try elementOptions(&element)
    while isStateful { element.statements.append(try stateful()) }
    return element
  }
}
