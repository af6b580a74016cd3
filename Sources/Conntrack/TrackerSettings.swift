/// What holds for a worker's tracker as a whole.
public struct TrackerSettings: BitwiseCopyable, Sendable {
  /// Off: every packet is untracked.
  public var isOn = true
  /// How long a pass over the table may take, in milliseconds: a connection is gone at most that long after its time.
  public var sweepInterval: UInt32 = 5000
  /// Connections that may be unassured at once: what is left of the table is for those that have been seen to work.
  public var mostUnassured: UInt64 = .max

  public init() {}
}

extension TrackingFault {
  /// How many counters a table by raw value has; entry 0 is never used.
  public static let slots = 22
}
