public import Primitives
internal import Synchronization

extension RuleEngine {
  /// Limits whose credit one tick gives back, slots of a set that it sweeps, and changes of others that it takes over.
  private static let limitsPerTick: UInt32 = 16
  private static let slotsPerTick = 64
  private static let changesPerTick = 64

  /// Between bursts: gives unused credit of limits back, and for one of the sets frees what is over and takes over what
  /// the others changed. Bounded.
  public mutating func tick(at now: Instant) {
    ticks &+= 1
    guard let view else { return }
    let limits = UInt32(truncatingIfNeeded: view.word(view.visited))
    if workers > 1, limits > 0 {
      for _ in 0..<min(limits, Self.limitsPerTick) {
        giveBack(view.word(view.visited &+ 1 &+ 2 &* visitedLimit))
        visitedLimit = visitedLimit &+ 1 >= limits ? 0 : visitedLimit &+ 1
      }
    }
    let place = view.visited &+ 1 &+ 2 &* limits
    let sets = UInt32(truncatingIfNeeded: view.word(place))
    collectOfRule(view, place &+ 1 &+ sets)
    guard sets > 0 else { return }
    let set = UInt32(truncatingIfNeeded: view.word(place &+ 1 &+ visitedSet))
    visitedSet = visitedSet &+ 1 >= sets ? 0 : visitedSet &+ 1
    unsafe liveTable(view, set).pointee.sweep(at: now.nanoseconds, most: Self.slotsPerTick)
    collectOfElement(view, set, most: Self.slotsPerTick)
    takeOver(view, set, now)
  }

  /// Looks for ended connections that a rule counts, some places of one list.
  /// - Parameter visited: where the lists' number stands, and behind it a cell and a place of each.
  private mutating func collectOfRule(_ view: RuleView, _ visited: UInt32) {
    let counts = UInt32(truncatingIfNeeded: view.word(visited))
    guard counts > 0 else { return }
    let entry = visited &+ 1 &+ 2 &* visitedCount
    visitedCount = visitedCount &+ 1 >= counts ? 0 : visitedCount &+ 1
    let slots = Int(view.word(UInt32(truncatingIfNeeded: view.word(entry, 1)), StateWords.slots))
    let cell = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(view.word(entry))).unsafelyUnwrapped
    let own = unsafe cell + worker &* CountCell.stride(slots: slots)
    unsafe collect(own, IDList(own + CountCell.ids, slots: slots))
  }

  /// What a lease kept and did not use since the last visit.
  private mutating func giveBack(_ cell: UInt64) {
    let words = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(cell)).unsafelyUnwrapped
    let lease = unsafe words + (LimitCell.lease &+ worker &* LimitCell.leaseWords)
    let kept = unsafe Int64(bitPattern: lease[0])
    let wasUsed = unsafe (lease[1] != 0)
    unsafe lease[1] = 0
    guard kept > 0, !wasUsed else { return }
    unsafe lease[0] = 0
    unsafe LimitCell.giveBack(words, kept)
  }

  /// Reads what others and the control side told of a set.
  private mutating func takeOver(_ view: RuleView, _ set: UInt32, _ now: Instant) {
    let own = unsafe liveTable(view, set)
    var left = Self.changesPerTick
    for writer in 0...workers where writer != worker {
      let other = unsafe self.table(view, set, writer)
      let reader = unsafe own.pointee.readers + writer &* LiveTable.readerWords
      let told = unsafe UnsafeMutableRawPointer(other.pointee.told).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
        .load(ordering: .acquiring)
      var read = unsafe reader[0]
      let size = unsafe other.pointee.ringMask &+ 1
      if told &- read > size {
        // Too late: all of its records are looked through, from the first.
        unsafe LiveTable.store(reader, 2, reader[2] &+ (told &- read))
        unsafe LiveTable.store(reader, 1, 1)
        read = told
      }
      while read != told, left > 0 {
        let slot = unsafe LiveTable.load(other.pointee.ring, Int(truncatingIfNeeded: read & other.pointee.ringMask))
        guard unsafe takeOver(view, set, own, other, Int(truncatingIfNeeded: slot), now) else { break }
        read &+= 1
        left &-= 1
      }
      unsafe LiveTable.store(reader, 0, read)
      while unsafe reader[1] != 0, left > 0 {
        let slot = unsafe Int(reader[1]) &- 1
        guard unsafe takeOver(view, set, own, other, slot, now) else { break }
        unsafe LiveTable.store(reader, 1, slot &+ 1 < other.pointee.slots ? UInt64(slot &+ 2) : 0)
        left &-= 1
      }
    }
  }

  /// One record of another's table. One that is being written is read with the change that is told then.
  /// - Returns: false: it was asked for, and there is no room for it yet.
  private mutating func takeOver(
    _ view: RuleView, _ set: UInt32, _ own: UnsafeMutablePointer<LiveTable>, _ other: UnsafeMutablePointer<LiveTable>,
    _ slot: Int, _ now: Instant
  ) -> Bool {
    let layout = unsafe own.pointee.layout
    let theirs = unsafe other.pointee.record(slot)
    let head = unsafe LiveTable.load(theirs, LiveLayout.head)
    atomicMemoryFence(ordering: .acquiring)
    let state = head & 0xFF
    guard head >> 32 & 1 == 0, state != LiveLayout.free else { return true }
    let stamp = unsafe LiveTable.load(theirs, LiveLayout.stamp)
    let deadline = unsafe LiveTable.load(theirs, LiveLayout.deadline)
    let timeout = unsafe LiveTable.load(theirs, LiveLayout.timeout)
    for part in 0..<layout.parts &+ layout.dataParts {
      let word = LiveLayout.key &+ part &* 2
      unsafe stack[part] =
        UInt128(LiveTable.load(theirs, word &+ 1)) << 64 | UInt128(LiveTable.load(theirs, word))
    }
    atomicMemoryFence(ordering: .acquiring)
    guard unsafe LiveTable.load(theirs, LiveLayout.head) == head else { return true }
    guard state == LiveLayout.dead || deadline == 0 || deadline > now.nanoseconds else { return true }

    let key = unsafe UnsafePointer(stack)
    let hash = unsafe own.pointee.hash(key)
    var mine = unsafe own.pointee.slot(key, hash)
    let isThere = unsafe mine >= 0 && LiveTable.state(own.pointee.record(mine)) == LiveLayout.live
    let isLater = unsafe mine < 0 || own.pointee.record(mine)[LiveLayout.stamp] < stamp
    let isAsked = unsafe other.pointee.writer == workers
    if isLater {
      if state == LiveLayout.dead, workers == 1 {
        // Nobody else could tell of it again.
        if isThere { unsafe own.pointee.used &-= 1 }
        if mine >= 0 { unsafe own.pointee.release(mine) }
        return true
      }
      if !isThere {
        // What was asked for has its place even if packets filled the set meanwhile.
        if state == LiveLayout.live, !isAsked, unsafe own.pointee.used >= own.pointee.capacity { return true }
        if mine < 0 {
          // Of an element that was deleted and is not known here, that is all there is to know; but it may come yet.
          mine = unsafe own.pointee.take(key, hash)
          guard mine >= 0 else { return unsafe !isAsked || state == LiveLayout.dead || !waits(own, now) }
        }
      }
      unsafe own.pointee.waited = 0
      let record = unsafe own.pointee.record(mine)
      if state == LiveLayout.dead {
        if isThere { unsafe own.pointee.used &-= 1 }
        unsafe own.pointee.bury(mine, stamp)
        return true
      }
      if !isThere { unsafe own.pointee.used &+= 1 }
      if !isThere || head & LiveLayout.restarts != 0 { unsafe restart(view, set, record) }
      let known = unsafe record[LiveLayout.deadline]
      let ends = isThere && !isAsked && deadline != 0 && known != 0 ? max(known, deadline) : deadline
      unsafe LiveTable.begin(record)
      unsafe LiveTable.store(record, LiveLayout.stamp, stamp)
      unsafe LiveTable.store(record, LiveLayout.deadline, ends)
      unsafe LiveTable.store(record, LiveLayout.told, ends)
      unsafe LiveTable.store(record, LiveLayout.timeout, timeout)
      for part in layout.parts..<layout.parts &+ layout.dataParts {
        let word = LiveLayout.key &+ part &* 2
        unsafe LiveTable.store(record, word, UInt64(truncatingIfNeeded: stack[part]))
        unsafe LiveTable.store(record, word &+ 1, UInt64(truncatingIfNeeded: stack[part] >> 64))
      }
      unsafe LiveTable.end(record, state: LiveLayout.live | (head & LiveLayout.runsStatements))
    }
    guard mine >= 0, state == LiveLayout.live else { return true }
    let record = unsafe own.pointee.record(mine)
    if !isAsked, unsafe LiveTable.state(record) == LiveLayout.live {
      unsafe learn(view, set, record, theirs, from: other.pointee.writer, now)
    }
    return true
  }

  /// Makes room where every slot is taken: the next tick tries again, until all slots were looked through.
  /// - Returns: false: there is nothing to wait for. The element is counted as lost.
  private func waits(_ own: UnsafeMutablePointer<LiveTable>, _ now: Instant) -> Bool {
    unsafe own.pointee.sweep(at: now.nanoseconds, most: Self.slotsPerTick, forgets: true)
    unsafe own.pointee.waited &+= 1
    if unsafe own.pointee.waited &* Self.slotsPerTick <= own.pointee.slots &+ Self.slotsPerTick { return true }
    let reader = unsafe own.pointee.readers + workers &* LiveTable.readerWords
    unsafe LiveTable.store(reader, 2, reader[2] &+ 1)
    unsafe own.pointee.waited = 0
    return false
  }

  /// What another worker's element consumed of its limits, and how many connections it counts.
  private mutating func learn(
    _ view: RuleView, _ set: UInt32, _ record: UnsafeMutablePointer<UInt64>, _ theirs: UnsafeMutablePointer<UInt64>,
    from writer: Int, _ now: Instant
  ) {
    let statements = Int(view.word(set, SetWords.head) >> 24 & 0xFF)
    for statement in 0..<statements {
      let place = set &+ UInt32(SetWords.count &+ statement &* StateWords.count)
      let words = Int(view.word(place, StateWords.place))
      let own = unsafe record + words
      switch StateWords.Kind(rawValue: view.word(place, StateWords.kind)) ?? .none {
      case .limit:
        let consumed = unsafe LiveTable.load(theirs, words &+ LiveLimit.consumed)
        let seen = unsafe own[LiveLimit.seen &+ writer]
        // One that began again is below what was seen.
        let more = Int64(bitPattern: consumed >= seen ? consumed &- seen : consumed)
        unsafe own[LiveLimit.seen &+ writer] = consumed
        let size = Int64(bitPattern: view.word(place, StateWords.most))
        let since = unsafe max(
          Int64(bitPattern: own[LiveLimit.empty]), Int64(truncatingIfNeeded: now.nanoseconds) &- size)
        unsafe LiveTable.store(own, LiveLimit.empty, UInt64(bitPattern: since &+ more))
      case .count:
        unsafe own[LiveCount.others &+ writer] = LiveTable.load(theirs, words &+ LiveCount.count)
      case .counter, .none: break
      }
    }
  }

  @inline(__always)
  private func table(_ view: RuleView, _ set: UInt32, _ writer: Int) -> UnsafeMutablePointer<LiveTable> {
    let tables = UInt32(truncatingIfNeeded: view.word(set, SetWords.live))
    return unsafe UnsafeMutablePointer(bitPattern: UInt(view.word(tables, writer))).unsafelyUnwrapped
  }
}
