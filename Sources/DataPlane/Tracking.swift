internal import CSegment
internal import Conntrack
internal import FlowCache
internal import Offload
internal import Primitives
internal import Segment
internal import Settings

/// What the workers' trackers are made of: the arenas of the segment, the settings, and the limits they share.
@safe
struct TrackingSetup {
  private let settings: Settings
  private let segment: SegmentWriter
  let limits: SharedLimits
  private let secret = HashSecret.random()
  private let clock: Clock
  /// Of the connections' ids: another one than the run before had.
  private let epoch: UInt32

  init(_ plan: Plan, segment: SegmentWriter, clock: Clock, epoch: UInt32) {
    settings = plan.settings
    self.segment = segment
    self.clock = clock
    self.epoch = epoch
    let tracking = settings.tracking
    let zones = tracking.zones.compactMap { zone in zone.limit.map { (zone.id, UInt32(clamping: $0)) } }
    limits = SharedLimits(
      total: tracking.connectionsTotal.map { UInt32(clamping: $0) },
      zoneDefault: tracking.zoneLimit.map { UInt32(clamping: $0) },
      zones: Dictionary(uniqueKeysWithValues: zones), source: tracking.sourceLimit.map { UInt32(clamping: $0) },
      capacity: tracking.connections * plan.workers.count, secret: secret)
  }

  /// The epoch of the run that left its segment under this prefix; `nil` when there is none to read.
  static func lastEpoch(prefix: String) -> UInt32? {
    guard let reader = try? SegmentReader(SegmentPaths(prefix: prefix)),
      let kind = try? reader.kind("ct_shards", having: ["epoch"]),
      let epoch = reader.records(of: kind).first?.number("epoch")
    else { return nil }
    return UInt32(truncatingIfNeeded: epoch)
  }

  /// The tables of tracking in the segment; `nil` when nothing is tracked.
  static func tables(_ settings: Settings) -> TrackingTables? {
    guard settings.tracking.isEnabled else { return nil }
    return TrackingTables(
      connections: settings.tracking.connections, extensions: settings.tracking.extensionCount,
      faults: TrackingFault.allCases.dropFirst().map(\.name), cacheMisses: CacheMiss.allCases.map(\.name),
      limits: Refusal.limits.map(\.name))
  }

  /// The rings and lists of events in the segment; `nil` when nothing is ever told.
  static func eventTables(_ settings: Settings) -> EventTables? {
    guard settings.events.mode != .off else { return nil }
    return EventTables(
      events: settings.events.ring, fragmentEvents: EventSettings.fragmentRing, dying: settings.events.dying)
  }

  /// The tracker of a worker.
  ///
  /// - Parameters:
  ///   - shard: which worker, counted from zero.
  ///   - ports: as many as port numbers go.
  ///   - hardware: by which it asks ports for flows.
  func tracker(_ shard: Int, lcore: Int, ports: Int, hardware: OffloadLane?) -> Tracker {
    let wallZero = Segment.Clock.wall() &- clock.now.nanoseconds
    guard settings.tracking.isEnabled else { return .off(wallZero: wallZero) }
    let tracking = settings.tracking
    let events = eventLog(shard)
    let table = unsafe ConnectionTable(
      records: segment.connections(shard), capacity: tracking.connections, extensions: segment.extensions(shard),
      extensionCapacity: tracking.extensionCount, splits: tracking.zones.contains { $0.sides != .both }, secret: secret)
    unsafe table.counts.pointee.lcore = UInt32(lcore)
    unsafe table.counts.pointee.epoch = epoch
    unsafe table.counts.pointee.clock_zero = Segment.Clock.monotonic() &- clock.now.nanoseconds
    unsafe segment.connectionShard(shard).pointee = table.counts.pointee
    var own = TrackerSettings()
    own.sweepInterval = UInt32(clamping: tracking.sweepInterval.nanoseconds / 1_000_000)
    own.mostUnassured = UInt64(tracking.connections - tracking.connections * tracking.reserve / 100)
    let policies = ZonePolicies(
      TrackingChoices(tracking.policy),
      zones: Dictionary(
        uniqueKeysWithValues: tracking.zones.map { ($0.id, TrackingChoices(tracking.policy(zone: $0.id))) }))
    return unsafe Tracker(
      table: table, settings: own, policies: policies, zones: ZoneMap(Self.rules(tracking.zones), ports: ports),
      limits: limits.worker(), events: events, wallZero: wallZero, flowRecords: segment.flowtables(shard),
      hardware: hardware)
  }

  /// Where a worker tells of its connections.
  private func eventLog(_ shard: Int) -> EventLog {
    guard settings.events.mode != .off else { return EventLog(shard: shard) }
    var log = unsafe EventLog(
      ring: segment.connectionEvents(shard), dying: segment.dyingConnections(shard),
      dyingCapacity: settings.events.dying, capacity: settings.tracking.connections, shard: shard)
    if settings.events.mode == .on { unsafe log.set(.always, zones: nil) }
    return log
  }

  /// The flow cache of a worker.
  var cache: FlowCache {
    let after: FlowCache.CacheAfter =
      switch settings.tracking.cacheAfter {
      case .assured: .assured
      case .reply: .reply
      case .confirmed: .confirmed
      }
    return FlowCache(isOn: settings.tracking.cache, after: after)
  }

  private static func rules(_ zones: [ZoneSettings]) -> [ZoneMap.Rule] {
    zones.flatMap { zone in
      let pair =
        switch zone.sides {
        case .both: ZonePair(zone.id)
        case .original: ZonePair(original: zone.id, reply: 0)
        case .reply: ZonePair(original: 0, reply: zone.id)
        }
      let ports = zone.ports.isEmpty ? [nil] : zone.ports.map { UInt16(exactly: $0) }
      let vlans = zone.vlans.isEmpty ? [nil] : zone.vlans.map { UInt16(exactly: $0) }
      return ports.flatMap { port in
        vlans.compactMap { vlan in
          port == nil && vlan == nil ? nil : ZoneMap.Rule(port: port, vlan: vlan, zones: pair)
        }
      }
    }
  }
}

extension TrackingChoices {
  init(_ policy: PolicySettings) {
    self.init()
    seconds = policy.timeouts
    tcpLoose = policy.tcpLoose ?? tcpLoose
    tcpLiberal = policy.tcpLiberal ?? tcpLiberal
    tcpIgnoresInvalidReset = policy.tcpIgnoresInvalidReset ?? tcpIgnoresInvalidReset
    tcpMaxRetransmissions = policy.tcpMaxRetransmissions.map { UInt8(clamping: $0) } ?? tcpMaxRetransmissions
    isAsymmetric = policy.isAsymmetric ?? isAsymmetric
  }
}
