import CSegment
import Conntrack
import EventSupport
import Offload
import Primitives
import Segment
import TestSupport
import Testing
import Wire

/// W11, W25: flows of a table with `flags offload` go to the ports too, by a queue that nobody waits for.
struct FlowHardwareTests {
  private static let table: UInt8 = 1

  private static func segment(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0) -> Datagram {
    .ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(from: 4000, to: 80, flags: flags, seq: seq, ack: ack)
  }

  /// A port's table of flows, as far as the test lets it.
  private final class Port: FlowDriver {
    var rules: [UInt: FlowRule] = [:]
    var counts = FlowCount()
    var refuses = false
    private var last: UInt = 0

    func place(_ rule: FlowRule, on port: PortID) throws(FlowRefusal) -> FlowHandle {
      if refuses { throw FlowRefusal(.unsupported, "no such action") }
      last += 1
      rules[last] = rule
      return FlowHandle(rawValue: last)
    }
    func count(_ rule: FlowHandle, on port: PortID) throws(FlowRefusal) -> FlowCount { counts }
    func remove(_ rule: FlowHandle, from port: PortID) throws(FlowRefusal) { rules[rule.rawValue] = nil }
    func aged(on port: PortID) -> [UInt64] { [] }
  }

  private final class Line {
    let port = Port()
    let bench: TrackerBench
    let queue: OffloadQueue
    private(set) var slot = 0

    init(hasCounter: Bool = false, refuses: Bool = false) {
      let lane = OffloadLane(OffloadSettings())
      bench = TrackerBench(capacity: 64, events: EventMemory(), telling: EventTests.loud, hardware: lane)
      queue = OffloadQueue(OffloadSettings(), lanes: [lane], driver: port)
      port.refuses = refuses
      var entry = FlowTables.Entry()
      (entry.ports, entry.hasCounter, entry.isHardware) = (0b11, hasCounter, true)
      var tables = FlowTables()
      tables[FlowHardwareTests.table] = entry
      bench.tracker.setFlowTables(tables)
      bench.advance(.seconds(10))
      bench.send(FlowHardwareTests.segment(.syn, seq: 1000))
      bench.send(FlowHardwareTests.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
      slot = bench.send(FlowHardwareTests.segment(.ack, seq: 1001, ack: 5001)).slot
      bench.tracker.offload(
        slot, to: FlowHardwareTests.table, .original, from: PortID(rawValue: 0), to: PortID(rawValue: 1),
        isClosing: false, generation: 1)
      settle()
    }

    func settle(_ interval: Interval = .milliseconds(10)) {
      for _ in 0..<3 {
        bench.advance(interval)
        queue.step(at: bench.now)
        bench.tracker.hear(most: 8)
      }
    }

    var record: dpdkfwd_ct_record { bench.connections[0] }
  }

  @Test func `the ports know a flow in both directions, and its status says so`() {
    let line = Line()
    #expect(line.port.rules.count == 2)
    #expect(Set(line.port.rules.values.map(\.tuple.sourcePort)) == [4000, 80])
    #expect(line.record.status & Status.hardwareOffload != 0)
    let status = line.bench.told().last?.connection.status ?? 0
    #expect(status & Status.offload != 0 && status & Status.hardwareOffload != 0)
  }

  @Test func `the end of the flow takes it from the ports`() {
    let line = Line()
    line.bench.send(Self.segment([.fin, .ack], seq: 1001, ack: 5001))
    #expect(line.record.status & (Status.offload | Status.hardwareOffload) == 0)
    line.settle()
    #expect(line.port.rules.isEmpty && line.queue.board.figures.deleted == 1)
  }

  /// W24: where software does not count, what the ports counted is merged, each packet once; where it does, it is not.
  @Test(arguments: [false, true]) func `what ports count is merged where nobody else counts`(hasCounter: Bool) {
    let line = Line(hasCounter: hasCounter)
    #expect(line.record.packets_original == 2)
    line.port.counts = FlowCount(packets: 100, bytes: 6000)
    line.settle(.seconds(3))
    line.settle(.seconds(3))
    #expect(line.record.packets_original == (hasCounter ? 2 : 102))
    #expect(line.record.packets_reply == (hasCounter ? 1 : 101))
    line.port.counts = FlowCount(packets: 150, bytes: 9000)
    line.settle(.seconds(3))
    #expect(line.record.packets_original == (hasCounter ? 2 : 152))
  }

  /// W42: a port that cannot is named with its reason, and the software's flow is as it was.
  @Test func `a refusal changes nothing but figures`() throws {
    let line = Line(refuses: true)
    #expect(line.record.status & Status.offload != 0 && line.record.status & Status.hardwareOffload == 0)
    let figures = line.queue.board.figures
    #expect(figures.refused == 1 && figures.added == 0)
    #expect(figures.ports.contains { $0.reason == "no such action" })
  }

  /// A record that is another connection's by now hears nothing of the one before.
  @Test func `an answer that comes late is nobody's`() {
    let line = Line()
    line.port.counts = FlowCount(packets: 100, bytes: 6000)
    line.bench.advance(.seconds(10))
    line.queue.step(at: line.bench.now)
    let connection = Connection.of(6, "10.0.0.1", "192.0.2.80", 4000, 80)
    #expect(line.bench.order(.delete, connection.change()).outcome == .done)
    let slot = line.bench.send(TrackerTests.question).slot
    #expect(slot == line.slot)
    line.settle()
    #expect(line.record.packets_original == 1 && line.port.rules.isEmpty)
  }
}
