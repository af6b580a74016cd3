internal import JSONText
internal import Segment

// What holds for tracking as a whole, and its limits.
extension Dpctl {
  // MARK: Connections

  func setMaxConnections(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    guard let limit: UInt32 = DpctlWords.decimal(try words.exactly(1)[0]) else {
      throw .invalid("maxconns missing or malformed")
    }
    try await change(
      "tracking.set", [("connections_limit", .unsigned(UInt64(limit)))], failing: "ct set maxconns failed")
    say("setting maxconns successful")
  }

  func showMaxConnections(_ words: DpctlWords) async throws(DpctlFailure) {
    try words.onlyDatapath()
    let now = try await tracking("maxconns could not be retrieved")
    say("\(now.connectionsLimit == 0 ? now.room : now.connectionsLimit)")
  }

  /// Out of the segment; where that does not tell, from the forwarder.
  private func tracking(_ failing: String) async throws(DpctlFailure) -> TrackingNow {
    let error: SegmentError
    do throws(SegmentError) {
      return try forwarder.tracking()
    } catch let refusal {
      error = refusal
    }
    guard case .fields = error else { throw .reading(failing, error) }
    let answer = try await ask("tracking.get", [], failing: failing)
    return TrackingNow(
      connectionsLimit: answer["connections_limit"]?.asUInt64 ?? 0, room: answer["connections_room"]?.asUInt64 ?? 0,
      checksSequences: answer["tcp_seq_chk"]?.asBool ?? false,
      sweepInterval: answer["sweep_interval_ms"]?.asUInt64 ?? 0)
  }

  // MARK: Sequence numbers

  func setSequenceCheck(_ words: DpctlWords, on: Bool) async throws(DpctlFailure) {
    try words.onlyDatapath()
    let doing = (on ? "enabling" : "disabling") + " TCP sequence checking"
    try await change("tracking.set", [("tcp_seq_chk", .truth(on))], failing: doing + " failed")
    say(doing + " successful")
  }

  func showSequenceCheck(_ words: DpctlWords) async throws(DpctlFailure) {
    try words.onlyDatapath()
    let now = try await tracking("TCP sequence checking query failed")
    say("TCP sequence checking: \(now.checksSequences ? "enabled" : "disabled")")
  }

  // MARK: Sweep

  func setSweepInterval(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    guard let interval: UInt32 = DpctlWords.decimal(try words.exactly(1)[0]) else {
      throw .invalid("sweep interval missing or malformed")
    }
    try await change(
      "tracking.set", [("sweep_interval_ms", .unsigned(UInt64(interval)))], failing: "setting sweep interval failed")
    say("setting sweep interval successful")
  }

  func showSweepInterval(_ words: DpctlWords) async throws(DpctlFailure) {
    try words.onlyDatapath()
    say("\(try await tracking("sweep interval could not be retrieved").sweepInterval)")
  }

  // MARK: Limits

  func setLimits(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    words.takeDatapath()
    var members: [(String, JSON)] = []
    var limits = words.takeRest()
    if let first = limits.first, first.hasPrefix("default=") {
      guard let limit: UInt32 = DpctlWords.decimal(first.dropFirst("default=".utf8.count)) else {
        throw .invalid("invalid default limit")
      }
      members.append(("default", .unsigned(UInt64(limit))))
      limits.removeFirst()
    }
    var zones: [JSON] = []
    for limit in limits { zones.append(try Self.zoneLimit(limit)) }
    if !zones.isEmpty { members.append(("zones", .array(zones))) }
    guard !members.isEmpty else { throw .invalid("failed to parse zone limit") }
    try await change("limits.set", members, failing: "failed to set conntrack limit")
  }

  /// `zone=N,limit=L`, in either order.
  private static func zoneLimit(_ text: String) throws(DpctlFailure) -> JSON {
    var zone: UInt16?
    var limit: UInt32?
    for field in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let sides = field.split(separator: "=", maxSplits: 1)
      guard sides.count == 2, !field.hasPrefix("=") else {
        throw .invalid("field \(sides.first ?? field) missing value")
      }
      switch sides[0] {
      case "zone":
        zone = DpctlWords.decimal(sides[1])
        guard zone != nil else { throw .invalid("failed to parse field zone") }
      case "limit":
        limit = DpctlWords.decimal(sides[1])
        guard limit != nil else { throw .invalid("failed to parse field limit") }
      default: throw .invalid("invalid zone limit field: \(sides[0])")
      }
    }
    guard let zone, let limit else { throw .invalid("failed to parse zone limit") }
    return .object([("zone", .unsigned(UInt64(zone))), ("limit", .unsigned(UInt64(limit)))])
  }

  func deleteLimits(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    words.takeDatapath()
    var members: [(String, JSON)] = []
    if words.takeWord("default") { members.append(("default", .truth(true))) }
    if let zones = try words.takeZones() { members.append(("zones", zones)) }
    try endOfLimits(words)
    guard !members.isEmpty else { throw .invalid("invalid zone") }
    try await change("limits.delete", members, failing: "failed to delete conntrack limit")
  }

  func showLimits(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    words.takeDatapath()
    let zones = try words.takeZones()
    try endOfLimits(words)
    let answer = try await ask(
      "limits.get", zones.map { [("zones", $0)] } ?? [], failing: "failed to get conntrack limit")
    var text = "default limit=\(answer["default"]?.asUInt64 ?? 0)\n"
    for zone in answer["zones"]?.asArray ?? [] {
      func number(_ name: String) -> UInt64 { zone[name]?.asUInt64 ?? 0 }
      text += "zone=\(number("zone")),limit=\(number("limit")),count=\(number("count"))\n"
    }
    console.out(text)
  }

  /// A single word that is none of theirs is taken for a zone here, not for a datapath.
  private func endOfLimits(_ words: DpctlWords) throws(DpctlFailure) {
    if words.wasOne, let word = words.rest.first { throw .invalid("invalid argument \(word)") }
    try words.end()
  }
}

extension DpctlWords {
  /// Takes `zone=N1[,N2]...` out.
  fileprivate mutating func takeZones() throws(DpctlFailure) -> JSON? {
    guard let text = take("zone") else { return nil }
    var zones: [JSON] = []
    for word in text.split(separator: ",") {
      guard let zone: UInt16 = Self.decimal(word) else { throw .invalid("invalid zone") }
      zones.append(.unsigned(UInt64(zone)))
    }
    guard !zones.isEmpty else { throw .invalid("invalid zone") }
    return .array(zones)
  }
}
