/// The options of conntrack(8) that go with some of its commands and not with others, in the order in which it
/// complains of them.
enum ConntrackOption: Int, CaseIterable {
  case source, destination, replySource, replyDestination, protocolNumber, timeout, status, zero, eventMask,
    tupleSource,
    tupleDestination, maskSource, maskDestination, mark, id, family, sourceNAT, destinationNAT, output, secmark,
    bufferSize, anyNAT, zone, label, labelAdd, labelDelete, originalZone, replyZone

  /// What complaints call it.
  var name: String {
    switch self {
    case .source: "src"
    case .destination: "dst"
    case .replySource: "reply-src"
    case .replyDestination: "reply-dst"
    case .protocolNumber: "protonum"
    case .timeout: "timeout"
    case .status: "status"
    case .zero: "zero"
    case .eventMask: "event-mask"
    case .tupleSource: "tuple-src"
    case .tupleDestination: "tuple-dst"
    case .maskSource: "mask-src"
    case .maskDestination: "mask-dst"
    case .mark: "mark"
    case .id: "id"
    case .family: "family"
    case .sourceNAT: "src-nat"
    case .destinationNAT: "dst-nat"
    case .output: "output"
    case .secmark: "secmark"
    case .bufferSize: "buffer-size"
    case .anyNAT: "any-nat"
    case .zone: "zone"
    case .label: "label"
    case .labelAdd: "label-add"
    case .labelDelete: "label-del"
    case .originalZone: "orig-zone"
    case .replyZone: "reply-zone"
    }
  }
}

/// What a word of the command line means.
enum ConntrackWord: Equatable, Sendable {
  case action(ConntrackAction)
  case option(ConntrackOption)
  /// Of the protocol given by `-p`.
  case protocolOption(ProtocolOption)
  /// `-a`, which does nothing any more.
  case natRange
  case own(OwnOption)
}

/// What conntrack(8) does not have.
enum OwnOption { case labelMap, reliable, repair, noRepair, selfContained, delta, port }

extension OptionName where Meaning == ConntrackWord {
  static let conntrack: [OptionName<ConntrackWord>] =
    actions + options + own + [OptionName("a", "nat-range", .required, .natRange)]

  private static let actions: [OptionName<ConntrackWord>] = [
    OptionName("L", "dump", .optional, .action(.list)),
    OptionName("I", "create", .optional, .action(.create)),
    OptionName("D", "delete", .optional, .action(.delete)),
    OptionName("U", "update", .optional, .action(.update)),
    OptionName("G", "get", .optional, .action(.get)),
    OptionName("F", "flush", .optional, .action(.flush)),
    OptionName("E", "event", .optional, .action(.event)),
    OptionName("C", "counter", .optional, .action(.count)),
    OptionName("A", "add", .optional, .action(.add)),
    OptionName("S", "stats", .none, .action(.statistics)),
    OptionName("V", "version", .none, .action(.version)),
    OptionName("h", "help", .none, .action(.help)),
  ]

  private static let options: [OptionName<ConntrackWord>] = [
    OptionName("s", "src", .required, .option(.source)),
    OptionName(nil, "orig-src", .required, .option(.source)),
    OptionName("d", "dst", .required, .option(.destination)),
    OptionName(nil, "orig-dst", .required, .option(.destination)),
    OptionName("r", "reply-src", .required, .option(.replySource)),
    OptionName("q", "reply-dst", .required, .option(.replyDestination)),
    OptionName("p", "protonum", .required, .option(.protocolNumber)),
    OptionName(nil, "proto", .required, .option(.protocolNumber)),
    OptionName("t", "timeout", .required, .option(.timeout)),
    OptionName("u", "status", .required, .option(.status)),
    OptionName("z", "zero", .none, .option(.zero)),
    OptionName("e", "event-mask", .required, .option(.eventMask)),
    OptionName(nil, "tuple-src", .required, .option(.tupleSource)),
    OptionName(nil, "tuple-dst", .required, .option(.tupleDestination)),
    OptionName(nil, "mask-src", .required, .option(.maskSource)),
    OptionName(nil, "mask-dst", .required, .option(.maskDestination)),
    OptionName("m", "mark", .required, .option(.mark)),
    OptionName("i", "id", .required, .option(.id)),
    OptionName("f", "family", .required, .option(.family)),
    OptionName("n", "src-nat", .optional, .option(.sourceNAT)),
    OptionName("g", "dst-nat", .optional, .option(.destinationNAT)),
    OptionName("j", "any-nat", .optional, .option(.anyNAT)),
    OptionName("o", "output", .required, .option(.output)),
    OptionName("c", "secmark", .required, .option(.secmark)),
    OptionName("b", "buffer-size", .required, .option(.bufferSize)),
    OptionName("w", "zone", .required, .option(.zone)),
    OptionName("l", "label", .required, .option(.label)),
    OptionName(nil, "label-add", .required, .option(.labelAdd)),
    OptionName(nil, "label-del", .optional, .option(.labelDelete)),
    OptionName(nil, "orig-zone", .required, .option(.originalZone)),
    OptionName(nil, "reply-zone", .required, .option(.replyZone)),
  ]

  private static let own: [OptionName<ConntrackWord>] = [
    OptionName(nil, "labelmap", .required, .own(.labelMap)),
    OptionName(nil, "reliable", .none, .own(.reliable)),
    OptionName(nil, "repair", .none, .own(.repair)),
    OptionName(nil, "no-repair", .none, .own(.noRepair)),
    OptionName(nil, "self-contained", .none, .own(.selfContained)),
    OptionName(nil, "delta", .none, .own(.delta)),
    OptionName(nil, "port", .required, .own(.port)),
  ]
}
