import CSegment
import Foundation
import Segment
import TestSupport
import Testing

/// `ipf-get-status` and what else is shown of reassembly (interfaces.md D.1; F1 to F26, F44 to F46).
@Suite struct FragmentStatusTests {
  let fixture = Fixture()

  /// Two workers that put fragments together, of which the second holds none now.
  private func forwarder() throws -> Fragmented {
    let fragmented = try Fragmented(fixture)
    let writer = fragmented.writer
    for index in 0..<2 {
      let shard = unsafe writer.fragmentShard(index)
      unsafe shard.pointee.enabled = (1, 0)
      unsafe shard.pointee.smallest = (400, 1280)
      unsafe shard.pointee.timeout = (15_000, 60_000)
      unsafe shard.pointee.per_datagram = 64
      unsafe (shard.pointee.high_watermark, shard.pointee.low_watermark) = (90, 75)
      unsafe (shard.pointee.fragments_limit, shard.pointee.datagrams_limit) = (500, 64)
      unsafe (shard.pointee.mbufs_limit, shard.pointee.bytes_limit) = (1000, 1 << 20)
      unsafe shard.pointee.source_limit = 100
      unsafe shard.pointee.fragments = [5, 0][index]
      unsafe shard.pointee.datagrams = [3, 1][index]
      unsafe shard.pointee.discarded = 1
      unsafe shard.pointee.mbufs = [6, 0][index]
      unsafe shard.pointee.bytes = [7000, 0][index]
      unsafe (shard.pointee.fragments_max, shard.pointee.mbufs_max) = ([40, 70][index], [45, 71][index])
      unsafe (shard.pointee.datagrams_max, shard.pointee.bytes_max) = ([9, 8][index], [60_000, 1000][index])
      unsafe shard.pointee.source_max = [12, 11][index]
      unsafe shard.pointee.steps = [24, 1][index]
      writer.count("accepted", ofFragments: [90, 10][index], shard: index)
      writer.count("completed", ofFragments: 40, shard: index)
    }
    writer.count("accepted", ofFragments: 2, family: 1, shard: 1)
    writer.count("expired", ofFragments: 3, shard: 0)
    writer.count("too_small", ofFragments: 4, family: 1, shard: 0)
    writer.count("overlapped", ofFragments: 5, family: 1, shard: 1)
    writer.count("purged", ofFragments: 6, shard: 1)
    writer.count("duplicate", ofFragments: 7, shard: 1)
    writer.count("source_share", ofFragments: 8, family: 1, shard: 0)
    writer.count("started", ofDatagrams: 30, shard: 0)
    writer.count("handed_off", ofDatagrams: 1, family: 1, shard: 1)
    return fragmented
  }

  static let block = """
            Fragmentation Module Status
            ---------------------------
            v4 enabled: 1
            v6 enabled: 0
            max num frags (v4/v6): 1000
            num frag: 5
            min v4 frag size: 400
            v4 frags accepted: 100
            v4 frags completed: 80
            v4 frags expired: 3
            v4 frags too small: 0
            v4 frags overlapped: 0
            v4 frags purged: 6
            min v6 frag size: 1280
            v6 frags accepted: 2
            v6 frags completed: 0
            v6 frags expired: 0
            v6 frags too small: 4
            v6 frags overlapped: 5
            v6 frags purged: 0
            most frags of a core: 70
            num datagrams: 4
            max num datagrams: 128
            most datagrams of a core: 9
            num discarded datagrams: 2
            num mbufs: 6
            max num mbufs: 2000
            most mbufs of a core: 71
            num bytes: 7000
            max num bytes: 2097152
            most bytes of a core: 60000
            max num frags of a datagram: 64
            max num frags of a source: 100
            most mbufs of a source: 12
            high watermark: 90%
            low watermark: 75%
            v4 timeout: 15.0 s
            v6 timeout: 60.0 s
            v4 frags duplicate: 7
            v4 datagrams started: 30
            v6 frags source share: 8
            v6 datagrams handed off: 1

    """

  /// F1, F8 to F11, F44, F46.
  @Test func `the status is Open vSwitch's block, and behind it what is ours`() throws {
    let fragmented = try forwarder()
    let output = try fixture.run("ipf-get-status")
    #expect(output.status == 0)
    #expect(output.error.isEmpty)
    #expect(output.out == Self.block)
    withExtendedLifetime(fragmented) {}
  }

  static let lists = [
    "(src=192.0.2.1,dst=198.51.100.7,recirc_id=0,ip_id=2115,dl_type=0x800,zone=0,nw_proto=17,num_fragments=4,state=complete)",
    "(src=192.0.2.1,dst=198.51.100.7,recirc_id=0,ip_id=65535,dl_type=0x800,zone=7,nw_proto=6,num_fragments=3,state=first/last frag)",
    "(src=192.0.2.2,dst=198.51.100.7,recirc_id=0,ip_id=0,dl_type=0x800,zone=0,nw_proto=1,num_fragments=1,state=first frag)",
    "(src=2001:db8::1,dst=2001:db8:1::7,recirc_id=0,ip_id=4294967295,dl_type=0x86dd,zone=7,nw_proto=0,num_fragments=1,state=last frag)",
    "(src=2001:db8::1,dst=2001:db8:1::7,recirc_id=0,ip_id=1,dl_type=0x86dd,zone=65535,nw_proto=58,num_fragments=2,state=other frag)",
    "(src=2001:db8::a,dst=2001:db8:1::7,recirc_id=0,ip_id=2,dl_type=0x86dd,zone=0,nw_proto=17,num_fragments=0,state=reassemble fail)",
    "(src=0.0.0.0,dst=255.255.255.255,recirc_id=0,ip_id=3,dl_type=0x800,zone=0,nw_proto=17,num_fragments=0,state=unused)",
  ]

  /// A line as it comes out, of a datagram as `Fragmented` stores it.
  private func shown(_ line: String, core: Int = 1) -> String {
    let count = Int(line.firstMatch(of: #/num_fragments=(\d+)/#)!.1)!
    return line.dropLast() + ",core=\(core),age=2.5,timeout=12.5,bytes=\(count * 1500),mbufs=\(count),largest=1500)"
  }

  /// Status and lists of a forwarder that has ended, so that time stands still.
  private func lists(_ words: String...) throws -> [String] {
    let output = try Fixture.execute(
      Fixture.binary, ["--root", fixture.root, "-f", "t", "ipf-get-status"] + words)
    #expect(output.status == 0, "\(output.error)")
    return output.lines.filter { $0.hasPrefix("(") }
  }

  /// F2, F13 to F20: complete ones and those that wait, of all workers.
  @Test func `asked for more it lists what is held, in Open vSwitch's words`() throws {
    let fragmented = try forwarder()
    for (place, line) in Self.lists.enumerated() { fragmented.add(line, shard: place % 2) }
    fragmented.writer.setState(.stopped)
    let order = [0, 2, 4, 6, 1, 3, 5].map { shown(Self.lists[$0], core: $0 % 2 + 1) }
    let expected = Self.block + "\n        Fragment Lists:\n\n" + order.map { $0 + "\n" }.joined()
    let place = ["--root", fixture.root, "-f", "t"]
    for words in [
      place + ["ipf-get-status", "-m"], place + ["ipf-get-status", "--more"], place + ["ipf-get-status", "verbose"],
      ["-m"] + place + ["ipf-get-status"], place + ["--more", "ipf-get-status", "netdev@ovs-netdev"],
      place + ["ipf-get-status", "netdev@ovs-netdev", "-m"],
    ] {
      let output = try Fixture.execute(Fixture.binary, words)
      #expect(output.status == 0)
      #expect(output.out == expected, "\(words)")
    }
  }

  /// F13: where there are none, the header line is there all the same.
  @Test func `no lists are a header and nothing behind it`() throws {
    let fragmented = try forwarder()
    #expect(try fixture.run("ipf-get-status", "-m").out == Self.block + "\n        Fragment Lists:\n\n")
    withExtendedLifetime(fragmented) {}
  }

  /// F3: a datapath may be named. F6, F7: what makes no sense is refused, with usage.
  @Test func `words are checked`() throws {
    let fragmented = try forwarder()
    #expect(try fixture.run("ipf-get-status", "system@ovs-system").out == Self.block)
    for words in [
      ["dp", "other"], ["verbose", "dp"], ["verbose", "verbose"], ["zone="], ["zone=x"], ["zone=65536"], ["zone=-1"],
      ["zone=1", "zone=2"], ["zones=1"], ["--bogus"], ["-x"],
    ] {
      let output = try Fixture.execute(
        Fixture.binary, ["--root", fixture.root, "-f", "t", "ipf-get-status"] + words)
      #expect(output.status == 64, "\(words)")
      #expect(output.out.isEmpty)
      #expect(output.error.contains("Usage: dpdkfwd-stat ipf-get-status"), "\(output.error)")
    }
    #expect(try fixture.run("show", "lcores", "-m").status == 64)
    #expect(try Fixture.execute(Fixture.binary, ["-m", "show", "lcores"]).status == 64)
    #expect(try Fixture.execute(Fixture.binary, ["--help"]).out.contains("ipf-get-status"))
    withExtendedLifetime(fragmented) {}
  }

  /// F26.
  @Test func `the lists of one zone are listed alone`() throws {
    let fragmented = try forwarder()
    for line in Self.lists { fragmented.add(line) }
    fragmented.writer.setState(.stopped)
    #expect(try lists("-m", "zone=7") == [1, 3].map { shown(Self.lists[$0]) })
    #expect(try lists("dp", "verbose", "zone=65535") == [shown(Self.lists[4])])
    #expect(try lists("-m", "zone=8").isEmpty)
    #expect(try fixture.run("ipf-get-status", "zone=7").out == Self.block)
  }

  /// F12, F24.
  @Test func `without reassembly there is an error and nothing else`() throws {
    let writer = try fixture.forwarder()
    for words in [["ipf-get-status"], ["ipf-get-status", "-m"], ["ipf-get-status", "--json"]] {
      let output = try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t"] + words)
      #expect(output.status == 65)
      #expect(output.out.isEmpty)
      #expect(
        output.error == "dpdkfwd-stat: ipf status could not be retrieved: the segment has no frag_shards\n")
    }
    let nobody = try fixture.run("ipf-get-status", prefix: "nobody")
    #expect(nobody.status == 69)
    #expect(nobody.out.isEmpty)
    #expect(nobody.error.hasPrefix("dpdkfwd-stat: ipf status could not be retrieved: no segment at "))
    withExtendedLifetime(writer) {}
  }

  // MARK: In full

  /// F45: ranges missing.
  @Test func `asked twice it says what is missing`() throws {
    let fragmented = try forwarder()
    let stories: [(pieces: [Range<UInt16>], end: UInt32?, missing: String)] = [
      ([0..<1480, 1480..<2960], 2960, ""), ([0..<1480], nil, "1480-"), ([1480..<2960], nil, "0-1479 2960-"),
      ([0..<8, 16..<24, 24..<32, 40..<48], 64, "8-15 32-39 48-63"), ([1480..<2000], 2000, "0-1479"),
      ([0..<8, 65_512..<65_515], 65_515, "8-65511"), ([], nil, "0-"), ([], 100, "0-99"),
    ]
    for (place, story) in stories.enumerated() {
      let line = Self.lists[2].replacing("num_fragments=1", with: "num_fragments=\(story.pieces.count)")
      fragmented.add(line, generation: UInt32(place + 1), pieces: story.pieces, end: story.end)
    }
    fragmented.writer.setState(.stopped)
    for words in [["-m", "-m"], ["-mm"], ["--more", "verbose"]] {
      let lines = try Fixture.execute(
        Fixture.binary, ["--root", fixture.root, "-f", "t", "ipf-get-status"] + words
      ).lines.filter { $0.hasPrefix("(") }
      #expect(
        lines.map { $0.firstMatch(of: #/,largest=1500,missing=\[(.*)\]\)$/#)?.1 } == stories.map { $0.missing[...] })
    }
    #expect(try lists("-m").allSatisfy { !$0.contains("missing") })
  }

  /// F23: what changes all the time, or was left half changed, is left out; nothing hangs, nothing is made up.
  @Test func `a list that is not whole is left out of what is told in full`() throws {
    let fragmented = try forwarder()
    let line = Self.lists[2].replacing("num_fragments=1", with: "num_fragments=2")
    for life in 1...7 as ClosedRange<UInt32> {
      fragmented.add(line, generation: life, pieces: [0..<8, 16..<24], end: 32)
    }
    fragmented.editPiece(1) { $0.owner = 9 }
    fragmented.editPiece(3) { $0.next = 3 }  // a ring
    fragmented.editPiece(4) { $0.next = 0xffff_ffff }
    fragmented.editPiece(7) { $0.owner = 0 }
    fragmented.editPiece(8) { $0.offset = 20 }  // behind the next one
    fragmented.edit(5) { $0.fragments = 3 }
    fragmented.writer.setState(.stopped)
    #expect(try lists("-m").count == 7)
    let whole = try lists("-m", "-m")
    #expect(whole.count == 1)
    #expect(whole.first?.contains("missing=[8-15 24-31]") == true)
  }

  /// F45: the owner flow, by either direction, of the same zone, once the ports are known.
  @Test func `asked twice it names the connection`() throws {
    let tracked = try Tracked(fixture, datagrams: 16, now: 100_000)
    let fragmented = try Fragmented(fixture, into: tracked.writer)
    let ids = [0, 2, 5, 13].map { tracked.add(DumpTests.lines[$0], shard: 1) }
    func datagram(
      _ source: String, _ destination: String, _ protocol: UInt8, _ ports: (UInt16, UInt16), zone: Int = 0,
      state: String = "first frag"
    ) {
      let type = source.contains(":") ? "0x86dd" : "0x800"
      let slot = fragmented.add(
        "(src=\(source),dst=\(destination),recirc_id=0,ip_id=1,dl_type=\(type),zone=\(zone),nw_proto=\(`protocol`),"
          + "num_fragments=1,state=\(state))", pieces: [0..<8])
      fragmented.edit(slot) { ($0.source_port, $0.destination_port) = ports }
    }
    datagram("192.0.2.1", "198.51.100.7", 6, (40000, 443))
    datagram("198.51.100.7", "192.0.2.1", 6, (443, 40000))
    datagram("198.51.100.53", "192.0.2.1", 17, (53, 5353), zone: 7)
    datagram("192.0.2.1", "198.51.100.7", 1, (77, 8 << 8))
    datagram("2001:db8:1::7", "2001:db8::99", 6, (2, 1), zone: 9)
    datagram("192.0.2.1", "198.51.100.7", 6, (40000, 443), zone: 1)
    datagram("192.0.2.1", "198.51.100.7", 17, (40000, 443))
    datagram("192.0.2.1", "198.51.100.7", 6, (40000, 443), state: "last frag")
    fragmented.writer.setState(.stopped)
    let flows = try lists("-m", "-m").map { $0.firstMatch(of: #/,flow=(\d+)\)$/#).flatMap { UInt64($0.1) } }
    #expect(flows == [ids[0], ids[0], ids[1], ids[2], ids[3]].map(\.rawValue) + [nil, nil, nil])
    #expect(try lists("-m").allSatisfy { !$0.contains("flow=") })
  }

  private struct OtherConnection {
    var generation: UInt32
    var number: UInt32
  }

  /// Of another version, for example.
  @Test func `connections that cannot be read are in nobody's way`() throws {
    let of = FieldsOf<OtherConnection>(since: "0.9")
    let other = Kind(
      KindID(rawValue: 99), "ct", since: "0.9", stride: MemoryLayout<OtherConnection>.stride, help: "Connections",
      fields: [of.generation(1, "generation", \.generation, ""), of.gauge(2, "number", \.number, "", "")])
    let fragmented = try Fragmented(fixture, into: fixture.forwarder(extra: [other], datagrams: 4))
    fragmented.add(Self.lists[2], pieces: [0..<8])
    #expect(try lists("-m", "-m").first?.hasSuffix(",missing=[8-])") == true)
    withExtendedLifetime(fragmented) {}
  }

  // MARK: Time

  /// The lines are Open vSwitch's, which says nothing of it.
  @Test func `that a forwarder has ended is said beside the lines`() throws {
    let fragmented = try Fragmented(fixture)
    #expect(try fixture.run("ipf-get-status").error.isEmpty)
    fragmented.writer.setState(.stopped)
    let output = try fixture.run("ipf-get-status")
    #expect(output.out.hasPrefix("        Fragmentation Module Status\n"))
    #expect(output.error.contains("): stopped cleanly after "))
    #expect(try fixture.run("ipf-get-status", "--json").error.isEmpty)
  }

  /// A worker's clock of milliseconds begins anew every 49.7 days.
  @Test(arguments: [100_000, 0xffff_ffff, 0x1_0000_0005, 0x7_0000_0000] as [UInt64])
  func `ages stand still at the last breath`(now: UInt64) throws {
    do {
      let fragmented = try Fragmented(fixture, now: now)
      for line in Self.lists[..<3] { fragmented.add(line) }
      fragmented.edit(1) { $0.deadline = $0.began }
      fragmented.edit(2) { $0.began &+= 2600 }  // by a worker whose clock is a little ahead
    }  // killed
    let times = try lists("-m").compactMap { $0.firstMatch(of: #/age=[0-9.]+,timeout=[0-9.]+/#)?.0 }
    #expect(times == ["age=2.5,timeout=12.5", "age=2.5,timeout=0.0", "age=0.0,timeout=12.5"])
  }

  @Test func `ages go on while the forwarder lives`() throws {
    let fragmented = try Fragmented(fixture)
    fragmented.add(Self.lists[0])
    usleep(150_000)
    let line = try #require(try lists("-m").first)
    let age = try #require(line.firstMatch(of: #/age=([0-9.]+)/#).flatMap { Double($0.1) })
    let left = try #require(line.firstMatch(of: #/timeout=([0-9.]+)/#).flatMap { Double($0.1) })
    #expect(age >= 2.6)
    #expect((14.8...15.0).contains(age + left) || left == 0)
    withExtendedLifetime(fragmented) {}
  }

  // MARK: Peers

  /// F8 to F20: every status and every list that Open vSwitch printed comes out as it went in.
  @Test(.enabled(if: Shared.isThere, "needs the shared samples"))
  func `Open vSwitch's own lines come out as they went in`() throws {
    let folder = try #require(Shared.folder).appending(path: "peers/samples")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.contains("ipf-get-status")
    }
    #expect(files.count == 8)
    let fragmented = try Fragmented(fixture, datagrams: 512)
    var lists: [String] = []
    for file in files.sorted() {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let block = Array(lines[1..<21])
      store(block, in: fragmented.writer)
      #expect(Array(try fixture.run("ipf-get-status").lines.prefix(20)) == block, "\(file)")
      if lines[21].isEmpty, lines.count > 22 { #expect(Array(lines[21...23]) == ["", "        Fragment Lists:", ""]) }
      lists += lines.filter { $0.hasPrefix("(") && $0.contains("recirc_id=0,") }
    }
    #expect(lists.count > 100)
    for line in lists { fragmented.add(line) }
    fragmented.writer.setState(.stopped)
    #expect(try self.lists("-m") == lists.map { shown($0) })
  }

  /// - Parameter block: lines of `name: value`.
  private func store(_ block: [String], in writer: SegmentWriter) {
    let shard = unsafe writer.fragmentShard(0)
    for line in block.dropFirst(2) {
      let sides = line.split(separator: ":")
      let (name, value) = (sides[0].dropFirst(8), UInt64(sides[1].dropFirst())!)
      switch name {
      case "v4 enabled": unsafe shard.pointee.enabled.0 = UInt8(value)
      case "v6 enabled": unsafe shard.pointee.enabled.1 = UInt8(value)
      case "max num frags (v4/v6)": unsafe shard.pointee.fragments_limit = value
      case "num frag": unsafe shard.pointee.fragments = value
      case "min v4 frag size": unsafe shard.pointee.smallest.0 = UInt16(value)
      case "min v6 frag size": unsafe shard.pointee.smallest.1 = UInt16(value)
      default:
        let event = String(name.dropFirst("v4 frags ".count)).replacing(" ", with: "_")
        writer.count(event, ofFragments: value, family: name.hasPrefix("v6") ? 1 : 0)
      }
    }
  }
}
