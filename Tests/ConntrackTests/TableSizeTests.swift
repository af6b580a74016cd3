import CSegment
import Conntrack
import Foundation
import Primitives
import Tables
import TestSupport
import Testing
import Wire

/// As many connections as a table is made for.
struct TableSizeTests {
  /// `DPDKFWD_TABLE_ENTRIES` asks for more: eight million in release take a gigabyte and a half minute.
  private static let entries: Int = {
    let asked = ProcessInfo.processInfo.environment["DPDKFWD_TABLE_ENTRIES"].flatMap { Int($0) }
    #if DEBUG
      return asked ?? 100_000
    #else
      return asked ?? 1_000_000
    #endif
  }()

  /// C19, W8, X8: all are taken up, found again both ways under an id of their own, and gone after their time; however
  /// many are due, a breath visits a bounded number.
  @Test(arguments: Kind.allCases)
  func `a table holds what it was made for, finds it and forgets it`(kind: Kind) {
    let count = Self.entries / kind.share
    let crowd = Crowd(count, kind)
    var unlike = 0
    for i in 0..<count where crowd.send(i) != Tracked(.new, slot: Int32(i)) { unlike += 1 }
    for i in stride(from: count - 1, through: 0, by: -1) {
      if crowd.send(i, isBack: true) != Tracked(.established, .reply, slot: Int32(i)) { unlike += 1 }
      if crowd.send(i) != Tracked(.established, slot: Int32(i)) { unlike += 1 }
    }
    #expect(unlike == 0)
    #expect(crowd.counts.entries == count)
    #expect(crowd.counts.insert_failed + crowd.counts.early_drop + crowd.counts.drop == 0)
    #expect(crowd.wrong == nil)
    print("\(count) connections, \(kind): \(crowd.bytes / count) bytes each; \(kind.bytes) are due")
    #expect(crowd.bytes / count == kind.bytes)

    // Nobody asks any more: a breath a millisecond, until the last is gone.
    crowd.advance(.seconds(31))
    var breaths = 0
    var most: UInt64 = 0
    while crowd.counts.entries > 0, breaths < 50_000 {
      let before = crowd.counts.swept
      crowd.advance(.milliseconds(1))
      crowd.sweep(most: 1024)
      most = max(most, crowd.counts.swept - before)
      breaths += 1
    }
    print("gone after \(breaths) breaths; \(crowd.counts.swept) records visited, \(most) at once")
    #expect(crowd.counts.entries == 0)
    #expect(crowd.counts.expired == count)
    #expect(most <= 1024)
    #expect(crowd.counts.swept <= 3 * UInt64(count))
    #expect(crowd.wrong == nil)
    // The room is there again.
    for i in 0..<count where !crowd.send(i).isIn(0..<count) { unlike += 1 }
    #expect(unlike == 0)
    #expect(crowd.counts.entries == count)
  }

  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case ipv4, ipv6, split

    var testDescription: String { rawValue }
    /// Records, index entries and extensions, 128, 16 and 64 bytes.
    var bytes: Int { self == .ipv4 ? 144 : self == .ipv6 ? 208 : 224 }
    /// One kind is enough for the largest number.
    var share: Int { self == .ipv4 ? 1 : 4 }
  }
}

extension Tracked {
  fileprivate func isIn(_ slots: Range<Int>) -> Bool { state == .new && slots.contains(Int(slot)) }
}

/// Flows of one frame, whose addresses are written over again and again.
@safe
private final class Crowd {
  private var tracker: Tracker
  private let frame: UnsafeMutableRawBufferPointer
  private var summary = Summary()
  private var now = Instant(nanoseconds: 0)
  private let kind: TableSizeTests.Kind
  let bytes: Int

  init(_ count: Int, _ kind: TableSizeTests.Kind) {
    self.kind = kind
    let extensions = kind == .ipv4 ? 0 : count
    tracker = Tracker(
      table: ConnectionTable(
        capacity: count, extensionCapacity: extensions, splits: kind == .split, secret: TrackerBench.secret),
      settings: TrackerSettings())
    bytes =
      count * MemoryLayout<dpdkfwd_ct_record>.stride
      + extensions * MemoryLayout<dpdkfwd_ct_extension_record>.stride
      + TupleIndex.bytes(capacity: kind == .split ? 2 * count : count)
    let datagram =
      kind == .ipv6
      ? Datagram.ipv6(from: "2001:db8::", to: "2001:db8::53") : .ipv4(from: "10.0.0.0", to: "192.0.2.53")
    let octets = datagram.udp(from: 4000, to: 4000).frame().bytes
    unsafe frame = .allocate(byteCount: octets.count, alignment: 8)
    unsafe frame.copyBytes(from: octets)
    unsafe Summary.read(frame.bytes, frameLength: octets.count, into: &summary)
  }

  deinit { unsafe frame.deallocate() }

  /// A packet of flow `i`, or its answer.
  func send(_ i: Int, isBack: Bool = false) -> Tracked {
    write(i, isBack ? 1 : 0)
    write(1 << 31, isBack ? 0 : 1)
    let bytes = unsafe PacketBytes(frame.baseAddress!, count: frame.count)
    let own = kind == .split && !isBack ? ZonePair(original: 5, reply: 0) : ZonePair(0)
    var tuple = Tuple()
    _ = Tracker.way(of: bytes, summary, zone: own.original, tracker.secret, into: &tuple)
    var tracked = tracker.judge(bytes, summary, tuple, own)
    if tracked.isUnconfirmed { _ = tracker.confirm(&tracked) }
    return tracked
  }

  /// Makes `number` the end of the source's (0) or the destination's (1) address.
  private func write(_ number: Int, _ side: Int) {
    let (first, size) = kind == .ipv6 ? (14 + 8, 16) : (14 + 12, 4)
    unsafe frame.storeBytes(
      of: UInt32(number).bigEndian, toByteOffset: first + (side + 1) * size - 4, as: UInt32.self)
  }

  func advance(_ interval: Interval) {
    now = now + interval
    tracker.advance(to: now)
  }
  func sweep(most: Int) { tracker.sweep(most: most, wiping: 1) }

  var counts: dpdkfwd_ct_shard_record { unsafe tracker.table.counts.pointee }
  var wrong: String? { tracker.table.checkInvariants() }
}
