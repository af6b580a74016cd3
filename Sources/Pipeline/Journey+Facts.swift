internal import CSegment
internal import Conntrack
internal import Primitives
internal import Rules
internal import Segment
internal import Wire

// What rules are shown of a packet's connection.
extension Journey {
  /// What none of the rules that follow reads is left out.
  @inline(__always)
  mutating func show(_ tracked: Tracked, _ i: Int, to facts: inout ConnectionFacts) {
    facts.isKnown = true
    facts.direction = tracked.direction.rawValue
    switch tracked.state {
    case .new: facts.state = 8
    case .established: facts.state = 2
    case .related: facts.state = 4
    case .invalid:
      facts.state = 1
      return
    case .untracked:
      facts.state = 64
      return
    }
    facts.transport = summaries[i].transport
    facts.isIPv6 = summaries[i].flags.contains(.ipv6)
    if ruleSetup.needs.isEmpty, ruleSetup.programHooks == 0 { return }
    if tracked.isUnconfirmed || tracked.slot >= 0 { showConnection(tracked, i, to: &facts) }
  }

  @inline(never)
  private mutating func showConnection(_ tracked: Tracked, _ i: Int, to facts: inout ConnectionFacts) {
    let needs = ruleSetup.needs
    let showsMore = !needs.isDisjoint(with: Self.more)
    facts.handle = tracked.state == .related ? tracker.hash(of: Int(tracked.slot)) : tuples[i].hash
    if tracked.isUnconfirmed {
      facts.id = UInt32(truncatingIfNeeded: facts.handle)
      var opening = tracker.opening
      opening.status &= ~Status.confirmed
      unsafe facts.take(&opening)
      if showsMore { unsafe facts.takeMore(&opening, at: tracker.now) }
    } else {
      let record = unsafe tracker.table.record(Int(tracked.slot))
      facts.id = UInt32(truncatingIfNeeded: tracker.id(of: Int(tracked.slot)).rawValue)
      unsafe facts.take(record)
      if showsMore { unsafe facts.takeMore(record, at: tracker.now) }
    }
    guard showsMore else { return }
    facts.zones.reply = tracker.replyZone(of: tracked)
    if facts.isIPv6 {
      let pair = tracker.addresses(of: tracked)
      facts.setAddresses(
        UInt128(pair.source.high) << 64 | UInt128(pair.source.low),
        UInt128(pair.destination.high) << 64 | UInt128(pair.destination.low))
    }
    if needs.contains(.labels) || needs.contains(.changesLabels) {
      let labels = tracker.labels(of: tracked)
      facts.labels = UInt128(labels.high) << 64 | UInt128(labels.low)
    }
  }

  /// What is only looked up when it is asked for.
  private static var more: RuleNeeds {
    [.expiration, .labels, .changesLabels, .zones, .tuples, .counters]
  }
}

// From where the record lies: nothing copies its 128 bytes.
extension ConnectionFacts {
  @inline(__always) @unsafe
  fileprivate mutating func take(_ record: UnsafePointer<dpdkfwd_ct_record>) {
    transport = unsafe record.pointee.protocol
    isIPv6 = unsafe record.pointee.flags & DPDKFWD_CT_IPV6 != 0
    status = unsafe UInt32(record.pointee.status)
    mark = unsafe record.pointee.mark
    zones = unsafe (record.pointee.zone, record.pointee.zone)
  }

  /// All but IPv6 addresses.
  @inline(__always) @unsafe
  fileprivate mutating func takeMore(_ record: UnsafePointer<dpdkfwd_ct_record>, at now: UInt32) {
    expiration = unsafe UInt64(max(0, Int32(bitPattern: record.pointee.deadline &- now)))
    packets = unsafe (record.pointee.packets_original, record.pointee.packets_reply)
    bytes = unsafe (record.pointee.bytes_original, record.pointee.bytes_reply)
    unsafe setAddresses(UInt128(record.pointee.source.bigEndian), UInt128(record.pointee.destination.bigEndian))
    sourcePort = unsafe (record.pointee.source_port, record.pointee.destination_port)
    destinationPort = unsafe (record.pointee.destination_port, record.pointee.source_port)
  }

  /// - Parameters:
  ///   - one: of who opened the connection.
  @inline(__always)
  fileprivate mutating func setAddresses(_ one: UInt128, _ other: UInt128) {
    source = (one, other)
    destination = (other, one)
  }
}
