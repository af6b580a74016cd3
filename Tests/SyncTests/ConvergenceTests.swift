import Foundation
import Primitives
import TestSupport
import Testing

@testable import Sync

/// Whatever happens on the way, when it is over the tables are equal.
struct ConvergenceTests {
  /// Runs of each kind, with other seeds; `DPDKFWD_SYNC_RUNS` makes them many.
  private static let runs = ProcessInfo.processInfo.environment["DPDKFWD_SYNC_RUNS"].flatMap { Int($0) } ?? 2

  enum Conditions: String, CaseIterable, CustomTestStringConvertible {
    case calm, onePercent, reordered, lossy, veryLossy, damaged, deafSender, deafReceiver

    var testDescription: String { rawValue }

    /// There and back.
    var weather: (VirtualNetwork.Weather, VirtualNetwork.Weather) {
      typealias Weather = VirtualNetwork.Weather
      let same: Weather
      switch self {
      case .calm: same = Weather()
      // C40's.
      case .onePercent: same = Weather(loss: 1, delay: 15)
      case .reordered: same = Weather(duplication: 10, delay: 120)
      case .lossy: same = Weather(loss: 10, duplication: 5, delay: 30)
      case .veryLossy: same = Weather(loss: 30, duplication: 5, damage: 2, delay: 30)
      case .damaged: same = Weather(loss: 1, duplication: 1, damage: 10, delay: 10)
      case .deafSender: return (Weather(loss: 1, delay: 10), Weather(loss: 60, delay: 10))
      case .deafReceiver: return (Weather(loss: 40, delay: 10), Weather(loss: 1, delay: 10))
      }
      return (same, same)
    }
  }

  /// C40: thousands of connections come, change and go; the network stays as it is until the end.
  @Test(arguments: Conditions.allCases, 0..<runs)
  func `tables are equal when the churn has ended`(conditions: Conditions, run: Int) {
    let bench = bench(conditions, run: run)
    bench.churnsPerStep = 4
    bench.run(.milliseconds(3000))
    expectEqual(bench, "\(conditions)")
    #expect(bench.sender.figures.walksEnded == 1, "no frame was given up, so nothing else had to be told again")
  }

  /// Frames are given up by a receiver that has no patience, or no room, and by a sender that keeps few.
  @Test(arguments: [Conditions.lossy, .damaged], 0..<runs)
  func `tables are equal when frames were lost for good`(conditions: Conditions, run: Int) {
    var settings = SyncSettings()
    (settings.window, settings.held) = (24, 16)
    settings.patience = .milliseconds(150)
    let bench = bench(conditions, run: run, settings: settings)
    bench.churnsPerStep = 6
    bench.run(.milliseconds(4000))
    expectEqual(bench, "\(conditions)", within: .milliseconds(120_000))
    #expect(bench.receiver.figures.holes > 0)
    #expect(bench.sender.figures.resyncs > 1)
  }

  /// C21, C38: the reader of events sleeps, and learns that it missed some.
  @Test(arguments: 0..<runs)
  func `tables are equal when events were lost`(run: Int) {
    let bench = bench(.onePercent, run: run, ringSize: 300)
    bench.churnsPerStep = 10
    for _ in 0..<4 {
      bench.readsEvents = 0
      bench.run(.milliseconds(700))
      bench.readsEvents = 500
      bench.run(.milliseconds(300))
    }
    expectEqual(bench, "events lost")
    #expect(bench.sender.figures.losses >= 4)
    #expect(bench.sender.figures.walksEnded > 1)
    #expect(bench.sender.figures.resyncs == 1, "the receiver had nothing to ask for")
  }

  enum Restart: String, CaseIterable, CustomTestStringConvertible {
    /// The tool, and the forwarder with it.
    case sender, forwarder
    case receiver, both

    var testDescription: String { rawValue }
  }

  @Test(arguments: Restart.allCases, 0..<runs)
  func `tables are equal when an end started anew`(restart: Restart, run: Int) {
    let bench = bench(.lossy, run: run)
    for _ in 0..<3 {
      bench.churnsPerStep = 4
      bench.run(.milliseconds(1200))
      bench.churnsPerStep = 0
      if restart != .receiver { bench.restartSender(withTable: restart == .forwarder) }
      if restart == .receiver || restart == .both { bench.restartReceiver() }
    }
    bench.churnsPerStep = 4
    bench.run(.milliseconds(500))
    expectEqual(bench, "restart of \(restart)")
  }

  /// Nobody hears anybody for a while; then it goes on, whatever was lost.
  @Test(arguments: 0..<runs)
  func `tables are equal when the network was away`(run: Int) {
    var settings = SyncSettings()
    (settings.window, settings.held, settings.pending) = (256, 256, 300)
    let bench = bench(.onePercent, run: run, settings: settings)
    bench.churnsPerStep = 4
    bench.run(.milliseconds(1000))
    let weather = bench.there.weather
    (bench.there.weather.loss, bench.back.weather.loss) = (100, 100)
    bench.run(.milliseconds(8000))
    (bench.there.weather, bench.back.weather) = (weather, weather)
    bench.run(.milliseconds(1000))
    expectEqual(bench, "network away")
  }

  /// Changes come faster than they may be told.
  @Test(arguments: 0..<runs)
  func `tables are equal when there was too much to tell`(run: Int) {
    var settings = SyncSettings()
    (settings.rate, settings.burst, settings.pending) = (60_000, 1400, 150)
    let bench = bench(.lossy, run: run, settings: settings)
    bench.churnsPerStep = 8
    bench.run(.milliseconds(4000))
    expectEqual(bench, "too much to tell")
    #expect(bench.sender.figures.refused > 0)
    #expect(bench.sender.figures.merged > 0)
  }

  /// A sender that hears nobody tells all of its own accord, again and again.
  @Test(arguments: 0..<runs)
  func `tables are equal when nothing comes back`(run: Int) {
    var settings = SyncSettings()
    settings.walkInterval = .milliseconds(2000)
    settings.patience = .milliseconds(300)
    let bench = bench(.onePercent, run: run, settings: settings)
    bench.back.weather.loss = 100
    bench.churnsPerStep = 4
    bench.run(.milliseconds(3000))
    bench.churnsPerStep = 0
    bench.run(.milliseconds(12_000))
    bench.there.weather.loss = 0
    bench.run(.milliseconds(3000))
    #expect(bench.difference == nil)
    #expect(bench.breach == nil)
  }

  // MARK: Bench

  private func bench(
    _ conditions: Conditions, run: Int, settings: SyncSettings = SyncSettings(), ringSize: Int = 4096,
    _ test: String = #function
  ) -> SyncBench {
    let (there, back) = conditions.weather
    let chance = SeededGenerator.forThisRun("\(conditions) \(run)", test: test)
    return SyncBench(chance, settings: settings, weather: there, backWeather: back, ringSize: ringSize)
  }

  private func expectEqual(_ bench: SyncBench, _ name: String, within time: Interval = .milliseconds(30_000)) {
    bench.churnsPerStep = 0
    let settles = bench.settles(within: time)
    #expect(settles, "\(bench.difference ?? "not settled"), \(bench.summary)")
    #expect(bench.breach == nil)
    #expect(bench.table.count > 10)
    print("\(name): \(bench.summary)")
  }
}
