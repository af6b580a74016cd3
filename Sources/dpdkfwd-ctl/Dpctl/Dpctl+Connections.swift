internal import Inspection
internal import JSONText
internal import Segment

// What concerns connections themselves.
extension Dpctl {
  private static let startingDump = "starting conntrack dump"

  func dump(_ words: DpctlWords) throws(DpctlFailure) {
    var words = words
    let filter = try zoneFilter(&words)
    let lines = OpenVSwitchText(isVerbose: words.more > 0, hasCounts: words.hasStatistics)
    var text = ""
    try reading(Self.startingDump) { forwarder throws(SegmentError) in
      try forwarder.tables().each(.conntrack, filter) { connection in
        text += lines.line(connection) + "\n"
        if text.utf8.count > 1 << 16 {
          console.out(text)
          text = ""
        }
        return true
      }
    }
    if !text.isEmpty { console.out(text) }
  }

  /// Takes `[dp] [zone=N]`, which must be all there is.
  private func zoneFilter(_ words: inout DpctlWords) throws(DpctlFailure) -> ConnectionFilter {
    words.takeDatapath()
    var filter = ConnectionFilter()
    if let zone = try words.takeZone() {
      filter.zone = zone
      filter.conditions.insert(.zone)
    }
    try words.end()
    return filter
  }

  // MARK: Counts

  func showConnections(_ words: DpctlWords) throws(DpctlFailure) {
    _ = try words.onlyDatapath()
    say("\(try count("nconns could not be retrieved"))")
  }

  private func count(_ failing: String) throws(DpctlFailure) -> UInt64 {
    try reading(failing) { forwarder throws(SegmentError) in try forwarder.tables().count() }
  }

  func showStatistics(_ words: DpctlWords) throws(DpctlFailure) {
    var words = words
    let isVerbose = words.more > 0 || words.takeWord("verbose")
    let filter = try zoneFilter(&words)
    var counts = DpctlStatistics()
    try reading(Self.startingDump) { forwarder throws(SegmentError) in
      try forwarder.tables().each(.conntrack, filter) { connection in
        counts.add(connection)
        return true
      }
    }
    console.out(counts.text(isVerbose: isVerbose))
  }

  /// Entries of each bucket of the workers' indexes, of which a connection may have two.
  func showBuckets(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    words.takeDatapath()
    var threshold: UInt64 = 0
    if let text = words.take("gt") {
      guard let number: UInt64 = DpctlWords.decimal(text) else { throw .invalid("failed to parse gt") }
      threshold = number
    }
    try words.end()
    let connections = try count(Self.startingDump)
    let buckets = try await calling(Self.startingDump, readOnly: true) { call throws(DpctlFailure) in
      var buckets: [UInt64] = []
      var next = JSON.object([])
      repeat {
        let answer = try await call("conntrack.buckets", next)
        buckets += (answer["counts"]?.asArray ?? []).map { $0.asUInt64 ?? 0 }
        next = answer["next"] ?? .null
      } while !next.isNull
      return buckets
    }
    say("Total Buckets: \(buckets.count)\nCurrent Connections: \(connections)\n")
    if connections > 0 { console.out(Self.table(of: buckets, above: threshold)) }
  }

  /// Eight buckets a line; a full stop for those that are not above the threshold.
  private static func table(of buckets: [UInt64], above threshold: UInt64) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }
    let rule = "+-----------+-----------------------------------------+\n"
    var text = rule + "|  Buckets  |         Connections per Buckets         |\n" + rule
    for first in stride(from: 0, to: buckets.count, by: 8) {
      text += " " + padded("\(first)", 3) + ".." + padded("\(first + 7)", 3) + "   | "
      for count in buckets[first..<min(first + 8, buckets.count)] {
        text += padded(count > threshold ? "\(count)" : ".", 5)
      }
      text += "\n"
    }
    return text + "\n"
  }
}

extension DpctlWords {
  /// There is a datapath at most.
  func onlyDatapath() throws(DpctlFailure) {
    var words = self
    words.takeDatapath()
    try words.end()
  }
}

/// Connections by protocol and state, as `ct-stats-show` counts them.
struct DpctlStatistics {
  private var total = 0
  private var byProtocol: [String: Int] = [:]
  private var states: [OpenVSwitchState: Int] = [:]

  /// Open vSwitch 3.1 counts ICMPv6 in the total alone.
  private static let names: [(name: String, number: UInt8)] = [
    ("TCP", Connection.Number.tcp), ("UDP", Connection.Number.udp), ("UDPLITE", Connection.Number.udplite),
    ("SCTP", Connection.Number.sctp), ("ICMP", Connection.Number.icmp), ("ICMPV6", Connection.Number.icmpv6),
    ("DCCP", Connection.Number.dccp), ("IGMP", 2),
  ]

  mutating func add(_ connection: Connection) {
    total += 1
    let name = Self.names.first { $0.number == connection.protocol }?.name ?? "Other"
    byProtocol[name, default: 0] += 1
    if connection.protocol == Connection.Number.tcp { states[connection.openVSwitchState, default: 0] += 1 }
  }

  func text(isVerbose: Bool) -> String {
    var text = "Connections Stats:\n    Total: \(total)\n"
    for name in Self.names.map(\.name) + ["Other"] {
      guard let count = byProtocol[name] else { continue }
      text += "  \(name): \(count)\n"
      guard name == "TCP", isVerbose else { continue }
      text += "    Conn per TCP states:\n"
      for state in OpenVSwitchState.allCases {
        if let count = states[state] { text += "\t  [\(state.name)]=\(count)\n" }
      }
    }
    return text
  }
}
