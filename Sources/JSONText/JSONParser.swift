extension JSON {
  /// The deepest nesting that is read unless another is asked for.
  public static let standardDepth = 32

  /// Reads a text that is one JSON value, with whitespace around it (RFC 8259).
  ///
  /// Stricter than the grammar where readers disagree: names in an object are unique, whole numbers fit 64 bits, other
  /// numbers a `Double`, and strings are Unicode.
  ///
  /// - Parameter depth: how deep arrays and objects may be nested, and with them the stack; at most 512.
  /// - Complexity: O(bytes); the value takes up to 25 times the memory of its text.
  public init(parsing bytes: Span<UInt8>, depth: Int = standardDepth) throws(JSONError) {
    var parser = JSONParser(bytes, depth: min(depth, 512))
    self = try parser.document()
  }

  public init(parsing text: String, depth: Int = standardDepth) throws(JSONError) {
    let bytes = Array(text.utf8)
    self = try JSON(parsing: bytes.span, depth: depth)
  }
}

/// Recursive descent over bytes that are not trusted. Every function begins at the first byte of what it is named
/// after and leaves the position behind its last.
private struct JSONParser: ~Escapable {
  private let bytes: Span<UInt8>
  private let depth: Int
  private var position = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, depth: Int) {
    self.bytes = bytes
    self.depth = depth
  }

  mutating func document() throws(JSONError) -> JSON {
    skipWhitespace()
    let value = try value(within: depth)
    skipWhitespace()
    if position < bytes.count { throw failure(.trailing) }
    return value
  }

  private mutating func value(within depth: Int) throws(JSONError) -> JSON {
    switch try peek() {
    case UInt8(ascii: "{"): return .object(try members(within: depth))
    case UInt8(ascii: "["): return .array(try elements(within: depth))
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try word("true", .truth(true))
    case UInt8(ascii: "f"): return try word("false", .truth(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case let byte: throw failure(.unexpected(byte))
    }
  }

  // MARK: Structures

  private mutating func members(within depth: Int) throws(JSONError) -> [(String, JSON)] {
    guard depth > 0 else { throw failure(.depth(self.depth)) }
    position += 1
    skipWhitespace()
    var members: [(String, JSON)] = []
    var names = Names()
    if try takes("}") { return members }
    repeat {
      skipWhitespace()
      let start = position
      guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpected(try peek())) }
      let name = try string()
      guard names.add(name, to: members) else { throw JSONError(position: start, cause: .duplicate) }
      skipWhitespace()
      guard try takes(":") else { throw failure(.unexpected(try peek())) }
      skipWhitespace()
      members.append((name, try value(within: depth - 1)))
      skipWhitespace()
    } while try takes(",")
    guard try takes("}") else { throw failure(.unexpected(try peek())) }
    return members
  }

  private mutating func elements(within depth: Int) throws(JSONError) -> [JSON] {
    guard depth > 0 else { throw failure(.depth(self.depth)) }
    position += 1
    skipWhitespace()
    var elements: [JSON] = []
    if try takes("]") { return elements }
    repeat {
      skipWhitespace()
      elements.append(try value(within: depth - 1))
      skipWhitespace()
    } while try takes(",")
    guard try takes("]") else { throw failure(.unexpected(try peek())) }
    return elements
  }

  // MARK: Strings

  private mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while true {
      switch try peek() {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        return try text(start..<position)
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<0x20: throw failure(.control)
      default: position += 1
      }
    }
  }

  /// The rest of a string in which there are escapes.
  private mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var text = try text(start..<position)
    while true {
      let start = position
      switch try peek() {
      case UInt8(ascii: "\""):
        position += 1
        return text
      case UInt8(ascii: "\\"): text.unicodeScalars.append(try escape())
      case 0..<0x20: throw failure(.control)
      default:
        while case let byte = try peek(), byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
          position += 1
        }
        text += try self.text(start..<position)
      }
    }
  }

  private func text(_ range: Range<Int>) throws(JSONError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes.extracting(range)))
    } catch {
      throw JSONError(position: range.lowerBound + error.byteOffsets.lowerBound, cause: .utf8)
    }
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    position += 1
    let scalar: Unicode.Scalar
    switch try peek() {
    case UInt8(ascii: "\""): scalar = "\""
    case UInt8(ascii: "\\"): scalar = "\\"
    case UInt8(ascii: "/"): scalar = "/"
    case UInt8(ascii: "b"): scalar = "\u{8}"
    case UInt8(ascii: "f"): scalar = "\u{c}"
    case UInt8(ascii: "n"): scalar = "\n"
    case UInt8(ascii: "r"): scalar = "\r"
    case UInt8(ascii: "t"): scalar = "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure(.escape)
    }
    position += 1
    return scalar
  }

  /// `uXXXX`, or two of them where the first is the high half of a surrogate pair (RFC 8259 §7).
  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let start = position - 1
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    let alone = JSONError(position: start, cause: .surrogate)
    guard first < 0xdc00, try takes("\\") else { throw alone }
    guard try peek() == UInt8(ascii: "u") else { throw alone }
    let second = try hexadecimal()
    guard (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x1_0000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw alone }
    return scalar
  }

  /// The four digits behind a `u`.
  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var number: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      guard let digit = Character(Unicode.Scalar(try peek())).hexDigitValue else { throw failure(.escape) }
      number = number << 4 | UInt32(digit)
    }
    position += 1
    return number
  }

  // MARK: Numbers and words

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    let isNegative = try takes("-")
    let first = position
    if try takes("0") {} else { try skipDigits() }
    let whole = first..<position
    var isReal = false
    if nextIs(".") {
      isReal = true
      position += 1
      try skipDigits()
    }
    if nextIs("e") || nextIs("E") {
      isReal = true
      position += 1
      if nextIs("+") || nextIs("-") { position += 1 }
      try skipDigits()
    }
    if !isReal, let number = self.whole(whole, isNegative) { return number }
    // Minus zero is no whole number; 0 would lose its sign.
    let isMinusZero = isNegative && whole.count == 1 && bytes[first] == UInt8(ascii: "0")
    guard isReal || isMinusZero, let number = Double(try text(start..<position)), number.isFinite else {
      throw JSONError(position: start, cause: .range)
    }
    return .real(number)
  }

  /// The whole number with these digits; `nil` for one beyond 64 bits, and for minus zero.
  private func whole(_ digits: Range<Int>, _ isNegative: Bool) -> JSON? {
    var magnitude: UInt64 = 0
    for index in digits {
      let (tens, high) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, low) = tens.addingReportingOverflow(UInt64(bytes[index] - UInt8(ascii: "0")))
      guard !high, !low else { return nil }
      magnitude = sum
    }
    guard isNegative else { return .unsigned(magnitude) }
    guard magnitude != 0, magnitude <= Int64.min.magnitude else { return nil }
    return .signed(Int64(truncatingIfNeeded: 0 &- magnitude))
  }

  /// One digit or more.
  private mutating func skipDigits() throws(JSONError) {
    guard case UInt8(ascii: "0")...UInt8(ascii: "9") = try peek() else { throw failure(.unexpected(try peek())) }
    while position < bytes.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = bytes[position] { position += 1 }
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    for byte in "\(word)".utf8 {
      guard try peek() == byte else { throw failure(.unexpected(try peek())) }
      position += 1
    }
    return value
  }

  // MARK: Bytes

  private func failure(_ cause: JSONError.Cause) -> JSONError { JSONError(position: position, cause: cause) }

  private func peek() throws(JSONError) -> UInt8 {
    guard position < bytes.count else { throw failure(.end) }
    return bytes[position]
  }

  private func nextIs(_ character: Unicode.Scalar) -> Bool {
    position < bytes.count && bytes[position] == UInt8(ascii: character)
  }

  /// Whether that comes next, which must not be the end; it is passed by if so.
  private mutating func takes(_ character: Unicode.Scalar) throws(JSONError) -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }
}

/// The names of an object's members so far: compared one by one while they are few, by their hash when they are many,
/// so that an object of a hundred thousand members costs no square of that.
private struct Names {
  private static let few = 8
  private var many: Set<[UInt8]> = []

  /// Whether the name is a new one.
  mutating func add(_ name: String, to members: [(String, JSON)]) -> Bool {
    if members.count < Self.few { return !members.contains { $0.0.utf8.elementsEqual(name.utf8) } }
    if members.count == Self.few { many = Set(members.map { Array($0.0.utf8) }) }
    return many.insert(Array(name.utf8)).inserted
  }
}
