import Primitives
import Segment
import TestSupport
import Testing

@testable import Sync

/// What a sender tells first, what it leaves out, and what it never exceeds.
struct SenderTests {
  private func connection(_ number: Int, life: UInt32 = 1) -> Connection {
    var connection = Connection()
    connection.id = ConnectionID(shard: number % 2, epoch: 0, slot: number, generation: life)
    connection.protocol = Connection.Number.gre
    connection.original.source = IPv6Address(ipv4: IPv4Address(bits: UInt32(number)))
    connection.original.destination = IPv6Address(ipv4: IPv4Address(bits: 9))
    connection.reply = connection.original.turned(isICMP: false, isIPv6: false)
    (connection.remaining, connection.deadline) = (10_000, 10_000)
    return connection
  }

  private func event(
    _ kind: ConnectionEvent.Kind, _ connection: Connection, changes: ConnectionEvent.Changes = []
  ) -> ConnectionEvent {
    ConnectionEvent(
      sequence: 1, shard: connection.id.shard, at: 0, kind: kind, changes: changes, connection: connection)
  }

  private func now(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  /// What the frames tell, in short.
  private func story(_ frames: [[UInt8]]) throws -> [String] {
    try frames.flatMap { bytes in
      try SyncFrame(bytes).messages().compactMap { message in
        switch message {
        case .up(let connection, let walk): "\(walk ? "walk " : "")up \(connection.id.slot).\(connection.id.generation)"
        case .down(let id, _): "down \(id.slot).\(id.generation)"
        case .walkBegins(let walk): "begins \(walk.shard.map(String.init) ?? "all")"
        case .walkEnds(let walk, let count): "ends \(walk.shard.map(String.init) ?? "all") \(count)"
        case .gone(let ranges): "gone \(ranges)"
        case .hello: nil
        default: "\(message)"
        }
      }
    }
  }

  private func feedback(
    _ sender: SyncSender, upTo sequence: UInt64 = 0, session: UInt64? = nil, _ messages: SyncMessage...
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    for message in messages { message.append(to: &bytes) }
    return SyncFrame.encode(.feedback, session: session ?? sender.session, sequence: sequence, messages: bytes)
  }

  // MARK: What is told

  @Test func `what came and went is told before what only goes on, and a walk after all`() throws {
    var sender = SyncSender(session: 1)
    sender.receive(feedback(sender, .resync(receiver: 5, number: 1)), at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["begins all"])
    let walk = try #require(sender.walk)
    sender.tell([connection(1), connection(2)], of: walk, isLast: true, at: now(1))
    sender.take(event(.update, connection(3), changes: .timeout), at: now(1))
    sender.take(event(.new, connection(4)), at: now(1))
    sender.take(event(.destroy, connection(5)), at: now(1))
    sender.take(event(.update, connection(6), changes: [.timeout, .state]), at: now(1))
    #expect(
      try story(sender.frames(at: now(1))) == [
        "up 4.1", "down 5.1", "up 6.1", "up 3.1", "walk up 1.1", "walk up 2.1", "ends all 2",
      ])
    #expect(sender.walk == nil)
  }

  @Test func `the newer state of a connection is told alone, as old as it is by then`() throws {
    var sender = SyncSender(session: 1)
    var newer = connection(1)
    newer.mark = 7
    sender.take(event(.new, connection(1)), at: now(0))
    sender.take(event(.new, connection(2)), at: now(0))
    sender.take(event(.update, newer, changes: .mark), at: now(100))
    let frames = sender.frames(at: now(350))
    #expect(try story(frames) == ["up 1.1", "up 2.1"])
    let told = try frames.flatMap { try SyncFrame($0).messages().compactMap(\.connection) }
    #expect(told.map(\.mark) == [7, 0])
    #expect(told.map(\.remaining) == [9750, 9650])
    #expect(sender.figures.merged == 1)
  }

  @Test func `a connection that came and went between two turns is told to be gone`() throws {
    var sender = SyncSender(session: 1)
    sender.take(event(.new, connection(1)), at: now(0))
    sender.take(event(.destroy, connection(1)), at: now(0))
    // Nothing brings it back: not an event out of order, not a table that still shows it.
    sender.take(event(.update, connection(1), changes: .state), at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["down 1.1"])
    sender.noteLoss(shard: 1)
    #expect(try story(sender.frames(at: now(1))) == ["begins 1"])
    let walk = try #require(sender.walk)
    sender.tell([connection(1), connection(3)], of: walk, isLast: true, at: now(2))
    #expect(try story(sender.frames(at: now(2))) == ["walk up 3.1", "ends 1 1"])
  }

  /// The receiver may know the first life of the flow, or the second, or neither.
  @Test func `of a flow that lived twice, both ends are told`() throws {
    var sender = SyncSender(session: 1)
    sender.take(event(.destroy, connection(1)), at: now(0))
    sender.take(event(.new, connection(1, life: 2)), at: now(0))
    sender.take(event(.destroy, connection(1, life: 2)), at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["down 1.1", "down 1.2"])
  }

  @Test func `a flow that was opened from its other end comes after the end of the first`() throws {
    var sender = SyncSender(session: 1)
    var reverse = connection(1, life: 2)
    swap(&reverse.original, &reverse.reply)
    sender.take(event(.new, reverse), at: now(0))
    // Of another worker, whose ring is read later.
    sender.take(event(.destroy, connection(1)), at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["up 1.2"])
  }

  // MARK: Walks

  @Test func `a request is answered once, another one begins again`() throws {
    var sender = SyncSender(session: 1)
    let request = feedback(sender, .resync(receiver: 5, number: 1))
    sender.receive(request, at: now(0))
    sender.receive(request, at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["begins all"])
    let first = try #require(sender.walk)
    sender.receive(request, at: now(5))
    #expect(try story(sender.frames(at: now(5))) == [])
    sender.receive(feedback(sender, .resync(receiver: 5, number: 2)), at: now(9))
    #expect(try story(sender.frames(at: now(9))) == ["begins all"])
    // What was read for the first is no longer asked for.
    sender.tell([connection(1)], of: first, isLast: true, at: now(9))
    #expect(sender.walk != nil && sender.walk != first)
    #expect(try story(sender.frames(at: now(9))) == [])
    sender.receive(feedback(sender, session: 2, .resync(receiver: 5, number: 3)), at: now(9))
    sender.receive([1, 2, 3], at: now(9))
    #expect(sender.figures.resyncs == 2 && sender.figures.refusedFrames == 2)
  }

  @Test func `a shard is walked through for each loss, all of them for a request`() throws {
    var sender = SyncSender(session: 1)
    sender.noteLoss(shard: 4)
    sender.noteLoss(shard: 2)
    sender.noteLoss(shard: 4)
    #expect(try story(sender.frames(at: now(0))) == ["begins 2"])
    sender.tell([], of: try #require(sender.walk), isLast: true, at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["ends 2 0", "begins 4"])
    sender.tell([], of: try #require(sender.walk), isLast: true, at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["ends 4 0"])
    sender.noteLoss(shard: 4)
    sender.receive(feedback(sender, .resync(receiver: 1, number: 1)), at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["begins all"])
    sender.tell([], of: try #require(sender.walk), isLast: true, at: now(0))
    #expect(try story(sender.frames(at: now(0))) == ["ends all 0"])
    #expect(!sender.isSettled, "nothing has arrived yet")
    sender.receive(feedback(sender, upTo: 6), at: now(1))
    #expect(sender.isSettled)
  }

  /// A walk must not push out of the window what has not arrived.
  @Test func `a walk waits for the receiver, as long as there is one`() throws {
    var settings = SyncSettings()
    settings.window = 8
    var sender = SyncSender(session: 1, settings: settings)
    sender.receive(feedback(sender, .resync(receiver: 5, number: 1)), at: now(0))
    _ = sender.frames(at: now(0))
    let walk = try #require(sender.walk)
    sender.tell((0..<500).map { connection($0) }, of: walk, isLast: true, at: now(0))
    _ = sender.frames(at: now(1))
    #expect(sender.figures.frames == 4)
    sender.receive(feedback(sender, upTo: 2), at: now(2))
    _ = sender.frames(at: now(2))
    #expect(sender.figures.frames == 6)
    for tenth: UInt64 in 0..<40 { _ = sender.frames(at: now(100 * tenth)) }
    #expect(sender.isIdle && sender.figures.frames > 20)
  }

  // MARK: Repetition

  @Test func `a frame is sent again as it was, older, and not twice at once`() throws {
    var sender = SyncSender(session: 1)
    sender.take(event(.new, connection(1)), at: now(0))
    let frames = sender.frames(at: now(0)).filter { (try? SyncFrame($0).flags.contains(.numbered)) ?? false }
    let first = try SyncFrame(try #require(frames.first))
    sender.receive(feedback(sender, .missing([1...1, 1...9])), at: now(40))
    let repeats = try sender.frames(at: now(40)).map { try SyncFrame($0) }.filter { $0.flags.contains(.numbered) }
    #expect(repeats.count == 1)
    #expect(repeats.first?.sequence == 1 && repeats.first?.age == 40 && first.age == 0)
    #expect(repeats.first?.bytes[SyncFrame.headerSize...] == first.bytes[SyncFrame.headerSize...])
    sender.receive(feedback(sender, .missing([1...1])), at: now(45))
    #expect(try story(sender.frames(at: now(45))) == [])
    sender.receive(feedback(sender, .missing([1...1])), at: now(60))
    #expect(try story(sender.frames(at: now(60))) == ["up 1.1"])
  }

  @Test func `what has left the window is said to be gone`() throws {
    var settings = SyncSettings()
    settings.window = 4
    var sender = SyncSender(session: 1, settings: settings)
    for number in 1...10 {
      sender.take(event(.new, connection(number)), at: now(0))
      _ = sender.frames(at: now(0))
    }
    sender.receive(feedback(sender, .missing([3...7])), at: now(1))
    #expect(try story(sender.frames(at: now(1))) == ["gone [ClosedRange(3...6)]", "up 7.1"])
    // Numbers that were never given are nothing to answer.
    sender.receive(feedback(sender, .missing([11...4_000_000_000, 0...0])), at: now(2))
    #expect(try story(sender.frames(at: now(2))) == [])
  }

  // MARK: Bounds

  /// Whatever is asked of it, a sender keeps to its rate.
  @Test func `bytes sent stay within the budget`() {
    var chance = SeededGenerator.forThisRun()
    var settings = SyncSettings()
    (settings.rate, settings.burst, settings.frameSize) = (100_000, 3000, 600)
    var sender = SyncSender(session: 1, settings: settings)
    var bytes = 0
    for step in 0..<4000 {
      let now = now(UInt64(step))
      for _ in 0..<chance.below(20) {
        let kind: ConnectionEvent.Kind = [.new, .update, .destroy][chance.below(3)]
        sender.take(event(kind, connection(chance.below(5000), life: UInt32(step))), at: now)
      }
      if chance.happens(20) {
        let first = sender.figures.frames - min(sender.figures.frames, 30)
        sender.receive(feedback(sender, .missing([max(1, first)...first + 60])), at: now)
      }
      for frame in sender.frames(at: now) {
        bytes += frame.count
        #expect(frame.count <= 600)
      }
      #expect(bytes <= 3000 + step * 100)
    }
    #expect(bytes > 4000 * 95, "what may be sent is sent")
    #expect(sender.figures.repeats > 100)
  }

  @Test func `memory is bounded whatever comes`() {
    var chance = SeededGenerator.forThisRun()
    var settings = SyncSettings()
    (settings.rate, settings.burst, settings.pending, settings.window) = (10_000, 1400, 100, 16)
    var sender = SyncSender(session: 1, settings: settings)
    for step in 0..<20_000 {
      let now = now(UInt64(step))
      let kind: ConnectionEvent.Kind = [.new, .update, .destroy][chance.below(3)]
      sender.take(event(kind, connection(chance.below(400), life: UInt32(chance.below(3)))), at: now)
      if chance.happens(5) { sender.receive(feedback(sender, .missing([1...UInt64(1 + step)])), at: now) }
      _ = sender.frames(at: now)
      guard sender.pending.count <= 100, sender.pending.places <= 3 * (2 * 100 + 65), sender.gone.count <= 32 else {
        Issue.record("step \(step): \(sender.pending.count) pending, \(sender.pending.places) places")
        return
      }
    }
    #expect(sender.figures.refused > 0)
  }

  @Test func `a sign of life follows the last frame soon, and goes on every second`() throws {
    var sender = SyncSender(session: 1)
    var helloes: [UInt64] = []
    for step in 0..<350 {
      let now = now(UInt64(step) * 10)
      if step == 120 { sender.take(event(.new, connection(1)), at: now) }
      for frame in sender.frames(at: now) where try !SyncFrame(frame).flags.contains(.numbered) {
        helloes.append(UInt64(step) * 10)
        #expect(try SyncFrame(frame).sequence == (step >= 120 ? 1 : 0))
      }
    }
    #expect(helloes == [0, 1000, 1250, 2250, 3250])
  }
}
