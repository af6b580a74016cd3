import ControlProtocol
import Foundation
import Logging
import Synchronization

@testable import ControlServer

/// A folder of sockets, the server on them, and what it logged; all goes with the test.
final class Scratch: Sendable {
  let root: String
  let service = TestService()
  let log = LogLines()
  let paths: ControlPaths

  init() throws {
    root = "/tmp/dpdkfwd-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    paths = try ControlPaths(root: root, prefix: "t")
  }

  deinit {
    service.release(done: false)
    try? FileManager.default.removeItem(atPath: root)
  }

  func server(_ change: (inout ControlOptions) -> Void = { _ in }) -> ControlServer {
    var options = ControlOptions()
    // Whoever resumes what waits may be kept from it by other tests for longer than a client would be.
    options.limits.answerTime = .seconds(3600)
    change(&options)
    let log = log
    return ControlServer(paths, options: options, log: Logger(label: "test", factory: { _ in log }))
  }

  /// Serves while `body` runs.
  func serving<Result>(
    _ change: (inout ControlOptions) -> Void = { _ in }, _ body: (ControlServer) async throws -> Result
  ) async throws -> Result {
    let server = server(change)
    try server.start(serving: service)
    defer {
      service.release(done: false)
      server.stop()
    }
    return try await body(server)
  }

  /// Waits until something is so, for some minutes at most; a test then fails by what it expects.
  static func until(_ holds: () -> Bool) async throws {
    for _ in 0..<15_000 where !holds() { try await Task.sleep(for: .milliseconds(10)) }
  }
}

/// Keeps lines in place of writing them.
final class LogLines: LogHandler, Sendable {
  private let kept = Mutex<[(level: Logger.Level, text: String)]>([])

  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) { kept.withLock { $0.append((event.level, "\(event.message)")) } }

  func lines(_ level: Logger.Level) -> [String] {
    kept.withLock { lines in lines.filter { $0.level == level }.map(\.text) }
  }
}

/// A client without manners: a socket, blocking, and what it is told to do. A minute is the longest it waits.
final class RawClient {
  private let descriptor: Int32
  private var received: [UInt8] = []

  struct Failure: Error, Equatable {
    let number: Int32
  }

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(number: errno) }
    var wait = timeval(tv_sec: 60, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      unsafe setsockopt(descriptor, SOL_SOCKET, option, &wait, socklen_t(MemoryLayout<timeval>.size))
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
    let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard isConnected == 0 else {
      let failure = Failure(number: errno)
      close(descriptor)
      throw failure
    }
  }

  deinit { close(descriptor) }

  /// Writes what fits before somebody closes; returns how much.
  @discardableResult
  func send(_ text: String) -> Int {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes[sent...].withUnsafeBytes {
        unsafe Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { break }
      sent += count
    }
    return sent
  }

  /// The next line; `nil` when there is none any more.
  func readLine() -> String? {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeFirst(end + 1) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      var piece = [UInt8](repeating: 0, count: 65536)
      let count = unsafe recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { return nil }
      received += piece[..<count]
    }
  }

  func ask(_ line: String) -> String? {
    send(line + "\n")
    return readLine()
  }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }
}
