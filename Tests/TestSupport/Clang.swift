import Foundation

/// A clang that makes eBPF: of the environment's CLANG, or the first in PATH that can.
public enum Clang {
  public static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let asked = ProcessInfo.processInfo.environment["CLANG"].map { [$0] }
    for path in asked ?? folders.map({ "\($0)/clang" }) where FileManager.default.isExecutableFile(atPath: path) {
      if let targets = try? run(path, ["--print-targets"]), targets.contains("bpf ") { return path }
    }
    print("No clang with a target for eBPF (CLANG, or in PATH): tests that compile programs are skipped.")
    return nil
  }()

  private static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// What it said.
  public struct Failure: Error { public var text: String }

  /// An object file for eBPF from a file of the package, by its path in it.
  public static func compile(_ file: String, cpu: String = "v2") throws -> [UInt8] {
    try compile(root.appending(path: file), cpu: cpu)
  }

  /// The same from text, which may include the header for programs.
  public static func compile(text: String, cpu: String = "v2") throws -> [UInt8] {
    let source = FileManager.default.temporaryDirectory.appending(path: "dpdkfwd-\(UUID().uuidString).c")
    defer { try? FileManager.default.removeItem(at: source) }
    try text.write(to: source, atomically: true, encoding: .utf8)
    return try compile(source, cpu: cpu)
  }

  private static func compile(_ source: URL, cpu: String) throws -> [UInt8] {
    guard let path else { throw Failure(text: "no clang") }
    let object = FileManager.default.temporaryDirectory.appending(path: "dpdkfwd-\(UUID().uuidString).o")
    defer { try? FileManager.default.removeItem(at: object) }
    _ = try run(
      path,
      [
        "-target", "bpf", "-mcpu=\(cpu)", "-O2", "-ffreestanding", "-I",
        root.appending(path: "CShims/CHook/include").path, "-c", source.path, "-o", object.path,
      ])
    return Array(try Data(contentsOf: object))
  }

  private static func run(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(text: text) }
    return text
  }
}
