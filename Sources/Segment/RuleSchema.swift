internal import CSegment

extension KindID {
  public static let flowtables = KindID(rawValue: 26)
  public static let ruleTrace = KindID(rawValue: 27)
}

extension ForwarderSchema {
  static let sinceRules = "0.5"
  /// Flow tables at once, and steps in the ring of traced packets.
  static let mostFlowtables = 15
  static let traceSteps = 2048

  static var ruleEnumerations: [Enumeration] {
    [
      Enumeration(Names.flowEnd, "end", ["idle", "closed", "outdated", "removed"]),
      Enumeration(Names.ruleHook, "hook", ["ingress", "raw", "prerouting", "forward", "postrouting"]),
      Enumeration(
        Names.traceVerdict, "verdict",
        ["continue", "accept", "drop", "reject", "jump", "goto", "return", "policy accept", "policy drop"]),
    ]
  }

  static func flowtables(lcores: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_flowtable_record>(metric: "flowtable", since: sinceRules)
    return Kind(
      .flowtables, "flowtables", since: sinceRules, shards: lcores, records: mostFlowtables,
      stride: MemoryLayout<dpdkfwd_flowtable_record>.stride, help: "Named flow tables, as each worker counts them",
      fields: [
        of.generation(1, \.generation),
        of.key(2, "lcore", \.lcore, "Number of the lcore", metric: "lcore"),
        of.key(3, "family", \.family, "Family of the rules' table", type: .char, metric: "family"),
        of.key(4, "table", \.table, "Name of the rules' table", type: .char, metric: "table"),
        of.key(5, "name", \.name, "Name of the flow table", type: .char, metric: "flowtable"),
        of.label(6, "number", \.number, "By which connections name it"),
        of.label(7, "ports", \.ports, "Ports it is bound to: bit k is port k"),
        of.label(8, "has_counter", \.has_counter, "1: its packets count in their connections"),
        of.label(9, "is_hardware", \.is_hardware, "1: its flows go to hardware too"),
        of.label(10, "tcp_timeout", \.tcp_timeout, "How long a TCP flow stays without a packet", unit: "milliseconds"),
        of.label(11, "udp_timeout", \.udp_timeout, "The same of UDP", unit: "milliseconds"),
        of.gauge(12, "flows", \.flows, "flows", "Flows in the table"),
        of.counter(13, "added", \.added, "flows", "Flows that were added"),
        of.counter(14, "refused", \.refused, "packets", "Packets whose flow could not be added yet"),
        of.counter(15, "packets", \.packets, "packets", "Packets that took the short way"),
        of.counter(16, "bytes", \.bytes, "bytes", "The same, in bytes from the IP header on"),
        of.counter(17, "ended", \.ended, "flows", "Flows that left, by what ended them", labels: Names.flowEnd),
        of.counter(
          18, "hardware_dropped", \.hardware_dropped, "requests", "Requests that the queue to hardware had no room for"),
      ])
  }

  static func ruleTrace(lcores: Int) -> Kind {
    let of = FieldsOf<dpdkfwd_rule_trace_record>(since: sinceRules)
    return Kind(
      .ruleTrace, "rule_trace", since: sinceRules, shards: lcores, records: traceSteps,
      stride: MemoryLayout<dpdkfwd_rule_trace_record>.stride,
      help: "Steps of traced packets through the rules, a ring for each worker",
      fields: [
        of.entry(1, \.sequence),
        of.label(2, "at", \.at, "When, since 1970", unit: "nanoseconds"),
        of.label(3, "trace", \.trace, "The same in all steps of a packet"),
        of.label(4, "program", \.program, "Number of the ruleset"),
        of.label(5, "chain", \.chain, "Place of the chain in it"),
        of.label(6, "handle", \.handle, "Of the rule; 0: the end of a chain"),
        of.label(7, "hook", \.hook, "Where the packet was", enumeration: Names.ruleHook),
        of.label(8, "verdict", \.verdict, "What was said of it", enumeration: Names.traceVerdict),
        of.label(9, "ingress", \.ingress, "Port it came in by"),
        of.label(10, "egress", \.egress, "Port it leaves by; 65535: not known yet"),
        of.label(11, "mark", \.mark, "Its mark"),
        of.label(12, "length", \.length, "Of the frame", unit: "bytes"),
        of.label(13, "shown", \.shown, "How much of the frame follows", unit: "bytes"),
        of.label(14, "frame", \.frame, "Its first bytes", type: .u8),
      ])
  }
}
