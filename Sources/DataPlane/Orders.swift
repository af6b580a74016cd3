internal import Primitives
internal import Synchronization

/// What the supervisor tells the workers, and how it learns that they live: a few cells that one side writes and the
/// other reads, never waiting. The memory lives as long as the process.
@safe
struct Orders: BitwiseCopyable, @unchecked Sendable {
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    unsafe cells = .allocate(capacity: 2)
    for i in 0..<2 { unsafe (cells + i).initialize(to: Atomic(0)) }
  }

  /// Workers end their run loop at the next breath.
  @inline(__always)
  var stop: Bool {
    get { unsafe cells[0].load(ordering: .relaxed) != 0 }
    nonmutating set { unsafe cells[0].store(newValue ? 1 : 0, ordering: .releasing) }
  }

  /// One bit for each port whose link is down: nothing is sent there.
  @inline(__always)
  var downPorts: UInt64 {
    get { unsafe cells[1].load(ordering: .relaxed) }
    nonmutating set { unsafe cells[1].store(newValue, ordering: .releasing) }
  }
}
