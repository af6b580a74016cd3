import Conntrack
import Primitives

/// Why a value is refused, in words that follow the key's name and a colon.
struct Refusal: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A value as it was written: a word of the command line, which may mean any of the others, or what TOML read.
enum Written {
  case word(String)
  case text(String)
  case integer(Int)
  case real(Double)
  case truth(Bool)
  /// An array of tables, each a list of keys with their values.
  case tables([[(key: String, value: Written)]])
  case other(String)  // its kind, with its article

  private var shown: String {
    switch self {
    case .word(let text), .text(let text): "\"\(text)\""
    case .integer(let number): "\(number)"
    case .real(let number): "\(number)"
    case .truth(let truth): "\(truth)"
    case .tables: "tables"
    case .other(let kind): kind
    }
  }

  func refusal(expected: String) -> Refusal { Refusal("expected \(expected), found \(shown)") }
}

// MARK: Readings

extension Written {
  func integer(in range: ClosedRange<Int>) throws(Refusal) -> Int {
    let number: Int? =
      switch self {
      case .word(let word): Int(word)
      case .integer(let number): number
      default: nil
      }
    guard let number, range.contains(number) else {
      throw refusal(expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number of things that is not to be exceeded; 0 stands for none.
  func limit(_ most: Int) throws(Refusal) -> Int? {
    let number = try integer(in: 0...most)
    return number == 0 ? nil : number
  }

  /// A connection's timeout: whole seconds.
  func timeout() throws(Refusal) -> UInt32 { UInt32(try integer(in: 1...Int(Timeout.longest))) }

  func powerOfTwo(in range: ClosedRange<Int>) throws(Refusal) -> Int {
    guard let number = try? integer(in: range), number & (number - 1) == 0 else {
      throw refusal(expected: "a power of two from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A length of time in seconds, fractions allowed, longer than none.
  func seconds() throws(Refusal) -> Interval {
    let number: Double? =
      switch self {
      case .word(let word): Double(word)
      case .integer(let number): Double(number)
      case .real(let number): number
      default: nil
      }
    guard let number, let interval = Interval.seconds(number), interval.nanoseconds > 0 else {
      throw refusal(expected: "a number of seconds above 0")
    }
    return interval
  }

  func seconds(in range: ClosedRange<Double>) throws(Refusal) -> Interval {
    guard let interval = try? seconds(), range.contains(interval.seconds) else {
      throw refusal(expected: "a number of seconds from \(range.lowerBound) to \(range.upperBound)")
    }
    return interval
  }

  func milliseconds(in range: ClosedRange<Int>) throws(Refusal) -> Interval {
    .milliseconds(UInt64(try integer(in: range)))
  }

  /// `true` and `false` in a file; on and off in both.
  func toggle() throws(Refusal) -> Bool {
    switch self {
    case .truth(let truth): return truth
    case .word("on"), .text("on"): return true
    case .word("off"), .text("off"): return false
    default: throw refusal(expected: "on or off")
    }
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>() throws(Refusal) -> Choice {
    if case .word(let name) = self, let choice = Choice(rawValue: name) { return choice }
    if case .text(let name) = self, let choice = Choice(rawValue: name) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    throw refusal(expected: names.dropLast().joined(separator: ", ") + " or " + names.last!)
  }

  /// On, for the ramp, is how most would ask for it.
  func idleSleep() throws(Refusal) -> IdleSleep {
    (try? toggle()) == true ? .ramp : try choice()
  }

  func text(expected: String) throws(Refusal) -> String {
    switch self {
    case .word(let text), .text(let text): return text
    default: throw refusal(expected: expected)
    }
  }
}

// MARK: Readings with a grammar of their own

extension Written {
  /// `0:1,2:3`. No port is its own pair or in two.
  func pairs() throws(Refusal) -> [PortPair] {
    let expected = "pairs of ports such as \"0:1,2:3\""
    var pairs: [PortPair] = []
    var seen: Set<Int> = []
    for item in try text(expected: expected).items(between: ",") {
      let ends = item.items(between: ":").map(Int.init(plain:))
      guard ends.count == 2, let a = ends[0], let b = ends[1] else { throw refusal(expected: expected) }
      guard a != b else { throw Refusal("port \(a) is paired with itself") }
      for port in [a, b] where !seen.insert(port).inserted { throw Refusal("port \(port) is in two pairs") }
      pairs.append(PortPair(a, b))
    }
    return pairs
  }

  /// `0=eth0,1=eth1`. A name is 1 to 31 letters, digits and `_ - . :`, since it stands in metrics, rules and paths.
  func portNames() throws(Refusal) -> [Int: String] {
    let expected = "names of ports such as \"0=eth0,1=eth1\""
    var names: [Int: String] = [:]
    for item in try text(expected: expected).items(between: ",") {
      let sides = item.items(between: "=")
      guard sides.count == 2, let port = Int(plain: sides[0]) else { throw refusal(expected: expected) }
      let name = sides[1]
      guard (1...31).contains(name.utf8.count), name.utf8.allSatisfy(mayStandInName) else {
        throw Refusal("\"\(name)\" is no port name: 1 to 31 letters, digits, and _ - . :")
      }
      guard names[port] == nil else { throw Refusal("port \(port) is named twice") }
      guard !names.values.contains(name) else { throw Refusal("the name \"\(name)\" is given to two ports") }
      names[port] = name
    }
    return names
  }

  /// `(0,0,1),(0,1,2)`: port, queue, lcore. No queue is given to two lcores.
  func queueMap() throws(Refusal) -> [QueueAssignment] {
    let expected = "(port,queue,lcore) groups such as \"(0,0,1),(1,0,2)\""
    let text = try text(expected: expected).filter { $0 != " " }
    guard text.hasPrefix("("), text.hasSuffix(")") else { throw refusal(expected: expected) }
    var map: [QueueAssignment] = []
    var seen: Set<PortQueue> = []
    for group in text.dropFirst().dropLast().split(separator: "),(", omittingEmptySubsequences: false) {
      let numbers = String(group).items(between: ",").map(Int.init(plain:))
      guard numbers.count == 3, let port = numbers[0], let queue = numbers[1], let lcore = numbers[2] else {
        throw refusal(expected: expected)
      }
      guard seen.insert(PortQueue(port: port, queue: queue)).inserted else {
        throw Refusal("queue \(queue) of port \(port) is assigned twice")
      }
      map.append(QueueAssignment(port: port, queue: queue, lcore: lcore))
    }
    return map
  }

  /// `0,1` or `0+1`, or a number alone; none is there twice.
  ///
  /// - Parameter things: what is numbered.
  func numbers(in range: ClosedRange<Int>, of things: String) throws(Refusal) -> [Int] {
    let expected =
      "\(things) from \(range.lowerBound) to \(range.upperBound) such as \"\(range.lowerBound),\(range.lowerBound + 1)\""
    if case .integer(let number) = self, range.contains(number) { return [number] }
    var numbers: [Int] = []
    for item in try text(expected: expected).replacing("+", with: ",").items(between: ",") {
      guard let number = Int(plain: item), range.contains(number) else { throw refusal(expected: expected) }
      guard !numbers.contains(number) else { throw Refusal("\(number) is there twice") }
      numbers.append(number)
    }
    return numbers
  }

  /// Octal digits: at least reading and writing for the owner, and no execution.
  func fileMode() throws(Refusal) -> UInt32 {
    let expected = "octal permissions from \"0600\" to \"0666\", without execution"
    guard let mode = UInt32(try text(expected: expected), radix: 8), mode & 0o600 == 0o600, mode & ~0o666 == 0 else {
      throw refusal(expected: expected)
    }
    return mode
  }

  func absolutePath() throws(Refusal) -> String {
    let path = try text(expected: "an absolute path")
    guard path.hasPrefix("/") else { throw refusal(expected: "an absolute path") }
    return path
  }

  /// Of a file, seen from the folder of the process if it does not begin with `/`.
  func path() throws(Refusal) -> String {
    let path = try text(expected: "a file")
    guard !path.allSatisfy(\.isWhitespace) else { throw refusal(expected: "a file") }
    return path
  }

  /// `dpdkfwd` or `dpdkfwd:monitor`.
  func account() throws(Refusal) -> Account {
    let expected = "a user such as \"dpdkfwd\", or a user and a group such as \"dpdkfwd:monitor\""
    let names = try text(expected: expected).items(between: ":")
    guard (1...2).contains(names.count), names.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }) else {
      throw refusal(expected: expected)
    }
    return Account(user: names[0], group: names.count == 2 ? names[1] : nil)
  }

  func group() throws(Refusal) -> String {
    let name = try text(expected: "the name or number of a group")
    guard !name.isEmpty, !name.contains(where: { $0.isWhitespace || $0 == ":" }) else {
      throw refusal(expected: "the name or number of a group")
    }
    return name
  }
}

private func mayStandInName(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "0")...UInt8(ascii: "9"): true
  default: "_-.:".utf8.contains(byte)
  }
}

extension String {
  /// The pieces between `mark`s, empty ones too, without spaces around them.
  func items(between mark: Character) -> [String] {
    split(separator: mark, omittingEmptySubsequences: false).map { piece in
      String(piece.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
  }
}

extension Int {
  /// A port, queue or lcore number: one to five digits, no sign.
  fileprivate init?(plain text: String) {
    guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    self.init(text)
  }
}
