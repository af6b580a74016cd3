import Foundation
import Rules
import Testing

@testable import Context

@Suite struct `The rule files of Config` {
  private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Config/rules")

  private static let ports = [
    "stateful.nft": ["inside", "outside"], "offload.nft": ["eth0", "eth1"], "zones.nft": ["tenants", "core"],
    "limits.nft": ["port0", "port1"],
  ]

  @Test func `each is tested`() throws {
    #expect(Set(try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)) == Set(Self.ports.keys))
  }

  @Test(arguments: ports.keys.sorted()) func `each loads, and what it lists loads again`(name: String) throws {
    let bench = try KeeperBench { $0.ports = Self.ports[name]! }
    let texts = try RuleTexts.read(Self.folder.appendingPathComponent(name).path)
    bench.carryOut(try bench.keeper.load(texts, at: bench.now))
    let listed = try bench.list(stateless: true)
    #expect(!listed.isEmpty)
    let again = try KeeperBench { $0.ports = Self.ports[name]! }
    try again.load(listed)
    #expect(try again.list(stateless: true) == listed)
  }

  @Test(arguments: [
    ("iif inside tcp dport 25 ct state new", "accept"), ("iif outside ip daddr 192.0.2.10 tcp dport 443", "accept"),
    ("iif outside ip daddr 192.0.2.10 tcp dport 22", "drop"),
    ("iif outside tcp dport 22 ct state established", "accept"),
    ("iif inside tcp dport 22 ct state invalid", "drop"),
  ]) func `the stateful one does what it says`(words: String, decision: String) throws {
    let bench = try KeeperBench { $0.ports = Self.ports["stateful.nft"]! }
    let texts = try RuleTexts.read(Self.folder.appendingPathComponent("stateful.nft").path)
    bench.carryOut(try bench.keeper.load(texts, at: bench.now))
    #expect(try bench.keeper.explain(words, at: bench.now).decision == decision)
  }

  /// A worker's share is small enough for any machine that runs one.
  @Test(arguments: [1, 16]) func `the one with limits takes little memory`(workers: Int) throws {
    let bench = try KeeperBench(workers: workers) { $0.ports = Self.ports["limits.nft"]! }
    let texts = try RuleTexts.read(Self.folder.appendingPathComponent("limits.nft").path)
    bench.carryOut(try bench.keeper.load(texts, at: bench.now))
    #expect(bench.keeper.states.setBytes < (workers + 1) * 40 << 20)
  }

  @Test func `a file that is not there is named`() {
    #expect(throws: RuleFailure.self) { try RuleTexts.read("/nonexistent/rules.nft") }
  }
}
