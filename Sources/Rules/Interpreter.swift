public import Primitives
public import Ruleset
internal import Wire

/// The tree itself, walked: it defines what rules mean, in the words of the kernel's nf_tables (Linux 6.18). It keeps a
/// state of its own, of one worker, and may allocate. `ruleset explain` asks it with a recorder.
public final class Interpreter {
  public let ruleset: Ruleset
  /// Whether the connection with an id of `ConnectionFacts` still lives.
  public var isAlive: (UInt64) -> Bool = { _ in true }

  let ports: [String]
  private let hooks: [[Base]]
  var counters: [StateID: Counter] = [:]
  var limits: [StateID: TokenBucket] = [:]
  var counts: [StateID: Set<UInt64>] = [:]
  var sets: [StateID: MeantSet] = [:]
  var anonymousSets: [AnonymousSet: MeantSet] = [:]
  var walk = Walk()

  /// A base chain, and the table it is in.
  private struct Base {
    var table: Int
    var chain: Chain
    var base: BaseChain
  }

  /// What the packet at hand has met.
  struct Walk {
    var hook = RuleHook.ingress
    var table = Table(family: .inet, name: "")
    var chains: [String: Chain] = [:]
    var now = Instant(nanoseconds: 0)
    var recorder: ((InterpreterStep) -> Void)?
  }

  /// How a statement leaves its rule.
  enum Step {
    case goesOn, breaks, verdict(RuleVerdict), rejects
  }

  private enum ChainEnd { case accept, drop, reject, end }

  /// - Parameters:
  ///   - ports: names by port number.
  ///   - now: elements with a timeout count from here.
  public init(_ ruleset: Ruleset, ports: [String], at now: Instant = Instant(nanoseconds: 0)) {
    let ruleset = ruleset.numbered()
    self.ruleset = ruleset
    self.ports = ports
    hooks = RuleHook.allCases.map { hook in
      let bases = ruleset.tables.indices.flatMap { place in
        ruleset.tables[place].isDormant
          ? []
          : ruleset.tables[place].chains.compactMap { chain in
            chain.base.map { Base(table: place, chain: chain, base: $0) }
          }
      }
      return bases.filter { $0.base.ruleHook == hook }.inHookOrder { $0.base }
    }
    for table in ruleset.tables {
      for counter in table.counters { counters[counter.counter.state] = counter.counter }
      let updated = table.updatedSets
      for set in table.sets { sets[set.state] = MeantSet(set, isLive: set.isLive(among: updated), at: now) }
      for rule in table.chains.flatMap(\.rules) {
        for case .counter(let counter) in rule.statements { counters[counter.state] = counter }
      }
    }
  }

  public func counter(_ id: StateID) -> (packets: UInt64, bytes: UInt64) {
    counters[id].map { ($0.packets, $0.bytes) } ?? (0, 0)
  }

  /// What a named set holds, with what its elements counted; in no order.
  public func elements(of id: StateID, at now: Instant) -> [Element] { sets[id]?.listing(at: now) ?? [] }

  /// Elements that are over make room.
  public func tick(at now: Instant) { for set in sets.values { set.expire(at: now, isAlive) } }

  /// What the rules of a hook say; `packet` has then what they changed, and its effects what is to be written back.
  public func judge(
    _ hook: RuleHook, _ packet: inout RulePacket, at now: Instant, recorder: ((InterpreterStep) -> Void)? = nil
  ) -> RuleDecision {
    walk.hook = hook
    walk.now = now
    walk.recorder = recorder
    for base in hooks[Int(hook.rawValue)] where meets(base, packet) {
      walk.table = ruleset.tables[base.table]
      walk.chains = Dictionary(uniqueKeysWithValues: walk.table.chains.map { ($0.name, $0) })
      switch run(base.chain, &packet, depth: 0) {
      case .accept: continue
      case .drop: return .drop
      case .reject: return .reject
      case .end:
        record(base.chain, nil, .policy(drops: base.base.drops))
        if base.base.drops { return .policy }
      }
    }
    return .accept
  }

  /// Whether a packet comes to a base chain: by its family, and on ingress by its port.
  private func meets(_ base: Base, _ packet: RulePacket) -> Bool {
    let flags = packet.summary.flags
    let isFamily =
      switch ruleset.tables[base.table].family {
      case .ip: flags.contains(.ipv4)
      case .ip6: flags.contains(.ipv6)
      case .inet: flags.contains(.ipv4) || flags.contains(.ipv6)
      case .netdev: true
      }
    guard isFamily, walk.hook == .ingress else { return isFamily }
    return base.base.devices.contains { ports.name(packet.ingress, matches: $0) }
  }

  /// Runs a chain until something is decided or its end is reached.
  private func run(_ chain: Chain, _ packet: inout RulePacket, depth: Int) -> ChainEnd {
    var chain = chain
    var index = 0
    while index < chain.rules.count {
      let rule = chain.rules[index]
      let place = index
      index += 1
      var outcome = Step.goesOn
      for (number, statement) in rule.statements.enumerated() {
        outcome = step(statement, &packet)
        if case .breaks = outcome { record(chain, place, .failed(number)) }
        if case .goesOn = outcome { continue }
        break
      }
      switch outcome {
      case .goesOn: record(chain, place, .held)
      case .breaks: break
      case .rejects:
        record(chain, place, .rejected)
        return .reject
      case .verdict(let verdict):
        record(chain, place, .verdict(verdict))
        switch verdict {
        case .accept: return .accept
        case .drop: return .drop
        case .continue: break
        case .return: return .end
        case .jump(let name):
          // The kernel refuses a ruleset that could go deeper; nothing gets here.
          guard depth < jumpDepth, let target = walk.chains[name] else { return .drop }
          let end = run(target, &packet, depth: depth + 1)
          guard case .end = end else { return end }
        case .goto(let name):
          guard let target = walk.chains[name] else { return .drop }
          chain = target
          index = 0
        }
      }
    }
    if depth > 0 { record(chain, nil, .chainEnd) }
    return .end
  }

  private func record(_ chain: Chain, _ rule: Int?, _ outcome: InterpreterStep.Outcome) {
    walk.recorder?(
      InterpreterStep(
        hook: walk.hook, family: walk.table.family, table: walk.table.name, chain: chain.name, rule: rule,
        handle: rule.map { chain.rules[$0].handle }, outcome: outcome))
  }
}

/// What was looked at on the way to a decision.
public struct InterpreterStep: Hashable, Sendable {
  public enum Outcome: Hashable, Sendable {
    /// The statement with this index did not hold.
    case failed(Int)
    /// All statements held, and the packet goes on with the next rule.
    case held
    case verdict(RuleVerdict)
    case rejected
    /// No rule decided: what the base chain says then.
    case policy(drops: Bool)
    /// The end of a chain that was jumped to.
    case chainEnd
  }
  public var hook: RuleHook
  public var family: Family
  public var table: String
  public var chain: String
  /// Index of the rule in its chain, and its handle; `nil` for a chain's end.
  public var rule: Int?
  public var handle: UInt64?
  public var outcome: Outcome
}
