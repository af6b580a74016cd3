internal import Wire

/// Where a packet's headers are, found once for all rules; -1 for one that rules cannot read.
struct HeaderPlaces: BitwiseCopyable {
  var network: Int
  var transport: Int
  /// Just past what may be read.
  var end: Int

  @inline(__always)
  init(_ packet: PacketReference) {
    let summary = packet.it.summary
    network = summary.networkOffset > 0 ? Int(summary.networkOffset) : -1
    let isReadable = packet.it.hasTransport && summary.fragmentOffset == 0 && summary.transportOffset > 0
    transport = isReadable ? Int(summary.transportOffset) : -1
    end = packet.it.end
  }
}

extension RuleView {
  /// A value of at most 64 bits; false: the packet does not have it.
  @inline(__always)
  func load(
    _ load: Load, _ packet: PacketReference, _ places: HeaderPlaces, into value: inout UInt64
  ) -> Bool {
    let start: Int
    let end: Int
    switch load.kind {
    case .link: (start, end) = (0, packet.it.count)
    case .network: (start, end) = (places.network, places.end)
    case .transport: (start, end) = (places.transport, places.end)
    case .protocolNumber:
      value = UInt64(packet.it.summary.transport)
      return packet.it.hasTransport
    case .mark:
      value = UInt64(packet.it.mark)
      return true
    case .state:
      value = UInt64(packet.it.connection.wordForState(packet.it.effects))
      return true
    case .etherType:
      value = UInt64(packet.it.summary.etherType)
      return true
    case .networkFamily:
      value = load.which == 1 ? 5 : packet.it.summary.flags.contains(.ipv6) ? 10 : 2
      return true
    default:
      var wide: UInt128 = 0
      guard self.rarely(load, packet, places, into: &wide) else { return false }
      value = UInt64(truncatingIfNeeded: wide)
      return true
    }
    guard start >= 0 else { return false }
    let first = start &+ Int(load.offset >> 3)
    if load.bytes == 0 { return RuleView.bits(packet, start &* 8 &+ Int(load.offset), load.bits, end, into: &value) }
    guard first &+ Int(load.bytes) <= end else { return false }
    var word: UInt64
    switch load.bytes {
    case 1: word = UInt64(packet.it.byte(first))
    case 2: word = UInt64(packet.it.number(first, as: UInt16.self))
    case 4: word = UInt64(packet.it.number(first, as: UInt32.self))
    case 8: word = packet.it.number(first, as: UInt64.self)
    default:
      word = 0
      for i in 0..<Int(load.bytes) { word = word << 8 | UInt64(packet.it.byte(first &+ i)) }
    }
    word &>>= UInt64(load.shift)
    value = load.bits == 64 ? word : word & ((1 &<< UInt64(load.bits)) &- 1)
    return true
  }

  /// Any value.
  @inline(__always)
  func loadWide(
    _ load: Load, _ packet: PacketReference, _ places: HeaderPlaces, into value: inout UInt128
  ) -> Bool {
    guard load.kind.rawValue <= Load.Kind.transport.rawValue, load.bits > 64 else {
      if load.kind.rawValue > Load.Kind.transport.rawValue { return rarely(load, packet, places, into: &value) }
      var narrow: UInt64 = 0
      guard self.load(load, packet, places, into: &narrow) else { return false }
      value = UInt128(narrow)
      return true
    }
    let start = load.kind == .link ? 0 : load.kind == .network ? places.network : places.transport
    let end = load.kind == .link ? packet.it.count : places.end
    guard start >= 0 else { return false }
    if load.offset & 7 == 0, load.bits == 128 {
      let first = start &+ Int(load.offset >> 3)
      guard first &+ 16 <= end else { return false }
      value =
        UInt128(packet.it.number(first, as: UInt64.self)) << 64 | UInt128(packet.it.number(first &+ 8, as: UInt64.self))
      return true
    }
    return RuleView.wideBits(packet, start &* 8 &+ Int(load.offset), load.bits, end, into: &value)
  }

  @inline(never)
  static func wideBits(
    _ packet: PacketReference, _ start: Int, _ length: UInt8, _ end: Int, into value: inout UInt128
  ) -> Bool {
    let first = start >> 3
    let last = (start &+ Int(length) &- 1) >> 3
    guard length > 0, last < end else { return false }
    value = 0
    // The first byte's bits before the value fall out at the top where there are more than 128 of them.
    var at = first
    while at < last {
      value = value << 8 | UInt128(packet.it.byte(at))
      at &+= 1
    }
    let unused = 7 &- (start &+ Int(length) &- 1) & 7
    value = value << UInt128(8 &- unused) | UInt128(packet.it.byte(last) >> UInt8(unused))
    value &= lowBits(Int(length))
    return true
  }

  @inline(never)
  static func bits(
    _ packet: PacketReference, _ start: Int, _ length: UInt8, _ end: Int, into value: inout UInt64
  ) -> Bool {
    var wide: UInt128 = 0
    guard wideBits(packet, start, length, end, into: &wide) else { return false }
    value = UInt64(truncatingIfNeeded: wide)
    return true
  }

  /// What few rules read.
  @inline(never)
  func rarely(
    _ load: Load, _ packet: PacketReference, _ places: HeaderPlaces, into value: inout UInt128
  ) -> Bool {
    let isReply = load.bits == 1
    switch load.kind {
    case .link, .network, .transport, .mark, .etherType, .networkFamily, .protocolNumber, .state:
      var narrow: UInt64 = 0
      guard self.load(load, packet, places, into: &narrow) else { return false }
      value = UInt128(narrow)
    case .inputName: value = name(of: packet.it.ingress)
    case .outputName: value = name(of: packet.it.egress)
    case .inputIndex: value = packet.it.ingress < ports ? UInt128(packet.it.ingress) + 1 : 0
    case .outputIndex: value = packet.it.egress < ports ? UInt128(packet.it.egress) + 1 : 0
    case .length: value = UInt128(packet.it.datagramLength)
    case .packetType:
      value = 0
      guard packet.it.summary.flags.contains(.groupDestination) else { break }
      value = 2
      guard packet.it.count >= 6 else { break }
      let destination =
        UInt64(packet.it.number(0, as: UInt32.self)) << 16 | UInt64(packet.it.number(4, as: UInt16.self))
      if destination == 0xFFFF_FFFF_FFFF { value = 1 }
    case .ipv6Extension:
      guard packet.it.summary.etherType == EtherType.ipv6 else { return false }
      value = extensionHeader(load.which, packet, places) < 0 ? 0 : 1
    case .ipv6ExtensionField:
      guard packet.it.summary.etherType == EtherType.ipv6 else { return false }
      let start = extensionHeader(load.which, packet, places)
      guard start >= 0 else { return false }
      return RuleView.wideBits(packet, start &* 8 &+ Int(load.offset), load.bits, places.end, into: &value)
    case .tcpOptionExists: value = option(load.which, packet, places, bytes: 1) < 0 ? 0 : 1
    case .tcpOption:
      let start = option(load.which, packet, places, bytes: (Int(load.offset) &+ Int(load.bits) &+ 7) >> 3)
      guard start >= 0 else { return false }
      return RuleView.wideBits(packet, start &* 8 &+ Int(load.offset), load.bits, places.end, into: &value)
    case .zone:
      let hasZones = packet.it.effects.changes.contains(.zones)
      guard packet.it.connection.isConnection || !packet.it.connection.isKnown && hasZones else { return false }
      let zones = packet.it.connection.zones
      let zone =
        load.bits == 0
        ? zones.original : load.bits == 1 ? zones.reply : zones.original != 0 ? zones.original : zones.reply
      value = UInt128(zone)
    default:
      guard packet.it.connection.isConnection else { return false }
      switch load.kind {
      case .direction: value = UInt128(packet.it.connection.direction)
      case .status: value = UInt128(packet.it.connection.status)
      case .connectionMark: value = UInt128(packet.it.connection.mark)
      case .expiration: value = UInt128(packet.it.connection.expiration)
      case .id: value = UInt128(packet.it.connection.id)
      case .labels: value = packet.it.connection.labels
      case .connectionFamily: value = packet.it.connection.isIPv6 ? 10 : 2
      case .connectionTransport: value = UInt128(packet.it.connection.transport)
      case .source4, .source6:
        value = isReply ? packet.it.connection.source.1 : packet.it.connection.source.0
        return packet.it.connection.isIPv6 == (load.kind == .source6)
      case .destination4, .destination6:
        value = isReply ? packet.it.connection.destination.1 : packet.it.connection.destination.0
        return packet.it.connection.isIPv6 == (load.kind == .destination6)
      case .sourcePort: value = UInt128(isReply ? packet.it.connection.sourcePort.1 : packet.it.connection.sourcePort.0)
      case .destinationPort:
        value = UInt128(isReply ? packet.it.connection.destinationPort.1 : packet.it.connection.destinationPort.0)
      case .packets: value = UInt128(RuleView.choose(load.bits, packet.it.connection.packets))
      case .bytes: value = UInt128(RuleView.choose(load.bits, packet.it.connection.bytes))
      default:
        let packets = RuleView.choose(load.bits, packet.it.connection.packets)
        value = packets == 0 ? 0 : UInt128(RuleView.choose(load.bits, packet.it.connection.bytes) / packets)
      }
    }
    return true
  }

  @inline(__always)
  private static func choose(_ direction: UInt8, _ pair: (UInt64, UInt64)) -> UInt64 {
    direction == 0 ? pair.0 : direction == 1 ? pair.1 : pair.0 &+ pair.1
  }

  /// Where an IPv6 extension header starts, as ipv6_find_hdr finds it, or -1.
  private func extensionHeader(_ wanted: UInt8, _ packet: PacketReference, _ places: HeaderPlaces) -> Int {
    var at = places.network &+ 40
    guard places.network > 0, at <= places.end else { return -1 }
    var next = packet.it.byte(at &- 34)
    while true {
      let isWalked =
        switch next {
        case IPProtocol.hopByHop, IPProtocol.routing, IPProtocol.fragment, IPProtocol.authentication,
          IPProtocol.destination:
          true
        default: false
        }
      guard isWalked else { return next == wanted ? at : -1 }
      guard at &+ (next == IPProtocol.fragment ? 4 : 2) <= places.end else { return -1 }
      if next == wanted { return at }
      if next == IPProtocol.fragment, packet.it.number(at &+ 2, as: UInt16.self) & 0xFFF8 != 0 { return -1 }
      let length = Int(packet.it.byte(at &+ 1))
      let kind = next
      next = packet.it.byte(at)
      at &+=
        kind == IPProtocol.fragment ? 8 : kind == IPProtocol.authentication ? (length &+ 2) &* 4 : (length &+ 1) &* 8
    }
  }

  /// Where a TCP option starts, as nft_exthdr_tcp_eval finds it, or -1: none, or fewer than `bytes` of it.
  private func option(_ kind: UInt8, _ packet: PacketReference, _ places: HeaderPlaces, bytes: Int) -> Int {
    let start = places.transport
    guard start > 0, packet.it.summary.transport == IPProtocol.tcp, start &+ 20 <= places.end else { return -1 }
    let size = Int(packet.it.byte(start &+ 12) >> 4) &* 4
    guard size >= 20, start &+ size <= places.end else { return -1 }
    var at = 20
    while at < size &- 1 {
      let found = packet.it.byte(start &+ at)
      let length = found <= 1 ? 1 : max(Int(packet.it.byte(start &+ at &+ 1)), 1)
      if found == kind { return at &+ length <= size && bytes <= length ? start &+ at : -1 }
      at &+= length
    }
    return -1
  }
}

/// A packet where it lies: nothing copies its 400 bytes on the way through the rules.
@safe
struct PacketReference: BitwiseCopyable {
  private let pointer: UnsafeMutablePointer<RulePacket>

  /// - Parameter pointer: valid as long as this is used.
  @unsafe @inline(__always)
  init(_ pointer: UnsafeMutablePointer<RulePacket>) { unsafe self.pointer = pointer }

  var it: RulePacket {
    @inline(__always) _read { yield unsafe pointer.pointee }
    @inline(__always) nonmutating _modify { yield unsafe &pointer.pointee }
  }
}

extension RulePacket {
  /// A number of the frame, in host order; whoever asks has looked that it is there.
  @inline(__always)
  func number<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
    unsafe Value(bigEndian: UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: offset, as: type))
  }
}
