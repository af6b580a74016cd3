import Pipeline
import Primitives
import TestSupport
import Testing
import Wire

@Suite struct `A worker` {
  /// Frames that carry their place in the order.
  static func frames(_ count: Int, from first: Int = 0) -> [Frame] {
    (first..<first + count).map { Frame.etherType(0xABCD, [UInt8($0 >> 8), UInt8($0 & 255)]) }
  }

  @Test func `what a transmit queue leaves over waits and leaves first`() {
    let bench = Bench(attempts: 5)
    bench.ports.room[Bench.b] = [10, 0, 30]
    bench.ports.arrive(Self.frames(40), on: Bench.a)
    _ = bench.worker.breathe()  // 32 come, 10 leave
    #expect(bench.worker.held == 22)
    #expect(bench.balances)
    _ = bench.worker.breathe()  // 8 more come, none leave
    #expect(bench.worker.held == 30)
    _ = bench.worker.breathe()
    #expect(bench.worker.held == 0)
    #expect(bench.out == Self.frames(40))
    #expect(bench.worker.transmitQueue(0).retries == 2)
  }

  @Test func `a queue that stays full drops what waits, after the attempts it was given`() {
    let bench = Bench(attempts: 3)
    bench.ports.room[Bench.b] = [0, 0, 0]
    bench.ports.arrive(Self.frames(20), on: Bench.a)
    for _ in 0..<2 { _ = bench.worker.breathe() }
    #expect(bench.worker.held == 20)
    _ = bench.worker.breathe()
    #expect(bench.worker.held == 0)
    #expect(bench.dropped(.txFull) == 20)
    #expect(bench.worker.transmitQueue(0).dropped == 20)
    bench.send(Self.frames(1))
    #expect(bench.out.count == 1)
    #expect(bench.balances)
  }

  @Test func `a full queue under load drops the newest and never waits`() {
    let bench = Bench(attempts: 100)
    bench.ports.room[Bench.b] = [0, 0, 0, 64]
    bench.ports.arrive(Self.frames(96), on: Bench.a)
    for _ in 0..<4 { _ = bench.worker.breathe() }
    #expect(bench.out == Array(Self.frames(96).prefix(32)))
    #expect(bench.dropped(.txFull) == 64)
    #expect(bench.balances)
  }

  @Test func `a queue that never takes anything is given up even while packets keep coming`() {
    let bench = Bench(attempts: 4)
    bench.ports.room[Bench.b] = Array(repeating: 0, count: 50)
    bench.ports.arrive(Self.frames(320), on: Bench.a)
    for _ in 0..<10 { _ = bench.worker.breathe() }
    bench.ports.room[Bench.b] = []
    bench.send([])
    #expect(bench.out.first != Self.frames(1)[0])
    #expect(bench.balances)
  }

  /// One worker serves both directions of a pair; the other direction must not starve what waits for this one.
  @Test func `what waits for one port is offered again while packets come only for another`() {
    let bench = Bench(attempts: 4)
    bench.ports.room[Bench.a] = [0]
    bench.ports.arrive(Self.frames(8), on: Bench.b)
    _ = bench.worker.breathe()
    #expect(bench.worker.held == 8)
    bench.ports.arrive(Self.frames(64), on: Bench.a)
    _ = bench.worker.breathe()
    #expect(bench.worker.held == 0)
    #expect(bench.ports.sent[Bench.a] == Self.frames(8))
    #expect(bench.balances)
  }

  @Test func `a queue that stays full gives up after its attempts while packets come only for another`() {
    let bench = Bench(attempts: 4)
    bench.ports.room[Bench.a] = [0, 0, 0, 0]
    bench.ports.arrive(Self.frames(8), on: Bench.b)
    bench.ports.arrive(Self.frames(320), on: Bench.a)
    for _ in 0..<4 { _ = bench.worker.breathe() }
    #expect(bench.dropped(.txFull) == 8)
    #expect(bench.balances)
  }

  @Test func `at the end what is held is offered again, then dropped as shutdown`() {
    let bench = Bench(attempts: 1000)
    bench.ports.room[Bench.b] = Array(repeating: 0, count: 1) + [5] + Array(repeating: 0, count: 200)
    bench.ports.arrive(Self.frames(12), on: Bench.a)
    _ = bench.worker.breathe()
    bench.worker.drain()
    #expect(bench.worker.held == 0)
    #expect(bench.out.count == 5)
    #expect(bench.dropped(.shutdown) == 7)
    #expect(bench.balances)
  }

  @Test func `a port that keeps its packets is emptied at the end`() {
    let bench = Bench()
    bench.ports.arrive(Self.frames(50), on: Bench.a)
    bench.worker.empty(port: Bench.a, bursts: 10)
    #expect(bench.dropped(.shutdown) == 50)
    #expect(bench.balances)
  }

  @Test func `bursts are counted by size, breaths by whether they were busy`() {
    let bench = Bench()
    for size in [1, 2, 3, 4, 15, 16, 32] {
      bench.ports.arrive(Self.frames(size), on: Bench.a)
      _ = bench.worker.breathe()
    }
    _ = bench.worker.breathe()
    let sizes = bench.worker.burstSizes
    #expect([sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]] == [1, 2, 1, 1, 1, 1])
    #expect(bench.worker.breaths == 8)
    #expect(bench.worker.busyBreaths == 7)
    #expect(bench.worker.receiveQueue(0).fullBursts == 1)
  }

  /// Any arrivals, any refusals: nothing is lost, doubled or reordered, and every breath balances.
  @Test func `whatever the queues refuse, every packet is sent, held or dropped, in order`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<200 {
      let bench = Bench(
        burst: Int.random(in: 1...32, using: &chance), attempts: UInt32.random(in: 1...6, using: &chance))
      bench.ports.room[Bench.b] = (0..<40).map { _ in [0, 1, 7, 40].randomElement(using: &chance)! }
      var next = 0
      for _ in 0..<60 {
        let count = Int.random(in: 0...50, using: &chance)
        bench.ports.arrive(Self.frames(count, from: next), on: Bench.a)
        next += count
        _ = bench.worker.breathe()
        #expect(bench.balances)
      }
      bench.worker.drain()
      #expect(bench.balances)
      let order = bench.out.map { Int($0.bytes[14]) << 8 | Int($0.bytes[15]) }
      #expect(order == order.sorted() && Set(order).count == order.count)
    }
  }
}

@Suite struct `An idle worker` {
  @Test func `polls on for a while, then sleeps longer and longer up to the bound`() {
    var ramp = IdleRamp(sleeps: true, longest: 100_000)
    for _ in 0..<IdleRamp.patience { #expect(ramp.rest(after: 0) == 0) }
    var last: UInt32 = 0
    for step in 0..<100 {
      let rest = ramp.rest(after: 0)
      #expect(step == 0 ? rest == IdleRamp.shortest : rest >= last)
      #expect(rest <= 100_000)
      last = rest
    }
    #expect(last == 100_000)
  }

  @Test func `one packet ends the sleep, and the ramp starts over`() {
    var ramp = IdleRamp(sleeps: true, longest: 100_000)
    for _ in 0..<400 { _ = ramp.rest(after: 0) }
    #expect(ramp.rest(after: 1) == 0)
    for _ in 0..<IdleRamp.patience { #expect(ramp.rest(after: 0) == 0) }
    #expect(ramp.rest(after: 0) == IdleRamp.shortest)
  }

  @Test func `no sleep is longer than its receive ring outlasts`() {
    for descriptors in [32, 64, 512, 1024, 4096, 32768] {
      let sleep = Int(IdleRamp.longest(descriptors: descriptors))
      #expect(sleep * 4 <= descriptors * 67 * 3 || sleep == IdleRamp.shortest)
      #expect(sleep <= 100_000)
    }
  }

  @Test func `told to spin it never sleeps`() {
    var ramp = IdleRamp(sleeps: false, longest: 100_000)
    for _ in 0..<10_000 { #expect(ramp.rest(after: 0) == 0) }
  }
}
