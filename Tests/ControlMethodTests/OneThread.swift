import Foundation

/// The control socket's thread, as tests have it: whatever runs on it runs one after the other, in the order in which
/// it was ready.
final class OneThread: TaskExecutor {
  private let queue = DispatchQueue(label: "control")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Comes back when all that was ready before has had its turn.
  func letOthersRun() async {
    await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
  }

  /// A task beside the one that starts it.
  func start<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Task<Value, Never> {
    Task(executorPreference: self) { await work() }
  }
}

/// Runs a story on a thread like the control socket's, so that nothing in it happens at the same time.
func onOneThread(_ story: (OneThread) async throws -> Void) async throws {
  let thread = OneThread()
  try await withTaskExecutorPreference(thread) { try await story(thread) }
}
