public import Primitives

/// A port's own table of flows: DPDK's rte_flow, or what stands for it in tests. Calls may take milliseconds and come
/// from one thread.
public protocol FlowDriver: AnyObject {
  /// Has the port mark, count and age the packets of a flow and otherwise treat them as ever.
  func place(_ rule: FlowRule, on port: PortID) throws(FlowRefusal) -> FlowHandle
  /// What a rule has counted so far; a driver may begin anew or wrap.
  func count(_ rule: FlowHandle, on port: PortID) throws(FlowRefusal) -> FlowCount
  func remove(_ rule: FlowHandle, from port: PortID) throws(FlowRefusal)
  /// The tokens of rules that have aged; one may be there again, and may be of a rule that is gone.
  func aged(on port: PortID) -> [UInt64]
}

/// A driver's own name for a rule: the bits of a pointer, for one.
public struct FlowHandle: BitwiseCopyable, Hashable, Sendable {
  public var rawValue: UInt
  public init(rawValue: UInt) { self.rawValue = rawValue }
}

/// What is asked of a port for one direction of a connection.
public struct FlowRule: Hashable, Sendable {
  /// As the packets have it.
  public var tuple: OffloadTuple
  /// The receive queue for them; `nil`: as without the rule.
  public var queue: UInt16?
  public var mark: UInt32
  /// Whole seconds, from 1 to 2^24 - 1.
  public var timeout: UInt32
  /// By which the port names it when it has aged.
  public var token: UInt64

  public init(_ tuple: OffloadTuple, queue: UInt16?, mark: UInt32, timeout: UInt32, token: UInt64) {
    self.tuple = tuple
    self.queue = queue
    self.mark = mark
    self.timeout = timeout
    self.token = token
  }
}

/// Packets and bytes.
public struct FlowCount: BitwiseCopyable, Hashable, Sendable {
  public var packets: UInt64
  public var bytes: UInt64

  @inlinable public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }
  @inlinable public static func += (sum: inout FlowCount, more: FlowCount) {
    sum.packets &+= more.packets
    sum.bytes &+= more.bytes
  }
  @inlinable public var isZero: Bool { packets == 0 && bytes == 0 }
}

/// Why a driver did not do what it was asked for.
public struct FlowRefusal: Error, Equatable, Sendable {
  public enum Kind: Sendable {
    /// The port never does this.
    case unsupported
    /// Perhaps in a moment.
    case busy
    /// Not this time.
    case failed
  }
  public var kind: Kind
  /// The driver's own words.
  public var reason: String

  public init(_ kind: Kind, _ reason: String) {
    self.kind = kind
    self.reason = reason
  }
}
