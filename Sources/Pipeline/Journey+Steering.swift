internal import Primitives
internal import Steering
internal import Wire

// A stage of the journey: whose a packet is.
extension Journey {
  /// A packet of another worker's flow leaves the journey here.
  @inline(__always)
  mutating func steer(_ packets: Span<Packet>, by crossing: Crossing) {
    handOffs = 0
    if crossing.group >= 0 { steerEach(packets, group: Int(crossing.group)) }
  }

  @inline(never)
  private mutating func steerEach(_ packets: Span<Packet>, group: Int) {
    for i in 0..<min(packets.count, Self.burst) where exceptions & 1 &<< UInt32(truncatingIfNeeded: i) == 0 {
      // Read here: a function that borrows the journey would copy all summaries for one.
      let summary = summaries[i]
      let owner = owner(of: packets[i], summary, group: group)
      guard owner != owners.worker else { continue }
      verdicts[i] = .handOff(owner)
      handOffs |= 1 &<< UInt32(truncatingIfNeeded: i)
    }
    exceptions |= handOffs
  }

  @inline(__always)
  private func owner(of packet: Packet, _ summary: Summary, group: Int) -> UInt8 {
    let isAtHand = packet.isWhole || OwnerTable.reach(summary) <= packet.contiguous
    let packet = isAtHand ? packet : gathered(packet)
    return unsafe owners.owner(of: summary, in: packet.span, group: group)
  }
}
