/// Cuts a stream of bytes into lines.
///
/// Every byte is looked at once, however small the pieces it comes in, and memory that a long line took is given back
/// when the line is gone.
public struct LineBuffer: Sendable {
  public enum Next: Equatable, Sendable {
    /// Without its newline.
    case line(ArraySlice<UInt8>)
    /// The line that comes next is longer than the limit, whether or not it is all there.
    case tooLong
    /// No line is complete.
    case none
  }

  private static let keptCapacity = 1 << 16  // bytes

  /// Bytes a line may have, its newline not counted.
  public let limit: Int
  private var bytes: [UInt8] = []
  /// Where the next line begins, and up to where there is no newline in it.
  private var start = 0
  private var searched = 0

  public init(limit: Int) { self.limit = limit }

  /// Whether a line has begun.
  public var hasPart: Bool { start < bytes.count }

  public mutating func append(_ piece: some Collection<UInt8>) {
    if start > bytes.count / 2 {
      bytes.removeFirst(start)
      searched -= start
      start = 0
    }
    bytes.append(contentsOf: piece)
  }

  /// Takes the next line.
  public mutating func next() -> Next {
    while searched < bytes.count, bytes[searched] != UInt8(ascii: "\n") {
      searched += 1
      if searched - start > limit { return .tooLong }
    }
    guard searched < bytes.count else {
      if !hasPart { clear() }
      return .none
    }
    defer {
      searched += 1
      start = searched
    }
    return .line(bytes[start..<searched])
  }

  private mutating func clear() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
    start = 0
    searched = 0
  }
}
