import CSegment
import Glibc
import Pipeline
import Segment
import TestSupport
import Wire

/// One thing that is timed, and in what unit.
struct Stage {
  let name: String
  let unit: String
  let timing: Timing
}

extension Stage {
  static func all() throws -> [Stage] {
    Traffic.all.filter(\.isTracked).map(reading) + Traffic.all.filter { !$0.isNew }.map(breath) + [coldBreath()]
      + [64, 1500].map(checksum)
      + [try commit()] + index()
  }

  private static let burst = Journey.burst

  /// The headers of one packet, read into its summary.
  private static func reading(_ traffic: Traffic) -> Stage {
    let store = FrameStore(traffic.frames, copies: burst)
    let summaries = UnsafeMutableBufferPointer<Summary>.allocate(capacity: burst)
    unsafe summaries.initialize(repeating: Summary())
    let timing = Timing(operations: burst) {
      for i in 0..<burst {
        let packet = unsafe store.packets[i]
        unsafe Summary.read(packet.span, frameLength: packet.frameLength, into: &summaries[i])
      }
    }
    return Stage(name: "Summary.read \(traffic.name)", unit: "packet", timing: timing)
  }

  /// A worker's whole breath, a burst at a time.
  private static func breath(_ traffic: Traffic) -> Stage {
    let bench = traffic.bench(breaths: 32)
    let timing = Timing(operations: burst * 32) { bench.breathe(times: 32) }
    return Stage(name: "breath \(traffic.name)", unit: "packet", timing: timing)
  }

  /// The same when no header is in any cache: half a gibibyte of packets in an order that no prefetcher guesses.
  private static func coldBreath() -> Stage {
    let count = 1 << 20
    let bench = Bench(FrameStore(Traffic.all[0].frames, copies: count, stride: 512, shuffled: true))
    bench.settle(breaths: 1)
    let timing = Timing(operations: count, rounds: 5) { bench.breathe(times: count / burst) }
    return Stage(name: "breath \(Traffic.all[0].name), cold", unit: "packet", timing: timing)
  }

  private static func checksum(_ length: Int) -> Stage {
    let bytes = [UInt8](repeating: 0x5a, count: length)
    let timing = Timing(operations: 1) {
      var sum = InternetChecksum()
      unsafe sum.add(bytes.span.bytes)
      use(sum.folded)
    }
    return Stage(name: "checksum of \(length) bytes", unit: "sum", timing: timing)
  }

  /// The copy of an lcore's counters into shared memory: sixteen cells between the marks that readers wait for.
  private static func commit() throws -> Stage {
    let root = "/dev/shm/dpdkfwd-benchmarks-\(getpid())"
    let schema = ForwarderSchema.make(
      lcores: 1, ports: 2, queues: 4, pools: 1, dropReasons: ["one"], invalidReasons: ["one"], packetKinds: ["one"],
      stages: ["one"], history: 600)
    let segment = try SegmentWriter(
      prefix: "b", schema: schema, options: SegmentOptions(root: root), writer: "benchmarks", tscHz: 1)
    defer {
      for path in [segment.paths.segment, segment.paths.lock] { unsafe unlink(path) }
      for path in [segment.paths.folder, root] { unsafe rmdir(path) }
    }
    let record = unsafe segment.lcore(0)
    let target = unsafe cells(of: record, \.stage_cycles)
    let source = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
    unsafe source.initialize(repeating: 1, count: 16)
    let timing = Timing(operations: 1) {
      unsafe beginCommit(record)
      for i in 0..<16 { unsafe Counter(target + i).store(source[i]) }
      unsafe endCommit(record)
    }
    return Stage(name: "commit of 16 counters", unit: "breath", timing: timing)
  }
}
