import Foundation
import Testing

@testable import Settings

@Suite struct `A settings file` {
  @Test func `all its errors are reported in one pass, each with its line`() throws {
    let text = """
      # A comment with ports.pairs = in it.
      burst = 8

      [ports]
      pair = "0:1"
      rxq = "2"

      [lcores]
        mbufs = 3
      "burst" = 99

      [mempol]
      mbufs = 1

      [segment]
      segment-mode = "0640"
      [[log]]
      level = "info"
      """
    let error = try #require(throws: SettingsError.self) { try SettingsFile.parse(text, file: "dpdkfwd.toml") }
    #expect(
      error.description == """
        dpdkfwd.toml:2: burst: unknown key; did you mean lcores.burst?
        dpdkfwd.toml:5: ports.pair: unknown key; did you mean ports.pairs?
        dpdkfwd.toml:6: ports.rxq: expected a whole number from 1 to 1024, found "2"
        dpdkfwd.toml:9: lcores.mbufs: unknown key; did you mean mempool.mbufs?
        dpdkfwd.toml:10: lcores.burst: expected a whole number from 1 to 32, found 99
        dpdkfwd.toml:12: mempol: unknown table; did you mean [mempool]?
        dpdkfwd.toml:16: segment.segment-mode: unknown key; did you mean segment.mode?
        dpdkfwd.toml:17: log: expected a table, [log]
        """)
    #expect(error.exitStatus == 78)
  }

  @Test(arguments: [
    ("[ports]\nfrobnicate = 1", 2, "ports.frobnicate", "unknown key"),
    ("[zebras]", 1, "zebras", "unknown table"),
    ("ports = 1", 1, "ports", "expected a table, [ports]"),
    ("[packets]\nchecksum = 'off'", 2, "packets.checksum", "unknown key; did you mean conntrack.checksum?"),
    // A key of an inline table has the line of its table.
    ("\nports = { rxq = 0 }", 2, "ports.rxq", "expected a whole number from 1 to 1024, found 0"),
    ("\nports . rxq = 0", 2, "ports.rxq", "expected a whole number from 1 to 1024, found 0"),
  ])
  func `a key or table that is not known is refused, with the nearest one if any is near`(
    text: String, line: Int, key: String, message: String
  ) {
    #expect(throws: SettingsError.file("f", [Fault(line: line, key: key, message: message)])) {
      try SettingsFile.parse(text, file: "f")
    }
  }

  @Test func `what is not TOML is refused with its line and column`() throws {
    let error = try #require(throws: SettingsError.self) {
      try SettingsFile.parse("[ports]\nrxq = = 2\n", file: "f.toml")
    }
    guard case .malformed("f.toml", line: 2, column: _, let reason) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(!reason.isEmpty)
    #expect(error.description.hasPrefix("f.toml:2:"))
    #expect(error.exitStatus == 78)
  }

  @Test func `a key given twice is refused`() {
    #expect(throws: SettingsError.self) { try SettingsFile.parse("[ports]\nrxq = 1\nrxq = 2\n", file: "f") }
  }

  @Test func `what stands behind a zero byte is not ignored`() {
    #expect(throws: SettingsError.unreadable(file: "f", reason: "not text: it contains a zero byte")) {
      try SettingsFile.parse("[ports]\n\u{0}rxq = 0", file: "f")
    }
  }

  @Test(arguments: [
    ("/nonexistent/dpdkfwd.toml", "No such file or directory"),
    ("/", "Is a directory"),
    ("/dev/zero", "larger than 1 MiB"),
  ])
  func `a file that cannot be read is named with the reason`(path: String, reason: String) {
    let error = SettingsError.unreadable(file: path, reason: reason)
    #expect(throws: error) { try SettingsFile.load(path: path) }
    #expect(error.description == "\(path): \(reason)")
    #expect(error.exitStatus == 78)
  }

  @Test func `a file that is not UTF-8 is refused`() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("dpdkfwd-\(UUID()).toml").path
    #expect(FileManager.default.createFile(atPath: path, contents: Data([0x23, 0xFF, 0x0A])))
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: SettingsError.unreadable(file: path, reason: "not UTF-8 text")) {
      try SettingsFile.load(path: path)
    }
  }
}

@Suite struct `The nearest word` {
  @Test(arguments: [("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 2), ("kitten", "sitting", 3), ("abc", "", 3)])
  func `the edit distance counts insertions, deletions and replacements`(a: String, b: String, edits: Int) {
    #expect(editDistance(a, b) == edits)
  }

  @Test func `nothing is suggested for a word like none`() {
    #expect(["pairs", "rxq"].nearest(to: "zebra") { [$0] } == nil)
    #expect(["pairs", "rxq"].nearest(to: "pears") { [$0] } == "pairs")
  }
}
