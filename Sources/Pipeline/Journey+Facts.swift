internal import CSegment
internal import Conntrack
internal import Primitives
internal import Rules
internal import Segment
internal import Wire

// What rules are shown of a packet's connection.
extension Journey {
  /// What none of the rules that follow reads is left out.
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
    guard tracked.isUnconfirmed || tracked.slot >= 0 else { return }
    let needs = ruleSetup.needs
    if needs.isEmpty, ruleSetup.programHooks == 0 { return }
    let sight = tracker.sight(of: tracked)
    let record = sight.record
    facts.transport = record.protocol
    facts.isIPv6 = record.flags & DPDKFWD_CT_IPV6 != 0
    facts.status = UInt32(tracked.isUnconfirmed ? record.status & ~Status.confirmed : record.status)
    facts.mark = record.mark
    facts.handle = tracked.state == .related ? tracker.hash(of: Int(tracked.slot)) : tuples[i].hash
    facts.id = UInt32(
      truncatingIfNeeded: tracked.isUnconfirmed ? facts.handle : tracker.id(of: Int(tracked.slot)).rawValue)
    facts.zones = (record.zone, record.zone)
    guard !needs.isDisjoint(with: Self.more) else { return }
    facts.zones.reply = sight.replyZone
    facts.expiration = UInt64(max(0, Int32(bitPattern: record.deadline &- tracker.now)))
    if needs.contains(.labels) || needs.contains(.changesLabels) {
      let labels = tracker.labels(of: tracked)
      facts.labels = UInt128(labels.high) << 64 | UInt128(labels.low)
    }
    facts.packets = (record.packets_original, record.packets_reply)
    facts.bytes = (record.bytes_original, record.bytes_reply)
    let (source, destination): (UInt128, UInt128)
    if facts.isIPv6 {
      source = UInt128(sight.pair.source.high) << 64 | UInt128(sight.pair.source.low)
      destination = UInt128(sight.pair.destination.high) << 64 | UInt128(sight.pair.destination.low)
    } else {
      source = UInt128(record.source.bigEndian)
      destination = UInt128(record.destination.bigEndian)
    }
    facts.source = (source, destination)
    facts.destination = (destination, source)
    facts.sourcePort = (record.source_port, record.destination_port)
    facts.destinationPort = (record.destination_port, record.source_port)
  }

  /// What is only looked up when it is asked for.
  private static var more: RuleNeeds {
    [.expiration, .labels, .changesLabels, .zones, .tuples, .counters]
  }
}
