public import Synchronization

/// A queue of plain values from one thread to another. Neither ever waits: a full ring says so to the one who puts, an
/// empty one to the one who takes. A copy is the same ring. Its memory lives as long as the process.
@safe
public struct Ring<Element: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
  /// How many were put and how many taken, ever; a cache line for each, since each has another writer.
  @usableFromInline let cells: UnsafeMutablePointer<Atomic<UInt64>>
  @usableFromInline let places: UnsafeMutablePointer<Element>
  @usableFromInline let mask: UInt64

  @usableFromInline static var taken: Int { 8 }

  /// - Parameter capacity: elements it holds, rounded up to a power of two; at least 2, at most 2^24.
  public init(capacity: Int) {
    precondition(capacity > 0 && capacity <= 1 << 24)
    var size = 2
    while size < capacity { size *= 2 }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
    unsafe cells = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 16)
    for i in 0..<16 { unsafe (cells + i).initialize(to: Atomic(0)) }
    unsafe places = .allocate(capacity: size)
    mask = UInt64(size - 1)
  }

  public var capacity: Int { Int(mask) + 1 }

  /// Elements in it just now. To the one who takes it is a lower bound, to the one who puts an upper one.
  @inlinable public var count: Int {
    let taken = unsafe cells[Ring.taken].load(ordering: .acquiring)
    return unsafe Int(cells[0].load(ordering: .acquiring) &- taken)
  }
  @inlinable public var room: Int { capacity - count }

  /// For one thread. False when it is full; nothing has happened then.
  @inlinable
  public func put(_ element: Element) -> Bool {
    let put = unsafe cells[0].load(ordering: .relaxed)
    guard unsafe put &- cells[Ring.taken].load(ordering: .acquiring) <= mask else { return false }
    unsafe (places + Int(put & mask)).initialize(to: element)
    unsafe cells[0].store(put &+ 1, ordering: .releasing)
    return true
  }

  /// For one thread, too. The oldest element, or `nil`.
  @inlinable
  public func take() -> Element? {
    let taken = unsafe cells[Ring.taken].load(ordering: .relaxed)
    guard unsafe taken != cells[0].load(ordering: .acquiring) else { return nil }
    let element = unsafe places[Int(taken & mask)]
    unsafe cells[Ring.taken].store(taken &+ 1, ordering: .releasing)
    return element
  }
}
