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
      if let limit = settings.idleExit, now - idle.quietSince >= limit {
        return "nothing was received for \(limit.seconds) s"
      }
      let (reads, remembers) = (reading.isDue(now), memory.isDue(now))
      if reads { links.look(segment, orders, log) }
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
    if let limit = settings.idleExit { wait = min(wait, quiet + limit - now) }
    return wait
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

  init(since start: Instant) { quietSince = start }

  mutating func see(received: UInt64, at now: Instant) {
    if received != self.received { quietSince = now }
    self.received = received
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
