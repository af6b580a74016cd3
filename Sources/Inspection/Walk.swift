internal import Glibc
public import Segment

/// Goes through the slots of all workers, once, in order, and not too fast.
public struct Walk {
  private let workers: [ConnectionReader]
  private let filter: ConnectionFilter
  private var clock: PacedClock
  private var worker = 0
  private var slot = 0

  /// - Parameters:
  ///   - cursor: the connection to begin behind; `nil`: with the first one. Fails with `.invalid` when it belongs to
  ///     another run.
  ///   - filter: which connections are wanted.
  ///   - pace: slots a second; 0: without a pause.
  ///   - frozen: when the clock stopped, for a forwarder that does not live, in nanoseconds of CLOCK_MONOTONIC.
  public init(
    _ reader: SegmentReader, from cursor: ConnectionID? = nil, filter: ConnectionFilter = ConnectionFilter(),
    pace: Int = PacedClock.usualPace, frozen: UInt64? = nil
  ) throws(SegmentError) {
    workers = try ConnectionReader.all(reader)
    self.filter = filter
    clock = PacedClock(pace: pace, frozen: frozen)
    guard let cursor else { return }
    guard let place = workers.firstIndex(where: { $0.shard == cursor.shard }), workers[place].epoch == cursor.epoch
    else {
      throw .invalid("\(cursor.rawValue) is no connection of this run")
    }
    // What has been born in that slot since is new, and looking for it again and again would have no end.
    (worker, slot) = (place, cursor.slot + 1)
  }

  /// The next connection, in the order of their ids; `nil` at the end.
  public mutating func next() -> Connection? {
    while worker < workers.count {
      while slot < workers[worker].slots {
        let now = clock.look()
        slot += 1
        if let connection = workers[worker].connection(at: slot - 1, now: now, filter: filter) { return connection }
      }
      (worker, slot) = (worker + 1, 0)
    }
    return nil
  }
}

/// Tells the time to one who looks at slots of arenas, and holds him up so that he does not slow their writers.
public struct PacedClock {
  public static let usualPace = 1_000_000

  private let pace: Int
  private let frozen: UInt64?
  /// Since the last pause.
  private var looked = 0

  /// - Parameters:
  ///   - pace: slots a second; 0: without a pause.
  ///   - frozen: when the clock stopped, for a forwarder that does not live, in nanoseconds of CLOCK_MONOTONIC.
  public init(pace: Int = usualPace, frozen: UInt64?) {
    self.pace = frozen == nil ? pace : 0
    self.frozen = frozen
  }

  /// Slots between two pauses.
  private var batch: Int { min(1024, max(1, pace / 10)) }

  /// Nanoseconds of CLOCK_MONOTONIC, after a pause if it is time for one.
  public mutating func look(at slots: Int = 1) -> UInt64 {
    looked += slots
    if pace > 0, looked >= batch {
      usleep(UInt32(clamping: looked * 1_000_000 / pace))
      looked = 0
    }
    return frozen ?? Clock.monotonic()
  }
}
