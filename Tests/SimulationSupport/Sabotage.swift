import Pipeline
import Primitives

/// A bug to plant between the workers and the world: what the simulator must find.
public enum Sabotage: String, CaseIterable, Sendable {
  /// A packet that the worker gives back never reaches the pool.
  case losesHandle
  case freesTwice
  /// A packet is sent in the place of the next one too.
  case sendsTwice
  case swapsPackets
  case changesByte
  /// A packet is put into the ring to its owner twice, or counted as taken by it and not put there.
  case handsOffTwice
  case losesHandOff
  /// One worker's table of owners is another than that of the others.
  case missteers
  /// One packet more is counted as sent than were.
  case miscounts
  /// A drop is counted under another reason.
  case misnames
  /// A burst is counted under no kind.
  case forgetsKind
  /// The index no longer leads to a connection, or a connection is counted that is gone.
  case losesIndexEntry, keepsGauge
  /// Two connections have one tuple.
  case makesTwin
  /// A packet brings its flow's end nearer.
  case movesDeadlineBack
  /// The sweep passes by what is over.
  case keepsExpired
  /// A change is not told of, or an end without what was counted.
  case forgetsUpdate, endsWithoutCounts
  /// What was decided before a way out closed is still remembered.
  case keepsCache
  /// One more buffer than the piece of a cut needs is taken from the pool, or the piece is another than was asked for.
  case losesMade, spoilsMade
  /// A fragment of a datagram that ended never comes back to the pool.
  case keepsDead
  /// Of a datagram's fragments one does not leave, two leave in each other's place, one leaves twice.
  case skipsPiece, swapsPieces, repeatsPiece
  /// A packet waits that is no fragment.
  case holdsPlain
  /// A worker's clock stops: fragments wait for ever.
  case stopsClock

  /// What the simulator must say about it.
  public var discovery: Failure.Kind {
    switch self {
    case .losesHandle: .ownership
    case .freesTwice: .freedTwice
    case .sendsTwice: .sentTwice
    case .swapsPackets: .order
    case .changesByte: .bytes
    case .handsOffTwice: .handedTwice
    case .losesHandOff: .ownership
    case .missteers: .steering
    case .miscounts: .balance
    case .misnames: .fate
    case .forgetsKind: .counter
    case .losesIndexEntry, .keepsGauge, .makesTwin, .movesDeadlineBack: .tracking
    // Whoever follows events misses an end before anybody looks at the table.
    case .keepsExpired, .forgetsUpdate, .endsWithoutCounts: .events
    case .keepsCache: .cache
    case .losesMade, .keepsDead: .ownership
    case .spoilsMade, .skipsPiece, .swapsPieces: .datagram
    case .repeatsPiece: .sentTwice
    case .holdsPlain, .stopsClock: .waiting
    }
  }

  /// Packets that a world lives through before the bug strikes, once.
  static let patience: UInt64 = 500
}

extension World {
  /// The planted bug may strike now.
  var isRipe: Bool { inbound.reduce(0) { $0 + $1.delivered.packets } > Sabotage.patience }

  /// Spoils what is about to leave.
  func spoil(_ handles: inout MutableSpan<UInt>, _ count: Int) {
    guard let sabotage, count > 1, isRipe else { return }
    switch sabotage {
    case .swapsPackets:
      guard let first = firstPair(handles, count, isOrdered) else { return }
      handles.swapAt(first, first + 1)
    case .swapsPieces, .repeatsPiece:
      guard let first = firstPair(handles, count, isFollowed) else { return }
      sabotage == .swapsPieces ? handles.swapAt(first, first + 1) : (handles[first + 1] = handles[first])
    case .sendsTwice: handles[1] = handles[0]
    case .changesByte:
      // No Ethernet address of the traffic begins like that.
      slab.editFirstPiece(slab.index(handles[0])!) { $0.storeBytes(of: 0x77, toByteOffset: 0, as: UInt8.self) }
    default: return
    }
    self.sabotage = nil
  }

  private func firstPair(_ handles: borrowing MutableSpan<UInt>, _ count: Int, _ fits: (Slot, Slot) -> Bool) -> Int? {
    for i in 0..<(count - 1) {
      guard let one = slab.index(handles[i]), let next = slab.index(handles[i + 1]) else { continue }
      if fits(slab.slots[one], slab.slots[next]) { return i }
    }
    return nil
  }

  /// Whether two packets came by one queue, and leave on their own.
  private func isOrdered(_ one: Slot, before next: Slot) -> Bool {
    one.inbound == next.inbound && [one, next].allSatisfy { !waits($0) && $0.cut < 0 }
  }

  /// Whether two packets are neighbours in a datagram.
  func isFollowed(_ one: Slot, by next: Slot) -> Bool {
    waits(one) && waits(next) && key(one) == key(next) && one.piece.more && one.piece.end == next.piece.offset
  }
}
