import Foundation
import TestSupport
import Testing

/// Must show: `dpdkfwd-stat` read while forwarding, after a clean exit, and after `kill -9`.
struct StatTests {
  private static let frames = (0..<64).map { number in
    Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: UInt16(number), to: 53).frame(padTo: 60)
  }

  /// Frames without end, and nowhere for them to go but out.
  private static func endless(_ options: [String], workers: Int = 1) throws -> Forwarder {
    try Forwarder(workers: workers, options) { folder in
      try Capture(frames: frames).write(to: folder.appending(path: "in.pcap"))
      return ["net_pcap0,rx_pcap=\(folder.path)/in.pcap,infinite_rx=1", "net_null1,no-rx=1"]
    }
  }

  @Test func `counters grow and balance while it forwards`() async throws {
    let forwarder = try Self.endless(["--duration", "200", "--port-names", "0=eth0,1=eth1"])
    let (_, ended) = try await forwarder.run { running in
      let early = try await running.forwarding()
      let first = try #require(early.sum("dpdkfwd_lcore_rx_packets_total"))
      try await running.metrics { $0.sum("dpdkfwd_lcore_rx_packets_total") ?? 0 > first }
      try await running.metrics { $0.sum("dpdkfwd_port_tx_packets_total", ["port": "eth1"]) ?? 0 > 0 }

      let check = try await forwarder.stat("check")
      #expect(check.status == .exited(0), "\(check.output)\(check.errors)")
      for view in ["ports", "lcores", "drops", "mempool", "queues"] {
        let shown = try await forwarder.stat("show", view)
        #expect(shown.status == .exited(0), "\(view): \(shown.errors)")
        #expect(shown.output.contains("running"), "\(view): \(shown.output)")
        let json = try await forwarder.stat("show", view, "--json")
        #expect(throws: Never.self, "\(view)") { try JSONSerialization.jsonObject(with: Data(json.output.utf8)) }
      }
      let list = try await Tool.stat.run(["--list"])
      let lines = list.output.split(separator: "\n")
      #expect(lines.contains { $0.contains(forwarder.prefix) && $0.contains("running") })
      try running.send(SIGTERM)
    }
    ended.expectClean()
  }

  @Test func `after a clean end the counters are those of the last packet, labelled stopped`() async throws {
    let bridge = try Bridge(Self.frames)
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    let shown = try await bridge.forwarder.stat("show", "ports")
    #expect(shown.status == .exited(0))
    #expect(shown.output.contains("stopped"))
    #expect(try await bridge.forwarder.stat("check").status == .exited(0))
    let metrics = try await bridge.forwarder.metrics()
    #expect(metrics.sum("dpdkfwd_lcore_rx_packets_total") == Self.frames.count)
    #expect(metrics.sum("dpdkfwd_lcore_tx_packets_total") == Self.frames.count)
    #expect(metrics.sum("dpdkfwd_lcore_held_packets") == 0)
  }

  @Test func `after kill -9 the counters can be read, labelled stale`() async throws {
    let forwarder = try Self.endless(["--duration", "200"])
    let (last, ended) = try await forwarder.run { running in
      let metrics = try await running.forwarding()
      try running.send(SIGKILL)
      return metrics.sum("dpdkfwd_lcore_rx_packets_total") ?? 0
    }
    #expect(ended.status == .signaled(9))
    let shown = try await forwarder.stat("show", "lcores")
    #expect(shown.status == .exited(0), "\(shown.errors)")
    #expect(shown.output.contains("stale"), "\(shown.output)")
    #expect(try #require(try await forwarder.metrics().sum("dpdkfwd_lcore_rx_packets_total")) >= last)
    // It may have been killed in the middle of a commit; then the check says so.
    let check = try await forwarder.stat("check")
    #expect(
      check.status == .exited(0) || check.output.contains("cannot be judged")
        || check.errors.contains("cannot be judged"))
  }

  @Test func `a start that fails leaves the segment of the run before where it is`() async throws {
    let bridge = try Bridge(Self.frames)
    _ = try await bridge.forwarder.run()
    let failed = try await bridge.forwarder.run(adding: ["--mbufs", "4000000"])
    #expect(failed.status == .exited(69), "\(failed.errors)")
    #expect(try await bridge.forwarder.metrics().sum("dpdkfwd_lcore_rx_packets_total") == Self.frames.count)
    let rehearsed = try await bridge.forwarder.run(adding: ["--mbufs", "4000000", "--dry-run"])
    #expect(rehearsed.status == .exited(69), "\(rehearsed.errors)")
    #expect(rehearsed.errors.contains("4000000 mbufs"), "\(rehearsed.errors)")
  }

  @Test func `the run before the last one stays readable`() async throws {
    let bridge = try Bridge(Self.frames)
    _ = try await bridge.forwarder.run()
    _ = try await bridge.forwarder.run()
    let previous = try await bridge.forwarder.stat("--previous", "metrics")
    #expect(try Metrics(previous).sum("dpdkfwd_lcore_rx_packets_total") == Self.frames.count)
  }

  @Test func `it links no DPDK, as the forwarder does`() throws {
    func namesDPDK(_ tool: String) throws -> Bool {
      try Data(contentsOf: URL(filePath: "\(Tool.folder)/\(tool)")).range(of: Data("librte_".utf8)) != nil
    }
    #expect(try !namesDPDK("dpdkfwd-stat"))
    #expect(try namesDPDK("dpdkfwd"))
  }

  // MARK: What cannot be read

  @Test func `without a forwarder and a segment there is nothing to show: 69`() async throws {
    let answer = try await Tool.stat.run(["-f", "e2e-never-started", "show", "ports"])
    #expect(answer.status == .exited(69))
    #expect(answer.errors.contains("e2e-never-started"))
  }

  @Test(arguments: [0, 8, 64, 200, 4096])
  func `a damaged segment is refused: 65`(at offset: Int) async throws {
    let bridge = try Bridge(Self.frames)
    _ = try await bridge.forwarder.run()
    let segment = URL(filePath: "/dev/shm/dpdkfwd/\(bridge.forwarder.prefix)/segment")
    var bytes = try Data(contentsOf: segment)
    for index in offset..<offset + 8 { bytes[index] ^= 0xff }
    try bytes.write(to: segment)
    let answer = try await bridge.forwarder.stat("show", "ports")
    #expect(answer.status == .exited(65), "\(answer.output)\(answer.errors)")
  }

  @Test func `a segment cut short is refused: 65`() async throws {
    let bridge = try Bridge(Self.frames)
    _ = try await bridge.forwarder.run()
    let segment = URL(filePath: "/dev/shm/dpdkfwd/\(bridge.forwarder.prefix)/segment")
    let bytes = try Data(contentsOf: segment)
    for length in [0, 100, 4096, bytes.count / 2, bytes.count - 1] {
      try bytes.prefix(length).write(to: segment)
      #expect(try await bridge.forwarder.stat("show", "ports").status == .exited(65), "\(length) bytes")
    }
  }

  @Test(arguments: [["--frobnicate"], ["show", "ports", "twice"], ["schema", "--format", "runes"]])
  func `what it does not know it refuses: 64`(_ words: [String]) async throws {
    #expect(try await Tool.stat.run(words).status == .exited(64))
  }
}
