internal import Primitives

/// A packet in words, as in `iif eth0 ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp sport 1000 dport 80 flags syn`: headers and
/// their fields by nft's names. A field of the header before need not name it again.
struct DescribedPacket {
  var iif: String?
  var oif: String?
  var mark: UInt32 = 0
  var frame = FrameWords()
  var connection = ConnectionWords()

  /// What is told of a packet's connection; `nil`: what follows from the rest.
  struct ConnectionWords {
    var state: UInt8 = 8
    var isReply = false
    var mark: UInt32 = 0
    var zone: UInt16 = 0
    var status: UInt32?
    var labels: UInt128 = 0
  }

  /// What the frame is made of.
  struct FrameWords {
    var source = MACAddress(bits: 0x0200_0000_0001)
    var destination = MACAddress(bits: 0x0200_0000_0002)
    var vlan: UInt16?
    var etherType: UInt16?
    var source4 = IPv4Address("10.0.0.1")!
    var destination4 = IPv4Address("10.0.0.2")!
    var source6 = IPv6Address("fd00::1")!
    var destination6 = IPv6Address("fd00::2")!
    var isIPv6 = false
    var namesFamily = false
    var hopLimit: UInt8 = 64
    var dscp: UInt8 = 0
    var transport: UInt8 = 17
    var namesTransport = false
    var sourcePort: UInt16 = 1024
    var destinationPort: UInt16 = 80
    var tcpFlags: UInt8 = 0x02
    var icmpType: UInt8 = 8
    var icmpCode: UInt8 = 0
    /// Bytes behind the transport header.
    var payload = 0
  }

  struct WordError: Error, CustomStringConvertible {
    var description: String
  }

  init(_ text: String) throws(WordError) {
    var words = text.split(whereSeparator: \.isWhitespace).map(String.init)[...]
    var header = ""
    while let word = words.popFirst() {
      if Self.headers.contains(word), !(word == "mark" && header == "ct") {
        header = word
        if Self.standAlone.contains(word) { try set(word, "", &words) } else { try open(word) }
        continue
      }
      try set(header, word, &words)
    }
  }

  private static let headers: Set<String> = [
    "iif", "iifname", "oif", "oifname", "mark", "meta", "ether", "vlan", "ip", "ip6", "tcp", "udp", "udplite", "sctp",
    "icmp", "icmpv6", "ct", "proto", "payload",
  ]
  /// They are followed by a value, not by a field's name.
  private static let standAlone: Set<String> = ["iif", "iifname", "oif", "oifname", "mark", "proto", "payload"]

  /// A header that is named is there.
  private mutating func open(_ header: String) throws(WordError) {
    switch header {
    case "ip": try family(isIPv6: false)
    case "ip6": try family(isIPv6: true)
    case "icmp":
      try family(isIPv6: false)
      try transport(1)
    case "icmpv6":
      try family(isIPv6: true)
      if frame.transport != 58 { frame.icmpType = 128 }
      try transport(58)
    case "tcp": try transport(6)
    case "udp": try transport(17)
    case "udplite": try transport(136)
    case "sctp": try transport(132)
    default: break
    }
  }

  private mutating func family(isIPv6: Bool) throws(WordError) {
    guard !frame.namesFamily || frame.isIPv6 == isIPv6 else {
      throw WordError(description: "a packet is of IPv4 or of IPv6")
    }
    (frame.isIPv6, frame.namesFamily) = (isIPv6, true)
  }

  private mutating func transport(_ number: UInt8) throws(WordError) {
    guard !frame.namesTransport || frame.transport == number else {
      throw WordError(description: "a packet has one transport protocol")
    }
    (frame.transport, frame.namesTransport) = (number, true)
  }

  private mutating func set(_ header: String, _ field: String, _ words: inout ArraySlice<String>) throws(WordError) {
    let name = field.isEmpty ? header : header.isEmpty ? field : "\(header) \(field)"
    guard let known = Self.fields[name] else { throw WordError(description: "\(name): there is no such field") }
    guard let value = words.popFirst() else { throw WordError(description: "\(name): a value is missing") }
    guard known(&self, value) else { throw WordError(description: "\(name): \(value) is no value for it") }
  }

  private typealias Setter = @Sendable (inout DescribedPacket, String) -> Bool

  /// By their names; they say whether the value is one.
  private static let fields: [String: Setter] = {
    var fields: [String: Setter] = [
      "iif": name(\.iif), "iifname": name(\.iif), "meta iif": name(\.iif), "meta iifname": name(\.iif),
      "oif": name(\.oif), "oifname": name(\.oif), "meta oif": name(\.oif), "meta oifname": name(\.oif),
      "mark": number(\.mark), "meta mark": number(\.mark), "proto": transport, "meta l4proto": transport,
      "ip protocol": transport, "ip6 nexthdr": transport, "payload": number(\.frame.payload, most: 9000),
      "ether saddr": parsed(\.frame.source) { MACAddress($0) },
      "ether daddr": parsed(\.frame.destination) { MACAddress($0) },
      "ether type": parsed(\.frame.etherType) { etherTypes[$0] ?? number($0).flatMap { UInt16(exactly: $0) } },
      "vlan id": parsed(\.frame.vlan) { number($0).flatMap { $0 < 4096 ? UInt16($0) : nil } },
      "ip saddr": parsed(\.frame.source4) { IPv4Address($0) },
      "ip daddr": parsed(\.frame.destination4) { IPv4Address($0) },
      "ip6 saddr": parsed(\.frame.source6) { IPv6Address($0) },
      "ip6 daddr": parsed(\.frame.destination6) { IPv6Address($0) },
      "ip ttl": number(\.frame.hopLimit), "ip6 hoplimit": number(\.frame.hopLimit),
      "ip dscp": number(\.frame.dscp, most: 63), "ip6 dscp": number(\.frame.dscp, most: 63),
      "tcp flags": parsed(\.frame.tcpFlags) { bits($0, tcpFlags).map { UInt8($0) } },
      "icmp type": parsed(\.frame.icmpType) { icmpTypes[$0] ?? number($0).flatMap { UInt8(exactly: $0) } },
      "icmpv6 type": parsed(\.frame.icmpType) { icmpv6Types[$0] ?? number($0).flatMap { UInt8(exactly: $0) } },
      "icmp code": number(\.frame.icmpCode), "icmpv6 code": number(\.frame.icmpCode),
      "ct state": parsed(\.connection.state) { states[$0] },
      "ct direction": parsed(\.connection.isReply) { ["original": false, "reply": true][$0] },
      "ct mark": number(\.connection.mark), "ct zone": number(\.connection.zone),
      "ct status": parsed(\.connection.status) { bits($0, statuses) },
      "ct label": parsed(\.connection.labels) { number($0).flatMap { $0 < 128 ? 1 << UInt128($0) : nil } },
    ]
    for header in ["tcp", "udp", "udplite", "sctp"] {
      fields["\(header) sport"] = number(\.frame.sourcePort)
      fields["\(header) dport"] = number(\.frame.destinationPort)
    }
    return fields
  }()

  private static func name(_ path: any WritableKeyPath<DescribedPacket, String?> & Sendable) -> Setter {
    parsed(path) { $0.isEmpty ? nil : $0 }
  }

  private static func number<Number: FixedWidthInteger & Sendable>(
    _ path: any WritableKeyPath<DescribedPacket, Number> & Sendable, most: Number = .max
  ) -> Setter {
    parsed(path) { word in number(word).flatMap { Number(exactly: $0) }.flatMap { $0 <= most ? $0 : nil } }
  }

  private static func parsed<Value>(
    _ path: any WritableKeyPath<DescribedPacket, Value> & Sendable, _ read: @escaping @Sendable (String) -> Value?
  ) -> Setter {
    { packet, word in
      guard let value = read(word) else { return false }
      packet[keyPath: path] = value
      return true
    }
  }

  private static let transport: Setter = { packet, word in
    guard let number = transports[word] ?? number(word).flatMap({ UInt8(exactly: $0) }) else { return false }
    guard !packet.frame.namesTransport || packet.frame.transport == number else { return false }
    (packet.frame.transport, packet.frame.namesTransport) = (number, true)
    return true
  }

  /// Decimal, or hexadecimal behind `0x`.
  private static func number(_ word: String) -> UInt64? {
    word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
  }

  /// Words between commas or bars, together; a number stands for itself.
  private static func bits(_ word: String, _ known: [String: UInt32]) -> UInt32? {
    var all: UInt32 = 0
    for part in word.split(whereSeparator: { $0 == "," || $0 == "|" }) {
      guard let bit = known[String(part)] ?? number(String(part)).flatMap({ UInt32(exactly: $0) }) else { return nil }
      all |= bit
    }
    return all
  }

  private static let etherTypes: [String: UInt16] = ["ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806, "vlan": 0x8100]
  private static let transports: [String: UInt8] = [
    "icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "sctp": 132,
    "udplite": 136,
  ]
  private static let tcpFlags: [String: UInt32] = [
    "fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128,
  ]
  private static let icmpTypes: [String: UInt8] = [
    "echo-reply": 0, "destination-unreachable": 3, "redirect": 5, "echo-request": 8, "time-exceeded": 11,
    "parameter-problem": 12, "timestamp-request": 13, "timestamp-reply": 14,
  ]
  private static let icmpv6Types: [String: UInt8] = [
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128,
    "echo-reply": 129, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
    "nd-neighbor-advert": 136,
  ]
  private static let states: [String: UInt8] = [
    "invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64,
  ]
  private static let statuses: [String: UInt32] = [
    "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512,
  ]
}
