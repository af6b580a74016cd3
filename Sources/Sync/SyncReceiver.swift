public import Primitives
public import Segment

/// The side that is to have the same connections. Its owner hands it the datagrams that come in, gives a table the
/// operations that it returns, in their order, and sends the frames that it makes to where the datagrams come from.
public struct SyncReceiver: Sendable {
  public let settings: SyncSettings
  /// Told anew by every run of the receiver, at random.
  public let session: UInt64
  public internal(set) var figures = Figures()

  var peer: Peer?
  /// Senders that were replaced: what of theirs is still under way comes too late.
  private var retired: [UInt64] = []
  private static let mostRetired = 16
  /// More than two signs of life apart.
  private static let mourning = Interval.milliseconds(2500)
  private var known: KnownFlows
  /// Number of the next message about a connection.
  private var told: UInt64 = 1
  var budget: ByteBudget
  var request = ResyncRequest()
  var replies = Replies()

  /// The sender that is listened to.
  struct Peer: Sendable {
    let session: UInt64
    var heardAt: Instant
    var window: ReorderWindow
    /// The walk that is told now, and nothing of which is missing so far.
    var walk: Walk?
  }

  struct Walk: Sendable {
    let walk: SyncWalk
    /// Number of the first message about a connection in its course.
    let begunAt: UInt64
    /// Its messages so far, and those that could not be read.
    var count: UInt32 = 0
    var skipped: UInt32 = 0
  }

  public struct Figures: Equatable, Sendable {
    public var ups: UInt64 = 0
    public var downs: UInt64 = 0
    /// Ends of connections in whose place another is.
    public var stale: UInt64 = 0
    /// Connections there was no room to remember; they were not passed on.
    public var refused: UInt64 = 0
    /// Connections that a walk showed to be gone.
    public var purged: UInt64 = 0
    public var walksEnded: UInt64 = 0
    /// Frames of the sender that is listened to.
    public var heard: UInt64 = 0
    /// Frames with a number that were new, that had come before, and times that frames were given up.
    public var frames: UInt64 = 0
    public var duplicates: UInt64 = 0
    public var holes: UInt64 = 0
    /// Ranges of frames that were asked for, and times that all was.
    public var asked: UInt64 = 0
    public var resyncs: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Senders listened to so far.
    public var sessions: UInt64 = 0
    /// Frames of senders that were replaced.
    public var late: UInt64 = 0
    /// Datagrams that are no frames, in the order of `SyncFrame.Fault`, or frames of a receiver.
    public var faults = [UInt64](repeating: 0, count: SyncFrame.Fault.allCases.count)
    public var misdirected: UInt64 = 0
    /// Messages of later versions, those that had to be understood, and those that are none.
    public var unknown: UInt64 = 0
    public var notUnderstood: UInt64 = 0
    public var unreadable: UInt64 = 0
  }

  public init(session: UInt64, settings: SyncSettings = SyncSettings()) {
    self.settings = settings
    self.session = session
    known = KnownFlows(limit: settings.known)
    budget = settings.budget
  }

  /// Connections of the sender that are remembered.
  public var count: Int { known.count }
  /// All that was asked for has come.
  public var isSettled: Bool { peer != nil && request.isAnswered }

  /// Connections that the table has already are taken for the sender's: those that its first walk does not tell go.
  public mutating func adopt(_ connections: [Connection]) {
    for connection in connections {
      let known = KnownFlows.Known(id: ConnectionID(rawValue: 0), flow: SyncFlow(connection), toldAt: 0)
      if !self.known.set(known) { figures.refused += 1 }
    }
  }

  // MARK: Frames

  /// A datagram that came in.
  public mutating func receive(_ datagram: [UInt8], at now: Instant) -> [SyncOperation] {
    let frame: SyncFrame
    do {
      frame = try SyncFrame(datagram)
    } catch {
      figures.faults[SyncFrame.Fault.allCases.firstIndex(of: error) ?? 0] += 1
      return []
    }
    guard !frame.flags.contains(.feedback), frame.sequence < UInt64.max - 1 else {
      figures.misdirected += 1
      return []
    }
    guard isOfPeer(frame, at: now) else {
      figures.late += 1
      return []
    }
    figures.heard += 1
    if frame.flags.contains(.numbered) {
      if peer?.window.add(frame, at: now) == true { figures.frames += 1 } else { figures.duplicates += 1 }
    } else {
      peer?.window.expect(upTo: frame.sequence, at: now)
      for message in frame.messages() {
        if case .gone(let ranges) = message { for range in ranges { peer?.window.giveUp(range) } }
      }
    }
    return turn(at: now)
  }

  /// Time passed: what is still missing may be given up. To be called as often as `frames`.
  public mutating func turn(at now: Instant) -> [SyncOperation] {
    var operations: [SyncOperation] = []
    while let taken = peer?.window.take(at: now) {
      switch taken {
      case .hole:
        figures.holes += 1
        peer?.walk = nil
        request.ask(at: now)
      case .frame(let frame, let held):
        replies.note(at: now)
        let age = Interval.milliseconds(UInt64(frame.age) + held.milliseconds)
        for message in frame.messages(now: settings.seconds(at: now, before: age)) {
          take(message, age: age.milliseconds, at: now, into: &operations)
        }
      }
    }
    return operations
  }

  /// Whether a frame is the peer's; a sender that was never heard of becomes it. So does one that was replaced, by what
  /// came late of a dead one, when there is nothing more of that.
  private mutating func isOfPeer(_ frame: SyncFrame, at now: Instant) -> Bool {
    if let peer {
      if frame.session == peer.session {
        self.peer?.heardAt = now
        return true
      }
      guard !retired.contains(frame.session) || now - peer.heardAt > Self.mourning else { return false }
      retired.removeAll { $0 == peer.session || $0 == frame.session }
      retired.append(peer.session)
      if retired.count > Self.mostRetired { retired.removeFirst() }
    }
    let next = frame.flags.contains(.numbered) ? max(1, frame.sequence) : frame.sequence + 1
    peer = Peer(
      session: frame.session, heardAt: now,
      window: ReorderWindow(
        next: next, capacity: settings.held, delay: settings.reorderDelay, patience: settings.patience))
    figures.sessions += 1
    request.ask(at: now)
    return true
  }

  // MARK: Messages

  private mutating func take(
    _ message: SyncMessage, age: UInt64, at now: Instant, into operations: inout [SyncOperation]
  ) {
    switch message {
    case .up(let connection, let isOfWalk):
      if isOfWalk { peer?.walk?.count &+= 1 }
      put(connection.aged(by: age), into: &operations)
    case .down(let id, let flow): delete(id, flow, into: &operations)
    case .walkBegins(let walk):
      peer?.walk = Walk(walk: walk, begunAt: told)
      if walk.shard == nil { request.begin() }
    case .walkEnds(let walk, let count): end(walk, count: count, at: now, into: &operations)
    case .unknown: figures.unknown += 1
    case .notUnderstood:
      figures.notUnderstood += 1
      peer?.walk?.skipped &+= 1
    case .unreadable:
      figures.unreadable += 1
      peer?.walk?.skipped &+= 1
    case .hello, .gone, .missing, .resync: break
    }
  }

  private mutating func put(_ connection: Connection, into operations: inout [SyncOperation]) {
    let flow = SyncFlow(connection)
    let old = known[flow]
    guard known.set(KnownFlows.Known(id: connection.id, flow: flow, toldAt: told)) else {
      figures.refused += 1
      return
    }
    told += 1
    figures.ups += 1
    if let old, old.flow != flow || (old.id.rawValue != 0 && old.id != connection.id) {
      operations.append(.delete(old.flow))
    }
    operations.append(.put(connection))
  }

  private mutating func delete(_ id: ConnectionID, _ flow: SyncFlow, into operations: inout [SyncOperation]) {
    told += 1
    figures.downs += 1
    guard let old = known[flow] else {
      operations.append(.delete(flow))
      return
    }
    guard old.id == id || old.id.rawValue == 0 else {
      figures.stale += 1
      return
    }
    known.remove(flow)
    operations.append(.delete(old.flow))
  }

  private mutating func end(
    _ walk: SyncWalk, count: UInt32, at now: Instant, into operations: inout [SyncOperation]
  ) {
    // Of one whose beginning is missing, nothing can be said; all was asked for then.
    guard let told = peer?.walk, told.walk == walk else { return }
    peer?.walk = nil
    guard told.count &+ told.skipped >= count else {
      request.ask(at: now)
      return
    }
    let gone = known.removeUntold(by: walk, since: told.begunAt)
    figures.purged += UInt64(gone.count)
    figures.walksEnded += 1
    operations += gone.map { .delete($0) }
    if walk.shard == nil { request.end() }
  }
}
