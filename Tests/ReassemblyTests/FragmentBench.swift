import CSegment
import Primitives
import Segment
import TestSupport
import Testing
import Wire

@testable import Reassembly

/// A part of a datagram's payload, and which datagram that is.
struct Fragment {
  var payload: Range<Int>
  var more: Bool
  var family = 0
  var id: UInt32 = 7
  var source: UInt32 = 1
  var destination: UInt32 = 9
  var zone: UInt16 = 0
  /// The IP header's; of IPv6 the fragment header's, which no key has.
  var number: UInt8 = 17
  /// What stands behind all headers; `nil`: the same.
  var transport: UInt8?
  var vlans = (FragmentKey.noVLAN, FragmentKey.noVLAN)
  var ecn: UInt8 = 0
  var mbufs: UInt16 = 1
  /// Bytes of options (IPv4), or of extension headers in front of the fragment header (IPv6).
  var options = 0
  var ports: (UInt16, UInt16) = (0, 0)
  var fault: FragmentEvent?
  /// Bytes of the frame; `nil`: headers and payload.
  var frame: Int?

  init(_ payload: Range<Int>, more: Bool = true, family: Int = 0, id: UInt32 = 7, source: UInt32 = 1) {
    self.payload = payload
    self.more = more
    self.family = family
    self.id = id
    self.source = source
  }
  init(last payload: Range<Int>, family: Int = 0, id: UInt32 = 7, source: UInt32 = 1) {
    self.init(payload, more: false, family: family, id: id, source: source)
  }

  func with(_ change: (inout Fragment) -> Void) -> Fragment {
    var other = self
    change(&other)
    return other
  }

  var frameBytes: Int { frame ?? 14 + headers + payload.count }
  var headers: Int { (family == 0 ? 20 : 48) + options }

  var key: FragmentKey {
    family == 0
      ? FragmentKey(
        ipv4: source, destination, protocol: number, identification: id, zone: zone, vlans: vlans,
        FragmentBench.secret)
      : FragmentKey(
        ipv6: IPv6Address(high: 1, low: UInt64(source)), IPv6Address(high: 2, low: UInt64(destination)),
        identification: id, zone: zone, vlans: vlans, FragmentBench.secret)
  }

  /// A datagram's payload in fragments of a size.
  static func cut(_ payload: Int, by size: Int, family: Int = 0, id: UInt32 = 7, source: UInt32 = 1) -> [Fragment] {
    stride(from: 0, to: payload, by: size).map { start in
      let end = min(start + size, payload)
      return Fragment(start..<end, more: end < payload, family: family, id: id, source: source)
    }
  }
}

/// A fragment table and the packets that it was given, by number: each comes out once, finished or dead.
final class FragmentBench {
  static let secret = HashSecret(seed: 3)
  private(set) var table: Reassembly
  var now: UInt32
  /// What is the table's, by handle.
  private(set) var held: [UInt: Fragment] = [:]
  private(set) var dead = 0
  private var next: UInt = 1

  init(_ settings: FragmentSettings = FragmentSettings(fragments: 256), now: UInt32 = 1000) {
    table = Reassembly(settings: settings, secret: Self.secret)
    self.now = now
  }

  /// One that can tell of ends.
  init(_ settings: FragmentSettings, ends: RingWriter<dpdkfwd_frag_event_record>) {
    table = Reassembly(settings: settings, secret: Self.secret)
    table.ends = ends
    now = 1000
  }

  /// It tells from now on.
  func tell(at moment: UInt64 = 0) {
    table.tellsEnds = true
    table.moment = moment
  }

  @discardableResult
  func take(_ fragment: Fragment) -> TakenFragment {
    let handle = next
    next += 1
    let packet = unsafe HeldFragment(
      handle: handle, bytes: UnsafeRawPointer(bitPattern: 1)!, contiguous: 0,
      length: UInt32(fragment.frameBytes), network: 14,
      payload: UInt16(14 + fragment.headers), marks: 0)
    let arrival = FragmentArrival(
      key: fragment.key, packet: packet, offset: UInt32(fragment.payload.lowerBound),
      length: UInt32(fragment.payload.count), more: fragment.more, ecn: fragment.ecn, mbufs: fragment.mbufs,
      packetLength: UInt32(fragment.headers + fragment.payload.count),
      overhead: UInt32(fragment.headers - (fragment.family == 0 ? 0 : 48)),
      ports: fragment.ports, transport: fragment.transport ?? fragment.number, headerFault: fragment.fault)
    let taken = table.take(arrival, Summary(), now: now)
    if case .refused = taken {} else { held[handle] = fragment }
    bury()
    return taken
  }

  /// Takes them one after the other; what became of the last.
  @discardableResult
  func take(_ fragments: [Fragment]) -> TakenFragment? { fragments.map { take($0) }.last }

  func tick(most: Int = 8) {
    table.tick(now: now, most: most)
    bury()
  }

  func set(_ settings: FragmentSettings) {
    table.set(settings)
    bury()
  }

  func purge() {
    table.purge(0)
    table.purge(1)
    bury()
  }

  func accounted() { table.accounted() }
  func settled() { table.settled() }

  private func bury() {
    for place in 0..<table.deadCount {
      if held.removeValue(forKey: table.dead(place)) == nil { Issue.record("a packet died that was not held") }
      dead += 1
    }
    table.buried()
  }

  // MARK: A whole datagram

  func largestFrame(_ slot: Int) -> UInt32 { table.largestFrame(slot) }

  /// The fragments of a datagram as the table has them in order.
  func pieces(_ slot: Int) -> [Fragment] {
    var pieces: [Fragment] = []
    var link = table.firstPiece(slot)
    while link != 0 {
      if let fragment = held[table.packet(link).handle] { pieces.append(fragment) }
      link = table.piece(after: link)
    }
    return pieces
  }

  /// What happens to one that is whole: its packets leave, die for others that leave, or die.
  enum End: CaseIterable { case sent, handedOff, cut, refused }

  func end(_ slot: Int, as end: End = .sent) {
    var handles: [UInt] = []
    var link = table.firstPiece(slot)
    while link != 0 {
      handles.append(table.packet(link).handle)
      link = table.piece(after: link)
    }
    switch end {
    case .sent: table.finish(slot)
    case .handedOff: table.finish(slot, as: .handedOff)
    case .cut: table.bury(finished: slot)
    case .refused: table.release(slot)
    }
    if end == .sent || end == .handedOff { for handle in handles { held[handle] = nil } }
    bury()
  }

  // MARK: What is there

  var isTouched: Bool { table.isTouched }
  var gauges: dpdkfwd_frag_shard_record { unsafe table.counts.pointee }
  func count(_ event: FragmentEvent, _ family: Int = 0) -> UInt64 { table.count(of: event, family) }
  func count(_ event: DatagramEvent, _ family: Int = 0) -> UInt64 { table.count(of: event, family) }
  func record(_ slot: Int) -> dpdkfwd_frag_record { unsafe table.datagrams[slot] }
  func isRecord(_ slot: Int, of key: FragmentKey) -> Bool { unsafe key.matches(table.datagrams + slot) }
  func piece(_ link: UInt32) -> dpdkfwd_frag_piece_record { unsafe table.pieces[Int(link) - 1] }

  /// What is wrong with the table's memory, or with who has which packet.
  var breach: String? {
    table.held == held.count ? table.checkInvariants() : "\(table.held) packets held, of \(held.count)"
  }
}
