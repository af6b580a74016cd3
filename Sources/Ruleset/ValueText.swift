// Numbers to words, as nft prints them.

extension DataType {
  func text(_ range: ClosedRange<UInt128>, _ options: ListOptions) -> String {
    if range.lowerBound == range.upperBound { return text(range.lowerBound, options) }
    if self == .interfaceName, let prefix = wildcard(range) { return "\"\(prefix)*\"" }
    if hasPrefixes, let length = prefixLength(range) { return "\(text(range.lowerBound, options))/\(length)" }
    // The ends of a range are no words.
    guard Symbols.of(self) == nil, self != .service, self != .interfaceIndex else {
      return "\(range.lowerBound)-\(range.upperBound)"
    }
    return "\(text(range.lowerBound, options))-\(text(range.upperBound, options))"
  }

  private var hasPrefixes: Bool { self == .ipv4Address || self == .ipv6Address || self == .etherAddress }

  /// `nil`: the range is no prefix.
  func prefixLength(_ range: ClosedRange<UInt128>) -> Int? {
    let free = range.lowerBound ^ range.upperBound
    guard free & (free &+ 1) == 0, range.lowerBound & free == 0 else { return nil }
    return bits - free.nonzeroBitCount
  }

  /// The beginning that all names of a range have.
  func wildcard(_ range: ClosedRange<UInt128>) -> String? {
    guard range.lowerBound != range.upperBound else { return nil }
    return Self.name(range.lowerBound)
  }

  static func name(_ value: UInt128) -> String {
    let bytes = (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  func text(_ value: UInt128, _ options: ListOptions) -> String {
    switch self {
    case .ipv4Address: return IPAddress.text(UInt32(truncatingIfNeeded: value))
    case .ipv6Address: return IPAddress.text(value)
    case .etherAddress: return EthernetAddress.text(value)
    case .interfaceName:
      // A name that ends with a star is not all that begin so.
      let name = Self.name(value)
      return name.hasSuffix("*") ? "\"\(name.dropLast())\\*\"" : "\"\(name)\""
    case .interfaceIndex:
      let index = Int(truncatingIfNeeded: value)
      return options.ports.indices.contains(index - 1) ? "\"\(options.ports[index - 1])\"" : "\(value)"
    case .mark: return "0x" + value.padded(8)
    case .time: return value % 1000 == 0 && value > 0 ? TimeText.text(UInt64(truncatingIfNeeded: value)) : "\(value)ms"
    case .connectionLabel:
      // No bit at all has no number.
      if value == 0 { return "0 & 1" }
      return (0..<128).filter { value >> UInt128($0) & 1 == 1 }.map { "\($0)" }.joined(separator: " | ")
    case .service where options.services: return Services.ports.word(value).map { "\"\($0)\"" } ?? "\(value)"
    case .ipProtocol where options.numeric || options.numericProtocol: return "\(value)"
    default: break
    }
    if options.numeric || self == .service { return isBitmask || isHexadecimal ? hexadecimal(value) : "\(value)" }
    if let symbols = Symbols.of(self) {
      if let word = symbols.word(value) { return word }
      if isBitmask, value != 0, let words = words(value, symbols) { return words.joined(separator: " | ") }
      return isBitmask || isHexadecimal ? hexadecimal(value) : "\(value)"
    }
    return "\(value)"
  }

  private var isHexadecimal: Bool { self == .etherType || self == .dscp }

  private func hexadecimal(_ value: UInt128) -> String { "0x" + value.padded((bits + 3) / 4) }

  /// The flags of a value; `nil`: some has no name.
  func words(_ value: UInt128, _ symbols: Symbols) -> [String]? {
    var rest = value
    var words: [String] = []
    for (word, flag) in symbols.words where rest & flag != 0 {
      words.append(word)
      rest &= ~flag
    }
    return rest == 0 ? words : nil
  }

  /// `syn,ack`; `nil`: the value is no sum of flags.
  func list(_ value: UInt128, _ options: ListOptions) -> String? {
    guard isBitmask, value != 0, !options.numeric else { return nil }
    if self == .connectionLabel {
      return (0..<128).filter { value >> UInt128($0) & 1 == 1 }.map { "\($0)" }.joined(separator: ",")
    }
    guard let symbols = Symbols.of(self), let words = words(value, symbols) else { return nil }
    return words.joined(separator: ",")
  }
}
