internal import Inspection
internal import JSONText
internal import Segment

/// What `show ct` shows: how full the workers' tables are, what they counted as `conntrack -S` prints it, and how the
/// flow cache, the limits and the sweep do.
struct ShowConnections {
  private let heading: Heading
  private let kind: Kind
  /// A record for each worker.
  private let workers: [Row]
  private let total: Row?
  private let faults: [Row]

  init(_ heading: Heading) throws(SegmentError) {
    self.heading = heading
    kind = try heading.reader.kind("ct_shards", having: ["lcore", "entries", "entries_limit"])
    let records = heading.reader.records(of: kind)
    workers = records.map { Row.alone($0) }
    total = records.isEmpty ? nil : Row(records: records)
    let invalid = try heading.reader.kind("ct_invalid", having: ["reason", "packets"])
    faults = Row.grouped(heading.reader.records(of: invalid), by: invalid.keys).filter { $0.sum("packets") != 0 }
  }

  // MARK: Text

  var text: String {
    let parts = [heading.line + "\n" + entries + balance, statistics, protocols, classes, cache, pressure, invalid]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var entries: String {
    let columns: [(String, (Row) -> String)] = [
      ("ENTRIES", { "\($0.sum("entries"))" }), ("LIMIT", { "\($0.sum("entries_limit"))" }),
      ("USED", { share($0.sum("entries"), of: $0.sum("entries_limit")) }), ("MOST", { "\($0.sum("entries_max"))" }),
      ("UNASSURED", { "\($0.sum("unassured"))" }), ("EXTENSIONS", { "\($0.sum("extensions"))" }),
      ("EXT-LIMIT", { "\($0.sum("extensions_limit"))" }),
    ]
    var table = TextTable(head: [("LCORE", .right)] + columns.map { ($0.0, .right) })
    table.rows = workers.map { row in ["\(row.sum("lcore"))"] + columns.map { $0.1(row) } }
    // High-water marks of different moments make no sum.
    table.total = total.map { row in ["total"] + columns.map { $0.0 == "MOST" ? "" : $0.1(row) } }
    return table.text
  }

  /// How evenly the workers are filled.
  private var balance: String {
    let counts = workers.map { $0.sum("entries") }
    guard workers.count > 1, let most = counts.max(), let sum = total?.sum("entries"), sum > 0 else { return "" }
    let times = decimal(most * UInt64(workers.count) * 100 / sum, digits: 2)
    let place = counts.firstIndex(of: most) ?? 0
    return "The fullest worker, lcore \(workers[place].sum("lcore")), has \(times) times its even share.\n"
  }

  /// As `conntrack -S` prints it.
  private var statistics: String {
    workers.map { row in
      let cpu = "\(row.sum("lcore"))"
      let words = Self.statistics.map { "\($0)=\(row.sum($0)) " }.joined()
      return "cpu=\(cpu)" + String(repeating: " ", count: max(0, 4 - cpu.count)) + "\t" + words + "\n"
    }.joined()
  }

  static let statistics = [
    "found", "invalid", "insert", "insert_failed", "drop", "early_drop", "error", "search_restart", "clash_resolve",
    "chaintoolong",
  ]

  private var protocols: String { array("by_protocol", title: "Connections by protocol") }
  private var classes: String { array("classes", title: "Packets by state and direction") }

  private var cache: String {
    guard let total, let field = kind.field(named: "cache_misses") else { return "" }
    let misses = (0..<field.count).reduce(0) { $0 &+ total.sum(field, element: $1) }
    let hits = total.sum("cache_hits")
    return "Flow cache: \(hits) hits (\(share(hits, of: hits &+ misses))), \(misses) misses, "
      + "\(total.sum("refreshes")) deadlines moved\n" + array("cache_misses", title: "Misses by reason")
  }

  private var pressure: String {
    guard let total else { return "" }
    return "Expired: \(total.sum("expired")); records the sweep visited: \(total.sum("swept"))\n"
      + array("limited", title: "Connections refused by a limit")
  }

  private var invalid: String {
    guard !faults.isEmpty else { return "" }
    let table = TextTable(
      head: [("INVALID", .left), ("PACKETS", .right)],
      rows: faults.map { [$0.records[0]["reason"]?.description ?? "?", "\($0.sum("packets"))"] })
    return table.text
  }

  /// The elements of an array that count something, over all workers.
  private func array(_ name: String, title: String) -> String {
    guard let total, let field = kind.field(named: name) else { return "" }
    let counts = (0..<field.count).map {
      (heading.reader.schema.label(of: $0, in: field), total.sum(field, element: $0))
    }
    let words = counts.filter { $0.1 != 0 }.map { "\($0.0) \($0.1)" }
    return "\(title): " + (words.isEmpty ? "none" : words.joined(separator: ", ")) + "\n"
  }

  // MARK: JSON

  var json: JSON {
    .object(
      heading.members + [
        ("ct", .array(workers.map { .object(members($0, kind.shownFields)) })),
        ("total", .object(total.map { members($0, kind.shownFields.filter(\.isNumber)) } ?? [])),
        (
          "invalid",
          .object(faults.map { ($0.records[0]["reason"]?.description ?? "?", .unsigned($0.sum("packets"))) })
        ),
      ])
  }

  private func members(_ row: Row, _ fields: [Field]) -> [(String, JSON)] {
    fields.map { field in
      guard field.isArray else { return (field.name, JSON(row.value(of: field))) }
      return (
        field.name,
        .object(
          (0..<field.count).map {
            (heading.reader.schema.label(of: $0, in: field), .unsigned(row.sum(field, element: $0)))
          })
      )
    }
  }
}
