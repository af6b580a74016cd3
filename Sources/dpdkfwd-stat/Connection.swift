internal import Segment

/// A tracked connection, as it stood when its record was copied.
struct Connection {
  /// One direction's addresses and ports, as packets of that direction carry them.
  struct Tuple: Equatable {
    var source: String
    var destination: String
    /// ICMP: the identifier, and type * 256 + code; GRE: the keys.
    var sourcePort: UInt16
    var destinationPort: UInt16
    var zone: UInt16
  }

  struct Count: Equatable {
    var packets: UInt64
    var bytes: UInt64
  }

  /// What TCP tracking knows of one side.
  struct Side {
    var scale: UInt64
    var flags: UInt64
    var tag: UInt64  // of SCTP
  }

  let id: ConnectionID
  let lcore: UInt64
  let isIPv6: Bool
  let `protocol`: UInt8
  let state: UInt64
  let original: Tuple
  let reply: Tuple
  let counts: (original: Count, reply: Count)
  let sides: (original: Side, reply: Side)
  /// netfilter's IPS_* bits.
  let status: UInt64
  let mark: UInt64
  /// 16 bytes, bit 0 first; empty when it has none.
  let labels: [UInt8]
  /// Seconds since 1970.
  let start: UInt64
  /// Milliseconds, on the worker's clock modulo 2^32, and from now.
  let deadline: UInt32
  let remaining: Int
  /// The generation of its remembered outcome, and by which port each direction leaves; `nil`: not remembered.
  let cached: (generation: UInt64, original: UInt64?, reply: UInt64?)
}

extension Connection {
  enum Status {
    static let seenReply: UInt64 = 1 << 1
    static let assured: UInt64 = 1 << 2
    static let offloaded: UInt64 = 1 << 14
    static let offloadedToHardware: UInt64 = 1 << 15
  }

  enum Family {
    static let ipv4 = 2  // AF_INET
    static let ipv6 = 10  // AF_INET6
  }

  enum Number {
    static let icmp: UInt8 = 1
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let dccp: UInt8 = 33
    static let gre: UInt8 = 47
    static let icmpv6: UInt8 = 58
    static let sctp: UInt8 = 132
    static let udplite: UInt8 = 136
  }

  var isOffloaded: Bool { status & (Status.offloaded | Status.offloadedToHardware) != 0 }
  var isICMP: Bool { self.protocol == Number.icmp || self.protocol == Number.icmpv6 }
}

extension Connection.Tuple {
  /// The tuple of the answers: ends changed over, a query's type turned into its reply's (RFC 792, 950, 4443, 4620).
  func turned(protocol: UInt8) -> Connection.Tuple {
    guard `protocol` == Connection.Number.icmp || `protocol` == Connection.Number.icmpv6 else {
      return Connection.Tuple(
        source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort, zone: zone)
    }
    let pairs: [(UInt16, UInt16)] =
      `protocol` == Connection.Number.icmp ? [(8, 0), (13, 14), (15, 16), (17, 18)] : [(128, 129), (139, 140)]
    let type = destinationPort >> 8
    let answer = pairs.lazy.compactMap { $0.0 == type ? $0.1 : $0.1 == type ? $0.0 : nil }.first ?? type
    return Connection.Tuple(
      source: destination, destination: source, sourcePort: sourcePort,
      destinationPort: answer << 8 | destinationPort & 0xff, zone: zone)
  }
}
