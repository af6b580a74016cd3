import ControlProtocol
import ControlServer
import JSONText
import Pipeline
import Segment
import Synchronization
import TestSupport
import Testing

@testable import Control

/// X8: whoever looks at much leaves the thread to the others, however many they are.
@Suite struct `Looking in turns` {
  /// What happened on the thread, in its order.
  private final class Story: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  private func turns(_ thread: OneThread, _ story: Story) -> Turns {
    Turns(
      Pacing(
        rest: { _ in
          story.add("rest")
          await thread.letOthersRun()
        }, spawn: { _ in }))
  }

  @Test func `clients have their turns one at a time, the sockets alternately and those who wait longest first`()
    async throws
  {
    try await onOneThread { thread in
      let story = Story()
      let turns = turns(thread, story)
      let wishes: [(name: String, turns: Int, isReadOnly: Bool)] = [
        ("a", 3, true), ("b", 2, true), ("c", 2, true), ("root", 2, false),
      ]
      let tasks = wishes.enumerated().map { number, wish in
        thread.start {
          let client = ControlBench.client(UInt64(number), isReadOnly: wish.isReadOnly)
          for _ in 0..<wish.turns { try? await turns.take(client) { story.add(wish.name) } }
        }
      }
      for task in tasks { await task.value }
      let order = ["a", "root", "b", "root", "c", "a", "b", "c", "a"]
      #expect(story.all == order.flatMap { [$0, "rest"] }, "and a rest after each")
    }
  }

  @Test func `whom nobody waits for any more has no turn, and holds nobody up`() async throws {
    try await onOneThread { thread in
      let story = Story()
      let turns = turns(thread, story)
      let tasks = ["a", "gone", "b"].map { name in
        thread.start {
          do throws(Fault) {
            try await turns.take(ControlBench.client(1)) { story.add(name) }
          } catch {
            story.add("\(name): \(error.error.code)")
          }
        }
      }
      tasks[1].cancel()
      for task in tasks { await task.value }
      #expect(story.all == ["a", "rest", "gone: timeout", "b", "rest"])
      try await turns.take(ControlBench.client(2)) { story.add("c") }
      #expect(story.all.suffix(2) == ["c", "rest"])
    }
  }

  /// The reviewer's repro: sixteen and more readers with lists of the whole table, and somebody who has a question.
  @Test func `an administrator's list is through before those of thirty readers who asked first`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.connections, $0.extensions) = (8192, 64) }
      bench.crew.send(Flow.frames(0..<3000))
      let story = Story()
      let wish = try JSON(parsing: #"{"filter": {"l4": "tcp"}}"#)
      var tasks = (1...30).map { (number: UInt64) in
        thread.start {
          let client = ControlBench.client(number, isReadOnly: true)
          _ = try? await bench.methods.answer("conntrack.list", wish, client)
          story.add("\(number)")
        }
      }
      tasks.append(
        thread.start {
          _ = try? await bench.methods.answer("conntrack.list", wish, ControlBench.client(99))
          story.add("root")
        })
      for task in tasks { await task.value }
      #expect(story.all == ["root"] + (1...30).map { "\($0)" })
    }
  }

  @Test func `a list looks at those slots that have been used, and tells of so many connections in a turn`()
    async throws
  {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { ($0.connections, $0.extensions) = (32_768, 64) }
      bench.crew.send(Flow.frames(0..<10))
      var breaths = bench.crew.breaths
      #expect(try await bench.list().count == 10)
      #expect(bench.crew.breaths - breaths <= 3, "slots that were never used take no turns")
      _ = try await bench.ask("limits.get", #"{"zones": [0]}"#)
      #expect(bench.crew.breaths - breaths <= 6)
      bench.crew.send(Flow.frames(10..<1000))
      breaths = bench.crew.breaths
      #expect(try await bench.ask("conntrack.list")["entries"]?.asArray?.count == 1000)
      #expect(bench.crew.breaths - breaths >= 1000 / Turns.told)
    }
  }

  @Test func `what is read of events is told in turns too`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.mode = [.new] }
      bench.crew.send(Flow.frames(0..<200))
      let breaths = bench.crew.breaths
      let answer = try await bench.ask("events.read", #"{"limit": 1000}"#)
      #expect(answer["events"]?.asArray?.count == 200)
      #expect(bench.crew.breaths - breaths == (200 + Turns.told - 1) / Turns.told)
      let next = try #require(answer["next"])
      _ = try await bench.ask("events.read", next.line)
      #expect(bench.crew.breaths - breaths == (200 + Turns.told - 1) / Turns.told, "who waits for some has no turn")
    }
  }
}
