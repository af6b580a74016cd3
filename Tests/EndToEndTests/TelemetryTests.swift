import Foundation
import TestSupport
import Testing

/// X7: DPDK's own client reads every number that `dpdkfwd-stat` shows, by the name it has there and in metrics.
struct TelemetryTests {
  private static let traffic = DemoTraffic()

  /// Traffic of many kinds for two workers, and then none.
  private static func forwarder() throws -> Forwarder {
    try Forwarder(
      workers: 2,
      ["--duration", "200", "--handoff-ring", "8192", "--port-names", "0=in.side,1=out-side", "--auto-flowtable"],
      telemetry: true
    ) { folder in
      try Capture(frames: traffic.frames).write(to: folder.appending(path: "in.pcap"))
      let outputs = ["back", "out"].map { name in
        (0..<2).map { ",tx_pcap=\(folder.path)/\(name)\($0).pcap" }.joined()
      }
      try Capture().write(to: folder.appending(path: "none.pcap"))
      let none = Array(repeating: "\(folder.path)/none.pcap", count: 2).joined(separator: ",rx_pcap=")
      return [
        "net_pcap0,rx_pcap=\(folder.path)/in.pcap,rx_pcap=\(folder.path)/none.pcap" + outputs[0],
        "net_pcap1,rx_pcap=\(none)" + outputs[1],
      ]
    }
  }

  private static func whenIdle<Result: Sendable>(
    _ work: @Sendable (Forwarder) async throws -> Result
  ) async throws -> Result {
    let forwarder = try forwarder()
    let (result, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_port_rx_packets_total") == traffic.frames.count }
      let result = try await work(forwarder)
      try running.send(SIGTERM)
      return result
    }
    ended.expectClean()
    return result
  }

  // MARK: Numbers

  @Test func `every number that dpdkfwd-stat shows is in telemetry`() async throws {
    try await Self.whenIdle { forwarder in
      let schema = try await Kinds(forwarder)
      let commands = try #require(try await forwarder.telemetry(["/"])[0] as? [String])
      var compared = 0
      // Flow tables are shown in words of their own; their sums are compared with the metrics.
      for group in schema.shown where group != "flowtables" {
        let command = commands.contains("/dpdkfwd/\(group)") ? group : String(group.dropLast("_shards".count))
        let early = try await forwarder.rows(group)
        let questions = early.map { schema.question($0, group, command) }
        let told = try await forwarder.telemetry(questions)
        let late = try await forwarder.rows(group)
        #expect(early.count == late.count && !early.isEmpty, "\(group)")
        for (index, question) in questions.enumerated() {
          let answer = try #require(told[index] as? [String: Any], "\(question)").flat
          let (first, last) = (early[index].flat, late[index].flat)
          #expect(Set(answer.keys) == Set(first.keys), "\(question)")
          for (name, value) in answer {
            #expect(isBetween(first[name], value, last[name]), "\(question) \(name): \(value)")
            compared += Int(value) == nil ? 0 : 1
          }
        }
      }
      #expect(compared > 500)
    }
  }

  @Test func `sums are those of the metrics`() async throws {
    try await Self.whenIdle { forwarder in
      let schema = try await Kinds(forwarder)
      let groups = schema.shown.filter { !$0.hasSuffix("_shards") }
      let early = try await forwarder.metrics()
      let told = try await forwarder.telemetry(groups.map { "/dpdkfwd/\($0)" })
      let late = try await forwarder.metrics()
      var names: Set<String> = []
      for (group, answer) in zip(groups, told) {
        let answer = try #require(answer as? [String: Any], "\(group)")
        for (field, metric) in schema.metrics(of: group) {
          let value = (answer[field] as? [String: Any])?.flat ?? answer.filter { $0.key == field }.flat
          let numbers = value.values.compactMap { Int($0) }
          // Whether a link is up has words for its numbers.
          guard !numbers.isEmpty else { continue }
          let sum = numbers.reduce(0, +)
          let (first, last) = (early.sum(metric) ?? -1, late.sum(metric) ?? -1)
          #expect((min(first, last)...max(first, last)).contains(sum), "\(group) \(field), \(metric)")
          names.insert(metric)
        }
      }
      #expect(names.count > 60)
      let place = try #require(groups.firstIndex(of: "drops"))
      let drops = (told[place] as? [String: Any])?["packets"]
      #expect((drops as? [String: Int])?.filter { $0.value != 0 } == Self.traffic.drops)
    }
  }

  // MARK: Commands

  @Test func `commands are listed, have help, and answer null to what they do not know`() async throws {
    try await Self.whenIdle { forwarder in
      let all = try #require(try await forwarder.telemetry(["/"])[0] as? [String])
      let own = all.filter { $0.hasPrefix("/dpdkfwd/") }
      #expect(
        Set(["info", "list", "ports", "lcores", "queues", "drops", "ct", "frag"].map { "/dpdkfwd/\($0)" })
          .isSubset(of: own))
      for (command, help) in zip(own, try await forwarder.telemetry(own.map { "/help,\($0)" })) {
        #expect((help as? [String: String])?[command]?.isEmpty == false, "\(command)")
      }
      let unknown = try await forwarder.telemetry([
        "/dpdkfwd/ports,9", "/dpdkfwd/ports,in", "/dpdkfwd/drops,0", "/dpdkfwd/drops,1,nothing", "/dpdkfwd/lcores,1,1",
        "/dpdkfwd/info,1", "/dpdkfwd/connections", "/dpdkfwd",
      ])
      #expect(unknown.allSatisfy { $0 is NSNull })
      let known = try await forwarder.telemetry([
        "/dpdkfwd/ports,0", "/dpdkfwd/ports,in.side", "/dpdkfwd/ports,in_side", "/dpdkfwd/ports",
        "/dpdkfwd/list,ports", "/dpdkfwd/info",
      ])
      #expect((known[0] as? [String: Any])?["name"] as? String == "in.side")
      #expect((known[0] as? [String: Any])?.flat == (known[1] as? [String: Any])?.flat)
      #expect((known[0] as? [String: Any])?.flat == (known[2] as? [String: Any])?.flat)
      let frames = (known[3] as? [String: [String: Any]])?["rx_packets"] as? [String: Int]
      #expect(frames == ["in_side": Self.traffic.frames.count, "out_side": 0])
      #expect((known[4] as? [String: [String]])?["ports"] == ["in.side", "out-side"])
      #expect((known[5] as? [String: Any])?["state"] as? String == "running")
      #expect((known[5] as? [String: Any])?["prefix"] as? String == forwarder.prefix)
    }
  }

  /// 320 receive queues: more than a dict of DPDK's has room for.
  @Test func `what is too much for an answer is told in parts`() async throws {
    let forwarder = try Forwarder(
      workers: 2, memory: ["--no-huge", "-m", "1024"], ["--duration", "200", "--rxq", "160", "--rxd", "64"],
      telemetry: true
    ) { _ in ["net_null0,no-rx=1", "net_null1,no-rx=1"] }
    let (_, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_lcore_breaths_total") ?? 0 > 0 }
      let whole = try #require(try await forwarder.telemetry(["/dpdkfwd/queues"])[0] as? [String: Any])
      #expect(whole["too_many"] as? Int ?? 0 > 320)
      let parameters = try #require(whole["parameters"] as? [String])
      #expect(parameters == ["1", "2"])
      let parts = try await forwarder.telemetry(parameters.map { "/dpdkfwd/queues,\($0)" })
      let queues = parts.compactMap { ($0 as? [String: [String: Any]])?["packets"]?.count }
      #expect(queues.count == 2 && queues.reduce(0, +) == whole["too_many"] as? Int)
      try running.send(SIGTERM)
    }
    ended.expectClean()
  }

  // MARK: Starts and ends

  @Test(arguments: [true, false])
  func `with a telemetry socket or without, nothing is said of it`(telemetry: Bool) async throws {
    let forwarder = try Forwarder(["--duration", "0.1"], telemetry: telemetry) { _ in ["net_null0", "net_null1"] }
    let ended = try await forwarder.run()
    ended.expectClean()
    #expect(!ended.errors.contains("telemetry command"), "\(ended.errors)")
  }

  /// Answers may end in the middle; the forwarder may not.
  @Test func `it ends cleanly while clients ask`() async throws {
    let forwarder = try Self.forwarder()
    let questions = (0..<3000).flatMap { _ in ["/dpdkfwd/drops", "/dpdkfwd/ports", "/dpdkfwd/lcores,1"] }
    let (clients, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let tool = try forwarder.telemetryClient(questions)
      let clients = (0..<3).map { _ in Task { try await tool.run([]) } }
      #expect(try await forwarder.telemetry(["/dpdkfwd/info"]).count == 1)
      try running.send(SIGTERM)
      return clients
    }
    ended.expectClean()
    for client in clients { _ = try await client.value }
  }
}

/// What is counted, as the segment describes itself.
private struct Kinds {
  private let kinds: [String: [String: Any]]
  /// What `show` shows and telemetry tells: no arenas, no rings, but what is counted of them.
  let shown: [String]

  init(_ forwarder: Forwarder) async throws {
    let schema = try await forwarder.json("schema")["kinds"] as? [[String: Any]] ?? []
    kinds = Dictionary(uniqueKeysWithValues: schema.map { ($0["name"] as? String ?? "", $0) })
    let names = try await forwarder.json("show")["kinds"] as? [String] ?? []
    let kinds = kinds
    func fields(_ name: String) -> [[String: Any]] { kinds[name]?["fields"] as? [[String: Any]] ?? [] }
    shown = names.filter { name in
      let isRing = fields(name).contains { $0["nature"] as? String == "entry" }
      let isArena = fields(name).contains { $0["nature"] as? String == "generation" && $0["type"] as? String == "u32" }
      return !isRing && (!isArena || kinds[name + "_shards"] != nil)
    }
  }

  private func fields(_ group: String) -> [[String: Any]] {
    (kinds[group + "_shards"] ?? kinds[group])?["fields"] as? [[String: Any]] ?? []
  }

  /// The command that tells the row.
  func question(_ row: [String: Any], _ group: String, _ command: String) -> String {
    guard command != "forwarder" else { return "/dpdkfwd/forwarder" }
    let keys = fields(group).filter { $0["nature"] as? String == "key" }.compactMap { $0["name"] as? String }
    let key = keys.filter { $0 != "lcore" }.map { "\(row[$0] ?? "")" }.joined(separator: "/")
    let lcore = row["lcore"].map { "\($0)" } ?? ""
    return "/dpdkfwd/\(command)," + [lcore, key].filter { !$0.isEmpty }.joined(separator: ",")
  }

  /// The samples that exported fields become, by the field.
  func metrics(of group: String) -> [(field: String, metric: String)] {
    fields(group).compactMap { field in
      guard let name = field["name"] as? String, let metric = field["metric"] as? String, !metric.isEmpty,
        let nature = field["nature"] as? String, ["counter", "gauge"].contains(nature)
      else { return nil }
      return (name, "dpdkfwd_" + metric + (nature == "counter" ? "_total" : ""))
    }
  }
}

extension Forwarder {
  /// `dpdkfwd-stat ... --json`.
  fileprivate func json(_ words: String...) async throws -> [String: Any] {
    let answer = try await Tool.stat.run(["-f", prefix] + words + ["--json"])
    guard answer.status == .exited(0) else { throw Complaint("\(words): \(answer.errors)") }
    return try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any] ?? [:]
  }

  /// What `show` shows of a group, each lcore by itself.
  fileprivate func rows(_ group: String) async throws -> [[String: Any]] {
    try await json("show", group, "--per-lcore", "--zero")[group] as? [[String: Any]] ?? []
  }

  /// DPDK's client, with the questions in a file: it may end before it has read them all.
  fileprivate func telemetryClient(_ questions: [String]) throws -> Tool {
    let file = folder.appending(path: "questions-\(UInt64.random(in: 0 ... .max))")
    try Data((questions.joined(separator: "\n") + "\n").utf8).write(to: file)
    return Tool(name: "sh", words: ["-c", "exec dpdk-telemetry.py -f \(prefix) < \(file.path)"])
  }

  /// What DPDK's client prints for each question.
  fileprivate func telemetry(_ questions: [String]) async throws -> [Any] {
    let ended = try await telemetryClient(questions).run([])
    let lines = ended.output.split(separator: "\n")
    guard ended.status == .exited(0), lines.count == questions.count else {
      throw Complaint("\(lines.count) answers to \(questions.count) questions: \(ended.output) \(ended.errors)")
    }
    return try lines.map { line in
      let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      return answer.values.first ?? NSNull()
    }
  }
}

extension [String: Any] {
  /// Members of members by both names, with characters that telemetry does not carry replaced, and everything as text.
  fileprivate var flat: [String: String] {
    reduce(into: [:]) { flat, member in
      guard let inner = member.value as? [String: Any] else { return flat[member.key] = "\(member.value)" }
      for (name, value) in inner.flat { flat["\(member.key)/\(name.replacing(/[^A-Za-z0-9_\/]/, with: "_"))"] = value }
    }
  }
}

/// Whether a value is what it was before or later or, as a number, between the two.
private func isBetween(_ early: String?, _ value: String, _ late: String?) -> Bool {
  guard let early, let late else { return false }
  guard let first = Int(early), let last = Int(late), let number = Int(value) else {
    return value == early || value == late
  }
  return (min(first, last)...max(first, last)).contains(number)
}
