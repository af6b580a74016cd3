public import Conntrack
public import Context
public import Logging
public import Pipeline
public import Primitives
public import Reassembly
public import Segment

/// The forwarder, as far as its methods reach.
public struct Site: Sendable {
  public var prefix: String
  public var version: String
  /// By worker.
  public var mailboxes: [Mailbox]
  public var placement: Placement
  /// Of the segment's paths: where its records are read.
  public var paths: SegmentPaths
  public var segment: SegmentWriter
  /// `nil`: connections are not tracked.
  public var tracking: Tracking?
  /// What each worker may hold of fragments; `nil`: they are packets like others.
  public var fragments: FragmentSettings?
  /// `nil`: there are no rules.
  public var rules: Rules?
  /// Whether events can be told of at all, and what is told of whether anybody has subscribed or not.
  public var tellsEvents: Bool
  public var always: EventMask

  public struct Tracking: Sendable {
    public var limits: SharedLimits
    /// Connections that each worker has room for.
    public var capacity: Int
    /// Milliseconds.
    public var sweepInterval: UInt32
    public var checksSequences: Bool

    public init(limits: SharedLimits, capacity: Int, sweepInterval: UInt32, checksSequences: Bool) {
      self.limits = limits
      self.capacity = capacity
      self.sweepInterval = sweepInterval
      self.checksSequences = checksSequences
    }
  }

  public struct Rules: Sendable {
    public var keeper: RuleKeeper
    /// On the workers' clock.
    public var now: @Sendable () -> Instant
    public var log: Logger

    public init(_ keeper: RuleKeeper, now: @escaping @Sendable () -> Instant, log: Logger) {
      self.keeper = keeper
      self.now = now
      self.log = log
    }
  }

  public init(
    prefix: String, version: String, mailboxes: [Mailbox], placement: Placement, segment: SegmentWriter,
    tracking: Tracking?, fragments: FragmentSettings?, tellsEvents: Bool, always: EventMask,
    rules: Rules? = nil
  ) {
    self.prefix = prefix
    self.version = version
    self.mailboxes = mailboxes
    self.placement = placement
    paths = segment.paths
    self.segment = segment
    self.tracking = tracking
    self.fragments = fragments
    self.tellsEvents = tellsEvents
    self.always = always
    self.rules = rules
  }
}

/// How methods let time pass and have others do so, on the control socket's thread.
public struct Pacing: Sendable {
  /// Comes back after so many nanoseconds, while the thread does other things.
  public var rest: @Sendable (UInt64) async -> Void
  /// Starts a task of its own.
  public var spawn: @Sendable (@escaping @Sendable () async -> Void) -> Void

  public init(
    rest: @escaping @Sendable (UInt64) async -> Void,
    spawn: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Void
  ) {
    self.rest = rest
    self.spawn = spawn
  }
}
