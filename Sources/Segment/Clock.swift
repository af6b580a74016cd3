internal import Glibc

/// The host's clocks, as the segment and its readers use them.
public enum Clock {
  /// Nanoseconds since 1970.
  public static func wall() -> UInt64 { read(CLOCK_REALTIME) }
  /// Nanoseconds, the same for every process of the host.
  public static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
