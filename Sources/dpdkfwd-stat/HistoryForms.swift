internal import Inspection
internal import JSONText
internal import Segment

/// A way to print a history, entry by entry.
protocol HistoryForm {
  mutating func begin() throws(SegmentError)
  mutating func print(_ reading: Story.Reading)
  /// Another run has started: what comes has nothing to do with what was.
  mutating func renew()
  func end()
}

extension HistoryForm {
  mutating func renew() {}
  func end() {}
}

/// Rates between entries, for people.
struct HistoryTable: HistoryForm {
  private struct Column {
    let title: String
    let text: (_ old: Record?, _ new: Record) -> String
  }

  private let columns: [Column]
  private var last: [Int: Record] = [:]
  private let reader: SegmentReader

  init(reader: SegmentReader, kind: Kind) {
    self.reader = reader
    let chosen: [String: [String]] = [
      "lcore_history": ["rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "dropped", "held"],
      "port_history": ["link", "rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "rx_missed", "tx_errors"],
    ]
    let numbers = kind.fields.filter { $0.isNumber && $0.count == 1 }
    let fields = chosen[kind.name]?.compactMap { kind.field(named: $0) } ?? numbers
    var columns = [
      Column(title: "ENTRY") { "\($1.number("sequence") ?? 0)" },
      Column(title: "TIME") { clockTime($1.number("at") ?? 0) },
    ]
    columns += kind.keys.map { key in Column(title: key.name.uppercased()) { $1.value(of: key).description } }
    columns += fields.map { field in
      guard field.nature == .counter else {
        return Column(title: field.name.uppercased()) { $1.value(of: field).description }
      }
      return Column(title: field.name.uppercased() + "/S") { old, new in
        old.flatMap { Past.rate(field.name, $0, new) }.map { scaled($0) } ?? "-"
      }
    }
    if kind.field(named: "cycles_busy") != nil {
      columns.append(Column(title: "BUSY") { old, new in percent(old.flatMap { Past.busy($0, new) }) })
    }
    self.columns = columns
  }

  mutating func begin() throws(SegmentError) {
    writeAll(1, try Heading(reader).line + "\n" + row(columns.map(\.title)))
  }

  mutating func print(_ reading: Story.Reading) {
    switch reading.what {
    case .lost(let range):
      writeAll(1, "* \(reading.about): entries \(range.lowerBound) to \(range.upperBound) are lost\n")
    case .entry(_, let record):
      writeAll(1, row(columns.map { $0.text(last[reading.shard], record) }))
      last[reading.shard] = record
    }
  }

  mutating func renew() { last = [:] }

  private func row(_ cells: [String]) -> String {
    zip(cells, columns).map { cell, column in
      String(repeating: " ", count: max(0, max(8, column.title.count) - cell.count)) + cell
    }.joined(separator: "  ") + "\n"
  }
}

/// Every field of every entry, as it was counted.
struct HistoryCSV: HistoryForm {
  private let schema: Schema
  private let fields: [Field]

  init(schema: Schema, kind: Kind) {
    self.schema = schema
    fields = kind.shownFields
  }

  mutating func begin() {
    let titles = fields.flatMap { field in
      field.isArray ? (0..<field.count).map { "\(field.name).\(schema.label(of: $0, in: field))" } : [field.name]
    }
    writeAll(1, titles.joined(separator: ",") + "\n")
  }

  mutating func print(_ reading: Story.Reading) {
    switch reading.what {
    case .lost(let range):
      writeError(
        "dpdkfwd-stat: \(reading.about): entries \(range.lowerBound) to \(range.upperBound) are lost")
    case .entry(_, let record):
      let cells = fields.flatMap { field -> [String] in
        guard case .list(let values) = record.value(of: field) else { return [record.value(of: field).description] }
        return values.map(\.description)
      }
      writeAll(1, cells.joined(separator: ",") + "\n")
    }
  }
}

/// The same as JSON: one object, or while it is followed one on each line.
struct HistoryJSON: HistoryForm {
  private let reader: SegmentReader
  private let kind: Kind
  private let isStream: Bool
  private var entries: [JSON] = []
  private var lost: [JSON] = []

  init(reader: SegmentReader, kind: Kind, isStream: Bool) {
    self.reader = reader
    self.kind = kind
    self.isStream = isStream
  }

  private var heading: [(String, JSON)] = []

  mutating func begin() throws(SegmentError) {
    heading = try Heading(reader).members + [("kind", .text(kind.name))]
    if isStream { writeAll(1, JSON.object(heading).line + "\n") }
  }

  mutating func print(_ reading: Story.Reading) {
    switch reading.what {
    case .lost(let range):
      let gap = JSON.object([
        ("shard", .unsigned(UInt64(reading.shard))), ("from", .unsigned(range.lowerBound)),
        ("to", .unsigned(range.upperBound)),
      ])
      if isStream { writeAll(1, JSON.object([("lost", gap)]).line + "\n") } else { lost.append(gap) }
    case .entry(_, let record):
      let entry = JSON.object(
        [("shard", .unsigned(UInt64(reading.shard)))]
          + kind.shownFields.map { field in
            guard field.isArray, case .list(let values) = record.value(of: field) else {
              return (field.name, JSON(record.value(of: field)))
            }
            return (
              field.name,
              .object(values.enumerated().map { (reader.schema.label(of: $0, in: field), JSON($1)) })
            )
          })
      if isStream { writeAll(1, entry.line + "\n") } else { entries.append(entry) }
    }
  }

  func end() {
    guard !isStream else { return }
    writeAll(1, JSON.object(heading + [("entries", .array(entries)), ("lost", .array(lost))]).description + "\n")
  }
}
