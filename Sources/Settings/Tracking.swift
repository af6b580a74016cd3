public import Conntrack
public import Primitives

/// From when on the outcome of a connection is remembered and its packets skip the policy.
public enum CacheAfter: String, CaseIterable, Sendable {
  /// It has been seen to work both ways.
  case assured
  /// A packet has come back.
  case reply
  /// Its first packet has been let through.
  case confirmed
}

/// What becomes of a packet that opens a connection.
public enum NewPolicy: String, CaseIterable, Sendable { case accept, drop }

/// What the operator chose for connection tracking: the tables [conntrack] and [timeouts].
public struct TrackingSettings: Equatable, Sendable {
  public internal(set) var isEnabled = true
  /// Connections that each worker has room for.
  public internal(set) var connections = 131_072
  /// Connections of all workers together; `nil`: what they have room for.
  public internal(set) var connectionsTotal: Int?
  /// Extensions that each worker has room for; `nil`: one for each connection.
  public internal(set) var extensions: Int?
  /// Whether a packet whose transport checksum is wrong is invalid; `nil`: if `rx-checksum` has it verified.
  public internal(set) var checksum: Bool?
  /// Whether the outcome of connections is remembered, and from when on.
  public internal(set) var cache = true
  public internal(set) var cacheAfter = CacheAfter.assured
  /// Percent of a worker's connections that only assured traffic may fill.
  public internal(set) var reserve = 10
  /// The time in which the sweep for expired connections passes over a worker's table once.
  public internal(set) var sweepInterval = Interval.milliseconds(5000)
  /// Connections that one address may have open; `nil`: as many as there are.
  public internal(set) var sourceLimit: Int?
  /// Connections of each zone that has no limit of its own; `nil`: as many as there are.
  public internal(set) var zoneLimit: Int?
  /// What trackers are told in every zone that does not say otherwise.
  public internal(set) var policy = PolicySettings.standard
  /// By number.
  public internal(set) var zones: [ZoneSettings] = []

  /// Extensions that each worker has room for.
  public var extensionCount: Int { extensions ?? connections }

  /// What trackers are told in this zone.
  public func policy(zone: UInt16) -> PolicySettings {
    guard let own = zones.first(where: { $0.id == zone })?.policy else { return policy }
    return policy.overridden(by: own)
  }

  /// Connections that this zone may have; `nil`: as many as there are.
  public func limit(zone: UInt16) -> Int? { zones.first { $0.id == zone }?.limit ?? zoneLimit }
}

/// What trackers are told: netfilter's switches and timeouts. `nil` where a zone follows the others.
public struct PolicySettings: Equatable, Sendable {
  public internal(set) var tcpLoose: Bool?
  public internal(set) var tcpLiberal: Bool?
  public internal(set) var tcpIgnoresInvalidReset: Bool?
  public internal(set) var tcpMaxRetransmissions: Int?
  /// Whether packets of one direction may take another way, past this forwarder.
  public internal(set) var isAsymmetric: Bool?
  /// Seconds; those that are missing follow the others too.
  public internal(set) var timeouts: [Timeout: UInt32] = [:]

  /// netfilter's defaults.
  static var standard: PolicySettings {
    var policy = PolicySettings()
    policy.tcpLoose = true
    policy.tcpLiberal = false
    policy.tcpIgnoresInvalidReset = false
    policy.tcpMaxRetransmissions = 3
    policy.isAsymmetric = false
    for timeout in Timeout.allCases { policy.timeouts[timeout] = timeout.standard }
    return policy
  }

  func overridden(by zone: PolicySettings) -> PolicySettings {
    var policy = self
    policy.tcpLoose = zone.tcpLoose ?? tcpLoose
    policy.tcpLiberal = zone.tcpLiberal ?? tcpLiberal
    policy.tcpIgnoresInvalidReset = zone.tcpIgnoresInvalidReset ?? tcpIgnoresInvalidReset
    policy.tcpMaxRetransmissions = zone.tcpMaxRetransmissions ?? tcpMaxRetransmissions
    policy.isAsymmetric = zone.isAsymmetric ?? isAsymmetric
    policy.timeouts.merge(zone.timeouts) { $1 }
    return policy
  }

  /// In seconds.
  public func seconds(_ timeout: Timeout) -> UInt32 { timeouts[timeout] ?? timeout.standard }

  /// The timeouts as trackers read them; the caller keeps them as long as a policy that lends them.
  public func timeoutTable() -> TimeoutTable {
    var table = TimeoutTable()
    for (timeout, seconds) in timeouts { table.set(timeout, seconds: seconds) }
    return table
  }

  /// - Parameter timeouts: of a table that outlives the policy.
  public func trackingPolicy(_ timeouts: Timeouts) -> TrackingPolicy {
    var policy = TrackingPolicy(timeouts: timeouts)
    policy.tcpLoose = tcpLoose ?? policy.tcpLoose
    policy.tcpLiberal = tcpLiberal ?? policy.tcpLiberal
    policy.tcpIgnoresInvalidReset = tcpIgnoresInvalidReset ?? policy.tcpIgnoresInvalidReset
    policy.tcpMaxRetransmissions = tcpMaxRetransmissions.map { UInt8($0) } ?? policy.tcpMaxRetransmissions
    policy.isAsymmetric = isAsymmetric ?? policy.isAsymmetric
    return policy
  }
}

/// A zone: which packets are in it, and what holds for its connections.
public struct ZoneSettings: Equatable, Sendable {
  /// Which direction of a connection the zone is part of; a connection is in zone 0 in the other one. netfilter's
  /// `ct zone set`, `ct original zone set`, `ct reply zone set`.
  public enum Sides: String, CaseIterable, Sendable { case both, original, reply }

  public internal(set) var id: UInt16
  /// Ingress ports; empty: any, if there are VLANs, else none.
  public internal(set) var ports: [Int] = []
  /// Outermost VLAN ids; empty: any, and packets without one.
  public internal(set) var vlans: [Int] = []
  public internal(set) var sides = Sides.both
  /// Connections it may have; `nil`: what is said for all zones.
  public internal(set) var limit: Int?
  public internal(set) var policy = PolicySettings()

  /// The zone's own claims on packets: port and VLAN, VLAN, or port. `nil` stands for any.
  var claims: [ZoneClaim] {
    let ports = ports.isEmpty ? [nil] : ports.map { Optional($0) }
    let vlans = vlans.isEmpty ? [nil] : vlans.map { Optional($0) }
    return ports.flatMap { port in vlans.map { ZoneClaim(port: port, vlan: $0) } }.filter { $0 != ZoneClaim() }
  }
}

/// Packets that a zone claims.
struct ZoneClaim: Hashable, Comparable {
  var port: Int?
  var vlan: Int?

  static func < (a: ZoneClaim, b: ZoneClaim) -> Bool { (a.vlan ?? -1, a.port ?? -1) < (b.vlan ?? -1, b.port ?? -1) }
}

extension TrackingSettings {
  /// The zone that packets of this port and outermost VLAN are in; `nil`: zone 0. The most specific claim wins: port and
  /// VLAN, then VLAN, then port.
  public func zone(port: Int, vlan: Int?) -> ZoneSettings? {
    let claims = [
      vlan.map { ZoneClaim(port: port, vlan: $0) }, vlan.map { ZoneClaim(port: nil, vlan: $0) },
      ZoneClaim(port: port, vlan: nil),
    ]
    for case let claim? in claims {
      if let zone = zones.first(where: { $0.claims.contains(claim) }) { return zone }
    }
    return nil
  }
}
