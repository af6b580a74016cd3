public import Primitives
public import Ruleset

/// The control side's: everything that keeps a state while packets pass, by `StateID`: counters, limits, elements that
/// packets add, counts of connections. It outlives programs: what stays in the rules keeps what it counted.
///
/// One thread at a time uses it; workers write into its memory meanwhile, each into its own. What programs point to
/// they hold, so nothing is freed under them.
public final class RuleStates {
  public let workers: Int
  let connections: Int
  let secret: HashSecret
  /// For tables that do not change.
  let wordSecret: (UInt64, UInt64)

  private var counters: [StateID: CounterState] = [:]
  private var limits: [StateID: StateCell] = [:]
  private var counts: [StateID: (limit: UInt32, cell: StateCell)] = [:]
  /// Of elements that packets do not add.
  private var deadlines: [StateID: Instant] = [:]
  private var lives: [StateID: LiveSet] = [:]
  private let bank: CounterBank

  private struct CounterState {
    var cell: StateCell
    /// What was there when it was reset is taken off, what was written in the rule is added.
    var packets: UInt64
    var bytes: UInt64
  }

  /// - Parameters:
  ///   - workers: 1 to 255.
  ///   - connections: how many each worker can have at once; below 2^26.
  public init(workers: Int, connections: Int = 1 << 20, secret: HashSecret = .random()) {
    precondition(workers >= 1 && workers <= 255 && connections > 0 && connections < 1 << 26)
    self.workers = workers
    self.connections = connections
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

  /// A counter from zero again, or those of a set's elements that packets can change, and a limit full. Packets that
  /// are counted meanwhile are counted before or after.
  public func reset(_ id: StateID) {
    if let state = counters[id] {
      let sum = bank.sum(state.cell.address)
      counters[id]?.packets = 0 &- sum.packets
      counters[id]?.bytes = 0 &- sum.bytes
    }
    if let limit = limits[id] { LimitCell.fill(limit.address) }
    lives[id]?.reset()
  }

  /// What a set that packets change holds now, with what its elements counted; in no order. Of other sets nothing:
  /// their elements are the ruleset's (see `current`).
  public func elements(of id: StateID, at now: Instant) -> [Element] { lives[id]?.listing(at: now) ?? [] }

  /// The elements of a set as the ruleset has them, with what is left of their time and what they counted; those whose
  /// time is over are left out. Of a set that packets change, what it holds now.
  public func current(_ set: NamedSet, at now: Instant) -> [Element] {
    if let live = lives[set.state] { return live.listing(at: now) }
    guard set.keepsState else { return set.elements }
    return set.elements.compactMap { element in
      var current = element
      if let deadline = deadlines[element.state] {
        guard deadline > now else { return nil }
        current.expires = (deadline - now).nanoseconds / 1_000_000
      }
      for case (let index, .counter(var counter)) in current.statements.enumerated()
      where counters[counter.state] != nil {
        (counter.packets, counter.bytes) = self.counter(counter.state)
        current.statements[index] = .counter(counter)
      }
      return current
    }
  }

  // MARK: Changing sets that packets change

  public func isLive(_ id: StateID) -> Bool { lives[id] != nil }

  /// Whether workers can be told of so many changes: they may not have read the last ones yet.
  public func hasRoom(for changes: ElementChanges) -> Bool {
    lives[changes.set].map { $0.room >= changes.added.count + changes.removed.count } ?? true
  }

  /// Adds elements, or renews those that are there, and removes others, as far as there is room. Workers take it over
  /// with their next ticks.
  public func carryOut(_ changes: ElementChanges, at now: Instant) {
    guard let live = lives[changes.set] else { return }
    // By turns, so that packets do not fill the room of what was removed.
    for place in 0..<max(changes.added.count, changes.removed.count) {
      if place < changes.removed.count { live.remove(changes.removed[place], at: now) }
      if place < changes.added.count { live.add(changes.added[place], at: now) }
    }
  }

  /// How many changes of elements a worker missed because it was too late, and looked for in all of them instead.
  public func lost(of id: StateID) -> UInt64 { lives[id]?.lost ?? 0 }

  /// Forgets what no ruleset has any more. Programs that still use some of it keep that much alive.
  public func retire(keeping ids: Set<StateID>) {
    counters = counters.filter { ids.contains($0.key) }
    limits = limits.filter { ids.contains($0.key) }
    counts = counts.filter { ids.contains($0.key) }
    deadlines = deadlines.filter { ids.contains($0.key) }
    lives = lives.filter { ids.contains($0.key) }
  }

  /// How many counters, limits, counts and deadlines there are.
  public var stateCount: Int { counters.count + limits.count + counts.count + deadlines.count }
  /// Memory of the sets that packets change.
  public var setBytes: Int { lives.values.reduce(0) { $0 + $1.shape.bytes } }

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
    let cell = StateCell(WordMemory(bytes(of: count) / 8))
    counts[count.state] = (count.limit, cell)
    return cell
  }

  /// Places for a count's handles, of a worker.
  func slots(_ count: ConnectionCount) -> Int { CountCell.slots(limit: count.limit, connections: connections) }
  func bytes(of count: ConnectionCount) -> Int { 8 * workers * CountCell.stride(slots: slots(count)) }

  private func newLimit() -> StateCell {
    let memory = WordMemory(LimitCell.words(workers: workers))
    unsafe memory.base[LimitCell.empty] = UInt64(bitPattern: Int64.min / 2)
    return StateCell(memory)
  }

  /// When an element ends, in a set that packets do not change.
  /// - Parameter fresh: its end if it is new.
  func deadline(of element: StateID, fresh: Instant) -> Instant {
    if let known = deadlines[element] { return known }
    deadlines[element] = fresh
    return fresh
  }

  func liveSet(_ set: NamedSet, _ statements: [Statement], _ shape: LiveSet.Shape, at now: Instant) -> LiveSet {
    if let known = lives[set.state], known.shape == shape { return known }
    let made = LiveSet(set, statements, shape, secret: secret)
    for element in set.elements { made.place(element, at: now) }
    lives[set.state] = made
    return made
  }
}

/// What becomes of the elements of a set that packets change.
public struct ElementChanges: Sendable {
  public var set: StateID
  /// They have keys without ranges, as all elements of such sets.
  public var added: [Element]
  public var removed: [Key]

  public init(set: StateID, added: [Element] = [], removed: [Key] = []) {
    self.set = set
    self.added = added
    self.removed = removed
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
