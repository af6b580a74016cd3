import Foundation

/// Chance that repeats: the same seed gives the same numbers, on every machine (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  public let seed: UInt64
  private var state: UInt64

  public init(seed: UInt64) { (self.seed, state) = (seed, seed) }

  /// The chance of a test. Its seed follows from the test's name: a red run is about the change under test, and the next
  /// run is red as well. New seeds are tried by `Scripts/seeds`.
  ///
  /// A number in the environment's `DPDKFWD_SEED` gives every test another seed, the same for the same number; `new` is
  /// another number for each test. The number is printed.
  /// - Parameter part: which of several in one test, as by its arguments.
  public static func forThisRun(
    _ part: String = "", test: String = #function, file: String = #fileID
  ) -> SeededGenerator {
    let name = part.isEmpty ? "\(file) \(test)" : "\(file) \(test) \(part)"
    let asked = ProcessInfo.processInfo.environment["DPDKFWD_SEED"] ?? "0"
    guard let number = asked == "new" ? UInt64.random(in: 0 ... .max) : UInt64(asked) else {
      preconditionFailure("DPDKFWD_SEED is neither a number nor 'new'")
    }
    print("\(name): DPDKFWD_SEED=\(number) repeats it")
    return SeededGenerator(seed: fowlerNollVo(name) ^ number)
  }

  /// The same number for the same name in every run, which Swift's own hash is not (FNV-1a, 64 bits).
  private static func fowlerNollVo(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
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
