public import JSONText
public import Segment

/// What rings of events tell.
public enum SegmentEvent: Sendable {
  case connection(ConnectionEvent)
  case fragments(FragmentListEvent)

  /// Nanoseconds since 1970.
  public var at: UInt64 {
    switch self {
    case .connection(let event): event.at
    case .fragments(let event): event.at
    }
  }

  /// The kind that it belongs to.
  public var kind: EventMask {
    switch self {
    case .fragments: .fragments
    case .connection(let event):
      switch event.kind {
      case .new: .new
      // A timeout that somebody asked for is no refresh.
      case .update: event.changes == .timeout && event.originator == .packet ? .refresh : .update
      case .destroy: .destroy
      }
    }
  }

  /// Reads what `ConnectionJSON` writes of either.
  public init(json: JSON) throws(MemberError) {
    if json["event"]?.asText == "fragments" {
      self = .fragments(try FragmentListEvent(json: json))
    } else {
      self = .connection(try ConnectionEvent(json: json))
    }
  }
}

extension EventMask {
  /// What `conntrack -E` prints unless it is told otherwise.
  public static let conntrack: EventMask = [.new, .update, .destroy]

  /// Reads the words of `-e`: conntrack's NEW, UPDATES, DESTROY and ALL of these; REFRESH is updates of which the
  /// timeout is all that changed, FRAGMENTS is those that were given up. `nil` for any other word.
  public init?(words: String) {
    self = []
    for word in words.split(separator: ",", omittingEmptySubsequences: false) {
      switch word.uppercased() {
      case "ALL": formUnion(.conntrack)
      case "NEW": insert(.new)
      case "UPDATE", "UPDATES": insert(.update)
      case "DESTROY": insert(.destroy)
      case "REFRESH": insert(.refresh)
      case "FRAGMENTS": insert(.fragments)
      default: return nil
      }
    }
  }
}

extension ConnectionEvent {
  /// Reads what `ConnectionJSON` writes.
  public init(json: JSON) throws(MemberError) {
    let members = try Members(
      json, known: ["event", "at_ns", "shard", "sequence", "originator", "client", "changes", "connection"])
    func word(_ name: String, _ words: Enumeration) throws(MemberError) -> UInt8 {
      guard let word = try members.text(name) else { throw members.error(name, "is missing") }
      guard let number = words.value(of: word) else {
        throw members.error(name, "'\(word)' is none of \(words.values.map(\.name).joined(separator: ", "))")
      }
      return UInt8(truncatingIfNeeded: number)
    }
    guard let kind = Kind(rawValue: try word("event", ConnectionWords.eventKinds)),
      let originator = Originator(rawValue: try word("originator", ConnectionWords.originators))
    else { throw members.error("event", "is of an unknown kind") }
    guard let connection = members.value("connection") else { throw members.error("connection", "is missing") }
    let changes: UInt16 = try members.bits("changes", ConnectionWords.changes) ?? 0
    do throws(MemberError) {
      self.init(
        sequence: try members.needed("sequence"), shard: try members.needed("shard"), at: try members.needed("at_ns"),
        kind: kind, originator: originator, client: try members.number("client") ?? 0,
        changes: Changes(rawValue: changes), connection: try Connection(json: connection))
    } catch {
      throw error
    }
  }
}

extension ConnectionJSON {
  /// On one line.
  public func line(_ event: SegmentEvent, style: EventStyle = .conntrack) -> String {
    switch event {
    case .connection(let event): object(event, style: style).line
    case .fragments(let event): event.json.line
    }
  }

  /// What happened, and the connection as `object` writes it: of updates in the style `delta` only who it is and what
  /// changed; in the style `selfContained` with all details.
  public func object(_ event: ConnectionEvent, style: EventStyle = .conntrack) -> JSON {
    var members: [(String, JSON)] = [
      ("event", Self.word(ConnectionWords.eventKinds, event.kind.rawValue)), ("at_ns", .unsigned(event.at)),
      ("shard", .unsigned(UInt64(event.shard))), ("sequence", .unsigned(event.sequence)),
      ("originator", Self.word(ConnectionWords.originators, event.originator.rawValue)),
    ]
    if event.client != 0 { members.append(("client", Self.number(event.client))) }
    if event.kind == .update {
      members.append(("changes", Self.words(ConnectionWords.changes, event.changes.rawValue)))
    }
    let connection =
      switch style {
      case .delta where event.kind == .update: object(event.connection, given: event.changes.attributes)
      case .selfContained: ConnectionJSON(lcores: lcores, details: true).object(event.connection)
      case .delta, .conntrack: object(event.connection)
      }
    return .object(members + [("connection", connection)])
  }

  private static func word(_ words: Enumeration, _ number: UInt8) -> JSON {
    .text(words.name(of: UInt64(number)) ?? "\(number)")
  }
}

extension ConnectionEvent.Changes {
  /// The attributes that changed.
  var attributes: ConnectionChange.Attributes {
    var attributes: ConnectionChange.Attributes = []
    if !isDisjoint(with: [.reply, .assured, .status]) { attributes.insert(.status) }
    if contains(.state) { attributes.insert(.state) }
    if contains(.timeout) { attributes.insert(.timeout) }
    if contains(.mark) { attributes.insert(.mark) }
    if contains(.labels) { attributes.insert(.labels) }
    if contains(.counts) { attributes.insert(.counts) }
    return attributes
  }
}
