public import Context
internal import ControlProtocol
internal import ControlServer
internal import Inspection
internal import JSONText
internal import Logging
internal import Pipeline
internal import Primitives
internal import Ruleset
internal import Segment
internal import Synchronization

// ruleset.*, context.*: nft's language, and the same rules as programs on hooks.
extension Methods {
  private func ruleOffice() throws(Fault) -> RuleOffice {
    guard let office else { throw Fault(.unsupported, "there are no rules in this forwarder") }
    return office
  }

  // MARK: Texts

  func stage(_ parameters: Parameters, _ client: Client) throws(Fault) -> JSON {
    let text = try parameters.neededText("text")
    guard let size = try ruleOffice().stage(text, of: client.number) else {
      throw Fault(.tooLarge, "text: more than \(RuleOffice.mostStaged) bytes in parts")
    }
    return .object([("bytes", .unsigned(UInt64(size)))])
  }

  /// The texts of a request, or what was staged before: the same two members as a JSON text.
  private func texts(_ parameters: Parameters, _ client: Client) async throws(Fault) -> RuleTexts {
    guard try parameters.truth("staged") ?? false else {
      return try Self.texts(Parameters(parameters.object(of: ["sources", "includes"]), ["sources", "includes"]))
    }
    let text = try ruleOffice().takeStaged(of: client.number)
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: text)
    } catch {
      throw Fault(.invalidParameters, "staged: \(error)")
    }
    return try Self.texts(Parameters(json, ["sources", "includes"], in: "staged"))
  }

  private static func texts(_ parameters: Parameters) throws(Fault) -> RuleTexts {
    var includes: [String: [RulesetSource]] = [:]
    if let json = parameters["includes"] {
      guard let members = json.asObject else { throw Fault(.invalidParameters, "includes: expected an object") }
      for (name, json) in members { includes[name] = try sources(json, "includes") }
    }
    return RuleTexts(try sources(try parameters.needed("sources"), "sources"), includes: includes)
  }

  private static func sources(_ json: JSON, _ name: String) throws(Fault) -> [RulesetSource] {
    guard let array = json.asArray else { throw Fault(.invalidParameters, "\(name): expected an array") }
    var sources: [RulesetSource] = []
    for json in array {
      let source = try Parameters(json, ["name", "text"], in: name)
      sources.append(RulesetSource(name: try source.neededText("name"), text: try source.neededText("text")))
    }
    return sources
  }

  private func listOptions(_ parameters: Parameters) throws(Fault) -> ListOptions {
    var options = ListOptions()
    guard let json = parameters["options"] else { return options }
    let given = try Parameters(
      json,
      [
        "handles", "stateless", "terse", "json", "numeric", "numeric_priority", "numeric_protocol", "services",
      ], in: "options")
    options.handles = try given.truth("handles") ?? false
    options.stateless = try given.truth("stateless") ?? false
    options.terse = try given.truth("terse") ?? false
    options.json = try given.truth("json") ?? false
    options.numeric = try given.truth("numeric") ?? false
    options.numericPriority = try given.truth("numeric_priority") ?? false
    options.numericProtocol = try given.truth("numeric_protocol") ?? false
    options.services = try given.truth("services") ?? false
    return options
  }

  /// Bytes of a text in one answer.
  private static let page = 512 << 10

  /// A text as an answer: its first part, and where the rest begins.
  private func paged(_ text: String, _ office: RuleOffice, _ client: Client, from: Int = 0) -> JSON {
    let bytes = text.utf8
    let start = bytes.index(bytes.startIndex, offsetBy: from, limitedBy: bytes.endIndex) ?? bytes.endIndex
    let limit = bytes.index(start, offsetBy: Self.page, limitedBy: bytes.endIndex) ?? bytes.endIndex
    // Lines stay whole, and characters with them.
    let isAll = limit == bytes.endIndex
    let end = isAll ? limit : text[start..<limit].lastIndex(of: "\n").map { text.index(after: $0) } ?? limit
    office.keep(isAll ? "" : text, of: client.number)
    let next = bytes.distance(from: bytes.startIndex, to: end)
    return .object([
      ("text", .text(String(text[start..<end]))), ("next", isAll ? .null : .unsigned(UInt64(next))),
    ])
  }

  // MARK: ruleset.*

  func loadRules(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    let seconds = try parameters.whole("confirm", in: 1...86_400)
    let isDry = try parameters.truth("dry_run") ?? false
    let texts = try await texts(parameters, client)
    return try await office.alone(as: .change) { () async throws(Fault) in
      if isDry { return .object(try await check(texts, loads: true, office)) }
      _ = try await office.change { keeper, now throws(RuleFailure) in
        try keeper.load(texts, confirmation: seconds.map { .seconds($0) }, at: now)
      }
      return status(office)
    }
  }

  private func check(
    _ texts: RuleTexts, loads: Bool, _ office: RuleOffice
  ) async throws(Fault) -> [(String, JSON)] {
    try await office.aside { keeper, now throws(RuleFailure) in
      try keeper.check(texts, loads: loads, at: now)
    }.members
  }

  func confirmRules(_: Parameters) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    return try await office.alone(as: .change) { () async throws(Fault) in
      try translating { () throws(RuleFailure) in try office.keeper.confirm() }
      return status(office)
    }
  }

  func rollBackRules(_: Parameters) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    return try await office.alone(as: .change) { () async throws(Fault) in
      try await office.rollback()
      return status(office)
    }
  }

  func runCommands(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    let options = try listOptions(parameters)
    let isDry = try parameters.truth("dry_run") ?? false
    let echoes = try parameters.truth("echo") ?? false
    let texts = try await texts(parameters, client)
    return try await office.alone(as: .change) { () async throws(Fault) in
      if isDry {
        _ = try await check(texts, loads: false, office)
        return paged("", office, client)
      }
      let change = try await office.change { keeper, now throws(RuleFailure) in
        try keeper.run(texts, options: options, echoes: echoes, at: now)
      }
      return paged(change.output, office, client)
    }
  }

  func listRules(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    if let from = try parameters.whole("from", in: 0...UInt64(UInt32.max)), from > 0 {
      return paged(office.kept(of: client.number), office, client, from: Int(from))
    }
    let options = try listOptions(parameters)
    let texts = RuleTexts(try parameters.text("command") ?? "list ruleset")
    let text = try await office.alone(as: .question) { () async throws(Fault) in
      try await office.aside { keeper, now throws(RuleFailure) in
        try keeper.list(texts, options: options, at: now)
      }
    }
    return paged(text, office, client)
  }

  func explainRules(_ parameters: Parameters) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    let words = try parameters.text("words") ?? ""
    let hex = try parameters.text("frame")
    let frame = hex.map { Self.bytes($0) }
    if let frame, frame == nil { throw Fault(.invalidParameters, "frame: expected pairs of hexadecimal digits") }
    return try await office.alone(as: .question) { () async throws(Fault) in
      try await office.aside { keeper, now throws(RuleFailure) in
        guard let frame, let frame else { return try keeper.explain(words, at: now) }
        return try keeper.explain(frame: frame, words, at: now)
      }.json
    }
  }

  private static func bytes(_ hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  func rulesNow(_: Parameters) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    return try await office.alone(as: .question) { () async throws(Fault) in status(office) }
  }

  private func status(_ office: RuleOffice) -> JSON {
    let keeper = office.keeper
    let left = keeper.deadline.map { ($0 - office.now).nanoseconds / 1_000_000 }
    return .object(
      keeper.size.members + [
        ("generation", .unsigned(keeper.generation)),
        ("fail", .text(keeper.options.failsClosed ? "closed" : "open")), ("closed", .truth(keeper.isClosed)),
        ("generated", .truth(keeper.isGenerated)), ("confirm_ms", left.map { .unsigned($0) } ?? .null),
        ("failed_reloads", .unsigned(office.failedReloads.load(ordering: .relaxed))),
        ("preparation_us", .unsigned(keeper.preparation.nanoseconds / 1000)),
        ("programs", .array(keeper.programs.map(\.json))),
      ])
  }

  /// The flow tables as workers have them, with what all of them count.
  func flowtables(_: Parameters) throws(Fault) -> JSON {
    let office = try ruleOffice()
    _ = try tracking()
    let kind = try translating { () throws(SegmentError) in
      try segment.kind("flowtables", having: ["family", "table", "name", "ports", "flows", "ended"])
    }
    let keys = ["family", "table", "name", "number"].compactMap { kind.field(named: $0) }
    let rows = Row.grouped(segment.records(of: kind), by: keys)
    return .object([("flowtables", .array(rows.map { flowtable($0, kind, office.keeper.options.ports) }))])
  }

  private func flowtable(_ row: Row, _ kind: Kind, _ ports: [String]) -> JSON {
    let first = row.records[0]
    func text(_ name: String) -> (String, JSON) { (name, .text(first[name]?.description ?? "")) }
    func alike(_ name: String) -> UInt64 { first.number(name) ?? 0 }
    let devices = ports.indices.filter { $0 < 64 && alike("ports") >> UInt64($0) & 1 != 0 }.map { ports[$0] }
    let ended = kind.field(named: "ended").map { field in
      (0..<field.count).map { element in
        (segment.schema.label(of: element, in: field), JSON.unsigned(row.sum(field, element: element)))
      }
    }
    return .object(
      [
        text("family"), text("table"), text("name"), ("devices", .array(devices.map { .text($0) })),
        ("counter", .truth(alike("has_counter") != 0)), ("hardware", .truth(alike("is_hardware") != 0)),
        ("tcp_timeout_ms", .unsigned(alike("tcp_timeout"))), ("udp_timeout_ms", .unsigned(alike("udp_timeout"))),
      ] + ["flows", "added", "refused", "packets", "bytes"].map { ($0, .unsigned(row.sum($0))) }
        + [("ended", .object(ended ?? []))])
  }

  // MARK: context.*

  func dumpContext(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    if let from = try parameters.whole("from", in: 0...UInt64(UInt32.max)), from > 0 {
      return paged(office.kept(of: client.number), office, client, from: Int(from))
    }
    let prefix = try parameters.text("prefix") ?? ""
    guard prefix.utf8.count <= 64 else { throw Fault(.tooLarge, "prefix: at most 64 bytes") }
    let text = try await office.alone(as: .question) { () async throws(Fault) in
      try await office.aside { [context = office.context] _, now throws(RuleFailure) in
        try context.dump(prefix: prefix, at: now)
      }
    }
    return paged(text, office, client)
  }

  func program(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    let (hook, option) = (try hook(parameters), try option(parameters))
    let text = try await office.alone(as: .question) { () async throws(Fault) in
      try await office.aside { [context = office.context] _, now throws(RuleFailure) in
        try context.get(hook, option, at: now)
      }
    }
    if let text { return paged(text, office, client) }
    let about = try translating { () throws(RuleFailure) in try office.context.about(hook, option) }
    guard let about else { throw Fault(.notFound, "there is no such program on the hook \(hook.rawValue)") }
    return paged(about, office, client)
  }

  func setProgram(_ parameters: Parameters, _ client: Client, updates: Bool) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    let (hook, option) = (try hook(parameters), try option(parameters))
    if parameters["object"] != nil { return try await setObject(parameters, hook, option, updates: updates) }
    let texts = try await texts(parameters, client)
    return try await office.alone(as: .change) { () async throws(Fault) in
      _ = try await office.change { [context = office.context] _, now throws(RuleFailure) in
        if updates { return try context.update(hook, texts, for: option, at: now) }
        return try context.set(hook, texts, for: option, at: now)
      }
      return status(office)
    }
  }

  /// A program of an object file, whose bytes are hexadecimal digits.
  private func setObject(
    _ parameters: Parameters, _ hook: Hook, _ option: ProgramOption?, updates: Bool
  ) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    guard let bytes = Self.bytes(try parameters.neededText("object")) else {
      throw Fault(.invalidParameters, "object: expected pairs of hexadecimal digits")
    }
    let name = try parameters.text("name") ?? "program"
    let section = try parameters.text("section")
    return try await office.alone(as: .change) { () async throws(Fault) in
      _ = try await office.change { [context = office.context] _, now throws(RuleFailure) in
        try context.set(
          hook, object: bytes, named: name, section: section, for: option, updates: updates, at: now)
      }
      return status(office)
    }
  }

  func removeProgram(_ parameters: Parameters) async throws(Fault) -> JSON {
    let office = try ruleOffice()
    let (hook, option) = (try hook(parameters), try option(parameters))
    return try await office.alone(as: .change) { () async throws(Fault) in
      _ = try await office.change { [context = office.context] _, _ throws(RuleFailure) in
        try context.remove(hook, option)
      }
      return status(office)
    }
  }

  private func hook(_ parameters: Parameters) throws(Fault) -> Hook {
    _ = try parameters.needed("hook")
    let word = try parameters.text("hook", of: Hook.allCases.map(\.rawValue))
    return Hook(rawValue: word ?? "") ?? .forward
  }

  private func option(_ parameters: Parameters) throws(Fault) -> ProgramOption? {
    guard let text = try parameters.text("option") else { return nil }
    guard let option = ProgramOption(text) else {
      throw Fault(.invalidParameters, "option: expected a port, or FAMILY/TABLE/CHAIN, not \(text)")
    }
    return option
  }

  // MARK: From outside

  /// Loads rules in the place of those in force, as SIGHUP asks for; the log says what came of it.
  public func reload(_ read: @escaping @Sendable () throws(RuleFailure) -> RuleTexts) async {
    guard let office else { return }
    do throws(Fault) {
      try await office.alone(as: .change) { () async throws(Fault) in
        _ = try await office.change { keeper, now throws(RuleFailure) in try keeper.load(try read(), at: now) }
        office.rules.log.notice("rules: loaded anew, \(office.keeper.size)")
      }
    } catch {
      office.failedReloads.add(1, ordering: .relaxed)
      office.rules.log.error("rules: not loaded anew, those before stay:\n\(error.error.message)")
    }
  }
}

extension RulesetSize {
  fileprivate var members: [(String, JSON)] {
    [
      ("tables", .unsigned(UInt64(tables))), ("chains", .unsigned(UInt64(chains))),
      ("rules", .unsigned(UInt64(rules))), ("flowtables", .unsigned(UInt64(flowtables))),
    ]
  }
}

extension ObjectProgram {
  fileprivate var json: JSON {
    let sum = counts.sum
    return .object([
      ("name", .text(name)), ("hook", .text(hook.rawValue)), ("port", port.map { .text($0) } ?? .null),
      ("packets", .unsigned(sum.packets)), ("drops", .unsigned(sum.drops)),
    ])
  }
}

extension RulesetFault {
  var json: JSON {
    .object(
      place.members + [("message", .text(message)), ("text", .text(line))]
        + (related.map { [("related", .object($0.members))] } ?? []))
  }
}

extension Place {
  fileprivate var members: [(String, JSON)] {
    [
      ("file", .text(file)), ("line", .unsigned(UInt64(max(0, line)))), ("first", .unsigned(UInt64(max(0, first)))),
      ("last", .unsigned(UInt64(max(0, last)))),
    ]
  }
}

extension Explanation {
  fileprivate var json: JSON {
    .object([
      ("packet", .text(packet)), ("decision", .text(decision)), ("decided_by", decidedBy?.json ?? .null),
      ("steps", .array(steps.map(\.json))), ("omitted", .unsigned(UInt64(omitted))), ("text", .text(description)),
    ])
  }
}

extension Explanation.Step {
  fileprivate var json: JSON {
    .object([
      ("hook", .text(hook)), ("family", .text(family)), ("table", .text(table)), ("chain", .text(chain)),
      ("handle", handle.map { .unsigned($0) } ?? .null), ("rule", rule.map { .text($0) } ?? .null),
      ("failed", failed.map { .text($0) } ?? .null), ("outcome", .text(outcome)),
    ])
  }
}
