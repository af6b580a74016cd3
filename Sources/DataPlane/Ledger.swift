internal import CSegment
internal import Conntrack
internal import Pipeline
internal import Reassembly
internal import Segment
internal import Wire

/// An lcore's place in the segment: where its counters are copied once a breath.
///
/// Cells are aligned and stored whole (the compiler may join neighbours into one wider move); the sequence around them
/// lets a reader take a set that balances. Once an interval the counters go into the lcore's history too.
@safe
struct Ledger: BitwiseCopyable {
  enum State: UInt8 { case idle, running, stopped, unused }

  private let record: UnsafeMutablePointer<dpdkfwd_lcore_record>
  private let queues: UnsafeMutablePointer<dpdkfwd_queue_record>
  // By raw value less one: 0 is no reason, and has no record.
  private let drops: UnsafeMutablePointer<dpdkfwd_tally_record>
  private let invalid: UnsafeMutablePointer<dpdkfwd_tally_record>
  private let kinds: UnsafeMutablePointer<dpdkfwd_tally_record>
  /// What tracking counts; `nil` when nothing is tracked.
  private let connections: UnsafeMutablePointer<dpdkfwd_ct_shard_record>?
  private let faults: UnsafeMutablePointer<dpdkfwd_tally_record>?
  /// What reassembly counts; `nil` when fragments are packets like others.
  private let fragments: UnsafeMutablePointer<dpdkfwd_frag_shard_record>?
  private let fragmentEvents: UnsafeMutablePointer<dpdkfwd_frag_count_record>?
  private let datagramEvents: UnsafeMutablePointer<dpdkfwd_frag_count_record>?
  /// Events and orders; `nil` when nothing is ever told.
  private let events: UnsafeMutablePointer<dpdkfwd_event_shard_record>?
  private var history: RingWriter<dpdkfwd_lcore_history_record>

  /// - Parameters:
  ///   - shard: which lcore of the segment, counted from zero.
  ///   - tracks: the segment has tables of connection tracking.
  ///   - assembles: the same of reassembly.
  ///   - tells: the same of events.
  init(_ segment: SegmentWriter, shard: Int, tracks: Bool, assembles: Bool, tells: Bool) {
    unsafe record = segment.lcore(shard)
    unsafe queues = segment.queue(lcore: shard, 0)
    unsafe drops = segment.tally(.drops, lcore: shard, 0)
    unsafe invalid = segment.tally(.invalid, lcore: shard, 0)
    unsafe kinds = segment.tally(.packets, lcore: shard, 0)
    unsafe connections = tracks ? segment.connectionShard(shard) : nil
    unsafe faults = tracks ? segment.tally(.trackingFaults, lcore: shard, 0) : nil
    unsafe fragments = assembles ? segment.fragmentShard(shard) : nil
    unsafe fragmentEvents = assembles ? segment.fragmentCounts(.fragmentEvents, shard) : nil
    unsafe datagramEvents = assembles ? segment.fragmentCounts(.datagramEvents, shard) : nil
    unsafe events = tells ? segment.eventShard(shard) : nil
    history = segment.lcoreHistory(shard)
  }

  /// Who the lcore is, and its queues: receive queues first, as the worker numbers them.
  func introduce(
    lcore: Int, cpu: Int, socket: Int, receive: [(port: Int, queue: Int)], transmit: [(port: Int, queue: Int)]
  ) {
    unsafe record.pointee.lcore = UInt32(lcore)
    unsafe record.pointee.cpu = Int32(cpu)
    unsafe record.pointee.socket = Int32(socket)
    for (i, queue) in (receive + transmit).enumerated() {
      unsafe queues[i].lcore = UInt32(lcore)
      unsafe queues[i].port = UInt16(queue.port)
      unsafe queues[i].queue = UInt16(queue.queue)
      unsafe queues[i].direction = i < receive.count ? 0 : 1
      unsafe queues[i].generation = 1
    }
    unsafe events?.pointee.lcore = UInt32(lcore)
    for i in 1..<DropReason.slots { unsafe drops[i - 1].lcore = UInt32(lcore) }
    for i in 1..<Tally.invalidSlots { unsafe invalid[i - 1].lcore = UInt32(lcore) }
    for i in PacketKind.allCases.indices { unsafe kinds[i].lcore = UInt32(lcore) }
    for i in 0..<2 * FragmentEvent.slots { unsafe fragmentEvents?[i].lcore = UInt32(lcore) }
    for i in 0..<2 * DatagramEvent.slots { unsafe datagramEvents?[i].lcore = UInt32(lcore) }
    if let faults = unsafe faults { for i in 1..<TrackingFault.slots { unsafe faults[i - 1].lcore = UInt32(lcore) } }
  }

  func setState(_ state: State) { unsafe record.pointee.state = state.rawValue }

  @inline(__always)
  func commit(_ worker: inout Worker<MbufIO>, sleeps: UInt64, sleepCycles: UInt64, now: UInt64) {
    unsafe beginCommit(record)
    commitQueues(worker)
    commitKinds(worker.journey.tally)
    if worker.journey.tally.touchedOthers { commitOthers(worker.journey.tally) }
    if worker.journey.fragments.isTouched { commitFragments(worker.journey.fragments) }
    if worker.journey.tracker.hasCountedEvents || worker.journey.fragments.isTouched { commitEvents(worker.journey) }
    worker.settled()
    if let connections = unsafe connections { unsafe commitTracking(worker.journey.tracker, to: connections) }
    commitTimes(worker)
    unsafe record.pointee.sleeps = sleeps
    unsafe record.pointee.cycles_sleep = sleepCycles
    unsafe record.pointee.last_breath = now
    unsafe endCommit(record)
  }

  /// Writes what was committed last into the history.
  @inline(never)
  mutating func remember() {
    unsafe history.append { entry in
      unsafe entry.pointee.at = Segment.Clock.wall()
      unsafe entry.pointee.monotonic = Segment.Clock.monotonic()
      unsafe entry.pointee.lcore = record.pointee.lcore
      unsafe entry.pointee.breaths = record.pointee.breaths
      unsafe entry.pointee.busy_breaths = record.pointee.busy_breaths
      unsafe entry.pointee.sleeps = record.pointee.sleeps
      unsafe entry.pointee.cycles_busy = record.pointee.cycles_busy
      unsafe entry.pointee.cycles_idle = record.pointee.cycles_idle
      unsafe entry.pointee.cycles_sleep = record.pointee.cycles_sleep
      unsafe entry.pointee.rx_packets = record.pointee.rx_packets
      unsafe entry.pointee.rx_bytes = record.pointee.rx_bytes
      unsafe entry.pointee.tx_packets = record.pointee.tx_packets
      unsafe entry.pointee.tx_bytes = record.pointee.tx_bytes
      unsafe entry.pointee.held = record.pointee.held
      unsafe entry.pointee.dropped = record.pointee.dropped
      unsafe withUnsafeMutableBytes(of: &entry.pointee.drops) { reasons in
        for i in 0..<DropReason.slots - 1 {
          unsafe reasons.storeBytes(of: drops[i].packets, toByteOffset: 8 * i, as: UInt64.self)
        }
      }
    }
  }

  @inline(__always)
  private func commitQueues(_ worker: borrowing Worker<MbufIO>) {
    var received = Tally.Count()
    var sent = Tally.Count()
    var held = 0
    for r in 0..<worker.receiveCount {
      let queue = worker.receiveQueue(r)
      unsafe queues[r].packets = queue.packets
      unsafe queues[r].bytes = queue.bytes
      unsafe queues[r].bursts = queue.bursts
      unsafe queues[r].full_bursts = queue.fullBursts
      received.packets &+= queue.packets
      received.bytes &+= queue.bytes
    }
    let first = unsafe queues + worker.receiveCount
    for t in 0..<worker.transmitCount {
      let queue = worker.transmitQueue(t)
      unsafe first[t].packets = queue.packets
      unsafe first[t].bytes = queue.bytes
      unsafe first[t].bursts = queue.bursts
      unsafe first[t].retries = queue.retries
      unsafe first[t].dropped = queue.dropped
      sent.packets &+= queue.packets
      sent.bytes &+= queue.bytes
      held &+= queue.held
    }
    unsafe record.pointee.rx_packets = received.packets
    unsafe record.pointee.rx_bytes = received.bytes
    unsafe record.pointee.tx_packets = sent.packets
    unsafe record.pointee.tx_bytes = sent.bytes
    unsafe record.pointee.held = UInt64(held &+ worker.journey.fragments.held)
    unsafe record.pointee.cut_from = worker.cutFrom.packets
    unsafe record.pointee.cut_into = worker.cutInto.packets
    unsafe record.pointee.handed_out = worker.handedOff.packets
    unsafe record.pointee.handed_in = worker.handedIn.packets
  }

  /// Only the kinds that were seen since the last commit.
  @inline(__always)
  private func commitKinds(_ tally: borrowing Tally) {
    var touched = tally.touchedKinds
    while touched != 0 {
      let i = touched.trailingZeroBitCount
      touched &= touched &- 1
      let count = tally.kind(i)
      unsafe kinds[i].packets = count.packets
      unsafe kinds[i].bytes = count.bytes
    }
  }

  @inline(__always)
  private func commitTracking(
    _ tracker: borrowing Tracker, to record: UnsafeMutablePointer<dpdkfwd_ct_shard_record>
  ) {
    let invalid = unsafe record.pointee.invalid
    unsafe record.pointee = tracker.table.counts.pointee
    if unsafe invalid != record.pointee.invalid { commitFaults(tracker) }
  }

  @inline(never)
  private func commitFragments(_ table: borrowing Reassembly) {
    guard let fragments = unsafe fragments, let fragmentEvents = unsafe fragmentEvents,
      let datagramEvents = unsafe datagramEvents
    else { return }
    unsafe fragments.pointee = table.counts.pointee
    for i in 0..<2 * FragmentEvent.slots { unsafe fragmentEvents[i].count = table.fragmentCount(i) }
    for i in 0..<2 * DatagramEvent.slots { unsafe datagramEvents[i].count = table.datagramCount(i) }
  }

  @inline(never)
  private func commitEvents(_ journey: borrowing Journey) {
    guard let events = unsafe events else { return }
    let lcore = unsafe events.pointee.lcore
    unsafe events.pointee = journey.tracker.eventCounts.pointee
    unsafe events.pointee.lcore = lcore
    unsafe segment_events_written(events)[4] = journey.fragments.endsTold
  }

  @inline(never)
  private func commitFaults(_ tracker: borrowing Tracker) {
    guard let faults = unsafe faults else { return }
    for i in 1..<TrackingFault.slots { unsafe faults[i - 1].packets = tracker.faultCount(i) }
  }

  @inline(never)
  private func commitOthers(_ tally: borrowing Tally) {
    for i in 1..<DropReason.slots {
      let count = tally.drop(i)
      unsafe drops[i - 1].packets = count.packets
      unsafe drops[i - 1].bytes = count.bytes
    }
    for i in 1..<Tally.invalidSlots { unsafe invalid[i - 1].packets = tally.invalid(i) }
    unsafe record.pointee.dropped = tally.dropped
    unsafe record.pointee.handoff_dropped = tally.drop(Int(DropReason.handoffFull.rawValue)).packets
  }

  @inline(__always)
  private func commitTimes(_ worker: borrowing Worker<MbufIO>) {
    unsafe record.pointee.breaths = worker.breaths
    unsafe record.pointee.busy_breaths = worker.busyBreaths
    unsafe record.pointee.cycles_idle = worker.idleCycles
    let stages = worker.stageCycles
    unsafe record.pointee.cycles_busy = stages[0] &+ stages[1] &+ stages[2]
    unsafe record.pointee.stage_cycles.0 = stages[0]
    unsafe record.pointee.stage_cycles.1 = stages[1]
    unsafe record.pointee.stage_cycles.2 = stages[2]
    let sizes = worker.burstSizes
    unsafe record.pointee.burst_sizes = (
      sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7]
    )
  }
}
