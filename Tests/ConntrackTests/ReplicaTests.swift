import CSegment
import Conntrack
import EventSupport
import Primitives
import Segment
import TestSupport
import Testing
import Wire

/// C14: an event is enough to have the connection elsewhere, also when those before it were lost.
struct ReplicaTests {
  /// A tracker that tells, and one that hears; both are shown the same packets from then on.
  private struct Pair {
    let here: TrackerBench
    let there: TrackerBench

    init() {
      here = TrackerBench(events: EventMemory(), telling: EventTests.all)
      there = TrackerBench()
    }

    func advance(_ interval: Interval) {
      here.advance(interval)
      there.advance(interval)
    }

    /// Makes what the event tells of; what is wrong with that, or `nil`.
    func copy(_ event: ConnectionEvent) -> String? {
      let made = there.order(.create, event.connection.whole)
      guard made.outcome == .created, let copy = made.connection else { return "\(made.outcome)" }
      // The same instant: nothing has come since.
      return event.connection.difference(from: copy)
    }

    /// What both trackers keep of a connection that each has but one of.
    var difference: String? {
      guard let ours = here.connections.first, let theirs = there.connections.first,
        here.count == 1, there.count == 1
      else { return here.count == there.count ? nil : "\(here.count) connections, \(there.count) elsewhere" }
      if (ours.status, ours.state) != (theirs.status, theirs.state) {
        return "status \(ours.status) state \(ours.state), elsewhere \(theirs.status) \(theirs.state)"
      }
      if ours.tcp.bytes != theirs.tcp.bytes { return "details differ" }
      if (ours.packets_original, ours.packets_reply) != (theirs.packets_original, theirs.packets_reply) {
        return "accounts differ"
      }
      return nil
    }
  }

  /// Windows included: the second tracker judges what follows as the first does.
  @Test func `whoever hears of a TCP conversation in its middle goes on with it`() {
    var chance = SeededGenerator.forThisRun()
    var copies = 0
    for round in 0..<400 {
      let pair = Pair()
      pair.advance(.milliseconds(UInt64.random(in: 1...5000, using: &chance)))
      var talk = Conversation(
        client: round % 2 == 0 ? "10.0.0.1" : "2001:db8::1", server: round % 2 == 0 ? "192.0.2.80" : "2001:db8::80",
        trouble: 15)
      let cut = Int.random(in: 1...25, using: &chance)
      var event: ConnectionEvent?
      for step in 0..<60 where step < cut || event == nil {
        pair.here.send(talk.next(&chance).datagram)
        pair.advance(.milliseconds(UInt64.random(in: 0...60, using: &chance)))
        // The advance comes first so that the remaining time is that of now.
        event = pair.here.told().last { $0.kind != .destroy }
      }
      guard let event, pair.here.count == 1 else { continue }
      if let wrong = pair.copy(event) {
        Issue.record("round \(round): \(wrong)")
        return
      }
      copies += 1
      for step in 0..<60 {
        let segment = talk.next(&chance).datagram
        let (ours, theirs) = (pair.here.send(segment), pair.there.send(segment))
        if ours.words != theirs.words || pair.difference != nil {
          Issue.record(
            "round \(round), \(step) behind: \(ours.words), elsewhere \(theirs.words): \(pair.difference ?? "")")
          return
        }
        pair.advance(.milliseconds(UInt64.random(in: 0...60, using: &chance)))
      }
    }
    #expect(copies > 200)
  }

  /// UDP and its like: when it is answered, when it is a stream.
  @Test func `whoever hears of another flow in its middle goes on with it`() {
    var chance = SeededGenerator.forThisRun()
    var copies = 0
    for round in 0..<600 {
      let pair = Pair()
      pair.advance(.milliseconds(UInt64.random(in: 1...5000, using: &chance)))
      let opener = PropertyTraffic.all.randomElement(using: &chance)!
      guard case .flow(let flow, _) = opener.kind, !flow.isAnswer, let answer = PropertyTraffic.byFlow[flow.inverse]
      else { continue }
      let cut = Int.random(in: 1...4, using: &chance)
      var event: ConnectionEvent?
      for step in 0..<12 where step < cut || event == nil {
        let packet = step == 0 || Bool.random(using: &chance) ? opener : answer
        pair.here.send(packet.frame, packet.summary, port: 0, confirms: true)
        event = pair.here.told().last { $0.kind != .destroy }
        if step < cut - 1 || event == nil {
          pair.advance(.milliseconds(UInt64.random(in: 0...1500, using: &chance)))
        }
      }
      guard let event else { continue }
      if let wrong = pair.copy(event) {
        Issue.record("round \(round), \(flow): \(wrong)")
        return
      }
      copies += 1
      for step in 0..<12 {
        pair.advance(.milliseconds(UInt64.random(in: 0...1500, using: &chance)))
        let packet = Bool.random(using: &chance) ? opener : answer
        let ours = pair.here.send(packet.frame, packet.summary, port: 0, confirms: true)
        let theirs = pair.there.send(packet.frame, packet.summary, port: 0, confirms: true)
        if ours.words != theirs.words || pair.difference != nil {
          Issue.record("round \(round), \(flow), \(step) behind: \(ours.words), elsewhere \(theirs.words)")
          return
        }
      }
    }
    #expect(copies > 300)
  }

  @Test func `an SCTP association goes on elsewhere`() throws {
    let pair = Pair()
    let packet = { (isBack: Bool, tag: UInt32, chunk: SCTPChunk) in
      let way = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").sctp(from: 1000, to: 36412, tag: tag, chunks: [chunk])
      return isBack
        ? Datagram.ipv4(from: "10.0.2.20", to: "10.0.1.10").sctp(from: 36412, to: 1000, tag: tag, chunks: [chunk]) : way
    }
    pair.advance(.milliseconds(300))
    pair.here.send(packet(false, 0, .initiation(tag: 0xA)))
    pair.here.send(packet(true, 0xA, .initiation(tag: 0xB, answer: true)))
    pair.here.send(packet(false, 0xB, SCTPChunk(type: 10)))
    let event = try #require(pair.here.told().last)
    #expect(event.connection.tags == (0xB, 0xA))
    #expect(pair.copy(event) == nil)
    let following: [(Bool, UInt32, SCTPChunk)] = [
      (true, 0xA, SCTPChunk(type: 11)), (false, 0xB, .data(tsn: 1, [1])), (false, 0xC, .data(tsn: 2, [1])),
      (true, 0xA, SCTPChunk(type: 7)),
    ]
    for (isBack, tag, chunk) in following {
      let (ours, theirs) = (pair.here.send(packet(isBack, tag, chunk)), pair.there.send(packet(isBack, tag, chunk)))
      #expect(ours.words == theirs.words && pair.difference == nil)
    }
  }

  /// A second event finds the first one's connection and sets it right.
  @Test func `an event may be heard twice, or the next one in its place`() throws {
    let pair = Pair()
    pair.advance(.milliseconds(300))
    pair.here.send(TrackerTests.question)
    let first = try #require(pair.here.told().last)
    pair.here.send(TrackerTests.question.reversed)
    let second = try #require(pair.here.told().last)
    for event in [second, second, first, second] {
      let answer = pair.there.order(.add, event.connection.whole)
      #expect(answer.outcome.isSuccess)
    }
    #expect(pair.there.count == 1 && pair.difference == nil)
  }
}
