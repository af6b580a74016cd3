/// The line on which each key of a TOML text stands. (TOMLKit reports positions of syntax errors only.)
///
/// The scan knows `[table]`, `[[table]]` (the second of which is `table[1]`), `key =`, `dotted.key =` and quoted keys. It does not look into values: a
/// key of an inline table has the line of its table, and a line inside a multi-line string may pass for a key, which
/// costs a wrong line in an error and nothing else.
struct KeyLines {
  private var lines: [String: Int] = [:]

  init(_ text: String) {
    var table = ""
    var arrays: [String: Int] = [:]  // tables seen of each array
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.drop(while: \.isWhitespace)
      if line.first == "[" {
        table = KeyLines.path(line.drop { $0 == "[" }.prefix { $0 != "]" })
        if line.hasPrefix("[[") {
          note(table, at: index + 1)
          arrays[table, default: -1] += 1
          table += "[\(arrays[table]!)]"
        }
        note(table, at: index + 1)
      } else if line.first != "#", let equals = line.firstIndex(of: "=") {
        let key = KeyLines.path(line[..<equals])
        note(table.isEmpty ? key : "\(table).\(key)", at: index + 1)
      }
    }
  }

  /// The line of `path`, else that of the innermost table around it that has one.
  func line(of path: String) -> Int? {
    if let line = lines[path] { return line }
    guard let dot = path.lastIndex(of: ".") else { return nil }
    return line(of: String(path[..<dot]))
  }

  /// The first mention of a key counts, and is one of the tables around it too.
  private mutating func note(_ path: String, at line: Int) {
    if lines[path] == nil { lines[path] = line }
    guard let dot = path.lastIndex(of: ".") else { return }
    note(String(path[..<dot]), at: line)
  }

  private static func path(_ text: Substring) -> String {
    text.filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
  }
}
