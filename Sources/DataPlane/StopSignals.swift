internal import Glibc
internal import Primitives

/// SIGINT and SIGTERM, taken by the supervisor when it is ready for them and by nobody else.

public enum StopSignals {
  private static let ours = [SIGINT, SIGTERM]

  /// Blocks them in this thread and all it will start; before the EAL starts its own.
  public static func block() { mask(SIG_BLOCK) }

  /// From now on a signal does what it does to any process: it ends this one at once.
  static func release() { mask(SIG_UNBLOCK) }

  private static func mask(_ how: Int32) {
    var set = set()
    unsafe pthread_sigmask(how, &set, nil)
  }

  private static func set() -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in ours { unsafe sigaddset(&set, signal) }
    return set
  }

  /// Waits for a signal; `nil` when none came within the time.
  static func wait(_ time: Interval) -> Int32? {
    var set = set()
    var limit = timespec(
      tv_sec: Int(time.nanoseconds / 1_000_000_000), tv_nsec: Int(time.nanoseconds % 1_000_000_000))
    let signal = unsafe sigtimedwait(&set, nil, &limit)
    return signal > 0 ? signal : nil
  }

  static func name(_ signal: Int32) -> String { signal == SIGINT ? "SIGINT" : "SIGTERM" }
}
