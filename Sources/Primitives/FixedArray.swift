/// A fixed number of plain values in memory taken once: one owner, no reference counting, no growth.
@safe
public struct FixedArray<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let base: UnsafeMutablePointer<Element>
  public let count: Int

  /// All elements start as `value`.
  public init(repeating value: Element, count: Int) {
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: value, count: count)
    self.count = count
  }

  /// The elements of an array, in its order.
  public init(_ values: [Element]) {
    unsafe base = .allocate(capacity: values.count)
    for (i, value) in values.enumerated() { unsafe (base + i).initialize(to: value) }
    count = values.count
  }

  deinit { unsafe base.deallocate() }

  @inlinable public var indices: Range<Int> { 0..<count }

  /// Traps outside 0..<count, in release too: one compare against a number that sits beside the pointer.
  @inlinable public subscript(i: Int) -> Element {
    @inline(__always) _read {
      precondition(i >= 0 && i < count)
      yield unsafe base[i]
    }
    @inline(__always) _modify {
      precondition(i >= 0 && i < count)
      yield unsafe &base[i]
    }
  }

  /// The memory itself, for those who hand it to C. Not to be kept.
  @unsafe @inlinable public var buffer: UnsafeMutableBufferPointer<Element> {
    unsafe UnsafeMutableBufferPointer(start: base, count: count)
  }
}
