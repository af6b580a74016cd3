extension Summary {
  /// Reads the headers of one frame into `summary`, whatever it held before.
  ///
  /// - Parameters:
  ///   - frame: the bytes at hand: the first segment of the packet, or all of it.
  ///   - frameLength: bytes of the whole frame, at least those of `frame`. Faults are judged by it.
  ///
  /// When a header lies behind `frame` but not behind the frame, only `needsMore` is set: call again with more bytes.
  /// O(1): at most `mostTags` VLAN tags and `IPv6Extension.most` extension headers are walked.
  ///
  /// - Returns: `true` for a plain packet (see `readPlainIPv4`), or a plain later fragment, which has no fault and needs
  ///   no second look.
  @inline(always) @discardableResult
  public static func read(_ frame: RawSpan, frameLength: Int, into summary: inout Summary) -> Bool {
    if summary.readPlainIPv4(frame, frameLength: frameLength) { return true }
    if summary.readPlainIPv6(frame, frameLength: frameLength) { return true }
    summary.readAny(frame, frameLength: frameLength)
    return false
  }

  /// More VLAN tags than this make a frame `linkOther`.
  public static let mostTags = 8

  /// The way of nearly every packet: TCP or UDP, whole, without fault, in IPv4 without options in Ethernet without
  /// tags. Anything else is left to `readAny`, which gives the same answer for these too.
  @inlinable @inline(always)
  mutating func readPlainIPv4(_ frame: RawSpan, frameLength: Int) -> Bool {
    typealias IP = IPv4View.Layout
    let network = EthernetView.Layout.size
    let transport = network + IP.size
    // EtherType, version and header length in one word.
    guard frame.byteCount >= transport + TCPView.Layout.size, frameLength >= frame.byteCount,
      frame[Field<UInt32>(at: 12)] & 0xFFFF_FF00 == 0x0800_4500
    else { return false }
    let total = Int(frame[IP.totalLength, from: network])
    let payload = total &- IP.size
    let fragment = frame[IP.fragment, from: network]
    guard total <= frameLength &- network else { return false }
    if fragment & 0x3FFF != 0 { return readPlainFragment(frame, fragment, total: total, frameLength: frameLength) }
    guard payload >= UDPView.Layout.size else { return false }

    guard Summary.isSound(frame, at: network) else { return false }

    let number = frame[IP.transport, from: network]
    var tcpFlags: UInt8 = 0
    guard Summary.isPlain(number, frame, at: transport, payload: payload, &tcpFlags) else { return false }
    let ports = frame[TCPView.Layout.ports, from: transport]
    self = Summary()
    kind = number == IPProtocol.tcp ? .ipv4TCP : .ipv4UDP
    self.transport = number
    flags = SummaryFlags(
      rawValue: SummaryFlags.ipv4.rawValue
        | (fragment & IPv4View.FragmentWord.dontFragment) >> 8  // dontFragment
        | UInt16(frame[Field<UInt8>(at: 0)] & 1) << 11  // groupDestination
        | (total < frameLength &- network ? SummaryFlags.padded.rawValue : 0))
    hopLimit = frame[IP.ttl, from: network]
    self.tcpFlags = tcpFlags
    etherType = EtherType.ipv4
    networkOffset = UInt16(truncatingIfNeeded: network)
    transportOffset = UInt16(truncatingIfNeeded: transport)
    sourcePort = UInt16(truncatingIfNeeded: ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
    identification = UInt32(frame[IP.identification, from: network])
    datagramEnd = UInt32(truncatingIfNeeded: network &+ total)
    return true
  }

  /// Whether the IPv4 header at `network`, without options, has its right checksum.
  @inlinable @inline(always)
  static func isSound(_ frame: RawSpan, at network: Int) -> Bool {
    // A one's complement sum in words of any width and byte order is zero modulo 0xFFFF when the checksum is right.
    let (half, carry) = frame[Field<UInt64>(at: 0), from: network].bigEndian
      .addingReportingOverflow(frame[Field<UInt64>(at: 8), from: network].bigEndian)
    let (sum, carryAgain) = half.addingReportingOverflow(
      UInt64(frame[IPv4View.Layout.destination, from: network].bigEndian) &+ (carry ? 1 : 0))
    return (sum &+ (carryAgain ? 1 : 0)).isMultiple(of: 0xFFFF)
  }

  /// The same of a fragment; one that begins the datagram is plain if it holds a TCP or UDP header.
  @usableFromInline @inline(never)
  mutating func readPlainFragment(_ frame: RawSpan, _ fragment: UInt16, total: Int, frameLength: Int) -> Bool {
    typealias IP = IPv4View.Layout
    let network = EthernetView.Layout.size
    let transport = network + IP.size
    guard total >= IP.size, Summary.isSound(frame, at: network) else { return false }
    let number = frame[IP.transport, from: network]
    let offset = (fragment & IPv4View.FragmentWord.offset) << 3
    var tcpFlags: UInt8 = 0
    if offset == 0 {
      let size = number == IPProtocol.tcp ? TCPView.Layout.size : UDPView.Layout.size
      guard number == IPProtocol.tcp || number == IPProtocol.udp, total >= IP.size &+ size else { return false }
      if number == IPProtocol.tcp {
        guard frame[TCPView.Layout.dataOffset, from: transport] >> 4 >= 5 else { return false }
        tcpFlags = frame[TCPView.Layout.flags, from: transport]
      }
    }
    self = Summary()
    kind = .ipv4Fragment
    self.transport = number
    flags = SummaryFlags(
      rawValue: SummaryFlags.ipv4.rawValue | SummaryFlags.fragment.rawValue
        | (offset == 0 ? SummaryFlags.firstFragment.rawValue : 0)
        | (fragment & IPv4View.FragmentWord.moreFragments) >> 9  // moreFragments
        | (fragment & IPv4View.FragmentWord.dontFragment) >> 8  // dontFragment
        | UInt16(frame[Field<UInt8>(at: 0)] & 1) << 11  // groupDestination
        | (total < frameLength &- network ? SummaryFlags.padded.rawValue : 0))
    hopLimit = frame[IP.ttl, from: network]
    self.tcpFlags = tcpFlags
    etherType = EtherType.ipv4
    networkOffset = UInt16(truncatingIfNeeded: network)
    if offset == 0 {
      let ports = frame[TCPView.Layout.ports, from: transport]
      transportOffset = UInt16(truncatingIfNeeded: transport)
      sourcePort = UInt16(truncatingIfNeeded: ports >> 16)
      destinationPort = UInt16(truncatingIfNeeded: ports)
    }
    fragmentOffset = offset
    identification = UInt32(frame[IP.identification, from: network])
    datagramEnd = UInt32(truncatingIfNeeded: network &+ total)
    return true
  }

  /// The same in IPv6 without extension headers.
  @usableFromInline @inline(never)
  mutating func readPlainIPv6(_ frame: RawSpan, frameLength: Int) -> Bool {
    typealias IP = IPv6View.Layout
    let network = EthernetView.Layout.size
    let transport = network + IP.size
    guard frame.byteCount >= transport + UDPView.Layout.size, frameLength >= frame.byteCount,
      frame[Field<UInt32>(at: 12)] & 0xFFFF_F000 == 0x86DD_6000
    else { return false }
    let payload = Int(frame[IP.payloadLength, from: network])
    guard payload >= UDPView.Layout.size, payload <= frameLength &- transport else { return false }
    let number = frame[IP.nextHeader, from: network]
    guard number == IPProtocol.udp || frame.byteCount >= transport + TCPView.Layout.size else { return false }
    var tcpFlags: UInt8 = 0
    guard Summary.isPlain(number, frame, at: transport, payload: payload, &tcpFlags) else { return false }
    let ports = frame[TCPView.Layout.ports, from: transport]
    self = Summary()
    kind = number == IPProtocol.tcp ? .ipv6TCP : .ipv6UDP
    self.transport = number
    flags = SummaryFlags(
      rawValue: SummaryFlags.ipv6.rawValue
        | UInt16(frame[Field<UInt8>(at: 0)] & 1) << 11  // groupDestination
        | (payload < frameLength &- transport ? SummaryFlags.padded.rawValue : 0))
    hopLimit = frame[IP.hopLimit, from: network]
    self.tcpFlags = tcpFlags
    etherType = EtherType.ipv6
    networkOffset = UInt16(truncatingIfNeeded: network)
    transportOffset = UInt16(truncatingIfNeeded: transport)
    sourcePort = UInt16(truncatingIfNeeded: ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
    datagramEnd = UInt32(truncatingIfNeeded: transport &+ payload)
    return true
  }

  /// Whether a TCP or UDP header, wholly in `frame`, agrees with its payload; `tcpFlags` are TCP's.
  @inlinable @inline(always)
  static func isPlain(_ number: UInt8, _ frame: RawSpan, at: Int, payload: Int, _ tcpFlags: inout UInt8) -> Bool {
    if number == IPProtocol.tcp {
      let header = Int(frame[TCPView.Layout.dataOffset, from: at] >> 4) &* 4
      tcpFlags = frame[TCPView.Layout.flags, from: at]
      return header >= TCPView.Layout.size && header <= payload
    }
    guard number == IPProtocol.udp else { return false }
    let claimed = Int(frame[UDPView.Layout.length, from: at])
    return claimed >= UDPView.Layout.size && claimed <= payload
  }

  /// Any frame.
  @usableFromInline @inline(never)
  mutating func readAny(_ frame: RawSpan, frameLength: Int) {
    self = Summary()
    datagramEnd = UInt32(truncatingIfNeeded: frameLength)
    guard frameLength >= EthernetView.Layout.size else { return }
    guard frame.byteCount >= EthernetView.Layout.size else { return askForMore() }
    if frame[Field<UInt8>(at: 0)] & 1 != 0 { flags.insert(.groupDestination) }
    var type = frame[EthernetView.Layout.etherType]
    var at = EthernetView.Layout.size
    while EtherType.isVLAN(type), vlanCount < Summary.mostTags, at + VLANTagView.Layout.size <= frameLength {
      guard at + VLANTagView.Layout.size <= frame.byteCount else { return askForMore() }
      let control = frame[VLANTagView.Layout.control, from: at]
      if vlanCount == 0 { outerVLAN = control }
      if vlanCount == 1 { innerVLAN = control }
      vlanCount += 1
      type = frame[VLANTagView.Layout.etherType, from: at]
      at += VLANTagView.Layout.size
    }
    etherType = type
    networkOffset = UInt16(truncatingIfNeeded: at)
    switch type {
    case EtherType.ipv4: readIPv4(frame, at: at, frameLength: frameLength)
    case EtherType.ipv6: readIPv6(frame, at: at, frameLength: frameLength)
    case EtherType.arp: kind = .arp
    default: kind = type < EtherType.lowest ? .llc : .linkOther
    }
  }

  /// Leaves nothing but the wish for more bytes.
  mutating func askForMore() {
    self = Summary()
    flags = .needsMore
  }
}
