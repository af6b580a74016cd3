import ControlClient
import ControlProtocol
import Foundation
import JSONText
import TestSupport
import Testing

/// Rules changed over and over by one client that stays connected, while two workers forward as fast as they can. How
/// fast it goes is printed and not judged; that no packet is lost, counted twice or judged by half a ruleset is.
@Suite(.serialized, .enabled("needs root, as the folder of the sockets does", { getuid() == 0 }))
struct RulesetRateTests {
  /// Flows enough for both workers, which nobody answers, over and over.
  private static let frames = (0..<64).map { number in
    let datagram = Datagram.ipv4(from: "10.0.\(number % 8).\(number + 1)", to: "192.0.2.\(number % 5 + 1)")
    return (number % 2 == 0 ? datagram.udp(from: 4000, to: 53) : datagram.tcp(from: 4001, to: 22, flags: .syn)).frame()
  }

  private static func forwarder(_ rules: String) throws -> Forwarder {
    try Forwarder(workers: 2, ["--duration", "200", "--port-names", "0=eth0,1=eth1"]) { folder in
      let capture = folder.appending(path: "in.pcap")
      try Capture(frames: frames).write(to: capture)
      try Data(rules.utf8).write(to: folder.appending(path: "rules.nft"))
      return ["net_pcap0,rx_pcap=\(capture.path),infinite_rx=1", "net_null1,no-rx=1"]
    }
  }

  /// Does something so often a hundred times a second, or as fast as it goes if that is slower.
  private static func repeatedly(_ count: Int, _ what: String, _ body: (Int) async throws -> Void) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    for round in 1...count {
      try await body(round)
      try await clock.sleep(until: start + .milliseconds(10) * round)
    }
    let rate = Double(count) / ((clock.now - start) / .seconds(1))
    print("\(what): \(count), \(String(format: "%.1f", rate)) a second, 100 asked for")
  }

  /// A ruleset that lets pass what it has marked itself.
  private static func passing(_ mark: Int, first: String = "") -> String {
    let checks = ["prerouting", "forward", "postrouting"].map { hook in
      "chain \(hook) { type filter hook \(hook) priority 0; policy drop; meta mark \(mark) accept; }"
    }
    return """
      table netdev n {
        chain in { type filter hook ingress devices = { eth0 } priority 0; \(first) meta mark set \(mark); }
      }
      table inet f {
        chain kept { type filter hook prerouting priority -10; counter; }
        \(checks.joined(separator: "\n"))
      }
      """
  }

  /// B16, B21: each ruleset lets pass what its own chain on ingress has marked, hook after hook: a packet that met part of one
  /// and part of another would be dropped. The chain `kept` is the same in all of them: it has counted every packet.
  @Test func `a hundred rulesets a second: no packet is judged by half of one, none is lost`() async throws {
    let rounds = 300
    let forwarder = try Self.forwarder(Self.passing(1))
    let (found, ended) = try await forwarder.run(adding: forwarder.rules) { running in
      try await running.forwarding()
      let client = try await forwarder.client()
      try await Self.repeatedly(rounds, "rulesets replaced") { round in
        _ = try await client.call("ruleset.load", .sources(Self.passing(1 + round)))
      }
      // From now on no packet comes as far as the chain: what it has counted is what was sent.
      _ = try await client.call("ruleset.load", .sources(Self.passing(1, first: "drop;")))
      let generation = try await client.call("ruleset.status")["generation"]?.asUInt64
      let kept = try await client.list("list chain inet f kept")
      await client.close()
      try running.send(SIGTERM)
      return (generation, kept)
    }
    ended.expectClean()
    #expect(found.0 == UInt64(rounds + 2))
    let balance = try #require(ended.balance)
    #expect(balance.reasons.keys.allSatisfy { $0 == "rule" }, "\(ended.output)")
    #expect(balance.sent > 0)
    let counted = try #require(found.1.firstMatch(of: /counter packets (\d+)/)).1
    #expect(Int(counted) == balance.sent, "\(found.1)\n\(ended.output)")
  }

  /// B16, B21: rules added and deleted by handle, elements added and deleted, all around rules and a set that stay: these keep
  /// their handles, and what they count is every packet, once.
  @Test func `a hundred edits a second: rules that stay keep handles and counts exactly`() async throws {
    let forwarder = try Self.forwarder(
      """
      table inet f {
        set open { type inet_service; elements = { 22, 53 }; }
        map services_of { type inet_service : verdict; elements = { 53 : jump datagrams, 22 : jump segments }; }
        chain gate { type filter hook prerouting priority -20; }
        chain datagrams { counter; }
        chain segments { counter; }
        chain every { type filter hook prerouting priority 0; counter
          meta l4proto vmap { tcp : continue, udp : continue }; }
        chain services { type filter hook forward priority 0; policy drop; tcp dport @open counter accept
          udp dport @open counter accept; }
        chain kinds { type filter hook postrouting priority 0; tcp dport vmap @services_of; udp dport vmap @services_of; }
      }
      """)
    let rounds = 400
    let (found, ended) = try await forwarder.run(adding: forwarder.rules) { running in
      try await running.forwarding()
      let client = try await forwarder.client()
      let before = try await client.list("list ruleset", handles: true)
      var added: [Substring] = []
      try await Self.repeatedly(rounds, "edits") { round in
        switch round % 8 {
        case 0: try await client.run("insert rule inet f every meta mark \(round) counter")
        case 1, 2:
          let echo = try await client.run("add rule inet f every ip ttl \(round % 200) counter", echoes: true)
          added.append(try #require(echo.firstMatch(of: /handle (\d+)/)).1)
        case 3: try await client.run("add element inet f open { \(1000 + round) }")
        case 4: try await client.run("add element inet f services_of { \(1000 + round) : drop }")
        case 5: try await client.run("delete element inet f open { \(998 + round) }")
        case 6: try await client.run("delete element inet f services_of { \(998 + round) }")
        default: try await client.run("delete rule inet f every handle \(added.removeFirst())")
        }
      }
      try await client.run("add rule inet f gate drop")
      let after = try await client.list("list ruleset", handles: true)
      await client.close()
      try running.send(SIGTERM)
      return (before, after)
    }
    ended.expectClean()
    let balance = try #require(ended.balance)
    #expect(balance.reasons.keys.allSatisfy { $0 == "rule" }, "\(ended.output)")
    #expect(balance.sent > 0)
    /// The rules that stay, by handle: their text without what was counted, and that.
    func kept(_ listing: String) -> [String: (text: String, packets: Int)] {
      let rules = listing.matches(of: /\t\t(.*counter) packets (\d+) bytes \d+(.*) # handle (\d+)/)
      return Dictionary(
        uniqueKeysWithValues: rules.map { (String($0.4), (String($0.1 + $0.3), Int($0.2) ?? -1)) })
    }
    let (before, after) = (kept(found.0), kept(found.1))
    #expect(before.count == 5)
    for (handle, rule) in before { #expect(after[handle]?.text == rule.text, "\(handle)\n\(found.1)") }
    func packets(_ chain: String) throws -> Int {
      let text = try #require(found.1.split(separator: "chain \(chain) {").last?.split(separator: "}").first)
      let own = before.keys.filter { text.contains("# handle \($0)\n") }
      return own.reduce(0) { $0 + (after[$1]?.packets ?? 0) }
    }
    #expect(try packets("every") == balance.sent)
    #expect(try packets("datagrams") + packets("segments") == balance.sent)
    #expect(try packets("services") == balance.sent)
  }
}

extension Forwarder {
  /// Has it load the file of rules in its folder.
  fileprivate var rules: [String] { ["--rules", folder.appending(path: "rules.nft").path] }

  /// Connected to its control socket until it is closed.
  fileprivate func client() async throws -> ControlClient {
    try await ControlClient.connect(try ControlPaths(prefix: prefix), timeLimit: .seconds(60))
  }
}

extension ControlClient {
  @discardableResult
  fileprivate func run(_ commands: String, echoes: Bool = false) async throws -> String {
    let options = JSON.object([("handles", .truth(true))])
    let parameters = JSON.sources(commands, [("echo", .truth(echoes)), ("options", options)])
    return try await call("ruleset.run", parameters)["text"]?.asText ?? ""
  }

  /// What fits one answer.
  fileprivate func list(_ command: String, handles: Bool = false) async throws -> String {
    let options = JSON.object([("handles", .truth(handles))])
    return try await call("ruleset.list", .object([("command", .text(command)), ("options", options)]))["text"]?.asText
      ?? ""
  }
}

extension JSON {
  /// A request's texts: one.
  fileprivate static func sources(_ text: String, _ others: [(String, JSON)] = []) -> JSON {
    .object([("sources", .array([.object([("name", .text("rules")), ("text", .text(text))])]))] + others)
  }
}
