// Numbers in network order, the Internet checksum (RFC 1071) and SCTP's CRC32c (RFC 9260 appendix A).

extension [UInt8] {
  /// Appends a number, most significant byte first.
  public mutating func append(_ number: some FixedWidthInteger & UnsignedInteger) {
    for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  /// The 16-bit number at `offset`, in host order.
  public func word(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

  public mutating func setWord(_ number: UInt16, at offset: Int) {
    self[offset] = UInt8(number >> 8)
    self[offset + 1] = UInt8(truncatingIfNeeded: number)
  }

  /// The bytes with zeros behind, up to a multiple of `unit`.
  func padded(to unit: Int) -> [UInt8] { self + [UInt8](repeating: 0, count: (unit - count % unit) % unit) }
}

/// The complement of the ones' complement sum; zero over bytes that hold their own right checksum.
public func internetChecksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
  var sum: UInt64 = 0
  var isHigh = true
  for byte in bytes {
    sum += isHigh ? UInt64(byte) << 8 : UInt64(byte)
    isHigh.toggle()
  }
  while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
  return ~UInt16(sum)
}

/// CRC32c in the order in which SCTP sends it: least significant byte first.
public func castagnoli(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = ~0
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
  }
  return (~crc).byteSwapped
}
