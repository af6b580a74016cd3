internal import CDPDK
internal import CSegment
internal import Logging
internal import Pipeline
internal import Primitives
internal import Segment
internal import Settings

/// What watches over the workers: signals, time limits, links, the figures of ports and pools. It never runs on a
/// worker's lcore, and workers never wait for it.
struct Supervisor: Sendable {
  static let tick = Interval.milliseconds(10)
  /// Ticks between two readings of ports and pools.
  static let readEvery = 10

  let settings: Settings
  let ports: [Port]
  let pools: [Pool]
  let workers: Int
  let segment: SegmentWriter
  let orders: Orders
  let clock: Clock
  let manager: ServiceManager
  let log: Logger

  /// Works until there is a reason to stop, and returns it in words.
  func supervise() -> String {
    var links = LinkWatch(ports: ports, propagates: settings.linkPropagation)
    var idle = IdleWatch(since: clock.now)
    var watchdog = WatchdogWatch(next: clock.now)
    let began = clock.now
    var count = 0
    while true {
      if let signal = StopSignals.wait(pace(since: began, quiet: idle.quietSince)) { return signal }
      let now = clock.now
      segment.beat(cdpdk_clock_monotonic())
      idle.see(received: received, at: now)
      if let limit = settings.duration, now - began >= limit { return "the duration is over" }
      if let limit = settings.idleExit, now - idle.quietSince >= limit { return "nothing was received for \(limit.seconds) s" }
      if count % Self.readEvery == 0 {
        links.look(segment, orders, log)
        readPorts()
        readPools()
      }
      if let period = manager.watchdog, watchdog.isDue(now, period / 2, breaths: breaths) { manager.tell("WATCHDOG=1") }
      count += 1
    }
  }

  /// A tick, or less when a limit is nearer.
  private func pace(since began: Instant, quiet: Instant) -> Interval {
    let now = clock.now
    var wait = Self.tick
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

  // MARK: Figures

  /// Copies the drivers' own counters.
  func readPorts() {
    for (i, port) in ports.enumerated() {
      let statistics = port.statistics
      let record = unsafe segment.port(i)
      unsafe record.pointee.rx_packets = statistics.ipackets
      unsafe record.pointee.rx_bytes = statistics.ibytes
      unsafe record.pointee.rx_missed = statistics.imissed
      unsafe record.pointee.rx_errors = statistics.ierrors
      unsafe record.pointee.rx_nombuf = statistics.rx_nombuf
      unsafe record.pointee.tx_packets = statistics.opackets
      unsafe record.pointee.tx_bytes = statistics.obytes
      unsafe record.pointee.tx_errors = statistics.oerrors
    }
  }

  func readPools() {
    for (i, pool) in pools.enumerated() {
      let record = unsafe segment.mempool(i)
      let inUse = UInt64(pool.inUse)
      unsafe record.pointee.in_use = inUse
      unsafe record.pointee.in_use_max = max(record.pointee.in_use_max, inUse)
      unsafe record.pointee.cached = UInt64(pool.cached)
    }
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
