import Conntrack
import EventSupport
import FlowCache
import Pipeline
import Primitives

/// How the workers of a life track connections: mostly in tables so small that they are often full.
struct Tracking: Sendable {
  let capacity: Int
  let cache: FlowCache
  let settings: TrackerSettings
  /// Connections of all workers, of each zone, of each source.
  let total, zone, source: UInt32?
  /// Ports 0 and 2 have zones of their own, whose answers are in zone 0.
  let splits: Bool
  let refusesNew: UInt64
  /// Where the clock begins: in half of the lives, a little before its milliseconds come round.
  let start: Instant

  private static let secret = HashSecret(seed: 21)

  init(_ chance: inout Chance) {
    capacity = chance.pick([4, 24, 128])
    cache = FlowCache(isOn: chance.below(8) > 0, after: chance.pick(FlowCache.CacheAfter.allCases))
    var settings = TrackerSettings()
    settings.sweepInterval = UInt32(chance.pick([1_000, 5_000]))
    if chance.below(3) == 0 { settings.mostUnassured = UInt64(capacity * 3 / 4) }
    self.settings = settings
    let limit = { (chance: inout Chance) in chance.below(5) == 0 ? UInt32(chance.draw(2...12)) : nil }
    total = limit(&chance)
    zone = limit(&chance)
    source = limit(&chance)
    splits = chance.below(4) == 0
    refusesNew = chance.below(4) == 0 ? UInt64(chance.below(16)) : 0
    start = Instant(nanoseconds: chance.below(2) == 0 ? 0 : ((1 << 32) - 20_000) * 1_000_000)
  }

  func limits(workers: Int) -> SharedLimits {
    SharedLimits(total: total, zoneDefault: zone, source: source, capacity: capacity * workers, secret: Self.secret)
  }

  /// A worker's tracker.
  func tracker(_ limits: SharedLimits?, ports: Int, _ control: Control?, shard: Int) -> Tracker {
    var events = control?.memory.log(capacity: capacity, shard: shard) ?? EventLog(shard: shard)
    if let control { unsafe events.set(control.mask, zones: nil) }
    let rules =
      splits
      ? [0, 2].map { ZoneMap.Rule(port: $0, zones: ZonePair(original: 5 + $0, reply: 0)) } : []
    return Tracker(
      table: ConnectionTable(capacity: capacity, extensionCapacity: capacity, splits: splits, secret: Self.secret),
      settings: settings, zones: ZoneMap(rules, ports: ports), limits: limits?.worker() ?? Limits(),
      events: events, wallZero: 1_700_000_000)
  }
}

extension Scenario {
  /// Why the tracker may drop what comes in by a port.
  func refusals(port: Int) -> Reasons {
    guard let tracking else { return [] }
    var reasons: Reasons = [.connectionTableFull]
    if policy.invalid == .drop { reasons.insert(.invalid) }
    if policy.refusesNew & 1 << UInt64(port) != 0 { reasons.insert(.newRefused) }
    if tracking.total != nil { reasons.insert(.connectionLimit) }
    if tracking.zone != nil { reasons.insert(.zoneLimit) }
    if tracking.source != nil { reasons.insert(.sourceLimit) }
    if tracking.splits { reasons.insert(.tupleTaken) }
    return reasons
  }
}
