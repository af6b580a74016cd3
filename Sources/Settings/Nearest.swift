extension Array {
  /// The element one of whose names is most like `word`; `nil` when every name differs in more than half of it.
  func nearest(to word: String, _ names: (Element) -> [String]) -> Element? {
    var best: (element: Element, edits: Int)?
    for element in self {
      let edits = names(element).map { editDistance($0, word) }.min() ?? .max
      if edits <= Swift.max(1, word.count / 2), edits < best?.edits ?? .max { best = (element, edits) }
    }
    return best?.element
  }
}

/// The fewest insertions, deletions and replacements of a character that turn one word into the other (Levenshtein).
func editDistance(_ a: String, _ b: String) -> Int {
  let b = Array(b)
  var row = Array(0...b.count)
  for (i, left) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, right) in b.enumerated() {
      let replaced = diagonal + (left == right ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, min(row[j], row[j + 1]) + 1)
    }
  }
  return row[b.count]
}
