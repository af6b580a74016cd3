import SimulationSupport
import TestSupport
import Testing

/// Whole workers under weather that ports and networks really have: after every step the counters balance, every packet
/// buffer has one owner, and every packet has met the fate that the models foretold.
struct SimulationTests {
  /// Workers and seed. Together these runs must meet everything that can happen; if a change of the simulator makes them
  /// miss something, other seeds will do.
  static let runs: [(workers: Int, seed: UInt64)] = [
    (1, 16), (1, 44), (2, 189), (2, 233), (3, 2), (3, 58), (4, 15), (4, 111),
  ]

  @Test func `what comes in is sent, held or dropped, whatever happens`() {
    var troubles: Set<String> = []
    var reasons: Set<String> = []
    for (workers, seed) in Self.runs {
      let report = Simulation(seed: seed, steps: 1_500, workers: workers, usesCaptures: false).run()
      #expect(report.failure == nil, "\(report)")
      #expect(report.steps >= 1_500)
      // Every life has ended: nothing is held any more.
      #expect(report.received + report.cutInto == report.sent + report.drops.values.reduce(0, +) + report.cutFrom)
      troubles.formUnion(report.troubles.keys)
      reasons.formUnion(report.drops.keys)
    }
    #expect(Simulation.troubles.subtracting(troubles) == [], "these runs never meet them")
    #expect(Simulation.dropReasons.subtracting(reasons) == [], "these runs never drop for them")
  }

  @Test func `a fresh seed every time`() {
    var chance = SeededGenerator.forThisRun()
    let report = Simulation(seed: chance.next(), steps: 2_000, usesCaptures: false).run()
    print("\(report.reproduction)\n\(report)")
    #expect(report.failure == nil, "\(report)")
  }

  @Test(.enabled(if: Shared.isThere))
  func `real captures, damaged on the way`() {
    let report = Simulation(seed: 7, steps: 500, workers: 2).run()
    #expect(report.failure == nil, "\(report)")
    #expect(report.captures > 0)
  }

  @Test func `the same seed gives the same run`() {
    let simulation = Simulation(seed: 5, steps: 200, workers: 3, usesCaptures: false)
    var other = simulation
    other.seed = 6
    #expect(simulation.run().description == simulation.run().description)
    #expect(simulation.run().description != other.run().description)
  }
}

/// Bugs planted between workers and ports, one of each kind: the simulator says what is wrong, how to repeat it, and
/// does not trap.
struct PlantedBugTests {
  private let honest = Simulation(seed: 41, steps: 1_500, workers: 2, usesCaptures: false)

  @Test(arguments: Sabotage.allCases)
  func `a planted bug is found and named`(bug: Sabotage) throws {
    // What it takes to show does not come with every seed.
    let reports = (UInt64(41)...48).lazy.map { seed in
      var simulation = honest
      (simulation.seed, simulation.sabotage) = (seed, bug)
      return (seed, simulation.run())
    }
    let (seed, report) = try #require(reports.first { $0.1.failure != nil }, "\(bug) went unnoticed")
    let failure = try #require(report.failure)
    #expect(failure.kind == bug.discovery, "\(failure)")
    #expect(report.description.contains("repeat with: Scripts/simulate \(seed) 1500 --workers 2"))
  }

  @Test func `without the bug the same run is good`() {
    let report = honest.run()
    #expect(report.failure == nil, "\(report)")
    #expect(report.received > 1_000)
  }
}
