internal import Synchronization

/// A limit that all workers share, handed to them in batches so that they hardly ever meet: how many connections there
/// may be in all, say.
///
/// A worker takes from its `Lease` and gives back to it. Never are more than `limit` credits in use. A lease keeps at
/// most two batches that nobody uses, and only its own worker can use them: so a refusal comes at most
/// `(workers - 1) * 2 * batch` early, and on time once the other leases have returned all. A batch is a 64th of the
/// limit, at least 1 and at most 256.
@safe
public struct CreditPool: BitwiseCopyable, @unchecked Sendable {
  @usableFromInline let cell: CreditCell

  /// A cache line: what the pool keeps in it is written by all workers.
  public static let bytes = 64

  /// - Parameter memory: `bytes` bytes, all zero, aligned to 64; the caller frees them after the last lease.
  @unsafe public init(memory: UnsafeMutableRawPointer, limit: UInt32) {
    unsafe cell = CreditCell(memory)
    cell.setLimit(limit)
  }

  public var limit: UInt32 { cell.limit }
  /// A lower one takes nothing back: no credit is handed out until fewer are in use.
  public func setLimit(_ limit: UInt32) { cell.setLimit(limit) }

  /// Credits in use, and those that leases keep.
  public var claimed: Int { cell.claimed }

  /// A worker's own access; its end does not return what it keeps, `returnAll` does.
  public func lease() -> Lease { Lease(cell) }

  /// One worker's credits of a pool.
  public struct Lease: ~Copyable {
    @usableFromInline let cell: CreditCell
    @usableFromInline var kept = KeptCredits()

    init(_ cell: CreditCell) { self.cell = cell }

    /// One credit, or false when the pool has none. Two instructions unless the lease is empty; one or two atomic
    /// additions then.
    @inlinable @inline(__always)
    public mutating func take() -> Bool { kept.take(from: cell) }
    /// Puts a credit back.
    @inlinable @inline(__always)
    public mutating func give() { kept.give(to: cell) }
    /// Leaves nothing in the lease.
    public mutating func returnAll() { kept.returnAll(to: cell) }
  }
}

/// What a pool keeps: 16 bytes.
@safe @usableFromInline
struct CreditCell: BitwiseCopyable, @unchecked Sendable {
  @usableFromInline static let bytes = 16

  @usableFromInline let memory: UnsafeMutableRawPointer

  @unsafe @inlinable init(_ memory: UnsafeMutableRawPointer) { unsafe self.memory = memory }

  /// Below zero for a moment while a worker that asked for too many puts the rest back, or while more are in use than a
  /// lowered limit allows.
  private var remaining: UnsafeMutablePointer<Atomic<Int64>> {
    unsafe memory.assumingMemoryBound(to: Atomic<Int64>.self)
  }
  private var allowed: UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe (memory + 8).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  var limit: UInt32 { unsafe allowed.pointee.load(ordering: .relaxed) }
  var claimed: Int { max(0, Int(limit) - Int(unsafe remaining.pointee.load(ordering: .relaxed))) }

  func setLimit(_ limit: UInt32) {
    let before = unsafe allowed.pointee.exchange(limit, ordering: .relaxed)
    unsafe remaining.pointee.wrappingAdd(Int64(limit) - Int64(before), ordering: .relaxed)
  }

  var batch: UInt32 { min(max(limit / 64, 1), 256) }

  /// As many of `wanted` as are left. No loop: who finds too few puts the difference back. What is missing from the pool
  /// in between is no more than a lease might have kept.
  func claim(_ wanted: UInt32) -> UInt32 {
    guard unsafe remaining.pointee.load(ordering: .relaxed) > 0 else { return 0 }
    let left = unsafe remaining.pointee.wrappingSubtract(Int64(wanted), ordering: .relaxed).oldValue
    let granted = UInt32(min(max(left, 0), Int64(wanted)))
    if granted < wanted { put(wanted - granted) }
    return granted
  }

  func put(_ credits: UInt32) { unsafe remaining.pointee.wrappingAdd(Int64(credits), ordering: .relaxed) }
}

/// What one worker keeps of a cell: 8 bytes, zero at first.
@usableFromInline
struct KeptCredits: BitwiseCopyable {
  @usableFromInline var unused: UInt32 = 0
  /// The cell's batch when it was last asked.
  @usableFromInline var batch: UInt32 = 0

  @usableFromInline init() {}

  @inlinable @inline(__always)
  mutating func take(from cell: CreditCell) -> Bool {
    if unused == 0 { refill(from: cell) }
    if unused == 0 { return false }
    unused &-= 1
    return true
  }

  @inlinable @inline(__always)
  mutating func give(to cell: CreditCell) {
    unused &+= 1
    if unused > 2 &* batch { returnHalf(to: cell) }
  }

  @usableFromInline @inline(never)
  mutating func refill(from cell: CreditCell) {
    batch = cell.batch
    unused = cell.claim(batch)
  }

  @usableFromInline @inline(never)
  mutating func returnHalf(to cell: CreditCell) {
    let rest = unused / 2
    cell.put(unused - rest)
    unused = rest
  }

  mutating func returnAll(to cell: CreditCell) {
    if unused > 0 { cell.put(unused) }
    unused = 0
    // The cell's may be another now.
    batch = 0
  }
}
