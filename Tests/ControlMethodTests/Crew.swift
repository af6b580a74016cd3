import CSegment
import Conntrack
import Context
import FlowCache
import Foundation
import Pipeline
import Primitives
import Reassembly
import Rules
import Segment
import Steering
import TestSupport

/// Real workers whose tables lie in a real segment. They breathe when they are told to, one after the other.
final class Crew: @unchecked Sendable {
  /// How they are set up.
  struct Setup {
    var workers = 1
    /// Pairs of ports; pair n is ports 2n and 2n + 1, called `p0`, `p1` and so on.
    var pairs = 1
    /// By pair; `nil`: all workers own flows of all pairs.
    var owners: [[Int]]?
    var by = SteerBy.addressPair
    var connections = 512
    var extensions = 512
    var events: EventTables? = EventTables(events: 4096, fragmentEvents: 64, dying: 256)
    var mode: EventMask = []
    var tracks = true
    /// That each worker may hold; `nil`: fragments are packets like others.
    var fragments: Int? = 64
    var policy = Policy()
    var zones: [ZoneMap.Rule] = []
    var choices = TrackingChoices()
    var epoch: UInt32 = 5
    var total: UInt32?
    var zoneLimits: [UInt16: UInt32] = [:]
    /// Without rules no packet passes.
    var failsClosed = false
  }

  /// A worker in a box of its own: no two are ever touched at once.
  final class Member {
    var worker: Worker<CableEnd>
    /// Records looked at on request so far, and the most in one breath: of those with packets, and of the others.
    var visited: UInt64 = 0
    var most: (busy: UInt64, idle: UInt64) = (0, 0)
    init(_ worker: consuming Worker<CableEnd>) { self.worker = worker }
  }

  let setup: Setup
  let cables = Cables()
  let mailboxes: [Mailbox]
  let limits: SharedLimits
  let ownership: Ownership?
  let segment: SegmentWriter
  let keeper: RuleKeeper
  private(set) var members: [Member] = []
  private(set) var breaths = 0
  /// They stand still.
  var isHalted = false
  /// What happens before each breath: packets arrive, say.
  var before: (() -> Void)?
  private let root = "/dev/shm/dpdkfwd-methods-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"

  static let secret = HashSecret(seed: 3)

  init(_ setup: Setup) throws {
    self.setup = setup
    mailboxes = (0..<setup.workers).map { _ in Mailbox() }
    limits = SharedLimits(
      total: setup.total, zones: setup.zoneLimits, capacity: setup.connections * setup.workers, secret: Self.secret)
    segment = try SegmentWriter(
      prefix: "t", schema: Self.schema(setup), options: SegmentOptions(root: root), writer: "0.4-test",
      tscHz: 1_000_000_000)
    let names = (0..<2 * setup.pairs).map { "p\($0)" }
    var options = RuleKeeper.Options(
      ports: names, pairs: Dictionary(uniqueKeysWithValues: names.indices.map { ($0, $0 ^ 1) }),
      workers: setup.workers)
    options.failsClosed = setup.failsClosed
    keeper = RuleKeeper(options)
    try keeper.begin(with: nil, at: cables.now)
    let owners = setup.owners ?? Array(repeating: Array(0..<setup.workers), count: setup.pairs)
    ownership =
      setup.by == .port || setup.workers == 1
      ? nil : Ownership(by: setup.by, hash: .keyed(HashSecret(seed: 4)), owners: owners)
    members = (0..<setup.workers).map { member($0, owners) }
    for shard in members.indices { commit(shard) }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private static func schema(_ setup: Setup) -> Schema {
    ForwarderSchema.make(
      lcores: setup.workers, ports: 2 * setup.pairs, queues: 4 * setup.pairs, pools: 1, dropReasons: ["tx_full"],
      invalidReasons: ["tcp_short"], packetKinds: ["ipv4"], stages: ["rx"], history: 8,
      tracking: setup.tracks
        ? TrackingTables(
          connections: setup.connections, extensions: setup.extensions, faults: ["none", "tcp_flags"],
          cacheMisses: ["unassured"]) : nil,
      fragments: setup.fragments.map {
        FragmentTables(
          datagrams: $0, fragments: $0, fragmentEvents: FragmentEvent.allCases.map(\.name),
          datagramEvents: DatagramEvent.allCases.map(\.name))
      }, events: setup.events)
  }

  private func member(_ shard: Int, _ owners: [[Int]]) -> Member {
    let ports = (0..<2 * setup.pairs).map { PortID(rawValue: UInt16($0)) }
    let crossings = ports.map { port in
      let pair = Int(port.rawValue) / 2
      let peer = PortID(rawValue: port.rawValue ^ 1)
      let owns = ownership == nil || owners[pair].contains(shard)
      return Crossing(
        port: port, egress: Egress(port: peer), transmit: owns ? Int(peer.rawValue) : -1,
        group: ownership == nil ? -1 : pair)
    }
    let tracker = tracker(shard)
    let engine = keeper.engine(worker: shard, liveness: ConnectionLiveness(tracker))
    var journey = unsafe Journey(
      policy: setup.policy, owners: ownership.map { OwnerTable($0, me: shard) } ?? OwnerTable(),
      tracker: tracker, fragments: fragments(shard), rules: engine, gather: Cables.gather)
    journey.adopt(keeper.setup)
    return Member(
      Worker(
        io: CableEnd(cables: cables, worker: shard), journey: journey, burst: 32,
        receive: crossings.map { ReceiveQueue(queue: UInt16(shard), crossing: $0) },
        transmit: ports.map { TransmitSetup(port: $0, queue: UInt16(shard), attempts: 3, mostTogether: 256) },
        sources: ownership == nil ? [] : (0..<setup.workers).filter { $0 != shard }, crossings: crossings,
        mailbox: mailboxes[shard]))
  }

  private func tracker(_ shard: Int) -> Tracker {
    guard setup.tracks else { return .off() }
    let table = unsafe ConnectionTable(
      records: segment.connections(shard), capacity: setup.connections, extensions: segment.extensions(shard),
      extensionCapacity: setup.extensions, splits: setup.zones.contains { $0.zones.isSplit }, secret: Self.secret)
    unsafe table.counts.pointee.lcore = UInt32(shard + 1)
    unsafe table.counts.pointee.epoch = setup.epoch
    var log = EventLog(shard: shard)
    if let events = setup.events {
      log = unsafe EventLog(
        ring: segment.connectionEvents(shard), dying: segment.dyingConnections(shard), dyingCapacity: events.dying,
        capacity: setup.connections, shard: shard)
      if !setup.mode.isEmpty { unsafe log.set(setup.mode, zones: nil) }
    }
    return unsafe Tracker(
      table: table, settings: TrackerSettings(), policies: ZonePolicies(setup.choices),
      zones: ZoneMap(setup.zones, ports: 2 * setup.pairs), limits: limits.worker(), events: log,
      wallZero: 1_700_000_000_000_000_000, flowRecords: segment.flowtables(shard))
  }

  private func fragments(_ shard: Int) -> Reassembly {
    guard let fragments = setup.fragments else { return .off() }
    var settings = FragmentSettings(fragments: fragments)
    settings.sourceShare = 100
    (settings.high, settings.low) = (100, 100)
    return unsafe Reassembly(
      datagrams: segment.fragmentedDatagrams(shard), datagramCapacity: fragments,
      pieces: segment.fragmentPieces(shard), pieceCapacity: fragments, settings: settings,
      ends: setup.events == nil ? nil : segment.fragmentListEvents(shard), secret: HashSecret(seed: 5))
  }

  // MARK: Life

  /// Each breathes once.
  func breathe() {
    guard !isHalted else { return }
    before?()
    for (shard, member) in members.enumerated() {
      let isBusy = member.worker.breathe() > 0
      let visited = unsafe member.worker.journey.tracker.eventCounts.pointee.visited
      let now = visited - member.visited
      member.visited = visited
      member.most =
        isBusy ? (max(member.most.busy, now), member.most.idle) : (member.most.busy, max(member.most.idle, now))
      commit(shard)
    }
    breaths += 1
  }

  /// What the data plane's ledger does after a breath. Readers see the time of the workers, whatever time it is.
  private func commit(_ shard: Int) {
    let member = members[shard]
    if setup.tracks {
      unsafe member.worker.journey.tracker.table.counts.pointee.clock_zero =
        Clock.monotonic() &- cables.now.nanoseconds
      unsafe segment.connectionShard(shard).pointee = member.worker.journey.tracker.table.counts.pointee
    }
    if setup.events != nil {
      unsafe segment.eventShard(shard).pointee = member.worker.journey.tracker.eventCounts.pointee
      unsafe segment_events_written(segment.eventShard(shard))[4] = member.worker.journey.fragments.endsTold
    }
    if setup.fragments != nil {
      unsafe segment.fragmentShard(shard).pointee = member.worker.journey.fragments.counts.pointee
    }
    member.worker.settled()
  }

  /// Frames arrive by a port, spread over its queues in turn, and all breathe until nothing is left of them.
  func send(_ frames: [Frame], by port: UInt16 = 0) {
    for (place, frame) in frames.enumerated() {
      cables.arrive([frame], on: PortID(rawValue: port), queue: place % setup.workers)
    }
    repeat { breathe() } while cables.waits
    breathe()
  }

  func advance(_ interval: Interval) {
    cables.now = cables.now + interval
    breathe()
  }

  // MARK: What is seen of them

  var count: Int { members.reduce(0) { $0 + $1.worker.journey.tracker.table.count } }
  /// What is wrong with a table, if anything is.
  var wrong: String? { members.lazy.compactMap { $0.worker.journey.tracker.table.checkInvariants() }.first }
  var masks: [EventMask] {
    members.map { unsafe EventMask(rawValue: $0.worker.journey.tracker.eventCounts.pointee.mask) }
  }
  func counts(_ shard: Int) -> dpdkfwd_ct_shard_record {
    unsafe members[shard].worker.journey.tracker.table.counts.pointee
  }
  func sum(_ figure: (dpdkfwd_ct_shard_record) -> UInt64) -> UInt64 {
    members.indices.reduce(0) { $0 + figure(counts($1)) }
  }
  func fragmentSettings(_ shard: Int) -> FragmentSettings { members[shard].worker.journey.fragments.settings }
  var dying: [UInt64] { members.map { unsafe $0.worker.journey.tracker.eventCounts.pointee.dying } }
  /// X8: a worker with packets looks at no more than 64 slots and 8 orders in a breath; one without at four times that.
  var isBounded: Bool { members.allSatisfy { $0.most.busy <= 72 && $0.most.idle <= 4 * 72 } }

  /// Lanes that are out.
  var lanesOut: Int {
    mailboxes.reduce(0) { sum, mailbox in sum + (0..<Mailbox.lanes).count { !mailbox.isFree($0) } }
  }

  /// received + handed in = sent + held + dropped + handed out for each; every packet is somewhere.
  var balances: Bool {
    let held = members.reduce(0) { $0 + $1.worker.held }
    return members.allSatisfy { Self.balances($0.worker) } && cables.alive.count == held
  }

  private static func balances(_ worker: borrowing Worker<CableEnd>) -> Bool {
    let received = (0..<worker.receiveCount).reduce(0) { $0 + worker.receiveQueue($1).packets }
    let sent = (0..<worker.transmitCount).reduce(0) { $0 + worker.transmitQueue($1).packets }
    return received + worker.handedIn.packets + worker.cutInto.packets
      == sent + UInt64(worker.held) + worker.journey.tally.dropped + worker.handedOff.packets + worker.cutFrom.packets
  }
}
