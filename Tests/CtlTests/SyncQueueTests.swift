import CSegment
import ControlClient
import ControlProtocol
import JSONText
import Primitives
import Segment
import Sync
import Synchronization
import Testing

@testable import dpdkfwd_ctl

/// What `sync listen` hands to its forwarder, and in which order.
struct SyncQueueTests {
  private func now(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  private func connection(_ number: UInt32, mark: UInt32 = 0) -> Connection {
    var connection = Connection()
    connection.protocol = Connection.Number.udp
    connection.original.source = IPv6Address(ipv4: IPv4Address(bits: 0x0a00_0000 + number))
    connection.original.destination = IPv6Address(ipv4: IPv4Address(bits: 0x0a00_00ff))
    connection.original.sourcePort = 1000
    connection.original.destinationPort = 53
    connection.reply = connection.original.turned(isICMP: false, isIPv6: false)
    connection.mark = mark
    (connection.remaining, connection.deadline) = (30_000, 30_000)
    return connection
  }

  private func put(_ number: UInt32, mark: UInt32 = 0) -> SyncOperation { .put(connection(number, mark: mark)) }
  private func delete(_ number: UInt32) -> SyncOperation { .delete(SyncFlow(connection(number))) }

  private func story(_ operations: [SyncOperation]) -> [String] {
    operations.map { operation in
      let number = operation.flow.original.source.ipv4.bits & 0xff
      if case .put(let connection) = operation { return "put \(number) \(connection.mark)" }
      return "delete \(number)"
    }
  }

  @Test func `of a flow the last state is given, and what was there goes first`() {
    var queue = OperationQueue(windows: .learn)
    queue.add([put(1), put(2), put(1, mark: 7), delete(2), put(3), delete(4), put(4, mark: 1)], at: now(0))
    queue.add([delete(4), put(4, mark: 2), put(5), delete(5), put(5, mark: 5)], at: now(0))
    let (deletes, puts) = queue.takeBatch(at: now(0))
    #expect(story(deletes) == ["delete 2", "delete 4", "delete 5"])
    #expect(story(puts) == ["put 1 7", "put 3 0", "put 4 2", "put 5 5"])
    #expect(queue.isEmpty && queue.figures.merged == 4)
  }

  @Test func `time passes while an operation waits`() {
    var queue = OperationQueue(windows: .learn)
    queue.add([put(1)], at: now(0))
    queue.add([put(2)], at: now(900))
    let (_, puts) = queue.takeBatch(at: now(1000))
    let times = puts.compactMap { operation -> UInt32? in
      if case .put(let connection) = operation { connection.remaining } else { nil }
    }
    #expect(times == [29_000, 29_900])
  }

  @Test func `a batch has five hundred flows at most`() {
    var queue = OperationQueue(windows: .learn)
    queue.add((0..<1200).map { put($0) }, at: now(0))
    let sizes = (0..<4).map { _ in queue.takeBatch(at: now(0)).puts.count }
    #expect(sizes == [500, 500, 200, 0])
  }

  @Test func `the forwarder is asked with what makes a connection anew, and its refusals are counted`() async throws {
    var queue = OperationQueue(windows: .learn)
    var tcp = connection(1)
    tcp.protocol = Connection.Number.tcp
    tcp.state = 3
    tcp.id = ConnectionID(rawValue: 77)
    tcp.start = 1_700_000_000
    queue.add([.put(tcp), put(2), delete(3), delete(4)], at: Instant(nanoseconds: Clock.monotonic()))
    let caller = ScriptedCaller([
      #"{"results": [null, {"code": -32003, "message": "no such connection"}]}"#,
      #"{"results": [{"code": -32004, "message": "the table is full"}, null]}"#,
    ])
    try await queue.apply(by: caller)
    let asked = caller.asked
    #expect(asked.map(\.0) == ["conntrack.apply", "conntrack.apply"])
    let operations = asked.map { $0.1["operations"]?.asArray ?? [] }
    #expect(operations.map { $0.map { $0["op"]?.asText ?? "" } } == [["delete", "delete"], ["add", "add"]])
    let entry = try #require(operations.last?.first?["entry"])
    #expect(entry["id"] == nil && entry["start"]?.asUInt64 == 1_700_000_000)
    #expect(entry["tcp"]?["state"]?.asText == "ESTABLISHED" && entry["tcp"]?["max_end_orig"]?.asUInt64 == 0)
    #expect(entry["labels"]?.asText == String(repeating: "0", count: 32))
    #expect(queue.figures == OperationQueue.Figures(puts: 2, deletes: 2, absent: 1, refused: 1, requests: 2))
    #expect(queue.complaint == "the table is full")
  }

  /// C40: what was under way when the sender died is not known, and must not make the rest invalid.
  @Test(arguments: OperationQueue.Windows.allCases)
  func `windows are learnt where data flows, or told as they were`(windows: OperationQueue.Windows) async throws {
    for (state, name) in [(2, "SYN_RECV"), (3, "ESTABLISHED"), (6, "LAST_ACK"), (7, "TIME_WAIT")] as [(UInt8, String)] {
      var queue = OperationQueue(windows: windows)
      var tcp = connection(1)
      tcp.protocol = Connection.Number.tcp
      tcp.state = state
      tcp.details.original.max_window = 500
      tcp.details.scales = 0x75
      (tcp.details.flags_original, tcp.details.flags_reply) = (0x33, 0x31)
      queue.add([.put(tcp)], at: now(0))
      let caller = ScriptedCaller([#"{"results": [null]}"#])
      try await queue.apply(by: caller)
      let told = try #require(caller.asked.first?.1["operations"]?.asArray?.first?["entry"]?["tcp"])
      let learns = windows == .learn && (3...6).contains(state)
      #expect(told["state"]?.asText == name)
      #expect(told["max_window_orig"]?.asUInt64 == (learns ? 0 : 500))
      #expect(told["wscale_orig"]?.asUInt64 == 5 && told["wscale_reply"]?.asUInt64 == 7)
      #expect((told["flags_orig"]?.asArray?.count, told["flags_reply"]?.asArray?.count) == (learns ? (2, 1) : (4, 3)))
    }
  }

  @Test func `a request that is refused whole is counted, one that nobody answers ends it`() async throws {
    var queue = OperationQueue(windows: .learn)
    queue.add([put(1), put(2)], at: now(0))
    try await queue.apply(by: ScriptedCaller([], fails: .answered(code: -32006, message: "too much", data: nil)))
    #expect(queue.figures.refused == 2 && queue.complaint == "too much")
    queue.add([put(3)], at: now(0))
    await #expect(throws: ControlClientError.closed) { try await queue.apply(by: ScriptedCaller([], fails: .closed)) }
  }

  @Test func `a host and a port are read as people write them`() {
    #expect(Endpoint(argument: "10.0.0.1:3799").map { "\($0)" } == "10.0.0.1:3799")
    #expect(Endpoint(argument: "[fd00::1]:3799").map { "\($0.host) \($0.port)" } == "fd00::1 3799")
    #expect(Endpoint(argument: "backup.example:0")?.port == 0)
    for wrong in ["", "host", ":3799", "fd00::1:3799", "host:", "host:65536", "host:-1", "[]:1", "host:x"] {
      #expect(Endpoint(argument: wrong) == nil)
    }
  }
}

/// Answers what it was told to, and notes what it is asked.
private final class ScriptedCaller: Caller {
  private let state: Mutex<(answers: [String], asked: [(String, JSON)])>
  private let failure: ControlClientError?

  init(_ answers: [String], fails failure: ControlClientError? = nil) {
    state = Mutex((answers, []))
    self.failure = failure
  }

  var asked: [(String, JSON)] { state.withLock { $0.asked } }

  func call(_ method: String, _ parameters: JSON) async throws(ControlClientError) -> JSON {
    if let failure { throw failure }
    let answer = state.withLock { state in
      state.asked.append((method, parameters))
      return state.answers.removeFirst()
    }
    guard let json = try? JSON(parsing: Array(answer.utf8).span) else { throw .garbled(answer) }
    return json
  }

  func close() async {}
}
