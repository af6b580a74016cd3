/// One thing wrong with a frame that was right, and nothing else: a changed IPv4 header gets a fresh checksum, so that
/// exactly the named fault is there.
public enum Damage: Hashable, Sendable {
  case ipv4Checksum
  case version(UInt8)
  /// IPv4 header length in words of four bytes, as the field counts.
  case headerLength(UInt8)
  /// IPv4 total length, header included.
  case totalLength(UInt16)
  /// IPv6 payload length.
  case payloadLength(UInt16)
  /// The frame ends after this many bytes.
  case truncated(to: Int)
  /// The datagram ends after this many bytes, and so does the frame; its header still claims the old length.
  case datagramTruncated(to: Int)
  case l4Checksum
  /// UDP length, header included; the checksum stays as it was.
  case udpLength(UInt16)
  /// TCP data offset in words of four bytes; the checksum stays as it was.
  case tcpDataOffset(UInt8)
  case byte(at: Int, UInt8)
}

extension Frame {
  /// VLAN ids, outermost first.
  public var tags: [UInt16] {
    var ids: [UInt16] = []
    var at = 12
    while at + 4 <= count, EtherType.tags.contains(bytes.word(at: at)) {
      ids.append(bytes.word(at: at + 2) & 0xfff)
      at += 4
    }
    return ids
  }

  /// Where the network header starts, behind any VLAN tags.
  public var networkOffset: Int { 14 + 4 * tags.count }

  public var isIPv6: Bool { bytes.word(at: networkOffset - 2) == EtherType.ipv6 }

  /// Where TCP, UDP, ... starts. IPv6 must carry it without extension headers.
  public var transportOffset: Int { networkOffset + (isIPv6 ? 40 : Int(bytes[networkOffset] & 15) * 4) }

  public func damaged(_ damage: Damage) -> Frame {
    var frame = self
    let ip = networkOffset
    switch damage {
    case .ipv4Checksum: frame.bytes[ip + 10] ^= 0xff
    case .version(let version): frame.bytes[ip] = version << 4 | bytes[ip] & 15
    case .headerLength(let words): frame.bytes[ip] = bytes[ip] & 0xf0 | words
    case .totalLength(let length): frame.bytes.setWord(length, at: ip + 2)
    case .payloadLength(let length): frame.bytes.setWord(length, at: ip + 4)
    case .truncated(let end): return prefix(end)
    case .datagramTruncated(let end): return prefix(ip + end)
    case .l4Checksum: frame.bytes[transportOffset + checksumField] ^= 0xff
    case .udpLength(let length): frame.bytes.setWord(length, at: transportOffset + 4)
    case .tcpDataOffset(let words):
      frame.bytes[transportOffset + 12] = words << 4 | bytes[transportOffset + 12] & 15
    case .byte(let offset, let value): frame.bytes[offset] = value
    }
    switch damage {
    case .version, .headerLength, .totalLength: if !isIPv6 { frame.refreshIPv4Checksum() }
    default: break
    }
    return frame
  }

  /// Offset of the checksum in the transport header.
  private var checksumField: Int {
    switch bytes[networkOffset + (isIPv6 ? 6 : 9)] {
    case 6: 16
    case 17: 6
    case 132: 8
    default: 2
    }
  }

  /// Over the header as long as its length field says, as far as the frame holds it.
  private mutating func refreshIPv4Checksum() {
    let ip = networkOffset
    guard count >= ip + 20 else { return }
    bytes.setWord(0, at: ip + 10)
    let end = min(count, ip + max(20, Int(bytes[ip] & 15) * 4))
    bytes.setWord(internetChecksum(bytes[ip..<end]), at: ip + 10)
  }
}
