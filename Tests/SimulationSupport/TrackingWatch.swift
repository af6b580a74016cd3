import CSegment
import Conntrack
import FlowCache
import Pipeline
import Primitives
import Segment

/// The connections of every worker are what the world has seen of them before.
struct TrackingInvariant: Invariant {
  let kind = Failure.Kind.tracking

  func breach(_ scene: Scene) -> String? {
    guard scene.world.scenario.tracking != nil else { return nil }
    for station in scene.stations {
      if let breach = station.watch.look(at: station.worker, scene.world, asked: station.control?.asked ?? []) {
        return "worker \(station.index): \(breach)"
      }
      if let stale = station.watch.staleOutcome(station.worker, scene.world) {
        scene.world.fail(.cache, "worker \(station.index): \(stale)")
      }
    }
    return nil
  }
}

/// What is known of a worker's connections from the steps before.
final class TrackingWatch {
  /// By slot.
  private var known: [Known] = []
  private var looks = 0
  /// What sets right what a planted bug has spoilt, so that the life can end.
  private var repair: (() -> Void)?

  private struct Known: BitwiseCopyable {
    var generation: UInt32 = 0
    var deadline: UInt32 = 0
    var isAssured = false
    var proto: UInt8 = 0
    var isAsked = false
    /// How many records the sweep had visited when the connection was first seen to be over; -1: it was not.
    var overSince: Int64 = -1

    /// TCP and SCTP end connections themselves, and arm shorter timeouts; so do requests.
    var hasOwnEnd: Bool { proto == 6 || proto == 132 || isAsked }

    func id(in slot: Int, of worker: borrowing Worker<VirtualIO>) -> ConnectionID {
      ConnectionID(shard: worker.io.worker, epoch: 0, slot: slot, generation: generation)
    }
  }

  /// - Parameter asked: what was changed on request, which may end at any time.
  /// - Returns: what is wrong, or `nil`.
  func look(at worker: borrowing Worker<VirtualIO>, _ world: World, asked: Set<ConnectionID>) -> String? {
    spoil(worker, world)
    defer {
      repair?()
      repair = nil
    }
    looks += 1
    let (used, now) = (worker.journey.tracker.table.slotsUsed, worker.journey.tracker.now)
    while known.count < used { known.append(Known()) }
    let swept = unsafe Int64(worker.journey.tracker.table.counts.pointee.swept)
    let movesDeadlines = world.scenario.rules.movesDeadlines
    for slot in 0..<used {
      let record = unsafe worker.journey.tracker.table.record(slot).pointee
      known[slot].isAsked = movesDeadlines || asked.contains(known[slot].id(in: slot, of: worker))
      // Flows in a flow table are not swept (W6).
      if movesDeadlines, record.status & Status.offload != 0 { known[slot].overSince = swept }
      if let breach = compare(record, &known[slot], now, swept, used) { return "slot \(slot) \(breach)" }
    }
    guard looks % 8 == 0 || world.sabotage != nil || repair != nil else { return nil }
    return twins(worker, used) ?? worker.journey.tracker.table.checkInvariants()
  }

  private func compare(
    _ record: dpdkfwd_ct_record, _ known: inout Known, _ now: UInt32, _ swept: Int64, _ used: Int
  ) -> String? {
    let before = known
    let isSame = record.generation == before.generation
    let wasDue = Int32(bitPattern: before.deadline &- now) <= 0
    if !isSame, before.isAssured, !before.hasOwnEnd, !wasDue {
      return "lost an assured connection \(before.deadline &- now) ms before its time"
    }
    guard record.generation != 0 else {
      // Its last generation counts on.
      known.isAssured = false
      return nil
    }
    if !isSame {
      if record.generation < before.generation { return "has had its generation before" }
      known = Known(generation: record.generation, deadline: record.deadline)
    } else if !before.hasOwnEnd, Int32(bitPattern: record.deadline &- before.deadline) < 0 {
      return "is to end \(before.deadline &- record.deadline) ms earlier than before"
    }
    if record.deadline != known.deadline { known.overSince = -1 }
    known.isAssured = record.status & Status.assured != 0
    known.proto = record.protocol
    known.deadline = record.deadline
    guard Int32(bitPattern: record.deadline &- now) <= 0 else { return nil }
    if known.overSince < 0 { known.overSince = swept }
    // Two passes: the table may have grown on the way.
    return swept - known.overSince > 2 * Int64(used) ? "is over, and was swept over twice" : nil
  }

  /// Two live connections with one tuple and zone.
  private func twins(_ worker: borrowing Worker<VirtualIO>, _ used: Int) -> String? {
    var seen: [Words: Int] = [:]
    for slot in 0..<used where worker.journey.tracker.table.isLive(slot) {
      let record = unsafe worker.journey.tracker.table.record(slot).pointee
      let words = Words(record)
      for way in record.flags & DPDKFWD_CT_QUESTION != 0 ? [words] : [words, words.reversed] {
        if let other = seen[way], other != slot { return "slots \(other) and \(slot) hold the same connection" }
        seen[way] = slot
      }
    }
    return nil
  }

  private struct Words: Hashable {
    var source, destination: UInt32
    var ports: [UInt16]
    var rest: [UInt16]

    init(_ record: dpdkfwd_ct_record) {
      (source, destination) = (record.source, record.destination)
      ports = [record.source_port, record.destination_port]
      rest = [record.zone, UInt16(record.protocol), UInt16(record.flags & (DPDKFWD_CT_IPV6 | DPDKFWD_CT_QUESTION))]
    }

    var reversed: Words {
      var turned = self
      (turned.source, turned.destination) = (destination, source)
      turned.ports.reverse()
      return turned
    }
  }

  /// An outcome that counts as current and names a port that the worker knows to be closed.
  func staleOutcome(_ worker: borrowing Worker<VirtualIO>, _ world: World) -> String? {
    let down = world.accounts[worker.io.worker].knownDown
    guard down != 0 else { return nil }
    let generation = worker.journey.cache.generation
    for slot in 0..<worker.journey.tracker.table.slotsUsed where worker.journey.tracker.table.isLive(slot) {
      let record = unsafe worker.journey.tracker.table.record(slot).pointee
      guard record.cached_generation == generation else { continue }
      for port in [record.cached_egress.0, record.cached_egress.1] where port < 32 && down & 1 << UInt32(port) != 0 {
        return "slot \(slot) remembers port \(port), whose link is down"
      }
    }
    return nil
  }

  // MARK: Planted bugs

  /// Spoils the table once, when there is something to spoil.
  private func spoil(_ worker: borrowing Worker<VirtualIO>, _ world: World) {
    guard let sabotage = world.sabotage, world.isRipe else { return }
    let counts = unsafe worker.journey.tracker.table.counts
    let live = (0..<worker.journey.tracker.table.slotsUsed).filter { worker.journey.tracker.table.isLive($0) }
    guard let first = live.first else { return }
    let record = unsafe worker.journey.tracker.table.record(first)
    switch sabotage {
    case .losesIndexEntry:
      unsafe record.pointee.source_port ^= 1
      repair = { unsafe record.pointee.source_port ^= 1 }
    case .keepsGauge:
      unsafe counts.pointee.entries += 1
      repair = { unsafe counts.pointee.entries -= 1 }
    case .makesTwin:
      guard live.count > 1 else { return }
      let old = unsafe record.pointee
      unsafe Self.copyTuple(worker.journey.tracker.table.record(live[1]).pointee, to: record)
      repair = { unsafe Self.copyTuple(old, to: record) }
    case .movesDeadlineBack:
      guard unsafe record.pointee.protocol == 17, known.count > first, !known[first].isAsked,
        unsafe known[first].generation == record.pointee.generation
      else { return }
      unsafe record.pointee.deadline &-= 60_000
    case .keepsExpired:
      // Offloaded entries are not swept (W6).
      unsafe record.pointee.status |= Status.offload
    default: return
    }
    world.sabotage = nil
  }

  private static func copyTuple(_ from: dpdkfwd_ct_record, to record: UnsafeMutablePointer<dpdkfwd_ct_record>) {
    unsafe record.pointee.source = from.source
    unsafe record.pointee.destination = from.destination
    unsafe record.pointee.source_port = from.source_port
    unsafe record.pointee.destination_port = from.destination_port
    unsafe record.pointee.zone = from.zone
    unsafe record.pointee.protocol = from.protocol
    unsafe record.pointee.flags = from.flags
  }

  /// Makes outcomes of an old generation current ones, as if the change had emptied nothing.
  func spoilCache(_ worker: borrowing Worker<VirtualIO>, _ world: World, from old: UInt16) {
    guard world.sabotage == .keepsCache, world.isRipe, world.scenario.tracking != nil else { return }
    for slot in 0..<worker.journey.tracker.table.slotsUsed {
      let record = unsafe worker.journey.tracker.table.record(slot)
      guard unsafe record.pointee.cached_generation == old else { continue }
      unsafe record.pointee.cached_generation = worker.journey.cache.generation
    }
  }
}
