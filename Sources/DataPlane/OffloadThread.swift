internal import CDPDK
internal import Offload
internal import Primitives
internal import Synchronization

/// The thread that asks ports for rules, off the workers' CPUs as far as the process may.
final class OffloadThread: Sendable {
  let board = OffloadBoard()
  let lanes: [OffloadLane]
  private let isStopping = Atomic<Bool>(false)
  private let thread = Mutex<SupervisorThread?>(nil)

  /// Milliseconds between two steps: what a connection waits for its rules, at most, on a quiet port.
  private static let pause: UInt32 = 2
  /// While nothing is offloaded.
  private static let quietPause: UInt32 = 50

  /// - Parameters:
  ///   - workers: how many; each asks through the lane of its number.
  ///   - now: the forwarder's clock.
  init(
    workers: Int, _ settings: OffloadSettings = OffloadSettings(), affinity: Affinity,
    now: @escaping @Sendable () -> Instant
  ) throws(DataPlaneError) {
    lanes = (0..<workers).map { _ in OffloadLane(settings) }
    let started = try SupervisorThread(affinity: affinity) { [self] in
      let queue = OffloadQueue(settings, lanes: lanes, driver: RTEFlowDriver(), board: board)
      while !isStopping.load(ordering: .relaxed) {
        queue.step(at: now())
        let isQuiet = board.figures.flows == 0
        cdpdk_sleep((isQuiet ? Self.quietPause : Self.pause) * 1_000_000)
      }
      queue.close(at: now())
      return ""
    }
    thread.withLock { $0 = started }
  }

  /// Takes all rules out and ends: after the workers, before ports stop.
  func stop() {
    isStopping.store(true, ordering: .relaxed)
    let running = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    _ = running?.join()
  }
}
