import Primitives
import Testing

struct InstantTests {
  @Test func `time between two instants is never negative`() {
    let (early, late) = (Instant(nanoseconds: 5), Instant(nanoseconds: 12))
    #expect(late - early == .nanoseconds(7))
    #expect(early - late == .nanoseconds(0))
    #expect(early + .nanoseconds(7) == late && early < late)
  }

  @Test func `units of time are exact`() {
    #expect(Interval.seconds(3 as UInt64) == .milliseconds(3000))
    #expect(Interval.milliseconds(3) == .microseconds(3000))
    #expect(Interval.seconds(0.25)?.nanoseconds == 250_000_000)
    #expect(Interval.milliseconds(1500).seconds == 1.5)
  }

  @Test(arguments: [-1, -0.001, .infinity, .nan, 1e11])
  func `what is no length of time is refused`(seconds: Double) {
    #expect(Interval.seconds(seconds) == nil)
  }
}

/// Text that goes into settings and comes out of statistics.
struct PortIDTests {
  @Test func `a port is shown by its number`() {
    #expect(PortID(rawValue: 3).description == "3")
    #expect(PortID(rawValue: 3) < PortID(rawValue: 10))
  }
}
