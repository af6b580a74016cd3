import Foundation
import OracleSupport
import TestSupport
import Testing

/// Cases of the oracle in which something is done between two frames: here by `dpdkfwd-ctl`, in the same words.
@Suite(.serialized) struct OracleStepTests {
  @Test(
    .enabled("needs the oracle, root and ip") { await canRun() },
    arguments: ["udp-10-flush", "udp-11-delete-one"])
  func `the forwarder does as Linux did when entries are deleted between frames`(_ name: String) async throws {
    let folder = try #require(Shared.oracle).appending(path: "cases")
    let one = try OracleCase(contentsOf: folder.appending(path: "\(name).json"))
    let place = FileManager.default.temporaryDirectory.appending(path: "e2e-steps-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: place) }
    let hosts = try await Hosts()
    try await Self.cable(in: hosts.middle)

    let replay = try Replay(one, in: place)
    let forwarder = try Forwarder(
      ["--duration", "200", "--config", place.appending(path: "settings.toml").path],
      tool: .dpdkfwd.inside(hosts.middle)
    ) { _ in
      ["net_af_packet0,iface=near", "net_pcap1,tx_pcap=\(place.path)/out.pcap"]
    }
    let (table, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_ports") == 2 }
      var sent = 0
      let ends = one.steps.map { $0.before - 1 } + [one.frames.count]
      for (part, end) in ends.enumerated() {
        if part > 0 { try await Self.carryOut(one.steps[part - 1], on: forwarder) }
        try await Self.send(try replay.capture(of: sent..<end), in: hosts.middle)
        sent = end
        try await running.metrics { [sent] in $0.sum("dpdkfwd_lcore_tx_packets_total") == sent }
      }
      let table = try await forwarder.stat("dump", "ct", "--json")
      try running.send(SIGTERM)
      return table
    }
    await hosts.leave()
    ended.expectClean()
    #expect(table.status == .exited(0), "\(table.errors)")
    let found = one.differences(from: try replay.observed(dump: table.output))
    #expect(found.isEmpty, "\(found)")
  }

  private static func canRun() async -> Bool {
    guard Shared.oracle != nil, getuid() == 0, let hosts = try? await Hosts() else { return false }
    await hosts.leave()
    return true
  }

  /// A cable on which the kernel says nothing.
  private static func cable(in namespace: String) async throws {
    try await Hosts.ip("-n", namespace, "link", "add", "near", "type", "veth", "peer", "name", "far")
    for end in ["near", "far"] {
      try await Hosts.ip("-n", namespace, "link", "set", end, "addrgenmode", "none", "arp", "off")
      try await Hosts.ip("-n", namespace, "link", "set", end, "up")
    }
  }

  /// Another forwarder puts the frames on the cable.
  private static func send(_ capture: URL, in namespace: String) async throws {
    let sender = try Forwarder(
      workers: 0, ["--idle-exit", "0.2", "--conntrack", "off", "--control", "off"] + Bridge.crossing,
      tool: .dpdkfwd.inside(namespace)
    ) { _ in
      ["net_pcap0,rx_pcap=\(capture.path)", "net_af_packet1,iface=far"]
    }
    try await sender.runBeside { _ in }.ended.expectClean()
  }

  private static func carryOut(_ step: OracleCase.Step, on forwarder: Forwarder) async throws {
    let command = try #require(step.command)
    let words = command.split(separator: " ").map(String.init)
    let done = try await Tool.ctl.run(["-f", forwarder.prefix] + words)
    #expect(done.status == .exited(0), "\(command): \(done.errors)")
  }
}
