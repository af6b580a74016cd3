/// Words of the language, which name nothing.
enum Reserved {
  static let words: Set<String> = [
    "accept", "add", "ah", "all", "and", "arp", "auto-merge", "bridge", "cgroup", "chain", "comment", "comp",
    "constant", "continue", "counter", "cpu", "create", "ct", "day", "dccp", "define", "delete", "describe", "device",
    "devices", "dnat", "drop", "dst", "dup", "dynamic", "ecn", "element", "elements", "eq", "esp", "ether", "exists",
    "expires", "export", "exthdr", "fib", "flags", "flow", "flowtable", "flush", "frag", "fwd", "gc-interval", "ge",
    "get", "goto", "gt", "handle", "hbh", "hook", "hour", "ibriport", "ibrname", "icmp", "icmpv6", "igmp", "iif",
    "iifgroup", "iifname", "iiftype", "import", "include", "index", "inet", "insert", "interval", "ip", "ip6", "ipsec",
    "jhash", "jump", "le", "limit", "list", "log", "lshift", "lt", "map", "mark", "masquerade", "meta", "meter", "mh",
    "missing", "monitor", "ne", "netdev", "nftrace", "not", "notrack", "numgen", "offload", "oif", "oifgroup",
    "oifname", "oiftype", "or", "osf", "pkttype", "policy", "position", "priority", "queue", "quota", "random",
    "redefine", "redirect", "reject", "rename", "replace", "reset", "return", "rshift", "rt", "rt0", "rt2",
    "rtclassid", "rule", "ruleset", "sctp", "secmark", "set", "size", "skgid", "skuid", "snat", "socket", "srh",
    "symhash", "synproxy", "table", "tcp", "th", "time", "timeout", "tproxy", "type", "typeof", "udp", "udplite",
    "undefine", "update", "vlan", "vmap", "xor", "xt",
  ]

  /// Those that stand for a value all the same: protocols and such.
  static let values: Set<String> = [
    "tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "igmp", "ah", "esp", "comp", "arp", "ip", "ip6", "vlan",
    "ecn", "exists", "missing", "redirect", "snat", "dnat",
  ]

  /// Statements and expressions of nft that are not here.
  static let unsupported: Set<String> = [
    "snat", "dnat", "masquerade", "redirect", "log", "quota", "queue", "dup", "fwd", "tproxy", "synproxy", "socket",
    "fib", "rt0", "rt2", "srh", "osf", "numgen", "jhash", "symhash", "ipsec", "xt", "cgroup", "meter", "cpu",
    "iiftype", "oiftype", "iifgroup", "oifgroup", "skuid", "skgid", "rtclassid", "ibriport", "ibrname", "secmark",
    "igmp", "arp", "time", "day", "hour", "random", "gre",
  ]
}
