import Foundation
import TestSupport
import Testing

/// The history that lcores, ports and pools keep, read while they write it and after.
struct RingTests {
  private static func endless(_ options: [String]) throws -> Forwarder {
    try Forwarder(["--stats-interval", "0.01"] + options) { folder in
      let frames = (0..<64).map { Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: $0, to: 53).frame() }
      try Capture(frames: frames).write(to: folder.appending(path: "in.pcap"))
      return ["net_pcap0,rx_pcap=\(folder.path)/in.pcap,infinite_rx=1", "net_null1,no-rx=1"]
    }
  }

  /// The number of the newest entry; zero when there has been none for a while.
  private static func newest(_ kind: String = "lcores", of forwarder: Forwarder) async throws -> Int {
    let answer = try await forwarder.stat("history", kind, "--json", "--since", "1s")
    guard answer.status == .exited(0) else { return 0 }
    let json = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    return (json?["entries"] as? [[String: Any]])?.last?["sequence"] as? Int ?? 0
  }

  /// Waits until there have been so many.
  private static func until(_ entries: Int, _ kind: String = "lcores", of forwarder: Forwarder) async throws {
    try await EndToEndTests.until("no \(entries) entries of \(kind) are written") {
      try await newest(kind, of: forwarder) >= entries
    }
  }

  /// Must show: a reader that was stopped reports the exact range it lost. The ring keeps six seconds of this history.
  @Test func `a reader that was stopped names the entries it lost, and no other`() async throws {
    let forwarder = try Self.endless(["--duration", "200"])
    let (story, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let told = forwarder.folder.appending(path: "told")
      let words =
        "exec dpdkfwd-stat -f \(forwarder.prefix) history --follow --json --interval 0.1 --count 30 > \(told.path)"
      let (_, reader) = try await Tool(name: "sh", words: ["-c", words]).run([], limit: .seconds(200)) { process in
        try await EndToEndTests.until("the reader tells nothing") { (try? Data(contentsOf: told))?.count ?? 0 > 1000 }
        try process.send(SIGSTOP)
        let stopped = try await Self.newest(of: forwarder)
        try await Self.until(stopped + 1000, of: forwarder)
        try process.send(SIGCONT)
      }
      #expect(reader.status == .exited(0), "\(reader.errors)")
      try running.send(SIGTERM)
      return try Story(lines: String(contentsOf: told, encoding: .utf8))
    }
    ended.expectClean()
    // One long gap; on a busy host the reader may be overtaken once more while it catches up.
    #expect(story.lost.map(\.count).reduce(0, +) > 100, "\(story.lost)")
    #expect(story.entries.count > 400)
    story.expectComplete()
  }

  @Test func `after a clean end the history ends with the last packet`() async throws {
    let forwarder = try Self.endless(["--duration", "200"])
    let (_, ended) = try await forwarder.run { running in
      for kind in ["lcores", "ports", "mempools"] { try await Self.until(120, kind, of: forwarder) }
      try running.send(SIGTERM)
    }
    ended.expectClean()
    let answer = try await forwarder.stat("history", "--json")
    #expect(answer.status == .exited(0), "\(answer.errors)")
    let story = try Story(document: answer.output)
    story.expectComplete()
    #expect(story.entries.count > 100)
    #expect(story.entries.last?["rx_packets"] == ended.balance?.received)
    for kind in ["ports", "mempools"] {
      let other = try Story(document: try await forwarder.stat("history", kind, "--json").output)
      #expect(other.entries.count > 100, "\(kind)")
    }
  }

  @Test func `after kill -9 the history is there, each entry whole`() async throws {
    let forwarder = try Self.endless(["--duration", "200"])
    let (_, ended) = try await forwarder.run { running in
      try await running.forwarding()
      try await Self.until(80, of: forwarder)
      try running.send(SIGKILL)
    }
    #expect(ended.status == .signaled(9))
    let answer = try await forwarder.stat("history", "--json")
    #expect(answer.output.contains("stale"))
    let story = try Story(document: answer.output)
    story.expectComplete()
    #expect(story.entries.count > 50)
    for entry in story.entries {
      #expect(entry["rx_packets"] == (entry["tx_packets"] ?? 0) + (entry["held"] ?? 0) + (entry["dropped"] ?? 0))
    }
  }

  @Test func `an lcore without packets writes its history on time`() async throws {
    let forwarder = try Forwarder(["--stats-interval", "0.05", "--duration", "200"]) { _ in
      ["net_null0,no-rx=1", "net_null1,no-rx=1"]
    }
    let (_, ended) = try await forwarder.run { running in
      try await Self.until(40, of: forwarder)
      try running.send(SIGTERM)
    }
    ended.expectClean()
    let story = try Story(document: try await forwarder.stat("history", "--json").output)
    story.expectComplete()
    // One at each of its times, if the host has a CPU for it then, so that it may be late, and the last at the end.
    let times = story.entries.compactMap { $0["monotonic"] }
    #expect(times.count >= 40)
    #expect(times.count <= (times.last! - times[0]) / 50_000_000 * 3 / 2)
    #expect(story.entries.last.map { ($0["sleeps"] ?? 0) > 0 } == true)
  }

  @Test func `the live view shows what passes`() async throws {
    let forwarder = try Self.endless(["--duration", "200"])
    let (_, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let said = try await forwarder.stat("--count", "3", "--interval", "0.5").output.split(separator: "\n")
      // On a busy machine the view may be overtaken by history of every 10 ms, and says so.
      let lines = said.filter { !($0.hasPrefix("* ") && $0.hasSuffix(" are lost")) }
      #expect(lines.count == 3, "\(said)")
      #expect(lines.allSatisfy { $0.contains("running") && !$0.contains("rx 0pps") && !$0.contains("tx 0pps") })
      let watched = try await forwarder.stat("watch", "dpdkfwd_lcore_rx_packets_total", "--count", "2")
      #expect(watched.output.split(separator: "\n").last?.hasSuffix("/s") == true, "\(watched.output)")
      try running.send(SIGTERM)
    }
    ended.expectClean()
  }
}

/// What `history --json` told of one lcore.
private struct Story {
  private(set) var entries: [[String: Int]] = []
  private(set) var lost: [ClosedRange<Int>] = []
  /// Numbers in the order they came.
  private var numbers: [ClosedRange<Int>] = []

  init(document: String) throws {
    let json = try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any]
    for entry in json?["entries"] as? [[String: Any]] ?? [] { add(entry) }
    #expect((json?["lost"] as? [Any])?.isEmpty == true)
  }

  init(lines: String) throws {
    for line in lines.split(separator: "\n").dropFirst() {
      let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      if let gap = json["lost"] as? [String: Int], let from = gap["from"], let to = gap["to"] {
        lost.append(from...to)
        numbers.append(from...to)
      } else {
        add(json)
      }
    }
  }

  private mutating func add(_ json: [String: Any]) {
    let entry = json.compactMapValues { $0 as? Int }
    entries.append(entry)
    numbers.append((entry["sequence"] ?? -1)...(entry["sequence"] ?? -1))
  }

  /// Every number once and in order, as an entry or within a gap; and no counter goes back.
  func expectComplete(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(!entries.isEmpty, sourceLocation: sourceLocation)
    for (last, next) in zip(numbers, numbers.dropFirst()) where next.lowerBound != last.upperBound + 1 {
      Issue.record("after entry \(last.upperBound) comes \(next.lowerBound)", sourceLocation: sourceLocation)
    }
    for (last, next) in zip(entries, entries.dropFirst()) {
      for field in ["rx_packets", "tx_packets", "monotonic"] where (next[field] ?? 0) < (last[field] ?? 0) {
        Issue.record("\(field) goes back at entry \(next["sequence"] ?? -1)", sourceLocation: sourceLocation)
      }
    }
  }
}
