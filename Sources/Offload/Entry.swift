internal import Primitives

/// A connection in the queue's table.
struct Entry {
  enum State { case adding, placed, ending }

  /// Of one direction.
  struct Rule: BitwiseCopyable {
    var handle: FlowHandle?
    /// The port was asked for it.
    var isTried = false
    var hasAged = false
    var meter: CounterMeter
  }

  var state = State.adding
  var request: OffloadRequest
  var rules: BothWays<Rule>
  /// It was counted as added; not if its end came before.
  var wasAdded = false
  var cause = OffloadReport.Cause.none
  /// Calls for the step it is at that found the driver busy, and when the next may be.
  var attempts = 0
  var notBefore: Instant
  /// When its counters were read, and when they last counted something.
  var read: Instant
  var moved: Instant

  // To be told:
  var tellsAdded = false
  var counts = BothWays(original: FlowCount(), reply: FlowCount())
  /// The last report; it is free once that is told.
  var last: OffloadReport.Kind?
  /// Its worker hears nothing more.
  var isSilent = false
  /// It stands in the line of those with something to tell.
  var isUntold = false

  init(_ request: OffloadRequest, at now: Instant) {
    self.request = request
    let rule = Rule(meter: CounterMeter(at: now))
    rules = BothWays(original: rule, reply: rule)
    (notBefore, read, moved) = (now, now, now)
  }

  var flow: OffloadFlow { request.flow }
  var hasRule: Bool { rules.original.handle != nil || rules.reply.handle != nil }

  /// What its worker is to hear now.
  var report: OffloadReport? {
    guard let kind = last ?? (tellsAdded ? .added : hasCounts ? .counted : nil) else { return nil }
    var report = OffloadReport(kind, flow)
    report.cause = cause
    report.ways = BothWays(original: rules.original.handle != nil, reply: rules.reply.handle != nil)
    if kind != .added { report.counts = counts }
    return report
  }
  private var hasCounts: Bool { !counts.original.isZero || !counts.reply.isZero }

  /// The report was given.
  mutating func told(_ report: OffloadReport) {
    if report.kind == .added {
      tellsAdded = false
    } else {
      counts = BothWays(original: FlowCount(), reply: FlowCount())
    }
  }

  /// What a port is to do for a direction.
  func rule(isReply: Bool, token: UInt64) -> FlowRule {
    let seconds = (request.timeout.nanoseconds / 1_000_000_000).advanced(
      by: request.timeout.nanoseconds % 1_000_000_000 == 0 ? 0 : 1)
    return FlowRule(
      isReply ? request.tuple.reversed : request.tuple,
      queue: request.queues[isReply] == OffloadRequest.anyQueue ? nil : request.queues[isReply], mark: request.mark,
      timeout: UInt32(min(max(seconds, 1), 0xFF_FFFF)), token: token)
  }
}

/// Places of entries, first in, first out.
struct EntryLine {
  private var places: [Int] = []
  private var head = 0

  var count: Int { places.count - head }
  var first: Int? { head < places.count ? places[head] : nil }

  mutating func add(_ place: Int) { places.append(place) }
  mutating func removeFirst() {
    head += 1
    if head * 2 > places.count {
      places.removeFirst(head)
      head = 0
    }
  }
}
