/// What an ICMP message is to one who tracks conversations: netfilter's lists (Linux 6.18), which name the queries of
/// RFC 792, RFC 950 and RFC 4620, and leave neighbour discovery and multicast listeners (RFC 4861, RFC 2710, RFC 3810)
/// alone.
public enum ICMPClass: BitwiseCopyable, Equatable, Sendable {
  /// Asks, and opens a flow.
  case request
  /// Answers a request of this type.
  case reply(of: UInt8)
  /// Quotes the datagram it is about (see `Quote`).
  case error
  /// Belongs to the link: not tracked.
  case untracked
  /// Nothing that can be tracked.
  case other

  @inlinable
  public init(type: UInt8, isIPv6: Bool) {
    self = isIPv6 ? Self.ofICMPv6(type) : Self.ofICMP(type)
  }

  @inlinable
  static func ofICMP(_ type: UInt8) -> ICMPClass {
    switch type {
    case 8, 13, 15, 17: .request  // echo, timestamp, information, address mask
    case 0: .reply(of: 8)
    case 14, 16, 18: .reply(of: type - 1)
    case 3, 4, 5, 11, 12: .error  // unreachable, source quench, redirect, time exceeded, parameter problem
    default: .other
    }
  }

  @inlinable
  static func ofICMPv6(_ type: UInt8) -> ICMPClass {
    switch type {
    case 128, 139: .request  // echo, node information
    case 129, 140: .reply(of: type - 1)
    case 0..<128, 137: .error  // RFC 4443 §2.1; redirect
    case 130...136, 143: .untracked
    default: .other
    }
  }
}
