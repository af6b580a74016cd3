// Rules: what a ruleset does to packets. `Interpreter` walks the tree and thereby says what is meant; `Compiler` makes
// of the same tree a program whose cost follows the decisions that a packet needs, and `RuleEngine` runs it for one
// worker, with the worker's own counters, limits and elements (`RuleStates` is the control side's hand on them). Both
// agree on every packet. Nothing here knows a clock, a port or a table of connections: what a rule reads comes with the
// packet, and what it changes goes back with it.

public import Wire

/// Where packets meet rules, in this order.
public enum RuleHook: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case ingress
  /// Prerouting chains with a priority below -200: before the packet's connection is known.
  case raw
  case prerouting, forward, postrouting
}

/// A packet as rules see it.
@safe
public struct RulePacket: BitwiseCopyable {
  /// The frame from its first byte, as far as its headers reach.
  public var bytes: UnsafePointer<UInt8>
  public var count: Int
  public var summary: Summary
  /// By number; `egress` is 0xFFFF where it is not known (ingress, raw and prerouting).
  public var ingress: UInt16
  public var egress: UInt16 = 0xFFFF
  /// The packet's own mark, and whether its way through the rules is told.
  public var mark: UInt32 = 0
  public var isTraced = false
  public var connection = ConnectionFacts()
  public var effects = RuleEffects()

  @inlinable @inline(__always)
  public init(bytes: UnsafePointer<UInt8>, count: Int, summary: Summary, ingress: UInt16) {
    unsafe self.bytes = unsafe bytes
    self.count = count
    self.summary = summary
    self.ingress = ingress
  }
}

/// What rules know of the packet's connection. Numbers in host order; addresses as integers of the bytes on the wire.
public struct ConnectionFacts: BitwiseCopyable, Sendable {
  /// The packet has been looked at by the tracker. Before that only `ct state` can be read; it is invalid then, as in
  /// the kernel.
  public var isKnown = false
  /// One of the bits invalid 1, established 2, related 4, new 8, untracked 64. With the first and the last of them
  /// there is no connection and nothing but this can be read.
  public var state: UInt8 = 0
  /// 0 original, 1 reply: the packet's.
  public var direction: UInt8 = 0
  public var isIPv6 = false
  public var transport: UInt8 = 0
  /// IPS_*; `ct timeout set` asks for IPS_CONFIRMED (8), which a connection's first packet does not have yet.
  public var status: UInt32 = 0
  public var mark: UInt32 = 0
  /// Milliseconds left.
  public var expiration: UInt64 = 0
  public var id: UInt32 = 0
  /// The same in all its packets, from the first one on, and different from others' with all likelihood.
  public var handle: UInt64 = 0
  public var labels: UInt128 = 0
  public var zones: (original: UInt16, reply: UInt16) = (0, 0)
  /// By direction.
  public var source: (UInt128, UInt128) = (0, 0)
  public var destination: (UInt128, UInt128) = (0, 0)
  public var sourcePort: (UInt16, UInt16) = (0, 0)
  public var destinationPort: (UInt16, UInt16) = (0, 0)
  public var packets: (UInt64, UInt64) = (0, 0)
  public var bytes: (UInt64, UInt64) = (0, 0)

  @inlinable @inline(__always)
  public init() {}
}

/// What rules did to a packet and its connection, besides judging it. `RulePacket`'s own fields have changed too, so
/// that later rules see it; this says what is to be written back.
public struct RuleEffects: BitwiseCopyable, Sendable {
  public struct Changes: OptionSet, BitwiseCopyable, Sendable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let mark = Changes(rawValue: 1)
    public static let labels = Changes(rawValue: 2)
    public static let zones = Changes(rawValue: 4)
    public static let notrack = Changes(rawValue: 8)
    public static let timeout = Changes(rawValue: 16)
    public static let events = Changes(rawValue: 32)
    public static let offload = Changes(rawValue: 64)
  }
  public var changes: Changes = []
  /// Place of the timeout policy among the program's.
  public var timeout: UInt8 = 0
  /// Of the connection's events, as `Target.connectionEvents` has them.
  public var events: UInt16 = 0
  /// Place of the flow table among the program's, from 1.
  public var flowtable: UInt8 = 0

  @inlinable @inline(__always)
  public init() {}
}

/// What rules say of a packet.
public enum RuleDecision: UInt8, BitwiseCopyable, Sendable {
  case accept
  /// By a rule.
  case drop
  /// By a base chain's policy.
  case policy
  case reject
}
