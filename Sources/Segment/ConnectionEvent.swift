/// Something that happened to a connection, with the connection as it stood then.
public struct ConnectionEvent: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// It was confirmed.
    case new = 1
    case update
    /// It left the table.
    case destroy
  }

  /// What brought it about.
  public enum Originator: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case packet, timeout, earlyDrop, request
  }

  /// What changed.
  public struct Changes: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public var rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The first answer was seen.
    @inlinable public static var reply: Changes { Changes(rawValue: 1) }
    @inlinable public static var assured: Changes { Changes(rawValue: 2) }
    /// Of TCP or SCTP.
    @inlinable public static var state: Changes { Changes(rawValue: 4) }
    @inlinable public static var timeout: Changes { Changes(rawValue: 8) }
    @inlinable public static var mark: Changes { Changes(rawValue: 16) }
    @inlinable public static var labels: Changes { Changes(rawValue: 32) }
    /// Other status bits.
    @inlinable public static var status: Changes { Changes(rawValue: 64) }
    @inlinable public static var counts: Changes { Changes(rawValue: 128) }
  }

  /// Of its ring's entries.
  public var sequence: UInt64
  public var shard: Int
  /// Nanoseconds since 1970.
  public var at: UInt64
  public var kind: Kind
  public var originator: Originator
  /// Process id of who asked for it; 0: nobody did.
  public var client: UInt32
  public var changes: Changes
  public var connection: Connection

  public init(
    sequence: UInt64, shard: Int, at: UInt64, kind: Kind, originator: Originator = .packet, client: UInt32 = 0,
    changes: Changes = [], connection: Connection
  ) {
    self.sequence = sequence
    self.shard = shard
    self.at = at
    self.kind = kind
    self.originator = originator
    self.client = client
    self.changes = changes
    self.connection = connection
  }
}

/// Which events are written: bits, as the workers' `mask` has them.
public struct EventMask: OptionSet, BitwiseCopyable, Hashable, Sendable {
  public var rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable public static var new: EventMask { EventMask(rawValue: 1) }
  /// Whatever changes but the timeout alone.
  @inlinable public static var update: EventMask { EventMask(rawValue: 2) }
  @inlinable public static var destroy: EventMask { EventMask(rawValue: 4) }
  /// Updates of which the timeout is all that changed: at most one a second of each connection.
  @inlinable public static var refresh: EventMask { EventMask(rawValue: 8) }
  /// Fragments that were given up.
  @inlinable public static var fragments: EventMask { EventMask(rawValue: 16) }
  /// What is written when events are always on.
  public static var always: EventMask { [.new, .update, .destroy, .fragments] }
  /// Connections that end stay in the dying list until they are acknowledged.
  @inlinable public static var keeps: EventMask { EventMask(rawValue: 32) }
}
