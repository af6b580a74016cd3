internal import Conntrack
internal import FlowCache
internal import Primitives
internal import Wire

// Stages 3 to 6 of the journey: what each packet belongs to, whether it may go on, and where that was decided before.
extension Journey {
  /// Readies the tuples of a burst and asks for the memory that they lead to: index first, then records.
  @inline(__always)
  mutating func lookAhead(_ packets: Span<Packet>, from ingress: PortID, _ path: FastPath) {
    let count = min(packets.count, Self.burst)
    let secret = tracker.secret
    let isZoned = !tracker.zones.isTrivial
    for i in 0..<count {
      guard exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 else { continue }
      // Fields one by one: a summary as a whole would be copied.
      let kind = summaries[i].kind
      let network = Int(summaries[i].networkOffset)
      let bytes = packets[i].packetBytes
      let isPlain = summaries[i].invalid == .none && !isZoned
      if isPlain, kind == .ipv4TCP || kind == .ipv4UDP, bytes.holds(20, at: network) {
        ways[i] = .flow
        tuples[i] = Tuple(
          source: bytes.ipv4(checked: network &+ 12), destination: bytes.ipv4(checked: network &+ 16),
          ports: (summaries[i].sourcePort, summaries[i].destinationPort), transport: summaries[i].transport, zone: 0,
          secret: secret)
      } else if isPlain, kind == .ipv6TCP || kind == .ipv6UDP, bytes.holds(40, at: network) {
        ways[i] = .flow
        tuples[i] = Tuple(
          bytes.ipv6Pair(checked: network), ports: (summaries[i].sourcePort, summaries[i].destinationPort),
          transport: summaries[i].transport, zone: 0, secret: secret)
      } else {
        lookAtOther(packets[i], i, from: ingress)
        guard ways[i] == .flow else { continue }
      }
      path.prefetchIndex(tuples[i])
    }
    for i in 0..<count where ways[i] == .flow { path.prefetchRecord(tuples[i]) }
  }

  /// The tuple of anything but TCP and UDP, and of all packets when there are zones.
  @inline(never)
  private mutating func lookAtOther(_ packet: Packet, _ i: Int, from ingress: PortID) {
    let packet = face(packet, i)
    let headers = UInt32(max(summaries[i].transportOffset, summaries[i].networkOffset)) + 8
    let bytes = (packet.isWhole || headers <= packet.contiguous ? packet : gathered(packet)).packetBytes
    let zones = tracker.zones.zones(port: ingress.rawValue, summaries[i])
    ways[i] = Tracker.way(of: bytes, summaries[i], zone: zones.original, tracker.secret, into: &tuples[i])
    if ways[i] == .flow, zones.isSplit { ways[i] = .splitFlow }
  }

  /// Tracks each packet in turn, and lets it go on or not. A connection that one packet opens or closes is so for the
  /// next one of the same burst.
  @inline(__always)
  mutating func track(_ packets: Span<Packet>, from ingress: PortID, to egress: Egress, _ path: FastPath) {
    let cache = cache
    let isOn = cache.isOn && path.isUniform
    let isOpen = isOn && FlowCache.canRemember(egress.port) && takesAll(packets, egress)
    if assembled != 0 { return trackEach(packets, from: ingress, to: egress, path, isOpen: isOpen) }
    var hits: UInt64 = 0
    for i in 0..<min(packets.count, Self.burst) {
      guard exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 else { continue }
      if ways[i] == .flow, isOpen, serve(packets[i], i, egress.port, path, cache) {
        verdicts[i] = .forward(egress.port)
        hits &+= 1
      } else {
        if ways[i] == .flow, isOn, !isOpen { tracker.countMiss(CacheMiss.egress.rawValue) }
        classic(packets[i], i, from: ingress, to: egress)
      }
    }
    tracker.countHits(hits)
  }

  /// The same when there are datagrams that came in fragments.
  @inline(never)
  private mutating func trackEach(
    _ packets: Span<Packet>, from ingress: PortID, to egress: Egress, _ path: FastPath, isOpen: Bool
  ) {
    let cache = cache
    let isOn = cache.isOn && path.isUniform
    var hits: UInt64 = 0
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      let packet = face(packets[i], i)
      var isOpen = isOpen
      if assembled & 1 &<< UInt32(truncatingIfNeeded: i) != 0 {
        isOpen = leavesAsItCame(i, egress)
        isOpen = isOpen && isOn && FlowCache.canRemember(egress.port)
      }
      if ways[i] == .flow, isOpen, serve(packet, i, egress.port, path, cache) {
        verdicts[i] = .forward(egress.port)
        hits &+= 1
      } else {
        if ways[i] == .flow, isOn, !isOpen { tracker.countMiss(CacheMiss.egress.rawValue) }
        classic(packet, i, from: ingress, to: egress)
      }
    }
    tracker.countHits(hits)
  }

  /// The flow cache: what was decided before is done again, after the packet has had its effect on the connection.
  @inline(__always)
  private mutating func serve(
    _ packet: Packet, _ i: Int, _ egress: PortID, _ path: FastPath, _ cache: FlowCache
  ) -> Bool {
    let transport = summaries[i].transport
    let miss = FlowCache.servable(
      summaries[i].flags, hopLimit: summaries[i].hopLimit, transport, tcpFlags: summaries[i].tcpFlags)
    if let miss { return missed(miss) }
    let bytes = packet.packetBytes
    guard let found = path.find(tuples[i], bytes.ipv6Pair(at: Int(summaries[i].networkOffset))) else {
      return missed(.cold)
    }
    if let miss = unsafe cache.miss(found.record, found.direction, egress) { return missed(miss) }
    let state = path.advance(
      found, bytes, transport, at: summaries[i].transportOffset, end: summaries[i].datagramEnd,
      length: summaries[i].datagramLength)
    guard let state else { return missed(.tcpState) }
    tracker.count(state, found.direction)
    return true
  }

  /// Inline: behind a call that may change the journey nothing of it could stay in registers, and one that may not would
  /// be given a copy of it.
  @inline(__always)
  private func missed(_ miss: CacheMiss) -> Bool {
    tracker.countMiss(miss.rawValue)
    return false
  }

  /// The classic path: track, ask the policy, ask the egress, and only then take a new connection up.
  @inline(never)
  private mutating func classic(_ packet: Packet, _ i: Int, from ingress: PortID, to egress: Egress) {
    var tracked = judged(packet, i, from: ingress)
    tracker.count(tracked.state, tracked.direction)
    if let reason = refusal(of: tracked, from: ingress) { return except(packet, i, reason) }
    // Not behind `??`: whoever is called from an autoclosure gets a copy of the journey, and brings it back.
    if let reason = refusal(by: egress, of: packet, i) { return except(packet, i, reason) }
    if tracked.isUnconfirmed, let refusal = tracker.confirm(&tracked) { return except(packet, i, DropReason(refusal)) }
    verdicts[i] = .forward(egress.port)
    if packet.marks.needsWork { exceptions |= 1 << UInt32(i) }
    if tracked.slot >= 0, tracked.state != .related {
      unsafe cache.remember(tracker.table.record(Int(tracked.slot)), tracked.direction, egress.port)
    }
  }

  private mutating func judged(_ packet: Packet, _ i: Int, from ingress: PortID) -> Tracked {
    switch ways[i] {
    case .flow, .splitFlow, .error:
      // Quotes, options and chunks lie behind the headers.
      return judged(
        packet.isWhole ? packet : gathered(packet), i, tracker.zones.zones(port: ingress.rawValue, summaries[i]))
    case .untracked: return Tracked(.untracked)
    case .invalid: return tracker.invalid(.malformed)
    }
  }

  /// The same of a packet in one piece.
  @inline(__always)
  mutating func judged(_ whole: Packet, _ i: Int, _ zones: ZonePair) -> Tracked {
    switch ways[i] {
    case .flow, .splitFlow, .error:
      return ways[i] == .error
        ? tracker.judgeError(whole.packetBytes, summaries[i], zones)
        : tracker.judge(whole.packetBytes, summaries[i], tuples[i], zones)
    case .untracked: return Tracked(.untracked)
    case .invalid: return tracker.invalid(.malformed)
    }
  }

  /// What the operator says of the packet, before there are rules.
  private func refusal(of tracked: Tracked, from ingress: PortID) -> DropReason? {
    switch tracked.state {
    case .invalid: policy.invalid == .drop ? .invalid : nil
    // One that is there, because somebody asked for it, is not opened any more.
    case .new: tracked.isUnconfirmed && policy.refusesNew(from: ingress) ? .newRefused : nil
    case .established, .related, .untracked: nil
    }
  }

  mutating func except(_ packet: Packet, _ i: Int, _ reason: DropReason) {
    drop(packet, i, reason)
    exceptions |= 1 << UInt32(i)
  }
}

extension DropReason {
  init(_ refusal: Refusal) {
    self =
      switch refusal {
      case .shardFull: .connectionTableFull
      case .totalReached: .connectionLimit
      case .zoneReached: .zoneLimit
      case .sourceReached: .sourceLimit
      case .tupleTaken: .tupleTaken
      }
  }
}

extension Packet {
  /// The contiguous bytes, as trackers read them.
  @inline(__always)
  var packetBytes: PacketBytes { unsafe PacketBytes(bytes, count: Int(contiguous)) }
}
