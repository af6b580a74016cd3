internal import ArgumentParser
internal import Inspection
internal import Segment

/// The forwarder of a file prefix, whichever run of it lives: attached again when another one has started.
struct Following {
  private let options: Options
  private(set) var reader: SegmentReader

  init(_ options: Options) throws(SegmentError) {
    self.options = options
    reader = try options.attach()
  }

  /// Looks whether another run has taken over; if so, `reader` is its segment, and nothing read before goes on.
  mutating func renew() throws(SegmentError) -> Bool {
    guard !options.previous, !(try Heading(reader).isLive) else { return false }
    // Between two runs there may be no segment for a moment: the old one is shown on.
    guard let latest = try? options.attach(), latest.info.bootID != reader.info.bootID else { return false }
    reader = latest
    return true
  }
}

/// How often, and how many times.
struct Pace: ParsableArguments {
  static let quickest = 0.05

  @Option(
    name: .customLong("interval"),
    help: ArgumentHelp(
      "Time between two readings, 0.05 or more. (default: 1; between looks for events 0.05)", valueName: "seconds"))
  var asked: Double?

  @Option(help: ArgumentHelp("End after so many readings, or events. (default: never)", valueName: "n"))
  var count: Int?

  /// Seconds.
  var interval: Double {
    get { asked ?? 1 }
    set { asked = newValue }
  }

  func validate() throws {
    guard (Self.quickest...3600).contains(interval) else {
      throw ValidationError("--interval must be from \(Self.quickest) to 3600 seconds.")
    }
    guard count ?? 1 > 0 else { throw ValidationError("--count must be 1 or more.") }
  }

  var nanoseconds: UInt64 { UInt64(interval * 1e9) }
}
