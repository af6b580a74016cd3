internal import CDPDK
internal import CSegment
internal import Conntrack
public import Context
public import Control
internal import Glibc
public import Logging
internal import Pipeline
internal import Primitives
internal import Reassembly
internal import Rules
internal import Segment
public import Settings
internal import Steering
internal import Wire

/// The forwarder on its ports: built by a plan, run until there is a reason to stop, taken down in order.
@safe
public final class Forwarder {
  private let plan: Plan
  private let log: Logger
  private let clock = Clock()
  private let orders = Orders()
  private let manager = ServiceManager()
  private let hardware: Hardware
  /// Who owns which packets, when workers share them, and the rings by which these find their owners.
  private let ownership: Ownership?
  private let rings: HandoffRings
  private let segment: SegmentWriter
  private var lcores: [UnsafeMutablePointer<Lcore>] = unsafe []
  /// By worker.
  private let mailboxes: [Mailbox]
  private let limits: SharedLimits
  private let rules: RuleKeeper
  /// Asks ports for flows; `nil`: nothing is tracked.
  private let offload: OffloadThread?
  /// The CPUs of the process before the EAL bound its threads.
  private let affinity: Affinity
  /// Whom to become when the ports are up.
  private let privileges: Privileges?

  // MARK: Start

  /// Starts the ports and takes the file prefix; nothing is received yet.
  ///
  /// The segment comes last, so that a start that fails leaves the segment of the run before where it is.
  ///
  /// - Parameters:
  ///   - prefix: EAL's `--file-prefix`, under which readers find the segment.
  ///   - version: of the program, for the segment.
  ///   - affinity: the CPUs that the supervisor may use when the main lcore polls.
  ///   - rules: those in force at start, for as many workers as are planned.
  public init(
    plan: Plan, prefix: String, version: String, affinity: Affinity, rules: RuleKeeper, log: Logger
  ) throws {
    self.plan = plan
    self.rules = rules
    self.log = log
    self.affinity = affinity
    let settings = plan.settings
    privileges = try settings.user.map { try Privileges($0) }
    ownership = Ownership.make(plan)
    hardware = try Hardware(plan, ownership, log: log)
    do {
      rings = try HandoffRings(plan)
    } catch {
      hardware.takeDown()
      throw error
    }
    let epoch = ((TrackingSetup.lastEpoch(prefix: prefix) ?? 0) &+ 1) & 15
    do {
      segment = try SegmentWriter(
        prefix: prefix, schema: Self.schema(plan), options: Self.segmentOptions(settings), writer: version,
        tscHz: clock.hz)
      offload =
        settings.tracking.isEnabled
        ? try OffloadThread(workers: plan.workers.count, affinity: affinity) { [clock] in clock.now } : nil
    } catch {
      rings.free()
      hardware.takeDown()
      throw error
    }
    mailboxes = plan.workers.map { _ in Mailbox() }
    let tracking = TrackingSetup(plan, segment: segment, clock: clock, epoch: epoch)
    limits = tracking.limits
    let fragments = FragmentSetup(plan, segment: segment, clock: clock)
    for i in plan.workers.indices { unsafe lcores.append(makeLcore(i, tracking, fragments)) }
    introduce(prefix: prefix, version: version)
    site(prefix: prefix, version: version).describe()
    if settings.tracking.isEnabled {
      rules.isBusy = { [segment, workers = plan.workers.count] number in
        (0..<workers).contains { unsafe segment.flowtables($0)[Int(number) - 1].flows > 0 }
      }
    }
    Telemetry.offer(segment.paths, log: log)
  }

  /// Tries what a start needs besides the plan: memory for the pools, the file prefix, group, folder and user. Leaves
  /// nothing behind.
  public static func rehearse(_ plan: Plan, prefix: String) throws {
    _ = try plan.settings.user.map { try Privileges($0) }
    try SegmentWriter.check(prefix: prefix, schema: schema(plan), options: segmentOptions(plan.settings))
    try Hardware.rehearse(plan)
  }

  private static func segmentOptions(_ settings: Settings) -> SegmentOptions {
    SegmentOptions(mode: settings.segmentMode, group: settings.segmentGroup, hugetlbfs: settings.segmentHugetlbfs)
  }

  private static func schema(_ plan: Plan) -> Schema {
    ForwarderSchema.make(
      lcores: plan.workers.count, ports: plan.ports.count,
      queues: plan.workers.map { $0.receive.count + $0.transmit.count }.max() ?? 1, pools: plan.pools.count,
      dropReasons: DropReason.allCases.map(\.name),
      invalidReasons: InvalidReason.allCases.dropFirst().map(\.name), packetKinds: PacketKind.allCases.map(\.name),
      stages: Stage.allCases.map(\.rawValue), history: plan.settings.statsRecords,
      tracking: TrackingSetup.tables(plan.settings), fragments: FragmentSetup.tables(plan),
      events: TrackingSetup.eventTables(plan.settings))
  }

  private func makeLcore(
    _ shard: Int, _ tracking: TrackingSetup, _ fragments: FragmentSetup
  ) -> UnsafeMutablePointer<Lcore> {
    let settings = plan.settings
    let planned = plan.workers[shard]
    let table = egressTable()
    let receive = planned.receive.map {
      ReceiveQueue(queue: UInt16($0.queue), crossing: plan.crossing(from: $0.port, at: shard, table))
    }
    let sources = plan.sources(of: shard)
    let handedOver = plan.ports.filter { port in
      sources.contains { plan.handedOver(from: $0, to: shard).contains(port) }
    }
    let transmit = planned.transmit.map { queue in
      let ring = plan.ports.first { $0.id == queue.port }?.txDescriptors ?? 0
      return TransmitSetup(
        port: PortID(rawValue: UInt16(queue.port)), queue: UInt16(queue.queue),
        attempts: UInt32(settings.txRetries + 1), mostTogether: min(ring, plan.fragments?.together ?? 0))
    }
    let tracker = tracking.tracker(
      shard, lcore: planned.lcore, ports: (plan.ports.map(\.id).max() ?? 0) + 1, hardware: offload?.lanes[shard])
    let engine = rules.engine(worker: shard, liveness: ConnectionLiveness(tracker))
    var journey = unsafe Journey(
      policy: Policy(settings, ports: plan.ports.map(\.id)),
      owners: ownership.map { OwnerTable($0, me: shard) } ?? OwnerTable(),
      tracker: tracker, cache: tracking.cache, fragments: fragments.table(shard, lcore: planned.lcore), rules: engine,
      traces: RuleTraceLog(
        segment.ruleTrace(shard), worker: shard, wallZero: Segment.Clock.wall() &- clock.now.nanoseconds),
      gather: MbufIO.gather)
    journey.adopt(rules.setup)
    let worker = Worker(
      io: MbufIO(rings.lanes(of: shard), clock: clock), journey: journey, burst: settings.burst, receive: receive,
      transmit: transmit, sources: sources, crossings: handedOver.map { plan.crossing(from: $0.id, at: shard, table) },
      mailbox: mailboxes[shard])
    let ledger = Ledger(
      segment, shard: shard, tracks: settings.tracking.isEnabled, assembles: plan.fragments != nil,
      tells: settings.events.mode != .off)
    ledger.introduce(
      lcore: planned.lcore, cpu: Int(rte_lcore_to_cpu_id(Int32(planned.lcore))), socket: planned.socket,
      receive: planned.receive.map { ($0.port, $0.queue) }, transmit: planned.transmit.map { ($0.port, $0.queue) })
    let memory = UnsafeMutablePointer<Lcore>.allocate(capacity: 1)
    unsafe memory.initialize(
      to: Lcore(
        id: planned.lcore, worker: worker, ledger: ledger, orders: orders, egress: table,
        plan: plan, clock: clock))
    return unsafe memory
  }

  private func egressTable() -> EgressTable {
    let pairs = hardware.ports.compactMap { port -> (PortID, Egress)? in
      guard let other = hardware.ports.first(where: { $0.plan.id == port.plan.pair }) else { return nil }
      return (PortID(rawValue: port.number), other.egress(mtu: plan.settings.mtu))
    }
    return EgressTable(byIngress: Dictionary(uniqueKeysWithValues: pairs))
  }

  /// Writes into the segment what does not change while the forwarder runs.
  private func introduce(prefix: String, version: String) {
    let forwarder = unsafe segment.forwarder
    unsafe setText(&forwarder.pointee.version, version)
    unsafe setText(&forwarder.pointee.prefix, prefix)
    unsafe setText(&forwarder.pointee.mode, "bridged")
    unsafe forwarder.pointee.pid = UInt32(getpid())
    unsafe forwarder.pointee.started_at = Segment.Clock.wall()
    unsafe forwarder.pointee.ports = UInt16(hardware.ports.count)
    unsafe forwarder.pointee.lcores = UInt16(plan.workers.count)
    for (i, port) in hardware.ports.enumerated() {
      let record = unsafe segment.port(i)
      unsafe record.pointee.port = port.number
      unsafe record.pointee.pair = UInt16(port.plan.pair)
      unsafe record.pointee.socket = Int32(port.plan.socket)
      unsafe record.pointee.mtu = port.mtu
      unsafe record.pointee.promiscuous = port.isPromiscuous ? 1 : 0
      unsafe record.pointee.admin = 1
      unsafe record.pointee.rx_queues = UInt16(port.plan.rxQueues)
      unsafe record.pointee.tx_queues = UInt16(port.plan.txQueues)
      unsafe setText(&record.pointee.name, port.plan.name)
      unsafe setText(&record.pointee.driver, port.plan.driver)
      unsafe setText(&record.pointee.device, port.plan.device)
      unsafe withUnsafeMutableBytes(of: &record.pointee.mac) { unsafe $0.copyBytes(from: port.mac) }
      unsafe record.pointee.generation = 1
    }
    for (i, pool) in hardware.pools.enumerated() {
      let record = unsafe segment.mempool(i)
      unsafe setText(&record.pointee.name, pool.name)
      unsafe record.pointee.socket = Int32(pool.plan.socket)
      unsafe record.pointee.size = UInt64(pool.plan.mbufs)
      unsafe record.pointee.data_room = UInt32(pool.plan.mbufSize)
      unsafe record.pointee.element_size = pool.elementSize
      unsafe record.pointee.generation = 1
    }
  }

  // MARK: Control

  /// What the methods of the control socket work on.
  public func site(prefix: String, version: String) -> Site {
    let settings = plan.settings
    let ports = plan.ports.map { port in
      Placement.Port(
        number: port.id, name: port.name, group: plan.group(of: port),
        receivers: plan.workers.indices.filter { plan.workers[$0].receive.contains { $0.port == port.id } })
    }
    let tracking = settings.tracking
    return Site(
      prefix: prefix, version: version, mailboxes: mailboxes,
      placement: Placement(ownership, ports: ports, workers: plan.workers.count), segment: segment,
      tracking: tracking.isEnabled
        ? Site.Tracking(
          limits: limits, capacity: tracking.connections,
          sweepInterval: UInt32(clamping: tracking.sweepInterval.nanoseconds / 1_000_000),
          checksSequences: !(tracking.policy.tcpLiberal ?? false)) : nil,
      fragments: plan.fragments.map { FragmentSettings(settings.reassembly, $0) },
      tellsEvents: settings.events.mode != .off, always: settings.events.mode == .on ? .always : [],
      rules: Site.Rules(rules, now: { [clock] in clock.now }, log: log))
  }

  /// The user that a forwarder of these settings becomes; `nil`: it stays who it is.
  public static func user(_ settings: Settings) throws -> UInt32? { try settings.user.map { try Privileges($0) }?.user }

  // MARK: Run

  /// Starts the workers, works until there is a reason to stop, and ends with everything given back.
  ///
  /// - Parameters:
  ///   - ending: called when there is one, while workers still breathe.
  ///   - reload: called for each SIGHUP.
  public func run(
    ending: @escaping @Sendable () -> Void = {}, reload: @escaping @Sendable () -> Void = {}
  ) throws -> Outcome {
    let supervisor = Supervisor(
      settings: plan.settings,
      figures: Figures(
        ports: hardware.ports, pools: hardware.pools, segment: segment, offload: offload?.board),
      workers: plan.workers.count,
      segment: segment, orders: orders, clock: clock, manager: manager, log: log, reload: reload,
      offload: offload?.board)
    do {
      try privileges?.drop()
      segment.setState(.running)
      manager.tell("READY=1\nSTATUS=forwarding between \(hardware.ports.count) ports")
      log.notice("forwarding; Ctrl-C ends it")
      let reason = try work(supervisor, ending)
      log.notice("stopping: \(reason)")
      manager.tell("STOPPING=1")
    } catch {
      ending()
      orders.stop = true
      rte_eal_mp_wait_lcore()
      _ = stop(supervisor)
      throw error
    }
    return stop(supervisor)
  }

  /// Has the workers work and the supervisor watch, each on a thread of its own; returns why it is time to stop.
  private func work(_ supervisor: Supervisor, _ ending: @escaping @Sendable () -> Void) throws -> String {
    let orders = orders
    let segment = segment
    if plan.supervisorPolls {
      let thread = try SupervisorThread(affinity: affinity) {
        let reason = supervisor.supervise()
        ending()
        segment.setState(.draining)
        orders.stop = true
        return reason
      }
      _ = unsafe Self.lcoreMain(lcores[0])
      return thread.join()
    }
    for i in plan.workers.indices {
      let failed = unsafe rte_eal_remote_launch(Self.lcoreMain, lcores[i], UInt32(lcores[i].pointee.id))
      guard failed == 0 else { throw DataPlaneError.call("launch of an lcore", cause: EAL.errorText(failed)) }
    }
    let reason = supervisor.supervise()
    ending()
    segment.setState(.draining)
    orders.stop = true
    StopSignals.release()
    rte_eal_mp_wait_lcore()
    return reason
  }

  private static let lcoreMain: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { memory in
    unsafe memory!.assumingMemoryBound(to: Lcore.self).pointee.run()
    return 0
  }

  // MARK: Stop

  /// The workers have ended: closes the ports, counts what came back, and says whether everything adds up.
  private func stop(_ supervisor: Supervisor) -> Outcome {
    StopSignals.release()
    for i in plan.workers.indices {
      unsafe lcores[i].pointee.worker.emptyRings()
      unsafe lcores[i].pointee.conclude()
    }
    for port in hardware.ports where port.limits.keepsPackets {
      for i in plan.workers.indices {
        unsafe lcores[i].pointee.worker.empty(port: PortID(rawValue: port.number), bursts: 1024)
        unsafe lcores[i].pointee.conclude()
      }
    }
    supervisor.figures.readPorts()
    offload?.stop()
    hardware.takeDown()
    for i in hardware.ports.indices {
      unsafe segment.port(i).pointee.admin = 0
      unsafe segment.port(i).pointee.link = 0
    }
    supervisor.figures.readPools()
    supervisor.figures.remember()

    var outcome = Outcome()
    for i in plan.workers.indices { unsafe outcome.add(lcores[i].pointee.worker) }
    for pool in hardware.pools { outcome.add(pool.name, size: pool.plan.mbufs, inUse: pool.inUse) }
    // The times that records tell are counted to here.
    segment.beat(Segment.Clock.monotonic())
    segment.setState(.stopped)
    for i in plan.workers.indices {
      unsafe lcores[i].pointee.worker.io.deallocate()
      unsafe lcores[i].deinitialize(count: 1)
      unsafe lcores[i].deallocate()
    }
    rings.free()
    return outcome
  }
}

extension Policy {
  init(_ settings: Settings, ports: [Int]) {
    let checksum: Checksum =
      switch settings.effectiveRxChecksum {
      case .off: .off
      case .software: .software
      case .hardware: .hardware
      }
    let invalid: Invalid =
      switch settings.invalid {
      case .forward: .forward
      case .drop: .drop
      }
    let refusesNew = ports.filter { $0 < 64 && settings.newPolicy(port: $0) == .drop }
    self.init(checksum: checksum, invalid: invalid, refusesNew: refusesNew.reduce(0) { $0 | 1 << UInt64($1) })
  }
}

/// The stages that an lcore's busy time is split into.
enum Stage: String, CaseIterable { case rx, decide, tx }
