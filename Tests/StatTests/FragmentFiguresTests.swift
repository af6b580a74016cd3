import CSegment
import Foundation
import Segment
import Testing

/// Reassembly for programs, and worker by worker: `ipf-get-status --json`, `show frag`, `metrics` (F44 to F46).
@Suite struct FragmentFiguresTests {
  let fixture = Fixture()

  private func forwarder() throws -> Fragmented {
    let fragmented = try Fragmented(fixture)
    for index in 0..<2 {
      let shard = unsafe fragmented.writer.fragmentShard(index)
      unsafe shard.pointee.enabled = (1, 1)
      unsafe shard.pointee.timeout = (30_000, 60_000)
      unsafe (shard.pointee.fragments, shard.pointee.fragments_max) = ([40, 10][index], [80, 20][index])
      unsafe shard.pointee.fragments_limit = 100
      unsafe (shard.pointee.datagrams, shard.pointee.datagrams_max) = ([4, 1][index], 5)
      unsafe (shard.pointee.datagrams_limit, shard.pointee.discarded) = (64, 1)
      unsafe (shard.pointee.mbufs, shard.pointee.mbufs_max) = ([50, 10][index], [99, 30][index])
      unsafe (shard.pointee.mbufs_limit, shard.pointee.bytes) = (200, 6000)
      unsafe (shard.pointee.bytes_max, shard.pointee.bytes_limit) = (9000, 10_000)
      unsafe shard.pointee.steps = 75
      fragmented.writer.count("accepted", ofFragments: [90, 10][index], shard: index)
      fragmented.writer.count("duplicate", ofFragments: 3, family: 1, shard: index)
      fragmented.writer.count("started", ofDatagrams: 7, shard: index)
    }
    return fragmented
  }

  @Test func `JSON has the status, every counter by family, and on request the lists`() throws {
    let fragmented = try forwarder()
    let slot = fragmented.add(FragmentStatusTests.lists[1], generation: 3, pieces: [0..<8, 16..<24, 24..<32])
    fragmented.edit(slot) { record in
      (record.source_port, record.destination_port) = (53, 5353)
      record.vlan_outer = 100
      record.covered = 24
    }
    fragmented.add(FragmentStatusTests.lists[3], shard: 1, pieces: [8..<16], end: 16)
    fragmented.writer.setState(.stopped)
    let status = try fixture.run("ipf-get-status", "--json").json()
    #expect(status["state"] as? String == "stopped")
    #expect((status["v4_enabled"] as? Int, status["max_num_frags"] as? Int) == (1, 200))
    #expect((status["num_frag"] as? Int, status["v4_frags_accepted"] as? Int) == (50, 100))
    #expect((status["most_frags"] as? Int, status["max_num_mbufs"] as? Int) == (80, 400))
    #expect((status["v6_timeout_ms"] as? Int, status["num_discarded"] as? Int) == (60_000, 2))
    let fragments = try #require(status["fragments"] as? [String: [String: Int]])
    #expect((fragments["ipv6"]?["duplicate"], fragments["ipv4"]?["duplicate"]) == (6, 0))
    #expect(fragments["ipv6"]?.count == Fixture.fragmentEvents.count)
    #expect((status["datagrams"] as? [String: [String: Int]])?["ipv4"]?["started"] == 14)
    #expect(status["lists"] == nil)

    let json = try fixture.run("-m", "--json", "ipf-get-status").json()
    let lists = try #require(json["lists"] as? [[String: Any]])
    #expect(lists.count == 2)
    let first = lists[0]
    #expect((first["src"] as? String, first["dst"] as? String) == ("192.0.2.1", "198.51.100.7"))
    #expect((first["ip_id"] as? Int, first["dl_type"] as? Int, first["zone"] as? Int) == (65535, 0x800, 7))
    #expect((first["nw_proto"] as? Int, first["num_fragments"] as? Int) == (6, 3))
    #expect((first["state"] as? String, first["core"] as? Int) == ("first/last frag", 1))
    #expect((first["age_ms"] as? Int, first["timeout_ms"] as? Int) == (2500, 12_500))
    #expect((first["bytes"] as? Int, first["mbufs"] as? Int, first["largest"] as? Int) == (4500, 3, 1500))
    #expect((first["sport"] as? Int, first["dport"] as? Int, first["vlan_outer"] as? Int) == (53, 5353, 100))
    #expect((first["covered"] as? Int, first["end"] is NSNull, first["vlan_inner"] is NSNull) == (24, true, true))
    let missing = try #require(first["missing"] as? [[Any]])
    #expect(missing.map { $0.first as? Int } == [8, 32])
    #expect(missing.map { $0.last as? Int } == [15, nil])
    #expect(first["flow"] is NSNull)
    #expect((lists[1]["end"] as? Int, lists[1]["missing"] as? [[Int]]) == (16, [[0, 7]]))
    #expect((lists[1]["core"] as? Int, lists[1]["sport"] == nil) == (2, true))
  }

  @Test func `show frag tells how full each worker is, and what happened by family`() throws {
    let fragmented = try forwarder()
    let output = try fixture.run("show", "frag")
    #expect(output.status == 0)
    #expect(
      output.cells[1...4] == [
        [
          "LCORE", "DATAGRAMS", "LIMIT", "MOST", "DISCARDED", "FRAGMENTS", "LIMIT", "USED", "MOST", "MBUFS", "LIMIT",
          "MOST", "BYTES", "LIMIT", "MOST",
        ],
        ["1", "4", "64", "5", "1", "40", "100", "40.0%", "80", "50", "200", "99", "6000", "10000", "9000"],
        ["2", "1", "64", "5", "1", "10", "100", "10.0%", "20", "10", "200", "30", "6000", "10000", "9000"],
        ["total", "5", "128", "2", "50", "200", "25.0%", "60", "400", "12000", "20000"],
      ])
    #expect(
      Array(output.cells[5...]) == [
        ["FRAGMENTS", "IPV4", "IPV6"], ["accepted", "100", "0"], ["duplicate", "0", "6"],
        ["DATAGRAMS", "IPV4", "IPV6"], ["started", "14", "0"],
        "Fragments passed by in search of a place: 150, 1.5 for each that was accepted".split(separator: " ")
          .map(String.init),
      ])
    withExtendedLifetime(fragmented) {}
  }

  @Test func `show frag as JSON has every worker and their sum`() throws {
    let fragmented = try forwarder()
    let json = try fixture.run("show", "frag", "--json").json()
    let workers = try #require(json["frag"] as? [[String: Any]])
    #expect(workers.map { $0["mbufs_max"] as? Int } == [99, 30])
    #expect(workers.map { $0["v6_timeout"] as? Int } == [60_000, 60_000])
    let total = try #require(json["total"] as? [String: Int])
    #expect((total["fragments"], total["mbufs_limit"], total["steps"]) == (50, 400, 150))
    #expect((total["fragments_max"], total["v4_timeout"]) == (nil, nil), "settings and marks make no sum")
    #expect((json["fragments"] as? [String: [String: Int]])?["ipv6"]?["duplicate"] == 6)
    withExtendedLifetime(fragmented) {}
  }

  @Test func `a forwarder that has put nothing together shows its tables alone`() throws {
    let fragmented = try Fragmented(fixture)
    let output = try fixture.run("show", "frag")
    #expect(output.status == 0)
    #expect(output.lines.count == 5)
    #expect(!output.out.contains("search"))
    withExtendedLifetime(fragmented) {}
  }

  /// F46: an event that never happened is exported all the same, so that its first one is seen as a rise.
  @Test func `metrics have every event by family, and what is held by lcore`() throws {
    let fragmented = try forwarder()
    fragmented.add(FragmentStatusTests.lists[0])
    let output = try fixture.run("metrics")
    for line in [
      "dpdkfwd_frag_fragments_total{family=\"ipv4\",event=\"accepted\"} 100",
      "dpdkfwd_frag_fragments_total{family=\"ipv6\",event=\"accepted\"} 0",
      "dpdkfwd_frag_fragments_total{family=\"ipv6\",event=\"duplicate\"} 6",
      "dpdkfwd_frag_fragments_total{family=\"ipv6\",event=\"refused\"} 0",
      "dpdkfwd_frag_datagrams_total{family=\"ipv4\",event=\"started\"} 14",
      "dpdkfwd_frag_datagrams_total{family=\"ipv6\",event=\"handed_off\"} 0",
      "dpdkfwd_frag_mbufs{lcore=\"1\"} 50", "dpdkfwd_frag_mbufs_limit{lcore=\"2\"} 200",
      "dpdkfwd_frag_fragments_held{lcore=\"1\"} 40", "dpdkfwd_frag_datagrams_held_max{lcore=\"2\"} 5",
      "dpdkfwd_frag_cut_from_packets_total{lcore=\"1\"} 0", "dpdkfwd_frag_cut_into_packets_total{lcore=\"1\"} 0",
    ] { #expect(output.lines.contains(line), "\(line)") }
    #expect(output.lines.count { $0.hasPrefix("dpdkfwd_frag_fragments_total") } == 2 * Fixture.fragmentEvents.count)
    #expect(OpenMetrics.faults(in: output.out) == [])
    #expect(!output.out.contains("192.0.2"), "no datagram is exported")
    withExtendedLifetime(fragmented) {}
  }

  @Test func `without reassembly there is nothing of it`() throws {
    let writer = try fixture.forwarder()
    #expect(!(try fixture.run("metrics").out.contains("frag_fragments")))
    #expect(try fixture.run("show", "frag").status == 64)
    withExtendedLifetime(writer) {}
  }

  @Test func `arenas are not shown as tables, nor watched`() throws {
    let fragmented = try forwarder()
    let output = try fixture.run("show", "frag_pieces")
    #expect(output.status == 64)
    #expect(output.error.contains("2 x 256 records, too many to show: see `ipf-get-status -m`"))
    #expect(try fixture.run("watch", "frag.bytes", "--count", "1").status == 64)
    #expect(try fixture.run("watch", "frag_shards.mbufs", "--count", "1").lines.first?.contains("  60  ") == true)
    withExtendedLifetime(fragmented) {}
  }
}
