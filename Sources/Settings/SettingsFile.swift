import Foundation
import TOMLKit

/// The settings file: TOML, one table for each purpose, every key optional.
public enum SettingsFile {
  /// The defaults with what the file says on top.
  public static func load(path: String) throws(SettingsError) -> Settings {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw .unreadable(file: path, reason: reason(of: error))
    }
    guard let text = String(bytes: bytes, encoding: .utf8) else {
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

  private static func reason(of error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    guard let underlying, underlying.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return POSIXError(POSIXErrorCode(rawValue: Int32(underlying.code)) ?? .EIO).localizedDescription
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
