internal import JSONText
internal import Primitives
internal import Segment

/// A JSON object that was given is not what was asked for.
public struct MemberError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The way to it, as in `orig.sport`; empty: the object itself.
  public let member: String
  /// What is wrong with it.
  public let problem: String

  public init(_ member: String, _ problem: String) {
    self.member = member
    self.problem = problem
  }

  public var description: String { member.isEmpty ? problem : "\(member): \(problem)" }
}

/// The members of an object, read one by one. What is wrong with one is said with the way to it; one that nobody knows
/// is wrong, for what it was to say would be left out of account.
struct Members {
  private let path: String
  private let members: [(String, JSON)]

  init(_ json: JSON, at path: String = "", known: Set<String>) throws(MemberError) {
    guard let members = json.asObject else { throw MemberError(path, "is no object") }
    self.path = path
    self.members = members
    for (name, _) in members where !known.contains(name) {
      let list = known.sorted().joined(separator: ", ")
      throw error(name, "there is no such member; there are \(list)")
    }
  }

  var isEmpty: Bool { members.isEmpty }
  func error(_ name: String, _ problem: String) -> MemberError { MemberError(way(name), problem) }
  func value(_ name: String) -> JSON? { members.first { $0.0 == name }?.1 }
  func has(_ name: String) -> Bool { value(name) != nil }
  private func way(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func object(_ name: String, known: Set<String>) throws(MemberError) -> Members? {
    guard let value = value(name) else { return nil }
    return try Members(value, at: way(name), known: known)
  }

  func number<Number: FixedWidthInteger>(
    _ name: String, _ type: Number.Type = Number.self, in range: ClosedRange<Number>? = nil
  ) throws(MemberError) -> Number? {
    guard let value = value(name) else { return nil }
    let range = range ?? Number.min...Number.max
    guard let number = value.asWhole(Number.self), range.contains(number) else {
      throw error(name, "\(value.line) is no number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number that must be there.
  func needed<Number: FixedWidthInteger>(
    _ name: String, _ type: Number.Type = Number.self
  ) throws(MemberError) -> Number {
    guard let number = try number(name, type) else { throw error(name, "is missing") }
    return number
  }

  func text(_ name: String) throws(MemberError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.asText else { throw error(name, "\(value.line) is no text") }
    return text
  }

  /// Words for bits.
  func bits<Number: FixedWidthInteger>(_ name: String, _ words: Enumeration) throws(MemberError) -> Number? {
    guard let value = value(name) else { return nil }
    guard let elements = value.asArray else { throw error(name, "\(value.line) is no array of words") }
    var bits: Number = 0
    for element in elements {
      guard let word = element.asText, let bit = words.value(of: word) else {
        let known = words.values.map(\.name).joined(separator: ", ")
        throw error(name, "\(element.line) is none of \(known)")
      }
      bits |= Number(truncatingIfNeeded: bit)
    }
    return bits
  }

  /// Numbers of labels.
  func labels(_ name: String) throws(MemberError) -> Connection.Labels? {
    guard let value = value(name) else { return nil }
    guard let elements = value.asArray else { throw error(name, "\(value.line) is no array of numbers") }
    var labels = Connection.Labels()
    for element in elements {
      guard let bit = element.asWhole(UInt64.self), bit < 128 else {
        throw error(name, "\(element.line) is no number from 0 to 127")
      }
      if bit < 64 { labels.low |= 1 << bit } else { labels.high |= 1 << (bit - 64) }
    }
    return labels
  }

  /// A protocol, by name or number.
  func `protocol`(_ name: String) throws(MemberError) -> UInt8? {
    guard let value = value(name) else { return nil }
    if let number = value.asWhole(UInt8.self) { return number }
    let named = value.asText.flatMap { text in
      ConnectionWords.protocols.value(of: text).map { UInt8(truncatingIfNeeded: $0) } ?? UInt8(text)
    }
    guard let named else { throw error(name, "\(value.line) is no protocol's name or number") }
    return named
  }

  /// A state of the protocol, by name or number.
  func state(_ name: String, of protocol: UInt8) throws(MemberError) -> UInt8? {
    guard let text = try text(name) else { return nil }
    guard let states = ConnectionWords.states(of: `protocol`) else {
      throw error(name, "only tcp and sctp have states")
    }
    guard let number = states.value(of: text).map({ UInt8(truncatingIfNeeded: $0) }) ?? UInt8(text),
      Connection.isState(number, of: `protocol`)
    else {
      throw error(name, "'\(text)' is none of \(states.values.map(\.name).joined(separator: ", "))")
    }
    return number
  }

  /// `"value"` or `"value/mask"`, each decimal or hexadecimal, or a number; without a mask all bits count.
  func masked(_ name: String) throws(MemberError) -> (value: UInt32, mask: UInt32)? {
    guard let value = value(name) else { return nil }
    if let number = value.asWhole(UInt32.self) { return (number, .max) }
    let sides = value.asText?.split(separator: "/", omittingEmptySubsequences: false) ?? []
    let numbers = sides.compactMap { side in
      side.hasPrefix("0x") ? UInt32(side.dropFirst(2), radix: 16) : UInt32(side)
    }
    guard (1...2).contains(sides.count), numbers.count == sides.count else {
      throw error(name, "\(value.line) is neither a number of 32 bits nor \"value/mask\"")
    }
    return (numbers[0], numbers.count == 2 ? numbers[1] : .max)
  }

  func isIPv6(_ name: String) throws(MemberError) -> Bool? {
    switch try text(name) {
    case "ipv4"?: return false
    case "ipv6"?: return true
    case nil: return nil
    case .some(let other): throw error(name, "'\(other)' is neither ipv4 nor ipv6")
    }
  }

  /// An address, or a prefix of one where that is allowed.
  func address(
    _ name: String, mayBePrefix: Bool = false
  ) throws(MemberError) -> (address: IPv6Address, isIPv6: Bool, bits: UInt8)? {
    guard let text = try text(name) else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isIPv6 = parts[0].contains(":")
    let most: UInt8 = isIPv6 ? 128 : 32
    guard let address = isIPv6 ? IPv6Address(parts[0]) : IPv4Address(parts[0]).map({ IPv6Address(ipv4: $0) }) else {
      throw error(name, "'\(text)' is no address")
    }
    guard parts.count > 1 else { return (address, isIPv6, most) }
    guard mayBePrefix, parts.count == 2, let bits = UInt8(parts[1]), bits <= most else {
      throw error(name, mayBePrefix ? "'\(text)' is no prefix: a/0 to a/\(most)" : "'\(text)' is no address")
    }
    return (address, isIPv6, bits)
  }
}
