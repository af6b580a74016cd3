internal import CSegment
internal import ControlProtocol
internal import ControlServer
internal import Segment

extension Site {
  /// Writes into the segment what the control sockets have seen (X7). On the control socket's thread alone.
  func describe(_ counts: ControlCounts) {
    let record = unsafe segment.control
    unsafe record.pointee.open = counts.open
    unsafe record.pointee.accepted = counts.accepted
    unsafe record.pointee.full = counts.full
    unsafe record.pointee.strangers = counts.strangers
    unsafe record.pointee.requests = counts.requests
    unsafe record.pointee.pauses = counts.pauses
    unsafe record.pointee.bytes_in = counts.bytesIn
    unsafe record.pointee.bytes_out = counts.bytesOut
    for (place, closing) in ControlClosing.allCases.enumerated() {
      unsafe segment_control_closed(record)[place] = counts.closed[closing] ?? 0
    }
    for (place, code) in ControlCode.allCases.enumerated() {
      unsafe segment_control_errors(record)[place] = counts.errors[code] ?? 0
    }
  }
}
