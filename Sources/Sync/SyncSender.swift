public import Primitives
public import Segment

/// The side that has the connections. Its owner tells it of events, walks through the tables when `walk` says so, hands
/// it what the receiver sends, and sends the frames that it makes.
///
/// Events of a shard must be told in their order, and what a walk reads must be told before events that are read later:
/// the newer of two things said of a connection is the one that was told later.
public struct SyncSender: Sendable {
  public let settings: SyncSettings
  /// Told anew by every run of the sender, at random.
  public let session: UInt64
  public internal(set) var figures = Figures()

  var pending: PendingChanges
  var sent: SentFrames
  var budget: ByteBudget
  var plan = WalkPlan()
  /// Ranges that were asked for in vain, not yet told.
  var gone: [ClosedRange<UInt64>] = []
  /// When the receiver was last heard.
  var heardAt: Instant?
  var hello = Hello()
  private var ended = RecentEnds()
  private var resync: (receiver: UInt64, number: UInt32)?

  /// When signs of life are due.
  struct Hello: Sendable {
    var sentAt: Instant?
    /// Soon after a frame, in case it was the last for long and is lost.
    var dueAt = Instant(nanoseconds: 0)
  }

  public struct Figures: Equatable, Sendable {
    /// Events taken, changes that made another one unnecessary, and changes there was no room for.
    public var events: UInt64 = 0
    public var merged: UInt64 = 0
    public var refused: UInt64 = 0
    /// Times that events were lost before they came here.
    public var losses: UInt64 = 0
    public var ups: UInt64 = 0
    public var downs: UInt64 = 0
    public var walksBegun: UInt64 = 0
    public var walksEnded: UInt64 = 0
    /// Frames with a number, frames sent again, frames asked for in vain, and bytes of all frames.
    public var frames: UInt64 = 0
    public var repeats: UInt64 = 0
    public var gone: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Walks that the receiver asked for.
    public var resyncs: UInt64 = 0
    /// Datagrams that were no frames of the receiver of this session.
    public var refusedFrames: UInt64 = 0
  }

  public init(session: UInt64, settings: SyncSettings = SyncSettings()) {
    self.settings = settings
    self.session = session
    pending = PendingChanges(limit: settings.pending)
    sent = SentFrames(capacity: settings.window)
    budget = settings.budget
  }

  // MARK: What happens to connections

  /// Something happened at that time; the connection is as it stood then, or at its end.
  public mutating func take(_ event: ConnectionEvent, at time: Instant) {
    figures.events += 1
    let isEnd = event.kind == .destroy
    if isEnd { ended.add(event.connection.id) }
    let isRefresh = event.kind == .update && event.changes.isSubset(of: [.timeout, .counts])
    let change = PendingChanges.Change(
      event.connection, isDown: isEnd, at: time, rank: isRefresh ? .refresh : .urgent)
    add(change)
  }

  /// Events of a shard were lost: its connections are walked through.
  public mutating func noteLoss(shard: Int) {
    figures.losses += 1
    plan.need(shard: UInt8(truncatingIfNeeded: shard))
  }

  private mutating func add(_ change: PendingChanges.Change) {
    switch pending.add(change) {
    case .queued: break
    case .merged: figures.merged += 1
    case .refused:
      figures.refused += 1
      plan.need(shard: UInt8(truncatingIfNeeded: change.connection.id.shard))
    }
  }

  // MARK: Walks

  /// Connections to be told with `tell`, of all shards or of one. A walk with another number begins at the beginning.
  public var walk: SyncWalk? { plan.underWay }

  /// Connections that `tell` would take now.
  public var walkRoom: Int {
    min(Self.walkBatch - pending.walking, pending.limit - pending.count).clamped(to: 0...Self.walkBatch)
  }

  /// Connections as they stand now, at most `walkRoom`. Those of a walk that is no longer under way are not taken.
  public mutating func tell(_ connections: [Connection], of walk: SyncWalk, isLast: Bool, at now: Instant) {
    guard walk == plan.underWay else { return }
    for connection in connections where !ended.has(connection.id) {
      add(PendingChanges.Change(connection, at: now, rank: .walk, walk: walk.number))
    }
    if isLast { plan.isRead = true }
  }

  private static let walkBatch = 1024

  // MARK: The receiver

  /// A datagram that came in.
  public mutating func receive(_ datagram: [UInt8], at now: Instant) {
    guard let frame = try? SyncFrame(datagram), frame.flags.contains(.feedback), frame.session == session else {
      figures.refusedFrames += 1
      return
    }
    heardAt = now
    sent.acknowledge(upTo: frame.sequence)
    for message in frame.messages() {
      switch message {
      case .missing(let ranges): for range in ranges { repeatFrames(range) }
      case .resync(let receiver, let number):
        guard resync.map({ $0 != (receiver, number) }) ?? true else { continue }
        resync = (receiver, number)
        figures.resyncs += 1
        plan.restart()
      default: break
      }
    }
  }

  private mutating func repeatFrames(_ range: ClosedRange<UInt64>) {
    guard let gone = sent.ask(for: range) else { return }
    figures.gone += UInt64(gone.count)
    if self.gone.count < SyncMessage.mostRanges { self.gone.append(gone) }
  }

  /// Heard lately. A sender that hears nobody waits for nobody.
  func hears(at now: Instant) -> Bool { heardAt.map { now - $0 <= Self.deafness } ?? false }
  private static let deafness = Interval.milliseconds(3000)

  /// All has been told.
  var isIdle: Bool { pending.isEmpty && plan.isIdle }
  /// All has been told, and has arrived.
  public var isSettled: Bool { isIdle && sent.unacknowledged == 0 }
}

/// Connections that ended a moment ago. A table may show them for as long as it takes to remove them.
struct RecentEnds: Sendable {
  private static let most = 4096
  private var ids: Set<ConnectionID> = []
  private var line = Line<ConnectionID>()

  func has(_ id: ConnectionID) -> Bool { ids.contains(id) }

  mutating func add(_ id: ConnectionID) {
    guard ids.insert(id).inserted else { return }
    line.add(id)
    guard line.count > Self.most, let oldest = line.first else { return }
    ids.remove(oldest)
    line.removeFirst()
  }
}

extension Comparable {
  func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
