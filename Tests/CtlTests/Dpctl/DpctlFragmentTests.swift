import ControlClient
import ControlProtocol
import Segment
import Testing

@testable import dpdkfwd_ctl

/// ipf-*: F4, F12, F24, F28, F32 to F34.
@Suite struct DpctlFragmentTests {
  /// What is asked of the forwarder, and what is replied.
  @Test func `replies are Open vSwitch's`() async {
    for (line, call, reply) in [
      (
        "ipf-set-enabled v4", #"{"v4": {"enabled": true}}"#, "enabling fragmentation reassembly successful\n"
      ),
      (
        "ipf-set-disabled v6", #"{"v6": {"enabled": false}}"#, "disabling fragmentation reassembly successful\n"
      ),
      ("ipf-set-min-frag v4 400", #"{"v4": {"min_size": 400}}"#, "setting minimum fragment size successful\n"),
      ("ipf-set-max-nfrags 5000", #"{"max_fragments": 5000}"#, "setting maximum fragments successful\n"),
      ("ipf-set-maxfrags 10", #"{"max_fragments": 10}"#, "setting maximum fragments successful\n"),
    ] {
      let fake = DpctlFake()
      #expect(await fake.run(line) == DpctlFake.Output(status: 0, out: reply, error: ""))
      #expect(fake.calls == ["fragments.set \(call)"])
    }
  }

  /// F32: nothing is asked for, and the documentation is named.
  @Test(arguments: ["399", "1"])
  func `a minimum below 400 is refused`(size: String) async {
    let fake = DpctlFake()
    let output = await fake.run("ipf-set-min-frag v6 \(size)")
    #expect(output.status == 2 && output.out.isEmpty)
    #expect(
      output.error
        == "dpdkfwd-ctl: requested minimum fragment size too small; see documentation (Operation not permitted)\n"
        + "dpdkfwd-ctl: 400 is the least; see [fragments] in dpdkfwd.toml(5)\n")
    #expect(fake.openings.isEmpty)
  }

  /// F33: there is no ceiling but the buffers that were set aside.
  @Test func `more fragments than there is room for are refused with the forwarder's reason`() async {
    let fake = DpctlFake()
    fake.edit {
      $0.failure = .answered(
        code: ControlCode.noRoom.rawValue, message: "max_fragments: there is room for 9", data: nil)
    }
    let output = await fake.run("ipf-set-max-nfrags 10")
    #expect(
      output
        == DpctlFake.Output(
          status: 2, out: "",
          error: "dpdkfwd-ctl: setting maximum fragments failed (Operation not permitted)\n"
            + "dpdkfwd-ctl: max_fragments: there is room for 9\n"))
  }

  /// F24.
  @Test func `without reassembly every verb says that it is not supported`() async {
    let fake = DpctlFake()
    fake.edit { $0.failure = .answered(code: ControlCode.unsupported.rawValue, message: "off", data: nil) }
    fake.edit { $0.unreadable = .fields(kind: "frag_shards", missing: []) }
    for (line, text) in [
      ("ipf-set-enabled v4", "enabling fragmentation reassembly failed"),
      ("ipf-set-disabled v4", "disabling fragmentation reassembly failed"),
      ("ipf-set-min-frag v4 500", "setting minimum fragment size failed"),
      ("ipf-set-max-nfrags 5", "setting maximum fragments failed"),
      // F12: and nothing else.
      ("ipf-get-status", "ipf status could not be retrieved"),
      ("ipf-get-status -m", "ipf status could not be retrieved"),
    ] {
      let output = await fake.run(line)
      #expect(output.status == 2 && output.out.isEmpty)
      #expect(output.error.hasPrefix("dpdkfwd-ctl: \(text) (Operation not supported)\n"), "\(output.error)")
      if line.contains("get") { #expect(output.error.count { $0 == "\n" } == 1) }
    }
  }

  /// Without it there were no way back to what holds unless something else is set.
  @Test(arguments: [("0", true), ("1", false), ("399", false), ("400", true)])
  func `a smallest fragment of 0 is none`(size: String, isTaken: Bool) async {
    #expect(await (DpctlFake().run("ipf-set-min-frag v4 \(size)").status == 0) == isTaken)
  }

  @Test(arguments: [
    ("ipf-set-enabled v5", "parameter missing: 'v4' for IPv4 or 'v6' for IPv6"),
    ("ipf-set-enabled v4 1", "parameter missing: 'v4' for IPv4 or 'v6' for IPv6"),
    ("ipf-set-min-frag v5 500", "parameter missing: v4 for IPv4 or v6 for IPv6"),
    ("ipf-set-min-frag v4 x", "parameter missing for minimum fragment size"),
    ("ipf-set-min-frag v4 65536", "parameter missing for minimum fragment size"),
    ("ipf-set-max-nfrags x", "parameter missing for maximum fragments"),
    ("ipf-get-status zone=x", "failed to parse zone"), ("ipf-get-status zone=65536", "failed to parse zone"),
    ("ipf-get-status zone=1 zone=2", "invalid argument zone=2"), ("ipf-get-status x", "datapath not found"),
  ])
  func `a malformed word is named`(line: String, text: String) async {
    let fake = DpctlFake()
    let output = await fake.run(line)
    #expect(output.status == 2 && output.out.isEmpty)
    #expect(output.error.hasPrefix("dpdkfwd-ctl: \(text) (Invalid argument)\nusage: "), "\(output.error)")
    #expect(fake.openings.isEmpty)
  }
}
