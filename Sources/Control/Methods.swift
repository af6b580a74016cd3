public import ControlProtocol
public import ControlServer
internal import Conntrack
internal import Inspection
public import JSONText
public import Segment

/// The methods of the control socket. docs/control.md lists them.
public final class Methods: ControlService {
  let site: Site
  let desk: Desk
  let pacing: Pacing
  let turns: Turns
  let subscriptions: Subscriptions
  let knobs: Knobs
  /// `nil`: there are no rules.
  let office: RuleOffice?
  /// The forwarder's own segment, as any reader sees it.
  let segment: SegmentReader

  /// What a method does.
  private enum Method: String, CaseIterable {
    case version
    case list = "conntrack.list"
    case get = "conntrack.get"
    case count = "conntrack.count"
    case create = "conntrack.create"
    case update = "conntrack.update"
    case delete = "conntrack.delete"
    case flush = "conntrack.flush"
    case zero = "conntrack.zero"
    case apply = "conntrack.apply"
    case buckets = "conntrack.buckets"
    case subscribe = "events.subscribe"
    case acknowledge = "events.acknowledge"
    case read = "events.read"
    case getTracking = "tracking.get"
    case setTracking = "tracking.set"
    case getLimits = "limits.get"
    case setLimits = "limits.set"
    case deleteLimits = "limits.delete"
    case getFragments = "fragments.get"
    case setFragments = "fragments.set"
    case stageRules = "ruleset.stage"
    case loadRules = "ruleset.load"
    case confirmRules = "ruleset.confirm"
    case rollBackRules = "ruleset.rollback"
    case runCommands = "ruleset.run"
    case listRules = "ruleset.list"
    case explainRules = "ruleset.explain"
    case rulesNow = "ruleset.status"
    case traceRules = "ruleset.trace"
    case listFlowtables = "flowtable.list"
    case dumpContext = "context.dump"
    case getProgram = "context.get"
    case setProgram = "context.set"
    case updateProgram = "context.update"
    case removeProgram = "context.remove"

    var access: Access {
      switch self {
      case .version, .list, .get, .count, .buckets, .subscribe, .acknowledge, .read, .getTracking, .getLimits,
        .getFragments, .listRules, .explainRules, .rulesNow, .traceRules, .listFlowtables, .dumpContext, .getProgram:
        .read
      case .create, .update, .delete, .flush, .zero, .apply, .setTracking, .setLimits, .deleteLimits, .setFragments,
        .stageRules, .loadRules, .confirmRules, .rollBackRules, .runCommands, .setProgram, .updateProgram,
        .removeProgram:
        .write
      }
    }
  }

  /// Fails when the segment cannot be read.
  public init(_ site: Site, _ pacing: Pacing) throws(SegmentError) {
    self.site = site
    self.pacing = pacing
    segment = try SegmentReader(site.paths)
    turns = Turns(pacing)
    let rest = pacing.rest
    desk = Desk(site.mailboxes) { await rest(Self.breath) }
    knobs = Knobs(site)
    let desk = desk
    office = site.rules.map { RuleOffice($0, desk, pacing) }
    subscriptions = Subscriptions(site, desk, pacing)
  }

  /// Between two looks at what a worker was asked to do, in nanoseconds.
  private static let breath: UInt64 = 50_000

  /// Workers are about to end: nothing is asked of them any more.
  public func close() {
    desk.close()
    office?.close()
  }

  // MARK: ControlService

  public func access(of method: String) -> Access? { Method(rawValue: method)?.access }

  public func answer(_ method: String, _ parameters: JSON, _ client: Client) async throws(ControlError) -> JSON {
    guard let known = Method(rawValue: method) else { throw ControlError(.methodNotFound, "there is no \(method)") }
    do throws(Fault) {
      return try await answer(known, parameters, client)
    } catch {
      throw error.error
    }
  }

  private func answer(_ method: Method, _ json: JSON, _ client: Client) async throws(Fault) -> JSON {
    switch method {
    case .version: try version(Parameters(json))
    case .list: try await list(Parameters(json, ["filter", "limit", "cursor", "table"]), client)
    case .get: try await get(json)
    case .count: try count(Parameters(json))
    case .create: try await create(Parameters(json, ["entry", "exclusive", "port"]), client)
    case .update: try await update(Parameters(json, ["filter", "change", "limit", "cursor"]), client)
    case .delete: try await delete(Parameters(json, ["filter", "limit", "cursor"]), client)
    case .zero: try await zero(Parameters(json, ["filter", "limit", "cursor"]), client)
    case .flush: try await flush(Parameters(json, ["filter"]), client)
    case .apply: try await apply(Parameters(json, ["operations", "port"]), client)
    case .buckets: try await buckets(Parameters(json, ["worker", "bucket"]), client)
    case .subscribe: try await subscribe(Parameters(json, ["kinds", "zones", "keeps"]), client)
    case .acknowledge: try acknowledge(Parameters(json, ["subscription", "events"]), client)
    case .read: try await readEvents(Parameters(json, ["events", "fragments", "limit"]), client)
    case .getTracking: try trackingNow(Parameters(json))
    case .setTracking:
      try await setTracking(Parameters(json, ["connections_limit", "tcp_seq_chk", "sweep_interval_ms"]))
    case .getLimits: try await limits(Parameters(json, ["zones"]), client)
    case .setLimits: try await setLimits(Parameters(json, ["default", "zones"]), client)
    case .deleteLimits: try await deleteLimits(Parameters(json, ["default", "zones"]), client)
    case .getFragments: try fragmentsNow(Parameters(json))
    case .setFragments: try await setFragments(Parameters(json, ["v4", "v6", "max_fragments"]))
    case .stageRules: try stage(Parameters(json, ["text"]), client)
    case .loadRules:
      try await loadRules(Parameters(json, ["sources", "includes", "staged", "dry_run", "confirm"]), client)
    case .confirmRules: try await confirmRules(Parameters(json))
    case .rollBackRules: try await rollBackRules(Parameters(json))
    case .runCommands:
      try await runCommands(
        Parameters(json, ["sources", "includes", "staged", "options", "dry_run", "echo"]), client)
    case .listRules: try await listRules(Parameters(json, ["command", "options", "from"]), client)
    case .explainRules: try await explainRules(Parameters(json, ["words", "frame"]))
    case .rulesNow: try await rulesNow(Parameters(json))
    case .traceRules: try await traces(Parameters(json, ["from"]))
    case .listFlowtables: try flowtables(Parameters(json))
    case .dumpContext: try await dumpContext(Parameters(json, ["prefix", "from"]), client)
    case .getProgram: try await program(Parameters(json, ["hook", "option"]), client)
    case .removeProgram: try await removeProgram(Parameters(json, ["hook", "option"]))
    case .setProgram, .updateProgram:
      try await setProgram(
        Parameters(json, ["hook", "option", "sources", "includes", "staged", "object", "name", "section"]), client,
        updates: method == .updateProgram
      )
    }
  }

  public func lasts(_ client: Client) -> Bool { subscriptions.has(client.number) }

  public func counted(_ counts: ControlCounts) { site.describe(counts) }

  public func ended(_ client: Client) {
    subscriptions.end(of: client.number)
    office?.forget(client.number)
  }

  private func version(_: Parameters) -> JSON {
    .object([
      ("version", .text(site.version)), ("prefix", .text(site.prefix)), ("pid", .unsigned(UInt64(segment.info.pid))),
      ("protocol", .unsigned(1)),
    ])
  }

  /// What tracking is done with; fails where there is none.
  func tracking() throws(Fault) -> Site.Tracking {
    guard let tracking = site.tracking else { throw Fault(.unsupported, "connections are not tracked ([conntrack])") }
    return tracking
  }
}

/// Why a method comes to nothing.
struct Fault: Error {
  let error: ControlError

  init(_ code: ControlCode, _ message: String, _ data: JSON? = nil) {
    error = ControlError(code, message, data: data)
  }
  /// - Parameter name: of the parameter that the object was given as.
  init(_ error: MemberError, in name: String = "") {
    self.init(.invalidParameters, error.member.isEmpty && !name.isEmpty ? "\(name): \(error.problem)" : "\(error)")
  }
  init(_ error: SegmentError) {
    if case .invalid(let cause) = error {
      self.init(.invalidParameters, cause)
    } else {
      self.init(.internalError, "\(error)")
    }
  }
  init(_ error: DeskError) {
    switch error {
    case .stopping: self.init(.busy, "the forwarder is about to end")
    case .cancelled: self.init(.timeout, "given up: nobody waits for the answer any more")
    }
  }

  /// What came of an order that failed.
  init(_ outcome: OrderOutcome) {
    switch outcome {
    case .done, .created: self.init(.internalError, "nothing is wrong")
    case .exists: self.init(.exists, "there is such a connection")
    case .notFound: self.init(.notFound, "there is no such connection")
    case .busy: self.init(.invalidParameters, "status: SEEN_REPLY and ASSURED cannot be taken back")
    case .invalidTuple: self.init(.invalidParameters, "orig: no packet that opens a connection has such a tuple")
    case .needsTranslation:
      self.init(.unsupported, "reply: only the original tuple turned round; address translation is not supported yet")
    case .tableFull: self.init(.noRoom, "the worker's table is full")
    case .connectionLimit: self.init(.noRoom, "as many connections are tracked as may be")
    case .zoneLimit: self.init(.noRoom, "as many connections are in the zone as may be")
    case .sourceLimit: self.init(.noRoom, "as many connections are of that source as may be")
    case .tupleTaken: self.init(.exists, "another connection has its reply tuple")
    case .noExtension: self.init(.noRoom, "there is no room for labels ([conntrack] extensions)")
    }
  }
}

/// Calls what fails in its own words.
func translating<Value>(in name: String = "", _ body: () throws(MemberError) -> Value) throws(Fault) -> Value {
  do { return try body() } catch { throw Fault(error, in: name) }
}
func translating<Value>(_ body: () throws(SegmentError) -> Value) throws(Fault) -> Value {
  do { return try body() } catch { throw Fault(error) }
}
func translating<Value>(_ body: () async throws(DeskError) -> Value) async throws(Fault) -> Value {
  do { return try await body() } catch { throw Fault(error) }
}

/// A method's parameters, by name, or the members of one that is an object.
struct Parameters {
  private let members: JSON
  /// What goes before a name when something is wrong with it.
  private let path: String

  /// Fails when there is one that is not known, for what it was to say would be left out of account.
  ///
  /// - Parameter name: of the parameter that the object is.
  init(_ json: JSON, _ known: Set<String> = [], in name: String? = nil) throws(Fault) {
    path = name.map { "\($0)." } ?? ""
    if json.isNull, name == nil {
      members = .object([])
      return
    }
    guard let given = json.asObject else {
      throw Fault(.invalidParameters, name.map { "\($0): expected an object" } ?? "parameters are given by name")
    }
    for (name, _) in given where !known.contains(name) {
      throw Fault(.invalidParameters, "there is no parameter \(path)\(name)")
    }
    members = json
  }

  /// One that is null is as good as none.
  subscript(name: String) -> JSON? { members[name].flatMap { $0.isNull ? nil : $0 } }

  /// The same where it makes a difference.
  func given(_ name: String) -> JSON? { members[name] }

  private func wrong(_ name: String, _ problem: String) -> Fault {
    Fault(.invalidParameters, "\(path)\(name): \(problem)")
  }

  func needed(_ name: String) throws(Fault) -> JSON {
    guard let value = self[name] else { throw wrong(name, "is missing") }
    return value
  }

  func whole(_ name: String, in range: ClosedRange<UInt64>) throws(Fault) -> UInt64? {
    guard let value = self[name] else { return nil }
    guard let number = value.asUInt64, range.contains(number) else {
      throw wrong(name, "expected a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func neededWhole(_ name: String, in range: ClosedRange<UInt64>) throws(Fault) -> UInt64 {
    _ = try needed(name)
    return try whole(name, in: range) ?? 0
  }

  func truth(_ name: String) throws(Fault) -> Bool? {
    guard let value = self[name] else { return nil }
    guard let truth = value.asBool else { throw wrong(name, "expected true or false") }
    return truth
  }

  func text(_ name: String, of words: [String]) throws(Fault) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.asText, words.contains(text) else {
      throw wrong(name, "expected one of \(words.joined(separator: ", "))")
    }
    return text
  }

  func text(_ name: String) throws(Fault) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.asText else { throw wrong(name, "expected a text") }
    return text
  }

  func neededText(_ name: String) throws(Fault) -> String {
    _ = try needed(name)
    return try text(name) ?? ""
  }

  /// Some of them as an object of their own.
  func object(of names: [String]) -> JSON { .object(names.compactMap { name in self[name].map { (name, $0) } }) }

  func array(_ name: String) throws(Fault) -> [JSON]? {
    guard let value = self[name] else { return nil }
    guard let array = value.asArray else { throw wrong(name, "expected an array") }
    return array
  }

  func numbers(_ name: String, most: UInt64 = .max) throws(Fault) -> [UInt64]? {
    guard let array = try array(name) else { return nil }
    var numbers: [UInt64] = []
    for element in array {
      guard let number = element.asUInt64, number <= most else {
        throw wrong(name, "expected whole numbers up to \(most)")
      }
      numbers.append(number)
    }
    return numbers
  }
}
