import Glibc
import TOMLKit

/// The settings file: TOML, one table for each purpose, every key optional.
public enum SettingsFile {
  /// More than that is no settings file.
  static let largestSize = 1 << 20  // bytes

  /// The defaults with what the file says on top.
  public static func load(path: String) throws(SettingsError) -> Settings {
    let bytes = try contents(of: path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .unreadable(file: path, reason: "not UTF-8 text")
    }
    return try parse(text, file: path)
  }

  /// The same from a text; `file` is its name in errors.
  public static func parse(_ text: String, file: String) throws(SettingsError) -> Settings {
    // TOMLKit hands the text on as a C string: what follows a NUL would be ignored in silence.
    guard !text.utf8.contains(0) else { throw .unreadable(file: file, reason: "not text: it contains a zero byte") }
    let root: TOMLTable
    do {
      root = try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      let place = error.source.begin
      throw .malformed(file: file, line: place.line, column: place.column, reason: error.description)
    } catch {
      throw .unreadable(file: file, reason: "\(error)")
    }
    var reading = Reading(lines: KeyLines(text))
    reading.tables(of: root)
    guard reading.faults.isEmpty else {
      throw .file(file, reading.faults.sorted { ($0.line ?? 0, $0.key) < ($1.line ?? 0, $1.key) })
    }
    return reading.settings
  }

  private static func contents(of path: String) throws(SettingsError) -> [UInt8] {
    func failure() -> SettingsError { .unreadable(file: path, reason: unsafe String(cString: strerror(errno))) }
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure() }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe read(file, &chunk, chunk.count)
      guard count >= 0 else { throw failure() }
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= largestSize else { throw .unreadable(file: path, reason: "larger than 1 MiB") }
    }
  }
}

/// One pass over a parsed file, which collects faults instead of stopping at the first.
private struct Reading {
  let lines: KeyLines
  var settings = Settings()
  var faults: [Fault] = []

  init(lines: KeyLines) { self.lines = lines }

  mutating func tables(of root: TOMLTable) {
    for (name, value) in root {
      if let table = value.table {
        Settings.tables.contains(name) ? keys(of: table, named: name) : refuse(name, unknownTable(name))
      } else {
        refuse(name, Settings.tables.contains(name) ? "expected a table, [\(name)]" : unknownKey(name))
      }
    }
  }

  private mutating func keys(of table: TOMLTable, named tableName: String) {
    for (name, value) in table {
      let path = "\(tableName).\(name)"
      guard let key = Settings.keys.first(where: { $0.path == path }) else {
        refuse(path, unknownKey(name, in: tableName))
        continue
      }
      do {
        try key.store(&settings, Written(value))
      } catch let refusals as Refusals {
        for (part, reason) in refusals.list { refuse(path + part, "\(reason)") }
      } catch {
        refuse(path, "\(error)")
      }
    }
  }

  private mutating func refuse(_ path: String, _ message: String) {
    faults.append(Fault(line: lines.line(of: path), key: path, message: message))
  }

  private func unknownTable(_ name: String) -> String {
    "unknown table" + hint(Settings.tables.sorted().nearest(to: name) { [$0] }.map { "[\($0)]" })
  }

  /// Names the nearest key, one of the same table before one of another.
  private func unknownKey(_ name: String, in table: String? = nil) -> String {
    let home = Settings.keys.filter { $0.table == table }
    let names = { (key: Key) in [key.name, key.option] }
    let exact = Settings.keys.first { names($0).contains(name) }
    let near = exact ?? home.nearest(to: name, names) ?? Settings.keys.nearest(to: name, names)
    return "unknown key" + hint(near?.path)
  }

  private func hint(_ nearest: String?) -> String {
    nearest.map { "; did you mean \($0)?" } ?? ""
  }
}

extension Written {
  fileprivate init(_ value: any TOMLValueConvertible) {
    if let array = value.array, !array.isEmpty, array.allSatisfy({ $0.table != nil }) {
      self = .tables(array.compactMap(\.table).map { table in table.map { ($0.0, Written($0.1)) } })
      return
    }
    self =
      switch value.type {
      case .string: .text(value.string ?? "")
      case .int: .integer(value.int ?? 0)
      case .double: .real(value.double ?? .nan)
      case .bool: .truth(value.bool ?? false)
      case .table: .other("a table")
      case .array: .other("an array")
      case .date, .time, .dateTime: .other("a date or time")
      }
  }
}
