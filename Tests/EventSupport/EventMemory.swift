// EventSupport: what a tracker tells, on memory of its own, and who knows its connections from that alone.
public import CSegment
public import Conntrack
public import Segment

/// A ring of events and a list of ends, with their one reader.
@safe
public final class EventMemory: @unchecked Sendable {
  private let entries: UnsafeMutablePointer<dpdkfwd_ct_event_record>
  private let room: Int
  private let dying: UnsafeMutablePointer<dpdkfwd_ct_dying_record>
  private let dyingRoom: Int
  private let zones: UnsafeMutablePointer<UInt64>
  /// The number of the event that was read last, and how many were written over before they were read.
  public private(set) var read: UInt64 = 0
  public private(set) var lost: UInt64 = 0

  /// - Parameters:
  ///   - room: entries of the ring.
  ///   - dying: connections that the list of ends has room for.
  public init(room: Int = 1 << 12, dying: Int = 64) {
    self.room = room
    dyingRoom = dying
    unsafe entries = .allocate(capacity: room)
    unsafe entries.initialize(repeating: dpdkfwd_ct_event_record(), count: room)
    unsafe self.dying = .allocate(capacity: dying)
    unsafe self.dying.initialize(repeating: dpdkfwd_ct_dying_record(), count: dying)
    unsafe zones = .allocate(capacity: 1024)
    unsafe zones.initialize(repeating: 0, count: 1024)
  }

  deinit {
    unsafe entries.deallocate()
    unsafe dying.deallocate()
    unsafe zones.deallocate()
  }

  /// The writing side, for a table of so many connections.
  public func log(capacity: Int, shard: Int = 0) -> EventLog {
    unsafe EventLog(
      ring: RingWriter(entries, count: room), dying: dying, dyingCapacity: dyingRoom, capacity: capacity, shard: shard)
  }

  /// A bit for each of these zones, in memory of this object's.
  @unsafe
  public func bits(_ zones: Set<UInt16>) -> UnsafePointer<UInt64> {
    unsafe self.zones.update(repeating: 0, count: 1024)
    for zone in zones { unsafe self.zones[Int(zone >> 6)] |= 1 << UInt64(zone & 63) }
    return unsafe UnsafePointer(self.zones)
  }

  // MARK: The reader

  /// The events since the last look, in order; those that were written over are counted as lost. (One thread only.)
  public func take() -> [ConnectionEvent] {
    var events: [ConnectionEvent] = []
    while true {
      let record = unsafe entries[Int(read % UInt64(room))]
      guard record.sequence > read else { break }
      if record.sequence > read + 1 {
        // Written over: what is left is the ring's worth before the newest.
        let newest = (0..<room).reduce(0) { unsafe max($0, entries[$1].sequence) }
        lost += newest - UInt64(room) - read
        read = newest - UInt64(room)
      } else {
        read += 1
        events.append(ConnectionEvent(record))
      }
    }
    return events
  }

  /// What waits in the list of ends, by the place it lies in.
  public var ends: [ConnectionEvent] {
    (0..<dyingRoom).compactMap { place in
      unsafe dying[place].generation == 0 ? nil : ConnectionEvent(dying[place].event)
    }
  }
}

extension ConnectionEvent {
  public init(_ record: dpdkfwd_ct_event_record) {
    guard let kind = Kind(rawValue: record.kind), let originator = Originator(rawValue: record.originator) else {
      preconditionFailure("an event of kind \(record.kind) by \(record.originator)")
    }
    self.init(
      sequence: record.sequence, shard: ConnectionID(rawValue: record.image.id).shard, at: record.at, kind: kind,
      originator: originator, client: record.client, changes: Changes(rawValue: record.changes),
      connection: Connection(record.image))
  }
}
