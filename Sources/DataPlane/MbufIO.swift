internal import CDPDK
internal import Pipeline
internal import Primitives
internal import Wire

/// A worker's view of the EAL's ports: bursts of mbufs, handed to the pipeline as descriptions of their bytes.
///
/// A packet's handle is its mbuf's address. The worker owns the mbuf between `receive` and `send` or `release`.
@safe
struct MbufIO: PacketIO, BitwiseCopyable {
  /// The mbufs of the burst in hand.
  private let mbufs: UnsafeMutablePointer<OpaquePointer?>
  private let lanes: Lanes
  private let clock: Clock

  /// - Parameter lanes: this worker's rings to and from the others.
  init(_ lanes: Lanes, clock: Clock) {
    self.lanes = lanes
    self.clock = clock
    unsafe mbufs = .allocate(capacity: Journey.burst)
  }

  /// Ends the view; nothing may use it afterwards.
  func deallocate() {
    unsafe mbufs.deallocate()
    lanes.deallocate()
  }

  @inline(__always)
  mutating func receive(port: PortID, queue: UInt16, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    let count = unsafe Int(cdpdk_rx_burst(port.rawValue, queue, mbufs, UInt16(truncatingIfNeeded: packets.count)))
    unsafe describe(count, packets)
    return count
  }

  /// The first `count` of `mbufs`, one by one.
  @inline(__always)
  private func describe(_ count: Int, _ packets: UnsafeMutableBufferPointer<Packet>) {
    for i in 0..<count {
      // Touches every mbuf's first line, so that the lines with the headers are on their way when parsing starts.
      let packet = unsafe describe(mbufs[i]!)
      unsafe cdpdk_prefetch(packet.bytes)
      unsafe packets[i] = packet
    }
  }

  @inline(__always)
  private func describe(_ mbuf: OpaquePointer) -> Packet {
    let flags = unsafe cdpdk_mbuf_flags(mbuf)
    return unsafe Packet(
      handle: UInt(bitPattern: mbuf), bytes: UnsafeRawPointer(cdpdk_mbuf_data(mbuf)),
      contiguous: UInt32(cdpdk_mbuf_data_length(mbuf)), length: cdpdk_mbuf_length(mbuf),
      marks: flags & (cdpdk_rx_l4_checksum_mask | cdpdk_rx_lro) == 0 ? [] : Self.marks(flags),
      segments: cdpdk_mbuf_segments(mbuf))
  }

  @inline(never)
  private static func marks(_ flags: UInt64) -> PacketMarks {
    var marks: PacketMarks = flags & cdpdk_rx_lro != 0 ? .segmented : []
    switch flags & cdpdk_rx_l4_checksum_mask {
    case cdpdk_rx_l4_checksum_good: marks.insert(.checksumGood)
    case cdpdk_rx_l4_checksum_bad: marks.insert(.checksumBad)
    case cdpdk_rx_l4_checksum_none: marks.insert(.checksumPartial)
    default: break
    }
    return marks
  }

  @inline(__always)
  mutating func send(port: PortID, queue: UInt16, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    let mbufs = unsafe UnsafeMutableRawPointer(handles.baseAddress!).assumingMemoryBound(to: OpaquePointer?.self)
    return unsafe Int(cdpdk_tx_burst(port.rawValue, queue, mbufs, UInt16(truncatingIfNeeded: handles.count)))
  }

  mutating func release(_ handles: UnsafeMutableBufferPointer<UInt>) {
    let mbufs = unsafe UnsafeMutableRawPointer(handles.baseAddress!).assumingMemoryBound(to: OpaquePointer?.self)
    unsafe cdpdk_free_bulk(mbufs, UInt32(truncatingIfNeeded: handles.count))
  }

  mutating func handOff(to worker: Int, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    let mbufs = unsafe UnsafeMutableRawPointer(handles.baseAddress!).assumingMemoryBound(to: OpaquePointer?.self)
    // Not all drivers say so themselves, and a packet may have come by a second port of ours.
    for i in 0..<handles.count { unsafe cdpdk_mbuf_set_port(mbufs[i], port.rawValue) }
    return unsafe Int(cdpdk_ring_put(lanes.to[worker]!, mbufs, UInt32(truncatingIfNeeded: handles.count)))
  }

  func handOffRoom(to worker: Int) -> Int { unsafe Int(cdpdk_ring_room(lanes.to[worker]!)) }

  @inline(never)
  mutating func make(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, like handle: UInt
  ) -> Packet? {
    let made = unsafe cdpdk_mbuf_make(
      OpaquePointer(bitPattern: handle), header.baseAddress, UInt32(truncatingIfNeeded: header.count),
      payload.baseAddress, UInt32(truncatingIfNeeded: payload.count))
    return unsafe made.map { unsafe describe($0) }
  }

  mutating func receiveHandedOff(from worker: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    let count = unsafe Int(cdpdk_ring_take(lanes.from[worker]!, mbufs, UInt32(truncatingIfNeeded: packets.count)))
    unsafe describe(count, packets)
    return count
  }

  func ingress(_ handle: UInt) -> PortID {
    unsafe PortID(rawValue: cdpdk_mbuf_port(OpaquePointer(bitPattern: handle)))
  }

  @inline(never)
  mutating func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool {
    // Some drivers say "partial" of a datagram whose sender made no checksum (net_tap): there is nothing to finish.
    if unsafe summary.hasNoChecksum(packet.span) { return true }
    guard egress.finishesChecksums else { return finishInSoftware(packet, summary) }
    let isTCP = summary.transport == 6
    // Where TCP's options end; the egress has seen to it that the header lies in the first segment.
    let words = unsafe packet.bytes.load(
      fromByteOffset: Int(summary.transportOffset) + (isTCP ? 12 : 0), as: UInt8.self)
    unsafe mbufs[0] = OpaquePointer(bitPattern: packet.handle)
    unsafe cdpdk_mbuf_request_checksum(
      mbufs[0], summary.networkOffset, summary.transportOffset - summary.networkOffset,
      isTCP ? UInt16(words >> 4) * 4 : 8,
      summary.flags.contains(.ipv6), isTCP, packet.marks.contains(.segmented))
    return unsafe cdpdk_tx_prepare(egress.port.rawValue, queue, mbufs, 1) == 1
  }

  private func finishInSoftware(_ packet: Packet, _ summary: Summary) -> Bool {
    let bytes = unsafe UnsafeMutableRawPointer(mutating: packet.bytes)
    var frame = unsafe MutableRawSpan(_unsafeStart: bytes, byteCount: Int(packet.contiguous))
    return summary.completeTransportChecksum(&frame)
  }

  @inline(__always)
  func cycles() -> UInt64 { cdpdk_tsc() }

  @inline(__always)
  func now() -> Instant { clock.now }

  /// Copies a frame out of its segments: what a `Journey` calls for headers that are spread over several.
  static let gather: GatherFrame = { handle, memory, room in
    guard let mbuf = unsafe OpaquePointer(bitPattern: handle) else { return 0 }
    return unsafe Int(cdpdk_mbuf_copy(mbuf, memory, UInt32(truncatingIfNeeded: room)))
  }
}
