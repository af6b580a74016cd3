import Glibc

/// Nanoseconds of CPU time of one operation: the fastest and the median of many short rounds.
struct Timing {
  let fastest: Double
  let median: Double

  /// - Parameters:
  ///   - operations: how many of them one call of `body` does.
  ///   - rounds: of about 10 ms each.
  init(operations: Int, rounds: Int = 21, _ body: () -> Void) {
    let once = Self.of(body)
    let calls = max(1, Int(10_000_000 / max(once, 1)))
    let found = (0..<rounds).map { _ in
      Self.of { for _ in 0..<calls { body() } } / Double(calls * operations)
    }.sorted()
    (fastest, median) = (found[0], found[rounds / 2])
  }

  /// Nanoseconds of one call.
  static func of(_ body: () -> Void) -> Double {
    let start = now()
    body()
    return now() - start
  }

  /// CPU time of this thread, in nanoseconds: what else runs on a shared machine does not count.
  static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}

/// Keeps a value from being optimized away.
@inline(never)
func use<Value>(_ value: Value) {}
