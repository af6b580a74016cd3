internal import Primitives
internal import Synchronization

/// How a record of a live set is laid out, in words of 64 bits.
struct LiveLayout: BitwiseCopyable, Equatable {
  var parts: Int
  /// Where data begins: two words for each part of it.
  var data: Int
  var dataParts: Int
  /// Of the whole record.
  var words: Int

  /// State in the low byte; bit 8: its statements are run; from bit 32 on a number that is odd while it is written.
  static let head = 0
  /// When it was last told to the others, and by whom (in the low byte): the later word holds.
  static let stamp = 1
  /// In nanoseconds; 0: never.
  static let deadline = 2
  static let timeout = 3
  /// The deadline that the others know.
  static let told = 4
  static let hash = 5
  static let key = 6

  static let free: UInt64 = 0
  static let live: UInt64 = 1
  /// It was deleted, which the others have to know.
  static let dead: UInt64 = 2
  static let runsStatements: UInt64 = 0x100
  /// Of the control side's: its statements are to begin anew.
  static let restarts: UInt64 = 0x200
}

/// One worker's elements of a set that packets add to. Only that worker writes; the others and the control side read
/// records under their numbers (`read`). Memory is taken when the set is made.
///
/// What is written is told by the ring: the last 2^n slots that changed. A reader that comes too late to one learns how
/// many it lost, and looks through all records instead.
@safe
struct LiveTable: BitwiseCopyable {
  let layout: LiveLayout
  let records: UnsafeMutablePointer<UInt64>
  let slots: Int
  /// Slot plus one, by the hash of its key; 0: free.
  let places: UnsafeMutablePointer<UInt32>
  let mask: UInt64
  /// Free slots, a stack.
  let free: UnsafeMutablePointer<UInt32>
  var freeCount: Int
  /// Elements that are there, expired ones among them until they are swept.
  var used = 0
  let capacity: Int
  let ring: UnsafeMutablePointer<UInt64>
  let ringMask: UInt64
  /// How many slots were ever told: an atomic word.
  let told: UnsafeMutablePointer<UInt64>
  /// For each writer three words: how many of its slots were read (atomic), the slot a repair goes on with plus one (0:
  /// none is needed), and how many were lost.
  let readers: UnsafeMutablePointer<UInt64>
  let writer: Int
  let workers: Int
  let secret: HashSecret
  var sweepSlot = 0
  /// Whose ended connections are looked for next.
  var collectSlot = 0
  /// How many ticks an element that was asked for waits for room.
  var waited = 0

  static let readerWords = 3
  /// How long a deleted element is remembered, in nanoseconds: longer than any worker goes without a tick.
  static let memory: UInt64 = 10_000_000_000

  // MARK: Finding

  @inline(__always)
  func hash(_ key: UnsafePointer<UInt128>) -> UInt64 {
    var hash: UInt64 = 0
    for part in 0..<layout.parts {
      let value = unsafe key[part]
      hash = secret.hash(hash ^ UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value >> 64))
    }
    return hash
  }

  @inline(__always)
  func record(_ slot: Int) -> UnsafeMutablePointer<UInt64> { unsafe records + (slot &* layout.words) }

  @inline(__always)
  static func state(_ record: UnsafeMutablePointer<UInt64>) -> UInt64 { unsafe record[LiveLayout.head] & 0xFF }

  /// The slot with a key, whatever its state; -1: none.
  @inline(__always)
  func slot(_ key: UnsafePointer<UInt128>, _ hash: UInt64) -> Int {
    var place = hash & mask
    while true {
      let entry = unsafe places[Int(truncatingIfNeeded: place)]
      if entry == 0 { return -1 }
      let slot = Int(entry) &- 1
      if unsafe isKey(record(slot), key, hash) { return slot }
      place = (place &+ 1) & mask
    }
  }

  @inline(__always)
  private func isKey(_ record: UnsafeMutablePointer<UInt64>, _ key: UnsafePointer<UInt128>, _ hash: UInt64) -> Bool {
    guard unsafe record[LiveLayout.hash] == hash else { return false }
    for part in 0..<layout.parts {
      let word = LiveLayout.key &+ part &* 2
      let value = unsafe key[part]
      if unsafe record[word] != UInt64(truncatingIfNeeded: value) { return false }
      if unsafe record[word &+ 1] != UInt64(truncatingIfNeeded: value >> 64) { return false }
    }
    return true
  }

  /// The record of an element that is there and not expired.
  func find(_ key: UnsafePointer<UInt128>, at now: UInt64) -> UnsafeMutablePointer<UInt64>? {
    let slot = unsafe slot(key, hash(key))
    guard slot >= 0 else { return nil }
    let record = unsafe record(slot)
    return unsafe LiveTable.isThere(record, at: now) ? record : nil
  }

  @inline(__always)
  static func isThere(_ record: UnsafeMutablePointer<UInt64>, at now: UInt64) -> Bool {
    let deadline = unsafe record[LiveLayout.deadline]
    return unsafe state(record) == LiveLayout.live && (deadline == 0 || deadline > now)
  }

  // MARK: Changing

  /// Others read words one by one.
  @inline(__always)
  static func store(_ record: UnsafeMutablePointer<UInt64>, _ word: Int, _ value: UInt64) {
    unsafe UnsafeMutableRawPointer(record + word).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .store(value, ordering: .relaxed)
  }
  @inline(__always)
  static func load(_ record: UnsafeMutablePointer<UInt64>, _ word: Int) -> UInt64 {
    unsafe UnsafeMutableRawPointer(record + word).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .load(ordering: .relaxed)
  }

  /// From here to `end` readers take nothing from the record.
  @inline(__always)
  static func begin(_ record: UnsafeMutablePointer<UInt64>) {
    unsafe store(record, LiveLayout.head, record[LiveLayout.head] &+ 1 << 32)
    atomicMemoryFence(ordering: .releasing)
  }
  @inline(__always)
  static func end(_ record: UnsafeMutablePointer<UInt64>, state: UInt64) {
    let number = unsafe record[LiveLayout.head] >> 32 &+ 1
    unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .store(number << 32 | state, ordering: .releasing)
  }

  /// A slot for a key that has none; -1: there is no room.
  mutating func take(_ key: UnsafePointer<UInt128>, _ hash: UInt64) -> Int {
    guard freeCount > 0 else { return -1 }
    freeCount &-= 1
    let slot = unsafe Int(free[freeCount])
    let record = unsafe record(slot)
    unsafe LiveTable.begin(record)
    for part in 0..<layout.parts {
      let value = unsafe key[part]
      unsafe LiveTable.store(record, LiveLayout.key &+ part &* 2, UInt64(truncatingIfNeeded: value))
      unsafe LiveTable.store(record, LiveLayout.key &+ part &* 2 &+ 1, UInt64(truncatingIfNeeded: value >> 64))
    }
    unsafe LiveTable.store(record, LiveLayout.hash, hash)
    unsafe LiveTable.end(record, state: LiveLayout.free)
    var place = hash & mask
    while unsafe places[Int(truncatingIfNeeded: place)] != 0 { place = (place &+ 1) & mask }
    unsafe places[Int(truncatingIfNeeded: place)] = UInt32(truncatingIfNeeded: slot &+ 1)
    return slot
  }

  /// Frees a slot that is no element any more.
  mutating func release(_ slot: Int) {
    let record = unsafe record(slot)
    unsafe LiveTable.begin(record)
    unsafe LiveTable.end(record, state: LiveLayout.free)
    var hole = unsafe record[LiveLayout.hash] & mask
    while unsafe places[Int(truncatingIfNeeded: hole)] != UInt32(truncatingIfNeeded: slot &+ 1) {
      hole = (hole &+ 1) & mask
    }
    // Entries behind the hole move up unless that took them before their own place.
    var next = (hole &+ 1) & mask
    while true {
      let entry = unsafe places[Int(truncatingIfNeeded: next)]
      if entry == 0 { break }
      let home = unsafe self.record(Int(entry) &- 1)[LiveLayout.hash] & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        unsafe places[Int(truncatingIfNeeded: hole)] = entry
        hole = next
      }
      next = (next &+ 1) & mask
    }
    unsafe places[Int(truncatingIfNeeded: hole)] = 0
    unsafe free[freeCount] = UInt32(truncatingIfNeeded: slot)
    freeCount &+= 1
  }

  /// Has the others read a slot.
  @inline(__always)
  func tell(_ slot: Int) {
    if workers == 1, writer == 0 { return }
    let number = unsafe told.pointee
    unsafe LiveTable.store(ring, Int(truncatingIfNeeded: number & ringMask), UInt64(slot))
    unsafe UnsafeMutableRawPointer(told).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .store(number &+ 1, ordering: .releasing)
  }

  @inline(__always)
  func stamp(_ now: UInt64) -> UInt64 { now & ~0xFF | UInt64(writer) }

  /// Deletes an element; whether there was one.
  mutating func delete(_ key: UnsafePointer<UInt128>, at now: UInt64) -> Bool {
    let slot = unsafe slot(key, hash(key))
    guard slot >= 0, unsafe LiveTable.state(record(slot)) == LiveLayout.live else { return false }
    used &-= 1
    if workers == 1, writer == 0 {
      release(slot)
      return true
    }
    bury(slot, stamp(now))
    tell(slot)
    return true
  }

  func bury(_ slot: Int, _ stamp: UInt64) {
    let record = unsafe record(slot)
    unsafe LiveTable.begin(record)
    unsafe LiveTable.store(record, LiveLayout.stamp, stamp)
    unsafe LiveTable.end(record, state: LiveLayout.dead)
  }

  /// Looks through some slots and frees what is over.
  /// - Parameter forgets: deleted elements are remembered no longer.
  mutating func sweep(at now: UInt64, most: Int, forgets: Bool = false) {
    for _ in 0..<min(most, slots) {
      let record = unsafe record(sweepSlot)
      switch unsafe LiveTable.state(record) {
      case LiveLayout.live where unsafe !LiveTable.isThere(record, at: now):
        used &-= 1
        release(sweepSlot)
      case LiveLayout.dead where unsafe forgets || record[LiveLayout.stamp] &+ LiveTable.memory < now:
        release(sweepSlot)
      default: break
      }
      sweepSlot = sweepSlot &+ 1 == slots ? 0 : sweepSlot &+ 1
    }
  }
}
