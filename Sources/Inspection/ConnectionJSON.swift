internal import CSegment
public import JSONText
public import Segment

/// Writes connections as JSON objects, with everything that is known of them. `dpdkfwd-stat(1)` documents the members;
/// `Connection(json:)` reads them.
public struct ConnectionJSON: Sendable {
  /// By shard.
  let lcores: [Int: UInt64]
  private let details: Bool

  /// - Parameters:
  ///   - lcores: of the workers, by shard: a connection of one without is not said to be any lcore's.
  ///   - details: all that trackers remember, TCP's windows too, so that the connection can be made anew from it (C14).
  public init(lcores: [Int: UInt64] = [:], details: Bool = false) {
    self.lcores = lcores
    self.details = details
  }

  /// The workers of a segment; fails with `.fields` when it tracks nothing.
  public init(_ reader: SegmentReader, details: Bool = false) throws(SegmentError) {
    self.details = details
    let shards = reader.records(of: try reader.kind("ct_shards", having: ["lcore"]))
    lcores = Dictionary(shards.map { ($0.shard, $0.number("lcore") ?? 0) }) { first, _ in first }
  }

  /// On one line.
  public func line(_ connection: Connection) -> String { object(connection).line }

  public func object(_ connection: Connection) -> JSON {
    var all: ConnectionChange.Attributes = [.status, .timeout, .mark, .counts, .start, .state, .details]
    if details { all.insert(.windows) }
    if !connection.labels.isEmpty { all.insert(.labels) }
    let lcore = lcores[connection.id.shard]
    let head = [("id", JSON.unsigned(connection.id.rawValue))] + (lcore.map { [("lcore", .unsigned($0))] } ?? [])
    return .object(head + Self.members(connection, all) + [("cached", Self.cached(connection))])
  }

  /// Who it is, and no more than these attributes: what requests say of a connection.
  public func object(_ connection: Connection, given: ConnectionChange.Attributes) -> JSON {
    let id = connection.id.rawValue == 0 ? [] : [("id", JSON.unsigned(connection.id.rawValue))]
    return .object(id + Self.members(connection, given))
  }

  private static func members(_ connection: Connection, _ given: ConnectionChange.Attributes) -> [(String, JSON)] {
    let isSplit = connection.original.zone != connection.reply.zone
    var members: [(String, JSON)] = [
      ("l3", .text(connection.isIPv6 ? "ipv6" : "ipv4")),
      ("l4", .text(ConnectionWords.protocols.name(of: UInt64(connection.protocol)) ?? "\(connection.protocol)")),
      ("orig", tuple(connection.original, of: connection, isSplit: isSplit)),
      ("reply", tuple(connection.reply, of: connection, isSplit: isSplit)),
    ]
    if !isSplit, connection.original.zone != 0 { members.append(("zone", number(connection.original.zone))) }
    if given.contains(.status) { members.append(("status", words(ConnectionWords.status, connection.status))) }
    if given.contains(.timeout) {
      members += [
        ("timeout", number(connection.remaining / 1000)), ("timeout_ms", number(connection.remaining)),
        ("deadline_ms", number(connection.deadline)),
      ]
    }
    if given.contains(.mark) { members.append(("mark", number(connection.mark))) }
    if given.contains(.labels) { members.append(("labels", .text(connection.labels.hex))) }
    if given.contains(.counts) {
      members += [
        ("count_orig", count(connection.counts.original)), ("count_reply", count(connection.counts.reply)),
      ]
    }
    if given.contains(.start) { members.append(("start", number(connection.start))) }
    return members + protocolPart(connection, given)
  }

  static func tuple(_ tuple: Connection.Tuple, of connection: Connection, isSplit: Bool) -> JSON {
    var members: [(String, JSON)] = [
      ("src", .text(text(of: tuple.source, isIPv6: connection.isIPv6))),
      ("dst", .text(text(of: tuple.destination, isIPv6: connection.isIPv6))),
      ("proto", number(connection.protocol)),
    ]
    switch connection.protocol {
    case Connection.Number.icmp, Connection.Number.icmpv6:
      members += [
        ("id", number(tuple.sourcePort)), ("type", number(tuple.destinationPort >> 8)),
        ("code", number(tuple.destinationPort & 0xff)),
      ]
    // DCCP is known by name alone: it has no tracker, and so no ports (conntrack's text writes zeros).
    case Connection.Number.dccp: break
    default:
      if ConnectionText.name(of: connection.protocol) != "unknown" {
        members += [("sport", number(tuple.sourcePort)), ("dport", number(tuple.destinationPort))]
      }
    }
    if isSplit, tuple.zone != 0 { members.append(("zone", number(tuple.zone))) }
    return .object(members)
  }

  static func number(_ number: some UnsignedInteger) -> JSON { .unsigned(UInt64(number)) }

  static func count(_ count: Connection.Count) -> JSON {
    .object([("packets", .unsigned(count.packets)), ("bytes", .unsigned(count.bytes))])
  }

  static func words(_ enumeration: Enumeration, _ bits: some UnsignedInteger) -> JSON {
    .array(enumeration.names(ofBits: UInt64(bits)).map { .text($0) })
  }

  /// What its protocol's tracker remembers: those attributes of it.
  static func protocolPart(_ connection: Connection, _ given: ConnectionChange.Attributes) -> [(String, JSON)] {
    var members: [(String, JSON)] = []
    if given.contains(.state), let state = ConnectionWords.state(connection.state, of: connection.protocol) {
      members.append(("state", .text(state)))
    }
    let name: String
    switch connection.protocol {
    case Connection.Number.tcp:
      name = "tcp"
      if given.contains(.details) { members += handshake(connection.details) }
      if given.contains(.windows) { members += windows(connection.details) }
    case Connection.Number.sctp:
      name = "sctp"
      if given.contains(.details) {
        members += [("vtag_orig", number(connection.tags.original)), ("vtag_reply", number(connection.tags.reply))]
      }
      if given.contains(.windows) { members += association(connection.association) }
    case Connection.Number.udp, Connection.Number.udplite:
      name = "udp"
      if given.contains(.windows) { members.append(("stream_in_ms", .signed(Int64(connection.streamDelay)))) }
    default: return []
    }
    return members.isEmpty ? [] : [(name, .object(members))]
  }

  private static func handshake(_ tcp: dpdkfwd_ct_tcp) -> [(String, JSON)] {
    [
      ("wscale_orig", number(tcp.scales & 15)), ("wscale_reply", number(tcp.scales >> 4)),
      ("flags_orig", words(ConnectionWords.tcpFlags, tcp.flags_original)),
      ("flags_reply", words(ConnectionWords.tcpFlags, tcp.flags_reply)),
    ]
  }

  private static func windows(_ tcp: dpdkfwd_ct_tcp) -> [(String, JSON)] {
    let sides = [("orig", tcp.original), ("reply", tcp.reply)].flatMap { name, side in
      [
        ("end_\(name)", number(side.end)), ("max_end_\(name)", number(side.max_end)),
        ("max_window_\(name)", number(side.max_window)), ("max_ack_\(name)", number(side.max_ack)),
      ]
    }
    return sides + [
      ("last_seq", number(tcp.last_sequence)), ("last_ack", number(tcp.last_acknowledgement)),
      ("last_end", number(tcp.last_end)), ("last_window", number(tcp.last_window)),
      ("last_segment", number(tcp.last_segment)), ("last_flags", number(tcp.last_flags)),
      ("retransmissions", number(tcp.retransmissions)),
    ]
  }

  private static func association(_ association: Connection.Association) -> [(String, JSON)] {
    [
      ("init_orig", number(association.initOriginal)), ("init_reply", number(association.initReply)),
      ("flags", number(association.flags)), ("last_direction", number(association.lastDirection)),
    ]
  }

  private static func cached(_ connection: Connection) -> JSON {
    let cached = connection.cached
    guard cached.original != 255 || cached.reply != 255 else { return .null }
    func port(_ egress: UInt8) -> JSON { egress == 255 ? .null : number(egress) }
    return .object([
      ("generation", number(cached.generation)), ("egress_orig", port(cached.original)),
      ("egress_reply", port(cached.reply)),
    ])
  }
}

extension Connection.Labels {
  /// As 32 hexadecimal digits: sixteen bytes, bit 0 in the first one.
  var hex: String {
    [low, high].map { word in
      (0..<8).map { place in
        let byte = UInt8(truncatingIfNeeded: word >> UInt64(8 * place))
        return (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
    }.joined()
  }
}
