/// A fragment as the tests read it, from the RFCs alone: which datagram it is of, and which part of its payload it has.
public struct FragmentReading: Hashable, Sendable {
  /// What the fragments of one datagram have in common: the two outer VLANs, the IP version, both addresses, the
  /// identification, for IPv4 the protocol (RFC 791 §3.2, RFC 8200 §4.5).
  public var key: [UInt8]
  public var isIPv6: Bool
  /// The protocol that IPv4 carries, or the header behind the fragment header.
  public var next: UInt8
  /// Bytes of the payload in front of what it carries, and where that lies in the frame.
  public var offset: Int
  public var payload: Range<Int>
  public var more: Bool
  /// Where the IP header starts.
  public var network: Int
  /// The two congestion bits.
  public var ecn: UInt8
}

extension Frame {
  /// The frame as a fragment; `nil` for anything else. Its IP header must be without fault.
  public var fragment: FragmentReading? {
    let ip = networkOffset
    guard count >= ip + 20 else { return nil }
    let vlans = tags.prefix(2).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    switch bytes.word(at: ip - 2) {
    case EtherType.ipv4: return ipv4Fragment(ip, vlans)
    case EtherType.ipv6: return ipv6Fragment(ip, vlans)
    default: return nil
    }
  }

  private func ipv4Fragment(_ ip: Int, _ vlans: [UInt8]) -> FragmentReading? {
    let word = bytes.word(at: ip + 6)
    guard word & 0x3fff != 0 else { return nil }
    return FragmentReading(
      key: vlans + [4, bytes[ip + 9]] + bytes[(ip + 4)..<(ip + 6)] + bytes[(ip + 12)..<(ip + 20)], isIPv6: false,
      next: bytes[ip + 9], offset: Int(word & 0x1fff) * 8,
      payload: (ip + Int(bytes[ip] & 15) * 4)..<(ip + Int(bytes.word(at: ip + 2))), more: word & 0x2000 != 0,
      network: ip, ecn: bytes[ip + 1] & 3)
  }

  /// The chain of headers up to the fragment header: at most fifteen others, each inside the datagram.
  private func ipv6Fragment(_ ip: Int, _ vlans: [UInt8]) -> FragmentReading? {
    let end = ip + 40 + Int(bytes.word(at: ip + 4))
    var (next, at) = (bytes[ip + 6], ip + 40)
    for walked in 0..<17 {
      guard [0, 43, 44, 51, 60, 135, 139, 140, 253, 254].contains(next), at + 8 <= end, walked < 16 else { return nil }
      if next == 44 { break }
      let size = next == 51 ? (Int(bytes[at + 1]) + 2) * 4 : (Int(bytes[at + 1]) + 1) * 8
      (next, at) = (bytes[at], at + size)
    }
    guard bytes.word(at: at + 2) & 0xfff9 != 0 else { return nil }
    return FragmentReading(
      key: vlans + [6] + bytes[(ip + 8)..<(ip + 40)] + bytes[(at + 4)..<(at + 8)], isIPv6: true, next: bytes[at],
      offset: Int(bytes.word(at: at + 2) & 0xfff8), payload: (at + 8)..<end, more: bytes[at + 3] & 1 != 0,
      network: ip, ecn: bytes[ip + 1] >> 4 & 3)
  }

  /// The frame as it is when its congestion bits say that there was some; for frames that can carry such marks.
  public var markedCongested: Frame {
    var frame = self
    let ip = networkOffset
    frame.bytes[ip + 1] |= isIPv6 ? 0x30 : 3
    guard !isIPv6 else { return frame }
    frame.bytes.setWord(0, at: ip + 10)
    frame.bytes.setWord(internetChecksum(frame.bytes[ip..<(ip + Int(bytes[ip] & 15) * 4)]), at: ip + 10)
    return frame
  }
}

/// The payload that fragments of one datagram make, in whatever order; `nil` when bytes are missing, some are there twice,
/// or another than the last one has the end.
public func putTogether(_ pieces: [(offset: Int, more: Bool, payload: [UInt8])]) -> [UInt8]? {
  let pieces = pieces.sorted { $0.offset < $1.offset }
  var whole: [UInt8] = []
  for (place, piece) in pieces.enumerated() {
    guard piece.offset == whole.count, piece.more == (place < pieces.count - 1) else { return nil }
    whole += piece.payload
  }
  return pieces.isEmpty ? nil : whole
}
