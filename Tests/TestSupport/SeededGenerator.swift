import Foundation

/// Chance that repeats: the same seed gives the same numbers, on every machine (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  public let seed: UInt64
  private var state: UInt64

  public init(seed: UInt64) { (self.seed, state) = (seed, seed) }

  /// A new seed for each run, printed so that a failure can be repeated with `DPDKFWD_SEED`.
  public static func forThisRun(_ test: String = #function) -> SeededGenerator {
    let asked = ProcessInfo.processInfo.environment["DPDKFWD_SEED"].flatMap { UInt64($0) }
    let seed = asked ?? UInt64.random(in: 0...UInt64.max)
    print("\(test): seed \(seed) (DPDKFWD_SEED repeats it)")
    return SeededGenerator(seed: seed)
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// `count` bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
  }
}

/// All orders of the elements; `n!` of them, so for a few.
public func permutations<Element>(of elements: [Element]) -> [[Element]] {
  guard let last = elements.last else { return [[]] }
  return permutations(of: elements.dropLast()).flatMap { shorter in
    (0...shorter.count).map { position in
      var longer = shorter
      longer.insert(last, at: position)
      return longer
    }
  }
}
