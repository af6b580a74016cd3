import CSegment
import Glibc
import Synchronization
import Testing

@testable import Segment

/// Readers and a writer at the same time.
@Suite struct CommitTests {
  let scratch = Scratch()

  /// A worker that commits a balanced account over and over, as fast as breaths come.
  private final class Worker: Sendable {
    private let stop = Atomic(false)
    let commits = Atomic<UInt64>(0)

    func run(_ writer: SegmentWriter, lcore: Int) {
      let record = unsafe writer.lcore(lcore)
      let sent = unsafe Counter(cells(of: record, \.tx_packets))
      let received = unsafe Counter(cells(of: record, \.rx_packets))
      let dropped = unsafe Counter(cells(of: record, \.dropped))
      let reason = unsafe Counter(cells(of: writer.tally(.drops, lcore: lcore, 1), \.packets))
      var packets: UInt64 = 0
      while !stop.load(ordering: .relaxed) {
        packets &+= 32
        unsafe beginCommit(record)
        received.store(packets)
        sent.store(packets - packets / 4)
        dropped.store(packets / 4)
        reason.store(packets / 4)
        unsafe endCommit(record)
        commits.add(1, ordering: .relaxed)
        for _ in 0..<200 { _ = commits.load(ordering: .relaxed) }  // deciding the next burst takes a while
      }
    }

    func end() { stop.store(true, ordering: .relaxed) }
  }

  private func whileWorking(_ body: (SegmentWriter) throws -> Void) throws -> UInt64 {
    let writer = try scratch.writer()
    writer.setState(.running)
    let worker = Worker()
    var thread = pthread_t()
    let start = unsafe Unmanaged.passRetained(Start(worker: worker, writer: writer))
    unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        start.worker.run(start.writer, lcore: 1)
        return nil
      }, start.toOpaque())
    defer {
      worker.end()
      pthread_join(thread, nil)
    }
    while worker.commits.load(ordering: .relaxed) == 0 { usleep(100) }
    try body(writer)
    return worker.commits.load(ordering: .relaxed)
  }

  private final class Start: Sendable {
    let worker: Worker
    let writer: SegmentWriter
    init(worker: Worker, writer: SegmentWriter) {
      self.worker = worker
      self.writer = writer
    }
  }

  @Test func `what is read at one moment belongs together`() throws {
    let commits = try whileWorking { _ in
      let reader = try scratch.reader()
      let kinds = [try reader.kind("lcores"), try reader.kind("drops")]
      var whole = 0
      for _ in 0..<2_000 {
        let moment = reader.moment(of: kinds, shard: 1)
        guard moment.isWhole else { continue }
        whole += 1
        let lcore = moment.records[0][0]
        let received = try #require(lcore.number("rx_packets"))
        let sent = try #require(lcore.number("tx_packets"))
        let dropped = try #require(lcore.number("dropped"))
        #expect(received == sent + dropped)
        #expect(moment.records[1][1].number("packets") == dropped)
      }
      #expect(whole > 1_900, "\(whole) of 2000 readings found a pause")
    }
    #expect(commits > 2_000)
  }

  @Test func `a thousand readers come and go while the writer writes`() throws {
    _ = try whileWorking { writer in
      for _ in 0..<1_000 {
        let reader = try scratch.reader()
        #expect(try reader.liveness() == .running)
        #expect(reader.records(of: try reader.kind("lcores")).count == 2)
      }
      #expect(try scratch.mappings() <= 2, "the writer's own, and perhaps the last reader's")
      _ = writer
    }
  }

  @Test func `a reader does not wait for a writer that died in a commit`() throws {
    let writer = try scratch.writer()
    unsafe beginCommit(writer.lcore(0))
    let reader = try scratch.reader()
    let lcores = try reader.kind("lcores")
    #expect(!reader.moment(of: [lcores], shard: 0, attempts: 100).isWhole)
    #expect(reader.moment(of: [lcores], shard: 1, attempts: 100).isWhole)
    #expect(reader.records(of: lcores).count == 2)
  }

  @Test func `a record without a generation is not shown`() throws {
    let writer = try scratch.writer()
    let reader = try scratch.reader()
    let queues = try reader.kind("queues")
    #expect(reader.records(of: queues).isEmpty)
    unsafe writer.queue(lcore: 1, 2).pointee.generation = 1
    let shown = reader.records(of: queues)
    #expect(shown.map(\.shard) == [1])
    #expect(shown.map(\.index) == [2])
  }

  @Test func `cells are committed one by one`() throws {
    let writer = try scratch.writer()
    let sizes = unsafe cells(of: writer.lcore(0), \.burst_sizes)
    for i in 0..<8 { unsafe Counter(sizes + i).store(UInt64(i) + 1) }
    let reader = try scratch.reader()
    #expect(reader.records(of: try reader.kind("lcores"))[0]["burst_sizes"] == .list((1...8).map { .unsigned($0) }))
  }
}
