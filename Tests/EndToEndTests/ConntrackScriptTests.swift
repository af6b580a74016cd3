import Foundation
import Testing

/// A script of real usage on Linux and on ours: the same lines, messages and exit statuses (D.2, C37).
struct ConntrackScriptTests {
  @Test(.enabled("needs conntrack 1.4.7, nft, network namespaces and root", { await LinuxTable.canBe() }))
  func `conntrack's usage reads the same`() async throws {
    let linux = try await LinuxTable()
    let theirs = try await linux.play()
    await linux.leave()
    let ours = try await Self.ours()
    for (place, line) in ConntrackScript.lines.enumerated() {
      #expect(ours[place] == theirs[place], "conntrack \(line)")
    }
  }

  private static func ours() async throws -> [ConntrackScript.Step] {
    let forwarder = try Forwarder(["--duration", "600"], limit: .seconds(640)) { folder in
      try Data(ConntrackScript.labels.utf8).write(to: folder.appending(path: "labels"))
      return ["net_null0,no-rx=1", "net_null1,no-rx=1"]
    }
    let labels = forwarder.folder.appending(path: "labels").path
    let (steps, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_ports") == 2 }
      let steps = try await ConntrackScript.play(in: forwarder.folder) { words in
        let own =
          words.contains { $0 == "-l" || $0 == "labels" || $0.hasPrefix("--label") } ? ["--labelmap", labels] : []
        return try await Tool.ctl.run(["-f", forwarder.prefix, "conntrack"] + own + words)
      }
      try running.send(SIGTERM)
      return steps
    }
    ended.expectClean()
    return steps
  }
}

/// Linux's table of connections in a network namespace: with counters, and with a rule on labels, without which it has
/// no room for them.
private struct LinuxTable {
  let name = "e2e-\(UInt32.random(in: 0...UInt32.max))-ct"
  let folder: URL

  static func canBe() async -> Bool {
    let version = try? await Tool(name: "conntrack").run(["-V"])
    guard getuid() == 0, version?.output.contains("v1.4.7") ?? false, let table = try? await LinuxTable() else {
      return false
    }
    await table.leave()
    return true
  }

  init() async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: name, directoryHint: .isDirectory)
    let labels = folder.appending(path: "etc/xtables", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: labels, withIntermediateDirectories: true)
    try Data(ConntrackScript.labels.utf8).write(to: labels.appending(path: "connlabel.conf"))
    try await Hosts.ip("netns", "add", name)
    let rules =
      "add table inet t; add chain inet t c { type filter hook output priority 0; }; "
      + "add rule inet t c ct label set 1"
    for (tool, words) in [("nft", [rules]), ("sysctl", ["-q", "-w", "net.netfilter.nf_conntrack_acct=1"])] {
      let ended = try await Tool(name: tool).inside(name).run(words)
      guard ended.status == .exited(0) else { throw Complaint("\(tool): \(ended.errors)") }
    }
  }

  func leave() async {
    try? await Hosts.ip("netns", "delete", name)
    try? FileManager.default.removeItem(at: folder)
  }

  /// With names of labels where the tool looks for them.
  func play() async throws -> [ConntrackScript.Step] {
    let script = "mount --bind \(folder.path)/etc /etc && exec conntrack \"$@\""
    return try await ConntrackScript.play(in: folder) { words in
      try await Tool(name: "unshare").inside(name).run(["--mount", "bash", "-c", script, "conntrack"] + words)
    }
  }
}
