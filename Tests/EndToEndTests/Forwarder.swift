// EndToEndTests: the real binaries, run on DPDK's virtual devices as a user would.
//
// A `Forwarder` says how `dpdkfwd` is to be started. `run()` runs it to its end; `run { running in ... }` does something
// meanwhile. Each run has a file prefix and a folder of its own, and leaves neither behind. Two run at a time, since a
// forwarder keeps a CPU busy, and none outlives its `limit`.
import Foundation

/// A `dpdkfwd` to be: its ports, its options, and the folder and file prefix that it will use.
final class Forwarder: Sendable {
  /// Names the forwarder on this host: EAL's `--file-prefix`.
  let prefix: String
  /// Gone with this object.
  let folder: URL
  private let tool: Tool
  private let words: [String]
  private let limit: Duration

  /// - Parameters:
  ///   - vdevs: built from the folder, where captures can be put.
  ///   - workers: polling lcores beside the main one; 0 lets the main lcore poll.
  ///   - memory: EAL's words on memory.
  ///   - telemetry: whether DPDK opens its telemetry socket.
  ///   - tool: how `dpdkfwd` is started: in a namespace, or with an environment.
  ///   - limit: when the run is killed, and the test failed.
  init(
    workers: Int = 1, memory: [String] = ["--no-huge", "-m", "512"], _ options: [String] = ["--idle-exit", "0.2"],
    telemetry: Bool = false, limit: Duration = .seconds(240), tool: Tool = .dpdkfwd, vdevs: (URL) throws -> [String]
  ) throws {
    prefix = "e2e-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0...UInt32.max))"
    folder = FileManager.default.temporaryDirectory.appending(path: prefix, directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    // Every lcore may run on every CPU: more lcores than CPUs still run.
    let lcores = workers == 0 ? "0@(\(Self.cpus))" : "(0-\(workers))@(\(Self.cpus))"
    let devices = try vdevs(folder).flatMap { ["--vdev", $0] }
    words =
      ["--lcores", lcores, "--no-pci", "--file-prefix", prefix] + (telemetry ? [] : ["--no-telemetry"]) + memory
      + devices + ["--"] + options
    self.tool = tool
    self.limit = limit
  }

  deinit {
    for leftover in [folder.path, "/dev/shm/dpdkfwd/\(prefix)", "/var/run/dpdk/\(prefix)", sockets] {
      try? FileManager.default.removeItem(atPath: leftover)
    }
  }

  /// The CPUs that this process may use, as `0-3,8`.
  private static let cpus: String = {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return line.map { $0.dropFirst(18).trimmingCharacters(in: .whitespaces) } ?? "0"
  }()

  // MARK: Runs

  /// Runs the forwarder until it ends by itself.
  ///
  /// - Parameter options: for this run, besides its own.
  func run(adding options: [String] = []) async throws -> Ended { try await run(adding: options) { _ in }.ended }

  /// Runs the forwarder, does `work` once it forwards, and waits for its end.
  func run<Result: Sendable>(
    adding options: [String] = [], _ work: @Sendable (Running) async throws -> Result
  ) async throws -> (result: Result, ended: Ended) {
    try await Turns.shared.take { try await runBeside(adding: options, work) }
  }

  /// The same while another one of the same test runs, whose turn it is.
  func runBeside<Result: Sendable>(
    adding options: [String] = [], _ work: @Sendable (Running) async throws -> Result
  ) async throws -> (result: Result, ended: Ended) {
    try await tool.run(words + options, limit: limit) { process in
      try await work(Running(forwarder: self, process: process))
    }
  }

  /// `dpdkfwd-stat` on this forwarder, alive or dead.
  func stat(_ words: String...) async throws -> Ended { try await Tool.stat.run(["-f", prefix] + words) }

  /// `dpdkfwd-ctl` on this forwarder.
  func ctl(_ words: String...) async throws -> Ended { try await Tool.ctl.run(["-f", prefix] + words) }

  /// The folder of its control sockets.
  var sockets: String { "/run/dpdkfwd/\(prefix)" }

  func metrics() async throws -> Metrics { try Metrics(try await stat("metrics")) }
}

/// A forwarder that has been started.
struct Running: Sendable {
  let forwarder: Forwarder
  let process: Process

  func send(_ signal: Int32) throws { try process.send(signal) }

  /// Waits until the forwarder's counters satisfy the condition.
  @discardableResult
  func metrics(once condition: (Metrics) -> Bool) async throws -> Metrics {
    var last: Metrics?
    try await until("the counters did not come to what was waited for") {
      let answer = try await forwarder.stat("metrics")
      guard answer.status == .exited(0) else { return false }
      last = try Metrics(answer)
      return condition(last!)
    }
    return last!
  }

  /// Waits until packets have been received.
  @discardableResult
  func forwarding() async throws -> Metrics {
    try await metrics { $0.sum("dpdkfwd_lcore_rx_packets_total") ?? 0 > 0 }
  }
}

/// Waits until something is so; fails after a hundred and fifty seconds, on a busy host as on an idle one.
///
/// - Parameter failure: what is said then.
func until(_ failure: String, _ holds: () async throws -> Bool) async throws {
  let start = ContinuousClock.now
  while try await !holds() {
    guard ContinuousClock.now - start < .seconds(150) else { throw Complaint("\(failure) in 150 seconds") }
    try await Task.sleep(for: .milliseconds(50))
  }
}

/// Lets two runs go at a time.
private actor Turns {
  static let shared = Turns()
  private var free = 2
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take<Result: Sendable>(_ work: @Sendable () async throws -> Result) async throws -> Result {
    if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
    defer { if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() } }
    return try await work()
  }
}
