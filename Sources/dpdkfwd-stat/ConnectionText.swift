internal import Glibc
internal import Segment

/// Writes connections as lines of `conntrack -L`, down to its spaces.
struct ConnectionText {
  /// The words of `-o`, as conntrack(8) has them.
  enum Part: String, CaseIterable {
    case extended, id, timestamp, labels, ktimestamp
  }

  private let parts: Set<Part>
  private let tcpStates: Enumeration?
  private let sctpStates: Enumeration?
  /// Seconds since 1970, for ages.
  private let now: UInt64

  init(_ parts: Set<Part>, schema: Schema, now: UInt64) {
    self.parts = parts
    self.now = now
    tcpStates = schema.enumeration(named: "tcp_state")
    sctpStates = schema.enumeration(named: "sctp_state")
  }

  /// Without a newline.
  func line(_ connection: Connection) -> String {
    var words: [String] = []
    if parts.contains(.extended) {
      words.append(
        connection.isIPv6
          ? "\(padded("ipv6")) \(Connection.Family.ipv6)" : "\(padded("ipv4")) \(Connection.Family.ipv4)")
    }
    words.append("\(padded(Self.name(of: connection.protocol))) \(connection.protocol)")
    if !connection.isOffloaded {
      words.append("\(connection.remaining / 1000)")
      if let state = state(of: connection) { words.append(state) }
    }
    let isSplit = connection.original.zone != connection.reply.zone
    words += tuple(connection.original, connection.protocol)
    if isSplit, connection.original.zone != 0 { words.append("zone-orig=\(connection.original.zone)") }
    words += counts(connection.counts.original)
    if connection.status & Connection.Status.seenReply == 0 { words.append("[UNREPLIED]") }
    words += tuple(connection.reply, connection.protocol)
    if isSplit, connection.reply.zone != 0 { words.append("zone-reply=\(connection.reply.zone)") }
    words += counts(connection.counts.reply)
    words += flag(connection.status)
    words.append("mark=\(connection.mark)")
    if !isSplit, connection.original.zone != 0 { words.append("zone=\(connection.original.zone)") }
    return (words + trailer(connection)).joined(separator: " ")
  }

  private func trailer(_ connection: Connection) -> [String] {
    var words: [String] = []
    if !parts.isDisjoint(with: [.timestamp, .ktimestamp]) {
      words.append("delta-time=\(now > connection.start ? now - connection.start : 0)")
    }
    if parts.contains(.ktimestamp) { words.append("[start=\(date(connection.start))]") }
    words.append("use=1")
    if parts.contains(.id) { words.append("id=\(connection.id.rawValue)") }
    if parts.contains(.labels), !connection.labels.isEmpty {
      let bits = (0..<connection.labels.count * 8).filter { connection.labels[$0 / 8] & 1 << ($0 % 8) != 0 }
      words.append("labels=" + bits.map(String.init).joined(separator: ","))
    }
    return words
  }

  private func state(of connection: Connection) -> String? {
    switch connection.protocol {
    case Connection.Number.tcp: tcpStates?.name(of: connection.state) ?? "\(connection.state)"
    case Connection.Number.sctp: sctpStates?.name(of: connection.state) ?? "\(connection.state)"
    default: nil
    }
  }

  private func tuple(_ tuple: Connection.Tuple, _ protocol: UInt8) -> [String] {
    let addresses = ["src=\(tuple.source)", "dst=\(tuple.destination)"]
    switch `protocol` {
    case Connection.Number.icmp, Connection.Number.icmpv6:
      return addresses
        + ["type=\(tuple.destinationPort >> 8)", "code=\(tuple.destinationPort & 0xff)", "id=\(tuple.sourcePort)"]
    case Connection.Number.gre:
      return addresses
        + [
          "srckey=0x\(String(tuple.sourcePort, radix: 16))", "dstkey=0x\(String(tuple.destinationPort, radix: 16))",
        ]
    case let known where Self.names[known] != nil:
      return addresses + ["sport=\(tuple.sourcePort)", "dport=\(tuple.destinationPort)"]
    default: return addresses
    }
  }

  private func counts(_ count: Connection.Count) -> [String] { ["packets=\(count.packets)", "bytes=\(count.bytes)"] }

  private func flag(_ status: UInt64) -> [String] {
    if status & Connection.Status.offloadedToHardware != 0 { return ["[HW_OFFLOAD]"] }
    if status & Connection.Status.offloaded != 0 { return ["[OFFLOAD]"] }
    return status & Connection.Status.assured == 0 ? [] : ["[ASSURED]"]
  }

  private func padded(_ name: String) -> String { name + String(repeating: " ", count: max(0, 8 - name.utf8.count)) }

  /// As ctime(3) writes it, in local time.
  private func date(_ seconds: UInt64) -> String {
    var time = time_t(clamping: seconds)
    var parts = unsafe tm()
    var text = [UInt8](repeating: 0, count: 64)
    unsafe localtime_r(&time, &parts)
    let count = unsafe text.withUnsafeMutableBytes {
      unsafe strftime($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count, "%a %b %e %H:%M:%S %Y", &parts)
    }
    return String(decoding: text.prefix(count), as: UTF8.self)
  }

  /// What conntrack calls a protocol: the rest is unknown to it.
  static func name(of protocol: UInt8) -> String { names[`protocol`] ?? "unknown" }

  private static let names: [UInt8: String] = [
    Connection.Number.icmp: "icmp", Connection.Number.tcp: "tcp", Connection.Number.udp: "udp",
    Connection.Number.dccp: "dccp", Connection.Number.gre: "gre", Connection.Number.icmpv6: "icmpv6",
    Connection.Number.sctp: "sctp", Connection.Number.udplite: "udplite",
  ]
}
