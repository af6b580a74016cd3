import Foundation
import OracleSupport
import Subprocess

/// One run of the forwarder, in a folder and under a file prefix of its own, both gone afterwards.
enum ForwarderRun {
  enum Outcome: Sendable {
    case ended(Observed)
    /// It did not start, or did not end well.
    case failed(String)
  }

  static func play(_ one: OracleCase) async throws -> Outcome {
    let prefix = "oracle-\(ProcessInfo.processInfo.processIdentifier)-\(one.name)"
    let folder = FileManager.default.temporaryDirectory.appending(path: prefix, directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      for leftover in [folder.path, "/dev/shm/dpdkfwd/\(prefix)", "/var/run/dpdk/\(prefix)"] {
        try? FileManager.default.removeItem(atPath: leftover)
      }
    }
    let replay = try Replay(one, in: folder)
    let words =
      ["--lcores", "0@(\(cpus))", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--file-prefix", prefix]
      + replay.vdevs.flatMap { ["--vdev", $0] } + ["--"] + replay.options
    let forwarder = try await run("dpdkfwd", words)
    guard forwarder.succeeded else { return .failed(forwarder.said) }
    let dump = try await run("dpdkfwd-stat", ["-f", prefix, "dump", "ct", "--json"])
    guard dump.succeeded else { return .failed(dump.said) }
    return .ended(try replay.observed(dump: dump.output))
  }

  private struct Ended: Sendable {
    let succeeded: Bool
    let output: String
    /// In case it did not succeed.
    let said: String
  }

  private static func run(_ name: String, _ words: [String]) async throws -> Ended {
    let path = "\(binaries)/\(name)"
    let ended = try await Subprocess.run(
      .name("timeout"), arguments: Arguments(["60", path] + words),
      environment: .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]),
      input: .none, output: .string(limit: 1 << 24), error: .string(limit: 1 << 24))
    let succeeded = ended.terminationStatus == .exited(0)
    let last = ended.standardError.split(separator: "\n").suffix(8).joined(separator: "\n  ")
    return Ended(
      succeeded: succeeded, output: ended.standardOutput,
      said: "\(name) \(words.joined(separator: " "))\n  ended with \(ended.terminationStatus)\n  \(last)")
  }

  /// Where the binaries are: the environment's `DPDKFWD_BIN_DIR`, or beside this one.
  private static let binaries: String =
    ProcessInfo.processInfo.environment["DPDKFWD_BIN_DIR"]
    ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

  /// The CPUs that this process may use, as `0-3,8`.
  private static let cpus: String = {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return line.map { $0.dropFirst(18).trimmingCharacters(in: .whitespaces) } ?? "0"
  }()
}
