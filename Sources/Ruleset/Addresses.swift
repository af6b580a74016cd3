/// IPv4 and IPv6 addresses and their text (RFC 4291, RFC 5952).
enum IPAddress {
  static func four(_ text: some Collection<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    var parts = 0
    for part in text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard (1...3).contains(part.count), part.allSatisfy(\.isDigit) else { return nil }
      let number = part.reduce(0) { $0 * 10 + UInt32($1 - UInt8(ascii: "0")) }
      guard number < 256 else { return nil }
      value = value << 8 | number
      parts += 1
    }
    return parts == 4 ? value : nil
  }

  static func four(_ text: String) -> UInt32? { four(Array(text.utf8)) }

  /// How many of the bytes have the form of an IPv4 address, be it one or not.
  static func lengthOfFour(_ bytes: ArraySlice<UInt8>) -> Int {
    var at = bytes.startIndex
    for part in 0..<4 {
      let start = at
      while at < bytes.endIndex, bytes[at].isDigit, at - start < 3 { at += 1 }
      guard at > start else { return 0 }
      if part < 3 {
        guard at < bytes.endIndex, bytes[at] == UInt8(ascii: ".") else { return 0 }
        at += 1
      }
    }
    return at - bytes.startIndex
  }

  static func six(_ text: some Collection<UInt8>) -> UInt128? {
    var groups: [UInt16] = []
    var gap: Int?
    var rest = Array(text)[...]
    if rest.starts(with: [UInt8(ascii: ":"), UInt8(ascii: ":")]) {
      gap = 0
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
      let part = rest[..<end]
      if part.contains(UInt8(ascii: ".")) {
        guard end == rest.endIndex, let four = four(part) else { return nil }
        groups += [UInt16(truncatingIfNeeded: four >> 16), UInt16(truncatingIfNeeded: four)]
        break
      }
      guard (1...4).contains(part.count), part.allSatisfy(\.isHexDigit),
        let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
      else { return nil }
      groups.append(group)
      if end == rest.endIndex { break }
      rest = rest[(end + 1)...]
      if rest.first == UInt8(ascii: ":") {
        guard gap == nil else { return nil }
        gap = groups.count
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
      if groups.count > 8 { return nil }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    return groups.reduce(0) { $0 << 16 | UInt128($1) }
  }

  static func six(_ text: String) -> UInt128? { six(Array(text.utf8)) }

  static func text(_ address: UInt32) -> String {
    "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
  }

  /// The longest run of zero groups is left out, the first of equals.
  static func text(_ address: UInt128) -> String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: address >> UInt128(112 - 16 * $0)) }
    if address >> 32 == 0xffff { return "::ffff:" + text(UInt32(truncatingIfNeeded: address)) }
    var best = 0..<0
    var start = 0
    for index in 0...8 where index == 8 || groups[index] != 0 {
      if index - start > max(best.count, 1) { best = start..<index }
      start = index + 1
    }
    func groupText(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    if best.isEmpty { return groupText(groups[...]) }
    return groupText(groups[..<best.lowerBound]) + "::" + groupText(groups[best.upperBound...])
  }
}

enum EthernetAddress {
  static func value(_ text: some Collection<UInt8>) -> UInt128? {
    var value: UInt128 = 0
    var parts = 0
    for part in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      guard (1...2).contains(part.count), part.allSatisfy(\.isHexDigit),
        let byte = UInt8(String(decoding: part, as: UTF8.self), radix: 16)
      else { return nil }
      value = value << 8 | UInt128(byte)
      parts += 1
    }
    return parts == 6 ? value : nil
  }

  static func text(_ value: UInt128) -> String {
    (0..<6).map { (value >> UInt128(40 - 8 * $0) & 255).padded(2) }.joined(separator: ":")
  }
}

extension UInt128 {
  /// In hexadecimal, with zeros in front.
  func padded(_ digits: Int) -> String {
    let text = String(self, radix: 16)
    return String(repeating: "0", count: Swift.max(0, digits - text.utf8.count)) + text
  }
}
