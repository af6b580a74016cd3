import Conntrack
import Pipeline
import Primitives
import TestSupport
import Wire

/// The virtual ports, wires and the pool of one life. It owns every packet buffer, follows each through the hands it
/// passes and keeps its own account of what it saw; the first thing that is wrong stays in `failure`.
final class World {
  let scenario: Scenario
  let slab: Slab
  var chance: Chance
  let workers: Int
  let ports: Int
  let traffic: Traffic
  let models: [any Model]

  var step = 0
  var now = Instant(nanoseconds: 0)
  var cycles: UInt64 = 0
  /// What workers are told of the time: connections live and die by it.
  var clock = Instant(nanoseconds: 0)
  /// Where those who ask workers for something get their chance from.
  var asking: Chance
  /// Who changes the rules; `nil`: there are none.
  var desk: RuleDesk?
  /// What all workers' trackers may hold together.
  let limits: SharedLimits?
  private(set) var failure: Failure?
  var troubles = InlineArray<28, UInt64>(repeating: 0)
  /// What is left of a planted bug.
  var sabotage: Sabotage?

  /// By port x worker: a queue for each.
  var inbound: [Inbound]
  var outlets: [Outlet]
  /// By giver x owner: packets on their way from one worker to another.
  var rings: [Ring<Int32>]
  /// What each worker is sending by each port, by port x worker, if it is a datagram in several packets.
  var lanes: [Lane]
  /// Datagrams that were cut anew and have not left yet, and what each worker is cutting; -1: nothing.
  var cuts: [Int32: Cut] = [:]
  var cutting: [Int32]
  var lastCut: Int32 = 0
  /// Datagrams whose time was over when they were last looked at, by key x worker: which, and at which breath.
  var late: [Int: (came: Instant, breaths: UInt64)] = [:]
  /// Packets that came to workers.
  var stamps: UInt64 = 0
  var keys: [[UInt8]: Int32]
  /// By worker: when its clock stopped, if a planted bug did that.
  var stopped: [Instant?]
  /// The worker that had a conversation's packets last, by conversation; -1: nobody yet.
  var ownersSeen: [Int8]
  /// By port x worker: packets sent.
  var sent: [Tally.Count]
  var accounts: [Account]
  /// Free buffers, and those that a stranger has.
  var free: [Int32]
  var strangers: [Int32] = []
  var censuses: UInt64 = 0

  /// A frame on its way to a port.
  struct Arrival: BitwiseCopyable {
    var template: Int32 = 0
    /// What to damage it by; 0: nothing.
    var damage: UInt32 = 0
  }

  /// A receive queue: frames from outside, or buffers from the port at the other end of the wire.
  struct Inbound {
    var frames: Ring<Arrival>
    var buffers: Ring<Int32>
    let isWired: Bool
    /// Given to the worker.
    var delivered = Tally.Count()
    var sequence: UInt32 = 0
    /// The last of this queue that left by a port, by the port and the worker that sent it: one worker has a flow.
    var lastSent: InlineArray<16, UInt32> = InlineArray(repeating: 0)
  }

  /// What a port is like for those who send by it, and its link.
  struct Outlet {
    let isWired: Bool
    var isUp = true
    var downUntil = Instant(nanoseconds: 0)
    var fullUntil = Instant(nanoseconds: 0)
  }

  /// What must be in a worker's counters, from what the world saw.
  struct Account {
    /// Bit by port: links that the worker knows to be down.
    var knownDown: UInt32 = 0
    var isEmptying = false, isDraining = false
    /// Received while the ports were emptied: never judged.
    var emptied = Tally.Count()
    /// Given to other workers' rings, and taken from them.
    var handedOff = Tally.Count()
    var handedIn = Tally.Count()
    /// Made for it, but for what it gave back before it was offered to a port.
    var made = Tally.Count()
    /// Given back, and why by the models: for sure, and perhaps.
    var released = Tally.Count()
    var certain = InlineArray<49, UInt64>(repeating: 0)
    var perhaps = InlineArray<49, UInt64>(repeating: 0)
    /// Packets with a good IP header that are invalid for sure, and that may be.
    var invalid: UInt64 = 0
    var doubtful: UInt64 = 0
  }

  init(_ scenario: Scenario, traffic: Traffic, models: [any Model], chance: Chance, sabotage: Sabotage?) {
    self.scenario = scenario
    self.traffic = traffic
    self.models = models
    self.chance = chance
    // A sequence of its own: what others draw stays as it is.
    var aside = chance
    asking = Chance(seed: aside.next() ^ 0x6173_6b69_6e67)
    let ruling = Chance(seed: aside.next() ^ 0x7275_6c65)
    self.sabotage = sabotage
    workers = scenario.workers
    ports = scenario.peers.count
    slab = Slab(count: scenario.buffers)
    limits = scenario.tracking?.limits(workers: scenario.workers)
    clock = scenario.tracking?.start ?? clock
    let isWired = (0..<scenario.peers.count).map { scenario.isChain && ($0 == 1 || $0 == 2) }
    outlets = isWired.map { Outlet(isWired: $0) }
    inbound = isWired.flatMap { isWired in
      (0..<scenario.workers).map { _ in
        Inbound(
          frames: Ring(capacity: scenario.queueRoom, filler: Arrival()),
          buffers: Ring(capacity: scenario.queueRoom, filler: 0), isWired: isWired)
      }
    }
    rings = Array(repeating: Ring(capacity: scenario.ringRoom, filler: 0), count: workers * workers)
    lanes = Array(repeating: Lane(), count: ports * workers)
    cutting = Array(repeating: -1, count: workers)
    keys = traffic.keys
    stopped = Array(repeating: nil, count: workers)
    ownersSeen = Array(repeating: -1, count: max(traffic.pairs, traffic.conversations))
    sent = Array(repeating: Tally.Count(), count: ports * workers)
    accounts = Array(repeating: Account(), count: workers)
    free = (0..<Int32(scenario.buffers)).reversed()
    desk = RuleDesk(self, ruling)
  }

  func fail(_ kind: Failure.Kind, _ detail: @autoclosure () -> String) {
    if failure == nil { failure = Failure(kind: kind, step: step, detail: detail()) }
  }

  func note(_ trouble: Trouble) { troubles[Int(trouble.rawValue)] += 1 }

  // MARK: Words

  func describe(_ slot: Int) -> String { describe(slab.slots[slot]) }

  func describe(_ packet: Slot) -> String {
    let (port, queue) = Int(packet.inbound).quotientAndRemainder(dividingBy: workers)
    return "packet \(packet.sequence) of port \(port) queue \(queue), \(packet.length) bytes"
  }

  func name(_ reason: UInt8) -> String { DropReason(rawValue: reason)?.name ?? "nothing" }
}
