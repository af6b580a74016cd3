import CSegment
import Conntrack
import EventSupport
import FlowCache
import Pipeline
import Primitives
import Segment
import TestSupport
import Testing

/// C11, W23: what is told of packets that go the short way, which decides by itself when a connection lives on.
struct ShortWayEventTests {
  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53)

  private func line(_ mask: EventMask) -> TrackingBench {
    TrackingBench(cache: FlowCache(after: .confirmed), events: EventMemory(), telling: mask)
  }

  private func segment(_ flags: TCPFlags, seq: UInt32, ack: UInt32, _ payload: [UInt8] = []) -> Datagram {
    Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
      from: 4000, to: 80, flags: flags, seq: seq, ack: ack, payload: payload)
  }

  private func kinds(_ bench: TrackingBench) -> [String] {
    (bench.events?.take() ?? []).map { "\($0.kind) \($0.changes.rawValue)" }
  }

  @Test func `a question asked again and again is refreshed once a second`() {
    let bench = line([.new, .refresh])
    _ = bench.play([Self.question.frame()], bursts: [1])
    #expect(kinds(bench) == ["new 0"])
    for _ in 0..<50 {
      bench.advance(.milliseconds(100))
      _ = bench.play([Self.question.frame(), Self.question.frame()], bursts: [2])
    }
    #expect(kinds(bench) == Array(repeating: "update 8", count: 5))
    // The first packet of each second by the long way or the short one, all others by the short one.
    #expect(bench.counts.cache_hits >= 95)
  }

  @Test func `data and its acknowledgement arm two timeouts, and are told of once a second`() {
    let bench = line([.update, .refresh])
    for (frame, port) in [
      (segment(.syn, seq: 1000, ack: 0), Bench.a), (segment([.syn, .ack], seq: 5000, ack: 1001).reversed, Bench.b),
      (segment(.ack, seq: 1001, ack: 5001), Bench.a), (segment(.ack, seq: 5001, ack: 1001).reversed, Bench.b),
    ] { _ = bench.play([frame.frame()], bursts: [1], on: port) }
    _ = kinds(bench)
    let hits = bench.counts.cache_hits
    var seq: UInt32 = 1001
    for _ in 0..<100 {
      bench.advance(.milliseconds(40))
      _ = bench.play([segment(.ack, seq: seq, ack: 5001, [1, 2, 3]).frame()], bursts: [1])
      seq += 3
      _ = bench.play([segment(.ack, seq: 5001, ack: seq).reversed.frame()], bursts: [1], on: Bench.b)
    }
    let told = kinds(bench)
    #expect(bench.counts.cache_hits - hits > 150)
    #expect(told.allSatisfy { $0 == "update 8" } && (4...5).contains(told.count), "\(told)")
  }

  @Test func `who wants no refreshes pays for none`() {
    let bench = line([.new, .update, .destroy])
    _ = bench.play([Self.question.frame()], bursts: [1])
    for _ in 0..<20 {
      bench.advance(.milliseconds(700))
      _ = bench.play([Self.question.frame()], bursts: [1])
    }
    #expect(kinds(bench) == ["new 0"] && bench.counts.refreshes > 5)
  }

  /// IPS_FIXED_TIMEOUT, by the short way and the long one.
  @Test(arguments: [true, false])
  func `a fixed timeout is not refreshed`(isCached: Bool) {
    let mailbox = Mailbox()
    let bench = TrackingBench(
      cache: FlowCache(isOn: isCached, after: .confirmed), events: EventMemory(), telling: [.destroy, .refresh],
      mailbox: mailbox)
    _ = bench.play([Self.question.frame()], bursts: [1])
    var change = ConnectionChange()
    change.values.protocol = 17
    change.values.original = Connection.Tuple(
      source: IPv6Address(ipv4: IPv4Address(bits: 0x0A00_0001)),
      destination: IPv6Address(ipv4: IPv4Address(bits: 0xC000_0235)), sourcePort: 4000, destinationPort: 53)
    change.values.status = Connection.Status.fixedTimeout
    change.attributes = .status
    mailbox.set(ConnectionOrder(.update, change: change), 0, in: 0)
    var slip = Mailbox.Lane()
    slip.count = 1
    mailbox[0] = slip
    mailbox.post(0)
    _ = bench.bench.worker.breathe()
    #expect(mailbox.outcome(0, in: 0) == .done)
    for _ in 0..<29 {
      bench.advance(.seconds(1))
      _ = bench.play([Self.question.frame()], bursts: [1])
    }
    #expect(kinds(bench).isEmpty && bench.counts.refreshes == 0 && bench.counts.found == 29)
    bench.advance(.seconds(1))
    _ = bench.play([Self.question.frame()], bursts: [1])
    #expect(kinds(bench) == ["destroy 0"] && bench.counts.insert == 2)
  }

  /// More connections than there is room to note change in one breath of many bursts.
  @Test func `a breath tells of what changed in all of its bursts`() {
    let bench = TrackingBench(capacity: 8192, events: EventMemory(room: 1 << 15), telling: [.update])
    let ports = (0..<5000).map { UInt16($0) }
    let frames = ports.map { Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: $0, to: 53) }
    bench.bench.send(frames.map { $0.frame() })
    #expect(bench.counts.entries == 5000)
    bench.bench.ports.arrive(frames.map { $0.reversed.frame() }, on: Bench.b)
    while bench.bench.worker.breathe() > 0 {}
    let told = bench.events?.take() ?? []
    #expect(told.count == 5000 && told.map(\.connection.original.sourcePort) == ports)
    #expect(told.allSatisfy { $0.changes.contains(.reply) })
  }
}
