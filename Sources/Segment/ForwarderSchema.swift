internal import CSegment

extension KindID {
  public static let forwarder = KindID(rawValue: 1)
  public static let ports = KindID(rawValue: 2)
  public static let lcores = KindID(rawValue: 3)
  public static let queues = KindID(rawValue: 4)
  public static let drops = KindID(rawValue: 5)
  public static let invalid = KindID(rawValue: 6)
  public static let packets = KindID(rawValue: 7)
  public static let mempools = KindID(rawValue: 8)
  public static let lcoreHistory = KindID(rawValue: 9)
  public static let portHistory = KindID(rawValue: 10)
  public static let mempoolHistory = KindID(rawValue: 11)
  public static let connections = KindID(rawValue: 12)
  public static let connectionExtensions = KindID(rawValue: 13)
  public static let connectionShards = KindID(rawValue: 14)
  public static let trackingFaults = KindID(rawValue: 15)
  public static let fragmentedDatagrams = KindID(rawValue: 16)
  public static let fragmentPieces = KindID(rawValue: 17)
  public static let fragmentShards = KindID(rawValue: 18)
  public static let fragmentEvents = KindID(rawValue: 19)
  public static let datagramEvents = KindID(rawValue: 20)
}

/// The tables of the forwarder itself.
public enum ForwarderSchema {
  enum Names {
    static let link: UInt16 = 1
    static let switched: UInt16 = 2
    static let lcoreState: UInt16 = 3
    static let direction: UInt16 = 4
    static let burstSize: UInt16 = 5
    static let stage: UInt16 = 6
    static let dropReason: UInt16 = 7
    static let invalidReason: UInt16 = 8
    static let packetKind: UInt16 = 9
    static let ipProtocol: UInt16 = 10
    static let connectionProtocol: UInt16 = 11
    static let connectionStatus: UInt16 = 12
    static let connectionFlag: UInt16 = 13
    static let tcpState: UInt16 = 14
    static let tcpFlag: UInt16 = 15
    static let sctpState: UInt16 = 16
    static let extensionKind: UInt16 = 17
    static let packetClass: UInt16 = 18
    static let trackingFault: UInt16 = 19
    static let cacheMiss: UInt16 = 20
    static let connectionLimit: UInt16 = 21
    static let family: UInt16 = 22
    static let fragmentEvent: UInt16 = 23
    static let datagramEvent: UInt16 = 24
    static let datagramFlag: UInt16 = 25
    static let eventKind: UInt16 = 26
    static let eventOriginator: UInt16 = 27
    static let eventChange: UInt16 = 28
    static let eventMask: UInt16 = 29
    static let flowEnd: UInt16 = 30
    static let ruleHook: UInt16 = 31
    static let traceVerdict: UInt16 = 32
    static let controlClosing: UInt16 = 33
    static let controlError: UInt16 = 34
  }

  /// - Parameters:
  ///   - queues: receive and transmit queues that one lcore may serve, together.
  ///   - dropReasons: as they are spelled in metrics; the index is the record. Likewise the lists after it.
  ///   - stages: at most `SEGMENT_MAX_STAGES`, as there are at most `SEGMENT_MAX_DROP_REASONS`.
  ///   - history: entries in each ring.
  ///   - tracking: the tables of connection tracking; `nil`: there are none.
  ///   - fragments: the same of reassembly.
  ///   - events: the same of events, which are there with connections or fragments.
  public static func make(
    lcores: Int, ports: Int, queues: Int, pools: Int, dropReasons: [String], invalidReasons: [String],
    packetKinds: [String], stages: [String], history: Int, tracking: TrackingTables? = nil,
    fragments: FragmentTables? = nil, events: EventTables? = nil
  ) -> Schema {
    precondition(stages.count <= Int(SEGMENT_MAX_STAGES), "more stages than a lcore's record has room for")
    precondition(dropReasons.count <= Int(SEGMENT_MAX_DROP_REASONS), "more drop reasons than its history has room for")
    return Schema(
      kinds: [
        forwarder(), Self.ports(count: ports), Self.lcores(count: lcores, stages: stages.count),
        Self.queues(lcores: lcores, count: queues),
        tally(
          .drops, "drops", lcores: lcores, count: dropReasons.count, heading: "reason",
          asks: "Why they were dropped", names: Names.dropReason,
          help: "Packets that left the forwarder for a reason"),
        tally(
          .invalid, "invalid", lcores: lcores, count: invalidReasons.count, heading: "reason",
          asks: "What is wrong with them", names: Names.invalidReason, hasBytes: false,
          help: "Packets whose transport header is malformed, whatever became of them"),
        tally(
          .packets, "packets", lcores: lcores, count: packetKinds.count, heading: "kind",
          asks: "What they are", names: Names.packetKind,
          help: "Packets received, by kind"),
        mempools(count: pools),
        lcoreHistory(lcores: lcores, entries: history, dropReasons: dropReasons.count),
        portHistory(ports: ports, entries: history), mempoolHistory(pools: pools, entries: history),
      ] + (tracking.map { kinds(of: $0, lcores: lcores) } ?? [])
        + (fragments.map { kinds(of: $0, lcores: lcores) } ?? [])
        + (events.map { kinds(of: $0, lcores: lcores, tracks: tracking != nil, assembles: fragments != nil) } ?? [])
        + (tracking == nil ? [] : [flowtables(lcores: lcores)]) + [ruleTrace(lcores: lcores), control()],
      enumerations: [
        Enumeration(Names.link, "link", ["down", "up"]),
        Enumeration(Names.switched, "switched", ["off", "on"]),
        Enumeration(Names.lcoreState, "lcore_state", ["idle", "running", "stopped", "unused"]),
        Enumeration(Names.direction, "direction", ["rx", "tx"]),
        Enumeration(Names.burstSize, "size", ["0", "1", "2-3", "4-7", "8-15", "16-31", "32-63", "64+"]),
        Enumeration(Names.stage, "stage", stages),
        Enumeration(Names.dropReason, "drop_reason", dropReasons),
        Enumeration(Names.invalidReason, "invalid_reason", invalidReasons),
        Enumeration(Names.packetKind, "packet_kind", packetKinds),
      ] + ruleEnumerations + controlEnumerations + (tracking.map { enumerations(of: $0) } ?? [])
        + (fragments.map { enumerations(of: $0) } ?? [])
        + (events == nil ? [] : eventEnumerations)
        // Fragments' events name protocols too.
        + (tracking == nil && events != nil ? [ConnectionWords.protocols] : []))
  }

  static let since = "0.1"

  private static func forwarder() -> Kind {
    let of = FieldsOf<dpdkfwd_forwarder_record>(metric: nil, since: since)
    return Kind(
      .forwarder, "forwarder", since: since, stride: MemoryLayout<dpdkfwd_forwarder_record>.stride,
      help: "The forwarder as a whole",
      fields: [
        of.key(1, "prefix", \.prefix, "EAL's --file-prefix", type: .char, metric: ""),
        of.label(2, "version", \.version, "Version of the program", type: .char),
        of.label(3, "mode", \.mode, "How it forwards: bridged or routed", type: .char),
        of.label(4, "pid", \.pid, "Process id"),
        of.label(5, "started_at", \.started_at, "When it started, since 1970", unit: "nanoseconds"),
        of.gauge(6, "ports", \.ports, "count", "Ports in use", metric: "ports"),
        of.gauge(7, "lcores", \.lcores, "count", "Lcores that poll", metric: "lcores"),
      ])
  }

  private static func ports(count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_port_record>(metric: "port", since: since)
    return Kind(
      .ports, "ports", since: since, records: count, stride: MemoryLayout<dpdkfwd_port_record>.stride,
      help: "Ports, with the counters their drivers keep",
      fields: [
        of.generation(1, \.generation),
        of.label(2, "port", \.port, "Number of the port"),
        of.key(3, "name", \.name, "Name of the port", type: .char, metric: "port"),
        of.label(4, "driver", \.driver, "Driver of the port", type: .char),
        of.label(5, "device", \.device, "Device as EAL names it", type: .char),
        of.label(6, "mac", \.mac, "Ethernet address", type: .mac),
        of.label(7, "pair", \.pair, "Port that packets leave by; 65535: none"),
        of.label(8, "socket", \.socket, "NUMA node; -1: any"),
        of.gauge(
          9, "mtu", \.mtu, "bytes", "Largest packet carried, Ethernet header not counted", metric: "port_mtu_bytes"),
        of.gauge(10, "link", \.link, "", "Link state: 1 is up", enumeration: Names.link, metric: "port_link_up"),
        of.label(11, "link_speed", \.link_speed, "Link speed", unit: "megabits_per_second"),
        of.gauge(
          12, "admin", \.admin, "", "Started by the forwarder: 1 is up", enumeration: Names.link,
          metric: "port_admin_up"),
        of.label(13, "promiscuous", \.promiscuous, "Takes packets for any address", enumeration: Names.switched),
        of.label(14, "rx_queues", \.rx_queues, "Receive queues"),
        of.label(15, "tx_queues", \.tx_queues, "Transmit queues"),
        of.counter(16, "rx_packets", \.rx_packets, "packets", "Packets the driver received"),
        of.counter(17, "rx_bytes", \.rx_bytes, "bytes", "Bytes the driver received"),
        of.counter(18, "rx_missed", \.rx_missed, "packets", "Packets lost because no descriptor was free"),
        of.counter(19, "rx_errors", \.rx_errors, "packets", "Packets the device received in error"),
        of.counter(20, "rx_nombuf", \.rx_nombuf, "packets", "Packets lost because the mempool was empty"),
        of.counter(21, "tx_packets", \.tx_packets, "packets", "Packets the driver sent"),
        of.counter(22, "tx_bytes", \.tx_bytes, "bytes", "Bytes the driver sent"),
        of.counter(23, "tx_errors", \.tx_errors, "packets", "Packets the device failed to send"),
        of.counter(24, "link_changes", \.link_changes, "count", "Times the link went up or down"),
        of.gauge(25, "offload_rules", \.offload_rules, "rules", "Rules for flows that the port knows itself"),
        of.counter(26, "offload_refused", \.offload_refused, "rules", "Rules for flows that its driver did not take"),
        of.label(27, "offload_reason", \.offload_reason, "The driver's last words about that", type: .char),
      ])
  }

  private static func lcores(count: Int, stages: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_lcore_record>(metric: "lcore", since: since)
    return Kind(
      .lcores, "lcores", since: since, shards: count, stride: MemoryLayout<dpdkfwd_lcore_record>.stride,
      guardedBy: .lcores, help: "Lcores that poll: time spent, packets moved",
      fields: [
        of.sequence(1, \.sequence),
        of.key(2, "lcore", \.lcore, "Number of the lcore", metric: "lcore"),
        of.label(3, "cpu", \.cpu, "CPU it is bound to; -1: several"),
        of.label(4, "socket", \.socket, "NUMA node; -1: any"),
        of.label(5, "state", \.state, "What it is doing", enumeration: Names.lcoreState),
        of.counter(6, "breaths", \.breaths, "count", "Rounds of its run loop"),
        of.counter(7, "busy_breaths", \.busy_breaths, "count", "Rounds that received a packet"),
        of.counter(8, "sleeps", \.sleeps, "count", "Times it slept for want of packets"),
        of.counter(9, "cycles_busy", \.cycles_busy, "cycles", "Time in busy rounds", metric: "lcore_busy_cycles"),
        of.counter(10, "cycles_idle", \.cycles_idle, "cycles", "Time in idle rounds", metric: "lcore_idle_cycles"),
        of.counter(11, "cycles_sleep", \.cycles_sleep, "cycles", "Time asleep", metric: "lcore_sleep_cycles"),
        of.counter(12, "rx_packets", \.rx_packets, "packets", "Packets received"),
        of.counter(13, "rx_bytes", \.rx_bytes, "bytes", "Bytes received"),
        of.counter(14, "tx_packets", \.tx_packets, "packets", "Packets sent"),
        of.counter(15, "tx_bytes", \.tx_bytes, "bytes", "Bytes sent"),
        of.gauge(16, "held", \.held, "packets", "Packets neither sent nor dropped yet", metric: "lcore_held_packets"),
        of.counter(
          17, "dropped", \.dropped, "packets", "Packets dropped, for any reason", metric: "lcore_dropped_packets"),
        of.counter(
          18, "stage_cycles", \.stage_cycles, "cycles", "Time in each stage of the journey", labels: Names.stage,
          count: stages),
        of.counter(
          19, "burst_sizes", \.burst_sizes, "bursts", "Receive bursts, by the packets they carried",
          labels: Names.burstSize, metric: "lcore_rx_bursts"),
        of.label(20, "last_breath", \.last_breath, "TSC at the last commit", unit: "cycles"),
        of.counter(
          21, "handed_out", \.handed_out, "packets", "Packets handed to the lcores that own them",
          metric: "handoff_out_packets"),
        of.counter(
          22, "handed_in", \.handed_in, "packets", "Packets that other lcores handed over",
          metric: "handoff_in_packets"),
        of.counter(
          23, "handoff_dropped", \.handoff_dropped, "packets", "Packets for which their owner's ring had no room",
          metric: "handoff_dropped_packets"),
        of.counter(
          24, "cut_from", \.cut_from, "packets", "Fragments whose datagram left cut anew, for the egress MTU",
          metric: "frag_cut_from_packets"),
        of.counter(
          25, "cut_into", \.cut_into, "packets", "Fragments that were sent in their place",
          metric: "frag_cut_into_packets"),
      ])
  }

  private static func queues(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_queue_record>(metric: "queue", since: since)
    return Kind(
      .queues, "queues", since: since, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_queue_record>.stride, guardedBy: .lcores,
      help: "Queues, as the lcore that serves them counts",
      fields: [
        of.generation(1, \.generation),
        of.key(2, "direction", \.direction, "Receive or transmit", enumeration: Names.direction, metric: "direction"),
        of.key(3, "port", \.port, "Number of the port", metric: "port_id"),
        of.key(4, "queue", \.queue, "Number of the queue", metric: "queue"),
        of.key(5, "lcore", \.lcore, "Lcore that serves it", metric: "lcore"),
        of.counter(6, "packets", \.packets, "packets", "Packets received or sent"),
        of.counter(7, "bytes", \.bytes, "bytes", "Bytes received or sent"),
        of.counter(8, "bursts", \.bursts, "bursts", "Bursts that carried a packet"),
        of.counter(9, "full_bursts", \.full_bursts, "bursts", "Bursts that were full"),
        of.counter(10, "retries", \.retries, "count", "Transmit bursts tried again because the queue was full"),
        of.counter(
          11, "dropped", \.dropped, "packets", "Packets a full transmit queue never took",
          metric: "queue_dropped_packets"),
      ])
  }

  /// - Parameter asks: what the heading answers.
  static func tally(
    _ id: KindID, _ name: String, since: String = since, lcores: Int, count: Int, heading: String, asks: String,
    names: UInt16, hasBytes: Bool = true, help: String
  ) -> Kind {
    let of = FieldsOf<dpdkfwd_tally_record>(metric: name, since: since)
    let bytes = of.counter(4, "bytes", \.bytes, "bytes", "The same, in bytes")
    return Kind(
      id, name, since: since, shards: lcores, records: count, stride: MemoryLayout<dpdkfwd_tally_record>.stride,
      guardedBy: .lcores, help: help,
      fields: [
        of.key(1, heading, \.heading, asks, enumeration: names, metric: heading),
        of.label(2, "lcore", \.lcore, "Lcore that counted"),
        of.counter(3, "packets", \.packets, "packets", help, metric: name),
      ] + (hasBytes ? [bytes] : []))
  }

  private static func mempools(count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_mempool_record>(metric: "mempool", since: since)
    return Kind(
      .mempools, "mempools", since: since, records: count, stride: MemoryLayout<dpdkfwd_mempool_record>.stride,
      help: "Pools of packet buffers",
      fields: [
        of.generation(1, \.generation),
        of.key(2, "name", \.name, "Name of the pool", type: .char, metric: "pool"),
        of.label(3, "socket", \.socket, "NUMA node; -1: any"),
        of.gauge(4, "size", \.size, "buffers", "Buffers in all"),
        of.gauge(5, "in_use", \.in_use, "buffers", "Buffers that hold a packet or wait in a receive queue"),
        of.gauge(6, "in_use_max", \.in_use_max, "buffers", "The most buffers ever seen in use"),
        of.gauge(7, "cached", \.cached, "buffers", "Free buffers kept in lcore caches"),
        of.label(8, "data_room", \.data_room, "Room for packet data in a buffer", unit: "bytes"),
        of.label(9, "element_size", \.element_size, "Memory a buffer takes", unit: "bytes"),
      ])
  }
}
