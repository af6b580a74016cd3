import ControlProtocol
import JSONText
import TestSupport
import Testing

struct ProtocolTests {
  private func read(_ line: String, most: Int = 1000) -> ControlMessage {
    ControlMessage(line: Array(line.utf8).span, most: most)
  }

  private func fault(_ line: String) -> (code: ControlCode, id: RequestID)? {
    guard case .single(.fault(let error, let id)) = read(line) else { return nil }
    return (error.code, id)
  }

  @Test(arguments: [
    JSON.null, .text(""), .text("a\"\u{0}\u{1f600}"), .unsigned(0), .unsigned(.max), .signed(-5), .signed(.min),
    .real(1.5),
  ])
  func `an id of any type comes back as it was`(id: JSON) throws {
    let line = #"{"jsonrpc":"2.0","method":"m","id":\#(id.line)}"#
    guard case .single(.request(let request)) = read(line) else {
      Issue.record("\(line) is a request")
      return
    }
    #expect(request.id?.json == id)
    let answer = ControlAnswer(.truth(true), to: try #require(request.id))
    #expect(answer.json.line == #"{"jsonrpc": "2.0", "result": true, "id": \#(id.line)}"#)
  }

  @Test func `a request has its parts, in any order`() {
    let request = ControlRequest("m", .array([.unsigned(1)]), id: RequestID(.unsigned(7)))
    #expect(read(#"{"id":7,"params":[1],"method":"m","jsonrpc":"2.0"}"#) == .single(.request(request)))
    #expect(read(request.json.line) == .single(.request(request)))
  }

  @Test func `a request without an id is a notification, and one whose id is null is not`() {
    #expect(read(#"{"jsonrpc":"2.0","method":"m"}"#) == .single(.request(ControlRequest("m", id: nil))))
    #expect(read(#"{"jsonrpc":"2.0","method":"m","id":null}"#) == .single(.request(ControlRequest("m", id: .null))))
  }

  /// JSON-RPC 2.0 §4 and §5.1.
  @Test(arguments: [
    ("", -32700, JSON.null), ("{", -32700, .null), ("nonsense", -32700, .null),
    ("\r", -32700, .null), (#"{"jsonrpc":"2.0","method":"m","id":1,"id":2}"#, -32700, .null),
    (String(repeating: "[", count: 33) + String(repeating: "]", count: 33), -32700, .null),
    ("1", -32600, .null), ("\"m\"", -32600, .null), ("null", -32600, .null), ("[]", -32600, .null),
    ("{}", -32600, .null),
    (#"{"method":"m","id":1}"#, -32600, .unsigned(1)),
    (#"{"jsonrpc":"1.0","method":"m","id":1}"#, -32600, .unsigned(1)),
    (#"{"jsonrpc":2.0,"method":"m","id":1}"#, -32600, .unsigned(1)),
    (#"{"jsonrpc":"2.0","id":"x"}"#, -32600, .text("x")),
    (#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, -32600, .null),
    (#"{"jsonrpc":"2.0","method":null,"id":1}"#, -32600, .unsigned(1)),
    (#"{"jsonrpc":"2.0","method":"m","params":"bar","id":1}"#, -32600, .unsigned(1)),
    (#"{"jsonrpc":"2.0","method":"m","params":null,"id":1}"#, -32600, .unsigned(1)),
    (#"{"jsonrpc":"2.0","method":"m","id":{}}"#, -32600, .null),
    (#"{"jsonrpc":"2.0","method":"m","id":[1]}"#, -32600, .null),
    (#"{"jsonrpc":"2.0","method":"m","id":true}"#, -32600, .null),
    (#"{"jsonrpc":"2.0","method":"flush","parms":{"zone":5},"id":1}"#, -32600, .unsigned(1)),
  ])
  func `what is no request is a fault`(line: String, code: Int, id: JSON) throws {
    let found = try #require(fault(line), "\(line)")
    #expect(found.code.rawValue == code)
    #expect(found.id.json == id)
  }

  @Test func `the faults of a batch stand where they were`() {
    let message = read(#"[1, {"jsonrpc":"2.0","method":"m","id":5}, {"id":6}, []]"#)
    guard case .batch(let items) = message else {
      Issue.record("a batch")
      return
    }
    let found = items.map { item in
      switch item {
      case .request(let request): "request \(request.id?.json.line ?? "")"
      case .fault(let error, let id): "\(error.code.rawValue) \(id.json.line)"
      }
    }
    #expect(found == ["-32600 null", "request 5", "-32600 6", "-32600 null"])
  }

  @Test func `a batch may be as long as the limit`() {
    func batch(_ count: Int) -> ControlMessage {
      read("[" + Array(repeating: "0", count: count).joined(separator: ",") + "]", most: 3)
    }
    #expect(batch(3).items.count == 3)
    guard case .single(.fault(let error, .null)) = batch(4) else {
      Issue.record("a batch of four is too large")
      return
    }
    #expect(error.code == .tooLarge)
  }

  @Test func `an answer is read as it was written`() throws {
    let error = ControlError(.notFound, "no \"zone\"", data: .array([.unsigned(5)]))
    let id = try #require(RequestID(.text("x")))
    for answer in [ControlAnswer(.null, to: id), ControlAnswer(error, to: id), ControlAnswer(error, to: .null)] {
      #expect(ControlAnswer(try JSON(parsing: answer.json.line)) == answer)
    }
    #expect(
      ControlAnswer(error, to: id).json.line
        == #"{"jsonrpc": "2.0", "error": {"code": -32003, "message": "no \"zone\"", "data": [5]}, "id": "x"}"#)
  }

  @Test(arguments: [
    "1", "{}", #"{"jsonrpc":"2.0","result":1}"#, #"{"jsonrpc":"2.0","id":1}"#, #"{"result":1,"id":1}"#,
    #"{"jsonrpc":"2.0","result":1,"error":{"code":1,"message":""},"id":1}"#,
    #"{"jsonrpc":"2.0","error":{"code":1},"id":1}"#,
    #"{"jsonrpc":"2.0","error":{"code":"1","message":""},"id":1}"#, #"{"jsonrpc":"2.0","error":1,"id":1}"#,
  ])
  func `what is no answer is not taken for one`(line: String) throws {
    #expect(ControlAnswer(try JSON(parsing: line)) == nil)
  }

  @Test func `codes stay in the ranges that JSON-RPC has for them`() {
    for code in ControlCode.allCases {
      #expect((-32768 ... -32000).contains(code.rawValue))
    }
    #expect(ControlCode(rawValue: -32000) == .forbidden)
    #expect(ControlCode(rawValue: -32007) == .timeout)
  }
}

struct LineBufferTests {
  private func lines(_ buffer: inout LineBuffer) -> [String] {
    var lines: [String] = []
    while true {
      switch buffer.next() {
      case .line(let bytes): lines.append(String(decoding: bytes, as: UTF8.self))
      case .tooLong: return lines + ["too long"]
      case .none: return lines
      }
    }
  }

  @Test func `a stream is cut into the same lines wherever it is split`() {
    let stream = Array("one\n\ntwo\r\nthree\nfo".utf8)
    for first in 0...stream.count {
      for second in first...stream.count {
        var buffer = LineBuffer(limit: 10)
        var found: [String] = []
        for piece in [stream[..<first], stream[first..<second], stream[second...]] {
          buffer.append(piece)
          found += lines(&buffer)
        }
        #expect(found == ["one", "", "two\r", "three"])
        #expect(buffer.hasPart)
      }
    }
  }

  @Test func `a line may be as long as the limit, whole or not`() {
    var buffer = LineBuffer(limit: 4)
    buffer.append(Array("four\nfour".utf8))
    #expect(lines(&buffer) == ["four"])
    buffer.append(Array("\nfives\n".utf8))
    #expect(lines(&buffer) == ["four", "too long"])
    var unfinished = LineBuffer(limit: 4)
    unfinished.append(Array("fives".utf8))
    #expect(lines(&unfinished) == ["too long"])
  }

  @Test func `a hundred thousand single bytes cost no square of that`() {
    var buffer = LineBuffer(limit: 200_000)
    for _ in 0..<100_000 {
      buffer.append(CollectionOfOne(UInt8(ascii: "x")))
      #expect(buffer.next() == .none)
    }
    buffer.append(CollectionOfOne(UInt8(ascii: "\n")))
    guard case .line(let line) = buffer.next() else {
      Issue.record("a line")
      return
    }
    #expect(line.count == 100_000)
    #expect(!buffer.hasPart)
  }
}

struct PathTests {
  @Test func `the sockets lie in the folder of the prefix`() throws {
    let paths = try ControlPaths(prefix: "rte")
    #expect(paths.readWrite == "/run/dpdkfwd/rte/control")
    #expect(paths.readOnly == "/run/dpdkfwd/rte/control-ro")
  }

  @Test(arguments: ["", ".", "..", ".hidden", "a/b", "/", "a\u{0}b", String(repeating: "p", count: 64)])
  func `a prefix that cannot name a folder is refused`(prefix: String) {
    #expect(throws: ControlPathError.prefix(prefix)) { try ControlPaths(prefix: prefix) }
  }

  /// unix(7): 108 bytes with the zero at their end.
  @Test func `a path that no socket can have is refused, and says its length`() throws {
    let rest = "/p/control-ro".utf8.count
    let longest = "/" + String(repeating: "r", count: 106 - rest)
    #expect(try ControlPaths(root: longest, prefix: "p").readOnly.utf8.count == 107)
    let error = #expect(throws: ControlPathError.self) { try ControlPaths(root: longest + "r", prefix: "p") }
    #expect(error?.description.contains("108") == true)
    #expect(throws: ControlPathError.self) { try ControlPaths(root: "/a\u{0}b", prefix: "p") }
  }
}
