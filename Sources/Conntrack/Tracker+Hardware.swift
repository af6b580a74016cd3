internal import CSegment
internal import Offload
internal import Primitives
internal import Segment

// Flows of a table with `flags offload`: ports are asked to mark, count and age their packets too. Whatever becomes of
// that, the software's flow is as it was. Ports pass every packet on to here, so in a table with `counter` it has been
// counted already; in one without, a port's count is all there is, and goes into the connection.
extension Tracker {
  /// Asks the ports of a flow for it.
  mutating func ask(for slot: Int, _ number: UInt8, from ingress: PortID, to egress: PortID, _ direction: Direction) {
    guard let lane = hardware else { return }
    let (tuple, pair) = connections.tuple(of: slot)
    let (source, destination) =
      tuple.isIPv6
      ? (pair.source, pair.destination)
      : (Self.word(tuple.source.bigEndian), Self.word(tuple.destination.bigEndian))
    let seen = OffloadTuple(
      source: source, destination: destination, ports: (tuple.sourcePort, tuple.destinationPort),
      transport: tuple.transport, isIPv6: tuple.isIPv6)
    let isOriginal = direction == .original
    let request = OffloadRequest(
      add: flow(slot), seen,
      ports: BothWays(original: isOriginal ? ingress : egress, reply: isOriginal ? egress : ingress),
      mark: UInt32(truncatingIfNeeded: slot) &+ 1,
      timeout: .milliseconds(UInt64(flows[number].timeout(of: tuple.transport))))
    if !lane.ask(request) { unsafe flowRecord(number).pointee.hardware_dropped &+= 1 }
  }

  /// An IPv4 address is the first of four words.
  private static func word(_ address: UInt32) -> IPv6Address { IPv6Address(high: UInt64(address) << 32, low: 0) }

  /// The flow is none any more.
  func askNoMore(for slot: Int, _ number: UInt8) {
    guard let lane = hardware, flows[number].isHardware || isInHardware(slot) else { return }
    if !lane.ask(OffloadRequest(remove: flow(slot))) { unsafe flowRecord(number).pointee.hardware_dropped &+= 1 }
  }

  private func isInHardware(_ slot: Int) -> Bool {
    unsafe connections.record(slot).pointee.status & Status.hardwareOffload != 0
  }

  private func flow(_ slot: Int) -> OffloadFlow {
    unsafe OffloadFlow(
      worker: UInt16(truncatingIfNeeded: events.shard), slot: UInt32(slot),
      generation: connections.record(slot).pointee.generation)
  }

  /// Hears what became of what was asked, a bounded number of answers at once.
  @inline(__always)
  public mutating func hear(most: Int) {
    if let lane = hardware { hear(lane, most: most) }
  }

  @inline(never)
  private mutating func hear(_ lane: OffloadLane, most: Int) {
    for _ in 0..<most {
      guard let report = lane.report() else { return }
      let slot = Int(report.flow.slot)
      // The record may be another connection's by now.
      guard slot < connections.slotsUsed, unsafe connections.record(slot).pointee.generation == report.flow.generation
      else { continue }
      let record = unsafe connections.record(slot)
      let isFlow = unsafe record.pointee.status & Status.offload != 0
      switch report.kind {
      case .added where isFlow: unsafe record.pointee.status |= Status.hardwareOffload
      case .ended: unsafe record.pointee.status &= ~Status.hardwareOffload
      case .added, .refused, .counted: break
      }
      if unsafe !flows[record.pointee.flow_table].hasCounter { unsafe merge(report, record) }
      publishIfFull()
      if report.kind == .added || report.kind == .ended { events.note(.status, slot) }
    }
  }

  private func merge(_ report: OffloadReport, _ record: UnsafeMutablePointer<dpdkfwd_ct_record>) {
    unsafe record.pointee.packets_original &+= report.counts.original.packets
    unsafe record.pointee.bytes_original &+= report.counts.original.bytes
    unsafe record.pointee.packets_reply &+= report.counts.reply.packets
    unsafe record.pointee.bytes_reply &+= report.counts.reply.bytes
  }
}
