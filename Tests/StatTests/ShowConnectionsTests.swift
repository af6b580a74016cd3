import CSegment
import Foundation
import Segment
import Testing

/// `show ct` and the metrics of connection tracking (C36).
@Suite struct ShowConnectionsTests {
  let fixture = Fixture()

  /// Two workers, one of which has nearly everything.
  private func forwarder() throws -> SegmentWriter {
    let writer = try fixture.forwarder(slots: 100)
    for index in 0..<2 {
      let shard = unsafe writer.connectionShard(index)
      unsafe shard.pointee.lcore = UInt32(index + 1)
      unsafe shard.pointee.entries = [90, 10][index]
      unsafe shard.pointee.entries_max = [95, 20][index]
      unsafe shard.pointee.entries_limit = 100
      unsafe shard.pointee.extensions = 5
      unsafe shard.pointee.extensions_limit = 100
      unsafe shard.pointee.unassured = 30
      unsafe shard.pointee.by_protocol.0 = 80
      unsafe shard.pointee.found = [636, 4][index]
      unsafe shard.pointee.invalid = [600, 0][index]
      unsafe shard.pointee.insert = 110
      unsafe shard.pointee.early_drop = 2
      unsafe shard.pointee.chaintoolong = 1
      unsafe shard.pointee.classes.1 = 500
      unsafe shard.pointee.cache_hits = 300
      unsafe shard.pointee.cache_misses.0 = 99
      unsafe shard.pointee.cache_misses.1 = 1
      unsafe shard.pointee.limited.3 = 7
      unsafe shard.pointee.expired = 20
      unsafe shard.pointee.swept = 5000
      unsafe writer.tally(.trackingFaults, lcore: index, 1).pointee.packets = 3
    }
    return writer
  }

  @Test func `show ct tells how full each worker is, and how unevenly`() throws {
    let writer = try forwarder()
    let output = try fixture.run("show", "ct")
    #expect(output.status == 0)
    #expect(
      output.cells[1...4] == [
        ["LCORE", "ENTRIES", "LIMIT", "USED", "MOST", "UNASSURED", "EXTENSIONS", "EXT-LIMIT"],
        ["1", "90", "100", "90.0%", "95", "30", "5", "100"], ["2", "10", "100", "10.0%", "20", "30", "5", "100"],
        ["total", "100", "200", "50.0%", "60", "10", "200"],
      ])
    for line in [
      "The fullest worker, lcore 1, has 1.80 times its even share.", "Connections by protocol: tcp 160",
      "Packets by state and direction: established_original 1000",
      "Flow cache: 600 hits (75.0%), 200 misses, 0 deadlines moved", "Misses by reason: unassured 198, flags 2",
      "Expired: 40; records the sweep visited: 10000", "Connections refused by a limit: source 14",
    ] { #expect(output.lines.contains(line), "\(line)") }
    #expect(output.cells.contains(["tcp_flags", "6"]))
    withExtendedLifetime(writer) {}
  }

  /// C36: the line of a worker is a line of `conntrack -S`, to its spaces.
  @Test func `statistics are those of conntrack -S`() throws {
    let writer = try forwarder()
    let line =
      "cpu=1   \tfound=636 invalid=600 insert=110 insert_failed=0 drop=0 early_drop=2 error=0 search_restart=0 "
      + "clash_resolve=0 chaintoolong=1 "
    #expect(try fixture.run("show", "ct").lines.contains(line))
    withExtendedLifetime(writer) {}
  }

  @Test func `JSON has every worker and their sum`() throws {
    let writer = try forwarder()
    let json = try fixture.run("show", "ct", "--json").json()
    let workers = try #require(json["ct"] as? [[String: Any]])
    #expect(workers.map { $0["entries"] as? Int } == [90, 10])
    #expect((workers[0]["cache_misses"] as? [String: Int]) == ["unassured": 99, "flags": 1])
    let total = try #require(json["total"] as? [String: Any])
    #expect(total["entries_limit"] as? Int == 200)
    #expect((total["limited"] as? [String: Int])?["source"] == 14)
    #expect(json["invalid"] as? [String: Int] == ["tcp_flags": 6])
    withExtendedLifetime(writer) {}
  }

  @Test func `metrics have our names and node_exporter's`() throws {
    let writer = try forwarder()
    let output = try fixture.run("metrics")
    for line in [
      "dpdkfwd_ct_entries{lcore=\"1\"} 90", "dpdkfwd_ct_entries_limit{lcore=\"2\"} 100",
      "dpdkfwd_ct_stat_found_total{lcore=\"1\"} 636", "dpdkfwd_ct_stat_early_drop_total{lcore=\"2\"} 2",
      "dpdkfwd_ct_protocol_entries{lcore=\"1\",protocol=\"tcp\"} 80",
      "dpdkfwd_ct_cache_misses_total{lcore=\"1\",reason=\"flags\"} 1", "dpdkfwd_ct_cache_hits_total{lcore=\"1\"} 300",
      "dpdkfwd_ct_invalid_total{reason=\"tcp_flags\"} 6", "dpdkfwd_ct_limited_total{lcore=\"1\",limit=\"source\"} 7",
      "node_nf_conntrack_entries 100", "node_nf_conntrack_entries_limit 200", "node_nf_conntrack_stat_found 640",
      "node_nf_conntrack_stat_invalid 600", "node_nf_conntrack_stat_ignore 0", "node_nf_conntrack_stat_insert 220",
      "node_nf_conntrack_stat_insert_failed 0", "node_nf_conntrack_stat_drop 0",
      "node_nf_conntrack_stat_early_drop 4", "node_nf_conntrack_stat_search_restart 0",
    ] { #expect(output.lines.contains(line), "\(line)") }
    #expect(OpenMetrics.faults(in: output.out) == [])
    #expect(!output.out.contains("dpdkfwd_ct_mark"), "no connection is exported")
    withExtendedLifetime(writer) {}
  }

  @Test func `without tracking there are no metrics of it`() throws {
    let writer = try fixture.forwarder()
    #expect(!(try fixture.run("metrics").out.contains("conntrack")))
    #expect(try fixture.run("show", "ct").status == 64)
    withExtendedLifetime(writer) {}
  }

  @Test func `arenas are not shown as tables, nor watched`() throws {
    let writer = try forwarder()
    let output = try fixture.run("show", "ct_extensions")
    #expect(output.status == 64)
    #expect(output.error.contains("2 x 100 records, too many to show"))
    #expect(try fixture.run("watch", "ct.packets_original", "--count", "1").status == 64)
    #expect(try fixture.run("watch", "ct_shards.entries", "--count", "1").lines.first?.contains("  100  ") == true)
    #expect(try fixture.run("check").status == 0)
    withExtendedLifetime(writer) {}
  }
}
