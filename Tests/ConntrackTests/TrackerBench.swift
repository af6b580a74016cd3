import CSegment
import Conntrack
import Primitives
import TestSupport
import Wire

/// A tracker, a clock moved by hand, and frames shown to it one by one.
final class TrackerBench {
  static let secret = HashSecret(seed: 7)

  var tracker: Tracker
  private let limits: SharedLimits?
  private(set) var now = Instant(nanoseconds: 0)

  init(
    capacity: Int = 1024, extensions: Int = 1024, choices: TrackingChoices = TrackingChoices(),
    policies: [UInt16: TrackingChoices] = [:], zones: [ZoneMap.Rule] = [],
    settings: TrackerSettings = TrackerSettings(),
    limits: SharedLimits? = nil
  ) {
    self.limits = limits
    tracker = Tracker(
      table: ConnectionTable(
        capacity: capacity, extensionCapacity: extensions, splits: zones.contains { $0.zones.isSplit },
        secret: Self.secret),
      settings: settings, policies: ZonePolicies(choices, zones: policies), zones: ZoneMap(zones, ports: 4),
      limits: limits?.worker() ?? Limits(), wallZero: 1_700_000_000_000_000_000)
  }

  func advance(_ interval: Interval) {
    now = now + interval
    tracker.advance(to: now)
  }

  /// What the tracker makes of a datagram; a connection that it opens is confirmed unless policy is to drop it.
  @discardableResult
  func send(_ datagram: Datagram, port: UInt16 = 0, vlan: [UInt16] = [], confirms: Bool = true) -> Seen {
    let frame = datagram.frame(vlan: vlan)
    var summary = Summary()
    frame.withSpan { span in _ = Summary.read(span, frameLength: span.byteCount, into: &summary) }
    return send(frame, summary, port: port, confirms: confirms)
  }

  /// The same for a frame that has been read.
  func send(_ frame: Frame, _ summary: Summary, port: UInt16, confirms: Bool) -> Seen {
    unsafe frame.bytes.withUnsafeBytes { memory in
      let bytes = unsafe PacketBytes(memory.baseAddress!, count: memory.count)
      let zones = tracker.zones.zones(port: port, summary)
      var tuple = Tuple()
      var tracked: Tracked
      switch Tracker.way(of: bytes, summary, zone: zones.original, tracker.secret, into: &tuple) {
      case .flow, .splitFlow: tracked = tracker.judge(bytes, summary, tuple, zones)
      case .error: tracked = tracker.judgeError(bytes, summary, zones)
      case .untracked: tracked = Tracked(.untracked)
      case .invalid: tracked = tracker.invalid(.malformed)
      }
      guard tracked.isUnconfirmed, confirms else { return Seen(tracked) }
      let refusal = tracker.confirm(&tracked)
      return Seen(tracked, refusal)
    }
  }

  /// Sweeps until a whole pass is through.
  func sweep() {
    for _ in 0..<20 {
      advance(.milliseconds(500))
      tracker.sweep(most: 1 << 24, wiping: 1)
    }
  }

  var count: Int { tracker.table.count }
  var counts: dpdkfwd_ct_shard_record { unsafe tracker.table.counts.pointee }

  /// The connections there are, in the order of their slots.
  var connections: [dpdkfwd_ct_record] {
    (0..<tracker.table.slotsUsed).filter { tracker.table.isLive($0) }.map { unsafe tracker.table.record($0).pointee }
  }
}

/// What a test asks of an answer.
struct Seen: Equatable {
  var state: PacketState
  var direction: Direction
  var slot: Int
  var refusal: Refusal?

  init(_ tracked: Tracked, _ refusal: Refusal? = nil) {
    (state, direction, slot, self.refusal) = (tracked.state, tracked.direction, Int(tracked.slot), refusal)
  }

  var words: String {
    "\(state)" + ([.invalid, .untracked].contains(state) ? "" : direction == .original ? "_o" : "_r")
  }
}
