internal import ArgumentParser
internal import Glibc
internal import Inspection
internal import JSONText
internal import Segment

/// `history`: what lcores, ports or pools wrote down, once an interval.
struct History: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the past: what lcores, ports or pools wrote down once an interval.",
    discussion: """
      The forwarder writes over its oldest entries; those that were lost before they could be read are named by their \
      numbers, in CSV on standard error. Tables show rates between entries; JSON and CSV the counters as they were.
      """)

  @OptionGroup var options: Options
  @OptionGroup var pace: Pace

  @Argument(help: ArgumentHelp("lcores, ports, mempools or another kind of history.", valueName: "kind"))
  var kind = "lcores"

  @Option(
    help: ArgumentHelp("How far back (90s, 10m, 2h), or the number of an entry. (default: all)", valueName: "when"))
  var since: Since?

  @Option(help: ArgumentHelp("Only this lcore.", valueName: "n"))
  var lcore: UInt64?

  @Flag(help: "Print CSV.")
  var csv = false

  @Flag(help: "Go on with what is written from now on, as often as --interval says.")
  var follow = false

  func validate() throws {
    if csv, options.json { throw ValidationError("--csv and --json cannot both be had.") }
  }

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      var following = try Following(options)
      var story = try Story(self, following.reader)
      var form = form(following.reader, story.kind)
      try form.begin()
      var readings = 0
      while true {
        while case let batch = story.next(), !batch.isEmpty {
          for reading in batch { form.print(reading) }
          // The writer's caches are worth more than our hurry.
          usleep(1000)
        }
        readings += 1
        if !follow || readings == pace.count { return form.end() }
        usleep(UInt32(pace.interval * 1e6))
        if try following.renew() {
          writeError("dpdkfwd-stat: another run of the forwarder has started, pid \(following.reader.info.pid)")
          story = try Story(self, following.reader, anew: true)
          form.renew()
        }
      }
    }
  }

  private func form(_ reader: SegmentReader, _ kind: Kind) -> any HistoryForm {
    if csv { return HistoryCSV(schema: reader.schema, kind: kind) }
    if options.json { return HistoryJSON(reader: reader, kind: kind, isStream: follow) }
    return HistoryTable(reader: reader, kind: kind)
  }
}

/// A point in the past.
enum Since: ExpressibleByArgument, Equatable {
  /// Nanoseconds before now, or before the last breath of a forwarder that is gone.
  case ago(UInt64)
  case entry(UInt64)

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    if let unit = argument.last.flatMap({ units[$0] }) {
      guard let number = Double(argument.dropLast()), number >= 0, number * unit < 1e9 else { return nil }
      self = .ago(UInt64(number * unit * 1e9))
    } else {
      guard let number = UInt64(argument), number < 1 << 63 else { return nil }
      self = .entry(number)
    }
  }
}

/// The rings of one kind, read side by side in batches.
struct Story {
  struct Reading {
    let shard: Int
    let what: RingReader.Reading
    /// Whose entry it is ("lcore 2"), and when it was taken in nanoseconds of CLOCK_MONOTONIC; a gap has both from the
    /// entry after it.
    let about: String
    let at: UInt64
  }

  /// Entries of each ring in a batch.
  private static let batch = 128

  let kind: Kind
  private var rings: [RingReader]
  /// Entries from before are left out.
  private let cutoff: UInt64

  /// - Parameter anew: from the beginning of a run, whatever was asked for.
  init(_ history: History, _ reader: SegmentReader, anew: Bool = false) throws(SegmentError) {
    let names = [history.kind, history.kind + "_history", history.kind.singular + "_history"]
    guard let kind = names.lazy.compactMap({ reader.schema.kind(named: $0) }).first(where: \.isRing) else {
      let known = reader.schema.kinds.filter(\.isRing).map(\.name)
      throw .invalid("the segment has no history of \(history.kind); it has \(known.joined(separator: ", "))")
    }
    self.kind = kind
    var shards = Array(0..<kind.shards)
    if let lcore = history.lcore {
      guard kind.field(named: "lcore") != nil else { throw .invalid("--lcore does not fit a history of \(kind.name)") }
      let lcores = reader.records(of: try reader.kind("lcores", having: ["lcore"]))
      shards = lcores.filter { $0.number("lcore") == lcore }.map(\.shard).filter(shards.contains)
      guard !shards.isEmpty else { throw .invalid("lcore \(lcore) does not poll") }
    }
    var first: UInt64?
    if !anew, case .entry(let number)? = history.since { first = number }
    rings = shards.map { RingReader(reader, kind, shard: $0, from: first) }
    if !anew, case .ago(let span)? = history.since {
      let now = try Heading(reader).isLive ? Clock.monotonic() : reader.info.startedMonotonic + reader.lifetime
      cutoff = now - min(now, span)
    } else {
      cutoff = 0
    }
  }

  /// What comes next in each ring, in order of time; empty when there is nothing more for now.
  mutating func next() -> [Reading] {
    while true {
      var all: [Reading] = []
      var came = false
      for place in rings.indices {
        let read = rings[place].read(atMost: Self.batch)
        came = came || !read.isEmpty
        let shard = rings[place].shard
        var (about, at) = ("shard \(shard)", UInt64.max)
        var own: [Reading] = []
        for reading in read.reversed() {
          if let record = reading.entry {
            about = kind.keys.first.map { "\($0.name) \(record.value(of: $0))" } ?? about
            at = record.number("monotonic") ?? at
          }
          own.append(Reading(shard: shard, what: reading, about: about, at: at))
        }
        all += own.reversed().filter { $0.at >= cutoff }
      }
      // Batches that lie before the cutoff altogether say nothing about what follows.
      if !all.isEmpty || !came {
        return all.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
      }
    }
  }
}

extension String {
  fileprivate var singular: String { last == "s" ? String(dropLast()) : self }
}
