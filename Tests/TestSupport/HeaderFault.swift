extension Frame {
  /// What is wrong with the IP header, in the words of the forwarder's drop reasons; the first fault that fits, in the
  /// order below. `nil` for a good header and for anything but IP.
  ///
  /// This is the tests' own reading, kept apart from the wire layer's, and held against the corpus manifest.
  public var headerFault: String? {
    let ip = networkOffset
    guard count >= ip else { return nil }
    switch bytes.word(at: ip - 2) {
    case EtherType.ipv4: return ipv4Fault(bytes[ip...]).map { "ipv4_" + $0 }
    case EtherType.ipv6: return ipv6Fault(bytes[ip...]).map { "ipv6_" + $0 }
    default: return nil
    }
  }

  private func ipv4Fault(_ packet: ArraySlice<UInt8>) -> String? {
    guard packet.count >= 20 else { return "short" }
    let packet = Array(packet)
    let header = Int(packet[0] & 15) * 4
    let total = Int(packet.word(at: 2))
    if packet[0] >> 4 != 4 { return "bad_version" }
    if header < 20 { return "bad_header_length" }
    if header > packet.count { return "header_beyond_frame" }
    if total < header { return "total_length_lt_header" }
    if total > packet.count { return "total_length_gt_frame" }
    return internetChecksum(packet.prefix(header)) == 0 ? nil : "bad_checksum"
  }

  private func ipv6Fault(_ packet: ArraySlice<UInt8>) -> String? {
    guard packet.count >= 40 else { return "short" }
    let packet = Array(packet)
    if packet[0] >> 4 != 6 { return "bad_version" }
    return 40 + Int(packet.word(at: 4)) > packet.count ? "payload_length_gt_frame" : nil
  }
}
