/// An SCTP header and its chunks (RFC 9260 §3).
public struct SCTPView: ~Escapable {
  public enum Layout {
    public static let size = 12  // bytes
    public static let ports = Field<UInt32>(at: 0)
    public static let verificationTag = Field<UInt32>(at: 4)
    public static let checksum = Field<UInt32>(at: 8)
  }
  let bytes: RawSpan

  /// `nil` when `bytes` are fewer than the header's.
  @_lifetime(copy bytes)
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= Layout.size else { return nil }
    self.bytes = bytes
  }

  public var sourcePort: UInt16 { UInt16(truncatingIfNeeded: bytes[Layout.ports] >> 16) }
  public var destinationPort: UInt16 { UInt16(truncatingIfNeeded: bytes[Layout.ports]) }
  public var verificationTag: UInt32 { bytes[Layout.verificationTag] }
  public var checksum: UInt32 { bytes[Layout.checksum] }
  public var chunks: SCTPChunks { @_lifetime(copy self) get { SCTPChunks(bytes.after(Layout.size)) } }
}

/// The chunks of an SCTP packet, one after the other.
public struct SCTPChunks: ~Escapable {
  private enum Layout {
    static let size = 4  // bytes
    static let type = Field<UInt8>(at: 0)
    static let flags = Field<UInt8>(at: 1)
    static let length = Field<UInt16>(at: 2)  // bytes, these four included, padding not
  }
  private var rest: RawSpan
  /// The list broke off: a chunk claims less than its header or more than is left.
  public private(set) var isMalformed = false

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { rest = bytes }

  /// The next chunk, or `nil` at the end of the packet or of what can be read of it.
  @_lifetime(copy self)
  public mutating func next() -> Chunk? {
    guard rest.byteCount > 0 else { return nil }
    let length = rest.byteCount >= Layout.size ? Int(rest[Layout.length]) : 0
    guard length >= Layout.size, length <= rest.byteCount else {
      isMalformed = true
      rest = rest.extracting(first: 0)
      return nil
    }
    let chunk = Chunk(
      type: rest[Layout.type], flags: rest[Layout.flags], value: rest.extracting(Layout.size..<length))
    rest = rest.after((length + 3) & ~3)
    return chunk
  }

  public struct Chunk: ~Escapable {
    public let type: UInt8
    public let flags: UInt8
    public let value: RawSpan

    @_lifetime(copy value)
    init(type: UInt8, flags: UInt8, value: RawSpan) {
      self.type = type
      self.flags = flags
      self.value = value
    }
  }
}
