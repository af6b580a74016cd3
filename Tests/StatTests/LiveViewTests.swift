import Testing

@testable import dpdkfwd_stat

/// The live view, from two readings to lines.
@Suite struct LiveViewTests {
  /// Two readings a second apart: eth0 to eth1 at a million packets a second, lcore 2 asleep.
  private static let old = Figures(
    at: 5_000_000_000,
    ports: [Figures.Port(name: "eth0"), Figures.Port(name: "eth1", isUp: false)],
    lcores: [Figures.Lcore(lcore: 1, state: "running"), Figures.Lcore(lcore: 2, state: "running")],
    drops: [("none", 0), ("tx_full", 5), ("ipv4_short", 3)],
    pools: [Figures.Pool(name: "mbufs-0", size: 1000, inUse: 1)])
  private static let new = {
    let million = Figures.Traffic(packets: 1_000_000, bytes: 60_000_000)
    let sent = Figures.Traffic(packets: 750_000, bytes: 45_000_000)
    return Figures(
      at: 6_000_000_000,
      ports: [
        Figures.Port(name: "eth0", received: million, missed: 12),
        Figures.Port(name: "eth1", isUp: false, sent: sent, failed: 3),
      ],
      lcores: [
        Figures.Lcore(
          lcore: 1, state: "running", received: million, sent: sent, dropped: 250_000, held: 4, busy: 300, idle: 700),
        Figures.Lcore(lcore: 2, state: "running", asleep: 1000),
      ],
      drops: [("none", 0), ("tx_full", 250_005), ("ipv4_short", 3)],
      pools: [Figures.Pool(name: "mbufs-0", size: 1000, inUse: 250)])
  }()

  private var view: LiveView {
    var view = LiveView(heading: "edge: running", rates: Rates(from: Self.old, to: Self.new))
    view.ports = [[1, 2, 4], [0, 0, 0]]
    view.lcores = [[0.5, 1], [0, 0]]
    view.pools = [[1000, 500]]
    view.blocks = LiveView.asciiBlocks
    return view
  }

  @Test func `a screen holds totals, ports, lcores, drops, pools and the keys`() {
    let lines = view.lines(columns: 100, rows: 20).map(\.text.trimmedEnd)
    #expect(
      lines == [
        "edge: running",
        "rx 1.00Mpps 480Mbps  tx 750kpps 360Mbps  dropped 250kpps  busy 15.0%  mbufs-0 250/1000",
        "",
        "PORT  LINK  RX-PPS  RX-BPS  TX-PPS  TX-BPS  MISSED/S  TXERR/S",
        "eth0  up     1.00M    480M       0       0        12        0  :=#",
        "eth1  down       0       0    750k    360M         0        3",
        "",
        "LCORE  STATE     BUSY  RX-PPS  RX-BPS  TX-PPS  TX-BPS  DROPS/S  HELD",
        "    1  running  30.0%   1.00M    480M    750k    360M     250k     4  =#",
        "    2  running   0.0%       0       0       0       0        0     0",
        "",
        "DROPPED FOR   PPS  PACKETS",
        "tx_full      250k   250005",
        "ipv4_short      0        3",
        "",
        "MEMPOOL   USED  IN-USE  SIZE",
        "mbufs-0  25.0%     250  1000  #=",
        "", "",
        "q quit  sort: n name r received t sent d dropped b busy  + - interval (1.00 s)",
      ])
  }

  @Test func `a key sorts ports and lcores, each with its own past`() {
    var view = view
    view.order = .sent
    let lines = view.lines(columns: 100, rows: 20).map(\.text)
    #expect(lines[4].hasPrefix("eth1") && lines[5].hasPrefix("eth0"))
    #expect(lines[5].hasSuffix(":=#"))
    view.order = .busy
    #expect(view.lines(columns: 100, rows: 20)[8].text.hasPrefix("    1"))
  }

  @Test(arguments: [(1, 1), (10, 2), (40, 5), (200, 60), (0, 0)])
  func `a screen of any size is filled and not more`(columns: Int, rows: Int) {
    let lines = view.lines(columns: columns, rows: rows)
    #expect(lines.count == rows)
    #expect(lines.allSatisfy { $0.text.count <= columns })
    if rows > 0, columns > 5 { #expect(lines.last?.text.hasPrefix("q quit") == true) }
  }

  @Test func `what happened is said, the last three things`() {
    var view = view
    view.notes = ["one", "two", "three", "four"]
    #expect(view.lines(columns: 80, rows: 24)[2...4].map(\.text) == ["* two", "* three", "* four"])
  }

  @Test func `nothing that a segment says makes a rate that is none`() {
    let backwards = Rates(from: Self.new, to: Self.old)
    #expect(backwards.received.packets == 0)
    #expect(backwards.busy == nil)
    let nothing = Rates(from: Figures(at: 0), to: Self.new)
    #expect(nothing.received.packets == 0)
    #expect(nothing.lcores.map(\.busy) == [nil, nil])
  }

  @Test(arguments: [
    (0, "0"), (7, "7"), (0.333, "0.33"), (12.34, "12.3"), (999, "999"), (999.6, "1.00k"), (14_200_000, "14.2M"),
    (987_654, "988k"), (1e9, "1.00G"), (1e30, "1000000000000E"),
  ])
  func `numbers are short and keep their size`(number: Double, text: String) { #expect(scaled(number) == text) }

  @Test func `a sparkline shows the newest values, scaled to the largest`() {
    let blocks = LiveView.unicodeBlocks
    #expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], width: 8, blocks: blocks) == "▁▂▃▄▅▆▇█")
    #expect(sparkline([9, 0, 8], width: 2, blocks: blocks) == " █")
    #expect(sparkline([0, 0], width: 5, blocks: blocks) == "  ")
    #expect(sparkline([1], width: 0, blocks: blocks) == "")
  }
}
