import Conntrack
import Context
import FlowCache
import Pipeline
import Primitives
import Rules
import Steering

/// A worker at its place: what an lcore's run loop does around it, in virtual time.
final class Station {
  let index: Int
  var worker: Worker<VirtualIO>
  let watch = TrackingWatch()
  /// Who asks it for something; `nil`: nobody does.
  let control: Control?
  private(set) var isStopped = false
  /// The counters as they were last copied out, and whether that has just been.
  private(set) var committed = Figures.Counts()
  private(set) var hasCommitted = false
  /// What the ramp said after the last breath, in nanoseconds, and how many breaths in a row were empty before it.
  private(set) var rest: UInt32 = 0
  private(set) var emptyBreaths = 0
  /// Nanoseconds.
  static let longestRest: UInt32 = 50_000
  private var ramp: IdleRamp
  private var wakes = Instant(nanoseconds: 0)
  private var nextCommit = Instant(nanoseconds: 0)
  private let mailbox: Mailbox?
  /// Where it is told of other rules, until it goes by them.
  private var ruleLane: Int?

  init(index: Int, world: World) {
    self.index = index
    let scenario = world.scenario
    let isAsked = scenario.tracking != nil && world.asking.below(3) > 0
    control = isAsked ? Control(world.asking.split(), scenario.rules) : nil
    ramp = IdleRamp(sleeps: scenario.sleeps, longest: Self.longestRest)
    let paired = scenario.peers.indices.filter { scenario.peers[$0] >= 0 }
    let isShared = scenario.steer != .port && scenario.workers > 1
    let sends = !isShared || scenario.ownership.owners[0].contains(index)
    let crossings = scenario.peers.indices.map { port in
      Crossing(
        port: PortID(rawValue: UInt16(port)), egress: scenario.exits[port].egress,
        transmit: sends ? paired.firstIndex(of: scenario.peers[port]) ?? -1 : -1,
        // What comes in by a lone port goes nowhere.
        group: isShared && scenario.peers[port] >= 0 ? 0 : -1)
    }
    let tracker =
      scenario.tracking?.tracker(world.limits, ports: scenario.peers.count, control, shard: index) ?? .off()
    let states = world.desk?.keeper ?? RuleKeeper(RuleKeeper.Options(ports: [], workers: scenario.workers))
    let rules = states.engine(worker: index, liveness: ConnectionLiveness(tracker))
    mailbox = control?.mailbox ?? world.desk.map { _ in Mailbox() }
    var journey = unsafe Journey(
      policy: scenario.policy, owners: OwnerTable(scenario.ownership(of: index, world.sabotage), me: index),
      tracker: tracker, cache: scenario.tracking?.cache ?? FlowCache(), fragments: scenario.fragments.table(),
      rules: rules, gather: Slab.gather)
    if let desk = world.desk { journey.adopt(desk.keeper.setup) }
    worker = Worker(
      io: VirtualIO(world: world, worker: index), journey: journey,
      burst: scenario.burst, receive: crossings.map { ReceiveQueue(queue: UInt16(index), crossing: $0) },
      transmit: !sends
        ? []
        : paired.map {
          TransmitSetup(
            port: PortID(rawValue: UInt16($0)), queue: UInt16(index), attempts: scenario.attempts,
            mostTogether: scenario.fragments.mostTogether)
        },
      sources: isShared && sends ? (0..<scenario.workers).filter { $0 != index } : [],
      crossings: isShared && sends ? crossings : [], mailbox: mailbox)
  }

  /// One turn of the run loop, if the worker is awake.
  func turn(_ world: World) {
    hasCommitted = false
    guard !isStopped, world.now >= wakes else { return }
    if world.chance.happens(world.scenario.rates.stall) { return world.note(.stalls) }
    renew(world)
    control?.ask(worker, world)
    tellRules(world)
    let received = worker.breathe()
    control?.hear(worker, world)
    hearRules(world)
    rest = ramp.rest(after: received)
    emptyBreaths = received > 0 ? 0 : emptyBreaths + 1
    if received > 0 || world.now >= nextCommit { commit(world) }
    if rest > 0 {
      wakes = world.now + .nanoseconds(UInt64(rest))
      world.note(.sleeps)
    }
  }

  /// Has the worker take over the rules that it does not go by yet, where a lane is free.
  private func tellRules(_ world: World) {
    guard ruleLane == nil, let setup = world.desk?.news(for: index), let mailbox,
      let lane = (0..<Mailbox.lanes).first(where: { mailbox.isFree($0) })
    else { return }
    var slip = Mailbox.Lane()
    slip.kind = .knobs
    slip.knobs.rules = setup
    mailbox[lane] = slip
    mailbox.post(lane)
    ruleLane = lane
  }

  private func hearRules(_ world: World) {
    guard let lane = ruleLane, mailbox?.isFree(lane) == true else { return }
    ruleLane = nil
    world.desk?.take(index, world)
  }

  /// Takes the news of links that went down or came up.
  private func renew(_ world: World) {
    var down: UInt32 = 0
    for port in 0..<world.ports where !world.outlets[port].isUp { down |= 1 << UInt32(port) }
    guard down != world.accounts[index].knownDown else { return }
    world.accounts[index].knownDown = down
    let exits = world.scenario.exits
    let generation = worker.journey.cache.generation
    worker.renew { port in
      var exit = exits[Int(port.rawValue)]
      if exit.closed == nil, down & 1 << UInt32(exit.port) != 0 { exit.closed = .linkDown }
      return exit.egress
    }
    watch.spoilCache(worker, world, from: generation)
  }

  private func commit(_ world: World) {
    nextCommit = world.now + .milliseconds(1)
    committed.commit(worker.journey.tally)
    worker.settled()
    hasCommitted = true
  }

  /// Told to stop: drains and copies its counters out.
  func stop(_ world: World) {
    isStopped = true
    world.accounts[index].isDraining = true
    worker.drain()
    control?.compare(worker)
    commit(world)
  }

  /// Takes what other workers have left for this one, after all have stopped.
  func emptyRings(_ world: World) {
    world.accounts[index].isEmptying = true
    worker.emptyRings()
    world.accounts[index].isEmptying = false
    commit(world)
  }

  /// Takes what still lies in a port's receive queues.
  func empty(_ port: Int, bursts: Int, _ world: World) {
    world.accounts[index].isEmptying = true
    worker.empty(port: PortID(rawValue: UInt16(port)), bursts: bursts)
    world.accounts[index].isEmptying = false
    commit(world)
  }
}
