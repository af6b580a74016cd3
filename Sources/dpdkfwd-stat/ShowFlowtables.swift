internal import Inspection
internal import JSONText
internal import Segment

/// What `show flowtable` shows: the named flow tables, what is in them, and what became of their flows.
struct ShowFlowtables {
  private let heading: Heading
  private let kind: Kind
  /// A row for each table, of all workers.
  private let tables: [Row]
  private let ports: [UInt64: String]
  /// What ports say that were asked for flows of tables with `flags offload`.
  private let hardware: [Hardware]

  private struct Hardware {
    var port: String
    var rules: UInt64
    var refused: UInt64
    var reason: String
  }

  init(_ heading: Heading) throws(SegmentError) {
    self.heading = heading
    let kind = try heading.reader.kind("flowtables", having: ["family", "table", "name", "number", "flows"])
    self.kind = kind
    let records = heading.reader.records(of: kind)
    let keys = ["family", "table", "name", "number"].compactMap { kind.field(named: $0) }
    tables = Row.grouped(records, by: keys).sorted { Self.title($0) < Self.title($1) }
    var ports: [UInt64: String] = [:]
    var hardware: [Hardware] = []
    if let kind = heading.reader.schema.kind(named: "ports") {
      for record in heading.reader.records(of: kind) {
        let name = record["name"]?.description ?? ""
        ports[record.number("port") ?? 0] = name
        let (rules, refused) = (record.number("offload_rules") ?? 0, record.number("offload_refused") ?? 0)
        guard rules > 0 || refused > 0 else { continue }
        hardware.append(
          Hardware(
            port: name, rules: rules, refused: refused, reason: record["offload_reason"]?.description ?? ""))
      }
    }
    self.ports = ports
    self.hardware = hardware
  }

  /// `FAMILY/TABLE/NAME`, as rules have it.
  private static func title(_ row: Row) -> String {
    ["family", "table", "name"].map { row.records[0][$0]?.description ?? "" }.joined(separator: "/")
  }

  /// By the number that connections know them by.
  var titles: [UInt8: String] {
    Dictionary(tables.map { (UInt8(truncatingIfNeeded: number($0, "number")), Self.title($0)) }) { first, _ in first }
  }

  /// Of what all workers have alike.
  private func number(_ row: Row, _ name: String) -> UInt64 { row.records[0].number(name) ?? 0 }

  private func devices(_ row: Row) -> [String] {
    let bits = number(row, "ports")
    return (0..<64).filter { bits >> $0 & 1 != 0 }.map { ports[$0] ?? "\($0)" }
  }

  private func flags(_ row: Row) -> [String] {
    (number(row, "has_counter") == 0 ? [] : ["counter"]) + (number(row, "is_hardware") == 0 ? [] : ["offload"])
  }

  // MARK: Text

  var text: String {
    guard !tables.isEmpty else { return heading.line + "\nnothing to show\n" }
    return heading.line + "\n" + definitions + "\n" + figures + hardwareText
  }

  /// W42: what was asked for and cannot be had is said.
  private var hardwareText: String {
    guard !hardware.isEmpty else { return "" }
    let table = TextTable(
      head: [("HARDWARE", .left), ("RULES", .right), ("REFUSED", .right), ("REASON", .left)],
      rows: hardware.map { [$0.port, "\($0.rules)", "\($0.refused)", $0.reason.isEmpty ? "-" : $0.reason] })
    return "\n" + table.text
  }

  private var definitions: String {
    TextTable(
      head: [("FLOWTABLE", .left), ("DEVICES", .left), ("TCP", .right), ("UDP", .right), ("FLAGS", .left)],
      rows: tables.map { row in
        [
          Self.title(row), list(devices(row)), "\(number(row, "tcp_timeout") / 1000) s",
          "\(number(row, "udp_timeout") / 1000) s", list(flags(row)),
        ]
      }
    ).text
  }

  private func list(_ words: [String]) -> String { words.isEmpty ? "-" : words.joined(separator: ",") }

  private var figures: String {
    var columns: [(String, (Row) -> UInt64)] = Self.counts.map { name in (name.uppercased(), { $0.sum(name) }) }
    if let ended = kind.field(named: "ended") {
      columns += (0..<ended.count).map { element in
        (heading.reader.schema.label(of: element, in: ended).uppercased(), { $0.sum(ended, element: element) })
      }
    }
    var table = TextTable(head: [("FLOWTABLE", .left)] + columns.map { ($0.0, .right) })
    table.rows = tables.map { row in [Self.title(row)] + columns.map { "\($0.1(row))" } }
    if tables.count > 1 {
      table.total = ["total"] + columns.map { column in "\(tables.reduce(0) { $0 &+ column.1($1) })" }
    }
    return table.text
  }

  private static let counts = ["flows", "added", "refused", "packets", "bytes"]

  // MARK: JSON

  var json: JSON {
    .object(
      heading.members + [
        ("flowtables", .array(tables.map { .object(members($0)) })),
        (
          "hardware",
          .array(
            hardware.map {
              .object([
                ("port", .text($0.port)), ("rules", .unsigned($0.rules)), ("refused", .unsigned($0.refused)),
                ("reason", .text($0.reason)),
              ])
            })
        ),
      ])
  }

  private func members(_ row: Row) -> [(String, JSON)] {
    let names = ["family", "table", "name"].map { name in
      (name, JSON.text(row.records[0][name]?.description ?? ""))
    }
    let own: [(String, JSON)] = [
      ("devices", .array(devices(row).map { .text($0) })), ("flags", .array(flags(row).map { .text($0) })),
      ("tcp_timeout_ms", .unsigned(number(row, "tcp_timeout"))),
      ("udp_timeout_ms", .unsigned(number(row, "udp_timeout"))),
    ]
    let counts = Self.counts.map { name in (name, JSON.unsigned(row.sum(name))) }
    guard let ended = kind.field(named: "ended") else { return names + own + counts }
    let reasons = (0..<ended.count).map { element in
      (heading.reader.schema.label(of: element, in: ended), JSON.unsigned(row.sum(ended, element: element)))
    }
    return names + own + counts + [("ended", .object(reasons))]
  }
}
