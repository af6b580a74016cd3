public import Segment

/// Writes connections and events as command lines of conntrack(8): what `-o save` prints and `-R` takes. As with Linux,
/// marks and labels are not among what is saved.
public struct ConnectionSave: Sendable {
  public init() {}

  public func line(_ connection: Connection) -> String {
    "-A" + options(connection, Shown(connection, [], now: 0), hasTags: true)
  }

  public func line(_ event: ConnectionEvent) -> String {
    let command =
      switch event.kind {
      case .new: "-A"
      case .update: "-U"
      case .destroy: "-D"
      }
    return command + options(event.connection, Shown(event, [], .conntrack), hasTags: event.kind != .destroy)
      + event.trailer
  }

  /// - Parameter hasTags: Linux sends SCTP's tags along, but not at the end.
  private func options(_ connection: Connection, _ shown: Shown, hasTags: Bool) -> String {
    var text = ""
    func add(_ option: String, _ value: String) { text += " " + option + " " + value }
    func add(_ option: String, _ number: some UnsignedInteger) { add(option, "\(number)") }
    if shown.timeout { add("-t", connection.remaining / 1000) }
    add("-u", Self.status(connection.status))
    let zones = Zones(connection)
    if let zone = zones.both { add("-w", zone) }
    if let zone = zones.original { add("--orig-zone", zone) }
    if let zone = zones.reply { add("--reply-zone", zone) }
    for (options, tuple) in [(["-s", "-d"], connection.original), (["-r", "-q"], connection.reply)] {
      add(options[0], Inspection.text(of: tuple.source, isIPv6: connection.isIPv6))
      add(options[1], Inspection.text(of: tuple.destination, isIPv6: connection.isIPv6))
    }
    let name = ConnectionText.name(of: connection.protocol)
    add("-p", name == "unknown" ? "\(connection.protocol)" : name)
    let (original, reply) = (connection.original, connection.reply)
    switch Connection.names(of: connection.protocol) {
    case .ports:
      add("--sport", original.sourcePort)
      add("--dport", original.destinationPort)
      add("--reply-port-src", reply.sourcePort)
      add("--reply-port-dst", reply.destinationPort)
    case .keys:
      add("--srckey", original.sourcePort)
      add("--dstkey", original.destinationPort)
      add("--reply-key-src", reply.sourcePort)
      add("--reply-key-dst", reply.destinationPort)
    case .query:
      add("--\(name)-type", original.destinationPort >> 8)
      add("--\(name)-code", original.destinationPort & 0xff)
      add("--\(name)-id", original.sourcePort)
    case .ignored, .none: break
    }
    if shown.state, let state = ConnectionWords.state(connection.state, of: connection.protocol) {
      add("--state", state)
      if connection.protocol == Connection.Number.sctp, hasTags {
        add("--orig-vtag", connection.tags.original)
        add("--reply-vtag", connection.tags.reply)
      }
    }
    return text
  }

  private static func status(_ status: UInt16) -> String {
    let bits = [
      Connection.Status.expected, Connection.Status.seenReply, Connection.Status.assured,
      Connection.Status.fixedTimeout, Connection.Status.offloaded, Connection.Status.offloadedToHardware,
    ].reduce(0, |)
    let words = ConnectionWords.status.names(ofBits: UInt64(status & bits))
    return words.isEmpty ? "UNSET" : words.joined(separator: ",")
  }
}
