internal import Primitives

extension DescribedPacket.FrameWords {
  /// The frame as bytes. Checksums above IP are zero: nobody looks at them here.
  var bytes: [UInt8] {
    var bytes = octets(destination.bits, 6) + octets(source.bits, 6)
    if let vlan { bytes += [0x81, 0x00] + octets(UInt64(vlan), 2) }
    let type = etherType ?? (isIPv6 ? 0x86DD : 0x0800)
    bytes += octets(UInt64(type), 2)
    guard type == 0x0800 || type == 0x86DD else { return bytes + [UInt8](repeating: 0, count: 46) }
    let content = segment + [UInt8](repeating: 0, count: payload)
    return bytes + (type == 0x86DD ? header6(content.count) : header4(content.count)) + content
  }

  private func octets(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }

  private func header4(_ length: Int) -> [UInt8] {
    var header = [0x45, dscp << 2] + octets(UInt64(20 + length), 2) + [0, 1, 0x40, 0, hopLimit, transport, 0, 0]
    header += octets(UInt64(source4.bits), 4) + octets(UInt64(destination4.bits), 4)
    var sum: UInt32 = 0
    for place in stride(from: 0, to: 20, by: 2) { sum += UInt32(header[place]) << 8 | UInt32(header[place + 1]) }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
    header.replaceSubrange(10..<12, with: octets(UInt64(~sum & 0xFFFF), 2))
    return header
  }

  private func header6(_ length: Int) -> [UInt8] {
    octets(6 << 28 | UInt64(dscp) << 22, 4) + octets(UInt64(length), 2) + [transport, hopLimit]
      + octets(source6.high, 8) + octets(source6.low, 8) + octets(destination6.high, 8) + octets(destination6.low, 8)
  }

  private var segment: [UInt8] {
    let ports = octets(UInt64(sourcePort), 2) + octets(UInt64(destinationPort), 2)
    return switch transport {
    case 6: ports + octets(1, 4) + octets(tcpFlags & 0x10 != 0 ? 1 : 0, 4) + [0x50, tcpFlags, 0xFF, 0xFF, 0, 0, 0, 0]
    case 17, 136: ports + octets(UInt64(8 + payload), 2) + [0, 0]
    case 132: ports + octets(1, 4) + [0, 0, 0, 0] + [0, 0, 0, 4]
    case 1, 58: [icmpType, icmpCode, 0, 0, 0, 1, 0, 1]
    default: []
    }
  }
}
