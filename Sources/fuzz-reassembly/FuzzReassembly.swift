// fuzz-reassembly: libFuzzer makes rows of fragments, ticks and settings for a small table (`Scripts/fuzz` builds and runs
// it). Five bytes are a step. What must hold is written as preconditions; one that fails is a crash: every packet comes
// out once, what is whole has no holes, no search is long, and the table's memory is sound.
import CSegment
import Primitives
import Reassembly
import Wire

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let input = unsafe UnsafeBufferPointer(start: data, count: size)
  let bench = Bench()
  for step in 0..<size / 5 {
    bench.step((0..<5).map { unsafe input[5 * step + $0] })
    if step % 32 == 0 { bench.check() }
  }
  bench.outlive()
  return 0
}

private final class Bench {
  private static let secret = HashSecret(seed: 3)
  private var table: Reassembly
  private var now: UInt32 = 0 &- 100_000
  /// Whether the table has the packet; its handle is its place + 1.
  private var isHeld: [Bool] = []
  private var whole: [Int] = []

  init() {
    table = Reassembly(settings: Bench.settings(0x5A), secret: Bench.secret)
  }

  private static func settings(_ byte: UInt8) -> FragmentSettings {
    var settings = FragmentSettings(fragments: 40, mbufs: 48, bytes: 70_000, datagrams: 12)
    if byte & 1 != 0 { settings.fragments = 9 }
    if byte & 2 == 0 { settings.perDatagram = 5 }
    if byte & 4 != 0 { settings.datagrams = 3 }
    if byte & 8 == 0 { settings.sourceShare = 100 }
    settings.ipv4.isOn = byte & 0x30 != 0
    settings.ipv6.isOn = byte & 0x30 != 0x20
    if byte & 0x40 == 0 { settings.ipv4.timeout = 1000 }
    if byte & 0x80 != 0 { (settings.high, settings.low) = (50, 25) }
    return settings
  }

  func step(_ bytes: [UInt8]) {
    switch bytes[0] & 7 {
    case 0..<5: send(bytes)
    case 5: endOne(bytes[1])
    case 6:
      now &+= UInt32(bytes[1]) << (bytes[2] & 15)
      table.tick(now: now, most: Int(bytes[3] & 15))
    default: table.set(Bench.settings(bytes[1]))
    }
    bury()
  }

  private func send(_ bytes: [UInt8]) {
    let isIPv6 = bytes[0] & 8 != 0
    let source = UInt32(bytes[0] >> 5 & 3)
    let none = (FragmentKey.noVLAN, FragmentKey.noVLAN)
    let id = UInt32(bytes[1] & 7)
    let key =
      isIPv6
      ? FragmentKey(
        ipv6: IPv6Address(high: 1, low: UInt64(source)), IPv6Address(high: 2, low: 9), identification: id, zone: 0,
        vlans: none, Self.secret)
      : FragmentKey(ipv4: source, 9, protocol: 17, identification: id, zone: 0, vlans: none, Self.secret)
    // Near the front in one of two, and then of few octets.
    let isNear = bytes[1] & 8 == 0
    let offset = isNear ? UInt32(bytes[2] & 15) * 8 : UInt32(bytes[2] & 31) << 11 | UInt32(bytes[3]) << 3
    let length = (isNear ? UInt32(bytes[4] >> 4) * 8 : UInt32(bytes[4]) << 8) &+ UInt32(bytes[4] & (isNear ? 1 : 0))
    let headers: UInt32 = (isIPv6 ? 48 : 20) + UInt32(bytes[1] & 0xC0) >> 3
    isHeld.append(false)
    let packet = unsafe HeldFragment(
      handle: UInt(isHeld.count), bytes: UnsafeRawPointer(bitPattern: 1)!, contiguous: 0,
      length: 14 + headers + length, network: 14, payload: UInt16(14 + headers), marks: 0)
    let arrival = FragmentArrival(
      key: key, packet: packet, offset: offset, length: length, more: bytes[0] & 16 != 0, ecn: bytes[1] >> 4 & 3,
      mbufs: bytes[0] & 128 != 0 ? 3 : 1, packetLength: headers + length, overhead: isIPv6 ? headers - 48 : headers,
      transport: 17, headerFault: bytes[0] & 7 == 4 && bytes[2] == 7 ? .badHeader : nil)
    let steps = unsafe table.counts.pointee.steps
    switch table.take(arrival, Summary(), now: now) {
    case .held: isHeld[isHeld.count - 1] = true
    case .complete(let slot):
      isHeld[isHeld.count - 1] = true
      whole.append(slot)
      isWithoutHoles(slot)
    case .refused: break
    }
    precondition(unsafe table.counts.pointee.steps - steps <= 128)
  }

  /// Its pieces are as many octets as it has, and all of them are held.
  private func isWithoutHoles(_ slot: Int) {
    var (link, octets, pieces) = (table.firstPiece(slot), 0, 0)
    while link != 0 {
      precondition(isHeld[Int(table.packet(link).handle) - 1])
      octets += table.payloadLength(ofPiece: link)
      pieces += 1
      link = table.piece(after: link)
    }
    precondition(octets == Int(table.payloadLength(slot)) && pieces == table.pieceCount(slot))
    precondition(octets <= 65_535 && table.largestFrame(slot) > 0)
  }

  /// A datagram that is whole leaves in one of four ways.
  private func endOne(_ byte: UInt8) {
    guard !whole.isEmpty else { return }
    let slot = whole.remove(at: Int(byte >> 2) % whole.count)
    switch byte & 3 {
    case 0: table.release(slot)
    case 1: table.bury(finished: slot)
    default:
      var link = table.firstPiece(slot)
      while link != 0 {
        leave(table.packet(link).handle)
        link = table.piece(after: link)
      }
      table.finish(slot, as: byte & 3 == 2 ? .completed : .handedOff)
    }
  }

  private func leave(_ handle: UInt) {
    precondition(isHeld[Int(handle) - 1])
    isHeld[Int(handle) - 1] = false
  }

  private func bury() {
    for place in 0..<table.deadCount { leave(table.dead(place)) }
    table.buried()
    table.accounted()
  }

  func check() {
    if let wrong = table.checkInvariants() { fatalError(wrong) }
    precondition(isHeld.count { $0 } == table.held)
  }

  func outlive() {
    check()
    while !whole.isEmpty { endOne(UInt8(whole.count & 3)) }
    table.purge(0)
    table.purge(1)
    bury()
    check()
    precondition(unsafe table.held == 0 && table.counts.pointee.datagrams == 0)
  }
}
