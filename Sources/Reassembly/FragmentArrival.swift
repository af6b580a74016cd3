/// A packet that the table holds: where its bytes are, and where the payload of its datagram starts in them. What its
/// owner knows it by is opaque here.
@safe
public struct HeldFragment: BitwiseCopyable {
  public let handle: UInt
  /// The first `contiguous` bytes of the frame.
  public let bytes: UnsafeRawPointer
  public let contiguous: UInt32
  /// Bytes of the whole frame.
  public let length: UInt32
  /// Where in the frame the IP header starts, and the payload.
  public let network: UInt16
  public let payload: UInt16
  /// What its port said of it; the owner's bits.
  public let marks: UInt8

  @unsafe
  public init(
    handle: UInt, bytes: UnsafeRawPointer, contiguous: UInt32, length: UInt32, network: UInt16, payload: UInt16,
    marks: UInt8
  ) {
    self.handle = handle
    unsafe self.bytes = unsafe bytes
    self.contiguous = contiguous
    self.length = length
    self.network = network
    self.payload = payload
    self.marks = marks
  }

  /// Bytes of headers that the length of the whole datagram counts: of IPv6 neither the fixed one nor the fragment's.
  func overhead(_ family: Int) -> UInt32 { UInt32(payload &- network) &- (family == 0 ? 0 : 48) }

  static var none: HeldFragment {
    unsafe HeldFragment(
      handle: 0, bytes: UnsafeRawPointer(bitPattern: 1)!, contiguous: 0, length: 0, network: 0, payload: 0, marks: 0)
  }
}

/// A fragment that comes to a table.
public struct FragmentArrival: BitwiseCopyable {
  public let key: FragmentKey
  public let packet: HeldFragment
  /// Bytes of its datagram's payload in front of what it carries, and how many it carries.
  public let offset: UInt32
  public let length: UInt32
  public let more: Bool
  /// The two bits of the IP header (RFC 3168 §5).
  public let ecn: UInt8
  public let dontFragment: Bool
  public let mbufs: UInt16
  /// Bytes of the IP packet, its header included.
  public let packetLength: UInt32
  /// Bytes of its headers that count toward the 65,535 of the datagram.
  public let overhead: UInt32
  /// Ports of the first fragment.
  public let ports: (UInt16, UInt16)
  /// Behind the extension headers.
  public let transport: UInt8
  /// What is wrong with its headers.
  public let headerFault: FragmentEvent?

  public init(
    key: FragmentKey, packet: HeldFragment, offset: UInt32, length: UInt32, more: Bool, ecn: UInt8 = 0,
    dontFragment: Bool = false, mbufs: UInt16 = 1, packetLength: UInt32, overhead: UInt32,
    ports: (UInt16, UInt16) = (0, 0), transport: UInt8 = 0,
    headerFault: FragmentEvent? = nil
  ) {
    self.key = key
    self.packet = packet
    self.offset = offset
    self.length = length
    self.more = more
    self.ecn = ecn
    self.dontFragment = dontFragment
    self.mbufs = mbufs
    self.packetLength = packetLength
    self.overhead = overhead
    self.ports = ports
    self.transport = transport
    self.headerFault = headerFault
  }

  var end: UInt32 { offset &+ length }
}

/// The congestion bits of a datagram that came in fragments (RFC 3168 §5.3).
public enum ECN {
  public static let congestion: UInt8 = 3

  /// What the datagram says, of which the fragments had the codepoints whose bits are set: `congestion` when one of them
  /// says so, 0 when each may keep its own; `nil` when some can carry marks and others cannot.
  public static func combined(_ seen: UInt8) -> UInt8? {
    let seen = seen & 15
    // Bit 0: not capable.
    if seen & 1 != 0 { return seen == 1 ? 0 : nil }
    return seen & 1 << congestion != 0 && seen != 1 << congestion ? congestion : 0
  }
}
