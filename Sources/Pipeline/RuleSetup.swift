internal import CSegment
public import Conntrack
public import HookProgram
public import Rules

/// All that a worker goes by from one packet to the next, of one ruleset: it takes over the whole of it at once.
@safe
public struct RuleSetup: BitwiseCopyable, @unchecked Sendable {
  /// `nil`: there are no rules.
  public var view: RuleView?
  /// Of the ruleset, by which traces name it.
  public var number: UInt32 = 0
  /// Every packet is dropped: there are no rules, and none may pass without.
  public var isClosed = false
  /// Rules that come before tracking may change the zone: no flow can be looked up before.
  public var setsZones = false
  /// What prerouting, forward and postrouting rules read of a connection, together.
  public var needs: RuleNeeds = []
  public var flowTables = FlowTables()
  /// Users' programs, in the order in which packets meet them behind the rules of their hook.
  public private(set) var programs = InlineArray<8, Program?>(repeating: nil)
  /// One bit for each hook that has one.
  private(set) var programHooks: UInt8 = 0
  /// Numbers of the program's flow tables and timeout policies, by their place there.
  var flowNumbers = InlineArray<16, UInt8>(repeating: 0)
  var timeoutNumbers = InlineArray<16, UInt8>(repeating: 0)
  /// Of a `RuleIssue`: the tables as readers know them, and the policies' timeouts by number.
  var definitions: UnsafePointer<dpdkfwd_flowtable_record>?
  var timeouts: UnsafePointer<UnsafePointer<UInt32>?>?

  /// - Parameter isClosed: no packet may pass without rules.
  public init(isClosed: Bool = false) { self.isClosed = isClosed }

  /// A user's program on a hook.
  public struct Program: BitwiseCopyable {
    public var hook: RuleHook
    /// For packets that came in by it alone; `nil`: by any.
    public var port: UInt16?
    /// Valid until no worker has this setup any more, as is where its packets are counted.
    public var call: HookCall
    let counts: ProgramCounts.Lines

    public init(_ call: HookCall, hook: RuleHook, port: UInt16? = nil, counts: ProgramCounts) {
      self.call = call
      self.counts = counts.lines
      self.hook = hook
      self.port = port
    }
  }

  /// How many programs there can be at once.
  public static let mostPrograms = 8

  /// - Parameter programs: at most `mostPrograms`.
  public mutating func set(programs: [Program]) {
    precondition(programs.count <= Self.mostPrograms, "more programs than there is room for")
    programHooks = 0
    for place in 0..<Self.mostPrograms {
      self.programs[place] = place < programs.count ? programs[place] : nil
      if place < programs.count { programHooks |= 1 << programs[place].hook.rawValue }
    }
  }

  @inline(__always)
  func hasProgram(_ hook: RuleHook) -> Bool { programHooks >> hook.rawValue & 1 != 0 }
}

extension ConnectionLiveness {
  /// By a worker's tracker, which outlives its engine's last packet.
  public init(_ tracker: borrowing Tracker) {
    unsafe self.init(context: tracker.lookoutMemory) { memory, handle in unsafe Tracker.isLive(memory, handle) }
  }
}
