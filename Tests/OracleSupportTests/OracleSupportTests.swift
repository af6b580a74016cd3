import Foundation
import TestSupport
import Testing

@testable import OracleSupport

/// A case with its golden result in a folder that goes with it.
private final class Folder {
  let url = FileManager.default.temporaryDirectory.appending(path: "oracle-support-\(UUID().uuidString)")

  init(case written: String, golden: String, frames: Int = 1) throws {
    for folder in ["cases", "golden/kernel"] {
      try FileManager.default.createDirectory(at: url.appending(path: folder), withIntermediateDirectories: true)
    }
    let question = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").udp(from: 1000, to: 53).frame()
    try Capture(frames: Array(repeating: question, count: frames)).write(to: url.appending(path: "cases/one.pcap"))
    try Data(written.utf8).write(to: url.appending(path: "cases/one.json"))
    try Data(golden.utf8).write(to: url.appending(path: "golden/kernel/one.json"))
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func load(_ path: String = "cases/one.json") throws -> OracleCase {
    try OracleCase(contentsOf: url.appending(path: path))
  }

  static let written = #"{"name": "one", "pcap": "one.pcap", "sysctl": {"net.netfilter.nf_conntrack_tcp_loose": 0}}"#
  static let golden = """
    {"packets": [{"in": "client", "class": "new_o", "verdict": "forward",
       "events": ["NEW udp 10.0.1.10:1000>10.0.2.20:53 | 10.0.2.20:53>10.0.1.10:1000 [] timer=udp"],
       "table": ["udp 10.0.1.10:1000>10.0.2.20:53 | 10.0.2.20:53>10.0.1.10:1000 [] pkts=1/0 bytes=28/0 timer=udp"]}],
     "final_table": [{"orig": {"src": "10.0.1.10", "dst": "10.0.2.20", "proto": 17, "sport": 1000, "dport": 53},
       "reply": {"src": "10.0.2.20", "dst": "10.0.1.10", "proto": 17, "sport": 53, "dport": 1000},
       "status": ["CONFIRMED"], "mark": 0, "timeout": 10999,
       "count_orig": {"packets": 1, "bytes": 28}, "count_reply": {"packets": 0, "bytes": 0}}]}
    """
}

struct OracleSupportTests {
  @Test func `a case and its golden result name each other`() throws {
    let folder = try Folder(case: Folder.written, golden: Folder.golden)
    for path in ["cases/one.json", "golden/kernel/one.json"] {
      let one = try folder.load(path)
      #expect(one.name == "one" && one.frames.count == 1 && one.needs == nil)
      #expect(one.golden.finalTable.map(\.line) == one.golden.packets[0].table)
    }
  }

  @Test(arguments: [
    (#"{"pcap": "one.pcap"}"#, Folder.golden, "cases/one.json: key name is missing"),
    (#"{"name": 7, "pcap": "one.pcap"}"#, Folder.golden, "cases/one.json: key name is no String"),
    ("{", Folder.golden, "cases/one.json: is no JSON"),
    (#"{"name": "one", "pcap": "none.pcap"}"#, Folder.golden, "none.pcap: does not read as a capture"),
    (Folder.written, #"{"packets": [{"in": "client"}], "final_table": []}"#, "key packets[0].class is missing"),
    (Folder.written, #"{"packets": [], "final_table": []}"#, "holds 1 frames, but key packets of the golden result 0"),
  ])
  func `what is wrong with a file is said with its name and the key`(
    written: String, golden: String, said: String
  ) throws {
    let folder = try Folder(case: written, golden: golden)
    let error = #expect(throws: InputError.self) { try folder.load() }
    #expect(error?.description.contains(said) == true, "\(error?.description ?? "")")
  }

  @Test func `switches and timeouts become settings`() throws {
    let settings = try Folder(case: Folder.written, golden: Folder.golden).load().settings()
    let lines = settings.split(separator: "\n")
    #expect(lines.contains("tcp-loose = false") && lines.contains("checksum = true"))
    #expect(lines.contains("udp-timeout-stream = 11100") && lines.contains("tcp-timeout-established = 20000"))
    let unknown = #"{"name": "one", "pcap": "one.pcap", "sysctl": {"net/ipv4/ip_forward": "1"}}"#
    let one = try Folder(case: unknown, golden: Folder.golden).load()
    let error = #expect(throws: InputError.self) { try one.settings() }
    #expect(error?.description.contains("sysctl.net/ipv4/ip_forward") == true)
  }

  @Test func `a frame that comes out says which it was`() throws {
    let golden =
      #"{"packets": [\#(Array(repeating: Self.packet, count: 3).joined(separator: ","))], "final_table": []}"#
    let folder = try Folder(case: Folder.written, golden: golden, frames: 3)
    let one = try folder.load()
    let replay = try Replay(one, in: folder.url)
    var crossed = try Capture(contentsOf: folder.url.appending(path: "in.pcap"))
    crossed.packets.remove(at: 1)
    try crossed.write(to: folder.url.appending(path: "out.pcap"))
    let observed = try replay.observed(dump: "")
    #expect(observed.isForwarded == [true, false, true])
    let found = one.differences(from: observed)
    #expect(found.map(\.field) == [.verdict] && found.map(\.packet) == [2])
  }
  private static let packet = #"{"in": "client", "class": "new_o", "verdict": "forward", "table": [], "events": []}"#

  @Test func `a difference is accepted by case and field`() throws {
    let file = URL(filePath: "/list")
    let accepted = try AcceptedDifferences("# text\n\none verdict a bridge\ntwo * settled so\n", of: file)
    func difference(_ name: String, _ field: Difference.Field) -> Difference {
      Difference(name: name, field: field, packet: 1, kernel: "", ours: " ")
    }
    #expect(accepted.reason(for: difference("one", .verdict)) == "a bridge")
    #expect(accepted.reason(for: difference("one", .table)) == nil)
    #expect(accepted.reason(for: difference("two", .table)) == "settled so")
    #expect(accepted.idle(for: "two", [], fields: [.table]).map(\.number) == [4])
    #expect(accepted.idle(for: "two", [difference("two", .class)], fields: [.class]).isEmpty)
    for wrong in ["one verdict", "one verdicts a bridge"] {
      #expect(throws: InputError.self) { try AcceptedDifferences(wrong, of: file) }
    }
  }

  @Test func `the list of accepted differences reads`() throws {
    #expect(try !AcceptedDifferences(contentsOf: AcceptedDifferences.file).lines.isEmpty)
  }

  /// Our line for an entry is the oracle's, for every entry that it kept.
  @Test(.enabled(if: Shared.isThere))
  func `entries read as the oracle wrote them`() throws {
    let folder = Shared.oracle!.appending(path: "cases")
    var entries = 0
    for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    where file.pathExtension == "json" {
      let one = try OracleCase(contentsOf: file)
      guard one.needs == nil, let last = one.golden.packets.last else { continue }
      #expect(one.golden.finalTable.map(\.line).sorted() == last.table.sorted(), "\(one)")
      entries += one.golden.finalTable.count
    }
    #expect(entries > 100)
  }
}
