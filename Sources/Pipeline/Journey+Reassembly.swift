internal import Conntrack
internal import Primitives
internal import Reassembly
internal import Steering
internal import Wire

// Stage 3 of the journey: fragments wait for their datagram. What is whole goes on as one packet, in the place of the
// fragment that came last.
extension Journey {
  /// Kinds of which `reassemble` takes note, one bit each.
  private static var fragmentKinds: UInt32 {
    1 &<< UInt32(PacketKind.ipv4Fragment.rawValue) | 1 &<< UInt32(PacketKind.ipv6Fragment.rawValue)
  }

  @inline(__always)
  mutating func reassemble(_ packets: Span<Packet>, by crossing: Crossing, at now: Instant) {
    if kindsInHand & Self.fragmentKinds != 0 { reassembleEach(packets, by: crossing, at: now) }
  }

  @inline(never)
  private mutating func reassembleEach(_ packets: Span<Packet>, by crossing: Crossing, at now: Instant) {
    let milliseconds = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
    if fragments.tellsEnds { fragments.moment = tracker.wallZero &+ now.nanoseconds }
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      guard isReassembled(i) else { continue }
      // Read once: what borrows the journey would copy all summaries for one.
      let summary = summaries[i]
      let arrival = arrival(packets[i], summary, from: crossing.port)
      let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: i)
      switch fragments.take(arrival, summary, now: milliseconds) {
      case .held:
        verdicts[i] = .hold
        kept |= bit
        exceptions |= bit
      case .refused(let event):
        drop(packets[i], i, DropReason(event))
        exceptions |= bit
      case .complete(let slot):
        kept |= bit
        assembled |= bit
        slots[i] = Int32(truncatingIfNeeded: slot)
        goOn(whole: packets[i], i, slot, by: crossing)
      }
      accountDiscards()
    }
  }

  /// Whether the packet is a fragment that waits for others.
  @inline(__always)
  mutating func isReassembled(_ i: Int) -> Bool {
    let flags = summaries[i].flags
    return flags.contains(.fragment) && fragments.isOn(ipv6: flags.contains(.ipv6))
  }

  /// What the table is told of a fragment.
  @inline(__always)
  private mutating func arrival(_ packet: Packet, _ summary: Summary, from ingress: PortID) -> FragmentArrival {
    let network = Int(summary.networkOffset)
    let isIPv6 = summary.flags.contains(.ipv6)
    // Of IPv6 with what says how long TCP's header is: all of that must be there.
    let headers = isIPv6 ? max(Int(summary.fragmentHeader) &+ 8, Int(summary.transportOffset) &+ 13) : network &+ 20
    let bytes = (packet.isWhole || headers <= Int(packet.contiguous) ? packet : gathered(packet)).packetBytes
    let zones = tracker.zones.zones(port: ingress.rawValue, summary)
    let zone = zones.original != 0 ? zones.original : zones.reply
    let vlans = (
      summary.vlanCount > 0 ? summary.outerVLAN & 0xFFF : FragmentKey.noVLAN,
      summary.vlanCount > 1 ? summary.innerVLAN & 0xFFF : FragmentKey.noVLAN
    )
    let key: FragmentKey
    let payload: Int
    let ecn: UInt8
    if isIPv6 {
      let pair = bytes.ipv6Pair(at: network)
      key = FragmentKey(
        ipv6: pair.source, pair.destination, identification: summary.identification, zone: zone, vlans: vlans,
        tags: summary.vlanCount,
        fragments.secret)
      payload = Int(summary.fragmentHeader) &+ 8
      ecn = bytes.read(UInt8.self, at: network &+ 1) >> 4 & 3
    } else {
      key = FragmentKey(
        ipv4: bytes.ipv4(at: network &+ 12), bytes.ipv4(at: network &+ 16), protocol: summary.transport,
        identification: summary.identification, zone: zone, vlans: vlans, tags: summary.vlanCount,
        fragments.secret)
      payload = network &+ Int(bytes.read(UInt8.self, at: network) & 15) &* 4
      ecn = bytes.read(UInt8.self, at: network &+ 1) & 3
    }
    let held = unsafe HeldFragment(
      handle: packet.handle, bytes: packet.bytes, contiguous: packet.contiguous, length: packet.length,
      network: summary.networkOffset, payload: UInt16(truncatingIfNeeded: payload), marks: packet.marks.rawValue)
    return FragmentArrival(
      key: key, packet: held, offset: UInt32(summary.fragmentOffset),
      length: summary.datagramEnd &- UInt32(truncatingIfNeeded: payload),
      more: summary.flags.contains(.moreFragments), ecn: ecn,
      dontFragment: summary.flags.contains(.dontFragment), mbufs: packet.segments,
      packetLength: summary.datagramEnd &- UInt32(summary.networkOffset),
      overhead: UInt32(truncatingIfNeeded: isIPv6 ? payload &- 8 &- network &- 40 : payload &- network),
      ports: (summary.sourcePort, summary.destinationPort), transport: summary.transport,
      headerFault: summary.invalid == .none && !isIPv6 ? nil : headerFault(bytes, summary))
  }

  /// What is wrong with a fragment's headers. An IPv6 datagram whose first fragment does not hold all of them, the
  /// transport's included, is never put together (RFC 7112 §5).
  private func headerFault(_ bytes: PacketBytes, _ summary: Summary) -> FragmentEvent? {
    guard summary.flags.contains(.ipv6) else { return nil }
    switch summary.invalid {
    case .ipv6ChainTooLong: return .badHeader
    case .ipv6ChainCut: return summary.flags.contains(.firstFragment) ? .headerChain : .badHeader
    case .tcpShort, .udpShort, .icmpShort, .icmpv6Short, .sctpShort, .greShort: return .headerChain
    default: break
    }
    guard summary.flags.contains(.firstFragment), summary.transport == IPProtocol.tcp else { return nil }
    let at = Int(summary.transportOffset)
    let header = Int(bytes.read(UInt8.self, at: at &+ 12) >> 4) &* 4
    return at &+ header > Int(summary.datagramEnd) ? .headerChain : nil
  }

  /// A datagram is whole: from here on it is one packet, and goes to the worker that owns its flow.
  private mutating func goOn(whole packet: Packet, _ i: Int, _ slot: Int, by crossing: Crossing) {
    var summary = fragments.first(slot)
    let front = fragments.packet(fragments.firstPiece(slot))
    let payload = (start: Int(front.payload), length: Int(fragments.payloadLength(slot)))
    // A header that the first fragment ends in goes on in the next one.
    let isFrontEnough = unsafe summary.becomeWhole(payload: payload, self.front(slot).span)
    if !isFrontEnough || policy.checksum != .off {
      let whole = buffer.whole(slot, of: fragments, gathering)
      if !isFrontEnough { _ = unsafe summary.becomeWhole(payload: payload, whole.span) }
      if policy.checksum != .off, !summary.isSuspect { summary.invalid = unsafe summary.verifyTransport(whole.span) }
    }
    summaries[i] = summary
    if handsOff(packet, i, summary, by: crossing) { return }
    let family = summary.flags.contains(.ipv6) ? 1 : 0
    if ProtocolGroup(summary.transport, isIPv6: family == 1) == .other {
      fragments.count(.unknownProtocol, family, UInt64(fragments.pieceCount(slot)))
    }
    if summary.isSuspect {
      tally.count(summary.invalid)
      if policy.invalid == .drop, !tracker.settings.isOn { return drop(packet, i, .invalid) }
    }
  }

  /// Whether the flow of a datagram that is whole is another worker's, who gets it.
  private mutating func handsOff(_ packet: Packet, _ i: Int, _ summary: Summary, by crossing: Crossing) -> Bool {
    // By address pair an ICMP error goes by what it quotes, which only now can be read.
    guard crossing.group >= 0, owners.isByPorts || summary.isWholeICMP else { return false }
    let whole = face(packet, i)
    let owner = unsafe owners.owner(of: summary, in: whole.span, group: Int(crossing.group))
    guard owner != owners.worker else { return false }
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: i)
    verdicts[i] = .handOff(owner)
    handOffs |= bit
    exceptions |= bit
    return true
  }

  // MARK: What stands for a datagram

  /// The packet in whose bytes headers are read: of a datagram that came in fragments the first of these, if it holds
  /// the transport's header, or else a copy of it all.
  @inline(__always)
  mutating func face(_ packet: Packet, _ i: Int) -> Packet {
    if assembled & 1 &<< UInt32(truncatingIfNeeded: i) == 0 { return packet }
    return datagramFace(i)
  }

  @inline(never)
  private mutating func datagramFace(_ i: Int) -> Packet {
    let slot = Int(slots[i])
    let front = front(slot)
    let at = Int(summaries[i].transportOffset)
    let isShown: Bool
    switch summaries[i].transport {
    case IPProtocol.udp: isShown = at &+ 8 <= Int(front.contiguous)
    case IPProtocol.tcp:
      let header = Int(front.packetBytes.read(UInt8.self, at: at &+ 12) >> 4) &* 4
      isShown = at &+ max(20, header) <= Int(front.contiguous)
    default: isShown = false
    }
    return isShown ? front : buffer.whole(slot, of: fragments, gathering)
  }

  /// The first fragment up to its end, as far as it is in one piece.
  @inline(__always)
  private mutating func front(_ slot: Int) -> Packet {
    let link = fragments.firstPiece(slot)
    let held = fragments.packet(link)
    let end = UInt32(held.payload) &+ UInt32(truncatingIfNeeded: fragments.payloadLength(ofPiece: link))
    let count = min(held.contiguous, end)
    return unsafe Packet(handle: held.handle, bytes: held.bytes, contiguous: count, length: count)
  }

  /// All of a datagram in one piece, a copy that stays until the next one is asked for.
  func wholeDatagram(_ slot: Int) -> Packet { buffer.whole(slot, of: fragments, gathering) }

  /// How the fragments of a datagram leave.
  mutating func judgeEgress(_ slot: Int, _ egress: Egress) -> FragmentsEgress {
    let held = fragments.packet(fragments.firstPiece(slot))
    let longest = fragments.largestFrame(slot)
    let verdict = egress.judge(
      longestFrame: longest, PacketMarks(rawValue: fragments.marks(slot)), vlanCount: fragments.vlanCount(slot),
      overhead: UInt32(held.payload) &- UInt32(held.network), isUncuttable: fragments.isUncuttable(slot))
    guard verdict == .asTheyCame, longest > min(egress.longest, egress.longestChained) else { return verdict }
    return carriesEach(slot, egress) ? verdict : .refused(.txOversize)
  }

  /// The longest of the fragments may lie in one segment, and another one in several.
  @inline(never)
  private mutating func carriesEach(_ slot: Int, _ egress: Egress) -> Bool {
    var link = fragments.firstPiece(slot)
    while link != 0 {
      let held = fragments.packet(link)
      guard egress.carries(held.length, isWhole: held.contiguous == held.length) else { return false }
      link = fragments.piece(after: link)
    }
    return true
  }

  /// The same for packet `i`, a datagram or not; takes note of those that must be cut.
  @inline(__always)
  mutating func refusal(by egress: Egress, of packet: Packet, _ i: Int) -> DropReason? {
    if assembled & 1 &<< UInt32(truncatingIfNeeded: i) != 0 { return datagramRefusal(by: egress, i) }
    return egress.refuses(packet, summaries[i])
  }

  @inline(never)
  private mutating func datagramRefusal(by egress: Egress, _ i: Int) -> DropReason? {
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: i)
    switch judgeEgress(Int(slots[i]), egress) {
    case .asTheyCame: return nil
    case .cut:
      cuts |= bit
      return nil
    case .refused(let reason): return reason
    }
  }

  /// Whether nothing keeps a datagram's fragments from leaving by that port as they came.
  mutating func leavesAsItCame(_ i: Int, _ egress: Egress) -> Bool {
    let slot = Int(slots[i])
    return egress.takesAll(upTo: fragments.largestFrame(slot), PacketMarks(rawValue: fragments.marks(slot)))
  }

  // MARK: Ends

  /// A datagram goes nowhere: all its fragments are dropped, for one reason.
  mutating func dropDatagram(_ i: Int, _ reason: DropReason) {
    let slot = Int(slots[i])
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: i)
    assembled &= ~bit
    handOffs &= ~bit
    exceptions |= bit
    verdicts[i] = .drop(reason)
    tally.count(reason, packets: UInt64(fragments.pieceCount(slot)), bytes: fragments.frameBytes(slot))
    fragments.release(slot)
  }

  /// What the table discarded has its reasons among the drops.
  @inline(__always)
  mutating func accountDiscards() {
    if fragments.discarded != 0 { accountEach() }
  }

  @inline(never)
  private mutating func accountEach() {
    var pending = fragments.discarded
    while pending != 0 {
      if let event = FragmentEvent(rawValue: UInt8(pending.trailingZeroBitCount)) {
        let discard = fragments.discards(event)
        tally.count(DropReason(event), packets: discard.packets, bytes: discard.bytes)
      }
      pending &= pending &- 1
    }
    fragments.accounted()
  }

  /// Fragments that still wait go to `dead`, for a reason.
  mutating func purgeFragments(_ reason: DropReason) {
    fragments.purge(0)
    fragments.purge(1)
    let purged = fragments.discards(.purged)
    tally.count(reason, packets: purged.packets, bytes: purged.bytes)
    fragments.accounted()
  }

  /// A frame at fault that would have been a fragment.
  mutating func countTruncated(_ packet: Packet, _ i: Int) {
    let network = Int(summaries[i].networkOffset)
    let bytes = packet.packetBytes
    switch summaries[i].fault {
    case .ipv4TotalLengthBeyondFrame where bytes.read(UInt16.self, at: network + 6) & 0x3FFF != 0:
      fragments.count(.truncated, 0)
    case .ipv6PayloadBeyondFrame where bytes.read(UInt8.self, at: network + 6) == IPProtocol.fragment:
      fragments.count(.truncated, 1)
    default: break
    }
  }
}
