import CSegment
import Foundation
import Segment
import Synchronization
import Testing

/// D3, D31: while connections come and go, what is there all the time is listed exactly once, and nothing twice.
@Suite struct DumpChurnTests {
  private static let slots = 3000
  private let fixture = Fixture()

  /// One worker: every third slot is a survivor, the others hold IPv6 connections that die and are born again, each with
  /// its life in mark, counters and address.
  private func churn() throws -> Churn {
    let writer = try fixture.forwarder(slots: Self.slots)
    let shard = unsafe writer.connectionShard(0)
    unsafe shard.pointee.lcore = 1
    unsafe shard.pointee.clock_zero = Clock.monotonic()
    return Churn(slots: Self.slots) { Self.live(writer, $0, life: $1) }
  }

  /// As a worker does it: the generation goes first and comes last.
  private static func live(_ writer: SegmentWriter, _ slot: Int, life: UInt32) {
    let record = unsafe writer.connections(0) + slot
    let part = unsafe writer.extensions(0) + slot
    let generation = unsafe Churn.cell(record, MemoryLayout<dpdkfwd_ct_record>.offset(of: \.generation)!)
    let owner = unsafe Churn.cell(part, MemoryLayout<dpdkfwd_ct_extension_record>.offset(of: \.owner)!)
    unsafe generation.pointee.store(0, ordering: .relaxed)
    unsafe owner.pointee.store(0, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    unsafe record.pointee.protocol = 17
    unsafe record.pointee.flags = 4
    unsafe record.pointee.deadline = 1_000_000
    unsafe record.pointee.mark = life
    unsafe record.pointee.packets_original = UInt64(life)
    unsafe record.pointee.bytes_reply = UInt64(life)
    unsafe record.pointee.extension = UInt32(slot + 1)
    unsafe part.pointee.kind = 1
    unsafe (part.pointee.source.12, part.pointee.source.13) = (UInt8(life >> 24), UInt8(life >> 16 & 0xff))
    unsafe (part.pointee.source.14, part.pointee.source.15) = (UInt8(life >> 8 & 0xff), UInt8(life & 0xff))
    unsafe owner.pointee.store(life, ordering: .releasing)
    unsafe generation.pointee.store(life, ordering: .releasing)
  }

  private struct Entry: Decodable {
    struct Tuple: Decodable { let src: String }
    struct Count: Decodable { let packets, bytes: UInt64 }
    let id: UInt64
    let mark: UInt64
    let orig: Tuple
    let count_orig: Count
    let count_reply: Count
  }

  private func dump(_ words: String...) throws -> [Entry] {
    try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t", "dump", "ct", "--json"] + words).lines.map {
      try JSONDecoder().decode(Entry.self, from: Data($0.utf8))
    }
  }

  /// Survivors once each, ids ascending, every entry of one life.
  private func judge(_ entries: [Entry], _ what: String) {
    let ids = entries.map { ConnectionID(rawValue: $0.id) }
    #expect(zip(ids, ids.dropFirst()).allSatisfy(<), "\(what): in order, none twice")
    let survivors = ids.filter { $0.slot % 3 == 0 }
    #expect(survivors.map(\.slot) == Array(stride(from: 0, to: Self.slots, by: 3)), "\(what): every survivor")
    for entry in entries {
      let life = UInt64(ConnectionID(rawValue: entry.id).generation)
      #expect(entry.mark == life && entry.count_orig.packets == life && entry.count_reply.bytes == life)
      var address = in6_addr()
      #expect(unsafe inet_pton(AF_INET6, entry.orig.src, &address) == 1)
      let tail = unsafe withUnsafeBytes(of: &address) {
        unsafe UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
      }
      #expect(UInt64(tail) == life)
    }
  }

  @Test func `a dump during churn misses no survivor and lists nothing twice`() throws {
    let churn = try churn()
    defer { churn.end() }
    for pace in ["0", "20000"] {
      let entries = try dump("--pace", pace)
      judge(entries, "pace \(pace)")
    }
  }

  @Test func `a dump that is interrupted goes on where it was`() throws {
    let churn = try churn()
    defer { churn.end() }
    var entries = try dump("--limit", "500")
    while let last = entries.last {
      let more = try dump("--limit", "500", "--cursor", "\(last.id)")
      if more.isEmpty { break }
      entries += more
    }
    judge(entries, "by cursor")
  }
}
