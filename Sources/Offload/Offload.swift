// Offload: what ports can do for connections on their own. A worker asks through its `OffloadLane` and goes on; an
// `OffloadQueue`, on a thread of its own, asks the driver (`FlowDriver`) for a rule in each direction, reads the rules'
// counters, hears which have aged, and answers. Everything is bounded: requests, connections, calls of the driver a
// second. Nothing waits, and a refusal changes nothing but figures: packets of the connection go the way they went.
//
// It is Linux's nf_flow_table_offload in small. Time is an argument; the thread and the real driver are DataPlane's.
public import Primitives

/// A connection as its worker knows it. Each life of a record has its own generation.
public struct OffloadFlow: BitwiseCopyable, Hashable, Sendable {
  public var worker: UInt16
  public var slot: UInt32
  public var generation: UInt32

  @inlinable public init(worker: UInt16, slot: UInt32, generation: UInt32) {
    self.worker = worker
    self.slot = slot
    self.generation = generation
  }
}

/// What a port recognises packets by: addresses, ports and transport of a TCP or UDP flow, in host byte order. An IPv4
/// address is the first word of four.
public struct OffloadTuple: BitwiseCopyable, Hashable, Sendable {
  public var source: IPv6Address
  public var destination: IPv6Address
  public var sourcePort: UInt16
  public var destinationPort: UInt16
  /// 6 or 17.
  public var transport: UInt8
  public var isIPv6: Bool

  @inlinable
  public init(
    source: IPv6Address, destination: IPv6Address, ports: (UInt16, UInt16), transport: UInt8, isIPv6: Bool
  ) {
    self.source = source
    self.destination = destination
    (sourcePort, destinationPort) = ports
    self.transport = transport
    self.isIPv6 = isIPv6
  }

  var kind: TupleKind { TupleKind(isIPv6: isIPv6, transport: transport) }

  /// As the other end's packets have it.
  public var reversed: OffloadTuple {
    OffloadTuple(
      source: destination, destination: source, ports: (destinationPort, sourcePort), transport: transport,
      isIPv6: isIPv6)
  }
}

/// Ports may know one of these and not another.
struct TupleKind: Hashable, Sendable {
  var isIPv6: Bool
  var transport: UInt8
}

/// The two directions of a connection, original first.
public struct BothWays<Value: BitwiseCopyable>: BitwiseCopyable {
  public var original: Value
  public var reply: Value

  @inlinable public init(original: Value, reply: Value) {
    self.original = original
    self.reply = reply
  }

  @inlinable public subscript(isReply: Bool) -> Value {
    get { isReply ? reply : original }
    set { if isReply { reply = newValue } else { original = newValue } }
  }
}

extension BothWays: Equatable where Value: Equatable {}
extension BothWays: Sendable where Value: Sendable {}

/// What a worker asks for.
public struct OffloadRequest: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable { case add, remove }

  public var kind: Kind
  public var flow: OffloadFlow
  // Of `.add` alone:
  /// As packets of the original direction have it.
  public var tuple: OffloadTuple
  /// Where packets of each direction come in, and the receive queue they shall be put in; `anyQueue`: as ever.
  public var ports: BothWays<PortID>
  public var queues: BothWays<UInt16>
  /// What packets will bear.
  public var mark: UInt32
  /// Without a packet for so long a rule has aged; ports count whole seconds, at least one.
  public var timeout: Interval

  public static let anyQueue = UInt16.max

  public init(
    add flow: OffloadFlow, _ tuple: OffloadTuple, ports: BothWays<PortID>,
    queues: BothWays<UInt16> = BothWays(original: anyQueue, reply: anyQueue), mark: UInt32, timeout: Interval
  ) {
    kind = .add
    self.flow = flow
    self.tuple = tuple
    self.ports = ports
    self.queues = queues
    self.mark = mark
    self.timeout = timeout
  }

  public init(remove flow: OffloadFlow) {
    let nowhere = IPv6Address(high: 0, low: 0)
    self.init(
      add: flow, OffloadTuple(source: nowhere, destination: nowhere, ports: (0, 0), transport: 0, isIPv6: false),
      ports: BothWays(original: PortID(rawValue: 0), reply: PortID(rawValue: 0)), mark: 0, timeout: .seconds(0))
    kind = .remove
  }
}

/// What a worker hears. Every request to add that was taken has one last report, `refused` or `ended`; a second request
/// for a connection that is being offloaded shares that of the first.
public struct OffloadReport: BitwiseCopyable, Equatable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// At least one direction has its rule; `ways` says which.
    case added
    /// No port took it, or there was no place for it.
    case refused
    /// Packets were counted.
    case counted
    /// It has no rule any more, for the reason in `cause`. The last counts are in it.
    case ended
  }
  public enum Cause: UInt8, BitwiseCopyable, Sendable {
    case none
    /// By request.
    case removed
    /// No packet for the time of its rules, in any direction that has one.
    case aged
    case portDown
    /// Another connection has the record now.
    case replaced
    /// The queue has ended.
    case closed
  }

  public var kind: Kind
  public var flow: OffloadFlow
  public var cause = Cause.none
  /// Whether each direction has a rule.
  public var ways = BothWays(original: false, reply: false)
  /// Counted by the ports since the report before.
  public var counts = BothWays(original: FlowCount(), reply: FlowCount())

  public init(_ kind: Kind, _ flow: OffloadFlow) {
    self.kind = kind
    self.flow = flow
  }
}
