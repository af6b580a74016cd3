internal import Pipeline

/// What a run came to: whether every packet is accounted for and every mbuf back in its pool.
public struct Outcome: Sendable, CustomStringConvertible {
  public private(set) var received: UInt64 = 0
  public private(set) var sent: UInt64 = 0
  public private(set) var held: UInt64 = 0
  public private(set) var dropped: UInt64 = 0
  /// Packets that workers handed to each other, as givers and as takers counted them.
  public private(set) var handedOut: UInt64 = 0
  public private(set) var handedIn: UInt64 = 0
  /// Fragments whose datagram left cut anew, and those that were sent in their place.
  public private(set) var cutFrom: UInt64 = 0
  public private(set) var cutInto: UInt64 = 0
  private var reasons = [UInt64](repeating: 0, count: DropReason.slots)
  private var buffers = 0
  /// Mbufs that did not come back, by pool.
  private var missing: [(pool: String, count: Int)] = []

  /// received = sent + held + dropped by reason, but for what was cut anew, and what was handed over arrived.
  public var balances: Bool {
    received + cutInto == sent + held + dropped + cutFrom && dropped == reasons.reduce(0, +) && handedIn == handedOut
  }
  public var isClean: Bool { balances && missing.isEmpty }

  mutating func add(_ worker: borrowing Worker<MbufIO>) {
    for r in 0..<worker.receiveCount { received += worker.receiveQueue(r).packets }
    for t in 0..<worker.transmitCount { sent += worker.transmitQueue(t).packets }
    held += UInt64(worker.held)
    handedOut += worker.handedOff.packets
    handedIn += worker.handedIn.packets
    cutFrom += worker.cutFrom.packets
    cutInto += worker.cutInto.packets
    dropped += worker.journey.tally.dropped
    for reason in DropReason.allCases {
      reasons[Int(reason.rawValue)] += worker.journey.tally.drops[Int(reason.rawValue)].packets
    }
  }

  mutating func add(_ pool: String, size: Int, inUse: Int) {
    buffers += size
    if inUse != 0 { missing.append((pool, inUse)) }
  }

  /// A line each: the balance, what workers handed over if they did, and the mempools.
  public var description: String {
    let named = DropReason.allCases.filter { reasons[Int($0.rawValue)] > 0 }
      .map { "\($0.name): \(reasons[Int($0.rawValue)])" }.joined(separator: ", ")
    let balance =
      "balance: received \(received)" + (cutInto == 0 ? "" : " + made \(cutInto)")
      + " = sent \(sent) + held \(held) + dropped \(dropped)" + (named.isEmpty ? "" : " (\(named))")
      + (cutFrom == 0 ? "" : " + cut \(cutFrom)") + (balances ? "" : "  DOES NOT HOLD")
      + (handedOut + handedIn == 0 ? "" : "\nhandoff: \(handedOut) packets from worker to worker, \(handedIn) taken")
    let pools =
      missing.isEmpty
      ? "mempools: all \(buffers) mbufs are back"
      : "mempools: " + missing.map { "\($0.count) mbufs of \($0.pool) are not back" }.joined(separator: ", ")
    return balance + "\n" + pools
  }
}
