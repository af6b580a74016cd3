import ControlClient
import ControlProtocol
import Segment
import Testing

@testable import dpdkfwd_ctl

/// What follows `dpdkfwd-ctl dpctl`: verbs, options, datapaths, the number of words (interfaces.md D.1; F3, F5 to F7).
@Suite struct DpctlWordsTests {
  @Test func `the options of dpdkfwd-ctl end at the word dpctl`() {
    let words = ["-f", "x", "dpctl", "-m", "ipf-get-status", "--help"]
    #expect(DpdkfwdCtl.fenced(words) == ["-f", "x", "dpctl", "--", "-m", "ipf-get-status", "--help"])
  }

  /// F7.
  @Test func `every verb is in the help and in the list of commands, with its usage`() async {
    let fake = DpctlFake()
    let (list, help) = (await fake.run("list-commands"), await fake.run("help"))
    #expect(list.out.hasPrefix("The available commands are:\n"))
    for verb in DpctlVerb.allCases {
      let padded = verb.rawValue + String(repeating: " ", count: 24 - verb.rawValue.count)
      #expect(list.out.contains("\n  dpctl/\(padded)\(verb.usage)\n"), "\(verb)")
      #expect(help.out.contains("\n  \(verb.changes ? "w" : " ")  \(padded)\(verb.usage)\n"), "\(verb)")
    }
    #expect((list.status, help.status) == (0, 0))
    #expect(await fake.run("-h") == help)
    #expect(await fake.run("ipf-get-status --help") == help)
    #expect(fake.openings.isEmpty)
  }

  @Test func `an unknown verb and a missing one are errors`() async {
    let fake = DpctlFake()
    let unknown = await fake.run("bogus")
    #expect(unknown.status == 2 && unknown.out.isEmpty)
    #expect(
      unknown.error
        == "\"dpctl/bogus\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n")
    let missing = await fake.run("-m")
    #expect(missing.status == 1 && missing.error.contains("missing command name"))
  }

  /// F6: too few, too many, and what is no option. The usage text comes behind.
  @Test func `the number of words is checked, and usage is told`() async {
    let fake = DpctlFake()
    for verb in DpctlVerb.allCases {
      let usage = "usage: dpdkfwd-ctl dpctl \(verb.rawValue) \(verb.usage)\n"
      if verb.words.lowerBound > 0 {
        let output = await fake.run([verb.rawValue])
        #expect(
          output.error == "\"dpctl/\(verb.rawValue)\" command requires at least \(verb.words.lowerBound) arguments\n"
            + usage)
        #expect(output.status == 2)
      }
      if verb.words.upperBound < Int.max {
        let output = await fake.run([verb.rawValue] + Array(repeating: "x", count: verb.words.upperBound + 1))
        #expect(
          output.error == "\"dpctl/\(verb.rawValue)\" command takes at most \(verb.words.upperBound) arguments\n"
            + usage)
        #expect(output.status == 2)
      }
      guard verb.words.upperBound > 0 else { continue }
      let word = verb.words.upperBound == Int.max || verb.words.lowerBound <= 1 ? ["-x"] : ["-x", "v4"]
      let output = await fake.run([verb.rawValue] + word)
      #expect(output == DpctlFake.Output(status: 2, out: "", error: "Unrecognized option -x\n" + usage))
    }
    #expect(fake.openings.isEmpty)
  }

  /// F5: those who may only read can use the verbs that are not marked.
  @Test func `a verb that changes something needs the read-write socket, and no other does`() async {
    let examples: [DpctlVerb: String] = [
      .setMaxConnections: "5", .setSweepInterval: "500", .setLimits: "default=5", .deleteLimits: "zone=5",
      .enableFragments: "v4", .disableFragments: "v6", .setSmallestFragment: "v4 500", .setMaxFragments: "9",
      .setMaxFragmentsOnce: "9",
    ]
    for verb in DpctlVerb.allCases {
      let fake = DpctlFake()
      let line = verb.rawValue + " " + (examples[verb] ?? "")
      let output = await fake.run(line)
      #expect(output.status == (verb == .dumpExpectations ? 2 : 0), "\(output.error)")
      #expect(fake.openings.contains("read-write") == verb.changes, "\(verb)")
      #expect(fake.openings.isEmpty || fake.look(\.isClosed))

      fake.edit { $0.refusal = .noPermission(path: "/run/x/control") }
      let refused = await fake.run(line)
      guard verb.changes else { continue }
      #expect(refused.status == 2 && refused.out.isEmpty)
      #expect(refused.error.contains("(Permission denied)\n"))
      #expect(refused.error.contains("\ndpdkfwd-ctl: no permission to use /run/x/control, which verbs that change"))
    }
  }

  /// F3: it may be named, in the ways that Open vSwitch's have, and need not be.
  @Test(arguments: ["", "netdev@ovs-netdev ", "rte ", "dpdkfwd@rte "])
  func `a datapath may be named, and makes no difference`(datapath: String) async {
    let fake = DpctlFake()
    for (verb, rest) in [
      ("ct-get-maxconns", ""), ("ct-get-nconns", ""), ("ct-set-maxconns", "7"), ("ipf-set-min-frag", "v6 1280"),
      ("ipf-set-enabled", "v4"), ("ipf-get-status", "zone=3"), ("dump-conntrack", "zone=3"), ("flush-conntrack", ""),
      ("ct-set-limits", "default=5 zone=1,limit=2"), ("ct-get-limits", "zone=1,2"), ("ct-del-limits", "default zone=1"),
    ] {
      let plain = await fake.run("\(verb) \(rest)")
      #expect(plain.status == 0, "\(plain.error)")
      #expect(await fake.run("\(verb) \(datapath)\(rest)") == plain)
    }
  }

  @Test(arguments: ["ct-get-maxconns x", "ct-set-maxconns x 5", "ipf-set-enabled x v4", "dump-conntrack x zone=5"])
  func `a word that is no datapath is refused`(line: String) async {
    let output = await DpctlFake().run(line)
    #expect(output.error.hasPrefix("dpdkfwd-ctl: datapath not found (Invalid argument)\nusage: "))
    #expect(output.status == 2)
  }

  /// Options may stand before the verb or behind it, and in one word (F2).
  @Test func `-m and -s are taken anywhere`() async throws {
    let fake = DpctlFake()
    for line in ["ipf-get-status -m", "-m ipf-get-status", "ipf-get-status rte --more", "ipf-get-status verbose"] {
      #expect(await fake.run(line).out == "status zone=all more=1\n", "\(line)")
    }
    for line in ["ipf-get-status -m -m zone=7", "-mm ipf-get-status zone=7", "-m ipf-get-status verbose zone=7"] {
      #expect(await fake.run(line).out == "status zone=7 more=2\n", "\(line)")
    }
    let udp =
      #"{"id": 9, "l3": "ipv4", "l4": "udp", "orig": {"src": "10.0.0.1", "dst": "10.0.0.2", "sport": 1, "dport": 2}}"#
    let full = DpctlFake([try Connection(text: udp)])
    let wanted = await full.run("dump-conntrack -m -s")
    #expect(wanted.out.contains("packets=0") && wanted.out.contains(",id=9,"))
    for line in [
      "dump-conntrack -sm", "-s dump-conntrack -m", "-ms dump-conntrack", "--more dump-conntrack --statistics",
    ] { #expect(await full.run(line) == wanted, "\(line)") }
  }

  @Test(arguments: ["5x", "0x5", "-", "+5", "", "x", "4294967296", "5 "])
  func `what is no number is not taken for one`(word: String) async {
    let output = await DpctlFake().run(["ct-set-maxconns", word])
    #expect(output.error.hasPrefix("dpdkfwd-ctl: maxconns missing or malformed (Invalid argument)\n"))
  }

  @Test func `a forwarder that is not there is told of as ovs-appctl does`() async {
    let fake = DpctlFake()
    fake.edit { $0.refusal = .notRunning(path: "/run/x/control", prefix: "rte") }
    let output = await fake.run("ct-set-maxconns 5")
    #expect(output.status == 1 && output.out.isEmpty)
    #expect(output.error.contains("is dpdkfwd running with --file-prefix rte?"))
    fake.edit { $0.unreadable = .missing(path: "/dev/shm/x") }
    let reading = await fake.run("dump-conntrack")
    #expect(
      reading == .init(status: 1, out: "", error: "dpdkfwd-ctl: starting conntrack dump (no segment at /dev/shm/x)\n"))
  }

  /// Not supported yet, and said so.
  @Test func `expectations are not there`() async {
    let output = await DpctlFake().run("dump-conntrack-exp zone=5")
    #expect(output.status == 2 && output.error.contains("not supported yet"))
  }
}
