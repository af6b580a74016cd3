import CSegment
import Primitives
import Segment
import TestSupport

/// Connections as they come.
enum Samples {
  static let protocols: [UInt8] = [1, 6, 17, 33, 47, 50, 58, 132, 136, 0, 255]

  /// Any connection that a table may hold, whole: unused bytes are zero.
  static func connection(_ random: inout SeededGenerator) -> Connection {
    var connection = Connection()
    connection.id = ConnectionID(rawValue: random.next())
    connection.protocol = protocols.randomElement(using: &random)!
    connection.isIPv6 = connection.protocol == 58 || connection.protocol != 1 && Bool.random(using: &random)
    connection.original = tuple(connection, &random)
    connection.reply = connection.original.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6)
    if random.next() % 4 == 0 { connection.reply.destination = address(isIPv6: connection.isIPv6, &random) }
    if random.next() % 4 == 0 { connection.reply.zone = UInt16.random(in: 0...3, using: &random) }
    connection.counts = (count(&random), count(&random))
    connection.status = UInt16(truncatingIfNeeded: random.next())
    connection.mark = random.next() % 2 == 0 ? 0 : UInt32(truncatingIfNeeded: random.next())
    if random.next() % 3 == 0 { connection.labels = Connection.Labels(low: random.next(), high: random.next()) }
    connection.start = UInt32(truncatingIfNeeded: random.next())
    connection.remaining = UInt32.random(in: 0...432_000_000, using: &random)
    connection.deadline = UInt32(truncatingIfNeeded: random.next())
    if random.next() % 2 == 0 {
      connection.cached = (UInt16(truncatingIfNeeded: random.next()), UInt8.random(in: 0..<4, using: &random), 255)
    } else {
      connection.cached = (0, 255, 255)
    }
    fillDetails(&connection, &random)
    return connection
  }

  private static func fillDetails(_ connection: inout Connection, _ random: inout SeededGenerator) {
    func word() -> UInt32 { UInt32(truncatingIfNeeded: random.next()) }
    func side() -> dpdkfwd_ct_tcp_side {
      dpdkfwd_ct_tcp_side(end: word(), max_end: word(), max_window: word(), max_ack: word())
    }
    func byte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }
    switch connection.protocol {
    case 6:
      connection.state = UInt8.random(in: 0...9, using: &random)
      connection.details = dpdkfwd_ct_tcp(
        original: side(), reply: side(), last_sequence: word(), last_acknowledgement: word(), last_end: word(),
        last_window: UInt16(truncatingIfNeeded: word()), flags_original: byte(), flags_reply: byte(), scales: byte(),
        last_segment: byte(), last_flags: byte(), retransmissions: byte())
    case 132:
      connection.state = UInt8.random(in: 0...8, using: &random)
      connection.tags = (word(), word())
      connection.details.last_sequence = word() & 1
      connection.details.last_acknowledgement = word() & 1
      (connection.details.flags_original, connection.details.flags_reply) = (byte(), byte())
    case 17, 136: connection.details.original.end = word()
    default: break
    }
  }

  static func count(_ random: inout SeededGenerator) -> Connection.Count {
    Connection.Count(packets: random.next() % 3 == 0 ? 0 : random.next(), bytes: random.next() >> 20)
  }

  static func tuple(_ connection: Connection, _ random: inout SeededGenerator) -> Connection.Tuple {
    func port() -> UInt16 { UInt16(truncatingIfNeeded: random.next()) }
    var tuple = Connection.Tuple(
      source: address(isIPv6: connection.isIPv6, &random), destination: address(isIPv6: connection.isIPv6, &random),
      zone: random.next() % 2 == 0 ? 0 : port())
    if [1, 6, 17, 47, 58, 132, 136].contains(connection.protocol) {
      (tuple.sourcePort, tuple.destinationPort) = (port(), port())
    }
    return tuple
  }

  static func address(isIPv6: Bool, _ random: inout SeededGenerator) -> IPv6Address {
    guard isIPv6 else { return IPv6Address(ipv4: IPv4Address(bits: UInt32(truncatingIfNeeded: random.next()))) }
    // Also those whose text is something special.
    return switch random.next() % 5 {
    case 0: IPv6Address(high: 0, low: random.next() >> 32)
    case 1: IPv6Address(high: 0, low: 0xffff_0000_0000 | random.next() >> 32)
    case 2: IPv6Address(high: 0x2001_0db8_0000_0000, low: random.next() & 0xff)
    case 3: IPv6Address(high: 0, low: random.next() & 0xffff)
    default: IPv6Address(high: random.next(), low: random.next())
    }
  }
}

/// All of it, byte by byte: tuples of tuples have no equality.
func bytes(_ connection: Connection) -> String {
  let detail = unsafe withUnsafeBytes(of: connection.details) { unsafe Array($0) }
  return """
    \(connection.id) \(connection.isIPv6) \(connection.protocol) \(connection.original) \(connection.reply) \
    \(connection.counts) \(connection.status) \(connection.state) \(connection.mark) \(connection.labels) \
    \(connection.start) \(connection.remaining) \(connection.deadline) \(detail) \(connection.cached)
    """
}
