import Primitives
import Testing

@testable import DataPlane

struct StallTests {
  /// Rules once kept a worker busy for ever, and nobody said so.
  @Test func `a worker that stops is told of once, and so is its return`() {
    var now = Instant(nanoseconds: 1_000_000_000)
    var watch = StallWatch(workers: 2, since: now)
    var told: [String] = []
    func look(_ breaths: UInt64..., after interval: Interval) {
      now = now + interval
      told += watch.look(breaths, at: now).map { "\($0.worker) \($0.stalls ? "stalls" : "breathes")" }
    }
    look(1, 1, after: .milliseconds(100))
    look(2, 1, after: .seconds(4))
    #expect(told == [])
    look(3, 1, after: .seconds(1))
    #expect(told == ["1 stalls"])
    look(4, 1, after: .seconds(60))
    look(5, 2, after: .seconds(1))
    #expect(told == ["1 stalls", "1 breathes"])
    look(5, 2, after: .milliseconds(4999))
    #expect(told.count == 2)
    look(5, 2, after: .milliseconds(1))
    #expect(told.suffix(2) == ["0 stalls", "1 stalls"])
  }
}
