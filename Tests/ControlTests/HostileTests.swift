import ControlClient
import ControlProtocol
import Foundation
import JSONText
import Logging
import Testing

@testable import ControlServer

/// X8, on real sockets: the hostile clients that issue 6 names. Time has its own tests, with a clock (LimitTests).
struct HostileTests {
  @Test func `of two thousand clients as many are served as may be, and later ones when some have left`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
      var served: [RawClient] = []
      for _ in 0..<32 {
        let client = try RawClient(scratch.paths.readOnly)
        #expect(client.ask(request("echo")) == result("{}"))
        served.append(client)
      }
      var refused: [RawClient] = []
      for _ in 0..<1968 {
        let client = try RawClient(scratch.paths.readOnly)
        client.send(request("echo") + "\n")
        refused.append(client)
      }
      for client in refused {
        #expect(failure(client.readLine()) == "-32001 null")
        #expect(client.readLine() == nil)
      }
      #expect(server.counts.accepted == 32)
      #expect(server.counts.full == 1968)
      #expect(server.counts.open == 32)
      #expect(served.allSatisfy { $0.ask(request("echo")) == result("{}") })
      // Those who only look keep nobody out who changes things.
      #expect(try RawClient(scratch.paths.readWrite).ask(request("set")) == result("{}"))
      // The log says it, and not two thousand times.
      #expect((1...20).contains(scratch.log.lines(.notice).count))

      refused = []
      served.removeLast(2)
      try await Scratch.until { server.counts.open == 30 }
      for _ in 0..<2 {
        let client = try RawClient(scratch.paths.readOnly)
        #expect(client.ask(request("echo")) == result("{}"))
        served.append(client)
      }
      served = []
      try await Scratch.until { server.counts.open == 0 }
      #expect(server.counts.open == 0)
      try await Scratch.until {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0) <= descriptors + 50
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count <= descriptors + 50)
    }
  }

  @Test func `an endless line is refused where it exceeds the limit`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      let client = try RawClient(scratch.paths.readWrite)
      let sent = client.send(String(repeating: "[", count: 8 << 20))
      #expect(sent < 8 << 20)
      #expect(failure(client.readLine()) == "-32006 null")
      #expect(client.readLine() == nil)
      try await Scratch.until { server.counts.open == 0 }
      #expect(server.counts.closed == [.tooLarge: 1])
      #expect(server.counts.bytesIn < 2 << 20)
    }
  }

  @Test func `a deeply nested request is refused, and the client served on`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let client = try RawClient(scratch.paths.readWrite)
      for open in ["[", "{\"a\":", "[{\"a\":"] {
        #expect(failure(client.ask(String(repeating: open, count: 100_000))) == "-32700 null")
      }
      #expect(client.ask(request("echo")) == result("{}"))
    }
  }

  @Test func `a client that never reads stops itself and nobody else`() async throws {
    let scratch = try Scratch()
    try await scratch.serving({ $0.limits.unreadTime = .milliseconds(300) }) { server in
      let silent = try RawClient(scratch.paths.readOnly)
      let ask = request("big", #"{"size":100000}"#) + "\n"
      silent.send(String(repeating: ask, count: 500))
      let other = try RawClient(scratch.paths.readOnly)
      while server.counts.closed[.unread] == nil { #expect(other.ask(request("echo")) == result("{}")) }
      // What it was sent is what its socket holds and what may wait here.
      #expect(scratch.service.calls.count { $0.hasPrefix("big") } < 100)
    }
  }

  @Test func `a client that leaves in the midst of everything leaves nothing`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      for round in 0..<200 {
        let client = try RawClient(round % 2 == 0 ? scratch.paths.readWrite : scratch.paths.readOnly)
        switch round % 4 {
        case 0: client.send(request("wait") + "\n")
        case 1: client.send(request("big", #"{"size":3000000}"#) + "\n")
        case 2: client.send(String(request("echo").prefix(round % 60)))
        default: client.send("[\(Array(repeating: request("echo"), count: 50).joined(separator: ","))]\n")
        }
        try await Scratch.until { server.counts.open < 20 }
      }
      try await Scratch.until { server.counts.open == 0 }
      let counts = server.counts
      #expect(counts.open == 0)
      #expect(counts.full == 0)
      #expect(scratch.service.waiting == 0)
      #expect(scratch.service.ended.count == 200)
      #expect(try RawClient(scratch.paths.readWrite).ask(request("echo")) == result("{}"))
    }
  }
}
