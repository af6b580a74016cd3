internal import Context
internal import ControlProtocol
internal import Foundation
internal import JSONText
internal import Logging
internal import Pipeline
internal import Primitives
internal import Ruleset
internal import Synchronization

/// Changes to the rules, one at a time: made on a thread of their own, told to all workers, and undone when nobody
/// confirms them in time.
final class RuleOffice: Sendable {
  let rules: Site.Rules
  let context = RuntimeContext()
  private let desk: Desk
  private let pacing: Pacing
  private let line = Mutex(Line())
  /// Reloads that came to nothing.
  let failedReloads = Atomic<UInt64>(0)
  private let papers = Mutex<[UInt64: Papers]>([:])

  /// What a client has sent in parts, and what it has not read yet of an answer.
  struct Papers {
    var staged = ""
    var answer = ""
  }

  init(_ rules: Site.Rules, _ desk: Desk, _ pacing: Pacing) {
    self.rules = rules
    self.desk = desk
    self.pacing = pacing
    try? context.setup(rules.keeper)
  }

  var keeper: RuleKeeper { rules.keeper }
  var now: Instant { rules.now() }

  /// The forwarder is about to end.
  func close() { context.teardown() }

  // MARK: One after the other

  /// What comes first of all that waits: what nobody confirmed in time is undone, changes are made, questions answered.
  enum Rank: Int { case undoing, change, question }

  /// Who works with the rules, and who waits to: by rank, and then as they came.
  private struct Line {
    private struct Place: Equatable {
      var rank: Rank
      var number: UInt64
    }
    private var isTaken = false
    private var last: UInt64 = 0
    private var waiting: [Place] = []

    mutating func enter(_ rank: Rank) -> UInt64 {
      last += 1
      let behind = waiting.firstIndex { $0.rank.rawValue > rank.rawValue } ?? waiting.endIndex
      waiting.insert(Place(rank: rank, number: last), at: behind)
      return last
    }

    mutating func leave(_ number: UInt64) { waiting.removeAll { $0.number == number } }

    /// Whether it is this one's turn, which lasts until `end`.
    mutating func take(_ number: UInt64) -> Bool {
      guard !isTaken, waiting.first?.number == number else { return false }
      waiting.removeFirst()
      isTaken = true
      return true
    }

    mutating func end() { isTaken = false }
  }

  /// Works with the rules with nobody else doing so in between.
  func alone<Value>(as rank: Rank, _ body: () async throws(Fault) -> Value) async throws(Fault) -> Value {
    let number = line.withLock { $0.enter(rank) }
    do throws(Fault) {
      while !line.withLock({ $0.take(number) }) {
        try await translating { () async throws(DeskError) in try await desk.rest() }
      }
    } catch {
      line.withLock { $0.leave(number) }
      throw error
    }
    defer { line.withLock { $0.end() } }
    return try await body()
  }

  /// Works on a thread of its own, for it takes long: a second for some ten thousand rules. It has the affinity and the
  /// signals of the control socket's thread.
  func aside<Value: Sendable>(
    _ work: @escaping @Sendable (RuleKeeper, Instant) throws(RuleFailure) -> Value
  ) async throws(Fault) -> Value {
    let (keeper, now) = (keeper, now)
    let result = await withCheckedContinuation { continuation in
      let thread = Thread {
        continuation.resume(returning: Result { () throws(RuleFailure) in try work(keeper, now) })
      }
      // Texts may be nested.
      thread.stackSize = 16 << 20
      thread.start()
    }
    return try translating { () throws(RuleFailure) in try result.get() }
  }

  /// Prepares a change and carries it out; returns it.
  func change(
    _ prepare: @escaping @Sendable (RuleKeeper, Instant) throws(RuleFailure) -> RuleChange
  ) async throws(Fault) -> RuleChange {
    let began = now
    var change = try await aside(prepare)
    change.preparation = now - began
    try await carryOut(change)
    return change
  }

  private func carryOut(_ change: RuleChange) async throws(Fault) {
    keeper.begin(change, at: now)
    if let setup = change.setup {
      var knobs = Mailbox.Knobs()
      knobs.rules = setup
      try await translating { () async throws(DeskError) in try await desk.turn(knobs) }
    }
    keeper.finish(change, at: now)
    if let deadline = keeper.deadline, change.setup != nil { pacing.spawn { [self] in await watch(deadline) } }
  }

  // MARK: Undoing

  func rollback() async throws(Fault) {
    let change = try translating { () throws(RuleFailure) in try keeper.rollback(at: now) }
    try await carryOut(change)
  }

  /// Takes back what nobody confirms until then.
  private func watch(_ deadline: Instant) async {
    while now < deadline {
      guard keeper.deadline == deadline, !desk.isClosed else { return }
      await pacing.rest(min((deadline - now).nanoseconds, 50_000_000))
    }
    let isUndone = try? await alone(as: .undoing) { () async throws(Fault) in
      guard keeper.deadline == deadline else { return false }
      try await rollback()
      return true
    }
    if isUndone == true { rules.log.warning("rules: not confirmed in time, rolled back") }
  }

  // MARK: Papers

  /// The longest text that a client may send in parts.
  static let mostStaged = 16 << 20

  /// - Returns: how much there is now; `nil`: more than there may be.
  func stage(_ text: String, of client: UInt64) -> Int? {
    papers.withLock { papers in
      let size = (papers[client]?.staged.utf8.count ?? 0) + text.utf8.count
      guard size <= Self.mostStaged else {
        papers[client]?.staged = ""
        return nil
      }
      papers[client, default: Papers()].staged += text
      return size
    }
  }

  func takeStaged(of client: UInt64) -> String {
    papers.withLock { papers in
      defer { papers[client]?.staged = "" }
      return papers[client]?.staged ?? ""
    }
  }

  func keep(_ answer: String, of client: UInt64) {
    papers.withLock { $0[client, default: Papers()].answer = answer }
  }

  func kept(of client: UInt64) -> String { papers.withLock { $0[client]?.answer ?? "" } }

  func forget(_ client: UInt64) { papers.withLock { $0[client] = nil } }
}

extension Fault {
  init(_ failure: RuleFailure) {
    let code: ControlCode =
      switch failure {
      case .faults, .unbuildable, .unfit: .invalidParameters
      case .unconfirmed, .isSetUp: .busy
      case .nothingToConfirm, .notFound: .notFound
      case .exists: .exists
      case .notSetUp: .unsupported
      }
    var faults: [JSON] = []
    if case .faults(let all) = failure { faults = all.faults.prefix(Self.mostFaults).map(\.json) }
    self.init(code, failure.description, faults.isEmpty ? nil : .object([("faults", .array(faults))]))
  }

  /// Whoever has more has the wrong file.
  private static let mostFaults = 1000
}

func translating<Value>(_ body: () throws(RuleFailure) -> Value) throws(Fault) -> Value {
  do { return try body() } catch { throw Fault(error) }
}
