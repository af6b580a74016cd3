public import Primitives
internal import Synchronization

/// What other threads tell the queue, and what they may know of it.
public final class OffloadBoard: Sendable {
  enum Notice: Sendable {
    case port(PortID, isUp: Bool)
    case workerGone(UInt16)
  }
  private struct Content {
    var notices: [Notice] = []
    var figures = OffloadFigures()
  }
  private let content = Mutex(Content())

  public init() {}

  /// A port that went down loses its rules; it is asked for none until it is up. (Ports are up at first.)
  public func port(_ port: PortID, isUp: Bool) {
    content.withLock { $0.notices.append(.port(port, isUp: isUp)) }
  }
  /// A worker that ended leaves nothing behind, and hears nothing more.
  public func workerGone(_ worker: UInt16) { content.withLock { $0.notices.append(.workerGone(worker)) } }

  /// As of the queue's last step.
  public var figures: OffloadFigures { content.withLock { $0.figures } }

  func takeNotices() -> [Notice] {
    content.withLock { content in
      defer { content.notices = [] }
      return content.notices
    }
  }
  func show(_ figures: OffloadFigures) { content.withLock { $0.figures = figures } }
}

/// What the queue did since its start, and what it holds.
public struct OffloadFigures: Equatable, Sendable {
  /// Connections that got a rule, that were refused, and that lost their rules again.
  public var added: UInt64 = 0
  public var refused: UInt64 = 0
  public var deleted: UInt64 = 0
  /// Of those deleted: no packet matched for their time.
  public var aged: UInt64 = 0
  /// Readings of counters, and those that did not follow from the ones before.
  public var stats: UInt64 = 0
  public var restarts: UInt64 = 0
  /// Readings and removals that the driver did not carry out.
  public var failed: UInt64 = 0
  /// Requests that found no room, of all workers.
  public var dropped: UInt64 = 0
  /// Connections that have a rule or wait for one, and those that something is to be done for.
  public var flows = 0
  public var waiting = 0
  /// By number of the port, those that were asked for something.
  public var ports: [OffloadPort] = []

  public init() {}
}

/// What a port makes of offloading.
public struct OffloadPort: Equatable, Sendable {
  public var port: PortID
  public var isUp = true
  /// Rules it has now.
  public var rules = 0
  /// Rules it did not take, and its driver's last reason.
  public var refusals: UInt64 = 0
  public var reason = ""
  /// Until when it is not asked for a kind of tuple, because it cannot do it.
  var rests: [TupleKind: Instant] = [:]

  init(_ port: PortID) { self.port = port }
}
