import CSegment
import Primitives
import Segment
import TestSupport

@testable import Sync

/// A forwarder's tables: connections in slots, and a ring of events for each shard that forgets what is not read soon.
struct ModelTable {
  struct Entry {
    var connection: Connection
    var expires: Instant
  }

  private struct Shard {
    var slots: [Entry?] = []
    var free: [Int] = []
    var generations: [UInt32] = []
    var ring: [ConnectionEvent] = []
    var written: UInt64 = 0
  }

  let ringSize: Int
  private var shards: [Shard]
  private var places: [SyncFlow: (shard: Int, slot: Int)] = [:]
  private var live: [SyncFlow] = []
  private var epoch: UInt32 = 1
  private var chance: SeededGenerator

  init(shards: Int, ringSize: Int, _ chance: SeededGenerator) {
    self.shards = Array(repeating: Shard(), count: shards)
    (self.ringSize, self.chance) = (ringSize, chance)
  }

  var count: Int { places.count }
  var shardCount: Int { shards.count }

  /// Every connection, by what only one can have at a time.
  var entries: [SyncFlow: Entry] {
    places.mapValues { place in shards[place.shard].slots[place.slot]! }
  }

  // MARK: Churn

  /// One thing happens: the more connections there are, the more of them end.
  mutating func churn(toward size: Int, at now: Instant) {
    let roll = chance.below(100)
    if live.isEmpty || (roll < 45 && live.count < size) {
      create(at: now)
    } else if roll < 80 {
      change(isRefresh: roll < 60, at: now)
    } else {
      remove(live[chance.below(live.count)], at: now)
    }
  }

  /// Few addresses: the same flow comes again and again, from either end.
  private mutating func create(at now: Instant) {
    var connection = chance.connection(isIPv6: false)
    connection.original.zone = UInt16(chance.below(2))
    connection.original.source = Self.address(chance.below(12))
    connection.original.destination = Self.address(chance.below(12))
    connection.original.sourcePort = 1000 + UInt16(chance.below(8))
    connection.original.destinationPort = connection.isICMP ? 8 << 8 : 1000 + UInt16(chance.below(8))
    connection.reply = connection.original.turned(isICMP: connection.isICMP, isIPv6: false)
    let flow = SyncFlow(connection).eitherWay
    guard places[flow] == nil else { return }
    let shard = Int(flow.original.source.ipv4.bits ^ flow.original.destination.ipv4.bits) % shards.count
    let slot = takeSlot(of: shard)
    connection.id = ConnectionID(
      shard: shard, epoch: epoch, slot: slot, generation: shards[shard].generations[slot])
    let entry = Entry(connection: connection, expires: now + .milliseconds(UInt64(60_000 + chance.below(600_000))))
    shards[shard].slots[slot] = entry
    places[flow] = (shard, slot)
    live.append(flow)
    write(.new, entry, at: now)
  }

  private static func address(_ number: Int) -> IPv6Address {
    IPv6Address(ipv4: IPv4Address(bits: 0x0a00_0000 + UInt32(number)))
  }

  private mutating func takeSlot(of shard: Int) -> Int {
    let slot: Int
    if let free = shards[shard].free.popLast() {
      slot = free
    } else {
      slot = shards[shard].slots.count
      shards[shard].slots.append(nil)
      shards[shard].generations.append(0)
    }
    shards[shard].generations[slot] += 1
    return slot
  }

  private mutating func change(isRefresh: Bool, at now: Instant) {
    let flow = live[chance.below(live.count)]
    guard let place = places[flow], var entry = shards[place.shard].slots[place.slot] else { return }
    entry.expires = now + .milliseconds(UInt64(60_000 + chance.below(600_000)))
    entry.connection.counts.original.packets &+= 1
    entry.connection.counts.original.bytes &+= 100
    if !isRefresh {
      let other = chance.connection(entry.connection.protocol, isIPv6: false)
      (entry.connection.state, entry.connection.mark) = (other.state, other.mark)
      entry.connection.labels = other.labels
      entry.connection.details = other.details
    }
    shards[place.shard].slots[place.slot] = entry
    write(.update, entry, changes: isRefresh ? .timeout : [.timeout, .state], at: now)
  }

  private mutating func remove(_ flow: SyncFlow, at now: Instant) {
    guard let place = places.removeValue(forKey: flow), let entry = shards[place.shard].slots[place.slot] else {
      return
    }
    live.remove(at: live.firstIndex(of: flow)!)
    shards[place.shard].slots[place.slot] = nil
    shards[place.shard].free.append(place.slot)
    write(.destroy, entry, at: now)
  }

  /// The forwarder starts anew: all is gone, without a word.
  mutating func restart() {
    (places, live) = ([:], [])
    for shard in shards.indices { shards[shard] = Shard() }
    epoch = (epoch + 1) % 16
  }

  // MARK: Readers

  private mutating func write(
    _ kind: ConnectionEvent.Kind, _ entry: Entry, changes: ConnectionEvent.Changes = [], at now: Instant
  ) {
    let shard = entry.connection.id.shard
    shards[shard].written += 1
    shards[shard].ring.append(
      ConnectionEvent(
        sequence: shards[shard].written, shard: shard, at: now.nanoseconds, kind: kind, changes: changes,
        connection: Self.image(entry, at: now)))
    if shards[shard].ring.count > ringSize { shards[shard].ring.removeFirst() }
  }

  /// The connection as it stands now; the worker's clock is somewhere.
  private static func image(_ entry: Entry, at now: Instant) -> Connection {
    var connection = entry.connection
    let clock = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000) &+ 0xffff_0000
    connection.remaining = UInt32((entry.expires - now).nanoseconds / 1_000_000)
    connection.deadline = clock &+ connection.remaining
    // A stream in so many milliseconds: always the same number, for the comparison's sake.
    if [17, 136].contains(connection.protocol) { connection.details.original.end = clock &+ 500 }
    return connection
  }

  func newest(of shard: Int) -> UInt64 { shards[shard].written }

  /// Events behind `cursor`, at most so many, and whether some were lost.
  func events(of shard: Int, after cursor: inout UInt64, atMost most: Int) -> (events: [ConnectionEvent], isLossy: Bool)
  {
    let (ring, written) = (shards[shard].ring, shards[shard].written)
    let oldest = written - UInt64(ring.count) + 1
    // A cursor of a life before this one is ahead of it.
    let isLossy = cursor + 1 < oldest || cursor > written
    let first = isLossy ? oldest : cursor + 1
    guard first <= written else { return ([], isLossy) }
    let events = Array(ring[Int(first - oldest)...].prefix(most))
    cursor = events.last?.sequence ?? first - 1
    return (events, isLossy)
  }

  /// Connections from a slot on, in the order of slots; `nil`: that was all.
  func walk(_ shard: Int, from slot: Int, atMost most: Int, at now: Instant) -> (found: [Connection], next: Int?) {
    var found: [Connection] = []
    var slot = slot
    while slot < shards[shard].slots.count, found.count < most {
      if let entry = shards[shard].slots[slot] { found.append(Self.image(entry, at: now)) }
      slot += 1
    }
    return (found, slot < shards[shard].slots.count ? slot : nil)
  }
}
