public import JSONText
public import Segment

extension ConnectionChange {
  /// Reads a change as docs/control.md has it: members of a connection that can be changed, at least one of
  /// them.
  ///
  /// - Parameter protocol: of the connections that are changed; needed where `tcp`, `sctp` or `udp` is given, unless it
  ///   is told by that.
  public init(json: JSON, protocol: UInt8? = nil) throws(MemberError) {
    self.init()
    let members = try Members(json, known: Self.known)
    guard !members.isEmpty else { throw members.error("", "changes nothing") }
    try readStatus(members)
    if let milliseconds = try members.timeout() {
      values.remaining = milliseconds
      attributes.insert(.timeout)
    }
    if let (mark, mask) = try members.masked("mark") {
      (values.mark, markMask) = (mark, mask)
      attributes.insert(.mark)
    }
    try readLabels(members)
    if members.has("count_orig") || members.has("count_reply") {
      for name in ["count_orig", "count_reply"] where !members.has(name) { throw members.error(name, "is missing") }
      values.counts = (
        try Connection.count("count_orig", members), try Connection.count("count_reply", members)
      )
      attributes.insert(.counts)
    }
    if let seconds: UInt32 = try members.number("start") {
      values.start = seconds
      attributes.insert(.start)
    }
    values.protocol = `protocol` ?? Self.told(by: members)
    attributes.formUnion(try values.readProtocol(members))
  }

  private static let known: Set<String> = [
    "status", "unset", "timeout", "timeout_ms", "mark", "labels", "count_orig", "count_reply", "start", "tcp", "sctp",
    "udp",
  ]

  private static func told(by members: Members) -> UInt8 {
    if members.has("tcp") { return Connection.Number.tcp }
    if members.has("sctp") { return Connection.Number.sctp }
    return members.has("udp") ? Connection.Number.udp : 0
  }

  private mutating func readStatus(_ members: Members) throws(MemberError) {
    let set: UInt16? = try members.bits("status", ConnectionWords.status)
    let cleared: UInt16? = try members.bits("unset", ConnectionWords.status)
    guard set != nil || cleared != nil else { return }
    (values.status, clearedStatus) = (set ?? 0, cleared ?? 0)
    guard values.status & clearedStatus == 0 else { throw members.error("unset", "has words that status has too") }
    try Self.check(values.status & ~Connection.Status.confirmed, "status", members)
    try Self.check(clearedStatus, "unset", members)
    attributes.insert(.status)
  }

  /// Of the status bits that packets, rules and the table itself bring about, nothing can be asked.
  private static func check(_ bits: UInt16, _ name: String, _ members: Members) throws(MemberError) {
    let own = bits & ~(Connection.Status.seenReply | Connection.Status.assured | Connection.Status.fixedTimeout)
    guard let word = ConnectionWords.status.names(ofBits: UInt64(own)).first else { return }
    throw members.error(name, "\(word) is not for a request to change")
  }

  private mutating func readLabels(_ members: Members) throws(MemberError) {
    guard let value = members.value("labels") else { return }
    attributes.insert(.labels)
    if let text = value.asText {
      values.labels = try Connection.Labels(hex: text, members)
      return
    }
    guard let change = try members.object("labels", known: ["add", "delete"]), !change.isEmpty else {
      throw members.error("labels", "adds and deletes nothing")
    }
    let added = try change.labels("add") ?? Connection.Labels()
    let all = Connection.Labels(low: .max, high: .max)
    let deleted = change.value("delete")?.asText == "all" ? all : try change.labels("delete") ?? Connection.Labels()
    values.labels = added
    labelMask = Connection.Labels(low: added.low | deleted.low, high: added.high | deleted.high)
  }

  // MARK: Writing

  /// What `init(json:)` reads.
  public var json: JSON {
    var members: [(String, JSON)] = []
    func words(_ bits: UInt16) -> JSON {
      .array(ConnectionWords.status.names(ofBits: UInt64(bits)).map { .text($0) })
    }
    if attributes.contains(.status) {
      if values.status != 0 || clearedStatus == 0 { members.append(("status", words(values.status))) }
      if clearedStatus != 0 { members.append(("unset", words(clearedStatus))) }
    }
    if attributes.contains(.timeout) { members.append(("timeout_ms", .unsigned(UInt64(values.remaining)))) }
    if attributes.contains(.mark) {
      members.append(
        ("mark", markMask == .max ? .unsigned(UInt64(values.mark)) : .text("\(values.mark)/\(markMask)")))
    }
    if attributes.contains(.labels) { members.append(("labels", labels)) }
    if attributes.contains(.counts) {
      members.append(("count_orig", ConnectionJSON.count(values.counts.original)))
      members.append(("count_reply", ConnectionJSON.count(values.counts.reply)))
    }
    if attributes.contains(.start) { members.append(("start", .unsigned(UInt64(values.start)))) }
    return .object(members + ConnectionJSON.protocolPart(values, attributes))
  }

  private var labels: JSON {
    guard labelMask != Connection.Labels(low: .max, high: .max) else { return .text(values.labels.hex) }
    func array(_ labels: Connection.Labels) -> JSON { .array(labels.bits.map { .unsigned(UInt64($0)) }) }
    let deleted = Connection.Labels(low: labelMask.low & ~values.labels.low, high: labelMask.high & ~values.labels.high)
    return .object([("add", array(values.labels)), ("delete", array(deleted))])
  }
}
