internal import NIOCore
internal import NIOPosix

// How what the service does lets time pass, on the server's own thread.
extension ControlServer {
  /// Comes back after so many nanoseconds, while the thread does other things.
  public func rest(_ nanoseconds: UInt64) async {
    try? await group.next().scheduleTask(in: .nanoseconds(Int64(clamping: nanoseconds))) {}.futureResult.get()
  }

  /// Starts a task that nobody waits for.
  public func spawn(_ work: @escaping @Sendable () async -> Void) {
    Task(executorPreference: LoopExecutor(group.next())) { await work() }
  }
}
