import ControlClient
import ControlProtocol
import Inspection
import JSONText
import Segment
import Testing

@testable import dpdkfwd_ctl

/// ct-*: settings, limits and counts (interfaces.md D.1; X7).
@Suite struct DpctlTrackingTests {
  @Test func `what is set is shown, out of the segment`() async {
    let fake = DpctlFake()
    for (line, reply) in [
      ("ct-get-maxconns", "3000000"), ("ct-set-maxconns 10", "setting maxconns successful"), ("ct-get-maxconns", "10"),
      ("ct-get-tcp-seq-chk", "TCP sequence checking: enabled"),
      ("ct-disable-tcp-seq-chk", "disabling TCP sequence checking successful"),
      ("ct-get-tcp-seq-chk", "TCP sequence checking: disabled"),
      ("ct-enable-tcp-seq-chk", "enabling TCP sequence checking successful"),
      ("ct-get-tcp-seq-chk", "TCP sequence checking: enabled"),
      ("ct-set-sweep-interval 250", "setting sweep interval successful"), ("ct-get-sweep-interval", "250"),
      ("ct-get-nconns", "0"),
    ] {
      #expect(await fake.run(line) == DpctlFake.Output(status: 0, out: reply + "\n", error: ""))
    }
    #expect(fake.openings.allSatisfy { $0 == "read-write" })
    #expect(
      fake.calls == [
        #"tracking.set {"connections_limit": 10}"#, #"tracking.set {"tcp_seq_chk": false}"#,
        #"tracking.set {"tcp_seq_chk": true}"#, #"tracking.set {"sweep_interval_ms": 250}"#,
      ])
  }

  @Test func `without a limit the room is the limit`() async {
    let fake = DpctlFake()
    fake.edit { $0.now.connectionsLimit = 0 }
    #expect(await fake.run("ct-get-maxconns").out == "4000000\n")
  }

  @Test func `what the segment does not tell is asked for, by the read-only socket`() async {
    let fake = DpctlFake()
    fake.edit { $0.untold = .fields(kind: "tracking", missing: []) }
    #expect(await fake.run("ct-get-maxconns").out == "3000000\n")
    #expect(await fake.run("ct-get-sweep-interval").out == "1000\n")
    #expect(fake.openings == ["read-only", "read-only"])
  }

  @Test func `without tracking every verb says that it is not supported`() async {
    let fake = DpctlFake()
    fake.edit { $0.failure = .answered(code: ControlCode.unsupported.rawValue, message: "tracking is off", data: nil) }
    fake.edit { $0.unreadable = .fields(kind: "ct_shards", missing: []) }
    for (line, text) in [
      ("dump-conntrack", "starting conntrack dump"), ("ct-stats-show", "starting conntrack dump"),
      ("ct-bkts", "starting conntrack dump"), ("ct-get-nconns", "nconns could not be retrieved"),
      ("ct-get-maxconns", "maxconns could not be retrieved"), ("ct-set-maxconns 5", "ct set maxconns failed"),
      ("ct-get-tcp-seq-chk", "TCP sequence checking query failed"),
      ("ct-enable-tcp-seq-chk", "enabling TCP sequence checking failed"),
      ("ct-disable-tcp-seq-chk", "disabling TCP sequence checking failed"),
      ("ct-get-sweep-interval", "sweep interval could not be retrieved"),
      ("ct-set-sweep-interval 500", "setting sweep interval failed"), ("flush-conntrack", "failed to flush conntrack"),
      ("ct-set-limits default=5", "failed to set conntrack limit"),
      ("ct-del-limits zone=5", "failed to delete conntrack limit"), ("ct-get-limits", "failed to get conntrack limit"),
    ] {
      let output = await fake.run(line)
      #expect(output.status == 2 && output.out.isEmpty)
      #expect(output.error.hasPrefix("dpdkfwd-ctl: \(text) (Operation not supported)\n"), "\(line): \(output.error)")
    }
  }

  // MARK: Limits

  @Test func `limits are set, shown and deleted`() async throws {
    let fake = DpctlFake([try Connection.sample(zone: 2, port: 1), try Connection.sample(zone: 2, port: 2)])
    for (line, out) in [
      ("ct-get-limits", "default limit=0\n"), ("ct-set-limits default=5 zone=2,limit=3 limit=4,zone=7", ""),
      ("ct-get-limits", "default limit=5\nzone=2,limit=3,count=2\nzone=7,limit=4,count=0\n"),
      ("ct-get-limits zone=2,9", "default limit=5\nzone=2,limit=3,count=2\nzone=9,limit=5,count=0\n"),
      ("ct-del-limits zone=2,8", ""), ("ct-get-limits", "default limit=5\nzone=7,limit=4,count=0\n"),
      ("ct-del-limits default zone=7", ""), ("ct-get-limits", "default limit=0\n"),
    ] {
      #expect(await fake.run(line) == DpctlFake.Output(status: 0, out: out, error: ""), "\(line)")
    }
    #expect(
      fake.calls.filter { !$0.hasPrefix("limits.get") } == [
        #"limits.set {"default": 5, "zones": [{"zone": 2, "limit": 3}, {"zone": 7, "limit": 4}]}"#,
        #"limits.delete {"zones": [2, 8]}"#, #"limits.delete {"default": true, "zones": [7]}"#,
      ])
  }

  @Test(arguments: [
    ("ct-set-limits default=", "invalid default limit"), ("ct-set-limits default=-1", "invalid default limit"),
    ("ct-set-limits zone=8", "failed to parse zone limit"), ("ct-set-limits zone=,limit=1", "field zone missing value"),
    ("ct-set-limits zone=65536,limit=1", "failed to parse field zone"),
    ("ct-set-limits zone=1,limit=4294967296", "failed to parse field limit"),
    ("ct-set-limits zone=1,limit=2,x", "field x missing value"),
    ("ct-set-limits x=1,zone=2", "invalid zone limit field: x"),
    ("ct-set-limits default=1 default=2", "invalid zone limit field: default"),
    // Open vSwitch 3.1 ends at these.
    ("ct-set-limits rte", "failed to parse zone limit"), ("ct-del-limits rte", "invalid zone"),
    ("ct-get-limits zone=", "invalid zone"), ("ct-del-limits zone=", "invalid zone"),
    ("ct-get-limits zone=1,x", "invalid zone"), ("ct-get-limits zone=65536", "invalid zone"),
    ("ct-get-limits x", "invalid argument x"), ("ct-get-limits x zone=1", "datapath not found"),
    ("ct-del-limits default=5", "invalid argument default=5"), ("ct-del-limits zone=1 x", "invalid argument x"),
    ("ct-set-sweep-interval x", "sweep interval missing or malformed"), ("ct-bkts gt=x", "failed to parse gt"),
    ("dump-conntrack zone=", "failed to parse zone"), ("dump-conntrack zone=1 x", "invalid argument x"),
    ("ct-stats-show zone=x", "failed to parse zone"),
  ])
  func `a malformed word is named`(line: String, text: String) async {
    let fake = DpctlFake()
    let output = await fake.run(line)
    #expect(output.status == 2 && output.out.isEmpty)
    #expect(output.error.hasPrefix("dpdkfwd-ctl: \(text) (Invalid argument)\nusage: "), "\(output.error)")
    #expect(fake.calls.isEmpty)
  }

  // MARK: Counts

  @Test func `connections are counted by protocol and by the state that Open vSwitch would show`() async throws {
    let states = ["SYN_SENT", "SYN_SENT", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "TIME_WAIT", "CLOSE"]
    let connections =
      try states.enumerated().map { try Connection.sample(tcp: $1, port: $0) }
      + [Connection.sample(zone: 2, port: 1), Connection.sample(protocol: 50, zone: 2)]
    let fake = DpctlFake(connections)
    let plain = "Connections Stats:\n    Total: 9\n  TCP: 7\n  UDP: 1\n  Other: 1\n"
    #expect(await fake.run("ct-stats-show").out == plain)
    #expect(
      await fake.run("ct-stats-show -m").out == """
        Connections Stats:
            Total: 9
          TCP: 7
            Conn per TCP states:
        \t  [SYN_SENT]=2
        \t  [ESTABLISHED]=1
        \t  [CLOSING]=1
        \t  [TIME_WAIT]=3
          UDP: 1
          Other: 1

        """)
    #expect(await fake.run("ct-stats-show zone=2").out == "Connections Stats:\n    Total: 2\n  UDP: 1\n  Other: 1\n")
    #expect(await fake.run("ct-stats-show zone=3").out == "Connections Stats:\n    Total: 0\n")
  }

  /// As Open vSwitch lays it out, which has one bucket; the forwarder answers page by page.
  @Test func `buckets stand in rows of eight`() async throws {
    let fake = DpctlFake([try Connection.sample(zone: 0, port: 1)])
    fake.edit { $0.buckets = [1, 0, 2, 3, 0, 0, 0, 0, 12345, 6] }
    #expect(
      await fake.run("ct-bkts gt=1").out == """
        Total Buckets: 10
        Current Connections: 1

        +-----------+-----------------------------------------+
        |  Buckets  |         Connections per Buckets         |
        +-----------+-----------------------------------------+
           0..  7   |     .    .    2    3    .    .    .    .
           8.. 15   | 12345    6


        """)
    #expect(fake.calls.count == 4 && fake.openings == ["read-only"])
    fake.edit { $0.connections = [] }
    #expect(await fake.run("ct-bkts").out == "Total Buckets: 10\nCurrent Connections: 0\n\n")
  }
}
