import Foundation
import JSONText
import Segment
import Testing

@testable import dpdkfwd_ctl

/// `-R`: files of command lines.
struct RestorationTests {
  private let forwarder = FakeForwarder()

  private func restore(_ text: String) async throws -> Told {
    let file = FileManager.default.temporaryDirectory.appending(path: "restore-\(UUID())").path
    try Data(text.utf8).write(to: URL(filePath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    var told = await forwarder.run(["-R", file])
    told.error = told.error.replacing(file, with: "FILE")
    return told
  }

  private func line(_ command: String, _ port: Int) -> String {
    "\(command) -s 10.0.0.1 -d 10.0.0.2 -p udp --sport \(port) --dport 2 -t 100"
  }

  @Test func `what was saved is restored`() async throws {
    for line in [
      "-I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1 --dport 80 -t 100 --state ESTABLISHED -u ASSURED,SEEN_REPLY",
      "-I -s 10.0.0.1 -d 10.0.0.3 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7 -t 100 -w 7",
      "-I -s 10.0.0.1 -d 10.0.0.3 -p gre --srckey 1 --dstkey 2 -t 100",
      "-I -s 10.0.0.1 -d 10.0.0.3 -p 99 -t 100",
      "-I -s ::1 -d ::2 -p sctp --sport 1 --dport 2 -t 100 --state CLOSED --orig-vtag 5 --reply-vtag 6",
      "-I -s ::1 -d ::2 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 7 -t 100",
    ] { #expect(await forwarder.run(line).status == 0) }
    let saved = await forwarder.run("-L -o save").out
    _ = await forwarder.run("-F")
    #expect(try await restore(saved) == Told(status: 0, out: "", error: ""))
    #expect(await forwarder.run("-L -o save").out == saved)
    #expect(forwarder.connections.count == 6)
    // -A is idempotent.
    #expect(try await restore(saved) == Told(status: 0, out: "", error: ""))
  }

  @Test func `comments, empty lines and the tool's name do no harm`() async throws {
    let text =
      "# saved\n\n  \(line("-A", 1))\nconntrack \(line("-A", 2))\n#\(line("-A", 3))\n\(line("-A", 4)) # more\r\n\n"
    #expect(try await restore(text).status == 0)
    #expect(forwarder.connections.map(\.original.sourcePort) == [1, 2, 4])
  }

  /// A carriage return and a line feed are one character.
  @Test func `lines may end as elsewhere`() async throws {
    #expect(
      try await restore("\(line("-A", 1))\r\n# no\r\n\r\n\(line("-A", 2))\r\n") == Told(status: 0, out: "", error: ""))
    #expect(forwarder.connections.map(\.original.sourcePort) == [1, 2])
    #expect(LabelMap("3 web\r\n4 mail server\r\n").names == [3: "web", 4: "mail server"])
    #expect(try ProtocolNames("udp 17\r\nesp 50 IPSEC-ESP\r\nah 51\r\n").number(of: "IPSEC-ESP") == 50)
  }

  @Test func `lines of different ports go in different requests`() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "restore-\(UUID())").path
    try Data("\(line("-A", 1))\n\(line("-A", 2))\n\(line("-A", 3)) --port eth2\n".utf8).write(to: URL(filePath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    #expect(await forwarder.run(["-R", file, "--port", "1"]).status == 0)
    #expect(forwarder.calls.map { $0.parameters["port"] } == [.text("1"), .text("eth2")])
    #expect(forwarder.connections.count == 3)
  }

  @Test func `nothing is done when a line is wrong, and the line is named`() async throws {
    let told = try await restore("\(line("-A", 1))\n-A -s foo\n")
    #expect(told.status == 2)
    #expect(told.message == "Invalid IP address `foo'")
    #expect(told.error.hasPrefix("FILE:2: -A -s foo\n"))
    #expect(forwarder.connections.isEmpty)
    #expect(forwarder.calls.isEmpty)
  }

  @Test(arguments: [
    ("-L", "-L"), ("-C", "-C"), ("-S", "-S"), ("-E", "-E"), ("-V", "-V"), ("-h", "-h"), ("foo", "unknown"),
    ("-G -s 1.1.1.1 -d 2.2.2.2 -p 99", "-G"), ("conntrack -L", "-L"),
  ])
  func `what only looks is not for files`(line: String, name: String) async throws {
    let told = try await restore(line)
    #expect(told.status == 2)
    #expect(told.message == "Cannot use command `\(name)' with --load-file")
  }

  @Test func `lines are carried out in order, until one fails`() async throws {
    let text = """
      \(line("-A", 1))
      \(line("-A", 2))
      -U -s 10.0.0.1 -m 5
      \(line("-I", 3))
      -D -p udp --sport 1
      -D -p udp --sport 77
      \(line("-I", 3))
      \(line("-I", 4))
      """
    let told = try await restore(text)
    #expect(told.status == 1)
    #expect(told.message == "Operation failed: Such conntrack exists, try -U to update")
    #expect(told.error.contains("FILE:7: -I "))
    #expect(forwarder.connections.map(\.original.sourcePort) == [2, 3])
    #expect(forwarder.connections.map(\.mark) == [5, 0])
    // What was changed and deleted is shown; there are no trailers.
    #expect(told.out.split(separator: "\n").count == 3)
    #expect(!told.error.contains("have been"))
  }

  @Test func `five hundred at a time`() async throws {
    let text = (1...1200).map { line("-A", $0) }.joined(separator: "\n")
    #expect(try await restore(text).status == 0)
    let sizes = forwarder.calls.map { $0.parameters["operations"]?.asArray?.count ?? 0 }
    #expect(sizes == [500, 500, 200])
    #expect(forwarder.connections.count == 1200)
  }

  @Test func `a flush among them says so`() async throws {
    let told = try await restore("\(line("-A", 1))\n-F\n\(line("-A", 2))\n")
    #expect(told.message == "connection tracking table has been emptied.")
    #expect(forwarder.connections.map(\.original.sourcePort) == [2])
  }

  @Test func `a file that is not there is a bad parameter`() async {
    let told = await forwarder.run(["-R", "/nonexistent"])
    #expect(told.status == 2)
    #expect(told.message == "Failed to open file /nonexistent for reading")
  }

  @Test func `double quotes protect spaces`() {
    #expect(Restoration.words("a \"b c\"\td\"e f\" \"\"  g") == ["a", "b c", "de f", "", "g"])
  }
}
