// Control: what the methods of the control socket mean. Questions are answered out of the segment, which workers never
// notice; changes go to the workers by their mailboxes and are carried out in bounded parts, breath by breath. All of it
// runs on the control socket's own thread, and knows no DPDK: a test drives it with workers on virtual ports.
internal import Conntrack
internal import Pipeline
internal import Segment
internal import Synchronization

/// The control side of the workers' mailboxes: fills lanes in, waits for what becomes of them, and reads the answers.
///
/// One task at a time uses a lane; several tasks share the desk, on one thread.
final class Desk: Sendable {
  let mailboxes: [Mailbox]
  /// Gives the worker time to breathe.
  private let pause: @Sendable () async -> Void
  private let state: Mutex<State>

  private struct State {
    /// By worker, one bit for each lane that a task uses.
    var taken: [UInt8]
    /// The workers have ended: nothing will be done any more.
    var isClosed = false
  }

  init(_ mailboxes: [Mailbox], pause: @escaping @Sendable () async -> Void) {
    self.mailboxes = mailboxes
    self.pause = pause
    state = Mutex(State(taken: Array(repeating: 0, count: mailboxes.count)))
  }

  /// The workers have ended, or are about to: who waits is told so.
  func close() { state.withLock { $0.isClosed = true } }

  var isClosed: Bool { state.withLock(\.isClosed) }

  /// Gives the workers time to breathe, on behalf of a task that may still be given up.
  func rest() async throws(DeskError) {
    try checkGoesOn()
    await pause()
  }

  /// Fails when what is under way need not go on: nobody waits for it any more, or workers are about to end.
  private func checkGoesOn() throws(DeskError) {
    if isClosed { throw .stopping }
    if Task.isCancelled { throw .cancelled }
  }

  // MARK: Lanes

  /// What a lane's work came to, while the lane is still the task's.
  private func use<Answer>(
    _ worker: Int, _ fill: (Mailbox, Int) -> Void, _ read: (Mailbox, Int) -> Answer
  ) async throws(DeskError) -> Answer {
    let mailbox = mailboxes[worker]
    let lane = try await take(worker)
    mailbox[lane] = Mailbox.Lane()
    fill(mailbox, lane)
    mailbox.post(lane)
    // A worker that has ended never gives the lane back, and it is nobody's then.
    while !mailbox.isFree(lane) {
      if isClosed { throw .stopping }
      await pause()
    }
    let answer = read(mailbox, lane)
    state.withLock { $0.taken[worker] &= ~(1 << UInt8(lane)) }
    return answer
  }

  private func take(_ worker: Int) async throws(DeskError) -> Int {
    while true {
      let lane = state.withLock { state -> Int? in
        let free = ~state.taken[worker]
        guard !state.isClosed, free != 0 else { return nil }
        let lane = free.trailingZeroBitCount
        state.taken[worker] |= 1 << UInt8(lane)
        return lane
      }
      if let lane { return lane }
      if isClosed { throw .stopping }
      await pause()
    }
  }

  // MARK: Orders

  struct Answer: Sendable {
    var outcome: OrderOutcome
    /// Of no meaning where there is none.
    var connection: Connection
  }

  /// Has a worker carry out orders, in their order. A task that is cancelled gives up those it has not posted yet.
  func carryOut(_ orders: [ConnectionOrder], on worker: Int) async throws(DeskError) -> [Answer] {
    var answers: [Answer] = []
    var first = 0
    while first < orders.count {
      try checkGoesOn()
      let part = orders[first..<min(first + Mailbox.orders, orders.count)]
      answers += try await use(worker) { mailbox, lane in
        mailbox[lane].kind = .orders
        mailbox[lane].count = part.count
        for (place, order) in part.enumerated() { mailbox.set(order, place, in: lane) }
      } _: { mailbox, lane in
        part.indices.map { place in
          let place = place - part.startIndex
          return Answer(outcome: mailbox.outcome(place, in: lane), connection: mailbox.connection(place, in: lane))
        }
      }
      first += part.count
    }
    return answers
  }

  struct Found: Sendable {
    /// Connections that were meant, and those of them that were not asked to be silent about.
    var meant: Int
    var connections: [Connection]
    /// The slot to go on with; `nil`: all have been looked at.
    var next: Int?
  }

  /// Has a worker carry out a scan, until the answer is full or there is no more.
  ///
  /// - Parameter room: connections that are wanted at most; a lane's answer takes 32.
  func carryOut(_ scan: ConnectionScan, on worker: Int, room: Int = Mailbox.orders) async throws(DeskError) -> Found {
    try checkGoesOn()
    return try await use(worker) { mailbox, lane in
      mailbox[lane].kind = .scan
      mailbox[lane].scan = scan
      mailbox[lane].room = room
    } _: { mailbox, lane in
      let done = mailbox[lane]
      return Found(
        meant: done.meant, connections: (0..<done.filled).map { mailbox.connection($0, in: lane) },
        next: done.isThrough ? nil : done.scan.next)
    }
  }

  // MARK: Settings; once begun they reach all workers, whoever still waits for them

  /// Has all workers take a setting over, one after the other.
  func turn(_ knobs: Mailbox.Knobs) async throws(DeskError) {
    for worker in mailboxes.indices { try await turn(knobs, on: worker) }
  }

  func turn(_ knobs: Mailbox.Knobs, on worker: Int) async throws(DeskError) {
    try await use(worker) { mailbox, lane in
      mailbox[lane].kind = .knobs
      mailbox[lane].knobs = knobs
    } _: { _, _ in
    }
  }

  /// Has all workers return the credits that they keep: limits have changed.
  func returnCredits(_ zones: ClosedRange<UInt16>) async throws(DeskError) {
    for worker in mailboxes.indices {
      try await use(worker) { mailbox, lane in
        mailbox[lane].kind = .credits
        mailbox[lane].first = Int(zones.lowerBound)
        mailbox[lane].last = Int(zones.upperBound)
      } _: { _, _ in
      }
    }
  }

  /// Entries in buckets of a worker's index, from one on: as many as a lane's answer takes.
  func buckets(of worker: Int, from first: Int) async throws(DeskError) -> (counts: [UInt8], areAll: Bool) {
    try checkGoesOn()
    return try await use(worker) { mailbox, lane in
      mailbox[lane].kind = .buckets
      mailbox[lane].first = first
    } _: { mailbox, lane in
      ((0..<mailbox[lane].filled).map { mailbox.tally($0, in: lane) }, mailbox[lane].isThrough)
    }
  }
}

enum DeskError: Error, Equatable {
  /// The forwarder is about to end.
  case stopping
  /// Nobody waits for the answer any more.
  case cancelled
}
