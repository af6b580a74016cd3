import CSegment
import Conntrack
import EventSupport
import Offload
import Primitives
import Segment
import TestSupport
import Wire

/// A tracker, a clock moved by hand, and frames shown to it one by one.
final class TrackerBench {
  static let secret = HashSecret(seed: 7)

  var tracker: Tracker
  private let limits: SharedLimits?
  private(set) var now = Instant(nanoseconds: 0)
  /// What it tells, when it has where to.
  let events: EventMemory?

  init(
    capacity: Int = 1024, extensions: Int = 1024, choices: TrackingChoices = TrackingChoices(),
    policies: [UInt16: TrackingChoices] = [:], zones: [ZoneMap.Rule] = [],
    settings: TrackerSettings = TrackerSettings(),
    limits: SharedLimits? = nil, events: EventMemory? = nil, telling mask: EventMask = [],
    hardware: OffloadLane? = nil
  ) {
    self.limits = limits
    self.events = events
    tracker = Tracker(
      table: ConnectionTable(
        capacity: capacity, extensionCapacity: extensions, splits: zones.contains { $0.zones.isSplit },
        secret: Self.secret),
      settings: settings, policies: ZonePolicies(choices, zones: policies), zones: ZoneMap(zones, ports: 4),
      limits: limits?.worker() ?? Limits(), events: events?.log(capacity: capacity) ?? EventLog(),
      wallZero: 1_700_000_000_000_000_000, hardware: hardware)
    tell(mask)
  }

  /// The kinds of events that it tells from now on.
  func tell(_ mask: EventMask, zones: Set<UInt16>? = nil) {
    let bits = unsafe zones.flatMap { zones in unsafe events.map { unsafe $0.bits(zones) } }
    unsafe tracker.setEvents(mask, zones: bits)
  }

  /// A breath ends: what was told since the last one.
  func told() -> [ConnectionEvent] {
    tracker.publish()
    return events?.take() ?? []
  }

  /// What becomes of an order, and the connection that it was about.
  @discardableResult
  func order(
    _ verb: ConnectionOrder.Verb, _ change: ConnectionChange, by key: ConnectionOrder.Key = .original,
    client: UInt32 = 77
  ) -> Answer {
    var image = dpdkfwd_ct_image()
    let order = ConnectionOrder(verb, key: key, client: client, change: change)
    let outcome = unsafe withUnsafeMutablePointer(to: &image) { unsafe tracker.carryOut(order, $0) }
    return Answer(outcome: outcome, connection: image.id == 0 ? nil : Connection(image))
  }

  struct Answer {
    var outcome: OrderOutcome
    var connection: Connection?
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

  /// What the tracker makes of a packet of a flow, before it is confirmed.
  func tracked(_ datagram: Datagram) -> Tracked {
    let frame = datagram.frame(vlan: [])
    var summary = Summary()
    frame.withSpan { span in _ = Summary.read(span, frameLength: span.byteCount, into: &summary) }
    return unsafe frame.bytes.withUnsafeBytes { memory in
      let bytes = unsafe PacketBytes(memory.baseAddress!, count: memory.count)
      var tuple = Tuple()
      _ = Tracker.way(of: bytes, summary, zone: 0, tracker.secret, into: &tuple)
      return tracker.judge(bytes, summary, tuple, ZonePair(0))
    }
  }

  /// The same for a frame that has been read.
  @discardableResult
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
