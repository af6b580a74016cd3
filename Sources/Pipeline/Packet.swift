/// A packet as a port presents it: where its bytes are, how many, and what the port says of them. 32 bytes.
///
/// The bytes belong to whoever made the value and stay valid for the burst.
@safe
public struct Packet: BitwiseCopyable {
  /// What the worker knows the packet by (an mbuf's address, an index in a test); opaque here.
  public var handle: UInt
  /// The first `contiguous` bytes of the frame.
  public var bytes: UnsafeRawPointer
  public var contiguous: UInt32
  /// Bytes of the whole frame, in all its segments.
  public var length: UInt32
  public var marks: PacketMarks
  /// In how many segments it lies.
  public var segments: UInt16

  @inlinable
  public init(
    handle: UInt, bytes: UnsafeRawPointer, contiguous: UInt32, length: UInt32, marks: PacketMarks = [],
    segments: UInt16 = 1
  ) {
    self.handle = handle
    unsafe self.bytes = unsafe bytes
    self.contiguous = contiguous
    self.length = length
    self.marks = marks
    self.segments = segments
  }

  /// A place to point to where there is no packet yet.
  static var nowhere: UnsafeRawPointer { unsafe UnsafeRawPointer(bitPattern: 1)! }

  @inlinable public var isWhole: Bool { contiguous == length }
  @inlinable public var frameLength: Int { Int(length) }

  /// The contiguous bytes.
  @unsafe @inlinable public var span: RawSpan {
    @_lifetime(borrow self) get {
      unsafe _overrideLifetime(RawSpan(_unsafeStart: bytes, byteCount: Int(contiguous)), borrowing: self)
    }
  }
}

/// What the receiving port says of a packet. One bit each.
public struct PacketMarks: OptionSet, BitwiseCopyable, Sendable {
  public var rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The port checked the transport checksum.
  public static let checksumGood = PacketMarks(rawValue: 1 << 0)
  public static let checksumBad = PacketMarks(rawValue: 1 << 1)
  /// The sender left the checksum to its port: the field holds the sum of the pseudo header only (virtual ports).
  public static let checksumPartial = PacketMarks(rawValue: 1 << 2)
  /// Several TCP segments in one frame, to be cut by the port that sends it.
  public static let segmented = PacketMarks(rawValue: 1 << 3)
}

/// Copies the frame known by a handle to the given memory, as many bytes as the room takes; returns how many.
public typealias GatherFrame = @convention(c) (_ handle: UInt, _ to: UnsafeMutableRawPointer, _ room: Int) -> Int

/// Brings a frame that is spread over several segments into one piece, in memory taken at start.
@safe
struct Gathering: ~Copyable {
  /// Headers and checksummed payload end before this: an IP datagram has 65,535 bytes, IPv6's fixed header not among
  /// them, and before it stand at most the link's header and tags. Only the payload of a jumbogram goes on behind it, and
  /// none of that is ever read.
  static let room = 65_535 + 40 + 14 + 4 * 16

  private let copy: GatherFrame
  private let memory: UnsafeMutableRawPointer

  init(_ copy: @escaping GatherFrame) {
    unsafe self.copy = copy
    unsafe memory = .allocate(byteCount: Self.room, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// The packet with its bytes in one piece, a copy that stays until the next call.
  func whole(_ packet: Packet) -> Packet {
    let count = unsafe copy(packet.handle, memory, Swift.min(Self.room, packet.frameLength))
    return unsafe Packet(
      handle: packet.handle, bytes: memory, contiguous: UInt32(count), length: packet.length, marks: packet.marks)
  }
}
