import Conntrack
import Context
import Pipeline
import Primitives
import Rules
import Ruleset
import TestSupport
import Wire

/// Whoever changes the rules of a life: the keeper that the forwarder has, and each worker's mailbox. It knows which
/// worker goes by what, asks an interpreter what that means, and whether what nobody goes by any more is gone.
final class RuleDesk {
  let keeper: RuleKeeper
  private let plan: RulePlan
  private let ports: [String]
  private var writer: RuleWriter
  private var chance: Chance
  /// What is on its way to the workers, and those that have not taken it over.
  private var change: RuleChange?
  private var sight = Sight()
  private var absent: Set<Int> = []
  /// By worker, what it goes by; and the rulesets that are or were gone by.
  private var sights: [Sight]
  private var issues: [WeakIssue] = []
  /// Of each ruleset whose counters are foretold, an interpreter that has seen the packets that were judged by it.
  private var counting: [Interpreter] = []
  private(set) var breach: String?

  /// A ruleset as one that does not run it sees it.
  final class Sight {
    fileprivate var interpreter: Interpreter?
    /// Place of the one that counts; -1: there is none.
    fileprivate var number: Int32 = -1
    fileprivate var isClosed = false
    fileprivate var hasFlowtable = false
    fileprivate weak var issue: RuleIssue?
    fileprivate var hasIssue = false
  }

  private struct WeakIssue { weak var issue: RuleIssue? }

  init?(_ world: World, _ chance: Chance) {
    let scenario = world.scenario
    guard scenario.rules.kind != .none else { return nil }
    plan = scenario.rules
    self.chance = chance
    ports = (0..<world.ports).map { "p\($0)" }
    writer = RuleWriter(plan, ports: ports.count, isTracked: scenario.tracking != nil, self.chance.split())
    var options = RuleKeeper.Options(ports: ports, workers: scenario.workers)
    options.failsClosed = plan.failsClosed
    keeper = RuleKeeper(options)
    sights = Array(repeating: Sight(), count: scenario.workers)
    do {
      try keeper.begin(with: nil, at: world.clock)
    } catch {
      breach = "no rules cannot be begun with: \(error)"
    }
    sight.isClosed = plan.failsClosed
    sights = Array(repeating: sight, count: scenario.workers)
  }

  // MARK: Changes

  /// Between two steps: another ruleset, now and then, if all workers go by the last.
  func turn(_ world: World) {
    guard change == nil, breach == nil, chance.happens(plan.changes) else { return }
    do {
      try begin(world)
    } catch {
      breach = "rules were refused: \(error)\n\(writer.text)"
    }
  }

  private func begin(_ world: World) throws {
    let now = world.clock
    let change: RuleChange
    var text = ""
    switch chance.below(8) {
    case 0 where !isCounted(world): change = try keeper.load(RuleTexts("flush ruleset"), at: now)
    case 1...2 where keeper.size.rules > 0:
      let command = writer.addition()
      text = writer.text
      change = try keeper.run(RuleTexts(command), at: now)
    default:
      text = writer.next()
      change = try keeper.load(RuleTexts(text), at: now)
    }
    // The same rules as before are no change.
    guard change.setup != nil else { return }
    sight = try look(at: text, change, world)
    keeper.begin(change, at: now)
    if let issue = change.issue { issues.append(WeakIssue(issue: issue)) }
    self.change = change
    absent = Set(sights.indices)
    world.note(.rules)
  }

  private func look(at text: String, _ change: RuleChange, _ world: World) throws -> Sight {
    let sight = Sight()
    sight.isClosed = text.isEmpty && plan.failsClosed
    sight.issue = change.issue
    sight.hasIssue = change.issue != nil
    guard plan.kind == .foreseen, !text.isEmpty else { return sight }
    let source = RulesetSource(name: "simulated", text: text)
    let ruleset = try RulesetReader(ports: ports).run(source, on: Ruleset()).ruleset
    sight.interpreter = Interpreter(ruleset, ports: ports, at: world.clock)
    sight.hasFlowtable = writer.hasFlowtable
    if isCounted(world) {
      sight.number = Int32(counting.count)
      counting.append(Interpreter(ruleset, ports: ports, at: world.clock))
    }
    return sight
  }

  /// What a worker is still to take over.
  func news(for worker: Int) -> RuleSetup? { absent.contains(worker) ? change?.setup : nil }

  /// It has. When all have, what was before is nobody's.
  func take(_ worker: Int, _ world: World) {
    guard absent.remove(worker) != nil, let change else { return }
    sights[worker] = sight
    guard absent.isEmpty else { return }
    keeper.finish(change, at: world.clock)
    self.change = nil
    let alive = issues.count { $0.issue != nil }
    issues.removeAll { $0.issue == nil }
    // The last one that was named is in force, if it has rules.
    if alive > (sight.hasIssue ? 1 : 0) { breach = "\(alive) rulesets are kept, and workers go by one at most" }
  }

  /// The workers have ended: nothing is left of any ruleset.
  func end(_ world: World) {
    guard breach == nil, world.failure == nil else { return }
    do {
      try compareCounts(world)
      let change = try keeper.load(RuleTexts("flush ruleset"), at: world.clock)
      self.change = nil
      keeper.begin(change, at: world.clock)
      keeper.finish(change, at: world.clock)
    } catch {
      breach = "rules cannot be flushed: \(error)"
    }
    sights = []
    let left = issues.count { $0.issue != nil }
    if left > 0 { breach = breach ?? "\(left) rulesets are left at the end" }
  }

  /// A worker's rules must be there as long as it goes by them.
  func look() -> String? {
    if let breach { return breach }
    return sights.contains { $0.hasIssue && $0.issue == nil } ? "rules are gone that a worker goes by" : nil
  }

  // MARK: What they say

  /// What becomes of a packet that a worker judges now. Its frame has no fault.
  func foresee(_ frame: [UInt8], of worker: Int, port: Int, egress: UInt16, at now: Instant) -> RuleForesight {
    let sight = sights[worker]
    var foresight = RuleForesight()
    if sight.isClosed {
      foresight.early = .noRules
      return foresight
    }
    guard let interpreter = sight.interpreter else {
      if sight.hasIssue { foresight.may = [.rule, .rulePolicy, .ruleReject] }
      return foresight
    }
    foresight.isDoubtful = sight.hasFlowtable
    (foresight.early, foresight.late) = Self.run(interpreter, frame, port, egress, now)
    return foresight
  }

  private static func run(
    _ interpreter: Interpreter, _ frame: [UInt8], _ port: Int, _ egress: UInt16, _ now: Instant
  ) -> (early: DropReason?, late: DropReason?) {
    var summary = Summary()
    _ = unsafe Summary.read(frame.span.bytes, frameLength: frame.count, into: &summary)
    return unsafe frame.withUnsafeBufferPointer { bytes in
      var packet = unsafe RulePacket(
        bytes: bytes.baseAddress!, count: bytes.count, summary: summary, ingress: UInt16(port))
      for hook in RuleHook.allCases {
        if hook == .forward { packet.egress = egress }
        let reason: DropReason
        switch interpreter.judge(hook, &packet, at: now) {
        case .accept: continue
        case .drop: reason = .rule
        case .policy: reason = .rulePolicy
        case .reject: reason = .ruleReject
        }
        return hook == .ingress || hook == .raw ? (reason, nil) : (nil, reason)
      }
      return (nil, nil)
    }
  }

  // MARK: What they count

  /// Whether each packet that a worker judges meets all hooks, so that counters can be foretold.
  private func isCounted(_ world: World) -> Bool {
    plan.kind == .foreseen && !plan.hasFlowtables && world.scenario.fragments.isOff
      && world.scenario.policy.invalid != .drop
  }

  /// By which a worker's packet is counted when its fate is known; -1: by none.
  func number(of worker: Int) -> Int32 { sights[worker].number }

  /// A packet was judged by the ruleset of that number.
  func count(_ frame: [UInt8], by number: Int32, port: Int, egress: UInt16, at now: Instant) {
    _ = Self.run(counting[Int(number)], frame, port, egress, now)
  }

  private func compareCounts(_ world: World) throws {
    guard isCounted(world), keeper.size.rules > 0 else { return }
    let text = try keeper.list(RuleTexts("list counters"), at: world.clock)
    for name in RuleWriter.counters {
      var (packets, bytes): (UInt64, UInt64) = (0, 0)
      for interpreter in counting {
        for counter in interpreter.ruleset.tables.lazy.flatMap(\.counters) where counter.name == name {
          let sum = interpreter.counter(counter.counter.state)
          (packets, bytes) = (packets + sum.packets, bytes + sum.bytes)
        }
      }
      guard text.contains("counter \(name) {\n\t\tpackets \(packets) bytes \(bytes)\n") else {
        breach = "counter \(name) is not at \(packets) packets, \(bytes) bytes:\n\(text)"
        return
      }
    }
  }
}
