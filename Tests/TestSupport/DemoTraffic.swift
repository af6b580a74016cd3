/// A few thousand packets of many kinds, some damaged: what `Scripts/demo` sends when it is given no capture, and what
/// the end-to-end tests send when there is no corpus. Each packet says what a stateless bridge must do with it.
public struct DemoTraffic: Sendable {
  public struct Packet: Sendable {
    public let kind: String
    public let frame: Frame
    public let fate: Fate
  }

  public enum Fate: Hashable, Sendable {
    case crosses
    /// Good IP header, bad TCP or UDP inside: crosses unless settings say otherwise, and is counted.
    case invalid
    /// The drop reason's name.
    case dropped(String)
  }

  /// In order of sending: conversations mixed, each in its own order.
  public private(set) var packets: [Packet] = []

  /// Same seed, same packets.
  public init(seed: UInt64 = 1) {
    var chance = SeededGenerator(seed: seed)
    var stories: [[Packet]] = []
    for number in 0..<60 { stories.append(Self.tcp(number, &chance)) }
    for number in 0..<120 { stories.append(Self.dns(number, &chance)) }
    for number in 0..<40 { stories.append(Self.udp(number, &chance)) }
    for number in 0..<40 { stories.append(Self.echo(number, &chance)) }
    for number in 0..<60 { stories.append(Self.fragments(number, &chance)) }
    for number in 0..<20 { stories.append(Self.sctp(number, &chance)) }
    for number in 0..<10 { stories.append(Self.others(number, &chance)) }
    for number in 0..<8 { stories += Self.damage(number).map { [$0] } }
    mix(stories, &chance)
  }

  public var frames: [Frame] { packets.map(\.frame) }

  public func count(of fate: Fate) -> Int { packets.count { $0.fate == fate } }

  /// Packets per drop reason.
  public var drops: [String: Int] {
    packets.reduce(into: [:]) { drops, packet in
      if case .dropped(let reason) = packet.fate { drops[reason, default: 0] += 1 }
    }
  }

  /// Packets per kind.
  public var kinds: [String: Int] { packets.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 } }

  /// Draws the next packet from a random story until all are told.
  private mutating func mix(_ stories: [[Packet]], _ chance: inout SeededGenerator) {
    var waiting = stories.map { $0[...] }.filter { !$0.isEmpty }
    while !waiting.isEmpty {
      let index = Int.random(in: 0..<waiting.count, using: &chance)
      packets.append(waiting[index].removeFirst())
      if waiting[index].isEmpty { waiting.swapAt(index, waiting.count - 1) }
      if waiting.last!.isEmpty { waiting.removeLast() }
    }
  }
}

// MARK: Stories

extension DemoTraffic {
  /// From a client of its own to one of a few servers; IPv6 for every third number.
  private static func from(_ number: Int, headers: [ExtensionHeader] = []) -> Datagram {
    number % 3 == 2
      ? .ipv6(
        from: "2001:db8::\(String(0x1000 + number, radix: 16))", to: "2001:db8:53::\(1 + number % 5)",
        headers: headers)
      : .ipv4(
        from: "10.0.\(number / 250).\(1 + number % 250)", to: "192.0.2.\(1 + number % 5)",
        id: UInt16(0x1000 + number))
  }

  /// Tagged for some numbers: plain, VLAN, QinQ.
  private static func packet(_ kind: String, _ datagram: Datagram, _ number: Int, fromClient: Bool = true) -> Packet {
    let vlan: [UInt16] = [[], [], [], [100], [], [], [200, 100]][number % 7]
    let (here, there) = fromClient ? (MAC.one, MAC.two) : (MAC.two, MAC.one)
    return Packet(
      kind: kind, frame: datagram.frame(vlan: vlan, from: here, to: there, padTo: 60), fate: .crosses)
  }

  /// A whole connection: handshake, a request and its answer in pieces, both sides close.
  private static func tcp(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    let from = UInt16.random(in: 32768...60999, using: &chance)
    var (client, server) = (UInt32.random(in: 0...UInt32.max, using: &chance), chance.next().lowWord)
    var packets: [Packet] = []
    func say(_ flags: TCPFlags, up: Bool, payload: [UInt8] = [], options: [UInt8] = []) {
      let segment = Self.from(number).tcp(from: from, to: 80, flags: flags, options: options, payload: payload)
      var told = up ? segment : segment.reversed
      if case .tcp(var words) = told.transport {
        words.seq = up ? client : server
        words.ack = flags.contains(.ack) ? (up ? server : client) : 0
        told.transport = .tcp(words)
      }
      packets.append(packet("TCP", told, number, fromClient: up))
      let length = UInt32(payload.count) &+ (flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
      if up { client &+= length } else { server &+= length }
    }
    let offer: [UInt8] = [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7]  // segment size 1460, SACK, window scale 7
    say(.syn, up: true, options: offer)
    say([.syn, .ack], up: false, options: offer)
    say(.ack, up: true)
    say([.psh, .ack], up: true, payload: Array("GET /\(number) HTTP/1.1\r\n\r\n".utf8))
    for _ in 0..<Int.random(in: 1...6, using: &chance) {
      say(.ack, up: false, payload: chance.bytes(Int.random(in: 1...1400, using: &chance)))
      say(.ack, up: true)
    }
    say([.fin, .ack], up: false)
    say([.fin, .ack], up: true)
    say(.ack, up: false)
    return packets
  }

  private static func dns(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    var question: [UInt8] = []
    for word: UInt16 in [chance.next().lowWord.lowHalf, 0x0100, 1, 0, 0, 0] { question.append(word) }
    for label in ["host\(number)", "example", "org"] { question += [UInt8(label.utf8.count)] + Array(label.utf8) }
    question += [0, 0, 1, 0, 1]
    var answer = question
    answer[2] = 0x81
    answer[7] = 1
    answer += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, UInt8(number)]
    let from = UInt16.random(in: 1024...65535, using: &chance)
    return [
      packet("DNS", Self.from(number).udp(from: from, to: 53, payload: question), number),
      packet("DNS", Self.from(number).udp(from: from, to: 53, payload: answer).reversed, number, fromClient: false),
    ]
  }

  private static func udp(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    let from = UInt16.random(in: 1024...65535, using: &chance)
    return (0..<12).map { turn in
      let payload = chance.bytes(Int.random(in: 0...1200, using: &chance))
      let datagram = Self.from(number).udp(from: from, to: 4433, payload: payload)
      return packet("UDP", turn % 3 == 2 ? datagram.reversed : datagram, number, fromClient: turn % 3 != 2)
    }
  }

  private static func echo(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    (1...4).flatMap { turn -> [Packet] in
      let (id, seq, payload) = (UInt16(number), UInt16(turn), chance.bytes(56))
      let base = Self.from(number)
      let request =
        base.source.isIPv6
        ? base.icmpv6(id: id, seq: seq, payload: payload) : base.icmp(id: id, seq: seq, payload: payload)
      let kind = base.source.isIPv6 ? "ICMPv6" : "ICMP"
      return [packet(kind, request, number), packet(kind, request.reversed, number, fromClient: false)]
    }
  }

  /// Datagrams too long for the path, some pieces sent out of order.
  private static func fragments(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    let headers: [ExtensionHeader] = number % 2 == 0 ? [] : [.hopByHop, .destination]
    let payload = chance.bytes(Int.random(in: 1500...4000, using: &chance))
    let whole = Self.from(number, headers: headers).udp(from: UInt16(5000 + number), to: 4500, payload: payload)
    let pieces = whole.fragments(size: 1024, id: UInt32(number))
    let kind = whole.source.isIPv6 ? "IPv6 fragment" : "IPv4 fragment"
    return (number % 4 == 0 ? pieces.shuffled(using: &chance) : pieces).map { packet(kind, $0, number) }
  }

  private static func sctp(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    let (here, there) = (chance.next().lowWord, chance.next().lowWord)
    func say(_ chunk: SCTPChunk, tag: UInt32, up: Bool) -> Packet {
      let datagram = Self.from(number).sctp(from: UInt16(6000 + number), to: 2905, tag: tag, chunks: [chunk])
      return packet("SCTP", up ? datagram : datagram.reversed, number, fromClient: up)
    }
    return [
      say(.initiation(tag: here), tag: 0, up: true), say(.initiation(tag: there, answer: true), tag: here, up: false),
      say(SCTPChunk(type: 10, value: [1, 2, 3, 4]), tag: there, up: true),  // COOKIE ECHO
      say(SCTPChunk(type: 11), tag: here, up: false),  // COOKIE ACK
      say(.data(tsn: 1, chance.bytes(100)), tag: there, up: true),
    ]
  }

  /// What a bridge passes without looking, and IP with something unusual about it.
  private static func others(_ number: Int, _ chance: inout SeededGenerator) -> [Packet] {
    let ipv6 = Datagram.ipv6(
      from: "2001:db8::1", to: "2001:db8::2", headers: [.hopByHop, .routing, .destination, .auth])
    let ipv4 = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", options: [148, 4, 0, 0])  // router alert
    let inner = Self.from(number).udp(from: 1, to: 2, payload: chance.bytes(30))
    func other(_ kind: String, _ frame: Frame) -> Packet { Packet(kind: kind, frame: frame, fate: .crosses) }
    return [
      other("ARP", .arp(who: "10.0.0.2", tell: "10.0.0.1")),
      other("ARP", .arp(who: "10.0.0.2", tell: "10.0.0.1", answer: true, from: .two, to: .one)),
      other("LLDP", .etherType(EtherType.lldp, [2, 7, 4, 2, 0, 0, 0, 0, 1, 0, 0], to: .lldp, padTo: 60)),
      other("spanning tree", .llc([0, 0, 0, 0, 0] + chance.bytes(30))),
      other("LACP", .etherType(EtherType.slow, [1, 1] + chance.bytes(108), to: "01:80:c2:00:00:02")),
      other("unknown EtherType", .etherType(0x88b5, chance.bytes(50))),
      other("runt", Frame(chance.bytes(13))),
      other("IPv6 extension headers", ipv6.udp(from: 1, to: 2, payload: [1]).frame()),
      other("IPv4 options", ipv4.udp(from: 1, to: 2, payload: [1]).frame(padTo: 60)),
      other(
        "GRE",
        ipv4.gre(protocol: inner.source.isIPv6 ? EtherType.ipv6 : EtherType.ipv4, key: 7, payload: inner.bytes)
          .frame()),
    ]
  }

  /// Each fault of an IP header, and TCP and UDP that do not fit their datagram.
  private static func damage(_ number: Int) -> [Packet] {
    let vlan: [UInt16] = number % 2 == 0 ? [] : [300]
    let ipv4 = Datagram.ipv4(from: "10.9.0.1", to: "192.0.2.9", id: UInt16(number))
    let ipv6 = Datagram.ipv6(from: "2001:db8:9::1", to: "2001:db8:9::2")
    let payload = [UInt8](repeating: UInt8(number), count: 40)
    let tcp4 = ipv4.tcp(from: 1, to: 2, flags: .ack, payload: payload).frame(vlan: vlan)
    let udp4 = ipv4.udp(from: 1, to: 2, payload: payload).frame(vlan: vlan)
    let tcp6 = ipv6.tcp(from: 1, to: 2, flags: .ack, payload: payload).frame(vlan: vlan)
    let udp6 = ipv6.udp(from: 1, to: 2, payload: payload).frame(vlan: vlan)
    func lost(_ frame: Frame, _ damage: Damage, _ reason: String) -> Packet {
      Packet(kind: "damaged header", frame: frame.damaged(damage), fate: .dropped(reason))
    }
    func odd(_ frame: Frame, _ damage: Damage) -> Packet {
      Packet(kind: "damaged TCP or UDP", frame: frame.damaged(damage), fate: .invalid)
    }
    return [
      lost(udp4, .datagramTruncated(to: 19), "ipv4_short"),
      lost(udp4, .version(5), "ipv4_bad_version"),
      lost(tcp4, .headerLength(4), "ipv4_bad_header_length"),
      lost(udp4.damaged(.headerLength(15)), .datagramTruncated(to: 59), "ipv4_header_beyond_frame"),
      lost(tcp4, .totalLength(19), "ipv4_total_length_lt_header"),
      lost(udp4, .totalLength(69), "ipv4_total_length_gt_frame"),
      lost(tcp4, .ipv4Checksum, "ipv4_bad_checksum"),
      lost(udp6, .datagramTruncated(to: 39), "ipv6_short"),
      lost(tcp6, .version(4), "ipv6_bad_version"),
      lost(udp6, .payloadLength(49), "ipv6_payload_length_gt_frame"),
      odd(tcp4, .totalLength(20 + 19)), odd(udp4, .totalLength(20 + 7)), odd(tcp6, .payloadLength(19)),
      odd(tcp6, .tcpDataOffset(4)), odd(udp4, .udpLength(7)), odd(udp6, .udpLength(200)),
    ]
  }
}

extension UInt64 {
  fileprivate var lowWord: UInt32 { UInt32(truncatingIfNeeded: self) }
}

extension UInt32 {
  fileprivate var lowHalf: UInt16 { UInt16(truncatingIfNeeded: self) }
}
