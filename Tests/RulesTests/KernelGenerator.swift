import TestSupport

/// Rules as text, and frames for a router between 10.0.0.0/24 and 10.0.1.0/24, 2001:db8::/64 and 2001:db8:1::/64. What
/// depends on time or on what the kernel keeps of dropped connections is left out.
struct KernelGenerator {
  private var chance: SeededGenerator
  private var family = "inet"
  private var hook = "forward"
  private var sets: [String] = []
  private var targets: [String] = []
  /// What one rule asks of one family of packets, no other of its matches may ask of the other.
  private var isIPv6 = false
  /// In the kernel a deleted element takes room until its collector comes: then no set gets full.
  private var deletes = false

  init(chance: SeededGenerator) { self.chance = chance }

  // MARK: Rules

  mutating func text() -> String {
    (0..<pick(1...3)).map { table($0) }.joined()
  }

  private mutating func table(_ number: Int) -> String {
    family = one(of: ["inet", "inet", "ip", "ip6", "netdev"])
    deletes = pick(1...2) == 1
    sets = family == "netdev" || family == "ip6" ? [] : ["seen", "nets"]
    var text = "table \(family) t\(number) {\n"
    if !sets.isEmpty {
      text += """
        set seen { type ipv4_addr . inet_service; size \(deletes ? 1000 : pick(3...40)); flags dynamic; }
        set nets { type ipv4_addr; flags interval; elements = { 10.0.0.2-10.0.0.4, 10.0.1.0/30 }; }
        map marks { type inet_service : mark; elements = { 1 : 0x11, 2 : 0x2, 3 : 0x23, 7 : 0x4 }; }

        """
    }
    hook = family == "netdev" ? "ingress" : "forward"
    let regular = (0..<pick(1...3)).map { "r\($0)" }
    for (place, name) in regular.enumerated().reversed() {
      targets = Array(regular.dropFirst(place + 1))
      text += "  chain \(name) {\n\(rules(pick(1...10)))  }\n"
    }
    targets = regular
    for number in 0..<pick(1...3) {
      hook =
        family == "netdev" ? "ingress" : one(of: ["prerouting", "prerouting", "forward", "forward", "postrouting"])
      let priority = one(of: hook == "prerouting" ? [-300, -150, 0, 10] : [-10, 0, 10])
      let device = hook == "ingress" ? " device \(one(of: ["a1", "b1"]))" : ""
      text += "  chain b\(number) {\n    type filter hook \(hook)\(device) priority \(priority); policy "
      text += "\(pick(1...12) == 1 && hook != "postrouting" ? "drop" : "accept");\n"
      // The router's own packets, of which we know nothing.
      if hook == "postrouting" {
        if family != "ip6" { text += "    ip daddr 224.0.0.0/4 accept\n" }
        if family != "ip" { text += "    ip6 daddr ff00::/8 accept\n" }
      }
      if priority == -300, pick(1...2) == 1 { text += "    \(match()) counter notrack\n" }
      text += "\(rules(one(of: [2, 6, 12, 24])))  }\n"
    }
    return text + "}\n"
  }

  private mutating func rules(_ count: Int) -> String {
    (0..<count).map { _ in "    \(rule())\n" }.joined()
  }

  private mutating func rule() -> String {
    isIPv6 = family == "ip6" || family != "ip" && pick(1...3) == 1
    // By itself: nft 1.0.6 moves such a match behind a counter to join it with another.
    if hook == "ingress", pick(1...10) == 1 { return "ether saddr 02:00:00:00:00:0\(pick(1...3)) counter" }
    var words = (0..<pick(0...2)).map { _ in match() }
    // In front: nft 1.0.6 asks for the family there, wherever the match stands.
    if isIPv6, pick(1...5) == 1 { words.insert("exthdr hbh \(one(of: ["exists", "missing"]))", at: 0) }
    words.append("counter")
    if pick(1...4) == 1 {
      words.append(match())
      words.append("counter")
    }
    if pick(1...4) == 1 {
      words.append(middle())
      words.append("counter")
    }
    switch pick(1...14) {
    case 1...3: words = [match(), match()] + words + [one(of: ["accept", "drop", "return"])]
    case 4...6 where !targets.isEmpty: words.append("\(one(of: ["jump", "jump", "goto"])) \(one(of: targets))")
    case 7 where !targets.isEmpty:
      words.append("th dport vmap { 1 : jump \(one(of: targets)), 2-4 : accept, 5 : return, 6 : continue }")
    case 8: words.append("meta l4proto . th dport vmap { tcp . 1 : drop, udp . 2-3 : accept, udp . 9 : continue }")
    default: break
    }
    return words.joined(separator: " ")
  }

  private mutating func middle() -> String {
    var choices = [
      "meta mark set \(pick(0...15))", "meta mark set meta mark xor 0x\(pick(1...9))",
      "meta mark set meta mark and 0x7 or 0x10", "limit rate 1/hour burst \(pick(1...20)) packets",
      "limit rate over 1/hour burst \(pick(1...20)) packets",
    ]
    if hook != "ingress" {
      choices += ["ct mark set \(pick(0...7))", "ct mark set meta mark", "meta mark set ct mark"]
    }
    if !sets.isEmpty, !isIPv6 {
      choices += [
        "add @seen { ip saddr . th dport }", "update @seen { ip saddr . th dport }",
        "ip saddr . th dport @seen", "meta mark set th dport map @marks",
      ]
      if deletes { choices.append("delete @seen { ip daddr . th dport }") }
    }
    return one(of: choices)
  }

  private mutating func match() -> String {
    let not = one(of: ["", "", "", "!= "])
    var choices = [
      "meta l4proto \(not)\(one(of: ["tcp", "udp", "icmp", "{ tcp, udp }"]))",
      "th dport \(not)\(port())", "th sport \(not)\(port())", "tcp dport \(not)\(port())", "udp dport \(not)\(port())",
      "tcp flags \(one(of: ["syn", "& (syn | ack) == syn", "ack", "!= syn"]))",
      "tcp option maxseg size \(not)\(one(of: ["1460", "500-1000", "{ 536, 1460 }"]))",
      "tcp option sack-perm \(one(of: ["exists", "missing"]))",
      "meta mark \(not)\(one(of: ["1", "{ 0, 2 }", "0-3"]))", "meta mark and 0x3 == 0x1", "meta mark & 0x6 != 0",
      "meta length \(one(of: ["< 50", "> 60", "!= 48", ">= 70"]))",
      "meta l4proto . th dport { tcp . \(pick(1...9)), udp . \(pick(1...4))-\(pick(5...9)) }",
      "iifname \(not)\(one(of: ["a1", "\"a*\"", "{ b1, c1 }"]))",
    ]
    if !isIPv6 {
      choices += [
        "ip saddr \(not)\(address(0))", "ip daddr \(not)\(address(1))", "ip saddr \(not)\(address(0))",
        "ip protocol \(one(of: ["tcp", "udp", "icmp"]))", "ip dscp \(not)\(one(of: ["cs1", "{ cs0, af11 }"]))",
        "ip saddr . ip daddr { 10.0.0.\(pick(1...8)) . 10.0.1.\(pick(1...4))-10.0.1.8, 10.0.0.0/30 . 10.0.1.2 }",
        "icmp type \(one(of: ["echo-request", "echo-reply", "{ echo-request, 3 }"]))",
        "ip length \(one(of: ["< 60", "28-40"]))", "ip frag-off & 0x4000 != 0",
      ]
    }
    if isIPv6 {
      choices += [
        "ip6 saddr \(not)2001:db8::\(pick(1...8))",
        "ip6 daddr \(not)2001:db8:1::\(pick(1...3))-2001:db8:1::\(pick(4...8))",
        "ip6 nexthdr \(one(of: ["tcp", "udp", "{ udp, 60 }"]))",
        "ip6 saddr . th dport { 2001:db8::\(pick(1...8)) . 1-5, 2001:db8::/125 . 9 }",
        "ip6 flowlabel \(one(of: ["0", "!= 7"]))",
        "icmpv6 type echo-request",
      ]
    }
    if hook != "ingress" {
      choices += [
        "ct state \(one(of: ["new", "established", "established,related", "invalid"]))",
        "ct state \(one(of: ["untracked", "{ new, untracked }", "!= new"]))",
        "ct mark \(not)\(pick(0...4))", "ct direction \(one(of: ["original", "reply"]))",
        "ct status \(one(of: ["seen-reply", "confirmed"]))",
        "meta l4proto \(one(of: ["tcp", "udp"])) ct original proto-dst \(not)\(port())",
        "meta l4proto udp ct reply proto-src \(port())",
      ]
      if !isIPv6 { choices += ["ct original ip saddr 10.0.0.\(pick(1...8))", "ct reply ip daddr 10.0.0.0/29"] }
    } else {
      choices.append("ether type \(isIPv6 ? "ip6" : "ip")")
    }
    if hook == "forward" || hook == "postrouting" { choices.append("oifname \(not)\(one(of: ["a1", "b1"]))") }
    if !sets.isEmpty, !isIPv6 {
      choices += [
        "ip saddr \(not)@nets", "ip daddr @nets", "ip saddr . th dport @seen", "th dport map @marks == \(pick(1...4))",
      ]
    }
    return one(of: choices)
  }

  private mutating func port() -> String {
    one(of: ["\(pick(1...9))", "\(pick(1...4))-\(pick(5...9))", "{ 1, 3, 5-7 }", "{ \(pick(1...4)), \(pick(5...9)) }"])
  }

  private mutating func address(_ side: Int) -> String {
    let net = "10.0.\(pick(1...4) == 1 ? 1 - side : side)"
    return one(of: [
      "\(net).\(pick(1...8))", "\(net).0/\(pick(29...31))", "\(net).\(pick(1...3))-\(net).\(pick(4...8))",
      "{ \(net).1, \(net).\(pick(2...3)), \(net).4/31, \(net).7 }",
    ])
  }

  // MARK: Frames

  mutating func frames(_ count: Int) -> [KernelFrame] {
    var flows: [Datagram] = []
    return (0..<count).map { _ in
      if flows.isEmpty || pick(1...3) > 1 { flows.append(datagram()) }
      let flow = pick(1...2) == 1 ? flows.count - 1 : pick(0...flows.count - 1)
      let isReply = pick(1...3) == 1
      let sent = isReply ? answer(flows[flow]) : flows[flow]
      let frame = sent.frame(from: one(of: [.one, "02:00:00:00:00:03"]))
      return KernelFrame(port: isReply ? "b0" : "a0", frame: frame, flow: number(of: flow, in: flows), isReply: isReply)
    }
  }

  /// The first flow with the same addresses and ports: it is the same connection.
  private func number(of flow: Int, in flows: [Datagram]) -> Int {
    func key(_ datagram: Datagram) -> [UInt8] {
      let transport = datagram.transport.bytes(from: datagram.source, to: datagram.destination)
      let isICMP = [1, 58].contains(datagram.transport.protocolNumber)
      return datagram.source.bytes + datagram.destination.bytes + [datagram.transport.protocolNumber]
        + (isICMP ? transport[4..<6] : transport[0..<4])
    }
    return flows.firstIndex { key($0) == key(flows[flow]) }!
  }

  private func answer(_ datagram: Datagram) -> Datagram {
    var answer = datagram.reversed
    if case .tcp(var segment) = answer.transport {
      segment.flags = [.syn, .ack]
      (segment.seq, segment.ack) = (5000, 1001)
      answer.transport = .tcp(segment)
    }
    return answer
  }

  private mutating func datagram() -> Datagram {
    var datagram: Datagram
    let isIPv6 = pick(1...3) == 1
    if isIPv6 {
      datagram = .ipv6(
        from: "2001:db8::\(pick(1...8))", to: "2001:db8:1::\(pick(1...8))",
        headers: one(of: [[], [], [], [.hopByHop], [.destination]]))
    } else {
      datagram = .ipv4(
        from: "10.0.0.\(pick(1...8))", to: "10.0.1.\(pick(1...8))", dontFragment: pick(0...1) == 1)
    }
    datagram.trafficClass = one(of: [0, 0, 0x20, 0x28])
    let (from, to) = (UInt16(pick(1...60)), UInt16(pick(1...9)))
    let payload = [UInt8](repeating: 1, count: one(of: [0, 10, 30]))
    switch pick(1...10) {
    case 1...4:
      return datagram.tcp(
        from: from, to: to, flags: .syn, seq: 1000,
        options: one(of: [[], [2, 4, 5, 0xB4], [2, 4, 2, 24, 4, 2, 1, 1]]))
    case 5...8: return datagram.udp(from: from, to: to, payload: payload)
    default:
      return isIPv6
        ? datagram.icmpv6(type: 128, id: from, payload: payload) : datagram.icmp(type: 8, id: from, payload: payload)
    }
  }

  private mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &chance) }
  private mutating func one<Value>(of values: [Value]) -> Value { values.randomElement(using: &chance)! }
}
