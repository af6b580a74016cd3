internal import ArgumentParser
internal import Glibc
internal import Inspection
internal import JSONText
internal import Segment

/// `watch NAME`: one metric or field, a line for each reading.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the value and rate of a metric or a field, a line each second.",
    discussion: """
      The name is a metric's, as `dpdkfwd-stat metrics` has it (dpdkfwd_drops_total), or kind.field (ports.rx_packets), \
      and may be followed by labels: 'drops.packets{reason="tx_full"}'. What several records count is added up.
      """)

  @OptionGroup var options: Options
  @OptionGroup var pace: Pace

  @Argument(help: ArgumentHelp("A metric, or kind.field.", valueName: "name"))
  var name: String

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      let watched = try Watched(name)
      var following = try Following(options)
      var last: (at: UInt64, value: UInt64)?
      var readings = 0
      while true {
        if try following.renew() {
          writeAll(STDOUT_FILENO, "* another run of the forwarder has started, pid \(following.reader.info.pid)\n")
          last = nil
        }
        let (value, now) = (try watched.value(in: following.reader), Clock.monotonic())
        let rate = last.map { Double(Int64(bitPattern: value &- $0.value)) * 1e9 / Double(max(1, now - $0.at)) }
        last = (now, value)
        let line =
          options.json
          ? JSON.object([
            ("at_ns", .unsigned(Clock.wall())), ("value", .unsigned(value)), ("rate", rate.map { .real($0) } ?? .null),
          ]).line
          : "\(clockTime(Clock.wall()))  \(value)  \(rate.map { ($0 < 0 ? "-" : "") + scaled(abs($0), "/s") } ?? "-")"
        writeAll(STDOUT_FILENO, line + "\n")
        readings += 1
        if let count = pace.count, readings >= count { return }
        usleep(UInt32(pace.interval * 1e6))
      }
    }
  }
}

/// A metric or field as it was asked for.
struct Watched {
  private let name: String
  private let labels: [(String, String)]

  /// Fails with `.invalid` for labels that are none.
  init(_ text: String) throws(SegmentError) {
    guard let brace = text.firstIndex(of: "{") else {
      (name, labels) = (text, [])
      return
    }
    let pattern = #/\{((?:[a-z_]+="[^"]*",?)+)\}/#
    guard (try? pattern.wholeMatch(in: text[brace...])) != nil else {
      throw .invalid("'\(text[brace...])' are no labels: write {label=\"value\"}")
    }
    name = String(text[..<brace])
    labels = text[brace...].matches(of: #/([a-z_]+)="([^"]*)"/#).map { (String($0.1), String($0.2)) }
  }

  /// The sum of all that has the name and the labels; fails with `.invalid` when nothing has the name.
  func value(in reader: SegmentReader) throws(SegmentError) -> UInt64 {
    let found = fields(reader.schema)
    guard !found.isEmpty else {
      throw .invalid("there is no metric and no field '\(name)'; `metrics` and `schema` list what there is")
    }
    var family = MetricFamily("", .gauge, help: "")
    for (kind, field) in found { family.add(field, of: reader.records(of: kind), reader.schema) }
    return family.samples.reduce(0) { sum, sample in
      guard case .whole(let number) = sample.value,
        labels.allSatisfy({ label in sample.labels.contains { $0 == label } })
      else { return sum }
      return sum &+ number
    }
  }

  private func fields(_ schema: Schema) -> [(Kind, Field)] {
    var metric = name
    if metric.hasPrefix("dpdkfwd_") { metric.removeFirst(8) }
    return schema.kinds.filter { !$0.isRing && !$0.isArena }.flatMap { kind in
      kind.fields.filter { field in
        guard field.isNumber, field.type.isWhole else { return false }
        let total = field.nature == .counter ? field.metric + "_total" : field.metric
        return "\(kind.name).\(field.name)" == name || !field.metric.isEmpty && [field.metric, total].contains(metric)
      }.map { (kind, $0) }
    }
  }
}
