import Foundation
import TestSupport
import Testing

/// Rules in nft's language on a real forwarder: loaded at start, changed, explained, taken back.
@Suite(.serialized, .enabled("needs root, as the folder of the sockets does", { getuid() == 0 }))
struct RulesetTests {
  /// The proposal of flow tables has it on one line (W1, W2, W31).
  static let proposal =
    "table ip x { flowtable w { hook ingress priority -100 devices = { eth0, eth1 }; } "
    + "chain y { type filter hook forward priority 0; policy accept; ip protocol tcp flow offload @w } }\n"

  static let listed = """
    table ip x {
    \tflowtable w {
    \t\thook ingress priority -100
    \t\tdevices = { eth0, eth1 }
    \t}

    \tchain y {
    \t\ttype filter hook forward priority filter; policy accept;
    \t\tip protocol tcp flow add @w
    \t}
    }

    """

  /// Frames of a TCP and a UDP flow that nobody answers, over and over.
  private static let frames = [
    Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").udp(from: 4000, to: 53).frame(),
    Datagram.ipv4(from: "10.0.0.2", to: "192.0.2.1").tcp(from: 4001, to: 22, flags: .syn).frame(),
  ]

  /// - Parameter rules: the content of the file that `ruled` names.
  private static func forwarder(
    _ rules: String = proposal, _ options: [String] = [], workers: Int = 1, seconds: Int = 200
  ) throws -> Forwarder {
    try Forwarder(
      workers: workers, ["--duration", "\(seconds)", "--port-names", "0=eth0,1=eth1"] + options,
      limit: .seconds(seconds + 40)
    ) { folder in
      let capture = folder.appending(path: "in.pcap")
      try Capture(frames: frames).write(to: capture)
      try Data(rules.utf8).write(to: folder.appending(path: "rules.nft"))
      return ["net_pcap0,rx_pcap=\(capture.path),infinite_rx=1", "net_null1,no-rx=1"]
    }
  }

  private static func expect(_ ended: Ended, _ output: String) {
    #expect(ended.status == .exited(0), "\(ended.errors)")
    #expect(ended.output == output)
  }

  @Test func `the proposal's text loads as it stands, lists back, and is changed by nft's words`() async throws {
    let forwarder = try Self.forwarder()
    let (_, ended) = try await forwarder.run(adding: forwarder.ruled) { running in
      try await running.forwarding()
      Self.expect(try await forwarder.ctl("ruleset", "list", "ruleset"), Self.listed)
      let added = try await forwarder.ctl(
        "ruleset", "-e", "-a", "insert", "rule", "ip", "x", "y", "udp", "dport", "53", "counter", "drop")
      let handle = try #require(added.output.firstMatch(of: /handle (\d+)/)).1
      try await running.metrics { $0.sum("dpdkfwd_drops_total", ["reason": "rule"]) ?? 0 > 100 }
      let counted = try await forwarder.ctl("ruleset", "list", "chain", "ip", "x", "y")
      #expect(try #require(counted.output.firstMatch(of: /counter packets (\d+)/)).1 != "0")
      Self.expect(try await forwarder.ctl("ruleset", "delete", "rule", "ip", "x", "y", "handle", String(handle)), "")
      Self.expect(try await forwarder.ctl("ruleset", "list", "ruleset"), Self.listed)
      // W3: a table that rules refer to stays.
      let busy = try await forwarder.ctl("ruleset", "delete", "flowtable", "ip", "x", "w")
      #expect(busy.status == .exited(1))
      #expect(busy.errors.hasPrefix("Error: Could not process rule: Device or resource busy\n"))
      let shown = try await forwarder.stat("show", "flowtable")
      #expect(shown.output.contains("ip/x/w"))
      try running.send(SIGTERM)
    }
    ended.expectClean()
  }

  @Test func `a packet is explained by the rules in force`() async throws {
    let forwarder = try Self.forwarder(Self.proposal.replacing("ip protocol", with: "tcp dport 22 drop; ip protocol"))
    let (told, ended) = try await forwarder.run(adding: forwarder.ruled) { running in
      try await running.forwarding()
      let told = try await forwarder.ctl(
        "ruleset", "explain", "iif", "eth0", "ip", "saddr", "10.0.0.1", "tcp", "dport", "22", "flags", "syn")
      let capture = "\(forwarder.folder.path)/in.pcap"
      let frame = try await forwarder.ctl("ruleset", "explain", "--pcap", capture, "--packet", "2", "--iif", "eth0")
      #expect(frame.output.split(separator: "\n").last == told.output.split(separator: "\n").last)
      try running.send(SIGTERM)
      return told
    }
    ended.expectClean()
    #expect(told.output.contains("tcp dport 22 drop # handle"))
    #expect(told.output.contains("\ndrop: by the rule with handle"))
  }

  @Test(arguments: [1, 2]) func `rules that nobody confirms are taken back`(workers: Int) async throws {
    let forwarder = try Self.forwarder(workers: workers)
    let (_, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let file = forwarder.folder.appending(path: "closed.nft")
      try Data("table inet f { chain c { type filter hook forward priority 0; policy drop; } }\n".utf8).write(to: file)
      let dry = try await forwarder.ctl("ruleset", "load", file.path, "--dry-run")
      #expect(dry.output.contains("nothing was changed"))
      #expect(try await forwarder.ctl("ruleset", "list", "ruleset").output == "")
      let loaded = try await forwarder.ctl("ruleset", "load", file.path, "--confirm", "1")
      #expect(loaded.status == .exited(0), "\(loaded.errors)")
      try await running.metrics { $0.sum("dpdkfwd_drops_total", ["reason": "rule_policy"]) ?? 0 > 0 }
      try await until("the rules were not taken back") {
        try await forwarder.ctl("ruleset", "list", "ruleset").output == ""
      }
      // Confirmed, they stay.
      _ = try await forwarder.ctl("ruleset", "load", file.path, "--confirm", "120")
      #expect(try await forwarder.ctl("ruleset", "flush", "ruleset").status == .exited(1))
      #expect(try await forwarder.ctl("ruleset", "confirm").status == .exited(0))
      #expect(try await forwarder.ctl("ruleset", "flush", "ruleset").status == .exited(0))
      try running.send(SIGTERM)
    }
    ended.expectClean()
    #expect(ended.errors.contains("not confirmed in time"))
  }

  /// Each ruleset passes what its own first chain has marked: a packet that met half of one and half of the other would
  /// be dropped.
  @Test func `no packet is judged by half a ruleset, and none is lost, however often rules are replaced`() async throws
  {
    func text(_ mark: Int) -> String {
      """
      table inet f {
        chain first { type filter hook prerouting priority 0; meta mark set \(mark); }
        chain second { type filter hook forward priority 0; policy drop; meta mark \(mark) accept; }
      }
      """
    }
    let forwarder = try Self.forwarder(text(1), workers: 2, seconds: 600)
    let other = forwarder.folder.appending(path: "other.nft")
    try Data(text(2).utf8).write(to: other)
    let files = [forwarder.folder.appending(path: "rules.nft").path, other.path]
    let (status, ended) = try await forwarder.run(adding: forwarder.ruled) { running in
      try await running.forwarding()
      for round in 1...60 {
        let loaded = try await forwarder.ctl("ruleset", "load", files[round % 2])
        #expect(loaded.status == .exited(0), "\(loaded.errors)")
      }
      let status = try await forwarder.ctl("ruleset", "status").output
      try running.send(SIGTERM)
      return status
    }
    ended.expectClean()
    #expect(status.contains("\"generation\": 61"))
    #expect(ended.balance?.dropped == 0, "\(ended.output)")
  }

  @Test func `SIGHUP loads the file anew, and a bad one leaves the rules as they are`() async throws {
    let running = try Self.forwarder()
    let file = running.folder.appending(path: "rules.nft")
    let (_, ended) = try await running.run(adding: running.ruled) { process in
      try await process.forwarding()
      func list(once condition: (String) -> Bool) async throws {
        try await until("the rules are not as expected") {
          condition(try await running.ctl("ruleset", "list", "ruleset").output)
        }
      }
      try await list { $0 == Self.listed }
      try Data("table ip other { chain c { accept; } }\n".utf8).write(to: file)
      try process.send(SIGHUP)
      try await list { $0.contains("table ip other") && !$0.contains("flowtable") }
      try Data("table ip broken { chain c { frob; } }\n".utf8).write(to: file)
      try process.send(SIGHUP)
      try await until("nothing came of SIGHUP") {
        try await running.ctl("ruleset", "status").output.contains("\"failed_reloads\": 1")
      }
      try await list { $0.contains("table ip other") }
      try process.send(SIGTERM)
    }
    ended.expectClean()
    #expect(ended.errors.contains("loaded anew"))
    #expect(ended.errors.contains("those before stay"))
  }

  @Test func `a bad file is refused at start, as nft would`() async throws {
    for options in [["--dry-run"], []] {
      let forwarder = try Self.forwarder("table ip x {\n  chain y {\n    tcp dprt 22 drop\n  }\n}\n", options)
      let ended = try await forwarder.run(adding: forwarder.ruled)
      #expect(ended.status == .exited(78))
      #expect(ended.errors.contains(".nft:3:9-12: Error: "))
      #expect(ended.errors.contains("    tcp dprt 22 drop\n        ^^^^\n"))
    }
    let sound = try Self.forwarder(Self.proposal, ["--dry-run"])
    let fine = try await sound.run(adding: sound.ruled)
    #expect(fine.status == .exited(0))
    #expect(fine.output.contains("1 rule in 1 chain of 1 table, 1 flow table"))
  }

  @Test func `without rules nothing passes if settings say so`() async throws {
    let forwarder = try Self.forwarder("", ["--rules-fail", "closed"])
    let (_, ended) = try await forwarder.run { running in
      let before = try await running.metrics { $0.sum("dpdkfwd_drops_total", ["reason": "no_rules"]) ?? 0 > 100 }
      #expect(before.sum("dpdkfwd_lcore_tx_packets_total") == 0)
      let added = try await forwarder.ctl("ruleset", "add", "table", "ip", "x")
      #expect(added.status == .exited(0), "\(added.errors)")
      try await running.metrics { $0.sum("dpdkfwd_lcore_tx_packets_total") ?? 0 > 100 }
      try running.send(SIGTERM)
    }
    ended.expectClean()
    #expect(ended.output.contains("fail closed: without rules packets are dropped"))
  }
}

extension Forwarder {
  /// Has it load the file of rules in its folder.
  fileprivate var ruled: [String] { ["--rules", folder.appending(path: "rules.nft").path] }
}
