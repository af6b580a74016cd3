internal import ControlProtocol
internal import ControlServer
internal import Conntrack
internal import Inspection
internal import JSONText
internal import Segment

// conntrack.*: what changes connections. The workers that own them do it, a bounded part in each breath.
extension Methods {
  /// Operations of one request at most.
  static var mostOperations: Int { 1000 }

  // MARK: One by one

  func create(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    _ = try tracking()
    let entry = try parameters.needed("entry")
    let isExclusive = try parameters.truth("exclusive") ?? true
    let operation = try translating(in: "entry") { () throws(MemberError) in
      try Operation(isExclusive ? .create : .add, entry, client: UInt32(clamping: client.pid))
    }
    let answer = try await first(of: try workers(for: operation, by: try port(parameters)), operation.order)
    guard case .object(let members) = try object(answer) else { return .null }
    return .object(members + [("created", .truth(answer.outcome == .created))])
  }

  /// Operations in their order, as far as it can matter: those of one worker one after the other.
  func apply(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    _ = try tracking()
    _ = try parameters.needed("operations")
    let operations = try parameters.array("operations") ?? []
    guard operations.count <= Self.mostOperations else {
      throw Fault(.tooLarge, "operations: at most \(Self.mostOperations) in a request")
    }
    let port = try port(parameters)
    var results = [JSON](repeating: .null, count: operations.count)
    var waiting: [Int: [(place: Int, order: ConnectionOrder)]] = [:]
    for (place, json) in operations.enumerated() {
      let order: ConnectionOrder
      let workers: [Int]
      do throws(Fault) {
        let operation = try translating { () throws(MemberError) in
          try Operation(json, client: UInt32(clamping: client.pid))
        }
        (order, workers) = (operation.order, try self.workers(for: operation, by: port))
      } catch {
        results[place] = error.json
        continue
      }
      if workers.count == 1 {
        waiting[workers[0], default: []].append((place, order))
        continue
      }
      // Where it may be with several, each is asked, once those before have been carried out.
      try await carryOut(&waiting, &results)
      let answer = try await first(of: workers, order)
      if !answer.outcome.isSuccess { results[place] = Fault(answer.outcome).json }
    }
    try await carryOut(&waiting, &results)
    return .object([("results", .array(results))])
  }

  /// Has each worker carry out what waits for it.
  private func carryOut(
    _ waiting: inout [Int: [(place: Int, order: ConnectionOrder)]], _ results: inout [JSON]
  ) async throws(Fault) {
    for (worker, orders) in waiting.sorted(by: { $0.key < $1.key }) {
      let answers = try await translating { () async throws(DeskError) in
        try await desk.carryOut(orders.map(\.order), on: worker)
      }
      for (order, answer) in zip(orders, answers) where !answer.outcome.isSuccess {
        results[order.place] = Fault(answer.outcome).json
      }
    }
    waiting = [:]
  }

  private func port(_ parameters: Parameters) throws(Fault) -> Placement.Port? {
    guard let word = parameters["port"] else { return nil }
    guard let port = site.placement.port(word.asText ?? word.line) else {
      throw Fault(.invalidParameters, "port: there is no port \(word.line)")
    }
    return port
  }

  /// The workers that may have the connection; of a new one the one that it belongs to.
  private func workers(for operation: Operation, by port: Placement.Port?) throws(Fault) -> [Int] {
    let workers = operation.workers(site.placement, by: port).filter { site.mailboxes.indices.contains($0) }
    guard operation.creates, workers.count != 1 else { return workers }
    guard let port else {
      throw Fault(.invalidParameters, "port: is missing, for pairs of ports have different owners")
    }
    throw Fault(
      .unsupported, "port: several workers receive by \(port.name), and own what they receive ([lcores] steer)")
  }

  // MARK: By filter

  func update(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    var filter = try filter(parameters)
    let json = try parameters.needed("change")
    let change = try translating(in: "change") { [filter] () throws(MemberError) in
      try ConnectionChange(json: json, protocol: filter.conditions.contains(.protocol) ? filter.protocol : nil)
    }
    if change.values.protocol != 0 {
      // What a tracker remembers is of no other protocol's connections.
      filter.protocol = change.values.protocol
      filter.conditions.insert(.protocol)
    }
    return try await scan(
      ConnectionScan(.update, filter: filter, change: change, client: UInt32(clamping: client.pid)), parameters)
  }

  func delete(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    try await scan(
      ConnectionScan(.delete, filter: try filter(parameters), client: UInt32(clamping: client.pid)), parameters)
  }

  func zero(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    try await scan(
      ConnectionScan(.zero, filter: try filter(parameters), client: UInt32(clamping: client.pid)), parameters)
  }

  func flush(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    _ = try tracking()
    var scan = ConnectionScan(
      .delete, filter: try filter(parameters), client: UInt32(clamping: client.pid), isSilent: true)
    if scan.filter.conditions.contains(.id) {
      return .object([("count", .unsigned(UInt64(try await carryOutForOne(scan).count)))])
    }
    var count = 0
    for worker in site.mailboxes.indices {
      scan.next = 0
      while true {
        let found = try await translating { [scan] () async throws(DeskError) in
          try await desk.carryOut(scan, on: worker)
        }
        count += found.meant
        guard let next = found.next else { break }
        scan.next = next
      }
    }
    return .object([("count", .unsigned(UInt64(count)))])
  }

  /// Has the workers go through their tables until there are as many connections as one answer takes.
  private func scan(_ scan: ConnectionScan, _ parameters: Parameters) async throws(Fault) -> JSON {
    _ = try tracking()
    let limit = Int(try parameters.whole("limit", in: 1...Self.mostEntries) ?? Self.mostEntries)
    var scan = scan
    var worker = 0
    if let number = try parameters.whole("cursor", in: 0...UInt64.max) {
      (worker, scan.next) = try place(behind: ConnectionID(rawValue: number))
    }
    let json = try translating { () throws(SegmentError) in try ConnectionJSON(segment) }
    if scan.filter.conditions.contains(.id) {
      guard (worker, scan.next) <= (scan.filter.id.shard, scan.filter.id.slot) else { return page([], next: nil) }
      return page(try await carryOutForOne(scan).map { json.object($0) }, next: nil)
    }
    var entries: [JSON] = []
    while worker < site.mailboxes.count {
      let room = limit - entries.count
      let found = try await translating { [scan, worker] () async throws(DeskError) in
        try await desk.carryOut(scan, on: worker, room: room)
      }
      entries += found.connections.map { json.object($0) }
      if entries.count == limit, found.next != nil || worker + 1 < site.mailboxes.count {
        return page(entries, next: try cursor(worker, (found.next ?? ConnectionID.slots) - 1))
      }
      if let next = found.next {
        scan.next = next
      } else {
        (worker, scan.next) = (worker + 1, 0)
      }
    }
    return page(entries, next: nil)
  }

  /// The same where the filter names one connection by its number: it is looked at, and not the table gone through.
  private func carryOutForOne(_ scan: ConnectionScan) async throws(Fault) -> [Connection] {
    let id = scan.filter.id
    var key = ConnectionChange()
    key.values.id = id
    let seen = try await first(of: [id.shard], ConnectionOrder(.look, key: .id, client: scan.client, change: key))
    guard seen.outcome.isSuccess, scan.filter.takes(seen.connection) else { return [] }
    var scan = scan
    (scan.next, scan.isSilent) = (id.slot, false)
    return try await translating { [scan] () async throws(DeskError) in
      try await desk.carryOut(scan, on: id.shard, room: 1)
    }.connections
  }
}

extension Fault {
  /// As it stands among results.
  var json: JSON {
    .object([("code", .signed(Int64(error.code.rawValue))), ("message", .text(error.message))])
  }
}
