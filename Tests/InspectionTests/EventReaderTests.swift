import CSegment
import Inspection
import JSONText
import Segment
import TestSupport
import Testing

/// What readers of events are promised: each once, in order, and the exact numbers of those they lost (C21, C38).
@Suite struct EventReaderTests {
  private func connection(_ port: UInt16 = 1, zone: UInt16 = 0) -> Connection {
    Connection(arguments: "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport \(port) --dport 53 -w \(zone)")
  }

  /// Kind, worker and number.
  private func words(_ events: [SegmentEvent]) -> [String] {
    events.map { event in
      switch event {
      case .connection(let event): "\(event.kind) \(event.shard).\(event.sequence)"
      case .fragments(let event): "\(event.reason) \(event.shard).\(event.sequence)"
      }
    }
  }

  @Test func `events of all workers come by time, and carry the whole connection`() throws {
    let station = try Station()
    var random = SeededGenerator(seed: 1)
    var reader = try EventReader(station.reader)
    let first = station.begin(Samples.connection(&random), shard: 1, slot: 0)
    let second = station.begin(Samples.connection(&random), shard: 0, slot: 0)
    station.change(shard: 1, slot: 0, [.mark, .labels]) { $0.mark = 9 }
    station.end(shard: 0, slot: 0)
    let batch = reader.read()
    #expect(words(batch.events) == ["new 1.1", "new 0.1", "update 1.2", "destroy 0.2"])
    #expect(batch.losses.isEmpty)
    let told = batch.events.compactMap { event in if case .connection(let event) = event { event } else { nil } }
    #expect(bytes(told[0].connection) == bytes(first))
    #expect(bytes(told[1].connection) == bytes(second))
    #expect((told[2].connection.mark, told[2].changes, told[2].originator) == (9, [.mark, .labels], .packet))
    #expect(reader.read().isEmpty)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func `each event of a table is told as it was`(seed: UInt64) throws {
    let station = try Station(workers: 1, slots: 16, events: 64)
    var random = SeededGenerator(seed: seed)
    var reader = try EventReader(station.reader)
    for slot in 0..<16 {
      let connection = station.begin(Samples.connection(&random), shard: 0, slot: slot)
      guard case .connection(let event)? = reader.read().events.first else {
        Issue.record("no event")
        continue
      }
      #expect(bytes(event.connection) == bytes(connection))
    }
  }

  @Test func `no clock changes the order of a worker's events`() throws {
    let station = try Station()
    var reader = try EventReader(station.reader)
    station.begin(connection(), shard: 0, slot: 0)
    station.time -= 500_000
    station.change(shard: 0, slot: 0, .mark) { $0.mark = 1 }
    station.begin(connection(2), shard: 1, slot: 0)
    #expect(words(reader.read().events) == ["new 1.1", "new 0.1", "update 0.2"])
  }

  /// C38: who comes back after a stall learns how many events he lost, and which.
  @Test func `who stalled learns exactly what he lost, and reads on`() throws {
    let station = try Station(workers: 2, slots: 1, events: 64)
    var reader = try EventReader(station.reader)
    station.begin(connection(), shard: 0, slot: 0)
    #expect(words(reader.read().events) == ["new 0.1"])
    for mark in 1...1000 { station.change(shard: 0, slot: 0, .mark) { $0.mark = UInt32(mark) } }
    let batch = reader.read()
    #expect(batch.losses == [EventReader.Loss(shard: 0, ring: .connections, first: 2, last: 937)])
    #expect(batch.losses[0].count == 936)
    #expect(batch.losses[0].json.line == #"{"shard": 0, "ring": "events", "first": 2, "last": 937}"#)
    #expect(try EventReader.Loss(json: batch.losses[0].json) == batch.losses[0])
    #expect(words(batch.events) == (938...1001).map { "update 0.\($0)" })
    #expect(reader.read().isEmpty)
  }

  /// Whatever the pace of a reader, what he was told and what he was said to have lost are all there was, each once.
  @Test(arguments: 1...10 as ClosedRange<UInt64>) func `told and lost are all there was`(seed: UInt64) throws {
    let station = try Station(workers: 3, slots: 8, events: 32)
    var random = SeededGenerator(seed: seed)
    var reader = try EventReader(station.reader, mask: [.new, .update, .destroy, .refresh])
    var seen: [[UInt64]] = [[], [], []]
    func read() {
      let batch = reader.read(atMost: Int.random(in: 1...40, using: &random))
      for event in batch.events { if case .connection(let event) = event { seen[event.shard].append(event.sequence) } }
      for loss in batch.losses { seen[loss.shard] += Array(loss.first...loss.last) }
    }
    for _ in 0..<300 {
      for _ in 0..<Int.random(in: 0...30, using: &random) { step(station, &random) }
      read()
    }
    for _ in 0..<100 { read() }
    for shard in 0..<3 { #expect(seen[shard].sorted() == Array(1...station.written(shard))) }
  }

  @Test func `reading goes on where another reader was`() throws {
    let station = try Station()
    var first = try EventReader(station.reader)
    for slot in 0..<3 { station.begin(connection(UInt16(slot)), shard: slot % 2, slot: slot) }
    #expect(first.read().events.count == 3)
    let positions = first.positions
    #expect(positions == EventReader.Positions(connections: [3, 2], fragments: [1, 1]))
    station.end(shard: 1, slot: 1)
    var second = try EventReader(station.reader, from: .at(positions))
    #expect(words(second.read().events) == ["destroy 1.2"])
    var all = try EventReader(station.reader, from: .at(EventReader.Positions(connections: [1])))
    #expect(all.read().events.count == 4)
    var oldest = try EventReader(station.reader, from: .oldest)
    #expect(oldest.read().events.count == 4)
    var newest = try EventReader(station.reader)
    #expect(newest.read().isEmpty)
  }

  @Test func `masks and filters take what they say`() throws {
    let station = try Station()
    func events(_ mask: EventMask, _ change: (inout ConnectionFilter) -> Void = { _ in }) throws -> [String] {
      var filter = ConnectionFilter()
      change(&filter)
      var reader = try EventReader(station.reader, from: .oldest, mask: mask, filter: filter)
      return words(reader.read().events)
    }
    station.begin(connection(zone: 7), shard: 0, slot: 0)
    station.change(shard: 0, slot: 0, .timeout) { $0.remaining = 60_000 }
    station.change(shard: 0, slot: 0, [.timeout, .reply]) { $0.remaining = 90_000 }
    station.begin(Connection(arguments: "-p tcp -s ::1 -d ::2 --sport 1 --dport 2"), shard: 0, slot: 1)
    station.end(shard: 0, slot: 0)
    station.discard("expired", zone: 7)
    #expect(try events(.conntrack) == ["new 0.1", "update 0.3", "new 0.4", "destroy 0.5"])
    #expect(try events([.refresh, .destroy]) == ["update 0.2", "destroy 0.5"])
    #expect(try events([.fragments]) == ["expired 0.1"])
    func inZone(_ number: UInt16) -> (inout ConnectionFilter) -> Void {
      { filter in (filter.zone, filter.conditions) = (number, .zone) }
    }
    #expect(try events([.new, .fragments], inZone(7)) == ["new 0.1", "expired 0.1"])
    #expect(try events([.new, .fragments], inZone(0)) == ["new 0.4"])
    let tcp: (inout ConnectionFilter) -> Void = { filter in (filter.protocol, filter.conditions) = (6, .protocol) }
    #expect(try events([.new, .fragments], tcp) == ["new 0.4"])
  }

  @Test func `fragments that were given up are told with the reason`() throws {
    let station = try Station()
    var reader = try EventReader(station.reader, mask: .fragments)
    station.discard("overlapped", zone: 3, shard: 1)
    guard case .fragments(let event)? = reader.read().events.first else {
      Issue.record("no event")
      return
    }
    #expect((event.reason, event.zone, event.shard, event.protocol) == ("overlapped", 3, 1, 17))
    #expect((event.fragments, event.bytes, event.identification) == (2, 3000, 77))
    #expect(ConnectionText([]).line(event).contains("(src=192.0.0.0,dst=0.0.0.7,"))
    for _ in 0..<100 { station.discard("expired", shard: 1) }
    #expect(reader.read().losses == [EventReader.Loss(shard: 1, ring: .fragments, first: 2, last: 37)])
  }

  @Test func `the ends of connections are listed with their last counts`() throws {
    let station = try Station()
    for slot in 0..<3 { station.begin(connection(UInt16(slot + 1)), shard: 0, slot: slot) }
    for slot in [2, 0] {
      station.end(shard: 0, slot: slot, keeps: true) { $0.counts.original = Connection.Count(packets: 7, bytes: 700) }
    }
    let dying = try DyingReader(station.reader).events()
    #expect(dying.map(\.connection.original.sourcePort) == [3, 1])
    #expect(dying.map(\.sequence) == [4, 5])
    #expect(dying.allSatisfy { $0.kind == .destroy && $0.connection.counts.original.packets == 7 })
  }

  @Test func `what is written is told by the workers' masks`() throws {
    let station = try Station()
    #expect(EventMask(writtenBy: station.reader) == [])
    unsafe station.writer.eventShard(0).pointee.mask = EventMask([.new, .destroy]).rawValue
    unsafe station.writer.eventShard(1).pointee.mask = EventMask([.new, .keeps]).rawValue
    #expect(EventMask(writtenBy: station.reader) == [.new, .destroy, .keeps])
  }
}

/// One thing that a worker does, by chance.
func step(_ station: Station, _ random: inout SeededGenerator, keeps: Bool = false) {
  let shard = Int.random(in: 0..<station.table.count, using: &random)
  let slot = Int.random(in: 0..<station.slots, using: &random)
  guard station.table[shard][slot] != nil else {
    station.begin(Samples.connection(&random), shard: shard, slot: slot)
    return
  }
  switch random.next() % 4 {
  case 0:
    station.end(shard: shard, slot: slot, keeps: keeps && random.next() % 2 == 0) { $0.counts.original.packets &+= 5 }
  case 1: station.change(shard: shard, slot: slot, .timeout) { $0.remaining = $0.remaining % 400_000_000 + 1000 }
  case 2: station.change(shard: shard, slot: slot, .mark) { $0.mark &+= 1 }
  default: station.change(shard: shard, slot: slot, [.status]) { $0.status ^= Connection.Status.fixedTimeout }
  }
}
