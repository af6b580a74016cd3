import Conntrack
import ControlProtocol
import JSONText
import Pipeline
import Segment
import TestSupport
import Testing

@testable import Control

@Suite struct `Tasks that are given up, and the end` {
  /// Every lane can be used once more: as many requests as there are lanes wait with the worker at once.
  private func expectAllLanes(_ bench: ControlBench, _ thread: OneThread) async {
    bench.crew.isHalted = true
    let tasks = (0..<12).map { number in
      thread.start { [bench] in try? await bench.ask("conntrack.get", Flow(number: 1).key, as: UInt64(100 + number)) }
    }
    for _ in 0..<10 { await thread.letOthersRun() }
    #expect(bench.crew.lanesOut == Mailbox.lanes)
    bench.crew.isHalted = false
    for task in tasks { #expect(await task.value != nil) }
    #expect(bench.crew.lanesOut == 0)
  }

  @Test func `a cancelled task loses no lane, and no other gets its answer`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      bench.crew.send(Flow.frames(0..<40))
      var chance = SeededGenerator.forThisRun()
      for _ in 0..<30 {
        bench.crew.isHalted = true
        let tasks = (0..<16).map { number in
          thread.start { [bench] in
            try? await bench.ask("conntrack.get", Flow(number: number).key, as: UInt64(number))
          }
        }
        for _ in 0..<Int.random(in: 0...6, using: &chance) { await thread.letOthersRun() }
        var cancelled: Set<Int> = []
        for (number, task) in tasks.enumerated() where Bool.random(using: &chance) {
          cancelled.insert(number)
          task.cancel()
        }
        bench.crew.isHalted = false
        for (number, task) in tasks.enumerated() {
          let answer = await task.value
          if answer == nil { #expect(cancelled.contains(number)) }
          if let answer { #expect(answer["orig"]?["src"] == .text(Flow(number: number).source)) }
        }
        #expect(bench.crew.lanesOut == 0)
      }
      await expectAllLanes(bench, thread)
    }
  }

  @Test func `a task whose client has gone ends soon`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.workers, $0.connections) = (2, 16_384) }
      bench.crew.send(Flow.frames(0..<3000))
      let requests = [
        ("conntrack.list", #"{"filter": {"mark": 1}}"#), ("limits.get", #"{"zones": [0]}"#),
        ("conntrack.list", #"{"table": "dying"}"#), ("conntrack.update", #"{"change": {"mark": 7}}"#),
        ("conntrack.delete", "{}"), ("conntrack.buckets", "{}"),
      ]
      for (method, parameters) in requests {
        let breaths = bench.crew.breaths
        let task = thread.start { [bench] () -> ControlCode? in
          do {
            _ = try await bench.ask(method, parameters)
            return nil
          } catch { return (error as? ControlError)?.code }
        }
        await thread.letOthersRun()
        task.cancel()
        #expect(await task.value == .timeout, "\(method)")
        // All of it takes many times as long.
        #expect(bench.crew.breaths - breaths < 12, "\(method)")
      }
      _ = try? await bench.ask("conntrack.create", #"{"entry": \#(Flow(number: 1).entry())}"#)
      await expectAllLanes(bench, thread)
    }
  }

  /// Once it has reached a worker a setting reaches all.
  @Test func `a setting whose client has gone is not left half done`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 4 }
      for round in 1...8 {
        let task = thread.start { [bench] in
          try? await bench.ask("tracking.set", #"{"sweep_interval_ms": \#(1000 + round)}"#)
        }
        for _ in 0..<round { await thread.letOthersRun() }
        task.cancel()
        _ = await task.value
        let now = try await bench.ask("tracking.get")["sweep_interval_ms"]?.asUInt64
        let intervals = Set(bench.crew.members.map { UInt64($0.worker.journey.tracker.settings.sweepInterval) })
        #expect(intervals == [try #require(now)])
      }
    }
  }

  @Test func `when workers are about to end all who wait are told so`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.send(Flow.frames(0..<20))
      bench.crew.isHalted = true
      let requests = [
        ("conntrack.get", Flow(number: 1).key), ("conntrack.flush", "{}"),
        ("conntrack.update", #"{"change": {"mark": 1}}"#),
        ("events.subscribe", "{}"), ("tracking.set", #"{"tcp_seq_chk": false}"#), ("limits.set", #"{"default": 5}"#),
        ("fragments.set", #"{"v4": {"enabled": false}}"#), ("conntrack.buckets", "{}"),
        ("conntrack.create", #"{"entry": \#(Flow(number: 77).entry())}"#),
        ("conntrack.apply", #"{"operations": [{"op": "delete", "entry": \#(Flow(number: 2).key)}]}"#),
      ]
      let tasks = (requests + requests).enumerated().map { number, request in
        thread.start { [bench] () -> ControlCode? in
          do {
            _ = try await bench.ask(request.0, request.1, as: UInt64(number))
            return nil
          } catch { return (error as? ControlError)?.code }
        }
      }
      for _ in 0..<20 { await thread.letOthersRun() }
      bench.methods.close()
      for task in tasks { #expect(await task.value == .busy) }
      for (method, parameters) in requests { #expect(try await bench.refusal(method, parameters).code == .busy) }
      // What can be read without a worker still can.
      #expect(try await bench.list().count == 20)
      for number in 0..<20 { await bench.leave(UInt64(number)) }
    }
  }
}
