internal import Segment

/// How much of an event's connection is shown.
public enum EventStyle: String, CaseIterable, Sendable {
  /// What `conntrack -E` prints.
  case conntrack
  /// Of updates, only who it is and what changed.
  case delta
  /// All there is, whatever events came before or were lost (C14).
  case selfContained
}

/// Which attributes of a connection are shown: those that Linux sends along, unless another style is asked for.
struct Shown {
  var timeout = true
  /// Of protocols that have states.
  var state = true
  /// Whether it was answered, and is assured.
  var flags = true
  var counts = true
  var mark = true
  var labels: Bool
  var use = false
  var id: Bool
  /// Nanoseconds since 1970: until when it is old.
  var age: UInt64?
  var start: Bool
  /// Nanoseconds since 1970.
  var stop: UInt64?
  /// What changed, in words.
  var changes: ConnectionEvent.Changes = []

  /// In a list; an offloaded connection has neither timeout nor state there.
  ///
  /// - Parameter now: nanoseconds since 1970.
  init(_ connection: Connection, _ parts: Set<ConnectionText.Part>, now: UInt64) {
    self.init(parts)
    (timeout, state) = (!connection.isOffloaded, !connection.isOffloaded)
    labels = labels && !connection.labels.isEmpty
    use = true
    age = parts.isDisjoint(with: [.timestamp, .ktimestamp]) ? nil : now
  }

  init(_ event: ConnectionEvent, _ parts: Set<ConnectionText.Part>, _ style: EventStyle) {
    self.init(parts)
    switch style {
    case .delta where event.kind == .update: onlyChanges(of: event)
    case .selfContained: all(event)
    case .conntrack, .delta: sentByLinux(event, parts)
    }
  }

  private init(_ parts: Set<ConnectionText.Part>) {
    labels = parts.contains(.labels)
    id = parts.contains(.id)
    start = parts.contains(.ktimestamp)
  }

  /// What ctnetlink puts into its messages: no counts before the end, no zeros at the end, no state that did not
  /// change; but everything changes where somebody asked for it.
  private mutating func sentByLinux(_ event: ConnectionEvent, _ parts: Set<ConnectionText.Part>) {
    let connection = event.connection
    let isEnd = event.kind == .destroy
    let isAsked = event.originator == .request
    timeout = !connection.isOffloaded && !(isEnd && connection.remaining < 1000)
    state = !connection.isOffloaded && (event.kind != .update || isAsked || event.changes.contains(.state))
    counts = isEnd
    mark = connection.mark != 0 || !isEnd && (isAsked || event.changes.contains(.mark))
    let tellsLabels = event.kind == .new || event.kind == .update && (isAsked || event.changes.contains(.labels))
    labels = labels && tellsLabels && !connection.labels.isEmpty
    age = isEnd && !parts.isDisjoint(with: [.timestamp, .ktimestamp]) ? event.at : nil
    start = start && isEnd
    stop = isEnd ? event.at : nil
  }

  private mutating func onlyChanges(of event: ConnectionEvent) {
    changes = event.changes
    timeout = changes.contains(.timeout)
    state = changes.contains(.state)
    flags = !changes.isDisjoint(with: [.reply, .assured, .status])
    counts = changes.contains(.counts)
    mark = changes.contains(.mark)
    labels = changes.contains(.labels)
    start = false
  }

  private mutating func all(_ event: ConnectionEvent) {
    (labels, id, start) = (!event.connection.labels.isEmpty, true, true)
    age = event.at
    stop = event.kind == .destroy ? event.at : nil
    changes = event.changes
  }
}
