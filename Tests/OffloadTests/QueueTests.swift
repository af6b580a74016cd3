import Primitives
import TestSupport
import Testing

@testable import Offload

/// What becomes of a request (W11, W12, W25).
struct QueueTests {
  @Test func `a connection gets a rule in each direction, is counted and taken out again`() {
    let station = Station()
    station.add(7)
    #expect(station.story().isEmpty, "nothing happens in the worker's thread")
    station.run(.milliseconds(10))
    #expect(station.story() == ["7.1 added"])
    let rules = station.driver.rules.values.sorted { $0.port < $1.port }
    #expect(rules.map(\.rule.tuple) == [Station.tuple(7), Station.tuple(7).reversed])
    #expect(rules.map(\.rule.mark) == [7, 7])
    #expect(rules.map(\.rule.timeout) == [30, 30])
    #expect(rules.map(\.rule.queue) == [nil, nil])

    station.driver.receive(Station.tuple(7), on: Station.left, packets: 10, bytes: 1000)
    station.driver.receive(Station.tuple(7).reversed, on: Station.right, packets: 5, bytes: 7000)
    station.run(.milliseconds(2010))
    #expect(station.story() == ["7.1 counted original 10/1000 reply 5/7000"])
    station.run(.milliseconds(4010))
    #expect(station.story().isEmpty, "each packet is reported once")

    station.driver.receive(Station.tuple(7), on: Station.left, packets: 1, bytes: 60)
    station.remove(7)
    station.run(.milliseconds(10))
    #expect(station.story() == ["7.1 ended removed original 1/60"], "with what was counted last")
    #expect(station.driver.rules.isEmpty)
    #expect((station.figures.added, station.figures.deleted, station.figures.flows) == (1, 1, 0))
    #expect(station.figures.ports.map(\.rules) == [0, 0])
  }

  @Test func `queues and times are passed on, times in whole seconds`() {
    let station = Station()
    var request = OffloadRequest(
      add: OffloadFlow(worker: 0, slot: 1, generation: 1), Station.tuple(1),
      ports: BothWays(original: Station.left, reply: Station.right), queues: BothWays(original: 3, reply: 4), mark: 9,
      timeout: .milliseconds(1500))
    _ = station.lanes[0].ask(request)
    request.flow.slot = 2
    request.tuple = Station.tuple(2)
    request.timeout = .milliseconds(0)
    _ = station.lanes[0].ask(request)
    station.run(.milliseconds(10))
    let rules = station.driver.rules.values.filter { $0.port == Station.left }.sorted {
      $0.rule.timeout > $1.rule.timeout
    }
    #expect(rules.map(\.rule.timeout) == [2, 1])
    #expect(rules.map(\.rule.queue) == [3, 3])
  }

  @Test func `a refusal is told with the driver's reason, by port, and the port rests (W11, W42)`() {
    let station = Station()
    station.driver.unable = [Station.left: "mark is not known", Station.right: "flows are not known"]
    station.add(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 refused"])
    #expect(station.figures.ports.map(\.reason) == ["mark is not known", "flows are not known"])
    for slot in 2..<100 as Range<UInt32> { station.add(slot) }
    station.run(.milliseconds(100))
    #expect(station.story().count == 98)
    #expect(station.driver.asked == [Station.left: 1, Station.right: 1], "ports are not asked again and again")
    #expect(station.figures.ports.map(\.refusals) == [99, 99])
    #expect(station.figures.refused == 99)
    #expect(station.figures.flows == 0)

    // It is asked again after a while.
    station.driver.unable = [:]
    station.run(.seconds(UInt64(10)), every: .milliseconds(500))
    station.add(100)
    station.run(.milliseconds(10))
    #expect(station.story() == ["100.1 added"])
  }

  @Test func `one direction is enough`() {
    let station = Station()
    station.driver.unable = [Station.right: "flows are not known"]
    station.add(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added original"])
    station.remove(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 ended removed"])
    #expect(station.driver.rules.isEmpty)
  }

  @Test func `what is neither TCP nor UDP is refused`() {
    let station = Station()
    var tuple = Station.tuple(1)
    tuple.transport = 132
    _ = station.lanes[0].ask(
      OffloadRequest(
        add: OffloadFlow(worker: 0, slot: 1, generation: 1), tuple,
        ports: BothWays(original: Station.left, reply: Station.right), mark: 0, timeout: .milliseconds(1000)))
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 refused"])
    #expect(station.driver.calls == 0)
  }

  @Test func `a removal finds a connection that is still being added`() {
    let station = Station()
    station.driver.weather.placeBusy = 1000
    station.add(1)
    station.run(.milliseconds(10))
    station.remove(1)
    station.run(.milliseconds(20))
    #expect(station.story() == ["1.1 ended removed"])
    #expect(station.figures.flows == 0)
    #expect((station.figures.added, station.figures.deleted) == (0, 0))

    // Both requests in one step.
    station.driver.weather.placeBusy = 0
    station.add(2)
    station.remove(2)
    station.run(.milliseconds(20))
    #expect(station.story() == ["2.1 ended removed"])
    #expect(station.driver.rules.isEmpty)
  }

  @Test func `a busy driver is asked again, so often`() {
    let station = Station { $0.attempts = 3 }
    station.driver.weather.placeBusy = 1000
    station.add(1)
    station.run(.milliseconds(15))
    station.driver.weather.placeBusy = 0
    station.run(.milliseconds(15))
    #expect(station.story() == ["1.1 added"])

    station.driver.weather.placeBusy = 1000
    station.add(2)
    station.run(.milliseconds(200))
    #expect(station.story() == ["2.1 refused"])
    #expect(station.figures.ports.map(\.reason) == ["try again", "try again"])
  }

  @Test func `a connection that is added twice has one pair of rules`() {
    let station = Station()
    station.add(1)
    station.add(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added"])
    station.add(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added"], "told again")
    #expect(station.driver.rules.count == 2)
    #expect(station.figures.added == 1)
    station.remove(1)
    station.add(1)
    station.run(.milliseconds(20))
    #expect(station.story() == ["1.1 ended removed"], "the end answers what came before it")
  }

  @Test func `another connection with the same record takes its place; a late removal of the first is nothing`() {
    let station = Station()
    station.add(1, life: 1)
    station.run(.milliseconds(10))
    station.add(1, life: 2)
    station.remove(1, life: 1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added", "1.1 ended replaced", "1.2 added"])
    #expect(station.driver.hasRule(Station.tuple(1, life: 2), on: Station.left))
    #expect(station.driver.rules.count == 2)
  }

  @Test func `a full table refuses, and has room again`() {
    let station = Station { $0.flows = 4 }
    for slot in 0..<6 as Range<UInt32> { station.add(slot) }
    station.run(.milliseconds(10))
    #expect(
      station.story().sorted() == ["0.1 added", "1.1 added", "2.1 added", "3.1 added", "4.1 refused", "5.1 refused"])
    station.remove(2)
    station.run(.milliseconds(10))
    station.add(5)
    station.run(.milliseconds(10))
    #expect(station.story() == ["2.1 ended removed", "5.1 added"])
    #expect(station.figures.flows == 4)
  }

  @Test func `a full ring is a counted drop and not a wait`() {
    let station = Station { $0.requests = 8 }
    let taken = (0..<20 as Range<UInt32>).map { station.add($0) }
    #expect(taken == Array(repeating: true, count: 8) + Array(repeating: false, count: 12))
    #expect(station.lanes[0].dropped == 12)
    station.run(.milliseconds(10))
    #expect(station.figures.dropped == 12)
    #expect(station.story().count == 8)
  }

  @Test func `a worker that reads no reports holds nobody up and loses nothing`() {
    let station = Station(workers: 2) {
      $0.reports = 4
      $0.requests = 64
    }
    for slot in 0..<20 as Range<UInt32> { station.add(slot, worker: 0) }
    station.add(1, worker: 1)
    station.run(.milliseconds(50))
    #expect(station.story(1) == ["1.1 added"])
    for slot in 0..<20 as Range<UInt32> { station.remove(slot, worker: 0) }
    var heard: [String] = []
    for _ in 0..<40 {
      station.run(.milliseconds(10))
      heard += station.story(0)
    }
    #expect(heard.count { $0.hasSuffix("ended removed") } == 20)
    #expect(Set(heard).count == heard.count)
    #expect(station.driver.rules.count == 2)
  }

  @Test func `calls are no more than so many a second`() {
    let station = Station {
      $0.callsPerSecond = 100
      $0.burst = 10
    }
    for slot in 0..<500 as Range<UInt32> { station.add(slot) }
    station.run(.milliseconds(5))
    #expect(station.driver.calls == 10)
    station.run(.milliseconds(1000))
    #expect((105...111).contains(station.driver.calls))
    #expect(station.figures.waiting > 400)
    station.run(.milliseconds(20_000), every: .milliseconds(50))
    #expect(station.driver.calls <= 2112)
    #expect(station.figures.stats > 500, "counters are read although there is more to add")
  }

  @Test func `a port that goes down ends its connections; none is added until it is up`() {
    let station = Station()
    station.add(1)
    station.run(.milliseconds(10))
    station.queue.board.port(Station.right, isUp: false)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added", "1.1 ended portDown"])
    #expect(station.driver.rules.isEmpty)
    station.add(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added original"])
    #expect(station.figures.ports.map(\.isUp) == [true, false])
    station.remove(1)
    station.queue.board.port(Station.right, isUp: true)
    station.run(.milliseconds(10))
    station.add(1)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 ended removed", "1.1 added"])
  }

  @Test func `of a worker that is gone nothing stays, and nobody else is touched`() {
    let station = Station(workers: 2)
    for slot in 0..<10 as Range<UInt32> { station.add(slot, worker: slot % 2 == 0 ? 0 : 1) }
    station.run(.milliseconds(20))
    station.add(99, worker: 0)
    station.queue.board.workerGone(0)
    station.run(.milliseconds(20))
    #expect(station.driver.rules.count == 10)
    #expect(station.figures.flows == 5)
    #expect(station.story(0).allSatisfy { $0.hasSuffix("added") })
    #expect(station.story(1).count == 5)
  }

  @Test func `the end takes all rules out, whatever the rate`() {
    let station = Station { $0.callsPerSecond = 1000 }
    for slot in 0..<300 as Range<UInt32> { station.add(slot) }
    station.run(.milliseconds(2000))
    #expect(station.driver.rules.count == 600)
    station.driver.weather.removeBusy = 300
    station.queue.close(at: station.now)
    #expect(station.driver.rules.isEmpty)
    #expect(station.figures.flows == 0)
    #expect(station.story().count { $0.hasSuffix("ended closed") } == 300)
  }

  // MARK: Age and counters

  @Test func `a connection ages when both its directions have`() {
    let station = Station()
    station.add(1, timeout: 30)
    station.run(.milliseconds(10))
    #expect(station.story() == ["1.1 added"])
    for _ in 0..<5 {
      station.run(.milliseconds(10_000), every: .milliseconds(100))
      station.driver.receive(Station.tuple(1).reversed, on: Station.right, packets: 1, bytes: 60)
      station.run(.milliseconds(2100), every: .milliseconds(100))
      #expect(station.story() == ["1.1 counted reply 1/60"])
    }
    station.run(.milliseconds(27_000), every: .milliseconds(100))
    #expect(station.story().isEmpty)
    station.run(.milliseconds(2000), every: .milliseconds(100))
    #expect(station.story() == ["1.1 ended aged"])
    #expect(station.driver.rules.isEmpty)
    #expect(station.figures.aged == 1)
    station.remove(1)
    station.run(.milliseconds(20))
    #expect(station.story().isEmpty)
  }

  @Test func `it ages too where ports say so once, and packets came in between`() {
    let station = Station { $0.readingInterval = .milliseconds(500) }
    station.driver.weather.agesOnce = true
    station.add(1, timeout: 3)
    station.run(.milliseconds(2000))
    station.driver.receive(Station.tuple(1), on: Station.left, packets: 1, bytes: 60)
    station.run(.milliseconds(2500))  // the reply direction has aged
    station.driver.receive(Station.tuple(1).reversed, on: Station.right, packets: 1, bytes: 60)
    station.run(.milliseconds(20_000), every: .milliseconds(100))
    #expect(station.story().last == "1.1 ended aged")
    #expect(station.driver.rules.isEmpty)
  }

  @Test func `counters that go back or leap count nothing and go on from there`() {
    let station = Station()
    station.add(1, timeout: 1000)
    station.run(.milliseconds(10))
    _ = station.story()
    func read(_ packets: UInt64, _ bytes: UInt64) -> [String] {
      station.driver.setCounter(Station.tuple(1), FlowCount(packets: packets, bytes: bytes))
      station.run(.milliseconds(2500))
      return station.story()
    }
    #expect(read(100, 10_000) == ["1.1 counted original 100/10000"])
    #expect(read(40, 4_000) == [])
    #expect(read(50, 5_000) == ["1.1 counted original 10/1000"])
    #expect(read(.max, .max) == [])
    #expect(read(3, 300) == [])
    #expect(read(60, 200) == [], "bytes went back")
    #expect(read(61, 260) == ["1.1 counted original 1/60"])
    #expect(station.figures.restarts == 4)
  }
}
