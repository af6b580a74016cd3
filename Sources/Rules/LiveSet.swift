internal import Primitives
internal import Ruleset
internal import Synchronization

/// A set that packets change: a table for each worker and one for the control side, which only tells of elements that
/// were asked for or deleted, at most twice as many as there can be. Every worker finds all elements in its own table;
/// what one adds the others read in its ring.
@safe
final class LiveSet {
  /// What two sets have to share for one to go on with the other's memory.
  struct Shape: Equatable {
    var key: [DataType]
    var data: Int
    var capacity: Int
    /// Kind of each statement, and words of it in a record.
    var statements: [Int]
    var workers: Int

    init(_ set: NamedSet, _ statements: [Statement], _ states: RuleStates) {
      key = set.key
      data = namedDataParts(set)
      capacity = min(max(set.capacity == .max ? max(65_535, 2 * set.elements.count) : set.capacity, 1), 1 << 28)
      workers = states.workers
      self.statements = statements.map { statement in
        switch statement {
        case .counter: 2
        case .limit: RuleEngine.LiveLimit.seen + states.workers
        case .connectionCount(let count): RuleEngine.LiveCount.others + states.workers + states.slots(count)
        default: 0
        }
      }
    }

    /// What was deleted is remembered beside what is there.
    func slots(_ writer: Int) -> Int { writer == workers ? 2 * capacity + 64 : capacity + capacity / 8 + 64 }
    /// Of a record; the control side's have no statements.
    func words(_ writer: Int) -> Int {
      LiveLayout.key + 2 * (key.count + data) + (writer == workers ? 0 : statements.reduce(0, +))
    }
    var ring: Int { workers > 1 ? LiveSet.ring : 64 }
    static func hashed(_ slots: Int) -> Int {
      var hashed = 8
      while hashed < 2 * slots { hashed *= 2 }
      return hashed
    }

    /// Of a writer's whole table, in words.
    func size(_ writer: Int) -> Int {
      let slots = slots(writer)
      let records = slots.multipliedReportingOverflow(by: words(writer))
      guard !records.overflow, records.partialValue < 1 << 48 else { return 1 << 48 }
      return records.partialValue + Shape.hashed(slots) / 2 + (slots + 1) / 2 + ring + 8 + LiveTable.readerWords * 256
    }

    /// Of all tables.
    var bytes: Int { 8 * (workers * size(0) + size(workers)) }
  }

  let shape: Shape
  /// Of each worker, then the control side's.
  let tables: [UnsafeMutablePointer<LiveTable>]
  /// Where each statement's words begin in a record.
  let statementPlaces: [Int]
  private let statements: [Statement]
  /// To elements that have none of their own.
  private let givesStatements: Bool
  private let timeout: UInt64?
  private let memory: [WordMemory]
  /// What elements had counted when they were reset, by key and statement.
  private var taken: [[UInt128]: [(packets: UInt64, bytes: UInt64)]] = [:]

  /// Changes that a worker may be behind.
  private static let ring = 4096

  init(_ set: NamedSet, _ statements: [Statement], _ shape: Shape, secret: HashSecret) {
    self.shape = shape
    self.statements = statements.unnumbered
    givesStatements = !set.statements.isEmpty
    timeout = set.timeout
    let layoutData = LiveLayout.key + 2 * shape.key.count
    var place = layoutData + 2 * shape.data
    var places: [Int] = []
    for words in shape.statements {
      places.append(place)
      place += words
    }
    statementPlaces = places
    var memory: [WordMemory] = []
    var tables: [UnsafeMutablePointer<LiveTable>] = unsafe []
    for writer in 0...shape.workers {
      let layout = LiveLayout(
        parts: shape.key.count, data: layoutData, dataParts: shape.data, words: shape.words(writer))
      let slots = shape.slots(writer)
      let hashed = Shape.hashed(slots)
      let ring = shape.ring
      let words = WordMemory(shape.size(writer))
      memory.append(words)
      let places = unsafe words.base + slots * layout.words
      let free = unsafe places + hashed / 2
      let ringBase = unsafe free + (slots + 1) / 2
      let told = unsafe ringBase + ring
      let table = UnsafeMutablePointer<LiveTable>.allocate(capacity: 1)
      let freeSlots = unsafe UnsafeMutableRawPointer(free).assumingMemoryBound(to: UInt32.self)
      // The first slots are taken first.
      for slot in 0..<slots { unsafe freeSlots[slot] = UInt32(slots - 1 - slot) }
      unsafe table.initialize(
        to: LiveTable(
          layout: layout, records: words.base, slots: slots,
          places: UnsafeMutableRawPointer(places).assumingMemoryBound(to: UInt32.self), mask: UInt64(hashed - 1),
          free: freeSlots, freeCount: slots, capacity: writer == shape.workers ? slots : shape.capacity,
          ring: ringBase, ringMask: UInt64(ring - 1), told: told, readers: told + 8, writer: writer,
          workers: shape.workers, secret: secret))
      unsafe tables.append(table)
    }
    self.memory = memory
    unsafe self.tables = tables
  }

  deinit { for place in unsafe tables.indices { unsafe tables[place].deallocate() } }

  var addresses: [UInt64] { unsafe tables.map { UInt64(UInt(bitPattern: $0)) } }

  // MARK: From the control side

  /// Gives every worker an element, before any of them uses the set.
  func place(_ element: Element, at now: Instant) {
    for worker in 0..<shape.workers { _ = unsafe write(element, into: tables[worker], at: now) }
  }

  /// How many elements can be told of.
  var room: Int {
    makeRoom()
    return unsafe tables[shape.workers].pointee.freeCount
  }

  /// Tells of an element, if there is room.
  func add(_ element: Element, at now: Instant) {
    let control = unsafe tables[shape.workers]
    guard let slot = unsafe write(element, into: control, at: now) else { return }
    unsafe control.pointee.tell(slot)
  }

  func remove(_ key: Key, at now: Instant) {
    let control = unsafe tables[shape.workers]
    guard let slot = unsafe write(Element(key), into: control, at: now) else { return }
    unsafe control.pointee.bury(slot, control.pointee.stamp(now.nanoseconds))
    unsafe control.pointee.tell(slot)
  }

  /// Frees what all workers have read.
  private func makeRoom() {
    let control = unsafe tables[shape.workers]
    let told = unsafe control.pointee.told.pointee
    for worker in 0..<shape.workers {
      let reader = unsafe tables[worker].pointee.readers + shape.workers * LiveTable.readerWords
      guard unsafe LiveTable.load(reader, 0) == told, unsafe LiveTable.load(reader, 1) == 0 else { return }
    }
    // The first slots are taken first: the last is the first to be free again.
    let taken = unsafe control.pointee.slots - control.pointee.freeCount
    for slot in (0..<taken).reversed() { unsafe control.pointee.release(slot) }
    unsafe control.pointee.used = 0
  }

  /// - Returns: the slot; `nil`: the table is full.
  private func write(_ element: Element, into table: UnsafeMutablePointer<LiveTable>, at now: Instant) -> Int? {
    guard let key = element.key, key.isExact, key.parts.count == shape.key.count else { return nil }
    return unsafe withUnsafeTemporaryAllocation(of: UInt128.self, capacity: key.parts.count) { parts -> Int? in
      for (part, range) in key.parts.enumerated() { unsafe parts.initializeElement(at: part, to: range.lowerBound) }
      guard let base = unsafe UnsafePointer(parts.baseAddress) else { return nil }
      let hash = unsafe table.pointee.hash(base)
      var slot = unsafe table.pointee.slot(base, hash)
      if slot < 0 {
        guard unsafe table.pointee.used < table.pointee.capacity else { return nil }
        slot = unsafe table.pointee.take(base, hash)
        guard slot >= 0 else { return nil }
        unsafe table.pointee.used += 1
      }
      let record = unsafe table.pointee.record(slot)
      let layout = unsafe table.pointee.layout
      let isControl = unsafe table.pointee.writer == shape.workers
      // What was deleted and comes again knows nothing of before.
      let restarts = unsafe LiveTable.state(record) == LiveLayout.dead ? LiveLayout.restarts : 0
      let milliseconds = element.timeout ?? timeout ?? 0
      let deadline = milliseconds == 0 ? 0 : (now + .timeout(milliseconds: element.expires ?? milliseconds)).nanoseconds
      unsafe LiveTable.begin(record)
      unsafe LiveTable.store(record, LiveLayout.stamp, table.pointee.stamp(now.nanoseconds))
      unsafe LiveTable.store(record, LiveLayout.deadline, deadline)
      unsafe LiveTable.store(record, LiveLayout.told, deadline)
      unsafe LiveTable.store(record, LiveLayout.timeout, milliseconds * 1_000_000)
      if case .value(let value) = element.value {
        for (part, range) in value.parts.prefix(shape.data).enumerated() {
          for (half, word) in Compiler.words(of: range.lowerBound).enumerated() {
            unsafe LiveTable.store(record, layout.data + 2 * part + half, word)
          }
        }
      }
      for (index, statement) in statements.enumerated() where !isControl {
        if case .limit = statement {
          unsafe LiveTable.store(
            record, statementPlaces[index] + RuleEngine.LiveLimit.empty, UInt64(bitPattern: Int64.min / 2))
        }
        // What it counted before goes on in the first worker's table.
        if index < element.statements.count, case .counter(let counter) = element.statements[index],
          unsafe table.pointee.writer == 0
        {
          unsafe LiveTable.store(record, statementPlaces[index], counter.packets)
          unsafe LiveTable.store(record, statementPlaces[index] + 1, counter.bytes)
        }
      }
      let runs = !statements.isEmpty && (givesStatements || !element.statements.isEmpty) ? LiveLayout.runsStatements : 0
      unsafe LiveTable.end(record, state: LiveLayout.live | restarts | runs)
      return slot
    }
  }

  // MARK: Listing

  /// All workers' elements as they are, read while they change: the latest word on each holds.
  func listing(at now: Instant) -> [Element] {
    // Workers know best what they have read.
    makeRoom()
    let found = seen()
    taken = taken.filter { found[$0.key] != nil }
    return found.values.compactMap { seen in
      guard seen.isLive, seen.deadline == 0 || seen.deadline > now.nanoseconds else { return nil }
      var element = Element(Key(seen.key.map { $0...$0 }))
      if shape.data > 0 { element.value = .value(Key(seen.data.map { $0...$0 })) }
      if seen.deadline != 0 {
        element.timeout = seen.timeout / 1_000_000
        element.expires = (seen.deadline - now.nanoseconds) / 1_000_000
      }
      guard seen.runsStatements else { return element }
      element.statements = zip(statements, seen.counters).map(LiveSet.filled)
      for (index, before) in (taken[seen.key] ?? []).enumerated() {
        // One that was deleted and came again counts from zero by itself.
        guard case .counter(var counter) = element.statements[index], counter.packets >= before.packets else {
          continue
        }
        counter.packets -= before.packets
        counter.bytes &-= before.bytes
        element.statements[index] = .counter(counter)
      }
      return element
    }
  }

  /// Counters of elements begin at zero again.
  func reset() { taken = seen().mapValues { $0.counters.map { (packets: $0.0, bytes: $0.1) } } }

  private func seen() -> [[UInt128]: Seen] {
    var found: [[UInt128]: Seen] = [:]
    for place in unsafe tables.indices {
      let table = unsafe tables[place].pointee
      for slot in 0..<table.slots {
        guard let seen = read(table, slot) else { continue }
        found[seen.key] = found[seen.key].map { $0.merged(with: seen) } ?? seen
      }
    }
    return found
  }

  private static func filled(_ statement: Statement, _ counted: (UInt64, UInt64)) -> Statement {
    guard case .counter(var counter) = statement else { return statement }
    (counter.packets, counter.bytes) = counted
    return .counter(counter)
  }

  private struct Seen {
    var key: [UInt128]
    var data: [UInt128]
    var isLive: Bool
    var runsStatements: Bool
    var stamp: UInt64
    var deadline: UInt64
    var timeout: UInt64
    var counters: [(UInt64, UInt64)]

    func merged(with other: Seen) -> Seen {
      var latest = stamp >= other.stamp ? self : other
      if isLive, other.isLive {
        latest.deadline = deadline == 0 || other.deadline == 0 ? latest.deadline : max(deadline, other.deadline)
        latest.counters = zip(counters, other.counters).map { ($0.0 &+ $1.0, $0.1 &+ $1.1) }
      }
      return latest
    }
  }

  /// A record as it stands; `nil`: it is free.
  private func read(_ table: LiveTable, _ slot: Int) -> Seen? {
    let record = unsafe table.record(slot)
    while true {
      let head = unsafe LiveTable.load(record, LiveLayout.head)
      atomicMemoryFence(ordering: .acquiring)
      let state = head & 0xFF
      if head >> 32 & 1 != 0 { continue }
      if state == LiveLayout.free { return nil }
      func wide(_ word: Int) -> UInt128 {
        unsafe UInt128(LiveTable.load(record, word + 1)) << 64 | UInt128(LiveTable.load(record, word))
      }
      let seen = unsafe Seen(
        key: (0..<table.layout.parts).map { wide(LiveLayout.key + 2 * $0) },
        data: (0..<table.layout.dataParts).map { wide(table.layout.data + 2 * $0) }, isLive: state == LiveLayout.live,
        runsStatements: head & LiveLayout.runsStatements != 0, stamp: LiveTable.load(record, LiveLayout.stamp),
        deadline: LiveTable.load(record, LiveLayout.deadline), timeout: LiveTable.load(record, LiveLayout.timeout),
        counters: statementPlaces.map { place in
          // The control side's records have none.
          guard place < table.layout.words else { return (0, 0) }
          return unsafe (LiveTable.load(record, place), LiveTable.load(record, place + 1))
        })
      atomicMemoryFence(ordering: .acquiring)
      if unsafe LiveTable.load(record, LiveLayout.head) == head { return seen }
    }
  }

  var lost: UInt64 {
    (0..<shape.workers).reduce(0) { sum, worker in
      (0...shape.workers).reduce(sum) { sum, writer in
        unsafe sum &+ LiveTable.load(tables[worker].pointee.readers + writer * LiveTable.readerWords, 2)
      }
    }
  }
}
