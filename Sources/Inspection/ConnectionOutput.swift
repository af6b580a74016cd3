internal import JSONText
public import Segment

/// What `-o` asks for: connections and events in one of the forms that conntrack(8) has, or as JSON.
public struct ConnectionOutput: Sendable {
  /// The words of `-o`.
  public enum Word: String, CaseIterable, Sendable {
    case xml, extended, timestamp, id, ktimestamp, labels, userspace, save, json
  }

  private enum Form: Sendable {
    case text(ConnectionText)
    case save(ConnectionSave)
    case xml(ConnectionXML)
    case json(ConnectionJSON)
  }

  private let form: Form
  private let style: EventStyle

  /// The words of a list with commas; `nil`, with the word, when there is one that nobody knows.
  public static func words(_ list: String) throws(MemberError) -> Set<Word> {
    var words: Set<Word> = []
    for name in list.split(separator: ",", omittingEmptySubsequences: false) {
      guard let word = Word(rawValue: String(name)) else {
        let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw MemberError("-o", "'\(name)' is none of \(known)")
      }
      words.insert(word)
    }
    return words
  }

  /// Fails when the words contradict each other: conntrack allows `save` alone, and there is one form.
  ///
  /// - Parameters:
  ///   - now: seconds since 1970, for the ages of what is listed.
  ///   - json: how JSON is written.
  ///   - labelNames: of the bits of labels, for who knows some.
  ///   - style: of events.
  public init(
    _ words: Set<Word>, now: UInt64 = 0, json: ConnectionJSON = ConnectionJSON(), labelNames: [Int: String] = [:],
    style: EventStyle = .conntrack
  ) throws(MemberError) {
    self.style = style
    let parts = Set(words.compactMap { ConnectionText.Part(rawValue: $0.rawValue) })
    if words.contains(.save) {
      guard words.count == 1 else {
        throw MemberError("", "cannot combine save output with any other output type, use -o save only")
      }
      form = .save(ConnectionSave())
    } else if words.contains(.json) {
      guard !words.contains(.xml) else { throw MemberError("", "there is one output: xml or json") }
      form = .json(json)
    } else if words.contains(.xml) {
      form = .xml(ConnectionXML(parts, now: now, labelNames: labelNames, style: style))
    } else {
      form = .text(ConnectionText(parts, now: now, labelNames: labelNames, style: style))
    }
  }

  /// What stands before the first line, and behind the last one.
  public var opening: String { if case .xml = form { ConnectionXML.opening } else { "" } }
  public var closing: String { if case .xml = form { ConnectionXML.closing } else { "" } }

  /// Without a newline.
  public func line(_ connection: Connection) -> String {
    switch form {
    case .text(let text): text.line(connection)
    case .save(let save): save.line(connection)
    case .xml(let xml): xml.line(connection)
    case .json(let json): json.line(connection)
    }
  }

  /// The same with the flow table that the connection is in, where the form has room for it.
  public func line(_ connection: Connection, flowtable: String) -> String {
    switch form {
    case .text(let text): return text.line(connection) + " flowtable=\(flowtable)"
    case .json(let json):
      guard case .object(let members) = json.object(connection) else { return json.line(connection) }
      return JSON.object(members + [("flowtable", .text(flowtable))]).line
    case .save, .xml: return line(connection)
    }
  }

  /// Without a newline; `nil` where the form has no words for it: nothing of fragments is saved.
  public func line(_ event: SegmentEvent) -> String? {
    switch (form, event) {
    case (.json(let json), _): json.line(event, style: style)
    case (.text(let text), .connection(let event)): text.line(event)
    case (.text(let text), .fragments(let event)): text.line(event)
    case (.xml(let xml), .connection(let event)): xml.line(event)
    case (.xml(let xml), .fragments(let event)): xml.line(event)
    case (.save(let save), .connection(let event)): save.line(event)
    case (.save, .fragments): nil
    }
  }
}
