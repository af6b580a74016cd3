internal import Primitives

/// Turns the readings of a driver's counter into what was counted between them.
///
/// A reading below the one before it (the counter wrapped, was reset, or an old value came late), or further above it
/// than any link could carry, counts nothing and is where counting goes on. So what is missing is at most what passed
/// between two readings, and nothing is counted that was not.
struct CounterMeter: BitwiseCopyable {
  /// Nobody's link is faster: 1.6 Tbit/s, and as many of the smallest frames.
  static let bytesPerNanosecond: UInt64 = 200
  static let packetsPerNanosecond: UInt64 = 3
  /// Readings may lie as close together as they like and the driver's own may be as old.
  static let slack: UInt64 = 2_000_000_000

  private var reading = FlowCount()
  private var time: Instant

  /// A rule begins with nothing counted.
  init(at now: Instant) { time = now }

  /// - Returns: what was counted since the last reading; `nil` when the reading does not follow from it.
  mutating func read(_ next: FlowCount, at now: Instant) -> FlowCount? {
    let elapsed = min((now - time).nanoseconds, 1 << 48) + Self.slack
    let before = reading
    (reading, time) = (next, now)
    guard next.packets >= before.packets, next.bytes >= before.bytes else { return nil }
    let counted = FlowCount(packets: next.packets - before.packets, bytes: next.bytes - before.bytes)
    guard counted.packets <= elapsed * Self.packetsPerNanosecond, counted.bytes <= elapsed * Self.bytesPerNanosecond
    else { return nil }
    return counted
  }
}
