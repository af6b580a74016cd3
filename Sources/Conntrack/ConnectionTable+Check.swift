internal import CSegment
internal import Primitives
internal import Tables

extension ConnectionTable {
  /// Whether everything that is counted and chained is what the records give rise to; if not, what is wrong. O(memory):
  /// for tests and simulations.
  public func checkInvariants() -> String? {
    checkGauges() ?? checkSlots() ?? checkExtensions() ?? checkIndex()
  }

  private var live: [Int] { (0..<slotsUsed).filter { isLive($0) } }

  private func checkGauges() -> String? {
    let gauges = unsafe counts.pointee
    let statuses = live.map { unsafe records[$0].status }
    let unassured = statuses.count { $0 & Status.assured == 0 }
    if gauges.entries != UInt64(live.count) { return "\(gauges.entries) entries counted, \(live.count) there" }
    if gauges.unassured != UInt64(unassured) { return "\(gauges.unassured) unassured counted, \(unassured) there" }
    if gauges.entries_max < gauges.entries { return "more entries than the most there were" }
    for group in ProtocolGroup.allCases {
      let counted = unsafe segment_ct_by_protocol(counts)[group.rawValue]
      let there = live.count {
        unsafe ProtocolGroup(records[$0].protocol, isIPv6: records[$0].flags & DPDKFWD_CT_IPV6 != 0) == group
      }
      if counted != UInt64(there) { return "\(counted) of \(group) counted, \(there) there" }
    }
    return nil
  }

  /// Every slot that was used is live, free or at the end of its generations.
  private func checkSlots() -> String? {
    var isFree = [Bool](repeating: false, count: slotsUsed)
    for slot in freeSlots {
      guard slotsUsed > slot, !isFree[slot] else { return "slot \(slot) is free twice" }
      isFree[slot] = true
    }
    for slot in 0..<slotsUsed {
      let record = unsafe records[slot]
      let isSpent = !isLive(slot) && record.start == Self.lastGeneration
      if isLive(slot) == (isFree[slot] || isSpent) { return "slot \(slot) is lost, or live and free" }
      if isLive(slot) != (record.generation != 0) { return "slot \(slot) has generation \(record.generation)" }
    }
    return nil
  }

  /// Every extension that was used is free or belongs to one connection.
  private func checkExtensions() -> String? {
    var owners = [UInt32](repeating: 0, count: extensionsUsed)
    var held = 0
    for slot in live {
      var next = unsafe records[slot].extension
      while next != 0 {
        let place = Int(next) - 1
        guard place < extensionsUsed, owners[place] == 0 else { return "extension \(place) has two owners" }
        owners[place] = unsafe records[slot].generation
        guard unsafe extensions[place].owner == owners[place] else { return "extension \(place) names another owner" }
        next = unsafe extensions[place].next
        held += 1
      }
      let isIPv6 = unsafe records[slot].flags & DPDKFWD_CT_IPV6 != 0
      let hasTwo = unsafe records[slot].flags & DPDKFWD_CT_TWO_ENTRIES != 0
      if unsafe (extra(slot, .addresses) != nil) != isIPv6 { return "slot \(slot) has no addresses, or too many" }
      if unsafe (extra(slot, .reply) != nil) != hasTwo { return "slot \(slot) has no reply tuple, or too many" }
    }
    if unsafe counts.pointee.extensions != UInt64(held) {
      return "\(unsafe counts.pointee.extensions) extensions counted, \(held) there"
    }
    var next = freeExtension
    var free = 0
    while next != 0 {
      let place = Int(next) - 1
      guard place < extensionsUsed, owners[place] == 0, unsafe extensions[place].owner == 0 else {
        return "extension \(place) is free and held"
      }
      owners[place] = .max
      next = unsafe extensions[place].next
      free += 1
    }
    return held + free == extensionsUsed ? nil : "\(extensionsUsed - held - free) extensions are lost"
  }

  /// The index leads to every connection by each of its tuples, and to nothing else.
  private func checkIndex() -> String? {
    var entries = 0
    for slot in live {
      let (tuple, pair) = tuple(of: slot)
      entries += 1
      guard find(tuple, pair) != nil else { return "slot \(slot) is not found" }
      guard unsafe records[slot].flags & DPDKFWD_CT_TWO_ENTRIES != 0 else { continue }
      entries += 1
      let reply = rehashed(tuple, zone: replyZone(of: slot), pair).reversed
      guard find(reply, pair.reversed) != nil else { return "slot \(slot) is not found by its reply" }
    }
    if index.count != entries { return "\(index.count) index entries for \(entries) tuples" }
    let isSound = index.checkInvariants { entry in
      guard isLive(Int(entry.slot)) else { return 0 }
      let (tuple, pair) = tuple(of: Int(entry.slot))
      return entry.flag31 ? rehashed(tuple, zone: replyZone(of: Int(entry.slot)), pair).hash : tuple.hash
    }
    return isSound ? nil : "the index does not hold together"
  }
}
