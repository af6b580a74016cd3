internal import Primitives
internal import Synchronization

/// Memory of plain words, zero at first, that programs and workers point into. It lives as long as something holds it.
@safe
final class WordMemory {
  let base: UnsafeMutablePointer<UInt64>
  let count: Int

  init(_ count: Int) {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 8, alignment: 64)
    unsafe base = bytes.bindMemory(to: UInt64.self, capacity: max(count, 1))
    unsafe base.initialize(repeating: 0, count: max(count, 1))
    self.count = count
  }

  deinit { unsafe base.deallocate() }

  var address: UInt64 { unsafe UInt64(UInt(bitPattern: base)) }
}

/// Counters lie together by worker, so that those of one worker share its cache lines and nobody else's.
enum CounterCell {
  /// How many lie in one memory; a worker's begin this many times two words after the one's before it.
  static let count = 1024
  static let stride = count * 2

  @inline(__always)
  static func words(_ cell: UInt64, worker: Int) -> UnsafeMutablePointer<UInt64> {
    unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(cell)).unsafelyUnwrapped + (worker &* stride)
  }
}

/// A token bucket that workers share, in its time: `empty` is when it would have been empty. It holds what has passed
/// since, at most its size. What it grants in all is exactly what nft_limit does.
///
/// Each worker leases a batch beside it: what a lease keeps can go beyond the bucket's size, and is refused to others
/// until the worker's tick gives it back.
enum LimitCell {
  static let empty = 0
  static let lease = 8
  /// Credit kept, and whether it was used since the last tick.
  static let leaseWords = 8
  static func words(workers: Int) -> Int { lease + workers * leaseWords }

  /// Takes between `least` and `most` nanoseconds, or nothing.
  @inline(__always)
  static func take(
    _ cell: UnsafeMutablePointer<UInt64>, least: Int64, most: Int64, size: Int64, at now: Int64
  ) -> Int64 {
    unsafe UnsafeMutableRawPointer(cell).withMemoryRebound(to: Atomic<Int64>.self, capacity: 1) { empty in
      var seen = unsafe empty.pointee.load(ordering: .relaxed)
      while true {
        let since = max(seen, now &- size)
        let granted = min(now &- since, most)
        if granted < least { return 0 }
        let (isDone, other) = unsafe empty.pointee.compareExchange(
          expected: seen, desired: since &+ granted, ordering: .relaxed)
        if isDone { return granted }
        seen = other
      }
    }
  }

  /// As at the start.
  static func fill(_ cell: UInt64) {
    let words = unsafe UnsafeMutableRawPointer(bitPattern: UInt(cell)).unsafelyUnwrapped
    unsafe words.assumingMemoryBound(to: Atomic<Int64>.self).pointee.store(Int64.min / 2, ordering: .relaxed)
  }

  @inline(__always)
  static func giveBack(_ cell: UnsafeMutablePointer<UInt64>, _ credit: Int64) {
    unsafe UnsafeMutableRawPointer(cell).withMemoryRebound(to: Atomic<Int64>.self, capacity: 1) { empty in
      _ = unsafe empty.pointee.wrappingSubtract(credit, ordering: .relaxed)
    }
  }
}

/// Handles of connections that a worker counted: a hash of them, and how many there are for the other workers to add.
enum CountCell {
  /// Of a worker: count (atomic), where the search for ended ones goes on, how far it came in this tick, then the
  /// handles.
  static let ids = 8
  /// One more than the limit is remembered, and no more than a worker can have: half of the places stay free.
  static func slots(limit: UInt32, connections: Int) -> Int {
    var slots = 8
    while slots < 2 * (min(Int(limit), connections) + 2) { slots *= 2 }
    return slots
  }
  @inline(__always)
  static func stride(slots: Int) -> Int { ids + slots }
}

/// A hash of connections' handles: 0 is a free place, and no connection's.
@safe
struct IDList: BitwiseCopyable {
  let ids: UnsafeMutablePointer<UInt64>
  let mask: UInt32

  init(_ words: UnsafeMutablePointer<UInt64>, slots: Int) {
    unsafe ids = unsafe words
    mask = UInt32(slots - 1)
  }

  @inline(__always)
  private func home(_ id: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: id >> 32) & mask }

  func contains(_ id: UInt64) -> Bool {
    var place = home(id)
    while true {
      let found = unsafe ids[Int(place)]
      if found == id { return true }
      if found == 0 { return false }
      place = (place &+ 1) & mask
    }
  }

  /// One that is not there; there is room, for half the places stay free.
  func insert(_ id: UInt64) {
    var place = home(id)
    while unsafe ids[Int(place)] != 0 { place = (place &+ 1) & mask }
    unsafe ids[Int(place)] = id
  }

  func remove(at start: UInt32) {
    var hole = start
    var next = (hole &+ 1) & mask
    while true {
      let id = unsafe ids[Int(next)]
      if id == 0 { break }
      if (next &- home(id)) & mask >= (next &- hole) & mask {
        unsafe ids[Int(hole)] = id
        hole = next
      }
      next = (next &+ 1) & mask
    }
    unsafe ids[Int(hole)] = 0
  }

  /// How many places are looked at for a packet, or in a tick.
  static let mostLooked: UInt32 = 16

  /// Takes out ended connections, looking at no more than some places; the count of those taken out.
  /// - Parameter kept: stays whatever became of it.
  func collect(from start: inout UInt64, kept: UInt64, liveness: ConnectionLiveness) -> UInt64 {
    var removed: UInt64 = 0
    var place = UInt32(truncatingIfNeeded: start) & mask
    var looked: UInt32 = 0
    while looked <= mask, looked < IDList.mostLooked, removed < UInt64(IDList.mostLooked) {
      let id = unsafe ids[Int(place)]
      if id != 0, id != kept, !liveness.lives(id) {
        // Another may have moved here: it is looked at next.
        remove(at: place)
        removed &+= 1
      } else {
        place = (place &+ 1) & mask
        looked &+= 1
      }
    }
    start = UInt64(place)
    return removed
  }
}

/// Whether a connection that was counted still lives; asked on the packet path by the worker that counted it, which
/// owns the connection. 0 is no connection's handle.
@safe
public struct ConnectionLiveness: BitwiseCopyable {
  public typealias Question = @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Bool
  let context: UnsafeMutableRawPointer?
  let question: Question?

  /// All live for ever.
  public init() { unsafe (context, question) = (nil, nil) }

  /// - Parameters:
  ///   - context: handed to `question`, with a handle of `ConnectionFacts`; valid as long as the engine.
  ///   - question: must not allocate.
  public init(context: UnsafeMutableRawPointer?, question: @escaping Question) {
    unsafe (self.context, self.question) = unsafe (context, question)
  }

  @inline(__always)
  func lives(_ id: UInt64) -> Bool { unsafe question.map { unsafe $0(context, id) } ?? true }
}
