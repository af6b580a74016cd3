import TestSupport

/// Random rulesets of sound rules, all from one seed.
struct RuleGenerator {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func ruleset() -> String {
    let family = ["ip", "ip6", "inet"].randomElement(using: &generator) ?? "ip"
    var text = "define some = { \(number(1...99)), \(number(100...199))-\(number(200...299)) }\n"
    text += "table \(family) t {\n"
    text += "  counter hits {\n    packets \(number(0...9)) bytes \(number(0...999))\n  }\n"
    text += "  limit slow {\n    rate \(number(1...99))/minute\n  }\n"
    text += sets()
    let others = rules(1...3, family).replacing("@verdicts", with: "{ 5 : return }")
    text += "  chain other {\n\(others.replacing("goto other", with: "return"))  }\n"
    let main = rules(1...6, family)
    // What has been routed is not rejected.
    let hooks = ["prerouting", "forward"] + (text.contains("reject") || main.contains("reject") ? [] : ["postrouting"])
    let hook = pick(hooks)
    let policy = Bool.random(using: &generator) ? "accept" : "drop"
    let priority = pick([
      "\(number(-310...310))", "filter", "mangle + \(number(0...20))", "security - \(number(0...20))",
    ])
    text += "  chain main {\n    type filter hook \(hook) priority \(priority); policy \(policy);\n"
    return text + main + "    jump other\n  }\n}\n"
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
    parts.append(
      pick([
        "accept", "drop", "counter", "return", "continue", "counter comment \"x\"", "goto other", "reject",
        "meta mark vmap { 1 : accept, 2-5 : drop, * : continue }",
      ]))
    return parts.joined(separator: " ")
  }

  private mutating func relation() -> String { pick(["", "", "", "!= "]) }
  private mutating func order() -> String { pick(["<", ">", "<=", ">=", "==", "!="]) }

  // MARK: What has a name

  private mutating func sets() -> String {
    let flags = pick(["interval", "interval; auto-merge", "constant,interval"])
    var text = "  set ports {\n    type inet_service\n    flags \(flags)\n    elements = { \(ports()) }\n  }\n"
    text += "  set seen {\n    type inet_service\n    size 100\n    flags dynamic,timeout\n    timeout 1m\n  }\n"
    text +=
      "  map verdicts {\n    type inet_service : verdict\n    elements = { 1 : accept, 2 : jump other }\n  }\n"
    text += "  map marks {\n    type inet_service : mark\n"
    text += "    elements = { \(number(1...9)) comment \"x\" : 5 }\n  }\n"
    let (first, count) = (number(1...1000), number(0...9))
    let pair = "\(first)-\(first + count) . \(pick(["tcp", "udp"]))"
    text += "  set pairs {\n    type inet_service . inet_proto\n    flags interval\n"
    text += "    elements = { \(pair), 2000 . 1-5 }\n  }\n"
    text += "  set counted {\n    typeof meta mark\n    counter\n"
    return text + "    elements = { \(number(1...9)), 10 counter packets 1 bytes 2 }\n  }\n"
  }

  // MARK: Matches

  private mutating func meta() -> String {
    switch number(0...9) {
    case 0: "iifname \(relation())\"\(pick(["lo", "eth0", "eth*"]))\""
    case 1: "oifname { \"lo\", \"eth\(number(0...9))\" }"
    case 2: "meta mark & \(number(1...255)) == \(number(0...255))"
    case 3: "meta mark \(relation())\(number(0...99))-\(number(100...199))"
    case 4: "meta length \(order()) \(number(20...1500))"
    case 5: "meta mark @counted"
    case 6: "iifname . oifname { \"lo\" . \"eth0\", \"eth\(number(1...9))\" . \"lo\" }"
    case 7: "meta mark | \(number(1...7)) \(pick(["==", "!="])) \(number(1...15))"
    case 8: "meta l4proto != { tcp, \(number(20...40)) }"
    default: "meta pkttype \(pick(["host", "broadcast", "multicast"]))"
    }
  }

  private mutating func network(_ family: String) -> String {
    let isSix = family == "ip6" || family == "inet" && Bool.random(using: &generator)
    let address =
      isSix
      ? "2001:db8::\(String(number(1...0xffff), radix: 16))"
      : "\(number(1...9)).\(number(0...255)).\(number(0...255)).\(number(0...255))"
    let last = isSix ? "2001:db9::" : "10.0.0.0"
    let side = pick(["saddr", "daddr"])
    let name = isSix ? "ip6" : "ip"
    switch number(0...9) {
    case 0: return "\(name) \(side) \(relation())\(address)"
    case 1: return "\(name) \(side) \(relation())\(address)/\(number(1...(isSix ? 128 : 32)))"
    case 2: return "\(name) \(side) { \(address), \(isSix ? "::1" : "192.0.2.1") }"
    case 3: return "\(name) dscp \(relation())\(pick(["ef", "cs1", "af11", "0x05"]))"
    case 4: return "\(name) \(side) \(relation())\(address)-\(last)"
    case 5: return "\(name) saddr . \(name) daddr { \(address) . \(last), \(last) . \(address) }"
    case 6: return "\(name) \(side) . meta mark vmap { \(address) . \(number(1...9)) : drop, \(last) . 5 : accept }"
    case 7: return isSix ? "exthdr frag \(pick(["exists", "missing"]))" : "ip frag-off & 0x1fff != 0"
    case 8: return "\(name) \(side) vmap { \(address)-\(last) : continue, * : continue }"
    default: return isSix ? "ip6 hoplimit \(number(1...255))" : "ip ttl \(order()) \(number(1...200))"
    }
  }

  private mutating func ports() -> String {
    let first = number(1...1000)
    return "\(first), \(first + 10)-\(first + 20), \(first + 30)"
  }

  private mutating func transport() -> String {
    let name = pick(["tcp", "udp", "sctp"])
    switch number(0...12) {
    case 0: return "\(name) dport \(relation())\(number(1...65535))"
    case 1: return "\(name) sport \(relation()){ \(ports()) }"
    case 2: return "\(name) dport \(relation())@ports"
    case 3: return "tcp flags \(pick(["syn", "syn,ack", "! fin", "== ack", "& (syn | rst) == syn", "syn / syn,ack"]))"
    case 4: return "\(name) dport vmap @verdicts"
    case 5:
      return "\(name) dport vmap { \(number(1...9)) : accept, \(number(10...19))-\(number(20...29)) : drop }"
    case 6: return "\(name) dport \(relation())$some"
    case 7:
      return "tcp option \(pick(["maxseg size \(order())", "window count", "timestamp tsval !="])) \(number(1...99))"
    case 8: return "tcp option \(pick(["sack-perm", "fastopen", "mss"])) \(pick(["exists", "missing"]))"
    case 9: return "th dport . meta l4proto \(relation())@pairs"
    case 10: return "udp length \(order()) \(number(8...1500))"
    case 11: return "@th,\(8 * number(0...8)),\(8 * number(1...4)) \(relation())\(number(0...255))"
    default: return "meta l4proto { tcp, udp } th dport \(number(1...99))"
    }
  }

  private mutating func connection() -> String {
    switch number(0...9) {
    case 0: "ct state \(pick(["new", "established,related", "!= invalid", "! untracked", "{ new, related }"]))"
    case 1: "ct mark \(relation())\(number(0...99))"
    case 2: "ct direction \(pick(["original", "reply"]))"
    case 3: "ct original packets > \(number(0...99))"
    case 4: "ct status \(pick(["assured", "seen-reply", "assured,seen-reply"]))"
    case 5: "ct expiration \(order()) \(number(1...99))\(pick(["s", "m", "h"]))"
    case 6: "ct label \(number(0...127))"
    case 7: "ct \(pick(["", "original ", "reply "]))avgpkt \(relation())\(number(1...99))-\(number(100...999))"
    case 8: "ct state vmap { new : continue, established | related : accept, invalid : drop }"
    default: "ct zone \(number(0...99))"
    }
  }

  // MARK: Statements

  private mutating func action() -> String {
    switch number(0...12) {
    case 0: "meta mark set \(number(0...999))"
    case 1: "ct mark set meta mark & \(number(1...255)) | \(number(256...999))"
    case 2: "counter packets \(number(0...99)) bytes \(number(0...9999))"
    case 3: "counter name \"hits\""
    case 4:
      "limit rate \(pick(["", "over "]))\(number(1...99))/\(pick(["second", "hour"])) burst \(number(1...9)) packets"
    case 5: "limit name \"slow\""
    case 6: "ct label set \(number(0...127))"
    case 7: "limit rate \(number(1...99)) \(pick(["bytes", "kbytes", "mbytes"]))/\(pick(["second", "minute"]))"
    case 8: "ct event set new,\(pick(["destroy", "related", "reply"]))"
    case 9: "ct \(pick(["", "original ", "reply "]))zone set \(number(0...99))"
    case 10: "\(pick(["add", "update"])) @seen { th dport timeout \(number(1...99))s }"
    case 11: "ct mark set th dport map @marks"
    default: "meta mark set ct mark map { 100 : 1, 200-300 : 2 }"
    }
  }
}
