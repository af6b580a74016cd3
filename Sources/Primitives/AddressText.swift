extension IPv4Address: LosslessStringConvertible {
  /// Four decimal numbers without leading zeros; `nil` for any other text.
  public init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), part.allSatisfy(isDigit), part.count == 1 || part.first != UInt8(ascii: "0"),
        let byte = UInt8(Substring(part))
      else { return nil }
      bits = bits << 8 | UInt32(byte)
    }
    self.init(bits: bits)
  }

  public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
}

extension IPv6Address: LosslessStringConvertible {
  /// Any text of RFC 4291 §2.2 (`::`, and an IPv4 tail), without a zone; `nil` for any other.
  public init?(_ text: String) {
    let sides = text.split(separator: "::", omittingEmptySubsequences: false)
    guard sides.count <= 2, let head = IPv6Address.groups(of: sides[0], mayEndInIPv4: sides.count == 1) else {
      return nil
    }
    var groups = head
    if sides.count == 2 {
      guard let tail = IPv6Address.groups(of: sides[1], mayEndInIPv4: true), head.count + tail.count <= 7 else {
        return nil
      }
      groups += Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }
    guard groups.count == 8 else { return nil }
    self.init(
      high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }, low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
  }

  /// The groups between colons, none for no text; `nil` if one is malformed.
  private static func groups(of text: Substring, mayEndInIPv4: Bool) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInIPv4, index == parts.count - 1, part.contains("."), let tail = IPv4Address(String(part)) {
        groups += [UInt16(tail.bits >> 16), UInt16(tail.bits & 0xFFFF)]
      } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit), let group = UInt16(part, radix: 16)
      {
        groups.append(group)
      } else {
        return nil
      }
    }
    return groups
  }

  /// The canonical text of RFC 5952; an IPv4-mapped address ends in its IPv4 address (§5).
  public var description: String {
    if high == 0, low >> 32 == 0xFFFF { return "::ffff:\(IPv4Address(bits: UInt32(truncatingIfNeeded: low)))" }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
    // The longest run of at least two zero groups, the first among equals, becomes "::" (§4.2).
    var longest = 0..<0
    var start = 0
    while start < 8 {
      let end = groups[start...].firstIndex { $0 != 0 } ?? 8
      if end - start > max(1, longest.count) { longest = start..<end }
      start = max(end, start + 1)
    }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    return longest.isEmpty ? text(0..<8) : text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
  }
}

extension MACAddress: LosslessStringConvertible {
  /// Six pairs of hexadecimal digits between colons; `nil` for any other text.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var bits: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, part.utf8.allSatisfy(isHexDigit), let byte = UInt64(part, radix: 16) else {
        return nil
      }
      bits = bits << 8 | byte
    }
    self.init(bits: bits)
  }

  public var description: String {
    (0..<6).map { index in
      let byte = bits >> (40 - 8 * UInt64(index)) & 255
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: ":")
  }
}

extension PortID: CustomStringConvertible {
  public var description: String { String(rawValue) }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isHexDigit(_ byte: UInt8) -> Bool {
  isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
}
