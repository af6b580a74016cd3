import CSegment
import Glibc
import Synchronization
import Testing

@testable import Segment

/// What a ring's reader is promised: whole entries in order, none twice, and the exact numbers of those it lost.
@Suite struct RingTests {
  let scratch = Scratch()

  /// A second of virtual time between entries; every field says which entry it belongs to.
  private func append(_ ring: inout RingWriter<dpdkfwd_lcore_history_record>) {
    let number = ring.written + 1
    unsafe ring.append { entry in
      unsafe entry.pointee.monotonic = number * 1_000_000_000
      unsafe entry.pointee.lcore = 7
      unsafe entry.pointee.rx_packets = number
      unsafe entry.pointee.tx_packets = number
      unsafe entry.pointee.drops.1 = number
    }
  }

  private func reader(_ shard: Int = 0, from first: UInt64? = nil) throws -> RingReader {
    let reader = try scratch.reader()
    return RingReader(reader, try reader.kind("lcore_history"), shard: shard, from: first)
  }

  /// Numbers as they come, gaps as ranges.
  private func words(_ readings: [RingReader.Reading]) -> [String] {
    readings.map { reading in
      switch reading {
      case .entry(let number, _): "\(number)"
      case .lost(let range): "lost \(range.lowerBound)-\(range.upperBound)"
      }
    }
  }

  // MARK: Virtual time

  @Test func `a reader that comes late sees the past, and then what is new`() throws {
    let writer = try scratch.writer()
    var ring = writer.lcoreHistory(0)
    for _ in 0..<5 { append(&ring) }
    var reader = try reader()
    #expect(words(reader.read()) == ["1", "2", "3", "4", "5"])
    #expect(words(reader.read()) == [])
    append(&ring)
    #expect(words(reader.read()) == ["6"])
  }

  @Test func `the oldest entries are written over, and nobody is told who was not there`() throws {
    let writer = try scratch.writer()  // 8 entries
    var ring = writer.lcoreHistory(0)
    for _ in 0..<20 { append(&ring) }
    var reader = try reader()
    #expect(reader.oldest == 13)
    #expect(reader.newest == 20)
    #expect(words(reader.read()) == (13...20).map { "\($0)" })
  }

  /// A reader that asks where to begin does not touch all of a ring of 65,536 entries (X8).
  @Test(arguments: [1, 2, 7, 8, 64, 65_536]) func `the newest is found with a few looks`(places: Int) {
    var chance = Seeded(state: 5)
    let some = (0..<50).map { _ in chance.next() % UInt64(4 * places) }
    for written in Set(some + (0...20).map { UInt64($0) } + [UInt64(places), UInt64(2 * places - 1), 1 << 40]) {
      var looks = 0
      let newest = RingReader.newest(of: places) { place in
        looks += 1
        // The last number that was given to the place.
        guard written > place else { return 0 }
        return UInt64(place) + 1 + (written - UInt64(place) - 1) / UInt64(places) * UInt64(places)
      }
      #expect(newest == written)
      #expect(looks <= 17)
    }
  }

  @Test func `the newest is found beside a first place that is damaged`() {
    let numbers: [UInt64] = [99, 10, 11, 12, 5, 6, 7, 3]
    #expect(RingReader.newest(of: 8) { numbers[$0] } == 12)
  }

  /// Must show: a reader stopped for a minute reports the exact range it lost.
  @Test func `a reader that was stopped is told exactly what it lost`() throws {
    let writer = try scratch.writer()
    var ring = writer.lcoreHistory(0)
    for _ in 0..<3 { append(&ring) }
    var reader = try reader()
    #expect(words(reader.read()) == ["1", "2", "3"])
    for _ in 0..<60 { append(&ring) }
    #expect(words(reader.read()) == ["lost 4-55"] + (56...63).map { "\($0)" })
    #expect(words(reader.read()) == [])
  }

  @Test func `a reader that asks for what is long gone is told so, and one ahead of time waits`() throws {
    let writer = try scratch.writer()
    var ring = writer.lcoreHistory(0)
    for _ in 0..<10 { append(&ring) }
    var late = try reader(from: 2)
    #expect(words(late.read(atMost: 3)) == ["lost 2-2", "3", "4", "5"])
    var early = try reader(from: 12)
    #expect(words(early.read()) == [])
    for _ in 0..<3 { append(&ring) }
    #expect(words(early.read()) == ["12", "13"])
  }

  @Test func `an entry carries what was written, under its number`() throws {
    let writer = try scratch.writer()
    var ring = writer.lcoreHistory(1)
    for _ in 0..<9 { append(&ring) }
    var reader = try reader(1)
    let record = try #require(reader.read().last?.entry)
    #expect(record.number("sequence") == 9)
    #expect(record.number("lcore") == 7)
    #expect(record.number("monotonic") == 9_000_000_000)
    #expect(record["drops"] == .list([.unsigned(0), .unsigned(9)]))
  }

  /// A forwarder that was killed in the middle of an entry, or stands still there.
  @Test func `an entry that is never finished holds nobody up`() throws {
    let writer = try scratch.writer()
    var ring = writer.lcoreHistory(0)
    for _ in 0..<10 { append(&ring) }
    var reader = try reader()
    #expect(words(reader.read(atMost: 2)) == ["3", "4"])
    unsafe writer.record(kind: .lcoreHistory, index: 2).storeBytes(of: 11 | SEGMENT_UNFINISHED, as: UInt64.self)
    #expect(words(reader.read()) == (5...10).map { "\($0)" })
    #expect(words(reader.read()) == [])
    let fresh = try self.reader()
    #expect(fresh.oldest == 4)
    var slow = try self.reader(from: 3)
    #expect(words(slow.read()) == ["lost 3-3"] + (4...10).map { "\($0)" })
    let shown = try scratch.reader()
    #expect(shown.records(of: try shown.kind("lcore_history")).map { $0.number("sequence") } == (4...10).map { $0 })
  }

  /// Whatever lies there: reading ends, and does not trap.
  @Test func `numbers that make no sense end in nothing read`() throws {
    let writer = try scratch.writer()
    var random = Seeded(state: 3)
    for _ in 0..<500 {
      for place in 0..<8 {
        let number: UInt64 = [random.next(), UInt64.max, 1 << 63, (1 << 63) - 1, UInt64(place + 1), 0].randomElement(
          using: &random)!
        unsafe writer.record(kind: .lcoreHistory, index: place).storeBytes(of: number, as: UInt64.self)
      }
      var reader = try reader()
      for _ in 0..<3 {
        let before = reader.next
        #expect(reader.read().compactMap(\.entry).count <= 8)
        #expect(reader.next >= before)
      }
    }
    withExtendedLifetime(writer) {}
  }

  @Test func `a kind with two fields that number its entries is refused`() {
    var schema = Schema.small
    let place = schema.kinds.firstIndex { $0.id == .lcoreHistory }!
    schema.kinds[place].fields[1].nature = .entry
    #expect(throws: SegmentError.self) { try SchemaWriter(schema) }
    schema.kinds[place].fields[0].nature = .label
    schema.kinds[place].fields[1].type = .u32
    #expect(throws: SegmentError.self) { try SchemaWriter(schema) }
  }

  // MARK: A writer at full speed

  /// Appends as fast as it can until told to stop.
  private final class Scribe: Sendable {
    private let stop = Atomic(false)
    let written = Atomic<UInt64>(0)
    let writer: SegmentWriter

    init(_ writer: SegmentWriter) { self.writer = writer }

    func run() {
      var ring = writer.lcoreHistory(0)
      while !stop.load(ordering: .relaxed) {
        let number = ring.written + 1
        unsafe ring.append { entry in
          unsafe entry.pointee.rx_packets = number
          unsafe entry.pointee.tx_packets = number
          unsafe entry.pointee.drops.1 = number
        }
        written.store(number, ordering: .relaxed)
      }
    }

    func end() { stop.store(true, ordering: .relaxed) }
  }

  private func whileWriting(_ body: (Scribe) throws -> Void) throws {
    let scribe = Scribe(try scratch.writer())
    var thread = pthread_t()
    unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Scribe>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(scribe).toOpaque())
    defer {
      scribe.end()
      pthread_join(thread, nil)
    }
    while scribe.written.load(ordering: .relaxed) == 0 { usleep(100) }
    try body(scribe)
  }

  /// At a pace that nobody planned, every number comes once: as a whole entry, or within a range that was lost.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `a reader at any pace gets each entry whole or is told that it lost it`(seed: UInt64) throws {
    try whileWriting { scribe in
      var reader = try reader(from: 1)
      var random = Seeded(state: seed)
      var (expected, entries, gaps) = (1 as UInt64, 0, 0)
      // Where the writer has no CPU for a while there is nothing to lose.
      for round in 0..<10_000_000 where round < 3_000 || entries == 0 || gaps == 0 {
        for reading in reader.read(atMost: Int.random(in: 1...12, using: &random)) {
          switch reading {
          case .entry(let number, let record):
            #expect(number == expected)
            #expect(record.number("sequence") == number)
            for field in ["rx_packets", "tx_packets"] { #expect(record.number(field) == number) }
            #expect(record.number("drops", element: 1) == number)
            expected = number + 1
            entries += 1
          case .lost(let range):
            #expect(range.lowerBound == expected)
            expected = range.upperBound + 1
            gaps += 1
          }
        }
        if Bool.random(using: &random) { usleep(UInt32.random(in: 0...50, using: &random)) }
      }
      #expect(expected <= scribe.written.load(ordering: .relaxed) + 2)
      #expect(entries > 0 && gaps > 0, "\(entries) entries, \(gaps) gaps")
    }
  }

  /// Must show: a thousand attach and detach cycles under load.
  @Test func `a thousand readers come and go while the ring is written`() throws {
    try whileWriting { _ in
      for _ in 0..<1_000 {
        var reader = try reader()
        var last: UInt64 = 0
        for case .entry(let number, _) in reader.read(atMost: 4) {
          #expect(number > last)
          last = number
        }
      }
    }
    #expect(try scratch.mappings() <= 2, "the writer's own, and perhaps the last reader's")
  }
}
