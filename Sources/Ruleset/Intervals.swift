/// Sets of intervals: which overlap, which can be one.
enum Intervals {
  /// Elements with one part that overlap or touch become one; of several parts, the same appear once. Their order is
  /// kept. Names that begin alike touch none, since no word would be for both.
  static func merged(_ elements: [Element], _ types: [DataType]) -> [Element] {
    let areNames = types == [.interfaceName]
    guard let first = elements.first?.key, first.parts.count == 1 else { return unique(elements) }
    let order = elements.indices.sorted { left, right in
      guard let left = elements[left].key?.parts.first, let right = elements[right].key?.parts.first else {
        return false
      }
      return (left.lowerBound, left.upperBound) < (right.lowerBound, right.upperBound)
    }
    var kept: [(index: Int, range: ClosedRange<UInt128>)] = []
    for index in order {
      guard let range = elements[index].key?.parts.first else { continue }
      if let last = kept.last, isJoined(last.range, range, areNames) {
        let upper = max(last.range.upperBound, range.upperBound)
        kept[kept.count - 1] = (min(last.index, index), last.range.lowerBound...upper)
      } else {
        kept.append((index, range))
      }
    }
    return kept.sorted { $0.index < $1.index }.map { index, range in
      var element = elements[index]
      element.key = Key([range])
      return element
    }
  }

  /// Single values that follow each other stay apart.
  private static func isJoined(_ left: ClosedRange<UInt128>, _ right: ClosedRange<UInt128>, _ areNames: Bool) -> Bool {
    if right.lowerBound <= left.upperBound { return true }
    return !areNames && right.lowerBound == left.upperBound + 1 && !(left.isSingle && right.isSingle)
  }

  private static func unique(_ elements: [Element]) -> [Element] {
    var seen: Set<Key?> = []
    return elements.filter { seen.insert($0.key).inserted }
  }

  /// Throws where keys of a map or interval set get in each other's way.
  static func check(_ elements: [Element], _ spots: [Spot], isInterval: Bool) throws(Flaw) {
    var seen: [Key?: Int] = [:]
    for (index, element) in elements.enumerated() {
      if let old = seen.updateValue(index, forKey: element.key), elements[old].value != element.value {
        throw Flaw(spots[index], "Could not process rule: File exists")
      }
    }
    guard isInterval else { return }
    if elements.contains(where: { ($0.key?.parts.count ?? 0) > 1 }) { return try checkParts(elements, spots) }
    let order = elements.indices.filter { elements[$0].key != nil }.sorted { left, right in
      (elements[left].lower, elements[left].upper) < (elements[right].lower, elements[right].upper)
    }
    var last: Int?
    for index in order {
      defer { last = index }
      guard let last, elements[index].lower <= elements[last].upper, elements[index].key != elements[last].key else {
        continue
      }
      let (first, second) = spots[last].first <= spots[index].first ? (last, index) : (index, last)
      throw Flaw(spots[second], "conflicting intervals specified", related: spots[first])
    }
  }
}

extension Intervals {
  /// Of several parts, the kernel lets the first that fits decide. It refuses one of whose corners an earlier one has.
  fileprivate static func checkParts(_ elements: [Element], _ spots: [Spot]) throws(Flaw) {
    // By the value of the part that is most often a single value, so that few are looked at.
    let count = elements.lazy.compactMap(\.key?.parts.count).first ?? 0
    let part = (0..<count).max { left, right in singles(elements, left) < singles(elements, right) } ?? 0
    var byValue: [UInt128: [Int]] = [:]
    var others: [Int] = []
    for index in elements.indices {
      guard let key = elements[index].key else { continue }
      let corners = [key.parts.map(\.lowerBound), key.parts.map(\.upperBound)]
      for corner in corners {
        let near = byValue[corner[part], default: []] + others
        if near.contains(where: { elements[$0].key != key && elements[$0].has(corner) }) {
          throw Flaw(spots[index], "Could not process rule: File exists")
        }
      }
      if key.parts[part].isSingle {
        byValue[key.parts[part].lowerBound, default: []].append(index)
      } else {
        others.append(index)
      }
    }
  }

  private static func singles(_ elements: [Element], _ part: Int) -> Int {
    elements.count { $0.key?.parts[part].isSingle ?? false }
  }

  /// Whether elements that come to others get in their way.
  static func areFree(_ new: ArraySlice<Element>, of old: ArraySlice<Element>) -> Bool {
    if old.first(where: { $0.key != nil })?.key?.parts.count == 1 { return areApart(new, old) }
    return new.allSatisfy { element in
      guard let key = element.key else { return true }
      let corners = [key.parts.map(\.lowerBound), key.parts.map(\.upperBound)]
      return !old.contains { other in corners.contains { other.has($0) } }
    }
  }

  /// Of one part: the old ones are apart from each other, so that only the last one that begins before the new one's
  /// end can reach into it.
  private static func areApart(_ new: ArraySlice<Element>, _ old: ArraySlice<Element>) -> Bool {
    let ranges = old.compactMap { $0.key?.parts.first }.sorted { $0.lowerBound < $1.lowerBound }
    return new.allSatisfy { element in
      guard let range = element.key?.parts.first else { return true }
      var (low, high) = (0, ranges.count)
      while low < high {
        let middle = (low + high) / 2
        if ranges[middle].lowerBound <= range.upperBound { low = middle + 1 } else { high = middle }
      }
      return low == 0 || ranges[low - 1].upperBound < range.lowerBound
    }
  }
}

extension Element {
  fileprivate func has(_ point: [UInt128]) -> Bool {
    key.map { zip($0.parts, point).allSatisfy { $0.contains($1) } } ?? false
  }

  fileprivate var lower: UInt128 { key?.parts.first?.lowerBound ?? 0 }
  fileprivate var upper: UInt128 { key?.parts.first?.upperBound ?? 0 }
}

extension ClosedRange<UInt128> {
  fileprivate var isSingle: Bool { lowerBound == upperBound }
}
