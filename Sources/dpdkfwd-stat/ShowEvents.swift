internal import Inspection
internal import JSONText
internal import Segment

/// What `show events` shows: what the workers write of events, and what they did on request.
struct ShowEvents {
  private let heading: Heading
  private let kind: Kind
  /// A record for each worker.
  private let workers: [Row]
  private let total: Row?

  init(_ heading: Heading) throws(SegmentError) {
    self.heading = heading
    kind = try heading.reader.kind("events", having: ["lcore", "mask", "written"])
    let records = heading.reader.records(of: kind)
    workers = records.map { Row.alone($0) }
    total = records.isEmpty ? nil : Row(records: records)
  }

  private func names(_ mask: UInt64) -> [String] {
    let written = ConnectionWords.eventMask.values.filter { mask >> $0.value & 1 != 0 }.map(\.name)
    return written + (EventMask(rawValue: UInt32(truncatingIfNeeded: mask)).contains(.keeps) ? ["dying"] : [])
  }

  // MARK: Text

  var text: String { heading.line + "\n" + written + "\n" + dying + "\n" + requests }

  private func table(_ columns: [(title: String, isMark: Bool, text: (Row) -> String)]) -> String {
    var table = TextTable(head: [("LCORE", .right)] + columns.map { ($0.title, .right) })
    table.rows = workers.map { row in ["\(row.sum("lcore"))"] + columns.map { $0.text(row) } }
    // High-water marks of different moments make no sum.
    table.total = total.map { row in ["total"] + columns.map { $0.isMark ? "" : $0.text(row) } }
    return table.text
  }

  private func column(_ title: String, _ name: String, isMark: Bool = false) -> (String, Bool, (Row) -> String) {
    (title, isMark, { "\($0.sum(name))" })
  }

  private var written: String {
    guard let field = kind.field(named: "written") else { return "" }
    let kinds = (0..<field.count).map { element in
      let name = heading.reader.schema.label(of: element, in: field).uppercased()
      return (name, false, { (row: Row) in "\(row.sum(field, element: element))" })
    }
    let now: (String, Bool, (Row) -> String) = (
      "WRITTEN-NOW", true,
      { row in
        let names = self.names(row.sum("mask"))
        return names.isEmpty ? "nothing" : names.joined(separator: ",")
      }
    )
    return table([now] + kinds + [column("MERGED", "merged")])
  }

  private var dying: String {
    table([
      column("DYING", "dying"), column("LIMIT", "dying_limit"), column("MOST", "dying_max", isMark: true),
      column("LOST", "dying_lost"),
    ])
  }

  private var requests: String {
    table([
      column("REQUESTS", "orders"), column("REFUSED", "refused"), column("VISITED", "visited"),
      column("TURNS", "turns"),
      ("CYCLES/TURN", false, { $0.sum("turns") == 0 ? "-" : "\($0.sum("turn_cycles") / $0.sum("turns"))" }),
      column("MOST-CYCLES", "turn_cycles_max", isMark: true),
    ])
  }

  // MARK: JSON

  var json: JSON {
    let fields = kind.shownFields
    // Masks make no sum, nor do high-water marks of different moments.
    let summed = fields.filter { $0.isNumber && $0.name != "mask" && !$0.name.hasSuffix("_max") }
    return .object(
      heading.members + [
        ("events", .array(workers.map { .object(members($0, fields)) })),
        (
          "total",
          .object(total.map { members($0, summed) } ?? [])
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
