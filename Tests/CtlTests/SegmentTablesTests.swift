import CSegment
import Foundation
import Glibc
import Inspection
import Segment
import Testing

@testable import dpdkfwd_ctl

/// What is listed, counted and watched comes out of a segment; no socket is needed for that.
struct SegmentTablesTests {
  /// A forwarder that lives in this process: two workers, of which each has a UDP connection, and one dying one.
  private final class Fixture {
    let root = "/dev/shm/dpdkfwd-ctl-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let writer: SegmentWriter

    init() throws {
      let schema = ForwarderSchema.make(
        lcores: 2, ports: 2, queues: 4, pools: 1, dropReasons: ["short"], invalidReasons: ["tcp_short"],
        packetKinds: ["ipv4"], stages: ["parse"], history: 8,
        tracking: TrackingTables(connections: 64, extensions: 64, faults: ["none"], cacheMisses: ["flags"]),
        events: EventTables(events: 16, fragmentEvents: 4, dying: 4))
      writer = try SegmentWriter(
        prefix: "t", schema: schema, options: SegmentOptions(root: root), writer: "0.1-test", tscHz: 2_000_000_000)
      let now = Clock.monotonic()
      for shard in 0..<2 {
        let counts = unsafe writer.connectionShard(shard)
        unsafe counts.pointee.lcore = UInt32(shard + 1)
        unsafe counts.pointee.epoch = 5
        unsafe counts.pointee.clock_zero = now
        unsafe counts.pointee.entries = 1
        unsafe counts.pointee.found = UInt64(7 * shard)
        let record = unsafe writer.connections(shard) + 3
        unsafe record.pointee = Self.record(port: UInt16(1000 + shard))
      }
      var end = dpdkfwd_ct_dying_record()
      end.generation = 1
      end.event.sequence = 1
      end.event.kind = 3
      end.event.image.record = Self.record(port: 2000)
      end.event.image.id = 99
      unsafe writer.dyingConnections(1).pointee = end
      writer.setState(.running)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private static func record(port: UInt16) -> dpdkfwd_ct_record {
      var record = dpdkfwd_ct_record()
      record.generation = 1
      record.protocol = 17
      record.source_port = port
      record.destination_port = 53
      record.source = UInt32(0x0a00_0001).bigEndian
      record.destination = UInt32(0x0a00_0002).bigEndian
      record.deadline = 60_000
      record.status = 1 << 3
      record.cached_egress = (255, 255)
      return record
    }

    func run(_ line: String, prefix: String = "t") async -> Told {
      let words = line.split(separator: " ").map(String.init)
      return await Told.of(LocalForwarder(prefix: prefix, segments: root, sockets: root), words)
    }
  }

  private static func line(_ port: Int) -> String {
    "src=10.0.0.1 dst=10.0.0.2 sport=\(port) dport=53 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
      + "sport=53 dport=\(port) packets=0 bytes=0 mark=0 use=1"
  }

  @Test func `lists, finds and counts without a socket`() async throws {
    let fixture = try Fixture()
    let list = await fixture.run("-L")
    #expect(list.message == "2 flow entries have been shown.")
    #expect(list.out.split(separator: "\n").map { $0.dropFirst(15) } == [Self.line(1000)[...], Self.line(1001)[...]])
    #expect(await fixture.run("-L -p udp --sport 1001").message == "1 flow entries have been shown.")
    #expect(await fixture.run("-G -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1001 --dport 53").status == 0)
    #expect(await fixture.run("-C").out == "2\n")
    let statistics = await fixture.run("-S").out.split(separator: "\n")
    #expect(statistics.map { $0.prefix(16) } == ["cpu=1   \tfound=0", "cpu=2   \tfound=7"])
    #expect(
      statistics.first?.hasSuffix("error=0 search_restart=0 clash_resolve=0 chaintoolong=0 ") ?? false,
      "conntrack leaves a space at the end")
  }

  @Test func `a number leads to its connection`() async throws {
    let fixture = try Fixture()
    let id = ConnectionID(shard: 1, epoch: 5, slot: 3, generation: 1).rawValue
    let told = await fixture.run("-G -i \(id) -o id,json")
    #expect(told.out.hasPrefix("{\"id\": \(id), \"lcore\": 2, "))
    for other in [id + 1, id + 1 << 28, id & 0xffff_ffff, 1 << 60] {
      #expect(await fixture.run("-G -i \(other)").status == 1)
      #expect(await fixture.run("-L -i \(other)").message == "0 flow entries have been shown.")
    }
  }

  @Test func `the dying and the unconfirmed have tables of their own`() async throws {
    let fixture = try Fixture()
    let dying = await fixture.run("-L dying -o id")
    #expect(dying.out.contains("sport=2000 ") && dying.out.hasSuffix("id=99\n"))
    #expect(await fixture.run("-L dying -p tcp").message == "0 flow entries have been shown.")
    #expect(await fixture.run("-L unconfirmed").message == "0 flow entries have been shown.")
  }

  @Test func `of a forwarder that is gone nothing is listed as if it were there`() async throws {
    let fixture = try Fixture()
    fixture.writer.setState(.stopped)
    let told = await fixture.run("-L")
    #expect(told.status == 1)
    #expect(told.message.contains("`dpdkfwd-stat dump ct` shows what it left behind"))
    #expect(await fixture.run("-L", prefix: "other").status == 1)
  }

  @Test func `what is to change needs the socket`() async throws {
    let fixture = try Fixture()
    let told = await fixture.run("-F")
    #expect(told.status == 1)
    #expect(told.message.contains("is dpdkfwd running with --file-prefix t?"))
  }
}
