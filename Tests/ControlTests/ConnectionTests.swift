import ControlProtocol
import JSONText
import NIOCore
import TestSupport
import Testing

@testable import ControlServer

struct ConnectionTests {
  @Test func `a request is answered on one line`() throws {
    let desk = try Desk()
    #expect(try desk.say(request("echo", "[1, \"a\\nb\"]")) == [result("[1, \"a\\nb\"]")])
    #expect(desk.counts.requests == 1)
    #expect(desk.isOpen)
  }

  @Test func `a notification is carried out and never answered, whatever becomes of it`() throws {
    let desk = try Desk()
    for method in ["echo", "fail", "nothing"] {
      #expect(try desk.say(#"{"jsonrpc":"2.0","method":"\#(method)"}"#) == [])
    }
    #expect(desk.service.calls == ["echo {}", "fail {}"])
    #expect(desk.counts.errors == [.noRoom: 1, .methodNotFound: 1])
    #expect(try desk.say(request("echo")) == [result("{}")])
  }

  @Test func `an error of the service comes with code, message and data`() throws {
    let desk = try Desk()
    #expect(
      try desk.say(request("fail")) == [
        #"{"jsonrpc": "2.0", "error": {"code": -32004, "message": "the table is full", "data": {"most": 5}}, "id": 1}"#
      ])
    #expect(desk.counts.errors == [.noRoom: 1])
  }

  @Test func `an unknown method is named, and not at any length`() throws {
    let desk = try Desk()
    let answer = try desk.say(request(String(repeating: "m", count: 100_000)))
    #expect(failure(answer.first) == "-32601 1")
    #expect((answer.first?.utf8.count ?? 0) < 200)
  }

  @Test(arguments: ["", "{", "[1,", "\u{0}\u{1}", "GET / HTTP/1.1\r", "[]", "42", "{\"jsonrpc\":\"2.0\"}", "\u{fffd}"])
  func `nonsense is answered and the next request served`(line: String) throws {
    let desk = try Desk()
    let answers = try desk.send(line + "\n" + request("echo") + "\n")
    #expect(answers.count == 2)
    #expect(["-32700 null", "-32600 null"].contains(failure(answers.first)))
    #expect(answers.last == result("{}"))
  }

  /// F5: whoever may only read changes nothing, alone, in a batch or by notification.
  @Test func `a method that writes is forbidden on the read-only socket`() throws {
    let desk = try Desk(isReadOnly: true)
    #expect(failure(try desk.say(request("set")).first) == "-32000 1")
    #expect(try desk.say(#"{"jsonrpc":"2.0","method":"set"}"#) == [])
    let batch = try desk.say("[\(request("set")), \(request("echo", id: "2"))]")
    #expect(batch.first?.hasSuffix(", \(result("{}", id: "2"))]") == true)
    #expect(desk.service.calls == ["echo {}"])
    #expect(desk.counts.errors == [.forbidden: 3])
    #expect(try Desk().say(request("set")) == [result("{}")])
  }

  @Test func `requests that come at once are answered in order, one after the other`() throws {
    let desk = try Desk()
    let first = try desk.send(
      request("wait", id: "1") + "\n" + request("echo", id: "2") + "\n" + request("echo", id: "3") + "\n")
    #expect(first == [])
    #expect(desk.service.calls == ["wait {}"], "the next is not begun before")
    desk.service.release()
    #expect(try desk.answers() == [result("\"waited\"", id: "1"), result("{}", id: "2"), result("{}", id: "3")])
  }

  @Test func `nothing is read while a request is answered`() throws {
    let desk = try Desk()
    #expect(desk.reader.asked == 1)
    try desk.say(request("wait"))
    #expect(desk.reader.asked == 1)
    desk.service.release()
    _ = try desk.answers()
    #expect(desk.reader.asked == 2)
  }

  @Test func `a batch is answered in one array, in order, without its notifications`() throws {
    let desk = try Desk()
    let batch = [
      request("echo", "[1]", id: "\"a\""), #"{"jsonrpc":"2.0","method":"echo"}"#, "7", request("fail", id: "null"),
      request("wait", id: "-3"), request("echo", "[2]", id: "4"),
    ]
    #expect(try desk.say("[\(batch.joined(separator: ","))]") == [])
    desk.service.release()
    let answers = try desk.answers()
    let elements = try JSON(parsing: try #require(answers.first)).asArray ?? []
    #expect(answers.count == 1)
    #expect(elements.map { $0["id"]?.line } == ["\"a\"", "null", "null", "-3", "4"])
    #expect(elements.first?.line == result("[1]", id: "\"a\""))
    #expect(desk.service.calls.count == 5)
  }

  @Test func `a batch of notifications is not answered, and an empty one is refused`() throws {
    let desk = try Desk()
    let note = #"{"jsonrpc":"2.0","method":"echo"}"#
    #expect(try desk.say("[\(note),\(note)]") == [])
    #expect(desk.service.calls.count == 2)
    #expect(failure(try desk.say("[ ]").first) == "-32600 null")
  }

  @Test func `a stream means the same wherever it is split`() throws {
    let stream = Array((request("echo", "[1]") + "\n{\n[" + request("echo", "[2]", id: "2") + "]\n").utf8)
    let whole = try Desk().send(stream)
    #expect(whole.count == 3)
    for split in 0...stream.count {
      let desk = try Desk()
      let answers = try desk.send(stream[..<split]) + desk.send(stream[split...])
      #expect(answers == whole)
    }
    let desk = try Desk()
    #expect(try stream.flatMap { try desk.send(CollectionOfOne($0)) } == whole)
  }

  @Test func `what came before the end of input is answered before the connection closes`() throws {
    let desk = try Desk()
    try desk.send(request("wait") + "\n" + request("echo", id: "2") + "\n")
    #expect(try desk.endInput() == [])
    #expect(desk.isOpen)
    desk.service.release()
    #expect(try desk.answers() == [result("\"waited\""), result("{}", id: "2")])
    #expect(!desk.isOpen)
    #expect(desk.closing == .client)
  }

  @Test func `a request that the end of input cuts off is told so`() throws {
    let desk = try Desk()
    try desk.send(#"{"jsonrpc""#)
    #expect(failure(try desk.endInput().first) == "-32700 null")
    #expect(!desk.isOpen)
  }

  @Test func `a client that leaves has its request cancelled, and is gone when that has ended`() throws {
    let desk = try Desk()
    try desk.say(request("sulk"))
    desk.channel.close(promise: nil)
    _ = try desk.answers()
    #expect(desk.service.ended == [], "its request goes on and has its place")
    #expect(desk.closing == nil)
    desk.service.release()
    _ = try desk.answers()
    #expect(desk.service.ended.map(\.number) == [1])
    #expect(desk.closing == .client)

    let other = try Desk()
    try other.say(request("wait"))
    other.channel.close(promise: nil)
    _ = try other.answers()
    #expect(other.service.ended.count == 1, "one that heeds being cancelled ends at once")
  }

  @Test func `a client whose leaving shows when it is answered leaves once`() throws {
    for stream in [request("wait") + "\n", request("wait") + "\n{\n" + request("echo") + "\n", "{\n{\n"] {
      let desk = try Desk()
      desk.reader.isGone = true
      try desk.send(stream)
      desk.service.release()
      _ = try desk.answers()
      #expect(!desk.isOpen)
      #expect(desk.service.ended.count == 1)
    }
  }

  /// Any bytes in any pieces: each line gets its answer, and nothing else happens.
  @Test func `noise is answered line by line`() throws {
    var generator = SeededGenerator.forThisRun()
    for _ in 0..<200 {
      let desk = try Desk()
      let words = [
        "{", "}", "[", "]", "\"jsonrpc\":\"2.0\"", ",", "\"method\":\"echo\"", "\"id\":1", "\n", "\n", "\u{0}", "1",
      ]
      let stream = Array((0..<60).compactMap { _ in words.randomElement(using: &generator) }.joined().utf8) + [10]
      var answers: [String] = []
      var rest = stream[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...9, using: &generator))
        rest = rest.dropFirst(piece.count)
        answers += try desk.send(piece)
      }
      let notifications = desk.counts.requests
      #expect(answers.count <= stream.count { $0 == 10 })
      #expect(answers.count + Int(notifications) >= stream.count { $0 == 10 })
      for line in answers { #expect(try JSON(parsing: line)["jsonrpc"] != nil || JSON(parsing: line).asArray != nil) }
      #expect(desk.isOpen)
    }
  }
}
