import Offload
import Primitives

/// A queue with its workers' lanes, a driver, and a clock that is moved by hand.
final class Station {
  let lanes: [OffloadLane]
  let driver: FakeDriver
  let queue: OffloadQueue
  private(set) var now = Instant(nanoseconds: 1_000_000_000)

  init(workers: Int = 1, driver: FakeDriver = FakeDriver(), _ change: (inout OffloadSettings) -> Void = { _ in }) {
    var settings = OffloadSettings()
    change(&settings)
    lanes = (0..<workers).map { _ in OffloadLane(settings) }
    self.driver = driver
    queue = OffloadQueue(settings, lanes: lanes, driver: driver)
    driver.now = now
  }

  var figures: OffloadFigures { queue.board.figures }

  /// Time passes, and the queue has a step every so often.
  func run(_ time: Interval, every pause: Interval = .milliseconds(5)) {
    let end = now + time
    while now < end {
      now = now + pause
      driver.now = now
      queue.step(at: now)
    }
  }

  @discardableResult
  func add(_ slot: UInt32, life: UInt32 = 1, worker: UInt16 = 0, timeout: UInt64 = 30) -> Bool {
    lanes[Int(worker)].ask(
      OffloadRequest(
        add: OffloadFlow(worker: worker, slot: slot, generation: life), Station.tuple(slot, life: life, worker: worker),
        ports: BothWays(original: Station.left, reply: Station.right), mark: slot, timeout: .seconds(timeout)))
  }
  @discardableResult
  func remove(_ slot: UInt32, life: UInt32 = 1, worker: UInt16 = 0) -> Bool {
    lanes[Int(worker)].ask(OffloadRequest(remove: OffloadFlow(worker: worker, slot: slot, generation: life)))
  }

  /// What a worker hears, in words.
  func story(_ worker: Int = 0) -> [String] { reports(worker).map(Station.words) }

  func reports(_ worker: Int = 0) -> [OffloadReport] {
    var reports: [OffloadReport] = []
    while let report = lanes[worker].report() { reports.append(report) }
    return reports
  }

  private static func words(_ report: OffloadReport) -> String {
    var words = "\(report.flow.slot).\(report.flow.generation) \(report.kind)"
    if report.kind == .added {
      words += report.ways == BothWays(original: true, reply: true) ? "" : report.ways.original ? " original" : " reply"
    }
    if report.cause != .none { words += " \(report.cause)" }
    for (way, count) in [("original", report.counts.original), ("reply", report.counts.reply)] where !count.isZero {
      words += " \(way) \(count.packets)/\(count.bytes)"
    }
    return words
  }

  static let left = PortID(rawValue: 0)
  static let right = PortID(rawValue: 1)

  /// A connection of its own for each life of each record.
  static func tuple(_ slot: UInt32, life: UInt32 = 1, worker: UInt16 = 0) -> OffloadTuple {
    OffloadTuple(
      source: IPv6Address(high: UInt64(slot) << 32, low: 0), destination: IPv6Address(high: UInt64(life) << 32, low: 0),
      ports: (worker, 443), transport: 6, isIPv6: false)
  }
}
