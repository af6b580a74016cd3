import CSegment
import Conntrack
import Pipeline
import Primitives
import Reassembly
import Wire

/// What a worker says of itself between two breaths: plain values, copied out.
struct Figures: BitwiseCopyable, Sendable {
  var received = Tally.Count()
  var sent = Tally.Count()
  var held = 0
  var handedOff = Tally.Count()
  var handedIn = Tally.Count()
  /// Fragments whose datagrams were cut anew, and what was sent in their place.
  var cutFrom = Tally.Count()
  var cutInto = Tally.Count()
  /// Fragments in the fragment table, and what it knows of its datagrams: those that wait, those that began, and those
  /// that ended.
  var waiting = 0
  var datagrams = 0
  var begun: UInt64 = 0
  var ended: UInt64 = 0
  var breaths: UInt64 = 0
  var dropped: UInt64 = 0
  /// By the tracker's word.
  var trackedInvalid: UInt64 = 0
  /// By port, as far as the worker has a queue there.
  var receivedBy: InlineArray<4, Tally.Count> = InlineArray(repeating: Tally.Count())
  var sentBy: InlineArray<4, Tally.Count> = InlineArray(repeating: Tally.Count())
  var counts = Counts()

  /// What is counted by kind and by reason.
  struct Counts: BitwiseCopyable, Sendable {
    var kinds = InlineArray<20, Tally.Count>(repeating: Tally.Count())
    var drops = Tally.Drops(repeating: Tally.Count())
    var invalid = InlineArray<18, UInt64>(repeating: 0)

    /// Copies what was touched since `settled`, as a worker's record in the segment is written.
    mutating func commit(_ tally: borrowing Tally) {
      for kind in kinds.indices where tally.touchedKinds & 1 << UInt32(kind) != 0 { kinds[kind] = tally.kinds[kind] }
      guard tally.touchedOthers else { return }
      drops = tally.drops
      invalid = tally.invalid
    }

    static func == (a: Counts, b: Counts) -> Bool {
      a.kinds.indices.allSatisfy { a.kinds[$0] == b.kinds[$0] }
        && a.drops.indices.allSatisfy { a.drops[$0] == b.drops[$0] }
        && a.invalid.indices.allSatisfy { a.invalid[$0] == b.invalid[$0] }
    }
  }

  init(_ worker: borrowing Worker<VirtualIO>) {
    for r in 0..<worker.receiveCount {
      let queue = worker.receiveQueue(r)
      receivedBy[Int(queue.port.rawValue)].packets = queue.packets
      receivedBy[Int(queue.port.rawValue)].bytes = queue.bytes
      received.packets += queue.packets
      received.bytes += queue.bytes
    }
    for t in 0..<worker.transmitCount {
      let queue = worker.transmitQueue(t)
      sentBy[Int(queue.port.rawValue)].packets = queue.packets
      sentBy[Int(queue.port.rawValue)].bytes = queue.bytes
      sent.packets += queue.packets
      sent.bytes += queue.bytes
    }
    held = worker.held
    handedOff = worker.handedOff
    handedIn = worker.handedIn
    cutFrom = worker.cutFrom
    cutInto = worker.cutInto
    waiting = worker.journey.fragments.held
    let gauges = unsafe worker.journey.fragments.counts.pointee
    datagrams = Int(gauges.datagrams - gauges.discarded)
    for family in 0..<2 {
      begun += worker.journey.fragments.count(of: DatagramEvent.started, family)
      for end in [DatagramEvent.completed, .expired, .overlapped, .discarded, .evicted, .purged, .refused, .handedOff] {
        ended += worker.journey.fragments.count(of: end, family)
      }
    }
    breaths = worker.breaths
    dropped = worker.journey.tally.dropped
    trackedInvalid = unsafe worker.journey.tracker.table.counts.pointee.invalid
    counts.kinds = worker.journey.tally.kinds
    counts.drops = worker.journey.tally.drops
    counts.invalid = worker.journey.tally.invalid
  }

  var droppedBytes: UInt64 { counts.drops.indices.reduce(0) { $0 + counts.drops[$1].bytes } }
  var droppedByReason: UInt64 { counts.drops.indices.reduce(0) { $0 + counts.drops[$1].packets } }

  var dropsByName: [(String, UInt64)] {
    DropReason.allCases.map { ($0.name, counts.drops[Int($0.rawValue)].packets) }.filter { $0.1 > 0 }
  }
}
