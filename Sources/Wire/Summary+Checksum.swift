extension Summary {
  /// Judges the transport checksum of a whole datagram, every byte of it in `frame`, whose summary this is.
  ///
  /// `.none` also for what cannot be judged: other protocols, an invalid packet, fragments, a datagram that goes on
  /// behind `frame`, a source-routed one (its checksum covers the final destination, not the header's), a UDP datagram
  /// whose sender made no checksum. O(bytes of the datagram).
  public func verifyTransport(_ frame: RawSpan) -> InvalidReason {
    guard let datagram = transportBytes(frame) else { return .none }
    let isIPv6 = flags.contains(.ipv6)
    switch transport {
    case IPProtocol.tcp:
      return sum(datagram, frame) == 0xFFFF ? .none : .tcpBadChecksum
    case IPProtocol.udp:
      let isMissing = datagram[UDPView.Layout.checksum] == 0
      return isMissing || sum(datagram, frame) == 0xFFFF ? .none : .udpBadChecksum
    case IPProtocol.udplite:
      let coverage = Int(datagram[UDPView.Layout.length])
      var checksum = pseudoHeader(datagram.byteCount, frame)
      checksum.add(coverage == 0 ? datagram : datagram.extracting(first: coverage))
      // Some senders, and netfilter, sum UDP's number in place of UDP-Lite's: no error of the path.
      var asUDP = checksum
      asUDP.add(~UInt16(IPProtocol.udplite))
      asUDP.add(UInt16(IPProtocol.udp))
      return checksum.folded == 0xFFFF || asUDP.folded == 0xFFFF ? .none : .udpBadChecksum
    case IPProtocol.icmp where !isIPv6:
      var checksum = InternetChecksum()
      checksum.add(datagram)
      return checksum.folded == 0xFFFF ? .none : .icmpBadChecksum
    case IPProtocol.icmpv6 where isIPv6:
      return sum(datagram, frame) == 0xFFFF ? .none : .icmpv6BadChecksum
    case IPProtocol.sctp:
      var crc = CRC32c()
      crc.add(datagram.extracting(first: 8))
      for _ in 0..<4 { crc.add(0) }  // the checksum's own bytes
      crc.add(datagram.after(SCTPView.Layout.size))
      return crc.value == datagram[SCTPView.Layout.checksum] ? .none : .sctpBadChecksum
    default:
      return .none
    }
  }

  /// Whether this is a UDP datagram whose sender made no checksum (the field is zero), in `frame`.
  public func hasNoChecksum(_ frame: RawSpan) -> Bool {
    let at = Int(transportOffset)
    guard transport == IPProtocol.udp, at != 0, at + UDPView.Layout.size <= frame.byteCount else { return false }
    return frame[UDPView.Layout.checksum, from: at] == 0
  }

  /// Whether a UDP-Lite datagram has a checksum, as it must, and says that it covers its header at least and no more
  /// than there is (RFC 3828 §3.1). `frame` holds the header.
  public func isCoverageSound(_ frame: RawSpan) -> Bool {
    let at = Int(transportOffset)
    guard transport == IPProtocol.udplite, at != 0, at + UDPView.Layout.size <= frame.byteCount else { return false }
    let coverage = Int(frame[UDPView.Layout.length, from: at])  // where UDP has its length
    return (coverage == 0 || (UDPView.Layout.size...max(UDPView.Layout.size, Int(datagramEnd) - at)).contains(coverage))
      && frame[UDPView.Layout.checksum, from: at] != 0
  }

  /// Fills in the checksum of a whole TCP or UDP datagram, every byte of it in `frame`: what a virtual port leaves to
  /// the receiver. The bytes in the field before do not matter. O(bytes of the datagram).
  ///
  /// - Returns: whether it did; not for what `verifyTransport` cannot judge either.
  public func completeTransportChecksum(_ frame: inout MutableRawSpan) -> Bool {
    guard let value = completedChecksum(frame.bytes) else { return false }
    frame.storeBytes(
      of: value.bigEndian, toByteOffset: Int(transportOffset) + checksumField.offset, as: UInt16.self)
    return true
  }

  private func completedChecksum(_ frame: RawSpan) -> UInt16? {
    guard transport == IPProtocol.tcp || transport == IPProtocol.udp, let datagram = transportBytes(frame) else {
      return nil
    }
    var checksum = pseudoHeader(datagram.byteCount, frame)
    checksum.add(datagram)
    checksum.add(~datagram[checksumField])  // which takes the field itself out of a one's complement sum
    let value = checksum.value
    return transport == IPProtocol.udp && value == 0 ? 0xFFFF : value
  }

  private var checksumField: Field<UInt16> {
    transport == IPProtocol.tcp ? TCPView.Layout.checksum : UDPView.Layout.checksum
  }

  /// The transport header and what it carries, or `nil` when a checksum over it cannot be judged.
  @_lifetime(copy frame)
  private func transportBytes(_ frame: RawSpan) -> RawSpan? {
    let start = Int(transportOffset)
    var stop = Int(datagramEnd)
    guard fault == .none, invalid == .none, start > 0, stop <= frame.byteCount,
      flags.isDisjoint(with: [.fragment, .needsMore]),
      !isSourceRouted(frame)
    else { return nil }
    if transport == IPProtocol.udp {
      // The datagram may be shorter than what carries it; only a jumbogram's says zero.
      let claimed = Int(frame[UDPView.Layout.length, from: start])
      if claimed != 0 { stop = start + claimed }
    }
    return frame.extracting(start..<stop)
  }

  private func sum(_ datagram: RawSpan, _ frame: RawSpan) -> UInt16 {
    var checksum = pseudoHeader(datagram.byteCount, frame)
    checksum.add(datagram)
    return checksum.folded
  }

  /// Addresses, length and protocol (RFC 9293 §3.1, RFC 8200 §8.1).
  private func pseudoHeader(_ length: Int, _ frame: RawSpan) -> InternetChecksum {
    let isIPv6 = flags.contains(.ipv6)
    let addresses = Int(networkOffset) + (isIPv6 ? IPv6View.Layout.source.offset : IPv4View.Layout.source.offset)
    var checksum = InternetChecksum()
    checksum.add(frame.extracting(addresses..<addresses + (isIPv6 ? 32 : 8)))
    checksum.add(UInt32(truncatingIfNeeded: length))
    checksum.add(UInt16(transport))
    return checksum
  }

  /// Whether the datagram has yet to visit an address that its header does not name as its destination.
  private func isSourceRouted(_ frame: RawSpan) -> Bool {
    guard flags.contains(.options) else { return false }
    let network = frame.extracting(Int(networkOffset)..<Int(datagramEnd))
    if flags.contains(.ipv4) {
      guard let header = IPv4View(network) else { return false }
      var options = header.options
      while let option = options.next() {
        if option.kind == Options.looseSourceRoute || option.kind == Options.strictSourceRoute { return true }
      }
      return false
    }
    guard let header = IPv6View(network) else { return false }
    var next = header.nextHeader
    var rest = header.payload
    while let one = IPv6ExtensionView(rest, kind: next) {
      if next == IPProtocol.routing, one.segmentsLeft > 0 { return true }
      next = one.nextHeader
      rest = one.payload
    }
    return false
  }
}
