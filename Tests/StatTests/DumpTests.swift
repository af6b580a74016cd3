import CSegment
import Foundation
import Segment
import TestSupport
import Testing

/// `dump ct`: lines of `conntrack -L`, and everything as JSON (interfaces.md D.2; C1, C2, C3, C19, C20).
@Suite struct DumpTests {
  let fixture = Fixture()

  /// One of each layout.
  static let lines = [
    "ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=198.51.100.7 sport=40000 dport=443 packets=7 bytes=1200 src=198.51.100.7 dst=192.0.2.1 sport=443 dport=40000 packets=5 bytes=6400 [ASSURED] mark=17 use=1",
    "ipv4     2 tcp      6 119 SYN_SENT src=192.0.2.1 dst=198.51.100.7 sport=40001 dport=443 packets=1 bytes=60 [UNREPLIED] src=198.51.100.7 dst=192.0.2.1 sport=443 dport=40001 packets=0 bytes=0 mark=0 use=1",
    "ipv4     2 udp      17 29 src=192.0.2.1 dst=198.51.100.53 sport=5353 dport=53 packets=1 bytes=70 src=198.51.100.53 dst=192.0.2.1 sport=53 dport=5353 packets=1 bytes=200 mark=0 zone=7 use=1",
    "ipv4     2 udp      17 29 src=192.0.2.1 dst=198.51.100.53 sport=5354 dport=53 zone-orig=5 packets=1 bytes=70 src=198.51.100.53 dst=203.0.113.9 sport=53 dport=61000 packets=1 bytes=200 mark=0 use=1",
    "ipv4     2 udp      17 29 src=192.0.2.1 dst=198.51.100.53 sport=5355 dport=53 packets=1 bytes=70 src=198.51.100.53 dst=192.0.2.1 sport=53 dport=5355 zone-reply=6 packets=1 bytes=200 mark=0 use=1",
    "ipv4     2 icmp     1 29 src=192.0.2.1 dst=198.51.100.7 type=8 code=0 id=77 packets=2 bytes=168 src=198.51.100.7 dst=192.0.2.1 type=0 code=0 id=77 packets=2 bytes=168 mark=0 use=1",
    "ipv4     2 icmp     1 29 src=192.0.2.1 dst=198.51.100.7 type=13 code=0 id=78 packets=1 bytes=40 [UNREPLIED] src=198.51.100.7 dst=192.0.2.1 type=14 code=0 id=78 packets=0 bytes=0 mark=0 use=1",
    "ipv4     2 sctp     132 209 ESTABLISHED src=192.0.2.1 dst=198.51.100.7 sport=1000 dport=36412 packets=4 bytes=192 src=198.51.100.7 dst=192.0.2.1 sport=36412 dport=1000 packets=3 bytes=148 [ASSURED] mark=0 use=1",
    "ipv4     2 gre      47 179 src=192.0.2.1 dst=198.51.100.7 srckey=0x0 dstkey=0xc8 packets=2 bytes=90 src=198.51.100.7 dst=192.0.2.1 srckey=0xc8 dstkey=0x0 packets=1 bytes=45 [ASSURED] mark=0 use=1",
    "ipv4     2 udplite  136 29 src=192.0.2.1 dst=198.51.100.7 sport=9 dport=10 packets=1 bytes=40 [UNREPLIED] src=198.51.100.7 dst=192.0.2.1 sport=10 dport=9 packets=0 bytes=0 mark=0 use=1",
    "ipv4     2 dccp     33 599 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=0 packets=1 bytes=40 [UNREPLIED] src=198.51.100.7 dst=192.0.2.1 sport=0 dport=0 packets=0 bytes=0 mark=0 use=1",
    "ipv4     2 unknown  50 599 src=192.0.2.1 dst=198.51.100.7 packets=1 bytes=32 src=198.51.100.7 dst=192.0.2.1 packets=1 bytes=32 mark=0 use=1",
    "ipv6     10 icmpv6   58 29 src=2001:db8::1 dst=2001:db8:1::7 type=128 code=0 id=7 packets=1 bytes=52 src=2001:db8:1::7 dst=2001:db8::1 type=129 code=0 id=7 packets=1 bytes=52 mark=0 use=1",
    "ipv6     10 tcp      6 59 SYN_RECV src=2001:db8::1 dst=2001:db8:1::7 sport=1 dport=2 packets=1 bytes=60 src=2001:db8:1::7 dst=2001:db8::99 sport=2 dport=1 packets=1 bytes=60 mark=0 zone=9 use=1",
  ]

  /// The lines of a dump of a forwarder that has ended, so that time stands still.
  private func dump(_ fixture: Fixture, _ words: String...) throws -> Fixture.Output {
    try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t", "dump", "ct"] + words)
  }

  private func fill(_ lines: [String] = lines) throws -> [ConnectionID] {
    let tracked = try Tracked(fixture)
    let ids = lines.enumerated().map { index, line in tracked.add(line, shard: index % 2) }
    tracked.writer.setState(.stopped)
    return ids
  }

  private func objects(_ output: Fixture.Output) throws -> [[String: Any]] {
    try output.lines.compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
  }

  @Test func `entries are lines of conntrack -L, worker by worker`() throws {
    _ = try fill()
    let inOrder =
      Self.lines.enumerated().filter { $0.offset % 2 == 0 } + Self.lines.enumerated().filter { $0.offset % 2 == 1 }
    let output = try dump(fixture, "-o", "extended")
    #expect(output.status == 0)
    #expect(output.lines == inOrder.map(\.element))
    #expect(output.error == "dpdkfwd-stat v\(Program.version) (dpdkfwd): 14 flow entries have been shown.\n")
    #expect(
      try dump(fixture).lines == inOrder.map { String($0.element.dropFirst($0.element.hasPrefix("ipv4") ? 11 : 12)) })
  }

  /// Every line that the kernel's conntrack printed for the oracle, except for helpers, which are not there yet.
  @Test(.enabled(if: Shared.isThere, "needs the shared oracle"))
  func `the kernel's own lines come out as they went in`() throws {
    let folder = try #require(Shared.oracle).appending(path: "golden/kernel")
    var lines: [String] = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: file)))
      lines += (json as? [String: Any])?["conntrack_L"] as? [String] ?? []
    }
    lines.removeAll { $0.contains("helper=") || $0.contains("use=2") }
    #expect(lines.count > 50)
    let tracked = try Tracked(fixture, slots: lines.count)
    let ids = lines.map { tracked.add($0) }
    tracked.writer.setState(.stopped)
    let expected = zip(lines, ids).map { line, id in
      line.replacing(#/id=\d+$/#, with: "id=\(id.rawValue)")
    }
    #expect(try dump(fixture, "-o", "extended,id,timestamp").lines == expected)
  }

  @Test func `what is asked for is added at the end`() throws {
    let tracked = try Tracked(fixture)
    let id = tracked.add(Self.lines[13])
    tracked.edit(0) { $0.start = 1_000_000_000 }
    unsafe (tracked.writer.extensions(0) + 1).pointee.labels.0 = 0x21
    unsafe (tracked.writer.extensions(0) + 1).pointee.labels.15 = 0x80
    tracked.writer.setState(.stopped)
    let line = try #require(try dump(fixture, "-o", "id,labels,ktimestamp").lines.first)
    #expect(line.hasSuffix(" use=1 id=\(id.rawValue) labels=0,5,127"))
    #expect(line.contains(" delta-time=\(tracked.wall - 1_000_000_000) [start="))
    #expect(line.contains(#/\[start=[A-Z][a-z]{2} Sep  ?[89] \d\d:\d\d:\d\d 2001\]/#))
    #expect(try dump(fixture, "-o", "extended,yaml").status == 64)
  }

  @Test func `filters take a zone of either direction, a protocol by name or number, a family`() throws {
    _ = try fill()
    func ports(_ words: String...) throws -> Int {
      try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t", "dump", "ct"] + words).lines.count
    }
    #expect(try ports("--zone", "7") == 1)
    #expect(try ports("--zone", "5") == 1)
    #expect(try ports("--zone", "6") == 1)
    #expect(try ports("--zone", "0") == 12)
    #expect(try ports("-p", "tcp") == 3)
    #expect(try ports("-p", "50") == 1)
    #expect(try ports("-p", "esp") == 1)
    #expect(try ports("--family", "ipv6") == 2)
    #expect(try ports("--family", "ipv6", "-p", "tcp", "--zone", "9") == 1)
    #expect(try dump(fixture, "-p", "tpc").status == 64)
  }

  /// C19: an id is a place to go on from, whatever happened there since.
  @Test func `a cursor goes on behind its connection`() throws {
    let ids = try fill().sorted()
    var seen: [UInt64] = []
    var cursor: [String] = []
    repeat {
      let output = try Fixture.execute(
        Fixture.binary, ["--root", fixture.root, "-f", "t", "dump", "ct", "-o", "id", "--limit", "3"] + cursor)
      let found = output.lines.compactMap { $0.split(separator: "=").last.flatMap { UInt64($0) } }
      seen += found
      guard let last = found.last else { break }
      cursor = ["--cursor", "\(last)"]
      #expect(output.error.contains("--cursor \(last)") == (found.count == 3))
    } while true
    #expect(seen == ids.map(\.rawValue))
    let foreign = ConnectionID(shard: 0, epoch: 6, slot: 0, generation: 1)
    let refused = try dump(fixture, "--cursor", "\(foreign.rawValue)")
    #expect(refused.status == 64)
    #expect(refused.error.contains("is no connection of this run"))
  }

  /// A worker's clock of milliseconds begins anew every 49.7 days.
  @Test(arguments: [5000, 0xffff_ffff, 0x1_0000_0005, 0x7_0000_0000] as [UInt64]) func `what has expired is not listed`(
    now: UInt64
  ) throws {
    let tracked = try Tracked(fixture, now: now)
    for (slot, left) in [1, 0, -1, -86_400_000, 2_000_000_000].enumerated() {
      tracked.add(Self.lines[2])
      tracked.edit(slot) { $0.deadline = UInt32(truncatingIfNeeded: Int64(now) + Int64(left)) }
    }
    tracked.writer.setState(.stopped)
    let output = try dump(fixture, "--json")
    let objects = try self.objects(output)
    #expect(objects.compactMap { $0["timeout_ms"] as? Int } == [1, 2_000_000_000])
    #expect(objects.compactMap { $0["timeout"] as? Int } == [0, 2_000_000])
  }

  @Test func `JSON has everything that is known of a connection`() throws {
    let tracked = try Tracked(fixture)
    let id = tracked.add(Self.lines[0])
    tracked.edit(0) {
      $0.tcp.scales = 0x57
      $0.tcp.flags_original = 0x31
      $0.tcp.flags_reply = 0x22
      $0.cached_generation = 9
      $0.cached_egress = (255, 3)
    }
    for line in [3, 5, 7, 8, 12] { tracked.add(Self.lines[line]) }
    tracked.edit(3) { record in
      record.tcp.original.end = 48059
      record.tcp.reply.end = 43690
    }
    tracked.writer.setState(.stopped)
    let objects = try self.objects(dump(fixture, "--json"))
    let tcp = objects[0]
    #expect(tcp["id"] as? UInt64 == id.rawValue)
    #expect(tcp["lcore"] as? Int == 1)
    #expect((tcp["l3"] as? String, tcp["l4"] as? String) == ("ipv4", "tcp"))
    #expect(tcp["status"] as? [String] == ["SEEN_REPLY", "ASSURED", "CONFIRMED"])
    #expect((tcp["timeout"] as? Int, tcp["timeout_ms"] as? Int) == (431_999, 431_999_999))
    #expect(tcp["deadline_ms"] as? Int == 432_004_999)
    #expect(tcp["mark"] as? Int == 17)
    #expect(tcp["count_reply"] as? [String: Int] == ["packets": 5, "bytes": 6400])
    #expect(tcp["start"] as? UInt64 == tracked.wall)
    let orig = try #require(tcp["orig"] as? [String: Any])
    #expect((orig["src"] as? String, orig["sport"] as? Int, orig["proto"] as? Int) == ("192.0.2.1", 40000, 6))
    let state = try #require(tcp["tcp"] as? [String: Any])
    #expect(state["state"] as? String == "ESTABLISHED")
    #expect((state["wscale_orig"] as? Int, state["wscale_reply"] as? Int) == (7, 5))
    #expect(state["flags_orig"] as? [String] == ["WINDOW_SCALE", "DATA_UNACKNOWLEDGED", "MAXACK_SET"])
    #expect(state["flags_reply"] as? [String] == ["SACK_PERM", "MAXACK_SET"])
    let cached = try #require(tcp["cached"] as? [String: Any])
    #expect((cached["generation"] as? Int, cached["egress_reply"] as? Int) == (9, 3))
    #expect(cached["egress_orig"] is NSNull)

    #expect((objects[1]["orig"] as? [String: Any])?["zone"] as? Int == 5)
    #expect((objects[1]["reply"] as? [String: Any])?["dst"] as? String == "203.0.113.9")
    #expect(objects[1]["cached"] is NSNull)
    #expect((objects[2]["reply"] as? [String: Any])?["type"] as? Int == 0)
    #expect((objects[3]["sctp"] as? [String: Any])?["vtag_orig"] as? Int == 48059)
    #expect((objects[4]["reply"] as? [String: Any])?["sport"] as? Int == 0xc8)
    #expect((objects[5]["orig"] as? [String: Any])?["src"] as? String == "2001:db8::1")
  }

  @Test func `a run that is over is listed as its last breath left it, the one before on request`() throws {
    do {
      let tracked = try Tracked(fixture)
      tracked.add(Self.lines[2])
      tracked.writer.setState(.stopped)
    }
    do { _ = try Tracked(fixture).add(Self.lines[0]) }  // killed
    #expect(try dump(fixture, "-o", "extended").lines == [Self.lines[0]])
    #expect(try dump(fixture, "-o", "extended", "--previous").lines == [Self.lines[2]])
  }

  @Test func `what cannot be listed is said`() throws {
    let writer = try fixture.forwarder()
    let output = try dump(fixture)
    #expect(output.status == 65)
    #expect(output.error == "dpdkfwd-stat: the segment has no ct\n")
    #expect(try fixture.run("dump", "ports").status == 64)
    withExtendedLifetime(writer) {}
  }
}
