extension Ruleset {
  /// All of it as nft lists it: valid text that means the same.
  public func listing(_ options: ListOptions = ListOptions()) -> String {
    if options.json { return JSONListing(options).ruleset(self) }
    return tables.map { TableText($0, options).all }.joined()
  }
}

/// A table as text: all of it, or one of what it holds within the table's brackets.
struct TableText {
  let table: Table
  let options: ListOptions

  init(_ table: Table, _ options: ListOptions) {
    self.table = table
    self.options = options
  }

  private func handle(_ handle: UInt64) -> String { options.handles ? " # handle \(handle)" : "" }

  var header: String { "table \(table.family.rawValue) \(table.name)" }

  var all: String {
    var head: [String] = []
    if let comment = table.comment { head.append("\tcomment \"\(comment)\"\n") }
    if table.isDormant { head.append("\tflags dormant\n") }
    var parts: [String] = head.isEmpty ? [] : [head.joined()]
    parts += table.counters.map { text($0) }
    parts += table.limits.map { text($0) }
    parts += table.timeouts.map { text($0) }
    parts += table.sets.map { text($0) }
    parts += table.flowtables.map { text($0) }
    parts += table.chains.map { text($0) }
    return within(parts.joined(separator: "\n"))
  }

  /// In the table's brackets.
  func within(_ text: String) -> String { "\(header) {\(handle(table.handle))\n\(text)}\n" }

  // MARK: Chains

  func text(_ chain: Chain) -> String {
    var text = "\tchain \(chain.name) {\(handle(chain.handle))\n"
    if let comment = chain.comment { text += "\t\tcomment \"\(comment)\"\n" }
    if let base = chain.base { text += "\t\t\(line(base))\n" }
    for rule in chain.rules { text += "\t\t\(RuleText.text(rule, table.family, options))\n" }
    return text + "\t}\n"
  }

  private func line(_ base: BaseChain) -> String {
    let devices =
      switch base.devices.count {
      case 0: ""
      case 1: " device \"\(base.devices[0])\""
      default: " devices = { \(base.devices.map { "\"\($0)\"" }.joined(separator: ", ")) }"
      }
    let priority = priority(base.priority, table.family, base.hook.rawValue)
    let policy = "policy \(base.drops ? "drop" : "accept");"
    return "type filter hook \(base.hook.rawValue)\(devices) priority \(priority); \(policy)"
  }

  private func priority(_ value: Int32, _ family: Family, _ hook: String) -> String {
    options.numeric || options.numericPriority ? "\(value)" : Priorities.text(value, family, hook)
  }

  // MARK: Sets

  func text(_ set: NamedSet) -> String {
    var text = "\t\(set.data == nil ? "set" : "map") \(set.name) {\(handle(set.handle))\n"
    text += "\t\t\(types(set))\n"
    if set.savesMemory { text += "\t\tpolicy memory\n" }
    if let size = set.size { text += "\t\tsize \(size)\n" }
    let flags = set.flags.words
    if !flags.isEmpty { text += "\t\tflags \(flags.joined(separator: ","))\n" }
    let writer = RuleText(table.family, options)
    for statement in set.statements { text += "\t\t\(statement.template(options) ?? writer.text(statement) ?? "")\n" }
    if let timeout = set.timeout { text += "\t\ttimeout \(TimeText.text(timeout))\n" }
    if let interval = set.gcInterval { text += "\t\tgc-interval \(TimeText.text(interval))\n" }
    if set.autoMerge { text += "\t\tauto-merge\n" }
    if let comment = set.comment { text += "\t\tcomment \"\(comment)\"\n" }
    if !set.elements.isEmpty, !options.terse {
      let elements = set.elements.map { writer.text($0, set.key, set.data) }
      text += "\t\telements = { \(elements.joined(separator: ",\n\t\t\t     ")) }\n"
    }
    return text + "\t}\n"
  }

  private func types(_ set: NamedSet) -> String {
    let data =
      switch set.data {
      case nil: ""
      case .verdict?: " : verdict"
      case .value(let types)?:
        " : "
          + (set.dataWords.isEmpty ? types.compactMap(\.name) : set.dataWords).joined(separator: " . ")
      }
    if set.keyWords.isEmpty { return "type \(set.key.compactMap(\.name).joined(separator: " . "))\(data)" }
    return "typeof \(set.keyWords.joined(separator: " . "))\(data)"
  }

  // MARK: Flow tables, objects

  func text(_ flowtable: Flowtable) -> String {
    var text = "\tflowtable \(flowtable.name) {\(handle(flowtable.handle))\n"
    text += "\t\thook ingress priority \(priority(flowtable.priority, .netdev, "ingress"))\n"
    if !flowtable.devices.isEmpty {
      text += "\t\tdevices = { \(flowtable.devices.map(\.deviceText).joined(separator: ", ")) }\n"
    }
    if flowtable.isHardware { text += "\t\tflags offload\n" }
    if flowtable.hasCounter { text += "\t\tcounter\n" }
    if let timeout = flowtable.timeout { text += "\t\ttimeout \(TimeText.text(UInt64(timeout) * 1000))\n" }
    return text + "\t}\n"
  }

  func text(_ counter: NamedCounter) -> String {
    var text = "\tcounter \(counter.name) {\(handle(counter.handle))\n"
    if let comment = counter.comment { text += "\t\tcomment \"\(comment)\"\n" }
    if !options.stateless { text += "\t\tpackets \(counter.counter.packets) bytes \(counter.counter.bytes)\n" }
    return text + "\t}\n"
  }

  func text(_ limit: NamedLimit) -> String {
    var text = "\tlimit \(limit.name) {\(handle(limit.handle))\n"
    if let comment = limit.comment { text += "\t\tcomment \"\(comment)\"\n" }
    return text + "\t\t\(limit.limit.text)\n\t}\n"
  }

  func text(_ timeout: TimeoutPolicy) -> String {
    var text = "\tct timeout \(timeout.name) {\(handle(timeout.handle))\n"
    if let comment = timeout.comment { text += "\t\tcomment \"\(comment)\"\n" }
    let name = Services.protocols.word(UInt128(timeout.transport)) ?? "\(timeout.transport)"
    text += "\t\tprotocol \(name)\n\t\tl3proto \(timeout.network(of: table.family).rawValue)\n"
    let policy = timeout.seconds.map { "\($0.state) : \($0.seconds)" }.joined(separator: ", ")
    if !policy.isEmpty { text += "\t\tpolicy = { \(policy) }\n" }
    return text + "\t}\n"
  }
}

extension TimeoutPolicy {
  /// Its own, or that of its table.
  func network(of table: Family) -> Family { family ?? table }
}

extension NamedSet.Flags {
  var words: [String] {
    [(Self.constant, "constant"), (.interval, "interval"), (.dynamic, "dynamic"), (.timeout, "timeout")]
      .filter { contains($0.0) }.map(\.1)
  }
}

extension Statement {
  /// A set's counter is that of each element, and has counted nothing.
  fileprivate func template(_ options: ListOptions) -> String? {
    if case .counter = self { return "counter" }
    return nil
  }
}

extension String {
  /// A name with a sign that the scanner does not take for a word stands in quotes.
  fileprivate var deviceText: String {
    let isPlain =
      utf8.first.map { $0.isDigit } == false
      && utf8.allSatisfy {
        $0.isDigit || $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
      }
    return isPlain && !Reserved.words.contains(self) ? self : "\"\(self)\""
  }
}
