import Primitives
import Segment
import Testing

/// C31: which connections a filter takes, condition by condition.
struct ConnectionFilterTests {
  private static let four: Connection = {
    var connection = Connection()
    connection.id = ConnectionID(shard: 1, epoch: 2, slot: 3, generation: 4)
    connection.protocol = 6
    connection.original = Connection.Tuple(
      source: IPv6Address(ipv4: IPv4Address(bits: 0x0A00_0102)),
      destination: IPv6Address(ipv4: IPv4Address(bits: 0xC000_0250)), sourcePort: 4000, destinationPort: 80, zone: 5)
    connection.reply = connection.original.turned(isICMP: false, isIPv6: false)
    connection.reply.zone = 0
    connection.status = 0b1110
    connection.state = 3
    connection.mark = 0xAB12
    connection.labels = Connection.Labels(low: 0b101, high: 1 << 40)
    return connection
  }()

  private static let six: Connection = {
    var connection = four
    connection.isIPv6 = true
    connection.original.source = IPv6Address(high: 0x2001_0DB8_1234_5678, low: 0x9ABC_DEF0_1122_3344)
    connection.original.destination = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1)
    connection.reply = connection.original.turned(isICMP: false, isIPv6: true)
    return connection
  }()

  private func filter(_ set: (inout ConnectionFilter) -> Void) -> ConnectionFilter {
    var filter = ConnectionFilter()
    set(&filter)
    return filter
  }

  @Test func `no condition takes everything`() {
    #expect(ConnectionFilter().isEmpty)
    #expect(ConnectionFilter().takes(Self.four) && ConnectionFilter().takes(Self.six))
  }

  /// Each condition: what takes the connection, and what does not.
  private typealias Setting = @Sendable (inout ConnectionFilter) -> Void
  private static let conditions: [(ConnectionFilter.Conditions, Setting, Setting)] = [
    (.id, { $0.id = four.id }, { $0.id = ConnectionID(rawValue: four.id.rawValue + 1) }),
    (.family, { $0.isIPv6 = false }, { $0.isIPv6 = true }),
    (.protocol, { $0.protocol = 6 }, { $0.protocol = 17 }),
    (.mark, { $0.mark = 0xAB12 }, { $0.mark = 0xAB13 }),
    (.mark, { ($0.mark, $0.markMask) = (0x12, 0xFF) }, { ($0.mark, $0.markMask) = (0x13, 0xFF) }),
    (.mark, { ($0.mark, $0.markMask) = (0, 0) }, { ($0.mark, $0.markMask) = (1, 0) }),
    (.status, { ($0.status, $0.statusMask) = (0b0100, 0b0100) }, { ($0.status, $0.statusMask) = (0b0001, 0b0001) }),
    (.status, { ($0.status, $0.statusMask) = (0, 0b0001) }, { ($0.status, $0.statusMask) = (0, 0b0010) }),
    (.state, { $0.state = 3 }, { $0.state = 4 }),
    (.labels, { $0.labels = .init(low: 1, high: 1 << 40) }, { $0.labels = .init(low: 2) }),
    (.labels, { $0.labels = .init() }, { $0.labels = .init(low: 1, high: 1 << 41) }),
    (.zone, { $0.zone = 5 }, { $0.zone = 6 }),
    (.zone, { $0.zone = 0 }, { $0.zone = 1 }),
    (.originalZone, { $0.originalZone = 5 }, { $0.originalZone = 0 }),
    (.replyZone, { $0.replyZone = 0 }, { $0.replyZone = 5 }),
  ]

  @Test(arguments: conditions.indices)
  func `each condition takes what it says and nothing else`(_ i: Int) {
    let (condition, takes, refuses) = Self.conditions[i]
    let meant = filter { takes(&$0) }
    let other = filter { refuses(&$0) }
    #expect(meant.isEmpty && other.takes(Self.four), "a value alone is no condition")
    let set = { (filter: ConnectionFilter) in
      var filter = filter
      filter.conditions = condition
      return filter
    }
    #expect(!set(meant).isEmpty && set(meant).takes(Self.four))
    #expect(!set(other).takes(Self.four))
  }

  @Test func `all conditions must hold`() {
    let both = filter {
      $0.conditions = [.protocol, .mark]
      ($0.protocol, $0.mark) = (6, 0xAB12)
    }
    #expect(both.takes(Self.four))
    var one = both
    one.mark = 1
    #expect(!one.takes(Self.four))
  }

  @Test func `verification tags are those of each direction`() {
    var association = Self.four
    association.protocol = 132
    association.tags = (7, 8)
    let tags = filter {
      $0.conditions = [.originalTag, .replyTag]
      $0.tags = (7, 8)
    }
    #expect(tags.takes(association))
    association.tags = (8, 7)
    #expect(!tags.takes(association))
  }

  /// Bit by bit: as many leading bits as the prefix has decide, and no other.
  @Test(arguments: [false, true])
  func `a prefix of any length compares just its bits`(isIPv6: Bool) {
    let connection = isIPv6 ? Self.six : Self.four
    let length = isIPv6 ? 128 : 32
    for bits in 0...length {
      for flipped in 0..<length {
        let mask =
          flipped < 64 ? (UInt64(1) << UInt64(63 - flipped), UInt64(0)) : (0, UInt64(1) << UInt64(127 - flipped))
        for isSource in [true, false] {
          let prefix = filter {
            let ends = connection.original
            $0.original.tuple = ends
            let address = isSource ? ends.source : ends.destination
            let other = IPv6Address(high: address.high ^ mask.0, low: address.low ^ mask.1)
            if isSource {
              ($0.original.tuple.source, $0.original.sourceBits) = (other, UInt8(bits))
            } else {
              ($0.original.tuple.destination, $0.original.destinationBits) = (other, UInt8(bits))
            }
          }
          #expect(prefix.takes(connection) == (flipped >= bits), "/\(bits), bit \(flipped)")
        }
      }
    }
  }

  @Test func `ports and directions are compared where they were given`() {
    let source = filter { ($0.original.hasSourcePort, $0.original.tuple.sourcePort) = (true, 4000) }
    let swapped = filter { ($0.reply.hasSourcePort, $0.reply.tuple.sourcePort) = (true, 4000) }
    let answer = filter { ($0.reply.hasSourcePort, $0.reply.tuple.sourcePort) = (true, 80) }
    #expect(source.takes(Self.four) && !swapped.takes(Self.four) && answer.takes(Self.four))
    let destination = filter { ($0.original.hasDestinationPort, $0.original.tuple.destinationPort) = (true, 80) }
    #expect(destination.takes(Self.four) && !destination.isEmpty)
  }

  /// ICMP: the type alone, the code alone, or both.
  @Test func `a type may be given without its code`() {
    var query = Self.four
    query.protocol = 1
    query.original.destinationPort = 8 << 8 | 3
    let type = { (value: UInt16, mask: UInt16) in
      self.filter {
        $0.original.hasDestinationPort = true
        $0.original.tuple.destinationPort = value
        $0.original.destinationPortMask = mask
      }
    }
    #expect(type(8 << 8, 0xFF00).takes(query) && !type(8 << 8, 0xFFFF).takes(query))
    #expect(type(3, 0x00FF).takes(query) && !type(13 << 8, 0xFF00).takes(query))
  }

  /// The quick look refuses nothing that the whole one takes.
  @Test func `what is taken is likely`() {
    for (condition, takes, _) in Self.conditions {
      var meant = filter { takes(&$0) }
      meant.conditions = condition
      let one = Self.four
      #expect(
        meant.isLikely(
          zone: one.original.zone, protocol: one.protocol, isIPv6: one.isIPv6, status: one.status, mark: one.mark,
          state: one.state))
    }
  }
}
