internal import ControlProtocol
internal import ControlServer
internal import Conntrack
internal import Inspection
internal import JSONText
internal import Pipeline
internal import Reassembly
internal import Segment

// tracking.*, limits.*, fragments.*: what Open vSwitch's dpctl sets while packets pass. What is wrong with a request is
// found before anything of it is done.
extension Methods {
  /// Changes settings with nobody else doing so in between.
  private func alone<Value>(_ body: () async throws(Fault) -> Value) async throws(Fault) -> Value {
    while !knobs.reserve() {
      try await translating { () async throws(DeskError) in try await desk.rest() }
    }
    defer { knobs.release() }
    return try await body()
  }

  // MARK: Tracking

  func trackingNow(_: Parameters) throws(Fault) -> JSON {
    let (tracking, now) = (try tracking(), knobs.now)
    return .object([
      ("connections_limit", .unsigned(UInt64(tracking.limits.totalLimit))),
      ("connections", .unsigned(try connectionCount())),
      ("connections_room", .unsigned(UInt64(tracking.capacity * site.mailboxes.count))),
      ("tcp_seq_chk", .truth(now.checksSequences)), ("sweep_interval_ms", .unsigned(UInt64(now.sweepInterval))),
    ])
  }

  func setTracking(_ parameters: Parameters) async throws(Fault) -> JSON {
    let tracking = try tracking()
    let limit = try parameters.whole("connections_limit", in: 0...UInt64(UInt32.max) - 1)
    var turned = Mailbox.Knobs()
    turned.checksSequences = try parameters.truth("tcp_seq_chk")
    turned.sweepInterval = try parameters.whole("sweep_interval_ms", in: 100...600_000).map { UInt32($0) }
    if turned.checksSequences != nil || turned.sweepInterval != nil {
      try await alone { [turned] () async throws(Fault) in
        try await translating { () async throws(DeskError) in try await desk.turn(turned) }
        knobs.change {
          $0.checksSequences = turned.checksSequences ?? $0.checksSequences
          $0.sweepInterval = turned.sweepInterval ?? $0.sweepInterval
        }
      }
    }
    if let limit {
      tracking.limits.setTotal(UInt32(limit))
      site.describe(knobs.now)
      try await translating { () async throws(DeskError) in try await desk.returnCredits(0...0) }
    }
    return try trackingNow(Parameters(.null))
  }

  // MARK: Limits

  func limits(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let limits = try tracking().limits
    let asked = try parameters.numbers("zones", most: UInt64(UInt16.max))?.map { UInt16($0) }
    var isNew = Set<UInt16>()
    // Each once, which bounds the answer.
    let zones = asked?.filter { isNew.insert($0).inserted } ?? limits.zoneLimits.keys.sorted()
    let counts = try await counts(of: Set(zones), client)
    let members = zones.map { zone -> JSON in
      let limit = limits.zoneLimits[zone] ?? limits.zoneDefault
      return .object([
        ("zone", .unsigned(UInt64(zone))), ("limit", .unsigned(UInt64(limit))),
        ("count", .unsigned(UInt64(counts[zone] ?? 0))),
      ])
    }
    return .object([("default", .unsigned(UInt64(limits.zoneDefault))), ("zones", .array(members))])
  }

  /// Connections of each zone, as the tables have them now.
  private func counts(of zones: Set<UInt16>, _ client: Client) async throws(Fault) -> [UInt16: Int] {
    guard !zones.isEmpty else { return [:] }
    var counts: [UInt16: Int] = [:]
    let workers = try translating { () throws(SegmentError) in try ConnectionReader.all(segment) }
    for reader in workers {
      for first in stride(from: 0, to: reader.slotsUsed, by: Turns.slots) {
        try await turns.take(client) {
          let now = Clock.monotonic()
          for slot in first..<min(first + Turns.slots, reader.slotsUsed) {
            guard let connection = reader.connection(at: slot, now: now) else { continue }
            if zones.contains(connection.original.zone) { counts[connection.original.zone, default: 0] += 1 }
          }
        }
      }
    }
    return counts
  }

  func setLimits(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let limits = try tracking().limits
    let most = UInt64(UInt32.max) - 1
    let standard = try parameters.whole("default", in: 0...most)
    var zones: [(zone: UInt16, limit: UInt32)] = []
    for json in try parameters.array("zones") ?? [] {
      let own = try Parameters(json, ["zone", "limit"], in: "zones")
      let zone = try own.neededWhole("zone", in: 0...UInt64(UInt16.max))
      zones.append((UInt16(zone), UInt32(try own.neededWhole("limit", in: 0...most))))
    }
    if let standard { limits.setZoneDefault(UInt32(standard)) }
    for (zone, limit) in zones { limits.setLimit(limit, zone: zone) }
    return try await settleLimits(all: standard != nil, zones.map(\.zone), client)
  }

  func deleteLimits(_ parameters: Parameters, _ client: Client) async throws(Fault) -> JSON {
    let limits = try tracking().limits
    let standard = try parameters.truth("default") ?? false
    let zones = try parameters.numbers("zones", most: UInt64(UInt16.max))?.map { UInt16($0) } ?? []
    if standard { limits.setZoneDefault(0) }
    for zone in zones { limits.setLimit(nil, zone: zone) }
    return try await settleLimits(all: standard, zones, client)
  }

  /// Limits have changed: workers return what they keep of their credits, of zones in between too.
  private func settleLimits(all: Bool, _ zones: [UInt16], _ client: Client) async throws(Fault) -> JSON {
    site.describe(knobs.now)
    if let first = all ? 0 : zones.min(), let last = all ? UInt16.max : zones.max() {
      try await translating { () async throws(DeskError) in try await desk.returnCredits(first...last) }
    }
    return try await limits(Parameters(.null), client)
  }

  // MARK: Fragments

  func fragmentsNow(_: Parameters) throws(Fault) -> JSON {
    let own = try fragments()
    func family(_ own: FamilySettings) -> JSON {
      .object([("enabled", .truth(own.isOn)), ("min_size", .unsigned(UInt64(own.smallest)))])
    }
    return .object([
      ("v4", family(own.ipv4)), ("v6", family(own.ipv6)),
      ("max_fragments", .unsigned(UInt64(knobs.now.mostFragments))),
    ])
  }

  private func fragments() throws(Fault) -> FragmentSettings {
    guard let now = knobs.now.fragments else {
      throw Fault(.unsupported, "fragments are not put together: no memory was set aside for them ([fragments])")
    }
    return now
  }

  func setFragments(_ parameters: Parameters) async throws(Fault) -> JSON {
    try await alone { () async throws(Fault) in
      var next = knobs.now
      var own = try fragments()
      own.ipv4 = try family(own.ipv4, "v4", parameters)
      own.ipv6 = try family(own.ipv6, "v6", parameters)
      next.fragments = own
      next.mostFragments = try mostFragments(parameters) ?? next.mostFragments
      let workers = site.mailboxes.count
      for worker in 0..<workers {
        var turned = Mailbox.Knobs()
        turned.fragments = next.fragments(of: worker, of: workers)
        try await translating { [turned] () async throws(DeskError) in try await desk.turn(turned, on: worker) }
      }
      knobs.change { [next] in ($0.fragments, $0.mostFragments) = (next.fragments, next.mostFragments) }
    }
    return try fragmentsNow(Parameters(.null))
  }

  private func mostFragments(_ parameters: Parameters) throws(Fault) -> Int? {
    let workers = UInt64(site.mailboxes.count)
    // Each worker may hold one at least.
    guard let most = try parameters.whole("max_fragments", in: workers...UInt64(UInt32.max)) else { return nil }
    let room = UInt64(site.fragments?.fragments ?? 0) * workers
    guard most <= room else {
      throw Fault(
        .noRoom, "max_fragments: there is room for \(room) ([fragments] max), for packet buffers are set aside at start"
      )
    }
    return Int(most)
  }

  private func family(
    _ now: FamilySettings, _ name: String, _ parameters: Parameters
  ) throws(Fault) -> FamilySettings {
    guard let json = parameters[name] else { return now }
    let own = try Parameters(json, ["enabled", "min_size"], in: name)
    var settings = now
    settings.isOn = try own.truth("enabled") ?? now.isOn
    if let size = try own.whole("min_size", in: 0...65_535) {
      guard size == 0 || size >= 400 else {
        throw Fault(.invalidParameters, "\(name).min_size: below 400; see [fragments] in dpdkfwd.toml(5)")
      }
      settings.smallest = UInt32(size)
    }
    return settings
  }
}
