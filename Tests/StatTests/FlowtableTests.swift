import CSegment
import Foundation
import Segment
import Testing

/// `show flowtable` and `dump flowtable` (W7, W24, W25, W33).
@Suite struct FlowtableTests {
  let fixture = Fixture()

  /// Two tables that two workers count, and what is in them.
  private func forwarder() throws -> Tracked {
    let tracked = try Tracked(fixture)
    for (number, name) in [(2, "fast"), (1, "web")] {
      for shard in 0..<2 {
        let record = unsafe tracked.writer.flowtables(shard) + (number - 1)
        unsafe record.pointee.generation = 1
        unsafe setText(&record.pointee.name, name)
        unsafe setText(&record.pointee.table, "f")
        unsafe setText(&record.pointee.family, number == 1 ? "inet" : "ip")
        unsafe record.pointee.ports = number == 1 ? 3 : 2
        unsafe record.pointee.tcp_timeout = 30_000
        unsafe record.pointee.udp_timeout = 10_000
        unsafe record.pointee.lcore = UInt32(shard + 1)
        unsafe record.pointee.number = UInt8(number)
        unsafe record.pointee.has_counter = number == 1 ? 1 : 0
        unsafe record.pointee.flows = UInt64(number)
        unsafe record.pointee.added = 10
        unsafe record.pointee.refused = 3
        unsafe record.pointee.packets = 1000
        unsafe record.pointee.bytes = 60_000
        unsafe record.pointee.ended = (4, 3, 2, UInt64(shard))
      }
    }
    // Netfilter's IPS_OFFLOAD; the deadline of one is long past, for the flow table is what it ages in.
    tracked.add(DumpTests.lines[0])
    tracked.add(DumpTests.lines[2])
    tracked.add(DumpTests.lines[5])
    tracked.add(DumpTests.lines[0].replacing("40000", with: "40009"), shard: 1)
    for (slot, shard, table) in [(0, 0, UInt8(0x31)), (1, 0, 2), (0, 1, 1)] {
      tracked.edit(slot, shard: shard) { record in
        record.status |= 1 << 14
        record.flow_table = table
        if shard == 1 { record.deadline = 1 }
      }
    }
    return tracked
  }

  private static let offloaded = [
    "ipv4     2 tcp      6 src=192.0.2.1 dst=198.51.100.7 sport=40000 dport=443 packets=7 bytes=1200 src=198.51.100.7 dst=192.0.2.1 sport=443 dport=40000 packets=5 bytes=6400 [OFFLOAD] mark=17 use=1",
    "ipv4     2 tcp      6 src=192.0.2.1 dst=198.51.100.7 sport=40009 dport=443 packets=7 bytes=1200 src=198.51.100.7 dst=192.0.2.1 sport=443 dport=40009 packets=5 bytes=6400 [OFFLOAD] mark=17 use=1",
    "ipv4     2 udp      17 src=192.0.2.1 dst=198.51.100.53 sport=5353 dport=53 packets=1 bytes=70 src=198.51.100.53 dst=192.0.2.1 sport=53 dport=5353 packets=1 bytes=200 [OFFLOAD] mark=0 zone=7 use=1",
  ]

  @Test func `show flowtable tells of each table, all workers together`() throws {
    let tracked = try forwarder()
    let output = try fixture.run("show", "flowtable")
    #expect(output.status == 0)
    #expect(
      Array(output.cells[1...]) == [
        ["FLOWTABLE", "DEVICES", "TCP", "UDP", "FLAGS"], ["inet/f/web", "eth0,eth1", "30", "s", "10", "s", "counter"],
        ["ip/f/fast", "eth1", "30", "s", "10", "s", "-"],
        ["FLOWTABLE", "FLOWS", "ADDED", "REFUSED", "PACKETS", "BYTES", "IDLE", "CLOSED", "OUTDATED", "REMOVED"],
        ["inet/f/web", "2", "20", "6", "2000", "120000", "8", "6", "4", "1"],
        ["ip/f/fast", "4", "20", "6", "2000", "120000", "8", "6", "4", "1"],
        ["total", "6", "40", "12", "4000", "240000", "16", "12", "8", "2"],
      ])
    let json = try fixture.run("--json", "show", "flowtable").json()
    let tables = try #require(json["flowtables"] as? [[String: Any]])
    #expect(tables.map { $0["name"] as? String } == ["web", "fast"])
    #expect(tables[0]["devices"] as? [String] == ["eth0", "eth1"])
    #expect((tables[0]["ended"] as? [String: Int])?["idle"] == 8)
    withExtendedLifetime(tracked) {}
  }

  @Test func `without flow tables there is nothing to show`() throws {
    let tracked = try Tracked(fixture)
    #expect(try fixture.run("show", "flowtable").lines.last == "nothing to show")
    withExtendedLifetime(tracked) {}
  }

  /// W7, W33: no timeout, no state, `[OFFLOAD]` in the place of `[ASSURED]`.
  @Test func `dump flowtable lists what is offloaded, table by table, in the lines of conntrack`() throws {
    let tracked = try forwarder()
    let output = try fixture.run("dump", "flowtable", "-o", "extended")
    #expect(output.status == 0)
    let titles = ["inet/f/web", "inet/f/web", "ip/f/fast"]
    #expect(output.lines == zip(Self.offloaded, titles).map { "\($0) flowtable=\($1)" })
    let listed = try fixture.run("dump", "ct", "-u", "OFFLOAD", "-o", "extended")
    #expect(Set(listed.lines) == Set(Self.offloaded))
    #expect(try fixture.run("dump", "ct").lines.count == 4)
    let json = try fixture.run("dump", "flowtable", "-p", "udp", "-o", "json").lines
    #expect(json.count == 1)
    #expect(json.first?.hasSuffix(#""flowtable": "ip/f/fast"}"#) == true)
    withExtendedLifetime(tracked) {}
  }
}
