import CSegment
import Conntrack
import EventSupport
import FlowCache
import Pipeline
import Primitives
import Reassembly
import Rules
import Segment
import TestSupport
import Wire

/// A worker that tracks, and all that it can be seen to do.
final class TrackingBench {
  let bench: Bench
  private let limits: SharedLimits?
  let events: EventMemory?
  static let secret = HashSecret(seed: 11)

  init(
    policy: Policy = Policy(), cache: FlowCache = FlowCache(), capacity: Int = 512, zones: [ZoneMap.Rule] = [],
    choices: TrackingChoices = TrackingChoices(), settings: TrackerSettings = TrackerSettings(),
    limits: SharedLimits? = nil, isTracking: Bool = true, fragments: consuming Reassembly = .off(), burst: Int = 32,
    toB: Egress = Egress(port: Bench.b), attempts: UInt32 = 3, mostTogether: Int = 256,
    events: EventMemory? = nil, telling mask: EventMask = [], mailbox: Mailbox? = nil,
    rules: RuleLine? = nil
  ) {
    self.limits = limits
    self.events = events
    var log = events?.log(capacity: capacity) ?? EventLog()
    unsafe log.set(mask, zones: nil)
    let on = Tracker(
      table: ConnectionTable(
        capacity: capacity, extensionCapacity: capacity, splits: zones.contains { $0.zones.isSplit },
        secret: Self.secret),
      settings: settings, policies: ZonePolicies(choices), zones: ZoneMap(zones, ports: 2),
      limits: limits?.worker() ?? Limits(), events: log, wallZero: 1_700_000_000)
    let tracker = isTracking ? on : Tracker.off()
    bench = Bench(
      policy: policy, tracker: tracker, cache: cache, fragments: fragments, burst: burst, attempts: attempts,
      mostTogether: mostTogether, toB: toB, mailbox: rules?.mailbox ?? mailbox,
      states: rules?.states ?? RuleStates(workers: 1, secret: HashSecret(seed: 11)))
  }

  /// The frames arrive by one port, in bursts of those sizes; what became of each.
  func play(_ frames: [Frame], bursts: [Int], on port: PortID = Bench.a) -> [Verdict] {
    var verdicts: [Verdict] = []
    var rest = frames[...]
    for size in bursts {
      bench.ports.arrive(Array(rest.prefix(size)), on: port)
      let received = bench.worker.breathe()
      rest = rest.dropFirst(size)
      for i in 0..<received { verdicts.append(bench.worker.journey.verdicts[i]) }
    }
    precondition(rest.isEmpty && verdicts.count == frames.count, "bursts for other frames")
    return verdicts
  }

  func advance(_ interval: Interval) { bench.ports.now = bench.ports.now + interval }

  var eventCounts: dpdkfwd_event_shard_record { unsafe bench.worker.journey.tracker.eventCounts.pointee }
  var counts: dpdkfwd_ct_shard_record { unsafe bench.worker.journey.tracker.table.counts.pointee }
  var classes: [UInt64] { (0..<8).map { unsafe bench.worker.journey.tracker.table.classes[$0] } }
  func misses(_ reason: CacheMiss) -> UInt64 {
    unsafe bench.worker.journey.tracker.table.cacheMisses[reason.rawValue]
  }
  var misses: UInt64 { CacheMiss.allCases.reduce(0) { $0 + misses($1) } }

  /// The connections as readers of the segment see them, by slot; what the cache remembers apart.
  var table: [Int: [UInt8]] {
    var table: [Int: [UInt8]] = [:]
    for slot in 0..<bench.worker.journey.tracker.table.slotsUsed where bench.worker.journey.tracker.table.isLive(slot) {
      var record = unsafe bench.worker.journey.tracker.table.record(slot).pointee
      record.cached_generation = 0
      record.cached_egress = (0, 0)
      table[slot] = unsafe withUnsafeBytes(of: &record) { unsafe Array($0) }
    }
    return table
  }

  /// All counters of the shard but those of the cache.
  var counters: [UInt8] {
    var counts = counts
    counts.cache_hits = 0
    unsafe segment_ct_cache_misses(&counts).update(repeating: 0, count: 8)
    return unsafe withUnsafeBytes(of: &counts) { unsafe Array($0) }
  }

  var drops: [UInt64] { DropReason.allCases.map { bench.dropped($0) } }
  var wrong: String? { bench.worker.journey.tracker.table.checkInvariants() }
}
