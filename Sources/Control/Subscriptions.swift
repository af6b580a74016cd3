internal import Pipeline
internal import Segment
internal import Synchronization

/// Who wants to be told of what. Workers write the events that anybody wants, and keep the ends of connections until
/// all know of them who asked for that. A subscription lasts as long as its client's connection.
final class Subscriptions: Sendable {
  struct Wish: Sendable {
    var mask: EventMask
    /// `nil`: all zones.
    var zones: Set<UInt16>?
  }

  private struct Subscription {
    let client: UInt64
    var wish: Wish
    /// By worker, the last event that is known; only of those who want ends to be kept.
    var known: [UInt64]
  }

  private struct State {
    var subscriptions: [UInt64: Subscription] = [:]
    var next: UInt64 = 1
    /// Somebody brings the wishes to the workers.
    var isTurning = false
    /// Changes with every wish that comes or goes.
    var version: UInt64 = 0
    var turned: UInt64 = 0
  }

  private let site: Site
  private let desk: Desk
  private let pacing: Pacing
  private let state = Mutex(State())

  init(_ site: Site, _ desk: Desk, _ pacing: Pacing) {
    self.site = site
    self.desk = desk
    self.pacing = pacing
  }

  func has(_ client: UInt64) -> Bool { state.withLock { $0.subscriptions.values.contains { $0.client == client } } }

  /// A client's subscriptions, at most: each is looked at whenever one comes or goes.
  static let most = 16

  /// - Parameter known: by worker, the last event so far.
  /// - Returns: its number; `nil`: the client has as many as it may.
  func add(_ wish: Wish, of client: UInt64, known: [UInt64]) -> UInt64? {
    state.withLock { state in
      guard state.subscriptions.values.count(where: { $0.client == client }) < Self.most else { return nil }
      let number = state.next
      state.next += 1
      state.version += 1
      state.subscriptions[number] = Subscription(client: client, wish: wish, known: known)
      return number
    }
  }

  /// Comes back with its number when every worker writes what is wanted. One that nobody waits for any more is gone.
  func settle(_ number: UInt64) async throws(DeskError) -> UInt64 {
    do throws(DeskError) {
      try await turn()
      if Task.isCancelled { throw DeskError.cancelled }
    } catch {
      end { key, _ in key == number }
      throw error
    }
    return number
  }

  /// The client knows of all events up to those; `false`: the subscription is not its own.
  ///
  /// - Parameter known: by worker.
  func acknowledge(_ number: UInt64, of client: UInt64, _ known: [UInt64]) -> Bool {
    let isKnown = state.withLock { state in
      guard var subscription = state.subscriptions[number], subscription.client == client else { return false }
      for worker in subscription.known.indices where worker < known.count {
        subscription.known[worker] = max(subscription.known[worker], known[worker])
      }
      state.subscriptions[number] = subscription
      return true
    }
    if isKnown { passOn() }
    return isKnown
  }

  /// The client has gone.
  func end(of client: UInt64) { end { _, subscription in subscription.client == client } }

  private func end(_ isGone: (UInt64, Subscription) -> Bool) {
    let changed = state.withLock { state in
      let before = state.subscriptions.count
      state.subscriptions = state.subscriptions.filter { !isGone($0.key, $0.value) }
      guard state.subscriptions.count != before else { return false }
      state.version += 1
      return true
    }
    guard changed else { return }
    passOn()
    pacing.spawn { [self] in try? await turn() }
  }

  /// Tells each worker which events all know who want ends to be kept.
  private func passOn() {
    let keepers = state.withLock { $0.subscriptions.values.filter { $0.wish.mask.contains(.keeps) }.map(\.known) }
    guard !keepers.isEmpty else { return }
    for (worker, mailbox) in site.mailboxes.enumerated() {
      mailbox.acknowledge(keepers.map { worker < $0.count ? $0[worker] : 0 }.min() ?? 0)
    }
  }

  // MARK: To the workers

  /// Brings the wishes of all to the workers; comes back when none is older than this call.
  private func turn() async throws(DeskError) {
    let wanted = state.withLock(\.version)
    while true {
      let isMine = state.withLock { state -> Bool? in
        if state.turned >= wanted { return nil }
        guard !state.isTurning else { return false }
        state.isTurning = true
        return true
      }
      guard let isMine else { return }
      guard isMine else {
        await pacing.rest(100_000)
        continue
      }
      defer { state.withLock { $0.isTurning = false } }
      try await turnNow()
    }
  }

  private func turnNow() async throws(DeskError) {
    let (wish, version) = state.withLock { (union($0.subscriptions.values.map(\.wish)), $0.version) }
    passOn()
    let zones = wish.zones.map { ZoneBits($0) }
    bits.withLock { $0.append(zones) }
    var knobs = Mailbox.Knobs()
    knobs.events = unsafe Mailbox.Knobs.Events(wish.mask, zones: zones?.words)
    try await desk.turn(knobs)
    state.withLock { state in
      state.turned = version
      // Those before are nobody's from now on.
      bits.withLock { $0 = [zones] }
    }
  }

  /// What the workers look into now, or may still do.
  private let bits = Mutex<[ZoneBits?]>([])

  private func union(_ wishes: [Wish]) -> Wish {
    var all = Wish(mask: site.always, zones: site.always.isEmpty && !wishes.isEmpty ? [] : nil)
    for wish in wishes {
      all.mask.formUnion(wish.mask)
      if let zones = wish.zones { all.zones?.formUnion(zones) } else { all.zones = nil }
    }
    return all
  }
}

/// A bit for each zone, where workers look into it.
@safe
private final class ZoneBits: @unchecked Sendable {
  private let memory: UnsafeMutablePointer<UInt64>

  init(_ zones: Set<UInt16>) {
    unsafe memory = .allocate(capacity: 1024)
    unsafe memory.initialize(repeating: 0, count: 1024)
    for zone in zones { unsafe memory[Int(zone >> 6)] |= 1 << UInt64(zone & 63) }
  }

  deinit { unsafe memory.deallocate() }

  @unsafe var words: UnsafePointer<UInt64> { unsafe UnsafePointer(memory) }
}
