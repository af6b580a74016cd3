internal import Primitives
internal import Reassembly
internal import Wire

// How a datagram that came in fragments leaves: where its last fragment came, whole or not at all.
extension Worker where IO: ~Copyable {
  /// Sends the datagram that packet `i` completed, if it did and it is to be sent.
  mutating func emit(_ i: Int, by crossing: Crossing) {
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: i)
    guard journey.assembled & bit != 0, journey.handOffs & bit == 0 else { return }
    journey.cuts & bit == 0 ? sendAsItCame(i, by: crossing) : sendCutAnew(i, by: crossing)
  }

  private mutating func sendAsItCame(_ i: Int, by crossing: Crossing) {
    let slot = Int(journey.slots[i])
    guard makeWay(for: journey.fragments.pieceCount(slot), by: crossing) else {
      return journey.dropDatagram(i, .txFull)
    }
    let congestion = journey.fragments.congestion(slot)
    let isIPv6 = journey.summaries[i].flags.contains(.ipv6)
    var link = journey.fragments.firstPiece(slot)
    var follows = false
    while link != 0 {
      let held = journey.fragments.packet(link)
      if congestion != 0 { held.mark(congestion, isIPv6: isIPv6) }
      append(held.handle, length: held.length, follows: follows, by: crossing)
      follows = true
      link = journey.fragments.piece(after: link)
    }
    journey.fragments.finish(slot)
  }

  /// Sends it in pieces that are small enough for the egress port's MTU.
  private mutating func sendCutAnew(_ i: Int, by crossing: Crossing) {
    let slot = Int(journey.slots[i])
    guard case .cut(let mtu) = journey.judgeEgress(slot, crossing.egress) else {
      return journey.dropDatagram(i, .mtuExceeded)
    }
    let whole = journey.wholeDatagram(slot)
    let front = journey.fragments.packet(journey.fragments.firstPiece(slot))
    var cut = unsafe DatagramCut(
      UnsafeMutableRawPointer(mutating: whole.bytes), length: Int(whole.contiguous), network: Int(front.network),
      payload: Int(front.payload), isIPv6: journey.summaries[i].flags.contains(.ipv6), mtu: mtu,
      congestion: journey.fragments.congestion(slot))
    guard cut.count <= madeRoom, makeWay(for: cut.count, by: crossing) else {
      return journey.dropDatagram(i, .txFull)
    }
    let count = makePieces(&cut, like: front.handle)
    guard count == cut.count else {
      giveBack(made: count)
      let family = journey.summaries[i].flags.contains(.ipv6) ? 1 : 0
      journey.fragments.count(.noBuffer, family, UInt64(journey.fragments.pieceCount(slot)))
      return journey.dropDatagram(i, .fragNoBuffer)
    }
    appendMade(count, from: journey.fragments.pieceCount(slot), journey.fragments.frameBytes(slot), by: crossing)
    journey.fragments.bury(finished: slot)
  }
}

extension HeldFragment {
  /// Writes a codepoint into the fragment's IP header, if it can carry marks (RFC 3168 §5.3): what the receiver would
  /// find when it puts the datagram together.
  func mark(_ codepoint: UInt8, isIPv6: Bool) {
    let at = Int(network)
    guard at + (isIPv6 ? 40 : 20) <= Int(contiguous) else { return }
    let header = unsafe UnsafeMutableRawPointer(mutating: bytes) + at
    var bytes = unsafe MutableRawSpan(_unsafeStart: header, byteCount: isIPv6 ? 40 : 20)
    bytes.setECN(codepoint, isIPv6: isIPv6)
  }
}
