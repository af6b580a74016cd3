/// How an option takes its argument.
enum ArgumentNeed: Sendable { case none, required, optional }

/// An option as its user writes it, by names of either length; several may mean the same.
struct OptionName<Meaning: Sendable>: Sendable {
  var short: Character?
  var long: String?
  var argument: ArgumentNeed
  var meaning: Meaning

  init(_ short: Character? = nil, _ long: String? = nil, _ argument: ArgumentNeed = .none, _ meaning: Meaning) {
    self.short = short
    self.long = long
    self.argument = argument
    self.meaning = meaning
  }
}

/// Reads command lines as getopt_long(3) of the GNU library does: short options in one word, `--name=value`, names cut
/// short, options and operands in any order, everything behind `--` an operand.
///
/// The words change places as getopt's do, options before operands, since what a tool says of a bad option quotes the
/// word that stands before the next one to be read.
struct OptionWords<Meaning: Equatable & Sendable> {
  /// Options may be added between two calls of `next`; the first of several with the same name counts.
  var names: [OptionName<Meaning>]
  /// The first is the program's name.
  private var words: [String]
  private var index = 1
  /// Short options of the word at `index` that are still to be read.
  private var rest: Substring = ""
  /// Operands that were skipped and not yet moved behind the options that followed.
  private var skipped: Range<Int> = 1..<1

  init(_ words: [String], names: [OptionName<Meaning>]) {
    self.words = words
    self.names = names
  }

  enum Next {
    case option(Meaning, argument: String?)
    /// It needs an argument, and there is none.
    case missing
    case unknown
    case end
  }

  /// The word before the next one to be read.
  var quoted: String { words[index - 1] }

  /// The word that comes next, unless it is an option or the argument of none.
  var operand: String? {
    guard index < words.count, !["-", "!"].contains(words[index].prefix(1)) else { return nil }
    return words[index]
  }

  /// Takes the operand that comes next for an argument.
  mutating func takeOperand() -> String? {
    guard let operand else { return nil }
    index += 1
    return operand
  }

  mutating func next() -> Next {
    if rest.isEmpty {
      gather()
      guard index < words.count, words[index] != "--" else { return .end }
      guard !words[index].hasPrefix("--") else { return long() }
      rest = words[index].dropFirst()
    }
    return short()
  }

  /// Moves on to the next option, past operands, and those before it behind the options read so far.
  private mutating func gather() {
    if skipped.upperBound != index {
      let options = words[skipped.upperBound..<index]
      words.replaceSubrange(skipped.lowerBound..<index, with: options + words[skipped])
      skipped = (skipped.lowerBound + options.count)..<index
    }
    let start = skipped.isEmpty ? index : skipped.lowerBound
    while index < words.count, !words[index].hasPrefix("-") || words[index] == "-" { index += 1 }
    skipped = start..<index
  }

  private mutating func short() -> Next {
    let letter = rest.removeFirst()
    if rest.isEmpty { index += 1 }
    guard let name = names.first(where: { $0.short == letter }) else { return .unknown }
    switch name.argument {
    case .none: return .option(name.meaning, argument: nil)
    case .optional, .required:
      if !rest.isEmpty {
        defer { rest = "" }
        index += 1
        return .option(name.meaning, argument: String(rest))
      }
      guard name.argument == .required else { return .option(name.meaning, argument: nil) }
      return argument(of: name)
    }
  }

  private mutating func long() -> Next {
    let parts = words[index].dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    index += 1
    guard let name = name(parts[0]) else { return .unknown }
    guard parts.count == 1 else {
      return name.argument == .none ? .unknown : .option(name.meaning, argument: String(parts[1]))
    }
    return name.argument == .required ? argument(of: name) : .option(name.meaning, argument: nil)
  }

  private mutating func argument(of name: OptionName<Meaning>) -> Next {
    guard index < words.count else { return .missing }
    defer { index += 1 }
    return .option(name.meaning, argument: words[index])
  }

  /// The option of that name, or the only one whose name begins so.
  private func name(_ text: Substring) -> OptionName<Meaning>? {
    let candidates = names.filter { $0.long?.hasPrefix(text) ?? false }
    if let exact = candidates.first(where: { $0.long.map { $0 == text } ?? false }) { return exact }
    guard let first = candidates.first else { return nil }
    return candidates.allSatisfy { $0.meaning == first.meaning } ? first : nil
  }
}
