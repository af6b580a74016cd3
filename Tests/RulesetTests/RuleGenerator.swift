import TestSupport

/// Random rulesets of sound rules, all from one seed.
struct RuleGenerator {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func ruleset() -> String {
    let family = ["ip", "ip6", "inet"].randomElement(using: &generator) ?? "ip"
    var text = "table \(family) t {\n"
    text += "  counter hits {\n    packets \(number(0...9)) bytes \(number(0...999))\n  }\n"
    text += "  limit slow {\n    rate \(number(1...99))/minute\n  }\n"
    text += "  set ports {\n    type inet_service\n    flags interval\n    elements = { \(ports()) }\n  }\n"
    text += "  set seen {\n    type inet_service\n    size 100\n    flags dynamic,timeout\n    timeout 1m\n  }\n"
    text +=
      "  map verdicts {\n    type inet_service : verdict\n    elements = { 1 : accept, 2 : jump other }\n  }\n"
    text += "  chain other {\n\(rules(1...3, family).replacing("@verdicts", with: "{ 5 : return }"))  }\n"
    let hook = ["prerouting", "forward", "postrouting"].randomElement(using: &generator) ?? "forward"
    let policy = Bool.random(using: &generator) ? "accept" : "drop"
    text += "  chain main {\n    type filter hook \(hook) priority \(number(-310...310)); policy \(policy);\n"
    return text + rules(1...6, family) + "    jump other\n  }\n}\n"
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
  private mutating func pick(_ words: [String]) -> String { words.randomElement(using: &generator) ?? "" }

  private mutating func rules(_ count: ClosedRange<Int>, _ family: String) -> String {
    (0..<number(count)).map { _ in "    \(rule(family))\n" }.joined()
  }

  private mutating func rule(_ family: String) -> String {
    var parts: [String] = []
    if number(0...2) > 0 { parts.append(meta()) }
    if number(0...2) > 0 { parts.append(network(family)) }
    if number(0...2) > 0 { parts.append(transport()) }
    if number(0...2) > 0 { parts.append(connection()) }
    for _ in 0..<number(0...2) { parts.append(action()) }
    parts.append(pick(["accept", "drop", "counter", "return", "continue", "counter comment \"x\""]))
    return parts.joined(separator: " ")
  }

  private mutating func relation() -> String { pick(["", "", "", "!= "]) }

  private mutating func meta() -> String {
    switch number(0...5) {
    case 0: "iifname \(relation())\"\(pick(["lo", "eth0", "eth*"]))\""
    case 1: "oifname { \"lo\", \"eth\(number(0...9))\" }"
    case 2: "meta mark & \(number(1...255)) == \(number(0...255))"
    case 3: "meta mark \(relation())\(number(0...99))-\(number(100...199))"
    case 4: "meta length \(pick(["<", ">", "<=", ">=", "==", "!="])) \(number(20...1500))"
    default: "meta pkttype \(pick(["host", "broadcast", "multicast"]))"
    }
  }

  private mutating func network(_ family: String) -> String {
    let isSix = family == "ip6" || family == "inet" && Bool.random(using: &generator)
    let address =
      isSix
      ? "2001:db8::\(String(number(1...0xffff), radix: 16))"
      : "\(number(1...9)).\(number(0...255)).\(number(0...255)).\(number(0...255))"
    let side = pick(["saddr", "daddr"])
    let name = isSix ? "ip6" : "ip"
    switch number(0...4) {
    case 0: return "\(name) \(side) \(relation())\(address)"
    case 1: return "\(name) \(side) \(relation())\(address)/\(number(1...(isSix ? 128 : 32)))"
    case 2: return "\(name) \(side) { \(address), \(isSix ? "::1" : "192.0.2.1") }"
    case 3: return "\(name) dscp \(pick(["ef", "cs1", "af11", "0x05"]))"
    default: return isSix ? "ip6 hoplimit \(number(1...255))" : "ip ttl \(pick(["<", ">"])) \(number(1...200))"
    }
  }

  private mutating func ports() -> String {
    let first = number(1...1000)
    return "\(first), \(first + 10)-\(first + 20), \(first + 30)"
  }

  private mutating func transport() -> String {
    let name = pick(["tcp", "udp", "sctp"])
    switch number(0...6) {
    case 0: return "\(name) dport \(relation())\(number(1...65535))"
    case 1: return "\(name) sport \(relation()){ \(ports()) }"
    case 2: return "\(name) dport \(relation())@ports"
    case 3: return "tcp flags \(pick(["syn", "syn,ack", "! fin", "== ack", "& (syn | rst) == syn", "syn / syn,ack"]))"
    case 4: return "\(name) dport vmap @verdicts"
    case 5:
      return "\(name) dport vmap { \(number(1...9)) : accept, \(number(10...19))-\(number(20...29)) : drop }"

    default: return "meta l4proto { tcp, udp } th dport \(number(1...99))"
    }
  }

  private mutating func connection() -> String {
    switch number(0...5) {
    case 0: "ct state \(pick(["new", "established,related", "!= invalid", "! untracked"]))"
    case 1: "ct mark \(relation())\(number(0...99))"
    case 2: "ct direction \(pick(["original", "reply"]))"
    case 3: "ct original packets > \(number(0...99))"
    case 4: "ct status \(pick(["assured", "seen-reply", "assured,seen-reply"]))"
    default: "ct zone \(number(0...99))"
    }
  }

  private mutating func action() -> String {
    switch number(0...7) {
    case 0: "meta mark set \(number(0...999))"
    case 1: "ct mark set meta mark & \(number(1...255)) | \(number(256...999))"
    case 2: "counter packets \(number(0...99)) bytes \(number(0...9999))"
    case 3: "counter name \"hits\""
    case 4:
      "limit rate \(pick(["", "over "]))\(number(1...99))/\(pick(["second", "hour"])) burst \(number(1...9)) packets"
    case 5: "limit name \"slow\""
    case 6: "ct label set \(number(0...127))"
    default: "meta mark set ct mark map { 100 : 1, 200-300 : 2 }"
    }
  }
}
