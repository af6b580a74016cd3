import Pipeline
import Primitives
import Steering

// What workers hand to each other.

extension World {
  func handOff(_ worker: Int, to owner: Int, from port: Int, _ handles: Span<UInt>) -> Int {
    guard failure == nil else { return handles.count }
    guard owner != worker, (0..<workers).contains(owner) else {
      fail(.steering, "worker \(worker) hands packets to worker \(owner)")
      return handles.count
    }
    let ring = worker * workers + owner
    for i in handles.indices {
      guard rings[ring].room > 0 else {
        for k in i..<handles.count { refuse(handles[k]) }
        return i
      }
      if sabotage == .losesHandOff, isRipe {
        sabotage = nil
        // The ring says that it has the packet.
        if let slot = take(handles[i], from: worker, .ownership) { slab.slots[slot].owner = .handoff }
        continue
      }
      pass(handles[i], worker, ring, port)
      if sabotage == .handsOffTwice, isRipe, rings[ring].room > 0 {
        sabotage = nil
        pass(handles[i], worker, ring, port)
      }
    }
    return handles.count
  }

  private func pass(_ handle: UInt, _ worker: Int, _ ring: Int, _ port: Int) {
    guard let slot = take(handle, from: worker, .handedTwice) else { return }
    let packet = slab.slots[slot]
    // Where connections are tracked, their owner says what is invalid.
    let isOwners = scenario.tracking != nil
    if let reason = DropReason(rawValue: packet.mustDrop), packet.fault != 0 || reason == .invalid && !isOwners {
      fail(.fate, "handed off: \(describe(slot)), to be dropped as \(reason.name)")
    }
    if Int(packet.inbound) / workers != port { fail(.steering, "\(describe(slot)) was handed off as port \(port)'s") }
    accounts[worker].handedOff.packets += 1
    accounts[worker].handedOff.bytes += UInt64(packet.length)
    slab.slots[slot].owner = .handoff
    _ = rings[ring].push(Int32(slot))
    noteWhole(rings[ring])
  }

  /// Fragments in a row that are a whole datagram were perhaps put together by the giver, which counts as a handover: if
  /// some of them complete what is left of another, their place among what came is not known.
  private func noteWhole(_ ring: Ring<Int32>) {
    var start = ring.count - 1
    guard waits(Int(ring[start])), !slab.slots[Int(ring[start])].piece.more else { return }
    while start > 0, isFollowed(slab.slots[Int(ring[start - 1])], by: slab.slots[Int(ring[start])]) { start -= 1 }
    guard slab.slots[Int(ring[start])].piece.offset == 0 else { return }
    for k in start..<ring.count { slab.slots[Int(ring[k])].handovers &+= 1 }
  }

  private func refuse(_ handle: UInt) {
    guard let slot = slab.index(handle) else { return }
    note(.fullRings)
    slab.slots[slot].wasRefused = true
  }

  func receiveHandedOff(_ worker: Int, from giver: Int, into burst: inout OutputSpan<Packet>) {
    guard failure == nil else { return }
    while burst.count < burst.capacity, let popped = rings[giver * workers + worker].pop() {
      let slot = Int(popped)
      note(.handoffs)
      slab.slots[slot].owner = .worker(worker)
      slab.slots[slot].handovers &+= 1
      stamp(slot)
      accounts[worker].handedIn.packets += 1
      accounts[worker].handedIn.bytes += UInt64(slab.slots[slot].length)
      if accounts[worker].isEmptying {
        slab.slots[slot].mustDrop = DropReason.shutdown.rawValue
        slab.slots[slot].mayDrop = Reasons()
        slab.slots[slot].rules = -1
      } else {
        judgeHandedOff(slot, worker)
      }
      burst.append(slab.packet(slot))
    }
  }

  func handOffRoom(_ worker: Int, to owner: Int) -> Int { rings[worker * workers + owner].room }

  func ingress(_ handle: UInt) -> PortID {
    PortID(rawValue: UInt16(slab.index(handle).map { Int(slab.slots[$0].inbound) / workers } ?? 0))
  }

  /// All packets of a conversation, either way, leave by one worker.
  func expectOwner(_ packet: Slot, _ worker: Int) {
    guard workers > 1 else { return }
    let name: Int
    switch scenario.steer {
    case .addressPair: name = Int(packet.pair)
    // A fragment that stays one goes by its addresses.
    case .fiveTuple: name = packet.piece.key < 0 || waits(packet) ? Int(packet.conversation) : -1
    case .port: return
    }
    guard name >= 0 else { return }
    if ownersSeen[name] < 0 { ownersSeen[name] = Int8(worker) }
    if ownersSeen[name] != worker {
      fail(.steering, "\(describe(packet)) left by worker \(worker), others of its flow by \(ownersSeen[name])")
    }
  }
}
