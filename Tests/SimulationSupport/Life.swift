import CSegment
import Conntrack
import Context
import Pipeline
import Primitives

/// One life: workers on a world, from start to stop.
final class Life {
  /// What must become of a packet, in the order of the journey: the tracker finds out what is invalid, or the header's
  /// judge where there is none.
  static func models(isTracked: Bool) -> [any Model] {
    isTracked
      ? [
        HeaderModel(), FragmentModel(), EarlyRuleModel(), ValidityModel(), InvalidModel(), LateRuleModel(),
        TrackingModel(), ExitModel(),
      ] : [HeaderModel(), FragmentModel(), ValidityModel(), EarlyRuleModel(), LateRuleModel(), ExitModel()]
  }
  /// What holds after every step.
  static let invariants: [any Invariant] = [
    OwnershipInvariant(), BalanceInvariant(), CounterInvariant(), FateInvariant(), CommitInvariant(), RestInvariant(),
    TrackingInvariant(), EventInvariant(), WaitingInvariant(), DatagramInvariant(), RuleInvariant(),
  ]

  let world: World
  private(set) var steps = 0
  private(set) var figures: [Figures] = []
  private let stations: [Station]
  private let traffic: Traffic
  private var chance: Chance
  private var weather: Weather
  private let sabotage: Sabotage?

  init(workers: Int, traffic: Traffic, chance: Chance, sabotage: Sabotage?) {
    var chance = chance
    let scenario = Scenario(workers: workers, &chance)
    let world = World(
      scenario, traffic: traffic, models: Self.models(isTracked: scenario.tracking != nil), chance: chance.split(),
      sabotage: sabotage)
    self.world = world
    self.traffic = traffic
    self.chance = chance
    self.sabotage = sabotage
    stations = (0..<workers).map { Station(index: $0, world: world) }
    weather = Weather(scenario, traffic: traffic, chance: self.chance.split())
    if scenario.tracking != nil {
      world.desk?.keeper.isBusy = { [stations] number in
        stations.contains { unsafe $0.worker.journey.tracker.flowRecord(number).pointee.flows > 0 }
      }
    }
  }

  /// Steps until the life ends, something is wrong or the steps are used up; then stops.
  func live(atMost limit: Int, firstStep: Int) {
    let length = min(limit, world.scenario.length)
    while steps < length, world.failure == nil {
      world.step = firstStep + steps
      step()
      steps += 1
    }
    end()
  }

  private func step() {
    weather.turn(world)
    world.desk?.turn(world)
    let first = chance.below(stations.count)
    for k in stations.indices { stations[(first + k) % stations.count].turn(world) }
    inspect()
  }

  /// The workers stop one after the other, the others breathe on; then the ports are emptied or not, and closed.
  private func end() {
    for station in stations {
      station.stop(world)
      inspect()
      for _ in 0..<chance.below(4) { step() }
    }
    for station in stations {
      station.emptyRings(world)
      inspect()
    }
    for port in 0..<world.ports where chance.below(2) == 0 {
      for station in stations { station.empty(port, bursts: chance.below(40), world) }
      inspect()
    }
    world.close()
    inspect()
    world.desk?.end(world)
    inspect()
    let census = world.census()
    if census[.pool] != world.slab.count {
      world.fail(.leak, "\(world.slab.count - census[.pool]) of \(world.slab.count) buffers did not come back")
    }
  }

  /// Holds every invariant against what is there.
  private func inspect() {
    guard world.failure == nil else { return }
    figures = stations.map { Figures($0.worker) }
    spoilFigures()
    let scene = Scene(world: world, stations: stations, figures: figures, census: world.census())
    for invariant in Self.invariants {
      guard let breach = invariant.breach(scene) else { continue }
      world.fail(invariant.kind, breach)
    }
  }

  /// Planted bugs that are in the counters.
  private func spoilFigures() {
    guard let sabotage, figures[0].received.packets > Sabotage.patience else { return }
    switch sabotage {
    case .miscounts: figures[0].sent.packets += 1
    case .misnames:
      guard let reason = DropReason.allCases.first(where: { figures[0].counts.drops[Int($0.rawValue)].packets > 0 })
      else { return }
      figures[0].counts.drops[Int(reason.rawValue)].packets -= 1
      figures[0].counts.drops[Int(DropReason.ipv4Short.rawValue) + (reason == .ipv4Short ? 1 : 0)].packets += 1
    case .forgetsKind:
      guard let kind = figures[0].counts.kinds.indices.first(where: { figures[0].counts.kinds[$0].packets > 0 }) else {
        return
      }
      figures[0].counts.kinds[kind] = Tally.Count()
    default: break
    }
  }
}
