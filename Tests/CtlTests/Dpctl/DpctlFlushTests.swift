import ControlClient
import ControlProtocol
import Inspection
import JSONText
import Segment
import Testing

@testable import dpdkfwd_ctl

/// flush-conntrack: which connections its words mean (interfaces.md D.1).
@Suite struct DpctlFlushTests {
  /// The filter that the forwarder is asked for; `nil`: it was asked for something else, or for nothing.
  private func filter(_ words: [String]) async -> String? {
    let fake = DpctlFake()
    _ = await fake.run(["flush-conntrack"] + words)
    guard let call = fake.calls.first, call.hasPrefix("conntrack.flush {\"filter\": ") else { return nil }
    return String(call.dropFirst("conntrack.flush {\"filter\": ".count).dropLast())
  }

  @Test func `every key of a tuple becomes part of the filter`() async {
    for (words, wanted) in [
      ([], "{}"), (["zone=5"], #"{"zone": 5}"#), (["mark=0x10/0xf0"], #"{"mark": "16/240"}"#),
      (["mark=0x1f/0xf0"], #"{"mark": "16/240"}"#), (["mark=7", "zone=1"], #"{"mark": 7, "zone": 1}"#),
      (["ct_nw_src=10.1.1.1"], #"{"l3": "ipv4", "orig": {"src": "10.1.1.1"}}"#),
      (["ct_ipv6_dst=fc00::1"], #"{"l3": "ipv6", "orig": {"dst": "fc00::1"}}"#),
      (["ct_nw_proto=17"], #"{"l4": "udp"}"#),
      (["ct_tp_src=5,ct_nw_proto=6"], #"{"l4": "tcp", "orig": {"sport": 5}}"#),
      (["ct_nw_proto=6,ct_tp_dst=0x50"], #"{"l4": "tcp", "orig": {"dport": 80}}"#),
      (["ct_nw_proto=1,icmp_type=8"], #"{"l4": "icmp", "orig": {"type": 8}}"#),
      (["ct_nw_proto=58,icmp_code=0,icmp_id=9"], #"{"l4": "icmpv6", "orig": {"id": 9, "code": 0}}"#),
      (["", "ct_nw_dst=10.1.1.1"], #"{"l3": "ipv4", "reply": {"dst": "10.1.1.1"}}"#),
      (
        ["ct_nw_src=10.1.1.1", "ct_nw_src=10.1.1.2,ct_nw_proto=6"],
        #"{"l3": "ipv4", "l4": "tcp", "orig": {"src": "10.1.1.1"}, "reply": {"src": "10.1.1.2"}}"#
      ),
      (
        ["ct_nw_src=10.1.1.1,  ct_nw_dst=10.1.1.2"],
        #"{"l3": "ipv4", "orig": {"src": "10.1.1.1", "dst": "10.1.1.2"}}"#
      ),
    ] {
      #expect(await filter(words) == wanted, "\(words)")
    }
  }

  private static let whole = "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=53"

  /// The only one that it can mean is that of zone 0, if no other is named.
  @Test func `a whole tuple means one connection, which must be there`() async throws {
    let fake = DpctlFake([try Connection.sample(zone: 0, port: 1), try Connection.sample(zone: 5, port: 1)])
    #expect(await fake.run(["flush-conntrack", Self.whole]) == DpctlFake.Output(status: 0, out: "", error: ""))
    #expect(fake.look(\.connections).map(\.original.zone) == [5])
    let again = await fake.run(["flush-conntrack", Self.whole])
    #expect(again.status == 2)
    #expect(again.error == "dpdkfwd-ctl: failed to flush conntrack (No such file or directory)\n")
    #expect(await fake.run(["flush-conntrack", "zone=5", Self.whole]).status == 0)
    #expect(fake.look(\.connections).isEmpty)
    // Part of one may mean none.
    #expect(await fake.run("flush-conntrack zone=5 ct_nw_proto=17").status == 0)
  }

  /// Bits that must not be set are more than the forwarder's filters say: what they mean is found out here.
  @Test func `labels are compared under their mask`() async throws {
    let labels: [[Int]] = [[], [0], [0, 1], [127], [0, 127]]
    let connections = try labels.enumerated().map { place, bits in
      var connection = try Connection.sample(zone: 0, port: place)
      connection.id = ConnectionID(rawValue: UInt64(place + 1))
      connection.labels = Connection.Labels(
        low: bits.reduce(0) { $0 | ($1 < 64 ? 1 << UInt64($1) : 0) },
        high: bits.reduce(0) { $0 | ($1 < 64 ? 0 : 1 << UInt64($1 - 64)) })
      return connection
    }
    for (word, kept) in [
      ("labels=0x1", [0, 2, 3, 4]), ("labels=1/1", [0, 3]), ("labels=0/2", [2]), ("labels=0", [1, 2, 3, 4]),
      ("labels=0x80000000000000000000000000000000/0x80000000000000000000000000000001", [0, 1, 2, 4]),
    ] {
      let fake = DpctlFake(connections)
      #expect(await fake.run("flush-conntrack \(word)").status == 0)
      #expect(fake.look(\.connections).map { Int($0.original.sourcePort) } == kept, "\(word)")
      #expect(fake.calls.allSatisfy { $0.hasPrefix("conntrack.apply") })
    }
  }

  @Test(arguments: [
    (["zone=x"], "failed to parse zone"), (["zone=65536"], "failed to parse zone"),
    (["mark=x"], "failed to parse mark"),
    (["mark=1/"], "failed to parse mark"), (["mark=1/2/3"], "failed to parse mark"),
    (["mark=4294967296"], "failed to parse mark"), (["labels="], "failed to parse labels"),
    (["zoen=5"], "invalid conntrack tuple field: zoen"), (["x"], "field x missing value"),
    (["ct_nw_src="], "field ct_nw_src missing value"), (["ct_nw_src=x"], "failed to parse field ct_nw_src"),
    (["ct_nw_src=10.0.0.1/24"], "failed to parse field ct_nw_src"),
    (["ct_nw_src=::1"], "failed to parse field ct_nw_src"), (["ct_nw_proto=udp"], "failed to parse field ct_nw_proto"),
    (["ct_nw_proto=256"], "failed to parse field ct_nw_proto"),
    (["ct_nw_proto=6,ct_tp_dst=65536"], "failed to parse field ct_tp_dst"),
    (["ct_tp_src=5"], "port is set without protocol"),
    (["icmp_type=8"], "invalid L4 fields"), (["ct_nw_proto=6,icmp_type=8"], "invalid L4 fields"),
    (["ct_nw_src=1.1.1.1,ct_ipv6_dst=::1"], "the L3 protocol does not match ::1"),
    (["ct_nw_src=1.1.1.1,ct_nw_src=1.1.1.2"], "ct_nw_src is set multiple times"),
    (["ct_nw_proto=6", "ct_nw_proto=17"], "invalid arguments"), (["", "", ""], "invalid arguments"),
    (["ct_nw_src=1.1.1.1", "ct_ipv6_src=::1"], "invalid arguments"),
    (["zone=1", "zone=2"], "invalid conntrack tuple field: zone"),
  ])
  func `a malformed word is named, and nothing is flushed`(words: [String], text: String) async {
    let fake = DpctlFake()
    let output = await fake.run(["flush-conntrack"] + words)
    #expect(output.status == 2 && output.out.isEmpty)
    #expect(output.error.hasPrefix("dpdkfwd-ctl: \(text) (Invalid argument)\nusage: "), "\(output.error)")
    #expect(fake.openings.isEmpty)
  }

  /// No text, however broken, makes it flush everything.
  @Test func `what begins like a tuple and ends too early flushes nothing`() async {
    for end in 1..<Self.whole.count {
      let text = String(Self.whole.prefix(end))
      let fake = DpctlFake()
      _ = await fake.run(["flush-conntrack", text])
      #expect(fake.calls.allSatisfy { !$0.contains("{\"filter\": {}}") }, "\(text)")
    }
  }
}
