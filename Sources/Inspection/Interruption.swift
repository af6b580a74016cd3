internal import Glibc
internal import Synchronization

/// Signals that end: from `await` on they are noted, and what goes on looks for itself whether one came.
public enum Interruption {
  private static let arrived = Atomic(false)

  public static var came: Bool { arrived.load(ordering: .relaxed) }

  /// A pause that is under way when one comes ends with it.
  public static func await() {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in Interruption.arrived.store(true, ordering: .relaxed) }
    for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaction(number, &action, nil) }
  }
}
