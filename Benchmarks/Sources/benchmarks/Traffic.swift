import TestSupport

/// Packets of one kind, as many as one burst holds or fewer.
struct Traffic {
  let name: String
  let frames: [Frame]

  static let all: [Traffic] = [
    Traffic(name: "ipv4-udp", frames: [udp.frame()]),
    Traffic(name: "ipv4-tcp", frames: [tcp(v4).frame()]),
    Traffic(name: "ipv6-udp", frames: [v6.udp(from: 4000, to: 53, payload: payload).frame()]),
    Traffic(name: "ipv6-tcp", frames: [tcp(v6).frame()]),
    Traffic(name: "vlan-ipv4-udp", frames: [udp.frame(vlan: [100])]),
    Traffic(name: "ipv4-icmp", frames: [v4.icmp(payload: payload).frame()]),
    Traffic(name: "ipv6-icmp", frames: [v6.icmpv6(payload: payload).frame()]),
    Traffic(name: "ipv4-fragments", frames: pieces(v4)),
    Traffic(name: "ipv6-fragments", frames: pieces(v6)),
    Traffic(name: "arp", frames: [.arp(who: "198.18.0.2", tell: "198.18.0.1")]),
    Traffic(name: "ipv4-damaged", frames: [damaged]),
    // What a burst of several kinds costs on top of its parts.
    Traffic(name: "mixed", frames: [udp.frame(), tcp(v4).frame(), v6.udp(from: 1, to: 2).frame(), tcp(v6).frame()]),
  ]

  private static let payload = [UInt8](repeating: 0x5a, count: 18)
  private static let v4 = Datagram.ipv4(from: "198.18.0.1", to: "198.19.0.1")
  private static let v6 = Datagram.ipv6(from: "2001:2::1", to: "2001:2::ffff:1")
  private static let udp = v4.udp(from: 4000, to: 53, payload: payload)

  private static func tcp(_ datagram: Datagram) -> Datagram {
    datagram.tcp(from: 4000, to: 80, flags: .ack, seq: 1, ack: 1, payload: payload)
  }

  /// A datagram in four pieces: a first, two in the middle, a last.
  private static func pieces(_ datagram: Datagram) -> [Frame] {
    datagram.udp(from: 4000, to: 53, payload: [UInt8](repeating: 1, count: 200)).fragments(size: 56).map { $0.frame() }
  }

  /// A TTL that the checksum does not know of: the worker drops it.
  private static var damaged: Frame {
    var frame = udp.frame()
    frame.bytes[22] ^= 1
    return frame
  }
}
