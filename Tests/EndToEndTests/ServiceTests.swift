import Foundation
import TestSupport
import Testing

/// What a service manager sees: sd_notify(3).
struct ServiceTests {
  @Test func `it says when it is ready, that it lives, and when it stops`() async throws {
    let socket = try NotifySocket()
    let tool = Tool(
      name: "dpdkfwd", environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "500000"])
    let forwarder = try Forwarder(["--duration", "1"], tool: tool) { _ in ["net_null0,no-rx=1", "net_null1,no-rx=1"] }
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
    let ended = try await Forwarder(["--duration", "1"], limit: .seconds(10), tool: tool) { _ in vdevs }.run()
    ended.expectClean()
    #expect(!socket.messages.isEmpty)
  }
}

/// A datagram socket in a folder of its own, and what has been sent to it.
private final class NotifySocket {
  let path: String
  private let folder: URL
  private let descriptor: Int32

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    path = folder.appending(path: "notify").path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else { throw Complaint("\(path) is too long for a socket's name") }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let bound = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
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
    var room = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe recv(descriptor, &room, room.count, 0)
      guard count >= 0 else { return messages }
      messages.append(String(decoding: room.prefix(count), as: UTF8.self))
    }
  }
}
