/// Where a word stands: its source's number, line and columns from 1. Small, since every word has one.
struct Spot: Hashable, Sendable, BitwiseCopyable {
  var source: Int32 = 0
  var line: Int32 = 0
  var first: Int32 = 0
  var last: Int32 = 0

  /// From the first word to the last; of several lines, the part on the first.
  func through(_ end: Spot) -> Spot {
    guard source == end.source, line == end.line, end.last >= last else { return self }
    return Spot(source: source, line: line, first: first, last: end.last)
  }
}

/// A fault before the words of its line are known.
struct Flaw: Error, Hashable, Sendable {
  var spot: Spot
  var message: String
  var related: Spot?

  init(_ spot: Spot, _ message: String, related: Spot? = nil) {
    self.spot = spot
    self.message = message
    self.related = related
  }

  static func unsupported(_ what: String, _ spot: Spot) -> Flaw { Flaw(spot, "\(what) is not supported yet") }
}

struct Token: Sendable {
  enum Kind: UInt8, Sendable {
    /// A name, an address, a time such as `1h30m`.
    case word
    case number
    case quoted
    /// `$name`; the text is the name.
    case variable
    /// Operators and brackets; the text is the sign.
    case sign
    case newline
    case end
    /// What no word begins with, or a quote without its end.
    case junk
  }
  var kind: Kind
  var text: String
  /// Of a number; `nil` when it has more than 64 bits.
  var number: UInt64?
  var spot: Spot
}

/// Cuts a text into words as nft's scanner does: always the longest that fits.
struct Lexer {
  private let bytes: [UInt8]
  private let source: Int32
  private var at = 0
  private var line: Int32 = 1
  private var lineStart = 0
  private(set) var tokens: [Token] = []

  /// - Parameter source: the number that the spots bear.
  static func tokens(of text: String, source: Int32) -> [Token] {
    var lexer = Lexer(Array(text.utf8), source)
    lexer.run()
    return lexer.tokens
  }

  private init(_ bytes: [UInt8], _ source: Int32) {
    self.bytes = bytes
    self.source = source
    tokens.reserveCapacity(bytes.count / 4)
  }

  private func byte(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  private mutating func run() {
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): at += 1
      case UInt8(ascii: "\n"):
        emit(.newline, 1, text: "\n")
        startLine()
      case UInt8(ascii: "\\") where isContinuation: skipContinuation()
      case UInt8(ascii: "#"): while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
      case UInt8(ascii: "\""): quoted()
      case UInt8(ascii: "$"): variable()
      default: wordOrSign()
      }
    }
    // The end counts as a sign behind the last.
    tokens.append(Token(kind: .end, text: "", number: nil, spot: spot(1)))
  }

  private func spot(_ length: Int) -> Spot {
    let first = Int32(truncatingIfNeeded: at - lineStart + 1)
    return Spot(source: source, line: line, first: first, last: first + Int32(truncatingIfNeeded: max(length, 1) - 1))
  }

  private mutating func emit(_ kind: Token.Kind, _ length: Int, text: String, number: UInt64? = nil) {
    tokens.append(Token(kind: kind, text: text, number: number, spot: spot(length)))
    at += length
  }

  private mutating func startLine() {
    line += 1
    lineStart = at
  }

  // A backslash, blanks, and the end of the line.
  private var isContinuation: Bool {
    var end = at + 1
    while [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains(byte(end)) { end += 1 }
    return byte(end) == UInt8(ascii: "\n")
  }

  private mutating func skipContinuation() {
    while bytes[at] != UInt8(ascii: "\n") { at += 1 }
    at += 1
    startLine()
  }

  private func text(_ length: Int) -> String { String(decoding: bytes[at..<at + length], as: UTF8.self) }

  private mutating func quoted() {
    var end = at + 1
    while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\n") { end += 1 }
    guard byte(end) == UInt8(ascii: "\"") else { return emit(.junk, end - at, text: "\"") }
    emit(.quoted, end + 1 - at, text: String(decoding: bytes[at + 1..<end], as: UTF8.self))
  }

  private mutating func variable() {
    guard byte(at + 1).isWordStart else { return emit(.sign, 1, text: "$") }
    var end = at + 1
    while byte(end).isWordPart { end += 1 }
    let name = String(decoding: bytes[at + 1..<end], as: UTF8.self)
    // The name is what is pointed at.
    at += 1
    emit(.variable, end - at, text: name)
  }

  private mutating func wordOrSign() {
    let first = bytes[at]
    let address = addressLength()
    var word = 0
    if first.isWordStart, first != UInt8(ascii: ".") || byte(at + 1).isWordPart {
      word = 1
      while byte(at + word).isWordPart { word += 1 }
      // "eth*" stands for all that begin so; "eth\*" means the sign itself.
      if byte(at + word) == UInt8(ascii: "*") { word += 1 }
    }
    let (digits, time) = numberLengths()
    if digits == 4 { word = etherTypeLength() }
    let longest = max(address, word, digits, time)
    guard longest > 0 else { return sign() }
    if address == longest || word == longest || time > digits && time == longest {
      emit(.word, longest, text: text(longest))
    } else {
      let digits = text(longest)
      emit(.number, longest, text: digits, number: Self.value(of: digits))
    }
  }

  private static func value(of digits: String) -> UInt64? {
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") { return UInt64(digits.dropFirst(2), radix: 16) }
    // As in C, a zero in front means octal, where it can.
    if digits.hasPrefix("0"), let octal = UInt64(digits, radix: 8) { return octal }
    return UInt64(digits)
  }

  /// Of a number, and of a time: digits and units from days to milliseconds.
  private func numberLengths() -> (Int, Int) {
    guard byte(at).isDigit else { return (0, 0) }
    if byte(at) == UInt8(ascii: "0"), byte(at + 1) | 0x20 == UInt8(ascii: "x"), byte(at + 2).isHexDigit {
      var end = at + 2
      while byte(end).isHexDigit { end += 1 }
      return (end - at, 0)
    }
    var digits = at
    while byte(digits).isDigit { digits += 1 }
    var end = at
    for unit in ["d", "h", "m", "s", "ms"] {
      var next = end
      while byte(next).isDigit { next += 1 }
      guard next > end else { break }
      let letters = Array(unit.utf8)
      guard byte(next) == letters[0] else { continue }
      if letters.count == 2 {
        guard byte(next + 1) == letters[1] else { continue }
      } else if unit == "m", byte(next + 1) == UInt8(ascii: "s") {
        continue
      }
      end = next + letters.count
    }
    return (digits - at, end - at)
  }

  /// Of the two etherTypes whose names begin with digits; 0: it is none.
  private func etherTypeLength() -> Int {
    for name in ["8021ad", "8021q"] where bytes[at...].starts(with: name.utf8) { return name.utf8.count }
    return 0
  }

  /// Of an IPv4, IPv6 or Ethernet address; 0: none begins here.
  private func addressLength() -> Int {
    guard byte(at).isHexDigit || byte(at) == UInt8(ascii: ":") else { return 0 }
    var end = at
    var colons = 0
    var dots = 0
    while byte(end).isHexDigit || byte(end) == UInt8(ascii: ":") || byte(end) == UInt8(ascii: "."), end - at < 64 {
      if byte(end) == UInt8(ascii: ":") { colons += 1 }
      if byte(end) == UInt8(ascii: ".") { dots += 1 }
      end += 1
    }
    if colons < 2, dots < 3 { return 0 }
    if colons >= 2 {
      for length in stride(from: min(end - at, 45), to: 1, by: -1) {
        let part = bytes[at..<at + length]
        if IPAddress.six(part) != nil || EthernetAddress.value(part) != nil { return length }
      }
    }
    return IPAddress.lengthOfFour(bytes[at..<end])
  }

  private mutating func sign() {
    let two = at + 1 < bytes.count ? text(2) : ""
    if ["==", "!=", "<=", ">=", "<<", ">>", "&&", "||"].contains(two) { return emit(.sign, 2, text: two) }
    if "{}(),.:;@=<>&|^!-+*/~$[]".utf8.contains(bytes[at]) { return emit(.sign, 1, text: text(1)) }
    // One character, however many bytes it has.
    var length = 1
    while byte(at + length) & 0xc0 == 0x80 { length += 1 }
    emit(.junk, length, text: text(length))
  }
}

extension UInt8 {
  var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
  var isHexDigit: Bool { isDigit || (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "f") }
  fileprivate var isLetter: Bool { (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "z") }
  fileprivate var isWordStart: Bool { isLetter || self == UInt8(ascii: "_") || self == UInt8(ascii: ".") }
  fileprivate var isWordPart: Bool {
    isLetter || isDigit || self == UInt8(ascii: "/") || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
      || self == UInt8(ascii: ".")
  }
}
