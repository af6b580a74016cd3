import Pipeline
import Primitives
import Reassembly
import Steering
import TestSupport

/// How the workers of a life put fragments together: mostly in tables so small that they are often full.
struct Fragments: Sendable {
  let settings: FragmentSettings
  /// Fragments of one datagram that may leave together.
  let mostTogether: Int

  private static let secret = HashSecret(seed: 22)

  init(buffers: Int, _ chance: inout Chance) {
    let most = max(2, chance.pick([4, 16, buffers / 4, buffers / 2, buffers / 2]))
    var settings = FragmentSettings(
      fragments: most, mbufs: chance.pick([nil, nil, most]), bytes: chance.pick([nil, nil, most * 600]),
      datagrams: chance.pick([nil, nil, most / 2]))
    let kind = chance.below(8)
    settings.ipv4.isOn = kind > 1
    settings.ipv6.isOn = kind == 1 || kind > 2
    settings.ipv4.timeout = UInt32(chance.pick([30_000, 2_000, 300]))
    settings.ipv6.timeout = UInt32(chance.pick([60_000, 2_000, 300]))
    settings.ipv4.smallest = UInt32(chance.pick([0, 0, 0, 200]))
    settings.ipv6.smallest = UInt32(chance.pick([0, 0, 0, 200]))
    settings.perDatagram = chance.pick([64, 64, 45, 8])
    settings.sourceShare = chance.pick([50, 100, 100])
    if chance.below(4) == 0 { (settings.high, settings.low) = (60, 30) }
    self.settings = settings
    mostTogether = chance.pick([64, 64, 256, 16, 3])
  }

  var isOff: Bool { !settings.ipv4.isOn && !settings.ipv6.isOn }

  @inline(__always)
  func isOn(ipv6: Bool) -> Bool { ipv6 ? settings.ipv6.isOn : settings.ipv4.isOn }

  func timeout(ipv6: Bool) -> UInt32 { ipv6 ? settings.ipv6.timeout : settings.ipv4.timeout }

  /// A worker's table.
  func table() -> Reassembly { isOff ? .off() : Reassembly(settings: settings, secret: Self.secret) }
}

/// What a packet is of the datagram that it is a fragment of, by the tests' own reading.
struct Piece: BitwiseCopyable, Sendable {
  /// The number of what all fragments of the datagram have in common; -1: it is no fragment.
  var key: Int32 = -1
  var offset: UInt32 = 0
  var length: UInt32 = 0
  /// Where in the frame the IP header starts, and the payload.
  var network: UInt16 = 0
  var payload: UInt16 = 0
  var isIPv6 = false
  var more = false
  var ecn: UInt8 = 0

  init() {}

  init(_ reading: FragmentReading, key: Int32) {
    self.key = key
    offset = UInt32(reading.offset)
    length = UInt32(reading.payload.count)
    network = UInt16(reading.network)
    payload = UInt16(reading.payload.lowerBound)
    isIPv6 = reading.isIPv6
    more = reading.more
    ecn = reading.ecn
  }

  var end: UInt32 { offset + length }
}

// The table does not ask by which port a fragment came. So that the world's books may, fragments that come by different
// ports never share a key: the two top bits of their identification are the port's number.
extension Frame {
  /// The frame, if it is a fragment, as it comes in by a port. Its IP header must be without fault.
  func fragment(by port: Int) -> Frame {
    precondition((0..<4).contains(port))
    guard let reading = fragment else { return self }
    var frame = self
    let identification = reading.isIPv6 ? reading.payload.lowerBound - 4 : reading.network + 4
    frame.bytes[identification] = frame.bytes[identification] & 0x3f | UInt8(port) << 6
    guard !reading.isIPv6 else { return frame }
    let header = reading.network..<reading.payload.lowerBound
    frame.bytes.setWord(0, at: reading.network + 10)
    frame.bytes.setWord(internetChecksum(frame.bytes[header]), at: reading.network + 10)
    return frame
  }

  /// Which part of which datagram it is, by whatever port it comes.
  var fragmentOfAnyPort: FragmentReading? { fragment(by: 0).fragment }
}

extension Scenario {
  /// Why the wait of a fragment that came in by a port may end with its being dropped, whatever the links do.
  func ends(port: Int) -> Reasons {
    let exit = exits[port]
    var reasons: Reasons = [
      .fragExpired, .fragOverlapped, .fragDuplicate, .fragStraggler, .fragTooMany, .fragOversize, .fragMisaligned,
      .fragEmpty, .fragEndConflict, .fragHeaderChain, .fragBadHeader, .fragECN, .fragNoRoom, .fragSourceShare,
      .fragEvicted, .txFull,
    ]
    if fragments.settings.ipv4.smallest + fragments.settings.ipv6.smallest > 0 { reasons.insert(.fragTooSmall) }
    if let reason = exit.closed { reasons.insert(reason) }
    if exit.mtu != nil {
      reasons.insert(.mtuExceeded)
      reasons.insert(.fragNoBuffer)
    }
    if min(exit.longest, exit.longestChained) < .max { reasons.insert(.txOversize) }
    if policy.invalid == .drop { reasons.insert(.invalid) }
    if workers > 1, steer != .port { reasons.insert(.handoffFull) }
    reasons.formUnion(refusals(port: port))
    reasons.formUnion(rules.reasons)
    return reasons
  }
}

/// What waits in workers' hands is fragments, no longer and no more of them than the settings allow; and what is whole
/// does not wait.
struct WaitingInvariant: Invariant {
  let kind = Failure.Kind.waiting

  func breach(_ scene: Scene) -> String? {
    if scene.census.idler >= 0 { return "\(scene.world.describe(scene.census.idler)) waits and is no fragment" }
    for (k, figures) in scene.figures.enumerated() {
      let waiting = scene.census.waiting[Int(Owner.worker(k).number)]
      if waiting != figures.waiting {
        return "worker \(k) has \(waiting) packets that no port was offered, \(figures.waiting) of them in its table"
      }
      if scene.world.censuses % 16 == 0, waiting > 0, let breach = look(at: k, figures, scene.world) {
        return "worker \(k): \(breach)"
      }
    }
    return nil
  }

  private func look(at worker: Int, _ figures: Figures, _ world: World) -> String? {
    let (settings, slots) = (world.scenario.fragments.settings, world.waiting(worker))
    if slots.count > settings.fragments { return "\(slots.count) fragments wait, of \(settings.fragments)" }
    if slots.reduce(0, { $0 + Int($1.length) }) > settings.bytes { return "too many bytes wait" }
    if slots.reduce(0, { $0 + ($1.contiguous == $1.length ? 1 : 2) }) > settings.mbufs {
      return "too many buffers wait"
    }
    let datagrams = Dictionary(grouping: slots) { world.key($0) }
    if datagrams.count != figures.datagrams || datagrams.count > settings.datagrams {
      return "\(datagrams.count) datagrams wait, \(figures.datagrams) are known, of \(settings.datagrams)"
    }
    for (key, slots) in datagrams {
      if slots.count > settings.perDatagram { return "\(slots.count) fragments of one datagram wait" }
      let pieces = slots.map(\.piece).sorted { $0.offset < $1.offset }
      for (one, next) in zip(pieces, pieces.dropFirst()) where one.end > next.offset || !one.more {
        return "fragments wait that contradict each other"
      }
      if pieces[0].offset == 0, !pieces.last!.more, zip(pieces, pieces.dropFirst()).allSatisfy({ $0.end == $1.offset })
      {
        return "a datagram waits that is whole"
      }
      if world.isLate(key, slots, worker, figures.breaths) {
        return "fragments wait longer than \(world.scenario.fragments.timeout(ipv6: pieces[0].isIPv6)) ms"
      }
    }
    return nil
  }
}

/// What has begun to leave goes on doing so: the next fragment waits for the port.
struct DatagramInvariant: Invariant {
  let kind = Failure.Kind.datagram

  func breach(_ scene: Scene) -> String? {
    let world = scene.world
    for (place, lane) in world.lanes.enumerated() where lane.isOpen {
      let worker = place % world.workers
      guard !world.accounts[worker].isDraining else { continue }
      let isThere = world.slab.slots.indices.contains { slot in
        let packet = world.slab.slots[slot]
        return packet.owner == .worker(worker) && packet.wasOffered && world.isNext(slot, in: lane)
      }
      if !isThere { return "worker \(worker) sent a part of a datagram, and has no more of it" }
    }
    return nil
  }
}
