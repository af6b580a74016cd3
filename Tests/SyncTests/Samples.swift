import CSegment
import Primitives
import Segment
import TestSupport

@testable import Sync

extension SeededGenerator {
  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  mutating func happens(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &self) < percent }
  mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number {
    Number(truncatingIfNeeded: next())
  }

  /// A connection with something in every field that its protocol has.
  mutating func connection(_ protocol: UInt8? = nil, isIPv6: Bool? = nil) -> Connection {
    var connection = Connection()
    connection.id = ConnectionID(rawValue: next())
    connection.isIPv6 = isIPv6 ?? happens(50)
    connection.protocol = `protocol` ?? [1, 6, 6, 6, 17, 17, 33, 47, 50, 58, 132, 136][below(12)]
    connection.original = tuple(isIPv6: connection.isIPv6)
    connection.reply = connection.original.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6)
    if happens(30) { connection.reply = tuple(isIPv6: connection.isIPv6) }
    if happens(50) { connection.counts = (count(), count()) }
    connection.status = number() & 0x3cff
    connection.mark = happens(50) ? number() : 0
    connection.labels = happens(50) ? Connection.Labels(low: next(), high: next()) : Connection.Labels()
    connection.start = happens(10) ? 0 : 1_700_000_000 + UInt32(below(100_000))
    connection.remaining = UInt32(below(432_000_000))
    connection.deadline = connection.remaining &+ number()
    fillDetails(of: &connection)
    return connection
  }

  private mutating func tuple(isIPv6: Bool) -> Connection.Tuple {
    Connection.Tuple(
      source: address(isIPv6), destination: address(isIPv6), sourcePort: number(), destinationPort: number(),
      zone: happens(50) ? number() : 0)
  }

  private mutating func address(_ isIPv6: Bool) -> IPv6Address {
    isIPv6 ? IPv6Address(high: next(), low: next()) : IPv6Address(ipv4: IPv4Address(bits: number()))
  }

  private mutating func count() -> Connection.Count { Connection.Count(packets: next(), bytes: next()) }

  private mutating func fillDetails(of connection: inout Connection) {
    switch connection.protocol {
    case Connection.Number.tcp:
      connection.state = UInt8(below(10))
      connection.details = dpdkfwd_ct_tcp(
        original: side(), reply: side(), last_sequence: number(), last_acknowledgement: number(), last_end: number(),
        last_window: number(), flags_original: number(), flags_reply: number(), scales: number(),
        last_segment: number(), last_flags: number(), retransmissions: number())
    case Connection.Number.sctp:
      connection.state = UInt8(below(9))
      connection.tags = (number(), number())
      connection.details.last_sequence = number()
      connection.details.last_acknowledgement = number()
      connection.details.flags_original = number()
      connection.details.flags_reply = number()
    case Connection.Number.udp, Connection.Number.udplite:
      let now = connection.deadline &- connection.remaining
      connection.details.original.end = now &+ UInt32(below(2000))
    default: break
    }
  }

  private mutating func side() -> dpdkfwd_ct_tcp_side {
    dpdkfwd_ct_tcp_side(end: number(), max_end: number(), max_window: number(), max_ack: number())
  }
}

extension Connection {
  /// All that another forwarder is to know of it, as lines that can be compared. Times are what is left of them.
  var facts: [String] {
    var details = details
    if [Number.udp, Number.udplite].contains(self.protocol) { details.original.end &-= deadline &- remaining }
    return [
      "id \(id.rawValue)", "l3 \(isIPv6) l4 \(self.protocol)", "original \(original)", "reply \(reply)",
      "counts \(counts)", "status \(status) state \(state)", "mark \(mark)", "labels \(labels)", "start \(start)",
      "remaining \(remaining)", "details \(details)",
    ]
  }
}

extension SyncMessage {
  /// The message in a frame, read back.
  static func throughFrame(_ messages: [SyncMessage], now: UInt32 = 0) throws -> [SyncMessage] {
    var bytes: [UInt8] = []
    for message in messages { message.append(to: &bytes, now: now) }
    return try Array(
      SyncFrame(SyncFrame.encode(.numbered, session: 1, sequence: 1, messages: bytes)).messages(now: now))
  }

  var connection: Connection? { if case .up(let connection, _) = self { connection } else { nil } }
}
