import Foundation
import Synchronization
import TestSupport
import Testing

/// What a service manager sees: sd_notify(3).
struct ServiceTests {
  @Test func `it says when it is ready, that it lives, and when it stops`() async throws {
    // Nobody reads before the end: the socket has room for ten.
    let socket = try NotifySocket()
    let tool = Tool(
      name: "dpdkfwd", environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "500000"])
    let forwarder = try Forwarder(["--duration", "1.5"], tool: tool) { _ in ["net_null0,no-rx=1", "net_null1,no-rx=1"] }
    let ended = try await forwarder.run()
    ended.expectClean()
    let messages = socket.messages.map { $0.split(separator: "\n").map(String.init) }
    #expect(messages.first?.contains("READY=1") == true, "\(messages)")
    #expect(messages.last?.contains("STOPPING=1") == true, "\(messages)")
    #expect(messages.count { $0.contains("WATCHDOG=1") } >= 2, "\(messages)")
  }

  @Test func `a manager that does not listen does not hold it up`() async throws {
    let socket = try NotifySocket()
    let tool = Tool(name: "dpdkfwd", environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "20000"])
    let vdevs = ["net_null0,no-rx=1", "net_null1,no-rx=1"]
    let ended = try await Forwarder(["--duration", "1"], tool: tool) { _ in vdevs }.run()
    ended.expectClean()
    #expect(!socket.messages.isEmpty)
  }

  @Test func `it says that it lives every half of the time it is given, an abstract socket is as good`() async throws {
    let socket = try NotifySocket(abstract: true)
    let tool = Tool(name: "dpdkfwd", environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "4000000"])
    let forwarder = try Forwarder(["--duration", "9"], tool: tool) { _ in ["net_null0,no-rx=1", "net_null1,no-rx=1"] }
    let listener = Listener(socket)
    let ended = try await forwarder.run()
    ended.expectClean()
    let times = listener.heard.filter { $0.message == "WATCHDOG=1" }.map(\.time)
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
    // Half a period each: on a busy host some are late, but never so late that the manager would end the service.
    #expect((2...4).contains(gaps.count), "\(gaps)")
    #expect(gaps.allSatisfy { $0 < .seconds(4) }, "\(gaps)")
  }

  /// A pipe that nobody reads holds the worker in the middle of a burst.
  @Test func `while a worker hangs it does not say that it lives`() async throws {
    let socket = try NotifySocket()
    let tool = Tool(name: "dpdkfwd", environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "400000"])
    let forwarder = try Forwarder(["--duration", "200"], tool: tool) { folder in
      let frames = (0..<64).map { Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: $0, to: 53).frame() }
      try Capture(frames: frames).write(to: folder.appending(path: "in.pcap"))
      guard unsafe mkfifo(folder.appending(path: "out").path, 0o600) == 0 else {
        throw Complaint("mkfifo: error \(errno)")
      }
      return ["net_pcap0,rx_pcap=\(folder.path)/in.pcap,infinite_rx=1", "net_pcap1,tx_pcap=\(folder.path)/out"]
    }
    let drain = try Drain(forwarder.folder.appending(path: "out").path)
    let (_, ended) = try await forwarder.run { running in
      try #require(await socket.next("READY=1", within: .seconds(150)) != nil)
      // The pipe is full within milliseconds, if the worker has them.
      try await until("it says that it lives, though a worker hangs") {
        await socket.next("WATCHDOG=1", within: .seconds(1.2)) == nil
      }
      drain.open()
      for _ in 0..<3 { try #require(await socket.next("WATCHDOG=1", within: .seconds(60)) != nil, "it works again") }
      try running.send(SIGTERM)
    }
    drain.close()
    ended.expectClean()
  }

  @Test(.enabled("needs systemd-analyze") { await analyze("--version")?.status == .exited(0) })
  func `systemd understands the unit file`() async throws {
    let root = URL(filePath: #filePath).resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let unit = try String(contentsOf: root.appending(path: "Config/dpdkfwd.service"), encoding: .utf8)
    #expect(unit.contains("\nExecStart=/usr/local/sbin/dpdkfwd $EAL_ARGUMENTS -- "))
    let folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let copy = folder.appending(path: "dpdkfwd.service")
    // It looks for the program, which need not be installed here.
    try Data(unit.replacing("/usr/local/sbin/dpdkfwd", with: "\(Tool.folder)/dpdkfwd").utf8).write(to: copy)
    let ended = try #require(await Self.analyze("verify", "--man=no", copy.path))
    #expect(ended.status == .exited(0), "\(ended.errors)")
    #expect(ended.errors.isEmpty)
  }

  private static func analyze(_ words: String...) async -> Ended? {
    try? await Tool(name: "systemd-analyze").run(words)
  }
}

/// Hears what comes to a socket the moment it comes, on a thread of its own, until the forwarder says that it stops.
private final class Listener: Sendable {
  private let messages = Mutex<[(time: ContinuousClock.Instant, message: String)]>([])

  var heard: [(time: ContinuousClock.Instant, message: String)] { messages.withLock(\.self) }

  init(_ socket: NotifySocket) {
    Thread.detachNewThread { [self] in
      while !heard.contains(where: { $0.message.contains("STOPPING=1") }),
        let message = socket.wait(milliseconds: 600_000)
      {
        messages.withLock { $0.append((.now, message)) }
      }
    }
  }
}

/// The reading end of a pipe, which reads nothing until it is opened.
private final class Drain: Sendable {
  private let descriptor: Int32
  private let reads = Mutex(false)

  init(_ path: String) throws {
    descriptor = unsafe Foundation.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw Complaint("\(path): error \(errno)") }
  }

  func open() {
    reads.withLock { $0 = true }
    Task {
      var room = [UInt8](repeating: 0, count: 1 << 16)
      while reads.withLock({ $0 }) {
        if unsafe read(descriptor, &room, room.count) < 0 { try? await Task.sleep(for: .milliseconds(1)) }
      }
      Foundation.close(descriptor)
    }
  }

  func close() { reads.withLock { $0 = false } }
}

/// A datagram socket in a folder of its own, and what has been sent to it.
private final class NotifySocket: Sendable {
  let path: String
  private let folder: URL
  private let descriptor: Int32

  init(abstract: Bool = false) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    path = (abstract ? "@" : "") + folder.appending(path: "notify").path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // A name behind '@' is an abstract one: its first byte is zero, and its length counts.
    let bytes = abstract ? [0] + Array(path.utf8.dropFirst()) : Array(path.utf8)
    let length = MemoryLayout<sa_family_t>.size + bytes.count
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else { throw Complaint("\(path) is too long for a socket's name") }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let bound = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(descriptor, address, socklen_t(length))
      }
    }
    guard bound == 0 else { throw Complaint("no socket at \(path): error \(errno)") }
  }

  deinit {
    close(descriptor)
    try? FileManager.default.removeItem(at: folder)
  }

  /// What is waiting to be read.
  var messages: [String] {
    var messages: [String] = []
    while let message = receive() { messages.append(message) }
    return messages
  }

  /// Waits for a message with that line, past others; returns how long that took, `nil` if none came in time.
  func next(_ line: Substring, within limit: Duration) async -> Duration? {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < limit {
      guard let message = receive() else {
        try? await Task.sleep(for: .milliseconds(5))
        continue
      }
      if message.split(separator: "\n").contains(line) { return ContinuousClock.now - start }
    }
    return nil
  }

  /// Waits for a message, holding the thread up; `nil` if none came in time.
  func wait(milliseconds: Int32) -> String? {
    var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&interest, 1, milliseconds) == 1 ? receive() : nil
  }

  private func receive() -> String? {
    var room = [UInt8](repeating: 0, count: 4096)
    let count = unsafe recv(descriptor, &room, room.count, 0)
    return count >= 0 ? String(decoding: room.prefix(count), as: UTF8.self) : nil
  }
}
