import ControlProtocol
import JSONText
import Pipeline
import Primitives
import Reassembly
import Segment
import Steering
import TestSupport
import Testing

/// Eight clients ask whatever they can think of, at once, while packets cross.
@Suite struct `A storm` {
  private struct Asker {
    let number: UInt64
    var chance: SeededGenerator

    mutating func flow() -> Flow { Flow(number: Int.random(in: 0..<400, using: &chance)) }
    mutating func one(_ words: [String]) -> String { words.randomElement(using: &chance)! }
    mutating func number(_ most: Int) -> Int { Int.random(in: 0...most, using: &chance) }

    mutating func filter() -> String {
      one([
        "{}", #"{"l4": "udp"}"#, #"{"mark": \#(number(4))}"#,
        #"{"orig": {"src": "10.0.\#(number(1)).0/\#(20 + number(12))"}}"#,
        #"{"id": \#(UInt64.random(in: 0...UInt64.max, using: &chance))}"#, #"{"status": ["ASSURED"]}"#, #"{"zone": 0}"#,
        "null", "[]", #"{"nonsense": 1}"#,
      ])
    }

    mutating func operation() -> String {
      let flow = flow()
      return one([
        #"{"op": "create", "entry": \#(flow.entry(#""mark": \#(number(4))"#))}"#,
        #"{"op": "add", "entry": \#(flow.entry())}"#,
        #"{"op": "update", "entry": \#(flow.entry(#""mark": \#(number(4))"#))}"#,
        #"{"op": "delete", "entry": \#(flow.key)}"#,
        #"{"op": "delete", "entry": {"id": \#(UInt64(number(3)) << 56 | UInt64(number(400)) << 28 | 1)}}"#, "{}",
      ])
    }

    mutating func request() -> (String, String) {
      let limit = 1 + number(60)
      switch number(19) {
      case 0, 1: return ("conntrack.list", #"{"filter": \#(filter()), "limit": \#(limit)}"#)
      case 2: return ("conntrack.list", #"{"table": "dying", "limit": \#(limit)}"#)
      case 3, 4: return ("conntrack.get", flow().key)
      case 5, 6: return ("conntrack.create", #"{"entry": \#(flow().entry()), "exclusive": \#(one(["true", "false"]))}"#)
      case 7:
        return ("conntrack.update", #"{"filter": \#(filter()), "change": {"mark": \#(number(4))}, "limit": \#(limit)}"#)
      case 8: return ("conntrack.delete", #"{"filter": \#(filter()), "limit": \#(limit)}"#)
      case 9: return number(5) == 0 ? ("conntrack.flush", "{}") : ("conntrack.flush", #"{"filter": \#(filter())}"#)
      case 10, 11:
        let operations = (0..<1 + number(50)).map { _ in operation() }
        return ("conntrack.apply", #"{"operations": [\#(operations.joined(separator: ", "))]}"#)
      case 12: return ("conntrack.buckets", #"{"worker": \#(number(4)), "bucket": \#(number(300))}"#)
      case 13:
        let kind = one(["new", "update", "destroy", "refresh", "fragments"])
        let keeps = one(["true", "false"])
        return ("events.subscribe", #"{"kinds": ["\#(kind)"], "zones": [\#(number(2))], "keeps": \#(keeps)}"#)
      case 14:
        return (
          "events.acknowledge", #"{"subscription": \#(number(40)), "events": [\#(number(500)), \#(number(500))]}"#
        )
      case 15: return ("events.read", #"{"events": [\#(number(300))], "limit": \#(limit)}"#)
      case 16:
        return ("tracking.set", #"{"connections_limit": \#(number(500)), "tcp_seq_chk": \#(one(["true", "false"]))}"#)
      case 17: return ("limits.set", #"{"zones": [{"zone": 0, "limit": \#(number(500))}]}"#)
      case 18: return ("limits.delete", #"{"zones": [0, \#(number(300))]}"#)
      default:
        return ("fragments.set", #"{"v4": {"enabled": \#(one(["true", "false"]))}, "max_fragments": \#(number(100))}"#)
      }
    }
  }

  @Test(arguments: [1, 2, 4], [SteerBy.addressPair, .fiveTuple])
  func `of requests leaves everything in order`(workers: Int, by: SteerBy) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) {
        ($0.workers, $0.by, $0.connections, $0.extensions) = (workers, by, 128, 64)
        $0.events = EventTables(events: 128, fragmentEvents: 16, dying: 32)
      }
      let crew = bench.crew
      var chance = SeededGenerator.forThisRun()
      var traffic = SeededGenerator(seed: chance.next())
      crew.before = { [crew] in
        for _ in 0..<Int.random(in: 0...4, using: &traffic) {
          let flow = Flow(number: Int.random(in: 0..<400, using: &traffic))
          let isAnswer = Bool.random(using: &traffic)
          var frames = [isAnswer ? flow.answer : flow.frame]
          if Int.random(in: 0..<8, using: &traffic) == 0 {
            let datagram = Datagram.ipv4(from: "\(flow.source)", to: "192.0.2.1", id: UInt16(flow.number))
              .udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1600))
            frames = datagram.fragments(size: 800).map { $0.frame() }
            if Bool.random(using: &traffic) { frames.removeLast() }
          }
          crew.cables.arrive(
            frames, on: PortID(rawValue: isAnswer ? 1 : 0), queue: Int.random(in: 0..<workers, using: &traffic))
        }
        crew.cables.now = crew.cables.now + .milliseconds(UInt64.random(in: 0...40, using: &traffic))
      }
      let tasks = (1...8).map { (number: UInt64) in
        let own = Asker(number: number, chance: SeededGenerator(seed: chance.next()))
        return thread.start { [bench] in
          var asker = own
          for _ in 0..<40 {
            let (method, parameters) = asker.request()
            let request = thread.start { [bench] in _ = try? await bench.ask(method, parameters, as: number) }
            if asker.number(15) == 0 {
              for _ in 0..<asker.number(5) { await thread.letOthersRun() }
              request.cancel()
            }
            await request.value
            if asker.number(20) == 0 { await bench.leave(number) }
          }
        }
      }
      for task in tasks { await task.value }
      crew.before = nil
      for number in 1...8 { await bench.leave(UInt64(number)) }
      #expect(crew.masks == Array(repeating: [], count: workers))
      #expect(crew.lanesOut == 0)
      #expect(crew.wrong == nil)
      #expect(crew.isBounded)
      crew.send([])
      #expect(crew.balances)
      #expect(crew.dying == Array(repeating: 0, count: workers))
      // No credit was lost: as many as may be are let in once more, all of them.
      _ = try await bench.ask("limits.delete", #"{"zones": [0]}"#)
      _ = try await bench.ask("conntrack.flush")
      // Those whose time was over are swept.
      for _ in 0..<60 { crew.advance(.milliseconds(100)) }
      #expect(crew.count == 0)
      _ = try await bench.ask("tracking.set", #"{"connections_limit": \#(60 * workers)}"#)
      crew.send(Flow.frames(1000..<3000))
      #expect(crew.count <= 60 * workers && crew.count >= 60 * workers - (workers - 1) * 2 * max(1, 60 * workers / 64))
    }
  }
}
