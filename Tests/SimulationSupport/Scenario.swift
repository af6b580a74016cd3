import Pipeline
import Primitives
import Steering
import TestSupport

/// What one life is like: drawn from the seed, fixed until it ends.
struct Scenario: Sendable {
  let workers: Int
  /// For each port the port of the other side, or -1.
  let peers: [Int]
  /// Ports 1 and 2 are two ends of one wire, so that a frame goes 0, 1, 2, 3 or back.
  let isChain: Bool
  let exits: [Exit]
  let policy: Policy
  let tracking: Tracking?
  let fragments: Fragments
  let rules: RulePlan
  let burst: Int
  let attempts: UInt32
  let sleeps: Bool
  let steer: SteerBy
  /// Packets that may wait from one worker to another.
  let ringRoom: Int
  let ownership: Ownership
  /// Packet buffers, and entries in each receive queue.
  let buffers: Int
  let queueRoom: Int
  /// Frames offered to a port in one step, at most.
  let load: Int
  /// Steps until the workers are told to stop.
  let length: Int
  let rates: Rates

  /// How often each kind of trouble comes: per frame, or per step where it says so.
  struct Rates: Sendable {
    let lost, repeated, reordered, damaged, split, astray: Rate
    /// Per call of a port: it yields or takes fewer than it could.
    let shortReceive, shortSend: Rate
    /// Per step: a long spell begins.
    let fullSpell, linkDown, strangers, quiet, stall, clockJump: Rate
  }

  init(workers: Int, _ chance: inout Chance) {
    self.workers = workers
    switch chance.below(5) {
    case 0: (peers, isChain) = ([1, 0], false)
    case 1: (peers, isChain) = ([1, 0, -1], false)
    case 2, 3: (peers, isChain) = ([1, 0, 3, 2], true)
    default: (peers, isChain) = ([1, 0, 3, 2], false)
    }
    exits = peers.map { Scenario.exit(to: $0, &chance) }
    tracking = chance.below(3) == 0 ? nil : Tracking(&chance)
    policy = Policy(
      checksum: chance.pick(Policy.Checksum.allCases), invalid: chance.pick(Policy.Invalid.allCases),
      refusesNew: tracking?.refusesNew ?? 0)
    burst = chance.pick([32, 32, 32, 16, 7, 1])
    attempts = UInt32(chance.pick([1, 2, 4, 16, 100]))
    sleeps = chance.below(4) > 0
    steer = chance.pick([.addressPair, .addressPair, .fiveTuple, .port])
    ringRoom = chance.pick([1, 8, 64, 512])
    // The last worker of some lives owns nothing.
    let owners = workers > 1 && chance.below(4) == 0 ? workers - 1 : workers
    var numbers = SeededGenerator(seed: chance.next())
    ownership = Ownership(
      by: steer,
      hash: steer == .addressPair && chance.below(2) == 0
        ? .toeplitz(SymmetricKey(using: &numbers)) : .keyed(HashSecret(seed: chance.next())),
      owners: [Array(0..<owners)])
    buffers = chance.pick([40, 128, 512, 1_024])
    queueRoom = chance.pick([4, 32, 128, 512])
    load = chance.pick([4, 32, 64])
    length = chance.draw(200...6_000)
    rates = Rates(
      lost: Scenario.rate(0.1, 10, &chance), repeated: Scenario.rate(0.1, 10, &chance),
      reordered: Scenario.rate(0.2, 20, &chance), damaged: Scenario.rate(0.2, 10, &chance),
      split: Scenario.rate(1, 30, &chance), astray: Scenario.rate(0.2, 50, &chance),
      shortReceive: Scenario.rate(1, 50, &chance), shortSend: Scenario.rate(0.5, 40, &chance),
      fullSpell: Scenario.rate(0.1, 2, &chance), linkDown: Scenario.rate(0.05, 1, &chance),
      strangers: Scenario.rate(0.1, 1, &chance), quiet: Scenario.rate(0.02, 0.1, &chance),
      stall: Scenario.rate(1, 20, &chance), clockJump: Scenario.rate(0.02, 0.2, &chance))
    fragments = Fragments(buffers: buffers, &chance)
    // A sequence of its own: what others draw stays as it is.
    var aside = chance
    aside = Chance(seed: aside.next() ^ 0x7275_6c65)
    rules = RulePlan(&aside)
  }

  /// Who owns what by the word of one worker: the same for all, unless a bug is planted.
  func ownership(of worker: Int, _ sabotage: Sabotage?) -> Ownership {
    guard sabotage == .missteers, worker == 0 else { return ownership }
    return Ownership(by: steer, hash: .keyed(HashSecret(seed: 0)), owners: ownership.owners)
  }

  /// Never, now and then, or often, in percent.
  private static func rate(_ light: Double, _ heavy: Double, _ chance: inout Chance) -> Rate {
    [Rate.never, .percent(light), .percent(heavy)][chance.below(3)]
  }

  private static func exit(to port: Int, _ chance: inout Chance) -> Exit {
    guard port >= 0 else { return Exit(port: .max, closed: .noPair) }
    let longest: UInt32 = chance.pick([.max, 9_018, 2_048, 1_518])
    return Exit(
      port: UInt16(port), mtu: chance.pick([nil, nil, 9_000, 1_500, 1_280, 600]), longest: longest,
      longestChained: chance.pick([longest, .max, 1_518]), finishesChecksums: chance.below(2) == 0,
      cutsSegments: chance.below(2) == 0)
  }
}

/// What happens on the virtual wires and beside them.
enum Trouble: UInt8, CaseIterable {
  case lost, repeated, reordered, damaged, split, astray
  /// A receive queue was full, no buffer was free, the link was down: frames that no worker ever received.
  case missed, noBuffer, unplugged
  /// Packets that were handed from worker to worker, and those that found a ring full.
  case handoffs, fullRings
  /// Datagrams that left in the fragments that they came in, of which some were marked as congested; those that left
  /// cut anew, and pieces for which there was no buffer.
  case datagrams, marked, cuts, unmade
  case shortReceive, shortSend, fullSpells, linkChanges, strangers, quietSpells, stalls, clockJumps, sleeps
  /// What was asked of workers.
  case orders, scans, knobs
  /// Rulesets that replaced others.
  case rules
}
