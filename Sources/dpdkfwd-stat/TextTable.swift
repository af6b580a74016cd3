/// Rows of cells under a head, in columns as wide as they need.
struct TextTable {
  enum Alignment { case left, right }

  var head: [(title: String, alignment: Alignment)]
  var rows: [[String]] = []
  /// The sums below the rows.
  var total: [String]?

  var text: String {
    let all = [head.map(\.title)] + rows + (total.map { [$0] } ?? [])
    let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { cells in
      let line = head.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - cells[column].count)
        return head[column].alignment == .left ? cells[column] + padding : padding + cells[column]
      }.joined(separator: "  ")
      return line.trimmedEnd + "\n"
    }.joined()
  }
}

extension String {
  var trimmedEnd: String {
    guard let last = lastIndex(where: { $0 != " " }) else { return "" }
    return String(self[...last])
  }
}
