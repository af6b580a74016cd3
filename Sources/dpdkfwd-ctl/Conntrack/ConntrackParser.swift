internal import Inspection
internal import Segment

/// Understands the command lines of conntrack(8): what they mean, or the first thing that is wrong with them, found in
/// the same order and told in the same words.
struct ConntrackParser {
  private var labels: LabelMap?
  private let protocols: ProtocolNames
  /// Told what is odd and not wrong.
  private let warn: (String) -> Void

  private var command = ConntrackCommand()
  private var action: ConntrackAction?
  private var given: Set<ConntrackOption> = []
  private var protocolGiven: Set<ProtocolOption> = []
  private var protocolOptions: ProtocolOptions?
  private var words: OptionWords<ConntrackWord>

  private init(_ arguments: [String], _ protocols: ProtocolNames, _ warn: @escaping (String) -> Void) {
    words = OptionWords(["conntrack"] + arguments, names: OptionName.conntrack)
    self.protocols = protocols
    self.warn = warn
  }

  /// - Parameters:
  ///   - words: without the program's name.
  ///   - labels: `nil`: those of the usual file, read when labels are first named.
  static func parse(
    _ words: [String], labels: LabelMap? = nil, protocols: ProtocolNames, warn: @escaping (String) -> Void
  ) throws(ConntrackFailure) -> ConntrackCommand {
    var parser = ConntrackParser(words, protocols, warn)
    parser.labels = labels
    try parser.readWords()
    try parser.check()
    // Who speaks of labels is shown them.
    if parser.usesLabels, !parser.command.output.contains(.save) { parser.command.output.insert(.labels) }
    if parser.command.output.contains(.labels) {
      parser.loadLabels()
      parser.command.labelNames = parser.labels ?? LabelMap()
    }
    return parser.command
  }

  // MARK: Words

  private mutating func readWords() throws(ConntrackFailure) {
    while true {
      switch words.next() {
      case .option(let word, let argument): try read(word, argument)
      case .missing: throw .parameters("option `\(words.quoted)' requires an argument")
      case .unknown: throw .parameters("unknown option `\(words.quoted)'")
      case .end: return
      }
    }
  }

  private mutating func read(_ word: ConntrackWord, _ argument: String?) throws(ConntrackFailure) {
    switch word {
    case .action(let action): try begin(action, argument)
    case .option(let option): try read(option, argument)
    case .protocolOption(let option):
      protocolGiven.insert(option)
      try protocolOptions?.read(option, argument ?? "", into: &command.values)
    case .natRange: warn("WARNING: ignoring -a, deprecated option.")
    case .own(let option): try read(option, argument)
    }
  }

  /// The table's name follows in a word of its own. One that is part of this word conntrack(8) overlooks.
  private mutating func begin(_ action: ConntrackAction, _ argument: String?) throws(ConntrackFailure) {
    guard self.action == nil else { throw .parameters("Invalid commands combination") }
    self.action = action
    command.action = action
    guard argument == nil, let name = words.takeOperand() else { return }
    guard let table = ConntrackTable.allCases.first(where: { $0.rawValue.hasPrefix(name) }) else {
      throw .parameters("unknown type `\(name)'")
    }
    command.table = table
  }

  private mutating func read(_ option: OwnOption, _ argument: String?) throws(ConntrackFailure) {
    switch option {
    case .reliable: command.isReliable = true
    case .repair: command.repairs = true
    case .noRepair: command.repairs = false
    case .selfContained: command.style = .selfContained
    case .delta: command.style = .delta
    case .port: command.port = argument
    case .labelMap:
      guard !usesLabels else { throw .parameters("`--labelmap' must come before labels") }
      guard let text = text(ofFile: argument ?? "") else {
        throw .parameters("Failed to open file \(argument ?? "") for reading")
      }
      labels = LabelMap(text)
    }
  }

  private var usesLabels: Bool { !given.isDisjoint(with: [.label, .labelAdd, .labelDelete]) }

  private mutating func read(_ option: ConntrackOption, _ argument: String?) throws(ConntrackFailure) {
    given.insert(option)
    let text = argument ?? ""
    switch option {
    case .source, .destination, .replySource, .replyDestination, .maskSource, .maskDestination, .tupleSource,
      .tupleDestination:
      try readAddress(option, text)
    case .sourceNAT, .destinationNAT, .anyNAT: try readTranslation(option, argument)
    case .label, .labelAdd, .labelDelete: try readLabels(option, argument)
    case .protocolNumber: try readProtocol(text)
    case .family: try readFamily(text)
    case .timeout: command.values.timeout = try ConntrackText.decimal(text)
    case .status: try readStatus(text)
    case .zero: command.zero = true
    case .eventMask:
      command.events = EventMask(try ConntrackText.words(text, ConntrackText.events))
    case .mark: command.values.mark = try ConntrackText.mark(text)
    case .id: command.values.id = ConnectionID(rawValue: try ConntrackText.number(text))
    case .output: try readOutput(text)
    // What is not known here is taken and means nothing, as it does to conntrack(8) where there is none.
    case .secmark: let _: UInt32 = try ConntrackText.number(text)
    case .bufferSize:
      let _: UInt64 = try ConntrackText.number(text)
      command.hasBufferSize = true
    case .zone: command.values.zone = try ConntrackText.number(text)
    case .originalZone: command.values.original.zone = try ConntrackText.number(text)
    case .replyZone: command.values.reply.zone = try ConntrackText.number(text)
    }
  }

  // MARK: Values

  private mutating func agree(on isIPv6: Bool) throws(ConntrackFailure) {
    guard command.values.isIPv6 ?? isIPv6 == isIPv6 else { throw .familyMismatch }
    command.values.isIPv6 = isIPv6
  }

  private mutating func readFamily(_ text: String) throws(ConntrackFailure) {
    guard let place = ["ipv4", "ipv6"].firstIndex(of: text) else { throw .parameters("`\(text)' unsupported protocol") }
    try agree(on: place == 1)
  }

  private mutating func readAddress(_ option: ConntrackOption, _ text: String) throws(ConntrackFailure) {
    let address: ConntrackAddress
    var mask: ConntrackAddress?
    switch option {
    case .replySource, .replyDestination:
      guard !text.dropFirst().contains("/") else {
        throw .parameters("CIDR notation unavailable for `--\(option.name)'")
      }
      address = try .parsed(text)
    case .maskSource, .maskDestination: address = try .parsed(text)
    default: (address, mask) = try ConntrackAddress.withPrefix(text)
    }
    try agree(on: address.isIPv6)
    switch option {
    case .source:
      command.values.original.source = address
      if let mask { set(mask, .maskSource) }
    case .destination:
      command.values.original.destination = address
      if let mask { set(mask, .maskDestination) }
    case .replySource: command.values.reply.source = address
    case .replyDestination: command.values.reply.destination = address
    case .maskSource, .maskDestination: set(address, option)
    // Parts of expectations.
    default: break
    }
  }

  private mutating func set(_ mask: ConntrackAddress, _ option: ConntrackOption) {
    given.insert(option)
    if option == .maskSource {
      command.values.original.sourceMask = mask
    } else {
      command.values.original.destinationMask = mask
    }
  }

  private mutating func readTranslation(_ option: ConntrackOption, _ argument: String?) throws(ConntrackFailure) {
    var condition = TranslationFilter.Condition.any
    // An empty argument behind `=` says as much as none.
    if let text = argument.flatMap({ $0.isEmpty ? nil : $0 }) ?? (argument == nil ? words.takeOperand() : nil) {
      let address = try ConntrackText.translation(text)
      try agree(on: address.isIPv6)
      condition = .address(address)
    }
    switch option {
    case .sourceNAT: command.values.translation.source = condition
    case .destinationNAT: command.values.translation.destination = condition
    default: command.values.translation.either = condition
    }
  }

  private mutating func loadLabels() {
    if labels == nil { labels = LabelMap(text(ofFile: LabelMap.usualPath) ?? "") }
  }

  private mutating func readLabels(_ option: ConntrackOption, _ argument: String?) throws(ConntrackFailure) {
    if given.isSuperset(of: [.labelAdd, .labelDelete]) {
      throw .other("cannot use --label-add and --label-del at the same time")
    }
    loadLabels()
    let text = argument ?? (option == .labelDelete ? words.takeOperand() : nil)
    let named = try text.map { text throws(ConntrackFailure) in try labels?.labels(text) ?? Connection.Labels() }
    switch option {
    case .label: command.values.labels = (command.values.labels ?? Connection.Labels()).union(named)
    case .labelAdd: command.values.labelsAdd = (command.values.labelsAdd ?? Connection.Labels()).union(named)
    default: command.values.labelsDelete = named ?? Connection.Labels(low: .max, high: .max)
    }
  }

  private mutating func readProtocol(_ text: String) throws(ConntrackFailure) {
    let number = try protocols.number(of: text)
    command.values.protocol = number
    protocolOptions = .of(number)
    words.names = OptionName.conntrack + (protocolOptions?.names ?? [])
  }

  private mutating func readStatus(_ text: String) throws(ConntrackFailure) {
    for word in try ConntrackText.words(text, ConntrackText.status) {
      switch word {
      case .bits(let bits): command.values.status = (command.values.status ?? 0) | bits
      case .ignored(let word, let option): warn("WARNING: ignoring \(word), use \(option) instead")
      }
    }
  }

  private mutating func readOutput(_ text: String) throws(ConntrackFailure) {
    command.output.formUnion(try ConntrackText.words(text, ConntrackText.output))
    if command.output.contains(.save), command.output.count > 1 {
      throw .other("cannot combine save output with any other output type, use -o save only")
    }
  }

  // MARK: Legality

  /// Without a command it is the help that is asked for.
  private func check() throws(ConntrackFailure) {
    let action = action ?? .help
    if given.contains(.anyNAT), !given.isDisjoint(with: [.sourceNAT, .destinationNAT]) {
      throw .parameters("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'")
    }
    try checkTable(action)
    try Legality.check(given, with: action, on: command.table, isByID: isByID)
    guard command.table != .expect else { return }
    if [.create, .add, .get].contains(action), !isByID {
      try Legality.checkPairs(
        original: (given.contains(.source), given.contains(.destination)),
        reply: (given.contains(.replySource), given.contains(.replyDestination)),
        originalNames: ("src", "dst"), replyNames: ("reply-src", "reply-dst"))
    }
    if !isByID { try protocolOptions?.check(protocolGiven, with: action) }
    try checkFilter(action)
  }

  /// Nothing but its number is needed to find a connection.
  private var isByID: Bool { action == .get && given.contains(.id) }

  private func checkTable(_ action: ConntrackAction) throws(ConntrackFailure) {
    switch (command.table, action) {
    case (.dying, .list), (.unconfirmed, .list): break
    case (.dying, _), (.unconfirmed, _):
      throw .parameters("Can't do that command with tables `dying' and `unconfirmed'")
    case (.expect, .update), (.expect, .add):
      throw .parameters("Can't do --\(action == .add ? "add" : "update") on expectations")
    default: break
    }
  }

  private func checkFilter(_ action: ConntrackAction) throws(ConntrackFailure) {
    guard command.table == .conntrack else { return }
    for (mask, address) in [(ConntrackOption.maskSource, ConntrackOption.source), (.maskDestination, .destination)]
    where given.contains(mask) && !given.contains(address) {
      throw .parameters("Can't use --\(mask.name) without --\(address.name)")
    }
    if action == .list, command.zero, !given.isSubset(of: [.zero, .output, .family]) {
      throw .parameters("Can't use -z with filtering parameters")
    }
  }
}

extension Connection.Labels {
  fileprivate func union(_ other: Connection.Labels?) -> Connection.Labels {
    Connection.Labels(low: low | (other?.low ?? 0), high: high | (other?.high ?? 0))
  }
}
