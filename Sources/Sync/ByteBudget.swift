internal import Primitives

/// Bytes that may be sent: so many a second, and what was not used for a while at once.
struct ByteBudget: Sendable {
  /// Bytes a second.
  let rate: UInt64
  /// Bytes that may be saved up.
  let burst: UInt64
  private(set) var left: UInt64
  private var since: Instant?

  init(rate: UInt64, burst: UInt64) {
    (self.rate, self.burst) = (rate, burst)
    left = burst
  }

  /// Time passed. Less than a byte's worth is kept for the next time.
  mutating func refill(at now: Instant) {
    guard let since else {
      self.since = now
      return
    }
    let passed = min((now - since).nanoseconds, 1_000_000_000)
    let earned = passed * rate / 1_000_000_000
    guard earned > 0 else { return }
    left = min(burst, left + earned)
    // What the bytes took; a longer pause than a second has filled it anyway.
    let used = (now - since).nanoseconds > passed ? (now - since).nanoseconds : earned * 1_000_000_000 / rate
    self.since = since + .nanoseconds(used)
  }

  func allows(_ bytes: Int) -> Bool { UInt64(bytes) <= left }
  mutating func spend(_ bytes: Int) { left -= min(left, UInt64(bytes)) }
}
