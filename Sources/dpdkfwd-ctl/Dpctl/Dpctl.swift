internal import ControlClient
internal import ControlProtocol
internal import JSONText
internal import Segment

/// `dpdkfwd-ctl dpctl`: the verbs of `ovs-appctl dpctl/*` of Open vSwitch 3.1 that concern tracking and fragments, on our
/// forwarder: the same words, replies, errors and exit status; docs/decisions/0023 tells where they differ and why.
///
/// What is shown is read from shared memory and needs no leave, as far as it lies there.
struct Dpctl {
  let forwarder: any DpctlForwarder
  let console: Console
  /// The forwarder's, which may be named as a datapath.
  let prefix: String

  /// - Parameter words: options, the verb, and what follows it.
  /// - Returns: the exit status.
  func run(_ words: [String]) async -> Int32 {
    if words.contains("-h") || words.contains("--help") {
      console.out(DpctlVerb.helpText)
      return 0
    }
    guard let place = words.firstIndex(where: { !$0.hasPrefix("-") }) else {
      console.error("dpdkfwd-ctl: missing command name; use `dpdkfwd-ctl dpctl help' for help\n")
      return 1
    }
    guard let verb = DpctlVerb(rawValue: words[place]) else {
      console.error(
        "\"dpctl/\(words[place])\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n")
      return 2
    }
    do throws(DpctlFailure) {
      let given = try DpctlWords(
        Array(words[(place + 1)...]), before: Array(words[..<place]), of: verb, prefix: prefix)
      try await execute(verb, given)
      return 0
    } catch {
      console.error(error.text + "\n")
      if let detail = error.detail { console.error("dpdkfwd-ctl: \(detail)\n") }
      if error.isUsage { console.error("usage: dpdkfwd-ctl dpctl \(verb.rawValue) \(verb.usage)\n") }
      return error.status
    }
  }

  private func execute(_ verb: DpctlVerb, _ words: DpctlWords) async throws(DpctlFailure) {
    switch verb {
    case .dumpConntrack: try dump(words)
    case .dumpExpectations: throw .refused("dumping expectations is not supported yet", "Operation not supported")
    case .flushConntrack: try await flush(words)
    case .statistics: try showStatistics(words)
    case .buckets: try await showBuckets(words)
    case .setMaxConnections: try await setMaxConnections(words)
    case .maxConnections: try await showMaxConnections(words)
    case .connections: try showConnections(words)
    case .enableSequenceCheck: try await setSequenceCheck(words, on: true)
    case .disableSequenceCheck: try await setSequenceCheck(words, on: false)
    case .sequenceCheck: try await showSequenceCheck(words)
    case .setSweepInterval: try await setSweepInterval(words)
    case .sweepInterval: try await showSweepInterval(words)
    case .setLimits: try await setLimits(words)
    case .deleteLimits: try await deleteLimits(words)
    case .limits: try await showLimits(words)
    case .enableFragments: try await setFragments(words, on: true)
    case .disableFragments: try await setFragments(words, on: false)
    case .setSmallestFragment: try await setSmallestFragment(words)
    case .setMaxFragments, .setMaxFragmentsOnce: try await setMaxFragments(words)
    case .fragmentStatus: try showFragments(words)
    case .listCommands: console.out(DpctlVerb.listText)
    case .help: console.out(DpctlVerb.helpText)
    }
  }

  // MARK: Parts of verbs

  /// - Parameter failing: what is said when it fails.
  func reading<Value>(
    _ failing: String, _ body: (any DpctlForwarder) throws(SegmentError) -> Value
  ) throws(DpctlFailure) -> Value {
    do {
      return try body(forwarder)
    } catch {
      throw .reading(failing, error)
    }
  }

  /// Opens a control socket for as long as `body` takes.
  func calling<Value>(
    _ failing: String, readOnly: Bool = false, _ body: (DpctlCall) async throws(DpctlFailure) -> Value
  ) async throws(DpctlFailure) -> Value {
    let caller: any Caller
    do throws(ControlClientError) {
      caller = try await forwarder.connect(readOnly: readOnly)
    } catch {
      throw .asking(failing, error, isReadOnly: readOnly)
    }
    do throws(DpctlFailure) {
      let value = try await body(DpctlCall(caller: caller, failing: failing))
      await caller.close()
      return value
    } catch {
      await caller.close()
      throw error
    }
  }

  /// Has the forwarder change something.
  @discardableResult
  func change(
    _ method: String, _ parameters: [(String, JSON)], failing: String
  ) async throws(DpctlFailure) -> JSON {
    try await calling(failing) { call throws(DpctlFailure) in try await call(method, .object(parameters)) }
  }

  /// Asks it for something that the segment does not tell.
  func ask(_ method: String, _ parameters: [(String, JSON)], failing: String) async throws(DpctlFailure) -> JSON {
    try await calling(failing, readOnly: true) { call throws(DpctlFailure) in
      try await call(method, .object(parameters))
    }
  }

  func say(_ line: String) { console.out(line + "\n") }
}

/// Requests of one verb.
struct DpctlCall {
  let caller: any Caller
  let failing: String

  func callAsFunction(_ method: String, _ parameters: JSON) async throws(DpctlFailure) -> JSON {
    do {
      return try await caller.call(method, parameters)
    } catch {
      throw .asking(failing, error)
    }
  }
}
