public import CSegment
internal import CTables
public import Primitives
public import Tables

/// A worker's connections: records in an arena of the segment, extensions beside them, and an index over their tuples.
///
/// The records lie where readers of the segment see them: `generation` is stored last when a connection is born and
/// cleared first when it dies, every other field is one aligned store. A free record remembers its last generation in
/// `start` and the next free slot in `source`.
///
/// Bit 30 of an index entry: the original direction goes from the higher endpoint to the lower. Bit 31: the entry leads
/// to the reply tuple, which is not the original one turned round.
@safe
public struct ConnectionTable: ~Copyable {
  @usableFromInline let records: UnsafeMutablePointer<dpdkfwd_ct_record>
  @usableFromInline let extensions: UnsafeMutablePointer<dpdkfwd_ct_extension_record>
  public let capacity: Int
  public let extensionCapacity: Int
  @usableFromInline var index: TupleIndex
  private let indexMemory: UnsafeMutableRawPointer
  /// The arenas, when they are its own.
  private let ownMemory: UnsafeMutableRawPointer?
  private let splits: Bool
  public let secret: HashSecret
  /// What is counted, for the worker alone; copied out once a breath.
  public let counts: UnsafeMutablePointer<dpdkfwd_ct_shard_record>

  /// Slots below this have been used at least once; those above were never touched.
  private var used = 0
  /// Slot + 1 of the first free one; 0: none below `used`.
  private var free: UInt32 = 0
  var extensionsUsed = 0
  var freeExtension: UInt32 = 0
  private var cursor = 0
  private var sweptAt: UInt32 = 0
  private var sweepRest: UInt64 = 0

  /// Ids take 24 bits for the slot, and generations 28.
  public static let mostConnections = 1 << 24
  static let lastGeneration: UInt32 = (1 << 28) - 1

  /// - Parameters:
  ///   - records, extensions: zeroed arenas that outlive the table, aligned to 64 bytes.
  ///   - capacity: records; at most `mostConnections`.
  ///   - splits: whether connections may have an index entry for each direction. Without it the index has room for one
  ///     a connection.
  @unsafe
  public init(
    records: UnsafeMutablePointer<dpdkfwd_ct_record>, capacity: Int,
    extensions: UnsafeMutablePointer<dpdkfwd_ct_extension_record>, extensionCapacity: Int, splits: Bool,
    secret: HashSecret
  ) {
    unsafe self.init(
      records: records, capacity: capacity, extensions: extensions, extensionCapacity: extensionCapacity,
      splits: splits, secret: secret, owning: nil)
  }

  /// The same on memory of its own, which nobody else reads.
  public init(capacity: Int, extensionCapacity: Int, splits: Bool = false, secret: HashSecret) {
    let recordBytes = capacity * MemoryLayout<dpdkfwd_ct_record>.stride
    let bytes = recordBytes + extensionCapacity * MemoryLayout<dpdkfwd_ct_extension_record>.stride
    let memory = unsafe Self.zeroed(bytes)
    unsafe self.init(
      records: memory.assumingMemoryBound(to: dpdkfwd_ct_record.self), capacity: capacity,
      extensions: (memory + recordBytes).assumingMemoryBound(to: dpdkfwd_ct_extension_record.self),
      extensionCapacity: extensionCapacity, splits: splits, secret: secret, owning: memory)
  }

  private init(
    records: UnsafeMutablePointer<dpdkfwd_ct_record>, capacity: Int,
    extensions: UnsafeMutablePointer<dpdkfwd_ct_extension_record>, extensionCapacity: Int, splits: Bool,
    secret: HashSecret, owning memory: UnsafeMutableRawPointer?
  ) {
    precondition((1...Self.mostConnections).contains(capacity))
    unsafe ownMemory = memory
    unsafe self.records = records
    unsafe self.extensions = extensions
    self.capacity = capacity
    self.extensionCapacity = extensionCapacity
    self.secret = secret
    self.splits = splits
    // A connection with two entries holds an extension for its reply tuple.
    let entries = splits ? capacity + min(capacity, extensionCapacity) : capacity
    let bytes = TupleIndex.bytes(capacity: entries)
    unsafe indexMemory = Self.zeroed(bytes)
    index = unsafe TupleIndex(memory: indexMemory, capacity: entries)
    unsafe counts = .allocate(capacity: 1)
    unsafe counts.initialize(to: dpdkfwd_ct_shard_record())
    unsafe counts.pointee.entries_limit = UInt64(capacity)
    unsafe counts.pointee.extensions_limit = UInt64(extensionCapacity)
  }

  /// Memory that is looked up at random: on huge pages if there is enough of it and the kernel has them.
  private static func zeroed(_ bytes: Int) -> UnsafeMutableRawPointer {
    let hugePage = 2 << 20
    let isLarge = bytes >= hugePage
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? hugePage : 64)
    if isLarge { unsafe ctables_prefer_huge_pages(memory, bytes) }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    return unsafe memory
  }

  deinit {
    unsafe indexMemory.deallocate()
    unsafe counts.deallocate()
    unsafe ownMemory?.deallocate()
  }

  /// Arrays of `counts`.
  @inlinable public var classes: UnsafeMutablePointer<UInt64> { unsafe segment_ct_classes(counts) }
  @inlinable public var cacheMisses: UnsafeMutablePointer<UInt64> { unsafe segment_ct_cache_misses(counts) }

  public var count: Int { unsafe Int(counts.pointee.entries) }

  // MARK: Find

  /// The connection that a packet's tuple belongs to, and the way the packet goes in it. Expired ones count: the caller
  /// asks `isExpired`.
  ///
  /// - Parameter pair: the packet's IPv6 addresses; not looked at for IPv4.
  @inlinable @inline(__always)
  public func find(_ tuple: Tuple, _ pair: IPv6Pair) -> Found? {
    let entry = index.find(tuple.hash) { entry in
      unsafe matches(entry, tuple)
        && (!tuple.isIPv6 || (entry.flag30 == tuple.isFlipped ? pair : pair.reversed) == addresses(of: Int(entry.slot)))
    }
    guard let entry else { return nil }
    return Found(slot: Int(entry.slot), direction: entry.flag30 == tuple.isFlipped ? .original : .reply)
  }

  /// The same for a packet whose directions live in different zones.
  @inline(never)
  public func find(_ tuple: Tuple, replyZone: UInt16, _ pair: IPv6Pair) -> Found? {
    find(tuple, pair, as: .original) ?? find(rehashed(tuple, zone: replyZone, pair), pair, as: .reply)
  }

  /// The connection whose tuple of that direction this is. (In its zone the other direction of another connection may
  /// have the same one.)
  private func find(_ tuple: Tuple, _ pair: IPv6Pair, as direction: Direction) -> Found? {
    let entry = index.find(tuple.hash) { entry in
      unsafe (entry.flag30 == tuple.isFlipped) == (direction == .original) && matches(entry, tuple)
        && (!tuple.isIPv6 || (direction == .original ? pair : pair.reversed) == addresses(of: Int(entry.slot)))
    }
    return entry.map { Found(slot: Int($0.slot), direction: direction) }
  }

  /// The connection that has the reply tuple of a new one: only where zones are split is it not found before.
  func holder(ofReplyTo tuple: Tuple, replyZone: UInt16, _ pair: IPv6Pair) -> Int? {
    guard splits else { return nil }
    return find(rehashed(tuple.reversed, zone: replyZone, pair.reversed), pair.reversed, as: .reply)?.slot
  }

  @inlinable @inline(__always)
  @unsafe func matches(_ entry: IndexEntry, _ tuple: Tuple) -> Bool {
    let isOriginal = entry.flag30 == tuple.isFlipped
    let (addresses, rest) = tuple.words(isOriginal: isOriginal)
    let words = unsafe UnsafeRawPointer(records + Int(entry.slot)).assumingMemoryBound(to: UInt64.self)
    // The place of its source's count is no part of a connection.
    let own = unsafe words[1] & 0x0FFF_FFFF_FFFF_FFFF
    if unsafe words[0] == addresses, own == rest { return true }
    return own >> 56 & UInt64(DPDKFWD_CT_TWO_ENTRIES) != 0 && matchesSplit(entry, addresses, rest, isOriginal)
  }

  /// The same for a connection whose reply tuple is in another zone.
  @usableFromInline @inline(never)
  func matchesSplit(_ entry: IndexEntry, _ addresses: UInt64, _ rest: UInt64, _ isOriginal: Bool) -> Bool {
    let slot = Int(entry.slot)
    let words = unsafe UnsafeRawPointer(records + slot).assumingMemoryBound(to: UInt64.self)
    let zoneless: UInt64 = 0x07FF_0000_FFFF_FFFF
    guard unsafe words[0] == addresses, unsafe words[1] & zoneless == rest & zoneless else { return false }
    let zone = unsafe isOriginal ? records[slot].zone : replyZone(of: slot)
    return zone == UInt16(truncatingIfNeeded: rest >> 32)
  }

  @inlinable @inline(__always)
  public func isExpired(_ slot: Int, now: UInt32) -> Bool {
    unsafe Int32(bitPattern: records[slot].deadline &- now) <= 0 && records[slot].status & Status.offload == 0
  }

  // MARK: Birth

  /// Adds a connection.
  ///
  /// - Parameters:
  ///   - seed: everything a packet decides; generation, extension and flags of the table are set here.
  ///   - tuple: of the packet that opens it; `seed` holds the same endpoints.
  ///   - replyZone: the zone of the other direction.
  /// - Returns: its slot; `nil` when there is no room, which the caller counts.
  @inline(never)
  mutating func insert(_ seed: dpdkfwd_ct_record, _ tuple: Tuple, replyZone: UInt16, _ pair: IPv6Pair) -> Int? {
    let isSplit = replyZone != tuple.zone
    guard hasExtensions(for: tuple, replyZone: replyZone),
      index.capacity - index.count >= (isSplit ? 2 : 1), let slot = takeSlot()
    else { return nil }
    let record = unsafe records + slot
    let generation = unsafe record.pointee.start &+ 1
    unsafe record.pointee = seed
    unsafe record.pointee.generation = 0
    unsafe record.pointee.extension = 0
    var flags = seed.flags
    if isSplit {
      flags |= DPDKFWD_CT_TWO_ENTRIES
      addExtension(to: slot, generation, kind: .reply) { extra in
        extra.zone = replyZone
        extra.source_port = seed.destination_port
        extra.destination_port = seed.source_port
        if tuple.isIPv6 {
          extra.set(pair.reversed)
        } else {
          extra.set(ipv4: seed.destination, seed.source)
        }
      }
    }
    if tuple.isIPv6 { addExtension(to: slot, generation, kind: .addresses) { $0.set(pair) } }
    unsafe record.pointee.flags = flags
    unsafe segment_store_release(&record.pointee.generation, generation)
    let inserted = index.insert(tuple.hash, entry(slot, tuple, isSplit: isSplit))
    precondition(inserted, "the index refused below its capacity")
    if isSplit {
      let other = index.insert(rehashed(tuple, zone: replyZone, pair).hash, replyEntry(slot, tuple))
      precondition(other, "the index refused below its capacity")
    }
    unsafe counts.pointee.entries &+= 1
    unsafe counts.pointee.entries_max = max(counts.pointee.entries_max, counts.pointee.entries)
    if unsafe record.pointee.status & Status.assured == 0 { unsafe counts.pointee.unassured &+= 1 }
    unsafe segment_ct_by_protocol(counts)[ProtocolGroup(seed.protocol, isIPv6: tuple.isIPv6).rawValue] &+= 1
    return slot
  }

  /// What leads to a connection from its original tuple; from the reply tuple too, unless that has an entry of its own.
  /// A connection of one end with itself has two equal tuples: as in Linux, all that follows is its answer.
  private func entry(_ slot: Int, _ tuple: Tuple, isSplit: Bool) -> IndexEntry {
    IndexEntry(slot: UInt32(slot), flag30: isSplit ? tuple.isFlipped : !tuple.reversed.isFlipped)
  }

  private func replyEntry(_ slot: Int, _ tuple: Tuple) -> IndexEntry {
    IndexEntry(slot: UInt32(slot), flag30: !tuple.reversed.isFlipped, flag31: true)
  }

  private mutating func takeSlot() -> Int? {
    if free != 0 {
      let slot = Int(free) - 1
      free = unsafe records[slot].source
      return slot
    }
    guard used < capacity else { return nil }
    used += 1
    unsafe counts.pointee.slots_used = UInt64(used)
    return used - 1
  }

  // MARK: Death

  /// Removes a connection; its slot is free from then on, under another generation.
  @inline(never)
  mutating func remove(_ slot: Int) {
    let record = unsafe records + slot
    let (tuple, pair) = tuple(of: slot)
    let isSplit = unsafe record.pointee.flags & DPDKFWD_CT_TWO_ENTRIES != 0
    var removed = index.remove(tuple.hash, entry(slot, tuple, isSplit: isSplit))
    if isSplit {
      let hash = rehashed(tuple, zone: replyZone(of: slot), pair).hash
      removed = index.remove(hash, replyEntry(slot, tuple)) && removed
    }
    precondition(removed, "a connection was not in the index")
    let generation = unsafe record.pointee.generation
    unsafe segment_store_release(&record.pointee.generation, 0)
    unsafe giveExtensions(record)
    unsafe counts.pointee.entries &-= 1
    if unsafe record.pointee.status & Status.assured == 0 { unsafe counts.pointee.unassured &-= 1 }
    unsafe segment_ct_by_protocol(counts)[ProtocolGroup(tuple.transport, isIPv6: tuple.isIPv6).rawValue] &-= 1
    unsafe record.pointee.status = 0
    unsafe record.pointee.start = generation
    // A slot that has used up its generations rests for good: ids are never given twice.
    guard generation < Self.lastGeneration else { return }
    unsafe record.pointee.source = free
    free = UInt32(slot) + 1
  }

  /// The free slots that have been used before, last freed first. O(memory).
  var freeSlots: [Int] {
    var slots: [Int] = []
    var next = free
    while next != 0, slots.count < used {
      slots.append(Int(next) - 1)
      next = unsafe records[slots.last!].source
    }
    return slots
  }

  /// Slots that hold a connection or have held one.
  public var slotsUsed: Int { used }

  /// Whether the slot holds a connection.
  @inlinable @inline(__always)
  public func isLive(_ slot: Int) -> Bool { unsafe records[slot].status & Status.confirmed != 0 }

  // MARK: Sweep

  /// How many records the sweep is to visit now, so that a pass over all takes `interval` milliseconds.
  ///
  /// - Parameter most: at once; a pass takes longer when that is too few.
  @inline(__always)
  mutating func sweepDue(now: UInt32, interval: UInt32, most: Int) -> Int {
    let elapsed = now &- sweptAt
    guard elapsed > 0 || sweepRest >= UInt64(interval) else { return 0 }
    sweptAt = now
    let pass = UInt64(used) &* UInt64(interval)
    sweepRest = min(sweepRest &+ UInt64(used) &* UInt64(min(elapsed, interval)), pass)
    let due = min(Int(sweepRest / UInt64(max(1, interval))), most)
    sweepRest &-= UInt64(due) &* UInt64(interval)
    unsafe counts.pointee.swept &+= UInt64(due)
    return due
  }

  /// The next slot in the order of memory, or -1 when it is free. An outcome remembered under another generation is
  /// forgotten on the way.
  @inline(__always)
  mutating func nextToSweep(keeping generation: UInt16) -> Int {
    if cursor >= used { cursor = 0 }
    let slot = cursor
    cursor += 1
    unsafe ctables_prefetch(records + min(slot + 16, capacity - 1))
    guard isLive(slot) else { return -1 }
    if unsafe records[slot].cached_generation != generation {
      unsafe records[slot].cached_egress = (255, 255)
    }
    return slot
  }

  // MARK: Buckets

  var bucketCount: Int { index.bucketCount }

  /// Counts the entries of buckets from `first` on, as far as there is room in `counts`; returns how many buckets.
  func countBuckets(from first: Int, into counts: UnsafeMutableBufferPointer<UInt8>) -> Int {
    guard first >= 0, first < index.bucketCount else { return 0 }
    let end = min(first + counts.count, index.bucketCount)
    for bucket in first..<end { unsafe counts[bucket - first] = UInt8(index.entries(inBucket: bucket)) }
    return end - first
  }

  // MARK: Make room

  /// Shows the slots of connections near a tuple in the index, eight buckets of them, until `visit` returns true.
  func examine(near tuple: Tuple, _ visit: (Int) -> Bool) {
    index.nearby(tuple.hash, buckets: 8) { visit(Int($0.slot)) }
  }
}

extension ConnectionTable {
  /// A connection, and the way the packet goes in it.
  public struct Found: BitwiseCopyable, Equatable {
    public var slot: Int
    public var direction: Direction

    @inlinable
    public init(slot: Int, direction: Direction) {
      self.slot = slot
      self.direction = direction
    }
  }

  /// The record itself; valid while the table is.
  @unsafe @inlinable @inline(__always)
  public func record(_ slot: Int) -> UnsafeMutablePointer<dpdkfwd_ct_record> {
    precondition(slot >= 0 && slot < capacity)
    return unsafe records + slot
  }
}
