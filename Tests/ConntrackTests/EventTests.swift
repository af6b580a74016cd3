import CSegment
import Conntrack
import EventSupport
import Primitives
import Segment
import TestSupport
import Testing

/// What is told of connections: how they begin, change and end.
struct EventTests {
  static let all: EventMask = [.new, .update, .destroy, .refresh]
  static let loud: EventMask = [.new, .update, .destroy]
  private static let question = TrackerTests.question

  private func bench(
    _ mask: EventMask = loud, capacity: Int = 64, zones: [ZoneMap.Rule] = [], settings: TrackerSettings = .init()
  ) -> TrackerBench {
    TrackerBench(capacity: capacity, zones: zones, settings: settings, events: EventMemory(), telling: mask)
  }

  private static func flow(_ port: UInt16, to other: UInt16 = 53) -> Datagram {
    .ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: port, to: other, payload: [1, 2, 3])
  }
  private static func segment(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0) -> Datagram {
    .ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(from: 4000, to: 80, flags: flags, seq: seq, ack: ack)
  }

  // MARK: Beginnings

  /// C3, C9: NEW means confirmed; what policy drops was never there.
  @Test func `only a connection that is confirmed is told of`() throws {
    let bench = bench()
    bench.send(Self.question, confirms: false)
    #expect(bench.told().isEmpty)
    bench.advance(.milliseconds(1500))
    bench.send(Self.question)
    let events = bench.told()
    #expect(events.map(\.words) == ["new"])
    let event = try #require(events.first)
    #expect(event.sequence == 1 && event.client == 0 && event.at == 1_700_000_001_500_000_000)
    let told = event.connection
    #expect(told.original.source == ("10.0.0.1" as Address).either && told.original.destinationPort == 53)
    #expect(told.reply.sourcePort == 53 && told.reply.destination == told.original.source)
    #expect(told.status == Connection.Status.confirmed && told.counts.original.packets == 1)
    #expect(told.remaining == 30_500 && told.start == 1_700_000_001)
  }

  /// C8: several changes in one step are one event.
  @Test func `what changes in one breath is one update, however much it is`() throws {
    let bench = bench()
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    let events = bench.told()
    #expect(events.map(\.words) == ["new", "update reply+assured+state+timeout"])
    let last = try #require(events.last).connection
    #expect(last.state == 3 && last.status & Connection.Status.assured != 0)
    #expect(unsafe bench.tracker.eventCounts.pointee.merged == 3)
    #expect(bench.told().isEmpty, "and only once")
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    #expect(bench.told().isEmpty, "nothing but the accounts has changed")
  }

  @Test func `a breath for each packet, an update for each change`() {
    let bench = bench()
    let steps: [(Datagram, [String])] = [
      (Self.segment(.syn, seq: 1000), ["new"]),
      (Self.segment(.syn, seq: 1000), []),
      (Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed, ["update reply+state+timeout"]),
      (Self.segment(.ack, seq: 1001, ack: 5001), ["update assured+state+timeout"]),
      (Self.segment([.fin, .ack], seq: 1001, ack: 5001), ["update state+timeout"]),
      (Self.segment([.fin, .ack], seq: 5001, ack: 1002).reversed, ["update state+timeout"]),
      (Self.segment(.ack, seq: 1002, ack: 5002), ["update state+timeout"]),
    ]
    for (packet, words) in steps {
      bench.send(packet)
      #expect(bench.told().map(\.words) == words)
    }
  }

  /// Simultaneous open: the other SYN moves the state, and no timeout.
  @Test func `a state that changes without a refresh is told of`() {
    let bench = bench()
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment(.syn, seq: 5000).reversed)
    let events = bench.told()
    #expect(events.map(\.words) == ["new", "update reply+state"])
    #expect(events.last?.connection.state == 9)
  }

  /// As in Linux, the chunks before the one that is refused have counted.
  @Test func `a state that an invalid packet moved is told of`() throws {
    let bench = bench()
    let packet = { (tag: UInt32, chunks: [SCTPChunk], isBack: Bool) in
      let way = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").sctp(from: 1000, to: 36412, tag: tag, chunks: chunks)
      return isBack ? way.reversed : way
    }
    bench.send(packet(0, [.initiation(tag: 0xA)], false))
    bench.send(packet(0xA, [.initiation(tag: 0xB, answer: true)], true))
    _ = bench.told()
    // COOKIE ECHO, and then a SHUTDOWN COMPLETE that no state allows here.
    let seen = bench.send(packet(0xB, [SCTPChunk(type: 10), SCTPChunk(type: 14)], false))
    let state = try #require(bench.connections.first).state
    let told = bench.told()
    #expect(seen.words != "invalid" || (state == 2) == told.isEmpty)
  }

  @Test func `updates stand in the order in which connections first changed`() {
    let bench = bench()
    for port in 1...5 as ClosedRange<UInt16> { bench.send(Self.flow(port)) }
    _ = bench.told()
    for port in [3, 1, 5, 2, 3] as [UInt16] { bench.send(Self.flow(port).reversed) }
    #expect(bench.told().map(\.connection.original.sourcePort) == [3, 1, 5, 2])
  }

  // MARK: Ends

  /// C10: at removal, with the final counters.
  @Test func `an end is told with all that was counted`() throws {
    let bench = bench([.destroy])
    for _ in 0..<3 { bench.send(Self.question) }
    bench.send(Self.question.reversed)
    #expect(bench.told().isEmpty)
    bench.advance(.seconds(40))
    bench.sweep()
    let events = bench.told()
    #expect(events.map(\.words) == ["destroy by timeout"])
    let told = try #require(events.first).connection
    #expect(told.counts.original.packets == 3 && told.counts.reply.packets == 1)
    #expect(told.counts.original.bytes == 3 * UInt64(Self.question.bytes.count))
    #expect(told.status & Connection.Status.dying != 0 && told.remaining == 0)
  }

  @Test func `a connection that is found to be over was ended by time`() {
    let bench = bench()
    bench.send(Self.question)
    bench.advance(.seconds(31))
    bench.send(Self.question)
    #expect(bench.told().map(\.words) == ["new", "destroy by timeout", "new"])
  }

  /// tcp-06: the RST counts.
  @Test func `a refused connection ends with the packet that refuses it`() throws {
    let bench = bench()
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.rst, .ack], seq: 0, ack: 1001).reversed)
    let events = bench.told()
    #expect(events.map(\.words) == ["new", "destroy"])
    #expect(events.last?.connection.counts.reply.packets == 1 && events.last?.connection.state == 8)
  }

  @Test func `a connection that begins anew ends first`() {
    let bench = bench()
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    bench.send(Self.segment([.fin, .ack], seq: 1001, ack: 5001))
    bench.send(Self.segment([.fin, .ack], seq: 5001, ack: 1002).reversed)
    bench.send(Self.segment(.ack, seq: 1002, ack: 5002))
    _ = bench.told()
    bench.send(Self.segment(.syn, seq: 90_000))
    #expect(bench.told().map(\.words) == ["destroy", "new"])
  }

  @Test func `who had to make room is named as that`() {
    let bench = bench(capacity: 1)
    bench.send(Self.flow(1))
    bench.send(Self.flow(2))
    let events = bench.told()
    #expect(events.map(\.words) == ["new", "destroy by earlyDrop", "new"])
    #expect(events.map(\.connection.original.sourcePort) == [1, 1, 2])
    #expect(events[0].connection.id == events[1].connection.id && events[1].connection.id != events[2].connection.id)
  }

  /// Also what was noted of the one that had the slot before.
  @Test func `a slot may be born, changed, freed and born again in one breath`() {
    let bench = bench(capacity: 1)
    bench.send(Self.flow(1))
    bench.send(Self.flow(1).reversed)
    bench.order(.delete, Connection.of(17, "10.0.0.1", "192.0.2.53", 1, 53).change())
    bench.send(Self.flow(2))
    bench.send(Self.flow(2).reversed)
    let events = bench.told()
    #expect(
      events.map(\.words) == ["new", "update reply", "destroy by request 77", "new", "update reply"])
    #expect(events.map(\.connection.original.sourcePort) == [1, 1, 1, 2, 2])
  }

  // MARK: Refreshes

  /// C11: only when the stored end moves, once a second, and for those who want it.
  @Test func `a refresh is told at most once a second, and only who asked hears it`() {
    let bench = bench(Self.all)
    bench.send(Self.question)
    #expect(bench.told().map(\.words) == ["new"])
    for _ in 0..<40 {
      bench.advance(.milliseconds(100))
      for _ in 0..<3 { bench.send(Self.question) }
      bench.tracker.publish()
    }
    #expect(bench.told().map(\.words) == Array(repeating: "update timeout", count: 4))
    #expect(unsafe segment_events_written(bench.tracker.eventCounts)[3] == 4)
    bench.tell(Self.loud)
    bench.advance(.seconds(5))
    bench.send(Self.question)
    #expect(bench.told().isEmpty)
  }

  /// C40: whoever follows refreshes has the whole of it once the events have stopped.
  @Test func `what a second's refresh could not say the sweep says`() throws {
    let bench = bench(Self.all)
    for _ in 0..<50 {
      bench.advance(.milliseconds(15))
      bench.send(Self.question)
      bench.tracker.publish()
    }
    bench.advance(.milliseconds(300))
    for _ in 0..<25 {
      bench.send(Self.question)
      bench.send(Self.question.reversed)
      bench.tracker.publish()
    }
    bench.sweep()
    let events = bench.told()
    let last = try #require(events.last)
    #expect(last.words == "update timeout")
    #expect((last.connection.counts.original.packets, last.connection.counts.reply.packets) == (75, 25))
    #expect(last.connection.deadline == bench.connections.first?.deadline)
    bench.sweep()
    #expect(bench.told().isEmpty, "and only once")
    bench.tell(Self.loud)
    bench.send(Self.question)
    _ = bench.told()
    bench.sweep()
    #expect(bench.told().isEmpty, "and to nobody who did not ask")
  }

  /// The reply arms another timeout in the second in which a refresh was written already: not a packet more, and yet
  /// another end.
  @Test func `a shortened timeout that nobody was told of the sweep tells`() throws {
    let bench = bench(Self.all)
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    _ = bench.told()
    bench.advance(.milliseconds(1500))
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    #expect(bench.told().map(\.words) == ["update timeout"])
    // Both ends are out of step.
    bench.send(Self.segment([.fin, .ack], seq: 1_000_000_000, ack: 5001))
    bench.send(Self.segment([.fin, .ack], seq: 1_000_000_000, ack: 1001).reversed)
    #expect(bench.told().isEmpty)
    bench.sweep()
    let last = try #require(bench.told().last)
    #expect(last.words == "update timeout")
    #expect(last.connection.deadline == bench.connections.first?.deadline)
  }

  /// Data arms the timeout for what is unacknowledged, its acknowledgement the one of the state: the stored end moves
  /// with every segment.
  @Test func `segments that arm two timeouts in turn do not tell of each`() {
    let bench = bench(Self.all)
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    _ = bench.told()
    var seq: UInt32 = 1001
    for _ in 0..<50 {
      bench.advance(.milliseconds(40))
      let data = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
        from: 4000, to: 80, flags: [.ack, .psh], seq: seq, ack: 5001, payload: [1, 2, 3])
      seq += 3
      bench.send(data)
      bench.tracker.publish()
      bench.send(Self.segment(.ack, seq: 5001, ack: seq).reversed)
      bench.tracker.publish()
    }
    let words = bench.told().map(\.words)
    #expect(words.allSatisfy { $0 == "update timeout" } && (2...3).contains(words.count), "\(words)")
  }

  /// It would tell of the end in a record that lives.
  @Test func `an end leaves no refresh behind`() {
    let bench = bench(Self.all)
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment(.ack, seq: 1000))
    _ = bench.told()
    bench.advance(.seconds(3))
    bench.send(Self.question)
    bench.send(Self.question)
    bench.order(.delete, Connection.of(17, "10.0.0.1", "192.0.2.53", 4000, 53).change())
    #expect(bench.told().map(\.words) == ["new", "destroy by request 77"])
    let made = Connection.of(6, "10.0.0.1", "192.0.2.80", 9, 80).with { $0.state = 3 }
    bench.order(.create, made.change(.state))
    let talk = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80")
    bench.send(talk.tcp(from: 9, to: 80, flags: .ack, seq: 10, ack: 10))
    bench.send(talk.tcp(from: 9, to: 80, flags: .rst, seq: 10))
    #expect(bench.told().map(\.words) == ["new by request 77", "destroy"])
  }

  @Test func `a refresh that comes with another change is part of its update`() {
    let bench = bench(Self.all)
    bench.send(Self.question)
    _ = bench.told()
    bench.advance(.seconds(1))
    bench.send(Self.question.reversed)
    #expect(bench.told().map(\.words) == ["update reply+timeout"])
  }

  /// netfilter's IPS_FIXED_TIMEOUT: no packet moves the end.
  @Test func `a fixed timeout is not refreshed`() {
    let bench = bench(Self.all)
    bench.send(Self.question)
    let there = Connection.of(17, "10.0.0.1", "192.0.2.53", 4000, 53)
    bench.order(.update, there.with { $0.status = Connection.Status.fixedTimeout }.change(.status))
    #expect(bench.told().map(\.words) == ["new", "update status by request 77"])
    bench.advance(.seconds(20))
    bench.send(Self.question)
    #expect(bench.told().isEmpty)
    bench.advance(.milliseconds(10_100))
    bench.send(Self.question)
    #expect(bench.told().map(\.words) == ["destroy by timeout", "new"])
  }

  /// Nor brought forward: two ends out of step shorten no fixed timeout (nf_tcp_handle_invalid).
  @Test(arguments: [false, true])
  func `a fixed timeout is not shortened`(isFixed: Bool) throws {
    let bench = bench(Self.all)
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    bench.send(Self.segment(.ack, seq: 1001, ack: 5001))
    if isFixed {
      let there = Connection.of(6, "10.0.0.1", "192.0.2.80", 4000, 80)
      bench.order(.update, there.with { $0.status = Connection.Status.fixedTimeout }.change(.status))
    }
    _ = bench.told()
    let before = try #require(bench.connections.first).deadline
    bench.send(Self.segment([.fin, .ack], seq: 1_000_000_000, ack: 5001))
    bench.send(Self.segment([.fin, .ack], seq: 1_000_000_000, ack: 1001).reversed)
    let after = try #require(bench.connections.first).deadline
    #expect((before == after) == isFixed)
    #expect(bench.told().map(\.words) == (isFixed ? [] : ["update timeout"]))
  }

  // MARK: What is wanted

  @Test(arguments: [(EventMask.new, "new"), (.update, "update"), (.destroy, "destroy")])
  func `each kind can be had alone`(mask: EventMask, kind: String) {
    let bench = bench(mask)
    bench.send(Self.question)
    bench.send(Self.question.reversed)
    bench.tracker.publish()
    bench.advance(.seconds(40))
    bench.sweep()
    #expect(bench.told().map { "\($0.kind)" } == [kind])
  }

  /// C7.
  @Test func `nothing is written or noted while nothing is wanted`() {
    let bench = bench([])
    bench.send(Self.question)
    bench.send(Self.question.reversed)
    bench.order(.update, Connection.of(17, "10.0.0.1", "192.0.2.53", 4000, 53).with { $0.mark = 1 }.change(.mark))
    bench.advance(.seconds(40))
    bench.sweep()
    #expect(bench.told().isEmpty && bench.events?.ends.isEmpty == true)
    #expect((0..<5).allSatisfy { unsafe segment_events_written(bench.tracker.eventCounts)[$0] == 0 })
  }

  @Test func `kinds can be switched in the middle of a breath`() {
    let bench = bench([])
    bench.send(Self.flow(1))
    bench.send(Self.flow(1).reversed)
    bench.tell(Self.loud)
    #expect(bench.told().isEmpty, "what happened before is not told")
    bench.send(Self.flow(2))
    bench.send(Self.flow(2).reversed)
    bench.tell([.destroy])
    #expect(bench.told().map(\.words) == ["new", "update reply"], "what happened before still is")
    bench.send(Self.flow(3))
    bench.send(Self.flow(3).reversed)
    bench.tell([])
    bench.tell(Self.loud)
    bench.send(Self.flow(3))
    #expect(bench.told().isEmpty)
    #expect(unsafe bench.tracker.eventCounts.pointee.mask == Self.loud.rawValue)
  }

  @Test func `only the zones that were asked for are told of`() {
    let bench = bench(
      zones: [ZoneMap.Rule(port: 1, zones: ZonePair(7)), ZoneMap.Rule(port: 2, zones: ZonePair(65_535))])
    bench.tell(Self.loud.union(.keeps), zones: [7, 65_535])
    for port in 0..<3 as Range<UInt16> {
      bench.send(Self.question, port: port)
      bench.send(Self.question.reversed, port: port)
    }
    #expect(bench.told().map(\.connection.original.zone) == [7, 65_535, 7, 65_535])
    bench.tell(Self.loud, zones: [])
    bench.advance(.seconds(40))
    bench.sweep()
    #expect(bench.told().isEmpty && bench.count == 0)
  }

  // MARK: Room

  /// A breath may hold more changes than there is room to note: it is told in parts.
  @Test func `ten thousand connections may change in one breath`() {
    let memory = EventMemory(room: 1 << 15)
    let bench = TrackerBench(capacity: 10_000, events: memory, telling: Self.loud)
    let ports = (0..<10_000).map { (UInt16($0 % 5000), UInt16($0 / 5000)) }
    for (source, destination) in ports { bench.send(Self.flow(source, to: destination)) }
    #expect(bench.told().count == 10_000)
    for (i, (source, destination)) in ports.enumerated() {
      if i % 32 == 0 { bench.tracker.publishIfFull() }
      bench.send(Self.flow(source, to: destination).reversed)
    }
    let events = bench.told()
    #expect(events.count == 10_000 && events.allSatisfy { $0.words == "update reply" })
    #expect(Set(events.map(\.connection.id)).count == 10_000)
  }

  /// C21, C38: who is slower than a ring's worth learns how many events he lost.
  @Test func `more than a ring's worth is lost by number`() {
    let bench = TrackerBench(capacity: 64, events: EventMemory(room: 16), telling: Self.loud)
    for port in 1...50 as ClosedRange<UInt16> { bench.send(Self.flow(port)) }
    let events = bench.told()
    #expect(events.map(\.sequence) == Array(35...50) && bench.events?.lost == 34)
    #expect(events.map(\.connection.original.sourcePort) == Array(35...50))
  }

  /// C19: neither by slot nor by generation, and other workers have others.
  @Test func `no id is given twice`() {
    let memory = EventMemory()
    let bench = bench(capacity: 2)
    var ids: Set<ConnectionID> = []
    for port in 0..<500 as Range<UInt16> {
      bench.send(Self.flow(port))
      for event in bench.told() where event.kind == .new { #expect(ids.insert(event.connection.id).inserted) }
    }
    #expect(ids.count == 500)
    var log = memory.log(capacity: 4, shard: 3)
    unsafe log.set([.new], zones: nil)
    let other = Tracker(
      table: ConnectionTable(capacity: 4, extensionCapacity: 0, secret: TrackerBench.secret),
      settings: TrackerSettings(), events: log)
    let id = other.id(of: 0)
    #expect(id.shard == 3)
  }

  /// Where nobody can subscribe, ids are the same: dumps and requests go by them.
  @Test func `a worker that tells nothing has ids of its own`() {
    let tracker = Tracker(
      table: ConnectionTable(capacity: 4, extensionCapacity: 0, secret: TrackerBench.secret),
      settings: TrackerSettings(), events: EventLog(shard: 5))
    let shard = tracker.id(of: 0).shard
    #expect(shard == 5)
  }
}
