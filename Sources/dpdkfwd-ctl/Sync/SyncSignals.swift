internal import Glibc
internal import Synchronization

/// The signals that a session heeds: noted when they come, looked for when it suits.
enum SyncSignals {
  private static let ended = Atomic(false)
  private static let asked = Atomic(false)

  /// SIGINT or SIGTERM has come.
  static var hasEnded: Bool { ended.load(ordering: .relaxed) }

  /// SIGUSR1 has come since the last time.
  static func takeQuestion() -> Bool { asked.exchange(false, ordering: .relaxed) }

  static func await() {
    var end = sigaction()
    unsafe end.__sigaction_handler.sa_handler = { _ in SyncSignals.ended.store(true, ordering: .relaxed) }
    var ask = sigaction()
    unsafe ask.__sigaction_handler.sa_handler = { _ in SyncSignals.asked.store(true, ordering: .relaxed) }
    for number in [SIGINT, SIGTERM] { unsafe sigaction(number, &end, nil) }
    unsafe sigaction(SIGUSR1, &ask, nil)
  }
}
