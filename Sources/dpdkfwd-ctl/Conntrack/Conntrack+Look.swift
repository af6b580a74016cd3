internal import Inspection
internal import JSONText
internal import Segment

// What asks for no change: -L and -G.
extension Conntrack {
  func list(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    if command.zero, command.table == .conntrack { return try await listZeroing(command) }
    let selection = Selection(command.values)
    var writer = EntryWriter(try output(command), to: console, isDocument: true)
    if !selection.isEmpty {
      try reading { tables throws(SegmentError) in
        try tables.each(command.table, selection.filter) { connection in
          guard selection.takes(connection) else { return true }
          writer.add(connection)
          return true
        }
      }
    }
    writer.end()
    tell("\(writer.count) flow entries have been shown.")
    return 0
  }

  /// `-L -z`: the workers say what they had counted, and begin anew, in one step.
  private func listZeroing(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    let filter = Selection(command.values).filter
    var writer = EntryWriter(try output(command), to: console, isDocument: true)
    try await calling { caller throws(ConntrackFailure) in
      try await each(caller, "conntrack.zero", [("filter", filter.json)]) { writer.add($0) }
    }
    writer.end()
    tell("\(writer.count) flow entries have been shown.")
    return 0
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
