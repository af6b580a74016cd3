public import Primitives

/// That all be told again: asked for until the telling begins.
struct ResyncRequest: Sendable {
  private enum State { case asked, begun, answered }

  private static let first = Interval.milliseconds(250)
  private static let mostDoublings: UInt64 = 2

  private var state = State.answered
  /// Tells one request from another; what is asked for again and again is one.
  private(set) var number: UInt32 = 0
  private var tries: UInt64 = 0
  private var dueAt = Instant(nanoseconds: 0)

  var isAnswered: Bool { state == .answered }

  /// A new request: what was told before is not enough.
  mutating func ask(at now: Instant) {
    number &+= 1
    // Not at once if another has just been sent.
    if state != .asked { dueAt = max(dueAt, now) }
    (state, tries) = (.asked, 0)
  }

  mutating func begin() { if state == .asked { state = .begun } }
  mutating func end() { if state == .begun { state = .answered } }

  /// Whether it is to be sent now; it counts as sent then.
  mutating func isDue(at now: Instant) -> Bool {
    guard state == .asked, dueAt <= now else { return false }
    dueAt = now + .nanoseconds(Self.first.nanoseconds << tries)
    tries = min(tries + 1, Self.mostDoublings)
    return true
  }
}

/// When the sender is told what has arrived.
struct Replies: Sendable {
  static let mostFrames = 64
  static let delay = Interval.milliseconds(20)
  static let silence = Interval.milliseconds(1000)

  private var frames = 0
  private var dueAt: Instant?

  /// A frame is done with.
  mutating func note(at now: Instant) {
    frames += 1
    let soon = frames >= Self.mostFrames ? now : now + Self.delay
    dueAt = min(dueAt ?? soon, soon)
  }

  func isDue(at now: Instant) -> Bool { dueAt.map { $0 <= now } ?? true }
  mutating func send(at now: Instant) { (frames, dueAt) = (0, now + Self.silence) }
}

extension SyncReceiver {
  /// Ranges of one turn: more wait for the next.
  private static let mostFrames = 8

  /// The datagrams to be sent now, within the budget, to where the sender's come from.
  public mutating func frames(at now: Instant) -> [[UInt8]] {
    budget.refill(at: now)
    var frames: [[UInt8]] = []
    while frames.count < Self.mostFrames, budget.allows(SyncFrame.smallest), let messages = nextMessages(at: now),
      let peer
    {
      let frame = SyncFrame.encode(
        .feedback, session: peer.session, sequence: peer.window.next - 1, messages: messages)
      budget.spend(frame.count)
      figures.bytes += UInt64(frame.count)
      replies.send(at: now)
      frames.append(frame)
    }
    return frames
  }

  /// What the next frame says, if only what has arrived; `nil`: it is not due.
  private mutating func nextMessages(at now: Instant) -> [UInt8]? {
    guard peer != nil else { return nil }
    var messages: [UInt8] = []
    if request.isDue(at: now) {
      figures.resyncs += 1
      SyncMessage.resync(receiver: session, number: request.number).append(to: &messages)
    }
    if let missing = peer?.window.due(at: now, atMost: SyncMessage.mostRanges), !missing.isEmpty {
      figures.asked += UInt64(missing.count)
      SyncMessage.missing(missing).append(to: &messages)
    }
    return messages.isEmpty && !replies.isDue(at: now) ? nil : messages
  }
}
