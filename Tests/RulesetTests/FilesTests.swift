import Foundation
import Ruleset
import Testing

/// Files and what they include, for a client that sends all texts along.
struct FilesTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "rules-\(UUID().uuidString)")

  private func write(_ text: String, _ name: String) throws {
    try FileManager.default.createDirectory(at: folder.appending(path: "parts"), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  @Test func `a pattern includes all files that fit, by name`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("define port = 22\n", "ports.nft")
    try write("add rule ip t c tcp dport 2\n", "parts/20.nft")
    try write("add rule ip t c tcp dport 1\n", "parts/10.nft")
    try write("add rule ip t c nonsense\n", "parts/30.txt")
    try write("add rule ip t c nonsense\n", "parts/.40.nft")
    try write(
      """
      include "ports.nft"
      table ip t { chain c { include "inner"
      }; }
      include "\(folder.path)/parts/*.nft"
      include "\(folder.path)/none/*.nft"
      add rule ip t c tcp dport $port
      """, "main.nft")
    try write("tcp dport 3\n", "inner")
    let files = RulesetFiles(folders: [folder.path])
    let source = try files.load(folder.appending(path: "main.nft").path)
    let run = try RulesetReader { files.resolve($0) }.run(source, on: Ruleset())
    let ports = run.ruleset.tables[0].chains[0].rules.map { rule -> UInt128? in
      if case .match(let match)? = rule.statements.last, case .value(let key) = match.right {
        return key.parts[0].lowerBound
      }
      return nil
    }
    #expect(ports == [3, 1, 2, 22])

    // The server has what was read, and no need of the files.
    let included = files.included
    try FileManager.default.removeItem(at: folder)
    let again = try RulesetReader { included[$0] ?? [] }.run(source, on: Ruleset())
    #expect(again.ruleset == run.ruleset)
  }

  @Test(arguments: [("/", "Is a directory"), ("/none.nft", "No such file or directory")])
  func `a file that cannot be read says why, as the system does`(_ path: String, _ cause: String) {
    let error = #expect(throws: (any Error).self) { try RulesetFiles().load(path) }
    #expect(error.map { RulesetFiles.cause($0) } == cause)
  }

  @Test func `a file that is not there is a fault at the include`() {
    let files = RulesetFiles(folders: [folder.path])
    do throws(RulesetFaults) {
      _ = try RulesetReader { files.resolve($0) }.run(
        RulesetSource(name: "main", text: "\ninclude \"none.nft\"\n"), on: Ruleset())
      Issue.record("accepted")
    } catch {
      #expect(
        error.description == "main:2:1-18: Error: File not found: none.nft\ninclude \"none.nft\"\n^^^^^^^^^^^^^^^^^^\n")
    }
  }
}
