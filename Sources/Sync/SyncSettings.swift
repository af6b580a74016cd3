public import Primitives

/// How a session behaves. The defaults suit a link of its own between two neighbours.
public struct SyncSettings: Sendable {
  /// Bytes of a datagram, at most; held within what a frame may have.
  public var frameSize = 1400
  /// Bytes a second, frames that are sent again and all others together.
  public var rate: UInt64 = 12_500_000
  /// Bytes that may be sent at once after a pause, at least a frame.
  public var burst: UInt64 = 256 * 1024
  /// Seconds since 1970 at the instant zero. It tells how old connections are, and nothing else.
  public var clockZero: UInt32 = 0

  // Of the sender:
  /// Frames kept to be sent again.
  public var window = 4096
  /// Connections that wait to be told of.
  public var pending = 65_536
  /// Between two signs of life.
  public var helloInterval = Interval.milliseconds(1000)
  /// Between two walks that nobody asked for, the first at once; `nil`: there are none.
  public var walkInterval: Interval?

  // Of the receiver:
  /// Frames kept because one before them is missing.
  public var held = 4096
  /// Connections of the sender that are remembered.
  public var known = 1 << 20
  /// From noticing that a frame is missing to asking for it: it may just be late.
  public var reorderDelay = Interval.milliseconds(20)
  /// After it a missing frame is given up.
  public var patience = Interval.milliseconds(5000)

  public init() {}

  var budget: ByteBudget {
    ByteBudget(rate: max(1, rate), burst: max(burst, UInt64(largestFrame)))
  }
  var largestFrame: Int { min(max(frameSize, SyncFrame.smallest), SyncFrame.largest) }
  /// Seconds since 1970, so long ago.
  func seconds(at now: Instant, before age: Interval = .milliseconds(0)) -> UInt32 {
    clockZero &+ UInt32(truncatingIfNeeded: (now.nanoseconds - min(now.nanoseconds, age.nanoseconds)) / 1_000_000_000)
  }
}
