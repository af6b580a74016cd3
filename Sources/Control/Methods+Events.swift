internal import ControlProtocol
internal import ControlServer
internal import Inspection
internal import JSONText
internal import Segment

// events.*: who is told of what.
extension Methods {
  /// Events of one answer at most.
  static var mostEvents: UInt64 { 1000 }

  func subscribe(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    try checkEvents()
    var mask: EventMask = try parameters.truth("keeps") ?? false ? .keeps : []
    for json in try parameters.array("kinds") ?? Self.kinds.map({ .text($0.name) }) {
      guard let kind = Self.kinds.first(where: { $0.name == json.asText }) else {
        let names = Self.kinds.map(\.name).joined(separator: ", ")
        throw Fault(.invalidParameters, "kinds: expected words of \(names), not \(json.line)")
      }
      mask.insert(kind.mask)
    }
    let zones = try parameters.numbers("zones", most: UInt64(UInt16.max)).map { Set($0.map { UInt16($0) }) }
    // Before anything is written for this one: what others had written since is no harm.
    let written = try written()
    let wish = Subscriptions.Wish(mask: mask, zones: zones)
    guard let place = subscriptions.add(wish, of: client.number, known: written.map(\.events)) else {
      throw Fault(.noRoom, "a connection has \(Subscriptions.most) subscriptions at most")
    }
    let number = try await translating { () async throws(DeskError) in try await subscriptions.settle(place) }
    let rings = written.enumerated().map { shard, count -> JSON in
      .object([
        ("shard", .unsigned(UInt64(shard))), ("events", .unsigned(count.events + 1)),
        ("fragments", .unsigned(count.fragments + 1)),
      ])
    }
    return .object([("subscription", .unsigned(number)), ("rings", .array(rings))])
  }

  private func checkEvents() throws(Fault) {
    guard site.tellsEvents else { throw Fault(.unsupported, "events are off ([events] mode)") }
  }

  private static let kinds: [(name: String, mask: EventMask)] = [
    ("new", .new), ("update", .update), ("destroy", .destroy), ("refresh", .refresh), ("fragments", .fragments),
  ]

  /// Entries that each worker's rings have had.
  private func written() throws(Fault) -> [(events: UInt64, fragments: UInt64)] {
    let kind = try translating { () throws(SegmentError) in try segment.kind("events", having: ["written"]) }
    return segment.records(of: kind).map { record in
      let counts = (0..<5).map { record.number("written", element: $0) ?? 0 }
      return (counts[..<4].reduce(0, +), counts[4])
    }
  }

  func acknowledge(_ parameters: Parameters, _ client: Client) throws(Fault) -> JSON {
    let number = try parameters.neededWhole("subscription", in: 0...UInt64.max)
    _ = try parameters.needed("events")
    let known = try parameters.numbers("events") ?? []
    guard subscriptions.acknowledge(number, of: client.number, known) else {
      throw Fault(.notFound, "subscription: this connection has no such subscription")
    }
    return .object([])
  }

  /// What happened since; which events nobody can read any more is told as well.
  ///
  /// An answer holds so many events of each ring that there are no more than `limit` in all, but one of each at least.
  func readEvents(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    try checkEvents()
    let limit = try parameters.whole("limit", in: 1...Self.mostEvents) ?? Self.mostEvents
    let positions = EventReader.Positions(
      connections: try parameters.numbers("events") ?? [], fragments: try parameters.numbers("fragments") ?? [])
    var reader = try translating { () throws(SegmentError) in
      try EventReader(segment, from: .at(positions), mask: [.new, .update, .destroy, .refresh, .fragments])
    }
    let json = try translating { () throws(SegmentError) in try ConnectionJSON(segment) }
    let batch = reader.read(atMost: max(1, Int(limit) / max(1, 2 * reader.shards)))
    let events = try await told(batch.events, to: client) { event in
      switch event {
      case .connection(let event): json.object(event, style: .selfContained)
      case .fragments(let event): event.json
      }
    }
    let lost = batch.losses.map { loss -> JSON in
      .object([
        ("shard", .unsigned(UInt64(loss.shard))), ("ring", .text(loss.ring == .connections ? "events" : "fragments")),
        ("first", .unsigned(loss.first)), ("last", .unsigned(loss.last)),
      ])
    }
    let next = reader.positions
    return .object([
      ("events", .array(events)), ("lost", .array(lost)),
      (
        "next",
        .object([
          ("events", .array(next.connections.map { .unsigned($0) })),
          ("fragments", .array(next.fragments.map { .unsigned($0) })),
        ])
      ),
    ])
  }
}
