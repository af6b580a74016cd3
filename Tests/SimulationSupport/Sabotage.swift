import Pipeline

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
  /// What was decided before a way out closed is still remembered.
  case keepsCache

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
    case .losesIndexEntry, .keepsGauge, .makesTwin, .movesDeadlineBack, .keepsExpired: .tracking
    case .keepsCache: .cache
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
    case .swapsPackets: handles.swapAt(0, 1)
    case .sendsTwice: handles[1] = handles[0]
    case .changesByte:
      // No Ethernet address of the traffic begins like that.
      slab.editFirstPiece(slab.index(handles[0])!) { $0.storeBytes(of: 0x77, toByteOffset: 0, as: UInt8.self) }
    default: return
    }
    self.sabotage = nil
  }
}
