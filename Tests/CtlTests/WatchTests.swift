import Inspection
import JSONText
import Primitives
import Segment
import Synchronization
import Testing

@testable import dpdkfwd_ctl

/// `-E`: what happens, as a forwarder that is played tells it.
struct WatchTests {
  private let forwarder = FakeForwarder()

  private func event(
    _ kind: ConnectionEvent.Kind, port: UInt16, sequence: UInt64 = 1, mark: UInt32 = 0,
    changes: ConnectionEvent.Changes = []
  ) -> ConnectionEvent {
    var connection = Connection()
    connection.protocol = 17
    connection.original = Connection.Tuple(
      source: IPv6Address(ipv4: IPv4Address(bits: 0x0a00_0001)),
      destination: IPv6Address(ipv4: IPv4Address(bits: 0x0a00_0002)), sourcePort: port, destinationPort: 53)
    connection.reply = connection.original.turned(isICMP: false, isIPv6: false)
    connection.remaining = 30_000
    connection.mark = mark
    connection.id = ConnectionID(rawValue: UInt64(port) << 28 | 1)
    return ConnectionEvent(
      sequence: sequence, shard: 0, at: 1_000_000_000, kind: kind, changes: changes, connection: connection)
  }

  private func tell(_ batches: EventReader.Batch...) { forwarder.state.withLock { $0.batches = batches } }

  private func batch(_ events: [ConnectionEvent], lost: [EventReader.Loss] = []) -> EventReader.Batch {
    EventReader.Batch(events: events.map { .connection($0) }, losses: lost)
  }

  @Test func `prints what comes until it is interrupted, and how much it was`() async {
    tell(
      batch([event(.new, port: 1), event(.update, port: 1, changes: .reply)]), batch([event(.destroy, port: 1)]))
    let told = await forwarder.run("-E")
    #expect(told.status == 0)
    let tags = told.out.split(separator: "\n").map { String($0.prefix(9)) }
    #expect(tags == ["    [NEW]", " [UPDATE]", "[DESTROY]"])
    #expect(told.message == "3 flow events have been shown.")
    #expect(forwarder.state.withLock { $0.openings } == ["read-only"])
  }

  @Test func `subscribes to what it prints and to what it has to know`() async {
    _ = await forwarder.run("-E -e UPDATES,FRAGMENTS -w 4")
    let call = forwarder.calls[0]
    #expect(call.method == "events.subscribe")
    #expect(
      call.parameters.line == #"{"kinds": ["new", "update", "destroy", "fragments"], "keeps": false, "zones": [4]}"#)
    let watched = forwarder.state.withLock { $0.watched }
    #expect(watched?.start == EventReader.Positions(connections: [11], fragments: [2]))
    #expect(forwarder.state.withLock { $0.learned } == 1)
  }

  @Test func `without repair it subscribes to nothing else`() async {
    _ = await forwarder.run("-E -e UPDATES --no-repair")
    #expect(forwarder.calls[0].parameters["kinds"]?.line == #"["update"]"#)
    #expect(forwarder.state.withLock { $0.learned } == 0)
  }

  @Test func `what it was not asked for it does not print`() async {
    tell(batch([event(.new, port: 1), event(.destroy, port: 1, mark: 5), event(.destroy, port: 2)]))
    #expect(await forwarder.run("-E -e DESTROY -n").message == "0 flow events have been shown.")
    tell(batch([event(.new, port: 1), event(.update, port: 1, changes: .timeout), event(.destroy, port: 1)]))
    #expect(await forwarder.run("-E -e UPDATES").message == "0 flow events have been shown.")
    tell(batch([event(.new, port: 1), event(.update, port: 1, changes: .timeout), event(.destroy, port: 1)]))
    #expect(await forwarder.run("-E -e REFRESH").message == "1 flow events have been shown.")
  }

  @Test func `names what was lost and repairs it from the tables`() async {
    let lost = EventReader.Loss(shard: 2, ring: .connections, first: 100, last: 163)
    tell(batch([event(.new, port: 1)], lost: [lost]), batch([], lost: [lost]))
    forwarder.state.withLock { $0.repaired = [event(.destroy, port: 9)] }
    let told = await forwarder.run("-E")
    #expect(told.error.contains("WARNING: We are losing events: of ct_events of worker 2, 100 to 163, 64 in all.\n"))
    #expect(told.error.contains("check ring in [events] of dpdkfwd.toml(5)"))
    #expect(told.error.ranges(of: "check ring").count == 1, "advice is given once")
    #expect(told.message == "3 flow events have been shown.")
    #expect(forwarder.state.withLock { $0.repairs } == [[lost], [lost]])
    #expect(told.out.split(separator: "\n").last?.hasPrefix("[DESTROY]") ?? false)
  }

  @Test func `without repair a loss is told and no more`() async {
    tell(batch([], lost: [EventReader.Loss(shard: 0, ring: .connections, first: 1, last: 1)]))
    let told = await forwarder.run("-E --no-repair")
    #expect(told.error.contains("1 to 1, 1 in all"))
    #expect(forwarder.state.withLock { $0.repairs }.isEmpty)
  }

  @Test func `a reliable reader acknowledges what it has shown`() async {
    tell(batch([event(.destroy, port: 1)]), batch([event(.destroy, port: 2)]))
    forwarder.state.withLock { $0.positions = EventReader.Positions(connections: [21, 5], fragments: []) }
    _ = await forwarder.run("-E --reliable")
    #expect(forwarder.calls[0].parameters["keeps"] == .truth(true))
    let acknowledgements = forwarder.calls.filter { $0.method == "events.acknowledge" }
    #expect(acknowledgements.map(\.parameters.line) == [#"{"subscription": 7, "events": [20, 4]}"#])
    _ = await forwarder.run("-E")
    #expect(forwarder.calls.filter { $0.method == "events.acknowledge" }.count == 1)
  }

  /// C28: a dying list is bounded, and who relies on it hears of it.
  @Test func `a reliable reader is told of ends that the dying list lost`() async {
    tell(batch([event(.destroy, port: 1)]), batch([event(.destroy, port: 2)]))
    forwarder.state.withLock { $0.endsLost = [5, 5, 12] }
    let told = await forwarder.run("-E --reliable")
    #expect(told.error.contains("WARNING: The dying list has lost 7 ends of connections"))
    #expect(told.error.ranges(of: "WARNING").count == 1)
    tell(batch([event(.destroy, port: 1)]))
    forwarder.state.withLock { $0.endsLost = [5, 9] }
    #expect(await !forwarder.run("-E").error.contains("WARNING"))
  }

  /// C15, C39: as Linux, which tells of every change by request.
  @Test func `a timeout that was asked for is an update`() async {
    var change = event(.update, port: 1, changes: .timeout)
    (change.originator, change.client) = (.request, 77)
    tell(batch([change]))
    #expect(await forwarder.run("-E -e UPDATES").message == "1 flow events have been shown.")
    tell(batch([change]))
    #expect(await forwarder.run("-E -e REFRESH").message == "0 flow events have been shown.")
  }

  @Test func `ends with the forwarder, after its last words`() async {
    tell(batch([event(.new, port: 1)]))
    forwarder.state.withLock { $0.isLive = false }
    let told = await forwarder.run("-E -o xml")
    #expect(told.status == 1)
    #expect(told.out.hasPrefix("<?xml") && told.out.hasSuffix("</conntrack>\n"))
    #expect(told.error.contains("the forwarder has ended\n"))
    #expect(told.error.hasSuffix("1 flow events have been shown.\n"))
  }

  @Test func `styles and forms reach the lines`() async {
    let events = [event(.update, port: 1, mark: 7, changes: .mark)]
    for (options, part) in [
      ("-o id", "id="), ("-o timestamp", "1.000000]\t"), ("-o save", "-U "), ("-o json", "\"event\": \"update\""),
      ("--delta", "changed=mark"), ("--self-contained", "id="), ("-o xml", "<flow type=\"update\">"),
    ] {
      tell(batch(events))
      let told = await forwarder.run("-E \(options)")
      #expect(told.out.contains(part), "\(options): \(told.out)")
    }
  }

  @Test func `the size of a buffer that is not there is no error`() async {
    #expect(await forwarder.run("-E -b 8192").error.hasPrefix("NOTICE: "))
  }
}
