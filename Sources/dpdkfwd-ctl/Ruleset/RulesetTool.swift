internal import ControlClient
internal import ControlProtocol
internal import JSONText
internal import Ruleset
internal import Segment

/// `dpdkfwd-ctl ruleset`: nft's options, commands, messages and exit status on the rules of a forwarder, and what nft
/// has not: loading with a way back, and explaining.
///
/// Files and what they include are read here and sent; the forwarder opens none.
struct RulesetTool {
  let forwarder: any Forwarder
  let console: Console

  /// nft's exit status.
  enum Status: Int32 {
    case fine = 0
    case failure = 1
    case noMemory = 2
    /// nft has no netlink socket, we have no control socket.
    case noForwarder = 3
  }

  /// What goes wrong, as it is printed.
  struct Failure: Error {
    var status = Status.failure
    var text: String
  }

  /// - Parameter words: options, then a command.
  /// - Returns: the exit status.
  func run(_ words: [String]) async -> Int32 {
    do throws(Failure) {
      let request = try RulesetRequest(words)
      try await carryOut(request)
      return Status.fine.rawValue
    } catch {
      console.error(error.text)
      return error.status.rawValue
    }
  }

  private func carryOut(_ request: RulesetRequest) async throws(Failure) {
    switch request.action {
    case .help: console.out(RulesetRequest.help)
    case .version: console.out("nftables (dpdkfwd-ctl \(Program.version))\n")
    case .load(let path, let confirm): try await load(path, confirm: confirm, request)
    case .confirm: _ = try await ask("ruleset.confirm", [])
    case .rollback: _ = try await ask("ruleset.rollback", [])
    case .status: try await status()
    case .monitor: try await monitor()
    case .run(let path): try await run(texts(path, request), request)
    case .commands(let line): try await commands(line, request)
    case .explain(let words, let frame): try await explain(words, frame, request)
    }
  }

  // MARK: Calls

  /// Asks once.
  private func ask(
    _ method: String, _ parameters: [(String, JSON)], readOnly: Bool = false
  ) async throws(Failure) -> JSON {
    try await talk(readOnly: readOnly) { caller throws(ControlClientError) in
      try await caller.call(method, .object(parameters))
    }
  }

  private func talk<Answer: Sendable>(
    readOnly: Bool, _ body: (any Caller) async throws(ControlClientError) -> Answer
  ) async throws(Failure) -> Answer {
    do throws(ControlClientError) {
      let caller = try await forwarder.connect(readOnly: readOnly)
      do throws(ControlClientError) {
        let answer = try await body(caller)
        await caller.close()
        return answer
      } catch {
        await caller.close()
        throw error
      }
    } catch {
      throw Failure(error)
    }
  }

  /// What rules say of packets that they trace, until it is interrupted.
  private func monitor() async throws(Failure) {
    try await talk(readOnly: true) { caller throws(ControlClientError) in
      var next = try await caller.call("ruleset.trace", .object([]))["next"] ?? .null
      while !Task.isCancelled {
        let answer = try await caller.call("ruleset.trace", .object([("from", next)]))
        for line in answer["lines"]?.asArray ?? [] { console.out((line.asText ?? "") + "\n") }
        if let lost = answer["lost"]?.asUInt64, lost > 0 { console.error("lost \(lost) steps\n") }
        next = answer["next"] ?? next
        // A tenth of a second; being interrupted ends the loop.
        if answer["lines"]?.asArray?.isEmpty != false { try? await Task.sleep(nanoseconds: 100_000_000) }
      }
    }
  }

  // MARK: Texts

  private func texts(_ path: String, _ request: RulesetRequest) throws(Failure) -> RuleTexts {
    let files = RulesetFiles(folders: request.folders + ["/etc"])
    let source: RulesetSource
    do {
      source = try files.load(path)
    } catch {
      throw Failure(text: "Error: Could not open file \"\(path)\": \(RulesetFiles.cause(error))\n")
    }
    // Reading it finds what it includes; whether it is sound is for the forwarder to say.
    _ = try? RulesetReader { files.resolve($0) }.run(source, on: Ruleset())
    return RuleTexts(source: source, includes: files.included)
  }

  private func load(_ path: String, confirm: Int?, _ request: RulesetRequest) async throws(Failure) {
    let texts = try texts(path, request)
    let own: [(String, JSON)] =
      (request.isDry ? [("dry_run", .truth(true))] : []) + (confirm.map { [("confirm", .unsigned(UInt64($0)))] } ?? [])
    let answer = try await talk(readOnly: false) { caller throws(ControlClientError) in
      try await texts.send("ruleset.load", own, to: caller)
    }
    let size = Self.size(answer)
    if request.isDry {
      console.out("\(path): \(size); nothing was changed\n")
    } else {
      let limit = confirm.map { ", to be confirmed within \($0) s (dpdkfwd-ctl ruleset confirm)" } ?? ""
      console.out("loaded \(size)\(limit)\n")
    }
  }

  private static func size(_ answer: JSON) -> String {
    func count(_ member: String, _ thing: String) -> String {
      let number = answer[member]?.asUInt64 ?? 0
      return "\(number) \(thing)\(number == 1 ? "" : "s")"
    }
    return "\(count("rules", "rule")) in \(count("chains", "chain")) of \(count("tables", "table")), "
      + count("flowtables", "flow table")
  }

  private func run(_ texts: RuleTexts, _ request: RulesetRequest) async throws(Failure) {
    let own = [("options", request.listOptions)] + request.flags
    try await talk(readOnly: false) { caller throws(ControlClientError) in
      try await print(try await texts.send("ruleset.run", own, to: caller), caller)
    }
  }

  private func commands(_ line: String, _ request: RulesetRequest) async throws(Failure) {
    guard request.onlyLists else {
      let source = RulesetSource(name: Self.commandLine, text: line)
      return try await run(RuleTexts(source: source), request)
    }
    try await talk(readOnly: true) { caller throws(ControlClientError) in
      let question = JSON.object([("command", .text(line)), ("options", request.listOptions)])
      try await print(try await caller.call("ruleset.list", question), caller)
    }
  }

  /// A text that comes in parts.
  private func print(_ first: JSON, _ caller: any Caller) async throws(ControlClientError) {
    var answer = first
    while true {
      console.out(answer["text"]?.asText ?? "")
      guard let next = answer["next"], next.asUInt64 != nil else { return }
      answer = try await caller.call("ruleset.list", .object([("from", next)]))
    }
  }

  private func explain(_ words: String, _ frame: [UInt8]?, _ request: RulesetRequest) async throws(Failure) {
    let hex = frame.map { Self.hexadecimal($0) }
    let answer = try await ask(
      "ruleset.explain", [("words", .text(words))] + (hex.map { [("frame", .text($0))] } ?? []), readOnly: true)
    console.out(request.isJSON ? "\(answer)\n" : answer["text"]?.asText ?? "")
  }

  /// As the control socket has bytes.
  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func status() async throws(Failure) {
    console.out("\(try await ask("ruleset.status", [], readOnly: true))\n")
  }

  /// What nft calls its command line where faults cite a file: nothing.
  static let commandLine = "<cmdline>"
}

/// A text and what it includes, on the way to the forwarder.
struct RuleTexts {
  var source: RulesetSource
  var includes: [String: [RulesetSource]] = [:]

  private var members: [(String, JSON)] {
    let includes = includes.sorted { $0.key < $1.key }.map { name, sources in
      (name, JSON.array(sources.map(Self.json)))
    }
    return [("sources", .array([Self.json(source)])), ("includes", .object(includes))]
  }

  private static func json(_ source: RulesetSource) -> JSON {
    .object([("name", .text(source.name)), ("text", .text(source.text))])
  }

  /// Bytes of a request's texts, beyond which they go in parts before it.
  static let most = 256 << 10

  func send(
    _ method: String, _ others: [(String, JSON)], to caller: any Caller
  ) async throws(ControlClientError) -> JSON {
    let members = members
    let size = source.text.utf8.count + includes.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.text.utf8.count } }
    guard size > Self.most else { return try await caller.call(method, .object(members + others)) }
    var rest = JSON.object(members).line[...]
    while !rest.isEmpty {
      let bytes = rest.utf8
      var end = bytes.index(bytes.startIndex, offsetBy: Self.most, limitedBy: bytes.endIndex) ?? bytes.endIndex
      // Between characters.
      while end != bytes.endIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
      _ = try await caller.call("ruleset.stage", .object([("text", .text(String(rest[..<end])))]))
      rest = rest[end...]
    }
    return try await caller.call(method, .object([("staged", .truth(true))] + others))
  }
}

extension RulesetTool.Failure {
  /// What the forwarder says, as nft would.
  init(_ error: ControlClientError) {
    switch error {
    case .answered(let code, let message, let data):
      let faults = data?["faults"]?.asArray ?? []
      status = code == ControlCode.noRoom.rawValue ? .noMemory : .failure
      text = faults.isEmpty ? "Error: \(message)\n" : faults.map(Self.text).joined()
    case .notRunning, .noPermission, .failed:
      status = .noForwarder
      text = "dpdkfwd-ctl: \(error)\n"
    case .closed, .timeout, .answerTooLong, .garbled: text = "dpdkfwd-ctl: \(error)\n"
    }
  }

  private static func text(_ json: JSON) -> String {
    let fault = RulesetFault(
      place: Place(json), message: json["message"]?.asText ?? "", line: json["text"]?.asText ?? "",
      related: json["related"].map { Place($0) })
    let text = fault.description
    // Of a command line nft says no place.
    guard fault.place.file == RulesetTool.commandLine, let start = text.firstRange(of: "Error:") else { return text }
    return String(text[start.lowerBound...])
  }
}

extension Place {
  fileprivate init(_ json: JSON) {
    func number(_ name: String) -> Int { Int(clamping: json[name]?.asUInt64 ?? 0) }
    self.init(
      file: json["file"]?.asText ?? "", line: number("line"), first: number("first"), last: number("last"))
  }
}
