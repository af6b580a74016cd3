internal import CSegment

/// What events keep in the segment, for each worker.
public struct EventTables: Sendable {
  /// Entries of the ring of connections' events and of that of fragments', at least 1 of either.
  public var events: Int
  public var fragmentEvents: Int
  /// Connections that the dying list has room for, at least 1.
  public var dying: Int

  public init(events: Int, fragmentEvents: Int, dying: Int) {
    precondition(events > 0 && fragmentEvents > 0 && dying > 0, "tables without room")
    self.events = events
    self.fragmentEvents = fragmentEvents
    self.dying = dying
  }
}

extension KindID {
  public static let connectionEvents = KindID(rawValue: 21)
  public static let dyingConnections = KindID(rawValue: 22)
  public static let fragmentListEvents = KindID(rawValue: 23)
  public static let eventShards = KindID(rawValue: 24)
  public static let tracking = KindID(rawValue: 25)
}

extension ForwarderSchema {
  static let sinceEvents = "0.4"

  /// - Parameters:
  ///   - tracks: there are connections.
  ///   - assembles: there are fragments.
  static func kinds(of tables: EventTables, lcores: Int, tracks: Bool, assembles: Bool) -> [Kind] {
    let connections =
      tracks
      ? [
        connectionEvents(lcores: lcores, count: tables.events), dyingConnections(lcores: lcores, count: tables.dying),
        tracking(),
      ] : []
    let fragments = assembles ? [fragmentListEvents(lcores: lcores, count: tables.fragmentEvents)] : []
    return connections + fragments + [eventShards(lcores: lcores)]
  }

  static var eventEnumerations: [Enumeration] {
    [ConnectionWords.eventKinds, ConnectionWords.originators, ConnectionWords.changes, ConnectionWords.eventMask]
  }

  private static func connectionEvents(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_ct_event_record>(since: sinceEvents)
    return Kind(
      .connectionEvents, "ct_events", since: sinceEvents, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_ct_event_record>.stride,
      help: "What happened to connections, a ring for each worker",
      fields: [of.entry(1, \.sequence)] + event(of, \.self))
  }

  private static func dyingConnections(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_ct_dying_record>(since: sinceEvents)
    return Kind(
      .dyingConnections, "ct_dying", since: sinceEvents, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_ct_dying_record>.stride,
      help: "Connections that are gone, kept until all who asked for it know their end",
      fields: [
        of.generation(60, "generation", \.generation, "Zero while the record is unused"),
        of.label(1, "sequence", \.event.sequence, "Number of the event that tells of its end"),
      ] + event(of, \.event))
  }

  /// The fields of an event, numbered from 2.
  private static func event<Root>(
    _ of: FieldsOf<Root>, _ event: KeyPath<Root, dpdkfwd_ct_event_record>
  ) -> [Field] {
    let image = event.appending(path: \.image)
    let record = image.appending(path: \.record)
    let tcp = record.appending(path: \.tcp)
    return [
      of.label(2, "at", event.appending(path: \.at), "When it happened, since 1970", unit: "nanoseconds"),
      of.label(3, "event", event.appending(path: \.kind), "What happened", enumeration: Names.eventKind),
      of.label(
        4, "originator", event.appending(path: \.originator), "What brought it about",
        enumeration: Names.eventOriginator),
      of.label(5, "client", event.appending(path: \.client), "Process id of who asked for it; 0: nobody did"),
      of.gauge(6, "changes", event.appending(path: \.changes), "", "Bits of ct_change"),
      of.label(7, "id", image.appending(path: \.id), "Number of the connection"),
      of.gauge(8, "timeout", image.appending(path: \.timeout), "milliseconds", "Time until it expires"),
      of.label(
        9, "source", image.appending(path: \.source), "Who opened it; IPv4: the first four bytes", type: .ipv6),
      of.label(10, "destination", image.appending(path: \.destination), "Whom it was opened to", type: .ipv6),
      of.label(11, "source_port", record.appending(path: \.source_port), "ICMP: the identifier; GRE: the source key"),
      of.label(
        12, "destination_port", record.appending(path: \.destination_port),
        "ICMP: type * 256 + code; GRE: the destination key"),
      of.label(13, "zone", record.appending(path: \.zone), "Zone of the original direction"),
      of.label(14, "reply_source", image.appending(path: \.reply_source), "Of the reply tuple", type: .ipv6),
      of.label(15, "reply_destination", image.appending(path: \.reply_destination), "Of the reply tuple", type: .ipv6),
      of.label(16, "reply_source_port", image.appending(path: \.reply_source_port), "Of the reply tuple"),
      of.label(17, "reply_destination_port", image.appending(path: \.reply_destination_port), "Of the reply tuple"),
      of.label(18, "reply_zone", image.appending(path: \.reply_zone), "Zone of the reply direction"),
      of.label(19, "labels", image.appending(path: \.labels), "Connection labels, bit 0 first", type: .u8),
      of.label(
        20, "protocol", record.appending(path: \.protocol), "Protocol above IP", enumeration: Names.ipProtocol),
      of.gauge(21, "flags", record.appending(path: \.flags), "", "Bits of ct_flag"),
      of.gauge(22, "deadline", record.appending(path: \.deadline), "milliseconds", "On the worker's clock modulo 2^32"),
      of.label(23, "start", record.appending(path: \.start), "When it began, since 1970", unit: "seconds"),
      of.gauge(24, "status", record.appending(path: \.status), "", "Bits of ct_status"),
      of.gauge(25, "state", record.appending(path: \.state), "", "TCP: of tcp_state; SCTP: of sctp_state"),
      of.gauge(26, "mark", record.appending(path: \.mark), "", "The connection's mark"),
      of.counter(
        27, "packets_original", record.appending(path: \.packets_original), "packets", "Of the original direction"),
      of.counter(28, "bytes_original", record.appending(path: \.bytes_original), "bytes", "Of the original direction"),
      of.counter(29, "packets_reply", record.appending(path: \.packets_reply), "packets", "Of the reply direction"),
      of.counter(30, "bytes_reply", record.appending(path: \.bytes_reply), "bytes", "Of the reply direction"),
      of.gauge(31, "cached_generation", record.appending(path: \.cached_generation), "", "Of its remembered outcome"),
      of.gauge(32, "egress_original", record.appending(path: \.cached_egress.0), "", "255: not remembered"),
      of.gauge(33, "egress_reply", record.appending(path: \.cached_egress.1), "", "255: not remembered"),
      of.gauge(
        34, "flow_table", record.appending(path: \.flow_table), "",
        "Low four bits: number of the flow table it is in; high four: of its timeout policy; 0: none"),
      of.gauge(35, "end_original", tcp.appending(path: \.original.end), "", "TCP, SCTP, UDP: as in ct"),
      of.gauge(36, "max_end_original", tcp.appending(path: \.original.max_end), "", "TCP: as in ct"),
      of.gauge(37, "max_window_original", tcp.appending(path: \.original.max_window), "bytes", "TCP: as in ct"),
      of.gauge(38, "max_ack_original", tcp.appending(path: \.original.max_ack), "", "TCP: as in ct"),
      of.gauge(39, "end_reply", tcp.appending(path: \.reply.end), "", "TCP, SCTP: as in ct"),
      of.gauge(40, "max_end_reply", tcp.appending(path: \.reply.max_end), "", "TCP: as in ct"),
      of.gauge(41, "max_window_reply", tcp.appending(path: \.reply.max_window), "bytes", "TCP: as in ct"),
      of.gauge(42, "max_ack_reply", tcp.appending(path: \.reply.max_ack), "", "TCP: as in ct"),
      of.gauge(43, "last_sequence", tcp.appending(path: \.last_sequence), "", "TCP: as in ct"),
      of.gauge(44, "last_acknowledgement", tcp.appending(path: \.last_acknowledgement), "", "TCP: as in ct"),
      of.gauge(45, "last_end", tcp.appending(path: \.last_end), "", "TCP: as in ct"),
      of.gauge(46, "last_window", tcp.appending(path: \.last_window), "", "TCP: as in ct"),
      of.gauge(47, "tcp_flags_original", tcp.appending(path: \.flags_original), "", "TCP: bits of tcp_flag"),
      of.gauge(48, "tcp_flags_reply", tcp.appending(path: \.flags_reply), "", "TCP: bits of tcp_flag"),
      of.gauge(49, "scales", tcp.appending(path: \.scales), "", "TCP: as in ct"),
      of.gauge(50, "last_segment", tcp.appending(path: \.last_segment), "", "TCP: as in ct"),
      of.gauge(51, "last_flags", tcp.appending(path: \.last_flags), "", "TCP: as in ct"),
      of.gauge(52, "retransmissions", tcp.appending(path: \.retransmissions), "count", "TCP: as in ct"),
    ]
  }

  private static func fragmentListEvents(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_frag_event_record>(since: sinceEvents)
    return Kind(
      .fragmentListEvents, "frag_events", since: sinceEvents, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_frag_event_record>.stride,
      help: "Datagrams whose fragments were given up, a ring for each worker",
      fields: [
        of.entry(1, \.sequence),
        of.label(2, "at", \.at, "When it happened, since 1970", unit: "nanoseconds"),
        of.label(3, "source", \.source, "IPv4: the first four bytes", type: .ipv6),
        of.label(4, "destination", \.destination, "IPv4: the first four bytes", type: .ipv6),
        of.label(5, "identification", \.identification, "Identification of the datagram"),
        of.label(6, "zone", \.zone, "Zone of the datagram"),
        of.label(7, "protocol", \.protocol, "Protocol above IP", enumeration: Names.ipProtocol),
        of.label(8, "family", \.family, "IP version", enumeration: Names.family),
        of.label(9, "reason", \.reason, "Why", enumeration: Names.fragmentEvent),
        of.counter(10, "fragments", \.fragments, "fragments", "Fragments that were held"),
        of.counter(11, "bytes", \.bytes, "bytes", "The same, in bytes of their frames"),
      ])
  }

  private static func eventShards(lcores: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_event_shard_record>(metric: "events", since: sinceEvents)
    return Kind(
      .eventShards, "events", since: sinceEvents, shards: lcores,
      stride: MemoryLayout<dpdkfwd_event_shard_record>.stride, guardedBy: .lcores,
      help: "Events and requests, as each worker counts them",
      fields: [
        of.key(1, "lcore", \.lcore, "Number of the lcore", metric: "lcore"),
        of.gauge(
          2, "mask", \.mask, "",
          "Kinds of events that are written now: bits, in the order of event_kind; 32: ends are kept",
          metric: ""),
        of.gauge(3, "dying", \.dying, "connections", "Connections in the dying list", metric: "ct_dying"),
        of.gauge(4, "dying_max", \.dying_max, "connections", "The most there ever were", metric: "ct_dying_max"),
        of.gauge(5, "dying_limit", \.dying_limit, "connections", "The most there may be", metric: "ct_dying_limit"),
        of.counter(6, "written", \.written, "events", "Events written, by kind", labels: Names.eventMask),
        of.counter(7, "merged", \.merged, "changes", "Changes that went into an update with others"),
        of.counter(
          8, "dying_lost", \.dying_lost, "connections", "Connections that left the dying list unacknowledged",
          metric: "ct_dying_lost"),
        of.counter(9, "orders", \.orders, "orders", "Requests carried out by the worker", metric: "control_orders"),
        of.counter(10, "refused", \.refused, "orders", "Of these, in vain", metric: "control_refused"),
        of.counter(
          11, "visited", \.visited, "records", "Records looked at for requests", metric: "control_visited"),
        of.counter(
          12, "turns", \.turns, "breaths", "Breaths in which something was done on request", metric: "control_turns"),
        of.counter(13, "turn_cycles", \.turn_cycles, "cycles", "Cycles that it took", metric: "control_turn_cycles"),
        of.gauge(
          14, "turn_cycles_max", \.turn_cycles_max, "cycles", "The most that it took in one breath",
          metric: "control_turn_cycles_max"),
      ])
  }

  private static func tracking() -> Kind {
    let of = FieldsOf<dpdkfwd_tracking_record>(metric: "tracking", since: sinceEvents)
    return Kind(
      .tracking, "tracking", since: sinceEvents, stride: MemoryLayout<dpdkfwd_tracking_record>.stride,
      help: "What holds for tracking as a whole, as it is now",
      fields: [
        of.gauge(1, "connections_limit", \.connections_limit, "connections", "Of all workers together; 0: none"),
        of.gauge(2, "zone_limit", \.zone_limit, "connections", "Of a zone that has none of its own; 0: none"),
        of.gauge(3, "source_limit", \.source_limit, "connections", "Of a source address; 0: none"),
        of.gauge(4, "sweep_interval", \.sweep_interval, "milliseconds", "Time of one sweep for expired connections"),
        of.gauge(
          5, "tcp_seq_chk", \.tcp_seq_chk, "", "TCP segments are held against their windows: 1 is on",
          enumeration: Names.switched),
      ])
  }
}
