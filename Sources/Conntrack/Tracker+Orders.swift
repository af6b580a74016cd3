public import CSegment
internal import Primitives
internal import Segment
internal import Wire

// What is done to connections on request, as ctnetlink does it. Each call is bounded: one connection, or a number of
// slots that the caller names.
extension Tracker {
  /// Does what was asked of a connection.
  ///
  /// - Parameter image: filled with the connection, as it is now or was before it was deleted, when there is one.
  public mutating func carryOut(
    _ order: ConnectionOrder, _ image: UnsafeMutablePointer<dpdkfwd_ct_image>
  ) -> OrderOutcome {
    let outcome = unsafe attempt(order, image)
    unsafe events.counts.pointee.orders &+= 1
    if !outcome.isSuccess { unsafe events.counts.pointee.refused &+= 1 }
    return outcome
  }

  private mutating func attempt(
    _ order: ConnectionOrder, _ image: UnsafeMutablePointer<dpdkfwd_ct_image>
  ) -> OrderOutcome {
    unsafe events.counts.pointee.visited &+= 1
    let slot: Int?
    if order.key == .id {
      slot = find(order.change.values.id)
    } else {
      guard let key = key(of: order) else { return .invalidTuple }
      slot = find(key.tuple, key.pair)
    }
    guard let slot else {
      guard order.verb == .create || order.verb == .add else { return .notFound }
      return unsafe create(order, image)
    }
    let outcome: OrderOutcome
    switch order.verb {
    case .create: outcome = .exists
    case .look: outcome = .done
    case .add, .update: outcome = change(slot, order.change, client: order.client).outcome
    case .delete:
      unsafe write(slot, to: image)
      remove(slot, by: .request, client: order.client)
      return .done
    }
    unsafe write(slot, to: image)
    return outcome
  }

  /// Does what was asked of the connections in some slots.
  ///
  /// - Parameters:
  ///   - most: slots that are looked at.
  ///   - images: filled, from `filled` on, with the connections; ends early when it is full.
  /// - Returns: how many were meant; one that an update leaves as it was is not. `scan.next` is `slotsUsed` or more when all have been looked at.
  public mutating func carryOut(
    _ scan: inout ConnectionScan, most: Int, _ images: UnsafeMutableBufferPointer<dpdkfwd_ct_image>,
    filled: inout Int
  ) -> Int {
    var meant = 0
    scan.next = min(max(0, scan.next), connections.slotsUsed)
    let end = min(scan.next + most, connections.slotsUsed)
    while scan.next < end, scan.isSilent || filled < images.count {
      let slot = scan.next
      scan.next += 1
      unsafe events.counts.pointee.visited &+= 1
      guard isMeant(slot, by: scan.filter) else { continue }
      switch scan.verb {
      case .update:
        let (outcome, isChanged) = change(slot, scan.change, client: scan.client)
        if !outcome.isSuccess { unsafe events.counts.pointee.refused &+= 1 }
        guard isChanged else { continue }
        if !scan.isSilent { unsafe write(slot, to: images.baseAddress! + filled) }
      case .delete:
        if !scan.isSilent { unsafe write(slot, to: images.baseAddress! + filled) }
        remove(slot, by: .request, client: scan.client)
      case .zero:
        if !scan.isSilent { unsafe write(slot, to: images.baseAddress! + filled) }
        zero(slot)
      }
      meant += 1
      if !scan.isSilent { filled += 1 }
    }
    return meant
  }

  private func zero(_ slot: Int) {
    let record = unsafe connections.record(slot)
    unsafe (record.pointee.packets_original, record.pointee.bytes_original) = (0, 0)
    unsafe (record.pointee.packets_reply, record.pointee.bytes_reply) = (0, 0)
  }

  private func isMeant(_ slot: Int, by filter: ConnectionFilter) -> Bool {
    guard connections.isLive(slot), !connections.isExpired(slot, now: now) else { return false }
    let record = unsafe connections.record(slot)
    guard
      unsafe filter.isLikely(
        zone: record.pointee.zone, protocol: record.pointee.protocol,
        isIPv6: record.pointee.flags & DPDKFWD_CT_IPV6 != 0, status: record.pointee.status,
        mark: record.pointee.mark, state: record.pointee.state)
    else { return false }
    return filter.takes(connections.connection(slot, as: id(of: slot), now: now))
  }

  private func write(_ slot: Int, to image: UnsafeMutablePointer<dpdkfwd_ct_image>) {
    unsafe connections.write(slot, as: id(of: slot), now: now, to: image)
  }

  // MARK: Find

  /// A tuple as packets of its direction have it.
  private struct Endpoints {
    var tuple: Tuple
    var pair: IPv6Pair
  }

  private func key(of order: ConnectionOrder) -> Endpoints? {
    let connection = order.change.values
    if order.key == .original { return endpoints(connection.original, of: connection) }
    let turned = connection.reply.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6)
    guard let original = endpoints(turned, of: connection) else { return nil }
    return Endpoints(tuple: original.tuple.reversed, pair: original.pair.reversed)
  }

  /// `nil` when no packet that opens a connection has such a tuple.
  private func endpoints(_ tuple: Connection.Tuple, of connection: Connection) -> Endpoints? {
    var marks: TupleMarks = []
    if connection.isICMP {
      let type = UInt8(tuple.destinationPort >> 8)
      guard ICMPClass(type: type, isIPv6: connection.isIPv6) == .request else { return nil }
      marks = .question
    }
    let ports = (tuple.sourcePort, tuple.destinationPort)
    if ProtocolGroup(connection.protocol, isIPv6: connection.isIPv6) == .other {
      guard ports == (0, 0), isTracked(connection.protocol, isIPv6: connection.isIPv6) else { return nil }
    }
    guard connection.isIPv6 else {
      return Endpoints(
        tuple: Tuple(
          source: tuple.source.ipv4.bits.bigEndian, destination: tuple.destination.ipv4.bits.bigEndian, ports: ports,
          transport: connection.protocol, zone: tuple.zone, marks: marks, secret: secret), pair: .none)
    }
    let pair = IPv6Pair(source: tuple.source, destination: tuple.destination)
    return Endpoints(
      tuple: Tuple(
        pair, ports: ports, transport: connection.protocol, zone: tuple.zone, marks: marks, secret: secret), pair: pair)
  }

  /// ICMP of the other family, or nothing at all behind the IPv6 header, is no protocol of its own.
  private func isTracked(_ transport: UInt8, isIPv6: Bool) -> Bool {
    switch transport {
    case IPProtocol.icmp, IPProtocol.icmpv6: false
    case IPProtocol.noNextHeader: !isIPv6
    default: true
    }
  }

  private mutating func find(_ tuple: Tuple, _ pair: IPv6Pair) -> Int? {
    guard let found = connections.find(tuple, pair) else { return nil }
    guard connections.isExpired(found.slot, now: now) else { return found.slot }
    expire(found.slot)
    return nil
  }

  private mutating func find(_ id: ConnectionID) -> Int? {
    guard id.shard == events.shard, id.slot < connections.slotsUsed, connections.isLive(id.slot),
      self.id(of: id.slot) == id
    else { return nil }
    guard connections.isExpired(id.slot, now: now) else { return id.slot }
    expire(id.slot)
    return nil
  }

  // MARK: Create

  private mutating func create(
    _ order: ConnectionOrder, _ image: UnsafeMutablePointer<dpdkfwd_ct_image>
  ) -> OrderOutcome {
    guard settings.isOn else { return .tableFull }
    let values = order.change.values
    var expected = values.original.turned(isICMP: values.isICMP, isIPv6: values.isIPv6)
    expected.zone = values.reply.zone
    guard values.reply == expected else { return .needsTranslation }
    guard let endpoints = endpoints(values.original, of: values) else { return .invalidTuple }
    // It was looked for by the key, which may be another than the tuple.
    if order.key != .original, let holder = find(endpoints.tuple, endpoints.pair) {
      unsafe write(holder, to: image)
      return .exists
    }
    let labels = order.change.attributes.contains(.labels) ? values.labels : Connection.Labels()
    let hasExtension = endpoints.tuple.isIPv6 || values.reply.zone != values.original.zone
    guard labels.isEmpty || hasExtension || connections.extensionsFree > 0 else { return .noExtension }
    let seed = seed(endpoints.tuple, order.change)
    pending = Pending(seed: seed, tuple: endpoints.tuple, pair: endpoints.pair, replyZone: values.reply.zone)
    let slot: Int
    switch insert() {
    case .refused(let refusal): return OrderOutcome(refusal)
    case .inserted(let place): slot = place
    }
    let isLabelled = connections.setLabels(low: labels.low, high: labels.high, of: slot)
    precondition(isLabelled, "an extension was there before")
    if events.mask.contains(.new) { tell(.new, of: slot, by: .request, client: order.client) }
    unsafe write(slot, to: image)
    return .created
  }

  /// The record of a connection that nobody has sent a packet of.
  private func seed(_ tuple: Tuple, _ change: ConnectionChange) -> dpdkfwd_ct_record {
    let values = change.values
    var seed = dpdkfwd_ct_record()
    seed.source = tuple.source
    seed.destination = tuple.destination
    seed.source_port = tuple.sourcePort
    seed.destination_port = tuple.destinationPort
    seed.zone = values.original.zone
    seed.protocol = tuple.transport
    seed.flags = tuple.marks.intersection([.ipv6, .question]).rawValue
    seed.cached_egress = (255, 255)
    seed.status = Status.confirmed | (change.attributes.contains(.status) ? values.status & Self.settable : 0)
    seed.deadline = tick &+ min(values.remaining, Timeout.longest * 1000)
    seed.start = change.attributes.contains(.start) ? values.start : wall
    if change.attributes.contains(.mark) { seed.mark = values.mark }
    let isUDP = tuple.transport == IPProtocol.udp || tuple.transport == IPProtocol.udplite
    if isUDP {
      unsafe withUnsafeMutablePointer(to: &seed) { seed in
        _ = unsafe UDPTracker.begin(now: now, &seed.udp.pointee, isLite: tuple.transport == IPProtocol.udplite)
      }
    }
    set(&seed, change)
    return seed
  }

  /// Status bits that can be asked for.
  private static var settable: UInt16 { Status.seenReply | Status.assured | Status.fixedTimeout }

  /// Protocol details and counters, which are set the same in a new record and in one that is there.
  private func set(_ record: inout dpdkfwd_ct_record, _ change: ConnectionChange) {
    let (values, attributes) = (change.values, change.attributes)
    switch record.protocol {
    case IPProtocol.tcp:
      if attributes.contains(.state) { record.state = values.state }
      if attributes.contains(.details) {
        record.tcp.flags_original = values.details.flags_original
        record.tcp.flags_reply = values.details.flags_reply
        record.tcp.scales = values.details.scales
      }
      if attributes.contains(.windows) { record.tcp = values.details }
    case IPProtocol.sctp:
      if attributes.contains(.state) { record.state = values.state }
      if !attributes.isDisjoint(with: [.details, .windows]) { record.tcp = values.details }
    case IPProtocol.udp, IPProtocol.udplite:
      if attributes.contains(.windows) {
        record.tcp.original.end = now &+ UInt32(bitPattern: values.streamDelay)
      }
    default: break
    }
    if attributes.contains(.counts) {
      record.packets_original = values.counts.original.packets
      record.bytes_original = values.counts.original.bytes
      record.packets_reply = values.counts.reply.packets
      record.bytes_reply = values.counts.reply.bytes
    }
  }

  // MARK: Change

  /// Changes a connection, all of it or nothing, and tells of it.
  private mutating func change(
    _ slot: Int, _ change: ConnectionChange, client: UInt32
  ) -> (outcome: OrderOutcome, isChanged: Bool) {
    let (values, attributes) = (change.values, change.attributes)
    let record = unsafe connections.record(slot)
    if attributes.contains(.status) {
      let seen = Status.seenReply | Status.assured
      if unsafe change.clearedStatus & record.pointee.status & seen != 0 { return (.busy, false) }
    }
    // What a client sets holds on the classic way; rules may take it off again.
    if !attributes.isEmpty, unsafe record.pointee.status & Status.offload != 0 { takeBack(slot, .outdated) }
    // What has happened so far is not this client's doing.
    tellChanges(of: slot)
    var changes: ConnectionEvent.Changes = []
    if attributes.contains(.labels) {
      let (old, mask) = (connections.labels(of: slot), change.labelMask)
      let (low, high) = (
        old.low & ~mask.low | values.labels.low & mask.low, old.high & ~mask.high | values.labels.high & mask.high
      )
      if (low, high) != old {
        guard connections.setLabels(low: low, high: high, of: slot) else { return (.noExtension, false) }
        changes.insert(.labels)
      }
    }
    if attributes.contains(.status) { unsafe changes.formUnion(set(record, slot, change)) }
    if attributes.contains(.mark) {
      let mark = unsafe record.pointee.mark & ~change.markMask ^ values.mark
      if unsafe record.pointee.mark != mark { changes.insert(.mark) }
      unsafe record.pointee.mark = mark
    }
    if attributes.contains(.timeout) {
      unsafe record.pointee.deadline = tick &+ min(values.remaining, Timeout.longest * 1000)
      changes.insert(.timeout)
    }
    let transport = unsafe record.pointee.protocol
    let hasState = transport == IPProtocol.tcp || transport == IPProtocol.sctp
    if hasState, !attributes.isDisjoint(with: [.state, .details, .windows]) { changes.insert(.state) }
    if attributes.contains(.counts) { changes.insert(.counts) }
    unsafe set(&record.pointee, change)
    if attributes.contains(.start) { unsafe record.pointee.start = values.start }
    // What was decided for it may be decided otherwise now.
    unsafe record.pointee.cached_egress = (255, 255)
    if !changes.isEmpty, events.mask.contains(.update) {
      tell(.update, of: slot, by: .request, client: client, changes: changes)
    }
    // One that says nothing only asks.
    return (.done, !changes.isEmpty || attributes.contains(.start) || attributes.isEmpty)
  }

  private mutating func set(
    _ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ slot: Int, _ change: ConnectionChange
  ) -> ConnectionEvent.Changes {
    let before = unsafe record.pointee.status
    let after = before & ~(change.clearedStatus & Status.fixedTimeout) | change.values.status & Self.settable
    unsafe record.pointee.status = after
    if after & ~before & Status.assured != 0 { unsafe connections.counts.pointee.unassured &-= 1 }
    var changes: ConnectionEvent.Changes = []
    if (before ^ after) & Status.seenReply != 0 { changes.insert(.reply) }
    if (before ^ after) & Status.assured != 0 { changes.insert(.assured) }
    if (before ^ after) & ~(Status.seenReply | Status.assured) != 0 { changes.insert(.status) }
    return changes
  }

  // MARK: What holds for all connections

  /// `nf_conntrack_tcp_be_liberal` of all zones: Open vSwitch's `ct-disable-tcp-seq-chk`.
  public mutating func setSequenceChecks(_ isOn: Bool) { policies.setLiberal(!isOn) }

  /// How long a pass over the table may take, in milliseconds.
  public mutating func setSweepInterval(_ milliseconds: UInt32) { settings.sweepInterval = max(1, milliseconds) }

  /// Limits have changed: what is kept of their credits goes back, of some zones and in all. O(zones).
  public mutating func returnCredits(_ zones: ClosedRange<UInt16>) { limits.returnAll(zones) }

  /// Counts entries in buckets of the index; returns how many there are.
  public func countBuckets(from first: Int, into counts: UnsafeMutableBufferPointer<UInt8>) -> Int {
    unsafe connections.countBuckets(from: first, into: counts)
  }
  public var bucketCount: Int { connections.bucketCount }
}
