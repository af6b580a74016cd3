public import Wire

/// GRE as netfilter tracks it: one flow between two hosts, whatever the keys; PPTP's version by its call.
public enum GRETracker {
  /// The ports of a tuple: none for plain GRE; for PPTP the call at the destination, the source's being unknown without
  /// the control connection that agreed on it. (Each direction is a flow of its own then.)
  ///
  /// - Returns: `nil` for what netfilter calls invalid: version 1 with anything but PPP.
  public static func ports(_ frame: RawSpan, _ summary: Summary) -> (source: UInt16, destination: UInt16)? {
    let header = frame.extracting(first: min(Int(summary.datagramEnd), frame.byteCount))
      .extracting(droppingFirst: min(Int(summary.transportOffset), frame.byteCount))
    guard let call = GREView.call(header) else { return nil }
    return (0, call)
  }

  @inlinable
  public static func begin() -> Judgement { .accept(.gre) }

  /// - Parameter isAnswered: the flow had been seen in both directions before this packet.
  @inlinable @inline(__always)
  public static func follow(isAnswered: Bool) -> Judgement {
    isAnswered ? .accept(.greStream, assures: true) : .accept(.gre)
  }
}
