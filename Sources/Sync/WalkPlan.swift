internal import Primitives

/// Which walk through the tables is under way, and which are still needed.
struct WalkPlan: Sendable {
  private var current: SyncWalk?
  private var needsAll = false
  private var needsShards: Set<UInt8> = []
  private var number: UInt32 = 0
  /// All of its connections have been read from the tables.
  var isRead = false
  private var dueAt: Instant?
  /// Messages sent that are part of it.
  var count: UInt32 = 0

  var isIdle: Bool { current == nil && !needsAll && needsShards.isEmpty }
  /// The walk whose beginning has been told.
  var underWay: SyncWalk? { isRead ? nil : current }

  mutating func need(shard: UInt8) { needsShards.insert(shard) }

  /// A walk of all shards is needed every so often.
  mutating func needAll(every interval: Interval, at now: Instant) {
    if let dueAt, now < dueAt { return }
    dueAt = now + interval
    needsAll = true
  }

  /// What was told so far is of no use: all begins again.
  mutating func restart() {
    needsAll = true
    end()
  }

  /// The walk whose beginning is to be told now.
  mutating func begin() -> SyncWalk? {
    guard current == nil, needsAll || !needsShards.isEmpty else { return nil }
    number &+= 1
    // Zero is no walk's number.
    if number == 0 { number = 1 }
    let walk: SyncWalk
    if needsAll {
      walk = SyncWalk(number: number, shard: nil)
      needsAll = false
      needsShards = []
    } else {
      walk = SyncWalk(number: number, shard: needsShards.min())
      walk.shard.map { _ = needsShards.remove($0) }
    }
    current = walk
    (isRead, count) = (false, 0)
    return walk
  }

  /// Whether what was read for a walk of that number is still part of one.
  func isPart(_ number: UInt32) -> Bool { number != 0 && number == current?.number }

  /// The walk whose end is to be told now, all its connections being told, and how many they were.
  var ending: (walk: SyncWalk, count: UInt32)? { isRead ? current.map { ($0, count) } : nil }

  mutating func end() { (current, isRead) = (nil, false) }
}
