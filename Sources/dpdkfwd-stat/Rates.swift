internal import Inspection

/// What happened between two readings, by the second.
struct Rates {
  struct Flow {
    var packets = 0.0
    /// Ethernet frames as the ports hand them over, without preamble and checksum.
    var bits = 0.0

    static func + (a: Flow, b: Flow) -> Flow { Flow(packets: a.packets + b.packets, bits: a.bits + b.bits) }
  }

  struct Port {
    var figures: Figures.Port
    var received: Flow
    var sent: Flow
    var missed: Double
    var failed: Double
  }

  struct Lcore {
    var figures: Figures.Lcore
    var received: Flow
    var sent: Flow
    var dropped: Double
    /// Of the time, 0 to 1; `nil` when it did not run.
    var busy: Double?
  }

  struct Drop {
    var reason: String
    var packets: UInt64
    var rate: Double
  }

  let ports: [Port]
  let lcores: [Lcore]
  let drops: [Drop]
  let pools: [Figures.Pool]

  /// Readings of one run, the later one second.
  init(from old: Figures, to new: Figures) {
    let seconds = Double(new.at > old.at ? new.at - old.at : 0) / 1e9
    /// Counters of one run only grow; whatever else a damaged segment says is no rate.
    func rate(_ old: UInt64?, _ new: UInt64) -> Double {
      guard seconds > 0, let old, new >= old else { return 0 }
      return Double(new - old) / seconds
    }
    func flow(_ old: Figures.Traffic?, _ new: Figures.Traffic) -> Flow {
      Flow(packets: rate(old?.packets, new.packets), bits: 8 * rate(old?.bytes, new.bytes))
    }
    ports = new.ports.map { port in
      let before = old.ports.first { $0.name == port.name }
      return Port(
        figures: port, received: flow(before?.received, port.received), sent: flow(before?.sent, port.sent),
        missed: rate(before?.missed, port.missed), failed: rate(before?.failed, port.failed))
    }
    lcores = new.lcores.map { lcore in
      let before = old.lcores.first { $0.lcore == lcore.lcore }
      return Lcore(
        figures: lcore, received: flow(before?.received, lcore.received), sent: flow(before?.sent, lcore.sent),
        dropped: rate(before?.dropped, lcore.dropped), busy: before.flatMap { lcore.busyShare(since: $0) })
    }
    drops = zip(new.drops.indices, new.drops).filter { $1.packets > 0 }.map { place, drop in
      Drop(
        reason: drop.reason, packets: drop.packets,
        rate: rate(place < old.drops.count ? old.drops[place].packets : nil, drop.packets))
    }
    pools = new.pools
  }

  var received: Flow { ports.reduce(Flow()) { $0 + $1.received } }
  var sent: Flow { ports.reduce(Flow()) { $0 + $1.sent } }
  var dropped: Double { lcores.reduce(0) { $0 + $1.dropped } }
  /// On average; `nil` when no lcore ran.
  var busy: Double? {
    let shares = lcores.compactMap(\.busy)
    return shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
  }
}

extension Figures.Lcore {
  /// The share of the cycles since an earlier reading that busy rounds took.
  func busyShare(since old: Figures.Lcore) -> Double? {
    guard busy >= old.busy, idle >= old.idle, asleep >= old.asleep else { return nil }
    let spent = Double(busy - old.busy)
    let all = spent + Double(idle - old.idle) + Double(asleep - old.asleep)
    return all > 0 ? spent / all : nil
  }
}

/// A number in four significant places or less and with a prefix: 14.2M, 987k, 12.
func scaled(_ number: Double, _ unit: String = "") -> String {
  let prefixes = ["", "k", "M", "G", "T", "P", "E"]
  var (rest, place) = (number, 0)
  while rest >= 999.5, place < prefixes.count - 1 {
    rest /= 1000
    place += 1
  }
  let digits = rest >= 99.95 || (place == 0 && rest == rest.rounded()) ? 0 : rest >= 9.995 ? 1 : 2
  let scale = [1.0, 10, 100][digits]
  let figure = UInt64((rest * scale).rounded())
  return (digits == 0 ? "\(figure)" : decimal(figure, digits: digits)) + prefixes[place] + unit
}

func percent(_ share: Double?) -> String {
  share.map { decimal(UInt64(max(0, $0 * 1000).rounded()), digits: 1) + "%" } ?? "-"
}
