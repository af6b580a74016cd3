import CSegment
import Foundation
import Synchronization
import Testing

@testable import Segment

/// Arenas: connections that come and go while somebody reads.
@Suite struct ArenaTests {
  let scratch = Scratch()

  @Test func `a reader finds connections, extensions and shards as they were stored`() throws {
    let writer = try scratch.writer("t", .tracking())
    let connection = unsafe writer.connections(1) + 5
    unsafe connection.pointee.source = UInt32(0x0a00_010a).bigEndian
    unsafe connection.pointee.protocol = 6
    unsafe connection.pointee.packets_reply = 1 << 40
    unsafe connection.pointee.tcp.reply.max_end = 77
    unsafe connection.pointee.generation = 3
    let addresses = unsafe writer.extensions(1) + 63
    unsafe addresses.pointee.kind = 1
    unsafe addresses.pointee.source.0 = 0xfd
    unsafe addresses.pointee.labels.0 = 0x20
    unsafe addresses.pointee.owner = 3
    let shard = unsafe writer.connectionShard(1)
    unsafe shard.pointee.entries = 12

    let reader = try scratch.reader()
    let arena = ArenaReader(reader, try reader.kind("ct"), shard: 1)
    #expect((0..<64).filter { arena.generation(at: $0) != 0 } == [5])
    let record = try #require(arena.record(at: 5))
    #expect(record["source"] == .text("10.0.1.10"))
    #expect(record["protocol"] == .text("tcp"))
    #expect(record["packets_reply"] == .unsigned(1 << 40))
    #expect(record["max_end_reply"] == .unsigned(77))
    #expect(ArenaReader(reader, try reader.kind("ct"), shard: 0).record(at: 5) == nil)
    let extra = try #require(ArenaReader(reader, try reader.kind("ct_extensions"), shard: 1).record(at: 63))
    #expect(extra["source"] == .text("fd00::"))
    #expect(extra["kind"] == .text("addresses"))
    #expect(extra.number("labels") == 0x20)
    #expect(reader.records(of: try reader.kind("ct_shards")).map { $0.number("entries") } == [0, 12])
    #expect(
      reader.records(of: try reader.kind("ct_invalid")).map { $0["reason"] }
        == Array(repeating: [.text("none"), .text("tcp_flags")], count: 2).flatMap(\.self))
  }

  /// A record that dies and is born again within a copy is never shown half old, half new.
  @Test func `a copy is of one life`() throws {
    let writer = try scratch.writer("t", .tracking())
    let stop = Atomic(false)
    let reader = try scratch.reader()
    let arena = ArenaReader(reader, try reader.kind("ct"), shard: 0)
    let lives = Mutex(0)
    let churn = Thread {
      let record = unsafe writer.connections(0)
      let generation = unsafe UnsafeMutableRawPointer(record)
        .advanced(by: MemoryLayout<dpdkfwd_ct_record>.offset(of: \.generation)!)
        .assumingMemoryBound(to: Atomic<UInt32>.self)
      var life: UInt32 = 0
      while !stop.load(ordering: .relaxed) {
        life &+= 1
        unsafe generation.pointee.store(0, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        unsafe record.pointee.source = life
        unsafe record.pointee.packets_original = UInt64(life)
        unsafe record.pointee.bytes_reply = UInt64(life)
        unsafe record.pointee.mark = life
        unsafe record.pointee.tcp.last_sequence = life
        unsafe generation.pointee.store(life, ordering: .releasing)
      }
      lives.withLock { $0 = Int(life) }
    }
    churn.start()
    var copies = 0
    while copies < 2000 {
      guard let record = arena.record(at: 0) else { continue }
      copies += 1
      let life = record.number("generation")
      for field in ["packets_original", "bytes_reply", "mark", "last_sequence"] {
        #expect(record.number(field) == life)
      }
    }
    stop.store(true, ordering: .relaxed)
    while lives.withLock({ $0 == 0 }) { usleep(100) }
    withExtendedLifetime(writer) {}
  }

  @Test func `a filesystem without room is named, with what is needed and what is free`() throws {
    // A quarter of a terabyte.
    let schema = Schema.tracking(connections: 1 << 24, extensions: 1 << 31)
    let error = try #require(throws: SegmentError.self) {
      try SegmentWriter.check(prefix: "t", schema: schema, options: SegmentOptions(root: scratch.root))
    }
    guard case .noSpace(let path, let needed, let free?) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(path == "\(scratch.root)/t/segment")
    #expect(free < needed && needed > 1 << 37)
    #expect("\(error)".contains("--connections"))
    #expect(throws: Never.self) {
      try SegmentWriter.check(prefix: "t", schema: .small, options: SegmentOptions(root: scratch.root))
    }
  }
}

/// C19, C20: one number for a connection, for good.
@Suite struct ConnectionIDTests {
  @Test func `an id is its parts, from high to low`() {
    let id = ConnectionID(shard: 0xab, epoch: 0xc, slot: 0x123456, generation: 0x789_abcd)
    #expect(id.rawValue == 0xabc1_2345_6789_abcd)
    #expect((id.shard, id.epoch, id.slot, id.generation) == (0xab, 0xc, 0x123456, 0x789_abcd))
  }

  @Test func `ids are ordered as a dump lists them, and later lives of a slot come after earlier ones`() {
    let ids = [
      ConnectionID(shard: 0, epoch: 1, slot: 0, generation: 2),
      ConnectionID(shard: 0, epoch: 1, slot: 0, generation: 3),
      ConnectionID(shard: 0, epoch: 1, slot: 1, generation: 1),
      ConnectionID(shard: 1, epoch: 1, slot: 0, generation: 1),
    ]
    #expect(ids.sorted() == ids)
    #expect(Set(ids).count == 4)
  }
}
