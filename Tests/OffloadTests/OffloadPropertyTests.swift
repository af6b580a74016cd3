import Primitives
import TestSupport
import Testing

@testable import Offload

/// Whatever workers ask for and drivers do, what is heard fits together, and in the end nothing is left (W11, W25).
struct OffloadPropertyTests {
  /// What a worker knows of a connection from its reports.
  private struct Life {
    /// Requests to add that had room, and whether the last report has come since the first of them.
    var isAsked = false
    var isAdded = false
    var counts = BothWays(original: FlowCount(), reply: FlowCount())
  }

  /// Things that go wrong with drivers, worst last.
  private static let weathers: [FakeDriver.Weather] = [
    FakeDriver.Weather(),
    FakeDriver.Weather(placeFails: 200, placeBusy: 300, removeBusy: 300, agesOnce: true),
    FakeDriver.Weather(countFails: 200, wraps: 300, oldReading: 100),
    FakeDriver.Weather(
      placeFails: 100, placeBusy: 500, countFails: 300, removeFails: 100, removeBusy: 500, wraps: 100, oldReading: 100,
      agesOnce: true),
  ]

  @Test(arguments: weathers.indices)
  func `every connection has one end, and no packet is told twice`(_ number: Int) {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<12 {
      let story = Story(seed: chance.next(), weather: Self.weathers[number])
      story.play()
      story.finish()
    }
  }

  private final class Story {
    static let workers = 3
    static let slots: UInt32 = 12
    let station: Station
    let isExact: Bool
    let removesFail: Bool
    var chance: SeededGenerator
    private var lives: [OffloadFlow: Life] = [:]
    private var newest: [UInt32] = Array(repeating: 1, count: workers * Int(slots))
    private var isGone = false

    init(seed: UInt64, weather: FakeDriver.Weather) {
      chance = SeededGenerator(seed: seed)
      let driver = FakeDriver(seed: chance.next())
      driver.weather = weather
      isExact = weather.countFails == 0 && weather.wraps == 0 && weather.oldReading == 0
      removesFail = weather.removeFails > 0
      station = Station(workers: Self.workers, driver: driver) {
        $0.flows = 20
        $0.requests = 8
        $0.reports = 4
        $0.callsPerSecond = 2000
        $0.burst = 20
        $0.readingInterval = .milliseconds(200)
        $0.ageInterval = .milliseconds(50)
        $0.rest = .milliseconds(500)
        $0.attempts = weather.removeFails > 0 ? 2 : 20
      }
    }

    func play() {
      for _ in 0..<600 {
        act()
        let calls = station.driver.calls
        station.run(.milliseconds(10), every: .milliseconds(10))
        #expect(station.driver.calls - calls <= 41, "20 at once, 20 of the time, one that was left")
        #expect(station.figures.flows <= 20)
        // Rules whose removal failed are the driver's own.
        let known = station.figures.ports.reduce(0) { $0 + $1.rules }
        #expect(removesFail ? known <= station.driver.rules.count : known == station.driver.rules.count)
        if Int.random(in: 0..<3, using: &chance) == 0 { hear() }
      }
    }

    private func act() {
      let worker = UInt16.random(in: 0..<UInt16(Self.workers), using: &chance)
      let slot = UInt32.random(in: 0..<Self.slots, using: &chance)
      let place = Int(worker) * Int(Self.slots) + Int(slot)
      switch Int.random(in: 0..<100, using: &chance) {
      case 0..<30: add(worker, slot, life: newest[place])
      case 30..<40:
        newest[place] += 1
        add(worker, slot, life: newest[place])
      case 40..<55: station.remove(slot, life: newest[place], worker: worker)
      case 55..<58: station.remove(slot, life: max(1, newest[place] - 1), worker: worker)
      case 58..<60:
        let port = Bool.random(using: &chance) ? Station.left : Station.right
        station.queue.board.port(port, isUp: Bool.random(using: &chance))
      case 60..<61:
        let port = Bool.random(using: &chance) ? Station.left : Station.right
        station.driver.unable = Bool.random(using: &chance) ? [port: "cannot"] : [:]
      default:
        let tuple = Station.tuple(slot, life: newest[place], worker: worker)
        let (packets, bytes) = (UInt64.random(in: 1...40, using: &chance), UInt64.random(in: 60...9000, using: &chance))
        if Bool.random(using: &chance) {
          station.driver.receive(tuple, on: Station.left, packets: packets, bytes: packets * bytes)
        } else {
          station.driver.receive(tuple.reversed, on: Station.right, packets: packets, bytes: packets * bytes)
        }
      }
    }

    private func add(_ worker: UInt16, _ slot: UInt32, life: UInt32) {
      let timeout = UInt64.random(in: 1...3, using: &chance)
      guard station.add(slot, life: life, worker: worker, timeout: timeout) else { return }
      lives[OffloadFlow(worker: worker, slot: slot, generation: life), default: Life()].isAsked = true
    }

    private func hear() {
      for worker in 0..<Self.workers {
        for report in station.reports(worker) { hear(report) }
      }
    }

    private func hear(_ report: OffloadReport) {
      guard var life = lives[report.flow] else {
        Issue.record("a report of nobody's connection: \(report)")
        return
      }
      switch report.kind {
      case .added:
        #expect(life.isAsked, "\(report)")
        #expect(report.ways.original || report.ways.reply, "\(report)")
        life.isAdded = true
      case .counted: #expect(life.isAdded, "\(report)")
      case .refused:
        #expect(life.isAsked && report.counts == BothWays(original: FlowCount(), reply: FlowCount()), "\(report)")
      case .ended: #expect(life.isAsked && report.cause != .none, "\(report)")
      }
      life.counts.original += report.counts.original
      life.counts.reply += report.counts.reply
      if report.kind == .refused || report.kind == .ended {
        life.isAdded = false
        // Another request may wait in the ring; `finish` looks at it when nothing does.
      }
      lives[report.flow] = life
    }

    /// All is removed; then there are no rules, no connections, and every packet was told.
    func finish() {
      for _ in 0..<20 {
        station.run(.milliseconds(100), every: .milliseconds(10))
        hear()
      }
      for worker in 0..<UInt16(Self.workers) {
        for slot in 0..<Self.slots {
          while !station.remove(slot, life: newest[Int(worker) * Int(Self.slots) + Int(slot)], worker: worker) {
            station.run(.milliseconds(10), every: .milliseconds(10))
            hear()
          }
        }
      }
      for _ in 0..<40 {
        station.run(.milliseconds(50), every: .milliseconds(10))
        hear()
      }
      let figures = station.figures
      #expect(figures.flows == 0 && figures.waiting == 0)
      #expect(figures.added == figures.deleted)
      #expect(figures.aged <= figures.deleted)
      #expect(figures.ports.allSatisfy { $0.rules == 0 })
      if removesFail {
        #expect(UInt64(station.driver.rules.count) <= figures.failed)
      } else {
        #expect(station.driver.rules.isEmpty)
      }
      for (flow, life) in lives {
        #expect(!life.isAdded, "\(flow) has no end")
        let tuple = Station.tuple(flow.slot, life: flow.generation, worker: flow.worker)
        let truth = BothWays(
          original: station.driver.truth[tuple] ?? FlowCount(),
          reply: station.driver.truth[tuple.reversed] ?? FlowCount())
        if isExact {
          #expect(life.counts == truth)
        } else if !removesFail, station.driver.weather.oldReading == 0 {
          #expect(life.counts.original.packets <= truth.original.packets)
          #expect(life.counts.reply.bytes <= truth.reply.bytes)
        }
      }
    }
  }
}
