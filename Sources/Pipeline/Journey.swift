// Pipeline: what becomes of a packet. A worker hands in the burst it received; the journey answers with one verdict a
// packet and keeps the tally. It owns the summaries and verdicts of the burst in hand and nothing of the packets: those
// belong to the worker, before and after. It knows no clock, no NIC and no mbuf, so every journey runs in a unit test.

public import Conntrack
public import FlowCache
public import Primitives
public import Reassembly
public import Rules
public import Steering
public import Wire

/// A packet's journey on one page: the stages every burst passes, in order.
///
/// A stage is straight-line work over the whole burst, so that the memory latency of one packet hides behind the next.
/// Verdicts are kept by packet index and leave in that order: nothing overtakes.
public struct Journey: ~Copyable {
  /// The most packets of one burst.
  public static let burst = 32

  public internal(set) var summaries = InlineArray<32, Summary>(repeating: Summary())
  /// One for each packet of the burst in hand, when `decide` is through.
  public internal(set) var verdicts = InlineArray<32, Verdict>(repeating: .drop(.noPair))
  /// One bit for each packet of the burst that is not to be sent just as it came: it is dropped, handed off, or must be
  /// finished.
  public internal(set) var exceptions: UInt32 = 0
  /// One bit for each packet of another worker's flow.
  public internal(set) var handOffs: UInt32 = 0
  public internal(set) var tally = Tally()
  public internal(set) var tracker: Tracker
  public internal(set) var cache: FlowCache
  /// The rules, and what they refer to.
  public internal(set) var rules: RuleEngine
  var ruleSetup = RuleSetup()
  var traces: RuleTraceLog
  /// The number under which the packet in hand is traced; 0: it is not.
  var traced: UInt32 = 0
  /// There are rules, or none may pass without.
  var isRuled = false
  /// One bit for each hook that has rules or programs.
  var hooksInUse: UInt8 = 0
  let policy: Policy
  let gathering: Gathering
  let owners: OwnerTable
  /// Fragments that wait, and datagrams that go on.
  public internal(set) var fragments: Reassembly
  let buffer: DatagramBuffer
  /// One bit for each packet of the burst that is the fragment table's: it waits, it completed a datagram, or it died.
  public internal(set) var kept: UInt32 = 0
  /// One bit for each that completed a datagram which is to leave in its place, and for each of these that is to be cut
  /// anew.
  public internal(set) var assembled: UInt32 = 0
  public internal(set) var cuts: UInt32 = 0
  /// Where the fragment table has those datagrams.
  var slots = InlineArray<32, Int32>(repeating: 0)
  /// What kinds of packets there are in the burst, one bit each.
  var kindsInHand: UInt32 = 0
  /// How each packet of the burst in hand is tracked, and the tuples of those that have one.
  var ways = InlineArray<32, Way>(repeating: .untracked)
  var tuples = InlineArray<32, Tuple>(repeating: Tuple())

  /// - Parameters:
  ///   - owners: who owns what, when there are several workers.
  ///   - tracker: `.off()`: connections are not tracked.
  ///   - fragments: `.off()`: fragments are packets like others.
  ///   - rules: the worker's part of what rules keep.
  ///   - traces: where it tells of packets that rules trace.
  public init(
    policy: Policy, owners: consuming OwnerTable = OwnerTable(), tracker: consuming Tracker = .off(),
    cache: FlowCache = FlowCache(), fragments: consuming Reassembly = .off(),
    rules: consuming RuleEngine = RuleStates(workers: 1).engine(worker: 0),
    traces: RuleTraceLog = RuleTraceLog(nil), gather: @escaping GatherFrame
  ) {
    self.policy = policy
    self.owners = owners
    self.tracker = tracker
    self.cache = cache
    self.fragments = fragments
    self.rules = rules
    self.traces = traces
    gathering = unsafe Gathering(gather)
    buffer = DatagramBuffer()
  }

  /// Decides what becomes of each packet of a burst that came in by one port; the answers are in `verdicts`.
  ///
  /// Later stages stand between these: hooks, routes and edits.
  ///
  /// - Parameters:
  ///   - packets: at most `burst`; what goes beyond is not looked at.
  ///   - ingress: the port they came in by.
  ///   - now: on the worker's clock.
  @inline(__always)
  public mutating func decide(_ packets: Span<Packet>, by crossing: Crossing, at now: Instant) {
    forgetDatagrams()
    let suspects = parse(packets, counts: true)
    exceptions = judge(packets, suspects)
    steer(packets, by: crossing)
    goOn(packets, by: crossing, at: now)
  }

  /// The same for packets that another worker received and handed over: it has counted them and judged their headers,
  /// and they stay.
  @inline(never)
  public mutating func decideHandedOff(_ packets: Span<Packet>, by crossing: Crossing, at now: Instant) {
    forgetDatagrams()
    _ = parse(packets, counts: false)
    exceptions = 0
    handOffs = 0
    goOn(packets, by: crossing, at: now)
  }

  /// The datagrams of the last burst are gone: whatever drops a packet of this one asks whether it stands for one.
  @inline(__always)
  private mutating func forgetDatagrams() { (kept, assembled, cuts) = (0, 0, 0) }

  /// What only the owner of a packet does.
  @inline(__always)
  private mutating func goOn(_ packets: Span<Packet>, by crossing: Crossing, at now: Instant) {
    reassemble(packets, by: crossing, at: now)
    if tracker.settings.isOn {
      tracker.advance(to: now)
      tracker.publishIfFull()
      let path = tracker.fastPath
      lookAhead(packets, from: crossing.port, path)
      if isRuled {
        judge(byRules: packets, by: crossing, path, at: now)
      } else {
        track(packets, from: crossing.port, to: crossing.egress, path)
      }
    } else if isRuled {
      judge(byRules: packets, by: crossing, nil, at: now)
    } else {
      bridge(packets, to: crossing.egress)
    }
    exceptions |= assembled
  }

  // MARK: 1. Parse

  /// Reads every packet once; what does not fit its own headers gets its fault or its reason here.
  ///
  /// - Parameter counts: each packet under its kind.
  /// - Returns: one bit for each packet that has either.
  @inline(__always)
  private mutating func parse(_ packets: Span<Packet>, counts: Bool) -> UInt32 {
    (kept, assembled, cuts) = (0, 0, 0)
    var suspects: UInt32 = 0
    var kinds: UInt32 = 0
    for i in 0..<min(packets.count, Self.burst) {
      let packet = packets[i]
      let isPlain = unsafe Summary.read(packet.span, frameLength: packet.frameLength, into: &summaries[i])
      if !isPlain || policy.checksum != .off, lookAgain(packet, i, counts: counts) {
        suspects |= 1 &<< UInt32(truncatingIfNeeded: i)
      }
      kinds |= 1 &<< UInt32(summaries[i].kind.rawValue)
      if counts { tally.count(summaries[i].kind, bytes: packet.length) }
    }
    kindsInHand = kinds
    if counts { tally.touchedKinds |= kinds }
    return suspects
  }

  /// What only some packets need: headers that are spread over several segments are read from a copy in one piece, and
  /// the checksum above IP is judged.
  ///
  /// - Returns: whether something is wrong with the packet, in its IP header or above.
  @inline(never)
  private mutating func lookAgain(_ packet: Packet, _ i: Int, counts: Bool) -> Bool {
    if summaries[i].flags.contains(.needsMore) {
      let whole = gathering.whole(packet)
      unsafe Summary.read(whole.span, frameLength: packet.frameLength, into: &summaries[i])
    }
    if counts, summaries[i].flags.contains(.atomicFragment) { fragments.count(.atomic, 1) }
    if policy.checksum != .off { checkTransport(packet, i) }
    return summaries[i].isSuspect
  }

  /// Judges the checksum above IP, by the port's word or by adding up, if nothing else is wrong so far.
  private mutating func checkTransport(_ packet: Packet, _ i: Int) {
    // A sender on this host left the sum to the hardware: what is in the field is no fault.
    guard !packet.marks.contains(.checksumPartial), !packet.marks.contains(.checksumGood) else { return }
    guard !summaries[i].isSuspect else { return }
    // The port says only that some sum is bad; adding up tells which, and guards against a port's false alarm.
    if policy.checksum == .hardware, !packet.marks.contains(.checksumBad) { return }
    let whole = packet.isWhole ? packet : gathering.whole(packet)
    summaries[i].invalid = unsafe summaries[i].verifyTransport(whole.span)
  }

  // MARK: 2. Judge

  /// A faulty IP header ends the journey; an invalid packet is counted and goes by policy.
  ///
  /// - Returns: one bit for each packet that is dropped.
  @inline(__always)
  private mutating func judge(_ packets: Span<Packet>, _ suspects: UInt32) -> UInt32 {
    suspects == 0 ? 0 : judgeSuspects(packets, suspects)
  }

  @inline(never)
  private mutating func judgeSuspects(_ packets: Span<Packet>, _ suspects: UInt32) -> UInt32 {
    var dropped: UInt32 = 0
    for i in 0..<min(packets.count, Self.burst) where suspects & 1 << UInt32(i) != 0 {
      if summaries[i].fault != .none {
        countTruncated(packets[i], i)
        drop(packets[i], i, DropReason(summaries[i].fault))
        dropped |= 1 << UInt32(i)
      } else if !isReassembled(i) {
        tally.count(summaries[i].invalid)
        // The tracker's judgement includes this one.
        guard policy.invalid == .drop, !tracker.settings.isOn else { continue }
        drop(packets[i], i, .invalid)
        dropped |= 1 << UInt32(i)
      }
    }
    return dropped
  }

  // MARK: 7. Egress

  /// Out by the other port of the pair, if that can take the packet.
  @inline(__always)
  private mutating func bridge(_ packets: Span<Packet>, to egress: Egress) {
    if exceptions | assembled == 0, takesAll(packets, egress) {
      for i in 0..<min(packets.count, Self.burst) { verdicts[i] = .forward(egress.port) }
    } else {
      bridgeEach(packets, to: egress)
    }
  }

  /// Whether each of the packets can leave by that port as it is.
  @inline(__always)
  func takesAll(_ packets: Span<Packet>, _ egress: Egress) -> Bool {
    var longest: UInt32 = 0
    var marks = PacketMarks()
    for i in packets.indices {
      longest = max(longest, packets[i].length)
      marks.formUnion(packets[i].marks)
    }
    return egress.takesAll(upTo: longest, marks)
  }

  /// The closer look, when some of the burst do not just leave.
  @inline(never)
  private mutating func bridgeEach(_ packets: Span<Packet>, to egress: Egress) {
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 << UInt32(i) == 0 {
      if let reason = refusal(by: egress, of: packets[i], i) {
        drop(packets[i], i, reason)
        exceptions |= 1 << UInt32(i)
      } else {
        verdicts[i] = .forward(egress.port)
        if packets[i].marks.needsWork { exceptions |= 1 << UInt32(i) }
      }
    }
  }

  mutating func drop(_ packet: Packet, _ i: Int, _ reason: DropReason) {
    if assembled & 1 &<< UInt32(truncatingIfNeeded: i) != 0 { return dropDatagram(i, reason) }
    verdicts[i] = .drop(reason)
    tally.count(reason, bytes: packet.length)
  }

  /// The frame in one piece, a copy that stays until the next one is asked for.
  func gathered(_ packet: Packet) -> Packet { gathering.whole(packet) }

  /// What was decided before is out of date.
  mutating func invalidateCache() { cache.invalidate() }

  /// Datagrams that end in one breath because their time is over, or to make room.
  static let mostExpired = 8

  /// A share of the housekeeping: connections and fragments whose time is over.
  @inline(__always)
  public mutating func tick(at now: Instant, most: Int) {
    if fragments.tellsEnds { fragments.moment = tracker.wallZero &+ now.nanoseconds }
    fragments.tick(now: UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000), most: Self.mostExpired)
    accountDiscards()
    if rules.isOn { rules.tick(at: now) }
    guard tracker.settings.isOn else { return }
    tracker.advance(to: now)
    tracker.hear(most: 8)
    tracker.sweep(most: most, wiping: cache.generation)
    tracker.publish()
  }

  /// The tally has been copied out: what is touched from now on is new.
  mutating func settled() {
    tally.settled()
    if fragments.isTouched { fragments.settled() }
    if tracker.hasCountedEvents { tracker.settled() }
  }
}

extension Summary {
  /// Something is wrong with the packet, in its IP header or above.
  @inline(__always)
  var isSuspect: Bool { fault.rawValue | invalid.rawValue != 0 }
}
