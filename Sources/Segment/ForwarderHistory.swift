internal import CSegment

/// The rings in which lcores, ports and pools leave what they counted, once an interval.
extension ForwarderSchema {
  static func lcoreHistory(lcores: Int, entries: Int, dropReasons: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_lcore_history_record>(since: since)
    return Kind(
      .lcoreHistory, "lcore_history", since: since, shards: lcores, records: entries,
      stride: MemoryLayout<dpdkfwd_lcore_history_record>.stride, help: "What lcores had counted, once an interval",
      fields: [
        of.entry(1, \.sequence),
        of.label(2, "at", \.at, "When it was taken, since 1970", unit: "nanoseconds"),
        of.label(3, "monotonic", \.monotonic, "The same on CLOCK_MONOTONIC", unit: "nanoseconds"),
        of.key(4, "lcore", \.lcore, "Number of the lcore", metric: "lcore"),
        of.counter(5, "breaths", \.breaths, "count", "Rounds of its run loop"),
        of.counter(6, "busy_breaths", \.busy_breaths, "count", "Rounds that received a packet"),
        of.counter(7, "sleeps", \.sleeps, "count", "Times it slept for want of packets"),
        of.counter(8, "cycles_busy", \.cycles_busy, "cycles", "Time in busy rounds"),
        of.counter(9, "cycles_idle", \.cycles_idle, "cycles", "Time in idle rounds"),
        of.counter(10, "cycles_sleep", \.cycles_sleep, "cycles", "Time asleep"),
        of.counter(11, "rx_packets", \.rx_packets, "packets", "Packets received"),
        of.counter(12, "rx_bytes", \.rx_bytes, "bytes", "Bytes received"),
        of.counter(13, "tx_packets", \.tx_packets, "packets", "Packets sent"),
        of.counter(14, "tx_bytes", \.tx_bytes, "bytes", "Bytes sent"),
        of.gauge(15, "held", \.held, "packets", "Packets neither sent nor dropped yet"),
        of.counter(16, "dropped", \.dropped, "packets", "Packets dropped, for any reason"),
        of.counter(
          17, "drops", \.drops, "packets", "Packets dropped, by reason", labels: Names.dropReason, count: dropReasons),
      ])
  }

  static func portHistory(ports: Int, entries: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_port_history_record>(since: since)
    return Kind(
      .portHistory, "port_history", since: since, shards: ports, records: entries,
      stride: MemoryLayout<dpdkfwd_port_history_record>.stride,
      help: "What the drivers of ports had counted, once an interval",
      fields: [
        of.entry(1, \.sequence),
        of.label(2, "at", \.at, "When it was taken, since 1970", unit: "nanoseconds"),
        of.label(3, "monotonic", \.monotonic, "The same on CLOCK_MONOTONIC", unit: "nanoseconds"),
        of.key(4, "port", \.port, "Number of the port", metric: "port_id"),
        of.gauge(5, "link", \.link, "", "Whether there is a link", enumeration: Names.link),
        of.counter(6, "rx_packets", \.rx_packets, "packets", "Packets the driver received"),
        of.counter(7, "rx_bytes", \.rx_bytes, "bytes", "Bytes the driver received"),
        of.counter(8, "rx_missed", \.rx_missed, "packets", "Packets lost because no receive descriptor was free"),
        of.counter(9, "rx_errors", \.rx_errors, "packets", "Packets received in error"),
        of.counter(10, "rx_nombuf", \.rx_nombuf, "packets", "Packets lost because no buffer was free"),
        of.counter(11, "tx_packets", \.tx_packets, "packets", "Packets the driver sent"),
        of.counter(12, "tx_bytes", \.tx_bytes, "bytes", "Bytes the driver sent"),
        of.counter(13, "tx_errors", \.tx_errors, "packets", "Packets the driver failed to send"),
      ])
  }

  static func mempoolHistory(pools: Int, entries: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_mempool_history_record>(since: since)
    return Kind(
      .mempoolHistory, "mempool_history", since: since, shards: pools, records: entries,
      stride: MemoryLayout<dpdkfwd_mempool_history_record>.stride, help: "How full pools were, once an interval",
      fields: [
        of.entry(1, \.sequence),
        of.label(2, "at", \.at, "When it was taken, since 1970", unit: "nanoseconds"),
        of.label(3, "monotonic", \.monotonic, "The same on CLOCK_MONOTONIC", unit: "nanoseconds"),
        of.key(4, "pool", \.pool, "Number of the pool, from 0", metric: "pool_id"),
        of.gauge(5, "in_use", \.in_use, "buffers", "Buffers that hold a packet or wait in a receive queue"),
        of.gauge(6, "cached", \.cached, "buffers", "Free buffers kept in lcore caches"),
      ])
  }
}
