import Foundation
import OracleSupport
import TestSupport
import Testing

/// What Linux did with small captures, and what the real forwarder does with them: the verdict of each packet, and the
/// connections at the end.
struct OracleTests {
  @Test(.enabled(if: Shared.isThere), arguments: OracleTests.cases)
  func `the forwarder does as Linux did`(_ one: OracleCase) async throws {
    let accepted = try AcceptedDifferences(contentsOf: AcceptedDifferences.file)
    let folder = FileManager.default.temporaryDirectory.appending(path: "e2e-oracle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let replay = try Replay(one, in: folder)
    let forwarder = try Forwarder(workers: 0, replay.options) { _ in replay.vdevs }
    try await forwarder.run().expectClean("\(one)")
    let dump = try await forwarder.stat("dump", "ct", "--json")
    #expect(dump.status == .exited(0), "\(dump.errors)")
    let found = one.differences(from: try replay.observed(dump: dump.output))
    for difference in found where accepted.reason(for: difference) == nil { Issue.record("\(one): \(difference)") }
  }

  /// One of each protocol, and all that differ on purpose; `Scripts/oracle` plays every case.
  static let cases: [OracleCase] = {
    guard let folder = Shared.oracle?.appending(path: "cases") else { return [] }
    let names = [
      "tcp-38-half-close", "tcp-40-fin-retransmit", "tcp-47-ipv6", "tcp-25-bad-checksum-ignored", "udp-02-reply",
      "udp-06-ipv6", "icmp-06-mid-router-errors", "icmp6-01-echo", "icmp6-04-nd-untracked", "sctp-12-stale-init",
      "gre-02-pptp-v1", "gen-01-esp-ospf", "ip-01-bad-header-checksum", "ip-06-hop-limit",
      // With rules.
      "tcp-51-drop-before-confirm", "mark-01-set-once", "mark-04-labels", "mark-05-related-inherits",
      "lim-01-connlimit", "tmo-01-policy", "zone-03-overlap",
    ]
    // Of fragments all that need no translation.
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let fragments = all.filter { $0.hasPrefix("frag") && $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    return (names + fragments).map { name in
      do { return try OracleCase(contentsOf: folder.appending(path: "\(name).json")) } catch {
        preconditionFailure("\(error)")
      }
    }.filter { Replay.needs($0) == nil }
  }()
}
