public import CSegment
internal import Primitives
public import Wire

extension Tracker {
  /// The connection of a packet whose directions share a zone, if it is alive.
  @inlinable @inline(__always)
  public func lookUp(_ tuple: Tuple, _ pair: IPv6Pair) -> ConnectionTable.Found? {
    guard let found = connections.find(tuple, pair), !connections.isExpired(found.slot, now: now) else { return nil }
    return found
  }

  /// Does to a connection what a plain UDP or TCP packet does, if that needs no closer look: the same as `judge`, in
  /// fewer steps.
  ///
  /// - Parameters:
  ///   - transportOffset, end: where the transport header starts and the datagram ends.
  ///   - length: of the IP datagram, for the accounts.
  /// - Returns: `nil` when `judge` must decide; nothing has changed then.
  @inlinable @inline(__always)
  public mutating func advance(
    _ found: ConnectionTable.Found, _ bytes: PacketBytes, _ transport: UInt8, at transportOffset: UInt16,
    end: UInt32, length: UInt64
  ) -> PacketState? {
    let record = unsafe connections.record(found.slot)
    let policy = unsafe policies.policy(of: record.pointee.zone)
    let status = unsafe record.pointee.status
    let isAnswered = status & Status.seenReply != 0
    // The first answer changes the status.
    guard isAnswered || found.direction == .original else { return nil }
    let isAssured = status & Status.assured != 0
    let timeout: Timeout
    if transport == IPProtocol.udp {
      let judgement = unsafe UDPTracker.follow(
        now: now, &record.udp.pointee, isLite: false, isAnswered: isAnswered, isAssured: isAssured)
      guard isAssured || !judgement.assures else { return nil }
      timeout = judgement.timeout
    } else {
      let segment = unsafe TCPSegment(frame: bytes.span, at: transportOffset, end: end)
      let armed = unsafe TCPTracker.followPlain(
        segment, bytes.span, found.direction, tcp: &record.pointee.tcp, state: record.pointee.state,
        isAssured: isAssured, policy: policy)
      guard let armed else { return nil }
      timeout = armed
    }
    unsafe connections.counts.pointee.found &+= 1
    unsafe account(record, found.direction, length: length)
    unsafe refresh(record, policy.timeouts[timeout])
    return isAnswered ? .established : .new
  }
}
