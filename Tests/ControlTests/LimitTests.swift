import ControlProtocol
import JSONText
import NIOCore
import Synchronization
import Testing

@testable import ControlServer

/// X8: whatever a client does is bounded. The clock is the test's.
struct LimitTests {
  private func limits(_ change: (inout ControlLimits) -> Void) -> ControlLimits {
    var limits = ControlLimits()
    change(&limits)
    return limits
  }

  // MARK: Size

  @Test func `a line that is too long is refused before it is whole, and ends the connection`() throws {
    for isWhole in [true, false] {
      let desk = try Desk(limits { $0.requestBytes = 100 })
      #expect(try desk.say(request("echo", "[\"\(String(repeating: "x", count: 100 - 62))\"]")).count == 1)
      let answers = try desk.send(String(repeating: "x", count: 101) + (isWhole ? "\n\(request("echo"))\n" : ""))
      #expect(answers.map { failure($0) } == ["-32006 null"])
      #expect(!desk.isOpen)
      #expect(desk.closing == .tooLarge)
      #expect(desk.counts.errors == [.tooLarge: 1])
    }
  }

  @Test func `a batch that is too large is refused whole`() throws {
    let desk = try Desk(limits { $0.batch = 2 })
    let one = request("set")
    #expect(failure(try desk.say("[\(one),\(one),\(one)]").first) == "-32006 null")
    #expect(desk.service.calls == [])
    #expect(try desk.say("[\(one),\(one)]").count == 1)
  }

  @Test func `nesting is refused at the limit`() throws {
    let desk = try Desk(limits { $0.depth = 3 })
    #expect(try desk.say(request("echo", "[[]]")).first == result("[[]]"))
    #expect(failure(try desk.say(request("echo", "[[[]]]")).first) == "-32700 null")
    #expect(failure(try desk.say(String(repeating: "[", count: 1 << 20)).first) == "-32700 null")
    #expect(desk.isOpen)
  }

  @Test func `in place of an answer that is too long its length is told`() throws {
    let desk = try Desk(limits { $0.answerBytes = 1000 })
    #expect(failure(try desk.say(request("big", #"{"size":1000}"#)).first) == "-32006 1")
    #expect(try desk.say(request("big", #"{"size":900}"#)).first?.utf8.count ?? 0 > 900)
  }

  @Test func `a batch is not gone on with when its answers fill their room`() throws {
    let desk = try Desk(limits { $0.answerBytes = 1000 })
    let one = request("big", #"{"size":400}"#)
    let answer = try desk.say("[\(Array(repeating: one, count: 6).joined(separator: ","))]")
    let codes = try JSON(parsing: try #require(answer.first)).asArray?.map { $0["error"]?["code"]?.asInt64 }
    #expect(codes == [nil, nil, nil, -32006, -32006, -32006])
    #expect(desk.service.calls.count == 3)
    #expect(desk.isOpen)
  }

  // MARK: Pace

  @Test func `a client that is too fast waits, and loses nothing`() throws {
    let desk = try Desk(limits { ($0.requestsPerSecond, $0.burst) = (10, 5) })
    let requests = (1...30).map { request("echo", id: "\($0)") + "\n" }.joined()
    var answers = try desk.send(requests)
    #expect(answers.count == 5)
    let asked = desk.reader.asked
    answers += try desk.advance(.milliseconds(99))
    #expect(answers.count == 5)
    answers += try desk.advance(.milliseconds(1))
    #expect(answers.count == 6)
    #expect(desk.reader.asked == asked, "no more is read meanwhile")
    answers += try desk.advance(.seconds(3))
    #expect(answers == (1...30).map { result("{}", id: "\($0)") })
    #expect(desk.counts.pauses > 0)
    #expect(desk.isOpen)
  }

  @Test func `a batch counts for as many as it has, and a long line for its length`() throws {
    let desk = try Desk(limits { ($0.requestsPerSecond, $0.burst) = (10, 5) })
    let batch = "[\(Array(repeating: request("echo"), count: 20).joined(separator: ","))]"
    #expect(try desk.send("\(batch)\n\(request("echo"))\n").count == 1)
    #expect(try desk.advance(.milliseconds(1599)).count == 0)
    #expect(try desk.advance(.milliseconds(1)).count == 1)

    let other = try Desk(limits { ($0.requestsPerSecond, $0.burst) = (10, 1) })
    let long = request("echo", "[\"\(String(repeating: "x", count: 10 * 4096))\"]")
    #expect(try other.send("\(long)\n\(request("echo"))\n").count == 1)
    #expect(try other.advance(.milliseconds(1099)).count == 0)
    #expect(try other.advance(.milliseconds(1)).count == 1)
  }

  // MARK: Time

  @Test func `a request must come whole in time`() throws {
    let desk = try Desk(limits { $0.requestTime = .seconds(10) })
    var lines: [String] = []
    for byte in request("echo").utf8.prefix(10) {
      lines += try desk.send(CollectionOfOne(byte)) + desk.advance(.milliseconds(999))
    }
    #expect(lines == [])
    #expect(desk.isOpen)
    #expect(failure(try desk.advance(.milliseconds(10)).first) == "-32007 null")
    #expect(!desk.isOpen)
    #expect(desk.closing == .slowRequest)
  }

  @Test func `the next request has its own time`() throws {
    let desk = try Desk(limits { $0.requestTime = .seconds(10) })
    for _ in 0..<5 {
      let line = Array((request("echo") + "\n").utf8)
      #expect(try desk.send(line[..<20]) == [])
      #expect(try desk.advance(.milliseconds(9990)) == [])
      #expect(try desk.send(line[20...]) == [result("{}")])
    }
  }

  @Test func `time in which we do not read is not the client's`() throws {
    let desk = try Desk(limits { $0.requestTime = .seconds(10) })
    try desk.send(request("wait") + "\n" + #"{"jsonrpc""#)
    #expect(try desk.advance(.seconds(30)) == [])
    desk.service.release()
    #expect(try desk.answers() == [result("\"waited\"")])
    #expect(try desk.advance(.milliseconds(9990)) == [])
    #expect(desk.isOpen)
    #expect(try desk.advance(.milliseconds(10)).count == 1)
    #expect(desk.closing == .slowRequest)
  }

  @Test func `a client that asks nothing is closed, and one that has subscribed is not`() throws {
    let desk = try Desk(limits { $0.idleTime = .seconds(300) })
    #expect(try desk.advance(.seconds(299)) == [])
    #expect(try desk.say(request("echo")).count == 1)
    #expect(try desk.advance(.seconds(299)) == [])
    #expect(failure(try desk.advance(.seconds(1)).first) == "-32007 null")
    #expect(desk.closing == .idle)

    let other = try Desk(limits { $0.idleTime = .seconds(300) })
    #expect(try other.say(request("subscribe")).count == 1)
    #expect(try other.advance(.seconds(100_000)) == [])
    #expect(other.isOpen)
    other.service.state.withLock { $0.lasting = [] }
    #expect(try other.advance(.seconds(300)).count == 1)
    #expect(!other.isOpen)
  }

  @Test func `an answer that takes too long is given up, and the next request served when it has ended`() throws {
    let desk = try Desk(limits { $0.answerTime = .seconds(60) })
    try desk.send(request("sulk") + "\n" + request("echo", id: "2") + "\n")
    #expect(try desk.advance(.milliseconds(59_999)) == [])
    let answers = try desk.advance(.milliseconds(1))
    #expect(answers.map { failure($0) } == ["-32007 1", "-32001 2"])
    desk.service.release()
    #expect(try desk.answers() == [], "nobody waits for it any more")
    #expect(try desk.say(request("echo", id: "3")) == [result("{}", id: "3")])
    #expect(desk.counts.errors == [.timeout: 1, .busy: 1])
  }

  @Test func `a service that heeds being cancelled frees the client at once`() throws {
    let desk = try Desk(limits { $0.answerTime = .seconds(60) })
    try desk.say(request("wait"))
    #expect(try desk.advance(.seconds(60)).map { failure($0) } == ["-32007 1"])
    #expect(try desk.say(request("echo", id: "2")) == [result("{}", id: "2")])
  }

  // MARK: Clients that do not read

  @Test func `a client that leaves its answers is closed after its time, and each that it takes begins it anew`() throws
  {
    let desk = try Desk(limits { $0.unreadTime = .seconds(30) })
    desk.reader.isReading = false
    for id in 1...3 { try desk.say(request("echo", id: "\(id)")) }
    #expect(desk.reader.held.count == 3)
    for _ in 0..<2 {
      #expect(try desk.advance(.milliseconds(29_990)) == [])
      try desk.reader.readOne(desk.channel)
      #expect(try desk.answers().count == 1)
    }
    #expect(try desk.advance(.milliseconds(29_990)) == [])
    #expect(desk.isOpen)
    _ = try desk.advance(.milliseconds(10))
    #expect(!desk.isOpen)
    #expect(desk.closing == .unread)
  }

  @Test func `no further request is taken up for a client that does not read`() throws {
    let desk = try Desk(limits { ($0.unreadBytes, $0.answerBytes) = (10_000, 5000) })
    desk.reader.isReading = false
    for _ in 0..<100 { try desk.say(request("big", #"{"size":4000}"#)) }
    #expect(desk.service.calls.count == 3)
    #expect(desk.reader.heldBytes <= 10_000 + 5000)
    let asked = desk.reader.asked
    try desk.reader.readOne(desk.channel)
    _ = try desk.answers()
    #expect(desk.service.calls.count == 4)
    #expect(desk.reader.asked == asked)
    while !desk.reader.held.isEmpty {
      try desk.reader.readOne(desk.channel)
      _ = try desk.answers()
    }
    #expect(desk.service.calls.count == 100)
    #expect(desk.isOpen)
  }

  @Test func `a client that does not read is not waited for after the last word either`() throws {
    let desk = try Desk(limits { ($0.requestBytes, $0.unreadTime) = (10, .seconds(30)) })
    desk.reader.isReading = false
    try desk.send("eleven bytes")
    #expect(desk.isOpen)
    _ = try desk.advance(.seconds(30))
    #expect(!desk.isOpen)
    #expect(desk.closing == .tooLarge)
  }

  @Test func `fifty thousand lines of nonsense are answered without digging into the stack`() throws {
    let desk = try Desk(limits { $0.burst = 100_000 })
    #expect(try desk.send(String(repeating: "\n", count: 50_000)).count == 50_000)
  }

  @Test func `the bucket pays its debts`() {
    var bucket = TokenBucket(perSecond: 10, burst: 3, now: .uptimeNanoseconds(0))
    let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    for _ in 0..<3 {
      #expect(bucket.ready <= now)
      bucket.take(1, at: now)
    }
    #expect(bucket.ready == now + .milliseconds(100))
    bucket.take(9, at: now)
    #expect(bucket.ready == now + .seconds(1))
    bucket.take(1, at: now + .seconds(100))
    #expect(bucket.ready <= now + .seconds(100))
  }
}
