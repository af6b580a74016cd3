// FlowCache: the remembered outcome of a connection and direction, kept in the connection's own record, so that one
// lookup answers both what a packet belongs to and where it goes. It is empty at once when its generation moves on. It
// only spares the decision: what a packet does to its connection happens with and without it.

public import CSegment
public import Conntrack
public import Primitives
public import Wire

/// Why a packet was not served from the cache. Raw values index counters and are written to the segment: append only.
public enum CacheMiss: Int, CaseIterable, BitwiseCopyable, Sendable {
  /// Nothing is remembered yet; also when there is no connection.
  case cold
  /// What was remembered is out of date.
  case generation
  /// The packet would leave by another port, or its port takes only what it has looked at.
  case egress
  /// SYN, FIN or RST.
  case tcpFlags
  /// TCP that needs a closer look: not established, outside the window, or retransmitted.
  case tcpState
  /// IPv4 options, IPv6 extension headers, fragments.
  case options
  /// TTL or hop limit of one or less.
  case hopLimit
  /// Neither TCP nor UDP.
  case transport

  public var name: String {
    switch self {
    case .cold: "cold"
    case .generation: "generation"
    case .egress: "egress"
    case .tcpFlags: "tcp_flags"
    case .tcpState: "tcp_state"
    case .options: "options"
    case .hopLimit: "hop_limit"
    case .transport: "transport"
    }
  }
}

/// The cache of one worker: what is current and when to remember. What is remembered lies in the records.
public struct FlowCache: BitwiseCopyable, Sendable {
  /// When a connection's outcome may be remembered.
  public enum CacheAfter: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// As soon as it exists.
    case confirmed
    /// Once it was seen in both directions.
    case reply
    /// Once it is assured.
    case assured
  }

  /// What stands in a record where no port is remembered.
  @usableFromInline static let nowhere: UInt8 = 255

  /// Whether a record has room for the port's number.
  @inlinable @inline(__always)
  public static func canRemember(_ egress: PortID) -> Bool { egress.rawValue < UInt16(nowhere) }

  public let isOn: Bool
  public let after: CacheAfter
  /// Outcomes of another generation are out of date. A sweep over the table wipes them long before a number comes
  /// round again: the generation moves at most once a breath.
  public private(set) var generation: UInt16 = 1

  public init(isOn: Bool = true, after: CacheAfter = .assured) {
    self.isOn = isOn
    self.after = after
  }

  /// Forgets everything.
  public mutating func invalidate() { generation &+= 1 }

  /// Whether a packet is of the plain kind that may be served; if not, why.
  @inlinable @inline(__always)
  public static func servable(
    _ flags: SummaryFlags, hopLimit: UInt8, _ transport: UInt8, tcpFlags: UInt8
  ) -> CacheMiss? {
    if !flags.isDisjoint(with: [.options, .fragment, .atomicFragment]) { return .options }
    if hopLimit <= 1 { return .hopLimit }
    // FIN, SYN, RST.
    if tcpFlags & 0b111 != 0 { return .tcpFlags }
    return transport == IPProtocol.udp || transport == IPProtocol.tcp ? nil : .transport
  }

  /// Whether the record holds a current outcome for that direction, which is to leave by that port; if not, why. Asked
  /// only of ports that can be remembered.
  @inlinable @inline(__always)
  public func miss(
    _ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ direction: Direction, _ egress: PortID
  ) -> CacheMiss? {
    let port = unsafe direction == .original ? record.pointee.cached_egress.0 : record.pointee.cached_egress.1
    if UInt16(port) == egress.rawValue, unsafe record.pointee.cached_generation == generation { return nil }
    if port == Self.nowhere { return .cold }
    return unsafe record.pointee.cached_generation == generation ? .egress : .generation
  }

  /// Remembers where packets of that direction leave, if the connection has come far enough.
  public func remember(
    _ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ direction: Direction, _ egress: PortID
  ) {
    let needed: UInt16 =
      switch after {
      case .confirmed: 0
      case .reply: Status.seenReply
      case .assured: Status.assured
      }
    guard isOn, Self.canRemember(egress), unsafe record.pointee.status & needed == needed else { return }
    if unsafe record.pointee.cached_generation != generation {
      unsafe record.pointee.cached_egress = (Self.nowhere, Self.nowhere)
      unsafe record.pointee.cached_generation = generation
    }
    if direction == .original {
      unsafe record.pointee.cached_egress.0 = UInt8(egress.rawValue)
    } else {
      unsafe record.pointee.cached_egress.1 = UInt8(egress.rawValue)
    }
  }
}
