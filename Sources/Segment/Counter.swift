public import Synchronization

/// A 64-bit cell of the segment with a single writer: a counter or a gauge. A store is one plain move that readers see
/// whole.
@safe
public struct Counter: BitwiseCopyable, @unchecked Sendable {
  @usableFromInline let cell: UnsafeMutablePointer<Atomic<UInt64>>

  /// - Parameter cell: 8-byte aligned, mapped for as long as the counter is used.
  @unsafe @inlinable public init(_ cell: UnsafeMutablePointer<UInt64>) {
    unsafe self.cell = UnsafeMutableRawPointer(cell).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inline(always) public func store(_ value: UInt64) { unsafe cell.pointee.store(value, ordering: .relaxed) }
  @inline(always) public var value: UInt64 { unsafe cell.pointee.load(ordering: .relaxed) }
  /// Adds without a locked instruction: only the cell's one writer may.
  @inline(always) public func add(_ amount: UInt64) { store(value &+ amount) }
}
