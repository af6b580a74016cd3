import Foundation
import Testing

/// Must show: iperf3 and curl between namespaces through the real binary, with `dpdkfwd-stat` beside.
///
/// What is tried is in `Scripts/lab`, for people and for this test; its short form installs and builds nothing.
@Suite(.serialized) struct LabTests {
  private static let script = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Scripts/lab")

  private static func lab(_ words: String...) async throws -> Ended {
    let bash = Tool(name: "bash", words: [script.path], environment: ["DPDKFWD_BIN_DIR": Tool.folder])
    return try await bash.run(words, limit: .seconds(240))
  }

  /// Whether this host has root, the tools and the kernel for it; says what it lacks.
  private static func canRun() async throws -> Bool {
    let ended = try await lab("--check")
    if ended.status != .exited(0) { print("LabTests are skipped: \(ended.errors)") }
    return ended.status == .exited(0)
  }

  @Test(
    .enabled("Scripts/lab --check says what is missing") { try await canRun() },
    arguments: ["net_af_packet", "net_tap"])
  func `ping, curl and iperf3 cross, a link goes and comes, and every packet is accounted for`(port: String)
    async throws
  {
    let ended = try await Self.lab("--short", port)
    #expect(ended.status == .exited(0), "\(ended.output)\(ended.errors)")
    let tried = [
      "ping, IPv4, 8000 bytes in fragments", "curl, IPv6", "iperf3, TCP from right to left", "show drops", "link_down",
    ]
    for words in tried { #expect(ended.output.contains(words), "\(words)\n\(ended.output)\(ended.errors)") }
    #expect(try #require(ended.balance).holds)
    #expect(try #require(ended.balance).received > 10_000)
  }
}
