internal import Segment

/// What the live view shows of a forwarder: its counters as they stood at one reading.
struct Figures: Equatable {
  struct Traffic: Equatable {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
  }

  struct Port: Equatable {
    var name: String
    var isUp = true
    /// As the lcores count them, which is at most a millisecond old.
    var received = Traffic()
    var sent = Traffic()
    /// As the driver counts them: packets missed, in error, or without a buffer; packets it failed to send.
    var missed: UInt64 = 0
    var failed: UInt64 = 0
  }

  struct Lcore: Equatable {
    var lcore: UInt64
    var state = ""
    var received = Traffic()
    var sent = Traffic()
    var dropped: UInt64 = 0
    var held: UInt64 = 0
    /// Cycles, also of the two below.
    var busy: UInt64 = 0
    var idle: UInt64 = 0
    var asleep: UInt64 = 0
  }

  struct Pool: Equatable {
    var name: String
    var size: UInt64
    var inUse: UInt64
  }

  /// Nanoseconds of CLOCK_MONOTONIC.
  var at: UInt64
  var ports: [Port] = []
  var lcores: [Lcore] = []
  /// Packets by reason, over all lcores.
  var drops: [(reason: String, packets: UInt64)] = []
  var pools: [Pool] = []

  static func == (a: Figures, b: Figures) -> Bool {
    a.at == b.at && a.ports == b.ports && a.lcores == b.lcores && a.drops.elementsEqual(b.drops, by: ==)
      && a.pools == b.pools
  }
}

extension Figures {
  /// Reads each record once.
  init(_ reader: SegmentReader, at now: UInt64) throws(SegmentError) {
    at = now
    let lcores = try reader.kind("lcores", having: ["lcore", "rx_packets", "tx_packets", "dropped"])
    let queues = try reader.kind("queues", having: ["port", "direction", "packets", "bytes"])
    let drops = try reader.kind("drops", having: ["reason", "packets"])
    var traffic: [UInt64: (received: Traffic, sent: Traffic)] = [:]
    for shard in 0..<lcores.shards {
      let moment = reader.moment(of: [lcores, queues, drops], shard: shard)
      self.lcores += moment.records[0].map { Lcore($0) }
      for queue in moment.records[1] {
        let direction: WritableKeyPath<(received: Traffic, sent: Traffic), Traffic> =
          queue["direction"] == .text("rx") ? \.received : \.sent
        let (port, own) = (queue.number("port") ?? 0, Traffic(queue))
        traffic[port, default: (Traffic(), Traffic())][keyPath: direction].packets &+= own.packets
        traffic[port, default: (Traffic(), Traffic())][keyPath: direction].bytes &+= own.bytes
      }
      for (place, drop) in moment.records[2].enumerated() {
        if place == self.drops.count { self.drops.append((drop["reason"]?.description ?? "?", 0)) }
        self.drops[place].packets &+= drop.number("packets") ?? 0
      }
    }
    ports = reader.records(of: try reader.kind("ports", having: ["port", "name"])).map { record in
      let own = traffic[record.number("port") ?? 0] ?? (Traffic(), Traffic())
      let missed = ["rx_missed", "rx_errors", "rx_nombuf"].reduce(0) { $0 &+ (record.number($1) ?? 0) }
      return Port(
        name: record["name"]?.description ?? "?", isUp: record.number("link") != 0, received: own.received,
        sent: own.sent, missed: missed, failed: record.number("tx_errors") ?? 0)
    }
    pools = reader.records(of: try reader.kind("mempools", having: ["name", "size", "in_use"])).map { record in
      Pool(
        name: record["name"]?.description ?? "?", size: record.number("size") ?? 0, inUse: record.number("in_use") ?? 0)
    }
  }
}

extension Figures.Traffic {
  /// - Parameter queue: a record with `packets` and `bytes`.
  fileprivate init(_ queue: Record) {
    packets = queue.number("packets") ?? 0
    bytes = queue.number("bytes") ?? 0
  }
}

extension Figures.Lcore {
  init(_ record: Record) {
    lcore = record.number("lcore") ?? 0
    state = record["state"]?.description ?? ""
    received = Figures.Traffic(packets: record.number("rx_packets") ?? 0, bytes: record.number("rx_bytes") ?? 0)
    sent = Figures.Traffic(packets: record.number("tx_packets") ?? 0, bytes: record.number("tx_bytes") ?? 0)
    dropped = record.number("dropped") ?? 0
    held = record.number("held") ?? 0
    busy = record.number("cycles_busy") ?? 0
    idle = record.number("cycles_idle") ?? 0
    asleep = record.number("cycles_sleep") ?? 0
  }
}
