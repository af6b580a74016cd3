public import Primitives

/// How much is offloaded, and how fast.
public struct OffloadSettings: Sendable {
  /// Connections at a time, at most.
  public var flows = 65_536
  /// Requests of a worker that wait, and reports to it.
  public var requests = 1024
  public var reports = 1024
  /// Calls of the driver a second, and after a pause at once. Drivers take 10 to 1000 microseconds for one.
  public var callsPerSecond: UInt64 = 10_000
  public var burst: UInt64 = 256
  /// Between two readings of a rule's counter, and two questions what has aged.
  public var readingInterval = Interval.milliseconds(2000)
  public var ageInterval = Interval.milliseconds(250)
  /// A driver that is busy is asked again so often, each time after a pause.
  public var attempts = 8
  public var pause = Interval.milliseconds(10)
  /// A port that cannot offload is not asked for so long.
  public var rest = Interval.milliseconds(10_000)

  public init() {}
}
