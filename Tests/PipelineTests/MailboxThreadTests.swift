import CSegment
import Conntrack
import EventSupport
import Foundation
import Pipeline
import Primitives
import Segment
import Synchronization
import TestSupport
import Testing

/// The control side on a thread of its own, as it is in the forwarder.
struct MailboxThreadTests {
  private static let rounds = 1500

  /// Every lane has connections of its own: whatever the others do, each answer is known beforehand.
  @Test func `answers are whole when a lane is free, however both sides run`() {
    let mailbox = Mailbox()
    let bench = TrackingBench(
      capacity: 4096, events: EventMemory(), telling: [.new, .update, .destroy, .keeps], mailbox: mailbox)
    let control = ControlThread(mailbox, rounds: Self.rounds)
    control.start()
    var traffic = TrackedTraffic(trouble: 5)
    var chance = SeededGenerator(seed: 3)
    while !control.isOver {
      for _ in 0..<Int.random(in: 0...8, using: &chance) {
        let (frame, port) = traffic.next(&chance)
        bench.bench.ports.arrive([frame], on: port)
      }
      _ = bench.bench.worker.breathe()
    }
    #expect(control.wrong == nil)
    #expect(bench.eventCounts.orders == UInt64(control.posted) && bench.eventCounts.refused == UInt64(control.refused))
    #expect(bench.wrong == nil && bench.bench.balances)
  }
}

/// Posts orders to all lanes, and waits for none longer than it must.
private final class ControlThread: @unchecked Sendable {
  private let mailbox: Mailbox
  private let rounds: Int
  private let over = Atomic(false)
  // The thread's own until it is over.
  private(set) var wrong: String?
  private(set) var posted = 0
  private(set) var refused = 0

  init(_ mailbox: Mailbox, rounds: Int) {
    self.mailbox = mailbox
    self.rounds = rounds
  }

  var isOver: Bool { over.load(ordering: .acquiring) }

  func start() {
    Thread.detachNewThread {
      self.run()
      self.over.store(true, ordering: .releasing)
    }
  }

  private func run() {
    var chance = SeededGenerator(seed: 17)
    var rounds = [Int](repeating: 0, count: Mailbox.lanes)
    var counts = rounds
    while wrong == nil, rounds.contains(where: { $0 < self.rounds }) {
      for lane in 0..<Mailbox.lanes where mailbox.isFree(lane) {
        if rounds[lane] > 0 { read(lane, round: rounds[lane] - 1, count: counts[lane]) }
        guard rounds[lane] < self.rounds else { continue }
        counts[lane] = rounds[lane] % 2 == 0 ? Int.random(in: 1...Mailbox.orders, using: &chance) : counts[lane]
        post(lane, round: rounds[lane], count: counts[lane])
        rounds[lane] += 1
      }
      mailbox.acknowledge(UInt64(rounds[0]))
      sched_yield()
    }
    while (0..<Mailbox.lanes).contains(where: { !mailbox.isFree($0) }) { sched_yield() }
  }

  /// Makes connections in one round and removes them in the next, twice each.
  private func post(_ lane: Int, round: Int, count: Int) {
    var slip = Mailbox.Lane()
    slip.count = count
    for place in 0..<count {
      var change = ConnectionChange()
      change.values.protocol = 17
      change.values.original = Connection.Tuple(
        source: IPv6Address(ipv4: IPv4Address(bits: UInt32(0x0B00_0000 + lane))),
        destination: IPv6Address(ipv4: IPv4Address(bits: 0xC000_0235)), sourcePort: UInt16(place / 2),
        destinationPort: 9)
      change.values.reply = change.values.original.turned(isICMP: false, isIPv6: false)
      change.values.remaining = 1_000_000
      change.values.mark = UInt32(round * 100 + place)
      change.attributes = .mark
      mailbox.set(
        ConnectionOrder(round % 2 == 0 ? .create : .delete, client: UInt32(lane), change: change), place, in: lane)
    }
    mailbox[lane] = slip
    mailbox.post(lane)
    posted += count
    refused += count / 2
  }

  private func read(_ lane: Int, round: Int, count: Int) {
    if mailbox[lane].done != count { fail("lane \(lane) is free with \(mailbox[lane].done) of \(count) done") }
    for place in 0..<count {
      let expected: OrderOutcome =
        switch (round % 2, place % 2) {
        case (0, 0): .created
        case (0, _): .exists
        case (_, 0): .done
        default: .notFound
        }
      let outcome = mailbox.outcome(place, in: lane)
      if outcome != expected { fail("lane \(lane), round \(round), order \(place): \(outcome), not \(expected)") }
      guard outcome != .notFound else { continue }
      // The mark that the first of each pair gave it.
      let mark = UInt32((round - round % 2) * 100 + place - place % 2)
      let connection = mailbox.connection(place, in: lane)
      if connection.mark != mark || connection.original.sourcePort != UInt16(place / 2) {
        fail("lane \(lane), round \(round), order \(place) shows mark \(connection.mark), not \(mark)")
      }
    }
  }

  private func fail(_ what: String) { wrong = wrong ?? what }
}
