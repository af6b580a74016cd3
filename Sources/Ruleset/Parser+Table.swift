// Blocks: tables and what they hold.

extension Parser {
  mutating func table(_ verb: Verb) throws(Flaw) {
    let table = try tableName()
    let place = commands.count
    emit(verb, table.name.spot, .table(table, dormant: nil, comment: nil))
    guard isSign("{") else { return }
    var dormant: Bool?
    var comment: String?
    // As nft does: first what rules name, then the rules.
    let outer = commands
    commands = []
    defer {
      let inner = commands
      commands = outer
      commands[place].form = .table(table, dormant: dormant, comment: comment)
      let ranks = inner.map(\.rank)
      for rank in 0...3 {
        for (index, command) in inner.enumerated() where ranks[index] == rank { commands.append(command) }
      }
    }
    try block { parser throws(Flaw) in
      // nft reads it and does not do it.
      if verb == .create { throw Flaw.unsupported("create of what a table holds", parser.spot) }
      try parser.tableLine(table, &dormant, &comment)
    }
  }

  private mutating func tableLine(_ table: TableName, _ dormant: inout Bool?, _ comment: inout String?) throws(Flaw) {
    if try common() { return try separator() }
    guard next.kind == .word else { throw unexpected() }
    let word = next.text
    at += 1
    switch word {
    case "flags":
      dormant = false
      repeat {
        if isWord("owner") || isWord("persist") { throw Flaw.unsupported("The flag \(next.text)", spot) }
        guard take(word: "dormant") else { throw Flaw(spot, "unknown table option \(next.text)") }
        dormant = true
      } while take(sign: ",")
    case "comment": comment = try self.comment(after: comment)
    case "chain": try chain(.add, table, isInBlock: true)
    case "set", "map": try set(.add, table, isMap: word == "map", isInBlock: true)
    case "flowtable": try flowtable(.add, table, isInBlock: true)
    case "counter": try object(.add, table, .counter, isInBlock: true)
    case "limit": try object(.add, table, .limit, isInBlock: true)
    case "ct":
      if isWord("helper") || isWord("expectation") { throw Flaw.unsupported("ct \(next.text)", spot) }
      try expect(word: "timeout")
      try object(.add, table, .timeout, isInBlock: true)
    case "quota", "secmark", "synproxy":
      at -= 1
      throw Flaw.unsupported(word, spot)
    default:
      at -= 1
      throw unexpected()
    }
    try separator()
  }

  // MARK: Chains

  mutating func chain(_ verb: Verb, _ table: TableName, isInBlock: Bool = false) throws(Flaw) {
    let node = ChainNode(name: try name())
    let place = commands.count
    emit(verb, node.name.spot, .chain(table, node))
    guard isInBlock || isSign("{") else { return }
    var chain = node
    defer { commands[place].form = .chain(table, chain) }
    try block { parser throws(Flaw) in
      guard try !parser.chainLine(table, &chain) else { return }
      let rule = try parser.rule()
      parser.emit(.add, rule.spot, .rule(table, chain: chain.name, rule, nil))
      try parser.separator()
    }
  }

  /// What is no rule.
  private mutating func chainLine(_ table: TableName, _ chain: inout ChainNode) throws(Flaw) -> Bool {
    if try common() {
      try separator()
      return true
    }
    let start = spot
    if isWord("type"), peek(1).kind == .word, peek(2).kind == .word, peek(2).text == "hook" {
      at += 1
      chain.base = try hook(start, of: chain.name, table.family)
    } else if take(word: "policy") {
      guard next.kind != .quoted else { throw unexpected("accept or drop") }
      if chain.drops != nil { throw Flaw(start.through(spot), "you cannot set chain policy twice") }
      let word = next.kind == .variable ? try string() : Named(text: next.text, spot: spot)
      guard word.text == "accept" || word.text == "drop" else { throw unexpected("accept or drop") }
      if next.spot == word.spot { at += 1 }
      chain.drops = word.text == "drop"
      chain.policy = start.through(word.spot)
    } else if isWord("comment"), peek(1).kind == .quoted || peek(1).kind == .word {
      at += 1
      chain.comment = try comment(after: chain.comment)
    } else if take(word: "flags") {
      throw Flaw.unsupported("flags offload of a chain", start)
    } else {
      return false
    }
    try separator()
    return true
  }

  private mutating func hook(_ start: Spot, of chain: Named, _ family: Family) throws(Flaw) -> BaseChainNode {
    let type = next.text
    if type == "nat" || type == "route" {
      let hook = peek(2).text
      if family != .netdev, type == "nat" ? hook == "forward" : hook != "output" {
        throw Editor.refused(chain.spot, .unsupported)
      }
      throw Flaw.unsupported("The chain type \(type)", spot)
    }
    guard type == "filter" else { throw Flaw(spot, "unknown chain type") }
    at += 1
    try expect(word: "hook")
    let hook = Named(text: next.text, spot: spot)
    guard next.kind == .word,
      ["ingress", "egress", "prerouting", "input", "forward", "output", "postrouting"].contains(hook.text)
    else { throw Flaw(spot, "unknown chain hook") }
    at += 1
    var devices: [Named] = []
    if take(word: "device") {
      devices = [try string()]
    } else if take(word: "devices") {
      try expect(sign: "=")
      devices = try self.devices()
    }
    let priority = try priority()
    return BaseChainNode(hook: hook, priority: priority, devices: devices, spot: start.through(lastSpot))
  }

  /// `priority N`, `priority NAME`, `priority NAME + N`.
  mutating func priority() throws(Flaw) -> PriorityNode {
    let start = spot
    try expect(word: "priority")
    if next.kind == .variable {
      let node = try variable()
      switch node.form {
      case .word(let name), .quoted(let name):
        return PriorityNode(name: name, offset: 0, spot: start.through(lastSpot))
      case .number(let number?) where number < 1 << 31:
        return PriorityNode(name: nil, offset: Int64(number), spot: start.through(lastSpot))
      default: throw Flaw(node.spot, "invalid priority expression value in this context.")
      }
    }
    if next.kind == .word, isName {
      let name = next.text
      at += 1
      return PriorityNode(name: name, offset: try offset(), spot: start.through(lastSpot))
    }
    let isNegative = take(sign: "-")
    let number = try number()
    guard number <= 1 << 31, isNegative || number < 1 << 31 else {
      throw Flaw.unsupported("So large a priority", lastSpot)
    }
    let value = isNegative ? -Int64(number) : Int64(number)
    return PriorityNode(name: nil, offset: value, spot: start.through(lastSpot))
  }

  private mutating func offset() throws(Flaw) -> Int64 {
    let isNegative = isSign("-")
    guard take(sign: "+") || take(sign: "-") else { return 0 }
    let number = try number()
    guard number < 1 << 31 else { throw Flaw(lastSpot, "invalid priority expression value in this context.") }
    return isNegative ? -Int64(number) : Int64(number)
  }

  // MARK: Flow tables

  mutating func flowtable(_ verb: Verb, _ table: TableName, isInBlock: Bool = false) throws(Flaw) {
    let name = try name()
    let node =
      isInBlock || isSign("{") ? try flowtableBlock(name) : FlowtableNode(table: Flowtable(name: name.text), name: name)
    emit(verb, name.spot, .flowtable(table, node))
  }

  mutating func flowtableBlock(_ name: Named) throws(Flaw) -> FlowtableNode {
    var node = FlowtableNode(table: Flowtable(name: name.text), name: name)
    try block { parser throws(Flaw) in
      if try parser.common() { return }
      guard parser.next.kind == .word else { throw parser.unexpected() }
      let word = parser.next.text
      parser.at += 1
      switch word {
      case "hook":
        guard parser.isWord("ingress") else { throw Flaw(parser.spot, "unknown chain hook") }
        parser.at += 1
        node.hasHook = true
        node.priority = try parser.priority()
      case "devices":
        try parser.expect(sign: "=")
        node.devices += try parser.devices()
      case "counter": node.table.hasCounter = true
      case "flags":
        guard parser.take(word: "offload") else { throw parser.unexpected("offload") }
        node.table.isHardware = true
      case "timeout":
        let milliseconds = try parser.time(orSeconds: true)
        guard (1000...Flowtable.longestTimeout * 1000).contains(milliseconds) else {
          throw Flaw(
            parser.lastSpot, "A flow table's timeout is at least a second, at most \(Flowtable.longestTimeout) seconds")
        }
        node.table.timeout = UInt32(milliseconds / 1000)
      default:
        parser.at -= 1
        throw parser.unexpected()
      }
      // Ours: none is needed before `devices`.
      if parser.isWord("devices") { return }
      try parser.separator()
    }
    return node
  }

  /// `{ eth0, eth1 }`
  mutating func devices() throws(Flaw) -> [Named] {
    if next.kind == .variable {
      let node = try variable()
      guard case .set(let elements) = node.form else { return [try deviceName(node)] }
      var names: [Named] = []
      for element in elements { names.append(try deviceName(element.key)) }
      return names
    }
    try expect(sign: "{")
    var names: [Named] = []
    skipNewlines()
    while !isSign("}") {
      if next.kind == .variable {
        names += try devices()
      } else {
        names.append(try string())
      }
      skipNewlines()
      guard take(sign: ",") else { break }
      skipNewlines()
    }
    try expect(sign: "}")
    return names
  }

  private func deviceName(_ node: Node) throws(Flaw) -> Named {
    switch node.form {
    case .word(let name), .quoted(let name): return Named(text: name, spot: node.spot)
    default: throw Flaw(node.spot, "Value is not a string")
    }
  }

  // MARK: Counters, limits, timeouts

  mutating func object(
    _ verb: Verb, _ table: TableName, _ kind: ObjectKind, isInBlock: Bool = false
  ) throws(Flaw) {
    let name = try name()
    let known = flaws.count
    var node: ObjectNode
    switch kind {
    case .limit: node = .limit(NamedLimit(name: name.text, limit: Limit(rate: 0, unit: .second, burst: 0)))
    case .timeout: node = .timeout(TimeoutPolicy(name: name.text))
    default: node = .counter(NamedCounter(name: name.text))
    }
    if isInBlock || isSign("{") {
      try block { parser throws(Flaw) in
        if try parser.common() { return }
        try parser.objectLine(&node)
        try parser.separator()
      }
    } else if kind != .timeout, next.kind == .word {
      try objectLine(&node)
    }
    if case .limit(let limit) = node, limit.limit.rate == 0, flaws.count == known {
      throw Flaw(name.spot, "Could not process rule: Invalid argument")
    }
    emit(verb, name.spot, .object(table, node, name))
  }

  private mutating func objectLine(_ node: inout ObjectNode) throws(Flaw) {
    switch node {
    case .counter(var counter):
      if take(word: "comment") {
        counter.comment = try comment(after: counter.comment)
      } else {
        counter.counter = try counts()
      }
      node = .counter(counter)
    case .limit(var limit):
      if take(word: "comment") {
        limit.comment = try comment(after: limit.comment)
      } else {
        limit.limit = try rate()
      }
      node = .limit(limit)
    case .timeout(var timeout):
      try timeoutLine(&timeout)
      node = .timeout(timeout)
    }
  }

  /// What nft knows of the protocols it has such timeouts for.
  private static let timeoutStates: [UInt8: Set<String>] = [
    6: [
      "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close", "syn_sent2",
      "retrans", "unack",
    ],
    17: ["unreplied", "replied"],
  ]

  private mutating func timeoutLine(_ timeout: inout TimeoutPolicy) throws(Flaw) {
    if take(word: "comment") {
      timeout.comment = try comment(after: timeout.comment)
    } else if take(word: "protocol") {
      guard let value = Services.protocols.value(next.text), next.kind == .word else { throw unexpected("tcp or udp") }
      timeout.transport = UInt8(truncatingIfNeeded: value)
      at += 1
    } else if take(word: "l3proto") {
      guard let family = try family() else { throw unexpected("string") }
      timeout.family = family
    } else if take(word: "policy") {
      try expect(sign: "=")
      try expect(sign: "{")
      skipNewlines()
      while !isSign("}") {
        guard next.kind == .word else { throw unexpected("string") }
        let state = next.text
        if let states = Self.timeoutStates[timeout.transport], !states.contains(state) {
          throw Flaw(spot, "invalid state for this protocol")
        }
        at += 1
        try expect(sign: ":")
        let milliseconds = try time(orSeconds: true)
        timeout.seconds.append(TimeoutEntry(state: state, seconds: UInt32(clamping: milliseconds / 1000)))
        skipNewlines()
        guard take(sign: ",") else { break }
        skipNewlines()
      }
      try expect(sign: "}")
    } else {
      throw unexpected()
    }
  }
}

extension Command {
  /// The order in which a block's commands are done.
  fileprivate var rank: Int {
    switch form {
    case .chain: 0
    case .object: 1
    case .set, .flowtable, .elements: 2
    default: 3
    }
  }
}
