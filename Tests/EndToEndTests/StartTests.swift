import Foundation
import TestSupport
import Testing

/// What a user gets wrong is answered with a message and an exit status of its own.
struct RefusalTests {
  private static func null(_ options: [String], memory: [String] = ["--no-huge", "-m", "512"]) throws -> Forwarder {
    try Forwarder(memory: memory, options) { _ in ["net_null0,no-rx=1", "net_null1,no-rx=1"] }
  }

  @Test(arguments: [
    ["--frobnicate"], ["--burst", "many"], ["--burst", "0"], ["--pairs", "0-1"], ["--rx-checksum", "maybe"],
    ["--invalid", "reject"], ["--idle-exit", "-1"], ["--queue-map", "(0,0"], ["stray"],
  ])
  func `an unknown option or a bad value is named, exit 64`(_ options: [String]) async throws {
    let ended = try await Self.null(options).run()
    #expect(ended.status == .exited(64), "\(ended.errors)")
    #expect(ended.errors.contains(options[0].trimmingPrefix("--")), "\(ended.errors)")
  }

  @Test(arguments: ["burst = \"many\"", "no-such-key = 1", "burst = ", "[ports\n"])
  func `a bad settings file is named with its line, exit 78`(_ text: String) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "bad.toml").path
    try Data("# one line\n\(text)\n".utf8).write(to: URL(filePath: file))
    let ended = try await Self.null(["--config", file]).run()
    #expect(ended.status == .exited(78), "\(ended.errors)")
    #expect(ended.errors.contains("bad.toml"), "\(ended.errors)")
    #expect(ended.errors.contains(/bad\.toml:[23]/), "\(ended.errors)")
  }

  @Test func `a settings file that is not there, exit 78`() async throws {
    let ended = try await Self.null(["--config", "/nonexistent.toml"]).run()
    #expect(ended.status == .exited(78))
    #expect(ended.errors.contains("/nonexistent.toml"))
  }

  @Test func `a port that is not there cannot be paired`() async throws {
    let ended = try await Self.null(["--pairs", "0:7", "--duration", "0.1"]).run()
    #expect(ended.status == .exited(64) || ended.status == .exited(69))
    #expect(ended.errors.contains("7"), "\(ended.errors)")
  }

  @Test func `EAL's refusal of its arguments is passed on with its reason, exit 64`() async throws {
    let ended = try await Self.null(
      ["--duration", "0.1"], memory: ["--no-huge", "-m", "512", "-d", "/nonexistent.so"]
    ).run()
    #expect(ended.status == .exited(64), "\(ended.errors)")
    #expect(ended.errors.contains("/nonexistent.so"), "\(ended.errors)")
  }

  @Test func `a port that cannot be made is named with the driver's reason, exit 69`() async throws {
    let ended = try await Forwarder { _ in ["net_pcap0,rx_pcap=/nonexistent.pcap", "net_null1"] }.run()
    #expect(ended.status == .exited(69), "\(ended.errors)")
    #expect(ended.errors.contains("dpdkfwd: the port net_pcap0 could not be made"), "\(ended.errors)")
    #expect(ended.errors.contains("/nonexistent.pcap"), "\(ended.errors)")
  }

  @Test func `a second forwarder of the same name is refused, exit 69`() async throws {
    let first = try Self.null(["--duration", "200"])
    let (second, ended) = try await first.run { running in
      try await running.metrics { $0.sum("dpdkfwd_ports") != nil || $0.sum("dpdkfwd_lcores") != nil }
      let words = ["--lcores", "0@0", "--no-pci", "--no-telemetry", "--no-huge", "-m", "512"]
      let second = try await Tool.dpdkfwd.run(
        words + ["--file-prefix", first.prefix, "--vdev", "net_null0", "--vdev", "net_null1", "--", "--duration", "1"])
      try running.send(SIGTERM)
      return second
    }
    #expect(second.status == .exited(69), "\(second.errors)")
    #expect(!second.errors.isEmpty)
    ended.expectClean()
  }

  @Test func `a dry run prints the plan and touches nothing`() async throws {
    let bridge = try Bridge([Frame.arp(who: "10.0.0.2", tell: "10.0.0.1")], ["--dry-run"])
    let ended = try await bridge.forwarder.run()
    #expect(ended.status == .exited(0), "\(ended.errors)")
    for heading in ["ports", "lcores", "memory"] { #expect(ended.output.contains(heading), "\(ended.output)") }
    #expect(ended.balance == nil)
    #expect(try await bridge.forwarder.stat("show", "ports").status == .exited(69))
  }

  @Test func `an option beats the settings file`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "good.toml")
    try Data("[lcores]\nburst = 8\n".utf8).write(to: file)
    let plain = try await Self.null(["--config", file.path, "--dry-run"]).run()
    let both = try await Self.null(["--config", file.path, "--burst", "16", "--dry-run"]).run()
    #expect(plain.output.contains("bursts of 8"), "\(plain.output)\(plain.errors)")
    #expect(both.output.contains("bursts of 16"), "\(both.output)\(both.errors)")
  }

  @Test func `help is complete and exits 0`() async throws {
    let ended = try await Tool.dpdkfwd.run(["--help"])
    #expect(ended.status == .exited(0))
    for option in [
      "config", "pairs", "rxq", "txq", "rxd", "txd", "burst", "queue-map", "mbufs", "mbuf-size", "mtu", "rx-checksum",
      "invalid", "promiscuous", "idle-sleep", "idle-exit", "duration", "dry-run", "link-propagation", "port-names",
      "log-level",
    ] { #expect(ended.output.contains("--\(option)"), "\(option)") }
  }
}

/// A forwarder ends when it is told to, and gives everything back.
struct EndTests {
  private static func endless(_ options: [String]) throws -> Forwarder {
    try Forwarder(options) { folder in
      let frames = (0..<64).map { Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: $0, to: 53).frame() }
      try Capture(frames: frames).write(to: folder.appending(path: "in.pcap"))
      return ["net_pcap0,rx_pcap=\(folder.path)/in.pcap,infinite_rx=1", "net_null1,no-rx=1"]
    }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal drains it, exit 0`(signal: Int32) async throws {
    let (_, ended) = try await Self.endless(["--duration", "200"]).run { running in
      try await running.forwarding()
      try running.send(signal)
    }
    ended.expectClean()
    #expect(try #require(ended.balance).received > 0)
  }

  /// The worker hangs in a pipe that nobody reads, so that the end cannot come by itself.
  @Test func `a second signal ends it at once`() async throws {
    let forwarder = try Forwarder(["--duration", "200"]) { folder in
      let frames = (0..<64).map { Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: $0, to: 53).frame() }
      try Capture(frames: frames).write(to: folder.appending(path: "in.pcap"))
      let pipe = "\(folder.path)/pipe"
      guard unsafe mkfifo(pipe, 0o600) == 0 else { throw Complaint("\(pipe): error \(errno)") }
      return ["net_pcap0,rx_pcap=\(folder.path)/in.pcap,infinite_rx=1", "net_pcap1,tx_pcap=\(pipe)"]
    }
    // Without a reader the forwarder could not even open the pipe.
    let reader = unsafe open("\(forwarder.folder.path)/pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    let (_, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_lcores") != nil }
      // It hangs when it receives no more, though more comes.
      var received: [Int?] = []
      try await until("the worker does not hang") {
        received.append(try await forwarder.metrics().sum("dpdkfwd_lcore_rx_packets_total"))
        try await Task.sleep(for: .seconds(1))
        return received.count > 2 && Set(received.suffix(3)).count == 1 && received.last != 0
      }
      try running.send(SIGTERM)
      // Two at once are one.
      for _ in 0..<5 {
        try await Task.sleep(for: .seconds(1))
        guard (try? running.send(SIGTERM)) != nil else { break }
      }
    }
    #expect(ended.status == .signaled(SIGTERM))
    #expect(ended.lasted < .seconds(180), "it ended by itself")
  }

  @Test func `it ends after its duration`() async throws {
    let ended = try await Self.endless(["--duration", "2"]).run()
    ended.expectClean()
    #expect(ended.lasted >= .seconds(2))
    #expect(try #require(ended.balance).received > 0)
  }

  @Test func `it ends when nothing has come for a while`() async throws {
    let bridge = try Bridge([Frame.arp(who: "10.0.0.2", tell: "10.0.0.1")], ["--duration", "200"])
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    #expect(ended.errors.contains("stopping: nothing was received for 0.2 s"))
    #expect(ended.balance?.received == 1)
  }

  @Test func `spinning instead of sleeping forwards the same`() async throws {
    try await Bridge(DemoTraffic(seed: 2).frames, Bridge.crossing + ["--idle-sleep", "spin", "--burst", "1"])
      .expectCrossing()
  }
}
