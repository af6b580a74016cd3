import CSegment
import Primitives
import Segment
import Testing

@testable import Reassembly

/// C7, F1: datagrams whose fragments were given up are told of, each once, and those that were completed are not.
struct EventTests {
  /// A table with a ring of its own.
  @safe
  private final class Line {
    let bench: FragmentBench
    private let ring: UnsafeMutablePointer<dpdkfwd_frag_event_record>
    private let room: Int
    private var read: UInt64 = 0

    init(_ settings: FragmentSettings = FragmentSettings(fragments: 64), room: Int = 64) {
      self.room = room
      unsafe ring = .allocate(capacity: room)
      unsafe ring.initialize(repeating: dpdkfwd_frag_event_record(), count: room)
      bench = unsafe FragmentBench(settings, ends: RingWriter(ring, count: room))
    }
    deinit { unsafe ring.deallocate() }

    /// What was told since the last look: reason, identification and fragments of each.
    var told: [String] {
      var words: [String] = []
      while unsafe ring[Int(read % UInt64(room))].sequence == read + 1 {
        let record = unsafe ring[Int(read % UInt64(room))]
        let reason = FragmentEvent(rawValue: record.reason)?.name ?? "nothing"
        words.append("\(reason) \(record.family == 0 ? 4 : 6) \(record.identification): \(record.fragments)")
        read += 1
      }
      return words
    }
    var records: [dpdkfwd_frag_event_record] { (0..<room).map { unsafe ring[$0] } }
  }

  @Test func `nothing is told while nobody wants to know`() {
    let line = Line()
    line.bench.take(Fragment(0..<8, id: 1))
    line.bench.purge()
    #expect(line.told.isEmpty)
    line.bench.tell()
    line.bench.take(Fragment(0..<8, id: 2))
    line.bench.purge()
    #expect(line.told == ["purged 4 2: 1"])
    #expect(line.bench.table.endsTold == 1)
  }

  @Test(arguments: [0, 1])
  func `each way to end short is told`(family: Int) {
    var settings = FragmentSettings(fragments: 4)
    settings.sourceShare = 100
    settings.high = 100
    settings.perDatagram = 2
    let line = Line(settings)
    let name = family == 0 ? 4 : 6
    line.bench.tell()
    line.bench.take([Fragment(0..<8, family: family, id: 1), Fragment(8..<16, family: family, id: 1)])
    line.bench.now += 60_000
    line.bench.tick()
    #expect(line.told == ["expired \(name) 1: 2"])

    line.bench.take([Fragment(0..<16, family: family, id: 2), Fragment(8..<24, family: family, id: 2)])
    #expect(line.told == ["overlapped \(name) 2: 1"])
    line.bench.take(Fragment(16..<24, family: family, id: 2))
    #expect(line.told == [], "its stragglers are no datagrams")

    line.bench.take([0..<8, 8..<16, 16..<24].map { Fragment($0, family: family, id: 3) })
    #expect(line.told == ["too_many \(name) 3: 2"])
    line.bench.take([Fragment(last: 8..<16, family: family, id: 4), Fragment(last: 24..<32, family: family, id: 4)])
    #expect(line.told == ["end_conflict \(name) 4: 1"])

    for id in 10..<16 as Range<UInt32> {
      line.bench.now += 1
      line.bench.take(Fragment(0..<8, family: family, id: id))
    }
    #expect(line.told == ["evicted \(name) 10: 1", "evicted \(name) 11: 1"])
    line.bench.purge()
    #expect(line.told == (12..<16).map { "purged \(name) \($0): 1" })
    #expect(line.bench.breach == nil)
  }

  @Test(arguments: FragmentBench.End.allCases)
  func `one that was whole is not told of, whatever becomes of it`(end: FragmentBench.End) throws {
    let line = Line()
    line.bench.tell()
    guard case .complete(let slot) = line.bench.take(Fragment.cut(40, by: 16)) else {
      Issue.record("not whole")
      return
    }
    line.bench.end(slot, as: end)
    line.bench.purge()
    #expect(line.told == [])
  }

  @Test func `an entry says whose fragments they were, and when`() throws {
    let line = Line()
    line.bench.tell(at: 1_700_000_000_123_456_789)
    line.bench.take(Fragment(0..<8, family: 1, id: 0xDEAD_BEEF, source: 5).with { $0.zone = 9 })
    line.bench.take(Fragment(8..<24, family: 1, id: 0xDEAD_BEEF, source: 5).with { $0.zone = 9 })
    line.bench.purge()
    let record = try #require(line.records.first)
    #expect(record.at == 1_700_000_000_123_456_789 && record.identification == 0xDEAD_BEEF && record.zone == 9)
    #expect(record.fragments == 2 && record.family == 1)
    #expect(record.bytes == 2 * (14 + 48) + 24)
    #expect((record.source.7, record.source.15, record.destination.15) == (1, 5, 9))
  }

  /// F28: a family that is switched off ends by and by, and each of its datagrams is told of.
  @Test func `a family that ends gradually is told of as it ends`() {
    let line = Line(FragmentSettings(fragments: 64))
    line.bench.tell()
    for id in 0..<20 as Range<UInt32> { line.bench.take(Fragment(0..<8, id: id, source: id)) }
    var off = FragmentSettings(fragments: 64)
    off.ipv4.isOn = false
    line.bench.set(off)
    #expect(line.told == [])
    line.bench.tick(most: 3)
    #expect(line.told == (0..<3).map { "purged 4 \($0): 1" })
    line.bench.set(FragmentSettings(fragments: 64))
    line.bench.tick()
    #expect(line.told == [], "it was switched on again")
    line.bench.set(off)
    for _ in 0..<3 { line.bench.tick() }
    #expect(line.told == (3..<20).map { "purged 4 \($0): 1" })
    #expect(line.bench.held.isEmpty && line.bench.breach == nil)
  }
}
