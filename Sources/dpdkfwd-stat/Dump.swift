internal import ArgumentParser
internal import Glibc
internal import Segment

/// `dump ct`: the connections, out of the arenas that the workers write.
struct Dump: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List connections, as `conntrack -L` does.",
    discussion: """
      Lists what is tracked, straight from the memory of the workers, at a pace that does not slow them. What is there \
      all the time is listed exactly once. Entries come in the order of their ids, which are never used again: \
      --cursor goes on behind one. With --json each line is an object.
      """)

  @OptionGroup var options: Options

  @Argument(help: ArgumentHelp("What to list: ct.", valueName: "kind"))
  var kind: String

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("Say more: extended, id, timestamp, labels, ktimestamp.", valueName: "word,..."))
  var output: String?

  @Option(help: ArgumentHelp("Only connections that have a direction in this zone.", valueName: "n"))
  var zone: UInt16?

  @Option(
    name: [.customShort("p"), .customLong("protonum")],
    help: ArgumentHelp("Only connections of this protocol, by name or number.", valueName: "protocol"))
  var `protocol`: String?

  @Option(help: ArgumentHelp("Only ipv4 or ipv6.", valueName: "family"))
  var family: Family?

  @Option(help: ArgumentHelp("End after so many.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Begin behind the connection of this id.", valueName: "id"))
  var cursor: UInt64?

  @Option(help: ArgumentHelp("Slots to look at in a second; 0: as many as can be.", valueName: "n"))
  var pace = PacedClock.usualPace

  enum Family: String, CaseIterable, ExpressibleByArgument { case ipv4, ipv6 }

  func validate() throws {
    if limit ?? 1 < 1 { throw ValidationError("--limit must be 1 or more.") }
    if pace < 0 { throw ValidationError("--pace must be 0 or more.") }
  }

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      guard kind == "ct" else { throw .invalid("dump lists ct; `show \(kind)` may have what you look for") }
      let parts = try parts()
      let reader = try options.attach()
      let heading = try Heading(reader)
      let filter = try Filter(self, schema: reader.schema)
      let text = ConnectionText(parts, schema: reader.schema, now: heading.moment / 1_000_000_000)
      let json = ConnectionJSON(schema: reader.schema)
      var walk = try Walk(
        reader, from: cursor.map { ConnectionID(rawValue: $0) }, pace: pace,
        frozen: heading.isLive ? nil : reader.lastBreath)
      var (shown, last, lines) = (0, UInt64(0), "")
      while shown < limit ?? .max, let connection = walk.next() {
        guard filter.takes(connection) else { continue }
        lines += (options.json ? json.line(connection) : text.line(connection)) + "\n"
        (shown, last) = (shown + 1, connection.id.rawValue)
        if lines.utf8.count > 1 << 16 {
          writeAll(STDOUT_FILENO, lines)
          lines = ""
        }
      }
      writeAll(STDOUT_FILENO, lines)
      writeError("dpdkfwd-stat v\(Program.version) (dpdkfwd): \(shown) flow entries have been shown.")
      if let limit, shown == limit { writeError("dpdkfwd-stat: there may be more: --cursor \(last)") }
    }
  }

  private func parts() throws(SegmentError) -> Set<ConnectionText.Part> {
    var parts: Set<ConnectionText.Part> = []
    for word in output?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
      guard let part = ConnectionText.Part(rawValue: String(word)) else {
        let known = ConnectionText.Part.allCases.map(\.rawValue).joined(separator: ", ")
        throw .invalid("-o knows \(known); not '\(word)'")
      }
      parts.insert(part)
    }
    return parts
  }
}

extension Dump {
  /// Which connections are wanted.
  fileprivate struct Filter {
    private let isIPv6: Bool?
    private let number: UInt8?
    private let zone: UInt16?

    init(_ dump: Dump, schema: Schema) throws(SegmentError) {
      isIPv6 = dump.family.map { $0 == .ipv6 }
      zone = dump.zone
      guard let name = dump.protocol else {
        number = nil
        return
      }
      let named = schema.enumeration(named: "ip_protocol")?.values.first { $0.name == name }?.value
      guard let found = UInt8(name) ?? named.map({ UInt8(truncatingIfNeeded: $0) }) else {
        throw .invalid("there is no protocol '\(name)'")
      }
      number = found
    }

    func takes(_ connection: Connection) -> Bool {
      (isIPv6 == nil || connection.isIPv6 == isIPv6) && (number == nil || connection.protocol == number)
        && (zone == nil || connection.original.zone == zone || connection.reply.zone == zone)
    }
  }
}

/// Goes through the slots of all workers, once, in order, and not too fast.
struct Walk {
  private let workers: [ConnectionReader]
  private var clock: PacedClock
  private var worker = 0
  private var slot = 0

  /// - Parameters:
  ///   - cursor: the connection to begin behind; `nil`: with the first one.
  ///   - pace: slots a second; 0: without a pause.
  ///   - frozen: when the clock stopped, for a forwarder that does not live, in nanoseconds of CLOCK_MONOTONIC.
  init(_ reader: SegmentReader, from cursor: ConnectionID?, pace: Int, frozen: UInt64?) throws(SegmentError) {
    workers = try ConnectionReader.all(reader)
    clock = PacedClock(pace: pace, frozen: frozen)
    guard let cursor else { return }
    guard let place = workers.firstIndex(where: { $0.shard == cursor.shard }), workers[place].epoch == cursor.epoch
    else {
      throw .invalid("\(cursor.rawValue) is no connection of this run")
    }
    // What has been born in that slot since is new, and looking for it again and again would have no end.
    (worker, slot) = (place, cursor.slot + 1)
  }

  mutating func next() -> Connection? {
    while worker < workers.count {
      while slot < workers[worker].slots {
        let now = clock.look()
        slot += 1
        if let connection = workers[worker].connection(at: slot - 1, now: now) { return connection }
      }
      (worker, slot) = (worker + 1, 0)
    }
    return nil
  }
}

/// Tells the time to one who looks at slots of arenas, and holds him up so that he does not slow their writers.
struct PacedClock {
  static let usualPace = 1_000_000

  private let pace: Int
  private let frozen: UInt64?
  /// Since the last pause.
  private var looked = 0

  /// - Parameters:
  ///   - pace: slots a second; 0: without a pause.
  ///   - frozen: when the clock stopped, for a forwarder that does not live, in nanoseconds of CLOCK_MONOTONIC.
  init(pace: Int = usualPace, frozen: UInt64?) {
    self.pace = frozen == nil ? pace : 0
    self.frozen = frozen
  }

  /// Slots between two pauses.
  private var batch: Int { min(1024, max(1, pace / 10)) }

  /// Nanoseconds of CLOCK_MONOTONIC, after a pause if it is time for one.
  mutating func look(at slots: Int = 1) -> UInt64 {
    looked += slots
    if pace > 0, looked >= batch {
      usleep(UInt32(clamping: looked * 1_000_000 / pace))
      looked = 0
    }
    return frozen ?? Clock.monotonic()
  }
}
