internal import NIOCore

/// So many a second in the long run, so many at once after a while of quiet. Taking may go into debt: what was taken is
/// paid for before the next is ready.
struct TokenBucket {
  private let interval: TimeAmount
  private let slack: TimeAmount
  /// When all that was taken is paid for.
  private var paid: NIODeadline

  init(perSecond: Int, burst: Int, now: NIODeadline) {
    interval = .nanoseconds(1_000_000_000 / Int64(max(1, perSecond)))
    slack = interval * min(max(0, burst - 1), 1_000_000)
    paid = now
  }

  mutating func take(_ count: Int, at now: NIODeadline) { paid = max(paid, now) + interval * count }

  /// From when on the next may be taken.
  var ready: NIODeadline { paid - slack }
}
