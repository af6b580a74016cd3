import Inspection
import JSONText
import Segment
import Testing

@testable import dpdkfwd_ctl

/// What words come to mean. That the wrong ones are refused as conntrack(8) does is for `DifferentialTests`.
struct ParserTests {
  private func parse(_ line: String, labels: String = "") throws -> ConntrackCommand {
    let words = line.split(separator: " ").map(String.init)
    return try ConntrackParser.parse(words, labels: LabelMap(labels), protocols: ProtocolNames("tcp 6 TCP\n")) { _ in }
  }

  private func filter(_ line: String, labels: String = "") throws -> String {
    Selection(try parse(line, labels: labels).values).filter.json.line
  }

  @Test(arguments: [
    ("-L", "{}"),
    ("-L -f ipv6", #"{"l3": "ipv6"}"#),
    ("-L -s 10.0.0.1", #"{"l3": "ipv4", "orig": {"src": "10.0.0.1"}}"#),
    ("-L -s 10.1.2.3/8 -d 10.0.0.2", #"{"l3": "ipv4", "orig": {"src": "10.0.0.0/8", "dst": "10.0.0.2"}}"#),
    ("-L -s 10.1.2.3 --mask-src 255.255.0.0", #"{"l3": "ipv4", "orig": {"src": "10.1.0.0/16"}}"#),
    ("-L -d 2001:db8::1:2/112", #"{"l3": "ipv6", "orig": {"dst": "2001:db8::1:0/112"}}"#),
    ("-L -r 10.0.0.2 -q 10.0.0.1", #"{"l3": "ipv4", "reply": {"src": "10.0.0.2", "dst": "10.0.0.1"}}"#),
    ("-D -p tcp --sport 80 --reply-port-dst 81", #"{"l4": "tcp", "orig": {"sport": 80}, "reply": {"dport": 81}}"#),
    ("-L -p 99", #"{"l4": "99"}"#),
    ("-L -p icmp --icmp-type 8 --icmp-id 7", #"{"l4": "icmp", "orig": {"id": 7, "type": 8}}"#),
    ("-L -p icmpv6 --icmpv6-code 3", #"{"l4": "icmpv6", "orig": {"code": 3}}"#),
    ("-L -p gre --srckey 0x10 --reply-key-src 020", #"{"l4": "gre", "orig": {"srckey": 16}, "reply": {"srckey": 16}}"#),
    ("-L -p tcp --state LISTEN", #"{"l4": "tcp", "state": "SYN_SENT2"}"#),
    ("-L -p sctp --orig-vtag 5 --reply-vtag 0x6", #"{"l4": "sctp", "vtag_orig": 5, "vtag_reply": 6}"#),
    ("-L -m 0x10/0xf0", #"{"mark": "16/240"}"#),
    ("-L -m 010", #"{"mark": 8}"#),
    ("-L -u ASSURED,SEEN_REPLY", #"{"status": ["SEEN_REPLY", "ASSURED"]}"#),
    ("-D -u UNSET", "{}"),
    ("-L -w 7", #"{"orig_zone": 7, "reply_zone": 7}"#),
    ("-L --orig-zone 3", #"{"orig_zone": 3}"#),
    ("-L -w 7 --reply-zone 0", #"{"orig_zone": 7, "reply_zone": 0}"#),
    ("-D -i 268435457", #"{"id": 268435457}"#),
    ("-L --id 0x10", #"{"id": 16}"#),
    ("-L -l web,5", #"{"labels": [3, 5]}"#),
    ("-L -l web -l 127", #"{"labels": [3, 127]}"#),
    ("-L -t", "refused"),
  ])
  func `conditions reach the forwarder's filter`(line: String, expected: String) throws {
    guard expected != "refused" else {
      #expect(throws: ConntrackFailure.self) { try filter(line) }
      return
    }
    #expect(try filter(line, labels: "3 web\n") == expected)
  }

  @Test func `what -U says of attributes is a change and no condition`() throws {
    let line = "-U -s 10.0.0.1 -p tcp --dport 80 -l web -m 0xf0/0x0f -t 30 -u ASSURED --state CLOSE --label-add 5"
    let values = try parse(line, labels: "3 web\n").values
    #expect(
      Selection(values, changes: true).filter.json.line
        == #"{"l3": "ipv4", "l4": "tcp", "orig": {"src": "10.0.0.1", "dport": 80}, "labels": [3]}"#)
    #expect(
      try values.change()?.json.line
        == #"{"status": ["ASSURED"], "timeout_ms": 30000, "mark": "240/15", "labels": {"add": [5], "delete": []}, "#
        + #""tcp": {"state": "CLOSE"}}"#)
    #expect(try parse("-U -s 10.0.0.1").values.change() == nil)
    #expect(
      try parse("-U -p sctp --orig-vtag 1 --reply-vtag 2").values.change()?.json.line
        == #"{"sctp": {"vtag_orig": 1, "vtag_reply": 2}}"#)
  }

  @Test func `labels are deleted by name, or all of them`() throws {
    let some = try parse("-U --label-del web", labels: "3 web\n").values.change()
    #expect(some?.json.line == #"{"labels": {"add": [], "delete": [3]}}"#)
    let all = try parse("-U --label-del").values.change()
    #expect(all?.json.line == #"{"labels": "00000000000000000000000000000000"}"#)
  }

  @Test(arguments: [
    (
      "-I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1 --dport 2 -t 9",
      "udp      17 9 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1"
    ),
    (
      "-I -r 10.0.0.2 -q 10.0.0.1 -p udp --reply-port-src 2 --reply-port-dst 1 -t 9",
      "udp      17 9 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1"
    ),
    (
      "-I -s 10.0.0.1 -d 10.0.0.2 -p udp --reply-port-src 2 --reply-port-dst 1 -t 9",
      "udp      17 9 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1"
    ),
    (
      "-A -s ::1 -d ::2 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 3 -t 9 -u SEEN_REPLY",
      "icmpv6   58 9 src=::1 dst=::2 type=128 code=0 id=3 src=::2 dst=::1 type=129 code=0 id=3"
    ),
    (
      "-A -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1 --dport 2 -t 9 --state LISTEN -u ASSURED,SEEN_REPLY",
      "tcp      6 9 SYN_SENT2 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1"
    ),
    (
      "-A -s 10.0.0.1 -d 10.0.0.2 -p 99 -t 9 --orig-zone 4",
      "unknown  99 9 src=10.0.0.1 dst=10.0.0.2 zone-orig=4 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1"
    ),
    (
      "-A -s 10.0.0.1 -d 10.0.0.2 -p gre --srckey 1 --dstkey 0x2 -t 9 -w 4",
      "gre      47 9 src=10.0.0.1 dst=10.0.0.2 srckey=0x1 dstkey=0x2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x2 "
        + "dstkey=0x1"
    ),
  ])
  func `a direction that is not described follows from the other`(line: String, expected: String) throws {
    let entry = try parse(line).values.entry()
    let shown = ConnectionText([]).line(entry).replacing("packets=0 bytes=0 ", with: "")
    #expect(shown.hasPrefix(expected), "\(shown)")
  }

  @Test func `an entry of TCP enforces no windows that nobody knows`() throws {
    let line = "-I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1 --dport 2 -t 9 --state ESTABLISHED"
    let json = ConnectionJSON().object(try parse(line).values.entry())
    let flags = json["tcp"]?["flags_orig"]?.line
    #expect(flags == #"["SACK_PERM", "BE_LIBERAL"]"#)
    #expect(json["tcp"]?["flags_reply"]?.line == flags)
  }

  /// conntrack(8) takes the number that a text begins with, or 0: `-D -m foo` deletes what has no mark.
  @Test(arguments: [
    "-D -m foo", "-D -m 5foo", "-D -m 1/", "-D -m -1", "-D -m 4294967296", "-D -m 09", "-L -w 65536", "-L -w x",
    "-L -p tcp --sport http", "-L -p tcp --sport 65536", "-L -p tcp --sport +1", "-U -t 1s",
    "-L -p icmp --icmp-type echo",
    "-L -p gre --srckey 0xg", "-D -i x", "-E -b much", "-L -s 10.1",
  ])
  func `a number that is none is refused`(line: String) {
    #expect {
      try parse(line)
    } throws: { error in
      let failure = error as? ConntrackFailure
      return failure?.status == 2
        && (failure?.text.hasPrefix("Bad parameter") ?? false || failure?.text == "Invalid IP address `10.1'")
    }
  }

  @Test func `masks that are no prefixes are looked at here`() throws {
    let selection = Selection(try parse("-L -s 10.1.2.3 --mask-src 255.0.255.0").values)
    #expect(!selection.isPlain)
    func takes(_ source: String) throws -> Bool {
      selection.takes(try parse("-I -s \(source) -d 1.1.1.1 -p 99 -t 9").values.entry())
    }
    #expect(try takes("10.9.2.9"))
    #expect(try !takes("10.9.3.9"))
    #expect(try !takes("11.9.2.9"))
  }

  @Test(arguments: [
    ("-L -n", [false, true, false]), ("-L -g", [false, false, true]), ("-L -j", [false, true, true]),
    ("-L -n 10.9.9.9", [false, true, false]), ("-L -n 10.9.9.8", [false, false, false]),
    ("-L -g 10.8.8.8", [false, false, true]), ("-L -j 10.8.8.8", [false, false, true]),
    ("-L -n -g", [false, false, false]), ("-L", [true, true, true]),
  ])
  func `translated connections are told from others`(line: String, expected: [Bool]) throws {
    let selection = Selection(try parse(line).values)
    let start = "-I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1 --dport 2 -t 9"
    let lines = [start, start + " -r 10.0.0.2 -q 10.9.9.9", start + " -r 10.8.8.8 -q 10.0.0.1"]
    #expect(try lines.map { selection.takes(try parse($0).values.entry()) } == expected)
  }

  @Test func `own options are read where they stand`() throws {
    let command = try parse("-E --reliable --no-repair --delta -e NEW,REFRESH -o json,id")
    #expect(command.isReliable && !command.repairs)
    #expect(command.style == .delta)
    #expect(command.events == [.new, .refresh])
    #expect(command.output == [.json, .id])
    #expect(try parse("-E --self-contained").style == .selfContained)
  }

  @Test func `a label map names bits once`() throws {
    let map = LabelMap("# comment\n0\tzero\n1 one\n1 uno\n 5  five extra \n7\n128 much\nx bad\n")
    #expect(map.names == [0: "zero", 1: "one", 5: "five extra"])
    #expect(try map.labels("zero,five extra,7").bits == [0, 5, 7])
    #expect(throws: ConntrackFailure.parameters("unknown label 'uno'")) { try map.labels("one,uno") }
    #expect(throws: ConntrackFailure.parameters("unknown label '128'")) { try map.labels("128") }
  }

  @Test func `the table of what goes with what has a cell for each`() {
    for table in [ConntrackTable.conntrack, .expect] {
      for action in ConntrackAction.allCases where table == .conntrack || ![.add, .update].contains(action) {
        let row = ConntrackOption.allCases.map { Legality.of($0, with: action, on: table) }
        #expect(row.count == 28)
        // Without its row all would be refused, as for these.
        let refusesAll: Set<ConntrackAction> =
          table == .conntrack ? [.count, .statistics, .version] : [.count, .statistics, .version, .flush]
        #expect(row.allSatisfy { $0 == .refused } == refusesAll.contains(action), "\(action)")
      }
    }
  }

  @Test(arguments: [
    (["-f", "p", "conntrack", "-L", "-f", "ipv6"], ["-f", "p", "conntrack", "--", "-L", "-f", "ipv6"]),
    (["--root=/x", "conntrack"], ["--root=/x", "conntrack", "--"]),
    (["--root", "conntrack", "conntrack", "-h"], ["--root", "conntrack", "conntrack", "--", "-h"]),
    (["--help"], ["--help"]), (["sync", "conntrack"], ["sync", "conntrack"]), (["-f"], ["-f"]), ([], []),
  ])
  func `what follows conntrack is its own`(words: [String], expected: [String]) {
    #expect(DpdkfwdCtl.fenced(words) == expected)
  }
}
