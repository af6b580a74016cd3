public import Segment

/// What somebody asks of one connection: ctnetlink's messages.
public struct ConnectionOrder: BitwiseCopyable, Sendable {
  public enum Verb: UInt8, BitwiseCopyable, Sendable {
    /// Refused if it is there.
    case create
    /// Changed if it is there.
    case add
    case update, delete
    /// Only asks how it stands.
    case look
  }

  /// Which part of `change.values` says which connection is meant.
  public enum Key: UInt8, BitwiseCopyable, Sendable { case original, reply, id }

  public var verb: Verb
  public var key: Key
  /// Process id of who asks.
  public var client: UInt32
  /// Whom it is about, and what is to change.
  public var change: ConnectionChange

  public init(_ verb: Verb, key: Key = .original, client: UInt32 = 0, change: ConnectionChange) {
    self.verb = verb
    self.key = key
    self.client = client
    self.change = change
  }
}

/// What came of an order.
public enum OrderOutcome: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  /// As it was asked.
  case done
  /// There was none; there is now.
  case created
  case exists, notFound
  /// What was seen of a connection cannot be taken back (ctnetlink's EBUSY).
  case busy
  /// No packet of its protocol has such a tuple.
  case invalidTuple
  /// The reply tuple is not the original one turned round: that takes address translation.
  case needsTranslation
  case tableFull, connectionLimit, zoneLimit, sourceLimit, tupleTaken
  /// No room for labels.
  case noExtension
}

/// What somebody asks of all connections that a filter takes.
public struct ConnectionScan: BitwiseCopyable, Sendable {
  public enum Verb: UInt8, BitwiseCopyable, Sendable {
    case update, delete
    /// Lets counters begin anew, which is no event: ctnetlink's GET_CTRZERO.
    case zero
  }

  public var verb: Verb
  public var filter: ConnectionFilter
  public var change: ConnectionChange
  public var client: UInt32
  /// Nobody wants to see the connections: they are only counted.
  public var isSilent: Bool
  /// The slot that is looked at next.
  public var next: Int

  public init(
    _ verb: Verb, filter: ConnectionFilter, change: ConnectionChange = ConnectionChange(), client: UInt32 = 0,
    isSilent: Bool = false, from next: Int = 0
  ) {
    self.verb = verb
    self.filter = filter
    self.change = change
    self.client = client
    self.isSilent = isSilent
    self.next = next
  }
}

extension OrderOutcome {
  init(_ refusal: Refusal) {
    self =
      switch refusal {
      case .shardFull: .tableFull
      case .totalReached: .connectionLimit
      case .zoneReached: .zoneLimit
      case .sourceReached: .sourceLimit
      case .tupleTaken: .tupleTaken
      }
  }

  public var isSuccess: Bool { self == .done || self == .created }
}
