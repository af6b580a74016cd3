import Pipeline
import Primitives

/// All that an invariant may look at, between two steps.
struct Scene {
  let world: World
  let stations: [Station]
  let figures: [Figures]
  let census: World.Census
}

/// Something that holds after every step.
protocol Invariant: Sendable {
  var kind: Failure.Kind { get }
  /// What is wrong, or `nil`.
  func breach(_ scene: Scene) -> String?
}

/// received + handed in + cut into = sent + held + dropped + handed off + cut from, in packets and in bytes, for each
/// worker and so for all.
struct BalanceInvariant: Invariant {
  let kind = Failure.Kind.balance

  func breach(_ scene: Scene) -> String? {
    for (k, figures) in scene.figures.enumerated() {
      let came = figures.received.packets + figures.handedIn.packets + figures.cutInto.packets
      let went = figures.sent.packets + figures.dropped + figures.handedOff.packets + figures.cutFrom.packets
      if came != went + UInt64(figures.held) {
        return "worker \(k) received \(figures.received.packets) packets, was handed \(figures.handedIn.packets), "
          + "sent \(figures.sent.packets), holds \(figures.held), dropped \(figures.dropped), "
          + "handed off \(figures.handedOff.packets), cut \(figures.cutInto.packets) from \(figures.cutFrom.packets)"
      }
      if figures.dropped != figures.droppedByReason {
        return "worker \(k) dropped \(figures.dropped) packets, by reasons \(figures.droppedByReason)"
      }
      let held = scene.census.bytes[Int(Owner.worker(k).number)]
      let cameBytes = figures.received.bytes + figures.handedIn.bytes + figures.cutInto.bytes
      let wentBytes = figures.sent.bytes + figures.droppedBytes + figures.handedOff.bytes + figures.cutFrom.bytes
      if cameBytes != wentBytes + held {
        return "worker \(k) received \(figures.received.bytes) bytes, was handed \(figures.handedIn.bytes), "
          + "sent \(figures.sent.bytes), holds \(held), dropped \(figures.droppedBytes), "
          + "handed off \(figures.handedOff.bytes), cut \(figures.cutInto.bytes) from \(figures.cutFrom.bytes)"
      }
    }
    return nil
  }
}

/// A worker has just the buffers that it says it holds. (The census has looked at all the others.)
struct OwnershipInvariant: Invariant {
  let kind = Failure.Kind.ownership

  func breach(_ scene: Scene) -> String? {
    for (k, figures) in scene.figures.enumerated() where scene.census[.worker(k)] != figures.held {
      return "worker \(k) has \(scene.census[.worker(k)]) buffers and holds \(figures.held) packets"
    }
    return nil
  }
}

/// The counters of queues say what the ports saw, and every packet that was judged is of one kind.
struct CounterInvariant: Invariant {
  let kind = Failure.Kind.counter

  func breach(_ scene: Scene) -> String? {
    for (k, figures) in scene.figures.enumerated() {
      for port in 0..<scene.world.ports {
        let place = port * scene.world.workers + k
        if figures.receivedBy[port] != scene.world.inbound[place].delivered {
          return "worker \(k) counts other packets received by port \(port) than the port gave it"
        }
        if figures.sentBy[port] != scene.world.sent[place] {
          return "worker \(k) counts other packets sent by port \(port) than the port took"
        }
      }
      let account = scene.world.accounts[k]
      if figures.handedOff != account.handedOff || figures.handedIn != account.handedIn {
        return "worker \(k) counts other packets handed off or in than the rings took and gave"
      }
      if figures.cutInto != account.made {
        return "worker \(k) counts \(figures.cutInto.packets) pieces cut anew, and was made \(account.made.packets)"
      }
      if figures.begun != figures.ended + UInt64(figures.datagrams) {
        return "worker \(k) began \(figures.begun) datagrams, ended \(figures.ended) and has \(figures.datagrams)"
      }
      var judged = account.emptied
      for kind in figures.counts.kinds.indices {
        judged.packets += figures.counts.kinds[kind].packets
        judged.bytes += figures.counts.kinds[kind].bytes
      }
      if judged != figures.received {
        return "worker \(k) received \(figures.received.packets) packets, by kind \(judged.packets)"
      }
    }
    return nil
  }
}

/// What was dropped is what the models say, for their reasons; and so is what was found invalid.
struct FateInvariant: Invariant {
  let kind = Failure.Kind.fate

  func breach(_ scene: Scene) -> String? {
    for (k, figures) in scene.figures.enumerated() {
      let account = scene.world.accounts[k]
      for reason in DropReason.allCases {
        let i = Int(reason.rawValue)
        let count = figures.counts.drops[i].packets
        if count < account.certain[i] || count > account.certain[i] + account.perhaps[i] {
          return "worker \(k) dropped \(count) packets as \(reason.name), the models \(account.certain[i]) and perhaps "
            + "\(account.perhaps[i]) more"
        }
      }
      // What was cut anew goes back to the pool too.
      if figures.dropped + figures.cutFrom.packets != account.released.packets
        || figures.droppedBytes + figures.cutFrom.bytes != account.released.bytes
      {
        return "worker \(k) counts \(figures.dropped) packets dropped and gave \(account.released.packets) back"
      }
      let invalid = figures.counts.invalid.indices.reduce(0) { $0 + figures.counts.invalid[$1] }
      if invalid < account.invalid || invalid > account.doubtful {
        return "worker \(k) found \(invalid) packets invalid, of \(account.invalid) to \(account.doubtful)"
      }
      let scenario = scene.world.scenario
      let dropsInvalid = scenario.policy.invalid == .drop
      let refused = scenario.tracking == nil ? invalid : figures.trackedInvalid
      // A datagram is invalid once, however many its fragments.
      let dropped = figures.counts.drops[Int(DropReason.invalid.rawValue)].packets
      let isRight = scenario.fragments.isOff || refused == 0 ? dropped == refused : dropped >= refused
      if dropsInvalid ? !isRight : dropped > 0 {
        return "worker \(k) found \(refused) packets invalid and dropped others"
      }
    }
    return nil
  }
}

/// Counters that have just been copied out are the worker's own.
struct CommitInvariant: Invariant {
  let kind = Failure.Kind.commit

  func breach(_ scene: Scene) -> String? {
    for (station, figures) in zip(scene.stations, scene.figures) where station.hasCommitted {
      if !(station.committed == figures.counts) {
        return "worker \(station.index) copied out other counters than it has"
      }
    }
    return nil
  }
}

/// An idle worker polls on for a while before it sleeps, and never sleeps longer than the bound.
struct RestInvariant: Invariant {
  let kind = Failure.Kind.rest

  func breach(_ scene: Scene) -> String? {
    for station in scene.stations where station.rest > 0 {
      let isAllowed = scene.world.scenario.sleeps && station.emptyBreaths > Int(IdleRamp.patience)
      guard isAllowed, (IdleRamp.shortest...Station.longestRest).contains(station.rest) else {
        return "worker \(station.index) rests \(station.rest) ns after \(station.emptyBreaths) empty breaths"
      }
    }
    return nil
  }
}
