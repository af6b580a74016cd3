internal import ArgumentParser
internal import Inspection
internal import JSONText
internal import Segment

/// `metrics`: everything the schema marks for export, as OpenMetrics text.
struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print OpenMetrics text, for Prometheus and its kin.")

  @OptionGroup var options: Options

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      let reader = try options.attach()
      let heading = try Heading(reader)
      let families =
        MetricFamily.about(heading) + MetricFamily.counted(by: reader) + MetricFamily.asNodeExporterNames(reader)
      if options.json {
        print(JSON.object(heading.members + [("metrics", .array(families.map(\.json)))]))
      } else {
        print(families.map(\.text).joined() + "# EOF")
      }
    }
  }
}

/// A metric with its samples (OpenMetrics 1.0, "MetricFamily").
struct MetricFamily {
  enum Kind: String { case counter, gauge, info }

  /// Without the suffix of its samples.
  let name: String
  let kind: Kind
  let unit: String
  let help: String
  private(set) var samples: [(labels: [(String, String)], value: Number)] = []
  private var places: [String: Int] = [:]

  enum Number {
    case whole(UInt64)
    case real(Double)
  }

  init(_ name: String, _ kind: Kind, unit: String = "", help: String) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.help = help
  }

  /// Adds to the sample with these labels.
  mutating func add(_ number: UInt64, _ labels: [(String, String)]) {
    let key = labels.map { "\($0)\u{0}\($1)" }.joined(separator: "\u{0}")
    guard let place = places[key], case .whole(let sum) = samples[place].value else {
      places[key] = samples.count
      return samples.append((labels, .whole(number)))
    }
    samples[place].value = .whole(sum &+ number)
  }

  private mutating func set(_ number: Double) { samples = [([], .real(number))] }
}

extension MetricFamily {
  /// What is known of any forwarder.
  static func about(_ heading: Heading) -> [MetricFamily] {
    let info = heading.reader.info
    var up = MetricFamily("dpdkfwd_up", .gauge, help: "Whether the forwarder lives")
    up.add(heading.isLive ? 1 : 0, [])
    var build = MetricFamily("dpdkfwd_build", .info, help: "The forwarder's version")
    build.add(1, [("version", info.version)])
    var start = MetricFamily("dpdkfwd_start_time_seconds", .gauge, unit: "seconds", help: "When it started, since 1970")
    start.set(Double(info.started) / 1e9)
    var breath = MetricFamily(
      "dpdkfwd_last_breath_age_seconds", .gauge, unit: "seconds", help: "Time since it last said that it lives")
    breath.set(Double(heading.reader.sinceLastBreath) / 1e9)
    var clock = MetricFamily("dpdkfwd_tsc_hertz", .gauge, unit: "hertz", help: "Cycles in a second")
    clock.add(info.tscHz, [])
    return [up, build, start, breath, clock]
  }

  /// What the schema marks for export. Records with equal keys are added up: drops of all lcores, for example.
  static func counted(by reader: SegmentReader) -> [MetricFamily] {
    var families: [MetricFamily] = []
    var places: [String: Int] = [:]
    for kind in reader.schema.kinds {
      let exported = kind.fields.filter { $0.isNumber && !$0.metric.isEmpty && $0.type.isWhole }
      guard !exported.isEmpty else { continue }
      let records = reader.records(of: kind)
      for field in exported {
        let name = "dpdkfwd_" + field.metric
        let place = places[name] ?? families.count
        if place == families.count {
          places[name] = place
          families.append(
            MetricFamily(name, field.nature == .counter ? .counter : .gauge, unit: field.unit, help: field.help))
        }
        families[place].add(field, of: records, reader.schema)
      }
    }
    return families.filter { !$0.samples.isEmpty }
  }

  /// Adds what a field of these records counts, labelled by their keys and the field's own elements.
  mutating func add(_ field: Field, of records: [Record], _ schema: Schema) {
    let element = schema.enumeration(field.labels)?.name ?? "index"
    for record in records {
      let labels = record.kind.keys.filter { !$0.metric.isEmpty }.map {
        ($0.metric, record.value(of: $0).description)
      }
      for place in 0..<field.count {
        let own = field.count == 1 ? [] : [(element, schema.label(of: place, in: field))]
        add(record.number(field, element: place), labels + own)
      }
    }
  }

  var text: String {
    var lines = ["# TYPE \(name) \(kind.rawValue)"]
    if !unit.isEmpty, name.hasSuffix("_\(unit)") { lines.append("# UNIT \(name) \(unit)") }
    lines.append("# HELP \(name) \(Self.escaped(help))")
    let suffix =
      switch kind {
      case .counter: "_total"
      case .gauge: ""
      case .info: "_info"
      }
    for (labels, value) in samples {
      let list = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
      let number =
        switch value {
        case .whole(let number): "\(number)"
        case .real(let number): "\(number)"
        }
      lines.append("\(name)\(suffix)\(list.isEmpty ? "" : "{\(list)}") \(number)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  var json: JSON {
    .object([
      ("name", .text(name)), ("type", .text(kind.rawValue)), ("unit", .text(unit)), ("help", .text(help)),
      (
        "samples",
        .array(
          samples.map { labels, value in
            let number: JSON =
              switch value {
              case .whole(let number): .unsigned(number)
              case .real(let number): .real(number)
              }
            return .object([("labels", .object(labels.map { ($0, .text($1)) })), ("value", number)])
          })
      ),
    ])
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.append(character)
      }
    }
  }
}
