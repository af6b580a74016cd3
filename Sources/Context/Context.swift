// Context: the rules that are in force, and everything that is done to them while packets pass. A change is made in
// three steps: prepared (text read, checked and compiled, nothing anybody could notice), begun and told to the workers,
// and finished when all of them have taken it over; what was in force before is kept until then. Whoever calls tells
// the workers and knows a clock: time is an argument here, and a test needs neither.
//
//   RuleKeeper       what is in force, and changes to it
//   Explanation      what the rules say of one packet, step by step
//   RuntimeContext   the same rules as programs on hooks, in the manner of bpfilter's context

public import Pipeline
public import Primitives
public import Rules
public import Ruleset

/// The rules in force. Not to be used by two at once: whoever calls sees to it that one call follows another.
public final class RuleKeeper: @unchecked Sendable {
  public struct Options: Sendable {
    /// Names by port number; empty where there is no port.
    public var ports: [String]
    /// By port number, the port that sends what comes in by it.
    public var pairs: [Int: Int]
    public var workers: Int
    /// How many each worker can have at once.
    public var connections = 131_072
    /// Without rules no packet passes.
    public var failsClosed = false
    /// Without rules flows take the short way all the same.
    public var hasAutoFlowtable = false
    public var flows = RuleIssue.FlowTimeouts()
    /// Of all connections, in milliseconds by `Timeout`; `nil`: netfilter's.
    public var timeouts: [UInt32]?

    public init(ports: [String], pairs: [Int: Int] = [:], workers: Int) {
      self.ports = ports
      self.pairs = pairs
      self.workers = workers
    }
  }

  /// A ruleset as the workers run it.
  struct Rules: Sendable {
    /// The operator's.
    var ruleset = Ruleset()
    /// What is run: the same, or what stands in for none.
    var run = Ruleset()
    var issue: RuleIssue?
    var setup = RuleSetup()
    /// Users' programs behind the rules.
    var objects: [ObjectProgram] = []
  }

  struct Unconfirmed {
    var before: Rules
    var deadline: Instant
  }

  public let options: Options
  let states: RuleStates
  var inForce = Rules()
  var unconfirmed: Unconfirmed?
  /// What workers were told to go by and have not all taken over: where the forwarder ends before that, those that have
  /// go by it to their end.
  var begun: [Rules] = []
  var numbers = RuleNumbers()
  /// Whether flows of a table that was removed are still in it, by its number.
  public var isBusy: (UInt8) -> Bool = { _ in false }
  /// Makes a program of an object file's bytes and the name of a section in it; `nil`: nobody can.
  public var loadObject: (@Sendable ([UInt8], String?) throws(RuleFailure) -> LoadedObject)?
  /// How often rules were replaced.
  public internal(set) var generation: UInt64 = 0
  /// What the last change took to prepare.
  public internal(set) var preparation = Interval.nanoseconds(0)

  public init(_ options: Options) {
    self.options = options
    states = RuleStates(workers: options.workers, connections: options.connections)
    inForce.setup = RuleSetup(isClosed: options.failsClosed)
  }

  /// What workers that start now begin with.
  public var setup: RuleSetup { inForce.setup }

  /// What workers run stands in for rules that nobody loaded.
  public var isGenerated: Bool { inForce.ruleset.tables.isEmpty && !inForce.run.tables.isEmpty }

  /// No packet passes, for there are no rules.
  public var isClosed: Bool { inForce.setup.isClosed }

  /// When what is in force is undone unless somebody confirms it.
  public var deadline: Instant? { unconfirmed?.deadline }

  public var size: RulesetSize { RulesetSize(inForce.ruleset) }

  /// Users' programs behind the rules.
  public var programs: [ObjectProgram] { inForce.objects }

  /// A worker's part, to be made once and moved to it.
  public func engine(worker: Int, liveness: ConnectionLiveness = ConnectionLiveness()) -> RuleEngine {
    states.engine(worker: worker, liveness: liveness)
  }
}

/// How much there is of a ruleset.
public struct RulesetSize: Hashable, Sendable, CustomStringConvertible {
  public var tables = 0
  public var chains = 0
  public var rules = 0
  public var flowtables = 0

  init(_ ruleset: Ruleset) {
    tables = ruleset.tables.count
    for table in ruleset.tables {
      chains += table.chains.count
      rules += table.chains.reduce(0) { $0 + $1.rules.count }
      flowtables += table.flowtables.count
    }
  }

  public var description: String {
    func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }
    return "\(count(rules, "rule")) in \(count(chains, "chain")) of \(count(tables, "table"))"
      + (flowtables == 0 ? "" : ", \(count(flowtables, "flow table"))")
  }
}

/// Why rules are not changed, or not shown. Nothing was done.
public enum RuleFailure: Error, Equatable, Sendable {
  case faults(RulesetFaults)
  /// Sound text of which no program can be made.
  case unbuildable(String)
  /// The last load waits to be confirmed.
  case unconfirmed
  case nothingToConfirm
  case exists(String)
  case notFound(String)
  /// A text that is no program for its hook.
  case unfit(String)
  /// There is no context, or there is one already.
  case notSetUp, isSetUp
}

extension RuleFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .faults(let faults): faults.description
    case .unbuildable(let cause): cause
    case .unconfirmed: "rules that were loaded wait to be confirmed: confirm them or roll them back first"
    case .nothingToConfirm: "no rules wait to be confirmed"
    case .exists(let what): "\(what) exists"
    case .notFound(let what): "there is no \(what)"
    case .unfit(let cause): cause
    case .notSetUp: "the context is not set up"
    case .isSetUp: "the context is set up already"
    }
  }
}
