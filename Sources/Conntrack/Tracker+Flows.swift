public import CSegment
public import Primitives
internal import Segment
internal import Wire

// Flows that take the short way: their connections are in a named flow table. The kernel's nf_flow_table is the model. A
// connection in a table has the status OFFLOAD; the tracker does not look at its packets, so its windows go out of date,
// its counters only move if the table has `counter`, and its own timeout rests: `deadline` is the flow's. When it leaves
// the table it gets back what its state allows, less what it has been idle there.
extension Tracker {
  /// The tables from now on; what is in them was decided before and is out of date (the cache's generation has moved).
  public mutating func setFlowTables(_ tables: FlowTables) { flows = tables }

  /// How readers know the tables. What was counted of a number stays as long as it is the same table's.
  ///
  /// - Parameter definitions: `FlowTables.most` of them, by number; generation 0: there is no such table. `nil`: there is
  ///   none at all.
  @unsafe
  public func defineFlowTables(_ definitions: UnsafePointer<dpdkfwd_flowtable_record>?) {
    for place in 0..<FlowTables.most {
      let record = unsafe flowRecords + place
      let new = unsafe definitions?[place] ?? dpdkfwd_flowtable_record()
      let isSame = unsafe record.pointee.generation == new.generation
      if isSame, new.generation == 0 { continue }
      var counted = unsafe isSame ? record.pointee : dpdkfwd_flowtable_record()
      (counted.name, counted.table, counted.family) = (new.name, new.table, new.family)
      (counted.ports, counted.tcp_timeout, counted.udp_timeout) = (new.ports, new.tcp_timeout, new.udp_timeout)
      (counted.number, counted.has_counter, counted.is_hardware) = (new.number, new.has_counter, new.is_hardware)
      // Flows of a table that is gone leave it one by one, and are counted until then.
      if new.generation == 0 { counted.flows = unsafe record.pointee.flows }
      counted.lcore = unsafe connections.counts.pointee.lcore
      counted.generation = new.generation
      unsafe record.pointee = counted
    }
  }

  /// What this worker counts of a table, and how readers know it.
  ///
  /// - Parameter number: 1...FlowTables.most.
  @unsafe @inlinable
  public func flowRecord(_ number: UInt8) -> UnsafeMutablePointer<dpdkfwd_flowtable_record> {
    precondition(number > 0 && number <= FlowTables.most)
    return unsafe flowRecords + (Int(number) - 1)
  }

  /// Takes a connection into a flow table, for the direction of the packet in hand; the other one's way out is learned
  /// from its own next packet.
  ///
  /// - Parameters:
  ///   - number: of the table.
  ///   - direction: of the packet in hand, which came in by `ingress` and leaves by `egress`.
  ///   - isClosing: it carries a FIN or RST.
  ///   - generation: of the flow cache, under which this was decided.
  /// - Returns: `false` when it stays on the classic way for now, which is counted.
  @discardableResult
  public mutating func offload(
    _ slot: Int, to number: UInt8, _ direction: Direction, from ingress: PortID, to egress: PortID, isClosing: Bool,
    generation: UInt16
  ) -> Bool {
    let record = unsafe connections.record(slot)
    let isNew = unsafe record.pointee.status & Status.offload == 0
    let table = flows[number]
    guard table.takes(ingress.rawValue, egress.rawValue), unsafe !isNew || isReady(record, isClosing: isClosing) else {
      unsafe flowRecord(number).pointee.refused &+= 1
      return false
    }
    if isNew {
      unsafe record.pointee.status |= Status.offload
      unsafe record.pointee.flow_table = record.pointee.flow_table & 0xF0 | number
      unsafe record.pointee.cached_generation = generation
      unsafe record.pointee.cached_egress = (255, 255)
      unsafe record.pointee.deadline = tick &+ table.timeout(of: record.pointee.protocol)
      unsafe flowRecord(number).pointee.flows &+= 1
      unsafe flowRecord(number).pointee.added &+= 1
      events.note(.status, slot)
      if table.isHardware { ask(for: slot, number, from: ingress, to: egress, direction) }
    }
    // Another table, or other rules, have it until it is taken back.
    guard unsafe record.pointee.flow_table & 15 == number, unsafe record.pointee.cached_generation == generation
    else { return true }
    if direction == .original {
      unsafe record.pointee.cached_egress.0 = UInt8(truncatingIfNeeded: egress.rawValue)
    } else {
      unsafe record.pointee.cached_egress.1 = UInt8(truncatingIfNeeded: egress.rawValue)
    }
    return true
  }

  /// A flow is assured: it has been seen to work both ways. TCP is established too, and this is not its end; nothing looks
  /// into its data. (The kernel takes UDP sooner, and such a connection then never becomes assured.)
  private func isReady(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, isClosing: Bool) -> Bool {
    let status = unsafe record.pointee.status
    guard status & Status.assured != 0, status & (Status.helper | Status.sequenceAdjust) == 0 else { return false }
    switch unsafe record.pointee.protocol {
    case IPProtocol.tcp:
      return unsafe record.pointee.state == TCPState.established.rawValue && !isClosing
    case IPProtocol.udp: return true
    default: return false
    }
  }

  /// Takes a connection out of its table: from now on the tracker looks at its packets again. Its windows are learned
  /// anew (RFC 9293 says nothing of this; netfilter's `flow_offload_fixup_tcp`).
  ///
  /// - Parameter slot: of a connection with the status OFFLOAD.
  @inline(never)
  public mutating func takeBack(_ slot: Int, _ end: FlowEnd) {
    // A request or a sweep may take back more in a breath than a burst of packets does.
    publishIfFull()
    let record = unsafe connections.record(slot)
    let number = unsafe record.pointee.flow_table & 15
    let patience = unsafe flows[number].timeout(of: record.pointee.protocol)
    let left = unsafe Int32(bitPattern: record.pointee.deadline &- tick)
    let idle = left > 0 ? patience &- min(patience, UInt32(left)) : patience
    askNoMore(for: slot, number)
    unsafe record.pointee.status &= ~(Status.offload | Status.hardwareOffload)
    unsafe record.pointee.flow_table &= 0xF0
    unsafe record.pointee.cached_egress = (255, 255)
    let timeout = unsafe timeouts(of: record)[standing(of: record)]
    if unsafe record.pointee.status & Status.fixedTimeout == 0 {
      unsafe record.pointee.deadline = tick &+ (timeout > idle ? timeout &- idle : 0)
    }
    unsafe loosen(record)
    if number > 0 {
      let counts = unsafe flowRecord(number)
      unsafe counts.pointee.flows &-= 1
      unsafe segment_flowtable_ended(counts)[end.rawValue] &+= 1
    }
    events.note(.status, slot)
  }

  /// The windows of an offloaded TCP connection are out of date: the next segments say anew what they are, and any RST
  /// is good.
  func loosen(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>) {
    guard unsafe record.pointee.protocol == IPProtocol.tcp else { return }
    for direction in Direction.allCases {
      var side = unsafe record.pointee.tcp[direction]
      side.window = 0
      side.flags.remove(.hasAcknowledged)
      unsafe record.pointee.tcp[direction] = side
    }
    unsafe record.pointee.tcp.retransmissions = 0
  }

  /// The timeout that holds in the state a connection is in.
  private func standing(of record: UnsafeMutablePointer<dpdkfwd_ct_record>) -> Timeout {
    switch unsafe record.pointee.protocol {
    case IPProtocol.tcp: unsafe (TCPState(rawValue: record.pointee.state) ?? .established).timeout
    default: unsafe record.pointee.status & Status.assured != 0 ? .udpStream : .udp
    }
  }

  /// What comes of an offloaded connection when the sweep meets it.
  @inline(never)
  mutating func sweepFlow(_ slot: Int, _ generation: UInt16) {
    let record = unsafe connections.record(slot)
    if unsafe Int32(bitPattern: record.pointee.deadline &- now) <= 0 {
      takeBack(slot, .idle)
    } else if unsafe record.pointee.cached_generation != generation {
      takeBack(slot, .outdated)
    }
  }

  /// What packets did to a connection since its last event is told by the sweep: to the packets it costs nothing.
  @inline(never)
  mutating func catchUp(_ slot: Int) {
    let record = unsafe connections.record(slot)
    guard connections.isLive(slot), unsafe events.isBehind(slot, packets: record.pointee.packets),
      unsafe record.pointee.status & Status.fixedTimeout == 0
    else { return }
    // It may be noted already, for more than that.
    publishIfFull()
    events.note(.timeout, slot)
  }

  // MARK: Timeout policies

  /// Timeouts of rules' policies (`ct timeout set`); they replace those of the connection's zone.
  ///
  /// - Parameter tables: for number 1...15 a table of its own, in milliseconds by `Timeout`, or `nil`; valid until set
  ///   anew. A connection whose policy is gone has its zone's timeouts again.
  @unsafe
  public mutating func setTimeoutPolicies(_ tables: UnsafePointer<UnsafePointer<UInt32>?>?) {
    unsafe timeoutPolicies = unsafe tables
  }

  /// The timeouts that hold for a connection.
  @inline(__always)
  func timeouts(of record: UnsafeMutablePointer<dpdkfwd_ct_record>) -> Timeouts {
    let number = unsafe record.pointee.flow_table >> 4
    if number != 0, let own = unsafe timeoutPolicies?[Int(number)] { return unsafe Timeouts(own) }
    return unsafe policies.policy(of: record.pointee.zone).timeouts
  }

  /// Gives a connection a timeout policy, which holds from its next packet on; one that is not confirmed yet has it from
  /// the start.
  public mutating func setTimeoutPolicy(_ number: UInt8, of tracked: Tracked) {
    guard number > 0, number <= 15 else { return }
    if tracked.isUnconfirmed {
      pending.seed.flow_table = number << 4
      return rearmPending(number)
    }
    guard tracked.slot >= 0 else { return }
    let record = unsafe connections.record(Int(tracked.slot))
    unsafe record.pointee.flow_table = record.pointee.flow_table & 15 | number << 4
  }

  /// The first packet has been judged by the zone's timeouts already.
  private mutating func rearmPending(_ number: UInt8) {
    guard let own = unsafe timeoutPolicies?[Int(number)] else { return }
    unsafe pending.seed.deadline = tick &+ Timeouts(own)[pending.timeout]
  }
}
