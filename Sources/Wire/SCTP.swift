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

  /// The next chunk, or `nil` at the end of the packet. A malformed list is walked as far as it goes: a chunk that
  /// claims more than is left comes with what there is, and nothing follows one that claims no byte at all.
  @_lifetime(copy self)
  public mutating func next() -> Chunk? {
    guard rest.byteCount >= Layout.size else {
      if rest.byteCount > 0 { isMalformed = true }
      return nil
    }
    let length = Int(rest[Layout.length])
    if length < Layout.size || length > rest.byteCount { isMalformed = true }
    let chunk = Chunk(
      type: rest[Layout.type], flags: rest[Layout.flags], length: length,
      value: rest.extracting(Layout.size..<max(Layout.size, min(length, rest.byteCount))))
    rest = length == 0 ? rest.extracting(first: 0) : rest.after((length + 3) & ~3)
    return chunk
  }

  public struct Chunk: ~Escapable {
    public let type: UInt8
    public let flags: UInt8
    /// In bytes, as the chunk claims.
    public let length: Int
    public let value: RawSpan

    @_lifetime(copy value)
    init(type: UInt8, flags: UInt8, length: Int, value: RawSpan) {
      self.type = type
      self.flags = flags
      self.length = length
      self.value = value
    }

    /// Of INIT and INIT ACK: the tag that packets to its sender will carry. `nil` when the fixed part is cut.
    public var initiateTag: UInt32? { value.byteCount >= 16 ? value[Field<UInt32>(at: 0)] : nil }
  }
}
