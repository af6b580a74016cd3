// Searching a program's words: hashes of numbers, sorted segments of their range, and trees of such for concatenations.

/// The words of a chain's index.
enum IndexWords {
  static let count = 2
  /// Word 0: how many features. A list: where it is, in halves of words, and in the upper half how long.
  static let always = 1
  static let feature = 4
  static let load = 0
  static let kind = 1
  static let table = 2
  static let size = 3

  enum Kind: UInt64, BitwiseCopyable { case hash, segments, wideHash, wideSegments }
}

/// The words of a node of a tree: one part of a concatenation.
enum TreeWords {
  /// Word 0: the kind; 1: how many segments, or elements of a list. Then follow the segments' starts, a word each or
  /// two, and what they lead to: 0 nothing, the next part's node, or at the last part an element plus one. A list has
  /// the elements themselves, and for each of their parts from this one on four words: its range.
  static let count = 2
  static let list: UInt64 = 0
  static let segments: UInt64 = 1
  static let wideSegments: UInt64 = 2
}

extension RuleView {
  /// A hash that only this program's tables use: they do not change, so nobody can make one of its chains longer.
  @inline(__always)
  static func hash(_ value: UInt64, _ secret: (UInt64, UInt64)) -> UInt64 {
    let product = (value ^ secret.0).multipliedFullWidth(by: secret.1 | 1)
    return product.high ^ product.low
  }

  @inline(__always)
  func listInHash(_ table: UInt32, _ mask: UInt64, _ value: UInt64) -> UInt64 {
    var place = RuleView.hash(value, secret) & mask
    while true {
      let entry = Int(truncatingIfNeeded: place &* 2)
      let list = word(table, entry &+ 1)
      if list == 0 || word(table, entry) == value { return list }
      place = (place &+ 1) & mask
    }
  }

  @inline(__always)
  func listInWideHash(_ table: UInt32, _ mask: UInt64, _ value: UInt128) -> UInt64 {
    let low = UInt64(truncatingIfNeeded: value)
    let high = UInt64(truncatingIfNeeded: value >> 64)
    var place = RuleView.hash(RuleView.hash(low, secret) ^ high, secret) & mask
    while true {
      let entry = Int(truncatingIfNeeded: place &* 3)
      let list = word(table, entry &+ 2)
      if list == 0 || word(table, entry) == low && word(table, entry &+ 1) == high { return list }
      place = (place &+ 1) & mask
    }
  }

  /// The last of `count` sorted starts that is at most `value`, or -1.
  @inline(__always)
  func segment(_ starts: UInt32, _ count: Int, _ value: UInt64) -> Int {
    var low = 0
    var left = count
    while left > 1 {
      let half = left >> 1
      // Both ways cost the same: no branch to be guessed wrong.
      low = word(starts, low &+ half) <= value ? low &+ half : low
      left &-= half
    }
    return count > 0 && word(starts, low) <= value ? low : -1
  }

  @inline(__always)
  func wideSegment(_ starts: UInt32, _ count: Int, _ value: UInt128) -> Int {
    var low = 0
    var left = count
    while left > 1 {
      let half = left >> 1
      low = wide(starts, (low &+ half) &* 2) <= value ? low &+ half : low
      left &-= half
    }
    return count > 0 && wide(starts, low &* 2) <= value ? low : -1
  }

  /// The element of a tree that has the parts from `key` on, plus one; 0: none.
  func inTree(_ root: UInt32, _ key: UnsafePointer<UInt128>, parts: Int) -> UInt64 {
    var node = root
    var part = 0
    while true {
      let count = Int(word(node, 1))
      let table = node &+ UInt32(TreeWords.count)
      let value = unsafe key[part]
      let found: UInt64
      switch word(node) {
      case TreeWords.segments:
        let segment = segment(table, count, UInt64(truncatingIfNeeded: value))
        found = segment < 0 ? 0 : word(table, count &+ segment)
      case TreeWords.wideSegments:
        let segment = wideSegment(table, count, value)
        found = segment < 0 ? 0 : word(table, count &* 2 &+ segment)
      default:
        let stride = 1 &+ 4 &* (parts &- part)
        for element in 0..<count {
          var isIn = true
          for further in part..<parts {
            let ends = element &* stride &+ 1 &+ 4 &* (further &- part)
            let one = unsafe key[further]
            if one < wide(table, ends) || one > wide(table, ends &+ 2) { isIn = false }
          }
          if isIn { return word(table, element &* stride) }
        }
        return 0
      }
      part &+= 1
      if found == 0 || part == parts { return found }
      node = UInt32(truncatingIfNeeded: found)
    }
  }
}
