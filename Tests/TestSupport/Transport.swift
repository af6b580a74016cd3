/// What an IP packet carries.
public enum Transport: Hashable, Sendable {
  case tcp(TCP)
  case udp(from: UInt16, to: UInt16, payload: [UInt8])
  case icmp(ICMP)
  case icmpv6(ICMP)
  case sctp(from: UInt16, to: UInt16, tag: UInt32, chunks: [SCTPChunk])
  case gre(protocol: UInt16, key: UInt32?, payload: [UInt8])
  case raw(protocol: UInt8, payload: [UInt8])

  public struct TCP: Hashable, Sendable {
    public var from: UInt16
    public var to: UInt16
    public var flags: TCPFlags
    public var seq: UInt32
    public var ack: UInt32
    public var window: UInt16
    public var options: [UInt8]
    public var payload: [UInt8]
  }

  public struct ICMP: Hashable, Sendable {
    public var type: UInt8
    public var code: UInt8
    public var id: UInt16
    public var seq: UInt16
    public var payload: [UInt8]
  }

  public var protocolNumber: UInt8 {
    switch self {
    case .icmp: 1
    case .tcp: 6
    case .udp: 17
    case .gre: 47
    case .icmpv6: 58
    case .sctp: 132
    case .raw(let number, _): number
    }
  }

  var reversed: Transport {
    switch self {
    case .tcp(var segment):
      (segment.from, segment.to) = (segment.to, segment.from)
      return .tcp(segment)
    case .udp(let from, let to, let payload): return .udp(from: to, to: from, payload: payload)
    case .sctp(let from, let to, let tag, let chunks): return .sctp(from: to, to: from, tag: tag, chunks: chunks)
    case .icmp(var message):
      message.type = [8: 0, 0: 8][message.type] ?? message.type
      return .icmp(message)
    case .icmpv6(var message):
      message.type = [128: 129, 129: 128][message.type] ?? message.type
      return .icmpv6(message)
    case .gre, .raw: return self
    }
  }
}

public struct TCPFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  public static let fin = TCPFlags(rawValue: 1)
  public static let syn = TCPFlags(rawValue: 2)
  public static let rst = TCPFlags(rawValue: 4)
  public static let psh = TCPFlags(rawValue: 8)
  public static let ack = TCPFlags(rawValue: 16)
  public static let urg = TCPFlags(rawValue: 32)
  public static let ece = TCPFlags(rawValue: 64)
  public static let cwr = TCPFlags(rawValue: 128)
}

/// One SCTP chunk (RFC 9260 §3.2); padded to four bytes on the wire.
public struct SCTPChunk: Hashable, Sendable {
  public let type: UInt8
  public let flags: UInt8
  public let value: [UInt8]

  public init(type: UInt8, flags: UInt8 = 0, value: [UInt8] = []) {
    (self.type, self.flags, self.value) = (type, flags, value)
  }

  /// A whole message in one DATA chunk, on stream 0.
  public static func data(tsn: UInt32, _ payload: [UInt8]) -> SCTPChunk {
    var value: [UInt8] = []
    value.append(tsn)
    return SCTPChunk(type: 0, flags: 3, value: value + [0, 0, 0, 0, 0, 0, 0, 0] + payload)
  }

  /// INIT; with `answer`, INIT ACK.
  public static func initiation(tag: UInt32, answer: Bool = false) -> SCTPChunk {
    var value: [UInt8] = []
    value.append(tag)
    value.append(UInt32(65536))  // receive window
    return SCTPChunk(type: answer ? 2 : 1, value: value + [0, 1, 0, 1, 0, 0, 0, 1])
  }
}

// MARK: Words for a datagram's transport

extension Datagram {
  private func carrying(_ transport: Transport) -> Datagram {
    var datagram = self
    datagram.transport = transport
    return datagram
  }

  public func udp(from: UInt16, to: UInt16, payload: [UInt8] = []) -> Datagram {
    carrying(.udp(from: from, to: to, payload: payload))
  }

  public func tcp(
    from: UInt16, to: UInt16, flags: TCPFlags, seq: UInt32 = 0, ack: UInt32 = 0, window: UInt16 = 65535,
    options: [UInt8] = [], payload: [UInt8] = []
  ) -> Datagram {
    carrying(
      .tcp(
        .init(
          from: from, to: to, flags: flags, seq: seq, ack: ack, window: window, options: options, payload: payload)))
  }

  /// By default an echo request; `id` and `seq` are the two words behind the checksum, whatever the type means by them.
  public func icmp(type: UInt8 = 8, code: UInt8 = 0, id: UInt16 = 1, seq: UInt16 = 1, payload: [UInt8] = []) -> Datagram
  {
    carrying(.icmp(.init(type: type, code: code, id: id, seq: seq, payload: payload)))
  }

  public func icmpv6(
    type: UInt8 = 128, code: UInt8 = 0, id: UInt16 = 1, seq: UInt16 = 1, payload: [UInt8] = []
  ) -> Datagram {
    carrying(.icmpv6(.init(type: type, code: code, id: id, seq: seq, payload: payload)))
  }

  public func sctp(from: UInt16, to: UInt16, tag: UInt32, chunks: [SCTPChunk]) -> Datagram {
    carrying(.sctp(from: from, to: to, tag: tag, chunks: chunks))
  }

  public func gre(protocol type: UInt16, key: UInt32? = nil, payload: [UInt8] = []) -> Datagram {
    carrying(.gre(protocol: type, key: key, payload: payload))
  }

  public func raw(protocol number: UInt8, payload: [UInt8] = []) -> Datagram {
    carrying(.raw(protocol: number, payload: payload))
  }
}

// MARK: Bytes

extension Transport {
  /// Header and payload; the addresses go into the checksum's pseudo header.
  public func bytes(from source: Address, to destination: Address) -> [UInt8] {
    switch self {
    case .raw(_, let payload): return payload
    case .gre(let type, let key, let payload): return Self.greBytes(type, key) + payload
    case .sctp(let from, let to, let tag, let chunks): return Self.sctpBytes(from, to, tag, chunks)
    case .icmp(let message):
      var bytes = message.bytes
      bytes.setWord(internetChecksum(bytes), at: 2)
      return bytes
    case .icmpv6(let message):
      var bytes = message.bytes
      bytes.setWord(pseudoChecksum(bytes, source, destination), at: 2)
      return bytes
    case .udp(let from, let to, let payload):
      var bytes: [UInt8] = []
      for number in [from, to, UInt16(8 + payload.count), 0] { bytes.append(number) }
      bytes += payload
      let checksum = pseudoChecksum(bytes, source, destination)
      bytes.setWord(checksum == 0 ? 0xffff : checksum, at: 6)  // zero means none was made: RFC 768
      return bytes
    case .tcp(let segment):
      var bytes = segment.bytes
      bytes.setWord(pseudoChecksum(bytes, source, destination), at: 16)
      return bytes
    }
  }

  private func pseudoChecksum(_ bytes: [UInt8], _ source: Address, _ destination: Address) -> UInt16 {
    var pseudo = source.bytes + destination.bytes
    pseudo.append(UInt32(bytes.count))
    pseudo.append(UInt32(protocolNumber))
    return internetChecksum(pseudo + bytes)
  }

  private static func greBytes(_ type: UInt16, _ key: UInt32?) -> [UInt8] {
    var bytes: [UInt8] = [key == nil ? 0 : 0x20, 0]
    bytes.append(type)
    if let key { bytes.append(key) }
    return bytes
  }

  private static func sctpBytes(_ from: UInt16, _ to: UInt16, _ tag: UInt32, _ chunks: [SCTPChunk]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(from)
    bytes.append(to)
    bytes.append(tag)
    bytes.append(UInt32(0))
    for chunk in chunks {
      bytes += [chunk.type, chunk.flags]
      bytes.append(UInt16(4 + chunk.value.count))
      bytes += chunk.value.padded(to: 4)
    }
    var checksum: [UInt8] = []
    checksum.append(castagnoli(bytes))
    bytes.replaceSubrange(8..<12, with: checksum)
    return bytes
  }
}

extension Transport.TCP {
  fileprivate var bytes: [UInt8] {
    let padded = options.padded(to: 4)
    var bytes: [UInt8] = []
    bytes.append(from)
    bytes.append(to)
    bytes.append(seq)
    bytes.append(ack)
    bytes += [UInt8(5 + padded.count / 4) << 4, flags.rawValue]
    bytes.append(window)
    return bytes + [0, 0, 0, 0] + padded + payload
  }
}

extension Transport.ICMP {
  fileprivate var bytes: [UInt8] {
    var bytes: [UInt8] = [type, code, 0, 0]
    bytes.append(id)
    bytes.append(seq)
    return bytes + payload
  }
}
