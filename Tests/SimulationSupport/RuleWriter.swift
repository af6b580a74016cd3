/// Writes rulesets in nft's language, each from the one before: most rules stay, some go, come or move.
struct RuleWriter {
  private var chance: Chance
  private let plan: RulePlan
  private let ports: [String]
  private var chains: [Draft] = []
  private(set) var hasFlowtable = false
  private var isTracked: Bool

  /// A chain in the making.
  private struct Draft {
    var name: String
    /// Hook and priority; empty: it is jumped to.
    var base = ""
    var drops = false
    var rules: [String] = []
  }

  /// Counters with names; what they counted stays from one ruleset to the next.
  static let counters = (0..<4).map { "c\($0)" }

  init(_ plan: RulePlan, ports: Int, isTracked: Bool, _ chance: Chance) {
    self.plan = plan
    self.chance = chance
    self.isTracked = isTracked
    self.ports = (0..<ports).map { "p\($0)" }
    for (name, base) in [
      ("leaf", ""), ("branch", ""), ("first", "prerouting priority -300"), ("before", "prerouting priority -100"),
      ("middle", "forward priority 0"), ("later", "forward priority 10"), ("behind", "postrouting priority 0"),
      ("ingress", "ingress"),
    ] {
      chains.append(Draft(name: name, base: base))
    }
    for _ in 0..<12 { edit() }
  }

  /// The next ruleset, as a whole.
  mutating func next() -> String {
    for _ in 0..<(1 + chance.below(6)) { edit() }
    return text
  }

  /// A rule more at the end of a chain, as a command; the text is then that of the whole.
  mutating func addition() -> String {
    let place = chance.below(chains.count)
    let rule = rule(in: chains[place])
    chains[place].rules.append(rule)
    let table = chains[place].base == "ingress" ? "netdev ports" : "inet sim"
    return "add rule \(table) \(chains[place].name) \(rule)"
  }

  var text: String {
    let inner = chains.filter { $0.base != "ingress" }.map(words).joined(separator: "\n")
    let outer = chains.filter { $0.base == "ingress" }.map(words).joined(separator: "\n")
    let devices = "devices = { \(ports.joined(separator: ", ")) };"
    let flowtable = hasFlowtable ? "flowtable w { hook ingress priority 0; \(devices) counter; }" : ""
    return """
      table inet sim {
      \(Self.counters.map { "counter \($0) { }" }.joined(separator: "\n"))
      set hosts { type ipv4_addr; flags interval; elements = { 10.7.0.0/16, 10.9.0.1 }; }
      map ways { type inet_proto : verdict; elements = { tcp : jump leaf, icmp : accept }; }
      set seen { type ipv4_addr; flags dynamic,timeout; size 8; timeout 2s; }
      ct timeout short { protocol tcp; l3proto ip; policy = { established : 30, syn_sent : 2 }; }
      \(flowtable)
      \(inner)
      }
      table netdev ports {
      \(outer)
      }

      """
  }

  private func words(_ chain: Draft) -> String {
    let devices = chain.base == "ingress" ? "devices = { \(ports.joined(separator: ", ")) } priority 0" : ""
    let base =
      chain.base.isEmpty
      ? "" : "type filter hook \(chain.base) \(devices); policy \(chain.drops ? "drop" : "accept");\n"
    return "chain \(chain.name) {\n\(base)\(chain.rules.joined(separator: "\n"))\n}"
  }

  // MARK: One step from a ruleset to the next

  private mutating func edit() {
    let place = chance.below(chains.count)
    let count = chains[place].rules.count
    switch chance.below(12) {
    case 0...5 where count < 8:
      let rule = rule(in: chains[place])
      chains[place].rules.insert(rule, at: chance.below(count + 1))
    case 6...8 where count > 0: chains[place].rules.remove(at: chance.below(count))
    case 9 where count > 1: chains[place].rules.swapAt(0, chance.below(count))
    case 10: chains[place].drops = !chains[place].base.isEmpty && chance.below(5) == 0
    default: if plan.hasFlowtables, isTracked { setFlowtable(chance.below(3) > 0) }
    }
  }

  private mutating func setFlowtable(_ isThere: Bool) {
    hasFlowtable = isThere
    for place in chains.indices { chains[place].rules.removeAll { $0.contains("flow add") } }
    guard isThere, let place = chains.firstIndex(where: { $0.name == "middle" }) else { return }
    chains[place].rules.append(
      chance.pick(["flow add @w", "meta l4proto tcp flow add @w", "ip saddr @hosts flow add @w"]))
  }

  private mutating func rule(in chain: Draft) -> String {
    if chain.base == "ingress" { return (link() + " " + middle(named: false) + " " + verdict(in: chain)).trimmed }
    var words: [String] = []
    let count = chance.pick([0, 1, 1, 1, 2])
    if plan.kind == .any, chance.below(3) == 0 {
      words.append(stateful(in: chain))
    } else {
      words += matches(in: chain, count)
    }
    words.append(middle(named: true))
    words.append(verdict(in: chain))
    let rule = words.filter { !$0.isEmpty }.joined(separator: " ")
    return rule.isEmpty ? "counter" : rule
  }

  private mutating func link() -> String {
    chance.pick([
      "vlan id 7", "ether type ip", "ether type arp", "iifname \"p1\"", "meta length > 1200", "ip ttl 64",
      "ip saddr 10.9.0.2", "udp dport 500-900",
    ])
  }

  /// Matches that can stand together: of no family or transport, or all of one.
  private mutating func matches(in chain: Draft, _ count: Int) -> [String] {
    let any = [
      "meta length > 800", "meta mark 1", "meta mark & 2 == 2", "iifname \"p0\"", "iifname \"p*\"", "iif \"p1\"",
    ]
    let exits = ["oifname \"p1\"", "oifname != \"p0\"", "oif \"p0\""]
    let kinds = [
      ["meta l4proto { udp, icmp }", "meta nfproto ipv6"],
      ["ip saddr 10.7.0.0/16", "ip saddr @hosts", "ip daddr != 10.7.1.80", "ip ttl < 10", "ip frag-off & 0x3fff != 0"],
      ["ip daddr { 10.9.0.2, 10.8.0.2 }", "ip dscp 0x2e", "ip saddr . ip daddr { 10.7.0.1 . 10.7.1.80 }"],
      ["ip6 saddr 2001:db8:7::/48", "ip6 daddr 2001:db8::/32", "ip6 hoplimit > 1"],
      ["meta l4proto tcp", "tcp dport 80", "tcp sport 4000-4003", "tcp flags syn", "tcp flags & (fin | rst) != 0"],
      ["ip saddr 10.7.0.0/16", "ip saddr . tcp dport { 10.7.0.1 . 80, 10.7.0.2 . 80 }", "tcp sport 80"],
      ["udp dport 1400-1600", "udp dport { 9, 53, 500-600 }", "udp sport 9", "udp length > 100"],
      ["icmp type echo-request", "icmp code 0", "ip daddr 10.0.0.0/8"],
    ]
    let knowsExit = chain.base.hasPrefix("forward") || chain.base.hasPrefix("postrouting")
    let choice = chance.pick(kinds) + any + (knowsExit ? exits : [])
    return (0..<count).map { _ in chance.pick(choice) }
  }

  /// A connection's mark is set to one value: what is set and set back within a breath is told of as a change.
  private mutating func stateful(in chain: Draft) -> String {
    let always = ["limit rate 100/second", "limit rate over 5/second burst 2 packets", "update @seen { ip saddr }"]
    let isEarly = chain.base.contains("-300")
    let early = always + ["ct zone set 3", "meta nftrace set 1"]
    let late =
      always + [
        "ct state new", "ct state established,related", "ct state invalid", "ct mark 2", "ct mark set 2",
        "ct direction reply", "ct count over 3", "ip protocol tcp ct timeout set \"short\"",
        "ip saddr @seen", "ct original packets > 3",
      ]
    return chance.pick(isEarly || chain.base.isEmpty ? early.filter { isEarly || !$0.contains("zone") } : late)
  }

  private mutating func middle(named: Bool) -> String {
    switch chance.below(4) {
    case 0: named ? "counter name \(chance.pick(Self.counters))" : "counter"
    case 1: "counter"
    case 2: "meta mark set \(chance.below(4))"
    default: ""
    }
  }

  /// Most rules decide nothing, or else no packet would pass.
  private mutating func verdict(in chain: Draft) -> String {
    switch chance.below(12) {
    case 0: "drop"
    case 1: chain.base.hasPrefix("forward") ? "reject" : "drop"
    case 2: "accept"
    case 3: "return"
    case 4 where chain.name != "leaf" && chain.base != "ingress": chain.name == "branch" ? "goto leaf" : "jump branch"
    case 5 where chain.name != "leaf" && chain.base != "ingress": "meta l4proto vmap @ways"
    case 6: "continue"
    default: ""
    }
  }
}

extension String {
  fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}
