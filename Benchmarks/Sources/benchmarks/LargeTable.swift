import CSegment
import Conntrack
import FlowCache
import Glibc
import Pipeline
import Tables
import TestSupport

/// What a table of very many connections costs in memory and time, and how long a worker's breaths take beside those of
/// one that tracks nothing, while the sweep goes on.
enum LargeTable {
  static func show(connections: Int) {
    // Whole bursts.
    let count = (connections + Journey.burst - 1) / Journey.burst * Journey.burst
    let breaths = count / Journey.burst
    let datagram = Datagram.ipv4(from: FrameStore.someSource, to: "198.19.0.1")
    let frame = datagram.udp(from: 4000, to: 53, payload: [UInt8](repeating: 1, count: 18)).frame()
    let store = FrameStore([frame], copies: count, stride: 64)
    store.makeDistinct()
    // Nobody answers here: what the cache serves otherwise are answered connections.
    let bench = Bench(store, connections: count, cache: FlowCache(after: .confirmed))

    let bytes = MemoryLayout<dpdkfwd_ct_record>.stride * count + TupleIndex.bytes(capacity: count)
    print("\(count) connections\(number(Double(bytes) / Double(count))) bytes each, index included")
    say("opened", count, Timing.of { bench.breathe(times: breaths) })
    precondition(bench.figures.entries == UInt64(count), "not all of them are there")
    say("found, in order", count, Timing.of { bench.breathe(times: breaths) })
    store.shuffle()
    say("found, any next", count, Timing.of { bench.breathe(times: breaths) })
    precondition(bench.figures.insert == UInt64(count), "one was not found")

    print("microseconds of CPU time, by breath        p50      p99    p99.9      max")
    show("the clock alone", times { _ in })
    let untracked = Bench(store, connections: 0)
    show("no tracking", times { untracked.breathe(after: $0) })
    let before = bench.figures.swept
    show("tracking and sweeping", times { bench.breathe(after: $0) })
    print("records that the sweep visits\(number(Double(bench.figures.swept - before) / Double(samples))) a breath")

    // Forty seconds later their time is over. Without packets a breath sweeps more.
    bench.fallSilent(seconds: 40)
    var expiring: [Double] = []
    while bench.figures.entries > 0 { expiring.append(Timing.of { bench.breathe(after: 1_000_000) }) }
    show("idle, expiring", expiring.sorted())
    say("expired", count, expiring.reduce(0, +))
  }

  /// Breaths that are timed one by one.
  private static let samples = 200_000

  /// Sorted nanoseconds of one call each; `body` gets those since its last call began, for its clock.
  private static func times(_ body: (UInt64) -> Void) -> [Double] {
    var found = [Double](repeating: 0, count: samples)
    var last = Timing.now()
    for i in found.indices {
      let start = Timing.now()
      body(UInt64(start - last))
      found[i] = Timing.now() - start
      last = start
    }
    return found.sorted()
  }

  private static func show(_ name: String, _ times: [Double]) {
    let figures = [times.count / 2, times.count * 99 / 100, times.count * 999 / 1000, times.count - 1]
    let padding = String(repeating: " ", count: 38 - name.count)
    print("\(name)\(padding)\(figures.map { number(times[$0] / 1000) }.joined())")
  }

  private static func say(_ what: String, _ count: Int, _ nanoseconds: Double) {
    print("\(what)\(number(nanoseconds / Double(count))) ns each")
  }

  private static func number(_ number: Double) -> String { Benchmarks.rounded(number) }
}
