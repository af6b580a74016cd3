internal import CSegment

/// What connection tracking keeps in the segment, for each worker.
public struct TrackingTables: Sendable {
  /// Connections, at most 2^24, and extensions, at least 1 of either.
  public var connections: Int
  public var extensions: Int
  /// Why packets are invalid, as metrics spell it; the index is the record.
  public var faults: [String]
  /// Why a packet of a connection found no cached outcome, at most 8.
  public var cacheMisses: [String]
  /// What refuses a new connection, at most 4.
  public var limits: [String]

  public init(
    connections: Int, extensions: Int, faults: [String], cacheMisses: [String],
    limits: [String] = ["shard", "total", "zone", "source"]
  ) {
    precondition((1...ConnectionID.slots).contains(connections) && extensions > 0, "tables without room, or too large")
    precondition(cacheMisses.count <= 8 && limits.count <= 4, "more names than a worker's record has room for")
    self.connections = connections
    self.extensions = extensions
    self.faults = faults
    self.cacheMisses = cacheMisses
    self.limits = limits
  }
}

extension ForwarderSchema {
  static let sinceTracking = "0.2"

  static func kinds(of tables: TrackingTables, lcores: Int) -> [Kind] {
    [
      connections(lcores: lcores, count: tables.connections),
      extensions(lcores: lcores, count: tables.extensions),
      shards(lcores: lcores, tables),
      tally(
        .trackingFaults, "ct_invalid", since: sinceTracking, lcores: lcores, count: tables.faults.count,
        heading: "reason", asks: "What is wrong with them", names: Names.trackingFault, hasBytes: false,
        help: "Packets that fit no connection and may open none, whatever became of them"),
    ]
  }

  /// Bits are enumerated by their value.
  static func enumerations(of tables: TrackingTables) -> [Enumeration] {
    [
      ConnectionWords.protocols,
      Enumeration(
        Names.connectionProtocol, "protocol", ["tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "udplite", "other"]),
      ConnectionWords.status,
      Enumeration(
        Names.connectionFlag, "ct_flag", values: [(1, "question"), (4, "ipv6"), (8, "two_entries")]),
      ConnectionWords.tcpStates,
      ConnectionWords.tcpFlags,
      ConnectionWords.sctpStates,
      Enumeration(Names.extensionKind, "extension_kind", ["free", "addresses", "reply"]),
      Enumeration(
        Names.packetClass, "class",
        [
          "new_original", "established_original", "related_original", "new_reply", "established_reply",
          "related_reply", "invalid", "untracked",
        ]),
      Enumeration(Names.trackingFault, "ct_fault", tables.faults),
      Enumeration(Names.cacheMiss, "reason", tables.cacheMisses),
      Enumeration(Names.connectionLimit, "limit", tables.limits),
    ]
  }

  /// No field is a metric: nobody who collects metrics has to look at a connection.
  private static func connections(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_ct_record>(since: sinceTracking)
    return Kind(
      .connections, "ct", since: sinceTracking, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_ct_record>.stride, help: "Connections, an arena for each worker",
      fields: [
        of.generation(1, "generation", \.generation, "Zero while the record is unused"),
        of.key(2, "protocol", \.protocol, "Protocol above IP", enumeration: Names.ipProtocol, metric: ""),
        of.label(3, "source", \.source, "Who opened it (IPv4)", type: .ipv4),
        of.label(4, "destination", \.destination, "Whom it was opened to (IPv4)", type: .ipv4),
        of.label(5, "source_port", \.source_port, "ICMP: the identifier; GRE: the source key"),
        of.label(6, "destination_port", \.destination_port, "ICMP: type * 256 + code; GRE: the destination key"),
        of.label(7, "zone", \.zone, "Zone of the original direction"),
        of.gauge(8, "status", \.status, "", "Bits of ct_status"),
        of.gauge(9, "deadline", \.deadline, "milliseconds", "When it expires, on the worker's clock modulo 2^32"),
        of.label(10, "start", \.start, "When it began, since 1970", unit: "seconds"),
        of.gauge(11, "state", \.state, "", "TCP: of tcp_state; SCTP: of sctp_state"),
        of.gauge(12, "mark", \.mark, "", "The connection's mark"),
        of.gauge(13, "flags", \.flags, "", "Bits of ct_flag"),
        of.gauge(14, "cached_generation", \.cached_generation, "", "Of the verdicts when its outcome was remembered"),
        of.gauge(
          15, "egress_original", \.cached_egress.0, "", "Port that its packets leave by, as remembered; 255: none is"),
        of.gauge(16, "egress_reply", \.cached_egress.1, "", "The same of the reply direction"),
        of.gauge(
          17, "flow_table", \.flow_table, "",
          "Low four bits: number of the flow table it is in; high four: of its timeout policy; 0: none"),
        of.counter(18, "packets_original", \.packets_original, "packets", "Packets of the original direction"),
        of.counter(19, "bytes_original", \.bytes_original, "bytes", "The same, in bytes from the IP header on"),
        of.counter(20, "packets_reply", \.packets_reply, "packets", "Packets of the reply direction"),
        of.counter(21, "bytes_reply", \.bytes_reply, "bytes", "The same, in bytes from the IP header on"),
        of.gauge(22, "extension", \.extension, "", "Number of its first extension + 1; 0: none"),
        of.gauge(
          23, "end_original", \.tcp.original.end, "",
          "TCP: number past what was sent; SCTP: verification tag; UDP: when answers make it a stream"),
        of.gauge(24, "max_end_original", \.tcp.original.max_end, "", "TCP: the furthest the other side allowed"),
        of.gauge(25, "max_window_original", \.tcp.original.max_window, "bytes", "TCP: largest window announced"),
        of.gauge(26, "max_ack_original", \.tcp.original.max_ack, "", "TCP: highest number acknowledged"),
        of.gauge(27, "end_reply", \.tcp.reply.end, "", "The reply side's end; SCTP: its verification tag"),
        of.gauge(28, "max_end_reply", \.tcp.reply.max_end, "", "TCP: the furthest the original side allowed"),
        of.gauge(29, "max_window_reply", \.tcp.reply.max_window, "bytes", "TCP: largest window announced"),
        of.gauge(30, "max_ack_reply", \.tcp.reply.max_ack, "", "TCP: highest number acknowledged"),
        of.gauge(31, "last_sequence", \.tcp.last_sequence, "", "TCP: of the segment before"),
        of.gauge(32, "last_acknowledgement", \.tcp.last_acknowledgement, "", "TCP: of the segment before"),
        of.gauge(33, "last_end", \.tcp.last_end, "", "TCP: of the segment before"),
        of.gauge(34, "last_window", \.tcp.last_window, "", "TCP: of the segment before"),
        of.gauge(35, "tcp_flags_original", \.tcp.flags_original, "", "TCP: bits of tcp_flag"),
        of.gauge(36, "tcp_flags_reply", \.tcp.flags_reply, "", "TCP: bits of tcp_flag"),
        of.gauge(37, "scales", \.tcp.scales, "", "TCP: window scales, low four bits the original side's"),
        of.gauge(38, "last_segment", \.tcp.last_segment, "", "TCP: what the segment before was"),
        of.gauge(39, "last_flags", \.tcp.last_flags, "", "TCP: what an ignored SYN offers"),
        of.gauge(40, "retransmissions", \.tcp.retransmissions, "count", "TCP: of the same segment, in a row"),
      ])
  }

  private static func extensions(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_ct_extension_record>(since: sinceTracking)
    return Kind(
      .connectionExtensions, "ct_extensions", since: sinceTracking, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_ct_extension_record>.stride,
      help: "What connections need beyond their record: IPv6 addresses, reply tuples, labels",
      fields: [
        of.generation(1, "owner", \.owner, "Generation of the connection it belongs to; zero while it is free"),
        of.gauge(2, "next", \.next, "", "Number of the next extension + 1; 0: none"),
        of.label(3, "source", \.source, "IPv6 of the original direction, or the reply tuple's source", type: .ipv6),
        of.label(4, "destination", \.destination, "The same of the destination", type: .ipv6),
        of.label(5, "source_port", \.source_port, "Of the reply tuple"),
        of.label(6, "destination_port", \.destination_port, "Of the reply tuple"),
        of.label(7, "zone", \.zone, "Zone of the reply direction"),
        of.label(8, "kind", \.kind, "What it holds", enumeration: Names.extensionKind),
        of.label(9, "labels", \.labels, "Connection labels, bit 0 first", type: .u8),
        of.label(10, "event_mask", \.event_mask, "What rules let be told of the connection; 0: all"),
      ])
  }

  private static func shards(lcores: Int, _ tables: TrackingTables) -> Kind {
    let of = FieldsOf<dpdkfwd_ct_shard_record>(metric: "ct", since: sinceTracking)
    func stat<Value>(
      _ id: UInt16, _ name: String, _ path: KeyPath<dpdkfwd_ct_shard_record, Value>, _ unit: String, _ help: String
    ) -> Field { of.counter(id, name, path, unit, help, metric: "ct_stat_\(name)") }
    return Kind(
      .connectionShards, "ct_shards", since: sinceTracking, shards: lcores,
      stride: MemoryLayout<dpdkfwd_ct_shard_record>.stride, guardedBy: .lcores,
      help: "Connection tracking, as each worker counts it",
      fields: [
        of.key(1, "lcore", \.lcore, "Number of the lcore", metric: "lcore"),
        of.label(2, "epoch", \.epoch, "Of the ids of its connections"),
        of.label(
          3, "clock_zero", \.clock_zero, "Where the worker's clock began, of CLOCK_MONOTONIC", unit: "nanoseconds"),
        of.gauge(4, "entries", \.entries, "connections", "Connections tracked"),
        of.gauge(5, "entries_max", \.entries_max, "connections", "The most connections ever tracked at once"),
        of.gauge(6, "entries_limit", \.entries_limit, "connections", "Connections there is room for"),
        of.gauge(7, "extensions", \.extensions, "extensions", "Extensions in use"),
        of.gauge(8, "extensions_limit", \.extensions_limit, "extensions", "Extensions there is room for"),
        of.gauge(9, "unassured", \.unassured, "connections", "Connections that may be dropped early"),
        of.gauge(
          10, "by_protocol", \.by_protocol, "connections", "Connections tracked, by protocol",
          labels: Names.connectionProtocol, metric: "ct_protocol_entries"),
        stat(11, "found", \.found, "lookups", "Lookups that found a connection"),
        stat(12, "invalid", \.invalid, "packets", "Packets that can not be tracked"),
        stat(13, "insert", \.insert, "connections", "Connections inserted"),
        stat(14, "insert_failed", \.insert_failed, "connections", "Connections that could not be inserted"),
        stat(15, "drop", \.drop, "packets", "Packets dropped because a connection could not be had"),
        stat(16, "early_drop", \.early_drop, "connections", "Connections dropped to make room for new ones"),
        stat(17, "error", \.error, "packets", "ICMP errors that match no connection"),
        stat(18, "search_restart", \.search_restart, "lookups", "Lookups repeated because the burst changed the table"),
        stat(19, "clash_resolve", \.clash_resolve, "connections", "Connections that found themselves inserted"),
        stat(20, "chaintoolong", \.chaintoolong, "connections", "Connections refused for a full chain"),
        of.counter(
          21, "classes", \.classes, "packets", "Packets, by state and direction", labels: Names.packetClass,
          metric: "ct_packets"),
        of.counter(22, "expired", \.expired, "connections", "Connections whose time was over"),
        of.counter(23, "swept", \.swept, "records", "Records the sweep for expired connections visited"),
        of.counter(
          24, "limited", \.limited, "connections", "Connections refused by a limit", labels: Names.connectionLimit,
          count: tables.limits.count),
        of.counter(25, "cache_hits", \.cache_hits, "packets", "Packets whose outcome was remembered"),
        of.counter(
          26, "cache_misses", \.cache_misses, "packets", "Packets of connections whose outcome was not remembered",
          labels: Names.cacheMiss, count: tables.cacheMisses.count),
        of.counter(27, "refreshes", \.refreshes, "count", "Deadlines moved"),
        of.gauge(
          28, "slots_used", \.slots_used, "records", "Records of ct that hold a connection or have held one: the first"),
      ])
  }
}
