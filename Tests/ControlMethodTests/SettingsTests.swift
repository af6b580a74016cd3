import CSegment
import Conntrack
import ControlProtocol
import JSONText
import Pipeline
import Primitives
import Reassembly
import Segment
import TestSupport
import Testing

@Suite struct `Settings changed while packets pass` {
  /// What the segment says of tracking as a whole (X7).
  private func record(_ bench: ControlBench) throws -> [String: UInt64] {
    let kind = try bench.reader.kind("tracking")
    let record = try #require(bench.reader.records(of: kind).first)
    return Dictionary(uniqueKeysWithValues: kind.fields.map { ($0.name, record.number($0)) })
  }

  @Test(arguments: [1, 2, 4]) func `tracking is set, and the segment says so`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      #expect(try record(bench)["sweep_interval"] == 5000)
      #expect(try record(bench)["tcp_seq_chk"] == 1)
      let set = try await bench.ask(
        "tracking.set", #"{"connections_limit": 4294967294, "tcp_seq_chk": false, "sweep_interval_ms": 100}"#)
      #expect(set["connections_limit"] == .unsigned(4_294_967_294))
      #expect(set["connections_room"] == .unsigned(UInt64(512 * workers)))
      #expect(set["tcp_seq_chk"] == .truth(false))
      #expect(set["sweep_interval_ms"] == .unsigned(100))
      #expect(try await bench.ask("tracking.get") == set)
      for member in bench.crew.members { #expect(member.worker.journey.tracker.settings.sweepInterval == 100) }
      #expect(try record(bench)["connections_limit"] == 4_294_967_294)
      #expect(try record(bench)["sweep_interval"] == 100)
      #expect(try record(bench)["tcp_seq_chk"] == 0)
      // One at a time leaves the others.
      let back = try await bench.ask("tracking.set", #"{"connections_limit": 0}"#)
      #expect(back["connections_limit"] == .unsigned(0))
      #expect(back["sweep_interval_ms"] == .unsigned(100))
      #expect(try record(bench)["connections_limit"] == 0)
    }
  }

  /// Open vSwitch's `ct-disable-tcp-seq-chk`.
  @Test func `segments are held against their windows, or not`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let host = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1")
      bench.crew.send([host.tcp(from: 4000, to: 80, flags: .syn, seq: 100).frame()])
      bench.crew.send(
        [host.tcp(from: 4000, to: 80, flags: [.syn, .ack], seq: 900, ack: 101).reversed.frame()].map { _ in
          Datagram.ipv4(from: "192.0.2.1", to: "10.0.0.1")
            .tcp(from: 80, to: 4000, flags: [.syn, .ack], seq: 900, ack: 101).frame()
        }, by: 1)
      bench.crew.send([host.tcp(from: 4000, to: 80, flags: .ack, seq: 101, ack: 901).frame()])
      let far = host.tcp(from: 4000, to: 80, flags: [.ack, .psh], seq: 1 << 30, ack: 901, payload: [1]).frame()
      bench.crew.send([far])
      #expect(bench.crew.sum { $0.invalid } == 1)
      _ = try await bench.ask("tracking.set", #"{"tcp_seq_chk": false}"#)
      bench.crew.send([far])
      #expect(bench.crew.sum { $0.invalid } == 1)
    }
  }

  /// Workers that are told one after the other must not end up with different ones.
  @Test func `opposite changes at once leave all workers with one`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 4 }
      var chance = SeededGenerator.forThisRun()
      for round in 0..<20 {
        // Each worker begins with another lane than the others.
        for _ in 0..<Int.random(in: 0...5, using: &chance) {
          let id = UInt64.random(in: 0...3, using: &chance) << 56
          _ = try await bench.refusal("conntrack.get", #"{"id": \#(id)}"#)
        }
        let tasks = (0..<8).map { client in
          thread.start { [bench] in
            for _ in 0..<(round.isMultiple(of: 2) ? 0 : (client + round) % 5) { await thread.letOthersRun() }
            _ = try? await bench.ask("tracking.set", #"{"sweep_interval_ms": \#(1000 + client)}"#, as: UInt64(client))
          }
        }
        for task in tasks { await task.value }
        let now = try await bench.ask("tracking.get")["sweep_interval_ms"]?.asUInt64
        let intervals = bench.crew.members.map { UInt64($0.worker.journey.tracker.settings.sweepInterval) }
        #expect(intervals.allSatisfy { $0 == now }, "\(intervals)")
      }
    }
  }

  // MARK: Limits

  @Test func `limits of zones are set, told and deleted`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.zoneLimits) = (2, [9: 30]) }
      #expect(
        try await bench.ask("limits.get").line == #"{"default": 0, "zones": [{"zone": 9, "limit": 30, "count": 0}]}"#)
      bench.crew.send(Flow.frames(0..<20))
      let set = try await bench.ask(
        "limits.set", #"{"default": 50, "zones": [{"zone": 0, "limit": 25}, {"zone": 65535, "limit": 0}]}"#)
      let zones = [(0, 25, 20), (9, 30, 0), (65535, 0, 0)].map { zone, limit, count in
        #"{"zone": \#(zone), "limit": \#(limit), "count": \#(count)}"#
      }
      #expect(set.line == #"{"default": 50, "zones": [\#(zones.joined(separator: ", "))]}"#)
      #expect(try record(bench)["zone_limit"] == 50)
      let some = try await bench.ask("limits.get", #"{"zones": [7, 0, 7]}"#)
      #expect(some["zones"]?.line == #"[{"zone": 7, "limit": 50, "count": 0}, {"zone": 0, "limit": 25, "count": 20}]"#)
      let deleted = try await bench.ask("limits.delete", #"{"default": true, "zones": [9, 65535, 3]}"#)
      #expect(deleted.line == #"{"default": 0, "zones": [{"zone": 0, "limit": 25, "count": 20}]}"#)
      #expect(try record(bench)["zone_limit"] == 0)
      // All there can be fit into an answer.
      let all = "[" + (0..<65_536).map { #"{"zone": \#($0), "limit": 4294967294}"# }.joined(separator: ",") + "]"
      let most = try await bench.ask("limits.set", #"{"zones": \#(all)}"#)
      #expect(most.line.utf8.count < 4 << 20)
    }
  }

  /// Never more than may be, and none less for long: what a worker keeps comes back.
  @Test(arguments: [1, 2, 4]) func `limits that change hold at once`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.connections) = (workers, 2048) }
      let crew = bench.crew
      var chance = SeededGenerator.forThisRun()
      var next = 0
      for round in 0..<30 {
        let limit = Int.random(in: 1...600, using: &chance)
        if round.isMultiple(of: 2) {
          _ = try await bench.ask("tracking.set", #"{"connections_limit": \#(limit)}"#)
          _ = try await bench.ask("limits.set", #"{"zones": [{"zone": 0, "limit": 0}]}"#)
        } else {
          _ = try await bench.ask("tracking.set", #"{"connections_limit": 0}"#)
          _ = try await bench.ask("limits.set", #"{"zones": [{"zone": 0, "limit": \#(limit)}]}"#)
        }
        let before = crew.count
        crew.send(Flow.frames(next..<next + 700))
        next += 700
        #expect(crew.count <= max(before, limit))
        // A refusal comes two batches of each other worker early at most.
        let batch = max(1, min(256, limit / 64))
        #expect(crew.count >= min(limit, before + 700) - (workers - 1) * 2 * batch)
        let told = try await bench.ask("limits.get", #"{"zones": [0]}"#)["zones"]?.asArray?.first?["count"]
        #expect(told == .unsigned(UInt64(crew.count)))
        _ = try await bench.ask("conntrack.flush", #"{"filter": {"orig": {"src": "10.0.\#(next >> 8 & 255).0/24"}}}"#)
        if round % 7 == 6 { _ = try await bench.ask("conntrack.flush") }
      }
      #expect(crew.wrong == nil)
      #expect(crew.isBounded)
    }
  }

  @Test func `what is created on request is counted and limited too`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      _ = try await bench.ask("tracking.set", #"{"connections_limit": 3}"#)
      var made = 0
      for number in 0..<20 {
        do {
          _ = try await bench.ask("conntrack.create", #"{"entry": \#(Flow(number: number).entry())}"#)
          made += 1
        } catch let error as ControlError {
          #expect(error.code == .noRoom)
        }
      }
      #expect(made <= 3 && made >= 1)
      #expect(bench.crew.count == made)
    }
  }

  // MARK: Fragments

  /// F28, F32, F33.
  @Test(arguments: [1, 2, 4]) func `fragments are set within what there is room for`(workers: Int) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      let before = try await bench.ask("fragments.get")
      #expect(before["max_fragments"] == .unsigned(UInt64(64 * workers)))
      let floor = try await bench.refusal("fragments.set", #"{"v4": {"min_size": 399}}"#)
      #expect(floor.message.hasPrefix("v4.min_size") && floor.message.contains("dpdkfwd.toml(5)"))
      #expect(try await bench.refusal("fragments.set", #"{"max_fragments": \#(64 * workers + 1)}"#).code == .noRoom)
      #expect(try await bench.ask("fragments.get") == before)
      let set = try await bench.ask(
        "fragments.set", #"{"v4": {"min_size": 400}, "v6": {"enabled": false}, "max_fragments": \#(8 * workers - 1)}"#)
      #expect(set["v4"]?.line == #"{"enabled": true, "min_size": 400}"#)
      #expect(set["v6"]?.line == #"{"enabled": false, "min_size": 0}"#)
      // As many as were asked for, however many share them.
      #expect(set["max_fragments"] == .unsigned(UInt64(8 * workers - 1)))
      let own = (0..<workers).map { bench.crew.fragmentSettings($0) }
      #expect(own.reduce(0) { $0 + $1.fragments } == 8 * workers - 1)
      #expect(own.allSatisfy { $0.ipv4.smallest == 400 && !$0.ipv6.isOn })
      #expect(try await bench.ask("fragments.set", #"{"max_fragments": \#(64 * workers)}"#)["v6"] == set["v6"])
      #expect(try await bench.ask("fragments.set", "{}")["max_fragments"] == .unsigned(UInt64(64 * workers)))
    }
  }

  @Test func `fragments are held, or pass as they are`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let datagram = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 77)
        .udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1600))
      let fragments = datagram.fragments(size: 800).map { $0.frame() }
      bench.crew.send([fragments[0]])
      #expect(bench.crew.cables.sent.isEmpty)
      _ = try await bench.ask("fragments.set", #"{"v4": {"enabled": false}}"#)
      bench.crew.breathe()
      bench.crew.send(fragments)
      #expect(bench.crew.cables.sent[PortID(rawValue: 1)]?.count == fragments.count)
      _ = try await bench.ask("fragments.set", #"{"v4": {"enabled": true, "min_size": 1200}}"#)
      bench.crew.send(fragments)
      #expect(bench.crew.cables.sent[PortID(rawValue: 1)]?.count == fragments.count)
      #expect(bench.crew.balances)
    }
  }

  /// Each changes one member, and none undoes what another did.
  @Test func `changes of different members at once all hold`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 3 }
      let changes = [
        #"{"v4": {"enabled": false}}"#, #"{"v4": {"min_size": 500}}"#, #"{"v6": {"min_size": 600}}"#,
        #"{"v6": {"enabled": false}}"#, #"{"max_fragments": 50}"#,
      ]
      let tasks = changes.enumerated().map { number, change in
        thread.start { [bench] in _ = try? await bench.ask("fragments.set", change, as: UInt64(number)) }
      }
      for task in tasks { await task.value }
      let now = try await bench.ask("fragments.get")
      #expect(now["v4"]?.line == #"{"enabled": false, "min_size": 500}"#)
      #expect(now["v6"]?.line == #"{"enabled": false, "min_size": 600}"#)
      #expect(now["max_fragments"] == .unsigned(50))
      for shard in 0..<3 {
        let own = bench.crew.fragmentSettings(shard)
        #expect((own.ipv4.isOn, own.ipv4.smallest, own.ipv6.isOn, own.ipv6.smallest) == (false, 500, false, 600))
      }
    }
  }

  @Test func `what was not set aside at start cannot be had`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.fragments = nil }
      #expect(try await bench.refusal("fragments.get").code == .unsupported)
      #expect(try await bench.refusal("fragments.set", #"{"v4": {"enabled": true}}"#).code == .unsupported)
      let bare = try ControlBench(thread) { $0.tracks = false }
      for method in [
        "conntrack.list", "conntrack.count", "conntrack.flush", "conntrack.buckets", "tracking.get", "tracking.set",
        "limits.get", "limits.set", "limits.delete", "conntrack.delete",
      ] { #expect(try await bare.refusal(method).code == .unsupported, "\(method)") }
      #expect(try await bare.refusal("conntrack.get", #"{"id": 1}"#).code == .unsupported)
      #expect(try await bare.refusal("conntrack.apply", #"{"operations": []}"#).code == .unsupported)
      #expect(try await bare.refusal("conntrack.create", #"{"entry": {}}"#).code == .unsupported)
    }
  }
}
