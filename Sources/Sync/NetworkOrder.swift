// Numbers in network order, and blocks of bytes that say their type and length.

extension [UInt8] {
  mutating func append(_ number: some FixedWidthInteger & UnsignedInteger) {
    for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  mutating func set(_ number: some FixedWidthInteger & UnsignedInteger, at offset: Int) {
    for place in 0..<number.bitWidth / 8 {
      self[offset + place] = UInt8(truncatingIfNeeded: number >> (number.bitWidth - 8 * (place + 1)))
    }
  }

  /// A block: type, length with these four bytes and without the padding, content, zeros up to a multiple of four.
  mutating func appendBlock(_ type: UInt16, _ content: (inout [UInt8]) -> Void) {
    let start = count
    append(type)
    append(UInt16(0))
    content(&self)
    set(UInt16(count - start), at: start + 2)
    while (count - start) % 4 != 0 { append(0) }
  }
}

/// Reads a part of some bytes from its beginning on; whatever would reach beyond is `nil`.
struct ByteReader {
  private let bytes: [UInt8]
  private var at: Int
  private let end: Int

  /// The part must lie in the bytes.
  init(_ bytes: [UInt8], _ part: Range<Int>) {
    self.bytes = bytes
    (at, end) = (part.lowerBound, part.upperBound)
  }

  var left: Int { end - at }

  mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type = Number.self) -> Number? {
    let size = Number.bitWidth / 8
    guard left >= size else { return nil }
    var number: Number = 0
    for _ in 0..<size {
      number = number << 8 | Number(truncatingIfNeeded: bytes[at])
      at += 1
    }
    return number
  }

  /// The next block. `nil`: there is none, or what is there is none; `left` tells which.
  mutating func block() -> Block? {
    var ahead = self
    guard let type = ahead.number(UInt16.self), let length = ahead.number(UInt16.self), length >= 4, length <= left
    else { return nil }
    let content = ByteReader(bytes, at + 4..<at + Int(length))
    at = min(end, at + (Int(length) + 3) / 4 * 4)
    return Block(type: type, content: content)
  }
}

/// Something with a type, of a length that it says.
struct Block {
  /// Set in the type of what may not be skipped by those who do not know it.
  static let mustBeUnderstood: UInt16 = 1 << 15

  let type: UInt16
  var content: ByteReader
}
