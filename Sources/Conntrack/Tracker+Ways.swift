internal import CSegment
public import Primitives
public import Wire

extension Tracker {
  /// How a packet is looked at, and its tuple when it has one.
  public static func way(
    of bytes: PacketBytes, _ summary: Summary, zone: UInt16, _ secret: HashSecret, into tuple: inout Tuple
  ) -> Way {
    guard !summary.flags.isDisjoint(with: [.ipv4, .ipv6]) else { return .untracked }
    // Only the first fragment of a datagram says whose it is.
    if summary.flags.contains(.fragment), !summary.flags.contains(.firstFragment) { return .untracked }
    guard summary.invalid == .none else { return .invalid }
    let isIPv6 = summary.flags.contains(.ipv6)
    var marks: TupleMarks = []
    var ports = (summary.sourcePort, summary.destinationPort)
    switch ProtocolGroup(summary.transport, isIPv6: isIPv6) {
    case .tcp, .udp, .udplite, .sctp: break
    case .icmp, .icmpv6:
      let kind = ICMPTracker.classify(summary)
      switch kind {
      case .error: return .error
      case .untracked: return .untracked
      case .request: marks = .question
      case .reply: marks = .answer
      case .other: return .invalid
      }
      guard let queryPorts = ICMPTracker.ports(summary, kind) else { return .invalid }
      ports = queryPorts
    case .gre:
      guard let keys = unsafe GRETracker.ports(bytes.span, summary) else { return .invalid }
      ports = keys
    case .other:
      // ICMP of the other family, or nothing at all behind the IPv6 header, is no protocol of its own.
      switch summary.transport {
      case IPProtocol.icmp, IPProtocol.icmpv6: return .invalid
      case IPProtocol.noNextHeader where isIPv6: return .invalid
      default: ports = (0, 0)
      }
    }
    let network = Int(summary.networkOffset)
    tuple =
      isIPv6
      ? Tuple(
        bytes.ipv6Pair(at: network), ports: ports, transport: summary.transport, zone: zone, marks: marks,
        secret: secret)
      : Tuple(
        source: bytes.ipv4(at: network &+ 12), destination: bytes.ipv4(at: network &+ 16),
        ports: ports, transport: summary.transport, zone: zone, marks: marks, secret: secret)
    return .flow
  }

  /// An ICMP error: related to the flow of the datagram it quotes, in the direction it goes itself.
  @inline(never)
  public mutating func judgeError(_ bytes: PacketBytes, _ summary: Summary, _ zones: ZonePair) -> Tracked {
    var quote = Quote()
    guard unsafe Quote.read(bytes.span, summary, into: &quote) == .none else {
      countError()
      return invalid(.icmpQuote)
    }
    guard let found = find(quote, zones), !connections.isExpired(found.slot, now: now) else {
      countError()
      return invalid(.icmpNoConnection)
    }
    // Without translation the error goes to whoever sent what it quotes.
    let network = Int(summary.networkOffset)
    let isRightTarget =
      quote.isIPv6
      ? bytes.ipv6Pair(at: network).destination == quote.source
      : bytes.ipv4(at: network + 16) == quote.ipv4Source.bits.bigEndian
    guard isRightTarget else {
      countError()
      return invalid(.icmpOuterAddress)
    }
    return Tracked(.related, found.direction, slot: Int32(found.slot))
  }

  /// The connection of a quoted datagram, and the direction of the error: that of the quote turned round.
  private func find(_ quote: Quote, _ zones: ZonePair) -> ConnectionTable.Found? {
    let isQuery = ProtocolGroup(quote.transport, isIPv6: quote.isIPv6).asks
    let marks: TupleMarks = isQuery ? (quote.isAnswer ? .question : .answer) : []
    let pair = IPv6Pair(source: quote.destination, destination: quote.source)
    let ports = (quote.destinationPort, quote.sourcePort)
    let tuple =
      quote.isIPv6
      ? Tuple(
        pair, ports: ports, transport: quote.transport, zone: zones.original, marks: marks, secret: secret)
      : Tuple(
        source: quote.ipv4Destination.bits.bigEndian, destination: quote.ipv4Source.bits.bigEndian, ports: ports,
        transport: quote.transport, zone: zones.original, marks: marks, secret: secret)
    return zones.isSplit ? connections.find(tuple, replyZone: zones.reply, pair) : connections.find(tuple, pair)
  }

  private func countError() { unsafe connections.counts.pointee.error &+= 1 }
}

extension Summary {
  /// Bytes of the IP datagram, its header included: what netfilter accounts. An IPv6 datagram that came in fragments, or
  /// in one, is as long as without the fragment header.
  @inlinable
  public var datagramLength: UInt64 {
    @inline(__always) get {
      let length = UInt64(datagramEnd &- UInt32(networkOffset))
      return fragmentHeader == 0 || flags.contains(.fragment) ? length : length &- 8
    }
  }
}
