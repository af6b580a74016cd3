public import Primitives

/// The hash by which NICs spread packets over their queues (receive side scaling): for each bit set in the input, from
/// the first on, the 32 bits of the key that start at that bit's place; all of them XORed.
enum Toeplitz {
  /// - Parameters:
  ///   - input: addresses and ports as they stand in the packet, source first.
  ///   - key: at least four bytes longer than the input.
  static func hash(_ input: [UInt8], key: [UInt8]) -> UInt32 {
    precondition(key.count >= input.count + 4)
    var hash: UInt32 = 0
    for bit in 0..<8 * input.count where input[bit / 8] & 0x80 >> UInt8(bit % 8) != 0 {
      let (byte, shift) = (bit / 8, UInt64(bit % 8))
      let window = key[byte..<min(byte + 5, key.count)].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      let width = UInt64(8 * min(5, key.count - byte))
      hash ^= UInt32(truncatingIfNeeded: window >> (width - 32 - shift))
    }
    return hash
  }
}

/// A key for NICs under which a hash of two addresses is the same both ways: for either family, since the bits that meet
/// the source are those that meet the destination.
///
/// Such a key repeats after as many bits as an address has, 32 and 128, so the hash hangs on the XOR of the addresses:
/// pairs with the same XOR share a bucket, whatever the key. (The one usually seen, 6d:5a over and over, hangs on the XOR
/// of all 16-bit words, and everybody knows it.)
public struct SymmetricKey: Equatable, Sendable {
  /// What every NIC takes the beginning of: 40 bytes on most, 52 on some.
  public static let longest = 52
  public let bytes: [UInt8]

  /// - Parameter chance: where its 64 free bits come from.
  public init(using chance: inout some RandomNumberGenerator) {
    let word = chance.next()
    let (front, back) = (
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) },
      (4..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    )
    let block = front + front + front + back
    bytes = (0..<Self.longest).map { block[$0 % block.count] }
  }

  public static func random() -> SymmetricKey {
    var chance = SystemRandomNumberGenerator()
    return SymmetricKey(using: &chance)
  }
}

/// The Toeplitz hash of two addresses under a symmetric key, a byte at a time.
@usableFromInline
struct AddressHash: ~Copyable {
  /// For each byte of an address, from its first, what each value adds.
  @usableFromInline let parts: FixedArray<UInt32>

  /// - Parameter key: `nil` makes a hash that is not to be asked.
  init(_ key: SymmetricKey?) {
    guard let key else {
      parts = FixedArray([])
      return
    }
    parts = FixedArray(
      (0..<16 * 256).map { place in
        var input = [UInt8](repeating: 0, count: 32)
        input[place / 256] = UInt8(place % 256)
        return Toeplitz.hash(input, key: key.bytes)
      })
  }

  /// - Parameter both: source XOR destination.
  @inlinable @inline(__always)
  func ipv4(_ both: UInt32) -> UInt32 {
    var hash: UInt32 = 0
    for i in 0..<4 { hash ^= parts[i << 8 | Int(both >> (24 - 8 * UInt32(i)) & 255)] }
    return hash
  }

  @inlinable @inline(never)
  func ipv6(_ high: UInt64, _ low: UInt64) -> UInt32 {
    var hash: UInt32 = 0
    for i in 0..<8 {
      let shift = 56 - 8 * UInt64(i)
      hash ^= parts[i << 8 | Int(high >> shift & 255)] ^ parts[(i + 8) << 8 | Int(low >> shift & 255)]
    }
    return hash
  }
}
