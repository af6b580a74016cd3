internal import Ruleset
internal import Wire

extension Interpreter {
  /// A field's value as an integer; `nil`: the packet does not have it, and the rule ends.
  func value(of field: PacketField, _ packet: RulePacket) -> UInt128? {
    let summary = packet.summary
    switch field {
    case .inputName: return ports.paddedName(packet.ingress)
    case .outputName: return ports.paddedName(packet.egress)
    case .inputIndex: return Int(packet.ingress) < ports.count ? UInt128(packet.ingress) + 1 : 0
    case .outputIndex: return Int(packet.egress) < ports.count ? UInt128(packet.egress) + 1 : 0
    case .etherType: return UInt128(summary.etherType)
    case .networkFamily:
      if walk.table.family == .netdev { return 5 }
      return summary.flags.contains(.ipv6) ? 10 : 2
    case .transport: return packet.hasTransport ? UInt128(summary.transport) : nil
    case .mark: return UInt128(packet.mark)
    case .length: return UInt128(packet.datagramLength)
    case .packetType:
      // A bump in the wire has no address of its own: whatever is for one station is for the host.
      guard summary.flags.contains(.groupDestination) else { return 0 }
      return bits(packet, 0, 48, limit: packet.count) == 0xFFFF_FFFF_FFFF ? 1 : 2
    case .payload(let payload):
      switch payload.base {
      case .link: return bits(packet, Int(payload.offset), Int(payload.length), limit: packet.count)
      case .network:
        let start = Int(summary.networkOffset)
        guard start > 0 else { return nil }
        return bits(packet, start * 8 + Int(payload.offset), Int(payload.length), limit: packet.end)
      case .transport:
        guard packet.hasTransport, summary.fragmentOffset == 0, summary.transportOffset > 0 else { return nil }
        let start = Int(summary.transportOffset) * 8 + Int(payload.offset)
        return bits(packet, start, Int(payload.length), limit: packet.end)
      }
    case .exists(let header):
      guard summary.etherType == EtherType.ipv6 else { return nil }
      return find(header, packet) == nil ? 0 : 1
    case .extensionField(let header, let payload):
      guard summary.etherType == EtherType.ipv6, let start = find(header, packet) else { return nil }
      return bits(packet, start * 8 + Int(payload.offset), Int(payload.length), limit: packet.end)
    case .tcpOptionExists(let kind): return option(kind, packet, lastByte: 1) == nil ? 0 : 1
    case .tcpOption(let kind, let offset, let length):
      guard let start = option(kind, packet, lastByte: (Int(offset) + Int(length) + 7) / 8) else { return nil }
      return bits(packet, start * 8 + Int(offset), Int(length), limit: packet.end)
    case .connection(let field): return value(of: field, packet.connection, packet.effects)
    }
  }

  /// Bits of the frame from a bit on, all of their bytes before `limit`.
  private func bits(_ packet: RulePacket, _ start: Int, _ length: Int, limit: Int) -> UInt128? {
    guard length > 0, length <= 128, (start + length + 7) / 8 <= limit else { return nil }
    var value: UInt128 = 0
    for bit in start..<start + length {
      value = value << 1 | UInt128(packet.byte(bit / 8) >> UInt8(7 - bit % 8) & 1)
    }
    return value
  }

  /// Where an IPv6 extension header starts: the kernel's ipv6_find_hdr.
  private func find(_ wanted: ExtensionHeader, _ packet: RulePacket) -> Int? {
    var at = Int(packet.summary.networkOffset) + 40
    guard at <= packet.end else { return nil }
    var next = packet.byte(at - 34)
    while next != wanted.rawValue {
      guard [0, 43, 44, 51, 60].contains(next), at + 2 <= packet.end else { return nil }
      if next == 44 {
        guard at + 4 <= packet.end else { return nil }
        // Behind a later fragment's header there are no headers.
        if (UInt16(packet.byte(at + 2)) << 8 | UInt16(packet.byte(at + 3))) & 0xFFF8 != 0 { return nil }
      }
      let length = Int(packet.byte(at + 1))
      let size = next == 44 ? 8 : next == 51 ? (length + 2) * 4 : (length + 1) * 8
      next = packet.byte(at)
      at += size
    }
    // One that can be walked over has to be there with its first bytes.
    guard [0, 43, 44, 51, 60].contains(next) else { return at }
    return at + (next == 44 ? 4 : 2) <= packet.end ? at : nil
  }

  /// Where a TCP option starts whose first `lastByte` bytes are asked for: nft_exthdr_tcp_eval.
  private func option(_ kind: UInt8, _ packet: RulePacket, lastByte: Int) -> Int? {
    let summary = packet.summary
    guard packet.hasTransport, summary.transport == IPProtocol.tcp, summary.fragmentOffset == 0,
      summary.transportOffset > 0
    else { return nil }
    let start = Int(summary.transportOffset)
    guard start + 20 <= packet.end else { return nil }
    let size = Int(packet.byte(start + 12) >> 4) * 4
    guard size >= 20, start + size <= packet.end else { return nil }
    var at = 20
    while at < size - 1 {
      let found = packet.byte(start + at)
      let length = found <= 1 ? 1 : max(Int(packet.byte(start + at + 1)), 1)
      if found == kind { return at + length <= size && lastByte <= length ? start + at : nil }
      at += length
    }
    return nil
  }

  private func value(of field: ConnectionField, _ facts: ConnectionFacts, _ effects: RuleEffects) -> UInt128? {
    func of<Value: BinaryInteger>(_ direction: FlowDirection, _ pair: (Value, Value)) -> UInt128 {
      UInt128(direction == .original ? pair.0 : pair.1)
    }
    func ofBoth(_ direction: FlowDirection?, _ pair: (UInt64, UInt64)) -> UInt64 {
      switch direction {
      case .original: pair.0
      case .reply: pair.1
      case nil: pair.0 &+ pair.1
      }
    }
    if field == .state { return UInt128(facts.wordForState(effects)) }
    if case .zone(let direction) = field, !facts.isKnown, effects.changes.contains(.zones) {
      return zone(direction, facts)
    }
    guard facts.isConnection else { return nil }
    switch field {
    case .state: return UInt128(facts.state)
    case .direction: return UInt128(facts.direction)
    case .status: return UInt128(facts.status)
    case .mark: return UInt128(facts.mark)
    case .expiration: return UInt128(facts.expiration)
    case .id: return UInt128(facts.id)
    case .labels: return facts.labels
    case .zone(let direction): return zone(direction, facts)
    case .networkFamily: return facts.isIPv6 ? 10 : 2
    case .transport: return UInt128(facts.transport)
    case .source4(let direction): return facts.isIPv6 ? nil : of(direction, facts.source)
    case .destination4(let direction): return facts.isIPv6 ? nil : of(direction, facts.destination)
    case .source6(let direction): return facts.isIPv6 ? of(direction, facts.source) : nil
    case .destination6(let direction): return facts.isIPv6 ? of(direction, facts.destination) : nil
    case .sourcePort(let direction): return of(direction, facts.sourcePort)
    case .destinationPort(let direction): return of(direction, facts.destinationPort)
    case .packets(let direction): return UInt128(ofBoth(direction, facts.packets))
    case .bytes(let direction): return UInt128(ofBoth(direction, facts.bytes))
    case .averageLength(let direction):
      let packets = ofBoth(direction, facts.packets)
      return packets == 0 ? 0 : UInt128(ofBoth(direction, facts.bytes) / packets)
    }
  }

  /// `nil`: of the connection as a whole, which has one zone, in one direction or in both.
  private func zone(_ direction: FlowDirection?, _ facts: ConnectionFacts) -> UInt128 {
    switch direction {
    case .original: UInt128(facts.zones.original)
    case .reply: UInt128(facts.zones.reply)
    case nil: UInt128(facts.zones.original != 0 ? facts.zones.original : facts.zones.reply)
    }
  }
}
