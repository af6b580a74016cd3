/// What the commands of a text did.
public struct RulesetRun: Sendable {
  public var ruleset: Ruleset
  /// What `list` and `reset` print.
  public var output: String
  /// What `reset` sets back to nothing: counters, limits, those of rules and elements.
  public var resets: [StateID]
  /// `flush ruleset` was among the commands.
  public var hasFlushed = false

  public init(ruleset: Ruleset, output: String = "", resets: [StateID] = []) {
    self.ruleset = ruleset
    self.output = output
    self.resets = resets
  }
}

/// Reads texts in nft's language and does what they say to a ruleset.
public struct RulesetReader: Sendable {
  /// The ports there are, by name; `nil`: any name will do.
  public var ports: [String]?
  /// What an `include` names, in order; empty: nothing was found.
  public var includes: @Sendable (String) -> [RulesetSource]

  public init(ports: [String]? = nil, includes: @escaping @Sendable (String) -> [RulesetSource] = { _ in [] }) {
    self.ports = ports
    self.includes = includes
  }

  /// Does a text's commands (`nft -f`) on a copy of `ruleset`: all of them or, with a fault, none.
  ///
  /// What `list` says was counted is what `ruleset` says: who knows more puts it in before.
  ///
  /// What is no sentence of the language is told of alone: only a text that has no such fault is looked at for what it
  /// means, as nft does.
  public func run(
    _ source: RulesetSource, on ruleset: Ruleset, options: ListOptions = ListOptions()
  ) throws(RulesetFaults) -> RulesetRun {
    var parser = Parser(includes: includes)
    parser.read(source)
    guard parser.flaws.isEmpty else { throw Self.faults(parser.flaws, parser.sources) }
    let workspace = Workspace(ruleset, ports: ports)
    var options = options
    if options.ports.isEmpty { options.ports = ports ?? [] }
    var editor = Editor(workspace, options)
    for command in parser.commands {
      do throws(Flaw) {
        try editor.run(command)
      } catch {
        workspace.flaws.append(error)
        if workspace.flaws.count >= Parser.mostFaults { break }
      }
    }
    if workspace.flaws.isEmpty { Self.checkJumps(workspace) }
    if workspace.flaws.isEmpty { Self.checkUpdates(workspace) }
    guard workspace.flaws.isEmpty else { throw Self.faults(workspace.flaws, parser.sources) }
    var run = RulesetRun(ruleset: workspace.ruleset, output: editor.output, resets: editor.resets)
    run.hasFlushed = parser.commands.contains { if case .ruleset = $0.form { $0.verb == .flush } else { false } }
    return run
  }

  /// Whether a text does anything but ask one `list`: what it would take to find out more is bounded by its length.
  public func isMoreThanAList(_ source: RulesetSource) -> Bool {
    var parser = Parser(includes: includes)
    parser.read(source)
    return parser.flaws.isEmpty && (parser.commands.count != 1 || parser.commands[0].verb != .list)
  }

  /// No packet may go in circles, nor deeper than the stack of jumps.
  private static func checkJumps(_ workspace: Workspace) {
    for (index, table) in workspace.ruleset.tables.enumerated() {
      let check = JumpCheck(table)
      guard let way = check.fault ?? check.wayToReject else { continue }
      let spot = workspace.lastJump(index, way) ?? Spot(line: 1, first: 1, last: 1)
      workspace.flaws.append(Editor.refused(spot, check.fault == nil ? .unsupported : .links))
    }
  }

  /// All that packets put into a set is alike, and none of it stands for what the others are not.
  private static func checkUpdates(_ workspace: Workspace) {
    for table in workspace.ruleset.tables {
      let updates = table.updates
      for set in table.sets {
        guard let updates = updates[set.name] else { continue }
        let spot = workspace.updates[set.state] ?? workspace.declarations[set.state] ?? Spot(line: 1, first: 1, last: 1)
        if set.elements.contains(where: { $0.key == nil }) {
          workspace.flaws.append(.unsupported("`*` in a set that packets change", spot))
        } else if set.statementsOfElements(updates) == nil {
          workspace.flaws.append(.unsupported("To give the elements of a set different statements", spot))
        }
      }
    }
  }

  /// In the order of their places, with the lines they are in.
  private static func faults(_ flaws: [Flaw], _ sources: [RulesetSource]) -> RulesetFaults {
    var lines: [Int32: [Substring]] = [:]
    func place(_ spot: Spot) -> Place {
      let name = sources.indices.contains(Int(spot.source)) ? sources[Int(spot.source)].name : ""
      return Place(file: name, line: Int(spot.line), first: Int(spot.first), last: Int(spot.last))
    }
    func line(_ spot: Spot) -> String {
      guard sources.indices.contains(Int(spot.source)) else { return "" }
      let all =
        lines[spot.source] ?? sources[Int(spot.source)].text.split(separator: "\n", omittingEmptySubsequences: false)
      lines[spot.source] = all
      let index = Int(spot.line) - 1
      return all.indices.contains(index) ? String(all[index]) : ""
    }
    var seen: Set<Flaw> = []
    let ordered = flaws.filter { seen.insert($0).inserted }.sorted {
      ($0.spot.source, $0.spot.line, $0.spot.first) < ($1.spot.source, $1.spot.line, $1.spot.first)
    }
    return RulesetFaults(
      ordered.map { flaw in
        RulesetFault(
          place: place(flaw.spot), message: flaw.message, line: line(flaw.spot), related: flaw.related.map { place($0) }
        )
      })
  }
}
