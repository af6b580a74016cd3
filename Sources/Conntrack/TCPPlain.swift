public import CSegment

extension TCPTracker {
  /// Most segments in a few instructions: an acknowledgement, with data or without, inside the windows of an
  /// established, assured connection whose sides have both been seen. What it does is what `follow` would do.
  ///
  /// - Parameter isAssured: before this segment.
  /// - Returns: what the segment arms (it is accepted, and assures nothing new); `nil`: `tcp` is untouched, and `follow`
  ///   must decide.
  /// - Complexity: O(1), one cache line; the tests of the window are one branch, direction and updates none.
  @inlinable @inline(__always)
  public static func followPlain(
    _ segment: TCPSegment, _ frame: RawSpan, _ direction: Direction, tcp: inout dpdkfwd_ct_tcp, state: UInt8,
    isAssured: Bool, policy: TrackingPolicy
  ) -> Timeout? {
    let telling: TCPSegment.Flags = [.fin, .syn, .reset, .ack, .urgent]
    guard state == TCPState.established.rawValue, isAssured, segment.flags.rawValue & telling.rawValue == 16
    else { return nil }
    let way = Int(direction.rawValue)
    return unsafe withUnsafeMutablePointer(to: &tcp) { record in
      // The sides are the record's first members, and their flags stand side by side too.
      let sides = unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: dpdkfwd_ct_tcp_side.self)
      let (sender, receiver) = unsafe (sides + way, sides + (way ^ 1))
      let flags = unsafe withUnsafeMutablePointer(to: &record.pointee.flags_original) { unsafe $0 }
      let (sentFlags, receivedFlags) = unsafe (flags[way], flags[way ^ 1])
      if receivedFlags & 2 != 0, segment.mayAcknowledgeSelectively(frame) { return nil }
      let (sequence, acknowledgement, end) = (segment.sequence, segment.acknowledgement, segment.end)
      let (sent, received) = unsafe (sender.pointee, receiver.pointee)

      // Each number is negative if its test is passed: `TCPWindow.judge` has them one by one.
      let oldest = received.end &- max(sent.max_window, TCPWindow.oldestAcknowledgement) &- 1
      let tests =
        (sequence &- sent.max_end &- 1) & (acknowledgement &- received.end &- 1)
        & (sent.end &- received.max_window &- 1 &- end) & (oldest &- acknowledgement)
      guard Int32(bitPattern: tests) < 0, sentFlags & 0x20 != 0, sent.max_window != 0, received.max_window != 0
      else { return nil }

      let window = UInt32(segment.window) &<< UInt32((unsafe record.pointee.scales &>> (UInt8(way) &* 4)) & 15)
      unsafe sender.pointee.max_window = max(sent.max_window, window)
      let isNews = end.isAfter(sent.end)
      unsafe sender.pointee.end = isNews ? end : sent.end
      unsafe sender.pointee.max_ack = acknowledgement.isAfter(sent.max_ack) ? acknowledgement : sent.max_ack
      let beyond = end.isAfter(sent.max_end) ? end &- sent.max_end : 0
      unsafe receiver.pointee.max_window = received.max_window &+ beyond
      let limit = acknowledgement &+ window
      let opens = limit.isAfter(received.max_end &- 1)
      unsafe receiver.pointee.max_end = opens ? limit &+ (window == 0 ? 1 : 0) : received.max_end
      let sentNow = sentFlags | (isNews ? 0x10 : 0)
      let receivedNow = receivedFlags & (acknowledgement == received.end ? ~0x10 : ~0)
      unsafe flags[way] = sentNow
      unsafe flags[way ^ 1] = receivedNow

      let last = unsafe record.pointee
      let mark = last.last_segment & 0xf0 | TCPSegment.Kind.ack.rawValue | direction.rawValue &<< 3
      let difference =
        (last.last_sequence ^ sequence) | (last.last_acknowledgement ^ acknowledgement) | (last.last_end ^ end)
        | UInt32((last.last_window ^ segment.window) | UInt16((last.last_segment ^ mark) & 8))
      let retransmissions = difference == 0 ? last.retransmissions &+ 1 : 0
      unsafe record.pointee.last_sequence = sequence
      unsafe record.pointee.last_acknowledgement = acknowledgement
      unsafe record.pointee.last_end = end
      unsafe record.pointee.last_window = segment.window
      unsafe record.pointee.last_segment = mark
      unsafe record.pointee.retransmissions = retransmissions

      let isUnacknowledged = (sentNow | receivedNow) & 0x10 != 0
      if retransmissions < policy.tcpMaxRetransmissions, !isUnacknowledged, segment.window != 0 {
        return .tcpEstablished
      }
      return armed(
        .established, retransmissions: retransmissions, isUnacknowledged: isUnacknowledged, window: segment.window,
        policy)
    }
  }
}
