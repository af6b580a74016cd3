internal import Inspection
internal import Segment

/// The live view as text: what is known becomes lines, and nothing else happens here.
struct LiveView {
  /// What ports and lcores are sorted by: its key on the keyboard.
  enum Order: Character, CaseIterable {
    case name = "n"
    case received = "r"
    case sent = "t"
    case dropped = "d"
    case busy = "b"
  }

  struct Line: Equatable {
    var text: String
    var isHead = false
  }

  var heading: String
  var rates: Rates
  /// Of ports, lcores and pools, in their own order.
  var ports: [[Double]] = []
  var lcores: [[Double]] = []
  var pools: [[Double]] = []
  /// What happened lately, in words.
  var notes: [String] = []
  var order = Order.name
  /// Seconds.
  var interval = 1.0
  /// From nothing to full.
  var blocks: [Character] = LiveView.unicodeBlocks

  static let unicodeBlocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
  static let asciiBlocks: [Character] = [" ", ".", ":", "-", "=", "+", "*", "#"]

  /// The screen from its first line to its last; what does not fit is left out, but never the keys at the bottom.
  func lines(columns: Int, rows: Int) -> [Line] {
    let keys = Line(
      text: "q quit  sort: n name r received t sent d dropped b busy  + - interval (\(seconds) s)", isHead: true)
    let all =
      [Line(text: heading), Line(text: totals)] + notes.suffix(3).map { Line(text: "* " + $0) }
      + sections(columns).flatMap { [Line(text: "")] + $0 }
    let shown = Array(all.prefix(max(0, rows - 1)))
    let blank = repeatElement(Line(text: ""), count: max(0, rows - 1 - shown.count))
    return (shown + blank + [keys]).suffix(max(0, rows)).map {
      Line(text: String($0.text.prefix(columns)), isHead: $0.isHead)
    }
  }

  private var seconds: String { decimal(UInt64((interval * 100).rounded()), digits: 2) }

  /// The forwarder as a whole, also the line of those who have no screen.
  var totals: String {
    "rx \(scaled(rates.received.packets, "pps")) \(scaled(rates.received.bits, "bps"))  "
      + "tx \(scaled(rates.sent.packets, "pps")) \(scaled(rates.sent.bits, "bps"))  "
      + "dropped \(scaled(rates.dropped, "pps"))  busy \(percent(rates.busy))"
      + rates.pools.map { "  \($0.name) \($0.inUse)/\($0.size)" }.joined()
  }

  // MARK: Tables

  private func sections(_ columns: Int) -> [[Line]] {
    [
      section(portTable, columns, sparks: sorted(rates.ports, ports).map { ($0.1, nil) }),
      section(lcoreTable, columns, sparks: sorted(rates.lcores, lcores).map { ($0.1, 1) }),
      section(dropTable, columns),
      section(
        poolTable, columns,
        sparks: rates.pools.indices.map { place in
          (place < pools.count ? pools[place] : [], Double(rates.pools[place].size))
        }),
    ].compactMap(\.self)
  }

  /// A table, with each row's past behind it where there is room; `nil` when there is nothing to show.
  private func section(_ table: TextTable, _ columns: Int, sparks: [(values: [Double], top: Double?)] = []) -> [Line]? {
    guard !table.rows.isEmpty else { return nil }
    var lines = table.text.split(separator: "\n").map { Line(text: String($0)) }
    lines[0].isHead = true
    let width = lines.map(\.text.count).max() ?? 0
    for (place, spark) in sparks.enumerated() where columns - width > 10 {
      let text = sparkline(spark.values, width: columns - width - 2, top: spark.top, blocks: blocks)
      let gap = String(repeating: " ", count: width + 2 - lines[place + 1].text.count)
      lines[place + 1].text += gap + text
    }
    return lines
  }

  private var portTable: TextTable {
    var table = TextTable(head: [("PORT", .left), ("LINK", .left)] + Self.flowHead + Self.right("MISSED/S", "TXERR/S"))
    table.rows = sorted(rates.ports, ports).map { port, _ in
      [port.figures.name, port.figures.isUp ? "up" : "down"] + Self.cells(port.received, port.sent)
        + [scaled(port.missed), scaled(port.failed)]
    }
    return table
  }

  private var lcoreTable: TextTable {
    var table = TextTable(
      head: [("LCORE", .right), ("STATE", .left)] + Self.right("BUSY") + Self.flowHead + Self.right("DROPS/S", "HELD"))
    table.rows = sorted(rates.lcores, lcores).map { lcore, _ in
      ["\(lcore.figures.lcore)", lcore.figures.state, percent(lcore.busy)] + Self.cells(lcore.received, lcore.sent)
        + [scaled(lcore.dropped), "\(lcore.figures.held)"]
    }
    return table
  }

  private var dropTable: TextTable {
    let drops = order == .name ? rates.drops : rates.drops.sorted { ($0.rate, $0.packets) > ($1.rate, $1.packets) }
    return TextTable(
      head: [("DROPPED FOR", .left)] + Self.right("PPS", "PACKETS"),
      rows: drops.map { [$0.reason, scaled($0.rate), "\($0.packets)"] })
  }

  private var poolTable: TextTable {
    TextTable(
      head: [("MEMPOOL", .left)] + Self.right("USED", "IN-USE", "SIZE"),
      rows: rates.pools.map { pool in
        let share = pool.size > 0 ? Double(pool.inUse) / Double(pool.size) : nil
        return [pool.name, percent(share), "\(pool.inUse)", "\(pool.size)"]
      })
  }

  private static func right(_ titles: String...) -> [(title: String, alignment: TextTable.Alignment)] {
    titles.map { ($0, .right) }
  }
  private static let flowHead = right("RX-PPS", "RX-BPS", "TX-PPS", "TX-BPS")

  private static func cells(_ received: Rates.Flow, _ sent: Rates.Flow) -> [String] {
    [received.packets, received.bits, sent.packets, sent.bits].map { scaled($0) }
  }

  // MARK: Order

  /// Rows with their past, the largest first; by name as they stand.
  private func sorted<Row: Ordered>(_ rows: [Row], _ past: [[Double]]) -> [(Row, [Double])] {
    let all = rows.enumerated().map { ($1, $0 < past.count ? past[$0] : []) }
    guard order != .name else { return all }
    return all.enumerated().sorted { a, b in
      let (left, right) = (a.element.0.weight(order), b.element.0.weight(order))
      return left == right ? a.offset < b.offset : left > right
    }.map(\.element)
  }
}

private protocol Ordered {
  func weight(_ order: LiveView.Order) -> Double
}

extension Rates.Port: Ordered {
  fileprivate func weight(_ order: LiveView.Order) -> Double {
    switch order {
    case .received: received.packets
    case .sent: sent.packets
    case .dropped: missed + failed
    case .name, .busy: 0
    }
  }
}

extension Rates.Lcore: Ordered {
  fileprivate func weight(_ order: LiveView.Order) -> Double {
    switch order {
    case .received: received.packets
    case .sent: sent.packets
    case .dropped: dropped
    case .busy: busy ?? 0
    case .name: 0
    }
  }
}
