import Primitives
import Rules
import Ruleset
import TestSupport
import Testing
import Wire

/// Rules, their program and their interpreter side by side, and a clock. Whatever is judged is judged by both.
final class RuleBench {
  var now = Instant(nanoseconds: 100_000_000_000)
  let states: RuleStates
  let ended = Ended()
  private(set) var program: RuleProgram
  private var engine: EngineBox
  private let interpreter: Interpreter
  private let packets = Packets()

  init(_ ruleset: Ruleset) throws {
    states = RuleStates(workers: 1, secret: HashSecret(seed: 7))
    program = try RuleProgram(ruleset, ports: RulesetGenerator.ports, states: states, at: now)
    interpreter = Interpreter(ruleset, ports: RulesetGenerator.ports, at: now)
    engine = EngineBox(states.engine(worker: 0, liveness: ended.liveness))
    interpreter.isAlive = { [ended] in !ended.ids.contains($0) }
    engine.engine.adopt(program.view)
  }

  /// A table of the family inet with one chain of the hook forward.
  convenience init(_ rules: [Rule], drops: Bool = false, with change: (inout Table) -> Void = { _ in }) throws {
    try self.init(.inet(rules, drops: drops, with: change))
  }

  func packet(_ datagram: Datagram, ingress: UInt16 = 0, egress: UInt16 = 1) -> RulePacket {
    packets.packet(datagram.frame(), ingress: ingress, egress: egress)
  }
  func packet(_ frame: Frame, ingress: UInt16 = 0, egress: UInt16 = 1) -> RulePacket {
    packets.packet(frame, ingress: ingress, egress: egress)
  }

  @discardableResult
  func judge(_ packet: inout RulePacket, on hook: RuleHook = .forward) -> RuleDecision {
    var meant = packet
    let expected = interpreter.judge(hook, &meant, at: now)
    let found = engine.engine.judge(hook, &packet, at: now)
    #expect(found == expected)
    #expect(Told(packet) == Told(meant))
    return found
  }

  func judge(_ packet: RulePacket, on hook: RuleHook = .forward) -> RuleDecision {
    var packet = packet
    return judge(&packet, on: hook)
  }

  func judge(_ datagram: Datagram, on hook: RuleHook = .forward) -> RuleDecision { judge(packet(datagram), on: hook) }

  func tick() {
    interpreter.tick(at: now)
    for _ in 0..<2000 { engine.engine.tick(at: now) }
  }

  func advance(_ interval: Interval) { now = now + interval }

  /// The worker goes on with other rules.
  func replace(by ruleset: Ruleset) throws {
    program = try RuleProgram(ruleset, ports: RulesetGenerator.ports, states: states, at: now)
    engine.engine.adopt(program.view)
  }

  /// By the engine alone: for what the interpreter, which knows one ruleset, cannot follow.
  func judgeByProgram(_ datagram: Datagram, on hook: RuleHook = .forward) -> RuleDecision {
    var packet = packet(datagram)
    return engine.engine.judge(hook, &packet, at: now)
  }

  func set(_ name: String) -> NamedSet { interpreter.ruleset.tables[0].sets.first { $0.name == name }! }

  var steps: [TraceStep] { (0..<engine.engine.traceCount).map { engine.engine.trace($0) } }
}

final class EngineBox {
  var engine: RuleEngine
  init(_ engine: consuming RuleEngine) { self.engine = engine }
}

extension Ruleset {
  static func inet(_ rules: [Rule], drops: Bool = false, with change: (inout Table) -> Void = { _ in }) -> Ruleset {
    var chain = Chain(name: "f")
    var base = BaseChain(hook: .forward, priority: 0)
    base.drops = drops
    chain.base = base
    chain.rules = rules.enumerated().map { place, rule in
      var rule = rule
      if rule.handle == 0 { rule.handle = UInt64(place + 1) }
      return rule
    }
    var table = Table(family: .inet, name: "t")
    table.chains = [chain]
    change(&table)
    var ruleset = Ruleset()
    ruleset.tables = [table]
    return ruleset
  }
}

// MARK: Words

enum Read {
  static let source = Expression.field(.payload(Payload(.network, offset: 96, length: 32)))
  static let destination = Expression.field(.payload(Payload(.network, offset: 128, length: 32)))
  static let source6 = Expression.field(.payload(Payload(.network, offset: 64, length: 128)))
  static let sourcePort = Expression.field(.payload(Payload(.transport, offset: 0, length: 16)))
  static let port = Expression.field(.payload(Payload(.transport, offset: 16, length: 16)))
  static let transport = Expression.field(.transport)
  static let state = Expression.field(.connection(.state))
}

extension Statement {
  static func match(_ left: Expression, _ relation: Match.Relation = .equal, _ value: UInt128) -> Statement {
    .match(Match(left, relation, .value(Key(value))))
  }
  static func match(_ left: Expression, in range: ClosedRange<UInt128>) -> Statement {
    .match(Match(left, .equal, .value(Key([range]))))
  }
  static func match(_ left: Expression, inSet name: String) -> Statement {
    .match(Match(left, .equal, .set(.named(name))))
  }
  static let tcp = Statement.match(Read.transport, .equal, 6)
  static let accept = Statement.verdict(.accept)
  static let drop = Statement.verdict(.drop)
  static func counter(_ state: StateID) -> Statement {
    var counter = Counter()
    counter.state = state
    return .counter(counter)
  }
}

extension Datagram {
  /// 10.0.0.x to 10.0.1.y.
  static func ours(_ x: Int = 1, to y: Int = 1) -> Datagram { .ipv4(from: "10.0.0.\(x)", to: "10.0.1.\(y)") }
}

extension RulePacket {
  /// A packet of a connection that the tracker knows.
  func tracked(_ state: UInt8 = 8, id: UInt32 = 1, with change: (inout ConnectionFacts) -> Void = { _ in })
    -> RulePacket
  {
    var packet = self
    packet.connection.isKnown = true
    packet.connection.state = state
    packet.connection.id = id
    packet.connection.handle = UInt64(id)
    packet.connection.transport = summary.transport
    change(&packet.connection)
    return packet
  }
}
