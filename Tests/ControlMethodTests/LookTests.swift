import Conntrack
import ControlProtocol
import JSONText
import Primitives
import Segment
import Steering
import TestSupport
import Testing

@Suite struct `Looking at connections` {
  @Test func `version says who it is`() async throws {
    try await onOneThread { thread in
      let answer = try await ControlBench(thread).ask("version")
      #expect(answer["version"] == .text("0.4-test"))
      #expect(answer["prefix"] == .text("t"))
      #expect(answer["protocol"] == .unsigned(1))
    }
  }

  /// C18: page by page, each once, in the order of their numbers.
  @Test(arguments: [1, 2, 4]) func `a list has all connections once, whatever the page`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      bench.crew.send(Flow.frames(0..<300))
      for limit in [1, 7, 100, 299, 300, 301, 1000] {
        let pages = try await bench.pages("conntrack.list", #"{"limit": \#(limit)}"#)
        let ids = pages.flatMap { $0.ids }
        #expect(pages.allSatisfy { $0.count <= limit })
        #expect(ids.count == 300)
        #expect(ids == Set(ids).sorted())
      }
      #expect(try await bench.ask("conntrack.count")["count"] == .unsigned(300))
    }
  }

  /// C41, C18: what was there all the time is told of once by each, and nothing twice.
  @Test func `two dumps at once, interrupted and resumed, while connections come and go`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let crew = bench.crew
      crew.send(Flow.frames(0..<400))
      var chance = SeededGenerator.forThisRun()
      let there = try await bench.list().ids
      var gone: Set<UInt64> = []
      var seen: [[UInt64]] = [[], []]
      var cursors: [JSON?] = [nil, nil]
      var isDone = [false, false]
      var next = 1000
      while isDone != [true, true] {
        let dump = Int.random(in: 0...1, using: &chance)
        if isDone[dump] { continue }
        let limit = Int.random(in: 1...60, using: &chance)
        let cursor = cursors[dump].map { ", \"cursor\": \($0.line)" } ?? ""
        let answer = try await bench.ask(
          "conntrack.list", #"{"limit": \#(limit)\#(cursor)}"#, as: UInt64(dump + 1))
        seen[dump] += answer["entries"]?.asArray?.ids ?? []
        cursors[dump] = answer["cursor"]
        isDone[dump] = answer["cursor"]?.isNull ?? true
        for _ in 0..<5 {
          guard let victim = there.randomElement(using: &chance), gone.count < 200 else { break }
          gone.insert(victim)
          _ = try await bench.ask("conntrack.delete", #"{"filter": {"id": \#(victim)}}"#, as: 3)
        }
        crew.send(Flow.frames(next..<next + 5))
        next += 5
      }
      for ids in seen {
        #expect(ids == Set(ids).sorted())
        #expect(Set(there).subtracting(gone).subtracting(ids).isEmpty)
      }
      #expect(crew.wrong == nil)
    }
  }

  @Test func `a filter narrows a list, and one that names a connection goes straight to it`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.send(Flow.frames(0..<100))
      let all = try await bench.list()
      let subnet = try await bench.list(#"{"filter": {"orig": {"src": "10.0.0.0/27"}}, "limit": 10}"#)
      #expect(subnet.count == 32)
      #expect(try await bench.list(#"{"filter": {"l4": "tcp"}}"#).isEmpty)
      let breaths = bench.crew.breaths
      for entry in all.prefix(10) {
        let id = try #require(entry["id"])
        #expect(try await bench.list(#"{"filter": {"id": \#(id.line)}}"#).ids == [id.asUInt64])
        #expect(try await bench.list(#"{"filter": {"id": \#(id.line), "mark": 1}}"#).isEmpty)
      }
      #expect(bench.crew.breaths == breaths, "it went through the table")
      // Behind it there is no such one.
      let last = try #require(all.ids.last)
      let behind = #"{"filter": {"id": \#(last)}, "cursor": \#(last)}"#
      #expect(try await bench.ask("conntrack.list", behind)["entries"]?.asArray?.isEmpty == true)
    }
  }

  @Test func `nothing is ever unconfirmed`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      bench.crew.send(Flow.frames(0..<3))
      #expect(try await bench.list(#"{"table": "unconfirmed"}"#).isEmpty)
    }
  }

  /// C19, C22.
  @Test(arguments: [1, 2, 4], [SteerBy.addressPair, .fiveTuple])
  func `one is found by either tuple and by its number`(workers: Int, by: SteerBy) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) {
        ($0.workers, $0.by, $0.zones) = (
          workers, by, [ZoneMap.Rule(port: 0, zones: ZonePair(7)), ZoneMap.Rule(port: 1, zones: ZonePair(7))]
        )
      }
      let frames = [
        Flow(number: 5).frame,
        Datagram.ipv4(from: "10.0.0.9", to: "192.0.2.1").icmp(id: 77).frame(),
        Datagram.ipv6(from: "2001:db8::1", to: "2001:db8:1::2").tcp(from: 4000, to: 80, flags: .syn, seq: 1).frame(),
        Datagram.ipv6(from: "2001:db8::1", to: "2001:db8:1::2").icmpv6(id: 78).frame(),
        Datagram.ipv4(from: "10.0.0.3", to: "192.0.2.1").gre(protocol: 0x0800, payload: [1]).frame(),
      ]
      bench.crew.send(frames)
      let all = try await bench.list()
      #expect(all.count == frames.count)
      for entry in all {
        guard let id = entry["id"]?.line, let l4 = entry["l4"]?.line else { continue }
        #expect(try await bench.ask("conntrack.get", #"{"id": \#(id)}"#)["id"]?.line == id)
        for side in ["orig", "reply"] {
          let tuple = try #require(entry[side])
          let found = try await bench.ask(
            "conntrack.get", #"{"l4": \#(l4), "\#(side)": \#(tuple.line), "zone": 7}"#)
          #expect(found["id"]?.line == id, "\(side) of \(entry.line)")
          let elsewhere = try await bench.refusal("conntrack.get", #"{"l4": \#(l4), "\#(side)": \#(tuple.line)}"#)
          #expect(elsewhere.code == .notFound)
        }
      }
    }
  }

  /// C19: a number is of one connection, for good.
  @Test func `another connection of the same flow has another number`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      var ids: Set<UInt64> = []
      for _ in 0..<5 {
        bench.crew.send([Flow(number: 1).frame])
        let id = try #require(try await bench.list().ids.first)
        #expect(ids.insert(id).inserted)
        for old in ids.subtracting([id]) {
          #expect(try await bench.refusal("conntrack.get", #"{"id": \#(old)}"#).code == .notFound)
          #expect(try await bench.list(#"{"filter": {"id": \#(old)}}"#).isEmpty)
          let flushed = try await bench.ask("conntrack.flush", #"{"filter": {"id": \#(old)}}"#)
          #expect(flushed["count"] == .unsigned(0))
        }
        let deleted = try await bench.ask("conntrack.delete", #"{"filter": {"id": \#(id)}}"#)
        #expect(deleted["entries"]?.asArray?.ids == [id])
      }
    }
  }

  @Test func `numbers of workers that there are not, and of other runs, are nobody's`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.send(Flow.frames(0..<20))
      let one = ConnectionID(rawValue: try #require(try await bench.list().ids.first))
      let others = [
        UInt64.max, UInt64(1) << 63, 2 << 56,
        ConnectionID(shard: one.shard, epoch: one.epoch + 1, slot: one.slot, generation: one.generation).rawValue,
        ConnectionID(shard: one.shard, epoch: one.epoch, slot: one.slot, generation: one.generation + 1).rawValue,
        ConnectionID(shard: one.shard, epoch: one.epoch, slot: 1 << 24 - 1, generation: 1).rawValue,
      ]
      for id in others {
        #expect(try await bench.refusal("conntrack.get", #"{"id": \#(id)}"#).code == .notFound)
        for method in ["conntrack.list", "conntrack.delete"] {
          let answer = try await bench.ask(method, #"{"filter": {"id": \#(id)}}"#)
          #expect(answer["entries"]?.asArray?.isEmpty == true)
        }
        #expect(try await bench.ask("conntrack.flush", #"{"filter": {"id": \#(id)}}"#)["count"] == .unsigned(0))
        let applied = try await bench.ask(
          "conntrack.apply", #"{"operations": [{"op": "delete", "entry": {"id": \#(id)}}]}"#)
        #expect(applied["results"]?.asArray?.first?["code"] == .signed(Int64(ControlCode.notFound.rawValue)))
      }
      for cursor in others[0...3] {
        for method in ["conntrack.list", "conntrack.delete"] {
          let refused = try await bench.refusal(method, #"{"cursor": \#(cursor)}"#)
          #expect(refused.code == .invalidParameters && refused.message.hasPrefix("cursor"))
        }
      }
      #expect(bench.crew.count == 20)
    }
  }

  @Test(arguments: [1, 3]) func `buckets hold all connections, each part but once`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.connections) = (workers, 16_384) }
      bench.crew.send(Flow.frames(0..<500))
      let whole = try await bench.ask("conntrack.buckets")
      let counts = try #require(whole["counts"]?.asArray?.map { $0.asUInt64 ?? 99 })
      #expect(counts.reduce(0, +) == 500)
      #expect(whole["next"]?.isNull == true)
      #expect(counts.count % workers == 0)
      // From the middle on.
      let from = try await bench.ask("conntrack.buckets", #"{"worker": \#(workers - 1), "bucket": 100}"#)
      #expect(from["counts"]?.asArray?.count == counts.count / workers - 100)
      let beyond = try await bench.ask("conntrack.buckets", #"{"worker": \#(workers - 1), "bucket": 4294967295}"#)
      #expect(beyond["counts"]?.asArray?.isEmpty == true)
      #expect(try await bench.ask("conntrack.buckets", #"{"worker": 255}"#)["counts"]?.asArray?.isEmpty == true)
      #expect(bench.crew.isBounded)
    }
  }
}
