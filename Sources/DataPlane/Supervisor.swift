internal import CSegment
internal import Logging
internal import Offload
internal import Pipeline
internal import Primitives
internal import Segment
internal import Settings

/// What watches over the workers: signals, time limits, links, the figures of ports and pools. It never runs on a
/// worker's lcore, and workers never wait for it.
struct Supervisor: Sendable {
  static let tick = Interval.milliseconds(10)
  /// Between two looks at links, ports and pools.
  static let reading = Interval.milliseconds(100)

  let settings: Settings
  let figures: Figures
  let workers: Int
  let segment: SegmentWriter
  let orders: Orders
  let clock: Clock
  let manager: ServiceManager
  let log: Logger
  /// What SIGHUP asks for.
  var reload: @Sendable () -> Void = {}
  /// What hears of links, to ask ports that are up alone.
  var offload: OffloadBoard?

  /// Works until there is a reason to stop, and returns it in words.
  func supervise() -> String {
    var links = LinkWatch(ports: figures.ports, propagates: settings.linkPropagation, offload: offload)
    var idle = IdleWatch(since: clock.now)
    var watchdog = WatchdogWatch(next: clock.now)
    var stalls = StallWatch(workers: workers, since: clock.now)
    let began = clock.now
    var reading = Schedule(every: Self.reading, from: began)
    var memory = Schedule(every: settings.statsInterval, from: began)
    while true {
      let pace = pace(since: began, quiet: idle.quietSince, memory: memory.next)
      switch StopSignals.wait(pace) {
      case .stop(let name): return name
      case .reload: reload()
      case nil: break
      }
      let now = clock.now
      segment.beat(Segment.Clock.monotonic())
      idle.see(received: received, at: now)
      if let limit = settings.duration, now - began >= limit { return "the duration is over" }
      if let limit = settings.idleExit, idle.isOver(limit, breaths: breaths, at: now) {
        return "nothing was received for \(limit.seconds) s"
      }
      let (reads, remembers) = (reading.isDue(now), memory.isDue(now))
      if reads {
        links.look(segment, orders, log)
        for (worker, stalls) in stalls.look(breaths, at: now) { tell(of: worker, stalls) }
      }
      if reads || remembers { figures.read() }
      if remembers { figures.remember() }
      if let period = manager.watchdog, watchdog.isDue(now, period / 2, breaths: breaths) { manager.tell("WATCHDOG=1") }
    }
  }

  /// A tick, or less when a limit is nearer.
  private func pace(since began: Instant, quiet: Instant, memory: Instant) -> Interval {
    let now = clock.now
    var wait = min(Self.tick, memory - now)
    if let limit = settings.duration { wait = min(wait, began + limit - now) }
    if let limit = settings.idleExit, quiet + limit > now { wait = min(wait, quiet + limit - now) }
    return wait
  }

  private func tell(of worker: Int, _ stalls: Bool) {
    let lcore = unsafe segment.lcore(worker).pointee.lcore
    if stalls {
      let time = StallWatch.patience.seconds
      log.error("lcore \(lcore) has not breathed for \(time) s: a packet or a request keeps it busy")
    } else {
      log.notice("lcore \(lcore) breathes again")
    }
  }

  // MARK: Workers, by what they committed

  private var received: UInt64 {
    (0..<workers).reduce(0) { sum, i in unsafe sum &+ Counter(cells(of: segment.lcore(i), \.rx_packets)).value }
  }

  private var breaths: [UInt64] {
    (0..<workers).map { i in unsafe Counter(cells(of: segment.lcore(i), \.breaths)).value }
  }
}

/// Something that is done at fixed times. Late is late: what was missed is not made up for.
struct Schedule {
  private let began: Instant
  private let interval: Interval
  private(set) var next: Instant

  init(every interval: Interval, from began: Instant) {
    self.began = began
    self.interval = interval
    next = began
  }

  mutating func isDue(_ now: Instant) -> Bool {
    guard now >= next else { return false }
    next = began + .nanoseconds(((now - began).nanoseconds / interval.nanoseconds + 1) * interval.nanoseconds)
    return true
  }
}

/// Since when nothing has been received.
struct IdleWatch {
  private(set) var quietSince: Instant
  private var received: UInt64 = 0
  private var breaths: [UInt64] = []
  /// At how many looks since the time was over every worker had breathed.
  private var looks = 0

  init(since start: Instant) { quietSince = start }

  mutating func see(received: UInt64, at now: Instant) {
    if received != self.received { (quietSince, looks) = (now, 0) }
    self.received = received
  }

  /// Whether it is as long as that. On a busy host a worker may have had no CPU for all of it, and packets wait: then it
  /// is over when every worker has looked once more, which is sure when its breaths have changed twice.
  mutating func isOver(_ limit: Interval, breaths: [UInt64], at now: Instant) -> Bool {
    guard now - quietSince >= limit else { return false }
    if looks == 0 || zip(breaths, self.breaths).allSatisfy(!=) { (looks, self.breaths) = (looks + 1, breaths) }
    return looks == 3
  }
}

/// Which workers have stopped breathing, and which breathe again.
struct StallWatch {
  static let patience: Interval = .seconds(5)

  private var seen: [(breaths: UInt64, at: Instant, isStalled: Bool)]

  init(workers: Int, since start: Instant) { seen = Array(repeating: (0, start, false), count: workers) }

  /// - Returns: of whom something new is to be told: that it stalls, or no longer does.
  mutating func look(_ breaths: [UInt64], at now: Instant) -> [(worker: Int, stalls: Bool)] {
    var news: [(worker: Int, stalls: Bool)] = []
    for (worker, count) in breaths.enumerated() {
      if count != seen[worker].breaths {
        if seen[worker].isStalled { news.append((worker, false)) }
        seen[worker] = (count, now, false)
      } else if !seen[worker].isStalled, now - seen[worker].at >= Self.patience {
        seen[worker].isStalled = true
        news.append((worker, true))
      }
    }
    return news
  }
}

/// When to tell the service manager that all is well: on time, and only if every worker has breathed since.
struct WatchdogWatch {
  private var next: Instant
  private var breaths: [UInt64] = []

  init(next: Instant) { self.next = next }

  mutating func isDue(_ now: Instant, _ period: Interval, breaths: [UInt64]) -> Bool {
    guard now >= next else { return false }
    guard breaths.count != self.breaths.count || zip(breaths, self.breaths).allSatisfy(!=) else { return false }
    self.breaths = breaths
    next = now + period
    return true
  }
}
