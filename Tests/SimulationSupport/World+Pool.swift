import Primitives

// Who has which buffer.

extension World {
  /// The buffer of a handle, which must be the worker's to give away.
  func take(_ handle: UInt, from worker: Int, _ kind: Failure.Kind) -> Int? {
    guard let slot = slab.index(handle) else {
      fail(.ownership, "worker \(worker) gave away what is no handle")
      return nil
    }
    guard slab.slots[slot].owner == .worker(worker) else {
      fail(kind, "worker \(worker) gave away \(describe(slot)), which it does not have")
      return nil
    }
    return slot
  }

  func putBack(_ slot: Int) {
    slab.slots[slot].owner = .pool
    free.append(Int32(slot))
  }

  // MARK: Strangers

  /// Somebody else takes buffers from the pool.
  func takeAway(_ count: Int) {
    for _ in 0..<max(0, min(count, free.count)) {
      let slot = free.removeLast()
      slab.slots[Int(slot)].owner = .stranger
      strangers.append(slot)
    }
  }

  func giveBackAll() {
    for slot in strangers { putBack(Int(slot)) }
    strangers.removeAll(keepingCapacity: true)
  }

  /// The wires are unplugged: what is on them goes back to the pool.
  func close() {
    for i in inbound.indices {
      while let slot = inbound[i].buffers.pop() { putBack(Int(slot)) }
      while inbound[i].frames.pop() != nil {}
    }
    giveBackAll()
  }

  // MARK: Census

  /// Buffers and bytes by owner.
  struct Census {
    var buffers = InlineArray<8, Int>(repeating: 0)
    var bytes = InlineArray<8, UInt64>(repeating: 0)
    /// Packets in workers' hands that no port was offered, by owner, and one of them that is no fragment; -1: none.
    var waiting = InlineArray<8, Int>(repeating: 0)
    var idler = -1

    subscript(owner: Owner) -> Int { buffers[Int(owner.number)] }
  }

  /// Counts every buffer and looks whether the pool, the wires and the strangers have just those that are theirs.
  func census() -> Census {
    censuses += 1
    var census = Census()
    for slot in slab.slots.indices {
      let owner = Int(slab.slots[slot].owner.number)
      census.buffers[owner] += 1
      census.bytes[owner] += UInt64(slab.slots[slot].length)
      guard owner >= Int(Owner.worker(0).number), !slab.slots[slot].wasOffered else { continue }
      census.waiting[owner] += 1
      if !waits(slot) { census.idler = slot }
    }
    var onWires = 0
    for slot in free { meet(Int(slot), .pool) }
    for slot in strangers { meet(Int(slot), .stranger) }
    for i in inbound.indices where inbound[i].isWired {
      onWires += inbound[i].buffers.count
      for k in 0..<inbound[i].buffers.count { meet(Int(inbound[i].buffers[k]), .wire) }
    }
    var onRings = 0
    for ring in rings {
      onRings += ring.count
      for k in 0..<ring.count { meet(Int(ring[k]), .handoff) }
    }
    if onRings != census[.handoff] {
      fail(.ownership, "\(census[.handoff]) buffers are between workers, whose rings have \(onRings)")
    }
    if free.count != census[.pool] {
      fail(.ownership, "\(census[.pool]) buffers are the pool's, which has \(free.count)")
    }
    if onWires != census[.wire] { fail(.ownership, "\(census[.wire]) buffers are on wires, which have \(onWires)") }
    return census
  }

  private func meet(_ slot: Int, _ owner: Owner) {
    if slab.slots[slot].owner != owner || slab.slots[slot].census == censuses {
      fail(.ownership, "buffer \(slot) is in two places")
    }
    slab.slots[slot].census = censuses
  }
}
