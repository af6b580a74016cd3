internal import Primitives
internal import Synchronization

// What counts and limits, for a rule or an element: `cell` is where the state lies, `place` the statement's words.

extension RuleEngine {
  @inline(__always)
  func count(_ cell: UInt64, _ bytes: Int) {
    let words = unsafe CounterCell.words(cell, worker: worker)
    unsafe LiveTable.store(words, 0, words[0] &+ 1)
    unsafe LiveTable.store(words, 1, words[1] &+ UInt64(bytes))
  }

  /// What a packet costs of a limit, in nanoseconds.
  @inline(__always)
  func cost(_ view: RuleView, _ place: UInt32, _ bytes: Int) -> Int64 {
    guard view.word(place, StateWords.flags) & 1 != 0 else {
      return Int64(bitPattern: view.word(place, StateWords.cost))
    }
    let product = view.word(place, StateWords.unit).multipliedFullWidth(by: UInt64(bytes))
    let rate = view.word(place, StateWords.rate)
    let most = Int64.max / 4
    guard product.high < rate else { return most }
    let (quotient, _) = rate.dividingFullWidth(product)
    return Int64(min(quotient, UInt64(most)))
  }

  mutating func allows(_ view: RuleView, _ place: UInt32, _ cell: UInt64, _ bytes: Int, _ now: Instant) -> Bool {
    let words = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(cell)).unsafelyUnwrapped
    let lease = unsafe words + (LimitCell.lease &+ worker &* LimitCell.leaseWords)
    let isOver = view.word(place, StateWords.flags) & 2 != 0
    let cost = cost(view, place, bytes)
    var kept = unsafe Int64(bitPattern: lease[0])
    if kept < cost {
      let least = cost &- kept
      let batch = Int64(bitPattern: view.word(place, StateWords.batch))
      let granted = unsafe LimitCell.take(
        words, least: least, most: max(least, batch), size: Int64(bitPattern: view.word(place, StateWords.most)),
        at: Int64(truncatingIfNeeded: now.nanoseconds))
      // A packet that costs nothing always has enough.
      if granted == 0, least > 0 { return isOver }
      kept &+= granted
    }
    unsafe lease[0] = UInt64(bitPattern: kept &- cost)
    unsafe lease[1] = 1
    return !isOver
  }

  /// `ct count`: counts the packet's connection, and compares.
  mutating func counts(_ view: RuleView, _ place: UInt32, _ cell: UInt64, _ id: UInt64) -> Bool {
    let limit = view.word(place, StateWords.connections)
    let slots = Int(view.word(place, StateWords.slots))
    let stride = CountCell.stride(slots: slots)
    let words = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(cell)).unsafelyUnwrapped
    var others: UInt64 = 0
    for other in 0..<workers where other != worker { others &+= unsafe LiveTable.load(words + (other &* stride), 0) }
    let own = unsafe words + (worker &* stride)
    let total = unsafe counted(own, IDList(own + CountCell.ids, slots: slots), limit, others, id)
    return (total > limit) == (view.word(place, StateWords.flags) & 2 != 0)
  }

  /// Counts a connection among a worker's own, and gives the sum. At most one more than the limit is remembered: others
  /// would change no answer, and those that live on are met again. Ended ones are taken out when they would matter.
  /// - Parameters:
  ///   - own: count, where the search for ended ones goes on, and how far it came in this tick.
  ///   - id: the connection's handle; 0 for a packet without one.
  mutating func counted(
    _ own: UnsafeMutablePointer<UInt64>, _ list: IDList, _ limit: UInt64, _ others: UInt64, _ id: UInt64
  ) -> UInt64 {
    var mine = unsafe own[0]
    // Of places half, less one, can be taken: more than connections live, but ended ones may be among them.
    let room = UInt64(list.mask >> 1)
    var isNew = id != 0 && !list.contains(id)
    if isNew, mine &+ others < limit, mine < room {
      list.insert(id)
      mine &+= 1
      isNew = false
    }
    if mine &+ others > limit || isNew {
      mine &-= unsafe collect(own, list, kept: id)
      if isNew, mine &+ others <= limit, mine < room {
        list.insert(id)
        mine &+= 1
      }
    }
    unsafe LiveTable.store(own, 0, mine)
    return mine &+ others
  }

  /// Takes ended connections out of a list: it is looked through once in a tick at most, for whoever is at its limit
  /// may send any number of packets. A short list is looked through for each of them.
  private func collect(_ own: UnsafeMutablePointer<UInt64>, _ list: IDList, kept: UInt64) -> UInt64 {
    if list.mask >= IDList.mostLooked {
      if unsafe own[2] >> 32 != ticks & 0xFFFF_FFFF { unsafe own[2] = ticks << 32 }
      guard unsafe own[2] & 0xFFFF_FFFF <= UInt64(list.mask) else { return 0 }
      unsafe own[2] &+= UInt64(IDList.mostLooked)
    }
    return unsafe list.collect(from: &own[1], kept: kept, liveness: liveness)
  }

  /// Some places of a list that nobody may ask for.
  func collect(_ own: UnsafeMutablePointer<UInt64>, _ list: IDList) {
    guard unsafe own[0] > 0 else { return }
    let removed = unsafe list.collect(from: &own[1], kept: 0, liveness: liveness)
    unsafe LiveTable.store(own, 0, own[0] &- removed)
  }

  // MARK: Elements of live sets

  /// Where a worker's words for a limit begin: empty, consumed, told; then what it knows of each worker's consumption.
  enum LiveLimit {
    static let empty = 0
    static let consumed = 1
    static let told = 2
    static let seen = 3
  }
  /// Count, where the search goes on and how far it came, what each worker counts, then ids.
  enum LiveCount {
    static let count = 0
    static let others = 3
  }

  /// The statements of a live set's element.
  mutating func holdAllLive(
    _ view: RuleView, _ set: UInt32, _ statements: Int, _ record: UnsafeMutablePointer<UInt64>, _ bytes: Int,
    _ id: UInt64, _ now: Instant
  ) -> Bool {
    guard unsafe record[LiveLayout.head] & LiveLayout.runsStatements != 0 else { return true }
    for statement in 0..<statements {
      let place = set &+ UInt32(SetWords.count &+ statement &* StateWords.count)
      let own = unsafe record + Int(view.word(place, StateWords.place))
      switch StateWords.Kind(rawValue: view.word(place, StateWords.kind)) ?? .none {
      case .none: break
      case .counter:
        unsafe LiveTable.store(own, 0, own[0] &+ 1)
        unsafe LiveTable.store(own, 1, own[1] &+ UInt64(bytes))
      case .limit: if unsafe !allowsLive(view, set, place, record, own, bytes, now) { return false }
      case .count:
        let limit = view.word(place, StateWords.connections)
        let others = unsafe others(own)
        let before = unsafe own[LiveCount.count]
        let total = unsafe counted(own, list(view, place, own), limit, others, id)
        if unsafe own[LiveCount.count] != before { unsafe tell(view, set, record) }
        guard (total > limit) == (view.word(place, StateWords.flags) & 2 != 0) else { return false }
      }
    }
    return true
  }

  private mutating func allowsLive(
    _ view: RuleView, _ set: UInt32, _ place: UInt32, _ record: UnsafeMutablePointer<UInt64>,
    _ own: UnsafeMutablePointer<UInt64>, _ bytes: Int, _ now: Instant
  ) -> Bool {
    let isOver = view.word(place, StateWords.flags) & 2 != 0
    let cost = cost(view, place, bytes)
    let now = Int64(truncatingIfNeeded: now.nanoseconds)
    let size = Int64(bitPattern: view.word(place, StateWords.most))
    let since = unsafe max(Int64(bitPattern: own[LiveLimit.empty]), now &- size)
    guard now &- since >= cost else { return isOver }
    unsafe LiveTable.store(own, LiveLimit.empty, UInt64(bitPattern: since &+ cost))
    unsafe LiveTable.store(own, LiveLimit.consumed, own[LiveLimit.consumed] &+ UInt64(bitPattern: cost))
    if unsafe own[LiveLimit.consumed] &- own[LiveLimit.told] > view.word(place, StateWords.batch) {
      unsafe LiveTable.store(own, LiveLimit.told, own[LiveLimit.consumed])
      unsafe tell(view, set, record)
    }
    return !isOver
  }

  /// Connections of an element that other workers count.
  private func others(_ own: UnsafeMutablePointer<UInt64>) -> UInt64 {
    var others: UInt64 = 0
    for other in 0..<workers where other != worker { others &+= unsafe own[LiveCount.others &+ other] }
    return others
  }

  private func list(_ view: RuleView, _ place: UInt32, _ own: UnsafeMutablePointer<UInt64>) -> IDList {
    unsafe IDList(own + LiveCount.others + workers, slots: Int(view.word(place, StateWords.slots)))
  }

  /// Looks for ended connections of an element; one that has none left goes, as in the kernel. Takes its turn at the
  /// elements: some places of one in a tick.
  func collectOfElement(_ view: RuleView, _ set: UInt32, most: Int) {
    for statement in 0..<Int(view.word(set, SetWords.head) >> 24 & 0xFF) {
      let place = set &+ UInt32(SetWords.count &+ statement &* StateWords.count)
      guard view.word(place, StateWords.kind) == StateWords.Kind.count.rawValue else { continue }
      return collectOfElement(view, set, place, most)
    }
  }

  private func collectOfElement(_ view: RuleView, _ set: UInt32, _ place: UInt32, _ most: Int) {
    let table = unsafe liveTable(view, set)
    for _ in 0..<most {
      let slot = unsafe table.pointee.collectSlot
      unsafe table.pointee.collectSlot = slot &+ 1 == table.pointee.slots ? 0 : slot &+ 1
      let record = unsafe table.pointee.record(slot)
      let head = unsafe record[LiveLayout.head]
      guard head & 0xFF == LiveLayout.live, head & LiveLayout.runsStatements != 0 else { continue }
      let own = unsafe record + Int(view.word(place, StateWords.place))
      let before = unsafe own[LiveCount.count]
      unsafe collect(own, list(view, place, own))
      if unsafe own[LiveCount.count] != before { unsafe tell(view, set, record) }
      if unsafe own[LiveCount.count] &+ others(own) == 0 {
        unsafe table.pointee.used &-= 1
        unsafe table.pointee.release(slot)
      }
      return
    }
  }

  @inline(__always)
  private func tell(_ view: RuleView, _ set: UInt32, _ record: UnsafeMutablePointer<UInt64>) {
    let table = unsafe liveTable(view, set)
    unsafe table.pointee.tell((record - table.pointee.records) / table.pointee.layout.words)
  }

  /// `add`, `update` and `delete`: nft_dynset_eval.
  mutating func update(_ view: RuleView, _ step: Instruction, _ packet: PacketReference, _ now: Instant) -> Bool {
    let set = step.a
    let table = unsafe liveTable(view, set)
    let key = unsafe UnsafePointer(stack)
    let time = now.nanoseconds
    if step.x & 3 == 2 {
      _ = unsafe table.pointee.delete(key, at: time)
      return true
    }
    let runs = step.x & 4 != 0
    let hash = unsafe table.pointee.hash(key)
    var slot = unsafe table.pointee.slot(key, hash)
    if slot >= 0, unsafe LiveTable.isThere(table.pointee.record(slot), at: time) {
      let record = unsafe table.pointee.record(slot)
      if step.x & 3 == 1, step.y != 0, unsafe record[LiveLayout.deadline] != 0 {
        unsafe refresh(table, slot, record, deadline: time &+ step.y, at: time, timeout: step.y)
      }
      return unsafe holds(view, set, FoundElement(words: record), packet, now)
    }
    let wasCounted = unsafe slot >= 0 && LiveTable.state(table.pointee.record(slot)) == LiveLayout.live
    if !wasCounted {
      guard unsafe table.pointee.used < table.pointee.capacity else { return false }
      if slot < 0 { slot = unsafe table.pointee.take(key, hash) }
      guard slot >= 0 else { return false }
      unsafe table.pointee.used &+= 1
    }
    let record = unsafe table.pointee.record(slot)
    let deadline = step.y == 0 ? 0 : time &+ step.y
    unsafe fill(table, record, data: key + table.pointee.layout.parts, deadline: deadline, runs: runs, at: time)
    unsafe LiveTable.store(record, LiveLayout.timeout, step.y)
    unsafe restart(view, set, record)
    unsafe table.pointee.tell(slot)
    return unsafe holds(view, set, FoundElement(words: record), packet, now)
  }

  /// Makes a record an element that the packet added.
  private mutating func fill(
    _ table: UnsafeMutablePointer<LiveTable>, _ record: UnsafeMutablePointer<UInt64>, data: UnsafePointer<UInt128>,
    deadline: UInt64, runs: Bool, at now: UInt64
  ) {
    unsafe LiveTable.begin(record)
    unsafe LiveTable.store(record, LiveLayout.stamp, table.pointee.stamp(now))
    unsafe LiveTable.store(record, LiveLayout.deadline, deadline)
    unsafe LiveTable.store(record, LiveLayout.told, deadline)
    let layout = unsafe table.pointee.layout
    for part in 0..<layout.dataParts {
      let value = unsafe data[part]
      unsafe LiveTable.store(record, layout.data &+ part &* 2, UInt64(truncatingIfNeeded: value))
      unsafe LiveTable.store(record, layout.data &+ part &* 2 &+ 1, UInt64(truncatingIfNeeded: value >> 64))
    }
    unsafe LiveTable.end(record, state: LiveLayout.live | (runs ? LiveLayout.runsStatements : 0))
  }

  /// The statements of a new element know nothing yet: its limits are full.
  mutating func restart(_ view: RuleView, _ set: UInt32, _ record: UnsafeMutablePointer<UInt64>) {
    let statements = Int(view.word(set, SetWords.head) >> 24 & 0xFF)
    guard statements > 0, let layout = unsafe Optional(liveTable(view, set).pointee.layout) else { return }
    for word in layout.data &+ 2 &* layout.dataParts..<layout.words { unsafe LiveTable.store(record, word, 0) }
    for statement in 0..<statements {
      let place = set &+ UInt32(SetWords.count &+ statement &* StateWords.count)
      guard view.word(place, StateWords.kind) == StateWords.Kind.limit.rawValue else { continue }
      let own = Int(view.word(place, StateWords.place))
      unsafe LiveTable.store(record, own &+ LiveLimit.empty, UInt64(bitPattern: Int64.min / 2))
    }
  }

  /// Renews an element's time. The others hear of it when an eighth of its timeout is gained: there it may end that
  /// much early.
  private mutating func refresh(
    _ table: UnsafeMutablePointer<LiveTable>, _ slot: Int, _ record: UnsafeMutablePointer<UInt64>, deadline: UInt64,
    at now: UInt64, timeout: UInt64
  ) {
    unsafe LiveTable.store(record, LiveLayout.deadline, deadline)
    guard unsafe deadline > record[LiveLayout.told] &+ timeout / 8 else { return }
    unsafe LiveTable.store(record, LiveLayout.told, deadline)
    unsafe LiveTable.store(record, LiveLayout.stamp, table.pointee.stamp(now))
    unsafe table.pointee.tell(slot)
  }
}
