import Foundation
import Segment
import Testing

/// What people see, and what programs read.
@Suite struct ShowTests {
  let fixture = Fixture()

  @Test func `ports are a table with totals`() throws {
    let writer = try fixture.forwarder()
    let output = try fixture.run("show", "ports")
    #expect(output.status == 0)
    #expect(output.error.isEmpty)
    #expect(output.lines[0].hasPrefix("t (pid \(getpid()), dpdkfwd 0.1-test): running for "))
    #expect(
      output.cells.dropFirst() == [
        [
          "PORT", "NAME", "DRIVER", "LINK", "PAIR", "RX-PACKETS", "RX-BYTES", "RX-MISSED", "RX-ERRORS", "RX-NOMBUF",
          "TX-PACKETS", "TX-BYTES", "TX-ERRORS",
        ],
        ["0", "eth0", "net_null", "up", "1", "1000", "60000", "0", "0", "0", "495", "29700", "0"],
        ["1", "eth1", "net_null", "up", "0", "500", "30000", "0", "0", "0", "950", "57000", "0"],
        ["total", "1500", "90000", "0", "0", "0", "1445", "86700", "0"],
      ])
    #expect(Set(output.lines.dropFirst().map(\.count)).count == 1, "the columns are aligned")
    withExtendedLifetime(writer) {}
  }

  @Test func `lcores show how busy they are, then their stages and bursts`() throws {
    let writer = try fixture.forwarder()
    let output = try fixture.run("show", "lcores")
    #expect(output.cells.contains { Array($0.prefix(6)) == ["1", "0", "running", "25.0%", "250", "10.0"] })
    #expect(output.cells.contains(["LCORE", "parse", "send"]))
    #expect(output.cells.contains(["2", "0", "9"]))
    #expect(output.cells.contains(["LCORE", "0", "1", "2-3", "4-7", "8-15", "16-31", "32-63", "64+"]))
    withExtendedLifetime(writer) {}
  }

  @Test func `drops are added up over lcores, and reasons without drops are left out`() throws {
    let writer = try fixture.forwarder()
    #expect(
      try fixture.run("show", "drops").cells.dropFirst() == [
        ["REASON", "PACKETS", "BYTES"], ["ipv4_bad_checksum", "52", "3120"],
      ])
    let all = try fixture.run("show", "drops", "--zero").cells
    #expect(all.contains(["ipv6_short", "0", "0"]))
    #expect(all.last == ["total", "52", "3120"])
    let each = try fixture.run("show", "drops", "--per-lcore").cells
    #expect(each.contains(["1", "ipv4_bad_checksum", "47", "2820"]))
    #expect(each.contains(["2", "ipv4_bad_checksum", "5", "300"]))
    withExtendedLifetime(writer) {}
  }

  @Test func `where there is nothing to show, that is said`() throws {
    let writer = try fixture.forwarder()
    #expect(try fixture.run("show", "invalid").lines.last == "nothing to show")
    #expect((try fixture.run("show", "invalid", "--json").json()["invalid"] as? [Any])?.isEmpty == true)
    withExtendedLifetime(writer) {}
  }

  @Test func `queues and mempools are shown, singular or plural`() throws {
    let writer = try fixture.forwarder()
    #expect(try fixture.run("show", "queues").cells.contains(["2", "1", "0", "rx", "500", "0", "0", "0", "0", "0"]))
    let pool = ["mbufs-0", "0", "4096", "1024", "25.0%", "2048", "0", "0"]
    #expect(try fixture.run("show", "mempool").cells.contains(pool))
    #expect(try fixture.run("show", "mempools").cells.contains(pool))
    withExtendedLifetime(writer) {}
  }

  @Test func `JSON carries the numbers by name`() throws {
    let writer = try fixture.forwarder()
    let lcores = try fixture.run("show", "lcores", "--json").json()
    #expect(lcores["state"] as? String == "running")
    #expect(lcores["pid"] as? Int == Int(getpid()))
    let first = try #require((lcores["lcores"] as? [[String: Any]])?.first)
    #expect(first["rx_packets"] as? Int == 1000)
    #expect((first["stage_cycles"] as? [String: Int]) == ["parse": 0, "send": 9])
    #expect((lcores["total"] as? [String: Int])?["rx_packets"] == 1500)
    let drops = try fixture.run("--json", "show", "drops").json()
    #expect((drops["drops"] as? [[String: Any]])?.count == 1)
    for kind in ["ports", "queues", "mempools", "forwarder", "packets", "invalid"] {
      #expect(try fixture.run("show", kind, "--json").json()[kind] is [[String: Any]])
    }
    #expect((try fixture.run("show", "--json").json()["kinds"] as? [String])?.contains("ports") == true)
    withExtendedLifetime(writer) {}
  }

  @Test(arguments: ["running", "stopped", "stale"])
  func `a segment is labelled with what became of its forwarder`(end: String) throws {
    var writer: SegmentWriter? = try fixture.forwarder()
    withExtendedLifetime(writer) {}
    if end == "stopped" { writer?.setState(.stopped) }
    if end != "running" { writer = nil }
    let output = try fixture.run("show", "ports")
    #expect(output.status == 0)
    #expect(output.lines[0].contains(end))
    #expect(try fixture.run("show", "ports", "--json").json()["state"] as? String == end)
    #expect(try fixture.run("--list").cells.dropFirst() == [["t", end, "\(getpid())", "0.1-test"]])
    #expect(try fixture.run("metrics").lines.contains("dpdkfwd_up \(end == "running" ? 1 : 0)"))
    withExtendedLifetime(writer) {}
  }

  @Test func `the run before is shown on request`() throws {
    do { try fixture.forwarder().setState(.stopped) }
    let writer = try fixture.forwarder()
    #expect(try fixture.run("show", "ports").lines[0].contains("running"))
    #expect(try fixture.run("show", "ports", "--previous").lines[0].contains("stopped cleanly"))
    withExtendedLifetime(writer) {}
  }

  @Test func `every prefix is listed with its state`() throws {
    let one = try fixture.forwarder("one")
    do { _ = try fixture.forwarder("three") }
    do { try fixture.forwarder("two").setState(.stopped) }
    let pid = "\(getpid())"
    #expect(
      try fixture.run("--list").cells == [
        ["PREFIX", "STATE", "PID", "VERSION"], ["one", "running", pid, "0.1-test"],
        ["three", "stale", pid, "0.1-test"],
        ["two", "stopped", pid, "0.1-test"],
      ])
    withExtendedLifetime(one) {}
  }

  private struct Flower {
    var generation: UInt64
    var petals: UInt64
    var id: UInt64
  }

  /// D1, D19: a table registered with a schema is shown, described and exported with no further code.
  @Test func `a kind nobody knows is shown by its schema`() throws {
    let of = FieldsOf<Flower>(metric: "flower", since: "0.9")
    let kind = Kind(
      KindID(rawValue: 99), "flowers", since: "0.9", records: 3, stride: MemoryLayout<Flower>.stride, help: "Flowers",
      fields: [
        of.generation(1, \.generation), of.key(2, "id", \.id, "Number", metric: "id"),
        of.counter(3, "petals", \.petals, "count", "Petals lost"),
      ])
    let writer = try fixture.forwarder(extra: [kind])
    let flower = unsafe writer.record(kind: kind.id, index: 1).assumingMemoryBound(to: Flower.self)
    unsafe flower.pointee = Flower(generation: 1, petals: 5, id: 12)
    #expect(try fixture.run("show", "flowers").cells.dropFirst() == [["ID", "PETALS"], ["12", "5"]])
    #expect(try fixture.run("metrics").lines.contains("dpdkfwd_flower_petals_total{id=\"12\"} 5"))
    #expect(try fixture.run("schema").lines.contains { $0.hasPrefix("flowers (kind 99, since 0.9)") })
    withExtendedLifetime(writer) {}
  }
}

extension Fixture.Output {
  /// The words of each line but the heading's own.
  var cells: [[String]] { lines.map { $0.split(separator: " ").map(String.init) } }
}
