public import Primitives
public import Ruleset

/// The control side's: everything that keeps a state while packets pass, by `StateID`: counters, limits, elements that
/// packets add, counts of connections. It outlives programs: what stays in the rules keeps what it counted.
///
/// One thread at a time uses it; workers write into its memory meanwhile, each into its own. What programs point to
/// they hold, so nothing is freed under them.
public final class RuleStates {
  public let workers: Int
  let secret: HashSecret
  /// For tables that do not change.
  let wordSecret: (UInt64, UInt64)

  private var counters: [StateID: CounterState] = [:]
  private var limits: [StateID: StateCell] = [:]
  private var counts: [StateID: (limit: UInt32, cell: StateCell)] = [:]
  private var elements: [ElementPlace: ElementState] = [:]
  private var lives: [StateID: LiveSet] = [:]
  private let bank: CounterBank

  private struct CounterState {
    var cell: StateCell
    /// What was there when it was reset is taken off, what was written in the rule is added.
    var packets: UInt64
    var bytes: UInt64
  }
  private struct ElementPlace: Hashable {
    var set: StateID
    var key: Key?
  }
  private struct ElementState {
    var deadline: Instant?
    var cells: [Int: StateCell] = [:]
    var counters: [Int: (packets: UInt64, bytes: UInt64)] = [:]
  }

  /// - Parameter workers: 1 to 255.
  public init(workers: Int, secret: HashSecret = .random()) {
    precondition(workers >= 1 && workers <= 255)
    self.workers = workers
    self.secret = secret
    wordSecret = (secret.hash(0, 1), secret.hash(1, 0))
    bank = CounterBank(workers: workers)
  }

  /// A worker's side, to be made once and moved to it. It must end before these states do.
  public func engine(worker: Int, liveness: ConnectionLiveness = ConnectionLiveness()) -> RuleEngine {
    precondition(worker >= 0 && worker < workers)
    return RuleEngine(worker: worker, workers: workers, liveness: liveness)
  }

  // MARK: Asking

  /// Of a counter: what all workers counted since it was reset.
  public func counter(_ id: StateID) -> (packets: UInt64, bytes: UInt64) {
    guard let state = counters[id] else { return (0, 0) }
    let sum = bank.sum(state.cell.address)
    return (sum.packets &+ state.packets, sum.bytes &+ state.bytes)
  }

  /// A counter, or the counters of a set's elements, from zero again, and a limit full. Packets that are counted
  /// meanwhile are counted before or after.
  public func reset(_ id: StateID) {
    if let state = counters[id] {
      let sum = bank.sum(state.cell.address)
      counters[id]?.packets = 0 &- sum.packets
      counters[id]?.bytes = 0 &- sum.bytes
    }
    if let limit = limits[id] { LimitCell.fill(limit.address) }
    for place in elements.keys where place.set == id {
      for (index, cell) in elements[place]?.cells ?? [:] where elements[place]?.counters[index] != nil {
        let sum = bank.sum(cell.address)
        elements[place]?.counters[index] = (0 &- sum.packets, 0 &- sum.bytes)
      }
    }
    lives[id]?.reset()
  }

  /// What a set that packets change holds now, with what its elements counted; in no order. Of other sets nothing:
  /// their elements are the ruleset's (see `current`).
  public func elements(of id: StateID, at now: Instant) -> [Element] { lives[id]?.listing(at: now) ?? [] }

  /// The elements of a set as the ruleset has them, with what is left of their time and what they counted; those whose
  /// time is over are left out. Of a set that packets change, what it holds now.
  public func current(_ set: NamedSet, at now: Instant) -> [Element] {
    if let live = lives[set.state] { return live.listing(at: now) }
    return set.elements.compactMap { element in
      guard let state = elements[ElementPlace(set: set.state, key: element.key)] else { return element }
      var current = element
      if let deadline = state.deadline {
        guard deadline > now else { return nil }
        current.expires = (deadline - now).nanoseconds / 1_000_000
      }
      let statements = element.statements.isEmpty ? set.statements : element.statements
      if !state.cells.isEmpty { current.statements = statements }
      for (index, offset) in state.counters {
        guard let cell = state.cells[index], case .counter(var counter) = current.statements[index] else { continue }
        let sum = bank.sum(cell.address)
        (counter.packets, counter.bytes) = (sum.packets &+ offset.packets, sum.bytes &+ offset.bytes)
        current.statements[index] = .counter(counter)
      }
      return current
    }
  }

  // MARK: Changing sets that packets change

  /// Adds elements, or renews those that are there. Workers take them over with their next ticks.
  /// - Returns: false when there was no room for all.
  public func add(_ elements: [Element], to id: StateID, at now: Instant) -> Bool {
    guard let live = lives[id] else { return false }
    return elements.reduce(true) { live.add($1, at: now) && $0 }
  }

  public func remove(_ keys: [Key], from id: StateID, at now: Instant) -> Bool {
    guard let live = lives[id] else { return false }
    return keys.reduce(true) { live.remove($1, at: now) && $0 }
  }

  /// Makes a set hold these elements and no others.
  public func reconcile(_ id: StateID, _ elements: [Element], at now: Instant) -> Bool {
    let wanted = Set(elements.compactMap(\.key))
    let present = self.elements(of: id, at: now).compactMap(\.key)
    let isRemoved = remove(present.filter { !wanted.contains($0) }, from: id, at: now)
    let known = Set(present)
    return add(elements.filter { $0.key.map { !known.contains($0) } ?? false }, to: id, at: now) && isRemoved
  }

  /// How many changes of elements a worker missed because it was too late, and looked for in all of them instead.
  public func lost(of id: StateID) -> UInt64 { lives[id]?.lost ?? 0 }

  /// Forgets what no ruleset has any more. Programs that still use some of it keep that much alive.
  public func retire(keeping ids: Set<StateID>) {
    counters = counters.filter { ids.contains($0.key) }
    limits = limits.filter { ids.contains($0.key) }
    counts = counts.filter { ids.contains($0.key) }
    elements = elements.filter { ids.contains($0.key.set) }
    lives = lives.filter { ids.contains($0.key) }
  }

  // MARK: For the compiler

  func counterCell(_ counter: Counter) -> StateCell {
    if let known = counters[counter.state] { return known.cell }
    let cell = bank.cell()
    counters[counter.state] = CounterState(cell: cell, packets: counter.packets, bytes: counter.bytes)
    return cell
  }

  func limitCell(_ id: StateID) -> StateCell {
    if let known = limits[id] { return known }
    let cell = newLimit()
    limits[id] = cell
    return cell
  }

  func countCell(_ count: ConnectionCount) -> StateCell {
    if let known = counts[count.state], known.limit == count.limit { return known.cell }
    let cell = newCount(count)
    counts[count.state] = (count.limit, cell)
    return cell
  }

  func newLimit() -> StateCell {
    let memory = WordMemory(LimitCell.words(workers: workers))
    unsafe memory.base[LimitCell.empty] = UInt64(bitPattern: Int64.min / 2)
    return StateCell(memory)
  }

  func newCount(_ count: ConnectionCount) -> StateCell {
    StateCell(WordMemory(CountCell.words(limit: count.limit, workers: workers)))
  }

  /// The cell of an element's statement, in a set that packets do not change.
  func elementCell(
    _ set: StateID, _ key: Key?, _ index: Int, _ statement: Statement
  ) -> StateCell {
    let place = ElementPlace(set: set, key: key)
    if let known = elements[place]?.cells[index] { return known }
    let cell: StateCell
    switch statement {
    case .limit: cell = newLimit()
    case .connectionCount(let count): cell = newCount(count)
    default: cell = bank.cell()
    }
    elements[place, default: ElementState()].cells[index] = cell
    if case .counter(let counter) = statement {
      elements[place]?.counters[index] = (counter.packets, counter.bytes)
    }
    return cell
  }

  /// When an element ends, in a set that packets do not change.
  /// - Parameter fresh: its end if it is new.
  func deadline(of set: StateID, _ key: Key?, fresh: Instant) -> Instant {
    let place = ElementPlace(set: set, key: key)
    if let known = elements[place]?.deadline { return known }
    elements[place, default: ElementState()].deadline = fresh
    return fresh
  }

  func liveSet(_ set: NamedSet, _ statements: [Statement], at now: Instant) throws(RuleCompileError) -> LiveSet {
    let shape = LiveSet.Shape(set, statements, workers: workers)
    if let known = lives[set.state], known.shape == shape { return known }
    let made = try LiveSet(set, statements, shape, secret: secret)
    // What an earlier one of another shape held goes on where its keys fit.
    let before = lives[set.state].map { $0.shape.key == shape.key ? $0.listing(at: now) : [] } ?? []
    for element in before + set.elements { made.place(element, at: now) }
    lives[set.state] = made
    return made
  }
}

/// Memory that a rule's or an element's state lies in.
final class StateCell {
  let address: UInt64
  private let memory: AnyObject
  private let ended: (() -> Void)?

  init(_ memory: WordMemory) {
    self.memory = memory
    address = memory.address
    ended = nil
  }

  /// - Parameter ended: called when nobody holds it any more.
  init(_ address: UInt64, in memory: AnyObject, ended: @escaping () -> Void) {
    self.address = address
    self.memory = memory
    self.ended = ended
  }

  deinit { ended?() }
}

/// Where counters come from.
final class CounterBank {
  private let workers: Int
  private var free: [(address: UInt64, memory: WordMemory)] = []

  init(workers: Int) { self.workers = workers }

  /// A counter at zero.
  func cell() -> StateCell {
    if free.isEmpty {
      let memory = WordMemory(CounterCell.stride * workers)
      free = (0..<CounterCell.count).reversed().map { (memory.address + UInt64($0) * 16, memory) }
    }
    let (address, memory) = free.removeLast()
    for worker in 0..<workers {
      let words = unsafe CounterCell.words(address, worker: worker)
      unsafe (words[0], words[1]) = (0, 0)
    }
    return StateCell(address, in: memory) { [weak self] in self?.free.append((address, memory)) }
  }

  /// What all workers counted.
  func sum(_ address: UInt64) -> (packets: UInt64, bytes: UInt64) {
    var sum: (packets: UInt64, bytes: UInt64) = (0, 0)
    for worker in 0..<workers {
      let words = unsafe CounterCell.words(address, worker: worker)
      sum.packets &+= unsafe LiveTable.load(words, 0)
      sum.bytes &+= unsafe LiveTable.load(words, 1)
    }
    return sum
  }
}
