internal import ControlClient
internal import Inspection
internal import JSONText
internal import Segment

// What happens: -E.
extension Conntrack {
  func watch(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    if command.hasBufferSize {
      console.error("NOTICE: events come through no socket; their rings have the size that [events] ring says.\n")
    }
    Interruption.await()
    return try await calling(readOnly: true) { caller throws(ConntrackFailure) in
      var watch = try await Watch(self, command, caller)
      return try await watch.run()
    }
  }
}

/// A subscription, and the one who prints what it brings.
private struct Watch {
  private let conntrack: Conntrack
  private let command: ConntrackCommand
  private let caller: any Caller
  private let selection: Selection
  private let subscription: JSON
  private var source: any EventSource
  private var writer: EntryWriter
  private var hasAdvised = false
  /// Of the connections' rings: the last that were known, by shard.
  private var acknowledged: [UInt64] = []
  /// Of those that reliable readers wait for, as far as it has been said.
  private var endsLost: UInt64 = 0

  init(_ conntrack: Conntrack, _ command: ConntrackCommand, _ caller: any Caller) async throws(ConntrackFailure) {
    self.conntrack = conntrack
    self.command = command
    self.caller = caller
    selection = Selection(command.values)
    // Beginnings and ends say which connections there are, which repair has to know.
    let mask = command.repairs ? command.events.union([.new, .destroy]) : command.events
    let kinds = ConnectionWords.eventMask.values.filter { mask.rawValue >> $0.value & 1 != 0 }
    var request: [(String, JSON)] = [
      ("kinds", .array(kinds.map { .text($0.name) })),
      ("keeps", .truth(command.isReliable)),
    ]
    if let zone = command.values.zone { request.append(("zones", .array([.unsigned(UInt64(zone))]))) }
    let answer = try await conntrack.ask(caller, "events.subscribe", request)
    subscription = answer["subscription"] ?? .null
    let rings = answer["rings"]?.asArray ?? []
    let positions = EventReader.Positions(
      connections: rings.map { $0["events"]?.asWhole() ?? 1 }, fragments: rings.map { $0["fragments"]?.asWhole() ?? 1 })
    do throws(SegmentError) {
      source = try conntrack.forwarder.events(from: positions, mask: mask, filter: selection.filter)
      if command.repairs { try source.learn() }
    } catch {
      throw .other("\(error)")
    }
    endsLost = source.endsLost
    writer = EntryWriter(try conntrack.output(command), to: conntrack.console, isDocument: true)
  }

  /// Ends when it is interrupted, or the forwarder does.
  mutating func run() async throws(ConntrackFailure) -> Int32 {
    var isOver = false
    var goesOn = true
    while goesOn {
      // What was written between the last look and the end is read after the end.
      isOver = !source.isLive
      // As long as there is more, but not against the user's will.
      while !Interruption.came, case let batch = source.read(), !batch.isEmpty {
        for event in batch.events { show(event) }
        if !batch.losses.isEmpty { try repair(batch.losses) }
        writer.flush()
        try await acknowledge()
      }
      goesOn = isOver ? false : await conntrack.pause()
    }
    writer.end()
    if isOver { conntrack.tell("the forwarder has ended") }
    conntrack.tell("\(writer.count) flow events have been shown.")
    return isOver ? 1 : 0
  }

  private mutating func show(_ event: SegmentEvent) {
    guard command.events.contains(event.kind) else { return }
    if case .connection(let event) = event, !selection.takes(event.connection) { return }
    writer.add(event)
  }

  private mutating func repair(_ losses: [EventReader.Loss]) throws(ConntrackFailure) {
    for loss in losses {
      conntrack.console.error(
        "WARNING: We are losing events: of \(loss.ring.rawValue) of worker \(loss.shard), \(loss.first) to "
          + "\(loss.last), \(loss.count) in all.\n")
    }
    if !hasAdvised {
      conntrack.console.error(
        """
        This means that they come faster than they are read, and the rings of events are too small for that.
        Please, check ring in [events] of dpdkfwd.toml(5).

        """)
      hasAdvised = true
    }
    let losses = losses.filter { $0.ring == .connections }
    guard command.repairs, !losses.isEmpty else { return }
    do throws(SegmentError) {
      let events = try source.repair(losses)
      conntrack.console.error("NOTICE: Repaired from the tables: \(events.count) events follow.\n")
      for event in events { show(.connection(event)) }
    } catch {
      throw .other("\(error)")
    }
  }

  /// Says so when ends fell out of the dying lists.
  private mutating func warnOfEnds() {
    let lost = source.endsLost
    guard lost > endsLost else { return }
    conntrack.console.error(
      "WARNING: The dying list has lost \(lost - endsLost) ends of connections: see dying in [events] of "
        + "dpdkfwd.toml(5).\n")
    endsLost = lost
  }

  /// Lets go of the ends that have been shown.
  private mutating func acknowledge() async throws(ConntrackFailure) {
    guard command.isReliable else { return }
    warnOfEnds()
    let known = source.positions.connections.map { $0 &- 1 }
    guard known != acknowledged else { return }
    acknowledged = known
    _ = try await conntrack.ask(
      caller, "events.acknowledge",
      [("subscription", subscription), ("events", .array(known.map { .unsigned($0) }))])
  }
}
