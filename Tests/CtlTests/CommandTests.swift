import ControlClient
import ControlProtocol
import Inspection
import JSONText
import Segment
import Synchronization
import Testing

@testable import dpdkfwd_ctl

/// Commands carried out, on a forwarder that is played.
struct CommandTests {
  private let forwarder = FakeForwarder()

  private static let created = "1 flow entries have been created."

  private func fill() async {
    for line in [
      "-I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -t 100 --state ESTABLISHED -u ASSURED,SEEN_REPLY -m 5",
      "-I -s 10.0.0.1 -d 10.0.0.3 -p udp --sport 1000 --dport 53 -t 100 -w 7",
      "-I -s 2001:db8::1 -d 2001:db8::2 -p udp --sport 1 --dport 2 -t 100 -u SEEN_REPLY",
    ] { #expect(await forwarder.run(line).message == Self.created) }
  }

  private static let tcp =
    "tcp      6 100 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 packets=0 bytes=0 src=10.0.0.2 "
    + "dst=10.0.0.1 sport=80 dport=1000 packets=0 bytes=0 [ASSURED] mark=5 use=1\n"
  private static let udp =
    "udp      17 100 src=10.0.0.1 dst=10.0.0.3 sport=1000 dport=53 packets=0 bytes=0 [UNREPLIED] src=10.0.0.3 "
    + "dst=10.0.0.1 sport=53 dport=1000 packets=0 bytes=0 mark=0 zone=7 use=1\n"

  // MARK: Behaviours that upstream's own tests have (D.2, C37)

  @Test func `creating twice fails with -I and is no failure with -A, which leaves what is there`() async {
    let line = "-s 1.1.1.1 -d 2.2.2.2 -p tcp --sport 10 --dport 20 --state LISTEN -u SEEN_REPLY -t 50"
    #expect(await forwarder.run("-I \(line)").message == Self.created)
    let again = await forwarder.run("-I \(line)")
    #expect(again.status == 1)
    #expect(again.message == "Operation failed: Such conntrack exists, try -U to update")
    let added = await forwarder.run("-A \(line) -m 9")
    #expect(added.status == 0)
    #expect(added.message == "0 flow entries have been added.")
    #expect(forwarder.connections.map(\.mark) == [0])
    #expect(await forwarder.run("-A -s 1.1.1.9 -d 2.2.2.2 -p 99 -t 5").message == "1 flow entries have been added.")
  }

  @Test(arguments: [
    "-s 1.1.1.1", "-d 2.2.2.2", "-p tcp --sport 10 --dport 20 --state LISTEN", "--sport 10",
    "--dport 20", "--state LISTEN", "-t 50",
  ])
  func `creating without a part fails`(part: String) async {
    let whole = "-I -s 1.1.1.1 -d 2.2.2.2 -p tcp --sport 10 --dport 20 --state LISTEN -t 50"
    let told = await forwarder.run(whole.replacing(part, with: ""))
    #expect(told.status == 2)
    #expect(
      told.error.hasSuffix("Try `dpdkfwd-ctl conntrack -h' or 'dpdkfwd-ctl conntrack --help' for more information.\n"))
    #expect(forwarder.connections.isEmpty)
  }

  @Test func `deleting what is not there fails`() async {
    await fill()
    let told = await forwarder.run("-D -s 9.9.9.9")
    #expect(told.status == 1)
    #expect(told.message == "0 flow entries have been deleted.")
  }

  @Test(arguments: [
    "-I -s ::1 -d 2.2.2.2 -p tcp --sport 1 --dport 2 --state LISTEN -t 5", "-L -s 1.1.1.1 -d ::1", "-D -f ipv4 -s ::1",
  ])
  func `families do not mix`(line: String) async {
    let told = await forwarder.run(line)
    #expect(told.status == 2)
    #expect(told.message == "mismatched address family")
  }

  @Test func `unknown protocols go by number`() async {
    #expect(await forwarder.run("-I -s 1.1.1.1 -d 2.2.2.2 -p 200 -t 50").status == 0)
    #expect(await forwarder.run("-G -s 1.1.1.1 -d 2.2.2.2 -p 200").out.hasPrefix("unknown  200 50 src=1.1.1.1 "))
    #expect(await forwarder.run("-D -p 200").status == 0)
    #expect(await forwarder.run("-I -s 1.1.1.1 -d 2.2.2.2 -p 256 -t 50").status == 2)
  }

  // MARK: Looking

  @Test func `lists what matches, and says how much it was`() async {
    await fill()
    let told = await forwarder.run("-L -f ipv4")
    #expect(told == Told(status: 0, out: Self.tcp + Self.udp, error: Self.trailer("2 flow entries have been shown.")))
    #expect(await forwarder.run("-L -m 4/4").out == Self.tcp)
    #expect(await forwarder.run("-L -s 10.0.0.0/24 -p udp").out == Self.udp)
    #expect(await forwarder.run("-L -n").message == "0 flow entries have been shown.")
    #expect(await forwarder.run("-L dying").message == "0 flow entries have been shown.")
    #expect(await forwarder.run("-L -p dccp --state OPEN").message == "0 flow entries have been shown.")
    // Nobody had to be asked.
    #expect(forwarder.state.withLock { $0.openings } == ["read-write", "read-write", "read-write"])
  }

  private static func trailer(_ text: String) -> String { "conntrack v\(Program.version) (dpdkfwd): \(text)\n" }

  @Test func `a document is opened by its first entry and closed behind the last`() async {
    #expect(await forwarder.run("-L -o xml").out == "")
    await fill()
    for line in ["-L -o xml -p tcp", "-G -o xml -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80"] {
      let lines = await forwarder.run(line).out.split(separator: "\n")
      #expect(lines.first == "<?xml version=\"1.0\" encoding=\"utf-8\"?>")
      #expect(lines.dropFirst().first == "<conntrack>")
      #expect(lines.last == "</conntrack>")
      #expect(lines.count == 4)
    }
    #expect(await forwarder.run("-D -o xml -p tcp").out.hasPrefix("<flow><meta direction=\"original\">"))
  }

  @Test func `every form of output can be had`() async {
    await fill()
    let options = ["save", "json", "xml", "extended,id", "labels", "ktimestamp", "timestamp", "userspace"]
    for option in options {
      let told = await forwarder.run("-L -p tcp -o \(option)")
      #expect(told.message == "1 flow entries have been shown.", "\(option)")
    }
    #expect(
      await forwarder.run("-L -p tcp -o save").out
        == "-A -t 100 -u SEEN_REPLY,ASSURED -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1000 "
        + "--dport 80 --reply-port-src 80 --reply-port-dst 1000 --state ESTABLISHED\n")
    #expect(await forwarder.run("-D -p udp -f ipv6 -o save").out.hasPrefix("-D -t 100 -u SEEN_REPLY -s 2001:db8::1 "))
    #expect(await forwarder.run("-L -p tcp -o json").out.hasPrefix("{\"id\": "))
    #expect(await forwarder.run("-L -p tcp -o extended").out == "ipv4     2 " + Self.tcp)
  }

  @Test func `labels go by the names of the map`() async {
    let labels = LabelMap("3 web\n")
    _ = await forwarder.run("-I -s 1.1.1.1 -d 2.2.2.2 -p 99 -t 50 --label-add web,5", labels: labels)
    #expect(forwarder.connections.first?.labels.bits == [3, 5])
    for line in ["-L -o labels", "-L -l web"] {
      #expect(await forwarder.run(line, labels: labels).out.hasSuffix("labels=web\n"), "\(line)")
    }
    #expect(await forwarder.run("-U --label-del web", labels: labels).status == 0)
    #expect(forwarder.connections.first?.labels.bits == [5])
    #expect(await forwarder.run("-L -l web", labels: labels).message == "0 flow entries have been shown.")
  }

  @Test func `finds one by either tuple in its zone, or by its number`() async {
    await fill()
    #expect(await forwarder.run("-G -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80").out == Self.tcp)
    let byReply = "-G -r 10.0.0.2 -q 10.0.0.1 -p tcp --reply-port-src 80 --reply-port-dst 1000"
    #expect(await forwarder.run(byReply).out == Self.tcp)
    let inZone = "-G -s 10.0.0.1 -d 10.0.0.3 -p udp --sport 1000 --dport 53"
    #expect(await forwarder.run(inZone).message == "Operation failed: such conntrack doesn't exist")
    #expect(await forwarder.run(inZone + " -w 7").out == Self.udp)
    #expect(await forwarder.run("-G --id \(forwarder.connections[1].id.rawValue)").out == Self.udp)
    #expect(await forwarder.run("-G --id 5").status == 1)
  }

  @Test func `counts, and shows what the workers counted`() async {
    await fill()
    #expect(await forwarder.run("-C") == Told(status: 0, out: "3\n", error: ""))
    #expect(await forwarder.run("-S") == Told(status: 0, out: "cpu=1   \tfound=0 \n", error: ""))
  }

  @Test func `-z lets the counters of what was shown begin anew`() async {
    await fill()
    forwarder.state.withLock { state in
      for place in state.connections.indices {
        state.connections[place].counts.original = Connection.Count(packets: 3, bytes: 99)
      }
    }
    let told = await forwarder.run("-L -z -f ipv6")
    #expect(told.out.contains("packets=3 bytes=99 "))
    #expect(forwarder.connections.map(\.counts.original.packets) == [3, 3, 0])
    #expect(forwarder.calls.last?.method == "conntrack.zero", "no update, and so no event")
    #expect(forwarder.connections[2].remaining == 100_000)
  }

  /// C1: a connection has no relation to a port; who creates one where that matters names it.
  @Test func `a port says to whom a new connection goes`() async {
    let entry = "-p udp -s 10.0.0.1 -d 192.0.2.1 --sport 1 --dport 53 -t 30"
    for command in ["-I", "-A"] {
      forwarder.state.withLock { ($0.connections, $0.calls) = ([], []) }
      #expect(await forwarder.run("\(command) \(entry) --port eth1").status == 0)
      #expect(forwarder.calls.map { $0.parameters["port"] } == [.text("eth1")])
      forwarder.state.withLock { $0.connections = [] }
      #expect(await forwarder.run("\(command) \(entry)").status == 0)
      #expect(forwarder.calls.last?.parameters["port"] == nil)
    }
  }

  /// Where the forwarder keeps no such table, it is not the segment's fault.
  @Test func `what is not kept is told of as the control socket does`() async {
    forwarder.state.withLock { $0.tableFailure = .fields(kind: "ct", missing: []) }
    for command in ["-L", "-C", "-S"] {
      let told = await forwarder.run(command)
      #expect(told.status == 1)
      #expect(told.message == "connections are not tracked ([conntrack])")
    }
    forwarder.state.withLock { $0.tableFailure = .fields(kind: "ct_dying", missing: []) }
    #expect(await forwarder.run("-L dying").message == "events are off ([events])")
  }

  @Test func `who may not read is told whose leave it takes`() async {
    let group = ConntrackFailure.forbiddenToRead.text
    forwarder.state.withLock { $0.connectFailure = .noPermission(path: "x") }
    #expect(await forwarder.run("-E").message == group)
    forwarder.state.withLock { $0.connectFailure = .noPermission(path: "x") }
    #expect(await forwarder.run("-F").message == ConntrackFailure.forbidden.text)
  }

  /// What else was asked for must hold when the connection's turn comes, too.
  @Test func `a connection that is chosen here is named with all conditions`() async {
    await fill()
    _ = await forwarder.run("-D -s 0.0.0.0 --mask-src 0.255.0.0 -p udp")
    let filters = forwarder.calls.filter { $0.method == "conntrack.delete" }.compactMap { $0.parameters["filter"] }
    #expect(filters.allSatisfy { $0["id"] != nil && $0["l4"] != nil })
  }

  @Test func `says who it is and what can be asked`() async {
    #expect(await forwarder.run("-V") == Told(status: 0, out: "conntrack v\(Program.version) (dpdkfwd)\n", error: ""))
    for line in ["", "-h", "--help", "-h -p tcp", "-h -p 99"] {
      let told = await forwarder.run(line)
      #expect(told.status == 0)
      #expect(told.out.contains("Usage: dpdkfwd-ctl [-f PREFIX] conntrack COMMAND"))
      #expect(told.out.contains("--reply-port-src") == line.contains("tcp"))
    }
  }

  @Test(arguments: ["-L expect", "-C expect", "-F expect", "-E expect", "-S expect"])
  func `expectations are not there yet`(line: String) async {
    let told = await forwarder.run(line)
    #expect(told.status == 1)
    #expect(told.message == "Operation failed: expectations are not supported yet")
  }

  // MARK: Changing

  @Test func `changes what matches, and shows it`() async {
    await fill()
    let told = await forwarder.run("-U -s 10.0.0.1 -m 0xf0/0xf0")
    #expect(told.status == 0)
    #expect(told.out.contains("mark=245 ") && told.out.contains("mark=240 zone=7 "))
    #expect(told.message == "2 flow entries have been updated.")
    let same = await forwarder.run("-U -s 10.0.0.1 -m 0xf0/0xf0 -t 100")
    #expect(same.status == 1)
    #expect(same.message == "0 flow entries have been updated.", "all is as it was")
    #expect(await forwarder.run("-U -p tcp -t 100").message == "0 flow entries have been updated.")
    #expect(await forwarder.run("-U -p tcp").status == 1)
  }

  @Test func `deletes by whatever condition, and shows what it was`() async {
    for line in ["-m 5", "-u ASSURED", "-p tcp --state ESTABLISHED", "-r 10.0.0.2", "-p tcp --dport 80"] {
      await fill()
      let told = await forwarder.run("-D \(line)")
      #expect(told.out == Self.tcp, "\(line)")
      #expect(told.message == "1 flow entries have been deleted.")
      #expect(forwarder.connections.count == 2)
      _ = await forwarder.run("-F")
    }
  }

  @Test func `deletes by number where no filter says it`() async {
    await fill()
    #expect(await forwarder.run("-D -s 10.1.0.1 --mask-src 255.0.0.255 -p tcp").out == Self.tcp)
    let call = forwarder.calls.last
    #expect(call?.method == "conntrack.delete")
    #expect(call?.parameters["filter"]?.line.hasPrefix("{\"id\": ") ?? false)
    #expect(await forwarder.run("-D -n").status == 1)
    #expect(forwarder.connections.count == 2)
  }

  @Test func `goes on page by page`() async {
    let forwarder = FakeForwarder(page: 3)
    for port in 1...8 {
      _ = await forwarder.run("-I -s 1.1.1.1 -d 2.2.2.2 -p udp --sport \(port) --dport 2 -t 9")
    }
    #expect(await forwarder.run("-U -m 3").message == "8 flow entries have been updated.")
    #expect(await forwarder.run("-D -m 3").message == "8 flow entries have been deleted.")
    #expect(forwarder.calls.map(\.method).filter { $0 == "conntrack.delete" }.count == 3)
  }

  @Test func `flushes all, or a family`() async {
    await fill()
    #expect(await forwarder.run("-F -f ipv6").message == "connection tracking table has been emptied.")
    #expect(forwarder.connections.count == 2)
    _ = await forwarder.run("-F")
    #expect(forwarder.connections.isEmpty)
  }

  // MARK: Failing

  @Test(arguments: [
    (
      ControlClientError.answered(code: -32000, message: "no", data: nil),
      "Operation failed: sorry, you must be root or the forwarder's user to do this"
    ),
    (.noPermission(path: "/x"), "Operation failed: sorry, you must be root or the forwarder's user to do this"),
    (.answered(code: -32003, message: "no", data: nil), "Operation failed: such conntrack doesn't exist"),
    (.answered(code: -32004, message: "the table is full", data: nil), "Operation failed: not enough memory"),
    (.answered(code: -32005, message: "not here", data: nil), "Operation failed: Operation not supported"),
    (.answered(code: -32602, message: "orig: bad", data: nil), "Operation failed: invalid parameters"),
    (.answered(code: -32001, message: "later", data: nil), "Operation failed: later (-32001)"),
    (.notRunning(path: "/x", prefix: "t"), "no forwarder answers at /x: is dpdkfwd running with --file-prefix t?"),
    (.closed, "the forwarder closed the connection"),
  ])
  func `what the forwarder refuses is told in conntrack's words`(error: ControlClientError, text: String) async {
    for line in ["-I -s 1.1.1.1 -d 2.2.2.2 -p 99 -t 9", "-D", "-U -m 1", "-F"] {
      forwarder.state.withLock { $0.failures = [error] }
      let told = await forwarder.run(line)
      #expect(told.status == 1)
      #expect(told.message == text)
    }
    #expect(forwarder.state.withLock { $0.isClosed })
  }

  @Test func `what cannot be made is said before anybody is asked`() async {
    let line = "-I -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2 -t 9 -n 3.3.3.3"
    #expect(await forwarder.run(line).message == "Operation failed: address translation is not supported yet")
    #expect(forwarder.calls.isEmpty)
  }

  @Test func `words that mean nothing any more are warned of`() async {
    #expect(await forwarder.run("-L -a 1").error.hasPrefix("WARNING: ignoring -a, deprecated option.\n"))
    let told = await forwarder.run("-I -s 1.1.1.1 -d 2.2.2.2 -p 99 -t 9 -u SRC_NAT,ASSURED")
    #expect(told.error.hasPrefix("WARNING: ignoring SRC_NAT, use --src-nat instead\n"))
    #expect(forwarder.connections.first.map { $0.status & Connection.Status.assured != 0 } ?? false)
  }
}
