/// One IP packet, told in words and turned into bytes at the end: `Datagram.ipv4(from:to:).udp(from:to:payload:)`.
///
/// Lengths and checksums are always right here; what is to be wrong is done to the `Frame` (`Frame.damaged`).
public struct Datagram: Hashable, Sendable {
  public var source: Address
  public var destination: Address
  public var hopLimit: UInt8  // IPv4: TTL
  public var trafficClass: UInt8 = 0  // IPv4: type of service
  public var network: Network
  public var transport: Transport = .raw(protocol: 253, payload: [])  // for experiments: RFC 3692

  /// What one family has and the other has not.
  public enum Network: Hashable, Sendable {
    case ipv4(IPv4)
    case ipv6(IPv6)
  }

  public struct IPv4: Hashable, Sendable {
    public var id: UInt16
    public var dontFragment: Bool
    public var moreFragments = false
    public var offset = 0  // bytes, multiple of 8
    public var options: [UInt8]
  }

  public struct IPv6: Hashable, Sendable {
    public var flowLabel: UInt32 = 0
    public var headers: [ExtensionHeader]
  }

  public static func ipv4(
    from source: Address, to destination: Address, ttl: UInt8 = 64, id: UInt16 = 0, dontFragment: Bool = false,
    options: [UInt8] = []
  ) -> Datagram {
    precondition(!source.isIPv6 && !destination.isIPv6)
    return Datagram(
      source: source, destination: destination, hopLimit: ttl,
      network: .ipv4(IPv4(id: id, dontFragment: dontFragment, options: options)))
  }

  public static func ipv6(
    from source: Address, to destination: Address, hopLimit: UInt8 = 64, headers: [ExtensionHeader] = []
  ) -> Datagram {
    precondition(source.isIPv6 && destination.isIPv6)
    return Datagram(
      source: source, destination: destination, hopLimit: hopLimit, network: .ipv6(IPv6(headers: headers)))
  }

  /// The packet that answers this one: addresses and ports swapped, an echo request turned into its reply.
  public var reversed: Datagram {
    var answer = self
    (answer.source, answer.destination) = (destination, source)
    answer.transport = transport.reversed
    return answer
  }

  public var bytes: [UInt8] {
    let payload = transport.bytes(from: source, to: destination)
    switch network {
    case .ipv4(let header): return ipv4Header(header, payload: payload.count) + payload
    case .ipv6(let header): return ipv6Header(header, payload: payload.count) + payload
    }
  }

  private func ipv4Header(_ header: IPv4, payload: Int) -> [UInt8] {
    let options = header.options.padded(to: 4)
    precondition(options.count <= 40 && header.offset % 8 == 0)
    var bytes: [UInt8] = [0x45 + UInt8(options.count / 4), trafficClass]
    bytes.append(UInt16(20 + options.count + payload))
    bytes.append(header.id)
    bytes.append(
      (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0) | UInt16(header.offset / 8))
    bytes += [hopLimit, transport.protocolNumber, 0, 0] + source.bytes + destination.bytes + options
    bytes.setWord(internetChecksum(bytes), at: 10)
    return bytes
  }

  private func ipv6Header(_ header: IPv6, payload: Int) -> [UInt8] {
    let next = header.headers.dropFirst().map(\.type) + [transport.protocolNumber]
    let chain = zip(header.headers, next).flatMap { [$1] + $0.body }
    var bytes: [UInt8] = []
    bytes.append(6 << 28 | UInt32(trafficClass) << 20 | header.flowLabel)
    bytes.append(UInt16(chain.count + payload))
    bytes += [header.headers.first?.type ?? transport.protocolNumber, hopLimit]
    return bytes + source.bytes + destination.bytes + chain
  }
}

/// One IPv6 extension header (RFC 8200 §4): its type, and its bytes behind the next-header byte.
public struct ExtensionHeader: Hashable, Sendable {
  public let type: UInt8
  public let body: [UInt8]

  /// - Parameter body: from the header's second byte (its length, for most) to its end.
  public static func custom(_ type: UInt8, _ body: [UInt8]) -> ExtensionHeader {
    ExtensionHeader(type: type, body: body)
  }

  /// Hop-by-hop options; by default six bytes of padding.
  public static func hopByHop(options: [UInt8] = [1, 4, 0, 0, 0, 0]) -> ExtensionHeader { sized(0, options) }
  public static func destination(options: [UInt8] = [1, 4, 0, 0, 0, 0]) -> ExtensionHeader { sized(60, options) }
  public static let hopByHop = hopByHop()
  public static let destination = destination()
  /// Type 0, no segments left: a receiver passes it over.
  public static let routing = sized(43, [0, 0, 0, 0, 0, 0])
  /// SPI 1, sequence number 1, a 96-bit check value; its length counts in fours, less two (RFC 4302).
  public static let auth = ExtensionHeader(
    type: 51, body: [4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1] + [UInt8](repeating: 0xa5, count: 12))

  /// - Parameter offset: in bytes, a multiple of 8.
  public static func fragment(id: UInt32, offset: Int = 0, more: Bool = false) -> ExtensionHeader {
    precondition(offset % 8 == 0)
    var body: [UInt8] = [0]
    body.append(UInt16(offset) | (more ? 1 : 0))
    body.append(id)
    return ExtensionHeader(type: 44, body: body)
  }

  /// A header whose length byte counts units of 8 bytes beyond the first.
  private static func sized(_ type: UInt8, _ content: [UInt8]) -> ExtensionHeader {
    let padding = (8 - (content.count + 2) % 8) % 8
    let body = content + [UInt8](repeating: 0, count: padding)  // Pad1
    return ExtensionHeader(type: type, body: [UInt8((body.count + 2) / 8 - 1)] + body)
  }
}
