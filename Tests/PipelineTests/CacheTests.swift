import CSegment
import Conntrack
import FlowCache
import Foundation
import Pipeline
import Primitives
import TestSupport
import Testing
import Wire

/// The flow cache spares decisions and changes none.
struct CacheTests {
  private static let rounds =
    ProcessInfo.processInfo.environment["DPDKFWD_CACHE_ROUNDS"].flatMap { Int($0) } ?? 300

  /// The same frames leave in the same order, the same are dropped for the same reasons, and the connections are the
  /// same to the byte; only the cache's own counters differ (W8, W12, W17, W21, W22, W29, W37).
  @Test(arguments: FlowCache.CacheAfter.allCases, [Policy.Invalid.forward, .drop])
  func `with the cache and without it the same comes out`(after: FlowCache.CacheAfter, invalid: Policy.Invalid) {
    var chance = SeededGenerator.forThisRun("cache after \(after), invalid \(invalid)")
    let policy = Policy(invalid: invalid, refusesNew: 2)
    // Some go early.
    let capacity = 24
    let cached = TrackingBench(policy: policy, cache: FlowCache(after: after), capacity: capacity)
    let plain = TrackingBench(policy: policy, cache: FlowCache(isOn: false), capacity: capacity)
    var traffic = TrackedTraffic(trouble: 3)
    var compared: [PortID: Int] = [:]
    for round in 0..<Self.rounds {
      let interval = Interval.milliseconds(
        Int.random(in: 0..<50, using: &chance) == 0
          ? 40_000 : [0, 0, 0, 1, 300, 1000, 2500].randomElement(using: &chance)!)
      let egress = Self.egress(&chance)
      let frames = (0..<Int.random(in: 1...40, using: &chance)).map { _ in traffic.next(&chance) }
      for bench in [cached, plain] {
        bench.advance(interval)
        if let egress { bench.bench.worker.renew(egress) }
        for (frame, port) in frames { bench.bench.ports.arrive([frame], on: port) }
        while bench.bench.worker.breathe() > 0 {}
      }
      var same = true
      for port in [Bench.a, Bench.b] {
        let (sent, other) = (cached.bench.ports.sent[port, default: []], plain.bench.ports.sent[port, default: []])
        if sent[compared[port, default: 0]...] != other[min(compared[port, default: 0], other.count)...] {
          same = false
        }
        compared[port] = sent.count
      }
      same =
        same && cached.drops == plain.drops
        && cached.counters == plain.counters && cached.table == plain.table
      #expect(same, "round \(round)")
      #expect(cached.bench.balances && cached.wrong == nil)
      guard same else { return }
    }
    print("after \(after): \(cached.counts.cache_hits) hits, \(cached.misses) misses")
    #expect(cached.counts.cache_hits > 0)
    #expect(plain.counts.cache_hits == 0 && plain.misses == 0)
  }

  /// Now and then a way out closes, opens or grows narrow.
  private static func egress(_ chance: inout SeededGenerator) -> ((PortID) -> Egress)? {
    guard Int.random(in: 0..<25, using: &chance) == 0 else { return nil }
    let closed: DropReason? = Int.random(in: 0..<4, using: &chance) == 0 ? .linkDown : nil
    let mtu: UInt16? = Int.random(in: 0..<3, using: &chance) == 0 ? 400 : nil
    return { $0 == Bench.a ? Egress(port: Bench.b, closed: closed, mtu: mtu) : Egress(port: Bench.a, mtu: mtu) }
  }

  // MARK: When

  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53, payload: [1])

  /// An assured flow, and how often each packet of it was served.
  private static func warm(_ cache: FlowCache = FlowCache(), toB: Egress = Egress(port: Bench.b)) -> TrackingBench {
    let bench = TrackingBench(cache: cache, toB: toB)
    bench.send(question)
    bench.send(question.reversed, on: Bench.b)
    bench.advance(.milliseconds(2500))
    bench.send(question)
    bench.send(question.reversed, on: Bench.b)
    return bench
  }

  /// W29, W37: nothing is served that was decided before.
  @Test func `a change of the way out empties the cache at once`() {
    let bench = Self.warm()
    bench.send(Self.question)
    bench.send(Self.question.reversed, on: Bench.b)
    #expect(bench.counts.cache_hits == 2)
    bench.bench.worker.renew { $0 == Bench.a ? Egress(port: Bench.b) : Egress(port: Bench.a) }
    bench.send(Self.question)
    bench.send(Self.question.reversed, on: Bench.b)
    #expect(bench.counts.cache_hits == 2)
    // The first takes the classic path and is remembered; the other direction is then merely cold.
    #expect(bench.misses(.generation) == 1)
    bench.send(Self.question)
    bench.send(Self.question.reversed, on: Bench.b)
    #expect(bench.counts.cache_hits == 4)
  }

  /// However often, also when the generation's sixteen bits come round.
  @Test func `an outcome stays forgotten when the generation comes round`() {
    let bench = Self.warm()
    for _ in 0..<4 {
      for _ in 0..<16_384 {
        bench.bench.worker.renew { $0 == Bench.a ? Egress(port: Bench.b) : Egress(port: Bench.a) }
      }
      // A pass of the sweep wipes; it takes longer than so many changes must.
      bench.advance(.seconds(6))
      _ = bench.bench.worker.breathe()
    }
    let hits = bench.counts.cache_hits
    bench.send(Self.question)
    #expect(bench.counts.cache_hits == hits)
  }

  /// W12: what cannot be remembered goes on all the same.
  @Test func `a way out that the record cannot name is decided each time`() {
    for far in [255, 300] as [UInt16] {
      let bench = Self.warm(toB: Egress(port: PortID(rawValue: far)))
      for _ in 0..<3 { bench.send(Self.question) }
      #expect(bench.counts.cache_hits == 0)
      #expect(bench.misses(.egress) == 5)
      #expect(bench.bench.sent == bench.bench.received)
      bench.send(Self.question.reversed, on: Bench.b)
      #expect(bench.counts.cache_hits == 1)
    }
  }

  /// W8, W39: being served keeps a flow alive, silence does not.
  @Test func `a flow that is served lives on, and ends its timeout after the last packet`() {
    let bench = Self.warm()
    for _ in 0..<10 {
      bench.advance(.seconds(100))
      bench.send(Self.question)
    }
    #expect(bench.counts.cache_hits == 10)
    #expect(bench.counts.entries == 1)
    bench.advance(.seconds(121))
    bench.send(Self.question)
    #expect(bench.counts.cache_hits == 10)
    #expect(bench.counts.expired == 1)
    #expect(bench.classes[0] == 2)  // new again
  }

  /// W17, W22, W35: closing is tracked, and what comes after it is judged again.
  @Test(arguments: [TCPFlags.fin, .rst])
  func `a FIN or RST of a cached connection is tracked`(flag: TCPFlags) {
    let bench = TrackingBench()
    let (up, down) = (
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80"), Datagram.ipv4(from: "192.0.2.80", to: "10.0.0.1")
    )
    bench.send(up.tcp(from: 4000, to: 80, flags: .syn, seq: 100))
    bench.send(down.tcp(from: 80, to: 4000, flags: [.syn, .ack], seq: 500, ack: 101), on: Bench.b)
    for _ in 0..<3 { bench.send(up.tcp(from: 4000, to: 80, flags: .ack, seq: 101, ack: 501)) }
    let hits = bench.counts.cache_hits
    #expect(hits == 2)
    bench.send(up.tcp(from: 4000, to: 80, flags: [flag, .ack], seq: 101, ack: 501))
    bench.send(up.tcp(from: 4000, to: 80, flags: .ack, seq: 102, ack: 501))
    #expect(bench.counts.cache_hits == hits)
    #expect(bench.misses(.tcpFlags) == 3)  // SYN, SYN ACK and this one
    #expect(bench.misses(.tcpState) == 1)
  }

  /// Each packet that has a flow is a hit, or a miss for one reason.
  @Test func `misses are counted once, by their reason`() {
    let bench = Self.warm(toB: Egress(port: Bench.b, mtu: 1000))
    var short = Self.question
    short.hopLimit = 1
    let optioned = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53", options: [1, 1, 1, 1]).udp(from: 4000, to: 53)
    let long = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(
      from: 4000, to: 53, payload: [UInt8](repeating: 0, count: 1500))
    let cold = bench.misses(.cold)
    #expect(cold == 4)  // no connection, no answer yet, not assured; and the answer for the first time
    bench.send(short)
    bench.send(optioned)
    bench.send(long)
    bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").icmp())
    bench.send(Self.question)
    let reasons = CacheMiss.allCases.filter { bench.misses($0) > 0 }
    #expect(reasons == [.cold, .egress, .options, .hopLimit, .transport])
    #expect(bench.misses == cold + 4)
    #expect(bench.counts.cache_hits + bench.misses == bench.bench.received)
  }
}

extension TrackingBench {
  fileprivate func send(_ datagram: Datagram, on port: PortID = Bench.a) {
    bench.ports.arrive([datagram.frame()], on: port)
    while bench.worker.breathe() > 0 {}
  }
}
