import ControlClient
import ControlProtocol
import ControlServer
import Foundation
import JSONText
import Testing

struct ClientTests {
  @Test func `a call returns what was asked for`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let client = try await ControlClient.connect(scratch.paths)
      #expect(
        try await client.call("echo", .array([.unsigned(.max), .text("\n")])) == .array([.unsigned(.max), .text("\n")]))
      #expect(try await client.call("set") == .object([]))
      async let first = client.call("echo", .array([.unsigned(1)]))
      async let second = client.call("echo", .array([.unsigned(2)]))
      #expect(try await [first, second] == [.array([.unsigned(1)]), .array([.unsigned(2)])])
      await client.close()
      await client.close()
      await #expect(throws: ControlClientError.closed) { try await client.call("echo") }
    }
  }

  @Test func `a refusal comes with code, message and data`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let client = try await ControlClient.connect(scratch.paths, readOnly: true)
      await #expect(
        throws: ControlClientError.answered(
          code: -32004, message: "the table is full", data: .object([("most", .unsigned(5))]))
      ) { try await client.call("fail") }
      let error = await #expect(throws: ControlClientError.self) { try await client.call("set") }
      #expect(error?.description.hasSuffix("(-32000)") == true)
      #expect(try await client.call("echo") == .object([]), "the connection goes on")
      await client.close()
    }
  }

  @Test func `nobody there is said with the prefix to look for`() async throws {
    let scratch = try Scratch()
    let error = await #expect(throws: ControlClientError.self) { try await ControlClient.connect(scratch.paths) }
    #expect(error == .notRunning(path: scratch.paths.readWrite, prefix: "t"))
    #expect(error?.description.contains("--file-prefix t") == true)
  }

  @Test func `a closed connection ends the calls that wait, and a reason that was given is theirs`() async throws {
    let scratch = try Scratch()
    try await scratch.serving({ ($0.limits.connections, $0.limits.requestBytes) = (1, 1000) }) { _ in
      let client = try await ControlClient.connect(scratch.paths)
      #expect(try await client.call("echo") == .object([]))
      let late = try await ControlClient.connect(scratch.paths)
      let refusal = await #expect(throws: ControlClientError.self) { try await late.call("echo") }
      guard case .answered(ControlCode.busy.rawValue, _, nil) = refusal else {
        Issue.record("refused with \(String(describing: refusal))")
        return
      }
      let long = JSON.array([.text(String(repeating: "x", count: 1_000_000))])
      let error = await #expect(throws: ControlClientError.self) { try await client.call("echo", long) }
      guard case .answered(ControlCode.tooLarge.rawValue, _, nil) = error else {
        Issue.record("refused with \(String(describing: error))")
        return
      }
      await client.close()
      await late.close()
    }
  }

  @Test func `a call that takes too long is given up, and what comes late is no other's answer`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let client = try await ControlClient.connect(scratch.paths, timeLimit: .milliseconds(100))
      await #expect(throws: ControlClientError.timeout) { try await client.call("wait") }
      scratch.service.release()
      // On a busy host this one may come late as well.
      var answer: JSON?
      for number in 0..<600 as Range<UInt64> where answer == nil {
        answer = try? await client.call("echo", .array([.unsigned(number)]))
        #expect(answer == nil || answer == .array([.unsigned(number)]))
      }
      #expect(answer != nil)
      await client.close()
    }
  }

  @Test func `an answer that is too long is not taken`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let client = try await ControlClient.connect(scratch.paths, answerBytes: 10_000)
      #expect(try await client.call("big", .object([("size", .unsigned(9000))])).asText?.utf8.count == 9000)
      await #expect(throws: ControlClientError.answerTooLong(limit: 10_000)) {
        try await client.call("big", .object([("size", .unsigned(20_000))]))
      }
      await client.close()
    }
  }

  @Test func `a server that speaks otherwise is said to`() async throws {
    for garbage in ["HTTP/1.1 400 Bad Request\n", "{}\n", "[1]\n", "\n"] {
      let scratch = try Scratch()
      try FileManager.default.createDirectory(atPath: scratch.paths.folder, withIntermediateDirectories: true)
      let server = try GarbageServer(scratch.paths.readWrite, garbage)
      let client = try await ControlClient.connect(scratch.paths)
      let error = await #expect(throws: ControlClientError.self) { try await client.call("echo") }
      guard case .garbled = error else {
        Issue.record("\(garbage) is taken for \(String(describing: error))")
        return
      }
      await client.close()
      server.stop()
    }
  }
}
