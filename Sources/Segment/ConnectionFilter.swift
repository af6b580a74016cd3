internal import Primitives

/// Which connections are meant: all conditions that were set must hold. The same for the worker that changes them and for
/// those who read its table.
public struct ConnectionFilter: BitwiseCopyable, Sendable {
  /// The conditions that were set.
  public struct Conditions: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let id = Conditions(rawValue: 1 << 0)
    public static let family = Conditions(rawValue: 1 << 1)
    public static let `protocol` = Conditions(rawValue: 1 << 2)
    public static let mark = Conditions(rawValue: 1 << 3)
    public static let status = Conditions(rawValue: 1 << 4)
    public static let state = Conditions(rawValue: 1 << 5)
    public static let labels = Conditions(rawValue: 1 << 6)
    /// Either direction lives in the zone.
    public static let zone = Conditions(rawValue: 1 << 7)
    public static let originalZone = Conditions(rawValue: 1 << 8)
    public static let replyZone = Conditions(rawValue: 1 << 9)
    /// SCTP's verification tags.
    public static let originalTag = Conditions(rawValue: 1 << 10)
    public static let replyTag = Conditions(rawValue: 1 << 11)
  }

  /// Conditions on one direction's tuple.
  public struct Ends: BitwiseCopyable, Sendable {
    /// The leading bits that must agree with `tuple`: 0: any address; IPv4 has 32.
    public var sourceBits: UInt8 = 0
    public var destinationBits: UInt8 = 0
    public var hasSourcePort = false
    public var hasDestinationPort = false
    /// Of `destinationPort`, the bits that are compared: ICMP's type is its high byte and the code its low one.
    public var destinationPortMask: UInt16 = .max
    /// The zone of it is not looked at.
    public var tuple = Connection.Tuple()

    public init() {}

    public var isEmpty: Bool { sourceBits == 0 && destinationBits == 0 && !hasSourcePort && !hasDestinationPort }

    func takes(_ other: Connection.Tuple) -> Bool {
      Self.agree(tuple.source, other.source, bits: sourceBits)
        && Self.agree(tuple.destination, other.destination, bits: destinationBits)
        && (!hasSourcePort || tuple.sourcePort == other.sourcePort)
        && (!hasDestinationPort || (tuple.destinationPort ^ other.destinationPort) & destinationPortMask == 0)
    }

    private static func agree(_ a: IPv6Address, _ b: IPv6Address, bits: UInt8) -> Bool {
      let high = bits == 0 ? 0 : UInt64.max << UInt64(64 - min(Int(bits), 64))
      let low = bits <= 64 ? 0 : UInt64.max << UInt64(128 - min(Int(bits), 128))
      return ((a.high ^ b.high) & high) | ((a.low ^ b.low) & low) == 0
    }
  }

  public var conditions: Conditions = []
  public var id = ConnectionID(rawValue: 0)
  public var isIPv6 = false
  public var `protocol`: UInt8 = 0
  public var original = Ends()
  public var reply = Ends()
  public var mark: UInt32 = 0
  public var markMask: UInt32 = .max
  /// The bits of `statusMask` must be as they are here.
  public var status: UInt16 = 0
  public var statusMask: UInt16 = 0
  public var state: UInt8 = 0
  /// All bits that are set here must be set.
  public var labels = Connection.Labels()
  public var zone: UInt16 = 0
  public var originalZone: UInt16 = 0
  public var replyZone: UInt16 = 0
  public var tags: (original: UInt32, reply: UInt32) = (0, 0)

  /// Takes every connection.
  public init() {}

  public var isEmpty: Bool { conditions.isEmpty && original.isEmpty && reply.isEmpty }

  public func takes(_ connection: Connection) -> Bool {
    isLikely(
      zone: connection.original.zone, protocol: connection.protocol, isIPv6: connection.isIPv6,
      status: connection.status, mark: connection.mark, state: connection.state)
      && (!conditions.contains(.id) || connection.id == id)
      && original.takes(connection.original) && reply.takes(connection.reply)
      && (!conditions.contains(.zone) || connection.original.zone == zone || connection.reply.zone == zone)
      && (!conditions.contains(.replyZone) || connection.reply.zone == replyZone)
      && (!conditions.contains(.labels)
        || (labels.low & ~connection.labels.low) | (labels.high & ~connection.labels.high) == 0)
      && (!conditions.contains(.originalTag) || connection.tags.original == tags.original)
      && (!conditions.contains(.replyTag) || connection.tags.reply == tags.reply)
  }

  /// Whether a connection may be meant, by what lies at hand in its record.
  public func isLikely(
    zone: UInt16, protocol: UInt8, isIPv6: Bool, status: UInt16, mark: UInt32, state: UInt8
  ) -> Bool {
    (!conditions.contains(.protocol) || `protocol` == self.protocol)
      && (!conditions.contains(.family) || isIPv6 == self.isIPv6)
      && (!conditions.contains(.originalZone) || zone == originalZone)
      && (!conditions.contains(.mark) || mark & markMask == self.mark)
      && (!conditions.contains(.status) || status & statusMask == self.status)
      && (!conditions.contains(.state) || state == self.state)
  }
}

/// What is to change in a connection.
public struct ConnectionChange: BitwiseCopyable, Sendable {
  /// The attributes that were given.
  public struct Attributes: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let status = Attributes(rawValue: 1 << 0)
    /// In milliseconds.
    public static let timeout = Attributes(rawValue: 1 << 1)
    /// Of TCP or SCTP.
    public static let state = Attributes(rawValue: 1 << 2)
    /// TCP's window scales and flags (ctnetlink's protoinfo), SCTP's tags.
    public static let details = Attributes(rawValue: 1 << 3)
    /// All that TCP's tracker remembers, windows included.
    public static let windows = Attributes(rawValue: 1 << 4)
    public static let mark = Attributes(rawValue: 1 << 5)
    public static let labels = Attributes(rawValue: 1 << 6)
    public static let counts = Attributes(rawValue: 1 << 7)
    public static let start = Attributes(rawValue: 1 << 8)
  }

  public var attributes: Attributes = []
  /// Where the values stand; `remaining` is the new timeout. Of `status`, the bits that are to be set.
  public var values = Connection()
  /// The status bits that are to be cleared.
  public var clearedStatus: UInt16 = 0
  /// Bits of the mark that change: the new mark is `old & ~mask ^ mark`, as conntrack(8) has it.
  public var markMask: UInt32 = .max
  /// Bits of the labels that change.
  public var labelMask = Connection.Labels(low: .max, high: .max)

  public init() {}
}
