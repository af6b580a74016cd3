// Primitives: the small values every other module speaks in: time, addresses, port and interface numbers. They own
// nothing, import nothing and end with the value that holds them.

/// A point in time: nanoseconds since an arbitrary start. Time is an argument everywhere below `DataPlane`, so a test
/// moves it by hand.
public struct Instant: BitwiseCopyable, Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
  @inlinable public static func + (a: Instant, b: Interval) -> Instant {
    Instant(nanoseconds: a.nanoseconds &+ b.nanoseconds)
  }
  /// How long after `b` the instant `a` is; zero when it is not after it.
  @inlinable public static func - (a: Instant, b: Instant) -> Interval {
    Interval(nanoseconds: a.nanoseconds > b.nanoseconds ? a.nanoseconds &- b.nanoseconds : 0)
  }
}

/// A length of time in nanoseconds, never negative.
public struct Interval: BitwiseCopyable, Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  @inlinable public static func nanoseconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n) }
  @inlinable public static func microseconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n * 1_000) }
  @inlinable public static func milliseconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n * 1_000_000) }
  @inlinable public static func seconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n * 1_000_000_000) }
  /// Fractions of a second are kept to the nanosecond; `nil` for what is no length of time (negative, infinite, NaN).
  @inlinable public static func seconds(_ s: Double) -> Interval? {
    guard s >= 0, s < 18_000_000_000 else { return nil }
    return Interval(nanoseconds: UInt64(s * 1e9))
  }

  @inlinable public static func / (a: Interval, n: UInt64) -> Interval { Interval(nanoseconds: a.nanoseconds / n) }

  @inlinable public var seconds: Double { Double(nanoseconds) / 1e9 }
  @inlinable public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
}
