import CSegment
import Foundation
import Glibc
import Segment
import Testing

/// `history`, `watch` and the live view in lines, as the built program prints them.
@Suite struct HistoryTests {
  let fixture = Fixture()

  /// Entries of lcore 1, a second apart and up to now, each with 1000 packets more.
  private func remember(_ ring: inout RingWriter<dpdkfwd_lcore_history_record>, _ count: Int) {
    let last = ring.written + UInt64(count)
    for _ in 0..<count {
      let number = ring.written + 1
      unsafe ring.append { entry in
        unsafe entry.pointee.at = 1_700_000_000_000_000_000 + number * 1_000_000_000
        unsafe entry.pointee.monotonic = Clock.monotonic() - (last - number) * 1_000_000_000
        unsafe entry.pointee.lcore = 1
        unsafe entry.pointee.rx_packets = number * 1000
        unsafe entry.pointee.cycles_busy = number * 250
        unsafe entry.pointee.cycles_idle = number * 750
        unsafe entry.pointee.drops.2 = number
      }
    }
  }

  @Test func `a table has rates between entries`() throws {
    let writer = try fixture.forwarder()
    var ring = writer.lcoreHistory(0)
    remember(&ring, 3)
    let cells = try fixture.run("history").cells
    #expect(cells[1].prefix(4) == ["ENTRY", "TIME", "LCORE", "RX_PACKETS/S"])
    #expect(cells.dropFirst(2).map { $0[0] } == ["1", "2", "3"])
    #expect(cells[3][3] == "1000" || cells[3][3] == "1.00k")
    #expect(cells[3].last == "25.0%")
    withExtendedLifetime(writer) {}
  }

  @Test func `CSV has every counter as it was, and the gap on standard error`() throws {
    let writer = try fixture.forwarder()
    var ring = writer.lcoreHistory(0)
    remember(&ring, 30)  // of which 8 are kept
    let output = try fixture.run("history", "--csv", "--since", "5")
    let rows = output.lines.map { $0.split(separator: ",").map(String.init) }
    #expect(rows[0].contains("drops.tx_full"))
    #expect(rows.dropFirst().map { $0[0] } == (23...30).map { "\($0)" })
    let column = try #require(rows[0].firstIndex(of: "rx_packets"))
    #expect(rows[1][column] == "23000")
    #expect(rows.allSatisfy { $0.count == rows[0].count })
    #expect(output.error == "dpdkfwd-stat: lcore 1: entries 5 to 22 are lost\n")
    withExtendedLifetime(writer) {}
  }

  @Test func `JSON has entries and gaps`() throws {
    let writer = try fixture.forwarder()
    var ring = writer.lcoreHistory(0)
    remember(&ring, 10)
    let json = try fixture.run("history", "--json", "--since", "1", "--lcore", "1").json()
    let entries = try #require(json["entries"] as? [[String: Any]])
    #expect(entries.compactMap { $0["sequence"] as? Int } == Array(3...10))
    #expect((entries[0]["drops"] as? [String: Int]) == ["ipv4_bad_checksum": 0, "ipv6_short": 0, "tx_full": 3])
    let lost = try #require(json["lost"] as? [[String: Int]])
    #expect(lost == [["shard": 0, "from": 1, "to": 2]])
    withExtendedLifetime(writer) {}
  }

  @Test func `a span of time leaves older entries out`() throws {
    let writer = try fixture.forwarder()
    var ring = writer.lcoreHistory(0)
    remember(&ring, 6)
    let rows = try fixture.run("history", "--csv", "--since", "2.5s").lines
    #expect(rows.dropFirst().compactMap { $0.split(separator: ",").first } == ["4", "5", "6"])
    withExtendedLifetime(writer) {}
  }

  @Test func `following goes on, and says what it lost meanwhile`() throws {
    let writer = try fixture.forwarder()
    var ring = writer.lcoreHistory(0)
    remember(&ring, 2)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Fixture.binary)
    process.arguments = ["--root", fixture.root, "-f", "t", "history", "--follow", "--json", "--interval", "0.05"]
    let out = Pipe()
    process.standardOutput = out
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    var lines = Lines(out.fileHandleForReading)
    _ = try lines.next()
    #expect(try lines.sequences(2) == ["1", "2"])
    kill(process.processIdentifier, SIGSTOP)
    remember(&ring, 20)
    kill(process.processIdentifier, SIGCONT)
    #expect(try lines.sequences(9) == ["lost 3-14"] + (15...22).map { "\($0)" })
    withExtendedLifetime(writer) {}
  }

  /// JSON objects, one a line, as they come.
  private struct Lines {
    let file: FileHandle
    var rest = Data()

    init(_ file: FileHandle) { self.file = file }

    mutating func next() throws -> [String: Any] {
      while true {
        if let end = rest.firstIndex(of: 10) {
          defer { rest = Data(rest[(end + 1)...]) }
          return try JSONSerialization.jsonObject(with: Data(rest[..<end])) as? [String: Any] ?? [:]
        }
        let more = file.availableData
        try #require(!more.isEmpty)
        rest += more
      }
    }

    mutating func sequences(_ count: Int) throws -> [String] {
      try (0..<count).map { _ in
        let line = try next()
        if let lost = line["lost"] as? [String: Int] { return "lost \(lost["from"] ?? 0)-\(lost["to"] ?? 0)" }
        return "\(line["sequence"] as? Int ?? -1)"
      }
    }
  }

  @Test(arguments: [
    ["history", "queues"], ["history", "--lcore", "9"], ["history", "ports", "--lcore", "1"],
    ["history", "--since", "5x"], ["history", "--csv", "--json"], ["watch", "nonsense"], ["watch", "ports.nothing"],
    ["watch", "ports.rx_packets{eth0}"], ["--interval", "0.01"], ["--count", "0"],
  ])
  func `what cannot be shown is refused: 64`(words: [String]) throws {
    let writer = try fixture.forwarder()
    let output = try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t"] + words)
    #expect(output.status == 64, "\(output.out)")
    withExtendedLifetime(writer) {}
  }

  // MARK: watch

  @Test(arguments: [
    ("dpdkfwd_drops_total", "52"), ("drops.packets{reason=\"ipv4_bad_checksum\"}", "52"), ("ports.rx_packets", "1500"),
    ("dpdkfwd_port_rx_packets_total{port=\"eth1\"}", "500"), ("mempool_in_use", "1024"),
    ("lcores.stage_cycles{lcore=\"1\",stage=\"send\"}", "9"),
  ])
  func `a metric or a field is watched by its name`(name: String, value: String) throws {
    let writer = try fixture.forwarder()
    let cells = try fixture.run("watch", name, "--count", "2", "--interval", "0.05").cells
    #expect(cells.map { $0[1] } == [value, value])
    #expect(cells.map { $0[2] } == ["-", "0/s"])
    withExtendedLifetime(writer) {}
  }

  // MARK: The live view in lines

  @Test func `without a terminal the view is a line a reading`() throws {
    let writer = try fixture.forwarder()
    let lines = try fixture.run("--count", "2", "--interval", "0.05").lines
    #expect(lines.count == 2)
    #expect(lines.allSatisfy { $0.contains(" running  rx 0pps 0bps ") && $0.contains("mbufs-0 1024/4096") })
    writer.setState(.stopped)
    let ended = try fixture.run("--count", "1").lines
    #expect(ended.count == 2 && ended[0].hasPrefix("* the forwarder has ended (stopped)"))
    withExtendedLifetime(writer) {}
  }

  @Test func `another run of the forwarder is followed`() throws {
    var writer: SegmentWriter? = try fixture.forwarder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Fixture.binary)
    process.arguments = ["--root", fixture.root, "-f", "t", "--json", "--interval", "0.05"]
    let out = Pipe()
    process.standardOutput = out
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    var lines = Lines(out.fileHandleForReading)
    let first = try #require(try lines.next()["boot_id"] as? String)
    writer?.setState(.stopped)
    writer = nil
    while try lines.next()["state"] as? String != "stopped" {}
    writer = try fixture.forwarder()
    var line = try lines.next()
    while line["state"] as? String != "running" { line = try lines.next() }
    #expect(line["boot_id"] as? String != first)
    #expect((line["news"] as? [String])?.first?.contains("another run") == true)
    withExtendedLifetime(writer) {}
  }
}
