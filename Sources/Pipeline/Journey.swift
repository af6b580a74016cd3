// Pipeline: what becomes of a packet. A worker hands in the burst it received; the journey answers with one verdict a
// packet and keeps the tally. It owns the summaries and verdicts of the burst in hand and nothing of the packets: those
// belong to the worker, before and after. It knows no clock, no NIC and no mbuf, so every journey runs in a unit test.

internal import Primitives
public import Wire

/// A packet's journey on one page: the stages every burst passes, in order.
///
/// A stage is straight-line work over the whole burst, so that the memory latency of one packet hides behind the next.
/// Verdicts are kept by packet index and leave in that order: nothing overtakes.
public struct Journey: ~Copyable {
  /// The most packets of one burst.
  public static let burst = 32

  public private(set) var summaries = InlineArray<32, Summary>(repeating: Summary())
  public private(set) var verdicts = InlineArray<32, Verdict>(repeating: .drop(.noPair))
  public var tally = Tally()
  private let policy: Policy
  private var gathering: Gathering

  public init(policy: Policy, gather: @escaping GatherFrame) {
    self.policy = policy
    gathering = unsafe Gathering(gather)
  }

  /// Decides what becomes of each packet of a burst that came in by one port; the answers are in `verdicts`.
  ///
  /// Later stages stand between these: owner and handoff, reassembly, flow cache and tracking, hooks, routes and edits.
  @inline(__always)
  public mutating func decide(_ packets: Span<Packet>, to egress: Egress) {
    parse(packets)
    judge(packets)
    bridge(packets, to: egress)
  }

  // MARK: 1. Parse

  /// Reads every packet once; what does not fit its own headers gets its fault or its reason here.
  @inline(__always)
  private mutating func parse(_ packets: Span<Packet>) {
    for i in packets.indices {
      let packet = packets[i]
      unsafe Summary.read(packet.span, frameLength: packet.frameLength, into: &summaries[i])
      if summaries[i].flags.contains(.needsMore) { parseGathered(packet, i) }
      if policy.checksum != .off { checkTransport(packet, i) }
    }
  }

  /// The headers of this frame are spread over several segments: read a copy in one piece.
  @inline(never)
  private mutating func parseGathered(_ packet: Packet, _ i: Int) {
    let whole = gathering.whole(packet)
    unsafe Summary.read(whole.span, frameLength: packet.frameLength, into: &summaries[i])
  }

  /// Judges the checksum above IP, by the port's word or by adding up, if nothing else is wrong so far.
  @inline(never)
  private mutating func checkTransport(_ packet: Packet, _ i: Int) {
    // A sender on this host left the sum to the hardware: what is in the field is no fault.
    guard !packet.marks.contains(.checksumPartial), !packet.marks.contains(.checksumGood) else { return }
    guard summaries[i].fault == .none, summaries[i].invalid == .none else { return }
    // The port says only that some sum is bad; adding up tells which, and guards against a port's false alarm.
    if policy.checksum == .hardware, !packet.marks.contains(.checksumBad) { return }
    let whole = packet.isWhole ? packet : gathering.whole(packet)
    summaries[i].invalid = unsafe summaries[i].verifyTransport(whole.span)
  }

  // MARK: 2. Judge

  /// A faulty IP header ends the journey; an invalid packet is counted and goes by policy.
  @inline(__always)
  private mutating func judge(_ packets: Span<Packet>) {
    for i in packets.indices {
      tally.count(summaries[i].kind, bytes: packets[i].length)
      verdicts[i] = .undecided
      if summaries[i].fault != .none || summaries[i].invalid != .none { judgeBad(packets[i], i) }
    }
  }

  @inline(never)
  private mutating func judgeBad(_ packet: Packet, _ i: Int) {
    if summaries[i].fault != .none {
      drop(packet, i, DropReason(summaries[i].fault))
    } else {
      tally.count(summaries[i].invalid)
      if policy.invalid == .drop { drop(packet, i, .invalid) }
    }
  }

  // MARK: 3. Egress

  /// Out by the other port of the pair, if that can take the packet.
  @inline(__always)
  private mutating func bridge(_ packets: Span<Packet>, to egress: Egress) {
    for i in packets.indices {
      guard case .undecided = verdicts[i] else { continue }
      if egress.takesAny(packets[i]) { verdicts[i] = .forward(egress.port) } else { settle(packets[i], i, egress) }
    }
  }

  @inline(never)
  private mutating func settle(_ packet: Packet, _ i: Int, _ egress: Egress) {
    if let reason = egress.refuses(packet, summaries[i]) { drop(packet, i, reason) } else { verdicts[i] = .forward(egress.port) }
  }

  private mutating func drop(_ packet: Packet, _ i: Int, _ reason: DropReason) {
    verdicts[i] = .drop(reason)
    tally.count(reason, bytes: packet.length)
  }
}
