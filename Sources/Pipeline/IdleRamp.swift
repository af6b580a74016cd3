/// How an idle worker rests: it polls on for a while, then sleeps, longer and longer up to a bound. One packet ends it.
public struct IdleRamp: BitwiseCopyable, Sendable {
  /// Breaths without a packet before the first sleep.
  public static let patience: UInt32 = 300
  /// The first sleep, in nanoseconds.
  public static let shortest: UInt32 = 1_000

  /// The longest sleep that a receive ring of so many descriptors outlasts with a quarter to spare, when a 10 Gbit/s
  /// port is saturated with the smallest frames: one each 67 ns. At most 100 microseconds.
  public static func longest(descriptors: Int) -> UInt32 {
    max(shortest, UInt32(clamping: min(100_000, descriptors * 50)))
  }

  private let longest: UInt32
  private let sleeps: Bool
  private var empty: UInt32 = 0
  private var next: UInt32 = Self.shortest

  /// - Parameters:
  ///   - sleeps: `false` for a worker that spins for ever.
  ///   - longest: of one sleep, in nanoseconds.
  public init(sleeps: Bool, longest: UInt32) {
    self.sleeps = sleeps
    self.longest = longest
  }

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
    defer { next = min(longest, next &+ next / 4) }
    return next
  }
}
