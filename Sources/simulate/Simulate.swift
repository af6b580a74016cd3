// simulate: replays one seed of the simulation that `SimulationTests` runs, and says what became of it (Scripts/simulate
// builds and runs it). It owns nothing; the simulator is `SimulationSupport`.
import ArgumentParser
import Foundation
import SimulationSupport

@main
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs whole workers on virtual ports, everything from one seed, and checks them after every step.")

  @Argument(help: "The seed; the same one gives the same run. Drawn and printed when not given.")
  var seed: UInt64?

  @Argument(help: "How many steps.")
  var steps = 40_000

  @Option(help: "How many workers, 1 to 4; drawn from the seed when not given.")
  var workers: Int?

  @Flag(help: "Generated traffic only, as where the shared folder of captures is missing.")
  var withoutCaptures = false

  func validate() throws {
    guard steps > 0 else { throw ValidationError("STEPS is at least 1.") }
    guard workers.map({ (1...4).contains($0) }) ?? true else { throw ValidationError("--workers is 1 to 4.") }
  }

  func run() throws {
    let seed = seed ?? UInt64.random(in: 0...999_999_999)
    let simulation = Simulation(seed: seed, steps: steps, workers: workers, usesCaptures: !withoutCaptures)
    let began = clock()
    let report = simulation.run()
    let seconds = Double(clock() - began) / Double(CLOCKS_PER_SEC)
    print("seed \(seed)")
    print(report)
    print(
      "\(String(format: "%.2f", seconds)) s of CPU, "
        + "\(String(format: "%.1f", Double(report.received) / seconds * 60 / 1e6)) million packets a minute of CPU")
    if report.failure != nil { throw ExitCode.failure }
  }
}
