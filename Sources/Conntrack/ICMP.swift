public import Wire

/// ICMP and ICMPv6 as netfilter tracks them: a query opens a flow, which its answers belong to.
///
/// The other messages have no flow of their own. Errors belong to the flow of what they quote (`Quote`).
public enum ICMPTracker {
  /// What a whole message is. `.other` also for one that is shorter than any that can be tracked, and for a message of
  /// one family in the other.
  @inlinable
  public static func classify(_ summary: Summary) -> ICMPClass {
    let isIPv6 = summary.flags.contains(.ipv6)
    guard summary.transport == (isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp),
      Int(summary.datagramEnd) >= Int(summary.transportOffset) + ICMPView.Layout.size
    else { return .other }
    return ICMPClass(type: UInt8(truncatingIfNeeded: summary.sourcePort >> 8), isIPv6: isIPv6)
  }

  /// The ports of a query or an answer, as tuples have them: the identifier at the end that asks, the question's
  /// type << 8 | code at the other. `nil` for what has no flow of its own.
  @inlinable
  public static func ports(_ summary: Summary, _ kind: ICMPClass) -> (source: UInt16, destination: UInt16)? {
    switch kind {
    case .request: (summary.destinationPort, summary.sourcePort)
    case .reply(let question): (UInt16(question) << 8 | summary.sourcePort & 0xFF, summary.destinationPort)
    case .error, .untracked, .other: nil
    }
  }

  /// A message that belongs to no flow there is.
  @inlinable
  public static func begin(_ kind: ICMPClass, isIPv6: Bool) -> Judgement {
    switch kind {
    case .request: .accept(isIPv6 ? .icmpv6 : .icmp)
    case .reply: .invalid(.icmpReplyFirst)
    case .error, .untracked, .other: .invalid(.icmpType)
    }
  }

  /// Another question, or an answer.
  @inlinable @inline(__always)
  public static func follow(isIPv6: Bool) -> Judgement { .accept(isIPv6 ? .icmpv6 : .icmp) }
}
