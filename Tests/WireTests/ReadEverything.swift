import Wire

/// Makes each view of `bytes` that its initializer allows, at every offset where it makes sense to, and reads all of it.
func readEverything(_ bytes: RawSpan) {
  if let header = EthernetView(bytes) {
    use(header.destination, header.source, header.etherType, header.payload.byteCount)
    readNetwork(header.payload)
  }
  if let tag = VLANTagView(bytes) { use(tag.control, tag.identifier, tag.etherType, tag.payload.byteCount) }
  readNetwork(bytes)
}

private func readNetwork(_ bytes: RawSpan) {
  if let message = ARPView(bytes) {
    use(message.operation, message.senderHardware, message.sender, message.targetHardware, message.target)
  }
  if let header = IPv4View(bytes) {
    use(header.identification, header.dontFragment, header.moreFragments, header.fragmentOffset, header.ttl)
    use(header.transport, header.checksum, header.source, header.destination)
    read(header.options)
    readTransport(header.payload)
  }
  if let header = IPv6View(bytes) {
    use(header.trafficClass, header.flowLabel, header.nextHeader, header.hopLimit, header.source, header.destination)
    var kind = header.nextHeader
    var rest = header.payload
    while let one = IPv6ExtensionView(rest, kind: kind) {
      use(one.kind, one.segmentsLeft, one.body.byteCount)
      if let fragment = IPv6FragmentView(rest) {
        use(fragment.nextHeader, fragment.fragmentOffset, fragment.moreFragments, fragment.identification)
        use(fragment.payload.byteCount)
      }
      kind = one.nextHeader
      rest = one.payload
    }
    readTransport(rest)
  }
  readTransport(bytes)
}

private func readTransport(_ bytes: RawSpan) {
  if let segment = TCPView(bytes) {
    use(segment.sourcePort, segment.destinationPort, segment.sequence, segment.acknowledgment, segment.flags)
    use(segment.window, segment.checksum, segment.urgent, segment.payload.byteCount)
    read(segment.options)
  }
  if let datagram = UDPView(bytes) {
    use(datagram.sourcePort, datagram.destinationPort, datagram.checksum, datagram.payload.byteCount)
  }
  if let message = ICMPView(bytes) {
    use(message.type, message.code, message.checksum, message.rest, message.payload.byteCount)
  }
  if let message = ICMPv6View(bytes) { use(message.type, message.code, message.checksum, message.payload.byteCount) }
  if let header = GREView(bytes) {
    use(header.flags, header.version, header.etherType, header.key, header.payload.byteCount)
  }
  if let packet = SCTPView(bytes) {
    use(packet.sourcePort, packet.destinationPort, packet.verificationTag, packet.checksum)
    var chunks = packet.chunks
    while let chunk = chunks.next() { use(chunk.type, chunk.flags, chunk.value.byteCount) }
    use(chunks.isMalformed)
  }
}

private func read(_ options: consuming Options) {
  var options = options
  while let option = options.next() { use(option.kind, option.value.byteCount) }
  use(options.isMalformed)
}

/// Keeps a value from being optimized away.
@inline(never) private func use<each Value>(_ value: repeat each Value) {}
