import Foundation

/// conntrack(8) of this machine, in a network namespace of its own.
enum Reference {
  /// 1.4.7, the version that ours stands for, and leave to make namespaces.
  static let isThere: Bool = {
    guard let version = try? run("exec unshare --net conntrack -V"), version.contains("v1.4.7") else {
      print("No conntrack 1.4.7, or no leave to make network namespaces: the comparison with it is skipped.")
      return false
    }
    return true
  }()

  /// The status of one that had to be ended: it would have waited for events.
  static let waited: Int32 = 137
  /// The status of a segmentation fault: some words are too much for it.
  static let crashed: Int32 = 139

  /// Runs the command lines one after the other; what they create is flushed behind each.
  static func tell(_ lines: [String]) throws -> [Told] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "conntrack-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: folder.appending(path: "lines"))
    let script = """
      cd '\(folder.path)'; ip link set lo up
      try() {
        eval "timeout -s KILL $2 conntrack $3" > $1.out 2> $1.error < /dev/null
        echo $? > $1.status
      }
      while IFS= read -r line; do
        (( number++ ))
        case "$line" in
          *-E*|--event*) try $number 5 "$line" & ;;
          *-I*|*-A*) try $number 20 "$line"; conntrack -F;;
          *) try $number 20 "$line";;
        esac
      done < lines 2> /dev/null
      wait
      """
    _ = try run("exec unshare --net bash -c '\(script.replacing("'", with: "'\\''"))'")
    return try lines.indices.map { place in
      func text(_ kind: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appending(path: "\(place + 1).\(kind)")), as: UTF8.self)
      }
      let status = Int32(try text("status").prefix { $0.isNumber }) ?? -1
      return Told(status: status, out: try text("out"), error: try text("error"))
    }
  }

  private static func run(_ script: String) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script]
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let told = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: told, as: UTF8.self)
  }
}
