import Primitives
import TestSupport
import Testing

struct KeyedHashTests {
  /// The forms that there are, each as a function of one list of words.
  private static let forms: [(words: Int, hash: @Sendable (HashSecret, [UInt64]) -> UInt64)] = [
    (2, { $0.hash($1[0], $1[1]) }), (3, { $0.hash($1[0], $1[1], $1[2]) }),
    (5, { $0.hash($1[0], $1[1], $1[2], $1[3], $1[4]) }),
  ]

  @Test func `one bit of any word turns over half of the hash`() {
    var chance = SeededGenerator.forThisRun()
    let secret = HashSecret(seed: chance.next())
    let trials = 1000
    for form in Self.forms {
      for bit in 0..<form.words * 64 {
        var flips = [Int](repeating: 0, count: 64)
        for _ in 0..<trials {
          // Small numbers, as addresses and ports are.
          var words = (0..<form.words).map { _ in chance.next() & 0xFFFF_FFFF }
          let before = form.hash(secret, words)
          words[bit / 64] ^= 1 << UInt64(bit % 64)
          let changed = before ^ form.hash(secret, words)
          for place in 0..<64 { flips[place] += Int(changed >> UInt64(place) & 1) }
        }
        let mean = Double(flips.reduce(0, +)) / Double(64 * trials)
        #expect(abs(mean - 0.5) < 0.05, "\(form.words) words, bit \(bit): \(mean)")
        #expect(flips.allSatisfy { (350...650).contains($0) }, "\(form.words) words, bit \(bit)")
      }
    }
  }

  /// Neighbouring addresses and ports, by the highest bits (the bucket) and by the lowest (the tag).
  @Test func `tuples that follow each other fall evenly`() {
    let secret = HashSecret(seed: SeededGenerator.forThisRun().seed)
    var high = [Int](repeating: 0, count: 1024)
    var low = high
    for client in 0..<256 as Range<UInt64> {
      for port in 0..<400 as Range<UInt64> {
        let hash = secret.hash(0xC612_0000_0A00_0000 + client, (40_000 + port) << 16 | 80, 6)
        high[Int(hash >> 54)] += 1
        low[Int(hash & 1023)] += 1
      }
    }
    // 100 in each on average; the sum of squares over it has 1023 degrees of freedom, hence 1023 +- 45.
    for counts in [high, low] {
      let spread = counts.reduce(0.0) { $0 + Double(($1 - 100) * ($1 - 100)) / 100 }
      #expect((1023.0 - 6 * 45...1023 + 6 * 45).contains(spread), "\(spread)")
    }
  }

  @Test func `what falls together under one secret is scattered by another`() {
    let seed = SeededGenerator.forThisRun().seed
    let (one, other) = (HashSecret(seed: seed), HashSecret(seed: seed ^ 1))
    // Words that an attacker who knew the first secret would send: all in one of 64 buckets.
    let chosen = (0..<200_000 as Range<UInt64>).filter { one.hash($0, $0 &* 7, 17) >> 58 == 5 }
    #expect(chosen.count > 2500)
    var buckets = [Int](repeating: 0, count: 64)
    for word in chosen { buckets[Int(other.hash(word, word &* 7, 17) >> 58)] += 1 }
    #expect(buckets.max()! < chosen.count / 64 * 2)
    #expect(buckets.min()! > 0)
  }

  @Test func `a seed repeats a secret, chance never does`() {
    #expect(HashSecret(seed: 7).hash(1, 2) == HashSecret(seed: 7).hash(1, 2))
    #expect(HashSecret(seed: 7).hash(1, 2) != HashSecret(seed: 8).hash(1, 2))
    #expect(HashSecret.random().hash(1, 2) != HashSecret.random().hash(1, 2))
  }
}
