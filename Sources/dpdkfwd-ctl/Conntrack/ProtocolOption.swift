internal import Segment

/// The options that a protocol has of its own, once `-p` has named it, in the order in which conntrack(8) complains of
/// them.
enum ProtocolOption: Int, CaseIterable {
  case sourcePort, destinationPort, replySourcePort, replyDestinationPort, maskSourcePort, maskDestinationPort,
    tupleSourcePort, tupleDestinationPort, state, role, originalTag, replyTag, icmpType, icmpCode, icmpID
}

/// What conntrack(8) knows of a protocol.
struct ProtocolOptions: Sendable {
  let number: UInt8
  let name: String
  let names: [OptionName<ConntrackWord>]
  /// What complaints call them.
  let complaints: [ProtocolOption: String]
  /// How complaints of a missing pair call the pair of answers.
  let replyPair: (String, String)

  static func of(_ number: UInt8) -> ProtocolOptions? { all.first { $0.number == number } }
  static func named(_ name: String) -> ProtocolOptions? { all.first { $0.name == name.lowercased() } }

  private static let all = [
    ports(Connection.Number.tcp, "tcp", [.state]), ports(Connection.Number.udp, "udp"),
    ports(Connection.Number.udplite, "udplite"),
    ports(Connection.Number.sctp, "sctp", [.state, .originalTag, .replyTag]),
    ports(
      Connection.Number.dccp, "dccp", [.state, .role], replyPair: ("reply-port-src", "report-port-dst")),
    queries(Connection.Number.icmp, "icmp"), queries(Connection.Number.icmpv6, "icmpv6"),
    ProtocolOptions(
      number: Connection.Number.gre, name: "gre",
      [
        (.sourcePort, "srckey"), (.sourcePort, "orig-key-src"), (.destinationPort, "dstkey"),
        (.destinationPort, "orig-key-dst"), (.replySourcePort, "reply-key-src"),
        (.replyDestinationPort, "reply-key-dst"), (.maskSourcePort, "mask-key-src"),
        (.maskDestinationPort, "mask-key-dst"), (.tupleSourcePort, "tuple-key-src"),
        (.tupleDestinationPort, "tuple-key-dst"),
      ], replyPair: ("reply-src-key", "reply-dst-key")),
  ]

  /// The first name of an option is the one that complaints use.
  private init(
    number: UInt8, name: String, _ options: [(ProtocolOption, String)],
    replyPair: (String, String) = ("reply-src-port", "reply-dst-port")
  ) {
    self.number = number
    self.name = name
    names = options.map { OptionName(nil, $0.1, .required, .protocolOption($0.0)) }
    complaints = Dictionary(options) { first, _ in first }
    self.replyPair = replyPair
  }

  private static func ports(
    _ number: UInt8, _ name: String, _ further: [ProtocolOption] = [],
    replyPair: (String, String) = ("reply-src-port", "reply-dst-port")
  ) -> ProtocolOptions {
    let words: [ProtocolOption: String] = [
      .state: "state", .role: "role", .originalTag: "orig-vtag", .replyTag: "reply-vtag",
    ]
    return ProtocolOptions(
      number: number, name: name,
      [
        (.sourcePort, "sport"), (.sourcePort, "orig-port-src"), (.destinationPort, "dport"),
        (.destinationPort, "orig-port-dst"), (.replySourcePort, "reply-port-src"),
        (.replyDestinationPort, "reply-port-dst"), (.maskSourcePort, "mask-port-src"),
        (.maskDestinationPort, "mask-port-dst"), (.tupleSourcePort, "tuple-port-src"),
        (.tupleDestinationPort, "tuple-port-dst"),
      ] + further.map { ($0, words[$0] ?? "") }, replyPair: replyPair)
  }

  private static func queries(_ number: UInt8, _ name: String) -> ProtocolOptions {
    ProtocolOptions(
      number: number, name: name,
      [(.icmpType, "\(name)-type"), (.icmpCode, "\(name)-code"), (.icmpID, "\(name)-id")])
  }

  // MARK: Legality

  /// Fails at the first option that is missing or does not belong there, and where neither pair of ports is whole.
  func check(_ given: Set<ProtocolOption>, with action: ConntrackAction) throws(ConntrackFailure) {
    for option in ProtocolOption.allCases {
      guard let name = complaints[option] else { continue }
      try legality(of: option, with: action).check(isGiven: given.contains(option), name: name)
    }
    guard [.create, .add, .get].contains(action), let source = complaints[.sourcePort],
      let destination = complaints[.destinationPort]
    else { return }
    try Legality.checkPairs(
      original: (given.contains(.sourcePort), given.contains(.destinationPort)),
      reply: (given.contains(.replySourcePort), given.contains(.replyDestinationPort)),
      originalNames: (source, destination), replyNames: replyPair)
  }

  private func legality(of option: ProtocolOption, with action: ConntrackAction) -> Legality {
    let creates = action == .create || action == .add
    return switch option {
    case _ where action == .help: .optional
    case .maskSourcePort, .maskDestinationPort: .refused
    // conntrack(8) takes those of TCP, SCTP and DCCP for creation, and does nothing with them.
    case .tupleSourcePort, .tupleDestinationPort:
      creates && complaints[.state] != nil ? .optional : .refused
    case .state: creates ? .required : .optional
    case .role: creates ? .required : .refused
    case .originalTag, .replyTag:
      creates ? .required : [.update, .get].contains(action) ? .optional : .added
    case .icmpType, .icmpCode: creates || action == .get ? .required : .optional
    default: .optional
    }
  }

  // MARK: Values

  /// Takes what the option says.
  func read(_ option: ProtocolOption, _ text: String, into values: inout ConntrackValues) throws(ConntrackFailure) {
    switch option {
    case .sourcePort: values.original.sourcePort = try port(text)
    case .destinationPort: values.original.destinationPort = try port(text)
    case .replySourcePort: values.reply.sourcePort = try port(text)
    case .replyDestinationPort: values.reply.destinationPort = try port(text)
    case .maskSourcePort, .maskDestinationPort, .tupleSourcePort, .tupleDestinationPort: _ = try port(text)
    case .originalTag: values.tags.original = try ConntrackText.number(text)
    case .replyTag: values.tags.reply = try ConntrackText.number(text)
    case .icmpType: values.icmp.type = try ConntrackText.decimal(text)
    case .icmpCode: values.icmp.code = try ConntrackText.decimal(text)
    case .icmpID: values.icmp.id = try ConntrackText.decimal(text)
    case .state: try readState(text, into: &values)
    case .role:
      guard !text.isEmpty, ["client", "server"].contains(where: { $0.hasPrefix(text.lowercased()) }) else {
        throw .parameters("Unknown DCCP role `\(text)'")
      }
      values.hasUntrackedState = true
    }
  }

  /// Of GRE, a key.
  private func port(_ text: String) throws(ConntrackFailure) -> UInt16 {
    number == Connection.Number.gre ? try ConntrackText.number(text) : try ConntrackText.decimal(text)
  }

  private func readState(_ text: String, into values: inout ConntrackValues) throws(ConntrackFailure) {
    guard let states = ConnectionWords.states(of: number) else {
      guard Self.dccpStates.contains(text) else { throw .parameters("Unknown DCCP state `\(text)'") }
      values.hasUntrackedState = true
      return
    }
    // netfilter gave LISTEN's number to SYN_SENT2.
    let word = number == Connection.Number.tcp && text == "LISTEN" ? "SYN_SENT2" : text
    guard let state = states.value(of: word) else {
      throw .parameters("unknown \(name.uppercased()) state `\(text)'")
    }
    values.state = UInt8(truncatingIfNeeded: state)
  }

  private static let dccpStates = [
    "NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT",
  ]
}
