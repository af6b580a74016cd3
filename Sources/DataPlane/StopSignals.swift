internal import CDPDK
internal import Glibc
internal import Primitives

/// SIGINT and SIGTERM, taken by the supervisor when it is ready for them and by nobody else.
public enum StopSignals {
  /// Blocks them in this thread and all it will start; before the EAL starts its own.
  public static func block() { cdpdk_stop_signals_block(true) }

  /// From now on a signal does what it does to any process: it ends this one at once.
  static func release() { cdpdk_stop_signals_block(false) }

  /// Waits for a signal; `nil` when none came within the time.
  static func wait(_ time: Interval) -> String? {
    switch cdpdk_stop_signals_wait(time.nanoseconds) {
    case 0: nil
    case SIGINT: "SIGINT"
    default: "SIGTERM"
    }
  }
}
