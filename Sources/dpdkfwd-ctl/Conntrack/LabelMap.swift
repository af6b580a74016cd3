internal import Segment

/// What the bits of connection labels are called: the file that iptables and conntrack share, a number and a name on
/// each line.
struct LabelMap {
  static let usualPath = "/etc/xtables/connlabel.conf"

  /// Of a bit, the first that the file gives it.
  private(set) var names: [Int: String] = [:]

  init(_ text: String = "") {
    for line in text.split(whereSeparator: \.endsLine) {
      let line = line.drop { $0 == " " || $0 == "\t" }
      let digits = line.prefix { $0 != " " && $0 != "\t" }
      guard let bit = Int(digits), (0..<128).contains(bit), names[bit] == nil else { continue }
      var name = line[digits.endIndex...].drop { $0 == " " || $0 == "\t" }
      while name.last == " " || name.last == "\t" { name.removeLast() }
      if !name.isEmpty { names[bit] = String(name) }
    }
  }

  /// The labels of names between commas. Names that the map does not know may be numbers of bits.
  func labels(_ text: String) throws(ConntrackFailure) -> Connection.Labels {
    var labels = Connection.Labels()
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      let named = names.filter { $0.value == name }.keys.min()
      guard let bit = named ?? Int(name), (0..<128).contains(bit) else {
        throw .parameters("unknown label '\(name)'")
      }
      if bit < 64 { labels.low |= 1 << UInt64(bit) } else { labels.high |= 1 << UInt64(bit - 64) }
    }
    return labels
  }
}

/// The names of protocols that the system knows: protocols(5).
struct ProtocolNames {
  static let usualPath = "/etc/protocols"

  private var numbers: [String: UInt8] = [:]

  init(_ text: String = "") {
    for line in text.split(whereSeparator: \.endsLine) {
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      guard words.count >= 2, let number = UInt8(words[1]) else { continue }
      for name in [words[0]] + words[2...] where numbers[String(name)] == nil { numbers[String(name)] = number }
    }
  }

  /// By name or number.
  func number(of name: String) throws(ConntrackFailure) -> UInt8 {
    if let known = ProtocolOptions.named(name)?.number ?? numbers[name] { return known }
    guard let number: UInt8 = try? ConntrackText.number(name) else {
      throw .parameters("`\(name)' unsupported protocol")
    }
    return number
  }
}

extension Character {
  /// Of a text file; a carriage return and a line feed are one character.
  var endsLine: Bool { self == "\n" || self == "\r\n" }
}
