internal import CSegment
internal import Primitives

// What the table may hold, and what goes when that is not enough.
extension Reassembly {
  /// The most datagrams that one fragment can drive out.
  static let mostVictims = 64
  /// Among how many of the oldest datagrams one of a certain source is sought. Whoever has a large share is soon found.
  private static let mostSought = 16

  /// Whether there is room for a fragment, after the oldest datagrams were ended for it if need be.
  ///
  /// - Parameter slot: its own datagram, which stays; -1: it has none yet.
  @inline(__always)
  mutating func makeRoom(for arrival: borrowing FragmentArrival, besides slot: Int) -> Bool {
    // Not `||`: whoever changes the table in an autoclosure gets a copy of it, and brings it back.
    if fits(arrival) { return true }
    return driveOut(for: arrival, besides: slot)
  }

  @inline(__always)
  private func fits(_ arrival: borrowing FragmentArrival) -> Bool {
    let mbufs = unsafe counts.pointee.mbufs &+ UInt64(arrival.mbufs)
    let bytes = unsafe counts.pointee.bytes &+ UInt64(arrival.packet.length)
    return unsafe counts.pointee.fragments < settings.fragments && mbufs <= settings.mbufs && bytes <= settings.bytes
  }

  /// Whether the table has room for a fragment when it holds no more than that one's own datagram.
  private func fitsAlone(_ arrival: borrowing FragmentArrival, _ slot: Int) -> Bool {
    let own = unsafe slot < 0 ? dpdkfwd_frag_record() : datagrams[slot]
    let mbufs = Int(own.mbufs) + Int(arrival.mbufs)
    let bytes = Int(own.bytes) + Int(arrival.packet.length)
    return Int(own.fragments) < settings.fragments && mbufs <= settings.mbufs && bytes <= settings.bytes
  }

  @inline(never)
  private mutating func driveOut(for arrival: borrowing FragmentArrival, besides slot: Int) -> Bool {
    guard fitsAlone(arrival, slot) else { return false }
    for _ in 0..<Self.mostVictims {
      guard let victim = ages.oldestWaiting(besides: slot) else { return false }
      end(victim, .evicted)
      if fits(arrival) { return true }
    }
    return false
  }

  /// Whether there is a record to be had, after the oldest datagrams were ended for it.
  @inline(never)
  mutating func driveOutDatagram() -> Bool {
    for _ in 0..<Self.mostVictims {
      guard let victim = ages.oldestDiscarded() ?? ages.oldestWaiting(besides: -1) else { return false }
      end(victim, .evicted)
      if unsafe counts.pointee.datagrams < settings.datagrams { return true }
    }
    return false
  }

  /// Whether the source of a bucket may have a fragment more, after its own oldest datagrams were ended for it if need
  /// be. Those of others stay: a source alone cannot fill the table, nor keep itself out of it.
  ///
  /// - Parameter slot: the fragment's own datagram, which stays; -1: it has none yet.
  @inline(__always)
  mutating func makeShare(for arrival: borrowing FragmentArrival, _ bucket: Int, besides slot: Int) -> Bool {
    if fitsShare(bucket, arrival.mbufs) { return true }
    return driveOutOwn(for: arrival, bucket, besides: slot)
  }

  /// Of a table that it may fill alone no source has too much.
  @inline(__always)
  private func fitsShare(_ bucket: Int, _ mbufs: UInt16) -> Bool {
    unsafe UInt64(sources[bucket] &+ UInt32(mbufs)) <= counts.pointee.source_limit || settings.sourceShare >= 100
  }

  @inline(never)
  private mutating func driveOutOwn(for arrival: borrowing FragmentArrival, _ bucket: Int, besides slot: Int) -> Bool {
    // More than the share, alone: nothing that is driven out would help.
    let own = unsafe slot < 0 ? 0 : UInt64(datagrams[slot].mbufs)
    guard unsafe own &+ UInt64(arrival.mbufs) <= counts.pointee.source_limit else { return false }
    var next = ages.oldest(in: Ages.waiting(arrival.key.family))
    for _ in 0..<Self.mostSought {
      guard let other = next else { return false }
      next = ages.newer(than: other)
      guard other != slot, unsafe datagrams[other].source_bucket == UInt32(bucket) else { continue }
      end(other, .evicted)
      if fitsShare(bucket, arrival.mbufs) { return true }
    }
    return false
  }

  /// A fragment more is held.
  @inline(__always)
  mutating func take(account arrival: FragmentArrival, bucket: Int) {
    sources[bucket] &+= UInt32(arrival.mbufs)
    let now = unsafe counts
    unsafe now.pointee.source_max = max(now.pointee.source_max, UInt64(sources[bucket]))
    unsafe now.pointee.fragments &+= 1
    unsafe now.pointee.mbufs &+= UInt64(arrival.mbufs)
    unsafe now.pointee.bytes &+= UInt64(arrival.packet.length)
    unsafe now.pointee.fragments_max = max(now.pointee.fragments_max, now.pointee.fragments)
    unsafe now.pointee.mbufs_max = max(now.pointee.mbufs_max, now.pointee.mbufs)
    unsafe now.pointee.bytes_max = max(now.pointee.bytes_max, now.pointee.bytes)
    if isAbove(high) { isPressed = true }
  }

  /// What a datagram has is held no more.
  mutating func give(account slot: Int) {
    let record = unsafe datagrams + slot
    unsafe sources[Int(record.pointee.source_bucket)] &-= record.pointee.mbufs
    unsafe counts.pointee.fragments &-= UInt64(record.pointee.fragments)
    unsafe counts.pointee.mbufs &-= UInt64(record.pointee.mbufs)
    unsafe counts.pointee.bytes &-= UInt64(record.pointee.bytes)
  }

  /// Whether more is in use than a watermark says.
  @inline(__always)
  func isAbove(_ mark: Watermark) -> Bool {
    let now = unsafe counts
    return unsafe now.pointee.fragments > mark.fragments || now.pointee.mbufs > mark.mbufs
      || now.pointee.bytes > mark.bytes
  }
}

/// A share of each limit.
struct Watermark {
  let fragments: UInt64
  let mbufs: UInt64
  let bytes: UInt64

  init(_ percent: Int, of settings: FragmentSettings) {
    let share = { (limit: Int) in UInt64(limit) / 100 * UInt64(percent) + UInt64(limit) % 100 * UInt64(percent) / 100 }
    (fragments, mbufs, bytes) = (share(settings.fragments), share(settings.mbufs), share(settings.bytes))
  }
}
