import CSegment
import Foundation
import Inspection
import Primitives
import Segment
import TestSupport
import Testing

/// Lines of dpctl/dump-conntrack (interfaces.md D.1), held against what Open vSwitch 3.1 printed.
@Suite struct OpenVSwitchTextTests {
  private let plain = OpenVSwitchText(isVerbose: false, hasCounts: false)
  private let verbose = OpenVSwitchText(isVerbose: true, hasCounts: false)

  /// What D.1 lists, in its order.
  @Test func `every attribute has its place`() throws {
    var connection = try #require(
      OpenVSwitchLine.connection(
        "tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=80),reply=(src=10.0.0.2,dst=192.0.2.1,sport=80,dport=9),"
          + "zone=7,mark=17,protoinfo=(state=ESTABLISHED)"))
    connection.id = ConnectionID(rawValue: 123)
    connection.status = Connection.Status.seenReply | Connection.Status.assured | Connection.Status.confirmed
    connection.remaining = 5999
    connection.labels = Connection.Labels(low: 0xab, high: 1)
    connection.counts = (.init(packets: 1, bytes: 60), .init(packets: 2, bytes: 120))
    connection.start = 86_400 * 365
    (connection.details.scales, connection.details.flags_original) = (0x27, 1 | 2)
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ss.SSS"
    let start = formatter.string(from: Date(timeIntervalSince1970: 86_400 * 365))
    #expect(
      OpenVSwitchText(isVerbose: true, hasCounts: true).line(connection)
        == "tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=80,packets=1,bytes=60),"
        + "reply=(src=10.0.0.2,dst=192.0.2.1,sport=80,dport=9,packets=2,bytes=120),start=\(start),id=123,"
        + "zone=7,status=SEEN_REPLY|ASSURED|CONFIRMED,timeout=5,mark=17,labels=0x100000000000000ab,"
        + "protoinfo=(state_orig=ESTABLISHED,state_reply=ESTABLISHED,wscale_orig=7,wscale_reply=2,"
        + "flags_orig=WINDOW_SCALE|SACK_PERM,flags_reply=0)")
    #expect(
      plain.line(connection)
        == "tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=80),reply=(src=10.0.0.2,dst=192.0.2.1,sport=80,dport=9),"
        + "zone=7,mark=17,labels=0x100000000000000ab,protoinfo=(state=ESTABLISHED)")
    // Additions stand at the end.
    connection.reply.zone = 8
    #expect(plain.line(connection).hasSuffix(",protoinfo=(state=ESTABLISHED),zone_reply=8"))
  }

  @Test func `SCTP has one state and two tags`() throws {
    var connection = try #require(
      OpenVSwitchLine.connection(
        "sctp,orig=(src=fd00::1,dst=fd00::2,sport=1,dport=2),reply=(src=fd00::2,dst=fd00::1,sport=2,dport=1)"))
    connection.state = 4
    connection.tags = (5, 6)
    #expect(plain.line(connection).hasSuffix("dport=1),protoinfo=(state=ESTABLISHED,vtag_orig=5,vtag_reply=6)"))
  }

  // MARK: Lines that were recorded

  /// Every line of the golden results without helpers, which there are none of here, and states that netfilter's cannot
  /// be.
  @Test(.enabled(if: Shared.isThere, "needs the shared oracle"))
  func `lines of Open vSwitch's own dumps come out again`() throws {
    let folder = try #require(Shared.oracle).appending(path: "golden/ovs")
    var count = 0
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let result = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: folder.appending(path: file)))
      for line in result.packets.flatMap(\.table) where !line.contains("helper=") && !line.contains("parent=") {
        guard let connection = OpenVSwitchLine.connection(line) else { continue }
        // Of SCTP it keeps no state, nor shows one.
        guard connection.protocol != Connection.Number.sctp else { continue }
        #expect(verbose.line(connection) == line)
        count += 1
      }
    }
    #expect(count > 400)
  }

  @Test(.enabled(if: Shared.isThere, "needs the shared samples"))
  func `lines of Open vSwitch's samples come out again`() throws {
    let folder = try #require(Shared.folder).appending(path: "peers/samples")
    for name in ["ovs-ct-tcp-dpctl-dump-conntrack.txt", "ovs-nat-udp-dpctl-dump-conntrack.txt"] {
      let lines = try String(contentsOf: folder.appending(path: name), encoding: .utf8).split(separator: "\n")
        .map(String.init).filter { $0.contains(",orig=") }
      #expect(lines.count > 10)
      for line in lines {
        let connection = try #require(OpenVSwitchLine.connection(line), "\(line)")
        #expect(plain.line(connection) == line)
      }
    }
  }

  private struct Golden: Decodable {
    struct Packet: Decodable { let table: [String] }
    let packets: [Packet]
  }

  // MARK: States

  /// Beside each of netfilter's states, the pair that Open vSwitch showed most often after the same packets.
  @Test(.enabled(if: Shared.isThere, "needs the shared oracle"))
  func `states of both ends are what Open vSwitch shows after the same packets`() throws {
    let oracle = try #require(Shared.oracle)
    var seen: [String: [String: Int]] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: oracle.appending(path: "golden/ovs").path)
    where file.hasPrefix("tcp-") {
      func golden(_ folder: String) throws -> Golden? {
        let url = oracle.appending(path: "golden/\(folder)/\(file)")
        return try (try? Data(contentsOf: url)).map { try JSONDecoder().decode(Golden.self, from: $0) }
      }
      guard let kernel = try golden("kernel"), let other = try golden("ovs") else { continue }
      for (a, b) in zip(kernel.packets, other.packets) where a.table.count == 1 && b.table.count == 1 {
        let words = a.table[0].split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }).map(String.init)
        guard let state = words.first(where: { ConnectionWords.tcpStates.value(of: $0) != nil && $0 != "NONE" }),
          let pair = b.table[0].firstMatch(of: /state_orig=(\w+),state_reply=(\w+)/)
        else { continue }
        seen[state, default: [:]]["\(pair.1)/\(pair.2)", default: 0] += 1
      }
    }
    #expect(seen.count == 9)
    for (state, pairs) in seen {
      var connection = Connection()
      connection.protocol = Connection.Number.tcp
      connection.state = UInt8(try #require(ConnectionWords.tcpStates.value(of: state)))
      let (original, reply) = connection.openVSwitchStates
      let most = try #require(pairs.max { $0.value < $1.value }?.key)
      #expect("\(original.name)/\(reply.name)" == most, "\(state): \(pairs)")
    }
  }

  /// Seen of Open vSwitch 3.1: both states, and the one that it printed for them.
  @Test(arguments: [
    ("SYN_SENT", false, "SYN_SENT", "CLOSED", "SYN_SENT"), ("SYN_SENT2", false, "SYN_SENT", "SYN_SENT", "SYN_SENT"),
    ("SYN_RECV", false, "ESTABLISHED", "SYN_SENT", "ESTABLISHED"),
    ("ESTABLISHED", false, "ESTABLISHED", "ESTABLISHED", "ESTABLISHED"),
    ("FIN_WAIT", false, "CLOSING", "ESTABLISHED", "CLOSING"), ("FIN_WAIT", true, "ESTABLISHED", "CLOSING", "CLOSING"),
    ("CLOSE_WAIT", false, "FIN_WAIT_2", "ESTABLISHED", "TIME_WAIT"),
    ("CLOSE_WAIT", true, "ESTABLISHED", "FIN_WAIT_2", "TIME_WAIT"),
    ("LAST_ACK", false, "FIN_WAIT_2", "CLOSING", "TIME_WAIT"), ("LAST_ACK", true, "CLOSING", "FIN_WAIT_2", "TIME_WAIT"),
    ("TIME_WAIT", false, "FIN_WAIT_2", "FIN_WAIT_2", "TIME_WAIT"),
    ("CLOSE", true, "TIME_WAIT", "TIME_WAIT", "TIME_WAIT"),
  ])
  func `two states become one`(state: String, replyClosed: Bool, original: String, reply: String, one: String) throws {
    var connection = Connection()
    connection.protocol = Connection.Number.tcp
    connection.state = UInt8(try #require(ConnectionWords.tcpStates.value(of: state)))
    if replyClosed { connection.details.flags_reply = 1 << 2 }
    #expect(connection.openVSwitchStates.original.name == original)
    #expect(connection.openVSwitchStates.reply.name == reply)
    #expect(connection.openVSwitchState.name == one)
  }

  // MARK: Anything

  /// Scripts split lines at commas outside parentheses, and those inside at commas: nothing else may hold one.
  @Test func `a line of any connection splits into its attributes`() throws {
    var random = SeededGenerator(seed: 6)
    let order = [
      "orig", "reply", "start", "id", "zone", "status", "timeout", "mark", "labels", "protoinfo", "zone_reply",
    ]
    for _ in 0..<2000 {
      let connection = Samples.connection(&random)
      let (isVerbose, hasCounts) = (Bool.random(using: &random), Bool.random(using: &random))
      let line = OpenVSwitchText(isVerbose: isVerbose, hasCounts: hasCounts).line(connection)
      let names = OpenVSwitchLine.attributes(line).dropFirst().map(\.name)
      #expect(names == order.filter { names.contains($0) }, "\(line)")
      #expect(names.starts(with: ["orig", "reply"]))
      #expect(names.contains("id") == isVerbose && names.contains("status") == isVerbose)
      #expect(names.contains("timeout") == hasCounts)
      #expect(names.contains("zone") == (connection.original.zone != 0))
      #expect(names.contains("mark") == (connection.mark != 0))
      #expect(names.contains("labels") == !connection.labels.isEmpty)
      #expect(!line.contains(" ") && !line.contains("\n"))
    }
  }
}
