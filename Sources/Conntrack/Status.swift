/// netfilter's status bits (`IPS_*`, `ctnetlink`), as a record's `status` holds them.
public enum Status {
  public static let expected: UInt16 = 1 << 0
  public static let seenReply: UInt16 = 1 << 1
  public static let assured: UInt16 = 1 << 2
  public static let confirmed: UInt16 = 1 << 3
  public static let sourceNAT: UInt16 = 1 << 4
  public static let destinationNAT: UInt16 = 1 << 5
  public static let sequenceAdjust: UInt16 = 1 << 6
  public static let dying: UInt16 = 1 << 9
  public static let fixedTimeout: UInt16 = 1 << 10
  public static let helper: UInt16 = 1 << 13
  public static let offload: UInt16 = 1 << 14
  public static let hardwareOffload: UInt16 = 1 << 15
}

/// What entries are counted by. Raw values are places in `by_protocol` of the shard's record.
public enum ProtocolGroup: Int, CaseIterable, BitwiseCopyable, Sendable {
  case tcp, udp, icmp, icmpv6, sctp, gre, udplite, other

  public init(_ transport: UInt8, isIPv6: Bool) {
    self =
      switch transport {
      case 6: .tcp
      case 17: .udp
      case 1 where !isIPv6: .icmp
      case 58 where isIPv6: .icmpv6
      case 132: .sctp
      case 47: .gre
      case 136: .udplite
      default: .other
      }
  }
}

/// Why a connection was not taken up. Raw values of `limits` are places in `limited` of the shard's record.
public enum Refusal: Int, CaseIterable, BitwiseCopyable, Sendable {
  /// The worker's table is full, and nothing near could be dropped early.
  case shardFull
  /// All workers together hold as many as they may.
  case totalReached
  case zoneReached
  case sourceReached
  /// Another connection has its reply tuple: where zones are split they may meet.
  case tupleTaken

  /// Those that are limits.
  public static let limits: [Refusal] = [.shardFull, .totalReached, .zoneReached, .sourceReached]

  public var name: String {
    switch self {
    case .shardFull: "shard_full"
    case .totalReached: "total"
    case .zoneReached: "zone"
    case .sourceReached: "source"
    case .tupleTaken: "tuple_taken"
    }
  }
}
