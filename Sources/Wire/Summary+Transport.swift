extension Summary {
  /// Turns what a first fragment says into what its datagram does, now that all of that is there.
  ///
  /// - Parameters:
  ///   - payload: where the first fragment's part of the payload starts, and how long the whole payload is.
  ///   - frame: the first fragment up to its end, or with all of the payload behind its headers.
  /// - Returns: `false` when the transport header goes on behind `frame`; nothing has changed then.
  public mutating func becomeWhole(payload: (start: Int, length: Int), _ frame: RawSpan) -> Bool {
    let fragment = self
    flags.subtract([.fragment, .firstFragment, .moreFragments])
    datagramEnd = UInt32(truncatingIfNeeded: payload.start + payload.length)
    // Where no transport header was found, a second fragment header stands.
    guard transportOffset != 0 else { return true }
    invalid = .none
    readTransport(frame, at: Int(transportOffset))
    guard flags.contains(.needsMore) else { return true }
    self = fragment
    return false
  }

  /// The transport header at `at`. Of a first fragment only the header is judged: its lengths speak of the datagram.
  mutating func readTransport(_ frame: RawSpan, at: Int) {
    transportOffset = UInt16(truncatingIfNeeded: at)
    let payload = Int(datagramEnd) - at
    let here = frame.byteCount - at  // may be negative
    let isIPv6 = flags.contains(.ipv6)
    if !flags.contains(.fragment) { kind = PacketKind(transport: transport, isIPv6: isIPv6) }
    switch transport {
    case IPProtocol.tcp: readTCP(frame, at: at, payload: payload, here: here)
    case IPProtocol.udp: readUDP(frame, at: at, payload: payload, here: here)
    case IPProtocol.icmp where !isIPv6:
      guard payload >= ICMPView.Layout.size else { return invalid = .icmpShort }
      guard here >= ICMPView.Layout.size else { return askForMore() }
      sourcePort = frame[ICMPView.Layout.typeAndCode, from: at]
      if isQuery(isIPv6: false) {
        destinationPort = frame[ICMPView.Layout.identifier, from: at]
      }
    case IPProtocol.icmpv6 where isIPv6:
      guard payload >= ICMPv6View.Layout.size else { return invalid = .icmpv6Short }
      guard here >= min(payload, ICMPv6View.Layout.echoSize) else { return askForMore() }
      sourcePort = frame[ICMPv6View.Layout.typeAndCode, from: at]
      if payload >= ICMPv6View.Layout.echoSize, isQuery(isIPv6: true) {
        destinationPort = frame[ICMPv6View.Layout.identifier, from: at]
      }
    case IPProtocol.udplite:
      guard payload >= UDPView.Layout.size else { return invalid = .udpShort }
      guard here >= UDPView.Layout.size else { return askForMore() }
      take(ports: frame[UDPView.Layout.ports, from: at])
    case IPProtocol.sctp:
      guard payload >= SCTPView.Layout.size else { return invalid = .sctpShort }
      guard here >= SCTPView.Layout.size else { return askForMore() }
      take(ports: frame[SCTPView.Layout.ports, from: at])
    case IPProtocol.gre:
      guard payload >= GREView.Layout.size else { return invalid = .greShort }
      guard here >= GREView.Layout.size else { return askForMore() }
      if GREView.headerLength(frame[GREView.Layout.flags, from: at]) > payload { invalid = .greShort }
    default: break
    }
  }

  private mutating func readTCP(_ frame: RawSpan, at: Int, payload: Int, here: Int) {
    guard payload >= TCPView.Layout.size else { return invalid = .tcpShort }
    guard here >= TCPView.Layout.size else { return askForMore() }
    take(ports: frame[TCPView.Layout.ports, from: at])
    tcpFlags = frame[TCPView.Layout.flags, from: at]
    let header = Int(frame[TCPView.Layout.dataOffset, from: at] >> 4) * 4
    let optionsCanBeLater = flags.contains(.fragment)
    if header < TCPView.Layout.size || (header > payload && !optionsCanBeLater) { invalid = .tcpBadDataOffset }
  }

  private mutating func readUDP(_ frame: RawSpan, at: Int, payload: Int, here: Int) {
    guard payload >= UDPView.Layout.size else { return invalid = .udpShort }
    guard here >= UDPView.Layout.size else { return askForMore() }
    take(ports: frame[UDPView.Layout.ports, from: at])
    let claimed = Int(frame[UDPView.Layout.length, from: at])
    if flags.contains(.fragment) || (flags.contains(.jumbogram) && claimed == 0) { return }  // RFC 2675 §4
    if claimed < UDPView.Layout.size {
      invalid = .udpLengthBelowHeader
    } else if claimed > payload {
      invalid = .udpLengthBeyondPayload
    }
  }

  /// Whether the ICMP message, whose type and code are known, carries an identifier.
  private func isQuery(isIPv6: Bool) -> Bool {
    switch ICMPClass(type: UInt8(truncatingIfNeeded: sourcePort >> 8), isIPv6: isIPv6) {
    case .request, .reply: true
    case .error, .untracked, .other: false
    }
  }

  private mutating func take(ports: UInt32) {
    sourcePort = UInt16(truncatingIfNeeded: ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
  }
}

extension PacketKind {
  /// What a whole datagram with this protocol number is.
  init(transport: UInt8, isIPv6: Bool) {
    self =
      switch transport {
      case IPProtocol.tcp: isIPv6 ? .ipv6TCP : .ipv4TCP
      case IPProtocol.udp: isIPv6 ? .ipv6UDP : .ipv4UDP
      case IPProtocol.icmp where !isIPv6: .ipv4ICMP
      case IPProtocol.icmpv6 where isIPv6: .ipv6ICMP
      case IPProtocol.sctp: isIPv6 ? .ipv6SCTP : .ipv4SCTP
      case IPProtocol.gre: isIPv6 ? .ipv6GRE : .ipv4GRE
      default: isIPv6 ? .ipv6Other : .ipv4Other
      }
  }
}
