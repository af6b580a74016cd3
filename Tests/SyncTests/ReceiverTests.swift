import Primitives
import Segment
import TestSupport
import Testing

@testable import Sync

/// What a receiver does with frames in whatever order, and what it asks for.
struct ReceiverTests {
  private func now(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  private func connection(_ number: Int, life: UInt32 = 1, shard: Int = 0) -> Connection {
    var connection = Connection()
    connection.id = ConnectionID(shard: shard, epoch: 0, slot: number, generation: life)
    connection.protocol = Connection.Number.gre
    connection.original.source = IPv6Address(ipv4: IPv4Address(bits: UInt32(number)))
    connection.original.destination = IPv6Address(ipv4: IPv4Address(bits: 99))
    connection.reply = connection.original.turned(isICMP: false, isIPv6: false)
    (connection.remaining, connection.deadline) = (10_000, 10_000)
    return connection
  }

  private func up(_ connection: Connection) -> SyncMessage { .up(connection, walk: false) }
  private func down(_ connection: Connection) -> SyncMessage { .down(id: connection.id, SyncFlow(connection)) }

  private func frame(_ sequence: UInt64, session: UInt64 = 1, _ messages: SyncMessage...) -> [UInt8] {
    var bytes: [UInt8] = []
    for message in messages { message.append(to: &bytes) }
    return SyncFrame.encode(.numbered, session: session, sequence: sequence, messages: bytes)
  }

  private func hello(last: UInt64, session: UInt64 = 1, _ messages: SyncMessage...) -> [UInt8] {
    var bytes: [UInt8] = []
    for message in messages { message.append(to: &bytes) }
    return SyncFrame.encode(session: session, sequence: last, messages: bytes)
  }

  private func story(_ operations: [SyncOperation]) -> [String] {
    operations.map { operation in
      switch operation {
      case .put(let connection): "put \(connection.id.slot).\(connection.id.generation)"
      case .delete(let flow): "delete \(flow.original.source.ipv4.bits)"
      }
    }
  }

  private func replies(_ frames: [[UInt8]]) throws -> [String] {
    try frames.flatMap { bytes in
      let frame = try SyncFrame(bytes)
      #expect(frame.flags == .feedback)
      return ["done \(frame.sequence)"]
        + frame.messages().map { message in
          switch message {
          case .missing(let ranges): "missing \(ranges.map { "\($0.lowerBound)-\($0.upperBound)" })"
          case .resync(_, let number): "resync \(number)"
          default: "\(message)"
          }
        }
    }
  }

  /// A receiver whose sender is at frame 1 and whose first request is answered.
  private func settled() -> SyncReceiver {
    var receiver = SyncReceiver(session: 50)
    let walk = SyncWalk(number: 1, shard: nil)
    _ = receiver.receive(frame(1, .walkBegins(walk), .walkEnds(walk, count: 0)), at: now(0))
    _ = receiver.frames(at: now(0))
    return receiver
  }

  // MARK: Order

  /// C14, and an old state never undoes a newer one: all orders of frames end alike.
  @Test func `frames in any order give the same operations`() {
    let (first, second) = (connection(1), connection(1, life: 2))
    let frames = [
      frame(2, up(first)), frame(3, down(first)), frame(4, up(second)),
      frame(5, up(connection(2)), down(connection(2))),
    ]
    for order in permutations(of: frames) {
      var receiver = settled()
      var operations: [SyncOperation] = []
      for frame in order { operations += receiver.receive(frame, at: now(1)) }
      #expect(story(operations) == ["put 1.1", "delete 1", "put 1.2", "put 2.1", "delete 2"])
      for frame in order { #expect(receiver.receive(frame, at: now(2)).isEmpty) }
      #expect(receiver.figures.duplicates == 4 && receiver.figures.frames == 5)
    }
  }

  @Test func `time passes for a frame that waits, and for one sent again`() throws {
    var receiver = settled()
    _ = receiver.receive(frame(3, up(connection(3))), at: now(100))
    let late = SyncFrame.repeated(frame(2, up(connection(2))), age: 250)
    let operations = receiver.receive(late, at: now(400))
    let times = operations.compactMap { operation -> UInt32? in
      if case .put(let connection) = operation { connection.remaining } else { nil }
    }
    #expect(times == [9750, 9700])
  }

  // MARK: Questions

  @Test func `what is missing is asked for, ever more rarely, and given up in the end`() throws {
    var receiver = settled()
    _ = receiver.receive(frame(2, up(connection(2))), at: now(1000))
    #expect(receiver.receive(frame(6, up(connection(6))), at: now(1000)).isEmpty)
    #expect(receiver.receive(frame(4, up(connection(4))), at: now(1010)).isEmpty)
    var asked: [UInt64] = []
    var given: [(UInt64, [String])] = []
    for time in stride(from: UInt64(1000), to: 6500, by: 5) {
      let operations = receiver.turn(at: now(time))
      if !operations.isEmpty { given.append((time, story(operations))) }
      let said = try replies(receiver.frames(at: now(time)))
      if said.contains("missing [\"3-3\", \"5-5\"]") { asked.append(time) }
    }
    #expect(asked.prefix(5) == [1020, 1060, 1140, 1300, 1620])
    #expect(asked.count < 25)
    // All that is at hand is passed on then, and all is asked for.
    #expect(given.map(\.0) == [6000] && given.map(\.1) == [["put 4.1", "put 6.1"]])
    #expect(receiver.figures.holes == 2 && !receiver.isSettled && receiver.figures.resyncs > 1)
  }

  /// A receiver that was kept busy elsewhere has not asked yet.
  @Test func `what was not asked for is not given up`() {
    var receiver = settled()
    _ = receiver.receive(frame(3, up(connection(3))), at: now(1000))
    #expect(receiver.turn(at: now(60_000)).isEmpty)
    for time: UInt64 in [60_000, 61_000, 62_000] { _ = receiver.frames(at: now(time)) }
    #expect(story(receiver.turn(at: now(62_000))) == ["put 3.1"])
  }

  @Test func `the last frame of all is missed, too`() throws {
    var receiver = settled()
    _ = receiver.receive(hello(last: 3), at: now(0))
    #expect(try replies(receiver.frames(at: now(20))) == ["done 1", "missing [\"2-3\"]"])
    // The sender has them no longer.
    _ = receiver.receive(hello(last: 3, .gone([1...2, 3...900])), at: now(30))
    #expect(try replies(receiver.frames(at: now(30))).contains("resync 2"))
    #expect(receiver.figures.holes == 1)
  }

  @Test func `a receiver that fell behind goes on with what is new`() {
    var settings = SyncSettings()
    settings.held = 10
    var receiver = SyncReceiver(session: 50, settings: settings)
    _ = receiver.receive(frame(1, up(connection(1))), at: now(0))
    _ = receiver.receive(frame(3, up(connection(3))), at: now(0))
    let operations = receiver.receive(frame(1_000_000_000_000, up(connection(4))), at: now(1))
    #expect(story(operations) == ["put 3.1"])
    for number: UInt64 in 999_999_999_991...999_999_999_999 {
      _ = receiver.receive(frame(number, up(connection(5))), at: now(2))
    }
    #expect(receiver.peer?.window.next == 1_000_000_000_001)
    #expect(receiver.figures.ups == 12)
  }

  // MARK: Walks

  @Test func `what a walk does not tell goes, of its shard alone`() {
    var receiver = settled()
    let all = [connection(1), connection(2), connection(3, shard: 1)]
    _ = receiver.receive(frame(2, up(all[0]), up(all[1]), up(all[2])), at: now(0))
    let walk = SyncWalk(number: 2, shard: 0)
    _ = receiver.receive(frame(3, .walkBegins(walk), .up(all[0], walk: true)), at: now(0))
    // It came while the walk was under way, which need not meet it.
    _ = receiver.receive(frame(4, up(connection(7))), at: now(0))
    #expect(story(receiver.receive(frame(5, .walkEnds(walk, count: 1)), at: now(0))) == ["delete 2"])
    let next = SyncWalk(number: 3, shard: nil)
    _ = receiver.receive(frame(6, .walkBegins(next), .up(connection(7), walk: true)), at: now(0))
    #expect(Set(story(receiver.receive(frame(7, .walkEnds(next, count: 1)), at: now(0)))) == ["delete 1", "delete 3"])
    #expect(receiver.figures.purged == 3 && receiver.count == 1)
  }

  @Test func `a walk of which something is missing removes nothing`() throws {
    var receiver = settled()
    _ = receiver.receive(frame(2, up(connection(1))), at: now(0))
    let walk = SyncWalk(number: 2, shard: nil)
    // An end alone, one whose count is not reached, one with a hole.
    #expect(receiver.receive(frame(3, .walkEnds(walk, count: 0)), at: now(0)).isEmpty)
    #expect(receiver.receive(frame(4, .walkBegins(walk), .walkEnds(walk, count: 1)), at: now(0)).isEmpty)
    #expect(try replies(receiver.frames(at: now(300))).contains("resync 2"))
    _ = receiver.receive(frame(5, .walkBegins(walk)), at: now(300))
    _ = receiver.receive(frame(7, .walkEnds(walk, count: 0)), at: now(300))
    #expect(receiver.receive(hello(last: 7, .gone([6...6])), at: now(301)).isEmpty)
    #expect(try replies(receiver.frames(at: now(700))).contains("resync 3"))
    #expect(receiver.count == 1)
  }

  @Test func `a request is repeated until its walk begins`() throws {
    var receiver = SyncReceiver(session: 50)
    _ = receiver.receive(hello(last: 0), at: now(0))
    var asked: [UInt64] = []
    for time in stride(from: UInt64(0), to: 5000, by: 10) {
      if try replies(receiver.frames(at: now(time))).contains("resync 1") { asked.append(time) }
    }
    #expect(asked == [0, 250, 750, 1750, 2750, 3750, 4750])
    _ = receiver.receive(frame(1, .walkBegins(SyncWalk(number: 1, shard: nil))), at: now(5000))
    for time in stride(from: UInt64(5000), to: 20_000, by: 100) {
      #expect(try !replies(receiver.frames(at: now(time))).contains { $0.hasPrefix("resync") })
    }
    #expect(!receiver.isSettled)
    _ = receiver.receive(frame(2, .walkEnds(SyncWalk(number: 1, shard: nil), count: 0)), at: now(20_000))
    #expect(receiver.isSettled)
  }

  // MARK: Lives

  @Test func `an end does not undo the life that came after`() {
    var receiver = settled()
    let (first, second) = (connection(1), connection(1, life: 2))
    _ = receiver.receive(frame(2, up(first)), at: now(0))
    #expect(story(receiver.receive(frame(3, up(second)), at: now(0))) == ["delete 1", "put 1.2"])
    #expect(receiver.receive(frame(4, down(first)), at: now(0)).isEmpty)
    #expect(story(receiver.receive(frame(5, down(second)), at: now(0))) == ["delete 1"])
    #expect(receiver.figures.stale == 1)
  }

  @Test func `a flow opened from its other end takes the place of the first`() {
    var receiver = settled()
    var reverse = connection(1, life: 2)
    swap(&reverse.original, &reverse.reply)
    _ = receiver.receive(frame(2, up(connection(1))), at: now(0))
    #expect(story(receiver.receive(frame(3, up(reverse)), at: now(0))) == ["delete 1", "put 1.2"])
  }

  @Test func `a sender that was replaced is heard no more`() {
    var receiver = settled()
    _ = receiver.receive(frame(2, up(connection(1))), at: now(0))
    let walk = SyncWalk(number: 1, shard: nil)
    _ = receiver.receive(frame(1, session: 2, .walkBegins(walk), .up(connection(2), walk: true)), at: now(0))
    #expect(receiver.receive(frame(3, up(connection(3))), at: now(0)).isEmpty)
    #expect(receiver.figures.late == 1)
    #expect(
      story(receiver.receive(frame(2, session: 2, .walkEnds(walk, count: 1)), at: now(0))) == ["delete 1"])
  }

  /// A receiver that has just started may hear the new sender first and what came late of the old one then.
  @Test func `a sender that was taken for a replaced one is heard again`() {
    var receiver = SyncReceiver(session: 50)
    _ = receiver.receive(hello(last: 0, session: 2), at: now(0))
    _ = receiver.receive(frame(900, session: 1, up(connection(1))), at: now(10))
    for time: UInt64 in [100, 1000, 2000] {
      #expect(receiver.receive(frame(1, session: 2, up(connection(2))), at: now(time)).isEmpty)
    }
    #expect(story(receiver.receive(frame(2, session: 2, up(connection(3))), at: now(3000))) == ["put 3.1"])
    #expect(receiver.figures.sessions == 3)
  }

  @Test func `what the table had at the start goes unless it is told`() {
    var receiver = SyncReceiver(session: 50)
    receiver.adopt([connection(1, life: 9), connection(2, life: 9), connection(3, life: 9)])
    let walk = SyncWalk(number: 1, shard: nil)
    let operations = receiver.receive(
      frame(1, .walkBegins(walk), .up(connection(1), walk: true), down(connection(2)), .walkEnds(walk, count: 1)),
      at: now(0))
    #expect(story(operations) == ["put 1.1", "delete 2", "delete 3"])
  }

  // MARK: Bounds

  @Test func `connections beyond the limit are counted and not passed on`() {
    var settings = SyncSettings()
    settings.known = 2
    var receiver = SyncReceiver(session: 50, settings: settings)
    let frame = frame(1, up(connection(1)), up(connection(2)), up(connection(3)), up(connection(1)))
    #expect(story(receiver.receive(frame, at: now(0))) == ["put 1.1", "put 2.1", "put 1.1"])
    #expect(receiver.count == 2 && receiver.figures.refused == 1)
  }

  @Test func `no more frames are held than there is room for, and none is held for good`() {
    var chance = SeededGenerator.forThisRun()
    var settings = SyncSettings()
    settings.held = 32
    var receiver = SyncReceiver(session: 50, settings: settings)
    var sequence: UInt64 = 1
    for step in 0..<5000 {
      sequence += UInt64(chance.below(chance.happens(2) ? 100 : 4))
      let late = sequence - min(sequence - 1, UInt64(chance.below(40)))
      let bytes = chance.happens(10) ? hello(last: sequence) : frame(late, up(connection(chance.below(9))))
      _ = receiver.receive(bytes, at: now(UInt64(step)))
      let slots = receiver.peer?.window.slotCount ?? 0
      guard slots <= 32 else {
        Issue.record("step \(step): \(slots) slots")
        return
      }
    }
    for time: UInt64 in 20...60 {
      _ = receiver.frames(at: now(1000 * time))
      _ = receiver.turn(at: now(1000 * time))
    }
    #expect(receiver.peer?.window.slotCount == 0)
  }

  @Test func `what is said stays within the budget`() {
    var settings = SyncSettings()
    (settings.rate, settings.burst, settings.frameSize) = (2000, 600, 512)
    var receiver = SyncReceiver(session: 50, settings: settings)
    var bytes = 0
    for step in 0..<3000 {
      let now = now(UInt64(step))
      _ = receiver.receive(frame(UInt64(1 + step * 2), up(connection(1))), at: now)
      for frame in receiver.frames(at: now) { bytes += frame.count }
      #expect(bytes <= 600 + step * 2)
    }
    #expect(bytes > 3000)
  }

  @Test func `what is no frame of a sender is counted`() throws {
    var receiver = settled()
    var bad = frame(2, up(connection(1)))
    bad[50] ^= 1
    let feedback = SyncFrame.encode(.feedback, session: 1, sequence: 1, messages: [])
    for datagram in [[], bad, [UInt8](repeating: 0, count: 60), feedback] {
      #expect(receiver.receive(datagram, at: now(0)).isEmpty)
    }
    #expect(receiver.figures.faults == [1, 1, 0, 1] && receiver.figures.misdirected == 1)
  }
}
