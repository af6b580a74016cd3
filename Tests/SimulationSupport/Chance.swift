import TestSupport

/// Chance that repeats, with the draws that a simulation needs in its inner loops.
struct Chance: Sendable {
  private var numbers: SeededGenerator

  init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

  @inline(__always)
  mutating func next() -> UInt64 { numbers.next() }

  /// A number of 0..<bound; `bound` is at least 1 and well below 2^32.
  @inline(__always)
  mutating func below(_ bound: Int) -> Int { Int(((next() >> 32) &* UInt64(bound)) >> 32) }

  /// A number of the range.
  mutating func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  /// Whether something of that rate happens this time. A rate of zero draws nothing.
  @inline(__always)
  mutating func happens(_ rate: Rate) -> Bool {
    rate.of65536 > 0 && UInt32(truncatingIfNeeded: next() >> 48) < rate.of65536
  }

  /// Another sequence, which does not depend on how much is drawn from this one later.
  mutating func split() -> Chance { Chance(seed: next()) }
}

/// How often something happens, in 65536ths.
struct Rate: BitwiseCopyable, Sendable {
  var of65536: UInt32

  static let never = Rate(of65536: 0)
  static func percent(_ percent: Double) -> Rate { Rate(of65536: UInt32(percent * 655.36)) }
}
