internal import ArgumentParser
internal import Glibc
internal import Inspection
internal import Segment

/// `dump KIND`: the connections, out of the arenas that the workers write.
struct Dump: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List connections, as `conntrack -L` does.",
    discussion: """
      Lists what is tracked, straight from the memory of the workers, at a pace that does not slow them. What is there \
      all the time is listed exactly once. Entries come in the order of their ids, which are never used again: \
      --cursor goes on behind one. With --json each line is an object.

      flowtable lists the connections that are offloaded, flow table by flow table, each with the table's name at the \
      end of its line.

      dying lists the connections that are gone and are kept until those who subscribed to events know their end, with \
      their last counts. unconfirmed is always empty: a packet is decided as a whole, so that its connection is in the \
      table before the packet leaves, or never was.
      """)

  @OptionGroup var options: Options
  @OptionGroup(title: "Which connections") var which: FilterOptions

  @Argument(help: ArgumentHelp("What to list.", valueName: "kind"))
  var kind: Kind

  enum Kind: String, CaseIterable, ExpressibleByArgument { case ct, flowtable, dying, unconfirmed }

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "Say more: extended, id, timestamp, labels, ktimestamp; or otherwise: save, xml, json.", valueName: "word,..."))
  var output: String?

  @Option(help: ArgumentHelp("End after so many.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Begin behind the connection of this id.", valueName: "id"))
  var cursor: UInt64?

  @Option(help: ArgumentHelp("Slots to look at in a second; 0: as many as can be.", valueName: "n"))
  var pace = PacedClock.usualPace

  func validate() throws {
    if limit ?? 1 < 1 { throw ValidationError("--limit must be 1 or more.") }
    if pace < 0 { throw ValidationError("--pace must be 0 or more.") }
    if cursor != nil, kind != .ct { throw ValidationError("--cursor goes with ct alone.") }
  }

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      let words = try outputWords(output, json: options.json)
      let filter = try which.filter()
      let reader = try options.attach()
      let heading = try Heading(reader)
      let form = try connectionOutput(words, reader, now: heading.moment / 1_000_000_000)
      let frozen = heading.isLive ? nil : reader.lastBreath
      var lines = Lines(form)
      switch kind {
      case .ct:
        var walk = try Walk(
          reader, from: cursor.map { ConnectionID(rawValue: $0) }, filter: filter, pace: pace, frozen: frozen)
        while lines.shown < limit ?? .max, let connection = walk.next() { lines.add(connection) }
      case .flowtable:
        let tables = try Self.offloaded(reader, filter, pace: pace, frozen: frozen)
        let titles = try ShowFlowtables(heading).titles.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (number, title) in titles {
          for connection in tables[number] ?? [] where lines.shown < limit ?? .max { lines.add(connection, in: title) }
        }
      case .dying:
        for event in try DyingReader(reader).events(filter: filter, frozen: frozen).prefix(limit ?? .max) {
          lines.add(event.connection)
        }
      case .unconfirmed: _ = try reader.kind("ct")
      }
      lines.end()
      writeError("dpdkfwd-stat v\(Program.version) (dpdkfwd): \(lines.shown) flow entries have been shown.")
      if kind == .ct, let limit, lines.shown == limit {
        writeError("dpdkfwd-stat: there may be more: --cursor \(lines.last)")
      }
    }
  }

  /// The connections that are offloaded, by the number of their flow table.
  private static func offloaded(
    _ reader: SegmentReader, _ filter: ConnectionFilter, pace: Int, frozen: UInt64?
  ) throws(SegmentError) -> [UInt8: [Connection]] {
    var walk = try Walk(reader, filter: filter, pace: pace, frozen: frozen)
    var tables: [UInt8: [Connection]] = [:]
    while let connection = walk.next() {
      if connection.isOffloaded { tables[connection.flowTable, default: []].append(connection) }
    }
    return tables
  }
}

/// Lines of connections, written many at once.
private struct Lines {
  private let form: ConnectionOutput
  private var text: String
  private(set) var shown = 0
  /// The number of the last one.
  private(set) var last: UInt64 = 0

  init(_ form: ConnectionOutput) {
    self.form = form
    text = form.opening
  }

  /// - Parameter table: the flow table that it is in.
  mutating func add(_ connection: Connection, in table: String? = nil) {
    text += table.map { form.line(connection, flowtable: $0) } ?? form.line(connection)
    text += "\n"
    shown += 1
    last = connection.id.rawValue
    if text.utf8.count > 1 << 16 {
      writeAll(STDOUT_FILENO, text)
      text = ""
    }
  }

  mutating func end() { writeAll(STDOUT_FILENO, text + form.closing) }
}

/// The words of `-o`; `--json` is one of them.
func outputWords(_ list: String?, json: Bool) throws(SegmentError) -> Set<ConnectionOutput.Word> {
  do throws(MemberError) {
    let words = try list.map { list throws(MemberError) in try ConnectionOutput.words(list) } ?? []
    return json ? words.union([.json]) : words
  } catch {
    throw .invalid("\(error)")
  }
}

func connectionOutput(
  _ words: Set<ConnectionOutput.Word>, _ reader: SegmentReader, now: UInt64 = 0, style: EventStyle = .conntrack
) throws(SegmentError) -> ConnectionOutput {
  // Where nothing is tracked there may still be fragments.
  let json = try reader.schema.kind(named: "ct_shards") == nil ? ConnectionJSON() : ConnectionJSON(reader)
  do throws(MemberError) {
    return try ConnectionOutput(words, now: now, json: json, style: style)
  } catch {
    throw .invalid("\(error)")
  }
}
