import CSegment
import Conntrack
import EventSupport
import Foundation
import Primitives
import Segment
import TestSupport
import Testing
import Wire

/// Who has heard of nothing but events knows the table, whatever happens to it.
struct EventPropertyTests {
  private static let breaths =
    ProcessInfo.processInfo.environment["DPDKFWD_TRACKER_STEPS"].flatMap { Int($0) }.map { $0 / 10 } ?? 1000

  /// C8-C11, C14, C15, C19: packets, requests, time and want of room; every breath ends with the same table on both
  /// sides, every end with the counters of the moment before.
  @Test(arguments: [12, 60, 400])
  func `the events of a table are the table`(capacity: Int) {
    let bench = EventPropertyBench(capacity: capacity, SeededGenerator.forThisRun("of \(capacity)"))
    for breath in 0..<Self.breaths {
      bench.breathe()
      if let breach = bench.breach {
        Issue.record("breath \(breath): \(breach)")
        return
      }
    }
    print("of \(capacity): \(bench.summary)")
    for word in ["new", "destroy by timeout", "destroy by request", "destroy by earlyDrop", "update reply"]
    where capacity == 60 {
      #expect(bench.seen.keys.contains { $0.hasPrefix(word) }, "never met: \(word)")
    }
  }
}

private final class EventPropertyBench {
  private let bench: TrackerBench
  private var chance: SeededGenerator
  private var table = EventTable()
  /// What each connection had counted before the last step.
  private var counted: [ConnectionID: (original: Connection.Count, reply: Connection.Count)] = [:]
  private var talks: [Conversation]
  private(set) var breach: String?
  private(set) var seen: [String: Int] = [:]

  private static let zones: [ZoneMap.Rule] = [
    ZoneMap.Rule(port: 1, zones: ZonePair(7)), ZoneMap.Rule(port: 2, zones: ZonePair(original: 5, reply: 0)),
  ]

  init(capacity: Int, _ chance: SeededGenerator) {
    self.chance = chance
    bench = TrackerBench(
      capacity: capacity, extensions: capacity, zones: Self.zones, events: EventMemory(room: 1 << 14),
      telling: EventTests.all)
    talks = (0..<8).map { number in
      let isIPv6 = number % 3 == 2
      return Conversation(
        client: isIPv6 ? "2001:db8::1" : "10.0.0.1", server: isIPv6 ? "2001:db8::80" : "192.0.2.80",
        clientPort: UInt16(4000 + number), trouble: 15)
    }
  }

  func breathe() {
    for _ in 0..<Int.random(in: 1...30, using: &chance) {
      step()
      hear(bench.events?.take() ?? [])
      count()
    }
    hear(bench.told())
    if let wrong = table.difference(from: bench.tracker) { fail(wrong) }
    if let wrong = bench.tracker.table.checkInvariants() { fail(wrong) }
  }

  private func fail(_ what: String) { breach = breach ?? what }

  private func step() {
    switch Int.random(in: 0..<100, using: &chance) {
    case 0..<40:
      let packet = PropertyTraffic.all.randomElement(using: &chance)!
      bench.send(
        packet.frame, packet.summary, port: UInt16.random(in: 0...2, using: &chance),
        confirms: Int.random(in: 0..<10, using: &chance) > 0)
    case 40..<75:
      let place = Int.random(in: 0..<talks.count, using: &chance)
      bench.send(talks[place].next(&chance).datagram, port: UInt16.random(in: 0...1, using: &chance))
    case 75..<90: order()
    case 90..<98:
      bench.advance(.milliseconds([0, 1, 400, 999, 2000, 31_000].randomElement(using: &chance)!))
    default: bench.tracker.sweep(most: 64, wiping: 1)
    }
  }

  private func order() {
    var live: [Connection] = []
    for connection in table.connections.values { live.append(connection) }
    live.sort { $0.id < $1.id }
    guard var target = live.randomElement(using: &chance) else { return }
    target.status = [0, 2, 4, 6, 1024, 1030].randomElement(using: &chance)!
    target.state = UInt8.random(in: 0...9, using: &chance)
    target.mark = UInt32.random(in: 0...3, using: &chance)
    target.labels.low = UInt64.random(in: 0...2, using: &chance)
    target.remaining = UInt32.random(in: 1...90_000, using: &chance)
    target.start = UInt32.random(in: 1...3, using: &chance)
    target.counts.original.packets = UInt64.random(in: 0...100, using: &chance)
    if Bool.random(using: &chance) {
      // Another one, perhaps.
      target.original.sourcePort ^= 1
      target.reply = target.original.turned(isICMP: target.isICMP, isIPv6: target.isIPv6)
    }
    var change = target.change(
      ConnectionChange.Attributes(rawValue: UInt16.random(in: 0..<512, using: &chance)).subtracting(.start))
    change.clearedStatus = [0, 0, 2, 1024].randomElement(using: &chance)!
    change.labelMask.low = UInt64.random(in: 0...3, using: &chance)
    let verb: ConnectionOrder.Verb = [.create, .add, .update, .update, .delete, .look].randomElement(using: &chance)!
    let key: ConnectionOrder.Key = [.original, .original, .reply, .id].randomElement(using: &chance)!
    let outcome = bench.order(verb, change, by: key, client: UInt32.random(in: 1...9, using: &chance)).outcome
    seen["\(verb) \(outcome)", default: 0] += 1
  }

  private func hear(_ events: [ConnectionEvent]) {
    for event in events {
      if let wrong = table.apply(event) { fail("\(event.words) of \(event.connection.id): \(wrong)") }
      let words = event.words.split(separator: " ").filter { Int($0) == nil }.joined(separator: " ")
      seen[words, default: 0] += 1
      if event.kind == .destroy { check(end: event) }
    }
  }

  /// The counters of an end are those of before, and perhaps the packet that brought it about.
  private func check(end event: ConnectionEvent) {
    guard let before = counted[event.connection.id] else { return }
    let after = event.connection.counts
    let more = after.original.packets - before.original.packets + after.reply.packets - before.reply.packets
    if more > (event.originator == .packet ? 1 : 0) || after.original.bytes < before.original.bytes {
      fail("\(event.words) with \(after), \(before) before")
    }
  }

  private func count() {
    counted = [:]
    for slot in 0..<bench.tracker.table.slotsUsed where bench.tracker.table.isLive(slot) {
      let record = unsafe bench.tracker.table.record(slot).pointee
      counted[bench.tracker.id(of: slot)] = (
        .init(packets: record.packets_original, bytes: record.bytes_original),
        .init(packets: record.packets_reply, bytes: record.bytes_reply)
      )
    }
  }

  var summary: String {
    seen.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }
}
