import TestSupport

/// Connections in a dictionary: what netfilter means, written as plainly as can be and sharing nothing with the tracker.
/// Time is 64 bits wide and nothing is ever removed but by a rule.
struct TrackerModel {
  /// A packet's tuple, as netfilter has it: of ICMP the identifier and the message's own type and code.
  struct Flow: Hashable {
    var source: Address
    var destination: Address
    var proto: UInt8
    var a: UInt16
    var b: UInt16

    var isIPv6: Bool { source.isIPv6 }
    var isICMP: Bool { proto == (isIPv6 ? 58 : 1) }

    /// An answer to an ICMP query: it opens nothing.
    var isAnswer: Bool { isICMP && ![8, 13, 15, 17, 128, 139].contains(b >> 8) }

    /// The tuple of an answer.
    var inverse: Flow {
      guard isICMP else { return Flow(source: destination, destination: source, proto: proto, a: b, b: a) }
      let other: [UInt16: UInt16] = [0: 8, 8: 0, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17]
      let other6: [UInt16: UInt16] = [128: 129, 129: 128, 139: 140, 140: 139]
      let type = (isIPv6 ? other6 : other)[b >> 8]!
      return Flow(source: destination, destination: source, proto: proto, a: a, b: type << 8 | b & 0xFF)
    }
  }

  /// What a packet is to a tracker.
  enum Kind: Hashable {
    case flow(Flow, bytes: UInt64)
    /// An ICMP error for this host that quotes a packet.
    case error(about: Flow, to: Address)
    case untracked
    case invalid
  }

  struct Zones: Hashable {
    var original: UInt16
    var reply: UInt16
  }

  struct Connection {
    var flow: Flow
    var zones: Zones
    var deadline: UInt64
    var begun: UInt64
    var isReplied = false
    var isAssured = false
    var packets: [UInt64] = [1, 0]
    var bytes: [UInt64]
    /// Where the tracker says it keeps it.
    var slot = -1
    var generation: UInt32 = 0
  }

  /// One of the two tuples of a connection, where it lives.
  private struct Key: Hashable {
    var flow: Flow
    var zone: UInt16
    var isReply: Bool
  }
  private struct Source: Hashable {
    var address: Address
    var zone: UInt16
  }

  private(set) var connections: [Int: Connection] = [:]
  private var keys: [Key: Int] = [:]
  private var nextID = 0
  private var byZone: [UInt16: Int] = [:]
  private var bySource: [Source: Int] = [:]
  var limits = Limits()
  /// Seconds, by zone, where they differ from netfilter's.
  var udpTimeout: [UInt16: UInt64] = [:]
  /// Milliseconds.
  var now: UInt64 = 0

  struct Limits {
    var total = Int.max
    var zone: [UInt16: Int] = [:]
    var source = Int.max
  }

  /// What a packet is found to be. `opens`: it opens this connection, if it is let through.
  struct Answer {
    var words: String
    var opens: Connection?
    var connection: Int?

    init(_ words: String, opens: Connection? = nil, connection: Int? = nil) {
      (self.words, self.opens, self.connection) = (words, opens, connection)
    }
  }

  // MARK: Packets

  mutating func judge(_ kind: Kind, _ zones: Zones) -> Answer {
    switch kind {
    case .untracked: return Answer("untracked")
    case .invalid: return Answer("invalid")
    case .error(let quoted, let receiver):
      guard let (id, isReply) = find(quoted.inverse, zones), !isOver(id), receiver == quoted.source else {
        return Answer("invalid")
      }
      return Answer(isReply ? "related_r" : "related_o", connection: id)
    case .flow(let flow, let bytes): return follow(flow, bytes, zones)
    }
  }

  private mutating func follow(_ flow: Flow, _ bytes: UInt64, _ zones: Zones) -> Answer {
    while let (id, isReply) = find(flow, zones) {
      if isOver(id) {
        remove(id)
        continue
      }
      var connection = connections[id]!
      let timeout = timeout(of: connection)
      connection.deadline = nextSecond + timeout.seconds * 1000
      if timeout.assures { connection.isAssured = true }
      connection.packets[isReply ? 1 : 0] += 1
      connection.bytes[isReply ? 1 : 0] += bytes
      if isReply { connection.isReplied = true }
      connections[id] = connection
      let words = isReply ? "established_r" : connection.isReplied ? "established_o" : "new_o"
      return Answer(words, connection: id)
    }
    if flow.isAnswer { return Answer("invalid") }
    var connection = Connection(flow: flow, zones: zones, deadline: 0, begun: now, bytes: [bytes, 0])
    connection.deadline = nextSecond + timeout(of: connection).seconds * 1000
    return Answer("new_o", opens: connection)
  }

  /// netfilter's defaults; whether a packet that now follows makes the connection assured.
  private func timeout(of connection: Connection) -> (seconds: UInt64, assures: Bool) {
    let udp = udpTimeout[connection.zones.original] ?? 30
    switch connection.flow.proto {
    case 17: return connection.isReplied && now > connection.begun + 2000 ? (120, true) : (udp, false)
    case 136: return connection.isReplied ? (120, true) : (30, false)
    case 47: return connection.isReplied ? (180, true) : (30, false)
    default: return connection.flow.isICMP ? (30, false) : (600, false)
    }
  }

  /// The connection one of whose tuples this is, and which.
  private func find(_ flow: Flow, _ zones: Zones) -> (Int, isReply: Bool)? {
    // Of two equal tuples Linux finds the reply, which it puts in front.
    if flow == flow.inverse, zones.original == zones.reply {
      return keys[Key(flow: flow, zone: zones.reply, isReply: true)].map { ($0, true) }
    }
    if let id = keys[Key(flow: flow, zone: zones.original, isReply: false)] { return (id, false) }
    if let id = keys[Key(flow: flow, zone: zones.reply, isReply: true)] { return (id, true) }
    return nil
  }

  private var nextSecond: UInt64 { (now + 999) / 1000 * 1000 }
  func isOver(_ id: Int) -> Bool { connections[id]!.deadline <= now }

  // MARK: Begin and end

  /// The words for what would refuse the connection, a full table apart.
  mutating func refusal(of connection: Connection) -> String? {
    if let holder = keys[Key(flow: connection.flow.inverse, zone: connection.zones.reply, isReply: true)] {
      if !isOver(holder) { return "tupleTaken" }
      remove(holder)
    }
    let zone = connection.zones.original
    if byZone[zone, default: 0] >= limits.zone[zone] ?? .max { return "zoneReached" }
    if connections.count >= limits.total { return "totalReached" }
    let source = Source(address: connection.flow.source, zone: zone)
    if bySource[source, default: 0] >= limits.source { return "sourceReached" }
    return nil
  }

  mutating func add(_ connection: Connection) {
    connections[nextID] = connection
    keys[Key(flow: connection.flow, zone: connection.zones.original, isReply: false)] = nextID
    keys[Key(flow: connection.flow.inverse, zone: connection.zones.reply, isReply: true)] = nextID
    byZone[connection.zones.original, default: 0] += 1
    bySource[Source(address: connection.flow.source, zone: connection.zones.original), default: 0] += 1
    nextID += 1
  }

  mutating func remove(_ id: Int) {
    let connection = connections.removeValue(forKey: id)!
    keys[Key(flow: connection.flow, zone: connection.zones.original, isReply: false)] = nil
    keys[Key(flow: connection.flow.inverse, zone: connection.zones.reply, isReply: true)] = nil
    byZone[connection.zones.original, default: 0] -= 1
    bySource[Source(address: connection.flow.source, zone: connection.zones.original), default: 0] -= 1
  }
}
