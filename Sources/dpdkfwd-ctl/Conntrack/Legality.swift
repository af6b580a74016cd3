/// Which option goes with which command.
enum Legality: Character {
  case refused = "."
  case optional = "o"
  case required = "r"
  /// Refused by conntrack(8), which could do without it no better than we can.
  case added = "+"

  /// A row an action, a column an option.
  private static let conntrack = Table(
    """
                s d r q p t u z e Ts Td Ms Md m i f n g o c b j w l l+ l- Zo Zr
    list        o o o o o . o o . .  .  o  o  o + o o o o o . o o o .  .  o  o
    create      o o o o r r o . . .  .  .  .  o . . o o . . . . o . o  .  o  o
    add         o o o o r r o . . .  .  .  .  o . . o o . . . . o . o  .  o  o
    update      o o o o o o o . . .  .  o  o  o o o o o o . . . + o o  o  +  +
    delete      o o o o o o o . . .  .  o  o  o o o o o o . . . o o .  .  o  o
    get         o o o o r . . . . .  .  .  .  . o . . . o . . . + o .  .  +  +
    event       o o o o o . . . o .  .  o  o  o . o o o o o o o o o .  .  o  o
    flush       . . . . . . . . . .  .  .  .  . . o . . . . . . . . .  .  .  .
    count       . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    statistics  . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    version     . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    help        . . . . o . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    """)

  private static let expect = Table(
    """
                s d r q p t u z e Ts Td Ms Md m i f n g o c b j w l l+ l- Zo Zr
    list        . . . . . . . . . .  .  .  .  . . o . . o . . . . . .  .  .  .
    create      r r o o r r o . . r  r  r  r  . . . . . . . . . . . .  .  .  .
    delete      r r o o r . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    get         r r o o r . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    event       . . . . . . . . . .  .  .  .  . . . . . o . . . . . .  .  .  .
    flush       . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    count       . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    statistics  . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    version     . . . . . . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    help        . . . . o . . . . .  .  .  .  . . . . . . . . . . . .  .  .  .
    """)

  /// Rows by the name of the action.
  struct Table {
    private var rows: [String: [Legality]] = [:]

    init(_ text: String) {
      for line in text.split(separator: "\n").dropFirst() {
        let words = line.split(separator: " ")
        rows[String(words[0])] = words.dropFirst().compactMap { $0.first.flatMap { Legality(rawValue: $0) } }
      }
    }

    subscript(action: ConntrackAction, option: ConntrackOption) -> Legality {
      guard let row = rows["\(action)"], option.rawValue < row.count else { return .refused }
      return row[option.rawValue]
    }
  }

  static func of(_ option: ConntrackOption, with action: ConntrackAction, on table: ConntrackTable) -> Legality {
    table == .expect ? expect[action, option] : conntrack[action, option]
  }

  /// Fails at the first option that is missing or does not belong there.
  ///
  /// - Parameter isByID: a connection's number was given, which says it all.
  static func check(
    _ given: Set<ConntrackOption>, with action: ConntrackAction, on table: ConntrackTable, isByID: Bool
  ) throws(ConntrackFailure) {
    for option in ConntrackOption.allCases {
      try of(option, with: action, on: table).check(
        isGiven: given.contains(option), name: option.name, isNeeded: !isByID)
    }
  }

  func check(isGiven: Bool, name: String, isNeeded: Bool = true) throws(ConntrackFailure) {
    switch self {
    case .required where !isGiven && isNeeded:
      throw .parameters("You need to supply the `--\(name)' option for this command")
    case .refused where isGiven: throw .parameters("Illegal option `--\(name)' with this command")
    default: break
    }
  }

  /// Fails unless both of one pair are given, or both of the other.
  static func checkPairs(
    original: (Bool, Bool), reply: (Bool, Bool), originalNames: (String, String), replyNames: (String, String)
  ) throws(ConntrackFailure) {
    guard !(original.0 && original.1), !(reply.0 && reply.1) else { return }
    let isReply = (reply.0 || reply.1) && !(original.0 || original.1)
    let names = isReply ? replyNames : originalNames
    throw .parameters("you have to specify `--\(names.0)' and `--\(names.1)'")
  }
}
