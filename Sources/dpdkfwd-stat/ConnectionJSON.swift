internal import Segment

/// Writes connections as JSON objects, with everything that is known of them. `dpdkfwd-stat(1)` documents the members.
struct ConnectionJSON {
  private let schema: Schema
  private let protocols: Enumeration?
  private let states: [UInt8: Enumeration]
  private let statusWords: Enumeration?
  private let tcpFlags: Enumeration?

  init(schema: Schema) {
    self.schema = schema
    protocols = schema.enumeration(named: "ip_protocol")
    states = [
      Connection.Number.tcp: schema.enumeration(named: "tcp_state"),
      Connection.Number.sctp: schema.enumeration(named: "sctp_state"),
    ].compactMapValues(\.self)
    statusWords = schema.enumeration(named: "ct_status")
    tcpFlags = schema.enumeration(named: "tcp_flag")
  }

  /// On one line.
  func line(_ connection: Connection) -> String {
    let isSplit = connection.original.zone != connection.reply.zone
    var members: [(String, JSON)] = [
      ("id", .unsigned(connection.id.rawValue)), ("lcore", .unsigned(connection.lcore)),
      ("l3", .text(connection.isIPv6 ? "ipv6" : "ipv4")),
      ("l4", .text(protocols?.name(of: UInt64(connection.protocol)) ?? "\(connection.protocol)")),
      ("orig", tuple(connection.original, of: connection, isSplit: isSplit)),
      ("reply", tuple(connection.reply, of: connection, isSplit: isSplit)),
    ]
    if !isSplit, connection.original.zone != 0 { members.append(("zone", .unsigned(UInt64(connection.original.zone)))) }
    members += [
      ("status", .array((statusWords?.names(ofBits: connection.status) ?? []).map { .text($0) })),
      ("timeout", .unsigned(UInt64(connection.remaining / 1000))),
      ("timeout_ms", .unsigned(UInt64(connection.remaining))), ("deadline_ms", .unsigned(UInt64(connection.deadline))),
      ("mark", .unsigned(connection.mark)),
    ]
    if !connection.labels.isEmpty { members.append(("labels", .text(connection.labels.map(hex).joined()))) }
    members += [
      ("count_orig", count(connection.counts.original)), ("count_reply", count(connection.counts.reply)),
      ("start", .unsigned(connection.start)),
    ]
    members += protocolPart(connection)
    members.append(("cached", cached(connection)))
    return JSON.object(members).line
  }

  private func tuple(_ tuple: Connection.Tuple, of connection: Connection, isSplit: Bool) -> JSON {
    var members: [(String, JSON)] = [
      ("src", .text(tuple.source)), ("dst", .text(tuple.destination)),
      ("proto", .unsigned(UInt64(connection.protocol))),
    ]
    if connection.isICMP {
      members += [
        ("id", .unsigned(UInt64(tuple.sourcePort))), ("type", .unsigned(UInt64(tuple.destinationPort >> 8))),
        ("code", .unsigned(UInt64(tuple.destinationPort & 0xff))),
      ]
    } else if ConnectionText.name(of: connection.protocol) != "unknown", connection.protocol != Connection.Number.dccp {
      // DCCP is known by name alone: it has no tracker, and so no ports (conntrack's text writes zeros).
      members += [
        ("sport", .unsigned(UInt64(tuple.sourcePort))), ("dport", .unsigned(UInt64(tuple.destinationPort))),
      ]
    }
    if isSplit, tuple.zone != 0 { members.append(("zone", .unsigned(UInt64(tuple.zone)))) }
    return .object(members)
  }

  private func count(_ count: Connection.Count) -> JSON {
    .object([("packets", .unsigned(count.packets)), ("bytes", .unsigned(count.bytes))])
  }

  private func protocolPart(_ connection: Connection) -> [(String, JSON)] {
    let state = JSON.text(states[connection.protocol]?.name(of: connection.state) ?? "\(connection.state)")
    let (original, reply) = connection.sides
    func flags(_ bits: UInt64) -> JSON { .array((tcpFlags?.names(ofBits: bits) ?? []).map { .text($0) }) }
    return switch connection.protocol {
    case Connection.Number.tcp:
      [
        (
          "tcp",
          .object([
            ("state", state), ("wscale_orig", .unsigned(original.scale)), ("wscale_reply", .unsigned(reply.scale)),
            ("flags_orig", flags(original.flags)), ("flags_reply", flags(reply.flags)),
          ])
        )
      ]
    case Connection.Number.sctp:
      [
        (
          "sctp",
          .object([("state", state), ("vtag_orig", .unsigned(original.tag)), ("vtag_reply", .unsigned(reply.tag))])
        )
      ]
    default: []
    }
  }

  private func cached(_ connection: Connection) -> JSON {
    guard connection.cached.original != nil || connection.cached.reply != nil else { return .null }
    func port(_ egress: UInt64?) -> JSON { egress.map { .unsigned($0) } ?? .null }
    return .object([
      ("generation", .unsigned(connection.cached.generation)), ("egress_orig", port(connection.cached.original)),
      ("egress_reply", port(connection.cached.reply)),
    ])
  }

  private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}
