import Foundation
import Testing

@testable import Settings

/// The annotated settings file and the manual pages say what the code does.
@Suite struct `The documents` {
  private static let root = URL(fileURLWithPath: #filePath)
    .resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static func read(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test func `the annotated file loads and equals the defaults`() throws {
    let path = Self.root.appendingPathComponent("Config/dpdkfwd.toml").path
    #expect(try SettingsFile.load(path: path) == Settings())
  }

  @Test func `the annotated file shows every key in its table, and values that load`() throws {
    // With every commented key made a real one, the file must load and mention all.
    let text = try Self.read("Config/dpdkfwd.toml")
    let shown = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.wholeMatch(of: /# ([a-z0-9-]+ = .*)/).map { String($0.1) } ?? String($0) }.joined(separator: "\n")
    _ = try SettingsFile.parse(shown, file: "Config/dpdkfwd.toml")
    let lines = KeyLines(shown)
    for key in Settings.keys {
      #expect(lines.line(of: key.path) != lines.line(of: key.table), "\(key.path) is not shown")
    }
  }

  @Test func `the manual describes every option`() throws {
    let page = try Self.read("docs/man/dpdkfwd.8").replacing("\\-", with: "-")
    for option in Settings.optionNames + ["config"] {
      #expect(page.contains("\n.BI --\(option)") || page.contains("\n.B --\(option)"), "--\(option)")
    }
  }

  @Test func `the manual of the file describes every key under its table`() throws {
    let page = try Self.read("docs/man/dpdkfwd.toml.5").replacing("\\-", with: "-")
    for table in Settings.tables {
      let start = try #require(page.range(of: "\n.SS [\(table)]\n"), "[\(table)]")
      let section = page[start.upperBound...].components(separatedBy: "\n.S")[0]
      for key in Settings.keys where key.table == table {
        #expect(section.contains("\n.BR \(key.name) ") || section.contains("\n.B \(key.name)\n"), "\(key.path)")
      }
    }
  }
}
