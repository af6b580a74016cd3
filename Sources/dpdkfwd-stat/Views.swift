internal import Inspection
internal import Segment

/// A column of a table for people: a field, or a figure made of several.
struct Column: Sendable {
  let title: String
  private let content: Content

  private enum Content: Sendable {
    case field(String)
    case figure(@Sendable (Row) -> String)
  }

  init(_ title: String, _ field: String) {
    self.title = title
    content = .field(field)
  }

  init(_ title: String, figure: @escaping @Sendable (Row) -> String) {
    self.title = title
    content = .figure(figure)
  }

  /// `nil` when the segment has no such field: an older one lacks a column, no more.
  func field(in kind: Kind) -> Field?? {
    switch content {
    case .figure: .some(.none)
    case .field(let name): kind.field(named: name).map { .some($0) }
    }
  }

  func text(_ row: Row, _ field: Field?) -> String {
    switch content {
    case .figure(let figure): figure(row)
    case .field: field.map { row.value(of: $0).description } ?? ""
    }
  }
}

/// How a kind is shown to people; one without a view shows every field.
struct View: Sendable {
  let columns: [Column]
  /// Whether lcores are added up, unless each is asked for.
  var sumsLcores = false
  /// Whether rows without a count are left out, unless they are asked for.
  var hidesZero = false

  static let byKind: [String: View] = [
    "ports": View(columns: [
      Column("PORT", "port"), Column("NAME", "name"), Column("DRIVER", "driver"), Column("LINK", "link"),
      Column("PAIR") { $0.sum("pair") == 0xffff ? "-" : "\($0.sum("pair"))" },
      Column("RX-PACKETS", "rx_packets"), Column("RX-BYTES", "rx_bytes"), Column("RX-MISSED", "rx_missed"),
      Column("RX-ERRORS", "rx_errors"), Column("RX-NOMBUF", "rx_nombuf"), Column("TX-PACKETS", "tx_packets"),
      Column("TX-BYTES", "tx_bytes"), Column("TX-ERRORS", "tx_errors"),
    ]),
    "lcores": View(columns: [
      Column("LCORE", "lcore"), Column("CPU", "cpu"), Column("STATE", "state"),
      Column("BUSY") { row in
        let busy = row.sum("cycles_busy")
        return share(busy, of: busy &+ row.sum("cycles_idle") &+ row.sum("cycles_sleep"))
      },
      Column("CYCLES/PKT") { ratio($0.sum("cycles_busy"), arrived($0), digits: 0) },
      Column("PKTS/BURST") { ratio(arrived($0), $0.sum("busy_breaths"), digits: 1) },
      Column("RX-PACKETS", "rx_packets"), Column("RX-BYTES", "rx_bytes"), Column("TX-PACKETS", "tx_packets"),
      Column("TX-BYTES", "tx_bytes"), Column("HELD", "held"), Column("DROPPED", "dropped"),
      Column("HANDED-IN", "handed_in"), Column("HANDED-OUT", "handed_out"), Column("BREATHS", "breaths"),
      Column("SLEEPS", "sleeps"),
    ]),
    "queues": View(columns: [
      Column("LCORE", "lcore"), Column("PORT", "port"), Column("QUEUE", "queue"), Column("DIR", "direction"),
      Column("PACKETS", "packets"), Column("BYTES", "bytes"), Column("BURSTS", "bursts"),
      Column("FULL-BURSTS", "full_bursts"), Column("RETRIES", "retries"), Column("DROPPED", "dropped"),
    ]),
    "drops": View(
      columns: [Column("REASON", "reason"), Column("PACKETS", "packets"), Column("BYTES", "bytes")],
      sumsLcores: true, hidesZero: true),
    "invalid": View(
      columns: [Column("REASON", "reason"), Column("PACKETS", "packets")], sumsLcores: true, hidesZero: true),
    "packets": View(
      columns: [Column("KIND", "kind"), Column("PACKETS", "packets"), Column("BYTES", "bytes")],
      sumsLcores: true, hidesZero: true),
    "mempools": View(columns: [
      Column("POOL", "name"), Column("SOCKET", "socket"), Column("SIZE", "size"), Column("IN-USE", "in_use"),
      Column("USED") { share($0.sum("in_use"), of: $0.sum("size")) }, Column("MOST-USED", "in_use_max"),
      Column("CACHED", "cached"), Column("DATA-ROOM", "data_room"),
    ]),
  ]

  static func of(_ kind: Kind) -> View {
    byKind[kind.name]
      ?? View(columns: kind.shownFields.filter { !$0.isArray }.map { Column($0.name.uppercased(), $0.name) })
  }
}

extension Field {
  var isArray: Bool { count > 1 && type != .char }
}

/// Packets that came to an lcore, by its queues or from another lcore.
private func arrived(_ row: Row) -> UInt64 { row.sum("rx_packets") &+ row.sum("handed_in") }

func share(_ part: UInt64, of whole: UInt64) -> String {
  whole == 0 ? "-" : decimal(UInt64((Double(part) * 1000 / Double(whole)).rounded()), digits: 1) + "%"
}

private func ratio(_ count: UInt64, _ per: UInt64, digits: Int) -> String {
  if per == 0 { return "-" }
  return digits == 0 ? "\(count / per)" : decimal(UInt64((Double(count) * 10 / Double(per)).rounded()), digits: 1)
}
