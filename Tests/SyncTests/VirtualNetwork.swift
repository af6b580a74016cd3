import Primitives
import TestSupport

/// One direction of a network: datagrams arrive late, out of order, twice, damaged or not at all.
struct VirtualNetwork {
  struct Weather {
    /// Percent of the datagrams.
    var loss = 0.0
    var duplication = 0.0
    var damage = 0.0
    /// Milliseconds that a datagram takes, at most; what is sent after it may take less.
    var delay = 1
  }

  var weather: Weather
  private var chance: SeededGenerator
  private var underWay: [(at: Instant, datagram: [UInt8])] = []
  private(set) var sent = 0
  private(set) var lost = 0
  private(set) var bytes = 0

  init(_ weather: Weather, _ chance: SeededGenerator) { (self.weather, self.chance) = (weather, chance) }

  mutating func send(_ datagram: [UInt8], at now: Instant) {
    sent += 1
    bytes += datagram.count
    guard !chance.happens(weather.loss) else {
      lost += 1
      return
    }
    for _ in 0..<(chance.happens(weather.duplication) ? 2 : 1) {
      var copy = datagram
      if chance.happens(weather.damage) { damage(&copy) }
      underWay.append((now + .milliseconds(UInt64(1 + chance.below(weather.delay))), copy))
    }
  }

  /// Some bits turn, or the end is missing.
  private mutating func damage(_ datagram: inout [UInt8]) {
    if chance.happens(20) {
      datagram.removeLast(1 + chance.below(datagram.count))
    } else {
      let first = chance.below(datagram.count * 8)
      for bit in [first, first ^ (1 + chance.below(64))] where bit < datagram.count * 8 {
        datagram[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
  }

  mutating func arrivals(at now: Instant) -> [[UInt8]] {
    let due = underWay.filter { $0.at <= now }.sorted { $0.at < $1.at }
    underWay.removeAll { $0.at <= now }
    return due.map(\.datagram)
  }
}
