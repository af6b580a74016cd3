import ControlProtocol
import JSONText
import Pipeline
import Primitives
import Segment
import TestSupport
import Testing

@Suite struct `Connections changed and deleted by filter` {
  @Test(arguments: [1, 2, 4]) func `an update reaches each one once, page by page`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      bench.crew.send(Flow.frames(0..<300))
      for limit in [1, 33, 300, 1000] {
        // XOR with one: done twice it would show.
        let request = #"{"filter": {"l4": "udp"}, "change": {"mark": "1/0"}, "limit": \#(limit)}"#
        let before = Set(try await bench.list().map { $0["mark"]?.asUInt64 ?? 9 })
        let pages = try await bench.pages("conntrack.update", request)
        #expect(pages.allSatisfy { $0.count <= limit })
        let ids = pages.flatMap { $0.ids }
        #expect(ids.count == 300 && Set(ids).count == 300)
        #expect(before.count == 1)
        let after = Set(try await bench.list().map { $0["mark"]?.asUInt64 ?? 9 })
        #expect(after == Set(before.map { $0 ^ 1 }))
      }
      #expect(bench.crew.isBounded)
    }
  }

  /// C18 for changes: what was there all the time is reached, and nothing twice, while others come and go.
  @Test func `pages of an update, while connections come and go`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.send(Flow.frames(0..<200))
      let there = try await bench.list().ids
      var next = 1000
      var victims = there[...]
      var gone: Set<UInt64> = []
      var seen: [UInt64] = []
      var cursor = ""
      repeat {
        let answer = try await bench.ask(
          "conntrack.update", #"{"change": {"mark": "1/0"}, "limit": 9\#(cursor)}"#)
        seen += answer["entries"]?.asArray?.ids ?? []
        cursor = answer["cursor"].map { $0.isNull ? "" : ", \"cursor\": \($0.line)" } ?? ""
        if let victim = victims.popLast() {
          gone.insert(victim)
          _ = try await bench.ask("conntrack.delete", #"{"filter": {"id": \#(victim)}}"#)
        }
        bench.crew.send(Flow.frames(next..<next + 2))
        next += 2
      } while !cursor.isEmpty
      #expect(Set(seen).count == seen.count)
      #expect(Set(there).subtracting(gone).subtracting(seen).isEmpty)
    }
  }

  @Test func `a change reaches what the filter means, and says how it is now`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      bench.crew.send(Flow.frames(0..<4))
      let changed = try await bench.ask(
        "conntrack.update",
        #"""
        {"filter": {"orig": {"src": "10.0.0.2"}},
         "change": {"timeout": 500, "mark": 3, "status": ["ASSURED", "FIXED_TIMEOUT"], "labels": {"add": [1, 127]}}}
        """#)
      let entry = try #require(changed["entries"]?.asArray?.first)
      #expect(changed["entries"]?.asArray?.count == 1)
      #expect(entry["mark"] == .unsigned(3))
      #expect(entry["labels"] == .text("02000000000000000000000000000080"))
      #expect([499, 500, 501].contains(entry["timeout"]?.asUInt64))
      #expect(entry["status"]?.line.contains("FIXED_TIMEOUT") == true)
      #expect(try await bench.list(#"{"filter": {"labels": [127], "mark": "1/1"}}"#).isEmpty == false)
      // What has been seen of one cannot be taken back: it stays as it is.
      let taken = try await bench.ask("conntrack.update", #"{"change": {"unset": ["ASSURED"], "mark": 4}}"#)
      #expect(taken["entries"]?.asArray?.count == 3)
      #expect(try await bench.list(#"{"filter": {"mark": 3}}"#).ids == [try #require(entry["id"]?.asUInt64)])
      #expect(bench.crew.wrong == nil)
    }
  }

  /// A filter without a protocol must not put TCP's details into others.
  @Test func `what a tracker remembers is changed in connections of its protocol alone`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      let who = #""orig": {"src": "10.0.0.1", "dst": "10.0.0.2", "sport": 1, "dport": 2}, "timeout": 90"#
      let tcp = #"{"l4": "tcp", \#(who), "tcp": {"state": "ESTABLISHED"}}"#
      let sctp = #"{"l4": "sctp", \#(who), "sctp": {"state": "ESTABLISHED", "vtag_orig": 1, "vtag_reply": 2}}"#
      for entry in [tcp, sctp, Flow(number: 1).entry()] {
        _ = try await bench.ask("conntrack.create", #"{"entry": \#(entry)}"#)
      }
      let before = try await bench.list(#"{"filter": {"l4": "sctp"}}"#)
      let changed = try await bench.ask("conntrack.update", #"{"change": {"tcp": {"state": "FIN_WAIT"}, "mark": 1}}"#)
      #expect(changed["entries"]?.asArray?.map { $0["l4"]?.asText } == ["tcp"])
      #expect(changed["entries"]?.asArray?.first?["tcp"]?["state"] == .text("FIN_WAIT"))
      #expect(try await bench.list(#"{"filter": {"l4": "sctp"}}"#).map { $0["sctp"] } == before.map { $0["sctp"] })
      #expect(try await bench.list(#"{"filter": {"mark": 1}}"#).count == 1)
      let refused = try await bench.refusal(
        "conntrack.update", #"{"filter": {"l4": "udp"}, "change": {"tcp": {"state": "FIN_WAIT"}}}"#)
      #expect(refused.message.hasPrefix("tcp"))
    }
  }

  @Test(arguments: [1, 2, 4]) func `deleted ones are told of as they were`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      bench.crew.send(Flow.frames(0..<300))
      let half = #""filter": {"orig": {"src": "10.0.0.0/25"}}"#
      let there = try await bench.list("{\(half)}")
      let pages = try await bench.pages("conntrack.delete", #"{\#(half), "limit": 20}"#)
      #expect(pages.flatMap { $0.ids } == there.ids)
      #expect(pages.allSatisfy { $0.count <= 20 })
      #expect(try await bench.list("{\(half)}").isEmpty)
      #expect(bench.crew.count == 300 - there.count)
      #expect(bench.crew.wrong == nil)
      #expect(bench.crew.isBounded)
    }
  }

  @Test(arguments: [1, 2, 4]) func `a flush counts what it ended`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      bench.crew.send(Flow.frames(0..<300))
      #expect(try await bench.ask("conntrack.flush", #"{"filter": {"l4": "tcp"}}"#)["count"] == .unsigned(0))
      let some = try await bench.ask("conntrack.flush", #"{"filter": {"orig": {"src": "10.0.0.0/26"}}}"#)
      #expect(some["count"] == .unsigned(64))
      let id = try #require(try await bench.list().ids.first)
      #expect(try await bench.ask("conntrack.flush", #"{"filter": {"id": \#(id)}}"#)["count"] == .unsigned(1))
      #expect(try await bench.ask("conntrack.flush")["count"] == .unsigned(235))
      #expect(try await bench.ask("conntrack.flush")["count"] == .unsigned(0))
      #expect(bench.crew.count == 0)
      #expect(bench.crew.isBounded)
    }
  }

  /// X8: a breath in which packets come has time for less.
  @Test func `while packets come a worker looks at sixty-four slots a breath`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.connections = 4096 }
      bench.crew.send(Flow.frames(0..<3000))
      let breaths = bench.crew.breaths
      bench.crew.before = { [crew = bench.crew] in
        crew.cables.arrive([Flow(number: 1).frame], on: PortID(rawValue: 0), queue: 0)
      }
      let flushed = try await bench.ask("conntrack.flush", #"{"filter": {"mark": 1}}"#)
      bench.crew.before = nil
      #expect(flushed["count"] == .unsigned(0))
      #expect(bench.crew.breaths - breaths >= 3000 / 64)
      #expect(bench.crew.members[0].most.busy == 64)
      #expect(bench.crew.isBounded)
    }
  }
}
