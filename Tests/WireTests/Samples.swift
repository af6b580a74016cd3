import TestSupport

/// Good packets, one of each kind: what Wire must read whole, cut and given in parts.
let samples: [(name: String, frame: Frame)] = [
  ("TCP", v4.tcp(from: 4000, to: 80, flags: [.syn], options: [2, 4, 5, 180, 1, 3, 3, 7]).frame(padTo: 60)),
  ("TCP with data", v4.tcp(from: 4000, to: 80, flags: [.ack, .psh], payload: text(100)).frame()),
  ("UDP", v4.udp(from: 4000, to: 53, payload: text(12)).frame(padTo: 60)),
  ("UDP, empty and unpadded", v4.udp(from: 4000, to: 53).frame()),
  ("UDP behind two tags", v4.udp(from: 4000, to: 53, payload: text(40)).frame(vlan: [7, 100])),
  (
    "IPv4 options",
    Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", options: [148, 4, 0, 0]).udp(from: 1, to: 2).frame()
  ),
  ("echo request", v4.icmp(id: 77, payload: text(56)).frame()),
  ("port unreachable", v4.icmp(type: 3, code: 3, id: 0, seq: 0, payload: v4.udp(from: 1, to: 2).bytes).frame()),
  ("SCTP", v4.sctp(from: 5000, to: 36412, tag: 9, chunks: [.data(tsn: 1, text(5)), .initiation(tag: 1)]).frame()),
  ("GRE", v4.gre(protocol: 0x0800, key: 42, payload: v4.udp(from: 1, to: 2).bytes).frame()),
  ("OSPF", v4.raw(protocol: 89, payload: text(24)).frame()),
  ("IPv4 fragment, first", v4.udp(from: 1, to: 2, payload: text(60)).fragments(size: 32)[0].frame()),
  ("IPv4 fragment, last", v4.udp(from: 1, to: 2, payload: text(60)).fragments(size: 32)[2].frame()),
  ("TCP over IPv6", v6().tcp(from: 4000, to: 443, flags: [.ack], payload: text(9)).frame(vlan: [5])),
  ("UDP over IPv6", v6().udp(from: 4000, to: 53, payload: text(12)).frame(padTo: 90)),
  ("ICMPv6 echo", v6().icmpv6(id: 78).frame()),
  ("SCTP over IPv6", v6().sctp(from: 1, to: 2, tag: 3, chunks: []).frame()),
  ("GRE over IPv6", v6().gre(protocol: 0x86DD).frame()),
  ("every extension header", v6(everyHeader).udp(from: 4000, to: 53, payload: text(3)).frame()),
  ("atomic fragment", v6([.hopByHop, .fragment(id: 3), .destination]).udp(from: 1, to: 2).frame()),
  ("IPv6 fragment, first", v6().tcp(from: 1, to: 2, flags: [.ack], payload: text(60)).fragments(size: 40)[0].frame()),
  ("IPv6 fragment, last", v6([.hopByHop]).udp(from: 1, to: 2, payload: text(60)).fragments(size: 40)[1].frame()),
  ("ESP", v6([.destination]).raw(protocol: 50, payload: text(40)).frame()),
  ("jumbogram", jumbogram(of: v6([.hopByHop(options: [0xC2, 4, 0, 0, 0, 0])]).udp(from: 1, to: 2, payload: text(50)))),
  ("ARP", .arp(who: "10.0.0.2", tell: "10.0.0.1")),
  ("LLDP", .etherType(0x88CC, text(40))),
  ("spanning tree", .llc(text(35))),
]

let v4 = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53", ttl: 61, id: 7, dontFragment: true)

func v6(_ headers: [ExtensionHeader] = []) -> Datagram {
  .ipv6(from: "2001:db8::1", to: "2001:db8:1::53", hopLimit: 62, headers: headers)
}

/// Each kind of extension header but the fragment header.
let everyHeader: [ExtensionHeader] =
  [.hopByHop, .destination, .routing, .auth] + [135, 139, 140, 253, 254].map { .custom($0, [0, 0, 0, 0, 0, 0, 0]) }

func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ 0x30) } }

/// The datagram with its length where a jumbogram has it: in the option of its hop-by-hop header.
func jumbogram(of datagram: Datagram) -> Frame {
  var frame = datagram.frame().damaged(.payloadLength(0))
  frame.bytes.setWord(UInt16(frame.count - 14 - 40), at: 14 + 46)
  return frame
}
