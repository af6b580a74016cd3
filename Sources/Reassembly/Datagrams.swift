internal import CSegment

// A datagram's record.
extension UnsafeMutablePointer<dpdkfwd_frag_record> {
  /// 0: IPv4, 1: IPv6.
  @inline(__always)
  var family: Int { unsafe Int(pointee.flags & DPDKFWD_FRAG_IPV6) }

  /// Which of the lists of `Ages` it is in.
  var ageList: Int {
    unsafe pointee.flags & DPDKFWD_FRAG_DISCARDED == 0 ? Ages.waiting(family) : Ages.discarded(family)
  }

  /// Everything but the generation, which makes it visible.
  func begin(_ key: FragmentKey, now: UInt32, timeout: UInt32, bucket: UInt32) {
    unsafe pointee = dpdkfwd_frag_record()
    unsafe key.write(to: self)
    unsafe pointee.end = DPDKFWD_FRAG_NO_END
    unsafe pointee.began = now
    unsafe pointee.deadline = now &+ timeout
    unsafe pointee.source_bucket = bucket
  }

  /// A fragment more.
  @inline(__always)
  func add(_ arrival: borrowing FragmentArrival) {
    unsafe pointee.fragments &+= 1
    unsafe pointee.covered &+= arrival.length
    unsafe pointee.bytes &+= arrival.packet.length
    unsafe pointee.mbufs &+= UInt32(arrival.mbufs)
    unsafe pointee.ecn |= 1 &<< arrival.ecn | (arrival.dontFragment ? 1 &<< 4 : 0)
    unsafe pointee.marks |= arrival.packet.marks
    unsafe pointee.largest = max(pointee.largest, UInt16(clamping: arrival.packetLength))
    unsafe pointee.largest_frame = max(pointee.largest_frame, UInt16(clamping: arrival.packet.length))
    if arrival.offset == 0 {
      unsafe pointee.flags |= DPDKFWD_FRAG_FIRST
      unsafe (pointee.source_port, pointee.destination_port) = arrival.ports
      // Of IPv4 it is part of the key.
      if unsafe pointee.flags & DPDKFWD_FRAG_IPV6 != 0 { unsafe pointee.protocol = arrival.transport }
    }
    if !arrival.more {
      unsafe pointee.flags |= DPDKFWD_FRAG_LAST
      unsafe pointee.end = arrival.end
    }
  }

  /// It has no fragment any more.
  func forget() {
    unsafe (pointee.first, pointee.last, pointee.covered) = (0, 0, 0)
    unsafe (pointee.fragments, pointee.bytes, pointee.mbufs) = (0, 0, 0)
  }
}

/// The datagrams by age: those that wait and those that are discarded, of each family, the oldest first. All of one list
/// have the same time, so the one in front is the first to expire.
@safe
struct Ages: BitwiseCopyable {
  static let lists = 4
  static func waiting(_ family: Int) -> Int { family }
  static func discarded(_ family: Int) -> Int { 2 &+ family }

  private let records: UnsafeMutablePointer<dpdkfwd_frag_record>
  /// Slot + 1; 0: the list is empty.
  private var first = InlineArray<4, UInt32>(repeating: 0)
  private var last = InlineArray<4, UInt32>(repeating: 0)

  init(_ records: UnsafeMutablePointer<dpdkfwd_frag_record>) { unsafe self.records = unsafe records }

  func oldest(in list: Int) -> Int? { first[list] == 0 ? nil : Int(first[list]) &- 1 }
  func newest(in list: Int) -> Int? { last[list] == 0 ? nil : Int(last[list]) &- 1 }

  func newer(than slot: Int) -> Int? {
    let next = unsafe records[slot].newer
    return next == 0 ? nil : Int(next) &- 1
  }

  /// The datagram that waits longest, but for one; -1: of all.
  func oldestWaiting(besides slot: Int) -> Int? {
    older(candidate(0, besides: slot), candidate(1, besides: slot))
  }

  func oldestDiscarded() -> Int? { older(oldest(in: 2), oldest(in: 3)) }

  private func candidate(_ list: Int, besides slot: Int) -> Int? {
    guard let oldest = oldest(in: list), oldest == slot else { return oldest(in: list) }
    return newer(than: slot)
  }

  private func older(_ a: Int?, _ b: Int?) -> Int? {
    guard let a, let b else { return a ?? b }
    return unsafe Int32(bitPattern: records[a].began &- records[b].began) <= 0 ? a : b
  }

  mutating func append(_ slot: Int, to list: Int) {
    let link = UInt32(slot &+ 1)
    let before = last[list]
    unsafe (records[slot].older, records[slot].newer) = (before, 0)
    if before == 0 { first[list] = link } else { unsafe records[Int(before) &- 1].newer = link }
    last[list] = link
  }

  mutating func remove(_ slot: Int, from list: Int) {
    let (older, newer) = unsafe (records[slot].older, records[slot].newer)
    if older == 0 { first[list] = newer } else { unsafe records[Int(older) &- 1].newer = newer }
    if newer == 0 { last[list] = older } else { unsafe records[Int(newer) &- 1].older = older }
  }

  func forEach(in list: Int, _ visit: (Int) -> Void) {
    var link = first[list]
    while link != 0 {
      visit(Int(link) - 1)
      link = unsafe records[Int(link) - 1].newer
    }
  }
}
