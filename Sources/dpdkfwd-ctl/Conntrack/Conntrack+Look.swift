internal import Inspection
internal import JSONText
internal import Segment

// What asks for no change: -L and -G.
extension Conntrack {
  func list(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    let selection = Selection(command.values)
    var writer = EntryWriter(try output(command), to: console, isDocument: true)
    var shown: [Connection] = []
    if !selection.isEmpty {
      try reading { tables throws(SegmentError) in
        try tables.each(command.table, selection.filter) { connection in
          guard selection.takes(connection) else { return true }
          writer.add(connection)
          if command.zero { shown.append(connection) }
          return true
        }
      }
    }
    writer.end()
    if command.zero, command.table == .conntrack { try await zero(shown) }
    tell("\(writer.count) flow entries have been shown.")
    return 0
  }

  /// Lets the counters of connections begin anew. What was counted since they were read is lost.
  private func zero(_ connections: [Connection]) async throws(ConntrackFailure) {
    guard !connections.isEmpty else { return }
    let none = JSON.object([("packets", .unsigned(0)), ("bytes", .unsigned(0))])
    try await calling { caller throws(ConntrackFailure) in
      for start in stride(from: 0, to: connections.count, by: Restoration.batch) {
        let operations = connections[start..<min(start + Restoration.batch, connections.count)].map { connection in
          let members = ConnectionJSON().object(connection).asObject ?? []
          let who = members.filter { ["l3", "l4", "orig", "reply", "zone"].contains($0.0) }
          return JSON.object([
            ("op", .text("update")), ("entry", .object(who + [("count_orig", none), ("count_reply", none)])),
          ])
        }
        // Those that have ended since need none.
        _ = try await ask(caller, "conntrack.apply", [("operations", .array(operations))])
      }
    }
  }

  func get(_ command: ConntrackCommand) throws(ConntrackFailure) -> Int32 {
    var values = command.values
    // A tuple lives in a zone; 0 unless another one is named.
    if values.id == nil, values.zone == nil {
      if values.original.hasAddress { values.original.zone = values.original.zone ?? 0 }
      if values.reply.hasAddress { values.reply.zone = values.reply.zone ?? 0 }
    }
    // Its state and tags do not tell it from others.
    values.state = nil
    values.tags = (nil, nil)
    let selection = Selection(values)
    var found: Connection?
    try reading { tables throws(SegmentError) in
      try tables.each(command.table, selection.filter) { connection in
        if selection.takes(connection) { found = connection }
        return found == nil
      }
    }
    guard let found else { throw .notFound }
    var writer = EntryWriter(try output(command), to: console, isDocument: true)
    writer.add(found)
    writer.end()
    tell("1 flow entries have been shown.")
    return 0
  }
}
