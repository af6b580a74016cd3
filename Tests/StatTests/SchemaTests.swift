import CSegment
import Foundation
import Segment
import Testing

/// D28: `schema` prints every kind and field with type, unit, offset, help and since, as text, as JSON and as C.
@Suite struct SchemaTests {
  let fixture = Fixture()

  @Test func `text has a line for every field`() throws {
    let writer = try fixture.forwarder()
    let lines = try fixture.run("schema").cells
    for kind in writer.schema.kinds {
      for field in kind.fields {
        #expect(lines.contains { $0.prefix(2) == ["\(field.id)", field.name] && $0.contains("\(field.offset)") })
      }
    }
    #expect(
      lines.contains([
        "16", "rx_packets", "u64", "168", "counter", "packets", "0.1", "Packets", "the", "driver", "received",
      ]))
    #expect(
      lines.contains([
        "18", "stage_cycles", "u64[stage]", "120", "counter", "cycles", "0.1", "Time", "in", "each", "stage", "of",
        "the", "journey",
      ]))
  }

  @Test(arguments: [["schema", "--json"], ["schema", "--format", "json"]])
  func `JSON has all of it`(arguments: [String]) throws {
    let writer = try fixture.forwarder()
    let json = try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t"] + arguments).json()
    let kinds = try #require(json["kinds"] as? [[String: Any]])
    #expect(kinds.compactMap { $0["name"] as? String } == writer.schema.kinds.map(\.name))
    for (kind, written) in zip(kinds, writer.schema.kinds) {
      let fields = try #require(kind["fields"] as? [[String: Any]])
      #expect(fields.compactMap { $0["name"] as? String } == written.fields.map(\.name))
      #expect(fields.compactMap { $0["offset"] as? Int } == written.fields.map(\.offset))
      #expect(fields.compactMap { $0["unit"] as? String } == written.fields.map(\.unit))
      #expect(fields.allSatisfy { ["id", "type", "count", "nature", "since", "help"].allSatisfy($0.keys.contains) })
    }
    #expect((json["enumerations"] as? [String: Any])?.count == writer.schema.enumerations.count)
  }

  private static let compiler = ["/usr/bin/cc", "/usr/bin/clang", "/usr/bin/gcc"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// What a user's reader would compile, held against the structs the forwarder stores into.
  @Test(.enabled(if: compiler != nil, "needs a C compiler"))
  func `the C form compiles to the same layout`() throws {
    let writer = try fixture.forwarder()
    var source = "#include <stddef.h>\n#include <stdint.h>\n" + (try fixture.run("schema", "--format", "c").out)
    for kind in writer.schema.kinds {
      source += "_Static_assert(sizeof(struct \(kind.name)) == \(kind.stride), \"\(kind.name)\");\n"
      for field in kind.fields {
        source +=
          "_Static_assert(offsetof(struct \(kind.name), \(field.name)) == \(field.offset), \"\(field.name)\");\n"
      }
    }
    let file = "\(fixture.root)/schema.c"
    try source.write(toFile: file, atomically: true, encoding: .utf8)
    let output = try Fixture.execute(
      try #require(Self.compiler), ["-std=c11", "-Wall", "-Werror", "-fsyntax-only", file])
    #expect(output.status == 0, "\(output.error)")
  }
}
