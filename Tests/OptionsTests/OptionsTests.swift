import ArgumentParser
import Settings
import Testing

@testable import dpdkfwd

@Suite struct `The application options` {
  @Test func `every setting has an option in the help, and no option is but a setting`() {
    let help = Options.helpMessage()
    for option in Settings.optionNames + ["config"] { #expect(help.contains("  --\(option)"), "--\(option)") }
    let shown = Set(help.matches(of: /\ \ --([a-z0-9-]+)/).map { String($0.1) })
    #expect(shown.subtracting(Settings.optionNames) == ["config"])
  }

  /// A bad word reaches the setting of the option's name, so that none of them is lost or mixed up.
  @Test(arguments: Settings.optionNames) func `an option's word reaches its setting`(option: String) throws {
    guard option != "dry-run", option != "auto-flowtable" else {
      let settings = try Options.parse(["--\(option)"]).settings()
      #expect(option == "dry-run" ? settings.dryRun : settings.rules.autoFlowtable)
      return
    }
    let error = #expect(throws: (any Error).self) { try Options.parse(["--\(option)", " "]) }
    let shown = try #require(error)
    #expect(Options.message(for: shown).hasPrefix("--\(option): "))
    #expect(Options.exitCode(for: shown).rawValue == 64)
  }

  @Test func `all bad options are named`() {
    let error = #expect(throws: (any Error).self) { try Options.parse(["--burst", "0", "--mtu", "x"]) }
    let message = error.map { Options.message(for: $0) }
    #expect(
      message == """
        --mtu: expected a whole number from 68 to 65535, found "x"
        --burst: expected a whole number from 1 to 32, found "0"
        """)
  }

  @Test(arguments: [["--bursts", "1"], ["--burst"], ["stray"]])
  func `an unknown option, a missing word and a stray word exit 64`(words: [String]) throws {
    let error = #expect(throws: (any Error).self) { try Options.parse(words) }
    #expect(Options.exitCode(for: try #require(error)).rawValue == 64)
  }

  @Test func `l3fwd's --config gets a hint`() throws {
    let error = #expect(throws: (any Error).self) { try Options.parse(["--config", "(0,0,1)"]) }
    #expect(
      Options.message(for: try #require(error))
        == "--config names a settings file; l3fwd's (0,0,1) is written --queue-map \"(0,0,1)\"")
  }

  @Test func `no option gives the defaults, and a file that is missing exits 78`() throws {
    #expect(try Options.parse([]).settings() == Settings())
    let error = #expect(throws: SettingsError.self) { try Options.parse(["--config", "/nonexistent"]).settings() }
    #expect(error?.exitStatus == 78)
  }
}
