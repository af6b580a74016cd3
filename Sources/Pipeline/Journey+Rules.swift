internal import CSegment
internal import Conntrack
internal import FlowCache
internal import HookProgram
internal import Primitives
internal import Rules
internal import Wire

// Stages 3 to 6 of the journey when there are rules: flows that rules have put into a flow table pass by the short way,
// and every other packet meets the hooks in netfilter's order. What rules say of a connection holds once its packet has
// been let through.
extension Journey {
  /// - Parameter path: `nil` when connections are not tracked.
  @inline(never)
  mutating func judge(byRules packets: Span<Packet>, by crossing: Crossing, _ path: FastPath?, at now: Instant) {
    if ruleSetup.isClosed { return dropAll(packets) }
    let egress = crossing.egress
    let isOpen = path?.isUniform == true && FlowCache.canRemember(egress.port) && takesAll(packets, egress)
    var hits: UInt64 = 0
    tracker.lookOut()
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      let packet = face(packets[i], i)
      var takesShort = isOpen && !ruleSetup.setsZones
      if assembled & 1 &<< UInt32(truncatingIfNeeded: i) != 0, takesShort { takesShort = leavesAsItCame(i, egress) }
      if takesShort, let path, ways[i] == .flow, pass(packet, i, by: crossing, path) {
        verdicts[i] = .forward(egress.port)
        hits &+= 1
      } else {
        judge(byRules: packet, packets[i], i, by: crossing, path, at: now)
      }
    }
    if path != nil { tracker.countHits(hits) }
  }

  private mutating func dropAll(_ packets: Span<Packet>) {
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      except(packets[i], i, .noRules)
    }
  }

  // MARK: The short way

  /// Lets a packet of a flow pass that rules put into a flow table. What needs a closer look, ends the flow or was decided
  /// under other rules goes the classic way.
  private mutating func pass(_ packet: Packet, _ i: Int, by crossing: Crossing, _ path: FastPath) -> Bool {
    let summary = summaries[i]
    let miss = FlowCache.servable(
      summary.flags, hopLimit: summary.hopLimit, summary.transport, tcpFlags: summary.tcpFlags)
    if let miss {
      tracker.countMiss(miss.rawValue)
      return false
    }
    guard let flow = path.flow(tuples[i], packet.packetBytes.ipv6Pair(at: Int(summary.networkOffset))) else {
      tracker.countMiss(CacheMiss.cold.rawValue)
      return false
    }
    let table = tracker.flows[flow.number]
    let change = unsafe cache.miss(flow.found.record, flow.found.direction, crossing.egress.port)
    let takes = table.takes(crossing.port.rawValue, crossing.egress.port.rawValue)
    if change != nil || !takes {
      tracker.countMiss((change ?? .egress).rawValue)
      // Where its packets of this direction leave may still be to be learned; anything else was decided before.
      let isCurrent = unsafe flow.found.record.pointee.cached_generation == cache.generation
      if change != .cold || !takes || !isCurrent { tracker.takeBack(path.slot(of: flow.found), .outdated) }
      return false
    }
    unsafe path.pass(
      flow, table, summary.transport, length: summary.datagramLength, counts: tracker.flowRecord(flow.number))
    tracker.count(.established, flow.found.direction)
    return true
  }

  // MARK: The classic way

  /// - Parameters:
  ///   - packet: where the headers are read.
  ///   - frame: what came, or what stands for a datagram that came in fragments.
  private mutating func judge(
    byRules packet: Packet, _ frame: Packet, _ i: Int, by crossing: Crossing, _ path: FastPath?, at now: Instant
  ) {
    // Rules may look at anything: what a packet has in several segments is shown in one.
    let shown = packet.isWhole ? packet : gathered(packet)
    var seen = unsafe RulePacket(
      bytes: shown.bytes.assumingMemoryBound(to: UInt8.self), count: Int(shown.contiguous), summary: summaries[i],
      ingress: crossing.port.rawValue)
    traced = 0
    if let reason = refusal(.ingress, &seen, at: now) { return except(frame, i, reason) }
    var zones = tracker.zones.zones(port: crossing.port.rawValue, summaries[i])
    seen.connection.zones = (zones.original, zones.reply)
    if let reason = refusal(.raw, &seen, at: now) { return except(frame, i, reason) }
    var tracked = Tracked(.untracked)
    if let path {
      if seen.effects.changes.contains(.zones) {
        zones = ZonePair(original: seen.connection.zones.original, reply: seen.connection.zones.reply)
        ways[i] = Tracker.way(
          of: shown.packetBytes, summaries[i], zone: zones.original, tracker.secret, into: &tuples[i])
        if ways[i] == .flow, zones.isSplit { ways[i] = .splitFlow }
      }
      if ruleSetup.setsZones, ways[i] == .flow, path.isUniform, leaves(i, packet, crossing.egress),
        pass(packet, i, by: crossing, path)
      {
        tracker.countHits(1)
        verdicts[i] = .forward(crossing.egress.port)
        return
      }
      if !seen.effects.changes.contains(.notrack) { tracked = judged(shown, i, zones) }
      tracker.count(tracked.state, tracked.direction)
      // One that is there, because somebody asked for it, is not opened any more.
      if tracked.state == .invalid, policy.invalid == .drop { return except(frame, i, .invalid) }
      show(tracked, i, to: &seen.connection)
    }
    seen.effects.changes.subtract([.zones, .notrack])
    if let reason = refusal(.prerouting, &seen, at: now) {
      apply(seen, to: tracked)
      return except(frame, i, reason)
    }
    seen.egress = crossing.egress.port.rawValue
    var reason = refusal(.forward, &seen, at: now)
    if reason == nil { reason = refusal(.postrouting, &seen, at: now) }
    if path != nil { apply(seen, to: tracked) }
    if let reason { return except(frame, i, reason) }
    if tracked.isUnconfirmed, policy.refusesNew(from: crossing.port) { return except(frame, i, .newRefused) }
    if let reason = self.refusal(by: crossing.egress, of: frame, i) { return except(frame, i, reason) }
    if tracked.isUnconfirmed, let refusal = tracker.confirm(&tracked) {
      return except(frame, i, DropReason(refusal))
    }
    verdicts[i] = .forward(crossing.egress.port)
    if frame.marks.needsWork { exceptions |= 1 << UInt32(i) }
    if seen.effects.changes.contains(.offload), tracked.slot >= 0 { offload(tracked, i, seen, by: crossing) }
  }

  /// Whether the packet can leave as it is, without a closer look at it.
  private mutating func leaves(_ i: Int, _ packet: Packet, _ egress: Egress) -> Bool {
    guard FlowCache.canRemember(egress.port) else { return false }
    if assembled & 1 &<< UInt32(truncatingIfNeeded: i) != 0 { return leavesAsItCame(i, egress) }
    return egress.takesAll(upTo: packet.length, packet.marks)
  }

  /// Why the rules of a hook do not let a packet go on; `nil`: they do.
  @inline(__always)
  private mutating func refusal(_ hook: RuleHook, _ packet: inout RulePacket, at now: Instant) -> DropReason? {
    if rules.has(hook) {
      let decision = rules.judge(hook, &packet, at: now)
      if rules.traceCount > 0 { tell(packet, at: now) }
      switch decision {
      case .accept: break
      case .drop: return .rule
      case .policy: return .rulePolicy
      case .reject: return .ruleReject
      }
    }
    return ruleSetup.hasProgram(hook) ? refusal(byPrograms: hook, &packet) : nil
  }

  /// The same of users' programs.
  @inline(never)
  private mutating func refusal(byPrograms hook: RuleHook, _ packet: inout RulePacket) -> DropReason? {
    for place in 0..<RuleSetup.mostPrograms {
      guard let program = ruleSetup.programs[place] else { break }
      guard program.hook == hook, program.port == nil || program.port == packet.ingress else { continue }
      var facts = HookFacts(
        ingress: PortID(rawValue: packet.ingress),
        egress: packet.egress == 0xFFFF ? nil : PortID(rawValue: packet.egress))
      facts.state = packet.connection.state
      facts.isReply = packet.connection.direction == 1
      facts.zone = packet.connection.zones.original
      facts.mark = packet.connection.mark
      let frame = unsafe RawSpan(_unsafeStart: packet.bytes, byteCount: packet.count)
      let length = Int(packet.summary.datagramEnd)
      let verdict = program.call.judge(frame, length: length, packet.summary, facts)
      guard verdict.accepts else { return .hookProgram }
      if verdict.mark != packet.connection.mark {
        packet.connection.mark = verdict.mark
        packet.effects.changes.insert(.mark)
      }
    }
    return nil
  }

  /// Tells of the way that a traced packet took through a hook's rules.
  @inline(never)
  private mutating func tell(_ packet: RulePacket, at now: Instant) {
    if traced == 0 { traced = traces.begin() }
    for step in 0..<rules.traceCount {
      traces.tell(rules.trace(step), of: packet, traced, program: ruleSetup.number, at: now)
    }
  }

  // MARK: What rules change

  /// Writes back what rules set of a connection. Nothing is left of one that is not confirmed.
  private mutating func apply(_ packet: RulePacket, to tracked: Tracked) {
    let changes = packet.effects.changes
    guard !changes.isEmpty, tracked.state != .untracked, tracked.state != .invalid else { return }
    if changes.contains(.mark) { tracker.setMark(packet.connection.mark, of: tracked) }
    if changes.contains(.labels) {
      let labels = packet.connection.labels
      tracker.setLabels(
        low: UInt64(truncatingIfNeeded: labels), high: UInt64(truncatingIfNeeded: labels >> 64), of: tracked)
    }
    if changes.contains(.timeout) {
      tracker.setTimeoutPolicy(ruleSetup.timeoutNumbers[Int(packet.effects.timeout & 15)], of: tracked)
    }
    if changes.contains(.events) { tracker.setEvents(EventSelection(kernel: packet.effects.events), of: tracked) }
  }

  private mutating func offload(_ tracked: Tracked, _ i: Int, _ packet: RulePacket, by crossing: Crossing) {
    guard tracked.state == .established || tracked.state == .new else { return }
    let place = Int(packet.effects.flowtable)
    guard place > 0, place <= FlowTables.most, FlowCache.canRemember(crossing.egress.port),
      FlowCache.canRemember(crossing.port)
    else { return }
    tracker.offload(
      Int(tracked.slot), to: ruleSetup.flowNumbers[place - 1], tracked.direction, from: crossing.port,
      to: crossing.egress.port, isClosing: summaries[i].tcpFlags & 0b101 != 0, generation: cache.generation)
  }
}
