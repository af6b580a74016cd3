// Sync: a forwarder's connections, kept by another one too. The sender is told of events and walks of its tables and
// makes datagrams of them; the receiver makes operations of the datagrams, which another table is then given. Each
// message is enough by itself to create its connection elsewhere. Frames are numbered: what is lost is asked for again,
// and what can no longer be had again is repaired by a walk through the tables. Nothing here knows a socket or a clock:
// bytes and time are arguments. A session owns what it remembers, all of it bounded, and ends with its owner.
// docs/sync.md has the protocol.
internal import Primitives
public import Segment

/// What the receiver's table is to be given.
public enum SyncOperation: Sendable {
  /// The connection is to be as it is here, whether the table has it or not. Its `id` is the sender's. Times are
  /// relative: `deadline - remaining` is now.
  case put(Connection)
  /// The connection is to go, if the table has it.
  case delete(SyncFlow)
}

/// What tells a connection from others in whatever table: its original direction.
public struct SyncFlow: BitwiseCopyable, Hashable, Sendable {
  public var isIPv6: Bool
  public var `protocol`: UInt8
  public var original: Connection.Tuple

  public init(_ connection: Connection) {
    isIPv6 = connection.isIPv6
    `protocol` = connection.protocol
    original = connection.original
  }

  /// The same of a connection that was opened from the other end: only one of the two can be there at a time.
  public var eitherWay: SyncFlow {
    let isICMP = self.protocol == (isIPv6 ? Connection.Number.icmpv6 : Connection.Number.icmp)
    let turned = original.turned(isICMP: isICMP, isIPv6: isIPv6)
    func rank(_ tuple: Connection.Tuple) -> (IPv6Address, IPv6Address, UInt16, UInt16) {
      (tuple.source, tuple.destination, tuple.sourcePort, tuple.destinationPort)
    }
    guard rank(turned) < rank(original) else { return self }
    var flow = self
    flow.original = turned
    return flow
  }
}

extension SyncOperation {
  public var flow: SyncFlow {
    switch self {
    case .put(let connection): SyncFlow(connection)
    case .delete(let flow): flow
    }
  }
}

extension Connection {
  /// Who it is, and nothing else.
  public init(_ flow: SyncFlow) {
    self.init()
    isIPv6 = flow.isIPv6
    `protocol` = flow.protocol
    original = flow.original
    reply = original.turned(isICMP: isICMP, isIPv6: isIPv6)
  }

  /// As it is after so many milliseconds in which nothing happened to it.
  public func aged(by milliseconds: UInt64) -> Connection {
    var aged = self
    aged.remaining -= UInt32(min(milliseconds, UInt64(remaining)))
    return aged
  }
}

extension Interval {
  var milliseconds: UInt64 { nanoseconds / 1_000_000 }
}
