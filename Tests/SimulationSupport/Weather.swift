import Pipeline
import Primitives

/// What happens around the workers in each step: time passes, frames come, links flap, queues stay full, strangers take
/// buffers, the clock jumps.
struct Weather {
  private var chance: Chance
  private let load: Int
  private let templates: Int
  private let sides: [UInt8]
  /// For each pair of ports, the place in the traffic that its conversations have come to.
  private var places: [Int]
  private var quietUntil = Instant(nanoseconds: 0)
  private var strangersUntil = Instant(nanoseconds: 0)

  init(_ scenario: Scenario, traffic: Traffic, chance: Chance) {
    self.chance = chance
    load = scenario.load
    templates = traffic.templates.count
    sides = traffic.templates.map(\.side)
    places = scenario.peers.map { _ in 0 }
    for i in places.indices { places[i] = self.chance.below(templates) }
  }

  mutating func turn(_ world: World) {
    passTime(world)
    turnLinks(world)
    turnQueues(world)
    turnPool(world)
    send(world)
  }

  /// Some microseconds; now and then the clock jumps by up to ten years. Connections see other jumps: around their
  /// timeouts.
  private mutating func passTime(_ world: World) {
    let passed = Interval.nanoseconds(UInt64(1 + chance.below(40_000)))
    world.now = world.now + passed
    world.clock = world.clock + passed
    switch chance.below(1024) {
    case 0..<64: world.clock = world.clock + .milliseconds(UInt64(chance.pick([1, 20, 300, 1_000])))
    case 64..<72: world.clock = world.clock + .milliseconds(UInt64(chance.pick([2_100, 31_000, 121_000])))
    default: break
    }
    world.cycles &+= chance.next() >> 48
    if chance.happens(world.scenario.rates.clockJump) {
      world.note(.clockJumps)
      world.now = world.now + .seconds(UInt64(chance.pick([1, 3_600, 86_400 * 30, 86_400 * 3_650])))
      world.cycles &+= chance.next()
      world.clock = world.clock + .seconds(UInt64(chance.pick([600, 3_600, 86_400 * 6])))
    }
  }

  private mutating func turnLinks(_ world: World) {
    for port in 0..<world.ports {
      if !world.outlets[port].isUp, world.now >= world.outlets[port].downUntil {
        world.outlets[port].isUp = true
        world.note(.linkChanges)
      } else if world.outlets[port].isUp, chance.happens(world.scenario.rates.linkDown) {
        world.outlets[port].isUp = false
        world.outlets[port].downUntil = after(2_000, world)
        world.note(.linkChanges)
      }
    }
  }

  private mutating func turnQueues(_ world: World) {
    for port in 0..<world.ports where chance.happens(world.scenario.rates.fullSpell) {
      world.outlets[port].fullUntil = after(3_000, world)
      world.note(.fullSpells)
    }
  }

  private mutating func turnPool(_ world: World) {
    if !world.strangers.isEmpty {
      if world.now >= strangersUntil { world.giveBackAll() }
    } else if chance.happens(world.scenario.rates.strangers) {
      world.takeAway(world.free.count - chance.below(8))
      strangersUntil = after(1_000, world)
      world.note(.strangers)
    }
  }

  /// Frames for every port that leads outside, conversation by conversation.
  private mutating func send(_ world: World) {
    if chance.happens(world.scenario.rates.quiet) {
      quietUntil = after(30_000, world)
      world.note(.quietSpells)
    }
    guard world.now >= quietUntil else { return }
    for port in stride(from: 0, to: world.ports, by: 2) {
      if chance.below(64) == 0 { places[port] = chance.below(templates) }
      for _ in 0..<chance.below(load + 1) {
        let template = places[port]
        places[port] = template + 1 < templates ? template + 1 : 0
        let end = port + Int(sides[template])
        world.arrive(template, port: outside(end, world))
      }
    }
  }

  /// The port itself, or where the wire begins that it is the end of; a lone port is both ends.
  private func outside(_ port: Int, _ world: World) -> Int {
    guard port < world.ports else { return port - 1 }
    return world.outlets[port].isWired ? (port == 1 ? 3 : 0) : port
  }

  /// Up to so many microseconds from now.
  private mutating func after(_ microseconds: Int, _ world: World) -> Instant {
    world.now + .microseconds(UInt64(1 + chance.below(microseconds)))
  }
}
