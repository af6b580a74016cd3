import Foundation
import Inspection
import Segment
import Synchronization
import TestSupport
import Testing

/// A reader's own table: kept by events, repaired from the forwarder's (C14, C21, C22, C38).
@Suite struct MirrorTests {
  private func connection(_ port: UInt16 = 1) -> Connection {
    Connection(arguments: "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport \(port) --dport 53")
  }

  private func words(_ events: [ConnectionEvent]) -> [String] {
    events.map { "\($0.kind) \($0.connection.id.shard).\($0.connection.id.slot)" }
  }

  private func compare(_ mirror: ConnectionMirror, _ station: Station, _ what: String = "") {
    func text(_ connections: [ConnectionID: Connection]) -> [String] {
      connections.values.sorted { $0.id < $1.id }.map { bytes($0) }
    }
    #expect(text(mirror.connections) == text(station.connections), "\(what)")
  }

  @Test func `events made up say what is new, what changed and what is gone`() throws {
    let station = try Station()
    var mirror = ConnectionMirror()
    let known = (0..<5).map { station.begin(connection(UInt16($0)), shard: 0, slot: $0, tells: false) }
    for connection in known {
      mirror.apply(ConnectionEvent(sequence: 1, shard: 0, at: 0, kind: .new, connection: connection))
    }
    // Of what follows the reader hears nothing.
    station.change(shard: 0, slot: 0, [], tells: false) { $0.mark = 7 }
    station.change(shard: 0, slot: 1, [], tells: false) {
      $0.status |= Connection.Status.seenReply | Connection.Status.assured
      $0.remaining = 120_000
    }
    station.end(shard: 0, slot: 2, keeps: true, tells: false) {
      $0.counts.original = Connection.Count(packets: 9, bytes: 900)
    }
    station.end(shard: 0, slot: 3, tells: false)
    let fresh = station.begin(connection(99), shard: 0, slot: 3, tells: false)
    let other = station.begin(connection(100), shard: 1, slot: 0, tells: false)
    let events = try mirror.repair(station.reader, pace: 0, frozen: station.frozen)
    #expect(words(events) == ["update 0.0", "update 0.1", "new 0.3", "new 1.0", "destroy 0.2", "destroy 0.3"])
    #expect(events[0].changes == .mark)
    #expect(events[1].changes == [.reply, .assured, .timeout])
    #expect((events[2].connection.id, events[3].connection.id) == (fresh.id, other.id))
    #expect((events[4].connection.counts.original.packets, events[4].sequence) == (9, 1))
    #expect((events[5].connection.id, events[5].sequence) == (known[3].id, 0))
    compare(mirror, station)
    #expect(try mirror.repair(station.reader, pace: 0, frozen: station.frozen).isEmpty)
  }

  @Test func `only the workers whose events were lost are walked`() throws {
    let station = try Station()
    var mirror = ConnectionMirror()
    station.begin(connection(1), shard: 0, slot: 0, tells: false)
    station.begin(connection(2), shard: 1, slot: 0, tells: false)
    let lost = EventReader.Loss(shard: 1, ring: .connections, first: 1, last: 1)
    let events = try mirror.repair(station.reader, losses: [lost], pace: 0, frozen: station.frozen)
    #expect(words(events) == ["new 1.0"])
    #expect(try mirror.repair(station.reader, losses: [lost], pace: 0, frozen: station.frozen).isEmpty)
  }

  /// C28: the dying list has them for those who must not miss an end; nobody else would tell of them.
  @Test func `who began and ended among what was lost is told of by his end`() throws {
    let station = try Station()
    var mirror = ConnectionMirror()
    // Events 1 and 2, which are known; 3 to 6, which are lost; 7 and 8, which are still to be read.
    for slot in 0..<4 {
      station.begin(connection(UInt16(slot)), shard: 0, slot: slot)
      station.end(shard: 0, slot: slot, keeps: true)
    }
    let lost = EventReader.Loss(shard: 0, ring: .connections, first: 3, last: 6)
    let events = try mirror.repair(station.reader, losses: [lost], pace: 0, frozen: station.frozen)
    #expect(words(events) == ["destroy 0.1", "destroy 0.2"])
    #expect(events.map(\.sequence) == [4, 6])
    #expect(mirror.connections.isEmpty)
    var filter = ConnectionFilter()
    (filter.original.tuple.sourcePort, filter.original.hasSourcePort) = (2, true)
    let wanted = try mirror.repair(
      station.reader, losses: [lost], filter: filter, pace: 0, frozen: station.frozen)
    #expect(words(wanted) == ["destroy 0.2"])
    let elsewhere = EventReader.Loss(shard: 1, ring: .connections, first: 3, last: 6)
    #expect(try mirror.repair(station.reader, losses: [elsewhere], pace: 0, frozen: station.frozen).isEmpty)
  }

  @Test func `a filter holds for the repair as for the events`() throws {
    let station = try Station()
    var mirror = ConnectionMirror()
    for slot in 0..<4 { station.begin(connection(UInt16(slot)), shard: 0, slot: slot, tells: false) }
    station.change(shard: 0, slot: 2, [], tells: false) { $0.mark = 5 }
    var filter = ConnectionFilter()
    (filter.mark, filter.conditions) = (5, .mark)
    #expect(words(try mirror.repair(station.reader, filter: filter, pace: 0, frozen: station.frozen)) == ["new 0.2"])
    station.change(shard: 0, slot: 2, [], tells: false) { $0.mark = 6 }
    #expect(mirror.connections.count == 1)
  }

  /// C38: whatever was lost, the reader's table is the forwarder's afterwards.
  @Test(arguments: 1...12 as ClosedRange<UInt64>) func `a repaired table equals the forwarder's`(seed: UInt64) throws {
    let station = try Station(workers: 3, slots: 24, events: 16, dying: 4096)
    var random = SeededGenerator(seed: seed)
    var mirror = ConnectionMirror()
    var reader = try EventReader(station.reader, from: .oldest, mask: [.new, .update, .destroy, .refresh])
    var lost: UInt64 = 0
    for round in 0..<60 {
      for _ in 0..<Int.random(in: 0...60, using: &random) { step(station, &random, keeps: true) }
      var losses: [EventReader.Loss] = []
      while case let batch = reader.read(), !batch.isEmpty {
        losses += batch.losses
        for event in batch.events { if case .connection(let event) = event { mirror.apply(event) } }
      }
      if !losses.isEmpty {
        lost += losses.reduce(0) { $0 + $1.count }
        _ = try mirror.repair(
          station.reader, losses: losses, pace: 0, frozen: station.frozen)
      }
      compare(mirror, station, "seed \(seed), round \(round)")
    }
    #expect(lost > 0)
  }

  /// The workers go on while they are read and repaired from; when they rest, the tables are equal.
  @Test func `traffic goes on while a table is repaired`() throws {
    let station = try Station(workers: 2, slots: 64, events: 32, dying: 1)
    let isOver = Atomic(false)
    let frozen = station.frozen
    nonisolated(unsafe) let shared = station
    let thread = Thread {
      var random = SeededGenerator(seed: 5)
      for turn in 0..<40_000 {
        unsafe step(shared, &random)
        if turn % 100 == 99 { usleep(50) }
      }
      isOver.store(true, ordering: .releasing)
    }
    thread.start()
    var mirror = ConnectionMirror()
    var reader = try EventReader(station.reader, from: .oldest, mask: [.new, .update, .destroy, .refresh])
    var repairs = 0
    while true {
      let wasOver = isOver.load(ordering: .acquiring)
      let batch = reader.read(atMost: 16)
      for event in batch.events { if case .connection(let event) = event { mirror.apply(event) } }
      if !batch.losses.isEmpty {
        _ = try mirror.repair(
          station.reader, losses: batch.losses, pace: 0, frozen: frozen)
        repairs += 1
      }
      if wasOver, batch.isEmpty { break }
    }
    #expect(repairs > 0)
    compare(mirror, station)
  }
}
