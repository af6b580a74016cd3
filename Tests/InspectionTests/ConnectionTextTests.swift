import Foundation
import Inspection
import JSONText
import Primitives
import Segment
import TestSupport
import Testing

/// Lines of events (C39), and the styles that conntrack does not have (C14).
@Suite struct ConnectionTextTests {
  /// Every event that the kernel told of the oracle's packets, but for helpers, which are not there yet.
  @Test(.enabled(if: Shared.isThere, "needs the shared oracle"))
  func `the kernel's own event lines come out as they went in`() throws {
    let folder = try #require(Shared.oracle).appending(path: "golden/kernel")
    var lines: [String] = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: file)))
      lines += (json as? [String: Any])?["conntrack_E"] as? [String] ?? []
    }
    lines.removeAll { $0.contains("helper=") }
    #expect(lines.count > 200)
    let text = ConnectionText([.extended, .id, .timestamp])
    for line in lines {
      let name = #/ progname=[^ ]+/#
      #expect(text.line(ConnectionEvent(line: line)).replacing(name, with: "") == line.replacing(name, with: ""))
    }
  }

  private func event(_ kind: ConnectionEvent.Kind, _ changes: ConnectionEvent.Changes = []) -> ConnectionEvent {
    var connection = Connection(
      arguments:
        "-p tcp -s 192.0.2.1 -d 198.51.100.7 --sport 4000 --dport 80 --state ESTABLISHED -u SEEN_REPLY,ASSURED -m 3 -w 7"
    )
    connection.id = ConnectionID(rawValue: 99)
    connection.start = 1_000_000_000
    connection.labels = Connection.Labels(low: 1 << 5, high: 1)
    connection.counts = (Connection.Count(packets: 7, bytes: 700), Connection.Count(packets: 5, bytes: 500))
    return ConnectionEvent(
      sequence: 4, shard: 1, at: 1_000_000_007_000_001_000, kind: kind, originator: .packet, changes: changes,
      connection: connection)
  }

  private let tuples =
    "src=192.0.2.1 dst=198.51.100.7 sport=4000 dport=80 src=198.51.100.7 dst=192.0.2.1 sport=80 dport=4000"

  @Test func `an update says what Linux says, or only what changed, or everything`() {
    func line(_ style: EventStyle, _ changes: ConnectionEvent.Changes) -> String {
      ConnectionText([], style: style).line(event(.update, changes))
    }
    #expect(line(.conntrack, .timeout) == " [UPDATE] tcp      6 100 \(tuples) [ASSURED] mark=3 zone=7")
    #expect(line(.conntrack, .state) == " [UPDATE] tcp      6 100 ESTABLISHED \(tuples) [ASSURED] mark=3 zone=7")
    #expect(line(.delta, .timeout) == " [UPDATE] tcp      6 100 \(tuples) zone=7 changed=timeout")
    #expect(
      line(.delta, [.state, .assured])
        == " [UPDATE] tcp      6 ESTABLISHED \(tuples) [ASSURED] zone=7 changed=assured,state")
    #expect(
      line(.delta, [.mark, .labels]) == " [UPDATE] tcp      6 \(tuples) mark=3 zone=7 labels=5,64 changed=mark,labels")
    let counted = tuples.replacing("80 src", with: "80 packets=7 bytes=700 src") + " packets=5 bytes=500"
    #expect(line(.delta, .counts) == " [UPDATE] tcp      6 \(counted) zone=7 changed=counters")
    let all = line(.selfContained, .timeout).replacing(#/ \[start=[^\]]*\]/#, with: "")
    #expect(
      all
        == " [UPDATE] tcp      6 100 ESTABLISHED \(counted) [ASSURED] mark=3 zone=7 delta-time=7 id=99 labels=5,64 changed=timeout"
    )
  }

  @Test func `beginnings and ends are whole in every style`() {
    for style in [EventStyle.conntrack, .delta] {
      let text = ConnectionText([.timestamp], style: style)
      #expect(
        text.line(event(.new))
          == "[1000000007.000001]\t    [NEW] tcp      6 100 ESTABLISHED \(tuples) [ASSURED] mark=3 zone=7")
      #expect(text.line(event(.destroy)).contains("[DESTROY] tcp      6 100 ESTABLISHED src=192.0.2.1"))
      #expect(text.line(event(.destroy)).hasSuffix("packets=5 bytes=500 [ASSURED] mark=3 zone=7 delta-time=7"))
    }
  }

  @Test func `who asked is said`() {
    var asked = event(.update, .mark)
    (asked.originator, asked.client) = (.request, 4_194_305)
    #expect(ConnectionText([]).line(asked).hasSuffix(" mark=3 zone=7 [USERSPACE] portid=4194305"))
    asked.client = UInt32(getpid())
    #expect(ConnectionText([]).line(asked).contains(#/ \[USERSPACE\] portid=\d+ progname=[^ ]+$/#))
    #expect(ConnectionSave().line(asked).contains(" [USERSPACE] portid="))
  }

  @Test func `offloaded connections have neither timeout nor state`() {
    var connection = event(.new).connection
    connection.status |= Connection.Status.offloaded
    #expect(ConnectionText([]).line(connection).hasPrefix("tcp      6 src=192.0.2.1"))
    #expect(ConnectionText([]).line(connection).contains(" [OFFLOAD] mark=3"))
    #expect(ConnectionXML([]).line(connection).contains("<meta direction=\"independent\"><mark>3</mark>"))
  }

  /// C14: self-contained JSON is the whole connection; all styles are read back.
  @Test(arguments: EventStyle.allCases) func `events are JSON that is read back`(style: EventStyle) throws {
    var random = SeededGenerator(seed: 7)
    for number in 0..<300 {
      let event = ConnectionEvent(
        sequence: random.next(), shard: number % 8, at: random.next(),
        kind: ConnectionEvent.Kind.allCases.randomElement(using: &random)!,
        originator: ConnectionEvent.Originator.allCases.randomElement(using: &random)!,
        client: UInt32(truncatingIfNeeded: random.next()),
        changes: ConnectionEvent.Changes(rawValue: UInt16(number % 256)), connection: Samples.connection(&random))
      let line = ConnectionJSON().line(.connection(event), style: style)
      guard case .connection(let read) = try SegmentEvent(json: JSON(parsing: line)) else {
        Issue.record("\(line)")
        continue
      }
      #expect((read.sequence, read.shard, read.at) == (event.sequence, event.shard, event.at))
      #expect((read.kind, read.originator, read.client) == (event.kind, event.originator, event.client))
      #expect(read.changes == (event.kind == .update ? event.changes : []))
      #expect(read.connection.id == event.connection.id && read.connection.original == event.connection.original)
      if style == .selfContained {
        #expect(bytes(read.connection) == bytes(event.connection))
      }
      if style == .delta, event.kind == .update {
        #expect(read.connection.mark == (event.changes.contains(.mark) ? event.connection.mark : 0))
        #expect(read.connection.remaining == (event.changes.contains(.timeout) ? event.connection.remaining : 0))
      }
    }
  }

  @Test func `fragments that were given up have a line, an element and an object`() throws {
    let event = FragmentListEvent(
      sequence: 3, shard: 0, at: 1_000_000_007_000_000_000, isIPv6: false,
      source: IPv6Address(ipv4: IPv4Address("192.0.2.1")!),
      destination: IPv6Address(ipv4: IPv4Address("192.0.2.2")!), identification: 77, zone: 5, protocol: 17,
      reason: "expired",
      fragments: 2, bytes: 3000)
    #expect(
      ConnectionText([]).line(event)
        == "  [FRAGS] (src=192.0.2.1,dst=192.0.2.2,recirc_id=0,ip_id=77,dl_type=0x800,zone=5,nw_proto=17,"
        + "num_fragments=2,bytes=3000,reason=expired)")
    #expect(ConnectionXML([]).line(event).hasPrefix("<fragments reason=\"expired\"><layer3 protonum=\"2\""))
    #expect(try FragmentListEvent(json: event.json) == event)
    #expect(try ConnectionOutput([.save]).line(.fragments(event)) == nil)
  }

  @Test func `masks have conntrack's words and two more`() {
    #expect(EventMask(words: "ALL") == [.new, .update, .destroy])
    #expect(EventMask(words: "new,DESTROY") == [.new, .destroy])
    #expect(EventMask(words: "UPDATES,REFRESH,FRAGMENTS") == [.update, .refresh, .fragments])
    #expect(EventMask(words: "NEW,") == nil)
    #expect(SegmentEvent.connection(event(.update, .timeout)).kind == .refresh)
    #expect(SegmentEvent.connection(event(.update, [.timeout, .state])).kind == .update)
  }

  @Test func `words of -o that contradict each other are refused`() {
    func problem(_ words: String) -> String {
      do { _ = try ConnectionOutput(ConnectionOutput.words(words)) } catch { return "\(error)" }
      return ""
    }
    #expect(problem("save,id") == "cannot combine save output with any other output type, use -o save only")
    #expect(problem("xml,json") == "there is one output: xml or json")
    #expect(problem("extended,sml").hasPrefix("-o: 'sml' is none of xml, extended"))
    #expect(problem("xml,extended,id,timestamp,labels,ktimestamp,userspace") == "")
  }
}
