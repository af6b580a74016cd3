internal import Inspection
internal import Segment

/// Writes entries, a good many at once.
struct EntryWriter {
  private let format: ConnectionOutput
  private let console: Console
  private let isDocument: Bool
  /// What is saved of a connection: the command that would do to it what was done.
  private let savedAs: String
  private var text = ""
  private(set) var count = 0

  /// - Parameter isDocument: whether they come between the opening and the closing of a document.
  init(_ format: ConnectionOutput, to console: Console, isDocument: Bool, savedAs: String = "-A") {
    self.format = format
    self.console = console
    self.isDocument = isDocument
    self.savedAs = savedAs
  }

  mutating func add(_ connection: Connection) {
    let line = format.line(connection)
    add(line.hasPrefix("-A ") ? savedAs + line.dropFirst(2) : line)
  }

  mutating func add(_ event: SegmentEvent) {
    if let line = format.line(event) { add(line) }
  }

  private mutating func add(_ line: String) {
    if count == 0, isDocument { text += format.opening }
    count += 1
    text += line + "\n"
    if text.utf8.count > 1 << 16 { flush() }
  }

  mutating func end() {
    if count > 0, isDocument { text += format.closing }
    flush()
  }

  mutating func flush() {
    if !text.isEmpty { console.out(text) }
    text = ""
  }
}
