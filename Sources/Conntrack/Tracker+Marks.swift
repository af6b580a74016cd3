public import CSegment
internal import Primitives
internal import Segment
internal import Wire

// What rules set of the connection of a packet in hand. One that is not confirmed yet takes it along: if its packet is
// dropped, nothing is left of it.
extension Tracker {
  /// netfilter's `ct mark set`.
  public mutating func setMark(_ mark: UInt32, of tracked: Tracked) {
    if tracked.isUnconfirmed {
      pending.seed.mark = mark
    } else if tracked.slot >= 0 {
      let record = unsafe connections.record(Int(tracked.slot))
      guard unsafe record.pointee.mark != mark else { return }
      unsafe record.pointee.mark = mark
      events.note(.mark, Int(tracked.slot))
    }
  }

  /// All 128 label bits.
  ///
  /// - Returns: `false` when no extension is left for them.
  @discardableResult
  public mutating func setLabels(low: UInt64, high: UInt64, of tracked: Tracked) -> Bool {
    if tracked.isUnconfirmed {
      pending.labels = (low, high)
      return true
    }
    guard tracked.slot >= 0 else { return true }
    return setLabels(low: low, high: high, of: Int(tracked.slot))
  }

  /// Sets the 128 label bits of a connection; `false` when there is no room for them.
  public mutating func setLabels(low: UInt64, high: UInt64, of slot: Int) -> Bool {
    guard connections.labels(of: slot) != (low, high) else { return true }
    guard connections.setLabels(low: low, high: high, of: slot) else { return false }
    events.note(.labels, slot)
    return true
  }

  /// netfilter's `ct event set`, which holds for connections that are not confirmed yet.
  public mutating func setEvents(_ selection: EventSelection, of tracked: Tracked) {
    if tracked.isUnconfirmed { pending.eventSelection = selection }
  }

  /// The connection that was pending is in the table: what lies in its extensions follows.
  mutating func markOut(_ slot: Int) {
    let (labels, selection) = (pending.labels, pending.eventSelection)
    // Where no extension is left, a connection is without: as in the kernel, which goes on when it has no memory.
    if labels.low | labels.high != 0 { _ = connections.setLabels(low: labels.low, high: labels.high, of: slot) }
    if let selection { _ = connections.setEventSelection(selection, of: slot) }
  }

  /// Whether rules let this be told of a connection that has an extension.
  func isToTell(_ kind: ConnectionEvent.Kind, _ changes: ConnectionEvent.Changes, of slot: Int) -> Bool {
    connections.eventSelection(of: slot)?.tells(kind, changes) ?? true
  }

  /// A connection leaves its flow table with its end.
  mutating func leave(_ slot: Int) {
    let number = unsafe connections.record(slot).pointee.flow_table & 15
    guard number > 0 else { return }
    askNoMore(for: slot, number)
    let counts = unsafe flowRecord(number)
    unsafe counts.pointee.flows &-= 1
    unsafe segment_flowtable_ended(counts)[FlowEnd.removed.rawValue] &+= 1
  }
}

// MARK: What rules see

extension Tracker {
  /// The connection that the packet judged last opens.
  public var opening: dpdkfwd_ct_record { pending.seed }

  /// Of an IPv6 connection.
  public func addresses(of tracked: Tracked) -> IPv6Pair {
    tracked.isUnconfirmed ? pending.pair : connections.addresses(of: Int(tracked.slot))
  }

  public func replyZone(of tracked: Tracked) -> UInt16 {
    if tracked.isUnconfirmed { return pending.replyZone }
    let record = unsafe connections.record(Int(tracked.slot))
    let isSplit = unsafe record.pointee.flags & DPDKFWD_CT_TWO_ENTRIES != 0
    return unsafe isSplit ? connections.replyZone(of: Int(tracked.slot)) : record.pointee.zone
  }

  /// The hash of a connection's tuples: what says of two packets that they are of one connection.
  public func hash(of slot: Int) -> UInt64 { connections.tuple(of: slot).0.hash }

  public func labels(of tracked: Tracked) -> (low: UInt64, high: UInt64) {
    if tracked.isUnconfirmed { return pending.labels }
    return connections.labels(of: Int(tracked.slot))
  }
}
