import Foundation
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing

/// Issue 7: the interpreter of the tree defines meaning, and the program agrees on every packet.
@Suite struct AgreementTests {
  /// `DPDKFWD_RULES_ROUNDS` asks for more rulesets than the few that fit into a test run; each meets 400 packets.
  @Test func `a program does to packets what its ruleset means`() throws {
    let rounds = ProcessInfo.processInfo.environment["DPDKFWD_RULES_ROUNDS"].flatMap(Int.init) ?? 60
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<rounds {
      let seed = chance.next()
      guard try agree(seed, packets: 400) else { return }
    }
  }

  /// - Returns: whether all was equal.
  private func agree(_ seed: UInt64, packets count: Int) throws -> Bool {
    var generator = RulesetGenerator(chance: SeededGenerator(seed: seed))
    let made = generator.ruleset()
    let ruleset = made.numbered()
    let start = Instant(nanoseconds: 5_000_000_000)
    let states = RuleStates(workers: 1, secret: HashSecret(seed: seed))
    let program = try RuleProgram(ruleset, ports: RulesetGenerator.ports, states: states, at: start)
    let interpreter = Interpreter(ruleset, ports: RulesetGenerator.ports, at: start)
    let ended = Ended()
    interpreter.isAlive = { !ended.ids.contains($0) }
    var engine = states.engine(worker: 0, liveness: ended.liveness)
    engine.adopt(program.view)

    var source = PacketGenerator(chance: SeededGenerator(seed: seed ^ 1))
    var now = start
    for number in 0..<count {
      let memory = Packets()
      let hook = source.one(of: RuleHook.allCases)
      let packet = source.packet(hook, memory)
      var (meant, done) = (packet, packet)
      let expected = interpreter.judge(hook, &meant, at: now)
      let found = engine.judge(hook, &done, at: now)
      let same = expected == found && Told(meant) == Told(done)
      guard same else {
        Issue.record(
          "seed \(seed), packet \(number) on \(hook): \(found) \(Told(done)), not \(expected) \(Told(meant))")
        return false
      }
      withExtendedLifetime(memory) {}
      switch source.pick(1...12) {
      case 1: now = now + .milliseconds(UInt64(source.pick(1...3000)))
      case 2...6: now = now + .microseconds(UInt64(source.pick(0...90_000)))
      case 7: ended.ids.insert(UInt64(source.pick(1...30)))
      case 8 where number % 5 == 0:
        interpreter.tick(at: now)
        // Each tick takes its turn at one set, and in it at one element's connections.
        for _ in 0..<400 { engine.tick(at: now) }
      default: break
      }
    }
    for id in 1...max(made.lastState, 1) {
      let same = interpreter.counter(id) == states.counter(id)
      guard same else {
        Issue.record("seed \(seed), counter \(id): \(states.counter(id)), not \(interpreter.counter(id))")
        return false
      }
    }
    for table in ruleset.tables where !table.isDormant {
      for set in table.sets {
        let expected = Set(interpreter.elements(of: set.state, at: now).map(plain))
        let found = Set(states.current(set, at: now).map(plain))
        guard expected == found else {
          Issue.record(
            "seed \(seed), set \(set.name): \(found.subtracting(expected)), not \(expected.subtracting(found))")
          return false
        }
      }
    }
    return true
  }

  /// What the interpreter and the states list alike.
  private func plain(_ element: Element) -> Element {
    var plain = element
    plain.timeout = nil
    plain.comment = nil
    plain.state = 0
    plain.statements = plain.statements.unnumbered
    if plain.expires == nil { plain.expires = 0 }
    return plain
  }
}

/// Connections that are over.
final class Ended {
  var ids: Set<UInt64> = []
  /// How often engines asked.
  private(set) var questions = 0

  var liveness: ConnectionLiveness {
    unsafe ConnectionLiveness(context: Unmanaged.passUnretained(self).toOpaque()) { context, id in
      let ended = unsafe Unmanaged<Ended>.fromOpaque(context!).takeUnretainedValue()
      ended.questions += 1
      return !ended.ids.contains(id)
    }
  }
}

/// What rules may change of a packet.
struct Told: Equatable, CustomStringConvertible {
  let description: String

  init(_ packet: RulePacket) {
    let facts = packet.connection
    let effects = packet.effects
    description = """
      mark \(packet.mark) traced \(packet.isTraced) state \(facts.state) ct mark \(facts.mark) labels \(facts.labels) \
      zones \(facts.zones) changes \(effects.changes.rawValue) timeout \(effects.timeout) events \(effects.events) \
      flowtable \(effects.flowtable)
      """
  }
}
