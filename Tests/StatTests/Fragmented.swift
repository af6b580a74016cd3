import CSegment
import Foundation
import Segment

/// Datagrams put into a segment by hand, each written down as Open vSwitch lists it.
final class Fragmented {
  let writer: SegmentWriter
  /// Milliseconds on the clock of the workers, at the forwarder's last breath.
  let now: UInt32
  private var next = [(slot: 0, piece: 0), (slot: 0, piece: 0)]

  /// - Parameters:
  ///   - writer: `nil`: one of its own, without connections.
  ///   - now: how long the clock of the workers has gone on when the forwarder breathes last, milliseconds.
  init(_ fixture: Fixture, datagrams: Int = 64, into writer: SegmentWriter? = nil, now: UInt64 = 100_000) throws {
    self.writer = try writer ?? fixture.forwarder(datagrams: datagrams)
    self.now = UInt32(truncatingIfNeeded: now)
    let reader = try SegmentReader(SegmentPaths(root: fixture.root, prefix: "t"))
    for index in 0..<2 {
      let shard = unsafe self.writer.fragmentShard(index)
      unsafe shard.pointee.lcore = UInt32(index + 1)
      unsafe shard.pointee.clock_zero = reader.lastBreath &- now * 1_000_000
    }
  }

  /// Stores what a line tells, begun two and a half seconds ago, with 12.5 s to go; words it does not know stop the
  /// test.
  ///
  /// - Parameters:
  ///   - pieces: the payload of its fragments, in order; as many as the line says, or none for who does not look.
  ///   - end: of its payload, if that is known.
  /// - Returns: its slot.
  @discardableResult
  func add(
    _ line: String, shard: Int = 0, generation: UInt32 = 1, pieces: [Range<UInt16>] = [], end: UInt32? = nil
  ) -> Int {
    var record = dpdkfwd_frag_record()
    for word in line.dropFirst().dropLast().split(separator: ",") {
      let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
      switch sides[0] {
      case "src": Self.store(sides[1], in: &record.source)
      case "dst": Self.store(sides[1], in: &record.destination)
      case "recirc_id": precondition(sides[1] == "0", "datagrams are not recirculated here")
      case "ip_id": record.identification = UInt32(sides[1])!
      case "dl_type": record.flags |= sides[1] == "0x86dd" ? 1 : 0
      case "zone": record.zone = UInt16(sides[1])!
      case "nw_proto": record.protocol = UInt8(sides[1])!
      case "num_fragments": record.fragments = UInt16(sides[1])!
      case "state": record.flags |= Self.states[sides[1]]!
      default: preconditionFailure("\(word) in \(line)")
      }
    }
    record.generation = generation
    (record.vlan_outer, record.vlan_inner) = (0xffff, 0xffff)
    (record.began, record.deadline) = (now &- 2500, now &+ 12_500)
    (record.bytes, record.mbufs, record.largest) = (UInt32(record.fragments) * 1500, UInt32(record.fragments), 1500)
    record.end = end ?? DPDKFWD_FRAG_NO_END
    if !pieces.isEmpty { record.first = UInt32(next[shard].piece + 1) }
    for (place, part) in pieces.enumerated() {
      var piece = dpdkfwd_frag_piece_record()
      (piece.owner, piece.offset, piece.length) = (generation, part.lowerBound, UInt16(part.count))
      piece.next = place + 1 < pieces.count ? UInt32(next[shard].piece + 2) : 0
      unsafe (writer.fragmentPieces(shard) + next[shard].piece).pointee = piece
      next[shard].piece += 1
    }
    let slot = next[shard].slot
    unsafe (writer.fragmentedDatagrams(shard) + slot).pointee = record
    next[shard].slot += 1
    return slot
  }

  /// Changes the record in a slot.
  func edit(_ slot: Int, shard: Int = 0, _ change: (inout dpdkfwd_frag_record) -> Void) {
    unsafe change(&(writer.fragmentedDatagrams(shard) + slot).pointee)
  }

  /// Changes a fragment, by its number.
  func editPiece(_ number: Int, shard: Int = 0, _ change: (inout dpdkfwd_frag_piece_record) -> Void) {
    unsafe change(&(writer.fragmentPieces(shard) + number).pointee)
  }

  private static func store<Bytes: BitwiseCopyable>(_ address: String, in bytes: inout Bytes) {
    unsafe withUnsafeMutableBytes(of: &bytes) { unsafe $0.copyBytes(from: Tracked.bytes(address)) }
  }

  private static let states: [String: UInt8] = [
    "unused": 0, "other frag": 0, "first frag": 2, "last frag": 4, "first/last frag": 6, "complete": 8 | 6,
    "reassemble fail": 16,
  ]
}

extension SegmentWriter {
  /// Sets what a worker counted of a family under a heading.
  func count(_ event: String, ofFragments count: UInt64, family: Int = 0, shard: Int = 0) {
    let place = family * Fixture.fragmentEvents.count + Fixture.fragmentEvents.firstIndex(of: event)!
    unsafe (fragmentCounts(.fragmentEvents, shard) + place).pointee.count = count
  }

  func count(_ event: String, ofDatagrams count: UInt64, family: Int = 0, shard: Int = 0) {
    let place = family * Fixture.datagramEvents.count + Fixture.datagramEvents.firstIndex(of: event)!
    unsafe (fragmentCounts(.datagramEvents, shard) + place).pointee.count = count
  }
}
