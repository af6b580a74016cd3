import CSegment
import Primitives
import Segment
import TestSupport

@testable import Sync

/// Two forwarders' tables, the two ends of a session between them, a network, and a clock that is moved by hand.
final class SyncBench {
  /// Between two turns of everything.
  static let step = Interval.milliseconds(5)

  var now = Instant(nanoseconds: 5_000_000_000)
  var table: ModelTable
  private(set) var sender: SyncSender
  private(set) var receiver: SyncReceiver
  var there: VirtualNetwork
  var back: VirtualNetwork
  /// What the receiver's forwarder has.
  private(set) var copy: [SyncFlow: ModelTable.Entry] = [:]
  /// Events that the sender's owner reads in a turn; zero: it sleeps.
  var readsEvents = 500
  var churnsPerStep = 0
  var size = 400
  private(set) var breach: String?

  private var settings: SyncSettings
  private var cursors: [UInt64]
  private var walked: (walk: SyncWalk, shard: Int, slot: Int)?
  private var chance: SeededGenerator

  init(
    _ chance: SeededGenerator, settings: SyncSettings = SyncSettings(), weather: VirtualNetwork.Weather = .init(),
    backWeather: VirtualNetwork.Weather? = nil, ringSize: Int = 4096
  ) {
    var (chance, settings) = (chance, settings)
    settings.clockZero = 1_700_200_000
    func split() -> SeededGenerator { SeededGenerator(seed: chance.next()) }
    table = ModelTable(shards: 2, ringSize: ringSize, split())
    there = VirtualNetwork(weather, split())
    back = VirtualNetwork(backWeather ?? weather, split())
    sender = SyncSender(session: chance.next(), settings: settings)
    receiver = SyncReceiver(session: chance.next(), settings: settings)
    cursors = [0, 0]
    self.settings = settings
    self.chance = chance
  }

  // MARK: Time

  func run(_ time: Interval) {
    let end = now + time
    while now < end { turn() }
  }

  /// Until the tables are equal and stay so for a second, for as long as that at most; whether it came to it.
  func settles(within time: Interval) -> Bool {
    let end = now + time
    while now < end, breach == nil {
      run(.milliseconds(200))
      guard difference == nil, sender.isSettled, receiver.isSettled else { continue }
      run(.milliseconds(1000))
      if difference == nil { return true }
    }
    return false
  }

  private func turn() {
    now = now + Self.step
    for _ in 0..<churnsPerStep { table.churn(toward: size, at: now) }
    readEvents()
    walk()
    for datagram in back.arrivals(at: now) { sender.receive(datagram, at: now) }
    for frame in sender.frames(at: now) { there.send(frame, at: now) }
    for datagram in there.arrivals(at: now) { apply(receiver.receive(datagram, at: now)) }
    apply(receiver.turn(at: now))
    for frame in receiver.frames(at: now) { back.send(frame, at: now) }
  }

  // MARK: The sender's owner

  private func readEvents() {
    guard readsEvents > 0 else { return }
    for shard in 0..<table.shardCount {
      let (events, isLossy) = table.events(of: shard, after: &cursors[shard], atMost: chance.below(readsEvents) + 1)
      if isLossy { sender.noteLoss(shard: shard) }
      for event in events { sender.take(event, at: Instant(nanoseconds: event.at)) }
    }
  }

  private func walk() {
    guard let walk = sender.walk else { return }
    if walked?.walk != walk { walked = (walk, Int(walk.shard ?? 0), 0) }
    guard var at = walked, sender.walkRoom > 0 else { return }
    let (found, next) = table.walk(at.shard, from: at.slot, atMost: min(100, sender.walkRoom), at: now)
    let isLast = next == nil && (walk.shard != nil || at.shard + 1 == table.shardCount)
    sender.tell(found, of: walk, isLast: isLast, at: now)
    if let next { at.slot = next } else { (at.shard, at.slot) = (at.shard + 1, 0) }
    walked = at
  }

  // MARK: The receiver's owner

  private func apply(_ operations: [SyncOperation]) {
    for operation in operations {
      switch operation {
      case .delete(let flow):
        if let there = copy[flow.eitherWay], SyncFlow(there.connection) == flow { copy[flow.eitherWay] = nil }
      case .put(let connection):
        let flow = SyncFlow(connection)
        // A table refuses a connection whose tuple is another's; the one of the same tuple is changed.
        if let there = copy[flow.eitherWay], SyncFlow(there.connection) != flow {
          breach = "\(flow) is put while its reverse is there"
        }
        if let there = copy[flow.eitherWay], there.connection.id != connection.id, !isAdopted.contains(flow) {
          breach = "\(flow) is put over another connection"
        }
        isAdopted.remove(flow)
        copy[flow.eitherWay] = ModelTable.Entry(
          connection: connection, expires: now + .milliseconds(UInt64(connection.remaining)))
      }
    }
  }
  private var isAdopted: Set<SyncFlow> = []

  // MARK: Restarts

  func restartSender(withTable: Bool) {
    if withTable { table.restart() }
    sender = SyncSender(session: chance.next(), settings: settings)
    walked = nil
    cursors = (0..<table.shardCount).map { table.newest(of: $0) }
  }

  /// The receiver forgets; the table it filled stays.
  func restartReceiver() {
    receiver = SyncReceiver(session: chance.next(), settings: settings)
    receiver.adopt(copy.values.map(\.connection).sorted { $0.id < $1.id })
    isAdopted = Set(copy.values.map { SyncFlow($0.connection) })
  }

  // MARK: Comparison

  /// How the tables differ; times may by what a datagram needs.
  var difference: String? {
    let ours = table.entries
    if let missing = ours.keys.first(where: { copy[$0] == nil }) { return "\(missing) is missing" }
    for (flow, theirs) in copy {
      guard let entry = ours[flow] else { return "\(flow) is left over" }
      var wanted = entry.connection
      // Where the worker's clock stands is its own affair, and so is the time left, which is compared below.
      (wanted.remaining, wanted.deadline) = (theirs.connection.remaining, theirs.connection.deadline)
      (wanted.status, wanted.cached) = (theirs.connection.status, theirs.connection.cached)
      var found = theirs.connection
      // Told in whole seconds.
      if wanted.start > 0, wanted.start.distance(to: found.start).magnitude <= 1 { found.start = wanted.start }
      if [17, 136].contains(wanted.protocol) { (wanted.details.original.end, found.details.original.end) = (0, 0) }
      if bytes(wanted) != bytes(found) { return "\(flow): \(zip(wanted.facts, found.facts).filter { $0 != $1 })" }
      let apart = max(entry.expires - theirs.expires, theirs.expires - entry.expires)
      if apart > .milliseconds(200) { return "\(flow) expires \(apart.seconds) s apart" }
    }
    return nil
  }

  /// All that is told of a connection.
  private func bytes(_ connection: Connection) -> [UInt8] {
    var bytes: [UInt8] = []
    SyncMessage.up(connection, walk: false).append(to: &bytes, now: .max)
    return bytes
  }

  var summary: String {
    "\(table.count) connections, \(sender.figures.events) events, \(there.sent) frames there (\(there.lost) lost), "
      + "\(sender.figures.repeats) repeats, \(receiver.figures.holes) holes, \(sender.figures.walksEnded) walks"
  }
}
