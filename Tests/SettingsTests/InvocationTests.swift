import Testing

@testable import Settings

@Suite struct `The command line` {
  @Test func `it is split at the first double dash`() {
    let invocation = Invocation(["-l", "0-1", "--", "--pairs", "0:1", "--", "x"])
    #expect(invocation.eal == ["-l", "0-1"])
    #expect(invocation.application == ["--pairs", "0:1", "--", "x"])
    #expect(invocation.refusals.isEmpty)
  }

  @Test func `without a double dash every word is for EAL`() {
    let invocation = Invocation(["-l", "0"])
    #expect(invocation.eal == ["-l", "0"])
    #expect(invocation.application.isEmpty)
    #expect(Invocation([]).eal.isEmpty)
  }

  @Test(arguments: [
    ([], "rte"),
    (["--file-prefix", "a"], "a"),
    (["--file-prefix=a"], "a"),
    (["--file-prefix=a=b"], "a=b"),
    (["--file", "a"], "a"),
    (["--f=a"], "rte"),  // file-prefix or force-max-simd-bitwidth
    (["--fi=a"], "a"),
    (["--file-prefix", "a", "--file-prefix", "b"], "b"),
    (["--vdev", "--file-prefix=a"], "rte"),  // the argument of --vdev
    (["-d", "--file-prefix=a"], "rte"),  // the argument of -d
    (["-dlib.so", "--file-prefix=a"], "a"),
    (["-vd", "--file-prefix=a"], "rte"),  // -v and -d in one word
    (["--huge-unlink", "--file-prefix=a"], "a"),  // takes an argument behind an equals sign only
    (["--no-huge", "--file-prefix=a"], "a"),
    (["--file-prefix"], "rte"),  // EAL will refuse it
    (["stray", "--file-prefix=a"], "a"),
    (["--", "--file-prefix=a"], "rte"),
  ])
  func `the file prefix is found as getopt_long finds it`(words: [String], prefix: String) {
    #expect(Invocation(words).filePrefix == prefix)
  }

  @Test(arguments: [
    (["--in-memory"], true), (["--in"], true), (["--i"], false), (["--iova-mode", "--in-memory"], false),
    (["-n"], false),
    (["--", "--in-memory"], false),
  ])
  func `--in-memory is found, abbreviated too`(words: [String], found: Bool) {
    #expect(Invocation(words).inMemory == found)
  }

  @Test(arguments: [
    (["-h"], true), (["--help"], true), (["--he"], true), (["-vh"], true), (["-l", "-h"], false), (["-lh"], false),
    (["--vdev", "--help"], false), (["--", "--help"], false),
  ])
  func `a question for help is found`(words: [String], found: Bool) {
    #expect(Invocation(words).asksForHelp == found)
  }

  @Test func `a question for the version is found`() {
    #expect(Invocation(["--version"]).asksForVersion)
    #expect(!Invocation(["-v"]).asksForVersion)  // EAL's own, which goes on to start
  }

  @Test(arguments: [["--proc-type", "secondary"], ["--proc-type=secondary"], ["--proc", "SECONDARY"]])
  func `a secondary process is refused`(words: [String]) {
    #expect(
      Invocation(words).refusals == [
        "--proc-type secondary: dpdkfwd owns its ports and cannot run as a secondary process"
      ])
    #expect(Invocation(["--proc-type", "primary"]).refusals.isEmpty)
  }

  @Test func `an option of ours among EAL's words gets a hint`() {
    let message = { (option: String) in "--\(option) is an option of dpdkfwd, not of EAL: write it after --" }
    #expect(Invocation(["--pairs", "0:1", "--burst=4"]).refusals == [message("pairs"), message("burst")])
    #expect(Invocation(["--config", "f"]).refusals == [message("config")])
    // Both have a --log-level.
    #expect(Invocation(["--log-level", "8"]).refusals.isEmpty)
  }

  @Test(arguments: ["", ".", "..", ".hidden", "a/b", String(repeating: "a", count: 64)])
  func `a file prefix that cannot name a folder is refused`(prefix: String) {
    #expect(
      Invocation(["--file-prefix", prefix]).refusals == [
        "--file-prefix \(prefix): expected 1 to 63 bytes, no slash, no dot in front"
      ])
  }
}
