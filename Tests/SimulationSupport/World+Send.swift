import Pipeline
import Primitives
import Wire

// What workers give away: packets sent, packets given back, and frames that they finish.

extension World {
  func send(_ worker: Int, port: Int, queue: Int, _ handles: inout MutableSpan<UInt>) -> Int {
    guard failure == nil else { return handles.count }
    let taken = room(port, queue, for: handles.count)
    spoil(&handles, taken)
    for i in 0..<taken {
      guard let slot = take(handles[i], from: worker, .sentTwice) else { return taken }
      if sabotage == .skipsPiece, isRipe, waits(slot), slab.slots[slot].piece.offset > 0, slab.slots[slot].piece.more {
        sabotage = nil
        count(slot, worker, port)
        putBack(slot)
        continue
      }
      transmit(slot, worker, port, queue)
    }
    for i in taken..<handles.count {
      guard let slot = slab.index(handles[i]) else { continue }
      slab.slots[slot].wasOffered = true
    }
    return taken
  }

  /// How many of `count` packets the queue takes this time.
  private func room(_ port: Int, _ queue: Int, for count: Int) -> Int {
    guard outlets[port].isUp, now >= outlets[port].fullUntil else { return 0 }
    let count = outlets[port].isWired ? min(count, inbound[(3 - port) * workers + queue].buffers.room) : count
    guard chance.happens(scenario.rates.shortSend) else { return count }
    note(.shortSend)
    return chance.below(count + 1)
  }

  private func transmit(_ slot: Int, _ worker: Int, _ port: Int, _ queue: Int) {
    let packet = slab.slots[slot]
    countByRules(slot)
    let i = Int(packet.inbound)
    if packet.mustDrop != 0 { fail(.fate, "sent: \(describe(slot)), to be dropped as \(name(packet.mustDrop))") }
    if Int(packet.egress) != port { fail(.fate, "\(describe(slot)) left by port \(port), not \(packet.egress)") }
    if queue != worker { fail(.fate, "worker \(worker) used transmit queue \(queue)") }
    if isUnfinished(packet) { fail(.bytes, "\(describe(slot)) left without its checksum") }
    let isMarked = expectBytes(slot)
    if waits(slot) || packet.cut >= 0 || lanes[port * workers + worker].isOpen {
      leaveTogether(slot, worker, port, isMarked: isMarked)
    } else {
      expectOrder(inbound: i, packet.sequence, slot, worker, port)
      expectOwner(packet, worker)
    }
    count(slot, worker, port)
    if outlets[port].isWired {
      complete(slot)
      slab.slots[slot].owner = .wire
      _ = inbound[(3 - port) * workers + queue].buffers.push(Int32(slot))
    } else {
      putBack(slot)
    }
  }

  private func count(_ slot: Int, _ worker: Int, _ port: Int) {
    sent[port * workers + worker].packets += 1
    sent[port * workers + worker].bytes += UInt64(slab.slots[slot].length)
  }

  /// Packets of one queue leave by one port and worker in their order.
  func expectOrder(inbound i: Int, _ sequence: UInt32, _ slot: Int, _ worker: Int, _ port: Int) {
    let last = inbound[i].lastSent[4 * port + worker]
    if sequence <= last { fail(.order, "\(describe(slot)) left by port \(port) behind number \(last)") }
    inbound[i].lastSent[4 * port + worker] = sequence
  }

  func release(_ worker: Int, _ handles: Span<UInt>) {
    guard failure == nil else { return }
    for i in handles.indices {
      if sabotage == .keepsDead, isRipe, let slot = slab.index(handles[i]), waits(slot), !slab.slots[slot].wasOffered {
        sabotage = nil
        continue
      }
      if sabotage == .losesHandle, isRipe {
        sabotage = nil
        continue
      }
      give(handles[i], from: worker)
      if sabotage == .freesTwice, isRipe {
        sabotage = nil
        give(handles[i], from: worker)
      }
    }
  }

  private func give(_ handle: UInt, from worker: Int) {
    guard let slot = take(handle, from: worker, .freedTwice) else { return }
    let packet = slab.slots[slot]
    if packet.cut >= 0, !packet.wasOffered { return giveBackMade(slot, worker) }
    accounts[worker].released.packets += 1
    accounts[worker].released.bytes += UInt64(packet.length)
    if !packet.wasRefused { countByRules(slot) }
    if packet.wasRefused {
      blame(worker, [.handoffFull])
    } else if packet.wasOffered {
      if packet.mustDrop != 0 { fail(.fate, "offered: \(describe(slot)), to be dropped as \(name(packet.mustDrop))") }
      // A worker that drains gives up with either word.
      blame(worker, accounts[worker].isDraining ? [.txFull, .shutdown] : [.txFull])
    } else if packet.mustDrop == 0, packet.mayDrop.isEmpty {
      fail(.fate, "dropped: \(describe(slot)), which had to cross")
    } else {
      var reasons = packet.mayDrop
      if waits(slot) { reasons.formUnion(endsNow(worker, port: Int(packet.inbound) / workers)) }
      if let reason = DropReason(rawValue: packet.mustDrop) { reasons.insert(reason) }
      blame(worker, reasons)
    }
    putBack(slot)
  }

  /// It was dropped for one of the reasons.
  private func blame(_ worker: Int, _ reasons: Reasons) {
    for reason in 0..<DropReason.slots where reasons.contains(reason) {
      if reasons.isOne {
        accounts[worker].certain[reason] += 1
      } else {
        accounts[worker].perhaps[reason] += 1
      }
    }
  }

  // MARK: Unfinished frames

  /// The sender left the checksum to a port that does not fill it in, and so does the worker.
  private func isUnfinished(_ packet: Slot) -> Bool {
    packet.marks.contains(.checksumPartial) && !packet.marks.contains(.segmented)
      && !scenario.exits[Int(packet.inbound) / workers].finishesChecksums
  }

  /// Makes a frame ready for a port that leaves checksums as they are. A port may also fail to do its part, and then the
  /// frame must not leave.
  func finish(_ worker: Int, _ handle: UInt, _ summary: Summary, _ egress: Egress) -> Bool {
    guard failure == nil, let slot = slab.index(handle) else { return true }
    if slab.slots[slot].mustDrop != 0 { fail(.fate, "finished: \(describe(slot)), which cannot leave") }
    if chance.below(16) == 0 {
      slab.slots[slot].mustDrop = DropReason.offloadUnsupported.rawValue
      slab.slots[slot].mayDrop = []
      return false
    }
    if !egress.finishesChecksums, !slab.slots[slot].marks.contains(.segmented) {
      slab.editFirstPiece(slot) { _ = summary.completeTransportChecksum(&$0) }
      expectFinished(slot)
    }
    return true
  }

  /// What must leave is the frame with the checksum that the tests made.
  func expectFinished(_ slot: Int) {
    guard slab.slots[slot].finished >= 0 else { return }
    let template = traffic.templates[Int(slab.slots[slot].finished)]
    slab.fill(slot, from: traffic.bytes, at: template.start, count: template.length)
    slab.slots[slot].marks = []
    slab.slots[slot].finished = -1
  }

  /// A port that finishes frames has done so when they come out at the other end of the wire.
  func complete(_ slot: Int) {
    guard slab.slots[slot].finished >= 0 else { return }
    expectFinished(slot)
    slab.layOut(slot, contiguous: Int(slab.slots[slot].contiguous))
  }
}
