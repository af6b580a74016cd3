import Primitives
import Testing

@testable import DataPlane

/// What the supervisor concludes from what workers committed.
struct SupervisorTests {
  /// Looks at two workers' breaths, and whether nothing was received for 200 milliseconds.
  private struct Look {
    private static let start = Instant(nanoseconds: 5_000_000_000)
    private var idle = IdleWatch(since: start)

    mutating func isOver(at milliseconds: UInt64, received: UInt64, breaths: [UInt64]) -> Bool {
      let now = Self.start + .milliseconds(milliseconds)
      idle.see(received: received, at: now)
      return idle.isOver(.milliseconds(200), breaths: breaths, at: now)
    }
  }

  @Test func `nothing was received for a while when workers have looked and found nothing`() {
    var look = Look()
    var ends: UInt64?
    for time in stride(from: 0 as UInt64, through: 1000, by: 10) where ends == nil {
      if look.isOver(at: time, received: min(time, 300), breaths: [10 * time, 7 * time]) { ends = time }
    }
    #expect(ends == 300 + 200 + 20)
  }

  /// A host that stops for longer than the limit, and of whose threads the supervisor is the first to go on.
  @Test func `a worker that had no CPU is waited for`() {
    var look = Look()
    var over = [look.isOver(at: 0, received: 5, breaths: [100, 0])]
    for time in [5000, 5010, 5020, 5030] as [UInt64] {
      over.append(look.isOver(at: time, received: 5, breaths: [100, time]))
    }
    // What it counted before, and the breath that it was in; then what had waited.
    over.append(look.isOver(at: 5040, received: 5, breaths: [140, 5040]))
    over.append(look.isOver(at: 5050, received: 6, breaths: [141, 5050]))
    for time in [5250, 5260] as [UInt64] { over.append(look.isOver(at: time, received: 6, breaths: [time, time])) }
    #expect(over == Array(repeating: false, count: 9))
    let isOver = look.isOver(at: 5270, received: 6, breaths: [5270, 5270])
    #expect(isOver)
  }
}
