internal import Pipeline
public import Primitives
internal import Rules
internal import Ruleset
internal import Wire

/// What the rules in force say of one packet: every chain it meets, every rule that is looked at, and which decided.
public struct Explanation: Sendable {
  public struct Step: Hashable, Sendable {
    public var hook: String
    public var family: String
    public var table: String
    public var chain: String
    /// `nil`: what is said in the end of a chain.
    public var handle: UInt64?
    /// The rule in nft's words.
    public var rule: String?
    /// Of a rule that does not hold, the part that does not.
    public var failed: String?
    /// `accept`, `drop`, `jump x`, `continue`, `no match`, `policy drop` and such.
    public var outcome: String
  }

  /// What the packet was taken for.
  public var packet = ""
  public var steps: [Step] = []
  /// Rules that did not hold and are left out, for there are too many to tell.
  public var omitted = 0
  /// `accept`, `drop`, `reject`.
  public var decision = "accept"
  /// The step that decided; `nil`: no rule and no policy had to.
  public var decidedBy: Step?

  /// More rules that do not hold are not told of.
  static let most = 4096
}

extension RuleKeeper {
  /// What the rules say of a packet in words, as `DescribedPacket` reads them.
  public func explain(_ words: String, at now: Instant) throws(RuleFailure) -> Explanation {
    do throws(DescribedPacket.WordError) {
      let packet = try DescribedPacket(words)
      return try explanation(of: packet, packet.frame.bytes, at: now)
    } catch {
      throw .unfit(error.description)
    }
  }

  /// What they say of a frame that was captured; the words say where it comes in and what is known of its connection.
  public func explain(frame: [UInt8], _ words: String, at now: Instant) throws(RuleFailure) -> Explanation {
    do throws(DescribedPacket.WordError) {
      return try explanation(of: DescribedPacket(words), frame, at: now)
    } catch {
      throw .unfit(error.description)
    }
  }

  private func port(_ name: String?) throws(DescribedPacket.WordError) -> Int? {
    guard let name else { return nil }
    guard let port = options.ports.firstIndex(of: name) else {
      throw DescribedPacket.WordError(description: "there is no port \(name)")
    }
    return port
  }

  private func explanation(
    of described: DescribedPacket, _ bytes: [UInt8], at now: Instant
  ) throws(DescribedPacket.WordError) -> Explanation {
    guard let ingress = try port(described.iif) ?? options.ports.firstIndex(where: { !$0.isEmpty }) else {
      throw DescribedPacket.WordError(description: "there is no port")
    }
    let egress = try port(described.oif) ?? options.pairs[ingress]
    var summary = Summary()
    _ = unsafe Summary.read(bytes.span.bytes, frameLength: bytes.count, into: &summary)
    guard summary.fault == .none else {
      throw DescribedPacket.WordError(
        description: "the packet is malformed, and dropped before any rule: \(summary.fault)")
    }
    var account = Account(filled(inForce.run, at: now))
    account.explanation.packet = text(of: summary, ingress, egress)
    if inForce.setup.isClosed {
      account.explanation.decision = "drop"
      return account.explanation
    }
    let interpreter = Interpreter(account.ruleset, ports: options.ports, at: now)
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      var packet = unsafe RulePacket(
        bytes: base, count: buffer.count, summary: summary, ingress: UInt16(ingress))
      packet.mark = described.mark
      for hook in RuleHook.allCases where account.explanation.decision == "accept" {
        if hook == .prerouting { packet.connection = described.facts(of: summary, bytes, isNoted(packet)) }
        if hook == .forward { packet.egress = egress.map { UInt16($0) } ?? 0xFFFF }
        let decision = interpreter.judge(hook, &packet, at: now) { account.note($0) }
        account.end(decision)
      }
    }
    return account.explanation
  }

  private func isNoted(_ packet: RulePacket) -> Bool { !packet.effects.changes.contains(.notrack) }

  private func text(of summary: Summary, _ ingress: Int, _ egress: Int?) -> String {
    "\(summary.kind.name) from \(options.ports[ingress])" + (egress.map { " to \(options.ports[$0])" } ?? "")
  }
}

extension DescribedPacket {
  /// What rules read of the connection.
  ///
  /// - Parameter isTracked: no rule said `notrack`.
  fileprivate func facts(of summary: Summary, _ bytes: [UInt8], _ isTracked: Bool) -> ConnectionFacts {
    var facts = ConnectionFacts()
    facts.isKnown = true
    facts.state = isTracked ? connection.state : 64
    guard facts.state & 65 == 0 else { return facts }
    facts.direction = connection.isReply ? 1 : 0
    facts.isIPv6 = summary.flags.contains(.ipv6)
    facts.transport = summary.transport
    facts.status = connection.status ?? (facts.state == 2 ? 0x0E : facts.state == 4 ? 0x09 : 0)
    facts.mark = connection.mark
    facts.labels = connection.labels
    facts.zones = (connection.zone, connection.zone)
    let size = facts.isIPv6 ? 16 : 4
    let start = Int(summary.networkOffset) + (facts.isIPv6 ? 8 : 12)
    guard start + 2 * size <= bytes.count else { return facts }
    func address(_ place: Int) -> UInt128 { bytes[place..<place + size].reduce(0) { $0 << 8 | UInt128($1) } }
    let ends = (address(start), address(start + size))
    let ports = (summary.sourcePort, summary.destinationPort)
    let (from, to) =
      connection.isReply ? ((ends.1, ports.1), (ends.0, ports.0)) : ((ends.0, ports.0), (ends.1, ports.1))
    (facts.source, facts.destination) = ((from.0, to.0), (to.0, from.0))
    (facts.sourcePort, facts.destinationPort) = ((from.1, to.1), (to.1, from.1))
    return facts
  }
}

/// Steps of the interpreter, put into words.
private struct Account {
  let ruleset: Ruleset
  var explanation = Explanation()

  init(_ ruleset: Ruleset) { self.ruleset = ruleset }

  mutating func note(_ step: InterpreterStep) {
    guard let table = ruleset.tables.first(where: { $0.family == step.family && $0.name == step.table }),
      let chain = table.chains.first(where: { $0.name == step.chain })
    else { return }
    if case .failed = step.outcome, explanation.steps.count >= Explanation.most {
      explanation.omitted += 1
      return
    }
    var told = Explanation.Step(
      hook: "\(step.hook)", family: step.family.rawValue, table: step.table, chain: step.chain, handle: step.handle,
      outcome: step.outcome.word)
    if let place = step.rule, place < chain.rules.count {
      let rule = chain.rules[place]
      told.rule = rule.text(in: table)
      if case .failed(let part) = step.outcome { told.failed = rule.text(ofPart: part, in: table) }
    }
    explanation.steps.append(told)
  }

  mutating func end(_ decision: RuleDecision) {
    switch decision {
    case .accept:
      if let last = explanation.steps.last, last.outcome == "accept" { explanation.decidedBy = last }
      return
    case .drop, .policy: explanation.decision = "drop"
    case .reject: explanation.decision = "reject"
    }
    explanation.decidedBy = explanation.steps.last
  }
}

extension InterpreterStep.Outcome {
  fileprivate var word: String {
    switch self {
    case .failed: "no match"
    case .held: "continue"
    case .rejected: "reject"
    case .policy(let drops): drops ? "policy drop" : "policy accept"
    case .chainEnd: "end of chain"
    case .verdict(let verdict):
      switch verdict {
      case .accept: "accept"
      case .drop: "drop"
      case .continue: "continue"
      case .return: "return"
      case .jump(let chain): "jump \(chain)"
      case .goto(let chain): "goto \(chain)"
      }
    }
  }
}

extension Rule {
  /// The rule in nft's words, without what it counted.
  fileprivate func text(in table: Table) -> String { Self.text([self], in: table).first ?? "" }

  /// One of its statements by itself.
  fileprivate func text(ofPart place: Int, in table: Table) -> String {
    guard place < statements.count else { return "" }
    var part = statements[place]
    // By itself it is not implied by anything.
    if case .match(var match) = part {
      match.isImplicit = false
      part = .match(match)
    }
    return Self.text([Rule([part])], in: table).first ?? ""
  }

  /// Each rule as a line of a listing, in a table that has what it refers to.
  static func text(_ rules: [Rule], in table: Table) -> [String] {
    var alone = Table(family: table.family, name: table.name)
    var chain = Chain(name: "c")
    chain.rules = rules
    alone.chains = [chain]
    var ruleset = Ruleset()
    ruleset.tables = [alone]
    var options = ListOptions()
    options.stateless = true
    let lines = ruleset.listing(options).split(separator: "\n")
    return lines.filter { $0.hasPrefix("\t\t") }.map { String($0.drop { $0 == "\t" }) }
  }
}

extension Explanation: CustomStringConvertible {
  public var description: String {
    var text = packet + "\n"
    var place = ""
    for step in steps {
      let here = "\(step.hook): chain \(step.family) \(step.table) \(step.chain)"
      if here != place { text += here + "\n" }
      place = here
      guard let rule = step.rule else {
        text += "  \(step.outcome)\n"
        continue
      }
      text += "  \(rule) # handle \(step.handle ?? 0): \(step.outcome)\(step.failed.map { " (\($0))" } ?? "")\n"
    }
    if omitted > 0 { text += "  ... and \(omitted) more rules that do not match\n" }
    return text + "\(decision)\(decidedBy.map { ": by \($0.place)" } ?? ": no rule decided")\n"
  }
}

extension Explanation.Step {
  /// The rule, or the chain's end.
  public var place: String {
    let chain = "chain \(family) \(table) \(self.chain)"
    return handle.map { "the rule with handle \($0) of \(chain)" } ?? "the policy of \(chain)"
  }
}
