import Conntrack
import ControlProtocol
import JSONText
import Pipeline
import Primitives
import Segment
import TestSupport
import Testing

@testable import Control

@Suite struct `Subscriptions and events` {
  /// C17, and near no cost when nobody asks (C7).
  @Test func `workers write what anybody wants, and nothing else`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let crew = bench.crew
      crew.send(Flow.frames(0..<10))
      let first = try await bench.ask("events.subscribe", #"{"kinds": ["new"]}"#, as: 1)
      #expect(first["rings"]?.asArray?.map { $0["events"]?.asUInt64 } == [1, 1])
      #expect(crew.masks == [.new, .new])
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["destroy"], "keeps": true}"#, as: 2)
      #expect(crew.masks == [[.new, .destroy, .keeps], [.new, .destroy, .keeps]])
      _ = try await bench.ask("events.subscribe", as: 2)
      #expect(crew.masks[0] == [.new, .update, .destroy, .refresh, .fragments, .keeps])
      #expect(bench.methods.lasts(ControlBench.client(2)))
      await bench.leave(2)
      #expect(!bench.methods.lasts(ControlBench.client(2)))
      #expect(crew.masks == [.new, .new])
      await bench.leave(1)
      #expect(crew.masks == [[], []])
      await bench.leave(3)
    }
  }

  @Test func `zones of all wishes are told of`() async throws {
    try await onOneThread { thread in
      let zones = (0..<6).map { ZoneMap.Rule(vlan: UInt16($0 + 1), zones: ZonePair(UInt16(100 + $0))) }
      let bench = try ControlBench(thread) { ($0.workers, $0.zones) = (2, zones) }
      let crew = bench.crew
      var number = 0
      /// A new connection in each zone; those zones whose was told of.
      func told() async throws -> [UInt64] {
        let written = try await bench.ask("events.read", "{}")["next"]
        number += 1
        crew.send((0..<6).map { Flow(number: number).datagram.frame(vlan: [UInt16($0 + 1)]) })
        let answer = try await bench.ask("events.read", written?.line ?? "{}")
        return (answer["events"]?.asArray ?? []).compactMap { $0["connection"]?["zone"]?.asUInt64 }.sorted()
      }
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"], "zones": [100, 105]}"#, as: 1)
      #expect(try await told() == [100, 105])
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"], "zones": [102, 65535]}"#, as: 2)
      #expect(try await told() == [100, 102, 105])
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"]}"#, as: 3)
      #expect(try await told() == [100, 101, 102, 103, 104, 105])
      await bench.leave(3)
      await bench.leave(1)
      #expect(try await told() == [102])
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"], "zones": []}"#, as: 4)
      await bench.leave(2)
      #expect(try await told() == [])
      await bench.leave(4)
    }
  }

  /// Whatever comes and goes while workers are being told, in the end they write what is wanted then.
  @Test func `wishes that come and go at once`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 4 }
      let words: [(String, EventMask)] = [
        ("new", .new), ("update", .update), ("destroy", .destroy), ("refresh", .refresh), ("fragments", .fragments),
      ]
      var chance = SeededGenerator.forThisRun()
      for _ in 0..<20 {
        let kinds = (1...5).map { _ in words.randomElement(using: &chance)! }
        let tasks = kinds.enumerated().map { number, kind in
          thread.start { [bench] in
            try? await bench.ask(
              "events.subscribe", #"{"kinds": ["\#(kind.0)"], "zones": [\#(number)]}"#, as: UInt64(number))
          }
        }
        for _ in 0..<Int.random(in: 0...6, using: &chance) { await thread.letOthersRun() }
        let leaving = (0..<5).filter { _ in Bool.random(using: &chance) }
        for number in leaving { bench.methods.ended(ControlBench.client(UInt64(number))) }
        for task in tasks { _ = await task.value }
        // The server says so when all requests are answered; here some subscribed after their end.
        for number in leaving { await bench.leave(UInt64(number)) }
        let wanted = kinds.indices.filter { !leaving.contains($0) }.reduce(into: EventMask()) {
          $0.formUnion(kinds[$1].1)
        }
        #expect(bench.crew.masks == Array(repeating: wanted, count: 4))
        for number in 0..<5 { await bench.leave(UInt64(number)) }
        #expect(bench.crew.masks == Array(repeating: [], count: 4))
      }
    }
  }

  @Test func `one whose client has gone before it was made leaves nothing behind`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.isHalted = true
      let task = thread.start { [bench] in try? await bench.ask("events.subscribe", as: 1) }
      for _ in 0..<5 { await thread.letOthersRun() }
      task.cancel()
      bench.crew.isHalted = false
      #expect(await task.value == nil)
      await bench.leave(1)
      #expect(bench.crew.masks == [[], []])
      #expect(!bench.methods.lasts(ControlBench.client(1)))
    }
  }

  @Test func `a connection has sixteen subscriptions at most`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      for _ in 0..<16 { _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"]}"#, as: 1) }
      #expect(try await bench.refusal("events.subscribe", #"{"kinds": ["new"]}"#, as: 1).code == .noRoom)
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"]}"#, as: 2)
      await bench.leave(1)
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["new"]}"#, as: 1)
      await bench.leave(1)
      await bench.leave(2)
    }
  }

  // MARK: The dying list

  /// C28: the slower one decides, and one that has gone no longer counts.
  @Test func `ends are kept until all have them who asked for that`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      let crew = bench.crew
      let keeping = #"{"kinds": ["destroy"], "keeps": true}"#
      let numbers = [
        try await bench.ask("events.subscribe", keeping, as: 1)["subscription"]?.line ?? "",
        try await bench.ask("events.subscribe", keeping, as: 2)["subscription"]?.line ?? "",
      ]
      func acknowledge(_ client: Int, _ event: Int) async throws {
        let answer = try await bench.ask(
          "events.acknowledge", #"{"subscription": \#(numbers[client - 1]), "events": [\#(event)]}"#, as: UInt64(client)
        )
        #expect(answer == .object([]))
        crew.breathe()
      }
      crew.send(Flow.frames(0..<10))
      let ids = try await bench.list().ids
      #expect(try await bench.ask("conntrack.flush")["count"] == .unsigned(10))
      #expect(try await bench.list(#"{"table": "dying"}"#).ids == ids)
      try await acknowledge(1, 10)
      #expect(crew.dying == [10])
      try await acknowledge(2, 4)
      #expect(crew.dying == [6])
      // What was acknowledged once stays so.
      try await acknowledge(2, 1)
      #expect(crew.dying == [6])
      #expect(try await bench.list(#"{"table": "dying"}"#).ids == Array(ids.suffix(6)))
      await bench.leave(2)
      crew.breathe()
      #expect(crew.dying == [0])
      crew.send(Flow.frames(10..<12))
      _ = try await bench.ask("conntrack.flush")
      #expect(crew.dying == [2])
      // Nobody else's.
      let other = #"{"subscription": \#(numbers[0]), "events": [99]}"#
      #expect(try await bench.refusal("events.acknowledge", other, as: 3).code == .notFound)
      crew.breathe()
      #expect(crew.dying == [2])
      await bench.leave(1)
      crew.breathe()
      #expect(crew.dying == [0])
    }
  }

  @Test func `the dying table has pages and filters too`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["destroy"], "keeps": true}"#)
      bench.crew.send(Flow.frames(0..<100))
      let ids = try await bench.list().ids
      _ = try await bench.ask("conntrack.flush")
      for limit in [1, 30, 100] {
        let pages = try await bench.pages("conntrack.list", #"{"table": "dying", "limit": \#(limit)}"#)
        #expect(pages.flatMap { $0.ids } == ids)
        #expect(pages.allSatisfy { $0.count <= limit })
      }
      #expect(try await bench.list(#"{"table": "dying", "filter": {"orig": {"src": "10.0.0.0/29"}}}"#).count == 8)
      #expect(try await bench.list().isEmpty)
      await bench.leave(1)
    }
  }

  // MARK: Reading

  /// C21, C38.
  @Test func `events are read once each, and of those that are gone the numbers`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) {
        ($0.workers, $0.mode, $0.events) = (2, .always, EventTables(events: 64, fragmentEvents: 8, dying: 8))
      }
      let crew = bench.crew
      var next = #"{"events": [1, 1], "fragments": [1, 1]}"#
      var seen: [[UInt64]] = [[], []]
      var lost: [[ClosedRange<UInt64>]] = [[], []]
      func read(_ limit: Int) async throws {
        guard case .object(var members) = try JSON(parsing: next) else { return }
        members.append(("limit", .unsigned(UInt64(limit))))
        let answer = try await bench.ask("events.read", JSON.object(members).line)
        for event in answer["events"]?.asArray ?? [] {
          seen[Int(event["shard"]?.asUInt64 ?? 9)].append(event["sequence"]?.asUInt64 ?? 0)
        }
        #expect(answer["events"]?.asArray?.count ?? 0 <= max(4, limit))
        for loss in answer["lost"]?.asArray ?? [] {
          #expect(loss["ring"] == .text("events"))
          lost[Int(loss["shard"]?.asUInt64 ?? 9)].append((loss["first"]?.asUInt64 ?? 0)...(loss["last"]?.asUInt64 ?? 0))
        }
        next = try #require(answer["next"]).line
      }
      var chance = SeededGenerator.forThisRun()
      for _ in 0..<40 {
        crew.send(Flow.frames(0..<Int.random(in: 1...60, using: &chance)))
        if Bool.random(using: &chance) { _ = try await bench.ask("conntrack.flush") }
        try await read(Int.random(in: 1...100, using: &chance))
      }
      // Whatever was drawn: more at once, on each worker, than its ring has room for.
      _ = try await bench.ask("conntrack.flush")
      crew.send(Flow.frames(0..<400))
      for _ in 0..<100 { try await read(10) }
      let written = crew.members.indices.map { shard in
        let counts = bench.reader.records(of: try! bench.reader.kind("events"))[shard]
        return (0..<4).reduce(0) { $0 + (counts.number("written", element: $1) ?? 0) }
      }
      for shard in 0..<2 {
        #expect(seen[shard] == seen[shard].sorted())
        let all = (seen[shard] + lost[shard].flatMap { Array($0) }).sorted()
        #expect(all == Array(1...max(1, written[shard])))
        #expect(!lost[shard].isEmpty)
      }
    }
  }

  @Test func `a position that is still to come is waited for`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.mode = .always }
      for position in [UInt64.max, UInt64.max >> 1, 5] {
        let answer = try await bench.ask("events.read", #"{"events": [\#(position), 7, 8], "fragments": [0]}"#)
        #expect(answer["events"]?.asArray?.isEmpty == true)
        #expect(answer["lost"]?.asArray?.isEmpty == true)
        #expect(answer["next"]?["events"]?.asArray?.first == .unsigned(position))
      }
      bench.crew.send(Flow.frames(0..<6))
      let answer = try await bench.ask("events.read", #"{"events": [5]}"#)
      #expect(answer["events"]?.asArray?.map { $0["sequence"]?.asUInt64 } == [5, 6])
    }
  }

  @Test func `fragments that are given up are told of`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      _ = try await bench.ask("events.subscribe", #"{"kinds": ["fragments"]}"#)
      let datagram = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 77)
        .udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1600))
      bench.crew.send([datagram.fragments(size: 800)[0].frame()])
      bench.crew.advance(.seconds(31))
      bench.crew.breathe()
      let events = try #require(try await bench.ask("events.read")["events"]?.asArray)
      #expect(events.count == 1)
      #expect(events.first?["event"] == .text("fragments"))
      #expect(events.first?["ip_id"] == .unsigned(77))
      await bench.leave(1)
    }
  }

  @Test func `without events nobody subscribes, reads or sees ends`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.events = nil }
      for method in ["events.subscribe", "events.read"] {
        #expect(try await bench.refusal(method).code == .unsupported)
      }
      #expect(try await bench.refusal("conntrack.list", #"{"table": "dying"}"#).code == .unsupported)
      // All else is as ever.
      bench.crew.send(Flow.frames(0..<3))
      #expect(try await bench.list().count == 3)
      _ = try await bench.ask("tracking.set", #"{"tcp_seq_chk": false}"#)
    }
  }
}
