internal import Primitives
internal import Segment

/// What is still to be told, one change at most of each connection: what is newer takes the place of what is older.
struct PendingChanges {
  enum Rank: Int, CaseIterable, Comparable {
    /// Connections that came, went or changed.
    case urgent
    /// Only their time did.
    case refresh
    /// Told in the course of a walk.
    case walk

    static func < (a: Rank, b: Rank) -> Bool { a.rawValue < b.rawValue }
  }

  struct Change {
    var connection: Connection
    var isDown = false
    /// When the connection stood like this.
    var at: Instant
    var rank: Rank
    /// Number of the walk that it is part of; zero: of none.
    var walk: UInt32 = 0
    /// The connection that the receiver may still have in its place.
    fileprivate(set) var replaced: ConnectionID
    fileprivate var ticket: UInt64 = 0

    init(_ connection: Connection, isDown: Bool = false, at: Instant, rank: Rank, walk: UInt32 = 0) {
      (self.connection, self.isDown, self.at, self.rank, self.walk) = (connection, isDown, at, rank, walk)
      replaced = connection.id
    }
  }

  enum Outcome {
    case queued
    /// It took the place of an older one, or an older one could stay.
    case merged
    /// There is no room.
    case refused
  }

  private typealias Place = (key: SyncFlow, ticket: UInt64)

  let limit: Int
  private var changes: [SyncFlow: Change] = [:]
  private var lines = Rank.allCases.map { _ in Line<Place>() }
  private var nextTicket: UInt64 = 1

  init(limit: Int) { self.limit = max(1, limit) }

  var count: Int { changes.count }
  var isEmpty: Bool { changes.isEmpty }

  /// Places in line, those that were left included.
  var places: Int { lines.reduce(0) { $0 + $1.count } }
  /// Connections that wait as part of a walk alone; an upper bound.
  var walking: Int { lines[Rank.walk.rawValue].count }

  /// Puts a change in line. The newer of two changes of a connection is told, in the older one's place; of two
  /// connections that can not be there at once, so is the newer, at the end of the line.
  mutating func add(_ change: Change) -> Outcome {
    let key = SyncFlow(change.connection).eitherWay
    guard var old = changes[key] else {
      guard changes.count < limit else { return .refused }
      enqueue(change, key)
      return .queued
    }
    let isSame = old.connection.id == change.connection.id
    // Nothing comes after the end of a connection, and an end does not undo the connection that came after.
    if isSame ? old.isDown : change.isDown && !old.isDown { return .merged }
    guard isSame, !change.isDown else {
      var change = change
      change.replaced = old.replaced
      change.rank = min(change.rank, old.rank)
      enqueue(change, key)
      return .merged
    }
    (old.connection, old.at, old.walk) = (change.connection, change.at, max(old.walk, change.walk))
    if change.rank < old.rank {
      old.rank = change.rank
      enqueue(old, key)
    } else {
      changes[key] = old
    }
    return .merged
  }

  private mutating func enqueue(_ change: Change, _ key: SyncFlow) {
    var change = change
    change.ticket = nextTicket
    nextTicket += 1
    changes[key] = change
    lines[change.rank.rawValue].add((key, change.ticket))
    // What was replaced leaves its place in line when it is reached, or when such places are most of the line.
    if lines[change.rank.rawValue].count > 2 * changes.count + 64 {
      lines[change.rank.rawValue].keep { changes[$0.key]?.ticket == $0.ticket }
    }
  }

  /// The change that is next in line, of those that are at least so urgent.
  mutating func first(upTo least: Rank) -> Change? {
    for rank in Rank.allCases where rank <= least {
      while let place = lines[rank.rawValue].first {
        if let change = changes[place.key], change.ticket == place.ticket { return change }
        lines[rank.rawValue].removeFirst()
      }
    }
    return nil
  }

  /// Takes a change that was first out of the line.
  mutating func remove(_ change: Change) {
    changes[SyncFlow(change.connection).eitherWay] = nil
    lines[change.rank.rawValue].removeFirst()
  }
}
