internal import CSegment
internal import Conntrack
internal import Reassembly
internal import Segment

/// A worker's end of its mailbox.
struct Attention: BitwiseCopyable {
  let mailbox: Mailbox?
  /// The bell when it was last looked at.
  var heard: UInt64 = 0
  /// One bit for each lane that is not done.
  var open: UInt8 = 0
  /// The lane that comes first in the next breath.
  var turn = 0

  init(_ mailbox: Mailbox?) { self.mailbox = mailbox }
}

// What a worker does on request: a bounded part in each breath.
extension Worker where IO: ~Copyable {
  /// In one breath, while packets come: orders carried out, slots and buckets looked at. An idle breath has time for
  /// four times as much.
  static var mostOrders: Int { 8 }
  static var mostSlots: Int { 64 }

  /// Carries out a part of what was asked, if anything was.
  @inline(__always)
  mutating func attend(isIdle: Bool) {
    guard let mailbox = attention.mailbox else { return }
    if mailbox.bell != attention.heard || attention.open != 0 { attend(to: mailbox, isIdle: isIdle) }
    if journey.tracker.hasDying { journey.tracker.acknowledge(mailbox.acknowledged) }
  }

  @inline(never)
  private mutating func attend(to mailbox: Mailbox, isIdle: Bool) {
    let began = io.cycles()
    journey.tracker.advance(to: now)
    attention.heard = mailbox.bell
    attention.open |= mailbox.posted
    let lanes = max(1, attention.open.nonzeroBitCount)
    let factor = isIdle ? 4 : 1
    for step in 0..<Mailbox.lanes {
      let lane = (attention.turn + step) % Mailbox.lanes
      guard attention.open & 1 << UInt8(lane) != 0 else { continue }
      let isDone = work(
        on: mailbox, lane, orders: max(1, Self.mostOrders * factor / lanes), slots: Self.mostSlots * factor / lanes)
      guard isDone else { continue }
      attention.open &= ~(1 << UInt8(lane))
      mailbox.finish(lane)
    }
    attention.turn = (attention.turn + 1) % Mailbox.lanes
    let cycles = io.cycles() &- began
    journey.tracker.touched()
    let counts = unsafe journey.tracker.eventCounts
    unsafe counts.pointee.turns &+= 1
    unsafe counts.pointee.turn_cycles &+= cycles
    unsafe counts.pointee.turn_cycles_max = max(counts.pointee.turn_cycles_max, cycles)
  }

  /// Returns whether the lane is done.
  private mutating func work(on mailbox: Mailbox, _ place: Int, orders: Int, slots: Int) -> Bool {
    let lane = unsafe mailbox.lane(place)
    switch unsafe lane.pointee.kind {
    case .orders:
      let end = unsafe min(lane.pointee.count, lane.pointee.done + orders)
      while unsafe lane.pointee.done < end {
        let next = unsafe lane.pointee.done
        let image = unsafe mailbox.images(place).baseAddress! + next
        unsafe mailbox.results(place)[next] = journey.tracker.carryOut(mailbox.orders(place)[next], image)
        unsafe lane.pointee.done += 1
      }
      return unsafe lane.pointee.done == lane.pointee.count
    case .scan:
      let room = unsafe min(lane.pointee.room, Mailbox.orders)
      let images = unsafe UnsafeMutableBufferPointer(rebasing: mailbox.images(place)[..<room])
      unsafe lane.pointee.meant += journey.tracker.carryOut(
        &lane.pointee.scan, most: slots, images, filled: &lane.pointee.filled)
      unsafe lane.pointee.isThrough = lane.pointee.scan.next >= journey.tracker.table.slotsUsed
      return unsafe lane.pointee.isThrough || lane.pointee.filled == room
    case .credits:
      let (first, last) = unsafe (lane.pointee.first, lane.pointee.last)
      let end = min(last, first + slots)
      journey.tracker.returnCredits(UInt16(clamping: first)...UInt16(clamping: max(first, end)))
      unsafe lane.pointee.first = end + 1
      return end == last
    case .knobs:
      unsafe turn(lane.pointee.knobs)
      return true
    case .buckets:
      let room = unsafe UnsafeMutableBufferPointer(
        rebasing: mailbox.counts(place)[lane.pointee.filled..<min(Mailbox.buckets, lane.pointee.filled + slots)])
      let count = unsafe journey.tracker.countBuckets(from: lane.pointee.first + lane.pointee.filled, into: room)
      unsafe lane.pointee.filled += count
      unsafe lane.pointee.isThrough = lane.pointee.first + lane.pointee.filled >= journey.tracker.bucketCount
      return unsafe lane.pointee.isThrough || lane.pointee.filled == Mailbox.buckets
    }
  }

  private mutating func turn(_ knobs: Mailbox.Knobs) {
    if let isOn = knobs.checksSequences { journey.tracker.setSequenceChecks(isOn) }
    if let milliseconds = knobs.sweepInterval { journey.tracker.setSweepInterval(milliseconds) }
    if let rules = knobs.rules { journey.adopt(rules) }
    if let settings = knobs.fragments { journey.fragments.set(settings) }
    if let events = knobs.events {
      unsafe journey.tracker.setEvents(events.mask, zones: events.zones)
      journey.fragments.tellsEnds = events.mask.contains(.fragments)
    }
  }
}
