internal import Primitives

/// Calls that may be made: so many a second, and after a pause a number of them at once.
struct CallBudget {
  /// Nanoseconds of a call's worth, and how far calls may run ahead of time.
  private let cost: UInt64
  private let ahead: UInt64
  /// When the calls made so far are paid for.
  private var due: UInt64 = 0

  static let unlimited = CallBudget(cost: 0, ahead: 0)

  private init(cost: UInt64, ahead: UInt64) {
    self.cost = cost
    self.ahead = ahead
  }

  init(perSecond: UInt64, burst: UInt64) {
    cost = max(1, 1_000_000_000 / max(1, perSecond))
    // Two at least: both rules of a connection are read together, and one is read when it goes.
    ahead = max(2, min(burst, 1 << 20)) * cost
  }

  /// False when so many calls may not be made now.
  mutating func take(_ calls: UInt64 = 1, at now: Instant) -> Bool {
    let next = max(due, now.nanoseconds) + calls * cost
    guard next - now.nanoseconds <= ahead else { return false }
    due = next
    return true
  }
}
