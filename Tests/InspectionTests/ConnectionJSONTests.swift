import Inspection
import JSONText
import Primitives
import Segment
import TestSupport
import Testing

/// Connections, filters and changes as JSON (docs/control.md; C4, C14, C31).
@Suite struct ConnectionJSONTests {
  /// ctnetlink: EINVAL. A number that no state has could be saved, and not be restored.
  @Test(arguments: [(6, "tcp", 9), (132, "sctp", 8)] as [(Int, String, Int)])
  func `a state is one of its protocol's`(number: Int, name: String, last: Int) throws {
    for state in [0, last, last + 1, 200, 255, 256] {
      let text =
        #"{"l4": \#(number), "\#(name)": {"state": "\#(state)"}, "orig": {"src": "10.0.0.1", "dst": "10.0.0.2", "#
        + #""sport": 1, "dport": 2}, "timeout": 9}"#
      let read = try? Connection(json: JSON(parsing: Array(text.utf8).span))
      #expect((read != nil) == (state <= last), "\(text)")
    }
  }

  /// docs/control.md: what is not listed is an error.
  @Test func `of the status a request changes what is its to change`() throws {
    func change(_ text: String) throws -> ConnectionChange {
      try ConnectionChange(json: JSON(parsing: Array(text.utf8).span))
    }
    for word in ["SEEN_REPLY", "ASSURED", "FIXED_TIMEOUT", "CONFIRMED"] {
      _ = try change(#"{"status": ["\#(word)"]}"#)
    }
    for word in ["EXPECTED", "SRC_NAT", "DST_NAT", "DYING", "TEMPLATE", "OFFLOAD"] {
      #expect(throws: MemberError("status", "\(word) is not for a request to change")) {
        try change(#"{"status": ["ASSURED", "\#(word)"]}"#)
      }
    }
    #expect(throws: MemberError("unset", "CONFIRMED is not for a request to change")) {
      try change(#"{"unset": ["CONFIRMED"]}"#)
    }
    _ = try change(#"{"unset": ["FIXED_TIMEOUT"]}"#)
  }

  private func parsed(_ text: String) throws -> JSON { try JSON(parsing: text) }

  private func problem(_ text: String, _ read: (JSON) throws -> Void) throws -> String {
    do { try read(try parsed(text)) } catch let error as MemberError { return "\(error)" }
    return "nothing"
  }

  // MARK: Connections

  /// C14: what is written with all details is enough to make the connection anew.
  @Test(arguments: 1...4 as ClosedRange<UInt64>) func `what is written of a connection is read back whole`(
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed)
    let whole = ConnectionJSON(lcores: [:], details: true)
    for _ in 0..<500 {
      let connection = Samples.connection(&random)
      let line = whole.line(connection)
      let (read, given) = try Connection.read(parsed(line))
      #expect(bytes(read) == bytes(connection), "\(line)")
      var all: ConnectionChange.Attributes = [.status, .timeout, .mark, .counts, .start]
      if !connection.labels.isEmpty { all.insert(.labels) }
      if connection.protocol == 6 || connection.protocol == 132 { all.formUnion([.state, .details, .windows]) }
      if connection.protocol == 17 || connection.protocol == 136 { all.insert(.windows) }
      #expect(given == all)
      // Without details it is what dumps print: the rest survives.
      let short = try Connection(json: parsed(ConnectionJSON().line(connection)))
      #expect(ConnectionJSON().line(short) == ConnectionJSON().line(connection))
    }
  }

  @Test func `one tuple tells the other, and a zone is of both`() throws {
    let text =
      #"{"l4": "tcp", "reply": {"src": "192.0.2.2", "dst": "192.0.2.1", "sport": 80, "dport": 4000}, "zone": 7}"#
    let connection = try Connection(json: parsed(text))
    #expect(connection.original == connection.reply.turned(isICMP: false, isIPv6: false))
    #expect((connection.original.zone, connection.reply.zone) == (7, 7))
    #expect(connection.original.destinationPort == 80)
    let query = #"{"l4": 58, "orig": {"src": "fe80::1", "dst": "fe80::2", "type": 128, "id": 9}}"#
    let echo = try Connection(json: parsed(query))
    #expect((echo.isIPv6, echo.reply.destinationPort >> 8, echo.reply.sourcePort) == (true, 129, 9))
  }

  @Test func `what is wrong with a connection is said with its place`() throws {
    func problem(_ text: String) throws -> String { try self.problem(text) { _ = try Connection.read($0) } }
    let tuple = #""src": "192.0.2.1", "dst": "192.0.2.2""#
    #expect(try problem("[]") == "is no object")
    #expect(try problem("{}") == "l4: is missing")
    #expect(try problem(#"{"l4": "tpc"}"#) == #"l4: "tpc" is no protocol's name or number"#)
    #expect(try problem(#"{"l4": "tcp"}"#) == "orig: is missing")
    #expect(try problem(#"{"l4": "tcp", "orig": {"src": "192.0.2.1"}}"#) == "orig.dst: is missing")
    #expect(
      try problem(#"{"l4": "tcp", "orig": {"src": "192.0.2", "dst": ""}}"#) == "orig.src: '192.0.2' is no address")
    #expect(
      try problem(#"{"l4": "tcp", "orig": {"src": "192.0.2.1/24", "dst": ""}}"#)
        == "orig.src: '192.0.2.1/24' is no address")
    #expect(try problem("{\"l4\": \"tcp\", \"orig\": {\(tuple)}}") == "orig.sport: is missing")
    #expect(
      try problem("{\"l4\": \"tcp\", \"orig\": {\(tuple), \"sport\": 65536, \"dport\": 1}}")
        == "orig.sport: 65536 is no number from 0 to 65535")
    #expect(
      try problem("{\"l4\": 50, \"orig\": {\(tuple), \"sport\": 1}}")
        == "orig.sport: there is no such member; there are dst, proto, src, zone")
    #expect(
      try problem("{\"l3\": \"ipv6\", \"l4\": 50, \"orig\": {\(tuple)}}")
        == "orig.src: is of another IP version than the rest")
    #expect(
      try problem("{\"l4\": 50, \"orig\": {\(tuple), \"proto\": 51}}")
        == "orig.proto: 51 is not the connection's protocol, 50")
    #expect(
      try problem("{\"l4\": 50, \"orig\": {\(tuple), \"zone\": 1}, \"zone\": 2}")
        == "orig.zone: 1 is not the connection's zone, 2")
    func attribute(_ text: String, l4: String = "50") throws -> String {
      try problem("{\"l4\": \(l4), \"orig\": {\(tuple)}, \(text)}")
    }
    #expect(try attribute(#""timeout": 4294968"#) == "timeout: 4294968 is no number from 0 to 4294967")
    #expect(try attribute(#""timeout": -1"#) == "timeout: -1 is no number from 0 to 4294967")
    #expect(try attribute(#""mark": "1""#) == #"mark: "1" is no number from 0 to 4294967295"#)
    #expect(try attribute(#""status": ["SEEN"]"#).hasPrefix(#"status: "SEEN" is none of EXPECTED, SEEN_REPLY"#))
    #expect(try attribute(#""labels": "00""#) == "labels: '00' has not 32 hexadecimal digits")
    #expect(try attribute(#""labels": [128]"#) == "labels: 128 is no number from 0 to 127")
    #expect(try attribute(#""count_orig": {"packets": 1}"#) == "count_orig.bytes: is missing")
    #expect(try attribute(#""tcp": {}"#) == "tcp: the connection's protocol is 50")
    #expect(try attribute(#""marc": 1"#).hasPrefix("marc: there is no such member; there are cached, count_orig"))
    func tcp(_ text: String) throws -> String {
      try problem("{\"l4\": 6, \"orig\": {\(tuple), \"sport\": 1, \"dport\": 2}, \"tcp\": {\(text)}}")
    }
    #expect(try tcp(#""state": "OPEN""#).hasPrefix("tcp.state: 'OPEN' is none of NONE, SYN_SENT"))
    #expect(try tcp(#""wscale_orig": 16"#) == "tcp.wscale_orig: 16 is no number from 0 to 15")
    #expect(try tcp(#""wscale_orig": 1"#) == "tcp.wscale_reply: is missing")
    #expect(try tcp(#""end_orig": 1"#) == "tcp.max_end_orig: is missing")
  }

  // MARK: Filters

  @Test(arguments: 1...4 as ClosedRange<UInt64>) func `a filter that is written is read back`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let connection = Samples.connection(&random)
      let filter = self.filter(taking: connection, &random)
      let read = try ConnectionFilter(json: filter.json)
      #expect(read.json == filter.json)
      #expect(filter.takes(connection) && read.takes(connection), "\(filter.json.line)")
      for _ in 0..<10 {
        let other = Samples.connection(&random)
        #expect(read.takes(other) == filter.takes(other), "\(filter.json.line)")
      }
    }
  }

  /// Some conditions that hold for the connection.
  private func filter(taking connection: Connection, _ random: inout SeededGenerator) -> ConnectionFilter {
    var filter = ConnectionFilter()
    func often() -> Bool { random.next() % 3 == 0 }
    let hasPorts = [1, 6, 17, 47, 58, 132, 136].contains(connection.protocol)
    if often() { (filter.id, _) = (connection.id, filter.conditions.insert(.id)) }
    if often() || hasPorts {
      filter.protocol = connection.protocol
      filter.conditions.insert(.protocol)
    }
    func ends(_ tuple: Connection.Tuple) -> ConnectionFilter.Ends {
      var ends = ConnectionFilter.Ends()
      let most: UInt8 = connection.isIPv6 ? 128 : 32
      ends.tuple = tuple
      if often() { ends.sourceBits = UInt8.random(in: 1...most, using: &random) }
      if often() { ends.destinationBits = most }
      if ends.sourceBits | ends.destinationBits != 0 {
        filter.isIPv6 = connection.isIPv6
        filter.conditions.insert(.family)
      }
      if hasPorts, often() { ends.hasSourcePort = true }
      if hasPorts, often() {
        ends.hasDestinationPort = true
        if connection.protocol == 1 || connection.protocol == 58 {
          ends.destinationPortMask = [0xffff, 0xff, 0xff00].randomElement(using: &random)!
        }
      }
      return ends
    }
    (filter.original, filter.reply) = (ends(connection.original), ends(connection.reply))
    if often() {
      filter.markMask = often() ? .max : UInt32(truncatingIfNeeded: random.next())
      filter.mark = connection.mark & filter.markMask
      filter.conditions.insert(.mark)
    }
    if often() {
      filter.statusMask = UInt16(truncatingIfNeeded: random.next())
      filter.status = connection.status & filter.statusMask
      filter.conditions.insert(.status)
    }
    if connection.protocol == 6 || connection.protocol == 132, often() {
      (filter.state, _) = (connection.state, filter.conditions.insert(.state))
    }
    if connection.protocol == 132, often() {
      filter.tags = connection.tags
      filter.conditions.formUnion([.originalTag, .replyTag])
    }
    if often() {
      filter.labels = Connection.Labels(low: connection.labels.low & random.next(), high: 0)
      filter.conditions.insert(.labels)
    }
    if often() { (filter.zone, _) = (connection.reply.zone, filter.conditions.insert(.zone)) }
    if often() { (filter.originalZone, _) = (connection.original.zone, filter.conditions.insert(.originalZone)) }
    if often() { (filter.replyZone, _) = (connection.reply.zone, filter.conditions.insert(.replyZone)) }
    return filter
  }

  @Test func `an empty filter takes all, and a prefix its addresses`() throws {
    var connection = Connection()
    connection.original.source = IPv6Address(ipv4: IPv4Address("10.1.2.3")!)
    #expect(try ConnectionFilter(json: parsed("{}")).takes(connection))
    #expect(try ConnectionFilter(json: parsed(#"{"orig": {"src": "10.0.0.0/8"}}"#)).takes(connection))
    #expect(try !ConnectionFilter(json: parsed(#"{"orig": {"src": "10.1.2.2"}}"#)).takes(connection))
    #expect(try ConnectionFilter(json: parsed(#"{"orig": {"src": "0.0.0.0/0"}}"#)).takes(connection))
    // The same bytes are another address in the other family.
    connection.isIPv6 = true
    #expect(try !ConnectionFilter(json: parsed(#"{"orig": {"src": "10.0.0.0/8"}}"#)).takes(connection))
    #expect(try !ConnectionFilter(json: parsed(#"{"orig": {"src": "0.0.0.0/0"}}"#)).takes(connection))
  }

  @Test func `what a mark's mask hides is not compared`() throws {
    var connection = Connection()
    connection.mark = 0x1234
    #expect(try ConnectionFilter(json: parsed(#"{"mark": "0x34/0xff"}"#)).takes(connection))
    #expect(try ConnectionFilter(json: parsed(#"{"mark": 4660}"#)).takes(connection))
    #expect(try !ConnectionFilter(json: parsed(#"{"mark": "0x34"}"#)).takes(connection))
  }

  /// A filter that says less than its writer meant deletes more than he meant.
  @Test func `a filter that can not hold as it was meant is refused`() throws {
    func problem(_ text: String) throws -> String { try self.problem(text) { _ = try ConnectionFilter(json: $0) } }
    #expect(try problem(#"{"orig": {"sport": 80}}"#) == "orig.sport: needs l4, the protocol")
    #expect(try problem(#"{"l4": "icmp", "orig": {"sport": 80}}"#) == "orig.sport: protocol 1 has none")
    #expect(try problem(#"{"state": "CLOSE"}"#) == "state: needs l4, the protocol")
    #expect(try problem(#"{"l4": "udp", "state": "CLOSE"}"#) == "state: only tcp and sctp have states")
    #expect(try problem(#"{"vtag_orig": 1}"#) == "vtag_orig: needs l4 to be sctp")
    #expect(try problem(#"{"status": ["ASSURED"], "unset": ["ASSURED"]}"#) == "unset: has words that status has too")
    #expect(try problem(#"{"orig": {"src": "10.0.0.0/33"}}"#) == "orig.src: '10.0.0.0/33' is no prefix: a/0 to a/32")
    #expect(
      try problem(#"{"orig": {"src": "10.0.0.1"}, "reply": {"src": "::1"}}"#)
        == "reply.src: is of another IP version than the rest")
    #expect(try problem(#"{"mark": "1/2/3"}"#).hasSuffix(#"is neither a number of 32 bits nor "value/mask""#))
    #expect(try problem(#"{"zone": null}"#) == "zone: null is no number from 0 to 65535")
    #expect(try problem(#"{"source": "10.0.0.1"}"#).hasPrefix("source: there is no such member; there are id, l3"))
  }

  // MARK: Changes

  @Test func `a change has what was given and nothing else`() throws {
    let change = try ConnectionChange(
      json: parsed(
        #"{"status": ["ASSURED"], "unset": ["FIXED_TIMEOUT"], "timeout": 9, "mark": "0x10/0xf0", "tcp": {"state": "CLOSE"}}"#
      ))
    #expect(change.attributes == [.status, .timeout, .mark, .state])
    #expect((change.values.status, change.clearedStatus) == (1 << 2, 1 << 10))
    #expect((change.values.remaining, change.values.mark, change.markMask) == (9000, 0x10, 0xf0))
    #expect(change.values.state == 8)
    let labels = try ConnectionChange(json: parsed(#"{"labels": {"add": [1, 127], "delete": [0]}}"#))
    #expect(labels.values.labels.bits == [1, 127])
    #expect(labels.labelMask.bits == [0, 1, 127])
    let cleared = try ConnectionChange(json: parsed(#"{"labels": {"delete": "all"}}"#))
    #expect(cleared.labelMask.bits.count == 128)
    #expect(cleared.values.labels.isEmpty)
  }

  @Test func `a change that is written is read back`() throws {
    for text in [
      #"{"status": ["SEEN_REPLY"], "unset": ["ASSURED"]}"#, #"{"status": []}"#, #"{"unset": ["ASSURED"]}"#,
      #"{"timeout_ms": 1500, "mark": 7}"#, #"{"mark": "1/3"}"#, #"{"labels": {"add": [3], "delete": [4]}}"#,
      #"{"labels": "01000000000000000000000000000080"}"#,
      #"{"count_orig": {"packets": 1, "bytes": 2}, "count_reply": {"packets": 0, "bytes": 0}, "start": 5}"#,
      #"{"tcp": {"state": "ESTABLISHED", "wscale_orig": 7, "wscale_reply": 2, "flags_orig": ["SACK_PERM"], "flags_reply": []}}"#,
      #"{"sctp": {"state": "ESTABLISHED", "vtag_orig": 1, "vtag_reply": 2}}"#, #"{"udp": {"stream_in_ms": -4}}"#,
    ] {
      let json = try parsed(text)
      #expect(try ConnectionChange(json: json).json == json, "\(text)")
    }
  }

  @Test func `a change that changes nothing or half of something is refused`() throws {
    func problem(_ text: String, _ number: UInt8? = nil) throws -> String {
      try self.problem(text) { _ = try ConnectionChange(json: $0, protocol: number) }
    }
    #expect(try problem("{}") == "changes nothing")
    #expect(try problem(#"{"labels": {}}"#) == "labels: adds and deletes nothing")
    #expect(try problem(#"{"count_orig": {"packets": 1, "bytes": 2}}"#) == "count_reply: is missing")
    #expect(try problem(#"{"tcp": {"state": "CLOSE"}}"#, 17) == "tcp: the connection's protocol is 17")
    #expect(try problem(#"{"tcp": {"state": "CLOSE"}, "udp": {}}"#) == "udp: the connection's protocol is 6")
    #expect(try problem(#"{"orig": {}}"#).hasPrefix("orig: there is no such member"))
  }
}
