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

  /// A datagram with its life in identification and bytes, and as many fragments as the life says, all of a length of its
  /// own. As a worker does it: the generation goes first and comes last. Fragments lie behind gaps of their own length.
  private static func begin(_ writer: SegmentWriter, _ slot: Int, life: UInt32) {
    let record = unsafe writer.fragmentedDatagrams(0) + slot
    let pieces = unsafe writer.fragmentPieces(0) + 4 * slot
    let (count, length) = (Int(life % 4) + 1, UInt16(life % 1000) + 1)
    unsafe Churn.cell(record).pointee.store(0, ordering: .relaxed)
    for place in 0..<4 { unsafe Churn.cell(pieces + place).pointee.store(0, ordering: .relaxed) }
    atomicMemoryFence(ordering: .releasing)
    unsafe record.pointee.identification = life
    unsafe record.pointee.bytes = life
    unsafe record.pointee.fragments = UInt16(count)
    unsafe record.pointee.first = UInt32(4 * slot + 1)
    unsafe record.pointee.end = UInt32(2 * count) * UInt32(length)
    for place in 0..<count {
      unsafe pieces[place].next = place + 1 < count ? UInt32(4 * slot + place + 2) : 0
      unsafe (pieces[place].offset, pieces[place].length) = (UInt16(2 * place + 1) * length, length)
      unsafe Churn.cell(pieces + place).pointee.store(life, ordering: .releasing)
    }
    unsafe Churn.cell(record).pointee.store(life, ordering: .releasing)
  }

  private struct Answer: Decodable {
    struct List: Decodable {
      let ip_id, bytes, num_fragments: UInt64
      let missing: [[UInt64]]
    }
    let lists: [List]
  }

  @Test func `lists told in full during churn are each of one datagram`() throws {
    let writer = try fixture.forwarder(datagrams: Self.slots)
    let churn = Churn(slots: Self.slots) { Self.begin(writer, $0, life: $1) }
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
