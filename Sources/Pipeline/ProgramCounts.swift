internal import Synchronization

/// What a user's program said of packets. Each worker counts in a cache line of its own; anybody may add them up.
@safe
public final class ProgramCounts: @unchecked Sendable {
  /// A sum over workers.
  public struct Sum: Equatable, Sendable {
    /// That the program was shown.
    public var packets: UInt64 = 0
    /// Of these, those that it dropped.
    public var drops: UInt64 = 0
  }

  /// A worker's counters as it writes them: valid as long as what they are part of.
  @safe
  struct Line: BitwiseCopyable {
    fileprivate let first: UnsafeMutablePointer<Atomic<UInt64>>

    @inline(__always)
    func count(isDropped: Bool) {
      unsafe add(first)
      if isDropped { unsafe add(first + 1) }
    }

    /// One writer: nothing can come between.
    @inline(__always)
    private func add(_ counter: UnsafeMutablePointer<Atomic<UInt64>>) {
      unsafe counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
  }

  /// Of words.
  private static let line = 8

  private let workers: Int
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  public init(workers: Int) {
    self.workers = workers
    unsafe words = unsafe UnsafeMutableRawPointer.allocate(byteCount: workers * Self.line * 8, alignment: 64)
      .bindMemory(to: Atomic<UInt64>.self, capacity: workers * Self.line)
    for place in 0..<workers * Self.line { unsafe (words + place).initialize(to: Atomic(0)) }
  }

  deinit { unsafe words.deallocate() }

  public var sum: Sum {
    var sum = Sum()
    for worker in 0..<workers {
      sum.packets &+= unsafe words[worker * Self.line].load(ordering: .relaxed)
      sum.drops &+= unsafe words[worker * Self.line + 1].load(ordering: .relaxed)
    }
    return sum
  }

  /// Where all workers' lines begin, which is how a setup knows them.
  @safe
  struct Lines: BitwiseCopyable {
    fileprivate let first: UnsafeMutablePointer<Atomic<UInt64>>

    @inline(__always)
    subscript(worker: Int) -> Line { unsafe Line(first: first + worker &* ProgramCounts.line) }
  }

  var lines: Lines { unsafe Lines(first: words) }
}
