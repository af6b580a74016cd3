internal import Wire

/// A datagram that is cut into fragments anew (RFC 791 §3.2, RFC 8200 §4.5): each as large as the MTU allows, all but the
/// last a multiple of 8 bytes of payload.
///
/// Works on a copy of the datagram in one piece, whose headers are those of its first fragment, and rewrites them for
/// each fragment. IPv4 options that are not to be copied are no operations in all but the first.
@safe
struct DatagramCut: ~Copyable {
  private let bytes: UnsafeMutableRawPointer
  private let network: Int
  private let payload: Int
  private let isIPv6: Bool
  /// Bytes of the whole payload, and of each fragment's but the last's.
  private let length: Int
  private let step: Int
  private let congestion: UInt8
  let count: Int

  /// - Parameters:
  ///   - bytes: the frame, `length` bytes of it: headers up to `payload`, of which the IP header starts at `network`.
  ///   - mtu: at least 8 bytes more than the headers.
  ///   - congestion: the codepoint that all fragments carry; 0: the first one's.
  init(
    _ bytes: UnsafeMutableRawPointer, length: Int, network: Int, payload: Int, isIPv6: Bool, mtu: Int, congestion: UInt8
  ) {
    unsafe self.bytes = unsafe bytes
    self.network = network
    self.payload = payload
    self.isIPv6 = isIPv6
    self.length = length - payload
    self.congestion = congestion
    step = (mtu - (payload - network)) & ~7
    count = (self.length + step - 1) / step
  }

  /// The fragment of that place, to be asked for in order: its headers, which stand until the next one is asked for, and
  /// its payload.
  mutating func piece(_ place: Int) -> (header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
    let offset = place * step
    let size = min(step, length - offset)
    var header = unsafe MutableRawSpan(_unsafeStart: bytes + network, byteCount: payload - network)
    if congestion != 0 { header.setECN(congestion, isIPv6: isIPv6) }
    if isIPv6 {
      header.setFragmentIPv6(offset: offset, more: place < count - 1, payload: size)
    } else {
      if place == 1 { header.keepCopiedOptions() }
      header.setFragmentIPv4(offset: offset, more: place < count - 1, payload: size)
    }
    return unsafe (
      UnsafeRawBufferPointer(start: bytes, count: payload),
      UnsafeRawBufferPointer(start: bytes + payload + offset, count: size)
    )
  }
}
