internal import ControlProtocol
internal import ControlServer
internal import Conntrack
internal import Inspection
internal import JSONText
internal import Segment

// conntrack.*: how connections stand. Out of the segment where many are asked for, by the worker where one is.
extension Methods {
  /// Entries of one answer at most.
  static var mostEntries: UInt64 { 1000 }

  func list(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    _ = try tracking()
    let table = try parameters.text("table", of: ["conntrack", "dying", "unconfirmed"]) ?? "conntrack"
    let filter = try filter(parameters)
    let limit = Int(try parameters.whole("limit", in: 1...Self.mostEntries) ?? Self.mostEntries)
    let cursor = try parameters.whole("cursor", in: 0...UInt64.max).map { ConnectionID(rawValue: $0) }
    let json = try translating { () throws(SegmentError) in try ConnectionJSON(segment) }
    switch table {
    case "dying": return try await listDying(filter, from: cursor, limit: limit, json, client)
    // A connection is confirmed in the breath that sees its first packet: none is ever found before.
    case "unconfirmed": return page([], next: nil)
    default: return try await walk(filter, from: cursor, limit: limit, json, client)
    }
  }

  /// Goes through the tables as other readers do, in turns with whoever else does.
  private func walk(
    _ filter: ConnectionFilter, from cursor: ConnectionID?, limit: Int, _ json: ConnectionJSON, _ client: Client
  ) async throws(Fault) -> JSON {
    let workers = try translating { () throws(SegmentError) in try ConnectionReader.all(segment) }
    var (worker, slot) = try cursor.map { cursor throws(Fault) in try place(behind: cursor) } ?? (0, 0)
    if filter.conditions.contains(.id) {
      let found = workers.first { $0.shard == filter.id.shard }?.connection(filter.id, now: Clock.monotonic())
      guard let found, filter.takes(found), (worker, slot) <= (found.id.shard, found.id.slot) else {
        return page([], next: nil)
      }
      return page([json.object(found)], next: nil)
    }
    var entries: [JSON] = []
    while worker < workers.count {
      let reader = workers[worker]
      while slot < reader.slotsUsed {
        let room = min(limit - entries.count, Turns.told)
        let found = try await turns.take(client) {
          connections(of: reader, from: &slot, filter: filter, atMost: room).map { ($0.id, json.object($0)) }
        }
        entries += found.map(\.1)
        if entries.count == limit { return page(entries, next: found.last?.0) }
      }
      (worker, slot) = (worker + 1, 0)
    }
    return page(entries, next: nil)
  }

  /// What one turn finds.
  private func connections(
    of reader: ConnectionReader, from slot: inout Int, filter: ConnectionFilter, atMost room: Int
  ) -> [Connection] {
    var found: [Connection] = []
    let now = Clock.monotonic()
    let end = min(slot + Turns.slots, reader.slotsUsed)
    while slot < end, found.count < room {
      if let connection = reader.connection(at: slot, now: now, filter: filter) { found.append(connection) }
      slot += 1
    }
    return found
  }

  /// The list is in order of time, and what it holds goes at any moment: it is gone through for each answer.
  private func listDying(
    _ filter: ConnectionFilter, from cursor: ConnectionID?, limit: Int, _ json: ConnectionJSON, _ client: Client
  ) async throws(Fault) -> JSON {
    guard site.tellsEvents else {
      throw Fault(.unsupported, "table: events are off ([events] mode), and ends not kept")
    }
    let dying = try translating { () throws(SegmentError) in try DyingReader(segment) }
    var connections: [Connection] = []
    for shard in 0..<dying.shards {
      for first in stride(from: 0, to: dying.slots, by: Turns.slots) {
        connections += try await turns.take(client) {
          (first..<min(first + Turns.slots, dying.slots)).compactMap { slot in
            guard let connection = dying.event(of: shard, at: slot)?.connection, filter.takes(connection),
              cursor.map({ connection.id > $0 }) ?? true
            else { return nil }
            return connection
          }
        }
      }
    }
    let part = Array(connections.sorted { $0.id < $1.id }.prefix(limit))
    let entries = try await told(part, to: client) { json.object($0) }
    return page(entries, next: part.count < connections.count ? part.last?.id : nil)
  }

  func page(_ entries: [JSON], next: ConnectionID?) -> JSON {
    .object([("entries", .array(entries)), ("cursor", next.map { .unsigned($0.rawValue) } ?? .null)])
  }

  func filter(_ parameters: Parameters) throws(Fault) -> ConnectionFilter {
    // Null is no filter, and none at all is everything: whoever means that leaves it out.
    guard let json = parameters.given("filter") else { return ConnectionFilter() }
    return try translating(in: "filter") { () throws(MemberError) in try ConnectionFilter(json: json) }
  }

  // MARK: Cursors

  /// Where one who goes through the tables goes on behind a cursor: the connection that he was told of last, whether or
  /// not it still lives, or what `cursor(worker, slot)` made.
  func place(behind cursor: ConnectionID) throws(Fault) -> (worker: Int, slot: Int) {
    guard try epoch(of: cursor.shard) == cursor.epoch else {
      throw Fault(.invalidParameters, "cursor: \(cursor.rawValue) is no connection of this run")
    }
    return (cursor.shard, cursor.slot + 1)
  }

  /// What leads behind a slot of a worker.
  func cursor(_ worker: Int, _ slot: Int) throws(Fault) -> ConnectionID {
    ConnectionID(shard: worker, epoch: try epoch(of: worker) ?? 0, slot: slot, generation: 0)
  }

  private func epoch(of worker: Int) throws(Fault) -> UInt32? {
    let shards = segment.records(
      of: try translating { () throws(SegmentError) in try segment.kind("ct_shards", having: ["epoch"]) })
    return shards.first { $0.shard == worker }?.number("epoch").map { UInt32(truncatingIfNeeded: $0) & 0xf }
  }

  // MARK: One, and how many

  func get(_ json: JSON) async throws(Fault) -> JSON {
    _ = try tracking()
    guard json.asObject != nil else { throw Fault(.invalidParameters, "orig: is missing; reply or id would do") }
    let key = try translating { () throws(MemberError) in try ConnectionKey(json) }
    return try object(try await first(of: key.workers(site.placement), key.order(.look, client: 0)))
  }

  func count(_: Parameters) throws(Fault) -> JSON {
    _ = try tracking()
    return .object([("count", .unsigned(try connectionCount()))])
  }

  func connectionCount() throws(Fault) -> UInt64 {
    let shards = segment.records(
      of: try translating { () throws(SegmentError) in try segment.kind("ct_shards", having: ["entries"]) })
    return shards.reduce(0) { $0 + ($1.number("entries") ?? 0) }
  }

  /// Asks one worker after the other until one has the connection; what that one says.
  func first(of workers: [Int], _ order: ConnectionOrder) async throws(Fault) -> Desk.Answer {
    for worker in workers where site.mailboxes.indices.contains(worker) {
      let answers = try await translating { () async throws(DeskError) in
        try await desk.carryOut([order], on: worker)
      }
      if let answer = answers.first, answer.outcome != .notFound { return answer }
    }
    return Desk.Answer(outcome: .notFound, connection: Connection())
  }

  /// The connection, if the order was carried out.
  func object(_ answer: Desk.Answer) throws(Fault) -> JSON {
    guard answer.outcome.isSuccess else { throw Fault(answer.outcome) }
    return try translating { () throws(SegmentError) in try ConnectionJSON(segment) }.object(answer.connection)
  }

  // MARK: Buckets

  func buckets(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    _ = try tracking()
    var worker = Int(try parameters.whole("worker", in: 0...255) ?? 0)
    var bucket = Int(try parameters.whole("bucket", in: 0...UInt64(UInt32.max)) ?? 0)
    var counts: [JSON] = []
    while worker < site.mailboxes.count, counts.count < Self.mostBuckets {
      // Not held while the worker is waited for.
      try await turns.take(client) {}
      let part = try await translating { [worker, bucket] () async throws(DeskError) in
        try await desk.buckets(of: worker, from: bucket)
      }
      counts += part.counts.map { .unsigned(UInt64($0)) }
      (worker, bucket) = part.areAll ? (worker + 1, 0) : (worker, bucket + part.counts.count)
    }
    let next: JSON =
      worker < site.mailboxes.count
      ? .object([("worker", .unsigned(UInt64(worker))), ("bucket", .unsigned(UInt64(bucket)))]) : .null
    return .object([("counts", .array(counts)), ("next", next)])
  }

  private static var mostBuckets: Int { 65_536 }
}
