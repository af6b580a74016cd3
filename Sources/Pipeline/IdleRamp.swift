/// How an idle worker rests: it polls on for a while, then sleeps, longer and longer up to a bound that the smallest
/// receive ring outlasts. One packet ends it.
public struct IdleRamp: BitwiseCopyable, Sendable {
  /// Breaths without a packet before the first sleep.
  public static let patience: UInt32 = 300
  /// First and longest sleep, in nanoseconds. In 100 microseconds a saturated 10 Gbit/s port brings 1,488 frames of 64
  /// bytes, which is about the ring of descriptors that a port is given.
  public static let shortest: UInt32 = 1_000
  public static let longest: UInt32 = 100_000

  private let sleeps: Bool
  private var empty: UInt32 = 0
  private var next: UInt32 = Self.shortest

  /// - Parameter sleeps: `false` for a worker that spins for ever.
  public init(sleeps: Bool) { self.sleeps = sleeps }

  /// How long to rest after a breath that received `count` packets, in nanoseconds; 0: not at all.
  @inline(__always)
  public mutating func rest(after count: Int) -> UInt32 {
    if count > 0 || !sleeps {
      empty = 0
      return 0
    }
    return wait()
  }

  private mutating func wait() -> UInt32 {
    empty &+= 1
    guard empty > Self.patience else {
      next = Self.shortest
      return 0
    }
    empty = Self.patience
    defer { next = min(Self.longest, next &+ next / 4) }
    return next
  }
}
