internal import Foundation
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
  /// What it took to make it, as far as the caller knows.
  public var preparation: Interval?

  var next: RuleKeeper.Rules?
  var numbers: RuleNumbers?
  /// Sets that are to hold other elements than they do.
  var elements: [(StateID, [Element])] = []
  var resets: [StateID] = []
  /// How long until it is undone unless it is confirmed.
  var confirmation: Interval?
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
      throw .unfit("\(path) cannot be read: \(error.localizedDescription)")
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
    next = try read(texts, on: next).ruleset
    next.adopt(from: old)
    keepElements(in: &next, at: now)
    var change = try prepare(next, from: old, at: now)
    change.confirmation = confirmation
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
    let next = try read(texts, on: loads ? Ruleset() : filled(inForce.ruleset, at: now)).ruleset
    // States of its own, so that those in force are not touched.
    var numbers = numbers
    _ = try issued(try program(next, RuleStates(workers: 1), at: now), &numbers)
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
    let all = filled(inForce.run, at: now)
    let result = try read(texts, on: all, options: options)
    guard result.resets.isEmpty, result.ruleset == all else { throw .unfit("more than a question: only list is one") }
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
    change.elements = differing(next.ruleset, from: filled(inForce.ruleset, at: now))
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
    // Of sets that packets change: the others are part of the program.
    for (id, elements) in change.elements { _ = states.reconcile(id, elements, at: now) }
  }

  /// All workers have taken the change over, if it concerns them: what was before is nobody's any more.
  public func finish(_ change: RuleChange, at now: Instant) {
    if let next = change.next {
      let before = inForce
      inForce = next
      numbers = change.numbers ?? numbers
      generation += 1
      if change.ends { unconfirmed = nil }
      if let time = change.confirmation { unconfirmed = Unconfirmed(before: before, deadline: now + time) }
      preparation = change.preparation ?? preparation
      retire()
    }
    for id in change.resets { states.reset(id) }
  }

  /// It came to nothing, and no worker was told.
  public func abandon(_: RuleChange) { retire() }

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
      } catch {
        throw .faults(error)
      }
    }
    return all
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
    var next = Rules()
    next.ruleset = ruleset
    next.run = ruleset.tables.isEmpty && options.hasAutoFlowtable ? try autoFlowtable() : ruleset
    next.setup = RuleSetup(isClosed: next.run.tables.isEmpty && options.failsClosed)
    var numbers = numbers
    if !next.run.tables.isEmpty {
      do throws(RuleFailure) {
        numbers.release(isBusy)
        let issue = try issued(try program(next.run, states, at: now), &numbers)
        (next.issue, next.setup) = (issue, issue.setup)
      } catch {
        retire()
        throw error
      }
    }
    next.setup.number = number
    next.objects = inForce.objects
    place(next.objects, in: &next.setup)
    var change = RuleChange()
    change.next = next
    change.numbers = numbers
    change.elements = differing(ruleset, from: old)
    return change
  }

  /// Sets of both whose elements in the one are not those of the other.
  private func differing(_ next: Ruleset, from old: Ruleset) -> [(StateID, [Element])] {
    let sets = old.sets
    return next.sets.compactMap { id, set in
      guard let before = sets[id], before.declaredElements != set.declaredElements else { return nil }
      return (id, set.elements)
    }
  }
}
