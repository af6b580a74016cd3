internal import JSONText

/// What a command line of `ruleset` asks for.
struct RulesetRequest {
  enum Action: Equatable {
    case help, version
    case load(String, confirm: Int?)
    case confirm, rollback, status
    /// Steps of traced packets, as they come.
    case monitor
    /// A file of commands; `-`: the standard input.
    case run(String)
    case commands(String)
    case explain(String, frame: [UInt8]?)
  }

  private(set) var action = Action.help
  private(set) var isDry = false
  private(set) var isJSON = false
  /// Where `include` looks first.
  private(set) var folders: [String] = []
  private var echoes = false
  /// By the names that the control socket has for them.
  private var listing: Set<String> = []

  /// Nothing but `list`: the forwarder need not let us change anything.
  var onlyLists: Bool {
    guard case .commands(let line) = action, !isDry else { return false }
    return line.split(separator: ";").allSatisfy { $0.split(separator: " ").first == "list" }
  }

  var listOptions: JSON { .object(listing.sorted().map { ($0, .truth(true)) }) }
  var flags: [(String, JSON)] {
    (isDry ? [("dry_run", .truth(true))] : []) + (echoes ? [("echo", .truth(true))] : [])
  }

  init(_ words: [String]) throws(RulesetTool.Failure) {
    var rest = words[...]
    var file: String?
    while let word = rest.first, word.hasPrefix("-"), word.count > 1 {
      rest.removeFirst()
      let (name, joined) = Self.split(word)
      for letter in name {
        guard let option = Self.options.first(where: { $0.letter == letter }) else {
          throw Self.unknown(word)
        }
        switch letter {
        case "h": return
        case "v", "V":
          action = .version
          return
        case "c": isDry = true
        case "e": echoes = true
        case "f": file = try Self.value(of: word, joined, &rest)
        case "I": folders.append(try Self.value(of: word, joined, &rest))
        default: listing.formUnion(option.listing)
        }
      }
    }
    isJSON = listing.contains("json")
    if let file {
      guard rest.isEmpty else { throw Self.usage("Error: -f goes without a command") }
      action = .run(file)
    } else {
      try read(Array(rest))
    }
  }

  // MARK: Options

  private struct Option {
    var letter: Character
    var long: String
    var listing: [String] = []
    var help: String
  }

  private static let options: [Option] = [
    Option(letter: "h", long: "help", help: "Show this help"),
    Option(letter: "v", long: "version", help: "Show version information"),
    Option(letter: "f", long: "file", help: "Read input from <filename>, - is standard input"),
    Option(letter: "I", long: "includepath", help: "Add <directory> to those searched for include files"),
    Option(letter: "c", long: "check", help: "Check commands validity without actually applying the changes"),
    Option(letter: "a", long: "handle", listing: ["handles"], help: "Output rule handle"),
    Option(letter: "s", long: "stateless", listing: ["stateless"], help: "Omit stateful information of ruleset"),
    Option(letter: "t", long: "terse", listing: ["terse"], help: "Omit contents of sets"),
    Option(letter: "e", long: "echo", help: "Echo what has been added, inserted or replaced"),
    Option(letter: "j", long: "json", listing: ["json"], help: "Format output in JSON"),
    Option(
      letter: "n", long: "numeric", listing: ["numeric", "numeric_priority", "numeric_protocol"],
      help: "Print fully numerical output"),
    Option(
      letter: "y", long: "numeric-priority", listing: ["numeric_priority"], help: "Print chain priority numerically"),
    Option(
      letter: "p", long: "numeric-protocol", listing: ["numeric_protocol"], help: "Print protocols numerically"),
    Option(letter: "S", long: "service", listing: ["services"], help: "Translate ports to service names"),
    Option(letter: "T", long: "numeric-time", help: "Print time values numerically; they always are"),
    Option(letter: "N", long: "reversedns", help: "Translate addresses to names; none are"),
    Option(letter: "V", long: "Version", help: "Show version information"),
  ]

  /// The letters of a word of options, and a value joined to a long one.
  private static func split(_ word: String) -> (letters: String, value: String?) {
    guard word.hasPrefix("--") else { return (String(word.dropFirst()), nil) }
    let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let letter = options.first { $0.long == parts[0] }.map { String($0.letter) }
    return (letter ?? "?", parts.count == 2 ? parts[1] : nil)
  }

  private static func value(
    of word: String, _ joined: String?, _ rest: inout ArraySlice<String>
  ) throws(RulesetTool.Failure) -> String {
    if let joined { return joined }
    guard let value = rest.popFirst() else { throw usage("Error: option \(word) needs a value") }
    return value
  }

  private static func unknown(_ word: String) -> RulesetTool.Failure { usage("Error: there is no option \(word)") }

  private static func usage(_ text: String) -> RulesetTool.Failure {
    RulesetTool.Failure(text: text + "; see dpdkfwd-ctl ruleset -h\n")
  }

  // MARK: Verbs of our own

  private mutating func read(_ words: [String]) throws(RulesetTool.Failure) {
    var rest = words.dropFirst()
    switch words.first {
    case nil: throw Self.usage("Error: a command is missing")
    case "monitor":
      guard rest.isEmpty || Array(rest) == ["trace"] else {
        throw Self.usage("Error: only `monitor trace` is supported yet")
      }
      action = .monitor
    case "load":
      var path: String?
      var confirm: Int?
      while let word = rest.popFirst() {
        switch Self.split(word) {
        case _ where word == "--dry-run": isDry = true
        case _ where word == "--confirm" || word.hasPrefix("--confirm="):
          let text = try Self.value(of: word, word.split(separator: "=").dropFirst().first.map(String.init), &rest)
          guard let seconds = Int(text), (1...86_400).contains(seconds) else {
            throw Self.usage("Error: --confirm: expected seconds from 1 to 86400, not \(text)")
          }
          confirm = seconds
        case _ where word == "-" || !word.hasPrefix("-"):
          guard path == nil else { throw Self.usage("Error: load takes one file") }
          path = word
        default: throw Self.unknown(word)
        }
      }
      guard let path else { throw Self.usage("Error: load: a file is missing") }
      action = .load(path, confirm: confirm)
    case "confirm" where rest.isEmpty: action = .confirm
    case "rollback" where rest.isEmpty: action = .rollback
    case "status" where rest.isEmpty: action = .status
    case "run":
      guard rest.count == 1, let path = rest.first else { throw Self.usage("Error: run takes one file") }
      action = .run(path)
    case "explain": action = try Self.explanation(rest)
    default: action = .commands(words.joined(separator: " "))
    }
  }

  private static func explanation(_ given: ArraySlice<String>) throws(RulesetTool.Failure) -> Action {
    var rest = given
    var words: [String] = []
    var path: String?
    var number = 1
    while let word = rest.popFirst() {
      switch word {
      case "--pcap": path = try value(of: word, nil, &rest)
      case "--packet":
        let text = try value(of: word, nil, &rest)
        guard let given = Int(text), given > 0 else {
          throw usage("Error: --packet: expected a number from 1, not \(text)")
        }
        number = given
      case "--iif", "--oif": words += [String(word.dropFirst(2)), try value(of: word, nil, &rest)]
      default: words.append(word)
      }
    }
    guard let path else { return .explain(words.joined(separator: " "), frame: nil) }
    guard let bytes = bytes(ofFile: path) else {
      throw RulesetTool.Failure(text: "Error: Could not open file \"\(path)\": \(systemCause(ofReading: path))\n")
    }
    do throws(CaptureError) {
      return .explain(words.joined(separator: " "), frame: try CaptureFile.frame(number, of: bytes))
    } catch {
      throw RulesetTool.Failure(text: "Error: \(path): \(error)\n")
    }
  }

  // MARK: Help

  static var help: String {
    let lines = options.filter { $0.letter != "V" }.map { option in
      let value = option.letter == "f" ? " <filename>" : option.letter == "I" ? " <directory>" : ""
      let names = "  -\(option.letter), --\(option.long)\(value)"
      return names + String(repeating: " ", count: max(1, 36 - names.count)) + option.help
    }
    return """
      Usage: dpdkfwd-ctl ruleset [ options ] [ cmds... ]

      Commands of nft(8): list, add, insert, create, replace, delete, destroy, flush, reset, rename; and
        load FILE [--dry-run] [--confirm SECONDS]   put a file in the place of all rules, for good or until a way back
        confirm, rollback                           keep what was loaded with --confirm, or take it back
        run FILE                                    the same as -f FILE
        explain WORDS                               what becomes of a packet, such as
                                                    iif eth0 ip saddr 10.0.0.1 tcp dport 80 flags syn ct state new
        explain --pcap FILE [--packet N] --iif PORT [WORDS]
        monitor trace                               what rules say of packets with `meta nftrace set 1`, as they come
        status                                      how much is loaded, and what holds without rules

      Options:
      \(lines.joined(separator: "\n"))

      """
  }
}
