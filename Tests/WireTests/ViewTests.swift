import Primitives
import TestSupport
import Testing
import Wire

/// What the DSL wrote, the views read.
struct ViewTests {
  @Test func `Ethernet, tags and ARP`() {
    Frame.arp(who: "10.0.0.2", tell: "10.0.0.1", vlan: [0xFFF]).withSpan { bytes in
      guard let ethernet = EthernetView(bytes), let tag = VLANTagView(ethernet.payload), let arp = ARPView(tag.payload)
      else { return #expect(Bool(false), "no ARP") }
      let (source, destination, type) = (ethernet.source, ethernet.destination, ethernet.etherType)
      #expect(source == MACAddress("02:00:00:00:00:01") && destination == MACAddress("ff:ff:ff:ff:ff:ff"))
      let (control, identifier, inner) = (tag.control, tag.identifier, tag.etherType)
      #expect(type == 0x8100 && control == 0x0FFF && identifier == 0xFFF && inner == 0x0806)
      let (operation, sender, target) = (arp.operation, arp.sender, arp.target)
      #expect(operation == 1 && sender == IPv4Address("10.0.0.1") && target == IPv4Address("10.0.0.2"))
      let (mine, yours) = (arp.senderHardware, arp.targetHardware)
      #expect(mine == MACAddress("02:00:00:00:00:01") && yours == MACAddress("00:00:00:00:00:00"))
    }
  }

  @Test func `ARP of other addresses is no ARP for IPv4`() {
    let message = Array(Frame.arp(who: "10.0.0.2", tell: "10.0.0.1").bytes[14...])
    for at in 0..<6 {
      var other = message
      other[at] ^= 1
      let isRead = Frame(other).withSpan { ARPView($0) != nil }
      #expect(!isRead, "byte \(at)")
    }
  }

  @Test func `IPv4 and its options`() {
    let datagram = Datagram.ipv4(
      from: "10.0.0.1", to: "192.0.2.53", ttl: 9, id: 0xBEEF, options: [1, 148, 4, 0, 0, 7, 3, 4, 0, 9]
    )
    .udp(from: 1, to: 2, payload: text(3))
    Frame(datagram.bytes + [9, 9]).withSpan { bytes in
      guard let header = IPv4View(bytes) else { return #expect(Bool(false), "no IPv4") }
      let (source, destination, ttl) = (header.source, header.destination, header.ttl)
      #expect(source == IPv4Address("10.0.0.1") && destination == IPv4Address("192.0.2.53") && ttl == 9)
      let (id, transport, payload) = (header.identification, header.transport, header.payload.byteCount)
      #expect(id == 0xBEEF && transport == 17 && payload == 11)
      let place = (header.fragmentOffset, header.moreFragments, header.dontFragment)
      #expect(place == (0, false, false))
      let (kinds, isMalformed) = kinds(of: header.options)
      #expect(kinds == [148, 7] && !isMalformed)
    }
  }

  @Test func `IPv6, its extension headers and its fragment header`() {
    let datagram = v6([.hopByHop, .fragment(id: 0xDEAD_BEEF, offset: 1232, more: true)]).raw(
      protocol: 17, payload: text(8))
    Frame(datagram.bytes + [9, 9]).withSpan { bytes in
      guard let header = IPv6View(bytes) else { return #expect(Bool(false), "no IPv6") }
      let (source, destination, hops) = (header.source, header.destination, header.hopLimit)
      #expect(source == IPv6Address("2001:db8::1") && destination == IPv6Address("2001:db8:1::53") && hops == 62)
      guard let options = IPv6ExtensionView(header.payload, kind: header.nextHeader),
        let fragment = IPv6FragmentView(options.payload)
      else { return #expect(Bool(false), "no headers") }
      let (kind, next, body) = (options.kind, options.nextHeader, options.body.byteCount)
      #expect(kind == 0 && next == 44 && body == 6)
      let (id, offset, more) = (fragment.identification, fragment.fragmentOffset, fragment.moreFragments)
      #expect(id == 0xDEAD_BEEF && offset == 1232 && more)
      let (transport, payload) = (fragment.nextHeader, fragment.payload.byteCount)
      #expect(transport == 17 && payload == 8)
    }
  }

  @Test func `TCP and its options`() {
    let datagram = v4.tcp(
      from: 4000, to: 80, flags: [.syn, .ack], seq: 0xFEED_F00D, ack: 0x0BAD_CAFE, window: 1234,
      options: [1, 2, 4, 5, 180, 4, 2, 0, 3, 3], payload: text(5))
    Frame(Array(datagram.bytes[20...])).withSpan { bytes in
      guard let segment = TCPView(bytes) else { return #expect(Bool(false), "no TCP") }
      let (from, to, flags) = (segment.sourcePort, segment.destinationPort, segment.flags)
      #expect(from == 4000 && to == 80 && flags == 0x12)
      let (sequence, acknowledgment, window) = (segment.sequence, segment.acknowledgment, segment.window)
      #expect(sequence == 0xFEED_F00D && acknowledgment == 0x0BAD_CAFE && window == 1234)
      let payload = segment.payload.byteCount
      #expect(payload == 5)
      let (kinds, isMalformed) = kinds(of: segment.options)
      #expect(kinds == [2, 4] && !isMalformed, "what stands behind the end of the list is no option")
    }
  }

  @Test(arguments: [[2], [2, 0], [2, 1, 1, 1], [2, 5, 1, 1], [1, 1, 1, 2]] as [[UInt8]])
  func `options that break off are malformed`(options: [UInt8]) {
    // Exactly as long as their header, so that no padding ends the list.
    let filled = Array(repeating: 1, count: (4 - options.count % 4) % 4) + options
    Frame(Array(v4.tcp(from: 1, to: 2, flags: [], options: filled).bytes[20...])).withSpan { bytes in
      guard let segment = TCPView(bytes) else { return #expect(Bool(false), "no TCP") }
      let (kinds, isMalformed) = kinds(of: segment.options)
      #expect(kinds.isEmpty && isMalformed)
    }
  }

  @Test func `UDP ends where it says`() {
    var bytes = Array(v4.udp(from: 4000, to: 53, payload: text(5)).bytes[20...])
    bytes.append(0xFF)
    Frame(bytes).withSpan { bytes in
      guard let datagram = UDPView(bytes) else { return #expect(Bool(false), "no UDP") }
      let (from, to, payload) = (datagram.sourcePort, datagram.destinationPort, datagram.payload.byteCount)
      #expect(from == 4000 && to == 53 && payload == 5)
    }
    for length: UInt16 in [0, 7, 15] {
      bytes.setWord(length, at: 4)
      let isRead = Frame(bytes).withSpan { UDPView($0) != nil }
      #expect(!isRead, "a length of \(length)")
    }
  }

  @Test func `ICMP, for both families`() {
    Frame(Array(v4.icmp(type: 3, code: 4, id: 0, seq: 1400, payload: text(28)).bytes[20...])).withSpan { bytes in
      guard let message = ICMPView(bytes) else { return #expect(Bool(false), "no ICMP") }
      let (type, code, rest, payload) = (message.type, message.code, message.rest, message.payload.byteCount)
      #expect(type == 3 && code == 4 && rest == 1400 && payload == 28)
    }
    Frame(Array(v6().icmpv6(type: 135, code: 7).bytes[40...])).withSpan { bytes in
      guard let message = ICMPv6View(bytes) else { return #expect(Bool(false), "no ICMPv6") }
      let (type, code, payload) = (message.type, message.code, message.payload.byteCount)
      #expect(type == 135 && code == 7 && payload == 4)
    }
  }

  @Test func `SCTP and its chunks`() {
    let chunks: [SCTPChunk] = [.initiation(tag: 1), .data(tsn: 7, text(5)), SCTPChunk(type: 11)]
    let packet = Array(v4.sctp(from: 5000, to: 36412, tag: 0xABCD_EF01, chunks: chunks).bytes[20...])
    for (cut, types, breaksOff) in [
      (0, [1, 0, 11], false), (4, [1, 0], false), (5, [1, 0], false), (8, [1, 0], true),
    ]
      as [(Int, [UInt8], Bool)]
    {
      Frame(packet.dropLast(cut)).withSpan { bytes in
        guard let view = SCTPView(bytes) else { return #expect(Bool(false), "no SCTP") }
        let (from, to, tag) = (view.sourcePort, view.destinationPort, view.verificationTag)
        #expect(from == 5000 && to == 36412 && tag == 0xABCD_EF01)
        var found: [UInt8] = []
        var rest = view.chunks
        while let chunk = rest.next() { found.append(chunk.type) }
        let isMalformed = rest.isMalformed
        #expect(found == types && isMalformed == breaksOff, "\(cut) bytes less")
      }
    }
  }

  @Test func `GRE with and without its fields`() {
    let cases: [(bytes: [UInt8], key: UInt32?, payload: Int)] = [
      ([0x00, 0, 8, 0] + text(3), nil, 3), ([0x20, 0, 8, 0, 0, 0, 0, 42] + text(3), 42, 3),
      ([0x00, 0x80, 8, 0] + text(3), nil, 3),  // an acknowledgment is version 1's
      ([0xB0, 0, 8, 0, 9, 9, 0, 0, 0, 0, 0, 42, 0, 0, 0, 1], 42, 0),
      ([0x30, 0x81, 0x88, 0x0B, 0, 4, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2] + text(4), 0x0004_0009, 4),
    ]
    for (bytes, key, payload) in cases {
      Frame(bytes).withSpan { bytes in
        guard let header = GREView(bytes) else { return #expect(Bool(false), "no GRE") }
        let (readKey, readPayload) = (header.key, header.payload.byteCount)
        #expect(readKey == key && readPayload == payload)
      }
    }
  }

  private func kinds(of options: consuming Options) -> (kinds: [UInt8], isMalformed: Bool) {
    var options = options
    var kinds: [UInt8] = []
    while let option = options.next() { kinds.append(option.kind) }
    return (kinds, options.isMalformed)
  }
}
