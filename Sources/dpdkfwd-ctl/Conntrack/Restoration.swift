internal import ControlProtocol
internal import Inspection
internal import JSONText
internal import Segment

/// `-R`: carries out the command lines of a file, those of `-o save` above all, once all of them are understood.
struct Restoration {
  /// Operations of one request: a page of memory or two on either side, and a moment of a worker's time.
  static let batch = 500

  private struct Line {
    let number: Int
    let text: String
    let command: ConntrackCommand
  }

  private let conntrack: Conntrack

  init(_ conntrack: Conntrack) { self.conntrack = conntrack }

  /// - Parameter port: of the lines that name none; see `ConntrackCommand.port`.
  func run(_ path: String, port: String? = nil) async throws(ConntrackFailure) {
    guard let text = text(ofFile: path) else { throw .parameters("Failed to open file \(path) for reading") }
    let name = path == "-" ? "standard input" : path
    let lines = try parse(text, name, port)
    guard !lines.isEmpty else { return }
    try await conntrack.calling { caller throws(ConntrackFailure) in
      var next = lines[...]
      while let line = next.first {
        let part = Self.creations(next)
        do throws(ConntrackFailure) {
          try await part.isEmpty ? carryOut(line, by: caller) : create(part, name, by: caller)
        } catch {
          if part.isEmpty { place(line.number, line.text, name) }
          throw error
        }
        next = next.dropFirst(max(part.count, 1))
      }
    }
  }

  // MARK: Lines

  private func parse(_ text: String, _ name: String, _ port: String?) throws(ConntrackFailure) -> [Line] {
    var lines: [Line] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine).enumerated() {
      var words = Self.words(line)
      if words.first == "conntrack" { words.removeFirst() }
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      do throws(ConntrackFailure) {
        var command = try conntrack.parse(words)
        command.port = command.port ?? port
        try Self.check(command, isHelp: first != "-h" && first != "--help")
        lines.append(Line(number: index + 1, text: String(line), command: command))
      } catch {
        place(index + 1, String(line), name)
        throw error
      }
    }
    return lines
  }

  private func place(_ number: Int, _ text: String, _ name: String) {
    conntrack.console.error("\(name):\(number): \(text)\n")
  }

  /// Words are parted by spaces, which double quotes protect.
  static func words(_ line: Substring) -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    for character in line {
      switch character {
      case "\"":
        isQuoted.toggle()
        word = word ?? ""
      case " ", "\t", "\r":
        if isQuoted { fallthrough }
        if let done = word { words.append(done) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    return words + (word.map { [$0] } ?? [])
  }

  /// - Parameter isHelp: no command was given at all, where it is the help that is meant.
  private static func check(_ command: ConntrackCommand, isHelp: Bool) throws(ConntrackFailure) {
    let letter =
      switch command.action {
      case .create, .add, .update, .delete, .flush: String?.none
      case .list: "-L"
      case .get: "-G"
      case .event: "-E"
      case .count: "-C"
      case .statistics: "-S"
      case .version: "-V"
      case .help: isHelp ? "unknown" : "-h"
      }
    if let letter { throw .parameters("Cannot use command `\(letter)' with --load-file") }
    if command.table == .expect { throw .operation("expectations are not supported yet") }
  }

  // MARK: Commands

  private func carryOut(_ line: Line, by caller: any Caller) async throws(ConntrackFailure) {
    if line.command.action == .flush {
      try await conntrack.flush(line.command, by: caller)
    } else {
      // What is not there needs neither change nor deletion.
      _ = try await conntrack.change(line.command, by: caller)
    }
  }

  /// As many of the next lines as go into one request: those of `-A`, up to and with the first of `-I`, which ends all
  /// if there is such a connection. One request names one port.
  private static func creations(_ lines: ArraySlice<Line>) -> ArraySlice<Line> {
    var end = lines.startIndex
    while end < lines.endIndex, end - lines.startIndex < batch {
      guard [.add, .create].contains(lines[end].command.action),
        lines[end].command.port == lines[lines.startIndex].command.port
      else { break }
      end += 1
      if lines[end - 1].command.action == .create { break }
    }
    return lines[..<end]
  }

  private func create(
    _ lines: ArraySlice<Line>, _ name: String, by caller: any Caller
  ) async throws(ConntrackFailure) {
    var operations: [JSON] = []
    for line in lines {
      let entry = Conntrack.wished(try line.command.values.entry())
      operations.append(.object([("op", .text("create")), ("entry", entry)]))
    }
    let port = lines.first?.command.port.map { [("port", JSON.text($0))] } ?? []
    let answer = try await conntrack.ask(caller, "conntrack.apply", [("operations", .array(operations))] + port)
    for (line, result) in zip(lines, answer["results"]?.asArray ?? []) where !result.isNull {
      let failure = ConntrackFailure.answered(
        code: result["code"]?.asWhole() ?? 0, result["message"]?.asText ?? "", conntrack.console)
      if line.command.action == .add, failure == .exists { continue }
      place(line.number, line.text, name)
      throw failure
    }
  }
}
