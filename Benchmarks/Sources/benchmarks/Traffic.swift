import Pipeline
import TestSupport

/// Packets of one kind, as many as one burst holds or fewer.
struct Traffic {
  let name: String
  let frames: [Frame]
  var isTracked = true
  /// No connection comes twice.
  var isNew = false
  /// Fragments are put together.
  var isAssembled = false
  /// Beginnings, changes and ends of connections are told of.
  var isTold = false
  /// Every packet meets them.
  var rules: String?

  static let all: [Traffic] =
    connections + connections.map { Traffic(name: "\($0.name)-off", frames: $0.frames, isTracked: false) } + [
      Traffic(name: "vlan-ipv4-udp", frames: bothWays(udp).map { $0.frame(vlan: [100]) }),
      Traffic(name: "ipv4-icmp", frames: [v4.icmp(payload: payload).frame()]),
      Traffic(name: "ipv6-icmp", frames: [v6.icmpv6(payload: payload).frame()]),
      Traffic(name: "ipv4-fragments", frames: pieces(v4)),
      Traffic(name: "ipv6-fragments", frames: pieces(v6)),
      Traffic(name: "ipv4-datagrams-2", frames: datagrams(v4, of: 2), isAssembled: true),
      Traffic(name: "ipv4-datagrams-4", frames: datagrams(v4, of: 4), isAssembled: true),
      Traffic(name: "ipv4-datagrams-8", frames: datagrams(v4, of: 8), isAssembled: true),
      Traffic(
        name: "ipv4-datagrams-4-reversed", frames: datagrams(v4, of: 4, order: [3, 2, 1, 0]), isAssembled: true),
      Traffic(
        name: "ipv4-datagrams-4-shuffled", frames: datagrams(v4, of: 4, order: [2, 0, 3, 1]), isAssembled: true),
      Traffic(name: "ipv6-datagrams-4", frames: datagrams(v6, of: 4), isAssembled: true),
      Traffic(name: "arp", frames: [.arp(who: "198.18.0.2", tell: "198.18.0.1")]),
      Traffic(name: "ipv4-damaged", frames: [damaged]),
      Traffic(name: "ipv4-udp-new", frames: [udp.frame()], isNew: true),
      Traffic(name: "ipv4-tcp-new", frames: [syn.frame()], isNew: true),
      // Every burst of 32 that open is followed by one of 32 that are refused: half of what open and close cost.
      Traffic(name: "ipv4-tcp-refused", frames: refused),
      Traffic(name: "ipv4-udp-new-told", frames: [udp.frame()], isNew: true, isTold: true),
      Traffic(name: "ipv4-tcp-refused-told", frames: refused, isTold: true),
    ] + ruled

  /// Rules that none of the packets fits: nothing, a counter, or more on every hook stands behind them.
  private static let ruled: [Traffic] = [
    Traffic(name: "ipv4-udp-ruled", frames: connections[0].frames, rules: forward(addresses)),
    Traffic(name: "ipv4-tcp-ruled", frames: connections[1].frames, rules: forward(addresses)),
    Traffic(name: "ipv4-udp-counted", frames: connections[0].frames, rules: forward("\(addresses); counter")),
    Traffic(name: "ipv4-tcp-counted", frames: connections[1].frames, rules: forward("\(addresses); counter")),
    Traffic(name: "ipv4-udp-hooks", frames: connections[0].frames, rules: hooks),
    Traffic(name: "ipv4-udp-new-ruled", frames: [udp.frame()], isNew: true, rules: forward(addresses)),
  ]

  private static func forward(_ rules: String) -> String {
    "table inet bench { chain f { type filter hook forward priority 0; \(rules); } }"
  }

  private static var addresses: String {
    (0..<1000).map { "ip saddr 172.16.\($0 >> 8).\($0 & 255) drop" }.joined(separator: "; ")
  }

  private static let hooks = """
    table netdev n { chain i { type filter hook ingress device in priority 0; counter } }
    table inet bench {
      chain r { type filter hook prerouting priority raw; udp sport 9 notrack; }
      chain p { type filter hook prerouting priority mangle; meta mark set ct mark; }
      chain f { type filter hook forward priority 0; ct state invalid drop; counter; ct mark set 5 }
      chain o { type filter hook postrouting priority 0; oifname "out" counter; }
    }
    """

  /// What makes up nearly all of the load anywhere: packets of connections that both sides use, served by the cache.
  private static let connections: [Traffic] = [
    Traffic(name: "ipv4-udp", frames: bothWays(udp).map { $0.frame() }),
    Traffic(name: "ipv4-tcp", frames: tcp(v4)),
    Traffic(name: "ipv6-udp", frames: bothWays(v6.udp(from: 4000, to: 53, payload: payload)).map { $0.frame() }),
    Traffic(name: "ipv6-tcp", frames: tcp(v6)),
    // What a burst of several kinds costs on top of its parts.
    Traffic(
      name: "mixed",
      frames: bothWays(udp).map { $0.frame() } + tcp(v4) + bothWays(v6.udp(from: 1, to: 2)).map { $0.frame() } + tcp(v6)
    ),
  ]

  /// A worker that has come to know this traffic.
  ///
  /// - Parameter breaths: how many more it is to take; `isNew` traffic has enough connections for those only.
  func bench(breaths: Int) -> Bench {
    if isNew {
      let store = FrameStore(frames, copies: (breaths + 1) * Journey.burst, stride: 128)
      store.makeDistinct()
      let bench = Bench(store, connections: 2 * breaths * Journey.burst, isTold: isTold, rules: rules)
      bench.breathe(times: 1)
      return bench
    }
    let bench = Bench(
      FrameStore(frames, copies: max(Journey.burst, frames.count)), connections: isTracked ? 4096 : 0,
      fragments: isAssembled ? 4096 : 0, isTold: isTold, rules: rules)
    bench.settle(breaths: 2)
    return bench
  }

  /// A worker that tracks nothing, in that role.
  func bench(in role: Role) -> Bench {
    let bench = Bench(FrameStore(frames, copies: Journey.burst), connections: 0, role: role)
    bench.breathe(times: 1)
    return bench
  }

  private static let payload = [UInt8](repeating: 0x5a, count: 18)
  private static let v4 = Datagram.ipv4(from: FrameStore.someSource, to: "198.19.0.1")
  private static let v6 = Datagram.ipv6(from: "2001:2::1", to: "2001:2::ffff:1")
  private static let udp = v4.udp(from: 4000, to: 53, payload: payload)

  private static let syn = v4.tcp(from: 4000, to: 80, flags: .syn)

  private static func bothWays(_ datagram: Datagram) -> [Datagram] { [datagram, datagram.reversed] }

  /// Data and its answer, as good the second time as the first.
  private static func tcp(_ datagram: Datagram) -> [Frame] {
    let bytes = UInt32(payload.count)
    let data = datagram.tcp(from: 4000, to: 80, flags: .ack, seq: 1, ack: 1 + bytes, payload: payload)
    let answer = datagram.tcp(from: 80, to: 4000, flags: .ack, seq: 1, ack: 1 + bytes, payload: payload)
    return [data.frame(), turned(answer, like: datagram).frame()]
  }

  /// The same segment from the other end.
  private static func turned(_ segment: Datagram, like datagram: Datagram) -> Datagram {
    var turned = segment
    (turned.source, turned.destination) = (datagram.destination, datagram.source)
    return turned
  }

  /// Connection attempts and the RST that answers each.
  private static var refused: [Frame] {
    let attempts = (0..<UInt16(32)).map { v4.tcp(from: 4000 + $0, to: 80, flags: .syn) }
    let answers = (0..<UInt16(32)).map {
      turned(v4.tcp(from: 80, to: 4000 + $0, flags: [.rst, .ack], ack: 1), like: v4)
    }
    return (attempts + answers).map { $0.frame() }
  }

  /// A datagram in four pieces: a first, two in the middle, a last.
  private static func pieces(_ datagram: Datagram) -> [Frame] {
    datagram.udp(from: 4000, to: 53, payload: [UInt8](repeating: 1, count: 200)).fragments(size: 56).map { $0.frame() }
  }

  /// 32 datagrams in so many pieces of 64 bytes, all in the making at once: first one piece of each, then the next.
  private static func datagrams(_ datagram: Datagram, of count: Int, order: [Int]? = nil) -> [Frame] {
    let pieces = (0..<32).map { number in
      var datagram = datagram.udp(from: 4000, to: 53, payload: [UInt8](repeating: 1, count: 64 * count - 8))
      if case .ipv4(var header) = datagram.network {
        header.id = UInt16(number)
        datagram.network = .ipv4(header)
      }
      return datagram.fragments(size: 64, id: UInt32(number)).map { $0.frame() }
    }
    return (order ?? Array(0..<count)).flatMap { place in pieces.map { $0[place] } }
  }

  /// A TTL that the checksum does not know of: the worker drops it.
  private static var damaged: Frame {
    var frame = udp.frame()
    frame.bytes[22] ^= 1
    return frame
  }
}
