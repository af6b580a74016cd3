import Synchronization
import Tables
import TestSupport
import Testing

/// Counts, and who holds what: a connection is given back where it was taken.
@safe
private final class Bench: Sendable {
  private let memory: TableMemory
  private let counts: SourceCounts

  init(sources: Int) {
    memory = TableMemory(bytes: SourceCounts.bytes(sources: sources))
    unsafe counts = SourceCounts(memory: memory.start, sources: sources)
  }

  func count(_ source: UInt64) -> UInt32 { counts.count(source) }
  func worker() -> Worker { Worker(self) }

  final class Worker {
    enum Answer { case taken, refused, noRoom }
    private let bench: Bench
    private var places: [UInt64: [UInt8]] = [:]

    init(_ bench: Bench) { self.bench = bench }

    func take(_ source: UInt64, limit: UInt32) -> Answer {
      switch bench.counts.take(source, limit: limit) {
      case .taken(let place):
        places[source, default: []].append(place)
        return .taken
      case .refused: return .refused
      case .noRoom: return .noRoom
      }
    }
    func give(_ source: UInt64) {
      if let place = places[source]?.popLast() { bench.counts.give(source, place: place) }
    }
  }
}

struct SourceCountsTests {
  @Test func `a source gets its limit, and again what it gives back`() {
    let bench = Bench(sources: 100)
    let worker = bench.worker()
    for _ in 0..<5 { #expect(worker.take(1, limit: 5) == .taken) }
    #expect(worker.take(1, limit: 5) == .refused)
    #expect(bench.count(1) == 5)
    #expect(worker.take(2, limit: 5) == .taken, "another source")
    worker.give(1)
    #expect(worker.take(1, limit: 5) == .taken)
    #expect(worker.take(1, limit: 5) == .refused)
    #expect(worker.take(3, limit: 0) == .refused)
    #expect(bench.count(3) == 0)
  }

  @Test func `a line has room for eight sources, and for another when one has gone`() {
    let bench = Bench(sources: 1)  // one line
    let worker = bench.worker()
    for source in 0..<8 as Range<UInt64> { #expect(worker.take(source, limit: 9) == .taken) }
    #expect(worker.take(8, limit: 9) == .noRoom)
    #expect(worker.take(0, limit: 9) == .taken, "who has a cell still counts")
    worker.give(0)
    #expect(worker.take(8, limit: 9) == .noRoom)
    worker.give(0)
    #expect(worker.take(8, limit: 9) == .taken)
    #expect(worker.take(0, limit: 9) == .noRoom)
  }

  @Test func `a count goes as far as its 24 bits`() {
    let memory = TableMemory(bytes: SourceCounts.bytes(sources: 1))
    // As it is after as many connections less one, all in the first cell.
    unsafe memory.start.storeBytes(of: 7 << 24 | UInt64(SourceCounts.highestLimit - 1), as: UInt64.self)
    let counts = unsafe SourceCounts(memory: memory.start, sources: 1)
    #expect(counts.take(7, limit: .max) == .taken(place: 0))
    #expect(counts.count(7) == SourceCounts.highestLimit)
    #expect(counts.take(7, limit: .max) == .refused)
    #expect(counts.take(8, limit: .max) == .taken(place: 1))
    withExtendedLifetime(memory) {}
  }

  /// What two workers leave that met a new source at the same moment.
  @Test func `a source with two cells has their sum`() {
    let memory = TableMemory(bytes: SourceCounts.bytes(sources: 1))
    unsafe memory.start.storeBytes(of: 7 << 24 | 2, toByteOffset: 8, as: UInt64.self)
    unsafe memory.start.storeBytes(of: 7 << 24 | 3, toByteOffset: 40, as: UInt64.self)
    let counts = unsafe SourceCounts(memory: memory.start, sources: 1)
    #expect(counts.count(7) == 5)
    #expect(counts.take(7, limit: 5) == .refused)
    #expect(counts.take(7, limit: 6) == .taken(place: 1))
    #expect(counts.take(7, limit: 6) == .refused)
    for _ in 0..<3 { counts.give(7, place: 1) }
    #expect(counts.take(7, limit: 4) == .taken(place: 5), "the first is empty")
    withExtendedLifetime(memory) {}
  }

  @Test func `steps without number do to counts what they do to a dictionary`() {
    var chance = SeededGenerator.forThisRun()
    let bench = Bench(sources: 64)
    let worker = bench.worker()
    let sources = (0..<200).map { _ in chance.next() }
    var model: [UInt64: UInt32] = [:]
    var answers: Set<Bench.Worker.Answer> = []
    for step in 0..<100_000 {
      let source = sources[Int.random(in: 0..<sources.count, using: &chance)]
      if Int.random(in: 0..<8, using: &chance) < (step / 1000 % 2 == 0 ? 5 : 2) {
        let answer = worker.take(source, limit: 6)
        answers.insert(answer)
        switch answer {
        case .taken: model[source, default: 0] += 1
        case .refused: #expect(model[source] == 6)
        case .noRoom: #expect(model[source] == nil)
        }
      } else if let had = model[source] {
        worker.give(source)
        model[source] = had == 1 ? nil : had - 1
      }
      if step % 1000 == 0 {
        for source in sources { #expect(bench.count(source) == model[source] ?? 0) }
      }
    }
    #expect(answers.count == 3)
  }

  /// In one line more sources than cells come and go, so that cells change hands all the time.
  @Test(arguments: [1, 2, 4])
  func `threads never give a source more than its limit, and forget none`(threads: Int) {
    let bench = Bench(sources: 1)
    let limit = 3
    let tallies = (0..<10).map { _ in CrowdTally() }
    inParallel(threads) { number in
      let worker = bench.worker()
      var chance = SeededGenerator(seed: UInt64(number))
      var used = [Int](repeating: 0, count: 10)
      for _ in 0..<50_000 {
        let source = Int.random(in: 0..<10, using: &chance)
        if Bool.random(using: &chance) {
          guard worker.take(UInt64(source), limit: UInt32(limit)) == .taken else { continue }
          used[source] += 1
          tallies[source].add(1, limit)
        } else if used[source] > 0 {
          used[source] -= 1
          tallies[source].add(-1, limit)
          worker.give(UInt64(source))
        }
      }
      for source in 0..<10 {
        tallies[source].add(-used[source], limit)
        for _ in 0..<used[source] { worker.give(UInt64(source)) }
      }
    }
    for source in 0..<10 {
      #expect(tallies[source].breaches.load(ordering: .relaxed) == 0)
      #expect(bench.count(UInt64(source)) == 0)
    }
  }

  /// Cells of the line become free and are taken while workers want the one place of a source that has none yet.
  @Test(arguments: [2, 4])
  func `the last place goes to one worker only`(threads: Int) {
    let bench = Bench(sources: 1)
    let tally = CrowdTally()
    inParallel(threads) { number in
      let worker = bench.worker()
      let own = UInt64(number + 1)
      for _ in 0..<100_000 {
        _ = worker.take(own, limit: 1)
        let isMine = worker.take(99, limit: 1) == .taken
        if isMine { tally.add(1, 1) }
        worker.give(own)
        if isMine { tally.add(-1, 1) }
        worker.give(99)
      }
    }
    #expect(tally.breaches.load(ordering: .relaxed) == 0)
    #expect(bench.count(99) == 0)
  }

  @Test func `as many sources as were promised find room, but for one of 1000`() {
    let promised = 20_000
    let bench = Bench(sources: promised)
    let worker = bench.worker()
    var chance = SeededGenerator.forThisRun()
    var refused = 0
    for _ in 0..<promised where worker.take(chance.next(), limit: 1) != .taken { refused += 1 }
    print("SourceCounts: \(refused) of \(promised) sources found no room")
    #expect(refused <= promised / 1000)
  }
}
