import CSegment
import Testing

@testable import Segment

/// Where things lie, as `docs/segment.md` promises it.
@Suite struct LayoutTests {
  @Test func `the parts of the file have the sizes their headers assert`() {
    #expect(MemoryLayout<dpdkfwd_segment_header>.size == 512)
    #expect(MemoryLayout<dpdkfwd_segment_kind>.size == 64)
    #expect(MemoryLayout<dpdkfwd_segment_field>.size == 48)
    #expect(MemoryLayout<dpdkfwd_segment_enumeration>.size == 16)
    #expect(MemoryLayout<dpdkfwd_segment_value>.size == 16)
    #expect(SegmentChecksum.liveOffset == 448)
  }

  @Test func `a shard begins on a cache line and shares none with its neighbour`() throws {
    for kind in try SchemaWriter(.tracking()).schema.kinds {
      #expect(kind.offset % 64 == 0)
      #expect(kind.shardStride % 64 == 0)
      #expect(kind.shardStride >= kind.records * kind.stride)
    }
  }

  @Test func `whatever of its tables a forwarder has, it can be laid out`() throws {
    for set in 0..<8 {
      let schema = ForwarderSchema.make(
        lcores: 2, ports: 2, queues: 4, pools: 1, dropReasons: ["tx_full"], invalidReasons: ["tcp_short"],
        packetKinds: ["ipv4"], stages: ["parse"], history: 8,
        tracking: set & 1 == 0
          ? nil : TrackingTables(connections: 8, extensions: 8, faults: ["none"], cacheMisses: ["flags"]),
        fragments: set & 2 == 0
          ? nil : FragmentTables(datagrams: 8, fragments: 8, fragmentEvents: ["accepted"], datagramEvents: ["started"]),
        events: set & 4 == 0 ? nil : EventTables(events: 8, fragmentEvents: 8, dying: 8))
      _ = try SchemaWriter(schema)
    }
  }

  @Test func `a schema that no reader would accept is not published`() throws {
    var twice = Schema.small
    twice.kinds[1].id = twice.kinds[0].id
    var outside = Schema.small
    outside.kinds[1].fields[3].offset = 4096
    var overlapping = Schema.small
    overlapping.kinds[1].fields[3].offset = overlapping.kinds[1].fields[4].offset
    var crooked = Schema.small
    crooked.kinds[2].stride = 321
    var unguarded = Schema.small
    unguarded.kinds[3].guardedBy = .mempools
    var unnamed = Schema.small
    unnamed.kinds[0].name = "drop\u{1b}[2J"
    var shortLived = Schema.small
    shortLived.kinds[1].fields[0].type = .u16
    for schema in [twice, outside, overlapping, crooked, unguarded, unnamed, shortLived] {
      #expect(throws: SegmentError.self) { try SchemaWriter(schema) }
    }
  }

  @Test(arguments: ["", ".", "..", "a/b", String(repeating: "x", count: 64)])
  func `a prefix that names no folder is refused`(prefix: String) {
    #expect(throws: SegmentError.self) { try SegmentPaths(prefix: prefix) }
  }

  /// D17: an id, once given, means one thing for ever. A change here breaks readers that are out there.
  @Test func `the ids of kinds and fields never change`() throws {
    let ids = Schema.tracking().kinds.map { kind in
      "\(kind.id.rawValue) \(kind.name): " + kind.fields.map { "\($0.id) \($0.name)" }.joined(separator: ", ")
    }
    #expect(
      ids == [
        "1 forwarder: 1 prefix, 2 version, 3 mode, 4 pid, 5 started_at, 6 ports, 7 lcores",
        "2 ports: 1 generation, 2 port, 3 name, 4 driver, 5 device, 6 mac, 7 pair, 8 socket, 9 mtu, 10 link, "
          + "11 link_speed, 12 admin, 13 promiscuous, 14 rx_queues, 15 tx_queues, 16 rx_packets, 17 rx_bytes, "
          + "18 rx_missed, 19 rx_errors, 20 rx_nombuf, 21 tx_packets, 22 tx_bytes, 23 tx_errors, 24 link_changes, "
          + "25 offload_rules, 26 offload_refused, 27 offload_reason",
        "3 lcores: 1 sequence, 2 lcore, 3 cpu, 4 socket, 5 state, 6 breaths, 7 busy_breaths, 8 sleeps, 9 cycles_busy, "
          + "10 cycles_idle, 11 cycles_sleep, 12 rx_packets, 13 rx_bytes, 14 tx_packets, 15 tx_bytes, 16 held, "
          + "17 dropped, 18 stage_cycles, 19 burst_sizes, 20 last_breath, "
          + "21 handed_out, 22 handed_in, 23 handoff_dropped, 24 cut_from, 25 cut_into",
        "4 queues: 1 generation, 2 direction, 3 port, 4 queue, 5 lcore, 6 packets, 7 bytes, 8 bursts, 9 full_bursts, "
          + "10 retries, 11 dropped",
        "5 drops: 1 reason, 2 lcore, 3 packets, 4 bytes",
        "6 invalid: 1 reason, 2 lcore, 3 packets",
        "7 packets: 1 kind, 2 lcore, 3 packets, 4 bytes",
        "8 mempools: 1 generation, 2 name, 3 socket, 4 size, 5 in_use, 6 in_use_max, 7 cached, 8 data_room, "
          + "9 element_size",
        "9 lcore_history: 1 sequence, 2 at, 3 monotonic, 4 lcore, 5 breaths, 6 busy_breaths, 7 sleeps, 8 cycles_busy, "
          + "9 cycles_idle, 10 cycles_sleep, 11 rx_packets, 12 rx_bytes, 13 tx_packets, 14 tx_bytes, 15 held, "
          + "16 dropped, 17 drops",
        "10 port_history: 1 sequence, 2 at, 3 monotonic, 4 port, 5 link, 6 rx_packets, 7 rx_bytes, 8 rx_missed, "
          + "9 rx_errors, 10 rx_nombuf, 11 tx_packets, 12 tx_bytes, 13 tx_errors",
        "11 mempool_history: 1 sequence, 2 at, 3 monotonic, 4 pool, 5 in_use, 6 cached",
        "12 ct: 1 generation, 2 protocol, 3 source, 4 destination, 5 source_port, 6 destination_port, 7 zone, 8 status, "
          + "9 deadline, 10 start, 11 state, 12 mark, 13 flags, 14 cached_generation, 15 egress_original, "
          + "16 egress_reply, 17 flow_table, 18 packets_original, 19 bytes_original, 20 packets_reply, 21 bytes_reply, "
          + "22 extension, 23 end_original, 24 max_end_original, 25 max_window_original, 26 max_ack_original, "
          + "27 end_reply, 28 max_end_reply, 29 max_window_reply, 30 max_ack_reply, 31 last_sequence, "
          + "32 last_acknowledgement, 33 last_end, 34 last_window, 35 tcp_flags_original, 36 tcp_flags_reply, 37 scales, "
          + "38 last_segment, 39 last_flags, 40 retransmissions",
        "13 ct_extensions: 1 owner, 2 next, 3 source, 4 destination, 5 source_port, 6 destination_port, 7 zone, 8 kind, "
          + "9 labels, 10 event_mask",
        "14 ct_shards: 1 lcore, 2 epoch, 3 clock_zero, 4 entries, 5 entries_max, 6 entries_limit, 7 extensions, "
          + "8 extensions_limit, 9 unassured, 10 by_protocol, 11 found, 12 invalid, 13 insert, 14 insert_failed, "
          + "15 drop, 16 early_drop, 17 error, 18 search_restart, 19 clash_resolve, 20 chaintoolong, 21 classes, "
          + "22 expired, 23 swept, 24 limited, 25 cache_hits, 26 cache_misses, 27 refreshes, 28 slots_used",
        "15 ct_invalid: 1 reason, 2 lcore, 3 packets",
        "16 frag: 1 generation, 2 identification, 3 source, 4 destination, 5 zone, 6 protocol, 7 flags, 8 vlan_outer, "
          + "9 vlan_inner, 10 first, 11 last, 12 covered, 13 end, 14 fragments, 15 bytes, 16 mbufs, 17 largest, "
          + "18 began, 19 deadline, 20 source_port, 21 destination_port",
        "17 frag_pieces: 1 owner, 2 next, 3 offset, 4 length, 5 mbufs, 6 more",
        "18 frag_shards: 1 lcore, 2 clock_zero, 3 v4_enabled, 4 v6_enabled, 5 v4_smallest, 6 v6_smallest, "
          + "7 v4_timeout, 8 v6_timeout, 9 per_datagram, 10 high_watermark, 11 low_watermark, 12 fragments, "
          + "13 fragments_max, 14 fragments_limit, 15 datagrams, 16 datagrams_max, 17 datagrams_limit, 18 mbufs, "
          + "19 mbufs_max, 20 mbufs_limit, 21 bytes, 22 bytes_max, 23 bytes_limit, 24 source_max, 25 source_limit, "
          + "26 discarded, 27 steps",
        "19 frag_fragments: 1 family, 2 event, 3 lcore, 4 fragments",
        "20 frag_datagrams: 1 family, 2 event, 3 lcore, 4 datagrams",
        "26 flowtables: 1 generation, 2 lcore, 3 family, 4 table, 5 name, 6 number, 7 ports, 8 has_counter, "
          + "9 is_hardware, 10 tcp_timeout, 11 udp_timeout, 12 flows, 13 added, 14 refused, 15 packets, 16 bytes, "
          + "17 ended, 18 hardware_dropped",
        "27 rule_trace: 1 sequence, 2 at, 3 trace, 4 program, 5 chain, 6 handle, 7 hook, 8 verdict, 9 ingress, "
          + "10 egress, 11 mark, 12 length, 13 shown, 14 frame",
        "28 control: 1 open, 2 accepted, 3 full, 4 strangers, 5 closed, 6 requests, 7 errors, 8 pauses, 9 bytes_in, "
          + "10 bytes_out",
      ])
  }
}
