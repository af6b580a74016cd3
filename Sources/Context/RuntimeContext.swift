public import Primitives
public import Ruleset
internal import Synchronization

/// Which program of a hook is meant.
public enum ProgramOption: Hashable, Sendable {
  /// On a hook that has one program: the port.
  case port(String)
  /// On one that has many: the chain.
  case chain(family: Family, table: String, chain: String)

  /// `eth0`, or `inet/filter/forward`.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 1, !text.isEmpty {
      self = .port(text)
    } else if parts.count == 3, let family = Family(rawValue: parts[0]) {
      self = .chain(family: family, table: parts[1], chain: parts[2])
    } else {
      return nil
    }
  }
}

/// The rules as programs on hooks, as bpfilter's context has them: a program is a base chain with what it needs.
/// Ingress holds one for each port, the other hooks as many as there are chains. All of it works on the keeper it was
/// set up with, and fails with `.notSetUp` without one.
public final class RuntimeContext: Sendable {
  private let keeper = Mutex<RuleKeeper?>(nil)

  public init() {}

  /// Fails when there is one already, which stays as it is.
  public func setup(_ rules: RuleKeeper) throws(RuleFailure) {
    let isSetUp = keeper.withLock { keeper in
      defer { keeper = keeper ?? rules }
      return keeper != nil
    }
    if isSetUp { throw .isSetUp }
  }

  /// Workers go on with the programs they have. May be called again.
  public func teardown() { keeper.withLock { $0 = nil } }

  public var isSetUp: Bool { keeper.withLock { $0 != nil } }

  func rules() throws(RuleFailure) -> RuleKeeper {
    guard let keeper = keeper.withLock({ $0 }) else { throw .notSetUp }
    return keeper
  }

  /// A program as a text that could be set again, with what it counted; `nil`: there is none.
  ///
  /// - Parameter option: which, on a hook that has several; one that has a single program needs none.
  public func get(_ hook: Hook, _ option: ProgramOption? = nil, at now: Instant) throws(RuleFailure) -> String? {
    let rules = try rules()
    let all = rules.filled(rules.inForce.run, at: now)
    let programs = all.programs(on: hook).filter { option?.names($0) ?? true }
    guard programs.count < 2 else {
      throw .unfit("the hook \(hook.rawValue) has \(programs.count) programs: say which")
    }
    return programs.first.map { program in
      var ruleset = Ruleset()
      ruleset.tables = [program.table.part(of: program.chain.name)]
      return ruleset.listing()
    }
  }

  /// Adds a program. Fails with `.exists` when the hook has a similar one: on ingress one of the same port, elsewhere
  /// one of the same name.
  ///
  /// - Parameter option: what the program is for, if that is to be checked.
  public func set(
    _ hook: Hook, _ texts: RuleTexts, for option: ProgramOption? = nil, at now: Instant
  ) throws(RuleFailure) -> RuleChange {
    let rules = try rules()
    guard rules.unconfirmed == nil else { throw .unconfirmed }
    let program = try rules.program(texts, on: hook, option)
    let old = rules.filled(rules.inForce.ruleset, at: now)
    if let similar = old.programs(on: hook).first(where: { $0.isSimilar(to: program) }) {
      throw .exists("the program \(similar.title)")
    }
    return try rules.prepare(try rules.read(texts, on: old).ruleset, from: old, at: now)
  }

  /// Puts a program in the place of the similar one, at once; rules that are the same in both keep what they counted.
  public func update(
    _ hook: Hook, _ texts: RuleTexts, for option: ProgramOption? = nil, at now: Instant
  ) throws(RuleFailure) -> RuleChange {
    let rules = try rules()
    guard rules.unconfirmed == nil else { throw .unconfirmed }
    let program = try rules.program(texts, on: hook, option)
    let old = rules.filled(rules.inForce.ruleset, at: now)
    let similar = old.programs(on: hook).filter { $0.isSimilar(to: program) }
    guard let first = similar.first else { throw .notFound("program \(program.title) on the hook \(hook.rawValue)") }
    guard similar.count == 1 else {
      throw .exists("more than one program of these ports (\(similar.map(\.title).joined(separator: ", ")))")
    }
    var next = try rules.read(texts, on: old.without(first)).ruleset
    next.adopt(from: old)
    rules.keepElements(in: &next, at: now)
    return try rules.prepare(next, from: old, at: now)
  }

  /// Hooks, their programs, the rules of these and what they counted: a line each, the prefix before every one.
  public func dump(prefix: String = "", at now: Instant) throws(RuleFailure) -> String {
    let rules = try rules()
    let all = rules.filled(rules.inForce.run, at: now)
    var text = ""
    func line(_ depth: Int, _ words: String) { text += prefix + String(repeating: "  ", count: depth) + words + "\n" }
    line(0, "context: \(RulesetSize(all))" + (rules.isGenerated ? " (generated)" : ""))
    for hook in Hook.allCases {
      line(1, "hook \(hook.rawValue)")
      for program in all.programs(on: hook) {
        line(2, "program \(program.title) \(program.base.summary)")
        // Reachable chains follow, as they are jumped to.
        for chain in program.table.part(of: program.chain.name).chains {
          if chain.name != program.chain.name { line(3, "chain \(chain.name)") }
          for rule in chain.rules { line(chain.name == program.chain.name ? 3 : 4, rule.summary(in: program.table)) }
        }
      }
      for object in rules.inForce.objects where object.hook == hook {
        line(2, "program \(object.summary)")
      }
    }
    return text
  }
}

/// A base chain, where it is.
struct Program {
  var table: Table
  var chain: Chain
  var base: BaseChain

  var title: String { "\(table.family.rawValue)/\(table.name)/\(chain.name)" }

  /// Whether a hook cannot hold both.
  func isSimilar(to other: Program) -> Bool {
    if base.hook == .ingress, !Set(base.devices).isDisjoint(with: other.base.devices) { return true }
    return title == other.title
  }
}

extension ProgramOption {
  fileprivate func names(_ program: Program) -> Bool {
    switch self {
    case .port(let port): program.base.devices.contains(port)
    case .chain(let family, let table, let chain):
      program.table.family == family && program.table.name == table && program.chain.name == chain
    }
  }
}

extension BaseChain {
  fileprivate var summary: String {
    (devices.isEmpty ? "" : "devices \(devices.joined(separator: ",")) ") + "priority \(priority) "
      + "policy \(drops ? "drop" : "accept")"
  }
}

extension Rule {
  /// Its handle, its counters, and itself in nft's words.
  fileprivate func summary(in table: Table) -> String {
    let counts = statements.compactMap { statement -> String? in
      switch statement {
      case .counter(let counter): "packets \(counter.packets) bytes \(counter.bytes)"
      case .namedCounter(let name):
        table.counters.first { $0.name == name }.map {
          "packets \($0.counter.packets) bytes \($0.counter.bytes) (\(name))"
        }
      default: nil
      }
    }
    let words = Rule.text([self], in: table).first ?? ""
    return (["rule \(handle): \(words)"] + counts).joined(separator: "; ")
  }
}

extension RuleKeeper {
  /// The one program that a text has, which must be for that hook.
  fileprivate func program(
    _ texts: RuleTexts, on hook: Hook, _ option: ProgramOption?
  ) throws(RuleFailure) -> Program {
    let programs = try read(texts, on: Ruleset()).ruleset.programs()
    guard programs.count == 1, let program = programs.first else {
      throw .unfit("a program is one base chain; the text has \(programs.count)")
    }
    guard program.base.hook == hook else {
      throw .unfit("\(program.title) is for the hook \(program.base.hook.rawValue), not \(hook.rawValue)")
    }
    if let option, !option.names(program) { throw .unfit("\(program.title) is another program than was meant") }
    return program
  }
}

extension Ruleset {
  /// In the order in which packets meet them.
  fileprivate func programs(on hook: Hook? = nil) -> [Program] {
    let programs = tables.flatMap { table in
      table.chains.compactMap { chain in chain.base.map { Program(table: table, chain: chain, base: $0) } }
    }
    return programs.filter { hook == nil || $0.base.hook == hook }.enumerated()
      .sorted { ($0.element.base.priority, $0.offset) < ($1.element.base.priority, $1.offset) }.map(\.element)
  }

  /// The same without a program and what only it needs.
  fileprivate func without(_ program: Program) -> Ruleset {
    var rest = self
    guard let place = tables.firstIndex(where: { $0.family == program.table.family && $0.name == program.table.name })
    else { return rest }
    let own = program.table.part(of: program.chain.name)
    rest.tables[place].chains.removeAll { $0.name == program.chain.name }
    // What other programs, or chains that nobody jumps to, still need.
    var needed = Table.Names()
    let others = rest.tables[place]
    for chain in others.chains where chain.base != nil || !own.chains.contains(where: { $0.name == chain.name }) {
      others.collect(chain.name, into: &needed)
    }
    rest.tables[place].remove(own.names.subtracting(needed))
    return rest
  }
}
