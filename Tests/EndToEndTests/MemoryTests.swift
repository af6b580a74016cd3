import Foundation
import TestSupport
import Testing

/// Must show: hugepages, `--no-huge` and `--in-memory` each run. Other ports than `net_pcap` do, too.
struct MemoryTests {
  private static let frames = (0..<100).map { number in
    Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2").udp(from: UInt16(number), to: 53).frame()
  }

  private func cross(memory: [String], workers: Int = 1) async throws {
    let forwarder = try Forwarder(workers: workers, memory: memory) { folder in
      try Capture(frames: Self.frames).write(to: folder.appending(path: "in.pcap"))
      return ["net_pcap0,rx_pcap=\(folder.path)/in.pcap", "net_pcap1,tx_pcap=\(folder.path)/out.pcap"]
    }
    let ended = try await forwarder.run()
    ended.expectClean()
    #expect(try Capture(contentsOf: forwarder.folder.appending(path: "out.pcap")).frames == Self.frames)
  }

  @Test
  func `packets cross without hugepages`() async throws {
    try await cross(memory: ["--no-huge", "-m", "512"])
  }

  @Test func `the main lcore alone forwards too`() async throws {
    try await cross(memory: ["--no-huge", "-m", "512"], workers: 0)
  }

  @Test(
    .serialized,
    .enabled("no 256 hugepages of 2 MB are free, and none can be reserved") { await Hugepages.canBeReserved() },
    arguments: [["-m", "256", "--huge-unlink"], ["-m", "256", "--in-memory"]])
  func `packets cross in hugepages`(memory: [String]) async throws {
    try await Hugepages.reserved { try await cross(memory: memory) }
  }

  @Test func `net_null forwards to itself without losing a packet`() async throws {
    let forwarder = try Forwarder(["--duration", "2"]) { _ in ["net_null0", "net_null1"] }
    let ended = try await forwarder.run()
    ended.expectClean()
    #expect(try #require(ended.balance).received > 0)
  }

  /// What a net_ring port is sent comes back by itself: the capture goes through both directions of the pair.
  @Test(arguments: [1, 2]) func `net_ring ports carry what was given to them`(workers: Int) async throws {
    // Each worker keeps what it receives, so that each capture has its own way back.
    let forwarder = try Forwarder(workers: workers, ["--idle-exit", "0.3", "--steer", "port"]) { folder in
      let queues = (0..<workers).map { "rx_pcap=\(folder.path)/in\($0).pcap,tx_pcap=\(folder.path)/out\($0).pcap" }
      for i in 0..<workers {
        try Capture(frames: Self.frames).write(to: folder.appending(path: "in\(i).pcap"))
      }
      return ["net_pcap0,\(queues.joined(separator: ","))", "net_ring1"]
    }
    let ended = try await forwarder.run()
    ended.expectClean()
    #expect(ended.balance?.received == 2 * workers * Self.frames.count)
    for i in 0..<workers {
      #expect(try Capture(contentsOf: forwarder.folder.appending(path: "out\(i).pcap")).frames == Self.frames)
    }
  }

  @Test func `the parts of a fail-safe port are not paired`() async throws {
    let forwarder = try Forwarder(["--dry-run"]) { _ in
      ["net_failsafe0,dev(net_null5)", "net_failsafe1,dev(net_null6)"]
    }
    let ended = try await forwarder.run()
    #expect(ended.status == .exited(0), "\(ended.errors)")
    #expect(!ended.output.contains("net_null5"), "\(ended.output)")
    #expect(ended.output.contains("dry run"))
  }

  @Test func `four ports are two pairs`() async throws {
    let forwarder = try Forwarder(["--idle-exit", "0.3", "--pairs", "0:2,1:3"]) { folder in
      try Capture(frames: Self.frames).write(to: folder.appending(path: "a.pcap"))
      try Capture(frames: Self.frames.reversed()).write(to: folder.appending(path: "b.pcap"))
      return [
        "net_pcap0,rx_pcap=\(folder.path)/a.pcap", "net_pcap1,rx_pcap=\(folder.path)/b.pcap",
        "net_pcap2,tx_pcap=\(folder.path)/a-out.pcap", "net_pcap3,tx_pcap=\(folder.path)/b-out.pcap",
      ]
    }
    let ended = try await forwarder.run()
    ended.expectClean()
    #expect(try Capture(contentsOf: forwarder.folder.appending(path: "a-out.pcap")).frames == Self.frames)
    #expect(try Capture(contentsOf: forwarder.folder.appending(path: "b-out.pcap")).frames == Self.frames.reversed())
  }
}

/// Hugepages of 2 MB, reserved for a test where it may, and given back.
private enum Hugepages {
  private static let folder = "/sys/kernel/mm/hugepages/hugepages-2048kB"
  private static let needed = 256

  private static func number(_ file: String) -> Int {
    let text = (try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)) ?? ""
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }

  private static func add(_ pages: Int) {
    let file = FileHandle(forWritingAtPath: "\(folder)/nr_hugepages")
    try? file?.write(contentsOf: Data("\(number("nr_hugepages") + pages)".utf8))
    try? file?.close()
  }

  /// Whether enough are free or can be made so.
  static func canBeReserved() async -> Bool {
    let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
    return await reserved { mounts.contains(" hugetlbfs ") && number("free_hugepages") >= needed }
  }

  static func reserved<Result>(_ work: () async throws -> Result) async rethrows -> Result {
    let missing = max(0, needed - number("free_hugepages"))
    if missing > 0 { add(missing) }
    defer { if missing > 0 { add(-missing) } }
    return try await work()
  }
}
