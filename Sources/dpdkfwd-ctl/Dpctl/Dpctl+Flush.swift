internal import Inspection
internal import JSONText
internal import Segment

extension Dpctl {
  private static let failing = "failed to flush conntrack"

  func flush(_ words: DpctlWords) async throws(DpctlFailure) {
    let asked = try DpctlFlush(words)
    let count: UInt64
    if asked.labels == nil {
      let answer = try await change("conntrack.flush", [("filter", asked.filter.json)], failing: Self.failing)
      count = answer["count"]?.asUInt64 ?? 0
    } else {
      count = try await flushOneByOne(asked)
    }
    if asked.isOne, count == 0 { throw .refused(Self.failing, "No such file or directory") }
  }

  /// Labels of which some must not be set are more than the forwarder's filters can say: connections are looked at here
  /// and ended by their numbers.
  private func flushOneByOne(_ asked: DpctlFlush) async throws(DpctlFailure) -> UInt64 {
    var meant: [ConnectionID] = []
    try reading(Self.failing) { forwarder throws(SegmentError) in
      try forwarder.tables().each(.conntrack, asked.filter) { connection in
        if asked.takes(connection.labels) { meant.append(connection.id) }
        return true
      }
    }
    return try await calling(Self.failing) { call throws(DpctlFailure) in
      for first in stride(from: 0, to: meant.count, by: Self.operations) {
        let operations = meant[first..<min(first + Self.operations, meant.count)].map { id in
          JSON.object([("op", .text("delete")), ("entry", .object([("id", .unsigned(id.rawValue))]))])
        }
        // Those that have ended since are as wanted.
        _ = try await call("conntrack.apply", .object([("operations", .array(operations))]))
      }
      return UInt64(meant.count)
    }
  }

  /// Of one request.
  private static let operations = 500
}

/// Which connections `flush-conntrack` means.
struct DpctlFlush {
  private(set) var filter = ConnectionFilter()
  private(set) var labels: (value: UInt128, mask: UInt128)?
  /// A whole tuple: not to find it is a failure.
  private(set) var isOne = false

  init(_ words: DpctlWords) throws(DpctlFailure) {
    var words = words
    words.takeDatapath()
    let zone = try words.takeZone()
    let mark: (value: UInt32, mask: UInt32)? = try Self.takeMasked("mark", &words)
    labels = try Self.takeMasked("labels", &words)
    let tuples = words.takeRest()
    guard tuples.count <= 2 else { throw .invalid("invalid arguments") }
    if let text = tuples.first {
      let tuple = try DpctlTuple(text)
      try tuple.add(to: \.original, of: &filter)
      isOne = tuple.isWhole && tuples.count == 1 && mark == nil && labels == nil
    }
    if tuples.count == 2 { try DpctlTuple(tuples[1]).add(to: \.reply, of: &filter) }
    // A whole tuple is one of zone 0, unless it is said which.
    if let zone = zone ?? (isOne ? 0 : nil) {
      filter.zone = zone
      filter.conditions.insert(.zone)
    }
    if let mark {
      (filter.mark, filter.markMask) = (mark.value & mark.mask, mark.mask)
      filter.conditions.insert(.mark)
    }
  }

  private static func takeMasked<Number: FixedWidthInteger>(
    _ name: String, _ words: inout DpctlWords
  ) throws(DpctlFailure) -> (value: Number, mask: Number)? {
    guard let text = words.take(name) else { return nil }
    guard let masked: (value: Number, mask: Number) = DpctlWords.masked(text) else {
      throw .invalid("failed to parse \(name)")
    }
    return masked
  }

  func takes(_ other: Connection.Labels) -> Bool {
    guard let (value, mask) = labels else { return true }
    return (UInt128(other.high) << 64 | UInt128(other.low)) & mask == value & mask
  }
}
