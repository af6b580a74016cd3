public import CSegment
public import Offload
public import Primitives
public import Segment
internal import Tables
public import Wire

/// What tracking found about a packet.
public struct Tracked: BitwiseCopyable, Equatable, Sendable {
  public var state: PacketState
  public var direction: Direction = .original
  /// The connection's slot; -1 when there is none, or it ended with this packet.
  public var slot: Int32 = -1
  /// The packet opens a connection that exists once `confirm` says so.
  public var isUnconfirmed = false

  @inlinable
  public init(_ state: PacketState, _ direction: Direction = .original, slot: Int32 = -1, isUnconfirmed: Bool = false) {
    self.state = state
    self.direction = direction
    self.slot = slot
    self.isUnconfirmed = isUnconfirmed
  }
}

/// How a packet is looked at; the first thing the tracker decides.
public enum Way: UInt8, BitwiseCopyable, Sendable {
  /// It has a tuple.
  case flow
  /// It has one, whose two directions are in different zones.
  case splitFlow
  /// An ICMP error, which belongs to the flow of the datagram it quotes.
  case error
  case untracked
  case invalid
}

/// A worker's tracker: judges packet after packet, in order, by the connections in its table and its clock.
@safe
public struct Tracker: ~Copyable {
  @usableFromInline var connections: ConnectionTable
  public internal(set) var settings: TrackerSettings
  @usableFromInline var policies: ZonePolicies
  public let zones: ZoneMap
  public let secret: HashSecret
  var limits: Limits
  @usableFromInline var events: EventLog
  /// The named flow tables, and what is counted of them.
  public internal(set) var flows = FlowTables()
  @usableFromInline let flowRecords: UnsafeMutablePointer<dpdkfwd_flowtable_record>
  /// By which it asks ports to know its flows too; `nil`: it never does.
  let hardware: OffloadLane?
  private let ownFlowRecords: UnsafeMutablePointer<dpdkfwd_flowtable_record>?
  /// By number; see `setTimeoutPolicies`.
  var timeoutPolicies: UnsafePointer<UnsafePointer<UInt32>?>?
  private var faults: FixedArray<UInt64>

  /// Milliseconds on the worker's clock, modulo 2^32.
  public private(set) var now: UInt32 = 0
  /// The next whole second: deadlines count from it, so that a connection lives at least its timeout and its record is
  /// written at most once a second.
  @usableFromInline var tick: UInt32 = 0
  /// Nanoseconds since 1970 where the clock began, and seconds since then now.
  public let wallZero: UInt64
  private(set) var wall: UInt32 = 0
  /// The same in nanoseconds.
  private var moment: UInt64 = 0
  var pending = Pending()
  let lookout: UnsafeMutablePointer<Lookout>

  /// A connection before it is in the table.
  struct Pending: BitwiseCopyable {
    var seed = dpdkfwd_ct_record()
    var tuple = Tuple()
    var pair = IPv6Pair.none
    var replyZone: UInt16 = 0
    /// What was armed by the packet that opens it.
    var timeout = Timeout.generic
    var labels = (low: UInt64(0), high: UInt64(0))
    var eventSelection: EventSelection?
    /// There is something for its extensions.
    var isMarked: Bool { labels.low | labels.high != 0 || eventSelection != nil }
  }

  /// - Parameters:
  ///   - wallZero: nanoseconds since 1970 at the clock's zero.
  ///   - limits: this worker's share of what all may have.
  ///   - events: where it tells of its connections.
  ///   - hardware: by which it asks ports to know flows too.
  ///   - flowRecords: `FlowTables.most` zeroed records that outlive it; `nil`: on memory of its own.
  @safe
  public init(
    table: consuming ConnectionTable, settings: TrackerSettings, policies: consuming ZonePolicies = ZonePolicies(),
    zones: consuming ZoneMap = ZoneMap(), limits: consuming Limits = Limits(),
    events: consuming EventLog = EventLog(), wallZero: UInt64 = 0,
    flowRecords: UnsafeMutablePointer<dpdkfwd_flowtable_record>? = nil, hardware: OffloadLane? = nil
  ) {
    self.hardware = hardware
    let own =
      unsafe flowRecords == nil
      ? UnsafeMutablePointer<dpdkfwd_flowtable_record>.allocate(capacity: FlowTables.most) : nil
    unsafe own?.initialize(repeating: dpdkfwd_flowtable_record(), count: FlowTables.most)
    unsafe ownFlowRecords = own
    unsafe self.flowRecords = (flowRecords ?? own)!
    secret = table.secret
    unsafe lookout = .allocate(capacity: 1)
    unsafe lookout.initialize(to: Lookout(records: table.records, index: table.index.view))
    connections = table
    self.settings = settings
    self.policies = policies
    self.zones = zones
    self.limits = limits
    self.events = events
    self.wallZero = wallZero
    faults = FixedArray(repeating: 0, count: TrackingFault.slots)
  }

  deinit {
    unsafe ownFlowRecords?.deallocate()
    unsafe lookout.deallocate()
  }

  /// One that tracks nothing.
  public static func off(wallZero: UInt64 = 0) -> Tracker {
    var settings = TrackerSettings()
    settings.isOn = false
    return Tracker(
      table: ConnectionTable(capacity: 1, extensionCapacity: 0, secret: HashSecret(seed: 0)), settings: settings,
      wallZero: wallZero)
  }

  public var table: ConnectionTable {
    @inlinable @inline(__always) _read { yield connections }
  }

  // MARK: Time

  /// Moves the clock; once a burst.
  @inline(__always)
  public mutating func advance(to instant: Instant) {
    let milliseconds = instant.nanoseconds / 1_000_000
    now = UInt32(truncatingIfNeeded: milliseconds)
    tick = UInt32(truncatingIfNeeded: (milliseconds &+ 999) / 1000 &* 1000)
    moment = wallZero &+ instant.nanoseconds
    wall = UInt32(truncatingIfNeeded: moment / 1_000_000_000)
  }

  /// Removes connections whose time is over, as far as this round's share of the table goes, and wipes outcomes that were
  /// remembered under another generation.
  ///
  /// - Parameter most: records visited at once.
  @inline(__always)
  public mutating func sweep(most: Int, wiping generation: UInt16) {
    var due = connections.sweepDue(now: now, interval: settings.sweepInterval, most: most)
    let catchesUp = due > 0 && events.notesRefreshes
    while due > 0 {
      due -= 1
      let slot = connections.nextToSweep(keeping: generation)
      guard slot >= 0 else { continue }
      if unsafe connections.record(slot).pointee.status & Status.offload != 0 {
        sweepFlow(slot, generation)
      } else if connections.isExpired(slot, now: now) {
        expire(slot)
      }
      if catchesUp { catchUp(slot) }
    }
  }

  // MARK: Judge

  /// Judges a packet that has a tuple, and does to its connection what it does.
  ///
  /// - Parameters:
  ///   - bytes: all of the datagram that is at hand; TCP, SCTP and ICMP read beyond their headers.
  ///   - tuple: of the packet in `zones.original`.
  @inline(never)
  public mutating func judge(_ bytes: PacketBytes, _ summary: Summary, _ tuple: Tuple, _ zones: ZonePair) -> Tracked {
    let pair = tuple.isIPv6 ? bytes.ipv6Pair(at: Int(summary.networkOffset)) : .none
    let found = zones.isSplit ? connections.find(tuple, replyZone: zones.reply, pair) : connections.find(tuple, pair)
    guard let found else { return begin(bytes, summary, tuple, pair, zones) }
    if connections.isExpired(found.slot, now: now) {
      expire(found.slot)
      // Where zones are split, another connection may have the tuple in the other direction.
      return judge(bytes, summary, tuple, zones)
    }
    unsafe connections.counts.pointee.found &+= 1
    let record = unsafe connections.record(found.slot)
    var policy = unsafe policies.policy(of: record.pointee.zone)
    if unsafe record.pointee.flow_table != 0 {
      unsafe policy.timeouts = timeouts(of: record)
      leaveTable(found.slot, summary)
    }
    let before = unsafe record.pointee.state
    let judgement = unsafe follow(bytes, summary, tuple, found.direction, record, policy)
    // Also by what passes without counting, or turns out to be invalid further on; an end is told as that.
    if unsafe record.pointee.state != before, judgement.action != .end { events.note(.state, found.slot) }
    switch judgement.action {
    case .accept:
      unsafe record.account(found.direction, length: summary.datagramLength)
      unsafe refresh(record, policy.timeouts[judgement.timeout], found.slot)
      if judgement.assures { unsafe assure(record, found.slot) }
    case .pass: break
    case .invalid:
      // Both ends are elsewhere than we think: what we know is not kept for long.
      if judgement.timeout == .tcpUnacknowledged {
        unsafe shorten(record, policy.timeouts[.tcpUnacknowledged], found.slot)
      }
      return invalid(judgement.fault)
    case .restart:
      remove(found.slot, by: .packet)
      return begin(bytes, summary, tuple, pair, zones)
    case .end:
      unsafe record.account(found.direction, length: summary.datagramLength)
      remove(found.slot, by: .packet)
      return Tracked(found.direction == .reply ? .established : .new, found.direction)
    }
    let state: PacketState
    if found.direction == .reply {
      if unsafe record.pointee.status & Status.seenReply == 0 { unsafe answer(record, found.slot) }
      state = .established
    } else {
      // Where answers go by elsewhere, what has been found to work is established.
      let known = policy.isAsymmetric ? Status.seenReply | Status.assured : Status.seenReply
      state = unsafe record.pointee.status & known != 0 ? .established : .new
    }
    return Tracked(state, found.direction, slot: Int32(found.slot))
  }

  /// A packet that the short way did not serve: the last ones of a flow end it, and for any other the windows, which are
  /// out of date, are no measure.
  private mutating func leaveTable(_ slot: Int, _ summary: Summary) {
    let record = unsafe connections.record(slot)
    guard unsafe record.pointee.status & Status.offload != 0 else { return }
    // FIN, RST; SYN too, which may open another connection.
    if unsafe flows[record.pointee.flow_table].ports == 0 {
      takeBack(slot, .outdated)
    } else if summary.transport == IPProtocol.tcp, summary.tcpFlags & 0b111 != 0 {
      takeBack(slot, .closed)
    } else {
      unsafe loosen(record)
    }
  }

  /// What the protocol says of a packet of a connection.
  private mutating func follow(
    _ bytes: PacketBytes, _ summary: Summary, _ tuple: Tuple, _ direction: Direction,
    _ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ policy: TrackingPolicy
  ) -> Judgement {
    let hasReply = unsafe record.pointee.status & Status.seenReply != 0
    let isAssured = unsafe record.pointee.status & Status.assured != 0
    switch ProtocolGroup(tuple.transport, isIPv6: tuple.isIPv6) {
    case .tcp:
      let segment = unsafe TCPSegment(frame: bytes.span, summary: summary)
      return unsafe TCPTracker.follow(
        segment, bytes.span, direction, tcp: &record.pointee.tcp, state: &record.pointee.state, hasReply: hasReply,
        isAssured: isAssured, policy: policy)
    case .udplite where !isCoverageSound(bytes, summary): return .invalid(.udpliteCoverage)
    case .udp, .udplite:
      return unsafe UDPTracker.follow(
        now: now, &record.udp.pointee, isLite: tuple.transport != IPProtocol.udp, isAnswered: hasReply,
        isAssured: isAssured)
    case .icmp, .icmpv6: return ICMPTracker.follow(isIPv6: tuple.isIPv6)
    case .sctp:
      return unsafe SCTPTracker.follow(
        bytes.span, summary, direction, &record.sctp.pointee, &record.pointee.state, isAsymmetric: policy.isAsymmetric)
    case .gre: return GRETracker.follow(isAnswered: hasReply)
    case .other: return GenericTracker.follow()
    }
  }

  // MARK: New connections

  /// A packet that belongs to no connection: may it open one?
  private mutating func begin(
    _ bytes: PacketBytes, _ summary: Summary, _ tuple: Tuple, _ pair: IPv6Pair, _ zones: ZonePair
  ) -> Tracked {
    let policy = policies.policy(of: zones.original)
    var seed = dpdkfwd_ct_record()
    let judgement = open(bytes, summary, tuple, &seed, policy)
    guard judgement.action == .accept else { return invalid(judgement.fault) }
    seed.source = tuple.source
    seed.destination = tuple.destination
    seed.source_port = tuple.sourcePort
    seed.destination_port = tuple.destinationPort
    seed.zone = zones.original
    seed.protocol = tuple.transport
    seed.flags = tuple.marks.intersection([.ipv6, .question]).rawValue
    seed.cached_egress = (255, 255)
    seed.status = Status.confirmed | (judgement.assures ? Status.assured : 0)
    seed.deadline = tick &+ policy.timeouts[judgement.timeout]
    seed.start = wall
    seed.packets_original = 1
    seed.bytes_original = summary.datagramLength
    pending = Pending(seed: seed, tuple: tuple, pair: pair, replyZone: zones.reply, timeout: judgement.timeout)
    return Tracked(.new, isUnconfirmed: true)
  }

  private mutating func open(
    _ bytes: PacketBytes, _ summary: Summary, _ tuple: Tuple, _ seed: inout dpdkfwd_ct_record, _ policy: TrackingPolicy
  ) -> Judgement {
    switch ProtocolGroup(tuple.transport, isIPv6: tuple.isIPv6) {
    case .tcp:
      let segment = unsafe TCPSegment(frame: bytes.span, summary: summary)
      return unsafe TCPTracker.begin(segment, bytes.span, tcp: &seed.tcp, state: &seed.state, policy: policy)
    case .udplite where !isCoverageSound(bytes, summary): return .invalid(.udpliteCoverage)
    case .udp, .udplite:
      return unsafe withUnsafeMutablePointer(to: &seed) { seed in
        unsafe UDPTracker.begin(now: now, &seed.udp.pointee, isLite: tuple.transport != IPProtocol.udp)
      }
    case .icmp, .icmpv6: return ICMPTracker.begin(ICMPTracker.classify(summary), isIPv6: tuple.isIPv6)
    case .sctp:
      return unsafe withUnsafeMutablePointer(to: &seed) { seed in
        unsafe SCTPTracker.begin(
          bytes.span, summary, &seed.sctp.pointee, &seed.pointee.state, isAsymmetric: policy.isAsymmetric)
      }
    case .gre: return GRETracker.begin()
    case .other: return GenericTracker.begin()
    }
  }

  /// A fragment's lengths speak of the datagram.
  private func isCoverageSound(_ bytes: PacketBytes, _ summary: Summary) -> Bool {
    unsafe summary.flags.contains(.fragment) || summary.isCoverageSound(bytes.span)
  }

  /// Takes the connection up that the packet judged last opened, now that it goes on its way.
  ///
  /// - Returns: why there is no room for it; the packet is dropped then. `nil`: it is in the table.
  @inline(never)
  public mutating func confirm(_ tracked: inout Tracked) -> Refusal? {
    tracked.isUnconfirmed = false
    switch insert() {
    case .refused(let refusal): return refusal
    case .inserted(let slot):
      tracked.slot = Int32(slot)
      if pending.isMarked { markOut(slot) }
      if !events.mask.isDisjoint(with: [.new, .refresh]) { tell(.new, of: slot) }
      return nil
    }
  }

  enum Insertion: BitwiseCopyable {
    case inserted(slot: Int)
    case refused(Refusal)
  }

  /// Takes the connection that is pending into the table, if limits and room allow.
  mutating func insert() -> Insertion {
    if let holder = connections.holder(ofReplyTo: pending.tuple, replyZone: pending.replyZone, pending.pair) {
      guard connections.isExpired(holder, now: now) else {
        unsafe connections.counts.pointee.insert_failed &+= 1
        return refuse(.tupleTaken)
      }
      expire(holder)
    }
    // Who is over a limit makes no room at the cost of others.
    switch limits.take(pending.tuple, pending.pair) {
    case .refused(let refusal): return refuse(refusal)
    case .granted(let place): pending.seed.sourcePlace = place
    }
    let hasExtensions = connections.hasExtensions(for: pending.tuple, replyZone: pending.replyZone)
    let mayBeMore = unsafe connections.counts.pointee.unassured < settings.mostUnassured
    let hasRoom = hasExtensions && mayBeMore && connections.count < connections.capacity
    guard hasRoom || dropEarly(withExtension: !hasExtensions) else {
      limits.give(pending.tuple, pending.pair, place: pending.seed.sourcePlace)
      return refuse(.shardFull)
    }
    guard let slot = connections.insert(pending.seed, pending.tuple, replyZone: pending.replyZone, pending.pair) else {
      limits.give(pending.tuple, pending.pair, place: pending.seed.sourcePlace)
      unsafe connections.counts.pointee.insert_failed &+= 1
      return refuse(.shardFull)
    }
    unsafe connections.counts.pointee.insert &+= 1
    return .inserted(slot: slot)
  }

  private func refuse(_ refusal: Refusal) -> Insertion {
    unsafe connections.counts.pointee.drop &+= 1
    if refusal != .tupleTaken { unsafe segment_ct_limited(connections.counts)[refusal.rawValue] &+= 1 }
    return .refused(refusal)
  }

  /// netfilter's early drop: an unassured connection near the new one's place in the index goes, or rather one whose
  /// time is over.
  ///
  /// - Parameter withExtension: extensions are what is wanting.
  private mutating func dropEarly(withExtension: Bool) -> Bool {
    let (now, tuple) = (now, pending.tuple)
    // An assured one in its place would leave as many unassured as there were.
    let takesAssured = unsafe connections.counts.pointee.unassured < settings.mostUnassured
    var victim: (slot: Int, isExpired: Bool)?
    connections.examine(near: tuple) { slot in
      let record = unsafe connections.record(slot)
      if withExtension, unsafe record.pointee.extension == 0 { return false }
      let isUnassured = unsafe record.pointee.status & Status.assured == 0
      if isUnassured || takesAssured, connections.isExpired(slot, now: now) { victim = (slot, true) }
      if victim == nil, isUnassured { victim = (slot, false) }
      return victim?.isExpired == true
    }
    guard let victim else { return false }
    if victim.isExpired {
      expire(victim.slot)
    } else {
      unsafe connections.counts.pointee.early_drop &+= 1
      remove(victim.slot, by: .earlyDrop)
    }
    return true
  }

  // MARK: Ends

  mutating func expire(_ slot: Int) {
    unsafe connections.counts.pointee.expired &+= 1
    remove(slot, by: .timeout)
  }

  /// Takes a connection out of the connections.
  ///
  /// - Parameter client: process id of who asked for it.
  mutating func remove(_ slot: Int, by originator: ConnectionEvent.Originator, client: UInt32 = 0) {
    if unsafe connections.record(slot).pointee.status & Status.offload != 0 { leave(slot) }
    if !events.mask.isEmpty { tellEnd(of: slot, by: originator, client: client) }
    if let place = unsafe connections.record(slot).pointee.sourcePlace {
      let (tuple, pair) = connections.tuple(of: slot)
      limits.give(tuple, pair, place: place)
    } else {
      unsafe limits.give(zone: connections.record(slot).pointee.zone)
    }
    connections.remove(slot)
  }

  // MARK: Events

  /// The number of the connection in a slot.
  public func id(of slot: Int) -> ConnectionID {
    unsafe ConnectionID(
      shard: events.shard, epoch: connections.counts.pointee.epoch, slot: slot,
      generation: connections.record(slot).pointee.generation)
  }

  /// Writes an event of a connection that is in the table.
  @inline(never)
  mutating func tell(
    _ kind: ConnectionEvent.Kind, of slot: Int, by originator: ConnectionEvent.Originator = .packet,
    client: UInt32 = 0, changes: ConnectionEvent.Changes = []
  ) {
    let record = unsafe connections.record(slot)
    unsafe events.say(record.pointee.packets, of: slot)
    // Its first packet is no news to who wants refreshes and no beginnings.
    guard unsafe events.tells(record.pointee.zone), kind != .new || events.mask.contains(.new) else { return }
    if unsafe record.pointee.extension != 0, !isToTell(kind, changes, of: slot) { return }
    let context = EventLog.Context(kind: kind, originator: originator, client: client, changes: changes, at: moment)
    let entry = unsafe events.begin(context)
    unsafe connections.write(slot, as: id(of: slot), now: now, to: &entry.pointee.image)
    if kind == .destroy { unsafe entry.pointee.image.record.status |= Status.dying }
    unsafe events.end(entry, context)
  }

  /// Writes what is known of a connection that is about to leave the table: what changed last, and its end.
  @inline(never)
  private mutating func tellEnd(of slot: Int, by originator: ConnectionEvent.Originator, client: UInt32) {
    let changes = events.takeNote(of: slot)
    // That it would have lived on is no news any more.
    if events.mask.contains(.update), !changes.subtracting(.timeout).isEmpty {
      tell(.update, of: slot, changes: changes)
    }
    if !events.mask.isDisjoint(with: [.destroy, .keeps]) {
      tell(.destroy, of: slot, by: originator, client: client)
    }
  }

  /// Writes what changed in a connection since it was last written about, if that is wanted.
  mutating func tellChanges(of slot: Int) {
    let changes = events.takeNote(of: slot)
    guard !changes.isEmpty else { return }
    let isWanted =
      changes == .timeout ? events.takesRefresh(of: slot, in: tick) : events.mask.contains(.update)
    if isWanted { tell(.update, of: slot, changes: changes) }
  }

  /// Writes what changed in this breath.
  @inline(__always)
  public mutating func publish() {
    if events.hasNotes { publishNotes() }
  }

  /// The same when there may not be room for what the next burst changes.
  @inline(__always)
  public mutating func publishIfFull() {
    if events.isFull { publishNotes() }
  }

  @inline(never)
  private mutating func publishNotes() {
    for place in 0..<events.noted { tellChanges(of: events.noted(place)) }
    events.forgetNotes()
  }

  /// What is written from now on; see `EventLog.set`. What was noted before is written or forgotten.
  @unsafe
  public mutating func setEvents(_ mask: EventMask, zones: UnsafePointer<UInt64>?) {
    publish()
    unsafe events.set(mask, zones: zones)
  }

  /// Who asked for ends knows of those up to an event: they leave the dying list, a bounded number at once.
  @inline(__always)
  public mutating func acknowledge(_ sequence: UInt64) { events.acknowledge(sequence, most: 64) }

  /// Connections that ended wait for those who asked for their ends.
  @inline(__always)
  public var hasDying: Bool { unsafe events.counts.pointee.dying > 0 }

  /// Something was counted of events or orders since `settled` was last called.
  @inline(__always)
  public var hasCountedEvents: Bool { events.isTouched }
  public mutating func settled() { events.isTouched = false }
  public mutating func touched() { events.isTouched = true }

  public var eventCounts: UnsafeMutablePointer<dpdkfwd_event_shard_record> { unsafe events.counts }

  // MARK: Effects

  /// The deadline moves with the next whole second only: at most one store a second. A fixed one does not move.
  @inline(__always)
  private mutating func refresh(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ timeout: UInt32, _ slot: Int) {
    if unsafe record.pointee.status & Status.offload != 0 { return unsafe rest(record) }
    let deadline = tick &+ timeout
    guard unsafe record.pointee.deadline != deadline, unsafe record.pointee.status & Status.fixedTimeout == 0
    else { return }
    unsafe record.pointee.deadline = deadline
    unsafe connections.counts.pointee.refreshes &+= 1
    events.note(.timeout, slot)
  }

  /// The own timeout of a flow rests: the table's is moved.
  @inline(never)
  private mutating func rest(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>) {
    unsafe record.pointee.deadline = tick &+ flows[record.pointee.flow_table].timeout(of: record.pointee.protocol)
  }

  private func answer(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ slot: Int) {
    unsafe record.pointee.status |= Status.seenReply
    events.note(.reply, slot)
  }

  /// Brings a deadline forward that is further away, and further than two minutes. A fixed one does not move.
  private func shorten(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ timeout: UInt32, _ slot: Int) {
    let deadline = tick &+ timeout
    guard unsafe record.pointee.deadline &- now >= 120_000, unsafe record.pointee.status & Status.fixedTimeout == 0,
      unsafe Int32(bitPattern: deadline &- record.pointee.deadline) < 0
    else { return }
    unsafe record.pointee.deadline = deadline
    events.note(.timeout, slot)
  }

  func assure(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ slot: Int) {
    guard unsafe record.pointee.status & Status.assured == 0 else { return }
    unsafe record.pointee.status |= Status.assured
    unsafe connections.counts.pointee.unassured &-= 1
    events.note(.assured, slot)
  }

  /// Counts a packet by what it was found to be: netfilter's `ct state` and `ct direction`.
  @inlinable @inline(__always)
  public func count(_ state: PacketState, _ direction: Direction) {
    let place: Int =
      switch state {
      case .new, .established, .related: Int(state.rawValue) &+ 3 &* Int(direction.rawValue)
      case .invalid: 6
      case .untracked: 7
      }
    unsafe connections.classes[place] &+= 1
  }

  /// Counts packets that the flow cache served.
  @inlinable @inline(__always)
  public func countHits(_ count: UInt64) {
    unsafe connections.counts.pointee.cache_hits &+= count
    unsafe connections.counts.pointee.found &+= count
  }
  /// Counts a packet whose connection was found beside it, and that meets rules.
  @inlinable @inline(__always)
  public func countFound() { unsafe connections.counts.pointee.found &+= 1 }
  /// Counts a packet that it did not serve, by the reason.
  @inlinable @inline(__always)
  public func countMiss(_ reason: Int) { unsafe connections.cacheMisses[reason] &+= 1 }

  /// Packets that were found invalid, by the raw value of the fault.
  public func faultCount(_ fault: Int) -> UInt64 { faults[fault] }

  /// Counts a packet that fits nothing.
  public mutating func invalid(_ fault: TrackingFault) -> Tracked {
    unsafe connections.counts.pointee.invalid &+= 1
    faults[Int(fault.rawValue)] &+= 1
    return Tracked(.invalid)
  }
}
