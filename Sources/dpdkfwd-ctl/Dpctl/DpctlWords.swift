/// What follows a verb: options anywhere, and the rest in order.
struct DpctlWords {
  /// How often `-m` was given.
  private(set) var more = 0
  private(set) var hasStatistics = false
  /// The words that are no options, of which those that have been understood are gone.
  private(set) var rest: [String] = []
  /// The forwarder's, by which a datapath may be called.
  private let prefix: String
  /// Of `rest`, before anything was taken.
  private var first: String?
  /// Whether that was all.
  private(set) var wasOne = false

  /// - Parameter before: options that stood before the verb; Open vSwitch does not count them.
  init(_ words: [String], before: [String], of verb: DpctlVerb, prefix: String) throws(DpctlFailure) {
    self.prefix = prefix
    guard words.count >= verb.words.lowerBound else {
      throw .usage("\"dpctl/\(verb.rawValue)\" command requires at least \(verb.words.lowerBound) arguments")
    }
    guard words.count <= verb.words.upperBound else {
      throw .usage("\"dpctl/\(verb.rawValue)\" command takes at most \(verb.words.upperBound) arguments")
    }
    for word in before + words {
      if word.hasPrefix("-"), word.utf8.count > 1 { try readOption(word) } else { rest.append(word) }
    }
    (first, wasOne) = (rest.first, rest.count == 1)
  }

  private mutating func readOption(_ word: String) throws(DpctlFailure) {
    switch word {
    case "--more": more += 1
    case "--statistics": hasStatistics = true
    case _ where word.dropFirst().allSatisfy({ $0 == "m" || $0 == "s" }):
      more += word.count { $0 == "m" }
      if word.contains("s") { hasStatistics = true }
    default: throw .usage("Unrecognized option \(word)")
    }
  }

  // MARK: The rest

  /// Takes the name of a datapath off the front, if more words than `needed` are there (F3). Open vSwitch's datapaths
  /// have types, as in netdev@ovs-netdev.
  mutating func takeDatapath(needed: Int = 0) {
    guard rest.count > needed, let first = rest.first else { return }
    if first == prefix || first.contains("@") && !first.contains("=") { rest.removeFirst() }
  }

  /// The words of a verb that takes exactly so many, and perhaps a datapath before them; those that options stand for
  /// are empty.
  mutating func exactly(_ count: Int) throws(DpctlFailure) -> [String] {
    takeDatapath(needed: count)
    guard rest.count <= count else { throw .noDatapath }
    return rest + Array(repeating: "", count: count - rest.count)
  }

  /// Takes what follows `name=` out of the words, if there is one of the kind.
  mutating func take(_ name: String) -> Substring? {
    guard let place = rest.firstIndex(where: { $0.hasPrefix(name + "=") }) else { return nil }
    return rest.remove(at: place).dropFirst(name.utf8.count + 1)
  }

  mutating func takeZone() throws(DpctlFailure) -> UInt16? {
    guard let text = take("zone") else { return nil }
    guard let zone: UInt16 = Self.decimal(text) else { throw .invalid("failed to parse zone") }
    return zone
  }

  /// Takes a bare word out, if it is there.
  mutating func takeWord(_ word: String) -> Bool {
    guard let place = rest.firstIndex(of: word) else { return false }
    rest.remove(at: place)
    return true
  }

  /// Takes all that is left.
  mutating func takeRest() -> [String] {
    defer { rest = [] }
    return rest
  }

  /// Nothing is left: else a word is no datapath, or means nothing where it stands.
  func end() throws(DpctlFailure) {
    guard let word = rest.first else { return }
    throw word == first ? .noDatapath : .invalid("invalid argument \(word)")
  }

  // MARK: Numbers

  /// Digits and nothing else; Open vSwitch takes whatever number a text begins with.
  static func decimal<Number: FixedWidthInteger>(_ text: some StringProtocol) -> Number? {
    isNumber(text) ? Number(text, radix: 10) : nil
  }

  /// The same, or 0x and hexadecimal digits.
  static func number<Number: FixedWidthInteger>(_ text: some StringProtocol) -> Number? {
    guard text.hasPrefix("0x") else { return decimal(text) }
    let digits = text.dropFirst(2)
    return isNumber(digits) ? Number(digits, radix: 16) : nil
  }

  /// No sign, which Swift's numbers may have.
  private static func isNumber(_ text: some StringProtocol) -> Bool { text.first?.isHexDigit ?? false }

  /// `value` or `value/mask`, of up to 128 bits.
  static func masked<Number: FixedWidthInteger>(_ text: Substring) -> (value: Number, mask: Number)? {
    let sides = text.split(separator: "/", omittingEmptySubsequences: false)
    guard sides.count <= 2, let value: Number = number(sides[0]) else { return nil }
    guard sides.count == 2 else { return (value, .max) }
    return number(sides[1]).map { (value, $0) }
  }
}
