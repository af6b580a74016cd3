public import HookProgram
public import Pipeline
public import Primitives
internal import Rules
public import Ruleset

/// A user's program on a hook, as machine code: loaded, and kept as long as workers may call it.
public struct ObjectProgram: @unchecked Sendable {
  /// As its user names it.
  public var name: String
  public var hook: Hook
  /// On ingress: the port whose packets it sees; `nil`: those of all.
  public var port: String?
  /// In words: its section, its size, how it runs.
  public var about: String
  let call: HookCall
  public let counts: ProgramCounts
  private let owner: AnyObject

  var title: String { port.map { "\(name) (port \($0))" } ?? name }

  /// What it is, and what all workers counted of it.
  var summary: String {
    let sum = counts.sum
    return "\(title): \(about); packets \(sum.packets) drops \(sum.drops)"
  }

  /// - Parameter workers: that are to call it.
  init(name: String, hook: Hook, port: String?, _ loaded: LoadedObject, workers: Int) {
    counts = ProgramCounts(workers: workers)
    self.name = name
    self.hook = hook
    self.port = port
    about = loaded.about
    call = loaded.call
    owner = loaded.owner
  }

  /// Whether the hook cannot hold both: on ingress one program a port, elsewhere one of a name.
  func isSimilar(to other: ObjectProgram) -> Bool {
    guard hook == other.hook else { return false }
    return hook == .ingress ? port == other.port || port == nil || other.port == nil : name == other.name
  }
}

/// What a loader makes of an object file.
public struct LoadedObject: @unchecked Sendable {
  public var call: HookCall
  public var about: String
  /// Kept as long as the call may be made.
  public var owner: AnyObject

  public init(_ call: HookCall, about: String, owner: AnyObject) {
    self.call = call
    self.about = about
    self.owner = owner
  }
}

extension RuntimeContext {
  /// Adds a program from an object file (eBPF). Fails with `.exists` when the hook has a similar one.
  ///
  /// - Parameters:
  ///   - option: the port, on ingress.
  ///   - updates: it is to take the place of the similar one, which must be there.
  public func set(
    _ hook: Hook, object bytes: [UInt8], named name: String, section: String?, for option: ProgramOption?,
    updates: Bool = false, at now: Instant
  ) throws(RuleFailure) -> RuleChange {
    let rules = try rules()
    guard rules.unconfirmed == nil else { throw .unconfirmed }
    guard let load = rules.loadObject else { throw .unfit("no programs can be loaded here") }
    let port = try rules.port(option, on: hook)
    let program = ObjectProgram(
      name: name, hook: hook, port: port, try load(bytes, section), workers: rules.options.workers)
    var objects = rules.inForce.objects
    let similar = objects.indices.filter { objects[$0].isSimilar(to: program) }
    if updates {
      guard let place = similar.first else {
        throw .notFound("program \(program.title) on the hook \(hook.rawValue)")
      }
      guard similar.count == 1 else {
        throw .exists(
          "more than one program of these ports (\(similar.map { objects[$0].title }.joined(separator: ", ")))")
      }
      objects[place] = program
    } else {
      if let place = similar.first { throw .exists("the program \(objects[place].title)") }
      guard objects.count < RuleSetup.mostPrograms else {
        throw .unfit("there are \(objects.count) programs already, which is as many as there can be")
      }
      objects.append(program)
    }
    return try rules.prepare(objects)
  }

  /// Takes a program that came from an object file off its hook.
  ///
  /// - Parameter option: its port on ingress, or its name.
  public func remove(_ hook: Hook, _ option: ProgramOption?) throws(RuleFailure) -> RuleChange {
    let rules = try rules()
    guard rules.unconfirmed == nil else { throw .unconfirmed }
    var objects = rules.inForce.objects
    let meant = objects.indices.filter { objects[$0].hook == hook && (option?.names(objects[$0]) ?? true) }
    guard let place = meant.first else { throw .notFound("program of an object file on the hook \(hook.rawValue)") }
    guard meant.count == 1 else { throw .unfit("the hook \(hook.rawValue) has \(meant.count) programs: say which") }
    objects.remove(at: place)
    return try rules.prepare(objects)
  }

  /// What there is to tell of a program that came from an object file.
  public func about(_ hook: Hook, _ option: ProgramOption?) throws(RuleFailure) -> String? {
    let meant = try rules().inForce.objects.filter { $0.hook == hook && (option?.names($0) ?? true) }
    return meant.count == 1 ? "\(meant[0].summary)\n" : nil
  }
}

extension ProgramOption {
  fileprivate func names(_ program: ObjectProgram) -> Bool {
    switch self {
    case .port(let word): program.port == word || program.name == word
    case .chain: false
    }
  }
}

extension RuleKeeper {
  fileprivate func port(_ option: ProgramOption?, on hook: Hook) throws(RuleFailure) -> String? {
    guard hook == .ingress, let option else { return nil }
    guard case .port(let port) = option, options.ports.contains(port) else {
      throw .notFound("port of that name for a program on ingress")
    }
    return port
  }

  /// The same rules, with other programs behind them.
  fileprivate func prepare(_ objects: [ObjectProgram]) throws(RuleFailure) -> RuleChange {
    var next = inForce
    next.objects = objects
    place(objects, in: &next.setup)
    var change = RuleChange()
    change.next = next
    change.numbers = numbers
    return change
  }

  /// Has workers call the programs.
  func place(_ objects: [ObjectProgram], in setup: inout RuleSetup) {
    setup.set(
      programs: objects.map { object in
        let port = object.port.flatMap { options.ports.firstIndex(of: $0) }.map { UInt16($0) }
        return RuleSetup.Program(object.call, hook: RuleHook(object.hook), port: port, counts: object.counts)
      })
  }
}

extension RuleHook {
  /// Users' programs stand behind the rules of their hook, so those of prerouting see the connection.
  init(_ hook: Hook) {
    self =
      switch hook {
      case .ingress: .ingress
      case .prerouting: .prerouting
      case .forward: .forward
      case .postrouting: .postrouting
      }
  }
}
