import ControlProtocol
import JSONText
import Pipeline
import Primitives
import Segment
import Steering
import TestSupport
import Testing

@Suite struct `Connections made and changed one by one` {
  /// C3, C4: packets that may open no connection cross once there is one, whoever receives them.
  @Test(arguments: [1, 2, 4], [SteerBy.addressPair, .fiveTuple])
  func `a created connection is met by its packets`(workers: Int, by: SteerBy) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.by, $0.policy) = (workers, by, Policy(refusesNew: 3)) }
      let crew = bench.crew
      let flows = (0..<40).map { Flow(number: $0) }
      crew.send(flows.map(\.frame))
      #expect(crew.cables.sent.isEmpty)
      for flow in flows.prefix(20) {
        let answer = try await bench.ask("conntrack.create", #"{"entry": \#(flow.entry(#""mark": 7"#))}"#)
        #expect(answer["created"] == .truth(true))
        #expect(answer["mark"] == .unsigned(7))
      }
      crew.send(flows.map(\.frame))
      crew.send(flows.map(\.answer), by: 1)
      #expect(crew.cables.sent[PortID(rawValue: 1)]?.count == 20)
      #expect(crew.cables.sent[PortID(rawValue: 0)]?.count == 20)
      let counted = try await bench.list(#"{"filter": {"mark": 7, "status": ["SEEN_REPLY"]}}"#)
      #expect(counted.count == 20)
      #expect(counted.allSatisfy { $0["count_reply"]?["packets"] == .unsigned(1) })
      #expect(crew.balances)
    }
  }

  /// C6.
  @Test func `one that is there is refused, or changed`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let flow = Flow(number: 1)
      let made = try await bench.ask("conntrack.create", #"{"entry": \#(flow.entry())}"#)
      let again = try await bench.refusal("conntrack.create", #"{"entry": \#(flow.entry())}"#)
      #expect(again.code == .exists)
      let changed = try await bench.ask(
        "conntrack.create", #"{"entry": \#(flow.entry(#""mark": 9"#)), "exclusive": false}"#)
      #expect(changed["created"] == .truth(false))
      #expect(changed["id"] == made["id"])
      #expect(changed["mark"] == .unsigned(9))
      let other = try await bench.ask(
        "conntrack.create", #"{"entry": \#(Flow(number: 2).entry()), "exclusive": false}"#)
      #expect(other["created"] == .truth(true))
      #expect(bench.crew.count == 2)
    }
  }

  private static func udp(
    _ more: String, sport: String = "1", dst: String = "10.0.0.2", beside: String = ""
  ) -> String {
    let orig = #"{"src": "10.0.0.1", "dst": "\#(dst)", "sport": \#(sport), "dport": 2}"#
    return #"{"entry": {"l4": "udp", "orig": \#(orig)\#(more)}\#(beside)}"#
  }
  private static let timed = #", "timeout": 5"#

  /// C5.
  @Test(arguments: [
    ("{}", "entry"), (#"{"entry": null}"#, "entry"), (#"{"entry": 5}"#, "entry"), (udp(""), "timeout"),
    (#"{"entry": {"l4": "udp", "timeout": 5}}"#, "orig"),
    (
      #"{"entry": {"l4": "udp", "orig": {"src": "10.0.0.1", "dst": "10.0.0.2", "sport": 1}, "timeout": 5}}"#,
      "orig.dport"
    ),
    (udp(timed, dst: "::1"), "orig.dst"), (udp(timed, sport: "65536"), "orig.sport"),
    (udp(timed, sport: "-1"), "orig.sport"), (udp(#", "timeout": -1"#), "timeout"),
    (udp(#", "timeout": 4294968"#), "timeout"), (udp(#", "timeout": null"#), "timeout"),
    (udp(timed + #", "foo": 1"#), "foo"), (udp(timed + #", "mark": 4294967296"#), "mark"),
    (udp(timed + #", "status": ["FOO"]"#), "status"), (udp(timed + #", "labels": [128]"#), "labels"),
    (
      #"{"entry": {"l4": "icmp", "orig": {"src": "10.0.0.1", "dst": "10.0.0.2", "id": 1, "type": 0}, "timeout": 5}}"#,
      "orig"
    ),
    (udp(timed, beside: #", "exclusive": 1"#), "exclusive"), (udp(timed, beside: #", "port": "p9""#), "port"),
    (udp(timed, beside: #", "port": {}"#), "port"),
  ])
  func `what is wrong with a new one is named`(parameters: String, word: String) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let refused = try await bench.refusal("conntrack.create", parameters)
      #expect(refused.code == .invalidParameters && refused.message.hasPrefix(word), "\(refused.message)")
      #expect(bench.crew.count == 0)
    }
  }

  @Test func `a reply that is not the original turned round takes translation`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      let reply = #", "reply": {"src": "10.0.0.3", "dst": "10.0.0.1", "sport": 2, "dport": 1}"#
      let refused = try await bench.refusal("conntrack.create", Self.udp(Self.timed + reply))
      #expect(refused.code == .unsupported && refused.message.hasPrefix("reply"))
    }
  }

  /// A connection has no relation to a port (C1), but to an owner.
  @Test func `where pairs have different owners, a new connection needs a port`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) {
        ($0.workers, $0.pairs, $0.owners, $0.policy) = (4, 2, [[0, 1], [2, 3]], Policy(refusesNew: 15))
      }
      let crew = bench.crew
      let flow = Flow(number: 3)
      let refused = try await bench.refusal("conntrack.create", #"{"entry": \#(flow.entry())}"#)
      #expect(refused.code == .invalidParameters && refused.message.hasPrefix("port: is missing"))
      for port in [#""p2""#, #""3""#, "3"] {
        let made = try await bench.ask("conntrack.create", #"{"entry": \#(flow.entry()), "port": \#(port)}"#)
        let id = ConnectionID(rawValue: try #require(made["id"]?.asUInt64))
        #expect([2, 3].contains(id.shard))
        crew.send([flow.frame], by: 2)
        crew.send([flow.frame], by: 0)
        #expect(crew.cables.sent[PortID(rawValue: 3)]?.count == 1)
        #expect(crew.cables.sent[PortID(rawValue: 1)] == nil)
        // Whoever looks for it need not know.
        #expect(try await bench.ask("conntrack.get", flow.key)["id"] == made["id"])
        let applied = try await bench.ask(
          "conntrack.apply", #"{"operations": [{"op": "delete", "entry": \#(flow.key)}]}"#)
        #expect(applied["results"]?.asArray?.allSatisfy(\.isNull) == true)
        crew.cables.forgetSent()
      }
      #expect(crew.count == 0)
    }
  }

  @Test func `where whoever receives a packet owns it, nobody can tell`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.by) = (2, .port) }
      for port in ["", #", "port": "p0""#] {
        let refused = try await bench.refusal("conntrack.create", #"{"entry": \#(Flow(number: 1).entry())\#(port)}"#)
        #expect(refused.message.hasPrefix("port"))
      }
      bench.crew.send(Flow.frames(0..<2))
      // Each is asked for one that is there.
      for number in 0..<2 { _ = try await bench.ask("conntrack.get", Flow(number: number).key) }
    }
  }

  // MARK: Apply

  private func results(_ bench: ControlBench, _ operations: [String], _ more: String = "") async throws
    -> [ControlCode?]
  {
    let answer = try await bench.ask(
      "conntrack.apply", #"{"operations": [\#(operations.joined(separator: ", "))]\#(more)}"#)
    let results = try #require(answer["results"]?.asArray)
    #expect(results.count == operations.count)
    return results.map { $0["code"].flatMap { $0.asWhole(Int.self) }.flatMap { ControlCode(rawValue: $0) } }
  }

  private func operation(_ op: String, _ entry: String) -> String { #"{"op": "\#(op)", "entry": \#(entry)}"# }

  /// C37.
  @Test(arguments: [1, 2, 4]) func `good operations are carried out among bad ones`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      let (one, two) = (Flow(number: 1), Flow(number: 2))
      let codes = try await results(
        bench,
        [
          operation("create", one.entry()), operation("create", one.entry()),
          operation("add", one.entry(#""mark": 4"#)),
          operation("update", two.entry()), operation("delete", two.key), operation("add", two.entry()),
          operation("update", two.entry(#""mark": 5"#)), operation("blow", two.key), "7", "{}", #"{"op": "add"}"#,
          #"{"op": "add", "entry": 7}"#, operation("create", one.key), operation("delete", #"{"id": 1}"#),
          operation("delete", #"{"id": -1}"#), operation("update", #"{"id": 1, "mark": 5}"#),
          #"{"op": "delete", "entry": \#(one.key), "port": 1}"#,
        ])
      let bad = ControlCode.invalidParameters
      #expect(
        codes == [
          nil, .exists, nil, .notFound, .notFound, nil, nil, bad, bad, bad, bad, bad, bad, .notFound, bad, bad, bad,
        ])
      let marks = try await bench.list().map { $0["mark"]?.asUInt64 ?? 0 }
      #expect(marks.sorted() == [4, 5])
      #expect(bench.crew.isBounded)
    }
  }

  /// Of one connection, where it may be with several workers too.
  @Test(arguments: ["", #", "port": "p2""#]) func `operations keep their order`(port: String) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) {
        ($0.workers, $0.pairs, $0.owners) = (4, 2, port.isEmpty ? [[0, 1], [0, 1]] : [[0, 1], [2, 3]])
      }
      var operations: [String] = []
      for number in 0..<100 {
        let flow = Flow(number: number % 10)
        operations += [
          operation("create", flow.entry()), operation("update", flow.entry(#""mark": \#(number)"#)),
          operation("delete", flow.key),
        ]
      }
      #expect(try await results(bench, operations, port).allSatisfy { $0 == nil })
      #expect(bench.crew.count == 0)
    }
  }

  @Test func `one that may be with several workers is changed after what comes before it`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.pairs, $0.owners) = (2, 2, [[0], [1]]) }
      bench.crew.send(Flow.frames(0..<10), by: 2)
      let ids = try await bench.list().ids
      let flow = Flow(number: 4)
      let id = try #require(try await bench.ask("conntrack.get", flow.key)["id"]?.asUInt64)
      // By its number it is with one worker, by its tuple with either: the second must not come first.
      let codes = try await results(
        bench, [operation("delete", #"{"id": \#(id)}"#), operation("update", flow.entry(#""mark": 1"#))])
      #expect(codes == [nil, .notFound])
      #expect(try await bench.list().ids == ids.filter { $0 != id })
    }
  }

  @Test func `apply takes a thousand operations and no more`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.connections) = (2, 1024) }
      let operations = (0..<1000).map { operation("create", Flow(number: $0).entry()) }
      #expect(try await results(bench, operations).allSatisfy { $0 == nil })
      #expect(bench.crew.count == 1000)
      let refused = try await bench.refusal(
        "conntrack.apply", #"{"operations": [\#((operations + ["1"]).joined(separator: ", "))]}"#)
      #expect(refused.code == .tooLarge)
      for wrong in ["null", "{}", #"{"operations": null}"#, #"{"operations": {}}"#] {
        #expect(try await bench.refusal("conntrack.apply", wrong).message.contains("operations"))
      }
      #expect(try await results(bench, []) == [])
    }
  }

  /// C15.
  @Test func `what is done on request says whose request it was`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.mode = .always }
      let flow = Flow(number: 1)
      _ = try await bench.ask("conntrack.create", #"{"entry": \#(flow.entry())}"#, as: 5)
      _ = try await bench.ask("conntrack.update", #"{"filter": {}, "change": {"mark": 3}}"#, as: 6)
      _ = try await bench.ask("conntrack.flush", as: 7)
      let events = try #require(try await bench.ask("events.read")["events"]?.asArray)
      #expect(events.map { $0["event"]?.asText } == ["new", "update", "destroy"])
      #expect(events.map { $0["client"]?.asUInt64 } == [1005, 1006, 1007])
      #expect(events.allSatisfy { $0["originator"] == .text("request") })
      // C14: enough to make it anew elsewhere.
      let other = try ControlBench(thread)
      var entry = try #require(events[1]["connection"]?.asObject)
      entry.removeAll { $0.0 == "id" }
      let made = try await other.ask("conntrack.create", #"{"entry": \#(JSON.object(entry).line)}"#)
      #expect(made["mark"] == .unsigned(3))
    }
  }
}
