/// The verbs of `ovs-appctl dpctl/*` that concern tracking and fragments, in Open vSwitch's order.
enum DpctlVerb: String, CaseIterable {
  case dumpConntrack = "dump-conntrack"
  case dumpExpectations = "dump-conntrack-exp"
  case flushConntrack = "flush-conntrack"
  case statistics = "ct-stats-show"
  case buckets = "ct-bkts"
  case setMaxConnections = "ct-set-maxconns"
  case maxConnections = "ct-get-maxconns"
  case connections = "ct-get-nconns"
  case enableSequenceCheck = "ct-enable-tcp-seq-chk"
  case disableSequenceCheck = "ct-disable-tcp-seq-chk"
  case sequenceCheck = "ct-get-tcp-seq-chk"
  case setSweepInterval = "ct-set-sweep-interval"
  case sweepInterval = "ct-get-sweep-interval"
  case setLimits = "ct-set-limits"
  case deleteLimits = "ct-del-limits"
  case limits = "ct-get-limits"
  case enableFragments = "ipf-set-enabled"
  case disableFragments = "ipf-set-disabled"
  case setSmallestFragment = "ipf-set-min-frag"
  case setMaxFragments = "ipf-set-max-nfrags"
  /// As it was called before Open vSwitch 2.12 (F4).
  case setMaxFragmentsOnce = "ipf-set-maxfrags"
  case fragmentStatus = "ipf-get-status"
  case listCommands = "list-commands"
  case help

  /// What may follow it.
  var usage: String {
    switch self {
    case .dumpConntrack: "[-m] [-s] [dp] [zone=N]"
    case .dumpExpectations: "[dp] [zone=N]"
    case .flushConntrack: "[dp] [zone=N] [mark=X[/M]] [labels=Y[/N]] [ct-orig-tuple [ct-reply-tuple]]"
    case .statistics: "[-m] [dp] [zone=N]"
    case .buckets: "[dp] [gt=N]"
    case .setMaxConnections: "[dp] maxconns"
    case .setSweepInterval: "[dp] ms"
    case .setLimits: "[dp] [default=L] [zone=N,limit=L]..."
    case .deleteLimits: "[dp] [default] [zone=N1[,N2]...]"
    case .limits: "[dp] [zone=N1[,N2]...]"
    case .enableFragments, .disableFragments: "[dp] v4|v6"
    case .setSmallestFragment: "[dp] v4|v6 minfragment"
    case .setMaxFragments, .setMaxFragmentsOnce: "[dp] maxfrags"
    case .fragmentStatus: "[-m [-m]] [dp] [zone=N]"
    case .maxConnections, .connections, .enableSequenceCheck, .disableSequenceCheck, .sequenceCheck, .sweepInterval:
      "[dp]"
    case .listCommands, .help: ""
    }
  }

  /// Words that may follow it, options among them, as Open vSwitch counts.
  var words: ClosedRange<Int> {
    switch self {
    case .dumpConntrack: 0...4
    case .dumpExpectations, .buckets, .limits: 0...2
    case .flushConntrack: 0...6
    case .statistics: 0...3
    case .setLimits: 1...Int.max
    case .deleteLimits: 1...3
    case .setSmallestFragment: 2...3
    case .enableFragments, .disableFragments, .setMaxFragments, .setMaxFragmentsOnce, .setMaxConnections,
      .setSweepInterval:
      1...2
    // -m, -m, dp, the word `verbose` that once stood for -m, zone=N.
    case .fragmentStatus: 0...5
    case .maxConnections, .connections, .enableSequenceCheck, .disableSequenceCheck, .sequenceCheck, .sweepInterval:
      0...1
    case .listCommands, .help: 0...0
    }
  }

  /// Whether it changes the forwarder, which only who may use the read-write socket can do (F5).
  var changes: Bool {
    switch self {
    case .flushConntrack, .setMaxConnections, .enableSequenceCheck, .disableSequenceCheck, .setSweepInterval,
      .setLimits,
      .deleteLimits, .enableFragments, .disableFragments, .setSmallestFragment, .setMaxFragments, .setMaxFragmentsOnce:
      true
    case .dumpConntrack, .dumpExpectations, .statistics, .buckets, .maxConnections, .connections, .sequenceCheck,
      .sweepInterval, .limits, .fragmentStatus, .listCommands, .help:
      false
    }
  }

  // MARK: Help

  /// What Open vSwitch's `dpctl/list-commands` prints.
  static var listText: String {
    "The available commands are:\n"
      + allCases.map { "  dpctl/" + padded($0.rawValue, 23) + " \($0.usage)\n" }.joined()
  }

  static var helpText: String {
    """
    Usage: dpdkfwd-ctl [-f PREFIX] dpctl [-m] [-s] VERB [ARG...]

    Verbs of `ovs-appctl dpctl/VERB` that concern tracking and fragments. Those marked w change the forwarder and need
    its read-write control socket.


    """
      + allCases.map { "  \($0.changes ? "w" : " ")  " + padded($0.rawValue, 23) + " \($0.usage)\n" }.joined()
        + """

        A datapath dp may be named, as for Open vSwitch: type@name, or the forwarder's file prefix. It makes no
        difference. -m, --more shows more, -s, --statistics counts and times; either may stand before the verb.
        Tuples: ct_nw_src= ct_nw_dst= ct_ipv6_src= ct_ipv6_dst= ct_nw_proto= ct_tp_src= ct_tp_dst= icmp_type= icmp_code=
        icmp_id=, with commas between.

        """
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
  }
}
