public import CSegment

/// UDP and UDP-Lite, as netfilter tracks them: short-lived until answered, and assured once they are a stream.
///
/// A UDP flow is a stream when it has been answered and still goes on after two seconds; a question with its answer is
/// not. UDP-Lite is a stream as soon as it goes on after the answer; the tracker judges its coverage
/// (`Summary.isCoverageSound`).
public enum UDPTracker {
  /// Milliseconds after which an answered flow is a stream.
  @usableFromInline static let settling: UInt32 = 2000
  /// Milliseconds, well inside half the clock's range.
  @usableFromInline static let quarter: Int32 = 1 << 30

  /// The datagram that opens a flow.
  @inlinable @inline(__always)
  public static func begin(now: UInt32, _ udp: inout dpdkfwd_ct_udp, isLite: Bool) -> Judgement {
    udp.stream_at = isLite ? now &- 1 : now &+ settling
    return .accept(isLite ? .udplite : .udp)
  }

  /// Another datagram of the flow.
  ///
  /// - Parameters:
  ///   - isAnswered: the flow had been seen in both directions before this datagram.
  ///   - isAssured: the flow has been found to be a stream before.
  @inlinable @inline(__always)
  public static func follow(
    now: UInt32, _ udp: inout dpdkfwd_ct_udp, isLite: Bool, isAnswered: Bool, isAssured: Bool
  ) -> Judgement {
    let age = Int32(bitPattern: now &- udp.stream_at)
    guard isAnswered else {
      // A flow may go unanswered for longer than the clock's half: its age does not grow back to nothing.
      if age > quarter { udp.stream_at = now &- UInt32(quarter) }
      return .accept(isLite ? .udplite : .udp)
    }
    guard age > 0 || isAssured else { return .accept(isLite ? .udplite : .udp) }
    return .accept(isLite ? .udpliteStream : .udpStream, assures: true)
  }
}
