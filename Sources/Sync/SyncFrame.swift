/// A datagram: a header, then messages one behind the other.
public struct SyncFrame: Sendable {
  public static let major: UInt8 = 1
  public static let minor: UInt8 = 0
  /// Bytes of the header; later minor versions may lengthen it.
  public static let headerSize = 40
  /// Bytes of the longest frame that is taken: an Ethernet jumbo frame's.
  public static let largest = 8972
  /// Bytes that a frame must be able to have: any message fits.
  public static let smallest = 512

  private enum Layout {
    static let magic: UInt32 = 0x4446_5359  // "DFSY"
    static let age = 12
    static let checksum = 32
  }

  public struct Flags: OptionSet, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The frame has a number of its own, and must not be missed.
    public static let numbered = Flags(rawValue: 1)
    /// It comes from the receiver of connections.
    public static let feedback = Flags(rawValue: 2)
  }

  public enum Fault: Error, CaseIterable {
    /// Shorter than it says, or longer, or than a header is.
    case length
    case magic
    /// A major version that is not ours.
    case version
    case checksum
  }

  public var flags: Flags
  /// The sender's, also in the receiver's frames: whom they speak to.
  public var session: UInt64
  /// Numbered: its number. Otherwise, of the sender: the last number given; of the receiver: all up to it are done.
  public var sequence: UInt64
  /// Milliseconds since it was made: it may be sent a second time.
  public var age: UInt32
  public private(set) var bytes: [UInt8]
  private let body: Range<Int>

  /// Takes what `encode` made, or a later minor version's of it.
  public init(_ datagram: [UInt8]) throws(Fault) {
    guard datagram.count <= Self.largest else { throw .length }
    var reader = ByteReader(datagram, 0..<datagram.count)
    guard let magic = reader.number(UInt32.self), let major = reader.number(UInt8.self),
      reader.number(UInt8.self) != nil, let flags = reader.number(UInt16.self), let length = reader.number(UInt16.self),
      let headerLength = reader.number(UInt16.self), let age = reader.number(UInt32.self),
      let session = reader.number(UInt64.self), let sequence = reader.number(UInt64.self),
      let checksum = reader.number(UInt64.self)
    else { throw .length }
    guard magic == Layout.magic else { throw .magic }
    guard major == Self.major else { throw .version }
    guard Int(length) == datagram.count, (UInt16(Self.headerSize)...length).contains(headerLength) else {
      throw .length
    }
    guard checksum == Self.checksum(datagram) else { throw .checksum }
    (self.flags, self.session, self.sequence, self.age) = (Flags(rawValue: flags), session, sequence, age)
    bytes = datagram
    body = Int(headerLength)..<datagram.count
  }

  /// The bytes of a frame. With the messages it may be at most `largest` long.
  public static func encode(
    _ flags: Flags = [], session: UInt64, sequence: UInt64, minor: UInt8 = minor, messages: [UInt8]
  ) -> [UInt8] {
    let size = headerSize + messages.count
    precondition(size <= largest, "frame of \(size) bytes")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    bytes.append(Layout.magic)
    bytes.append(major)
    bytes.append(minor)
    bytes.append(flags.rawValue)
    bytes.append(UInt16(size))
    bytes.append(UInt16(headerSize))
    bytes.append(UInt32(0))
    bytes.append(session)
    bytes.append(sequence)
    bytes.append(UInt64(0))
    bytes += messages
    bytes.set(checksum(bytes), at: Layout.checksum)
    return bytes
  }

  /// The same frame as it goes out again, so many milliseconds later.
  static func repeated(_ frame: [UInt8], age: UInt32) -> [UInt8] {
    var bytes = frame
    bytes.set(age, at: Layout.age)
    bytes.set(checksum(bytes), at: Layout.checksum)
    return bytes
  }

  /// FNV-1a, 64 bits, of all bytes with the checksum's own as zeros. One byte changed always changes it, anything else
  /// but once in 2^64. It is no proof of who sent the frame.
  private static func checksum(_ bytes: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ part: Range<Int>, asZeros: Bool = false) {
      var place = part.lowerBound
      while place < part.upperBound {
        hash = (asZeros ? hash : hash ^ UInt64(bytes[place])) &* 0x100_0000_01b3
        place += 1
      }
    }
    add(0..<Layout.checksum)
    add(Layout.checksum..<headerSize, asZeros: true)
    add(headerSize..<bytes.count)
    return hash
  }

  /// What is in it, in order.
  ///
  /// - Parameter now: seconds since 1970, which tell when connections began.
  public func messages(now: UInt32 = 0) -> Messages { Messages(reader: ByteReader(bytes, body), now: now) }

  public struct Messages: Sequence, IteratorProtocol {
    var reader: ByteReader
    let now: UInt32

    public mutating func next() -> SyncMessage? {
      guard reader.left > 0 else { return nil }
      guard let block = reader.block() else {
        reader = ByteReader([], 0..<0)
        return .unreadable
      }
      return SyncMessage(block, now: now)
    }
  }
}
