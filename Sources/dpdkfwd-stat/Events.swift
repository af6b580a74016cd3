internal import ArgumentParser
internal import Glibc
internal import Inspection
internal import Segment

/// `events`: what happens to connections and fragments, out of the rings that the workers write.
struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what happens to connections, as `conntrack -E` does.",
    discussion: """
      Follows the rings that the workers write, until it is interrupted or the forwarder ends; of one that is gone it \
      prints what its rings still hold. Workers write over their oldest events without waiting for anybody: those that \
      were lost are named on standard error, exactly. Events are written while somebody has subscribed to them \
      (`dpdkfwd-ctl conntrack -E`), or always with --events on or mode = "on" in [events]: reading does not subscribe.
      """)

  @OptionGroup var options: Options
  @OptionGroup var pace: Pace
  @OptionGroup(title: "Which connections") var which: FilterOptions

  @Option(
    name: [.customShort("e"), .customLong("event-mask")],
    help: ArgumentHelp(
      "NEW, UPDATES, DESTROY or ALL of these; REFRESH: updates that only move the timeout; FRAGMENTS: those given up.",
      valueName: "word,..."))
  var mask = "ALL"

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "Say more: extended, id, timestamp, labels, ktimestamp; or otherwise: save, xml, json.", valueName: "word,..."))
  var output: String?

  @Flag(help: "Of updates, print no more than who it is and what changed.")
  var delta = false

  @Flag(help: "Print all that is known, so that an event needs no other one to be understood.")
  var selfContained = false

  @Flag(help: "Begin with the oldest event that is there, not with the next one.")
  var fromOldest = false

  func validate() throws {
    if delta, selfContained { throw ValidationError("--delta and --self-contained cannot both be had.") }
    if EventMask(words: mask) == nil {
      throw ValidationError("-e knows NEW, UPDATES, DESTROY, ALL, REFRESH, FRAGMENTS; not '\(mask)'.")
    }
  }

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      let style: EventStyle = delta ? .delta : selfContained ? .selfContained : .conntrack
      let mask = EventMask(words: mask) ?? .conntrack
      let words = try outputWords(output, json: options.json)
      let filter = try which.filter()
      let segment = try options.attach()
      let form = try connectionOutput(words, segment, style: style)
      let heading = try Heading(segment)
      var reader = try EventReader(
        segment, from: fromOldest || !heading.isLive ? .oldest : .newest, mask: mask, filter: filter)
      Interruption.await()
      if !heading.isLive { writeError("dpdkfwd-stat: " + heading.line) }
      sayUnwritten(mask, segment, isLive: heading.isLive)
      writeAll(STDOUT_FILENO, form.opening)
      let shown = try follow(&reader, form, segment)
      writeAll(STDOUT_FILENO, form.closing)
      writeError("dpdkfwd-stat v\(Program.version) (dpdkfwd): \(shown) flow events have been shown.")
    }
  }

  /// Returns how many events were printed.
  private func follow(
    _ reader: inout EventReader, _ form: ConnectionOutput, _ segment: SegmentReader
  ) throws(SegmentError) -> Int {
    var shown = 0
    var isOver = false
    while true {
      let batch = reader.read()
      for loss in batch.losses { writeError("dpdkfwd-stat: \(loss.text)") }
      var lines = ""
      for event in batch.events.prefix((pace.count ?? .max) - shown) {
        if let line = form.line(event) { lines += line + "\n" }
        shown += 1
      }
      writeAll(STDOUT_FILENO, lines)
      if Interruption.came || shown == pace.count { return shown }
      guard batch.isEmpty else { continue }
      // What was written between the last look and the end is read after the end.
      if isOver { return shown }
      isOver = !(try Heading(segment).isLive)
      if isOver { continue }
      usleep(UInt32((pace.asked ?? Pace.quickest) * 1e6))
    }
  }

  /// Events that were asked for and are not written are no silence.
  private func sayUnwritten(_ mask: EventMask, _ segment: SegmentReader, isLive: Bool) {
    let missing = mask.subtracting(EventMask(writtenBy: segment))
    guard !missing.isEmpty, isLive else { return }
    let names = ConnectionWords.eventMask.values.filter { missing.rawValue >> $0.value & 1 != 0 }.map(\.name)
    writeError(
      "dpdkfwd-stat: events of these kinds are not being written now: \(names.joined(separator: ", ")); start the "
        + "forwarder with --events on (mode = \"on\" in [events]), or subscribe to them")
  }
}

extension EventReader.Loss {
  fileprivate var text: String {
    let which = first == last ? "entry \(first) is" : "entries \(first) to \(last) (\(count)) are"
    return "\(ring.rawValue) \(shard): \(which) lost"
  }
}
