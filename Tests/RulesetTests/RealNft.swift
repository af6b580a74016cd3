import Foundation

/// The real nft in a network namespace of its own: what it says about texts, and how it lists them.
enum RealNft {
  struct Answer: Sendable {
    var isAccepted: Bool
    /// Of its first fault.
    var line: Int?
    var faults: String
    var listing: String
  }

  /// Whether there is an nft, and namespaces may be made.
  static let isThere: Bool = {
    let answers = try? judge(["table ip t { }\n"])
    return answers?.first?.isAccepted == true
  }()

  /// Each text, or JSON, is loaded into an empty ruleset, which is listed.
  static func judge(_ texts: [String], json: Bool = false) throws -> [Answer] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ruleset-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (index, text) in texts.enumerated() {
      try Data(text.utf8).write(to: folder.appending(path: "\(index).nft"))
    }
    let script = """
      cd '\(folder.path)' || exit 1
      i=0
      while [ -e $i.nft ]; do
        nft \(json ? "-j " : "")-f $i.nft > $i.out 2> $i.err && nft list ruleset > $i.list 2>> $i.err
        nft flush ruleset
        i=$((i + 1))
      done
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["unshare", "-n", "sh", "-c", script]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    return texts.indices.map { index in
      func read(_ name: String) -> String? {
        FileManager.default.contents(atPath: folder.appending(path: "\(index).\(name)").path)
          .map { String(decoding: $0, as: UTF8.self) }
      }
      let listing = read("list")
      let faults = read("err") ?? ""
      return Answer(isAccepted: listing != nil, line: Self.line(faults), faults: faults, listing: listing ?? "")
    }
  }

  /// FILE:LINE:COLUMN-COLUMN: Error: ...
  private static func line(_ faults: String) -> Int? {
    faults.split(separator: "\n").lazy.filter { $0.contains(": Error:") }
      .compactMap { $0.split(separator: ":").dropFirst().first.flatMap { Int($0) } }.first
  }

  /// A listing without what passes by itself, and with one way to write what nft writes in several: a range that is a
  /// prefix, a set of one element, elements in any order, and a family that the next word says again.
  static func plain(_ listing: String) -> String {
    listing.replacing(#/ expires [0-9a-z]+/#, with: "")
      .replacing(#/,\s+/#, with: ", ")
      .replacing("meta nfproto ipv4 ct", with: "ct")
      .replacing(#/{ ([^{}\n]*) }/#) { match in
        let elements = match.output.1.split(separator: ", ").sorted()
        return elements.count == 1 ? String(elements[0]) : "{ \(elements.joined(separator: ", ")) }"
      }
      .replacing(#/([0-9.]+)-([0-9.]+)/#) { match in
        let (first, last) = (String(match.output.1), String(match.output.2))
        return prefix(first, last) ?? "\(first)-\(last)"
      }
      .replacing(#/(mark|dport) (?:0x)?([0-9a-f]+)/([0-9]+)/#) { match in
        let isMark = match.output.1 == "mark"
        let base = UInt64(match.output.2, radix: isMark ? 16 : 10) ?? 0
        let width = isMark ? 32 : 16
        guard let length = Int(match.output.3), length <= width else { return String(match.output.0) }
        let free = UInt64(width - length)
        return "\(match.output.1) \(base)-\(base | ((1 << free) - 1))"
      }
      .replacing(#/mark 0x([0-9a-f]{8})-0x([0-9a-f]{8})/#) { match in
        "mark \(UInt32(match.output.1, radix: 16) ?? 0)-\(UInt32(match.output.2, radix: 16) ?? 0)"
      }
      .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
  }

  private static func prefix(_ first: String, _ last: String) -> String? {
    guard let lower = bytes(first), let upper = bytes(last), lower.count == upper.count else { return nil }
    var length = 0
    var isDone = false
    for (low, high) in zip(lower, upper) {
      for bit in (0..<8).reversed() {
        let (a, b) = (low >> bit & 1, high >> bit & 1)
        if a == b, !isDone { length += 1 } else { isDone = true }
        if isDone, a != 0 || b != 1 { return nil }
      }
    }
    return length == lower.count * 8 ? first : "\(first)/\(length)"
  }

  /// Of IPv4 addresses alone.
  private static func bytes(_ text: String) -> [UInt8]? {
    let bytes = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
    return bytes.count == 4 ? bytes : nil
  }
}
