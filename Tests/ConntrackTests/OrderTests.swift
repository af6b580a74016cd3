import CSegment
import Conntrack
import EventSupport
import Primitives
import Segment
import TestSupport
import Testing

/// Connections made, changed and removed on request, as ctnetlink has it (C4-C6, C15, C16, C37).
struct OrderTests {
  private typealias Status = Connection.Status
  private static let udp = Connection.of(17, "10.0.0.1", "192.0.2.53", 4000, 53)
  private static let tcp = Connection.of(6, "10.0.0.1", "192.0.2.80", 4000, 80)
  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53)

  private static func bench(
    capacity: Int = 64, extensions: Int = 64, zones: [ZoneMap.Rule] = [], limits: SharedLimits? = nil,
    choices: TrackingChoices = TrackingChoices()
  ) -> TrackerBench {
    let bench = TrackerBench(
      capacity: capacity, extensions: extensions, choices: choices, zones: zones, limits: limits,
      events: EventMemory(), telling: EventTests.loud)
    bench.advance(.milliseconds(250))
    return bench
  }

  /// The table holds together, and what was told of it is all there is.
  private static func check(_ bench: TrackerBench, _ place: SourceLocation = #_sourceLocation) {
    let wrong = bench.tracker.table.checkInvariants()
    #expect(wrong == nil, sourceLocation: place)
  }

  // MARK: Create

  /// One of each kind of tuple.
  static let kinds: [Connection] = [
    udp, tcp, .of(17, "2001:db8::1", "2001:db8::53", 4000, 53), .of(6, "2001:db8::1", "2001:db8::80", 4000, 80),
    .of(1, "10.0.0.1", "192.0.2.1", 7, 8 << 8), .of(1, "10.0.0.1", "192.0.2.1", 7, 13 << 8),
    .of(58, "2001:db8::1", "2001:db8::2", 7, 128 << 8), .of(58, "2001:db8::1", "2001:db8::2", 7, 139 << 8 | 1),
    .of(47, "10.0.0.1", "192.0.2.1"), .of(47, "10.0.0.1", "192.0.2.1", 0, 0x1234),
    .of(132, "10.0.0.1", "192.0.2.1", 5, 6),
    .of(136, "10.0.0.1", "192.0.2.1", 5, 6), .of(99, "10.0.0.1", "192.0.2.1"), .of(50, "fd00::1", "fd00::2"),
    .of(17, "10.0.0.1", "10.0.0.1", 7, 7), .of(17, "10.0.0.1", "192.0.2.53", 1, 2, zone: 9),
  ]

  @Test(arguments: kinds)
  func `what is created is found by either tuple and by its id, and goes again`(connection: Connection) throws {
    let bench = Self.bench()
    let made = bench.order(.create, connection.change())
    #expect(made.outcome == .created && bench.count == 1)
    let told = bench.told()
    #expect(told.map(\.words) == ["new by request 77"])
    #expect(told.first?.connection.original == connection.original && told.first?.connection.reply == connection.reply)
    let id = try #require(made.connection).id
    for key in [.original, .reply, .id] as [ConnectionOrder.Key] {
      let look = bench.order(.look, connection.with { $0.id = id }.change(), by: key)
      #expect(look.outcome == .done && look.connection?.id == id && look.connection?.original == connection.original)
      #expect(look.connection?.reply == connection.reply && look.connection?.remaining == 100_750)
    }
    #expect(bench.told().isEmpty, "looking changes nothing")
    let gone = bench.order(.delete, connection.change(), by: .reply)
    #expect(gone.outcome == .done && gone.connection?.id == id && bench.count == 0)
    #expect(bench.told().map(\.words) == ["destroy by request 77"])
    for key in [.original, .reply, .id] as [ConnectionOrder.Key] {
      #expect(bench.order(.delete, connection.with { $0.id = id }.change(), by: key).outcome == .notFound)
    }
    #expect(unsafe bench.tracker.eventCounts.pointee.refused == 3)
    Self.check(bench)
  }

  /// C6, C37: `-I` fails for what is there, also as an answer; `-A` does not; `-U` and `-D` need it.
  @Test func `creation is exclusive or not`() throws {
    let bench = Self.bench()
    bench.send(Self.question)
    #expect(bench.told().count == 1)
    let there = bench.order(.create, Self.udp.change())
    #expect(there.outcome == .exists && there.connection?.counts.original.packets == 1)
    let answer = Connection.of(17, "192.0.2.53", "10.0.0.1", 53, 4000)
    #expect(bench.order(.create, answer.change()).outcome == .exists)
    #expect(bench.told().isEmpty && bench.count == 1)

    let add = Self.udp.with { $0.mark = 5 }.change([.mark])
    #expect(bench.order(.add, add).outcome == .done)
    #expect(bench.order(.add, add).outcome == .done)
    #expect(bench.told().map(\.words) == ["update mark by request 77"], "the second changed nothing")
    #expect(bench.order(.add, Self.tcp.change()).outcome == .created)
    #expect(
      bench.order(.update, Connection.of(17, "10.9.9.9", "192.0.2.53", 1, 2).change([.mark])).outcome == .notFound)
    #expect(bench.count == 2)
    Self.check(bench)
  }

  /// The key says whom it is about; the tuple says what is made. The table never holds one twice.
  @Test(arguments: [ConnectionOrder.Key.id, .reply])
  func `what is looked for by another key is not made twice`(key: ConnectionOrder.Key) {
    let bench = Self.bench(zones: [ZoneMap.Rule(port: 1, zones: ZonePair(original: 5, reply: 0))])
    let here = Connection.of(17, "10.0.0.1", "192.0.2.53", 4000, 53, zone: 5)
    #expect(bench.order(.create, here.change()).outcome == .created)
    let other = here.with { $0.reply.zone = 0 }
    let again = bench.order(.create, (key == .id ? here : other).change(), by: key)
    #expect(again.outcome == .exists && again.connection?.original == here.original)
    #expect(bench.count == 1)
    Self.check(bench)
  }

  @Test func `no connection is made that no packet could belong to`() {
    let bench = Self.bench()
    let strange: [(Connection, OrderOutcome)] = [
      (.of(1, "10.0.0.1", "192.0.2.1", 7, 0), .invalidTuple),  // an echo reply asks nothing
      (.of(1, "10.0.0.1", "192.0.2.1", 7, 3 << 8), .invalidTuple),
      (.of(58, "2001:db8::1", "2001:db8::2", 7, 135 << 8), .invalidTuple),
      (.of(58, "10.0.0.1", "192.0.2.1", 7, 8 << 8), .invalidTuple),
      (.of(1, "2001:db8::1", "2001:db8::2", 0, 0), .invalidTuple),
      (.of(59, "2001:db8::1", "2001:db8::2"), .invalidTuple),
      (.of(99, "10.0.0.1", "192.0.2.1", 5, 6), .invalidTuple),
      (Self.udp.with { $0.reply.destinationPort = 4001 }, .needsTranslation),
      (Self.udp.with { $0.reply.source = ("192.0.2.54" as Address).either }, .needsTranslation),
      (Self.udp.with { $0.reply = $0.original }, .needsTranslation),
    ]
    for (connection, outcome) in strange {
      #expect(bench.order(.create, connection.change()).outcome == outcome, "\(connection.original)")
    }
    #expect(bench.count == 0 && bench.told().isEmpty)
    #expect(unsafe bench.tracker.eventCounts.pointee.orders == 10)
    #expect(unsafe bench.tracker.eventCounts.pointee.refused == 10)
  }

  /// C4: every attribute.
  @Test func `all that can be given is there`() throws {
    let bench = Self.bench()
    let wanted = Self.tcp.with {
      $0.status = Status.confirmed | Status.seenReply | Status.assured | Status.fixedTimeout
      $0.state = 3
      $0.mark = 0xDEAD_BEEF
      $0.labels = Connection.Labels(low: 5, high: 1 << 63)
      $0.counts = (.init(packets: 10, bytes: 1000), .init(packets: 20, bytes: 2000))
      $0.start = 1_600_000_000
      $0.details.original = dpdkfwd_ct_tcp_side(end: 1, max_end: 2, max_window: 3, max_ack: 4)
      $0.details.reply = dpdkfwd_ct_tcp_side(end: 5, max_end: 6, max_window: 7, max_ack: 8)
      $0.details.scales = 0x71
      $0.details.flags_original = 0x23
      $0.details.retransmissions = 2
    }
    let made = try #require(bench.order(.create, wanted.whole).connection)
    #expect(made.difference(from: wanted.with { $0.remaining = 100_000 }) == nil || made.remaining == 100_750)
    #expect(made.with { $0.remaining = wanted.remaining }.difference(from: wanted) == nil)
    #expect(bench.counts.unassured == 0)
    Self.check(bench)
    // What is not among the attributes is not taken.
    let plain = bench.order(
      .create,
      wanted.with {
        $0.original.sourcePort = 1; $0.reply.destinationPort = 1
      }.change())
    let empty = try #require(plain.connection)
    #expect(empty.status == Status.confirmed && empty.state == 0 && empty.mark == 0 && empty.labels.isEmpty)
    #expect(empty.counts == (.init(), .init()) && empty.start == 1_700_000_000)
    #expect(empty.details.bytes.allSatisfy { $0 == 0 } && bench.counts.unassured == 1)
  }

  @Test func `only what may be set of a status is set`() {
    let bench = Self.bench()
    let made = bench.order(.create, Self.udp.with { $0.status = .max }.change(.status)).connection
    #expect(made?.status == Status.confirmed | Status.seenReply | Status.assured | Status.fixedTimeout)
  }

  /// A deadline is never so far away that it looks past.
  @Test func `a timeout ends at what the clock can tell`() throws {
    let bench = Self.bench()
    let made = try #require(bench.order(.create, Self.udp.with { $0.remaining = .max }.change()).connection)
    #expect(made.remaining == 2_000_000_000 + 750)
    bench.order(.update, Self.udp.with { $0.remaining = .max }.change(.timeout))
    #expect(bench.order(.look, Self.udp.change()).outcome == .done)
    // Nothing left: it is over with the next whole second.
    #expect(bench.order(.create, Self.tcp.with { $0.remaining = 0 }.change()).outcome == .created)
    bench.advance(.seconds(1))
    #expect(bench.order(.look, Self.tcp.change()).outcome == .notFound)
    #expect(bench.told().map(\.words).last == "destroy by timeout")
  }

  // MARK: Room

  @Test func `a full table makes room for a request as for a packet`() {
    let bench = Self.bench(capacity: 2)
    let flow = { (port: UInt16, status: UInt16) in
      Connection.of(17, "10.0.0.1", "192.0.2.53", port, 53).with { $0.status = status }.change(.status)
    }
    #expect(bench.order(.create, flow(1, Status.assured)).outcome == .created)
    #expect(bench.order(.create, flow(2, 0)).outcome == .created)
    #expect(bench.order(.create, flow(3, Status.assured)).outcome == .created)
    #expect(
      bench.told().map(\.words) == [
        "new by request 77", "new by request 77", "destroy by earlyDrop", "new by request 77",
      ])
    #expect(bench.order(.create, flow(4, 0)).outcome == .tableFull)
    #expect(bench.count == 2 && bench.counts.unassured == 0)
    Self.check(bench)
  }

  @Test func `requests count against every limit, and give back`() {
    let flow = { (port: UInt16, zone: UInt16) in
      Connection.of(17, "10.0.0.1", "192.0.2.53", port, 53, zone: zone).change()
    }
    let cases: [(SharedLimits, OrderOutcome, UInt16)] = [
      (SharedLimits(total: 2, capacity: 100, secret: TrackerBench.secret), .connectionLimit, 0),
      (SharedLimits(zones: [7: 2], capacity: 100, secret: TrackerBench.secret), .zoneLimit, 7),
      (SharedLimits(source: 2, capacity: 100, secret: TrackerBench.secret), .sourceLimit, 0),
    ]
    for (limits, outcome, zone) in cases {
      let bench = Self.bench(limits: limits)
      for round in 0..<3 {
        let made = (1...3).map { bench.order(.create, flow($0, zone)).outcome }
        #expect(made == [.created, .created, outcome], "round \(round)")
        for port in 1...2 as ClosedRange<UInt16> {
          #expect(bench.order(.delete, flow(port, zone)).outcome == .done)
        }
      }
      Self.check(bench)
    }
  }

  @Test func `where zones are split no two connections have one reply`() {
    let bench = Self.bench(zones: [ZoneMap.Rule(port: 1, zones: ZonePair(original: 5, reply: 0))])
    let here = Connection.of(17, "10.0.0.1", "192.0.2.53", 4000, 53, zone: 5, replyZone: 0)
    #expect(bench.order(.create, here.change()).outcome == .created)
    #expect(bench.order(.create, here.with { $0.original.zone = 6 }.change()).outcome == .tupleTaken)
    #expect(bench.order(.look, here.change(), by: .reply).outcome == .done)
    #expect(bench.send(Self.question, port: 1).words == "new_o")
    #expect(bench.send(Self.question.reversed, port: 0).words == "established_r")
    #expect(bench.connections.map(\.packets_reply) == [1])
    #expect(bench.order(.delete, here.change(), by: .reply).outcome == .done && bench.count == 0)
    Self.check(bench)
  }

  /// Nothing half made, and nobody driven out for it.
  @Test func `without room for labels nothing is made and nothing changes`() {
    let bench = Self.bench(capacity: 2, extensions: 1)
    bench.send(Self.question)
    let label = { (connection: Connection) in connection.with { $0.labels = .init(low: 1) }.change([.labels, .mark]) }
    let six = Connection.of(17, "2001:db8::1", "2001:db8::53", 1, 2)
    #expect(bench.order(.create, label(six)).outcome == .created, "its addresses have room for labels beside them")
    _ = bench.told()
    let before = bench.counts
    #expect(bench.order(.create, label(Self.tcp)).outcome == .noExtension)
    #expect(bench.order(.update, label(Self.udp.with { $0.mark = 9 })).outcome == .noExtension)
    #expect(bench.connections.map(\.mark) == [0, 0] && bench.told().isEmpty)
    #expect(bench.counts.insert == before.insert && bench.counts.early_drop == 0 && bench.count == 2)
    Self.check(bench)
  }

  // MARK: Change

  @Test func `marks and labels change by their masks`() throws {
    let bench = Self.bench()
    bench.send(Self.question)
    bench.order(.update, Self.udp.with { $0.mark = 0xFF00 }.change(.mark))
    let masked = Self.udp.with { $0.mark = 0x0012 }.change(.mark).with { $0.markMask = 0x00FF }
    #expect(bench.order(.update, masked).connection?.mark == 0xFF12)
    // conntrack(8): value xor (old & ~mask).
    let flipped = Self.udp.with { $0.mark = 0xF000 }.change(.mark).with { $0.markMask = 0 }
    #expect(bench.order(.update, flipped).connection?.mark == 0x0F12)
    let labels = { (low: UInt64, high: UInt64, lowMask: UInt64, highMask: UInt64) in
      Self.udp.with { $0.labels = .init(low: low, high: high) }.change(.labels)
        .with { $0.labelMask = .init(low: lowMask, high: highMask) }
    }
    #expect(bench.order(.update, labels(0b101, 1, .max, .max)).connection?.labels == .init(low: 0b101, high: 1))
    #expect(bench.order(.update, labels(0b010, 0, 0b110, 0)).connection?.labels == .init(low: 0b011, high: 1))
    #expect(bench.order(.update, labels(0, 0, .max, .max)).connection?.labels.isEmpty == true)
    #expect(
      bench.told().map(\.words)
        == ["new"] + Array(repeating: "update mark by request 77", count: 3)
        + Array(repeating: "update labels by request 77", count: 3))
    Self.check(bench)
  }

  /// ctnetlink's EBUSY: what was seen cannot be unseen; a fixed timeout can be released.
  @Test func `what was seen of a connection cannot be taken back`() {
    let bench = Self.bench()
    bench.send(Self.question)
    bench.send(Self.question.reversed)
    let set = { (bits: UInt16) in
      Self.udp.with {
        $0.status = bits; $0.mark = 3
      }.change([.status, .mark])
    }
    let clear = { (bits: UInt16) in set(0).with { $0.clearedStatus = bits } }
    #expect(bench.order(.update, clear(Status.assured)).outcome == .done, "it was not set")
    #expect(bench.order(.update, clear(Status.seenReply)).outcome == .busy)
    #expect(bench.order(.update, set(Status.assured | Status.fixedTimeout)).outcome == .done)
    #expect(bench.counts.unassured == 0)
    #expect(bench.order(.update, set(Status.assured)).outcome == .done)
    #expect(bench.order(.update, clear(Status.assured | Status.fixedTimeout)).outcome == .busy)
    #expect(bench.order(.update, clear(Status.fixedTimeout)).outcome == .done)
    #expect(bench.connections.map(\.status) == [Status.confirmed | Status.seenReply | Status.assured])
    bench.order(.delete, Self.udp.change())
    #expect(bench.counts.unassured == 0)
    Self.check(bench)
  }

  @Test func `a change that is refused changes nothing`() {
    let bench = Self.bench()
    bench.send(Self.question)
    bench.send(Self.question.reversed)
    let all = Self.udp.with {
      $0.mark = 3; $0.remaining = 1; $0.labels = .init(low: 1); $0.counts.original.packets = 9
    }
    .whole.with { $0.clearedStatus = Status.seenReply }
    let before = bench.connections
    #expect(bench.order(.update, all).outcome == .busy)
    let after = bench.connections
    #expect(after.map(\.mark) == before.map(\.mark) && after.map(\.deadline) == before.map(\.deadline))
    #expect(after.map(\.packets_original) == before.map(\.packets_original) && after.map(\.extension) == [0])
    #expect(bench.told().map(\.words) == ["new", "update reply"])
  }

  @Test func `timeout, state and counters are set, and that is told as one`() {
    let bench = Self.bench()
    bench.order(.create, Self.tcp.change())
    let change = Self.tcp.with {
      $0.remaining = 5000
      $0.state = 4
      $0.counts = (.init(packets: 1, bytes: 2), .init(packets: 3, bytes: 4))
    }
    let after = bench.order(.update, change.change([.timeout, .state, .counts])).connection
    #expect(after?.remaining == 5750 && after?.state == 4 && after?.counts.reply.bytes == 4)
    #expect(
      bench.told().map(\.words) == ["new by request 77", "update state+timeout+counts by request 77"])
    // Of UDP there is no state to set.
    bench.send(Self.question)
    bench.order(.update, Self.udp.change([.state, .windows]))
    #expect(bench.told().map(\.words) == ["new"])
  }

  /// C15, C16, C37: what a request does is told with who asked, and what packets did before it without.
  @Test func `a request's update holds only what the request did`() {
    let bench = Self.bench()
    bench.send(Self.question)
    bench.send(Self.question.reversed)
    bench.order(.update, Self.udp.with { $0.mark = 7 }.change(.mark), client: 4711)
    bench.send(Self.question)
    let events = bench.told()
    #expect(events.map(\.words) == ["new", "update reply", "update mark by request 4711"])
    #expect(events.map(\.client) == [0, 0, 4711])
  }

  @Test func `a timeout alone is an update when it was asked for`() {
    let bench = Self.bench()
    bench.send(Self.question)
    bench.order(.update, Self.udp.with { $0.remaining = 5000 }.change(.timeout))
    #expect(bench.told().map(\.words) == ["new", "update timeout by request 77"])
    #expect(unsafe segment_events_written(bench.tracker.eventCounts)[3] == 0, "no refresh")
  }

  // MARK: What follows

  /// As Linux: a connection that was made without windows is picked up in the middle.
  @Test func `an established connection without windows takes the first segments it sees`() {
    let bench = Self.bench()
    let made = Self.tcp.with {
      $0.state = 3; $0.status = Status.seenReply | Status.assured
    }.change([.state, .status])
    #expect(bench.order(.create, made).outcome == .created)
    let data = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
      from: 4000, to: 80, flags: .ack, seq: 1_000_000, ack: 77_000, payload: [1])
    #expect(bench.send(data).words == "established_o")
    let far = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
      from: 4000, to: 80, flags: .ack, seq: 900_000_000, ack: 77_000, payload: [1])
    #expect(bench.send(far).words == "invalid", "and from then on it goes by what it saw")
  }

  @Test func `an established connection with windows refuses what is outside`() {
    let bench = Self.bench()
    let made = Self.tcp.with {
      $0.state = 3
      $0.status = Status.seenReply | Status.assured
      $0.details.original = dpdkfwd_ct_tcp_side(end: 1001, max_end: 9000, max_window: 8000, max_ack: 5001)
      $0.details.reply = dpdkfwd_ct_tcp_side(end: 5001, max_end: 9001, max_window: 8000, max_ack: 1001)
      ($0.details.flags_original, $0.details.flags_reply) = (0x20, 0x20)
    }
    bench.order(.create, made.change([.state, .status, .windows]))
    let segment = { (seq: UInt32, ack: UInt32) in
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(from: 4000, to: 80, flags: .ack, seq: seq, ack: ack)
    }
    #expect(bench.send(segment(1_000_000, 5001)).words == "invalid")
    #expect(bench.send(segment(1001, 900_000)).words == "invalid")
    #expect(bench.send(segment(1001, 5001)).words == "established_o")
  }

  /// C5: the scales of the SYNs come with the protocol's details.
  @Test func `window scales that were given are used`() {
    let bench = Self.bench()
    let made = Self.tcp.with {
      $0.state = 3
      $0.status = Status.seenReply | Status.assured
      ($0.details.scales, $0.details.flags_original, $0.details.flags_reply) = (0x77, 1, 1)
    }
    bench.order(.create, made.change([.state, .status, .details]))
    let open = Datagram.ipv4(from: "192.0.2.80", to: "10.0.0.1").tcp(
      from: 80, to: 4000, flags: .ack, seq: 5000, ack: 1000, window: 1000)
    #expect(bench.send(open).words == "established_r")
    #expect(bench.connections.map(\.tcp.reply.max_window) == [128_000])
  }

  /// Requests come from outside: whatever they hold, packets go on.
  @Test func `no details that can be given bring the tracker down`() {
    var chance = SeededGenerator.forThisRun()
    for proto in [6, 132, 17, 136, 47] as [UInt8] {
      for _ in 0..<200 {
        let bench = Self.bench()
        let wanted = Connection.of(proto, "10.0.0.1", "192.0.2.80", 4000, 80).with { connection in
          connection.state = UInt8.random(in: 0...255, using: &chance)
          connection.status = UInt16.random(in: 0...(.max), using: &chance)
          unsafe withUnsafeMutableBytes(of: &connection.details) { unsafe $0.copyBytes(from: chance.bytes($0.count)) }
        }
        #expect(bench.order(.create, wanted.whole).outcome == .created)
        var talk = Conversation(client: "10.0.0.1", server: "192.0.2.80")
        for _ in 0..<30 {
          switch proto {
          case 6: bench.send(talk.next(&chance).datagram)
          case 132:
            let chunk = SCTPChunk(type: UInt8.random(in: 0...15, using: &chance), value: chance.bytes(16))
            bench.send(
              Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").sctp(
                from: 4000, to: 80, tag: UInt32(chance.next() & 0xFFFF_FFFF), chunks: [chunk]))
          default: bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").udp(from: 4000, to: 80))
          }
          bench.advance(.milliseconds(700))
          _ = bench.told()
        }
        Self.check(bench)
      }
    }
  }

  @Test func `a tracker that is off makes no connections`() {
    var tracker = Tracker.off()
    var image = dpdkfwd_ct_image()
    let order = ConnectionOrder(.create, change: Self.udp.change())
    let outcome = unsafe withUnsafeMutablePointer(to: &image) { unsafe tracker.carryOut(order, $0) }
    #expect(outcome == .tableFull)
    let count = tracker.table.count
    #expect(count == 0)
  }

  /// `ct-disable-tcp-seq-chk`, of all zones at once.
  @Test func `windows can be switched off and on`() {
    let bench = Self.bench()
    let segment = { (flags: TCPFlags, seq: UInt32, ack: UInt32) in
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(from: 4000, to: 80, flags: flags, seq: seq, ack: ack)
    }
    bench.send(segment(.syn, 1000, 0))
    bench.send(segment([.syn, .ack], 5000, 1001).reversed)
    bench.send(segment(.ack, 1001, 5001))
    let far = segment(.ack, 1_000_000_000, 5001)
    #expect(bench.send(far).words == "invalid")
    bench.tracker.setSequenceChecks(false)
    #expect(bench.send(far).words == "established_o")
    bench.tracker.setSequenceChecks(true)
    #expect(bench.send(far).words == "invalid")
  }
}
