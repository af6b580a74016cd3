import TestSupport
import Wire

/// Packets to draw from: few addresses and ports, so that they collide, answer each other and are their own answer.
enum PropertyTraffic {
  struct Packet {
    var frame: Frame
    var summary: Summary
    var kind: TrackerModel.Kind
  }

  static let all: [Packet] = {
    let flows = addresses.flatMap { source in
      addresses.filter { $0.isIPv6 == source.isIPv6 }.flatMap { PropertyTraffic.flows(from: source, to: $0) }
    }
    let errors = flows.enumerated().compactMap { i, flow in i % 3 == 0 ? error(about: flow, i) : nil }
    return (flows + errors + others).map { datagram, kind in
      let frame = datagram.frame()
      var summary = Summary()
      frame.withSpan { span in _ = Summary.read(span, frameLength: span.byteCount, into: &summary) }
      return Packet(frame: frame, summary: summary, kind: kind)
    }
  }()

  static let byFlow: [TrackerModel.Flow: Packet] = {
    let flows = all.compactMap { packet in
      if case .flow(let flow, _) = packet.kind { (flow, packet) } else { nil }
    }
    return Dictionary(flows, uniquingKeysWith: { first, _ in first })
  }()

  private typealias Told = (Datagram, TrackerModel.Kind)

  private static let addresses: [Address] = [
    "10.0.0.1", "10.0.0.2", "192.0.2.53", "2001:db8::1", "2001:db8::2", "fd00::1:0:0:1",
  ]
  /// 2048 is also the second word of an echo request's tuple.
  private static let ports: [UInt16] = [1, 53, 2048]

  private static func flows(from source: Address, to destination: Address) -> [Told] {
    let datagram =
      source.isIPv6 ? Datagram.ipv6(from: source, to: destination) : .ipv4(from: source, to: destination)
    let tell = { (packet: Datagram, a: UInt16, b: UInt16) -> Told in
      let flow = TrackerModel.Flow(
        source: source, destination: destination, proto: packet.transport.protocolNumber, a: a, b: b)
      return (packet, .flow(flow, bytes: UInt64(packet.bytes.count)))
    }
    var told: [Told] = []
    for a in ports {
      for b in ports {
        told.append(tell(datagram.udp(from: a, to: b, payload: [1, 2, 3]), a, b))
        told.append(tell(datagram.raw(protocol: 136, payload: udplite(a, b)), a, b))
      }
      for (type, code) in source.isIPv6
        ? [(128, 0), (129, 0), (139, 1), (140, 1)]
        : [(8, 0), (0, 0), (13, 0), (14, 0)]
          as [(UInt8, UInt8)]
      {
        let packet =
          source.isIPv6
          ? datagram.icmpv6(type: type, code: code, id: a) : datagram.icmp(type: type, code: code, id: a)
        told.append(tell(packet, a, UInt16(type) << 8 | UInt16(code)))
      }
      // PPTP: the call at the destination.
      let call: [UInt8] = [0x30, 0x01, 0x88, 0x0B, 0, 0, UInt8(a >> 8), UInt8(a & 0xFF), 0, 0, 0, 0]
      told.append(tell(datagram.raw(protocol: 47, payload: call), 0, a))
    }
    told.append(tell(datagram.gre(protocol: 0x0800, payload: [1]), 0, 0))
    told.append(tell(datagram.gre(protocol: 0x0800, key: 7, payload: [1, 2]), 0, 0))
    told.append(tell(datagram.raw(protocol: 99, payload: [9]), 0, 0))
    told.append(tell(datagram.raw(protocol: 89, payload: []), 0, 0))
    return told
  }

  /// Coverage of all, and a checksum that nobody adds up.
  private static func udplite(_ from: UInt16, _ to: UInt16) -> [UInt8] {
    [UInt8(from >> 8), UInt8(from & 0xFF), UInt8(to >> 8), UInt8(to & 0xFF), 0, 0, 1, 1, 5]
  }

  /// The error goes to the sender of what it quotes, or now and then to someone else.
  private static func error(about quoted: Told, _ i: Int) -> Told {
    guard case .flow(let flow, _) = quoted.1 else { preconditionFailure("an error quotes a flow") }
    let receiver = i % 12 == 0 ? flow.destination : flow.source
    let quote = Array(quoted.0.bytes.prefix(flow.isIPv6 ? 48 : 28))
    let packet =
      flow.isIPv6
      ? Datagram.ipv6(from: "2001:db8:ffff::1", to: receiver).icmpv6(type: 3, code: 0, id: 0, seq: 0, payload: quote)
      : Datagram.ipv4(from: "198.51.100.1", to: receiver).icmp(type: 11, code: 0, id: 0, seq: 0, payload: quote)
    return (packet, .error(about: flow, to: receiver))
  }

  private static let others: [Told] = [
    (.ipv6(from: "fe80::1", to: "fe80::2").icmpv6(type: 135), .untracked),
    (.ipv6(from: "fe80::1", to: "ff02::16").icmpv6(type: 143), .untracked),
    (.ipv4(from: "10.0.0.1", to: "10.0.0.2").icmp(type: 42), .invalid),
    (.ipv6(from: "2001:db8::1", to: "2001:db8::2").icmpv6(type: 200), .invalid),
    // UDP-Lite without a checksum: RFC 3828 §3.1.
    (.ipv4(from: "10.0.0.1", to: "10.0.0.2").raw(protocol: 136, payload: [0, 9, 0, 9, 0, 0, 0, 0]), .invalid),
    // GRE version 1 that carries no PPP.
    (.ipv4(from: "10.0.0.1", to: "10.0.0.2").raw(protocol: 47, payload: [0x20, 1, 8, 0, 0, 0, 0, 1]), .invalid),
    // An error about an error.
    (
      .ipv4(from: "10.0.0.1", to: "10.0.0.2").icmp(
        type: 3, payload: Datagram.ipv4(from: "10.0.0.2", to: "10.0.0.1").icmp(type: 3).bytes), .invalid
    ),
  ]
}
