import Foundation
import Subprocess
import Testing

/// A program that tests run: a binary of this package, or one of the host's.
struct Tool: Sendable {
  let name: String
  /// Words before those that a test gives.
  var words: [String] = []
  /// Beside what is inherited.
  var environment: [String: String] = [:]

  static let dpdkfwd = Tool(own: "dpdkfwd")
  static let stat = Tool(own: "dpdkfwd-stat")
  static let ctl = Tool(own: "dpdkfwd-ctl")
  static let ip = Tool(name: "ip")

  private init(own name: String) {
    precondition(
      FileManager.default.isExecutableFile(atPath: "\(Self.folder)/\(name)"),
      "no \(name) in \(Self.folder): build it, or name its folder with DPDKFWD_BIN_DIR")
    self.init(name: name)
  }

  init(name: String, words: [String] = [], environment: [String: String] = [:]) {
    (self.name, self.words, self.environment) = (name, words, environment)
  }

  /// The tool inside a network namespace.
  func inside(_ namespace: String) -> Tool {
    Tool(name: "ip", words: ["netns", "exec", namespace, name] + words, environment: environment)
  }

  /// Where the binaries are: the environment's `DPDKFWD_BIN_DIR`, or beside the test bundle.
  static let folder: String =
    ProcessInfo.processInfo.environment["DPDKFWD_BIN_DIR"]
    ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

  func run(_ words: [String], limit: Duration = .seconds(240)) async throws -> Ended {
    try await run(words, limit: limit) { _ in }.ended
  }

  /// Starts the tool, does `work`, and waits for the tool's end. If `work` fails the tool is killed.
  func run<Result: Sendable>(
    _ words: [String], limit: Duration, _ work: @Sendable (Process) async throws -> Result
  ) async throws -> (result: Result, ended: Ended) {
    var variables: [Environment.Key: String] = [
      "PATH": "\(Self.folder):/usr/sbin:/usr/bin", "SWIFT_BACKTRACE": "enable=no",
    ]
    for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
    let start = ContinuousClock.now
    let ended = try await Subprocess.run(
      .name(name), arguments: Arguments(self.words + words),
      environment: .inherit.updating(variables),
      input: .none, output: .string(limit: 1 << 24), error: .string(limit: 1 << 24)
    ) { execution in
      let process = Process(id: execution.processIdentifier.value)
      let watch = Task {
        try await Task.sleep(for: limit)
        Issue.record("\(name) did not end in \(limit): \(words.joined(separator: " "))")
        try process.send(SIGKILL)
      }
      do { return (try await work(process), watch) } catch {
        watch.cancel()
        try? process.send(SIGKILL)
        throw error
      }
    }
    ended.closureResult.1.cancel()
    return (
      ended.closureResult.0,
      Ended(
        status: Ended.Status(ended.terminationStatus), lasted: ContinuousClock.now - start,
        output: ended.standardOutput, errors: ended.standardError)
    )
  }
}

/// A tool that has been started.
struct Process: Sendable {
  let id: pid_t

  func send(_ signal: Int32) throws {
    guard kill(id, signal) == 0 else { throw Complaint("process \(id) is gone") }
  }
}

/// What a tool said, and how it ended.
struct Ended: Sendable {
  enum Status: Equatable, Sendable { case exited(Int32), signaled(Int32) }

  let status: Status
  let lasted: Duration
  let output: String
  let errors: String
}

extension Ended.Status {
  init(_ status: TerminationStatus) {
    switch status {
    case .exited(let code): self = .exited(code)
    case .signaled(let signal): self = .signaled(signal)
    }
  }
}

/// Why a test cannot go on.
struct Complaint: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

// MARK: What a forwarder says at its end

/// The line `balance: received N = sent N + held N + dropped N (reason: n, ...)`; where fragments were cut anew it says
/// how many were made, and how many were cut.
struct Balance: Equatable {
  let received: Int
  let made: Int
  let cut: Int
  let sent: Int
  let held: Int
  let dropped: Int
  let reasons: [String: Int]

  var holds: Bool { received + made == sent + held + dropped + cut && dropped == reasons.values.reduce(0, +) }
}

extension Ended {
  /// `nil` if the forwarder did not print one.
  var balance: Balance? {
    let pattern =
      /(?m)^balance: received (\d+)(?: \+ made (\d+))? = sent (\d+) \+ held (\d+) \+ dropped (\d+)(?: \(([^)]*)\))?(?: \+ cut (\d+))?$/
    guard let match = output.firstMatch(of: pattern) else { return nil }
    let reasons = (match.6 ?? "").split(separator: ", ").map { $0.split(separator: ": ") }
    return Balance(
      received: Int(match.1)!, made: match.2.flatMap { Int($0) } ?? 0, cut: match.7.flatMap { Int($0) } ?? 0,
      sent: Int(match.3)!, held: Int(match.4)!, dropped: Int(match.5)!,
      reasons: Dictionary(uniqueKeysWithValues: reasons.map { (String($0[0]), Int($0[1])!) }))
  }

  /// Whether the forwarder ended as it should: status 0, nothing lost, nothing held, every mbuf back. Says what is not.
  func expectClean(_ about: String = "", sourceLocation: SourceLocation = #_sourceLocation) {
    let comment: Comment = "\(about)\n\(errors)\n\(output)"
    #expect(status == .exited(0), comment, sourceLocation: sourceLocation)
    #expect(balance?.holds == true && balance?.held == 0, comment, sourceLocation: sourceLocation)
    #expect(output.contains(/(?m)^mempools: all \d+ mbufs are back$/), comment, sourceLocation: sourceLocation)
  }
}
