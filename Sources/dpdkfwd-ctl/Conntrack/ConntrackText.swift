internal import Inspection
internal import Primitives
internal import Segment

/// An address of either family, as users write it.
struct ConntrackAddress: Equatable {
  /// IPv4: the first four bytes.
  var bits: IPv6Address
  var isIPv6: Bool

  init?(_ text: some StringProtocol) {
    if text.contains(":") {
      guard let address = IPv6Address(String(text)) else { return nil }
      (bits, isIPv6) = (address, true)
    } else {
      guard let address = IPv4Address(String(text)) else { return nil }
      (bits, isIPv6) = (IPv6Address(ipv4: address), false)
    }
  }

  /// The mask of a prefix.
  init(prefix length: Int, isIPv6: Bool) {
    let high = length == 0 ? 0 : UInt64.max << UInt64(64 - min(length, 64))
    let low = length <= 64 ? 0 : UInt64.max << UInt64(128 - min(length, 128))
    bits = IPv6Address(high: high, low: low)
    self.isIPv6 = isIPv6
  }

  static func parsed(_ text: some StringProtocol) throws(ConntrackFailure) -> ConntrackAddress {
    guard let address = ConntrackAddress(text) else { throw .parameters("Invalid IP address `\(text)'") }
    return address
  }

  /// An address, and behind a slash the length of a prefix; `nil` where nothing follows.
  static func withPrefix(
    _ text: String
  ) throws(ConntrackFailure) -> (address: ConntrackAddress, mask: ConntrackAddress?) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return (try parsed(text), nil) }
    let address = try parsed(parts[0])
    guard !parts[1].isEmpty else { return (address, nil) }
    let most = address.isIPv6 ? 128 : 32
    guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]), length <= most else {
      throw .parameters("Invalid netmask")
    }
    // The whole address is no mask: that goes with commands that know none.
    return (address, length == most ? nil : ConntrackAddress(prefix: length, isIPv6: address.isIPv6))
  }

  /// The length of the prefix that it is a mask of; `nil`: it is no such mask.
  var prefixLength: Int? {
    let length = (~bits.high).leadingZeroBitCount + (bits.high == .max ? (~bits.low).leadingZeroBitCount : 0)
    return ConntrackAddress(prefix: length, isIPv6: isIPv6).bits == bits ? length : nil
  }

  func masked(_ other: IPv6Address) -> IPv6Address {
    IPv6Address(high: other.high & bits.high, low: other.low & bits.low)
  }
}

/// Reads the numbers and lists of words of conntrack(8)'s options. Where that takes whatever number a text begins with,
/// and 0 for none, this says that the parameter is bad.
enum ConntrackText {
  /// A number as C writes it: `0x` before hexadecimal digits, `0` before octal ones.
  static func number<Number: FixedWidthInteger>(
    _ text: some StringProtocol, of whole: String? = nil
  ) throws(ConntrackFailure) -> Number {
    let digits = text.lowercased()
    let number: Number? =
      if digits.hasPrefix("0x") {
        unsigned(digits.dropFirst(2), radix: 16)
      } else if digits.hasPrefix("0"), digits.count > 1 {
        unsigned(digits.dropFirst(), radix: 8)
      } else {
        unsigned(digits[...], radix: 10)
      }
    guard let number else { throw .bad(whole ?? String(text)) }
    return number
  }

  static func decimal<Number: FixedWidthInteger>(_ text: String) throws(ConntrackFailure) -> Number {
    guard let number: Number = unsigned(text[...], radix: 10) else { throw .bad(text) }
    return number
  }

  private static func unsigned<Number: FixedWidthInteger>(_ digits: Substring, radix: Int) -> Number? {
    guard digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else { return nil }
    return Number(digits, radix: radix)
  }

  /// `value` or `value/mask`.
  static func mark(_ text: String) throws(ConntrackFailure) -> (value: UInt32, mask: UInt32) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let value: UInt32 = try number(parts[0], of: text)
    return (value, parts.count == 2 ? try number(parts[1], of: text) : .max)
  }

  /// Words between commas; each may be cut short and in letters of either case.
  static func words<Word>(
    _ text: String, _ known: [(name: String, word: Word)]
  ) throws(ConntrackFailure) -> [Word] {
    var rest = text[...]
    var words: [Word] = []
    while true {
      let name = rest.prefix { $0 != "," }
      guard !name.isEmpty, let found = known.first(where: { $0.name.lowercased().hasPrefix(name.lowercased()) }) else {
        throw .bad(rest)
      }
      words.append(found.word)
      guard name.endIndex < rest.endIndex else { return words }
      rest = rest[rest.index(after: name.endIndex)...]
    }
  }

  enum StatusWord: Equatable {
    case bits(UInt16)
    /// What cannot be said this way, and the option that does.
    case ignored(String, use: String)
  }

  static let status: [(name: String, word: StatusWord)] = [
    ("ASSURED", .bits(Connection.Status.assured)), ("SEEN_REPLY", .bits(Connection.Status.seenReply)),
    ("UNSET", .bits(0)), ("FIXED_TIMEOUT", .bits(Connection.Status.fixedTimeout)),
    ("EXPECTED", .bits(Connection.Status.expected)), ("OFFLOAD", .bits(Connection.Status.offloaded)),
    ("HW_OFFLOAD", .bits(Connection.Status.offloadedToHardware)),
    ("SRC_NAT", .ignored("SRC_NAT", use: "--src-nat")), ("DST_NAT", .ignored("DST_NAT", use: "--dst-nat")),
  ]

  static let events: [(name: String, word: EventMask)] = [
    ("ALL", [.new, .update, .destroy]), ("NEW", .new), ("UPDATES", .update), ("DESTROY", .destroy),
    ("REFRESH", .refresh), ("FRAGMENTS", .fragments),
  ]

  static let output = ConnectionOutput.Word.allCases.map { (name: $0.rawValue, word: $0) }

  /// A translated address: `address`, `address:port` or `[address]:port`; the port is checked and means nothing.
  static func translation(_ text: String) throws(ConntrackFailure) -> ConntrackAddress {
    func port(_ text: Substring) throws(ConntrackFailure) {
      guard !text.isEmpty else { throw .parameters("No port specified after `:'") }
      guard UInt16(text) != nil else { throw .parameters("Invalid port `\(text)'") }
    }
    if text.hasPrefix("[") {
      let parts = text.dropFirst().split(separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw .parameters("No closing ']' around IPv6 address") }
      if parts[1].hasPrefix(":") { try port(parts[1].dropFirst()) }
      return try .parsed(parts[0])
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return try .parsed(text) }
    let address = try ConntrackAddress.parsed(parts[0])
    try port(parts[1])
    return address
  }
}
