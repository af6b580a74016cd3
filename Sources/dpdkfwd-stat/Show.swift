internal import ArgumentParser
internal import Inspection
internal import JSONText
internal import Segment

/// `show KIND`: the records of a kind, as a table or as JSON.
struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show ports, lcores, queues, drops, mempools or any other kind.",
    discussion: "Every kind that `dpdkfwd-stat schema` lists can be shown; without a kind, their names are.")

  @OptionGroup var options: Options

  @Argument(
    help: ArgumentHelp(
      "ports, lcores, queues, drops, ct, flowtable, frag, events, control, invalid, packets, ...", valueName: "kind"))
  var kind: String?

  @Flag(help: "Show rows that count nothing, too.")
  var zero = false

  @Flag(help: "Show each lcore in a row of its own.")
  var perLcore = false

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      let reader = try options.attach()
      let heading = try Heading(reader)
      guard let name = kind else { return print(kinds(heading)) }
      if name == "ct", reader.schema.kind(named: name) != nil {
        let connections = try ShowConnections(heading)
        return options.json ? print(connections.json) : print(connections.text, terminator: "")
      }
      if name == "frag", reader.schema.kind(named: name) != nil {
        let fragments = try ShowFragments(heading)
        return options.json ? print(fragments.json) : print(fragments.text, terminator: "")
      }
      if name == "events", reader.schema.kind(named: name) != nil {
        let events = try ShowEvents(heading)
        return options.json ? print(events.json) : print(events.text, terminator: "")
      }
      if name == "flowtable" || name == "flowtables", reader.schema.kind(named: "flowtables") != nil {
        let tables = try ShowFlowtables(heading)
        return options.json ? print(tables.json) : print(tables.text, terminator: "")
      }
      guard let kind = reader.schema.kind(named: name) ?? reader.schema.kind(named: name + "s") else {
        throw .invalid("the segment has no \(name); it has \(reader.schema.kinds.map(\.name).joined(separator: ", "))")
      }
      guard !kind.isArena else {
        let dump = kind.name == "ct_dying" ? "dump dying" : "dump ct"
        let elsewhere = kind.name.hasPrefix("frag") ? "ipf-get-status -m" : dump
        throw .invalid(
          "\(kind.name) has \(kind.shards) x \(kind.records) records, too many to show: see `\(elsewhere)`")
      }
      let view = View.of(kind)
      let rows = self.rows(reader.records(of: kind), of: kind, view)
      if options.json {
        print(
          JSON.object(
            heading.members + [
              (kind.name, .array(rows.map { json($0, kind, reader.schema) })), ("total", total(rows, kind)),
            ]))
      } else {
        print(heading.line)
        print(rows.isEmpty ? "nothing to show\n" : table(rows, of: kind, view).text, terminator: "")
        for field in kind.shownFields where field.isArray && !rows.isEmpty {
          print("\n\(field.help)\(field.unit.isEmpty ? "" : " (\(field.unit))"):")
          print(table(rows, of: kind, array: field, schema: reader.schema).text, terminator: "")
        }
      }
    }
  }

  private func kinds(_ heading: Heading) -> String {
    let kinds = heading.reader.schema.kinds
    if options.json {
      return JSON.object(heading.members + [("kinds", .array(kinds.map { .text($0.name) }))]).description
    }
    let table = TextTable(head: [("KIND", .left), ("", .left)], rows: kinds.map { [$0.name, $0.help] })
    return heading.line + "\n" + table.text.trimmedNewline
  }

  private func rows(_ records: [Record], of kind: Kind, _ view: View) -> [Row] {
    let keys = kind.keys + (view.sumsLcores && !perLcore ? [] : [kind.field(named: "lcore")].compactMap(\.self))
    let rows = view.sumsLcores && !keys.isEmpty ? Row.grouped(records, by: keys) : records.map { Row.alone($0) }
    guard view.hidesZero, !zero else { return rows }
    let counters = kind.fields.filter { $0.nature == .counter }
    return rows.filter { row in counters.contains { row.sum($0) != 0 } }
  }

  private func table(_ rows: [Row], of kind: Kind, _ view: View) -> TextTable {
    var columns = view.columns.compactMap { column in column.field(in: kind).map { (column, $0) } }
    if perLcore, view.sumsLcores, let lcore = kind.field(named: "lcore") {
      columns.insert((Column("LCORE", "lcore"), lcore), at: 0)
    }
    var table = TextTable(
      head: columns.map { column, field in (column.title, field.map { $0.isText ? .left : .right } ?? .right) },
      rows: rows.map { row in columns.map { $0.text(row, $1) } })
    if rows.count > 1, !kind.isRing, columns.contains(where: { $1?.isSummable == true }) {
      table.total = columns.enumerated().map { index, column in
        if let field = column.1, field.isSummable { return "\(rows.reduce(0) { $0 &+ $1.sum(field) })" }
        return index == 0 ? "total" : ""
      }
    }
    return table
  }

  private func table(_ rows: [Row], of kind: Kind, array: Field, schema: Schema) -> TextTable {
    TextTable(
      head: kind.keys.map { ($0.name.uppercased(), .left) }
        + (0..<array.count).map { (schema.label(of: $0, in: array), .right) },
      rows: rows.map { row in
        kind.keys.map { row.value(of: $0).description } + (0..<array.count).map { "\(row.sum(array, element: $0))" }
      })
  }

  private func json(_ row: Row, _ kind: Kind, _ schema: Schema) -> JSON {
    .object(
      kind.shownFields.filter { perLcore || row.isAlone || $0.isNumber || $0.nature == .key }.map { field in
        guard field.isArray, field.labels != 0, case .list(let values) = row.value(of: field) else {
          return (field.name, JSON(row.value(of: field)))
        }
        return (field.name, .object(values.enumerated().map { (schema.label(of: $0, in: field), JSON($1)) }))
      })
  }

  private func total(_ rows: [Row], _ kind: Kind) -> JSON {
    .object(
      kind.shownFields.filter { $0.isSummable && $0.count == 1 && !kind.isRing }.map { field in
        (field.name, .unsigned(rows.reduce(0) { $0 &+ $1.sum(field) }))
      })
  }
}

extension Field {
  fileprivate var isText: Bool { type == .char || type == .mac || enumeration != 0 }
}

extension String {
  fileprivate var trimmedNewline: String { last == "\n" ? String(dropLast()) : self }
}
