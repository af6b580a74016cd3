public import Primitives
internal import Segment

extension SyncSender {
  /// The datagrams to be sent now, within the budget. To be asked for often: every ten milliseconds, and when something
  /// came in.
  public mutating func frames(at now: Instant) -> [[UInt8]] {
    budget.refill(at: now)
    if let interval = settings.walkInterval { plan.needAll(every: interval, at: now) }
    var frames: [[UInt8]] = []
    if hello.dueAt <= now, budget.allows(SyncFrame.smallest) { frames.append(spend(greeting(at: now))) }
    if !gone.isEmpty, budget.allows(SyncFrame.smallest) {
      frames.append(spend(unnumbered(.gone(gone))))
      gone = []
    }
    while let frame = sent.takeAsked(at: now, atMost: budget.left) {
      figures.repeats += 1
      frames.append(spend(frame))
    }
    let isHeard = hears(at: now)
    while budget.allows(settings.largestFrame), !isHeard || sent.unacknowledged < sent.capacity {
      // A walk is told no faster than it is taken, so that no frame of it leaves before it has arrived.
      let takesWalk = !isHeard || sent.unacknowledged < sent.capacity / 2
      guard let messages = nextMessages(upTo: takesWalk ? .walk : .refresh, at: now) else { break }
      let frame = SyncFrame.encode(.numbered, session: session, sequence: sent.last + 1, messages: messages)
      sent.add(frame, at: now)
      figures.frames += 1
      frames.append(spend(frame))
      hello.dueAt = min(now + Self.soon, (hello.sentAt ?? now) + settings.helloInterval)
    }
    return frames
  }

  /// Silence after which the last frame may be one that was lost.
  private static let soon = Interval.milliseconds(50)

  private mutating func spend(_ frame: [UInt8]) -> [UInt8] {
    budget.spend(frame.count)
    figures.bytes += UInt64(frame.count)
    return frame
  }

  private func unnumbered(_ message: SyncMessage) -> [UInt8] {
    var messages: [UInt8] = []
    message.append(to: &messages)
    return SyncFrame.encode(session: session, sequence: sent.last, messages: messages)
  }

  private mutating func greeting(at now: Instant) -> [UInt8] {
    hello = Hello(sentAt: now, dueAt: now + settings.helloInterval)
    return unnumbered(
      .hello(
        SyncMessage.Hello(
          interval: UInt32(clamping: settings.helloInterval.milliseconds), window: UInt32(clamping: sent.capacity),
          frameSize: UInt32(settings.largestFrame))))
  }

  // MARK: Packing

  /// As many messages as a frame takes; `nil`: there are none.
  private mutating func nextMessages(upTo rank: PendingChanges.Rank, at now: Instant) -> [UInt8]? {
    let room = settings.largestFrame - SyncFrame.headerSize
    var messages: [UInt8] = []
    messages.reserveCapacity(room)
    if rank == .walk, let walk = plan.begin() {
      figures.walksBegun += 1
      SyncMessage.walkBegins(walk).append(to: &messages)
    }
    while let change = pending.first(upTo: rank) {
      let before = messages.count
      append(change, to: &messages, at: now)
      guard messages.count <= room else {
        messages.removeLast(messages.count - before)
        return messages
      }
      pending.remove(change)
      note(change)
    }
    // Nothing waits: what the walk read has all been told.
    if rank == .walk, let (walk, count) = plan.ending, messages.count + SyncMessage.walkEndSize <= room {
      SyncMessage.walkEnds(walk, count: count).append(to: &messages)
      figures.walksEnded += 1
      plan.end()
    }
    return messages.isEmpty ? nil : messages
  }

  private func append(_ change: PendingChanges.Change, to messages: inout [UInt8], at now: Instant) {
    let connection = change.connection
    guard change.isDown else {
      let aged = connection.aged(by: (now - change.at).milliseconds)
      SyncMessage.up(aged, walk: plan.isPart(change.walk)).append(to: &messages, now: settings.seconds(at: now))
      return
    }
    let flow = SyncFlow(connection)
    if change.replaced != connection.id { SyncMessage.down(id: change.replaced, flow).append(to: &messages) }
    SyncMessage.down(id: connection.id, flow).append(to: &messages)
  }

  private mutating func note(_ change: PendingChanges.Change) {
    if change.isDown { figures.downs += 1 } else { figures.ups += 1 }
    if !change.isDown, plan.isPart(change.walk) { plan.count &+= 1 }
  }
}
