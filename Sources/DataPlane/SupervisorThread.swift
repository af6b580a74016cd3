internal import CDPDK
internal import Glibc
internal import Synchronization

/// The CPUs a thread may run on.
public struct Affinity: Sendable {
  private let cpus: cdpdk_cpus

  /// Those of the calling thread: ask before the EAL binds it to its lcore.
  public init() { cpus = cdpdk_cpus_get() }

  /// Binds the calling thread to them.
  func apply() { cdpdk_cpus_set(cpus) }
}

/// A plain thread for the supervisor when the main lcore polls: off that lcore's CPU as far as the process may.
@safe
final class SupervisorThread: Sendable {
  private final class Work: Sendable {
    let affinity: Affinity
    let body: @Sendable () -> String
    let result = Mutex("")
    init(_ affinity: Affinity, _ body: @escaping @Sendable () -> String) {
      self.affinity = affinity
      self.body = body
    }
  }

  private let thread: pthread_t
  private let work: Work

  init(affinity: Affinity, _ body: @escaping @Sendable () -> String) throws(DataPlaneError) {
    work = Work(affinity, body)
    var thread = pthread_t()
    let failed = unsafe pthread_create(
      &thread, nil,
      { memory in
        let work = unsafe Unmanaged<Work>.fromOpaque(memory!).takeRetainedValue()
        work.affinity.apply()
        let result = work.body()
        work.result.withLock { $0 = result }
        return nil
      }, Unmanaged.passRetained(work).toOpaque())
    guard failed == 0 else { throw .call("supervisor thread", cause: EAL.errorText(failed)) }
    self.thread = thread
  }

  /// Waits for the end of the work and returns its result.
  func join() -> String {
    pthread_join(thread, nil)
    return work.result.withLock { $0 }
  }
}
