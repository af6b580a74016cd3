import Pipeline
import Primitives
import TestSupport

// Fragments and their datagrams: which wait, how they leave, and what is made in their place.

/// What a worker is sending by a port, while it is in the middle of a datagram.
struct Lane {
  var isOpen = false
  /// What the next packet must be: the fragment of that datagram with that offset, or that piece of a cut.
  var key = 0
  var next: UInt32 = 0
  var cut: Int32 = -1
  var place: Int32 = 0
  /// The fragments that have left, and which of them were marked on the way.
  var members: [(packet: Slot, isMarked: Bool)] = []
}

/// A datagram that is cut anew.
struct Cut {
  let key: Int
  var pieces: [(offset: Int, more: Bool, payload: [UInt8])] = []
  var ecn: Set<UInt8> = []
  var isDone = false
}

extension World {
  /// The packet is a fragment of a datagram that is to be put together.
  @inline(__always)
  func waits(_ slot: Int) -> Bool { waits(slab.slots[slot]) }

  @inline(__always)
  func waits(_ packet: Slot) -> Bool { packet.piece.key >= 0 && scenario.fragments.isOn(ipv6: packet.piece.isIPv6) }

  /// Which datagram a fragment is of. What came in by different ports is never of one, see `Frame.fragment(by:)`.
  func key(_ packet: Slot) -> Int { Int(packet.piece.key) * ports + Int(packet.inbound) / workers }

  func number(ofKey name: [UInt8]) -> Int32 {
    if let number = keys[name] { return number }
    let number = Int32(keys.count)
    keys[name] = number
    return number
  }

  /// The packet came to a worker.
  func stamp(_ slot: Int) {
    stamps += 1
    slab.slots[slot].stamp = stamps
    slab.slots[slot].came = clock
  }

  /// What a worker is told of the time.
  func time(of worker: Int) -> Instant {
    if sabotage == .stopsClock, isRipe {
      sabotage = nil
      stopped[worker] = clock
    }
    return stopped[worker] ?? clock
  }

  // MARK: What waits

  func waiting(_ worker: Int) -> [Slot] {
    slab.slots.indices.lazy.map { self.slab.slots[$0] }.filter { $0.owner == .worker(worker) && !$0.wasOffered }
  }

  /// Why a fragment's wait may end now, besides what the scenario says.
  func endsNow(_ worker: Int, port: Int) -> Reasons {
    var reasons = Reasons()
    let exit = scenario.exits[port]
    if exit.closed == nil, accounts[worker].knownDown & 1 << UInt32(exit.port) != 0 { reasons.insert(.linkDown) }
    if accounts[worker].isDraining { reasons.insert(.shutdown) }
    return reasons
  }

  /// Whether a datagram's time has been over for more breaths than it takes to end all that are over, eight at a time,
  /// while others come.
  func isLate(_ key: Int, _ slots: [Slot], _ worker: Int, _ breaths: UInt64) -> Bool {
    let came = slots.map(\.came).min() ?? clock
    let over = came + .milliseconds(UInt64(scenario.fragments.timeout(ipv6: slots[0].piece.isIPv6)) + 1)
    let place = key * workers + worker
    guard clock >= over else {
      late[place] = nil
      return false
    }
    // Another datagram of that name than the one that was late before.
    guard let before = late[place], before.came == came else {
      late[place] = (came, breaths)
      return false
    }
    return breaths > before.breaths + 100
  }

  // MARK: What leaves

  /// Whether the packet goes on with what is leaving.
  func isNext(_ slot: Int, in lane: Lane) -> Bool {
    let packet = slab.slots[slot]
    guard packet.cut == lane.cut else { return false }
    if packet.cut >= 0 { return packet.place == lane.place }
    return waits(packet) && key(packet) == lane.key && packet.piece.offset == lane.next
  }

  /// A packet that leaves with others, or in the middle of them.
  func leaveTogether(_ slot: Int, _ worker: Int, _ port: Int, isMarked: Bool) {
    let packet = slab.slots[slot]
    let place = port * workers + worker
    if lanes[place].isOpen {
      guard isNext(slot, in: lanes[place]) else {
        return fail(.datagram, "\(describe(slot)) left by port \(port) between the fragments of a datagram")
      }
    } else {
      guard packet.cut >= 0 ? packet.place == 0 : packet.piece.offset == 0 else {
        return fail(.datagram, "\(describe(slot)) left by port \(port) without the fragments in front of it")
      }
      lanes[place] = Lane(isOpen: true, key: key(packet), cut: packet.cut)
    }
    expectExit(slot, worker)
    lanes[place].members.append((packet, isMarked))
    lanes[place].next = packet.piece.end
    lanes[place].place += 1
    if packet.cut >= 0 {
      guard let cut = cuts[packet.cut], cut.isDone else {
        return fail(.datagram, "\(describe(slot)) is of no datagram")
      }
      guard lanes[place].place == Int32(cut.pieces.count) else { return }
      cuts[packet.cut] = nil
      note(.cuts)
    } else {
      guard !packet.piece.more else { return }
      note(.datagrams)
      expectMarks(lanes[place].members)
      expectPlace(lanes[place].members, slot, worker, port)
    }
    expectOwner(lanes[place].members[0].packet, worker)
    lanes[place] = Lane()
  }

  /// Each of the fragments can leave by that port.
  private func expectExit(_ slot: Int, _ worker: Int) {
    var packet = incoming(slot, worker, Int(slab.slots[slot].inbound) / workers)
    packet.exit.closed = nil
    if ExitModel().opinion(of: packet) != .passes { fail(.fate, "\(describe(slot)) left, and is too large") }
  }

  /// A datagram leaves in the place of the fragment that came last. One that was put together twice, since its flow is
  /// another worker's than its fragments, has no place.
  private func expectPlace(_ members: [(packet: Slot, isMarked: Bool)], _ slot: Int, _ worker: Int, _ port: Int) {
    guard members.allSatisfy({ $0.packet.handovers <= 1 }),
      let last = members.max(by: { $0.packet.stamp < $1.packet.stamp })?.packet
    else { return }
    let sequence = members.filter { $0.packet.inbound == last.inbound }.map(\.packet.sequence).max() ?? 0
    expectOrder(inbound: Int(last.inbound), sequence, slot, worker, port)
  }

  /// All say that there was congestion if one does (RFC 3168 §5.3), as far as the header is where it can be written.
  private func expectMarks(_ members: [(packet: Slot, isMarked: Bool)]) {
    let came = Set(members.filter { !$0.isMarked }.map(\.packet.piece.ecn))
    let isCongested = came.contains(3)
    if members.contains(where: \.isMarked) {
      note(.marked)
      if !isCongested { return fail(.bytes, "a datagram was marked of which no fragment was") }
    }
    if came.contains(0), came.count > 1 { return fail(.datagram, "a datagram left whose fragments disagree on ECN") }
    for (packet, isMarked) in members where isCongested && !isMarked && packet.piece.ecn != 3 {
      if Int(packet.contiguous) >= Int(packet.piece.network) + (packet.piece.isIPv6 ? 40 : 20) {
        return fail(.bytes, "\(describe(packet)) is of a datagram that is marked, and is not")
      }
    }
  }

  /// The frame left as it came, but for a mark that there was congestion; says whether it has got one.
  func expectBytes(_ slot: Int) -> Bool {
    if slab.isUntouched(slot) { return false }
    let piece = slab.slots[slot].piece
    if waits(slot), slab.slots[slot].cut < 0, piece.ecn == 1 || piece.ecn == 2 {
      slab.amend(slot, Frame(slab.copyOfFrame(slot)).markedCongested)
      slab.slots[slot].piece.ecn = 3
      if slab.isUntouched(slot) { return true }
    }
    fail(.bytes, "\(describe(slot)) did not leave as it came")
    return false
  }

  // MARK: What is made

  /// A piece of a datagram that is cut anew, in a buffer of the pool.
  ///
  /// - Parameter like: its first fragment.
  func make(_ worker: Int, _ frame: [UInt8], like: UInt) -> Packet? {
    guard failure == nil, let first = take(like, from: worker, .datagram) else { return nil }
    guard let free = free.popLast() else {
      note(.unmade)
      return nil
    }
    var bytes = frame
    if sabotage == .spoilsMade, isRipe {
      sabotage = nil
      bytes[bytes.count - 1] ^= 1
    }
    let slot = Int(free)
    guard bytes.count <= Traffic.longest else {
      fail(.datagram, "a piece of \(bytes.count) bytes was made")
      return nil
    }
    var packet = slab.slots[first]
    packet.owner = .worker(worker)
    packet.fault = 0
    packet.marks = []
    packet.finished = -1
    (packet.mustDrop, packet.mayDrop) = (0, [])
    (packet.wasOffered, packet.wasRefused) = (false, false)
    packet.rules = -1
    slab.slots[slot] = packet
    slab.fill(slot, from: bytes, at: 0, count: bytes.count)
    slab.layOut(slot, contiguous: bytes.count)
    stamp(slot)
    accounts[worker].made.packets += 1
    accounts[worker].made.bytes += UInt64(bytes.count)
    file(slot, of: first, Frame(bytes), worker)
    if sabotage == .losesMade, isRipe, let lost = self.free.popLast() {
      sabotage = nil
      slab.slots[Int(lost)].owner = .worker(worker)
    }
    return slab.packet(slot)
  }

  /// Adds a piece to the cut that it is of.
  private func file(_ slot: Int, of first: Int, _ frame: Frame, _ worker: Int) {
    let front = slab.slots[first].piece
    let network = Int(front.network)
    guard Traffic.fault(of: frame) == nil else { return fail(.datagram, "a piece was made with a faulty header") }
    let reading = frame.fragmentOfAnyPort
    let end =
      network + (front.isIPv6 ? 40 + Int(frame.bytes.word(at: network + 4)) : Int(frame.bytes.word(at: network + 2)))
    let payload = reading?.payload ?? Int(front.payload)..<end
    let (offset, more) = (reading?.offset ?? 0, reading?.more ?? false)
    slab.slots[slot].piece = reading.map { Piece($0, key: number(ofKey: $0.key)) } ?? Piece()
    if reading != nil, slab.slots[slot].piece.key != front.key {
      fail(.datagram, "a piece was made of another datagram")
    }
    if !Self.isAlike(frame.bytes, slab.copyOfFrame(first), front) {
      fail(.datagram, "a piece was made whose headers are not those of the first fragment")
    }
    if offset == 0 {
      lastCut += 1
      cutting[worker] = lastCut
      cuts[lastCut] = Cut(key: key(slab.slots[first]))
    }
    let place = cutting[worker]
    guard var cut = cuts[place], cut.key == key(slab.slots[first]), !cut.isDone else {
      return fail(.datagram, "a piece was made of no datagram")
    }
    slab.slots[slot].cut = place
    slab.slots[slot].place = Int32(cut.pieces.count)
    cut.pieces.append((offset, more, Array(frame.bytes[payload])))
    cut.ecn.insert(frame.bytes[network + 1] >> (front.isIPv6 ? 4 : 0) & 3)
    cut.isDone = !more
    cuts[place] = cut
    if cut.isDone { expectSame(cut, worker) }
  }

  /// Headers are the first fragment's, but for lengths, place, checksum and congestion bits; IPv4 options that are not to
  /// be copied may be no operations.
  private static func isAlike(_ piece: [UInt8], _ first: [UInt8], _ front: Piece) -> Bool {
    let (ip, end) = (Int(front.network), Int(front.payload))
    guard piece.count >= end else { return false }
    let free: [Int] = front.isIPv6 ? [4, 5, end - ip - 6, end - ip - 5] : [2, 3, 6, 7, 10, 11]
    for at in 0..<end where piece[at] != first[at] && !free.contains(at - ip) {
      let isCongestion =
        at == ip + 1 && piece[at] & (front.isIPv6 ? 0xcf : 0xfc) == first[at] & (front.isIPv6 ? 0xcf : 0xfc)
      let isOption = !front.isIPv6 && at >= ip + 20 && piece[at] == 1
      guard isCongestion || isOption else { return false }
    }
    return true
  }

  /// What was cut is the payload of fragments that the worker has, each byte of it.
  private func expectSame(_ cut: Cut, _ worker: Int) {
    guard let whole = putTogether(cut.pieces) else { return fail(.datagram, "pieces were made that are no datagram") }
    if cut.ecn.count > 1 { return fail(.datagram, "pieces were made that disagree on ECN") }
    var ends: Set<Int> = [0]
    let candidates = slab.slots.indices.filter { slot in
      let packet = slab.slots[slot]
      return packet.owner == .worker(worker) && !packet.wasOffered && packet.cut < 0 && waits(packet)
        && key(packet) == cut.key
    }
    for slot in candidates.sorted(by: { slab.slots[$0].piece.offset < slab.slots[$1].piece.offset }) {
      let piece = slab.slots[slot].piece
      let (start, end) = (Int(piece.offset), Int(piece.end))
      guard ends.contains(start), end <= whole.count, piece.more == (end < whole.count) else { continue }
      let payload = slab.copyOfFrame(slot)[Int(piece.payload)..<(Int(piece.payload) + Int(piece.length))]
      if payload == whole[start..<end] { ends.insert(end) }
    }
    if !ends.contains(whole.count) { fail(.datagram, "what was cut anew is not what came") }
  }

  /// A piece was made in vain.
  func giveBackMade(_ slot: Int, _ worker: Int) {
    accounts[worker].made.packets -= 1
    accounts[worker].made.bytes -= UInt64(slab.slots[slot].length)
    cuts[slab.slots[slot].cut] = nil
    putBack(slot)
  }
}
