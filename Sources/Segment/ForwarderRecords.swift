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

  private func ring<Entry>(_ kind: KindID, _ shard: Int) -> RingWriter<Entry> {
    unsafe RingWriter(bound(kind, shard: shard), count: schema.kinds.first { $0.id == kind }?.records ?? 0)
  }

  private func bound<Record>(_ kind: KindID, shard: Int = 0, index: Int = 0) -> UnsafeMutablePointer<Record> {
    unsafe record(kind: kind, shard: shard, index: index).assumingMemoryBound(to: Record.self)
  }
}
