public import CSegment

/// The forwarder's own records, typed.
extension SegmentWriter {
  public var forwarder: UnsafeMutablePointer<dpdkfwd_forwarder_record> { unsafe bound(.forwarder) }
  public func port(_ index: Int) -> UnsafeMutablePointer<dpdkfwd_port_record> { unsafe bound(.ports, index: index) }
  public func lcore(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_lcore_record> { unsafe bound(.lcores, shard: shard) }
  public func queue(lcore: Int, _ index: Int) -> UnsafeMutablePointer<dpdkfwd_queue_record> {
    unsafe bound(.queues, shard: lcore, index: index)
  }
  /// - Parameter kind: `.drops`, `.invalid`, `.packets` or `.trackingFaults`.
  public func tally(_ kind: KindID, lcore: Int, _ heading: Int) -> UnsafeMutablePointer<dpdkfwd_tally_record> {
    unsafe bound(kind, shard: lcore, index: heading)
  }
  public func mempool(_ index: Int) -> UnsafeMutablePointer<dpdkfwd_mempool_record> {
    unsafe bound(.mempools, index: index)
  }

  /// The first connection of a worker's arena, of as many as the schema has records; with no tracking they trap.
  public func connections(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_ct_record> {
    unsafe bound(.connections, shard: shard)
  }
  /// The first extension of a worker's arena.
  public func extensions(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_ct_extension_record> {
    unsafe bound(.connectionExtensions, shard: shard)
  }
  public func connectionShard(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_ct_shard_record> {
    unsafe bound(.connectionShards, shard: shard)
  }

  /// The first datagram, and the first fragment, of a worker's arenas; with no reassembly they trap.
  public func fragmentedDatagrams(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_frag_record> {
    unsafe bound(.fragmentedDatagrams, shard: shard)
  }
  public func fragmentPieces(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_frag_piece_record> {
    unsafe bound(.fragmentPieces, shard: shard)
  }
  public func fragmentShard(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_frag_shard_record> {
    unsafe bound(.fragmentShards, shard: shard)
  }
  /// The first count of a worker, IPv4's events before IPv6's.
  ///
  /// - Parameter kind: `.fragmentEvents` or `.datagramEvents`.
  public func fragmentCounts(_ kind: KindID, _ shard: Int) -> UnsafeMutablePointer<dpdkfwd_frag_count_record> {
    unsafe bound(kind, shard: shard)
  }

  /// The rings and lists of events; without tracking, or without reassembly, those of either trap.
  public func connectionEvents(_ shard: Int) -> RingWriter<dpdkfwd_ct_event_record> { ring(.connectionEvents, shard) }
  public func fragmentListEvents(_ shard: Int) -> RingWriter<dpdkfwd_frag_event_record> {
    ring(.fragmentListEvents, shard)
  }
  /// The first of a worker's list, of as many as the schema has records.
  public func dyingConnections(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_ct_dying_record> {
    unsafe bound(.dyingConnections, shard: shard)
  }
  public func eventShard(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_event_shard_record> {
    unsafe bound(.eventShards, shard: shard)
  }
  public var tracking: UnsafeMutablePointer<dpdkfwd_tracking_record> { unsafe bound(.tracking) }

  /// The first of a worker's flow tables, as many as there can be at once; without tracking it traps.
  public func flowtables(_ shard: Int) -> UnsafeMutablePointer<dpdkfwd_flowtable_record> {
    unsafe bound(.flowtables, shard: shard)
  }
  public var control: UnsafeMutablePointer<dpdkfwd_control_record> { unsafe bound(.control) }
  public func ruleTrace(_ shard: Int) -> RingWriter<dpdkfwd_rule_trace_record> { ring(.ruleTrace, shard) }

  public func lcoreHistory(_ shard: Int) -> RingWriter<dpdkfwd_lcore_history_record> { ring(.lcoreHistory, shard) }
  public func portHistory(_ index: Int) -> RingWriter<dpdkfwd_port_history_record> { ring(.portHistory, index) }
  public func mempoolHistory(_ index: Int) -> RingWriter<dpdkfwd_mempool_history_record> {
    ring(.mempoolHistory, index)
  }

  /// Gives every tally its heading: the index of its record.
  func numberTallies() {
    for kind in schema.kinds where [.drops, .invalid, .packets, .trackingFaults].contains(kind.id) {
      for shard in 0..<kind.shards {
        for heading in 0..<kind.records {
          unsafe tally(kind.id, lcore: shard, heading).pointee.heading = UInt32(heading)
        }
      }
    }
  }

  /// Gives every count of reassembly its heading.
  func numberFragmentCounts() {
    for kind in schema.kinds where [.fragmentEvents, .datagramEvents].contains(kind.id) {
      let events = kind.records / 2
      for shard in 0..<kind.shards {
        for place in 0..<kind.records {
          let count = unsafe fragmentCounts(kind.id, shard) + place
          unsafe count.pointee.event = UInt16(place % events)
          unsafe count.pointee.family = UInt8(place / events)
        }
      }
    }
  }

  private func ring<Entry>(_ kind: KindID, _ shard: Int) -> RingWriter<Entry> {
    unsafe RingWriter(bound(kind, shard: shard), count: schema.kinds.first { $0.id == kind }?.records ?? 0)
  }

  private func bound<Record>(_ kind: KindID, shard: Int = 0, index: Int = 0) -> UnsafeMutablePointer<Record> {
    unsafe record(kind: kind, shard: shard, index: index).assumingMemoryBound(to: Record.self)
  }
}
