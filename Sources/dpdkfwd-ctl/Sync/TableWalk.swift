internal import Inspection
internal import Primitives
internal import Segment
internal import Sync

/// Reads the tables of a forwarder bit by bit, for one walk after the other, and not too fast.
struct TableWalk {
  private let workers: [ConnectionReader]
  /// Slots a second.
  private let pace: UInt64
  private var walk: SyncWalk?
  private var worker = 0
  private var slot = 0
  private var since: Instant?

  init(_ reader: SegmentReader, pace: Int) throws(SegmentError) {
    workers = try ConnectionReader.all(reader)
    self.pace = UInt64(pace)
  }

  /// Connections that are next in the walk, at most so many, and whether those were the last.
  mutating func next(
    of walk: SyncWalk, atMost most: Int, at now: Instant
  ) -> (connections: [Connection], isLast: Bool) {
    if walk != self.walk { (self.walk, worker, slot, since) = (walk, 0, 0, now) }
    var slots = slotsToLookAt(at: now)
    var connections: [Connection] = []
    while worker < workers.count {
      guard walk.shard == nil || walk.shard.map(Int.init) == workers[worker].shard, slot < workers[worker].slots else {
        (worker, slot) = (worker + 1, 0)
        continue
      }
      guard slots > 0, connections.count < most else { return (connections, false) }
      slots -= 1
      slot += 1
      if let connection = workers[worker].connection(at: slot - 1, now: now.nanoseconds) {
        connections.append(connection)
      }
    }
    return (connections, true)
  }

  /// What the pace allows since the last time, a tenth of a second's worth at most.
  private mutating func slotsToLookAt(at now: Instant) -> UInt64 {
    let passed = min((now - (since ?? now)).nanoseconds, 100_000_000)
    let slots = passed * pace / 1_000_000_000
    if slots > 0 { since = now }
    return slots
  }
}
