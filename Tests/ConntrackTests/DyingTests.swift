import CSegment
import Conntrack
import EventSupport
import Segment
import TestSupport
import Testing

/// Ends that wait until all who asked for them know (C28's reliable mode).
struct DyingTests {
  private static func bench(room: Int = 8) -> TrackerBench {
    TrackerBench(
      capacity: 256, events: EventMemory(dying: room), telling: [.new, .destroy, .keeps])
  }

  /// Makes and ends so many connections, and returns their source ports in order.
  @discardableResult
  private func end(_ ports: ClosedRange<UInt16>, on bench: TrackerBench) -> [ConnectionEvent] {
    for port in ports {
      bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: port, to: 53))
      bench.order(.delete, Connection.of(17, "10.0.0.1", "192.0.2.53", port, 53).change())
    }
    return bench.told().filter { $0.kind == .destroy }
  }

  private func waiting(_ bench: TrackerBench) -> [UInt16] {
    (bench.events?.ends ?? []).sorted { $0.sequence < $1.sequence }.map(\.connection.original.sourcePort)
  }
  private func counts(_ bench: TrackerBench) -> dpdkfwd_event_shard_record { unsafe bench.tracker.eventCounts.pointee }

  @Test func `an end waits with all that was told of it`() throws {
    let bench = Self.bench()
    let told = try #require(end(1...1, on: bench).first)
    let kept = try #require(bench.events?.ends.first)
    #expect(kept.sequence == told.sequence && kept.connection.id == told.connection.id)
    #expect(kept.client == 77 && kept.originator == .request && kept.connection.counts.original.packets == 1)
    #expect(counts(bench).dying == 1 && counts(bench).dying_limit == 8 && bench.tracker.hasDying)
  }

  @Test func `those that are known leave in order, the others stay`() {
    let bench = Self.bench()
    let told = end(1...6, on: bench)
    bench.tracker.acknowledge(0)
    #expect(waiting(bench) == [1, 2, 3, 4, 5, 6])
    bench.tracker.acknowledge(told[1].sequence)
    #expect(waiting(bench) == [3, 4, 5, 6] && counts(bench).dying == 4)
    // Between two ends lie the events of beginnings.
    bench.tracker.acknowledge(told[4].sequence - 1)
    #expect(waiting(bench) == [5, 6])
    end(7...10, on: bench)
    #expect(waiting(bench) == [5, 6, 7, 8, 9, 10])
    bench.tracker.acknowledge(.max)
    #expect(waiting(bench).isEmpty && !bench.tracker.hasDying && counts(bench).dying_max == 6)
    #expect(counts(bench).dying_lost == 0)
  }

  @Test func `when there are too many the oldest go, and are counted`() {
    let bench = Self.bench()
    let told = end(1...20, on: bench)
    #expect(waiting(bench) == Array(13...20))
    #expect(counts(bench).dying_lost == 12 && counts(bench).dying == 8 && counts(bench).dying_max == 8)
    bench.tracker.acknowledge(told[5].sequence)
    #expect(waiting(bench) == Array(13...20), "they are gone already")
    bench.tracker.acknowledge(told[13].sequence)
    #expect(waiting(bench) == Array(15...20) && counts(bench).dying_lost == 12)
  }

  @Test func `a bounded number leaves at once`() {
    let bench = Self.bench(room: 200)
    end(1...150, on: bench)
    bench.tracker.acknowledge(.max)
    #expect(counts(bench).dying == 86)
    bench.tracker.acknowledge(.max)
    bench.tracker.acknowledge(.max)
    #expect(counts(bench).dying == 0)
  }

  /// When nobody wants ends any more, the list empties by and by, whatever was acknowledged.
  @Test func `the list empties when nobody asks for it`() {
    let bench = Self.bench(room: 200)
    end(1...100, on: bench)
    bench.tell([.new, .destroy])
    #expect(counts(bench).dying == 100)
    bench.tracker.acknowledge(0)
    #expect(counts(bench).dying == 36)
    #expect(end(101...110, on: bench).count == 10 && counts(bench).dying == 36, "no more are kept")
    bench.tracker.acknowledge(0)
    #expect(counts(bench).dying == 0)
  }

  /// The numbers of ends that are kept are those of the ring: they are written there even if nobody else asked.
  @Test func `ends that are kept are told`() {
    let bench = TrackerBench(events: EventMemory(), telling: [.keeps])
    end(1...3, on: bench)
    #expect(waiting(bench) == [1, 2, 3] && bench.events?.read == 3)
  }

  @Test func `nothing is kept of connections that live on`() {
    let bench = Self.bench()
    bench.send(TrackerTests.question)
    bench.send(TrackerTests.question.reversed)
    #expect(waiting(bench).isEmpty && !bench.tracker.hasDying)
  }
}
