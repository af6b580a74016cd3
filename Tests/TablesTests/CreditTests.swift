import Synchronization
import Tables
import TestSupport
import Testing

/// A pool, or one zone of many: what the same tests are about.
private protocol Limited {
  associatedtype Worker: Taking
  var claimed: Int { get }
  func worker() -> Worker
}

private protocol Taking: AnyObject {
  func take() -> Bool
  func give()
  func returnAll()
}

@safe
private final class PoolBench: Limited, Sendable {
  private let memory = TableMemory(bytes: CreditPool.bytes)
  let pool: CreditPool

  init(limit: UInt32) { unsafe pool = CreditPool(memory: memory.start, limit: limit) }
  var claimed: Int { pool.claimed }
  func worker() -> Worker { Worker(pool.lease()) }

  final class Worker: Taking {
    private var lease: CreditPool.Lease
    init(_ lease: consuming CreditPool.Lease) { self.lease = lease }
    func take() -> Bool { lease.take() }
    func give() { lease.give() }
    func returnAll() { lease.returnAll() }
  }
}

@safe
private final class ZoneBench: Limited, Sendable {
  private let memory = TableMemory(bytes: ZoneCredits.bytes)
  let credits: ZoneCredits
  let zone: UInt16 = 65_535

  /// The zone under test has a limit of its own; all others have none left.
  init(limit: UInt32) {
    unsafe credits = ZoneCredits(memory: memory.start, limit: 0)
    credits.setLimit(limit, zone: zone)
  }
  var claimed: Int { credits.claimed(zone: zone) }
  func worker() -> Worker { Worker(credits, zone) }

  @safe
  final class Worker: Taking {
    private let memory = TableMemory(bytes: ZoneCredits.Lease.bytes)
    private var lease: ZoneCredits.Lease
    let zone: UInt16
    init(_ credits: ZoneCredits, _ zone: UInt16) {
      unsafe lease = credits.lease(memory: memory.start)
      self.zone = zone
    }
    func take() -> Bool { take(zone: zone) }
    func take(zone: UInt16) -> Bool { lease.take(zone: zone) }
    func give() { lease.give(zone: zone) }
    func returnAll() { lease.returnAll() }
  }
}

struct CreditTests {
  /// Limits, and the batch that each is handed out in.
  static let limits: [(limit: UInt32, batch: Int)] = [(0, 1), (1, 1), (10, 1), (640, 10), (1000, 15), (100_000, 256)]

  @Test(arguments: limits)
  func `a worker alone gets exactly the limit`(limit: UInt32, batch: Int) {
    alone(PoolBench(limit: limit), limit)
    alone(ZoneBench(limit: limit), limit)
  }

  private func alone(_ bench: some Limited, _ limit: UInt32) {
    let worker = bench.worker()
    for round in 0..<2 {
      for taken in 0..<limit where !worker.take() { Issue.record("round \(round): refused \(taken) of \(limit)") }
      #expect(!worker.take())
      #expect(bench.claimed == Int(limit))
      for _ in 0..<limit { worker.give() }
    }
    worker.returnAll()
    #expect(bench.claimed == 0)
  }

  /// Four workers in any order: never above the limit, and never refused while more than the others may keep is unused.
  @Test(arguments: limits)
  func `a refusal is at most two batches a worker early`(limit: UInt32, batch: Int) {
    var chance = SeededGenerator.forThisRun()
    for workers in [1, 2, 4] where limit < 10_000 || workers == 4 {
      bounded(PoolBench(limit: limit), Int(limit), batch, workers: workers, &chance)
      bounded(ZoneBench(limit: limit), Int(limit), batch, workers: workers, &chance)
    }
  }

  private func bounded(_ bench: some Limited, _ limit: Int, _ batch: Int, workers: Int, _ chance: inout SeededGenerator)
  {
    let leases = (0..<workers).map { _ in bench.worker() }
    var used = [Int](repeating: 0, count: workers)
    var total = 0
    for step in 0..<10_000 + limit * 2 {
      let worker = Int.random(in: 0..<workers, using: &chance)
      // Towards full, where refusals are, and back.
      if Int.random(in: 0..<8, using: &chance) < (step / (limit + 100) % 2 == 0 ? 7 : 2) {
        if leases[worker].take() {
          used[worker] += 1
          total += 1
        } else if total < limit - (workers - 1) * 2 * batch {
          Issue.record("refused with \(total) of \(limit) in use by \(workers) workers")
          return
        }
      } else if used[worker] > 0 {
        leases[worker].give()
        used[worker] -= 1
        total -= 1
      }
      if total > limit || bench.claimed > limit || bench.claimed - total > workers * 2 * batch {
        Issue.record("\(total) in use, \(bench.claimed) claimed of \(limit)")
        return
      }
    }
    for worker in 0..<workers {
      for _ in 0..<used[worker] { leases[worker].give() }
      leases[worker].returnAll()
    }
    #expect(bench.claimed == 0)
  }

  @Test(arguments: [1, 2, 4], limits)
  func `threads never have more than the limit, and lose none`(threads: Int, limit: (limit: UInt32, batch: Int)) {
    crowd(PoolBench(limit: limit.limit), Int(limit.limit), threads: threads)
    crowd(ZoneBench(limit: limit.limit), Int(limit.limit), threads: threads)
  }

  private func crowd(_ bench: some Limited & Sendable, _ limit: Int, threads: Int) {
    let tally = CrowdTally()
    inParallel(threads) { number in
      var chance = SeededGenerator(seed: UInt64(number))
      let lease = bench.worker()
      var used = 0
      for step in 0..<20_000 {
        if Int.random(in: 0..<8, using: &chance) < (step / 2000 % 2 == 0 ? 7 : 2) {
          guard lease.take() else { continue }
          used += 1
          // Counted after it was taken, and no longer before it is given back: never more than are in use.
          tally.add(1, limit)
        } else if used > 0 {
          used -= 1
          tally.add(-1, limit)
          lease.give()
        }
      }
      tally.add(-used, limit)
      for _ in 0..<used { lease.give() }
      lease.returnAll()
    }
    #expect(tally.breaches.load(ordering: .relaxed) == 0)
    #expect(bench.claimed == 0)
  }

  @Test func `a limit may change while credits are out`() {
    let bench = PoolBench(limit: 10)
    let worker = bench.worker()
    for _ in 0..<10 { #expect(worker.take()) }
    bench.pool.setLimit(4)
    worker.returnAll()
    for left in (0..<10).reversed() {
      worker.give()
      worker.returnAll()
      let granted = worker.take()
      #expect(granted == (left < 4))
      if granted { worker.give() }
    }
    bench.pool.setLimit(20)
    for _ in 0..<20 { #expect(worker.take()) }
    #expect(!worker.take())
    #expect(bench.pool.limit == 20)
  }

  @Test func `zones do not touch each other's credits`() {
    let bench = ZoneBench(limit: 3)
    let worker = bench.worker()
    bench.credits.setLimit(ZoneCredits.unlimited, zone: 0)
    var (here, there, elsewhere) = (0, 0, 0)
    for _ in 0..<1000 {
      if worker.take() { here += 1 }
      if worker.take(zone: 0) { there += 1 }
      if worker.take(zone: 1) { elsewhere += 1 }
    }
    #expect((here, there, elsewhere) == (3, 1000, 0))
    #expect(bench.credits.limit(zone: 0) == ZoneCredits.unlimited)
    #expect(bench.credits.limit(zone: 1) == 0)
  }
}

/// What threads have between them.
final class CrowdTally: Sendable {
  let used = Atomic<Int>(0)
  let breaches = Atomic<Int>(0)

  func add(_ change: Int, _ limit: Int) {
    if used.wrappingAdd(change, ordering: .sequentiallyConsistent).newValue > limit {
      breaches.wrappingAdd(1, ordering: .relaxed)
    }
  }
}
