import Primitives
import Rules
import TestSupport
import Wire

/// Frames that rules are asked about, in memory that stays while they are.
@safe
final class Packets {
  private var memory: [UnsafeMutableRawBufferPointer] = unsafe []

  deinit { for place in unsafe memory.indices { unsafe memory[place].deallocate() } }

  func packet(_ frame: Frame, ingress: UInt16 = 0, egress: UInt16 = 0xFFFF) -> RulePacket {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(frame.count, 1), alignment: 1)
    unsafe buffer.copyBytes(from: frame.bytes)
    unsafe memory.append(buffer)
    var summary = Summary()
    frame.withSpan { _ = Summary.read($0, frameLength: frame.count, into: &summary) }
    var packet = unsafe RulePacket(
      bytes: UnsafePointer(buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)), count: frame.count,
      summary: summary, ingress: ingress)
    packet.egress = egress
    return packet
  }
}

/// Packets of all kinds from a seed: few addresses and ports, so that rules of `RulesetGenerator` hold now and then.
struct PacketGenerator {
  var chance: SeededGenerator

  init(chance: SeededGenerator) { self.chance = chance }

  mutating func packet(_ hook: RuleHook, _ packets: Packets) -> RulePacket {
    var packet = packets.packet(
      frame(), ingress: one(of: [0, 0, 1, 2, 3, 9]),
      egress: hook == .forward || hook == .postrouting ? one(of: [0, 1, 2]) : 0xFFFF)
    packet.mark = UInt32(pick(0...7))
    packet.isTraced = pick(1...6) == 1
    packet.connection = facts(isKnown: hook != .raw && hook != .ingress && pick(1...20) > 1)
    return packet
  }

  private mutating func frame() -> Frame {
    let vlan: [UInt16] = one(of: [[], [], [], [1], [1, 2]])
    let to: MAC = one(of: [.two, .two, .broadcast, .lldp])
    if pick(1...30) == 1 { return Frame.arp(who: "10.0.0.1", tell: "10.0.0.2", vlan: vlan) }
    if pick(1...40) == 1 { return Frame.llc([1, 2, 3]) }
    let frame = datagram().frame(vlan: vlan, to: to, padTo: one(of: [0, 60]))
    // Some are cut: what rules read is not there.
    return pick(1...12) == 1 ? frame.prefix(pick(0...frame.count)) : frame
  }

  private mutating func datagram() -> Datagram {
    var datagram: Datagram
    let isIPv6 = pick(1...3) == 1
    if isIPv6 {
      let headers: [TestSupport.ExtensionHeader] = one(of: [
        [], [], [.hopByHop], [.hopByHop, .destination], [.routing, .auth], [.fragment(id: 7, offset: 0, more: true)],
        [.fragment(id: 7, offset: 24, more: false)], [.destination, .fragment(id: 9)],
        [.custom(135, [0, 0, 0, 0, 0, 0, 0])],
      ])
      datagram = .ipv6(
        from: "2001:db8::\(pick(0...5))", to: "2001:db8::\(pick(0...5))", hopLimit: one(of: [1, 64]), headers: headers)
    } else {
      datagram = .ipv4(
        from: "10.0.0.\(pick(0...7))", to: "10.0.0.\(pick(0...7))", ttl: one(of: [1, 64]),
        options: one(of: [[], [], [], [1, 1, 1, 0]]))
      if pick(1...10) == 1, case .ipv4(var header) = datagram.network {
        header.moreFragments = pick(0...1) == 1
        header.offset = 8 * pick(0...3)
        datagram.network = .ipv4(header)
      }
    }
    datagram.trafficClass = one(of: [0, 0, 0x28])
    let (from, to) = (UInt16(pick(0...12)), UInt16(pick(0...12)))
    let payload = [UInt8](repeating: 0x11, count: one(of: [0, 4, 40]))
    switch pick(1...10) {
    case 1...4:
      return datagram.tcp(
        from: from, to: to, flags: one(of: [.syn, .ack, [.syn, .ack], [.fin, .ack], .rst]),
        options: one(of: [[], [2, 4, 5, 0xB4], [1, 1, 3, 3, 7, 2, 4, 2, 24, 0, 0, 0], [8, 0, 2, 9], [2, 4, 5]]),
        payload: payload)
    case 5...7: return datagram.udp(from: from, to: to, payload: payload)
    case 8:
      return isIPv6
        ? datagram.icmpv6(type: one(of: [128, 129, 1]), payload: payload)
        : datagram.icmp(type: one(of: [8, 0, 3]), payload: payload)
    case 9: return datagram.sctp(from: from, to: to, tag: 5, chunks: [.data(tsn: 1, payload)])
    default: return datagram.raw(protocol: one(of: [47, 50, 253]), payload: payload)
    }
  }

  private mutating func facts(isKnown: Bool) -> ConnectionFacts {
    var facts = ConnectionFacts()
    facts.isKnown = isKnown
    guard isKnown else { return facts }
    facts.state = one(of: [1, 2, 4, 4, 8, 8, 64])
    facts.direction = UInt8(pick(0...1))
    facts.isIPv6 = pick(1...3) == 1
    facts.transport = one(of: [6, 17, 1])
    facts.status = one(of: [0, 4, 8, 14])
    facts.mark = UInt32(pick(0...7))
    facts.expiration = UInt64(pick(0...60_000))
    facts.id = UInt32(pick(1...30))
    facts.handle = UInt64(facts.id)
    facts.labels = one(of: [0, 1, 3])
    facts.zones = one(of: [(0, 0), (1, 1), (2, 0), (0, 2)])
    let base: UInt128 = facts.isIPv6 ? 0x2001_0DB8 << 96 : 0x0A00_0000
    facts.source = (base + UInt128(pick(0...5)), base + UInt128(pick(0...5)))
    facts.destination = (base + UInt128(pick(0...5)), base + UInt128(pick(0...5)))
    facts.sourcePort = (UInt16(pick(0...12)), UInt16(pick(0...12)))
    facts.destinationPort = (UInt16(pick(0...12)), UInt16(pick(0...12)))
    facts.packets = (UInt64(pick(0...9)), UInt64(pick(0...9)))
    facts.bytes = (UInt64(pick(0...900)), UInt64(pick(0...900)))
    return facts
  }

  mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &chance) }
  mutating func one<Value>(of values: [Value]) -> Value { values.randomElement(using: &chance)! }
}
