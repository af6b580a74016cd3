public import Pipeline
public import Primitives
internal import Rules
public import Ruleset

/// What is to become of the rules: made and checked, and not yet known to any worker.
public struct RuleChange: Sendable {
  /// What workers are to take over; `nil`: it does not concern them.
  public var setup: RuleSetup? { next?.setup }
  /// What `list` and `reset` print.
  public var output = ""
  /// What the setup points into, kept as long as any worker may go by it; `nil`: there are no rules.
  public var issue: RuleIssue? { next?.issue }
  /// What it took to make it, as far as the caller knows.
  public var preparation: Interval?

  var next: RuleKeeper.Rules?
  var numbers: RuleNumbers?
  /// Of sets that packets change: the others are part of the program.
  var elements: [ElementChanges] = []
  var resets: [StateID] = []
  /// How long until it is undone unless it is confirmed.
  var confirmation: Interval?
  /// To what it goes back then, as it was when the change was made.
  var before: Ruleset?
  var ends = false

  init() {}
}

/// Texts that come together: `include` finds the others among them.
public struct RuleTexts: Sendable {
  public var sources: [RulesetSource]
  public var includes: [String: [RulesetSource]]

  public init(_ sources: [RulesetSource], includes: [String: [RulesetSource]] = [:]) {
    self.sources = sources
    self.includes = includes
  }

  /// - Parameter name: as faults cite it.
  public init(_ text: String, name: String = "<cmdline>") {
    self.init([RulesetSource(name: name, text: text)])
  }
}

extension RuleTexts {
  /// A file and what it includes.
  public static func read(_ path: String) throws(RuleFailure) -> RuleTexts {
    let files = RulesetFiles()
    let source: RulesetSource
    do {
      source = try files.load(path)
    } catch {
      throw .unfit("\(path) cannot be read: \(RulesetFiles.cause(error))")
    }
    // Reading it finds what it includes; what is wrong with it is told when it is loaded.
    _ = try? RulesetReader { files.resolve($0) }.run(source, on: Ruleset())
    return RuleTexts([source], includes: files.included)
  }
}

extension RuleKeeper {
  /// Rules that are to take the place of all there are. What is the same in both keeps its handles and what it counted;
  /// sets that packets add to keep what these added.
  ///
  /// - Parameter confirmation: how long until they are taken back unless they are confirmed.
  public func load(
    _ texts: RuleTexts, confirmation: Interval? = nil, at now: Instant
  ) throws(RuleFailure) -> RuleChange {
    guard unconfirmed == nil else { throw .unconfirmed }
    let old = filled(inForce.ruleset, at: now)
    var next = Ruleset()
    // What is new must not be taken for what was there before.
    (next.lastTableHandle, next.lastState) = (old.lastTableHandle, old.lastState)
    next = try readWhole(texts, on: next)
    next.adopt(from: old)
    keepElements(in: &next, at: now)
    var change = try prepare(next, from: old, at: now)
    change.confirmation = confirmation
    if confirmation != nil { change.before = old }
    return change
  }

  /// nft's commands, done to the rules in force: all of them or none.
  ///
  /// - Parameter echoes: the output says what was added, as `nft -e` does.
  public func run(
    _ texts: RuleTexts, options: ListOptions = ListOptions(), echoes: Bool = false, at now: Instant
  ) throws(RuleFailure) -> RuleChange {
    let old = filled(inForce.ruleset, at: now)
    let result = try read(texts, on: old, options: options)
    guard result.ruleset.declared != old.declared else {
      var change = RuleChange()
      (change.output, change.resets) = (result.output, result.resets)
      return change
    }
    guard unconfirmed == nil else { throw .unconfirmed }
    var change = try prepare(result.ruleset, from: old, at: now)
    (change.output, change.resets) = (result.output, result.resets)
    if echoes { change.output += result.ruleset.additions(to: old, options) }
    return change
  }

  /// Whether rules could be loaded, or commands run, without doing so.
  ///
  /// - Parameter loads: the texts are to take the place of all there are.
  public func check(_ texts: RuleTexts, loads: Bool, at now: Instant) throws(RuleFailure) -> RulesetSize {
    let next =
      loads ? try readWhole(texts, on: Ruleset()) : try read(texts, on: filled(inForce.ruleset, at: now)).ruleset
    // States of its own, so that those in force are not touched.
    var numbers = numbers
    _ = try issued(try program(next, RuleStates(workers: 1, connections: options.connections), at: now), &numbers)
    return RulesetSize(next)
  }

  /// What a forwarder starts with: these rules, or none.
  public func begin(with texts: RuleTexts?, at now: Instant) throws(RuleFailure) {
    let change = if let texts { try load(texts, at: now) } else { try prepare(Ruleset(), from: Ruleset(), at: now) }
    begin(change, at: now)
    finish(change, at: now)
  }

  /// What `list` commands print of the rules that are run, with what they have counted by now.
  public func list(
    _ texts: RuleTexts, options: ListOptions = ListOptions(), at now: Instant
  ) throws(RuleFailure) -> String {
    // Whoever may only look has no more done than to look once.
    let reader = RulesetReader()
    guard texts.sources.count == 1, !texts.sources.contains(where: { reader.isMoreThanAList($0) }) else {
      throw .unfit("more than a question: one list is one")
    }
    let result = try read(texts, on: filled(inForce.run, at: now), options: options)
    let mark = isGenerated && !options.json && !result.output.isEmpty
    return (mark ? "# generated (auto-flowtable): no rules are loaded\n" : "") + result.output
  }

  /// What was in force before the rules that wait to be confirmed.
  public func rollback(at now: Instant) throws(RuleFailure) -> RuleChange {
    guard let unconfirmed else { throw .nothingToConfirm }
    var change = RuleChange()
    var next = unconfirmed.before
    // Numbers and handles are never given twice.
    next.ruleset.lastState = max(next.ruleset.lastState, inForce.ruleset.lastState)
    next.ruleset.lastTableHandle = max(next.ruleset.lastTableHandle, inForce.ruleset.lastTableHandle)
    var numbers = numbers
    // Its tables have kept their numbers meanwhile, so there is room for them.
    if let issue = next.issue {
      let issue = try issued(issue.program, &numbers)
      (next.issue, next.setup) = (issue, issue.setup)
    }
    next.setup.number = number
    place(next.objects, in: &next.setup)
    change.next = next
    change.numbers = numbers
    takeBackElements(in: &next.ruleset, at: now)
    change.elements = try changes(to: next.ruleset, from: filled(inForce.ruleset, at: now))
    change.ends = true
    return change
  }

  /// The rules in force stay.
  public func confirm() throws(RuleFailure) {
    guard unconfirmed != nil else { throw .nothingToConfirm }
    unconfirmed = nil
    retire()
  }

  // MARK: From one to the next

  /// Just before workers are told.
  public func begin(_ change: RuleChange, at now: Instant) {
    if let next = change.next { begun.append(next) }
    for changes in change.elements { states.carryOut(changes, at: now) }
  }

  /// All workers have taken the change over, if it concerns them: what was before is nobody's any more.
  public func finish(_ change: RuleChange, at now: Instant) {
    if let next = change.next {
      var before = inForce
      before.ruleset = change.before ?? before.ruleset
      inForce = next
      begun = []
      numbers = change.numbers ?? numbers
      generation += 1
      if change.ends { unconfirmed = nil }
      if let time = change.confirmation { unconfirmed = Unconfirmed(before: before, deadline: now + time) }
      preparation = change.preparation ?? preparation
      retire()
    }
    for id in change.resets { states.reset(id) }
  }

  private func retire() { states.retire(keeping: inForce.run.stateIDs.union(unconfirmed?.before.run.stateIDs ?? [])) }

  // MARK: Making

  /// By which traces name the next rules.
  private var number: UInt32 { UInt32(truncatingIfNeeded: generation + 1) }

  func read(
    _ texts: RuleTexts, on ruleset: Ruleset, options: ListOptions = ListOptions()
  ) throws(RuleFailure) -> RulesetRun {
    let includes = texts.includes
    let reader = RulesetReader(ports: self.options.ports) { includes[$0] ?? [] }
    var all = RulesetRun(ruleset: ruleset)
    for source in texts.sources {
      do throws(RulesetFaults) {
        let run = try reader.run(source, on: all.ruleset, options: options)
        all.ruleset = run.ruleset
        all.output += run.output
        all.resets += run.resets
        all.hasFlushed = all.hasFlushed || run.hasFlushed
      } catch {
        throw .faults(error)
      }
    }
    return all
  }

  /// What is to be all there is. A file that somebody has emptied, or is about to write, is not what lets all pass.
  private func readWhole(_ texts: RuleTexts, on ruleset: Ruleset) throws(RuleFailure) -> Ruleset {
    let run = try read(texts, on: ruleset)
    guard !run.ruleset.tables.isEmpty || run.hasFlushed else {
      let name = texts.sources.first?.name ?? "the text"
      throw .unfit("\(name) has no table: to have no rules, it must say `flush ruleset`")
    }
    return run.ruleset
  }

  private func program(
    _ ruleset: Ruleset, _ states: RuleStates, at now: Instant
  ) throws(RuleFailure) -> RuleProgram {
    do throws(RuleCompileError) {
      return try RuleProgram(ruleset, ports: options.ports, states: states, at: now)
    } catch {
      throw .unbuildable(error.description)
    }
  }

  private func issued(_ program: RuleProgram, _ numbers: inout RuleNumbers) throws(RuleFailure) -> RuleIssue {
    do throws(RuleNumbers.Exhausted) {
      guard let timeouts = options.timeouts else {
        return try RuleIssue(program, numbers: &numbers, flows: options.flows)
      }
      return try RuleIssue(program, numbers: &numbers, flows: options.flows, timeouts: timeouts)
    } catch {
      throw .unbuildable(error.description)
    }
  }

  /// - Parameter old: what is in force, with what is counted.
  func prepare(_ ruleset: Ruleset, from old: Ruleset, at now: Instant) throws(RuleFailure) -> RuleChange {
    let ruleset = ruleset.numbered()
    var next = Rules()
    next.ruleset = ruleset
    next.run = ruleset.tables.isEmpty && options.hasAutoFlowtable ? try autoFlowtable() : ruleset
    next.setup = RuleSetup(isClosed: next.run.tables.isEmpty && options.failsClosed)
    var numbers = numbers
    var change = RuleChange()
    do throws(RuleFailure) {
      if !next.run.tables.isEmpty {
        numbers.release(isBusy)
        let issue = try issued(try program(next.run, states, at: now), &numbers)
        (next.issue, next.setup) = (issue, issue.setup)
      }
      change.elements = try changes(to: ruleset, from: old)
    } catch {
      retire()
      throw error
    }
    next.setup.number = number
    next.objects = inForce.objects
    place(next.objects, in: &next.setup)
    change.next = next
    change.numbers = numbers
    return change
  }

  /// What is to be done to the elements of sets that packets change.
  private func changes(to next: Ruleset, from old: Ruleset) throws(RuleFailure) -> [ElementChanges] {
    let sets = old.sets
    var all: [ElementChanges] = []
    for table in next.tables {
      let updated = table.updatedSets
      for set in table.sets where set.isLive(among: updated) {
        guard let changes = sets[set.state]?.changes(to: set) else { continue }
        guard states.hasRoom(for: changes) else {
          throw .unbuildable("set \(set.name): workers have not read the changes before this one yet; try again")
        }
        all.append(changes)
      }
    }
    return all
  }
}
