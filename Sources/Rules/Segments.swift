internal import Ruleset

/// The numbers cut where ranges begin and end: each segment has one value, 0 for none.
struct Segments {
  var starts: [UInt128] = []
  var values: [UInt64] = []

  /// The first of overlapping ranges has a number. O(n log n).
  static func first(_ ranges: [(range: ClosedRange<UInt128>, value: UInt64)]) -> Segments {
    var segments = Segments()
    // Who is open at a place, the first of them on top.
    let order = ranges.indices.sorted { ranges[$0].range.lowerBound < ranges[$1].range.lowerBound }
    var open = PlaceHeap()
    var next = 0
    var at: UInt128 = 0
    while true {
      while next < order.count, ranges[order[next]].range.lowerBound <= at {
        open.insert(order[next])
        next += 1
      }
      while let top = open.least, ranges[top].range.upperBound < at { open.removeLeast() }
      segments.append(at, open.least.map { ranges[$0].value } ?? 0)
      // On to where something begins, or the top one ends.
      var stop: UInt128?
      if let top = open.least, ranges[top].range.upperBound < .max { stop = ranges[top].range.upperBound + 1 }
      if next < order.count {
        let begin = ranges[order[next]].range.lowerBound
        stop = stop.map { min($0, begin) } ?? begin
      }
      guard let stop else { return segments }
      at = stop
    }
  }

  private mutating func append(_ start: UInt128, _ value: UInt64) {
    guard values.last != value else { return }
    starts.append(start)
    values.append(value)
  }

  /// Starts, a word each or two, then values.
  func words(isWide: Bool) -> [UInt64] {
    (isWide ? starts.flatMap(Compiler.words) : starts.map { UInt64(clamping: $0) }) + values
  }
}

/// Numbers, the least of them at hand.
struct PlaceHeap {
  private var items: [Int] = []

  var least: Int? { items.first }

  mutating func insert(_ item: Int) {
    items.append(item)
    var place = items.count - 1
    while place > 0, items[place] < items[(place - 1) / 2] {
      items.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func removeLeast() {
    items.swapAt(0, items.count - 1)
    items.removeLast()
    var place = 0
    while true {
      var smallest = place
      for child in [2 * place + 1, 2 * place + 2] where child < items.count && items[child] < items[smallest] {
        smallest = child
      }
      if smallest == place { return }
      items.swapAt(place, smallest)
      place = smallest
    }
  }
}

/// Concatenations with ranges as a tree: a level for each part, and in it segments of those elements that are left.
/// Where that would take too much room, because ranges overlap in many parts, elements are listed instead.
struct TreeBuilder {
  private let keys: [(element: Int, key: Key)]
  private let isWide: [Bool]
  private var known: [Node: UInt32] = [:]
  private var budget: Int

  private struct Node: Hashable {
    var part: Int
    var keys: [Int]
  }

  init(_ keys: [(element: Int, key: Key)], isWide: [Bool]) {
    self.keys = keys
    self.isWide = isWide
    budget = 64 * keys.count + 4096
  }

  /// - Returns: the root.
  mutating func write(to words: inout [UInt64]) -> UInt32 {
    // An exact element stands before a range that has it.
    let exact = keys.indices.filter { keys[$0].key.isExact }
    return write(Node(part: 0, keys: exact + keys.indices.filter { !keys[$0].key.isExact }), to: &words)
  }

  private mutating func write(_ node: Node, to words: inout [UInt64]) -> UInt32 {
    if let place = known[node] { return place }
    let isLast = node.part + 1 == isWide.count
    let ranges = node.keys.map { keys[$0].key.parts[node.part] }
    let place: UInt32
    if isLast {
      let segments = Segments.first(zip(ranges, node.keys).map { ($0, UInt64(keys[$1].element + 1)) })
      place = write(segments, node.part, to: &words)
    } else if node.keys.count <= 2 || budget <= 0 {
      place = list(node, to: &words)
    } else {
      let lists = SegmentLists(ranges)
      budget -= lists.lists.reduce(0) { $0 + $1.count }
      var segments = Segments()
      for (start, members) in zip(lists.starts, lists.lists) {
        let next =
          members.isEmpty ? 0 : write(Node(part: node.part + 1, keys: members.map { node.keys[$0] }), to: &words)
        segments.starts.append(start)
        segments.values.append(UInt64(next))
      }
      place = write(segments, node.part, to: &words)
    }
    known[node] = place
    return place
  }

  private func write(_ segments: Segments, _ part: Int, to words: inout [UInt64]) -> UInt32 {
    let place = UInt32(words.count)
    words += [isWide[part] ? TreeWords.wideSegments : TreeWords.segments, UInt64(segments.starts.count)]
    words += segments.words(isWide: isWide[part])
    return place
  }

  private func list(_ node: Node, to words: inout [UInt64]) -> UInt32 {
    let place = UInt32(words.count)
    words += [TreeWords.list, UInt64(node.keys.count)]
    for key in node.keys {
      words.append(UInt64(keys[key].element + 1))
      for range in keys[key].key.parts[node.part...] {
        words += Compiler.words(of: range.lowerBound) + Compiler.words(of: range.upperBound)
      }
    }
    return place
  }
}

/// The numbers cut where ranges begin and end, each segment with all ranges that have it, in their order.
struct SegmentLists {
  private(set) var starts: [UInt128] = []
  private(set) var lists: [[Int]] = []

  init(_ ranges: [ClosedRange<UInt128>]) {
    var begins: [UInt128: [Int]] = [0: []]
    var ends: [UInt128: [Int]] = [:]
    for (place, range) in ranges.enumerated() {
      begins[range.lowerBound, default: []].append(place)
      if range.upperBound < .max { ends[range.upperBound + 1, default: []].append(place) }
    }
    var open: [Int] = []
    for start in Set(begins.keys).union(ends.keys).sorted() {
      if let ended = ends[start] {
        let gone = Set(ended)
        open.removeAll { gone.contains($0) }
      }
      for place in begins[start] ?? [] {
        var low = 0
        var high = open.count
        while low < high {
          let middle = (low + high) / 2
          if open[middle] < place { low = middle + 1 } else { high = middle }
        }
        open.insert(place, at: low)
      }
      starts.append(start)
      lists.append(open)
    }
  }
}
