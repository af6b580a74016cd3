/// Chance that repeats, for inner loops (SplitMix64, as `SeededGenerator`, with the draws that a simulation needs).
public struct Chance: BitwiseCopyable, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  @inline(__always)
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number of 0..<bound; `bound` is at least 1 and well below 2^32.
  @inline(__always)
  public mutating func below(_ bound: Int) -> Int { Int(((next() >> 32) &* UInt64(bound)) >> 32) }

  /// A number of the range.
  public mutating func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

  public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  /// Whether something of that rate happens this time. A rate of zero draws nothing.
  @inline(__always)
  public mutating func happens(_ rate: Rate) -> Bool {
    rate.of65536 > 0 && UInt32(truncatingIfNeeded: next() >> 48) < rate.of65536
  }

  /// Another sequence, which does not depend on how much is drawn from this one later.
  public mutating func split() -> Chance { Chance(seed: next()) }
}

/// How often something happens, in 65536ths.
public struct Rate: BitwiseCopyable, Sendable {
  var of65536: UInt32

  static let never = Rate(of65536: 0)
  static func percent(_ percent: Double) -> Rate { Rate(of65536: UInt32(percent * 655.36)) }
}
