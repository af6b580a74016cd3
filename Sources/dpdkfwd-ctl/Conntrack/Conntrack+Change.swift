internal import ControlClient
internal import ControlProtocol
internal import Inspection
internal import JSONText
internal import Segment

// What changes the tables: -I, -A, -U, -D and -F.
extension Conntrack {
  func create(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    let port = command.port.map { [("port", JSON.text($0))] } ?? []
    let parameters = [("entry", Self.wished(try command.values.entry())), ("exclusive", .truth(true))] + port
    var count = 1
    do throws(ConntrackFailure) {
      try await calling { caller throws(ConntrackFailure) in
        _ = try await ask(caller, "conntrack.create", parameters)
      }
    } catch {
      // -A leaves what is there as it is.
      guard command.action == .add, error == .exists else { throw error }
      count = 0
    }
    tell("\(count) flow entries have been \(command.action == .add ? "added" : "created").")
    return 0
  }

  /// A connection that there is to be. When it began and what it carried is the forwarder's to say.
  static func wished(_ entry: Connection) -> JSON {
    ConnectionJSON().object(entry, given: [.status, .timeout, .state, .details, .mark, .labels])
  }

  /// `-U` and `-D`. Where nothing was meant by it, that is a failure.
  func change(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    let count = try await calling { caller throws(ConntrackFailure) in try await change(command, by: caller) }
    tell("\(count) flow entries have been \(command.action == .update ? "updated" : "deleted").")
    return count == 0 ? 1 : 0
  }

  /// - Returns: how many there were.
  func change(_ command: ConntrackCommand, by caller: any Caller) async throws(ConntrackFailure) -> Int {
    let isUpdate = command.action == .update
    let selection = Selection(command.values, changes: isUpdate)
    var request: [(String, JSON)] = []
    if isUpdate {
      guard let change = try command.values.change() else { return 0 }
      request = [("change", change.json)]
    }
    let method = isUpdate ? "conntrack.update" : "conntrack.delete"
    var writer = EntryWriter(
      try output(command), to: console, isDocument: false, savedAs: isUpdate ? "-A" : "-D")
    defer { writer.end() }
    for filter in try filters(selection) {
      try await each(caller, method, request + [("filter", filter.json)]) { writer.add($0) }
      writer.flush()
    }
    return writer.count
  }

  /// Hands over the connections of an answer that comes in pages.
  func each(
    _ caller: any Caller, _ method: String, _ request: [(String, JSON)], _ body: (Connection) -> Void
  ) async throws(ConntrackFailure) {
    var cursor = JSON.null
    repeat {
      let answer = try await ask(caller, method, request + [("limit", .unsigned(500)), ("cursor", cursor)])
      for entry in answer["entries"]?.asArray ?? [] { body(try connection(entry)) }
      cursor = answer["cursor"] ?? .null
    } while !cursor.isNull
  }

  /// Filters that the forwarder understands: the selection's own, or one for each connection that it takes.
  private func filters(_ selection: Selection) throws(ConntrackFailure) -> [ConnectionFilter] {
    guard !selection.isPlain else { return [selection.filter] }
    guard !selection.isEmpty else { return [] }
    var filters: [ConnectionFilter] = []
    try reading { tables throws(SegmentError) in
      try tables.each(.conntrack, selection.filter) { connection in
        guard selection.takes(connection) else { return true }
        // What else is asked for must still hold when its turn comes.
        var filter = selection.filter
        filter.id = connection.id
        filter.conditions.insert(.id)
        filters.append(filter)
        return true
      }
    }
    return filters
  }

  private func connection(_ json: JSON) throws(ConntrackFailure) -> Connection {
    do {
      return try Connection(json: json)
    } catch {
      throw .other("the forwarder's answer cannot be read: \(error)")
    }
  }

  func flush(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    try await calling { caller throws(ConntrackFailure) in try await flush(command, by: caller) }
    return 0
  }

  func flush(_ command: ConntrackCommand, by caller: any Caller) async throws(ConntrackFailure) {
    let filter = Selection(command.values).filter
    _ = try await ask(caller, "conntrack.flush", [("filter", filter.json)])
    tell("connection tracking table has been emptied.")
  }
}
