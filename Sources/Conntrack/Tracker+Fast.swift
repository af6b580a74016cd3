internal import CSegment
internal import Primitives
public import Wire

extension Tracker {
  /// The connection of a packet whose directions share a zone, if it is alive.
  @inline(__always)
  public func lookUp(_ tuple: Tuple, _ pair: IPv6Pair) -> ConnectionTable.Found? {
    guard let found = table.find(tuple, pair), !table.isExpired(found.slot, now: now) else { return nil }
    return found
  }

  /// Does to a connection what a plain UDP or TCP packet does, if that needs no closer look: the same as `judge`, in
  /// fewer steps.
  ///
  /// - Returns: `nil` when `judge` must decide; nothing has changed then.
  @inline(__always)
  public mutating func advance(
    _ found: ConnectionTable.Found, _ bytes: PacketBytes, _ summary: Summary, _ transport: UInt8
  ) -> PacketState? {
    let record = unsafe table.record(found.slot)
    let policy = unsafe policies.policy(of: record.pointee.zone)
    let timeout: Timeout
    if transport == IPProtocol.udp {
      // An assured flow stays a stream; the others are rare enough.
      guard unsafe record.pointee.status & Status.assured != 0 else { return nil }
      timeout = .udpStream
    } else {
      let segment = unsafe TCPSegment(frame: bytes.span, summary: summary)
      let armed = unsafe TCPTracker.followPlain(
        segment, bytes.span, found.direction, tcp: &record.pointee.tcp, state: record.pointee.state,
        isAssured: record.pointee.status & Status.assured != 0, policy: policy)
      guard let armed else { return nil }
      timeout = armed
    }
    unsafe table.counts.pointee.found &+= 1
    unsafe account(record, found.direction, summary)
    unsafe refresh(record, policy.timeouts[timeout])
    return .established
  }
}
