import Conntrack
import EventSupport
import Pipeline
import Primitives
import Segment

/// Whoever asks a worker for things from outside: orders, scans and knobs in its mailbox, and all that it tells. What is
/// told must be the worker's table.
final class Control {
  let mailbox = Mailbox()
  let memory = EventMemory(room: 1 << 12, dying: 32)
  /// The kinds that the worker tells, all its life.
  let mask: EventMask
  /// Connections that somebody changed, made or removed on request.
  private(set) var asked: Set<ConnectionID> = []
  private var table: EventTable
  private var chance: Chance
  private var breach: String?
  private var looks = 0

  init(_ chance: Chance, _ rules: RulePlan) {
    self.chance = chance
    table = EventTable(hasFlows: rules.movesDeadlines)
    let masks: [EventMask] = [
      [.new, .update, .destroy], [.new, .update, .destroy, .refresh], [.new, .update, .destroy, .keeps],
    ]
    mask = self.chance.pick(masks)
  }

  /// Before a breath: something for a lane that is free, now and then.
  func ask(_ worker: borrowing Worker<VirtualIO>, _ world: World) {
    guard chance.below(4) == 0 else { return }
    let lane = chance.below(Mailbox.lanes)
    guard mailbox.isFree(lane) else { return }
    var slip = Mailbox.Lane()
    switch chance.below(12) {
    case 0:
      slip.kind = .knobs
      slip.knobs.checksSequences = chance.below(2) == 0
      slip.knobs.sweepInterval = UInt32(chance.pick([500, 1_000, 5_000]))
      slip.knobs.events = unsafe .init(mask)
      world.note(.knobs)
    case 1:
      slip.kind = .buckets
    case 2:
      slip.kind = .credits
      slip.last = chance.below(200)
    case 3, 4:
      slip.kind = .scan
      slip.scan = scan()
      world.note(.scans)
    default:
      slip.count = chance.below(Mailbox.orders + 1)
      for place in 0..<slip.count { mailbox.set(order(), place, in: lane) }
      if slip.count > 0 { world.note(.orders) }
    }
    mailbox[lane] = slip
    mailbox.post(lane)
    if mask.contains(.keeps), chance.below(4) == 0 { mailbox.acknowledge(memory.read) }
  }

  private func scan() -> ConnectionScan {
    var filter = ConnectionFilter()
    filter.conditions = [.protocol, .mark]
    filter.protocol = chance.pick([6, 17, 1])
    (filter.mark, filter.markMask) = (UInt32(chance.below(4)), 3)
    return ConnectionScan(
      chance.below(3) == 0 ? .delete : .update, filter: filter, change: change(Connection()), client: 9,
      isSilent: chance.below(2) == 0)
  }

  /// About a connection that was told of, or one like it.
  private func order() -> ConnectionOrder {
    var target = known() ?? Connection()
    if chance.below(4) == 0, !target.isICMP, target.protocol != 47 {
      target.original.sourcePort ^= UInt16(1 + chance.below(3))
      target.reply = target.original.turned(isICMP: false, isIPv6: target.isIPv6)
    }
    let verb: ConnectionOrder.Verb = chance.pick([.create, .create, .add, .update, .update, .update, .delete, .look])
    return ConnectionOrder(verb, key: chance.pick([.original, .reply, .id]), client: 9, change: change(target))
  }

  private func known() -> Connection? {
    guard !table.connections.isEmpty else { return nil }
    // Dictionaries have an order of their own in every run.
    let ids = table.connections.keys.sorted()
    return table.connections[ids[chance.below(ids.count)]]
  }

  private func change(_ target: Connection) -> ConnectionChange {
    var change = ConnectionChange()
    change.values = target
    change.values.remaining = UInt32(chance.draw(1...120_000))
    change.values.mark = UInt32(chance.below(4))
    change.values.labels = Connection.Labels(low: UInt64(chance.below(4)))
    change.values.status = chance.pick([0, 0, 2, 6, 1_024])
    change.values.state = UInt8(chance.below(12))
    change.clearedStatus = chance.pick([0, 0, 2, 1_024])
    change.attributes = ConnectionChange.Attributes(rawValue: UInt16(chance.below(128)))
    return change
  }

  /// After a breath: everything that was told.
  func hear(_ worker: borrowing Worker<VirtualIO>, _ world: World) {
    let events = memory.take()
    for event in events {
      if event.originator == .request { asked.insert(event.connection.id) }
      var event = event
      guard !spoil(&event, world) else { continue }
      if let wrong = table.apply(event) { fail("\(event.kind) \(event.connection.id): \(wrong)") }
    }
    looks += 1
    if !events.isEmpty || looks % 8 == 0 { compare(worker) }
  }

  func compare(_ worker: borrowing Worker<VirtualIO>) {
    if let wrong = table.difference(from: worker.journey.tracker) { fail(wrong) }
  }

  private func fail(_ what: String) { breach = breach ?? what }

  /// What was wrong first, if anything was.
  var found: String? { breach }

  /// Planted bugs that are in what is told; whether the event is forgotten.
  private func spoil(_ event: inout ConnectionEvent, _ world: World) -> Bool {
    guard let sabotage = world.sabotage, world.isRipe else { return false }
    switch sabotage {
    case .forgetsUpdate where event.kind == .update && !event.changes.subtracting(.timeout).isEmpty:
      table.skip(event)
      world.sabotage = nil
      return true
    case .endsWithoutCounts where event.kind == .destroy && event.connection.counts.original.packets > 0:
      event.connection.counts = (Connection.Count(), Connection.Count())
      world.sabotage = nil
    default: break
    }
    return false
  }
}

/// What a worker tells of its connections is all that happened to them.
struct EventInvariant: Invariant {
  let kind = Failure.Kind.events

  func breach(_ scene: Scene) -> String? {
    for station in scene.stations {
      if let breach = station.control?.found { return "worker \(station.index): \(breach)" }
    }
    return nil
  }
}
