internal import CSegment
internal import Conntrack
internal import Reassembly
internal import Segment
internal import Synchronization

/// What can be changed while packets pass, as it is now.
final class Knobs: Sendable {
  struct State: Sendable {
    var checksSequences: Bool
    /// Milliseconds.
    var sweepInterval: UInt32
    /// Of each worker, but for how many it may hold: that is its part of `mostFragments`.
    var fragments: FragmentSettings?
    /// Of all workers.
    var mostFragments: Int

    init(_ site: Site) {
      checksSequences = site.tracking?.checksSequences ?? false
      sweepInterval = site.tracking?.sweepInterval ?? 0
      fragments = site.fragments
      mostFragments = (site.fragments?.fragments ?? 0) * site.mailboxes.count
    }

    func fragments(of worker: Int, of workers: Int) -> FragmentSettings? {
      guard var own = fragments else { return nil }
      own.fragments = mostFragments / workers + (worker < mostFragments % workers ? 1 : 0)
      return own
    }
  }

  private let state: Mutex<State>
  private let site: Site
  private let isReserved = Mutex(false)

  init(_ site: Site) {
    self.site = site
    state = Mutex(State(site))
    site.describe()
  }

  var now: State { state.withLock { $0 } }

  func change(_ body: (inout State) -> Void) {
    state.withLock { body(&$0) }
    site.describe(now)
  }

  /// Whether nobody else is at it: one change at a time, from what it is based on to the last worker that has taken it
  /// over. Else workers could end up with different ones, and one undo what another did.
  func reserve() -> Bool {
    isReserved.withLock { isReserved in
      defer { isReserved = true }
      return !isReserved
    }
  }

  func release() { isReserved.withLock { $0 = false } }
}

extension Site {
  /// Writes into the segment what holds for tracking as a whole (X7); before anything is changed.
  public func describe() { describe(Knobs.State(self)) }

  func describe(_ now: Knobs.State) {
    guard tellsEvents, let tracking else { return }
    let record = unsafe segment.tracking
    unsafe record.pointee.connections_limit = UInt64(tracking.limits.totalLimit)
    unsafe record.pointee.zone_limit = UInt64(tracking.limits.zoneDefault)
    unsafe record.pointee.source_limit = UInt64(tracking.limits.sourcesLimit)
    unsafe record.pointee.sweep_interval = now.sweepInterval
    unsafe record.pointee.tcp_seq_chk = now.checksSequences ? 1 : 0
  }
}
