/// Reads a text as commands, by recursive descent. After a fault it goes on behind the next separator, so that all
/// faults of a text come at once.
struct Parser {
  static let deepest = 32
  static let mostFaults = 100
  static let mostIncludes = 16

  let includes: (String) -> [RulesetSource]
  var sources: [RulesetSource] = []
  var flaws: [Flaw] = []
  var commands: [Command] = []
  /// Of the file that is read.
  var tokens: [Token] = []
  var at = 0
  var depth = 0
  /// Behind the last block's bracket.
  private var blockEnd = -1
  /// How deep in includes each source lies.
  private var includeDepths: [Int] = []
  /// What `define` gave names to, for each block that is open.
  private var definitions: [[String: Definition]] = [[:]]
  /// How much variables have stood for so far, in words.
  private var substituted = 0

  private struct Definition {
    var node: Node
    /// Words, those counted that variables in it stand for.
    var weight: Int
  }

  /// Words that variables may stand for in one text: a few that double each other would come to any size.
  static let mostSubstituted = 4_000_000

  init(includes: @escaping (String) -> [RulesetSource]) { self.includes = includes }

  mutating func read(_ source: RulesetSource) {
    tokens = lex(source, depth: 0)
    at = 0
    while next.kind != .end, flaws.count < Self.mostFaults {
      if takeSeparator() { continue }
      let start = at
      do throws(Flaw) {
        try command()
        try separator()
      } catch {
        flaws.append(error)
        recover(from: start)
        // A bracket that nobody opened.
        if isSign("}") { at += 1 }
      }
    }
  }

  private mutating func lex(_ source: RulesetSource, depth: Int) -> [Token] {
    let tokens = Lexer.tokens(of: source.text, source: Int32(truncatingIfNeeded: sources.count))
    sources.append(source)
    includeDepths.append(depth)
    return tokens
  }

  // MARK: Words

  var next: Token { tokens[min(at, tokens.count - 1)] }
  func peek(_ offset: Int) -> Token { tokens[min(at + offset, tokens.count - 1)] }
  var spot: Spot { next.spot }
  /// Of the last word that was taken.
  var lastSpot: Spot { tokens[max(0, min(at, tokens.count) - 1)].spot }

  func isWord(_ text: String) -> Bool { next.kind == .word && next.text == text }
  func isSign(_ text: String) -> Bool { next.kind == .sign && next.text == text }

  mutating func take(word text: String) -> Bool {
    guard isWord(text) else { return false }
    at += 1
    return true
  }

  mutating func take(sign text: String) -> Bool {
    guard isSign(text) else { return false }
    at += 1
    return true
  }

  mutating func expect(sign text: String) throws(Flaw) {
    guard take(sign: text) else { throw unexpected("'\(text)'") }
  }

  mutating func expect(word text: String) throws(Flaw) {
    guard take(word: text) else { throw unexpected(text) }
  }

  /// The word that is next is none of those that may be.
  func unexpected(_ expected: String? = nil) -> Flaw {
    let found =
      switch next.kind {
      case .word: Reserved.words.contains(next.text) ? next.text : "string"
      case .number: "number"
      case .quoted: "quoted string"
      case .variable: "'$'"
      case .sign: Self.names[next.text] ?? "'\(next.text)'"
      case .newline: "newline"
      case .end: "end of file"
      case .junk: "junk"
      }
    if next.kind == .junk, next.text == "\"" { return .unsupported("A quoted text over several lines", spot) }
    return Flaw(spot, "syntax error, unexpected \(found)" + (expected.map { ", expecting \($0)" } ?? ""))
  }

  private static let names = [
    ";": "semicolon", ",": "comma", ":": "colon", "==": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=",
    "<<": "<<", ">>": ">>", "&": "&", "|": "|", "^": "^", "!": "!", "*": "*", "-": "-", ".": ".", "/": "/", "@": "@",
  ]

  mutating func skipNewlines() {
    while next.kind == .newline { at += 1 }
  }

  mutating func takeSeparator() -> Bool {
    guard next.kind == .newline || isSign(";") else { return false }
    at += 1
    return true
  }

  /// Ends a statement; a block's end, a closing bracket and the end of the text do as well.
  mutating func separator() throws(Flaw) {
    guard next.kind != .end, !isSign("}"), !takeSeparator(), at != blockEnd else { return }
    throw unexpected()
  }

  /// Goes on where the statement behind the one at `start` may begin: behind a separator, before a bracket that closes
  /// what was open before.
  mutating func recover(from start: Int) {
    var open = 0
    for token in tokens[min(start, at)..<at] where token.kind == .sign {
      if token.text == "{" { open += 1 } else if token.text == "}", open > 0 { open -= 1 }
    }
    while next.kind != .end {
      if isSign("{") {
        open += 1
      } else if isSign("}") {
        if open == 0 { return }
        open -= 1
      } else if open == 0, takeSeparator() {
        return
      }
      at += 1
    }
  }

  // MARK: Names and numbers

  /// Whether a name can be next; a word of the language is none.
  var isName: Bool {
    next.kind == .word && !Reserved.words.contains(next.text) && !next.text.hasSuffix("*")
  }

  mutating func name() throws(Flaw) -> Named {
    guard isName || next.kind == .word && next.text == "last" else { throw unexpected("string") }
    let name = Named(text: next.text, spot: spot)
    at += 1
    return name
  }

  /// A name that may stand in quotes, or be a variable's value.
  mutating func string() throws(Flaw) -> Named {
    if next.kind == .quoted || next.kind == .word && (isName || next.text.hasSuffix("*")) {
      at += 1
      return Named(text: tokens[at - 1].text, spot: lastSpot)
    }
    if next.kind == .variable {
      let node = try variable()
      switch node.form {
      case .word(let text), .quoted(let text): return Named(text: text, spot: node.spot)
      default: throw Flaw(node.spot, "Value is not a string")
      }
    }
    throw unexpected("string")
  }

  mutating func quoted() throws(Flaw) -> String {
    guard next.kind == .quoted || isName else { throw unexpected("string") }
    at += 1
    return tokens[at - 1].text
  }

  /// - Parameter known: what was said before; to say it twice is a fault.
  mutating func comment(after known: String? = nil) throws(Flaw) -> String {
    if known != nil {
      throw Flaw(lastSpot, "You can only specify this once. This statement is duplicated.")
    }
    let text = try quoted()
    guard text.utf8.count <= 128 else { throw Flaw(lastSpot, "comment too long, 128 characters maximum allowed") }
    return text
  }

  mutating func number() throws(Flaw) -> UInt64 {
    guard next.kind == .number else { throw unexpected("number") }
    guard let number = next.number else { throw Flaw(spot, "Number is too large") }
    at += 1
    return number
  }

  /// A time such as `1h30m`, in milliseconds; in some places a number counts seconds.
  mutating func time(orSeconds isNumber: Bool = false) throws(Flaw) -> UInt64 {
    if next.kind == .number, isNumber {
      let seconds = try number()
      guard seconds <= UInt64(UInt32.max) else { throw Flaw(lastSpot, "Time is too long") }
      return seconds * 1000
    }
    guard next.kind == .word, let time = TimeText.milliseconds(next.text) else {
      throw unexpected("string")
    }
    at += 1
    return time
  }

  mutating func handle() throws(Flaw) -> (UInt64, Spot) {
    try expect(word: "handle")
    let handle = try number()
    return (handle, lastSpot)
  }

  // MARK: Nesting

  mutating func nested<Result>(_ body: (inout Parser) throws(Flaw) -> Result) throws(Flaw) -> Result {
    guard depth < Self.deepest else { throw Flaw(spot, "Too deeply nested") }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  /// `{ ... }`, one statement after the other; a fault of one leaves the others.
  mutating func block(_ statement: (inout Parser) throws(Flaw) -> Void) throws(Flaw) {
    try expect(sign: "{")
    definitions.append([:])
    defer { definitions.removeLast() }
    try nested { parser throws(Flaw) in
      while !parser.isSign("}") {
        if parser.takeSeparator() { continue }
        guard parser.next.kind != .end, parser.flaws.count < Self.mostFaults else { throw parser.unexpected("'}'") }
        let start = parser.at
        do throws(Flaw) {
          try statement(&parser)
        } catch {
          parser.flaws.append(error)
          parser.recover(from: start)
        }
      }
    }
    at += 1
    blockEnd = at
  }

  // MARK: Definitions and includes

  /// `define`, `redefine`, `undefine`, `include`: at the beginning of a line, everywhere.
  mutating func common() throws(Flaw) -> Bool {
    guard next.kind == .word else { return false }
    switch next.text {
    case "define", "redefine":
      let isNew = next.text == "define"
      at += 1
      let name = try name()
      try expect(sign: "=")
      let (start, before) = (at, substituted)
      let value = Definition(node: try definition(), weight: at - start + substituted - before)
      if isNew, definitions[definitions.count - 1][name.text] != nil {
        throw Flaw(name.spot, "redefinition of symbol '\(name.text)'")
      }
      definitions[definitions.count - 1][name.text] = value
    case "undefine":
      at += 1
      let name = try name()
      definitions[definitions.count - 1][name.text] = nil
    case "include":
      let start = spot
      at += 1
      guard next.kind == .quoted else { throw unexpected("quoted string") }
      let name = next.text
      at += 1
      let place = start.through(lastSpot)
      let found = includes(name)
      if found.isEmpty, !name.contains("*") { throw Flaw(place, "File not found: \(name)") }
      let depth = includeDepths[Int(place.source)] + 1
      guard depth <= Self.mostIncludes, sources.count + found.count <= 1024 else {
        throw Flaw(place, "Include nested too deeply, max \(Self.mostIncludes) levels")
      }
      // The words of the file come next, whatever stands around.
      var words: [Token] = []
      for source in found {
        words += lex(source, depth: depth).dropLast()
        words.append(Token(kind: .newline, text: "\n", number: nil, spot: place))
      }
      tokens.insert(contentsOf: [Token(kind: .newline, text: "\n", number: nil, spot: place)] + words, at: at)
    default: return false
    }
    return true
  }

  /// What a variable stands for; the place is where it was defined.
  mutating func variable() throws(Flaw) -> Node {
    let name = next
    guard let definition = definitions.reversed().lazy.compactMap({ $0[name.text] }).first else {
      throw Flaw(name.spot, "unknown identifier '\(name.text)'")
    }
    guard substituted + definition.weight <= Self.mostSubstituted else {
      throw Flaw(name.spot, "Variables stand for more than \(Self.mostSubstituted) words")
    }
    substituted += definition.weight
    at += 1
    return definition.node
  }
}

enum TimeText {
  /// Milliseconds: what 64 bits of nanoseconds hold (netfilter's `nf_msecs_to_jiffies64`).
  static let longest: UInt64 = UInt64.max / 1_000_000 - 1

  private static let units: [(String, UInt64)] = [
    ("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
  ]

  /// `nil`: it is no time.
  static func milliseconds(_ text: String) -> UInt64? {
    var rest = text[...]
    var sum: UInt64 = 0
    var parts = 0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      guard let number = UInt64(digits), number < 1 << 53, parts < 8 else { return nil }
      guard let unit = units.first(where: { rest.hasPrefix($0.0) }) else {
        // The last number alone counts seconds.
        guard rest.isEmpty, parts == 0, number <= UInt64(UInt32.max) else { return nil }
        return number * 1000
      }
      rest = rest.dropFirst(unit.0.count)
      let (product, isTooMuch) = number.multipliedReportingOverflow(by: unit.1)
      guard !isTooMuch, product < 1 << 53 else { return nil }
      sum += product
      parts += 1
    }
    return parts > 0 ? sum : nil
  }

  /// As nft prints times: the largest units first.
  static func text(_ milliseconds: UInt64) -> String {
    if milliseconds == 0 { return "0s" }
    var rest = milliseconds
    var text = ""
    for (unit, size) in units.dropFirst() + units.prefix(1) where rest >= size {
      text += "\(rest / size)\(unit)"
      rest %= size
    }
    return text
  }
}
