internal import Inspection
internal import JSONText
internal import Segment

/// What `show frag` shows: how full the workers' tables are, and what they counted, by family.
struct ShowFragments {
  private let heading: Heading
  private let reassembly: Reassembly

  init(_ heading: Heading) throws(SegmentError) {
    self.heading = heading
    reassembly = try Reassembly(heading.reader)
  }

  // MARK: Text

  var text: String {
    let parts = [
      heading.line + "\n" + tables, events("FRAGMENTS", reassembly.fragments),
      events("DATAGRAMS", reassembly.datagrams),
      search,
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var tables: String {
    func field(_ title: String, _ name: String, isMark: Bool = false) -> (String, Bool, (Row) -> String) {
      (title, isMark, { "\($0.sum(name))" })
    }
    let columns: [(title: String, isMark: Bool, text: (Row) -> String)] = [
      field("DATAGRAMS", "datagrams"), field("LIMIT", "datagrams_limit"), field("MOST", "datagrams_max", isMark: true),
      field("DISCARDED", "discarded"), field("FRAGMENTS", "fragments"), field("LIMIT", "fragments_limit"),
      ("USED", false, { share($0.sum("fragments"), of: $0.sum("fragments_limit")) }),
      field("MOST", "fragments_max", isMark: true), field("MBUFS", "mbufs"), field("LIMIT", "mbufs_limit"),
      field("MOST", "mbufs_max", isMark: true), field("BYTES", "bytes"), field("LIMIT", "bytes_limit"),
      field("MOST", "bytes_max", isMark: true),
    ]
    var table = TextTable(head: [("LCORE", .right)] + columns.map { ($0.title, .right) })
    table.rows = reassembly.workers.map { row in ["\(row.sum("lcore"))"] + columns.map { $0.text(row) } }
    // High-water marks of different moments make no sum.
    table.total = reassembly.total.map { row in ["total"] + columns.map { $0.isMark ? "" : $0.text(row) } }
    return table.text
  }

  /// Nothing when there was none.
  private func events(_ title: String, _ events: [Reassembly.Event]) -> String {
    let rows = events.filter { !$0.isZero }.map { [$0.name, "\($0.ipv4)", "\($0.ipv6)"] }
    return rows.isEmpty ? "" : TextTable(head: [(title, .left), ("IPV4", .right), ("IPV6", .right)], rows: rows).text
  }

  private var search: String {
    let accepted = reassembly.fragments.first { $0.name == "accepted" }.map { $0.ipv4 &+ $0.ipv6 } ?? 0
    guard accepted > 0 else { return "" }
    let each = decimal(reassembly.sum("steps") * 10 / accepted, digits: 1)
    return "Fragments passed by in search of a place: \(reassembly.sum("steps")), \(each) for each that was accepted\n"
  }

  // MARK: JSON

  var json: JSON {
    let fields = reassembly.kind.shownFields
    return .object(
      heading.members + [
        ("frag", .array(reassembly.workers.map { .object(members($0, fields)) })),
        ("total", .object(reassembly.total.map { members($0, fields.filter(\.isTotal)) } ?? [])),
        ("fragments", Reassembly.json(reassembly.fragments)), ("datagrams", Reassembly.json(reassembly.datagrams)),
      ])
  }

  private func members(_ row: Row, _ fields: [Field]) -> [(String, JSON)] {
    fields.map { ($0.name, JSON(row.value(of: $0))) }
  }
}

extension Field {
  /// Whether it says how full a table is: settings and marks make no sum.
  fileprivate var isTotal: Bool {
    ["fragments", "datagrams", "mbufs", "bytes", "discarded", "steps"].contains(name) || name.hasSuffix("s_limit")
  }
}
