public import Primitives
public import Wire

/// The zone in which each direction's tuple lives (netfilter's `ct zone`, `ct original zone`, `ct reply zone`): the
/// same for both, unless one direction was given a zone of its own and the other stays in zone 0.
public struct ZonePair: BitwiseCopyable, Hashable, Sendable {
  public var original: UInt16
  public var reply: UInt16

  @inlinable
  public init(original: UInt16, reply: UInt16) {
    self.original = original
    self.reply = reply
  }
  @inlinable public init(_ zone: UInt16) { self.init(original: zone, reply: zone) }

  @inlinable public var isSplit: Bool { @inline(__always) get { original != reply } }
}

/// Which zone a packet is in, by the port it came in by and its outer VLAN tag: the rule for port and VLAN beats the
/// VLAN's, which beats the port's. Made once; zone 0 where nothing is said.
@safe
public struct ZoneMap: ~Copyable {
  public struct Rule: Equatable, Sendable {
    /// `nil`: any.
    public var port: UInt16?
    /// VLAN identifier of the outer tag, `nil`: any, and untagged.
    public var vlan: UInt16?
    public var zones: ZonePair

    public init(port: UInt16? = nil, vlan: UInt16? = nil, zones: ZonePair) {
      self.port = port
      self.vlan = vlan
      self.zones = zones
    }
  }

  /// No rule at all: every packet is in zone 0.
  public let isTrivial: Bool
  private let zones: FixedArray<ZonePair>
  private let ports: Int
  private static let perPort = 4097  // untagged, then one for each VLAN

  /// - Parameter ports: how many there are.
  public init(_ rules: [Rule] = [], ports: Int = 0) {
    isTrivial = rules.isEmpty
    self.ports = ports
    var all = [ZonePair](repeating: ZonePair(0), count: rules.isEmpty ? 0 : ports * Self.perPort)
    let general = rules.filter { $0.vlan == nil && $0.port == nil }
    let byPort = rules.filter { $0.vlan == nil && $0.port != nil }
    let byVLAN = rules.filter { $0.vlan != nil && $0.port == nil }
    let byBoth = rules.filter { $0.vlan != nil && $0.port != nil }
    for rule in general + byPort + byVLAN + byBoth {
      for port in 0..<ports where rule.port == nil || Int(rule.port!) == port {
        let tags = rule.vlan.map { Int($0) + 1...Int($0) + 1 } ?? 0...Self.perPort - 1
        for tag in tags { all[port * Self.perPort + tag] = rule.zones }
      }
    }
    zones = FixedArray(all)
  }

  /// - Parameter port: the number of the port the packet came in by.
  @inlinable @inline(__always)
  public func zones(port: UInt16, _ summary: Summary) -> ZonePair {
    isTrivial ? ZonePair(0) : lookUp(port, summary)
  }

  @usableFromInline @inline(never)
  func lookUp(_ port: UInt16, _ summary: Summary) -> ZonePair {
    guard Int(port) < ports else { return ZonePair(0) }
    let tag = summary.vlanCount == 0 ? 0 : Int(summary.outerVLAN & 0xFFF) + 1
    return zones[Int(port) * Self.perPort + tag]
  }
}

/// What was chosen for the tracking of a zone, or of all: `ZonePolicies` makes of it what trackers read.
public struct TrackingChoices: Equatable, Sendable {
  /// Seconds, where they differ from netfilter's defaults; at most `Timeout.longest`.
  public var seconds: [Timeout: UInt32] = [:]
  public var tcpLoose = true
  public var tcpLiberal = false
  public var tcpIgnoresInvalidReset = false
  public var tcpMaxRetransmissions: UInt8 = 3
  public var isAsymmetric = false

  public init() {}
}

/// The tracking policy of each zone, with the timeouts they refer to.
@safe
public struct ZonePolicies: ~Copyable {
  @usableFromInline var policies: FixedArray<TrackingPolicy>
  private let timeouts: FixedArray<UInt32>
  /// Place in `policies` by zone; empty when all zones share the first.
  @usableFromInline let places: FixedArray<UInt8>

  /// - Parameters:
  ///   - standard: of every zone that is not named.
  ///   - zones: at most 255 differing from it.
  public init(_ standard: TrackingChoices = TrackingChoices(), zones: [UInt16: TrackingChoices] = [:]) {
    precondition(zones.count < 256, "more zone policies than can be numbered")
    let named = zones.sorted { $0.key < $1.key }
    let all = [standard] + named.map(\.value)
    timeouts = FixedArray(
      all.flatMap { choices in
        Timeout.allCases.map { min(choices.seconds[$0] ?? $0.standard, Timeout.longest) * 1000 }
      })
    let first = unsafe UnsafePointer(timeouts.buffer.baseAddress!)
    policies = FixedArray(
      all.enumerated().map { place, choices in
        TrackingPolicy(choices, timeouts: unsafe Timeouts(first + place * Timeout.allCases.count))
      })
    var places = [UInt8](repeating: 0, count: named.isEmpty ? 0 : 65_536)
    for (place, zone) in named.enumerated() { places[Int(zone.key)] = UInt8(place + 1) }
    self.places = FixedArray(places)
  }

  /// Whether TCP segments outside the window are accepted, in every zone from now on.
  mutating func setLiberal(_ isLiberal: Bool) {
    for place in policies.indices { policies[place].tcpLiberal = isLiberal }
  }

  /// All zones share one policy.
  @inlinable public var areUniform: Bool { places.count == 0 }

  /// Lends: its timeouts are valid as long as these policies.
  @inlinable @inline(__always)
  public func policy(of zone: UInt16) -> TrackingPolicy {
    areUniform ? policies[0] : policies[Int(places[Int(zone)])]
  }
}
