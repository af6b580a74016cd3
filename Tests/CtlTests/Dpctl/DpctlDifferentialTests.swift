import Foundation
import Inspection
import Segment
import Testing

@testable import dpdkfwd_ctl

/// The same words through ovs-appctl of a private Open vSwitch and through dpctl: what is printed and the exit status
/// agree, but for the name of the program and the usage that we add to errors (interfaces.md D.1; F6, F32 to F34).
@Suite(.enabled(if: OpenVSwitch.isUsable, "needs root, unshare and Open vSwitch 3.1"))
struct DpctlDifferentialTests {
  private func isLikeOpenVSwitch(_ ours: DpctlFake.Output, _ theirs: OpenVSwitch.Answer) -> Bool {
    let firstLine = ours.error.split(separator: "\n").first.map { "\($0)\n" } ?? ""
    return ours.status == theirs.status && ours.out == theirs.out && firstLine == theirs.error
  }

  /// What is set in one line is seen in those after it.
  @Test func `good and bad words are answered alike`() async throws {
    let answers = OpenVSwitch.answers(to: Self.lines)
    try #require(answers.count == Self.lines.count)
    let fake = DpctlFake()
    for (words, theirs) in zip(Self.lines, answers) {
      let ours = await fake.run(words)
      #expect(isLikeOpenVSwitch(ours, theirs), "\(words): \(ours), but Open vSwitch says \(theirs)")
    }
  }

  /// Verbs of flows and datapaths aside; those with more words here are named.
  @Test func `its verbs of tracking and fragments are ours, in the same order`() async throws {
    let answer = try #require(OpenVSwitch.answers(to: [["list-commands"]]).first)
    let own = await DpctlFake().run("list-commands").out.split(separator: "\n")
    let theirs = answer.out.split(separator: "\n").filter { line in
      ["conntrack", "dpctl/ct-", "dpctl/ipf-", "list-commands", "The available"].contains { line.contains($0) }
    }
    #expect(theirs.count == 20)
    let longer = ["flush-conntrack", "ct-stats-show", "ct-del-limits", "ipf-get-status"]
    func isSame(_ line: Substring) -> Bool { !longer.contains { line.contains($0) } }
    #expect(theirs.filter { isSame($0) } == own.filter { isSame($0) && theirs.contains($0) })
    #expect(longer.allSatisfy { verb in own.contains { $0.contains("dpctl/\(verb) ") } })
  }

  /// Words that Open vSwitch takes, or at which it fails otherwise, and why we do not do the same.
  @Test func `where they differ, it is on purpose`() async throws {
    let answers = OpenVSwitch.answers(to: Self.differences.map(\.words))
    try #require(answers.count == Self.differences.count)
    for (difference, theirs) in zip(Self.differences, answers) {
      let ours = await DpctlFake().run(difference.words)
      #expect(!isLikeOpenVSwitch(ours, theirs), "\(difference.words) agree by now")
      #expect(ours.status == difference.status, "\(difference.words): \(ours)")
      #expect(difference.says.map { ours.error.contains($0) } ?? ours.error.isEmpty, "\(difference.words): \(ours)")
    }
  }

  /// Lines of connections, counts, buckets, and which connections each flush leaves.
  @Test func `connections are shown and flushed alike`() async throws {
    let answers = OpenVSwitch.answers(to: Self.flushes.flatMap { [$0] + Self.looks }, withConnections: true)
    try #require(answers.count == Self.flushes.count * (1 + Self.looks.count))
    for (place, flush) in Self.flushes.enumerated() {
      let theirs = answers[(place * (1 + Self.looks.count))...].prefix(1 + Self.looks.count)
      let fake = DpctlFake(try Self.connections)
      for (words, answer) in zip([flush] + Self.looks, theirs) {
        let count = fake.look(\.connections.count)
        fake.edit { $0.buckets = [UInt64(count)] }
        let ours = await fake.run(words)
        // In an order of their own.
        func sorted(_ text: String) -> [Substring] { text.split(separator: "\n").sorted() }
        let isDump = words[0] == "dump-conntrack"
        #expect(
          isDump ? sorted(ours.out) == sorted(answer.out) : isLikeOpenVSwitch(ours, answer),
          "\(words) after \(flush): \(ours), but Open vSwitch says \(answer)")
      }
    }
  }

  // MARK: What is asked

  private static let lines: [[String]] = """
    bogus
    ipf-set-enabled
    ipf-set-enabled v4
    ipf-set-enabled v6
    ipf-set-enabled v5
    ipf-set-enabled v4 1
    ipf-set-enabled dummy@ovs-dummy v4
    ipf-set-enabled a b c
    ipf-set-enabled -m
    ipf-set-enabled -x
    ipf-set-enabled --nope
    ipf-set-disabled
    ipf-set-disabled v4
    ipf-set-disabled dummy@ovs-dummy v6
    ipf-set-disabled abc
    ipf-set-disabled a b c d
    ipf-set-min-frag
    ipf-set-min-frag v4
    ipf-set-min-frag v4 1
    ipf-set-min-frag v4 399
    ipf-set-min-frag v6 399
    ipf-set-min-frag v4 400
    ipf-set-min-frag v6 1280
    ipf-set-min-frag v5 500
    ipf-set-min-frag v4 abc
    ipf-set-min-frag dummy@ovs-dummy v4
    ipf-set-min-frag dummy@ovs-dummy v4 500
    ipf-set-min-frag dummy@ovs-dummy -m
    ipf-set-min-frag a b c
    ipf-set-min-frag a b c d
    ipf-set-min-frag -x
    ipf-set-max-nfrags
    ipf-set-max-nfrags 1
    ipf-set-max-nfrags 5000
    ipf-set-max-nfrags dummy@ovs-dummy 10
    ipf-set-max-nfrags dummy@ovs-dummy v4
    ipf-set-max-nfrags nosuch 10
    ipf-set-max-nfrags v4 abc
    ipf-set-max-nfrags abc
    ipf-set-max-nfrags a b c
    ipf-set-max-nfrags -x
    ipf-set-max-nfrags -m
    ipf-get-status nosuch
    ipf-get-status -x
    dump-conntrack
    dump-conntrack -m
    dump-conntrack -m -s
    dump-conntrack --more --statistics dummy@ovs-dummy zone=5
    dump-conntrack nosuch
    dump-conntrack nosuch zone=5
    dump-conntrack -m -s dummy@ovs-dummy zone=5 x
    dump-conntrack -x
    dump-conntrack --help=x
    flush-conntrack
    flush-conntrack zone=5
    flush-conntrack zone=x
    flush-conntrack zoen=5
    flush-conntrack nosuch
    flush-conntrack nosuch zone=5
    flush-conntrack zone=5 zone=6
    flush-conntrack ct_nw_src=10.1.1.1
    flush-conntrack ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=17,ct_tp_src=2,ct_tp_dst=1
    flush-conntrack ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=1,icmp_type=8,icmp_code=1,icmp_id=10
    flush-conntrack ct_nw_src=1.1.1.1 ct_nw_dst=1.1.1.2
    flush-conntrack ct_nw_src=1.1.1.1 ct_nw_dst=x
    flush-conntrack ct_nw_src=x
    flush-conntrack ct_nw_src=1.1.1.1/24
    flush-conntrack ct_nw_src=
    flush-conntrack ct_nw_src
    flush-conntrack ct_bogus=1
    flush-conntrack ct_nw_src=1.1.1.1,ct_ipv6_src=::1
    flush-conntrack ct_nw_src=1.1.1.1,ct_nw_src=1.1.1.2
    flush-conntrack ct_ipv6_src=fe80::1
    flush-conntrack ct_ipv6_src=x
    flush-conntrack ct_nw_proto=x
    flush-conntrack ct_nw_proto=300
    flush-conntrack ct_nw_proto=tcp
    flush-conntrack ct_tp_src=70000
    flush-conntrack ct_tp_src=x
    flush-conntrack ct_tp_src=5
    flush-conntrack ct_tp_src=5,ct_nw_proto=6
    flush-conntrack ct_nw_proto=6,ct_tp_src=0x6
    flush-conntrack icmp_type=8
    flush-conntrack ct_nw_proto=17,icmp_id=10
    flush-conntrack icmp_id=10,ct_nw_proto=1
    flush-conntrack ct_nw_proto=1,icmp_type=8,icmp_code=0,icmp_id=10
    flush-conntrack ct_nw_src=1.1.1.1,ct_nw_proto=1,icmp_type=300
    flush-conntrack ct_nw_src=1.1.1.1,ct_nw_proto=1,icmp_code=x
    flush-conntrack ct_nw_src=1.1.1.1,ct_nw_proto=1,icmp_id=70000
    flush-conntrack ct_ipv6_src=1::1,ct_nw_proto=58,icmp_type=128
    flush-conntrack -m zone=5
    ct-stats-show
    ct-stats-show -m
    ct-stats-show zone=5
    ct-stats-show dummy@ovs-dummy zone=5
    ct-stats-show verbose
    ct-stats-show nosuch
    ct-stats-show x zone=5
    ct-stats-show -m dummy@ovs-dummy zone=5 x
    ct-stats-show -x
    ct-bkts nosuch
    ct-bkts dummy@ovs-dummy gt=5 x
    ct-set-maxconns
    ct-set-maxconns 10
    ct-get-maxconns
    ct-get-maxconns dummy@ovs-dummy
    ct-set-maxconns dummy@ovs-dummy 11
    ct-get-maxconns
    ct-set-maxconns x
    ct-set-maxconns nosuch 10
    ct-set-maxconns 10 dummy@ovs-dummy
    ct-set-maxconns dummy@ovs-dummy
    ct-set-maxconns 1 2 3
    ct-set-maxconns -1
    ct-get-maxconns nosuch
    ct-get-maxconns a b
    ct-get-nconns
    ct-get-nconns dummy@ovs-dummy
    ct-get-nconns nosuch
    ct-get-nconns a b
    ct-get-tcp-seq-chk
    ct-disable-tcp-seq-chk
    ct-get-tcp-seq-chk dummy@ovs-dummy
    ct-enable-tcp-seq-chk dummy@ovs-dummy
    ct-get-tcp-seq-chk
    ct-get-tcp-seq-chk nosuch
    ct-get-tcp-seq-chk a b
    ct-enable-tcp-seq-chk a b
    ct-disable-tcp-seq-chk a b
    ct-set-limits
    ct-get-limits
    ct-set-limits default=5
    ct-set-limits zone=1,limit=3
    ct-set-limits default=7 zone=1,limit=3 limit=4,zone=2
    ct-set-limits dummy@ovs-dummy default=6
    ct-get-limits
    ct-get-limits zone=1
    ct-get-limits zone=1,2,9
    ct-get-limits dummy@ovs-dummy zone=1,
    ct-set-limits nosuch default=1
    ct-set-limits zone=8
    ct-set-limits zone=x,limit=1
    ct-set-limits zone=1,limit=x
    ct-set-limits zone=,limit=1
    ct-set-limits zone=70000,limit=1
    ct-set-limits zone=1,limit=1,x
    ct-set-limits default=x
    ct-set-limits default=
    ct-set-limits default=1 default=2
    ct-set-limits x=1,zone=2
    ct-set-limits bogus
    ct-get-limits zone=x
    ct-get-limits zone=1,x
    ct-get-limits nosuch
    ct-get-limits nosuch zone=1
    ct-get-limits a b c
    ct-del-limits
    ct-del-limits zone=1
    ct-get-limits
    ct-del-limits zone=2,9
    ct-del-limits zone=x
    ct-del-limits nosuch
    ct-del-limits default=5
    ct-get-limits
    """.split(separator: "\n").map { $0.split(separator: " ").map(String.init) } + [
      ["flush-conntrack", ""], ["flush-conntrack", "", ""], ["flush-conntrack", "zone=5", "", "ct_nw_src=1.1.1.1"],
      ["flush-conntrack", "ct_nw_src=1.1.1.1 ,  ct_nw_dst=1.1.1.2"], ["ct-set-maxconns", ""],
    ]

  private static let differences: [(words: [String], status: Int32, says: String?)] = [
    // Open vSwitch 3.1 does not have the verb yet, or no longer.
    (["ct-get-sweep-interval"], 0, nil), (["ct-set-sweep-interval", "500"], 0, nil),
    (["ipf-set-maxfrags", "9"], 0, nil),
    (["dump-conntrack-exp"], 2, "not supported yet"), (["help"], 0, nil), (["list-commands"], 0, nil),
    // Nor these words.
    (["flush-conntrack", "mark=1"], 0, nil), (["flush-conntrack", "labels=1/1"], 0, nil),
    (["flush-conntrack", "dummy@ovs-dummy"], 0, nil), (["ct-del-limits", "default"], 0, nil),
    (["ipf-get-status", "verbose", "zone=5"], 0, nil),
    // The limit of ours is what memory was set aside for (F33).
    (["ipf-set-max-nfrags", "5001"], 0, nil),
    // It takes any number that a text begins with, and any bits of a larger one.
    (["ct-set-maxconns", "10x"], 2, "malformed"), (["ct-set-maxconns", "4294967296"], 2, "malformed"),
    (["ipf-set-min-frag", "v4", "500x"], 2, "missing"), (["ct-set-limits", "default=-1"], 2, "invalid default limit"),
    (["ct-set-limits", "zone=1,limit=4294967296"], 2, "limit"), (["ct-get-limits", "zone=65536"], 2, "invalid zone"),
    (["flush-conntrack", "zone=5x"], 2, "failed to parse zone"), (["dump-conntrack", "zone=70000"], 2, "zone"),
    // It calls a zone that is none a datapath, and does not look at what is left over.
    (["dump-conntrack", "zone=x"], 2, "failed to parse zone"),
    (["ct-stats-show", "zone=x"], 2, "failed to parse zone"),
    (["ct-get-limits", "zone=1", "zone=2"], 2, "invalid argument zone=2"),
    (["ct-bkts", "gt=x"], 2, "failed to parse gt"), (["dump-conntrack", "zone=5", "x"], 2, "invalid argument x"),
    (["ct-enable-tcp-seq-chk", "nosuch"], 2, "datapath not found"),
    (["ipf-set-enabled", "nosuch", "v4"], 2, "datapath not found"),
    // It ends at these, with all that it forwards.
    (["ct-set-limits", "dummy@ovs-dummy"], 2, "failed to parse zone limit"),
    (["ct-del-limits", "dummy@ovs-dummy"], 2, "invalid zone"), (["ct-get-limits", "zone="], 2, "invalid zone"),
  ]

  // MARK: Connections

  private static var connections: [Connection] {
    get throws {
      try OpenVSwitch.connections.enumerated().map { place, text in
        var connection = try Connection(text: text)
        connection.status = 0
        connection.id = ConnectionID(rawValue: 0)
        return connection
      }
    }
  }

  private static let looks: [[String]] = [
    ["dump-conntrack"], ["dump-conntrack", "-m"], ["dump-conntrack", "zone=5"], ["ct-stats-show"],
    ["ct-stats-show", "-m"], ["ct-get-nconns"], ["ct-bkts"], ["ct-bkts", "gt=3"],
  ]

  private static let flushes: [[String]] = [
    ["zone=9"], ["zone=5"], ["zone=0"], [], ["ct_nw_src=10.1.1.1"], ["ct_nw_src=10.1.1.2"], ["ct_nw_proto=17"],
    ["zone=5", "ct_nw_proto=17"], ["zone=0", "ct_nw_proto=17"], ["ct_nw_proto=6,ct_tp_dst=80"],
    ["ct_nw_proto=17,ct_tp_src=1001"], ["ct_nw_src=10.1.1.1,ct_nw_proto=1,icmp_type=8"],
    ["ct_nw_src=10.1.1.1,ct_nw_proto=1,icmp_type=13"], ["ct_ipv6_src=fd00::1"], ["ct_ipv6_src=fd00::2"],
    ["", "ct_nw_src=10.1.1.2"], ["", "ct_nw_proto=17,ct_tp_dst=1000"], ["zone=5", ""],
    ["ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=17,ct_tp_src=1000,ct_tp_dst=53"],
    ["zone=5", "ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=17,ct_tp_src=1000,ct_tp_dst=53"],
    ["ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=17,ct_tp_src=1009,ct_tp_dst=53"],
    ["ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=17,ct_tp_src=1000"],
    ["ct_ipv6_src=fd00::1,ct_ipv6_dst=fd00::2,ct_nw_proto=17,ct_tp_src=1000,ct_tp_dst=53"],
    ["ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2"],
  ].map { ["flush-conntrack"] + $0 }
}
