public import CSegment
internal import Primitives
internal import Rules
public import Segment
internal import Wire

/// Where a worker tells of packets that rules trace (`meta nftrace set 1`).
@safe
public struct RuleTraceLog: BitwiseCopyable {
  private var ring: RingWriter<dpdkfwd_rule_trace_record>?
  private let wallZero: UInt64
  /// Worker and number of the last packet that was traced.
  private var packet: UInt32

  /// - Parameter wallZero: nanoseconds since 1970 at the worker's clock's zero.
  public init(_ ring: RingWriter<dpdkfwd_rule_trace_record>?, worker: Int = 0, wallZero: UInt64 = 0) {
    self.ring = ring
    self.wallZero = wallZero
    packet = UInt32(truncatingIfNeeded: worker) << 24
  }

  /// A number for the packet whose steps follow.
  mutating func begin() -> UInt32 {
    packet = packet & 0xFF00_0000 | (packet &+ 1) & 0x00FF_FFFF
    return packet
  }

  mutating func tell(_ step: TraceStep, of packet: RulePacket, _ trace: UInt32, program: UInt32, at now: Instant) {
    guard ring != nil else { return }
    let at = wallZero &+ now.nanoseconds
    unsafe ring?.append { entry in
      unsafe entry.pointee.at = at
      unsafe entry.pointee.handle = step.handle
      unsafe entry.pointee.trace = trace
      unsafe entry.pointee.program = program
      unsafe entry.pointee.chain = step.chain
      unsafe entry.pointee.mark = packet.mark
      unsafe entry.pointee.ingress = packet.ingress
      unsafe entry.pointee.egress = packet.egress
      unsafe entry.pointee.length = UInt16(clamping: packet.summary.datagramEnd)
      unsafe entry.pointee.hook = step.hook.rawValue
      unsafe entry.pointee.verdict = step.verdict.rawValue
      let shown = min(packet.count, 96)
      unsafe entry.pointee.shown = UInt16(shown)
      unsafe withUnsafeMutableBytes(of: &entry.pointee.frame) {
        unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: packet.bytes, count: shown))
      }
    }
  }
}
