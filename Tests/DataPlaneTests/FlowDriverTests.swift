import Offload
import Primitives
import Testing

@testable import DataPlane

struct FlowDriverTests {
  /// Without an EAL there is no port zero: the border says so and does not fall over (W11). What real ports say is seen
  /// where the forwarder runs.
  @Test func `a port that is not there refuses in words`() throws {
    let driver = RTEFlowDriver()
    let port = PortID(rawValue: 31)
    for isIPv6 in [false, true] {
      let tuple = OffloadTuple(
        source: IPv6Address(high: 1 << 32, low: 0), destination: IPv6Address(high: 2 << 32, low: 0), ports: (1, 2),
        transport: isIPv6 ? 17 : 6, isIPv6: isIPv6)
      let refusal = #expect(throws: FlowRefusal.self) {
        try driver.place(FlowRule(tuple, queue: nil, mark: 1, timeout: 30, token: 0), on: port)
      }
      #expect(refusal?.reason == "No such device")
      #expect(refusal?.kind == .failed)
    }
    #expect(throws: FlowRefusal.self) { try driver.count(FlowHandle(rawValue: 0), on: port) }
    #expect(throws: FlowRefusal.self) { try driver.remove(FlowHandle(rawValue: 0), from: port) }
    #expect(driver.aged(on: port).isEmpty)
  }

  @Test(.timeLimit(.minutes(1)))
  func `the thread answers what workers ask, and ends when it is told to`() async throws {
    let start = ContinuousClock.now
    let thread = try OffloadThread(workers: 2, affinity: Affinity()) {
      let passed = (ContinuousClock.now - start).components
      return Instant(nanoseconds: UInt64(passed.seconds) * 1_000_000_000 + UInt64(passed.attoseconds / 1_000_000_000))
    }
    let flow = OffloadFlow(worker: 1, slot: 7, generation: 3)
    let port = PortID(rawValue: 31)
    let tuple = OffloadTuple(
      source: IPv6Address(high: 1 << 32, low: 0), destination: IPv6Address(high: 2 << 32, low: 0), ports: (1, 2),
      transport: 6, isIPv6: false)
    #expect(
      thread.lanes[1].ask(
        OffloadRequest(
          add: flow, tuple, ports: BothWays(original: port, reply: port), mark: 7, timeout: .milliseconds(30_000))))
    var report = thread.lanes[1].report()
    while report == nil {
      await Task.yield()
      report = thread.lanes[1].report()
    }
    #expect(report == OffloadReport(.refused, flow))
    thread.stop()
    thread.stop()
    #expect(thread.board.figures.refused == 1)
    #expect(thread.board.figures.ports.map(\.reason) == ["No such device"])
    #expect(thread.lanes[0].report() == nil)
  }
}
