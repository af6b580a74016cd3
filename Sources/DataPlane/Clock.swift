internal import CDPDK
internal import Primitives

/// The process's clock: the TSC, counted in nanoseconds since the EAL came up.
struct Clock: BitwiseCopyable, Sendable {
  let hz: UInt64
  private let start: UInt64
  /// Nanoseconds a cycle, times 2^32.
  private let scale: UInt64

  /// After rte_eal_init, which finds the TSC's frequency.
  init() {
    hz = rte_get_tsc_hz()
    start = cdpdk_tsc()
    scale = UInt64((1e9 / Double(hz)) * 4_294_967_296)
  }

  var now: Instant { instant(cdpdk_tsc()) }

  func instant(_ tsc: UInt64) -> Instant {
    let (high, low) = (tsc &- start).multipliedFullWidth(by: scale)
    return Instant(nanoseconds: high << 32 | low >> 32)
  }

  /// Cycles in a length of time.
  func cycles(_ interval: Interval) -> UInt64 { UInt64(interval.seconds * Double(hz)) }
}
