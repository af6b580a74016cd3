extension Summary {
  /// The IPv4 header at `at`, and what it carries.
  mutating func readIPv4(_ frame: RawSpan, at: Int, frameLength: Int) {
    typealias Layout = IPv4View.Layout
    flags.insert(.ipv4)
    let length = frameLength - at
    guard length >= Layout.size else { return reject(.ipv4Short, .ipv4Faulty) }
    guard frame.byteCount - at >= Layout.size else { return askForMore() }
    let first = frame[Layout.versionAndLength, from: at]
    let header = Int(first & 15) * 4
    let total = Int(frame[Layout.totalLength, from: at])
    guard first >> 4 == 4 else { return reject(.ipv4BadVersion, .ipv4Faulty) }
    guard header >= Layout.size else { return reject(.ipv4BadHeaderLength, .ipv4Faulty) }
    guard header <= length else { return reject(.ipv4HeaderBeyondFrame, .ipv4Faulty) }
    guard total >= header else { return reject(.ipv4TotalLengthBelowHeader, .ipv4Faulty) }
    guard total <= length else { return reject(.ipv4TotalLengthBeyondFrame, .ipv4Faulty) }
    guard frame.byteCount - at >= header else { return askForMore() }
    var checksum = InternetChecksum()
    checksum.add(frame.extracting(at..<at + header))
    guard checksum.folded == 0xFFFF else { return reject(.ipv4BadChecksum, .ipv4Faulty) }

    end(datagram: at + total, frameLength: frameLength)
    hopLimit = frame[Layout.ttl, from: at]
    transport = frame[Layout.transport, from: at]
    identification = UInt32(frame[Layout.identification, from: at])
    if header > Layout.size { flags.insert(.options) }
    let word = frame[Layout.fragment, from: at]
    if word & IPv4View.FragmentWord.dontFragment != 0 { flags.insert(.dontFragment) }
    let offset = (word & IPv4View.FragmentWord.offset) << 3
    if place(offset: offset, more: word & IPv4View.FragmentWord.moreFragments != 0) {
      kind = .ipv4Fragment
      guard offset == 0 else { return }
    }
    readTransport(frame, at: at + header)
  }

  /// The IPv6 header at `at`, its extension headers, and what it carries.
  mutating func readIPv6(_ frame: RawSpan, at: Int, frameLength: Int) {
    typealias Layout = IPv6View.Layout
    flags.insert(.ipv6)
    let length = frameLength - at
    guard length >= Layout.size else { return reject(.ipv6Short, .ipv6Faulty) }
    guard frame.byteCount - at >= Layout.size else { return askForMore() }
    guard frame[Layout.versionAndFlow, from: at] >> 28 == 6 else { return reject(.ipv6BadVersion, .ipv6Faulty) }
    let claimed = Int(frame[Layout.payloadLength, from: at])
    guard Layout.size + claimed <= length else { return reject(.ipv6PayloadBeyondFrame, .ipv6Faulty) }
    var stop = at + Layout.size + claimed
    transport = frame[Layout.nextHeader, from: at]
    if claimed == 0, transport == IPProtocol.hopByHop, length >= Layout.jumboSize {
      guard frame.byteCount - at >= Layout.jumboSize else { return askForMore() }
      if frame[Layout.jumboOption, from: at] == IPv6Extension.jumboPayload {
        flags.insert(.jumbogram)
        stop = min(frameLength, stop + Int(frame[Layout.jumboLength, from: at]))
      }
    }

    end(datagram: stop, frameLength: frameLength)
    hopLimit = frame[Layout.hopLimit, from: at]
    walk(frame, from: at + Layout.size)
  }

  /// The chain of extension headers that starts at `first` with the header `transport`, and what is behind it.
  private mutating func walk(_ frame: RawSpan, from first: Int) {
    typealias Fragment = IPv6FragmentView.Layout
    let stop = Int(datagramEnd)
    var at = first
    var walked = 0
    while IPv6Extension.contains(transport) {
      guard walked < IPv6Extension.most else { return breakOff(.ipv6ChainTooLong) }
      guard at + IPv6Extension.smallest <= stop else { return breakOff(.ipv6ChainCut) }
      guard at + IPv6Extension.smallest <= frame.byteCount else { return askForMore() }
      let size = IPv6Extension.size(of: transport, in: frame, at: at)
      guard at + size <= stop else { return breakOff(.ipv6ChainCut) }
      if transport == IPProtocol.fragment {
        guard fragmentHeader == 0 else { return breakOff(.ipv6SeveralFragmentHeaders) }
        fragmentHeader = UInt16(truncatingIfNeeded: at)
        identification = frame[Fragment.identification, from: at]
        let placement = frame[Fragment.placement, from: at]
        if place(offset: placement & 0xFFF8, more: placement & 1 != 0) {
          kind = .ipv6Fragment
          guard flags.contains(.firstFragment) else {
            transport = frame[Fragment.nextHeader, from: at]
            return
          }
        } else {
          flags.insert(.atomicFragment)
        }
      } else {
        flags.insert(.options)
      }
      transport = frame[IPv6Extension.nextHeader, from: at]
      at += size
      walked += 1
    }
    readTransport(frame, at: at)
  }

  /// Notes a fragment's place; whether it is one at all.
  private mutating func place(offset: UInt16, more: Bool) -> Bool {
    guard offset != 0 || more else { return false }
    flags.insert(.fragment)
    if offset == 0 { flags.insert(.firstFragment) }
    if more { flags.insert(.moreFragments) }
    fragmentOffset = offset
    return true
  }

  private mutating func end(datagram end: Int, frameLength: Int) {
    datagramEnd = UInt32(truncatingIfNeeded: end)
    if end < frameLength { flags.insert(.padded) }
  }

  private mutating func reject(_ fault: HeaderFault, _ kind: PacketKind) {
    self.fault = fault
    self.kind = kind
  }

  /// The chain ends without a transport header.
  private mutating func breakOff(_ reason: InvalidReason) {
    invalid = reason
    if !flags.contains(.fragment) { kind = .ipv6Other }
  }
}
