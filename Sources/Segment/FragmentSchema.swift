internal import CSegment

/// What reassembly keeps in the segment, for each worker.
public struct FragmentTables: Sendable {
  /// Datagrams in the making and fragments that there is room for, at least 1 of either.
  public var datagrams: Int
  public var fragments: Int
  /// What is counted of fragments and of datagrams, as metrics spell it; the index is the record, for IPv4 and then
  /// again for IPv6.
  public var fragmentEvents: [String]
  public var datagramEvents: [String]

  public init(datagrams: Int, fragments: Int, fragmentEvents: [String], datagramEvents: [String]) {
    precondition(datagrams > 0 && fragments > 0, "tables without room")
    precondition(
      fragmentEvents.count <= Int(SEGMENT_FRAG_EVENTS) && datagramEvents.count <= Int(SEGMENT_FRAG_DATAGRAM_EVENTS),
      "more events than are counted")
    self.datagrams = datagrams
    self.fragments = fragments
    self.fragmentEvents = fragmentEvents
    self.datagramEvents = datagramEvents
  }
}

extension ForwarderSchema {
  static let sinceFragments = "0.3"

  static func kinds(of tables: FragmentTables, lcores: Int) -> [Kind] {
    [
      datagrams(lcores: lcores, count: tables.datagrams),
      pieces(lcores: lcores, count: tables.fragments),
      fragmentShards(lcores: lcores),
      events(
        .fragmentEvents, "frag_fragments", "fragments", lcores: lcores, count: 2 * tables.fragmentEvents.count,
        names: Names.fragmentEvent, help: "Fragments, by what became of them"),
      events(
        .datagramEvents, "frag_datagrams", "datagrams", lcores: lcores, count: 2 * tables.datagramEvents.count,
        names: Names.datagramEvent, help: "Datagrams that came in fragments, by what became of them"),
    ]
  }

  static func enumerations(of tables: FragmentTables) -> [Enumeration] {
    [
      Enumeration(Names.family, "family", ["ipv4", "ipv6"]),
      Enumeration(Names.fragmentEvent, "fragment_event", tables.fragmentEvents),
      Enumeration(Names.datagramEvent, "datagram_event", tables.datagramEvents),
      Enumeration(
        Names.datagramFlag, "frag_flag",
        bits: ["ipv6", "first", "last", "complete", "discarded"]),
    ]
  }

  private static func datagrams(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_frag_record>(since: sinceFragments)
    return Kind(
      .fragmentedDatagrams, "frag", since: sinceFragments, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_frag_record>.stride,
      help: "Datagrams of which fragments are held, an arena for each worker",
      fields: [
        of.generation(1, "generation", \.generation, "Zero while the record is unused"),
        of.label(2, "identification", \.identification, "Of the fragments"),
        of.label(3, "source", \.source, "IPv6 address; IPv4: the first four bytes", type: .ipv6),
        of.label(4, "destination", \.destination, "The same of the destination", type: .ipv6),
        of.label(5, "zone", \.zone, "Zone that the fragments came in by"),
        of.label(6, "protocol", \.protocol, "Protocol; IPv6: behind the extension headers, 0 until it is known"),
        of.gauge(7, "flags", \.flags, "", "Bits of frag_flag"),
        of.label(8, "vlan_outer", \.vlan_outer, "VLAN of the outer tag; 65535: there is none"),
        of.label(9, "vlan_inner", \.vlan_inner, "VLAN of the second tag; 65535: there is none"),
        of.gauge(10, "first", \.first, "", "Number of the fragment in front + 1, of frag_pieces; 0: none is held"),
        of.gauge(11, "last", \.last, "", "The same of the fragment furthest behind"),
        of.gauge(12, "covered", \.covered, "bytes", "Payload there is"),
        of.gauge(13, "end", \.end, "bytes", "Payload of the datagram; 4294967295: not known yet"),
        of.gauge(14, "fragments", \.fragments, "fragments", "Fragments held"),
        of.gauge(15, "bytes", \.bytes, "bytes", "Of the frames held"),
        of.gauge(16, "mbufs", \.mbufs, "buffers", "Buffers they lie in"),
        of.gauge(17, "largest", \.largest, "bytes", "Largest IP packet among the fragments"),
        of.gauge(18, "began", \.began, "milliseconds", "When the first one came, on the worker's clock modulo 2^32"),
        of.gauge(19, "deadline", \.deadline, "milliseconds", "When it expires"),
        of.label(20, "source_port", \.source_port, "Of the fragment at offset 0, once that is there"),
        of.label(21, "destination_port", \.destination_port, "The same of the destination"),
      ])
  }

  private static func pieces(lcores: Int, count: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_frag_piece_record>(since: sinceFragments)
    return Kind(
      .fragmentPieces, "frag_pieces", since: sinceFragments, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_frag_piece_record>.stride,
      help: "Fragments held: the part of the payload they carry",
      fields: [
        of.generation(1, "owner", \.owner, "Generation of the datagram; zero while it is free"),
        of.gauge(2, "next", \.next, "", "Number of the fragment behind it + 1; 0: none"),
        of.gauge(3, "offset", \.offset, "bytes", "Payload in front of it"),
        of.gauge(4, "length", \.length, "bytes", "Payload it carries"),
        of.gauge(5, "mbufs", \.mbufs, "buffers", "Buffers it lies in"),
        of.gauge(6, "more", \.more, "", "Whether more fragments follow"),
      ])
  }

  private static func fragmentShards(lcores: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_frag_shard_record>(metric: "frag", since: sinceFragments)
    return Kind(
      .fragmentShards, "frag_shards", since: sinceFragments, shards: lcores,
      stride: MemoryLayout<dpdkfwd_frag_shard_record>.stride, guardedBy: .lcores,
      help: "Reassembly, as each worker does it: its settings, and how full its table is",
      fields: [
        of.key(1, "lcore", \.lcore, "Number of the lcore", metric: "lcore"),
        of.label(
          2, "clock_zero", \.clock_zero, "Where the worker's clock began, of CLOCK_MONOTONIC", unit: "nanoseconds"),
        of.gauge(3, "v4_enabled", \.enabled.0, "", "Whether IPv4 fragments are put together", metric: ""),
        of.gauge(4, "v6_enabled", \.enabled.1, "", "Whether IPv6 fragments are put together", metric: ""),
        of.gauge(
          5, "v4_smallest", \.smallest.0, "bytes", "Smallest IPv4 fragment that is not the last; 0: any", metric: ""),
        of.gauge(
          6, "v6_smallest", \.smallest.1, "bytes", "Smallest IPv6 fragment that is not the last; 0: any", metric: ""),
        of.gauge(
          7, "v4_timeout", \.timeout.0, "milliseconds", "Time for the fragments of an IPv4 datagram", metric: ""),
        of.gauge(
          8, "v6_timeout", \.timeout.1, "milliseconds", "Time for the fragments of an IPv6 datagram", metric: ""),
        of.gauge(9, "per_datagram", \.per_datagram, "fragments", "Fragments that one datagram may have", metric: ""),
        of.gauge(
          10, "high_watermark", \.high_watermark, "percent", "Of a limit: from here on the oldest make room", metric: ""
        ),
        of.gauge(11, "low_watermark", \.low_watermark, "percent", "Of a limit: so far", metric: ""),
        of.gauge(12, "fragments", \.fragments, "fragments", "Fragments held", metric: "frag_fragments_held"),
        of.gauge(
          13, "fragments_max", \.fragments_max, "fragments", "The most fragments ever held",
          metric: "frag_fragments_held_max"),
        of.gauge(
          14, "fragments_limit", \.fragments_limit, "fragments", "Fragments that may be held",
          metric: "frag_fragments_held_limit"),
        of.gauge(
          15, "datagrams", \.datagrams, "datagrams", "Datagrams in the making, or remembered as discarded",
          metric: "frag_datagrams_held"),
        of.gauge(
          16, "datagrams_max", \.datagrams_max, "datagrams", "The most datagrams ever",
          metric: "frag_datagrams_held_max"),
        of.gauge(
          17, "datagrams_limit", \.datagrams_limit, "datagrams", "Datagrams there is room for",
          metric: "frag_datagrams_held_limit"),
        of.gauge(18, "mbufs", \.mbufs, "buffers", "Buffers that fragments are held in"),
        of.gauge(19, "mbufs_max", \.mbufs_max, "buffers", "The most buffers ever held"),
        of.gauge(20, "mbufs_limit", \.mbufs_limit, "buffers", "Buffers that may be held"),
        of.gauge(21, "bytes", \.bytes, "bytes", "Bytes of the frames held"),
        of.gauge(22, "bytes_max", \.bytes_max, "bytes", "The most bytes ever held"),
        of.gauge(23, "bytes_limit", \.bytes_limit, "bytes", "Bytes that may be held"),
        of.gauge(24, "source_max", \.source_max, "buffers", "The most buffers that fragments of one source lay in"),
        of.gauge(25, "source_limit", \.source_limit, "buffers", "Buffers that fragments of one source may lie in"),
        of.gauge(26, "discarded", \.discarded, "datagrams", "Discarded datagrams that are remembered"),
        of.counter(27, "steps", \.steps, "fragments", "Fragments passed by in search of another one's place"),
      ])
  }

  private static func events(
    _ id: KindID, _ name: String, _ unit: String, lcores: Int, count: Int, names: UInt16, help: String
  ) -> Kind {
    let of = FieldsOf<dpdkfwd_frag_count_record>(metric: name, since: sinceFragments)
    return Kind(
      id, name, since: sinceFragments, shards: lcores, records: count,
      stride: MemoryLayout<dpdkfwd_frag_count_record>.stride, guardedBy: .lcores, help: help,
      fields: [
        of.key(1, "family", \.family, "IPv4 or IPv6", enumeration: Names.family, metric: "family"),
        of.key(2, "event", \.event, "What happened to them", enumeration: names, metric: "event"),
        of.label(3, "lcore", \.lcore, "Lcore that counted"),
        of.counter(4, unit, \.count, unit, help, metric: name),
      ])
  }
}
