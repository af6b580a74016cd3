public import CSegment
public import Segment
internal import Synchronization

/// What a worker tells of its connections: a ring of events, of which readers learn what they missed, and the list of
/// those that ended, for readers who must not miss an end.
///
/// NEW is written when a connection is confirmed and DESTROY when it leaves the table. What changes in between is noted
/// with the connection and written as one UPDATE at the end of the breath, or before its DESTROY. While no kind of event
/// is wanted, each of these costs a test of one word.
@safe
public struct EventLog: ~Copyable {
  /// What the short way through the tracker sees of it.
  @usableFromInline let notes: UnsafeMutablePointer<Notes>
  public let counts: UnsafeMutablePointer<dpdkfwd_event_shard_record>
  private var ring: RingWriter<dpdkfwd_ct_event_record>?
  private var dying: DyingList
  /// One bit for each zone that is told of; `nil`: all are.
  private var zones: UnsafePointer<UInt64>?
  /// By slot: the second in which a refresh was written last.
  private let refreshed: UnsafeMutablePointer<UInt32>
  /// By slot: how many packets the last event said that there were, modulo 2^31.
  private let said: UnsafeMutablePointer<UInt32>
  let shard: Int
  /// Something was counted since `settled` was last called.
  var isTouched = true

  /// Connections that changed in this breath.
  @safe
  @usableFromInline
  struct Notes: BitwiseCopyable {
    var mask: EventMask = []
    var notesRefreshes = false
    var count = 0
    let capacity: Int
    let slots: UnsafeMutablePointer<UInt32>
    /// By slot: `ConnectionEvent.Changes`.
    let changes: UnsafeMutablePointer<UInt16>
  }

  /// As many may change between two looks at `isFull`: those of a burst of packets, and more.
  static let burst = 64

  /// - Parameters:
  ///   - ring, dying: of the segment, mapped as long as the log; `nil` and none: nothing is ever told.
  ///   - capacity: connections in the table.
  ///   - shard: the worker's place among all, for the connections' ids.
  @unsafe
  public init(
    ring: RingWriter<dpdkfwd_ct_event_record>?, dying: UnsafeMutablePointer<dpdkfwd_ct_dying_record>?,
    dyingCapacity: Int, capacity: Int, shard: Int
  ) {
    self.ring = ring
    self.shard = shard
    unsafe self.dying = DyingList(dying, capacity: dyingCapacity)
    unsafe counts = .allocate(capacity: 1)
    unsafe counts.initialize(to: dpdkfwd_event_shard_record())
    unsafe counts.pointee.dying_limit = UInt64(dyingCapacity)
    let room = ring == nil ? 0 : 4096
    let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: room)
    unsafe slots.initialize(repeating: 0, count: room)
    let connections = ring == nil ? 0 : capacity
    let changes = UnsafeMutablePointer<UInt16>.allocate(capacity: connections)
    unsafe changes.initialize(repeating: 0, count: connections)
    unsafe refreshed = .allocate(capacity: connections)
    // Seconds are even numbers.
    unsafe refreshed.initialize(repeating: .max, count: connections)
    unsafe said = .allocate(capacity: connections)
    unsafe said.initialize(repeating: 0, count: connections)
    unsafe notes = .allocate(capacity: 1)
    unsafe notes.initialize(to: Notes(capacity: room, slots: slots, changes: changes))
  }

  /// One that tells nothing; connections have ids all the same.
  public init(shard: Int = 0) {
    unsafe self.init(ring: nil, dying: nil, dyingCapacity: 0, capacity: 0, shard: shard)
  }

  deinit {
    unsafe notes.pointee.slots.deallocate()
    unsafe notes.pointee.changes.deallocate()
    unsafe refreshed.deallocate()
    unsafe said.deallocate()
    unsafe notes.deallocate()
    unsafe counts.deallocate()
  }

  // MARK: What is wanted

  public var mask: EventMask { unsafe notes.pointee.mask }

  /// - Parameters:
  ///   - mask: the kinds that are written from now on; without a ring none of connections is.
  ///   - zones: 65,536 bits, valid until another call; `nil`: all zones.
  @unsafe
  public mutating func set(_ mask: EventMask, zones: UnsafePointer<UInt64>?) {
    let mask = ring == nil ? mask.intersection(.fragments) : mask
    unsafe self.zones = unsafe zones
    unsafe notes.pointee.mask = mask
    unsafe notes.pointee.notesRefreshes = mask.contains(.refresh)
    unsafe counts.pointee.mask = mask.rawValue
    isTouched = true
  }

  func tells(_ zone: UInt16) -> Bool {
    guard let zones = unsafe zones else { return true }
    return unsafe zones[Int(zone >> 6)] >> UInt64(zone & 63) & 1 != 0
  }

  // MARK: Notes

  /// Something changed in a connection that is written about later.
  @inline(__always)
  func note(_ change: ConnectionEvent.Changes, _ slot: Int) { unsafe notes.pointee.note(change, slot) }

  /// There may not be room for what one more burst changes.
  var isFull: Bool { unsafe notes.pointee.count > max(0, notes.pointee.capacity - Self.burst) }
  var hasNotes: Bool { noted > 0 }
  /// How many were noted, and which, in that order; some may have been written about since, or noted again.
  var noted: Int { unsafe notes.pointee.count }
  func noted(_ place: Int) -> Int { unsafe Int(notes.pointee.slots[place]) }
  func forgetNotes() { unsafe notes.pointee.count = 0 }

  /// What changed in a connection since it was last asked.
  func takeNote(of slot: Int) -> ConnectionEvent.Changes {
    guard ring != nil else { return [] }
    let changes = unsafe notes.pointee.changes[slot]
    unsafe notes.pointee.changes[slot] = 0
    return ConnectionEvent.Changes(rawValue: changes)
  }

  /// Whether that the timeout alone changed is to be written: once a second of each connection. What a second's refresh
  /// does not say, the sweep does; see `isBehind`.
  ///
  /// - Parameter second: a number of its own for each.
  func takesRefresh(of slot: Int, in second: UInt32) -> Bool {
    guard mask.contains(.refresh) else { return false }
    guard unsafe refreshed[slot] != second else {
      // As no connection has it: the timeout may be all that its last event did not say.
      unsafe said[slot] |= 1 << 31
      return false
    }
    unsafe refreshed[slot] = second
    return true
  }

  /// An event says that a connection has so many packets.
  func say(_ packets: UInt64, of slot: Int) { unsafe said[slot] = UInt32(truncatingIfNeeded: packets) & .max >> 1 }

  /// Somebody wants refreshes.
  var notesRefreshes: Bool { unsafe notes.pointee.notesRefreshes }

  /// There is more to say of a connection than its last event did: packets that changed nothing else were counted since.
  func isBehind(_ slot: Int, packets: UInt64) -> Bool {
    unsafe said[slot] != UInt32(truncatingIfNeeded: packets) & .max >> 1
  }

  // MARK: Entries

  /// What goes with an event beside the connection.
  struct Context: BitwiseCopyable {
    var kind: ConnectionEvent.Kind
    var originator = ConnectionEvent.Originator.packet
    var client: UInt32 = 0
    var changes: ConnectionEvent.Changes = []
    /// Nanoseconds since 1970.
    var at: UInt64
  }

  /// Begins the next entry; the caller fills in the connection and calls `end`.
  mutating func begin(_ context: Context) -> UnsafeMutablePointer<dpdkfwd_ct_event_record> {
    guard let entry = unsafe ring?.begin() else { preconditionFailure("events without a ring") }
    unsafe entry.pointee.at = context.at
    unsafe entry.pointee.client = context.client
    unsafe entry.pointee.changes = context.changes.rawValue
    unsafe entry.pointee.kind = context.kind.rawValue
    unsafe entry.pointee.originator = context.originator.rawValue
    return unsafe entry
  }

  /// The entry is whole; one that tells of an end is kept if somebody asked for that.
  mutating func end(_ entry: UnsafeMutablePointer<dpdkfwd_ct_event_record>, _ context: Context) {
    ring?.end()
    isTouched = true
    let isRefresh = context.kind == .update && context.changes == .timeout && context.originator == .packet
    unsafe segment_events_written(counts)[isRefresh ? 3 : Int(context.kind.rawValue) - 1] &+= 1
    let merged = context.changes.rawValue.nonzeroBitCount
    if merged > 1 { unsafe counts.pointee.merged &+= UInt64(merged - 1) }
    guard context.kind == .destroy, mask.contains(.keeps) else { return }
    if unsafe dying.append(entry) { unsafe counts.pointee.dying_lost &+= 1 }
    unsafe counts.pointee.dying = UInt64(dying.count)
    unsafe counts.pointee.dying_max = max(counts.pointee.dying_max, counts.pointee.dying)
  }

  /// Who asked for ends knows of those up to an event.
  ///
  /// - Parameter most: how many may leave the list at once.
  mutating func acknowledge(_ sequence: UInt64, most: Int) {
    let before = dying.count
    dying.release(upTo: mask.contains(.keeps) ? sequence : .max, most: most)
    guard dying.count != before else { return }
    isTouched = true
    unsafe counts.pointee.dying = UInt64(dying.count)
  }
}

extension EventLog.Notes {
  /// Not inline: what changes seldom must not cost the packets that change nothing.
  @inline(never)
  mutating func note(_ change: ConnectionEvent.Changes, _ slot: Int) {
    if !mask.isDisjoint(with: [.update, .refresh]) { add(change, slot) }
  }

  mutating func add(_ change: ConnectionEvent.Changes, _ slot: Int) {
    let before = unsafe changes[slot]
    unsafe changes[slot] = before | change.rawValue
    guard before == 0 else { return }
    precondition(count < capacity, "more connections changed in a burst than it has packets")
    unsafe slots[count] = UInt32(truncatingIfNeeded: slot)
    count += 1
  }
}

/// Connections that ended, the oldest first; when there is no room for another, the oldest goes.
@safe
struct DyingList: ~Copyable {
  private let records: UnsafeMutablePointer<dpdkfwd_ct_dying_record>?
  private let capacity: Int
  /// Numbers of the first that is kept and of the next one, counted from the beginning.
  private var first: UInt64 = 0
  private var next: UInt64 = 0

  init(_ records: UnsafeMutablePointer<dpdkfwd_ct_dying_record>?, capacity: Int) {
    unsafe self.records = unsafe records
    self.capacity = capacity
  }

  var count: Int { Int(next &- first) }

  /// Returns whether another one had to go.
  mutating func append(_ event: UnsafeMutablePointer<dpdkfwd_ct_event_record>) -> Bool {
    guard let records = unsafe records, capacity > 0 else { return true }
    let isFull = count == capacity
    if isFull {
      dropFirst()
      // The same record is written now: whoever copies it sees its generation gone before anything else.
      atomicMemoryFence(ordering: .releasing)
    }
    let record = unsafe records + Int(next % UInt64(capacity))
    unsafe record.pointee.event = event.pointee
    next &+= 1
    unsafe segment_store_release(&record.pointee.generation, UInt32(truncatingIfNeeded: next) | 1 << 31)
    return isFull
  }

  mutating func release(upTo sequence: UInt64, most: Int) {
    guard let records = unsafe records else { return }
    var rest = most
    while rest > 0, count > 0, unsafe records[Int(first % UInt64(capacity))].event.sequence <= sequence {
      dropFirst()
      rest -= 1
    }
  }

  private mutating func dropFirst() {
    guard let records = unsafe records else { return }
    unsafe segment_store_release(&records[Int(first % UInt64(capacity))].generation, 0)
    first &+= 1
  }
}
