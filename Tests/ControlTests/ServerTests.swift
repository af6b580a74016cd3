import ControlClient
import ControlProtocol
import Foundation
import JSONText
import Logging
import Synchronization
import Testing

@testable import ControlServer

struct ServerTests {
  private func mode(_ path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
  }

  // MARK: Start and stop

  @Test func `the sockets are there from start to stop, with their modes`() throws {
    let scratch = try Scratch()
    let server = scratch.server()
    #expect(!FileManager.default.fileExists(atPath: scratch.root))
    try server.start(serving: scratch.service)
    #expect(try mode(scratch.paths.readWrite) == 0o600)
    #expect(try mode(scratch.paths.readOnly) == 0o660)
    #expect(try mode(scratch.paths.folder) == 0o755)
    #expect(scratch.log.lines(.info).count == 1)
    server.stop()
    server.stop()
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.root) == [])
    #expect(throws: ControlServerError.started) { try server.start(serving: scratch.service) }
  }

  @Test func `modes and group are as asked`() throws {
    let scratch = try Scratch()
    let group = getegid()
    let server = scratch.server { ($0.readOnlyMode, $0.group, $0.readWriteMode) = (0o666, "\(group)", 0o640) }
    try server.start(serving: scratch.service)
    #expect(try mode(scratch.paths.readWrite) == 0o640)
    #expect(try mode(scratch.paths.readOnly) == 0o666)
    server.stop()
    #expect(throws: ControlServerError.noGroup("nobody knows it")) {
      try scratch.server { $0.group = "nobody knows it" }.start(serving: scratch.service)
    }
  }

  @Test func `a living owner is not disturbed, and named`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let error = #expect(throws: ControlServerError.self) { try scratch.server().start(serving: scratch.service) }
      #expect(error == .living(path: scratch.paths.folder, pid: getpid()))
      #expect(error?.description.contains("process \(getpid())") == true)
      let answer = try RawClient(scratch.paths.readWrite).ask(request("echo"))
      #expect(answer == result("{}"))
    }
  }

  @Test func `the sockets of a dead owner are replaced`() async throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(atPath: scratch.paths.folder, withIntermediateDirectories: true)
    for path in [scratch.paths.readWrite, scratch.paths.readOnly] {
      let left = try UnixSocket.bound(to: path)
      close(left)
      #expect(throws: RawClient.Failure(number: ECONNREFUSED)) { try RawClient(path) }
    }
    try await scratch.serving { _ in
      let answer = try RawClient(scratch.paths.readOnly).ask(request("echo"))
      #expect(answer == result("{}"))
    }
  }

  @Test func `what is no leftover is not removed`() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(atPath: scratch.paths.folder, withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: URL(filePath: scratch.paths.readWrite))
    #expect(throws: ControlServerError.notASocket(path: scratch.paths.readWrite)) {
      try scratch.server().start(serving: scratch.service)
    }
    #expect(try String(contentsOfFile: scratch.paths.readWrite, encoding: .utf8) == "mine")
    try FileManager.default.removeItem(atPath: scratch.paths.readWrite)

    let other = try UnixSocket.bound(to: scratch.paths.readWrite)
    listen(other, 1)
    defer { close(other) }
    #expect(throws: ControlServerError.living(path: scratch.paths.readWrite, pid: getpid())) {
      try scratch.server().start(serving: scratch.service)
    }
  }

  @Test func `a folder in which somebody else has something stays`() throws {
    let scratch = try Scratch()
    let server = scratch.server()
    try server.start(serving: scratch.service)
    try Data("mine".utf8).write(to: URL(filePath: "\(scratch.paths.folder)/other"))
    server.stop()
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.paths.folder) == ["other"])
  }

  /// The folder is removed by who ends while who begins has it open already, and must not take it.
  @Test func `one that ends and one that begins never have a folder that is gone`() throws {
    let scratch = try Scratch()
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      for _ in 0..<300 {
        do throws(ControlServerError) {
          let folder = try SocketFolder(scratch.paths, ControlOptions())
          #expect(FileManager.default.fileExists(atPath: scratch.paths.folder))
          #expect(folder.remove().isEmpty)
        } catch {
          #expect(error == .living(path: scratch.paths.folder, pid: nil))
        }
      }
    }
  }

  @Test func `a server that was never started stops as well`() throws {
    let scratch = try Scratch()
    scratch.server().stop()
    _ = scratch.server()
  }

  @Test func `stopping ends connections and cancels what they wait for`() async throws {
    let scratch = try Scratch()
    let server = scratch.server()
    try server.start(serving: scratch.service)
    let client = try await ControlClient.connect(scratch.paths)
    let waiting = Task { try await client.call("wait") }
    try await Scratch.until { scratch.service.waiting == 1 }
    let idle = try RawClient(scratch.paths.readOnly)
    try await Scratch.until { server.counts.open == 2 }
    server.stop()
    await #expect(throws: ControlClientError.closed) { try await waiting.value }
    #expect(idle.readLine() == nil)
    #expect(server.counts.closed == [.stopped: 2])
    #expect(server.counts.open == 0)
    #expect(scratch.service.ended.count == 2)
    await client.close()
  }

  @Test func `stopping does not wait for a service that does not end`() throws {
    let scratch = try Scratch()
    let server = scratch.server { $0.farewell = .milliseconds(50) }
    try server.start(serving: scratch.service)
    let client = try RawClient(scratch.paths.readWrite)
    client.send(request("sulk") + "\n")
    while scratch.service.waiting == 0 { usleep(1000) }
    server.stop()
    #expect(client.readLine() == nil)
    #expect(server.counts.open == 1)
  }

  // MARK: Threads

  /// The service is called on the server's one thread, before it waits and after, whoever resumes it.
  @Test func `all is done on one thread, which is there before the start`() async throws {
    func threads() throws -> Set<String> {
      Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task"))
    }
    func name(_ thread: String) -> String {
      (try? String(contentsOfFile: "/proc/self/task/\(thread)/comm", encoding: .utf8)) ?? ""
    }
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let client = try RawClient(scratch.paths.readWrite)
      for _ in 0..<20 {
        client.send(request("wait") + "\n")
        try await Scratch.until { scratch.service.waiting == 1 }
        // From a thread of Swift's pool.
        await Task.detached { scratch.service.release() }.value
        #expect(client.readLine() == result("\"waited\""))
        #expect(client.ask(request("echo")) == result("{}"))
      }
      #expect(scratch.service.state.withLock { $0.threads.count } == 1)
      #expect(try threads().contains { name($0).hasPrefix("NIO-ELT") })
    }
  }

  // MARK: Serving

  @Test func `clients are served while one waits`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      let patient = try RawClient(scratch.paths.readWrite)
      patient.send(request("wait", id: "\"p\"") + "\n")
      try await Scratch.until { scratch.service.waiting == 1 }
      for path in [scratch.paths.readWrite, scratch.paths.readOnly] {
        #expect(try RawClient(path).ask(request("echo", "[7]")) == result("[7]"))
      }
      scratch.service.release()
      #expect(patient.readLine() == result("\"waited\"", id: "\"p\""))
    }
  }

  @Test func `many requests at once are answered in order, to many clients`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<8 {
          group.addTask {
            let client = try RawClient(number % 2 == 0 ? scratch.paths.readWrite : scratch.paths.readOnly)
            client.send((0..<200).map { request("echo", "[\(number)]", id: "\($0)") + "\n" }.joined())
            for id in 0..<200 { #expect(client.readLine() == result("[\(number)]", id: "\(id)")) }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func `what was asked before the client ended its output is answered`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      let client = try RawClient(scratch.paths.readWrite)
      client.send((0..<500).map { request("echo", id: "\($0)") + "\n" }.joined())
      client.endOutput()
      for id in 0..<500 { #expect(client.readLine() == result("{}", id: "\(id)")) }
      #expect(client.readLine() == nil)
      try await Scratch.until { server.counts.open == 0 }
      #expect(server.counts.closed == [.client: 1])
    }
  }

  @Test func `an answer of megabytes arrives whole`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      let client = try RawClient(scratch.paths.readWrite)
      let answer = client.ask(request("big", #"{"size":4000000}"#))
      #expect(answer?.utf8.count == result("\"\"").utf8.count + 4_000_000)
      try await Scratch.until { server.counts.bytesOut == 4_000_000 + UInt64(result("\"\"").utf8.count) + 1 }
      #expect(server.counts.bytesIn == UInt64(request("big", #"{"size":4000000}"#).utf8.count) + 1)
    }
  }

  @Test func `the service is told when a client has gone`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      var client: RawClient? = try RawClient(scratch.paths.readOnly)
      #expect(client?.ask(request("who")) == result(#"{"uid": \#(getuid()), "readOnly": true}"#))
      #expect(scratch.service.ended == [])
      client = nil
      try await Scratch.until { !scratch.service.ended.isEmpty }
      #expect(scratch.service.ended.map(\.pid) == [getpid()])
      #expect(scratch.service.ended.map(\.uid) == [getuid()])
      #expect(scratch.service.ended.map(\.gid) == [getgid()])
    }
  }

  /// X7.
  @Test func `the service is told what is counted, from the start to the last`() async throws {
    let scratch = try Scratch()
    let told = { scratch.service.state.withLock { $0.counts } }
    let server = scratch.server()
    try server.start(serving: scratch.service)
    #expect(told() == ControlCounts())
    let client = try RawClient(scratch.paths.readOnly)
    #expect(client.ask(request("set"))?.contains("-32000") == true)
    #expect(told()?.errors == [.forbidden: 1])
    server.stop()
    #expect(told()?.closed == [.stopped: 1])
    #expect(told() == server.counts)
  }

  @Test func `no two clients have one number`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { _ in
      for _ in 0..<20 { #expect(try RawClient(scratch.paths.readWrite).ask(request("echo")) == result("{}")) }
      try await Scratch.until { scratch.service.ended.count == 20 }
      #expect(Set(scratch.service.ended.map(\.number)).count == 20)
    }
  }
}
