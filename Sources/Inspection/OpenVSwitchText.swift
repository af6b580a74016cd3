internal import CSegment
internal import Glibc
public import Segment

/// Writes connections as lines of `ovs-appctl dpctl/dump-conntrack`.
public struct OpenVSwitchText: Sendable {
  /// `-m`: number, status, and the states of both ends of TCP.
  private let isVerbose: Bool
  /// `-s`: counts, start and timeout.
  private let hasCounts: Bool

  public init(isVerbose: Bool, hasCounts: Bool) {
    self.isVerbose = isVerbose
    self.hasCounts = hasCounts
  }

  /// Without a newline.
  public func line(_ connection: Connection) -> String {
    let (original, reply) = (connection.original, connection.reply)
    var line = Self.name(of: connection.protocol)
    line += ",orig=" + tuple(original, connection, connection.counts.original)
    line += ",reply=" + tuple(reply, connection, connection.counts.reply)
    if hasCounts, connection.start != 0 { line += ",start=" + Self.date(connection.start) }
    if isVerbose { line += ",id=\(connection.id.rawValue)" }
    if original.zone != 0 { line += ",zone=\(original.zone)" }
    if isVerbose { line += ",status=" + Self.words(ConnectionWords.status, connection.status) }
    if hasCounts { line += ",timeout=\(connection.remaining / 1000)" }
    if connection.mark != 0 { line += ",mark=\(connection.mark)" }
    if !connection.labels.isEmpty { line += ",labels=" + Self.hex(connection.labels) }
    line += protocolPart(connection)
    // Open vSwitch knows one zone of a connection.
    if reply.zone != original.zone { line += ",zone_reply=\(reply.zone)" }
    return line
  }

  private func tuple(_ tuple: Connection.Tuple, _ connection: Connection, _ count: Connection.Count) -> String {
    let isIPv6 = connection.isIPv6
    let ends = "src=\(text(of: tuple.source, isIPv6: isIPv6)),dst=\(text(of: tuple.destination, isIPv6: isIPv6))"
    let ports =
      connection.isICMP
      ? "id=\(tuple.sourcePort),type=\(tuple.destinationPort >> 8),code=\(tuple.destinationPort & 0xff)"
      : "sport=\(tuple.sourcePort),dport=\(tuple.destinationPort)"
    return "(" + ends + "," + ports + (hasCounts ? ",packets=\(count.packets),bytes=\(count.bytes)" : "") + ")"
  }

  private func protocolPart(_ connection: Connection) -> String {
    switch connection.protocol {
    case Connection.Number.tcp where isVerbose:
      let (original, reply) = connection.openVSwitchStates
      let tcp = connection.details
      let scales = tcp.scales == 0 ? "" : ",wscale_orig=\(tcp.scales & 15),wscale_reply=\(tcp.scales >> 4)"
      return ",protoinfo=(state_orig=\(original.name),state_reply=\(reply.name)" + scales
        + ",flags_orig=" + Self.words(ConnectionWords.tcpFlags, tcp.flags_original)
        + ",flags_reply=" + Self.words(ConnectionWords.tcpFlags, tcp.flags_reply) + ")"
    case Connection.Number.tcp: return ",protoinfo=(state=\(connection.openVSwitchState.name))"
    case Connection.Number.sctp:
      let state = ConnectionWords.state(connection.state, of: connection.protocol) ?? ""
      let tags = connection.tags
      return ",protoinfo=(state=\(state),vtag_orig=\(tags.original),vtag_reply=\(tags.reply))"
    default: return ""
    }
  }

  /// Those that Open vSwitch has no name for are printed as numbers.
  private static func name(of protocol: UInt8) -> String { names[`protocol`] ?? "\(`protocol`)" }

  private static let names: [UInt8: String] = [
    Connection.Number.icmp: "icmp", 2: "igmp", Connection.Number.tcp: "tcp", Connection.Number.udp: "udp",
    Connection.Number.dccp: "dccp", Connection.Number.icmpv6: "icmpv6", Connection.Number.sctp: "sctp",
    Connection.Number.udplite: "udplite",
  ]

  private static func words(_ enumeration: Enumeration, _ bits: some UnsignedInteger) -> String {
    let names = enumeration.names(ofBits: UInt64(bits))
    return names.isEmpty ? "0" : names.joined(separator: "|")
  }

  /// One number of 128 bits.
  private static func hex(_ labels: Connection.Labels) -> String {
    let low = String(labels.low, radix: 16)
    guard labels.high != 0 else { return "0x" + low }
    return "0x" + String(labels.high, radix: 16) + String(repeating: "0", count: 16 - low.utf8.count) + low
  }

  /// Local time, to the millisecond as Open vSwitch has it; seconds are what is known.
  private static func date(_ seconds: UInt32) -> String {
    let time = unsafe localTime(UInt64(seconds))
    let parts = unsafe [time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec]
    let words = parts.map { $0 < 10 ? "0\($0)" : "\($0)" }
    return unsafe "\(time.tm_year + 1900)-\(words[0])-\(words[1])T\(words[2...].joined(separator: ":")).000"
  }
}
