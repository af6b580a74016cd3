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

  /// Words with spaces between them.
  private struct Line {
    private(set) var text = ""

    mutating func add(_ word: String) {
      if !text.isEmpty { text += " " }
      text += word
    }
  }

  /// Without a newline.
  func line(_ connection: Connection) -> String {
    var line = Line()
    if parts.contains(.extended) {
      line.add(padded(connection.isIPv6 ? "ipv6" : "ipv4"))
      line.add("\(connection.isIPv6 ? Connection.Family.ipv6 : Connection.Family.ipv4)")
    }
    line.add(padded(Self.name(of: connection.protocol)))
    line.add("\(connection.protocol)")
    if !connection.isOffloaded {
      line.add("\(connection.remaining / 1000)")
      if let state = state(of: connection) { line.add(state) }
    }
    let isSplit = connection.original.zone != connection.reply.zone
    add(connection.original, connection.protocol, to: &line)
    if isSplit, connection.original.zone != 0 { line.add("zone-orig=\(connection.original.zone)") }
    add(connection.counts.original, to: &line)
    if connection.status & Connection.Status.seenReply == 0 { line.add("[UNREPLIED]") }
    add(connection.reply, connection.protocol, to: &line)
    if isSplit, connection.reply.zone != 0 { line.add("zone-reply=\(connection.reply.zone)") }
    add(connection.counts.reply, to: &line)
    if let flag = flag(connection.status) { line.add(flag) }
    line.add("mark=\(connection.mark)")
    if !isSplit, connection.original.zone != 0 { line.add("zone=\(connection.original.zone)") }
    addTrailer(connection, to: &line)
    return line.text
  }

  private func addTrailer(_ connection: Connection, to line: inout Line) {
    if !parts.isDisjoint(with: [.timestamp, .ktimestamp]) {
      line.add("delta-time=\(now > connection.start ? now - connection.start : 0)")
    }
    if parts.contains(.ktimestamp) { line.add("[start=\(date(connection.start))]") }
    line.add("use=1")
    if parts.contains(.id) { line.add("id=\(connection.id.rawValue)") }
    if parts.contains(.labels), !connection.labels.isEmpty {
      let bits = (0..<connection.labels.count * 8).filter { connection.labels[$0 / 8] & 1 << ($0 % 8) != 0 }
      line.add("labels=" + bits.map(String.init).joined(separator: ","))
    }
  }

  private func state(of connection: Connection) -> String? {
    switch connection.protocol {
    case Connection.Number.tcp: tcpStates?.name(of: connection.state) ?? "\(connection.state)"
    case Connection.Number.sctp: sctpStates?.name(of: connection.state) ?? "\(connection.state)"
    default: nil
    }
  }

  private func add(_ tuple: Connection.Tuple, _ protocol: UInt8, to line: inout Line) {
    line.add("src=" + tuple.source)
    line.add("dst=" + tuple.destination)
    switch `protocol` {
    case Connection.Number.icmp, Connection.Number.icmpv6:
      line.add("type=\(tuple.destinationPort >> 8)")
      line.add("code=\(tuple.destinationPort & 0xff)")
      line.add("id=\(tuple.sourcePort)")
    case Connection.Number.gre:
      line.add("srckey=0x" + String(tuple.sourcePort, radix: 16))
      line.add("dstkey=0x" + String(tuple.destinationPort, radix: 16))
    case let known where Self.names[known] != nil:
      line.add("sport=\(tuple.sourcePort)")
      line.add("dport=\(tuple.destinationPort)")
    default: break
    }
  }

  private func add(_ count: Connection.Count, to line: inout Line) {
    line.add("packets=\(count.packets)")
    line.add("bytes=\(count.bytes)")
  }

  private func flag(_ status: UInt64) -> String? {
    if status & Connection.Status.offloadedToHardware != 0 { return "[HW_OFFLOAD]" }
    if status & Connection.Status.offloaded != 0 { return "[OFFLOAD]" }
    return status & Connection.Status.assured == 0 ? nil : "[ASSURED]"
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
