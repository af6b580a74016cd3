import CSegment
import Foundation
import Segment
import Synchronization
import Testing

/// F23: while datagrams come, grow and go, a list that is told in full is of one datagram, and those that are there all
/// the time are listed once.
@Suite struct FragmentChurnTests {
  private static let slots = 600
  private let fixture = Fixture()

  /// One worker: every third slot is a survivor, the others hold datagrams that end and begin again, each with its life
  /// in identification and bytes, and as many fragments as the life says, all of a length of its own.
  private final class Churn: Sendable {
    private let stop = Atomic(false)
    private let ended = Mutex(false)
    private let writer: SegmentWriter

    init(_ writer: SegmentWriter) {
      self.writer = writer
      for slot in 0..<FragmentChurnTests.slots { begin(slot, life: 1) }
      let thread = Thread { [self] in
        var (life, random) = (UInt32(1), UInt64(1))
        while !stop.load(ordering: .relaxed) {
          random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          let slot = Int(random >> 33) % FragmentChurnTests.slots
          guard slot % 3 != 0 else { continue }
          life += 1
          begin(slot, life: life)
        }
        ended.withLock { $0 = true }
      }
      thread.start()
    }

    func end() {
      stop.store(true, ordering: .relaxed)
      while !ended.withLock({ $0 }) { usleep(100) }
    }

    /// As a worker does it: the generation goes first and comes last. Fragments lie behind gaps of their own length.
    private func begin(_ slot: Int, life: UInt32) {
      let record = unsafe writer.fragmentedDatagrams(0) + slot
      let pieces = unsafe writer.fragmentPieces(0) + 4 * slot
      let (count, length) = (Int(life % 4) + 1, UInt16(life % 1000) + 1)
      unsafe cell(record).pointee.store(0, ordering: .relaxed)
      for place in 0..<4 { unsafe cell(pieces + place).pointee.store(0, ordering: .relaxed) }
      atomicMemoryFence(ordering: .releasing)
      unsafe record.pointee.identification = life
      unsafe record.pointee.bytes = life
      unsafe record.pointee.fragments = UInt16(count)
      unsafe record.pointee.first = UInt32(4 * slot + 1)
      unsafe record.pointee.end = UInt32(2 * count) * UInt32(length)
      for place in 0..<count {
        unsafe pieces[place].next = place + 1 < count ? UInt32(4 * slot + place + 2) : 0
        unsafe (pieces[place].offset, pieces[place].length) = (UInt16(2 * place + 1) * length, length)
        unsafe cell(pieces + place).pointee.store(life, ordering: .releasing)
      }
      unsafe cell(record).pointee.store(life, ordering: .releasing)
    }

    /// The generation or the owner, which either record begins with.
    private func cell<Record>(_ record: UnsafeMutablePointer<Record>) -> UnsafeMutablePointer<Atomic<UInt32>> {
      unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
  }

  private struct Answer: Decodable {
    struct List: Decodable {
      let ip_id, bytes, num_fragments: UInt64
      let missing: [[UInt64]]
    }
    let lists: [List]
  }

  @Test func `lists told in full during churn are each of one datagram`() throws {
    let churn = Churn(try fixture.forwarder(datagrams: Self.slots))
    defer { churn.end() }
    for _ in 0..<4 {
      let output = try fixture.run("ipf-get-status", "-m", "--json")
      let lists = try JSONDecoder().decode(Answer.self, from: Data(output.out.utf8)).lists
      #expect(lists.count { $0.ip_id == 1 } >= Self.slots / 3, "every survivor")
      #expect(lists.count <= Self.slots)
      let lives = lists.map(\.ip_id).filter { $0 != 1 }
      #expect(Set(lives).count == lives.count, "none twice")
      for list in lists {
        let (count, length) = (list.ip_id % 4 + 1, list.ip_id % 1000 + 1)
        #expect(list.bytes == list.ip_id && list.num_fragments == count)
        #expect(list.missing == (0..<count).map { [2 * $0 * length, (2 * $0 + 1) * length - 1] })
      }
    }
  }
}
