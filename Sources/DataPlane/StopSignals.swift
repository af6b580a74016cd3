internal import CDPDK
internal import Glibc
internal import Primitives

/// SIGINT, SIGTERM and SIGHUP, taken by the supervisor when it is ready for them and by nobody else.
public enum StopSignals {
  /// Blocks them in this thread and all it will start; before the EAL starts its own.
  public static func block() { cdpdk_stop_signals_block(true) }

  enum Signal {
    case stop(String)
    /// Settings are to be read again: SIGHUP.
    case reload
  }

  /// From now on a signal does what it does to any process: it ends this one at once. SIGHUP does nothing any more.
  static func release() { cdpdk_stop_signals_block(false) }

  /// Waits for a signal; `nil` when none came within the time.
  static func wait(_ time: Interval) -> Signal? {
    switch cdpdk_stop_signals_wait(time.nanoseconds) {
    case 0: nil
    case SIGHUP: .reload
    case SIGINT: .stop("SIGINT")
    default: .stop("SIGTERM")
    }
  }
}
