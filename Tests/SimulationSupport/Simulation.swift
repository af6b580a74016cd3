// SimulationSupport: whole workers on virtual ports, in virtual time, from one seed.
//
// A run is a row of lives. A `Life` draws a `Scenario` from the seed (ports, pool, policy, how bad the weather is), puts
// real workers on a `World` (virtual wires, queues, a pool of packet buffers) and steps: time passes, the weather turns,
// frames arrive, every worker that is awake breathes, and all invariants look at what is there. It ends at a random
// moment: workers drain, ports are emptied, and every buffer must be back in the pool. Then the next life begins.
//
// The world owns all memory; a buffer belongs to exactly one owner (pool, wire, worker, a stranger), and the world
// checks each hand-over as it happens. Whatever is wrong is a `Failure`, a value: nothing traps, the first one ends the
// run, and the report says how to repeat it.
//
// A feature that comes later adds two things: a `Model` says what must become of a packet that just came in, an
// `Invariant` what must hold after every step. Both are short lists in `Life`.
import Pipeline

/// What to simulate; the same value gives the same run, on every machine that has the same captures.
public struct Simulation: Sendable {
  public var seed: UInt64
  public var steps: Int
  public var workers: Int
  public var usesCaptures: Bool
  /// A bug to plant, for those who test the simulator.
  public var sabotage: Sabotage?

  /// - Parameters:
  ///   - workers: 1...4; drawn from the seed when not given.
  ///   - usesCaptures: mixes real captures into the traffic, where the shared folder has them.
  public init(
    seed: UInt64, steps: Int = 40_000, workers: Int? = nil, usesCaptures: Bool = true, sabotage: Sabotage? = nil
  ) {
    self.seed = seed
    self.steps = steps
    self.workers = workers.map { max(1, min(4, $0)) } ?? Int(seed % 4) + 1
    self.usesCaptures = usesCaptures
    self.sabotage = sabotage
  }

  /// All that may happen on the virtual wires, and all reasons to drop, by name. (Nobody switches reassembly off while
  /// workers live.)
  public static let troubles = Set(Trouble.allCases.map { "\($0)" })
  /// All but that of users' programs, which it has none of.
  public static let dropReasons = Set(DropReason.allCases.map(\.name)).subtracting(["frag_purged", "hook_program"])

  /// Lives one life after the other until the steps are used up or something is wrong.
  public func run() -> Report {
    let traffic = usesCaptures ? Traffic.withCaptures : Traffic.generated
    var report = Report(simulation: self, captures: traffic.captures)
    var chance = Chance(seed: seed)
    while report.steps < steps, report.failure == nil {
      let life = Life(workers: workers, traffic: traffic, chance: chance.split(), sabotage: sabotage)
      life.live(atMost: steps - report.steps, firstStep: report.steps)
      report.add(life)
    }
    return report
  }
}

/// What a run came to.
public struct Report: Sendable, CustomStringConvertible {
  public let simulation: Simulation
  /// Real captures among the traffic.
  public let captures: Int
  public private(set) var steps = 0
  public private(set) var lives = 0
  /// What workers received, sent and dropped, and the fragments that left cut anew into others: received and cut into is
  /// sent, dropped and cut from once all lives have ended.
  public private(set) var received: UInt64 = 0
  public private(set) var cutFrom: UInt64 = 0
  public private(set) var cutInto: UInt64 = 0
  public private(set) var sent: UInt64 = 0
  public private(set) var drops: [String: UInt64] = [:]
  /// What the virtual wires did: how often each kind of trouble happened.
  public private(set) var troubles: [String: UInt64] = [:]
  public private(set) var failure: Failure?

  init(simulation: Simulation, captures: Int) {
    self.simulation = simulation
    self.captures = captures
  }

  mutating func add(_ life: Life) {
    steps += life.steps
    lives += 1
    failure = life.world.failure
    for figures in life.figures {
      received += figures.received.packets
      sent += figures.sent.packets
      cutFrom += figures.cutFrom.packets
      cutInto += figures.cutInto.packets
      for (name, count) in figures.dropsByName { drops[name, default: 0] += count }
    }
    for trouble in Trouble.allCases {
      let count = life.world.troubles[Int(trouble.rawValue)]
      if count > 0 { troubles["\(trouble)", default: 0] += count }
    }
  }

  /// The line that repeats this run.
  public var reproduction: String {
    "Scripts/simulate \(simulation.seed) \(simulation.steps) --workers \(simulation.workers)"
      + (captures == 0 ? " --without-captures" : "")
  }

  public var description: String {
    var lines = [
      "\(lives) lives, \(steps) steps, \(simulation.workers) workers, traffic with \(captures) captures",
      "\(received) packets received, \(sent) sent, \(drops.values.reduce(0, +)) dropped, "
        + "\(cutFrom) cut into \(cutInto)",
      "  drops: \(listing(drops))",
      "  weather: \(listing(troubles))",
    ]
    if let failure { lines += ["FAILED \(failure)", "repeat with: \(reproduction)"] }
    return lines.joined(separator: "\n")
  }

  private func listing(_ counts: [String: UInt64]) -> String {
    counts.isEmpty
      ? "none"
      : counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }.joined(
        separator: ", ")
  }
}

/// The first thing that was wrong.
public struct Failure: Equatable, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// received = sent + held + dropped does not hold, in packets or bytes.
    case balance
    /// A buffer belongs to nobody, or to two, or a worker has one that it does not hold.
    case ownership
    case freedTwice, sentTwice, handedTwice
    /// A packet was handed to nobody, or two workers had packets of one flow.
    case steering
    /// A packet overtook another of the same queue on the same way out.
    case order
    /// A frame did not leave as it came.
    case bytes
    /// A datagram left in part, out of order or interrupted, or what left in its place is another one.
    case datagram
    /// A packet waits that has no reason to, or fragments wait too long or too many.
    case waiting
    /// A counter says something else than what the ports saw.
    case counter
    /// A packet was sent or dropped against the model, or for another reason.
    case fate
    /// The table of connections does not hold together, or one did not live as long as it must.
    case tracking
    /// What was told of connections is not what happened to them.
    case events
    /// Something is remembered that was decided before the way out changed.
    case cache
    /// The counters that were copied out lag behind the worker's own.
    case commit
    /// An idle worker rests too long, or rests when it should not.
    case rest
    /// Buffers that did not come back at the end.
    case leak
    /// A rule counted other packets than those that met it, or rules are kept that nobody goes by, or gone too early.
    case rules
  }

  public let kind: Kind
  public let step: Int
  public let detail: String

  public var description: String { "\(kind) at step \(step): \(detail)" }
}
