public import Segment

/// What a frame may say.
public enum SyncMessage: Sendable {
  /// The sender is there. Numbers tell the receiver what to expect.
  case hello(Hello)
  /// A connection is as it stands here, whatever was said of it before.
  case up(Connection, walk: Bool)
  /// A connection is gone.
  case down(id: ConnectionID, SyncFlow)
  /// From here on all connections are told, of all shards or of one.
  case walkBegins(SyncWalk)
  /// That was all of them, so many messages with `walk` since it began: what was not told since is gone.
  case walkEnds(SyncWalk, count: UInt32)
  /// These frames cannot be had again.
  case gone([ClosedRange<UInt64>])
  /// These frames are missing.
  case missing([ClosedRange<UInt64>])
  /// All connections are to be told again. The number tells a request from the same one sent twice.
  case resync(receiver: UInt64, number: UInt32)
  /// Of a later version; it is skipped.
  case unknown(UInt16)
  /// Of a later version, and it says that it must not be skipped.
  case notUnderstood(UInt16)
  /// Not what it should be.
  case unreadable

  public struct Hello: Equatable, Sendable {
    /// Milliseconds until the next at the latest.
    public var interval: UInt32
    /// Frames that can be had again.
    public var window: UInt32
    /// Bytes of the largest frame.
    public var frameSize: UInt32

    public init(interval: UInt32, window: UInt32, frameSize: UInt32) {
      (self.interval, self.window, self.frameSize) = (interval, window, frameSize)
    }
  }
}

/// One telling of all connections, of all shards (`nil`) or of one.
public struct SyncWalk: Hashable, Sendable {
  /// Counts the walks of a session.
  public var number: UInt32
  public var shard: UInt8?

  public init(number: UInt32, shard: UInt8?) { (self.number, self.shard) = (number, shard) }

  /// Whether it tells of connections with such an id.
  func covers(_ id: ConnectionID) -> Bool { shard == nil || shard.map(Int.init) == id.shard }
}

// MARK: Bytes

extension SyncMessage {
  enum Kind {
    static let hello: UInt16 = 1
    static let up: UInt16 = 2
    static let down: UInt16 = 3
    static let walkBegins: UInt16 = 4
    static let walkEnds: UInt16 = 5
    static let gone: UInt16 = 6
    static let missing: UInt16 = 7
    static let resync: UInt16 = 8
  }

  /// Bytes of the message that ends a walk.
  static let walkEndSize = 16
  /// Ranges that fit into a message of the smallest frame.
  static let mostRanges = 32

  init(_ block: Block, now: UInt32) {
    var content = block.content
    let message: SyncMessage? =
      switch block.type {
      case Kind.hello: Self.hello(&content)
      case Kind.up: ConnectionCode.up(content, now: now)
      case Kind.down: ConnectionCode.down(content)
      case Kind.walkBegins: Self.walk(&content).map { .walkBegins($0) }
      case Kind.walkEnds: Self.walkEnds(&content)
      case Kind.gone: Self.ranges(&content).map { .gone($0) }
      case Kind.missing: Self.ranges(&content).map { .missing($0) }
      case Kind.resync: Self.resync(&content)
      case let type where type & Block.mustBeUnderstood != 0: .notUnderstood(type)
      default: .unknown(block.type)
      }
    self = message ?? .unreadable
  }

  /// The message as a block; nothing of what is not to be sent.
  ///
  /// - Parameter now: seconds since 1970, which tell how old a connection is.
  public func append(to bytes: inout [UInt8], now: UInt32 = 0) {
    switch self {
    case .hello(let hello):
      bytes.appendBlock(Kind.hello) {
        $0.append(hello.interval)
        $0.append(hello.window)
        $0.append(hello.frameSize)
      }
    case .up(let connection, let walk):
      bytes.appendBlock(Kind.up) { ConnectionCode.append(connection, walk: walk, now: now, to: &$0) }
    case .down(let id, let flow): bytes.appendBlock(Kind.down) { ConnectionCode.append(id, flow, to: &$0) }
    case .walkBegins(let walk): bytes.appendBlock(Kind.walkBegins) { Self.append(walk, to: &$0) }
    case .walkEnds(let walk, let count):
      bytes.appendBlock(Kind.walkEnds) {
        Self.append(walk, to: &$0)
        $0.append(count)
      }
    case .gone(let ranges): bytes.appendBlock(Kind.gone) { Self.append(ranges, to: &$0) }
    case .missing(let ranges): bytes.appendBlock(Kind.missing) { Self.append(ranges, to: &$0) }
    case .resync(let receiver, let number):
      bytes.appendBlock(Kind.resync) {
        $0.append(receiver)
        $0.append(number)
      }
    case .unknown, .notUnderstood, .unreadable: break
    }
  }

  private static func hello(_ content: inout ByteReader) -> SyncMessage? {
    guard let interval = content.number(UInt32.self), let window = content.number(UInt32.self),
      let frameSize = content.number(UInt32.self)
    else { return nil }
    return .hello(Hello(interval: interval, window: window, frameSize: frameSize))
  }

  /// The shard's number, and whether one is meant.
  private static func walk(_ content: inout ByteReader) -> SyncWalk? {
    guard let number = content.number(UInt32.self), let shard = content.number(UInt16.self),
      let isOfOne = content.number(UInt16.self), shard <= UInt8.max, isOfOne <= 1
    else { return nil }
    return SyncWalk(number: number, shard: isOfOne == 1 ? UInt8(shard) : nil)
  }

  private static func append(_ walk: SyncWalk, to bytes: inout [UInt8]) {
    bytes.append(walk.number)
    bytes.append(UInt16(walk.shard ?? 0))
    bytes.append(UInt16(walk.shard == nil ? 0 : 1))
  }

  private static func walkEnds(_ content: inout ByteReader) -> SyncMessage? {
    guard let walk = walk(&content), let count = content.number(UInt32.self) else { return nil }
    return .walkEnds(walk, count: count)
  }

  private static func resync(_ content: inout ByteReader) -> SyncMessage? {
    guard let receiver = content.number(UInt64.self), let number = content.number(UInt32.self) else { return nil }
    return .resync(receiver: receiver, number: number)
  }

  /// First number and count of each; none is empty or goes round.
  private static func ranges(_ content: inout ByteReader) -> [ClosedRange<UInt64>]? {
    var ranges: [ClosedRange<UInt64>] = []
    while content.left > 0 {
      guard let first = content.number(UInt64.self), let count = content.number(UInt32.self), count > 0,
        UInt64.max - first >= UInt64(count)
      else { return nil }
      ranges.append(first...first + UInt64(count) - 1)
    }
    return ranges
  }

  private static func append(_ ranges: [ClosedRange<UInt64>], to bytes: inout [UInt8]) {
    for range in ranges {
      bytes.append(range.lowerBound)
      bytes.append(UInt32(clamping: range.upperBound - range.lowerBound + 1))
    }
  }
}
