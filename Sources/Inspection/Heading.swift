public import JSONText
public import Segment

/// Which forwarder is shown, and whether it lives: the first line of a table, the first members of JSON.
public struct Heading {
  public let reader: SegmentReader
  public let state: Liveness

  public init(_ reader: SegmentReader) throws(SegmentError) {
    self.reader = reader
    state = try reader.liveness()
  }

  public var isLive: Bool { state != .stopped && state != .stale }

  /// The moment its records tell of: now, or its last breath; nanoseconds since 1970.
  public var moment: UInt64 { isLive ? Clock.wall() : reader.info.started + reader.lifetime }

  /// Nanoseconds from its start until now, or to its last breath.
  private var lifetime: UInt64 { reader.lifetime + (isLive ? reader.sinceLastBreath : 0) }

  public var line: String {
    let info = reader.info
    let story =
      switch state {
      case .stopped: "stopped cleanly after \(seconds(reader.lifetime)) s"
      case .stale: "stale: died without a word, last breath \(seconds(reader.sinceLastBreath)) s ago"
      case .starting, .running, .draining:
        "\(state.rawValue) for \(seconds(lifetime)) s, last breath \(seconds(reader.sinceLastBreath)) s ago"
      }
    return "\(info.prefix) (pid \(info.pid), dpdkfwd \(info.version)): \(story)"
  }

  public var members: [(String, JSON)] {
    let info = reader.info
    return [
      ("prefix", .text(info.prefix)), ("state", .text(state.rawValue)), ("pid", .unsigned(UInt64(info.pid))),
      ("version", .text(info.version)), ("layout", .text(info.layout)), ("boot_id", .text("\(info.bootID)")),
      ("started_at_ns", .unsigned(info.started)), ("stopped_at_ns", reader.stopped.map { .unsigned($0) } ?? .null),
      ("lifetime_ns", .unsigned(lifetime)), ("since_last_breath_ns", .unsigned(reader.sinceLastBreath)),
      ("tsc_hz", .unsigned(info.tscHz)),
    ]
  }

  /// With one decimal.
  private func seconds(_ nanoseconds: UInt64) -> String { decimal(nanoseconds / 100_000_000, digits: 1) }
}

/// `tenths` (or hundredths, ...) as a decimal number.
public func decimal(_ number: UInt64, digits: Int) -> String {
  let scale = (0..<digits).reduce(UInt64(1)) { scale, _ in scale * 10 }
  let fraction = String(number % scale)
  return "\(number / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}
