internal import Glibc
internal import Primitives
public import Segment

/// Writes connections and events as elements of the document that `conntrack -o xml` prints, between `opening` and
/// `closing`. The name of an SCTP state is SCTP's: the tool writes TCP's name of the same number there.
public struct ConnectionXML: Sendable {
  public static let opening = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n"
  public static let closing = "</conntrack>\n"

  private let parts: Set<ConnectionText.Part>
  private let now: UInt64
  private let labelNames: [Int: String]
  private let style: EventStyle

  /// As of `ConnectionText`.
  public init(
    _ parts: Set<ConnectionText.Part>, now: UInt64 = 0, labelNames: [Int: String] = [:],
    style: EventStyle = .conntrack
  ) {
    self.parts = parts
    self.now = now * 1_000_000_000
    self.labelNames = labelNames
    self.style = style
  }

  /// Without a newline.
  public func line(_ connection: Connection) -> String {
    "<flow>" + metas(connection, Shown(connection, parts, now: now)) + "</flow>"
  }

  /// Without a newline.
  public func line(_ event: ConnectionEvent) -> String {
    let kind = event.kind.tag.lowercased()
    let when = parts.contains(.timestamp) ? Self.when(event.at) : ""
    return "<flow type=\"\(kind)\">" + metas(event.connection, Shown(event, parts, style)) + when + "</flow>"
      + event.trailer
  }

  public func line(_ event: FragmentListEvent) -> String {
    let name = ConnectionText.name(of: event.protocol)
    return "<fragments reason=\"\(Self.escaped(event.reason))\">"
      + Self.layer3(event.source, event.destination, isIPv6: event.isIPv6)
      + "<layer4 protonum=\"\(event.protocol)\" protoname=\"\(name)\"></layer4>"
      + Self.element("ip-id", event.identification) + Self.element("zone", event.zone)
      + Self.element("count", event.fragments) + Self.element("bytes", event.bytes)
      + (parts.contains(.timestamp) ? Self.when(event.at) : "") + "</fragments>"
  }

  // MARK: Elements

  private func metas(_ connection: Connection, _ shown: Shown) -> String {
    let zones = Zones(connection)
    return meta("original", connection, connection.original, connection.counts.original, zones.original, shown)
      + meta("reply", connection, connection.reply, connection.counts.reply, zones.reply, shown)
      + "<meta direction=\"independent\">" + independent(connection, zones.both, shown) + "</meta>"
  }

  private func meta(
    _ direction: String, _ connection: Connection, _ tuple: Connection.Tuple, _ count: Connection.Count,
    _ zone: UInt16?, _ shown: Shown
  ) -> String {
    let name = ConnectionText.name(of: connection.protocol)
    var text =
      "<meta direction=\"\(direction)\">"
      + Self.layer3(tuple.source, tuple.destination, isIPv6: connection.isIPv6)
      + "<layer4 protonum=\"\(connection.protocol)\" protoname=\"\(name)\">"
    switch Connection.names(of: connection.protocol) {
    case .ports, .ignored:
      text += Self.element("sport", tuple.sourcePort) + Self.element("dport", tuple.destinationPort)
    case .keys:
      text += "<srckey>0x\(String(tuple.sourcePort, radix: 16))</srckey>"
      text += "<dstkey>0x\(String(tuple.destinationPort, radix: 16))</dstkey>"
    // The tool says nothing of what an ICMP query is.
    case .query, .none: break
    }
    text += "</layer4>"
    if let zone { text += Self.element("zone", zone) }
    if shown.counts {
      text +=
        "<counters>" + Self.element("packets", count.packets) + Self.element("bytes", count.bytes)
        + "</counters>"
    }
    return text + "</meta>"
  }

  private func independent(_ connection: Connection, _ zone: UInt16?, _ shown: Shown) -> String {
    var text = ""
    if shown.state, let state = ConnectionWords.state(connection.state, of: connection.protocol) {
      text += "<state>\(state)</state>"
    }
    if shown.timeout { text += Self.element("timeout", connection.remaining / 1000) }
    if shown.mark { text += Self.element("mark", connection.mark) }
    if shown.labels {
      let words = connection.labels.words(labelNames).map { "<label>\(Self.escaped($0))</label>" }
      text += "<labels>" + words.joined() + "</labels>"
    }
    if let zone { text += Self.element("zone", zone) }
    if shown.use { text += "<use>1</use>" }
    text += Self.element("id", connection.id.rawValue)
    if shown.flags {
      if connection.status & Connection.Status.assured != 0 { text += "<assured/>" }
      if connection.status & Connection.Status.seenReply == 0 { text += "<unreplied/>" }
    }
    if shown.start {
      let stop = shown.stop.map { Self.element("stop", $0) } ?? ""
      text += "<timestamp>" + Self.element("start", UInt64(connection.start) * 1_000_000_000) + stop + "</timestamp>"
    }
    if let age = connection.age(shown) { text += Self.element("deltatime", age) }
    if !shown.changes.isEmpty {
      let names = ConnectionWords.changes.names(ofBits: UInt64(shown.changes.rawValue))
      text += "<changed>\(names.joined(separator: ","))</changed>"
    }
    return text
  }

  private static func layer3(_ source: IPv6Address, _ destination: IPv6Address, isIPv6: Bool) -> String {
    "<layer3 protonum=\"\(isIPv6 ? AF_INET6 : AF_INET)\" protoname=\"\(isIPv6 ? "ipv6" : "ipv4")\">"
      + "<src>\(text(of: source, isIPv6: isIPv6))</src><dst>\(text(of: destination, isIPv6: isIPv6))</dst></layer3>"
  }

  private static func element(_ name: String, _ number: some UnsignedInteger) -> String {
    "<\(name)>\(number)</\(name)>"
  }

  /// In local time; the day of the week counts from Sunday, 1.
  private static func when(_ nanoseconds: UInt64) -> String {
    let time = unsafe localTime(nanoseconds / 1_000_000_000)
    let parts = unsafe [
      ("hour", time.tm_hour), ("min", time.tm_min), ("sec", time.tm_sec), ("wday", time.tm_wday + 1),
      ("day", time.tm_mday), ("month", time.tm_mon + 1), ("year", time.tm_year + 1900),
    ]
    return "<when>" + parts.map { "<\($0.0)>\($0.1)</\($0.0)>" }.joined() + "</when>"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
