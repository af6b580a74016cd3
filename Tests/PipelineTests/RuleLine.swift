import CSegment
import Conntrack
import Pipeline
import Primitives
import Rules
import Ruleset
import TestSupport

/// The control side of a bench's rules: reads them, and has the worker take them over.
final class RuleLine {
  let states = RuleStates(workers: 1, secret: HashSecret(seed: 11))
  let mailbox = Mailbox()
  private var numbers = RuleNumbers()
  private(set) var ruleset = Ruleset()
  /// The last one is the worker's; those before are over.
  private var issue: RuleIssue?
  private let ports: [String]

  init(ports: [String] = ["eth0", "eth1"]) { self.ports = ports }

  /// These rules and no others, from the next packet on.
  func load(_ text: String, programs: [RuleSetup.Program] = [], into bench: Bench) throws {
    let run = try RulesetReader(ports: ports).run(RulesetSource(name: "test", text: text), on: Ruleset())
    var next = run.ruleset
    next.adopt(from: ruleset)
    let program = try RuleProgram(next, ports: ports, states: states, at: bench.ports.now)
    numbers.release { unsafe bench.worker.journey.tracker.flowRecord($0).pointee.flows > 0 }
    let issue = try RuleIssue(program, numbers: &numbers)
    var setup = issue.setup
    setup.set(programs: programs)
    give(setup, to: bench)
    ruleset = next
    self.issue = issue
  }

  /// No rules any more.
  func flush(_ bench: Bench, isClosed: Bool = false) {
    give(RuleSetup(isClosed: isClosed), to: bench)
    ruleset = Ruleset()
    issue = nil
  }

  private func give(_ setup: RuleSetup, to bench: Bench) {
    var lane = Mailbox.Lane()
    lane.kind = .knobs
    lane.knobs.rules = setup
    mailbox[0] = lane
    mailbox.post(0)
    while !mailbox.isFree(0) { _ = bench.worker.breathe() }
  }

  /// What all counters of rules counted, in their order.
  var counters: [UInt64] {
    ruleset.tables.flatMap(\.chains).flatMap(\.rules).flatMap(\.statements).compactMap { statement in
      guard case .counter(let counter) = statement else { return nil }
      return states.counter(counter.state).packets
    }
  }

  /// What the rule's first counter counted, by the rule's place in a chain.
  func counted(_ chain: String, _ place: Int) -> UInt64 {
    let rules = ruleset.tables.lazy.flatMap(\.chains).first { $0.name == chain }?.rules ?? []
    for case .counter(let counter) in rules[place].statements { return states.counter(counter.state).packets }
    return 0
  }
}
