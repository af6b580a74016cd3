import CSegment
import Foundation
import Segment
import Testing

/// The statuses that scripts rely on.
@Suite struct ExitStatusTests {
  let fixture = Fixture()

  @Test(arguments: [
    ["show", "planets"], ["show", "ports", "--bogus"], ["frobnicate"], ["schema", "--format", "yaml"],
    ["show", "-f", "a/b", "ports"], ["--list", "--previous"],
  ])
  func `a slip of the user is 64`(arguments: [String]) throws {
    let writer = try fixture.forwarder()
    let output = try Fixture.execute(Fixture.binary, ["--root", fixture.root, "-f", "t"] + arguments)
    #expect(output.status == 64)
    #expect(output.out.isEmpty)
    #expect(!output.error.isEmpty)
    withExtendedLifetime(writer) {}
  }

  @Test(arguments: [["show", "ports"], ["schema"], ["check"], ["metrics"], ["--list"]])
  func `no forwarder and no segment is 69`(arguments: [String]) throws {
    let output = try Fixture.execute(Fixture.binary, ["--root", fixture.root] + arguments)
    #expect(output.status == 69)
    #expect(output.out.isEmpty)
    #expect(output.error.hasPrefix("dpdkfwd-stat: no segment at "))
  }

  @Test func `a damaged segment is 65, and so is another version`() throws {
    do { _ = try fixture.forwarder() }
    let path = "\(fixture.root)/t/segment"
    let good = try Data(contentsOf: URL(fileURLWithPath: path))
    for (at, words) in [(8, "has layout"), (600, "is damaged: its checksum"), (0, "is damaged: it is no segment")] {
      var bad = good
      bad[at] ^= 0xff
      try bad.write(to: URL(fileURLWithPath: path))
      let output = try fixture.run("show", "ports")
      #expect(output.status == 65)
      #expect(output.error.contains(words))
      #expect(try fixture.run("--list").cells[1][1] == (at == 8 ? "other" : "damaged"))
    }
    try good.prefix(1000).write(to: URL(fileURLWithPath: path))
    #expect(try fixture.run("check").status == 65)
    try Data().write(to: URL(fileURLWithPath: path))
    #expect(try fixture.run("metrics").status == 65)
  }

  @Test func `help and version are 0`() throws {
    for arguments in [["--help"], ["--version"], ["show", "--help"], ["help", "check"]] {
      let output = try Fixture.execute(Fixture.binary, arguments)
      #expect(output.status == 0)
      #expect(!output.out.isEmpty)
    }
  }

  @Test func `options may stand before and after the subcommand`() throws {
    let writer = try fixture.forwarder()
    for arguments in [
      ["-f", "t", "--root", fixture.root, "--json", "show", "ports"],
      ["show", "ports", "--json", "--root", fixture.root, "--file-prefix", "t"],
      ["-f", "t", "show", "--root", fixture.root, "ports", "--json"],
    ] {
      #expect(try Fixture.execute(Fixture.binary, arguments).json()["prefix"] as? String == "t")
    }
    withExtendedLifetime(writer) {}
  }

  private static let setpriv = "/usr/bin/setpriv"
  private static let canDropPrivileges = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: setpriv)

  /// Root may read everything, so the program runs as nobody, from a copy that nobody may run.
  @Test(.enabled(if: canDropPrivileges, "needs root and setpriv(1) to become somebody without permission"))
  func `no permission is 77`() throws {
    let writer = try fixture.forwarder()
    let copy = FileManager.default.temporaryDirectory.appending(
      path: "dpdkfwd-stat-\(UInt64.random(in: 0...UInt64.max))")
    defer { try? FileManager.default.removeItem(at: copy) }
    try FileManager.default.copyItem(atPath: Fixture.binary, toPath: copy.path)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy.path)
    let somebody = ["--reuid=65534", "--regid=65534", "--clear-groups", copy.path, "--root", fixture.root]
    for command in [["show", "ports"], ["check"], ["metrics"], ["schema"]] {
      let output = try Fixture.execute(Self.setpriv, somebody + ["-f", "t"] + command)
      #expect(output.status == 77)
      #expect(output.error.hasPrefix("dpdkfwd-stat: no permission for "))
    }
    let list = try Fixture.execute(Self.setpriv, somebody + ["--list"])
    #expect(list.status == 0)
    #expect(list.cells[1].prefix(3) == ["t", "no", "permission"])
    withExtendedLifetime(writer) {}
  }
}
