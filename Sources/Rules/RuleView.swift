/// A program as workers see it: where its memory is. Valid as long as its `RuleProgram`.
@safe
public struct RuleView: BitwiseCopyable, @unchecked Sendable {
  let code: UnsafePointer<Instruction>
  let words: UnsafePointer<UInt64>
  /// Where lists of base chains are, by hook; the number of chains comes first.
  let hooks: (UInt32, UInt32, UInt32, UInt32, UInt32)
  let ports: UInt16
  /// Padded names of ports, two words each, low first.
  let names: UInt32
  /// Code of each chain.
  let chains: UInt32
  /// What `tick` visits: how many limits, each with its cell and statement, then live sets, each with its words.
  let visited: UInt32
  let secret: (UInt64, UInt64)
  public let isOn: Bool

  @inline(__always)
  func bases(_ hook: RuleHook) -> UInt32 {
    switch hook {
    case .ingress: hooks.0
    case .raw: hooks.1
    case .prerouting: hooks.2
    case .forward: hooks.3
    case .postrouting: hooks.4
    }
  }

  @inline(__always) func word(_ place: UInt32) -> UInt64 { unsafe words[Int(place)] }
  @inline(__always) func word(_ place: UInt32, _ further: Int) -> UInt64 { unsafe words[Int(place) &+ further] }
  @inline(__always) func wide(_ place: UInt32, _ further: Int) -> UInt128 {
    UInt128(word(place, further &+ 1)) << 64 | UInt128(word(place, further))
  }
  /// Two to a word.
  @inline(__always) func half(_ place: UInt32) -> UInt32 {
    unsafe UnsafeRawPointer(words).load(fromByteOffset: Int(place) &* 4, as: UInt32.self)
  }

  func name(of port: UInt16) -> UInt128 { port < ports ? wide(names, Int(port) &* 2) : 0 }
}

/// What the compiler writes before a base chain's code can be found.
enum BaseWords {
  static let count = 4
  /// Family (2, 10, 0 both, 5 all) in the low byte, the policy in bit 8 (1: drop); the chain in the upper half.
  static let family = 0
  static let code = 1
  /// Place of a bit for each port; 0: all.
  static let devices = 2
}

/// The words of a set.
enum SetWords {
  static let count = 8
  /// Kind in the low byte, then a byte each: parts, words of a key, statements; bit 32: elements have deadlines; from
  /// bit 40 on, a bit for each part of more than 64 bits.
  static let head = 0
  static let table = 1
  /// Of a hash: its mask. Of segments: how many.
  static let size = 2
  static let elements = 3
  static let stride = 4
  /// The element of `*`, plus one.
  static let other = 5
  /// How many values an element has; 0: none, or a verdict.
  static let data = 6
  /// Of a live set: where the pointers to each worker's table are.
  static let live = 7

  enum Kind: UInt8, BitwiseCopyable {
    case empty, hash, hashOfOneWord, segments, wideSegments, tree, live
  }
}

/// Words of a statement that keeps a state: of a rule, or of an element.
enum StateWords {
  static let count = 8
  enum Kind: UInt64, BitwiseCopyable { case none, counter, limit, count }
  static let kind = 0
  /// Of a limit: bit 0 it counts bytes. Of both: bit 1, it is to be over.
  static let flags = 1
  /// Of a limit in nanoseconds: what the bucket holds, what a packet costs, the unit of time, the rate, what is leased
  /// at once.
  static let most = 2
  static let cost = 3
  static let unit = 4
  static let rate = 5
  static let batch = 6
  /// Of a count of connections: its limit, and places for their handles.
  static let connections = 2
  static let slots = 3
  /// Of an element of a live set: where its words begin in the record.
  static let place = 7
}
