import CSegment
import Foundation
import Inspection
import Segment
import Testing

/// `events`, `dump dying`, `show events` (interfaces.md D.2; C7, C14, C17, C21, C33, C38, C39).
@Suite struct EventsTests {
  let fixture = Fixture()

  private let udp =
    "ipv4     2 udp      17 29 src=192.0.2.1 dst=198.51.100.53 sport=5353 dport=53 packets=1 bytes=70 [UNREPLIED] src=198.51.100.53 dst=192.0.2.1 sport=53 dport=5353 packets=0 bytes=0 mark=0 use=1"
  private let tcp =
    "ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=198.51.100.7 sport=40000 dport=443 packets=7 bytes=1200 src=198.51.100.7 dst=192.0.2.1 sport=443 dport=40000 packets=5 bytes=6400 [ASSURED] mark=17 zone=7 use=1"

  private let udpTuples =
    "src=192.0.2.1 dst=198.51.100.53 sport=5353 dport=53 [UNREPLIED] src=198.51.100.53 dst=192.0.2.1 sport=53 dport=5353"
  private let tcpTuples =
    "src=192.0.2.1 dst=198.51.100.7 sport=40000 dport=443 src=198.51.100.7 dst=192.0.2.1 sport=443 dport=40000"

  /// A forwarder that is gone, and what it told last.
  private func story() throws -> Told {
    let told = try Told(fixture)
    told.tracked.add(udp)
    told.tracked.add(tcp)
    told.tell(.new, 0)
    told.tell(.update, 1, at: 1_000_000_007_500_000_000, changes: [.state, .assured])
    told.tell(.update, 1, at: 1_000_000_008_000_000_000, changes: .timeout)
    told.tell(.destroy, 1, at: 1_000_000_009_000_000_000)
    told.writer.setState(.stopped)
    return told
  }

  private func events(_ words: String...) throws -> Fixture.Output {
    try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t", "events"] + words)
  }

  @Test func `what a forwarder told last is printed when it is gone`() throws {
    let told = try story()
    let output = try events()
    #expect(output.status == 0)
    #expect(
      output.lines == [
        "    [NEW] udp      17 29 \(udpTuples)",
        " [UPDATE] tcp      6 431999 ESTABLISHED \(tcpTuples) [ASSURED] mark=17 zone=7",
        "[DESTROY] tcp      6 431999 ESTABLISHED "
          + tcpTuples.replacing("443 src", with: "443 packets=7 bytes=1200 src")
          + " packets=5 bytes=6400 [ASSURED] mark=17 zone=7",
      ])
    #expect(output.error.hasSuffix("dpdkfwd-stat v\(Program.version) (dpdkfwd): 3 flow events have been shown.\n"))
    #expect(output.error.contains("stopped cleanly"))
    withExtendedLifetime(told) {}
  }

  @Test func `masks, filters and forms are those of conntrack, and two more`() throws {
    let told = try story()
    #expect(try events("-e", "NEW").lines.count == 1)
    #expect(try events("-e", "UPDATES,REFRESH").lines.count == 2)
    #expect(try events("-p", "tcp").lines.count == 2)
    #expect(try events("--zone", "7", "-e", "DESTROY").lines.count == 1)
    #expect(try events("-d", "198.51.100.53").lines.count == 1)
    #expect(try events("--count", "2").lines.count == 2)
    #expect(
      try events("-e", "UPDATES,REFRESH", "--delta").lines == [
        " [UPDATE] tcp      6 ESTABLISHED \(tcpTuples) [ASSURED] zone=7 changed=assured,state",
        " [UPDATE] tcp      6 431999 \(tcpTuples) zone=7 changed=timeout",
      ])
    #expect(
      try events("--self-contained", "-e", "UPDATES").lines[0].contains(" packets=5 bytes=6400 [ASSURED] mark=17"))
    #expect(try events("-o", "extended,timestamp").lines[0].hasPrefix("[1000000007.000001]\t    [NEW] ipv4     2 udp"))
    let document = try events("-o", "xml").out
    #expect(document.hasPrefix("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n<flow type=\"new\">"))
    #expect(document.hasSuffix("</flow>\n</conntrack>\n"))
    #expect(try events("-o", "save").lines[0].hasPrefix("-A -t 29 -u UNSET -s 192.0.2.1 -d 198.51.100.53"))
    let objects = try events("--json").lines.compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(objects.compactMap { $0["event"] as? String } == ["new", "update", "destroy"])
    #expect(
      ((objects[1]["connection"] as? [String: Any])?["tcp"] as? [String: Any])?["state"] as? String == "ESTABLISHED")
    #expect(try events("--json", "--self-contained", "-e", "UPDATES").out.contains("\"max_window_orig\": "))
    withExtendedLifetime(told) {}
  }

  @Test func `what does not go together is refused`() throws {
    let told = try story()
    #expect(try events("-e", "OLD").status == 64)
    #expect(try events("--delta", "--self-contained").status == 64)
    #expect(try events("-o", "save,id").error.contains("cannot combine save output with any other output type"))
    #expect(try events("-o", "yaml").error.contains("-o: 'yaml' is none of xml"))
    #expect(try events("--sport", "5").error == "dpdkfwd-stat: --sport: needs -p, the protocol\n")
    #expect(try events("-s", "192.0.2").error == "dpdkfwd-stat: -s: '192.0.2' is no address\n")
    #expect(try events("-p", "tpc").error == "dpdkfwd-stat: there is no protocol 'tpc'\n")
    withExtendedLifetime(told) {}
  }

  /// C38.
  @Test func `what was lost is named exactly`() throws {
    let told = try Told(fixture, entries: 8)
    told.tracked.add(udp)
    for _ in 0..<20 { told.tell(.update, 0, changes: .mark) }
    let live = try Session(fixture, "events", "--from-oldest")
    for _ in 0..<8 { #expect(live.line()?.hasPrefix(" [UPDATE] udp") == true) }
    live.signal(SIGSTOP)
    for _ in 0..<20 { told.tell(.update, 0, changes: .mark) }
    live.signal(SIGCONT)
    for _ in 0..<8 { #expect(live.line()?.hasPrefix(" [UPDATE] udp") == true) }
    live.signal(SIGINT)
    let (lines, error, status) = live.end()
    #expect(lines.isEmpty && status == 0)
    #expect(error.contains("dpdkfwd-stat: ct_events 0: entries 21 to 32 (12) are lost\n"))
    #expect(error.hasSuffix("16 flow events have been shown.\n"))
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func `a signal ends it cleanly`(signal: Int32) throws {
    let told = try Told(fixture)
    told.tracked.add(udp)
    told.tell(.new, 0)
    let live = try Session(fixture, "events", "-o", "xml", "--from-oldest")
    #expect(live.line()?.hasPrefix("<?xml") == true)
    #expect(live.line() == "<conntrack>")
    #expect(live.line()?.hasPrefix("<flow type=\"new\">") == true)
    told.tell(.update, 0, changes: .mark)
    #expect(live.line()?.hasPrefix("<flow type=\"update\">") == true)
    live.signal(signal)
    let (lines, error, status) = live.end()
    #expect(lines == ["</conntrack>"])
    #expect(error.hasSuffix("2 flow events have been shown.\n"))
    #expect(status == 0)
  }

  @Test func `it ends with the forwarder, after the last event`() throws {
    let told = try Told(fixture)
    told.tracked.add(udp)
    told.tell(.new, 0)
    let live = try Session(fixture, "events", "--from-oldest")
    #expect(live.line()?.hasPrefix("    [NEW] udp") == true)
    told.tell(.destroy, 0)
    told.writer.setState(.stopped)
    let (lines, error, status) = live.end()
    #expect(lines.count == 1 && lines[0].hasPrefix("[DESTROY] udp"))
    #expect(error.hasSuffix("2 flow events have been shown.\n") && status == 0)
  }

  /// C7: that nothing is written is no silence.
  @Test func `it says which kinds are not being written`() throws {
    let told = try Told(fixture)
    for shard in 0..<2 { unsafe told.writer.eventShard(shard).pointee.mask = EventMask([.new, .update]).rawValue }
    told.tracked.add(udp)
    told.tell(.new, 0)
    func error(_ words: String...) throws -> String {
      try Fixture.execute(
        Fixture.binary, ["--root", fixture.root, "-f", "t", "events", "--from-oldest", "--count", "1"] + words
      ).error
    }
    #expect(try error().contains("not being written now: destroy; start the forwarder with --events on"))
    #expect(try error("-e", "NEW,REFRESH,FRAGMENTS").contains("written now: refresh, fragments;"))
    #expect(try !error("-e", "NEW").contains("not being written"))
  }

  @Test func `who has no rings is told so`() throws {
    let tracked = try Tracked(fixture)
    let output = try events()
    #expect((output.status, output.error) == (65, "dpdkfwd-stat: the segment has no ct_events\n"))
    withExtendedLifetime(tracked) {}
  }

  @Test func `fragments that were given up are printed where they are asked for`() throws {
    let told = try Told(fixture, datagrams: 4)
    told.tracked.add(udp)
    told.tell(.new, 0)
    told.discard("192.0.2.9", reason: 2)
    told.writer.setState(.stopped)
    #expect(try events().lines.count == 1)
    #expect(
      try events("-e", "ALL,FRAGMENTS").lines.last
        == "  [FRAGS] (src=192.0.2.9,dst=0.0.0.0,recirc_id=0,ip_id=77,dl_type=0x800,zone=0,nw_proto=17,num_fragments=2,"
        + "bytes=3000,reason=expired)")
  }

  // MARK: dump

  /// C33.
  @Test func `the dying are listed with their last counts, and nobody is unconfirmed`() throws {
    let told = try Told(fixture)
    told.tracked.add(udp)
    told.tracked.add(tcp)
    told.keep(1, sequence: 8)
    told.keep(0, sequence: 5)
    told.writer.setState(.stopped)
    let dying = try fixture.run("dump", "dying")
    #expect(dying.lines.map { $0.prefix(8) } == ["udp     ", "tcp     "])
    #expect(dying.lines.last?.hasSuffix("packets=5 bytes=6400 [ASSURED] mark=17 zone=7 use=1") == true)
    #expect(dying.error.hasSuffix(": 2 flow entries have been shown.\n"))
    #expect(try fixture.run("dump", "dying", "-p", "udp").lines.count == 1)
    let unconfirmed = try fixture.run("dump", "unconfirmed")
    #expect((unconfirmed.out, unconfirmed.status) == ("", 0))
    #expect(unconfirmed.error.hasSuffix(": 0 flow entries have been shown.\n"))
    #expect(try fixture.run("dump", "dying", "--cursor", "1").status == 64)
  }

  @Test func `a dump takes conntrack's filters`() throws {
    let tracked = try Tracked(fixture)
    for line in DumpTests.lines { tracked.add(line) }
    tracked.writer.setState(.stopped)
    func count(_ words: String...) throws -> Int {
      let output = try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t", "dump", "ct"] + words)
      #expect(output.status == 0, "\(output.error)")
      return output.lines.count
    }
    #expect(try count("-s", "192.0.2.0/24") == 12)
    #expect(try count("-d", "198.51.100.53") == 3)
    #expect(try count("-r", "198.51.100.53") == 3)
    #expect(try count("-q", "203.0.113.9") == 1)
    #expect(try count("-s", "2001:db8::/32") == 2)
    #expect(try count("-m", "17") == 1)
    #expect(try count("-m", "1/1") == 1)
    #expect(try count("-u", "ASSURED") == 3)
    #expect(try count("-u", "UNSET") == 4)
    #expect(try count("-p", "tcp", "--state", "SYN_SENT") == 1)
    #expect(try count("-p", "udp", "--sport", "5354") == 1)
    #expect(try count("-p", "udp", "--dport", "53") == 3)
    #expect(try count("-p", "udp", "--reply-port-dst", "61000") == 1)
    #expect(try count("-p", "icmp", "--icmp-type", "13") == 1)
    #expect(try count("--orig-zone", "5") == 1)
    #expect(try count("--reply-zone", "6") == 1)
    #expect(try count("-l", "3") == 0)
    #expect(try count("-o", "xml", "-p", "gre") == 4)
    #expect(try fixture.run("dump", "ct", "-l", "x").error.contains("-l: \"x\" is no number from 0 to 127"))
  }

  // MARK: show

  @Test func `what workers write and did on request is shown`() throws {
    let told = try Told(fixture)
    for shard in 0..<2 {
      let record = unsafe told.writer.eventShard(shard)
      unsafe record.pointee.lcore = UInt32(shard + 1)
      unsafe record.pointee.mask = EventMask([.new, .destroy, .keeps]).rawValue
      unsafe record.pointee.written = (10, 20, 5, 0, UInt64(shard))
      unsafe record.pointee.dying = 3
      unsafe record.pointee.orders = 7
      unsafe record.pointee.turns = 4
      unsafe record.pointee.turn_cycles = 4000
    }
    unsafe told.writer.tracking.pointee.connections_limit = 1000
    unsafe told.writer.tracking.pointee.tcp_seq_chk = 1
    told.writer.setState(.stopped)
    let lines = try fixture.run("show", "events").lines
    #expect(
      lines[1].split(separator: " ") == [
        "LCORE", "WRITTEN-NOW", "NEW", "UPDATE", "DESTROY", "REFRESH", "FRAGMENTS", "MERGED",
      ])
    #expect(lines[3].split(separator: " ") == ["2", "new,destroy,dying", "10", "20", "5", "0", "1", "0"])
    #expect(lines[4].split(separator: " ") == ["total", "20", "40", "10", "0", "1", "0"])
    #expect(lines.contains { $0.split(separator: " ") == ["total", "14", "0", "0", "8", "1000"] })
    let json = try fixture.run("show", "events", "--json").json()
    let first = try #require((json["events"] as? [[String: Any]])?.first)
    #expect(first["mask"] as? Int == 37)
    #expect((first["written"] as? [String: Int])?["update"] == 20)
    #expect((json["total"] as? [String: Any])?["orders"] as? Int == 14)
    let tracking = try fixture.run("show", "tracking", "--json").json()
    #expect((tracking["tracking"] as? [[String: Any]])?.first?["connections_limit"] as? Int == 1000)
    #expect(try fixture.run("show", "tracking").out.contains("1000"))
    // X7: what came by the control sockets.
    unsafe told.writer.control.pointee.accepted = 34
    unsafe segment_control_closed(told.writer.control)[3] = 2
    unsafe segment_control_errors(told.writer.control)[6] = 1
    let control = try fixture.run("show", "control").lines.map { $0.split(separator: " ").map(String.init) }
    #expect(control.contains { $0.prefix(4) == ["OPEN", "ACCEPTED", "FULL", "STRANGERS"] })
    #expect(control.contains { $0.prefix(2) == ["0", "34"] })
    #expect(control.contains(["0", "0", "0", "2", "0", "0"]))
    let metrics = try fixture.run("metrics").lines
    #expect(metrics.contains("dpdkfwd_control_accepted_total 34"))
    #expect(metrics.contains(#"dpdkfwd_control_closed_total{closing="unread"} 2"#))
    #expect(metrics.contains(#"dpdkfwd_control_errors_total{error="busy"} 1"#))
  }
}
