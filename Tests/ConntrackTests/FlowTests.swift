import CSegment
import Conntrack
import EventSupport
import Primitives
import Segment
import TestSupport
import Testing
import Wire

/// Connections in a named flow table, as the tracker sees them: in, out, and what is left of their state.
struct FlowTests {
  private static let table: UInt8 = 3

  private static func segment(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, length: Int = 0) -> Datagram {
    .ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
      from: 4000, to: 80, flags: flags, seq: seq, ack: ack, payload: [UInt8](repeating: 1, count: length))
  }

  private func bench(_ change: (inout FlowTables.Entry) -> Void = { _ in }) -> TrackerBench {
    let bench = TrackerBench(capacity: 64, events: EventMemory(), telling: EventTests.loud)
    var tables = FlowTables()
    var entry = FlowTables.Entry()
    entry.ports = 0b11
    change(&entry)
    tables[Self.table] = entry
    bench.tracker.setFlowTables(tables)
    bench.advance(.seconds(10))
    return bench
  }

  /// Three segments open it; the slot of what is established then.
  private func open(_ bench: TrackerBench) -> Int {
    bench.send(Self.segment(.syn, seq: 1000))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    return bench.send(Self.segment(.ack, seq: 1001, ack: 5001)).slot
  }

  private func offload(
    _ bench: TrackerBench, _ slot: Int, from ingress: UInt16 = 0, to egress: UInt16 = 1, isClosing: Bool = false
  ) -> Bool {
    bench.tracker.offload(
      slot, to: Self.table, .original, from: PortID(rawValue: ingress), to: PortID(rawValue: egress),
      isClosing: isClosing, generation: 1)
  }

  private func counts(_ bench: TrackerBench) -> dpdkfwd_flowtable_record {
    unsafe bench.tracker.flowRecord(Self.table).pointee
  }

  private func record(_ bench: TrackerBench) throws -> dpdkfwd_ct_record { try #require(bench.connections.first) }

  /// W6, X3: the status says so, and so does an event.
  @Test func `an established connection becomes a flow, which is told of`() throws {
    let bench = bench()
    let slot = open(bench)
    _ = bench.told()
    #expect(offload(bench, slot))
    #expect(try record(bench).status & Status.offload != 0)
    #expect(try record(bench).flow_table == Self.table)
    let events = bench.told()
    #expect(events.map(\.words) == ["update status"])
    #expect(events.first?.connection.isOffloaded == true)
    #expect(counts(bench).flows == 1 && counts(bench).added == 1)
    // Once is enough.
    #expect(offload(bench, slot))
    #expect(counts(bench).added == 1 && bench.told().isEmpty)
  }

  /// A request that goes over the whole table, and then the sweep: each notes more connections than there is room for.
  @Test func `more flows are taken back in one breath than there are notes`() {
    let count = 5000
    let bench = TrackerBench(
      capacity: count, events: EventMemory(room: 1 << 16), telling: EventTests.loud)
    var tables = FlowTables()
    var entry = FlowTables.Entry()
    entry.ports = 0b11
    tables[Self.table] = entry
    bench.tracker.setFlowTables(tables)
    let status = Connection.Status.seenReply | Connection.Status.assured
    for port in 1...count {
      let flow = Connection.of(17, "10.0.0.1", "192.0.2.53", UInt16(port), 53).with {
        ($0.status, $0.remaining) = (status, 100_000)
      }
      bench.order(.create, flow.change([.status, .timeout]))
    }
    func offloadAll() {
      for slot in 0..<bench.tracker.table.slotsUsed {
        #expect(offload(bench, slot))
        bench.tracker.publishIfFull()
      }
      _ = bench.told()
    }
    offloadAll()
    var change = ConnectionChange()
    (change.values.mark, change.attributes) = (7, .mark)
    var scan = ConnectionScan(.update, filter: ConnectionFilter(), change: change, isSilent: true)
    var (filled, images) = (0, [dpdkfwd_ct_image(), dpdkfwd_ct_image()])
    let meant = unsafe images.withUnsafeMutableBufferPointer {
      unsafe bench.tracker.carryOut(&scan, most: count, $0, filled: &filled)
    }
    #expect(meant == count)
    #expect(bench.told().filter { $0.words.hasPrefix("update mark") }.count == count)
    offloadAll()
    bench.advance(.seconds(1))
    for _ in 0..<20 {
      bench.advance(.milliseconds(500))
      bench.tracker.sweep(most: count, wiping: 2)
    }
    #expect(bench.told().filter { $0.words == "update status" }.count == count)
    #expect(counts(bench).flows == 0)
  }

  /// W28: TCP that is not established, UDP that is no stream, the last packets of a flow, ports that are not the table's.
  @Test func `what has not come far enough stays on the classic way`() {
    let bench = bench()
    let opening = bench.send(Self.segment(.syn, seq: 1000)).slot
    #expect(!offload(bench, opening))
    bench.send(Self.segment([.syn, .ack], seq: 5000, ack: 1001).reversed)
    #expect(!offload(bench, opening))
    let slot = bench.send(Self.segment(.ack, seq: 1001, ack: 5001)).slot
    #expect(!offload(bench, slot, isClosing: true))
    #expect(!offload(bench, slot, to: 2))
    #expect(!offload(bench, slot, from: 2))
    #expect(!offload(bench, slot, from: 0, to: 64))
    let question = bench.send(TrackerTests.question).slot
    #expect(!offload(bench, question))
    bench.send(TrackerTests.question.reversed)
    #expect(!offload(bench, question), "answered, but no stream yet")
    bench.advance(.seconds(3))
    bench.send(TrackerTests.question)
    #expect(offload(bench, question))
    let ping = bench.send(.ipv4(from: "10.0.0.1", to: "192.0.2.1").icmp()).slot
    bench.send(Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").icmp().reversed)
    #expect(!offload(bench, ping))
    #expect(counts(bench).refused == 9 && counts(bench).added == 1)
  }

  /// W6, W39: the collector leaves it while it is a flow; without a packet it leaves after the table's timeout and then
  /// ages as its state says, less that.
  @Test func `an idle flow leaves its table, and then its connection ages`() throws {
    let bench = bench {
      $0.tcpTimeout = 12_000
      $0.udpTimeout = 5_000
    }
    let slot = open(bench)
    #expect(offload(bench, slot))
    bench.advance(.seconds(11))
    bench.tracker.sweep(most: 64, wiping: 1)
    #expect(try record(bench).status & Status.offload != 0)
    bench.advance(.seconds(2))
    for _ in 0..<20 {
      bench.advance(.milliseconds(500))
      bench.tracker.sweep(most: 64, wiping: 1)
    }
    #expect(try record(bench).status & Status.offload == 0)
    #expect(try record(bench).flow_table == 0)
    let left = Int64(try record(bench).deadline) - Int64(bench.now.nanoseconds / 1_000_000)
    #expect(left <= 432_000_000 - 12_000 && left > 432_000_000 - 12_000 - 12_000)
    #expect(counts(bench).flows == 0)
    #expect(counts(bench).ended.0 == 1, "idle")
  }

  /// W22, W35, W17: FIN or RST in either direction gives the connection back; its state moves by that very packet, and its
  /// windows are learned anew, however far the numbers have gone meanwhile.
  @Test(arguments: [TCPFlags.fin, .rst], [Direction.original, .reply])
  func `the end of a flow gives its connection back to the tracker`(flag: TCPFlags, direction: Direction) throws {
    let bench = bench()
    let slot = open(bench)
    #expect(offload(bench, slot))
    _ = bench.told()
    // Ten megabytes later, which nobody tracked.
    let (mine, theirs): (UInt32, UInt32) = (1001 + 10_000_000, 5001 + 20_000_000)
    let flags: TCPFlags = flag == .fin ? [.fin, .ack] : [.rst, .ack]
    let seen =
      direction == .original
      ? bench.send(Self.segment(flags, seq: mine, ack: theirs))
      : bench.send(Self.segment(flags, seq: theirs, ack: mine).reversed)
    #expect(seen.state == .established && seen.direction == direction)
    let record = try record(bench)
    #expect(record.status & Status.offload == 0)
    #expect(record.state == (flag == .fin ? TCPState.finWait : .close).rawValue)
    let left = Int64(record.deadline) - Int64(bench.now.nanoseconds / 1_000_000)
    #expect(left == (flag == .fin ? 120_000 : 10_000))
    #expect(bench.told().map(\.words) == ["update state+timeout+status"])
    #expect(counts(bench).ended.1 == 1 && counts(bench).flows == 0, "closed")
    // A late segment is judged again.
    let late =
      direction == .original
      ? bench.send(Self.segment(.ack, seq: theirs, ack: mine + 1).reversed)
      : bench.send(Self.segment(.ack, seq: mine, ack: theirs + 1))
    #expect(late.state == .established)
  }

  /// W21: what needs a closer look passes by the classic way; the flow stays one, and old numbers are no reason to call
  /// it invalid.
  @Test func `a packet on the classic way does not make a flow invalid`() throws {
    let bench = bench()
    let slot = open(bench)
    #expect(offload(bench, slot))
    let far: UInt32 = 1001 + 50_000_000
    #expect(bench.send(Self.segment([.ack, .psh], seq: far, ack: 5001, length: 100)).state == .established)
    #expect(try record(bench).status & Status.offload != 0)
    bench.advance(.seconds(3))
    #expect(bench.send(Self.segment([.ack, .psh], seq: far + 100, ack: 5001, length: 100)).state == .established)
    let left = Int64(try record(bench).deadline) - Int64(bench.now.nanoseconds / 1_000_000)
    #expect(left == 30_000, "its own timeout rests")
  }

  /// W38: a table that is gone has no flows; W23: and whose rules changed are taken back by the sweep at the latest.
  @Test func `flows of a table that is gone are taken back`() throws {
    let bench = bench()
    let slot = open(bench)
    #expect(offload(bench, slot))
    bench.tracker.setFlowTables(FlowTables())
    #expect(bench.send(Self.segment(.ack, seq: 1001, ack: 5001)).state == .established)
    #expect(try record(bench).status & Status.offload == 0)
    #expect(counts(bench).ended.2 == 1, "outdated")
  }

  @Test func `the sweep takes flows of another generation back`() throws {
    let bench = bench()
    let slot = open(bench)
    #expect(offload(bench, slot))
    for _ in 0..<20 {
      bench.advance(.milliseconds(500))
      bench.tracker.sweep(most: 64, wiping: 2)
    }
    #expect(try record(bench).status & Status.offload == 0)
    #expect(counts(bench).ended.2 == 1 && counts(bench).flows == 0)
  }

  /// W22, W23: a flow that goes because rules changed has lost no more of its time than it was idle, however long its
  /// table would have waited. (All of the table's timeout was once taken away, and the connection with it.)
  @Test(arguments: [20, 119, 200, 100_000] as [UInt64], [0, 10, 19] as [UInt64])
  func `a flow that is taken back has the time that is left`(_ timeout: UInt64, _ idle: UInt64) throws {
    let bench = bench { $0.udpTimeout = UInt32(timeout * 1000) }
    let slot = bench.send(TrackerTests.question).slot
    bench.send(TrackerTests.question.reversed)
    bench.advance(.seconds(3))
    bench.send(TrackerTests.question)
    #expect(offload(bench, slot))
    bench.advance(.seconds(idle))
    bench.tracker.takeBack(slot, .outdated)
    let left = Int64(try record(bench).deadline) - Int64(bench.now.nanoseconds / 1_000_000)
    #expect(left == 120_000 - Int64(idle) * 1000)
  }

  /// A connection that is deleted leaves its table with it.
  @Test func `a deleted connection is in no table`() throws {
    let bench = bench()
    let slot = open(bench)
    #expect(offload(bench, slot))
    _ = bench.told()
    let connection = Connection.of(6, "10.0.0.1", "192.0.2.80", 4000, 80)
    #expect(bench.order(.delete, connection.change()).outcome == .done)
    #expect(bench.count == 0 && counts(bench).flows == 0 && counts(bench).ended.3 == 1)
  }

  // MARK: Timeout policies

  /// tmo-01: a policy replaces the zone's timeouts, from the first packet on.
  @Test func `a connection with a timeout policy has its timeouts`() throws {
    let bench = TrackerBench(capacity: 64)
    bench.advance(.seconds(1))
    var own = TimeoutTable()
    own.set(.udp, seconds: 7777)
    own.set(.udpStream, seconds: 8888)
    let policy = UnsafeMutablePointer<UInt32>.allocate(capacity: Timeout.allCases.count)
    defer { unsafe policy.deallocate() }
    for timeout in Timeout.allCases { unsafe policy[Int(timeout.rawValue)] = own.lent[timeout] }
    let tables = UnsafeMutablePointer<UnsafePointer<UInt32>?>.allocate(capacity: 16)
    defer { unsafe tables.deallocate() }
    unsafe tables.initialize(repeating: nil, count: 16)
    unsafe tables[2] = unsafe UnsafePointer(policy)
    unsafe bench.tracker.setTimeoutPolicies(tables)
    let tracked = bench.tracked(TrackerTests.question)
    bench.tracker.setTimeoutPolicy(2, of: tracked)
    var confirmed = tracked
    #expect(bench.tracker.confirm(&confirmed) == nil)
    #expect(try record(bench).deadline == 1000 + 7_777_000)
    bench.advance(.seconds(1))
    bench.send(TrackerTests.question.reversed)
    #expect(try record(bench).deadline == 2000 + 7_777_000)
    bench.advance(.seconds(3))
    bench.send(TrackerTests.question)
    #expect(try record(bench).deadline == 5000 + 8_888_000)
    // The policy is gone: the zone's timeouts hold again.
    unsafe tables[2] = nil
    bench.send(TrackerTests.question)
    #expect(try record(bench).deadline == 5000 + 120_000)
  }

  // MARK: What rules set of a connection that is not there yet

  /// mark-03: a packet that is dropped leaves nothing of what was set.
  @Test func `marks, labels and a choice of events come with the connection, if it comes`() throws {
    let bench = TrackerBench(capacity: 64, events: EventMemory(), telling: EventTests.loud)
    var tracked = bench.tracked(TrackerTests.question)
    bench.tracker.setMark(0x33, of: tracked)
    bench.tracker.setLabels(low: 1 << 5, high: 1, of: tracked)
    #expect(bench.count == 0)
    tracked = bench.tracked(TrackerTests.question)
    bench.tracker.setMark(0x44, of: tracked)
    bench.tracker.setLabels(low: 1 << 6, high: 0, of: tracked)
    bench.tracker.setEvents(EventSelection(kernel: 1 << 2 | 1 << 7), of: tracked)
    #expect(bench.tracker.confirm(&tracked) == nil)
    #expect(try record(bench).mark == 0x44)
    #expect(bench.tracker.labels(of: tracked) == (1 << 6, 0))
    #expect(bench.told().isEmpty, "NEW is not wanted")
    bench.send(TrackerTests.question.reversed)
    #expect(bench.told().isEmpty, "nor is the first answer")
    bench.tracker.setMark(0x45, of: tracked)
    #expect(bench.told().map(\.words) == ["update mark"])
    bench.tracker.setLabels(low: 1 << 7, high: 0, of: tracked)
    #expect(bench.told().isEmpty)
    bench.advance(.seconds(40))
    bench.sweep()
    #expect(bench.told().map(\.words) == ["destroy by timeout"])
  }
}
