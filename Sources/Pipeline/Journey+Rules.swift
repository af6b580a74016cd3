internal import CSegment
internal import Conntrack
internal import FlowCache
internal import HookProgram
internal import Primitives
internal import Rules
internal import Wire

// Stages 3 to 6 of the journey when there are rules: packets of flows that rules have put into a flow table, or of which
// rules would only say again what they said before, pass by a short way, and every other packet meets the hooks in
// netfilter's order. What rules say of a connection holds once its packet has been let through.
extension Journey {
  /// - Parameter path: `nil` when connections are not tracked. (It is asked for anew: the caller, which has looked ahead
  ///   by its own, keeps that in registers as long as nobody else is shown it.)
  @inline(never)
  mutating func judge(byRules packets: Span<Packet>, by crossing: Crossing, _ path: FastPath?, at now: Instant) {
    if ruleSetup.isClosed { return dropAll(packets) }
    let isTracked = path != nil
    let path = tracker.fastPath
    let isOpen =
      isTracked && path.isUniform && FlowCache.canRemember(crossing.egress.port) && takesAll(packets, crossing.egress)
    let isCached = cache.isOn && !path.isAsymmetric
    tracker.lookOut()
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      judge(
        byRules: packets[i], i, by: crossing, path, isTracked: isTracked, isOpen: isOpen, isCached: isCached, at: now)
    }
  }

  private mutating func dropAll(_ packets: Span<Packet>) {
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      except(packets[i], i, .noRules)
    }
  }

  /// Inline: packet, crossing and path would be packed into registers and unpacked again.
  ///
  /// - Parameters:
  ///   - frame: what came; a datagram that came in fragments has a face of its own.
  ///   - isOpen: any packet of the burst can leave as it is.
  ///   - isCached: what plain packets do to their connections may be done the short way.
  @inline(__always)
  private mutating func judge(
    byRules frame: Packet, _ i: Int, by crossing: Crossing, _ path: FastPath, isTracked: Bool, isOpen: Bool,
    isCached: Bool, at now: Instant
  ) {
    let packet = face(frame, i)
    let isWhole = assembled & 1 &<< UInt32(truncatingIfNeeded: i) == 0
    var known: FastPath.Found?
    if isOpen, !ruleSetup.setsZones, ways[i] == .flow, isWhole || leavesAsItCame(i, crossing.egress) {
      known = find(packet, i, path)
      if let found = known {
        if serve(found, packet, i, by: crossing, path, isCached: isCached) { return }
        if found.isSpecial || !isCached { known = nil }
      }
    }

    // Rules may look at anything: what a packet has in several segments is shown in one.
    let shown = packet.isWhole ? packet : gathered(packet)
    var seen = unsafe RulePacket(
      bytes: shown.bytes.assumingMemoryBound(to: UInt8.self), count: Int(shown.contiguous), summary: summaries[i],
      ingress: crossing.port.rawValue)
    traced = 0
    rules.begin()
    if asks(.ingress), let reason = refusal(.ingress, &seen, at: now) { return except(frame, i, reason) }
    var zones = ZonePair(0)
    if !tracker.zones.isTrivial { zones = tracker.zones.zones(port: crossing.port.rawValue, summaries[i]) }
    seen.connection.zones = (zones.original, zones.reply)
    if asks(.raw), let reason = refusal(.raw, &seen, at: now) { return except(frame, i, reason) }
    var tracked = Tracked(.untracked)
    if isTracked {
      if seen.effects.changes.contains(.zones) {
        zones = ZonePair(original: seen.connection.zones.original, reply: seen.connection.zones.reply)
        ways[i] = Tracker.way(
          of: shown.packetBytes, summaries[i], zone: zones.original, tracker.secret, into: &tuples[i])
        if ways[i] == .flow, zones.isSplit { ways[i] = .splitFlow }
      }
      if ruleSetup.setsZones, let found = findLate(packet, i, path, crossing.egress) {
        if found.isOffloaded, pass(found, i, by: crossing, path) { return }
        if !found.isSpecial, isCached { known = found }
      }
      if !seen.effects.changes.contains(.notrack) {
        if let known, let state = advance(known, shown, i, path) {
          tracker.countFound()
          tracked = Tracked(state, known.direction, slot: Int32(truncatingIfNeeded: path.slot(of: known)))
        } else {
          tracked = judged(shown, i, zones)
        }
      }
      tracker.count(tracked.state, tracked.direction)
      // One that is there, because somebody asked for it, is not opened any more.
      if tracked.state == .invalid, policy.invalid == .drop { return except(frame, i, .invalid) }
      show(tracked, i, to: &seen.connection)
    }
    seen.effects.changes.subtract([.zones, .notrack])
    if asks(.prerouting), let reason = refusal(.prerouting, &seen, at: now) {
      apply(&seen, to: tracked)
      return except(frame, i, reason)
    }
    seen.egress = crossing.egress.port.rawValue
    var reason: DropReason?
    if asks(.forward) { reason = refusal(.forward, &seen, at: now) }
    if asks(.postrouting), reason == nil { reason = refusal(.postrouting, &seen, at: now) }
    if isTracked, !seen.effects.changes.isEmpty { apply(&seen, to: tracked) }
    if let reason { return except(frame, i, reason) }
    if tracked.isUnconfirmed, policy.refusesNew(from: crossing.port) { return except(frame, i, .newRefused) }
    if !isOpen || !isWhole {
      if let reason = refusal(by: crossing.egress, of: frame, i) { return except(frame, i, reason) }
      if frame.marks.needsWork { exceptions |= 1 &<< UInt32(truncatingIfNeeded: i) }
    }
    if tracked.isUnconfirmed, let refusal = tracker.confirm(&tracked) {
      return except(frame, i, DropReason(refusal))
    }
    verdicts[i] = .forward(crossing.egress.port)
    if seen.effects.changes.contains(.offload), tracked.slot >= 0 { offload(tracked, i, seen, by: crossing) }
    if known != nil, tracked.state == .established, tracked.slot >= 0, rules.isSteady(isIPv6: tuples[i].isIPv6),
      ruleSetup.programHooks == 0
    {
      unsafe cache.remember(tracker.table.record(Int(tracked.slot)), tracked.direction, crossing.egress.port)
    }
  }

  // MARK: The short ways

  /// The connection of a packet that is plain, if it has one; any other is counted as a miss.
  @inline(__always)
  private mutating func find(_ packet: Packet, _ i: Int, _ path: FastPath) -> FastPath.Found? {
    let miss = FlowCache.servable(
      summaries[i].flags, hopLimit: summaries[i].hopLimit, summaries[i].transport, tcpFlags: summaries[i].tcpFlags)
    if let miss {
      tracker.countMiss(miss.rawValue)
      return nil
    }
    let bytes = packet.packetBytes
    let found = path.find(tuples[i], bytes.ipv6Pair(at: Int(summaries[i].networkOffset)))
    if found == nil { tracker.countMiss(CacheMiss.cold.rawValue) }
    return found
  }

  /// Lets a packet pass of which the flow table or the flow cache says so: all rules that it would meet were asked
  /// before, and said nothing that could be otherwise for this one.
  @inline(__always)
  private mutating func serve(
    _ found: FastPath.Found, _ packet: Packet, _ i: Int, by crossing: Crossing, _ path: FastPath, isCached: Bool
  ) -> Bool {
    if found.isOffloaded { return pass(found, i, by: crossing, path) }
    let miss: CacheMiss? =
      if isCached { unsafe cache.miss(found.record, found.direction, crossing.egress.port) } else { .cold }
    if let miss {
      tracker.countMiss(miss.rawValue)
      return false
    }
    guard let state = advance(found, packet, i, path) else {
      tracker.countMiss(CacheMiss.tcpState.rawValue)
      return false
    }
    tracker.count(state, found.direction)
    tracker.countHits(1)
    verdicts[i] = .forward(crossing.egress.port)
    return true
  }

  /// The same where rules may have said which zone it is in.
  @inline(never)
  private mutating func findLate(_ packet: Packet, _ i: Int, _ path: FastPath, _ egress: Egress) -> FastPath.Found? {
    guard ways[i] == .flow, path.isUniform, leaves(i, packet, egress) else { return nil }
    guard let found = find(packet, i, path) else { return nil }
    if !found.isOffloaded { tracker.countMiss(CacheMiss.cold.rawValue) }
    return found
  }

  /// Lets a packet of a flow pass that rules put into a flow table. What ends the flow or was decided under other rules
  /// goes the classic way.
  @inline(never)
  private mutating func pass(_ found: FastPath.Found, _ i: Int, by crossing: Crossing, _ path: FastPath) -> Bool {
    let number = found.flowTable
    let table = tracker.flows[number]
    let change = unsafe cache.miss(found.record, found.direction, crossing.egress.port)
    let takes = table.takes(crossing.port.rawValue, crossing.egress.port.rawValue)
    if change != nil || !takes {
      tracker.countMiss((change ?? .egress).rawValue)
      // Where its packets of this direction leave may still be to be learned; anything else was decided before.
      let isCurrent = unsafe found.record.pointee.cached_generation == cache.generation
      if change != .cold || !takes || !isCurrent { tracker.takeBack(path.slot(of: found), .outdated) }
      return false
    }
    unsafe path.pass(
      found, table, summaries[i].transport, length: summaries[i].datagramLength, counts: tracker.flowRecord(number))
    tracker.count(.established, found.direction)
    tracker.countHits(1)
    verdicts[i] = .forward(crossing.egress.port)
    return true
  }

  /// What a plain packet does to its connection, as the flow cache has it done: the rules that follow are asked all the
  /// same.
  ///
  /// - Returns: `nil`: the tracker has to look at it.
  @inline(__always)
  private mutating func advance(
    _ found: FastPath.Found, _ packet: Packet, _ i: Int, _ path: FastPath
  ) -> PacketState? {
    path.advance(
      found, packet.packetBytes, summaries[i].transport, at: summaries[i].transportOffset,
      end: summaries[i].datagramEnd, length: summaries[i].datagramLength)
  }

  /// Whether the packet can leave as it is, without a closer look at it.
  private mutating func leaves(_ i: Int, _ packet: Packet, _ egress: Egress) -> Bool {
    guard FlowCache.canRemember(egress.port) else { return false }
    if assembled & 1 &<< UInt32(truncatingIfNeeded: i) != 0 { return leavesAsItCame(i, egress) }
    return egress.takesAll(upTo: packet.length, packet.marks)
  }

  /// Whether packets meet anything on a hook.
  @inline(__always)
  private func asks(_ hook: RuleHook) -> Bool { hooksInUse >> hook.rawValue & 1 != 0 }

  /// Why the rules of a hook do not let a packet go on; `nil`: they do.
  @inline(never)
  private mutating func refusal(_ hook: RuleHook, _ packet: inout RulePacket, at now: Instant) -> DropReason? {
    let decision = rules.judge(hook, &packet, at: now)
    if rules.traceCount > 0 { tell(packet, at: now) }
    switch decision {
    case .accept: return ruleSetup.hasProgram(hook) ? refusal(byPrograms: hook, &packet) : nil
    case .drop: return .rule
    case .policy: return .rulePolicy
    case .reject: return .ruleReject
    }
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
      program.counts[rules.worker].count(isDropped: !verdict.accepts)
      guard verdict.accepts else { return .hookProgram }
      // Where there is no connection, on ingress for one, there is nothing to mark.
      if verdict.mark != packet.connection.mark, packet.connection.isConnection {
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
  ///
  /// - Parameter packet: as it is, by its address: it is 250 bytes.
  @inline(never)
  private mutating func apply(_ packet: inout RulePacket, to tracked: Tracked) {
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
