internal import CDPDK
internal import CSegment
internal import Offload
internal import Primitives
internal import Segment

/// The figures of ports and pools: asked of drivers and mempools, kept in the segment, and once an interval written
/// into its history. Of use to one thread at a time: the supervisor's, then the one that takes the forwarder down.
@safe
final class Figures: @unchecked Sendable {
  let ports: [Port]
  private let pools: [Pool]
  private let segment: SegmentWriter
  /// What ports make of flows; `nil`: none is asked.
  private let offload: OffloadBoard?
  private var portHistory: [RingWriter<dpdkfwd_port_history_record>]
  private var poolHistory: [RingWriter<dpdkfwd_mempool_history_record>]

  init(ports: [Port], pools: [Pool], segment: SegmentWriter, offload: OffloadBoard? = nil) {
    self.offload = offload
    self.ports = ports
    self.pools = pools
    self.segment = segment
    portHistory = ports.indices.map { segment.portHistory($0) }
    poolHistory = pools.indices.map { segment.mempoolHistory($0) }
  }

  func read() {
    readPorts()
    readPools()
  }

  /// Copies the drivers' own counters.
  func readPorts() {
    for (i, port) in ports.enumerated() {
      let statistics = port.statistics
      let record = unsafe segment.port(i)
      unsafe record.pointee.rx_packets = statistics.ipackets
      unsafe record.pointee.rx_bytes = statistics.ibytes
      unsafe record.pointee.rx_missed = statistics.imissed
      unsafe record.pointee.rx_errors = statistics.ierrors
      unsafe record.pointee.rx_nombuf = statistics.rx_nombuf
      unsafe record.pointee.tx_packets = statistics.opackets
      unsafe record.pointee.tx_bytes = statistics.obytes
      unsafe record.pointee.tx_errors = statistics.oerrors
    }
    if let offload { readOffload(offload.figures) }
  }

  private func readOffload(_ figures: OffloadFigures) {
    for asked in figures.ports {
      guard let i = ports.firstIndex(where: { $0.number == asked.port.rawValue }) else { continue }
      let record = unsafe segment.port(i)
      unsafe record.pointee.offload_rules = UInt64(asked.rules)
      guard unsafe record.pointee.offload_refused != asked.refusals else { continue }
      unsafe record.pointee.offload_refused = asked.refusals
      unsafe setText(&record.pointee.offload_reason, asked.reason)
    }
  }

  func readPools() {
    for (i, pool) in pools.enumerated() {
      let record = unsafe segment.mempool(i)
      let inUse = UInt64(pool.inUse)
      unsafe record.pointee.in_use = inUse
      unsafe record.pointee.in_use_max = max(record.pointee.in_use_max, inUse)
      unsafe record.pointee.cached = UInt64(pool.cached)
    }
  }

  /// Writes what was read last into the history.
  func remember() {
    let (wall, monotonic) = (Segment.Clock.wall(), Segment.Clock.monotonic())
    for i in portHistory.indices {
      let port = unsafe segment.port(i)
      unsafe portHistory[i].append { entry in
        unsafe entry.pointee.at = wall
        unsafe entry.pointee.monotonic = monotonic
        unsafe entry.pointee.port = port.pointee.port
        unsafe entry.pointee.link = port.pointee.link
        unsafe entry.pointee.rx_packets = port.pointee.rx_packets
        unsafe entry.pointee.rx_bytes = port.pointee.rx_bytes
        unsafe entry.pointee.rx_missed = port.pointee.rx_missed
        unsafe entry.pointee.rx_errors = port.pointee.rx_errors
        unsafe entry.pointee.rx_nombuf = port.pointee.rx_nombuf
        unsafe entry.pointee.tx_packets = port.pointee.tx_packets
        unsafe entry.pointee.tx_bytes = port.pointee.tx_bytes
        unsafe entry.pointee.tx_errors = port.pointee.tx_errors
      }
    }
    for i in poolHistory.indices {
      let pool = unsafe segment.mempool(i)
      unsafe poolHistory[i].append { entry in
        unsafe entry.pointee.at = wall
        unsafe entry.pointee.monotonic = monotonic
        unsafe entry.pointee.pool = UInt32(i)
        unsafe entry.pointee.in_use = pool.pointee.in_use
        unsafe entry.pointee.cached = pool.pointee.cached
      }
    }
  }
}
