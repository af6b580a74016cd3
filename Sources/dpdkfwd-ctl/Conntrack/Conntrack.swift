internal import ControlClient
internal import ControlProtocol
internal import Inspection
internal import JSONText
internal import Segment

/// `dpdkfwd-ctl conntrack`: conntrack(8) of conntrack-tools 1.4.7, on our forwarder.
///
/// What is listed is read from shared memory and needs no leave; what is changed is asked for by the control socket.
struct Conntrack {
  let forwarder: any Forwarder
  let console: Console
  /// As in /etc/protocols.
  var protocols = ProtocolNames()
  /// `nil`: those of the usual file.
  var labels: LabelMap?
  /// Waits for more events; false when there shall be no more.
  var pause: @Sendable () async -> Bool = Conntrack.untilInterrupted

  /// - Parameter words: without the program's name.
  /// - Returns: the exit status.
  func run(_ words: [String]) async -> Int32 {
    do throws(ConntrackFailure) {
      if words.count >= 2, words[0] == "-R" || words[0] == "--load-file" {
        try await Restoration(self).run(words[1], port: Self.port(words[2...]))
        return 0
      }
      let command = try parse(words)
      let status = try await execute(command)
      return status
    } catch {
      tell(error.text)
      if error.kind == .parameters {
        console.error(
          "Try `dpdkfwd-ctl conntrack -h' or 'dpdkfwd-ctl conntrack --help' for more information.\n")
      }
      return error.status
    }
  }

  /// What `-R` takes beside its file; anything else there is overlooked, as by conntrack(8).
  private static func port(_ words: ArraySlice<String>) -> String? {
    guard let place = words.firstIndex(of: "--port") else { return nil }
    return words[place...].dropFirst().first
  }

  func parse(_ words: [String]) throws(ConntrackFailure) -> ConntrackCommand {
    try ConntrackParser.parse(words, labels: labels, protocols: protocols) { console.error($0 + "\n") }
  }

  /// Says something as conntrack does: its name, its version, the program behind it, and what there is to say.
  func tell(_ text: String) { console.error("conntrack v\(Program.version) (dpdkfwd): \(text)\n") }

  private func execute(_ command: ConntrackCommand) async throws(ConntrackFailure) -> Int32 {
    switch command.action {
    case .version:
      console.out("conntrack v\(Program.version) (dpdkfwd)\n")
      return 0
    case .help:
      console.out(ConntrackHelp.text(protocol: command.values.protocol))
      return 0
    case _ where command.table == .expect: throw .operation("expectations are not supported yet")
    case .list: return try await list(command)
    case .get: return try get(command)
    case .count:
      console.out("\(try reading { tables throws(SegmentError) in try tables.count() })\n")
      return 0
    case .statistics:
      for line in try reading({ tables throws(SegmentError) in try tables.statistics() }) { console.out(line + "\n") }
      return 0
    case .create, .add: return try await create(command)
    case .update, .delete: return try await change(command)
    case .flush: return try await flush(command)
    case .event: return try await watch(command)
    }
  }

  private static let untilInterrupted: @Sendable () async -> Bool = {
    try? await Task.sleep(for: .milliseconds(20))
    return !Interruption.came
  }

  // MARK: Parts of commands

  func reading<Value>(
    _ body: (any ConnectionTables) throws(SegmentError) -> Value
  ) throws(ConntrackFailure) -> Value {
    do {
      return try body(try forwarder.tables())
    } catch {
      throw .reading(error)
    }
  }

  /// Opens a control socket for as long as `body` takes.
  func calling<Value>(
    readOnly: Bool = false, _ body: (any Caller) async throws(ConntrackFailure) -> Value
  ) async throws(ConntrackFailure) -> Value {
    let caller: any Caller
    do throws(ControlClientError) {
      caller = try await forwarder.connect(readOnly: readOnly)
    } catch {
      if readOnly, case .noPermission = error { throw .forbiddenToRead }
      throw .answered(error, console)
    }
    do throws(ConntrackFailure) {
      let value = try await body(caller)
      await caller.close()
      return value
    } catch {
      await caller.close()
      throw error
    }
  }

  func ask(
    _ caller: any Caller, _ method: String, _ parameters: [(String, JSON)]
  ) async throws(ConntrackFailure) -> JSON {
    do throws(ControlClientError) {
      return try await caller.call(method, .object(parameters))
    } catch {
      throw .answered(error, console)
    }
  }

  func output(_ command: ConntrackCommand) throws(ConntrackFailure) -> ConnectionOutput {
    let lcores =
      command.output.contains(.json)
      ? try reading { tables throws(SegmentError) in try tables.lcores() } : [:]
    do {
      return try ConnectionOutput(
        command.output, now: Clock.wall() / 1_000_000_000, json: ConnectionJSON(lcores: lcores),
        labelNames: command.labelNames.names, style: command.style)
    } catch {
      throw .other("\(error)")
    }
  }
}

extension ConntrackFailure {
  /// A segment that lacks a table is of a forwarder that does not keep it: said as the control socket says it.
  static func reading(_ error: SegmentError) -> ConntrackFailure {
    guard case .fields(let kind, []) = error else { return .other("\(error)") }
    switch kind {
    case "ct", "ct_shards", "tracking": return .other("connections are not tracked ([conntrack])")
    case "ct_dying", "ct_events": return .other("events are off ([events])")
    default: return .other("\(error)")
    }
  }

  /// What conntrack says of an error, where it knows it; the forwarder's own words are told before.
  static func answered(_ error: ControlClientError, _ console: Console) -> ConntrackFailure {
    guard case .answered(let code, let message, _) = error else {
      if case .noPermission = error { return .forbidden }
      return .other("\(error)")
    }
    return answered(code: code, message, console)
  }

  static func answered(code: Int, _ message: String, _ console: Console) -> ConntrackFailure {
    switch ControlCode(rawValue: code) {
    case .exists: return .exists
    case .notFound: return .notFound
    case .forbidden: return .forbidden
    case .invalidParameters:
      console.error(message + "\n")
      return .operation("invalid parameters")
    case .unsupported:
      console.error(message + "\n")
      return .operation("Operation not supported")
    case .noRoom:
      console.error(message + "\n")
      return .operation("not enough memory")
    default: return .operation("\(message) (\(code))")
    }
  }

  static let exists = operation("Such conntrack exists, try -U to update")
  static let notFound = operation("such conntrack doesn't exist")
  static let forbidden = operation("sorry, you must be root or the forwarder's user to do this")
  static let forbiddenToRead = operation(
    "sorry, you must be root, the forwarder's user or in the group of its control-ro socket to do this")
}
