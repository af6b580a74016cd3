/// What makes a hash ours: words drawn at start that no sender knows, so none can choose packets that collide.
///
/// (A CRC with a seed is no such hash: what collides under one seed collides under all. Nor is the usual symmetric
/// Toeplitz key.)
public struct HashSecret: BitwiseCopyable, Sendable {
  @usableFromInline let a, b, c, d, e, f: UInt64

  /// From the system's generator, once a start.
  public static func random() -> HashSecret {
    var chance = SystemRandomNumberGenerator()
    return HashSecret { chance.next() }
  }

  /// The same words for the same seed, for tests and simulations.
  public init(seed: UInt64) {
    var state = seed
    self.init {
      // A step of SplitMix64.
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      return word ^ word >> 31
    }
  }

  private init(_ next: () -> UInt64) {
    (a, b, c, d, e, f) = (next(), next(), next(), next(), next(), next())
  }

  /// 64 bits of two words, all of them good: 2 multiplications, one after the other.
  @inlinable @inline(__always)
  public func hash(_ x: UInt64, _ y: UInt64) -> UInt64 {
    HashSecret.fold(HashSecret.fold(x ^ a, y ^ b) ^ c, d)
  }

  /// The same of three words: 3 multiplications, of which two run side by side.
  @inlinable @inline(__always)
  public func hash(_ x: UInt64, _ y: UInt64, _ z: UInt64) -> UInt64 {
    HashSecret.fold(HashSecret.fold(x ^ a, y ^ b) ^ c, HashSecret.fold(z ^ d, e))
  }

  /// The same of five words, an IPv6 tuple: 4 multiplications, of which three run side by side.
  @inlinable @inline(__always)
  public func hash(_ x: UInt64, _ y: UInt64, _ z: UInt64, _ u: UInt64, _ v: UInt64) -> UInt64 {
    HashSecret.fold(HashSecret.fold(x ^ a, y ^ b) ^ HashSecret.fold(v ^ e, f), HashSecret.fold(z ^ c, u ^ d))
  }

  /// The halves of a product, laid over each other. Once leaves traces of a word's highest bits; every word above
  /// goes through it twice.
  @inlinable @inline(__always)
  static func fold(_ x: UInt64, _ y: UInt64) -> UInt64 {
    let product = x.multipliedFullWidth(by: y)
    return product.high ^ product.low
  }
}
