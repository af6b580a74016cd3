internal import ArgumentParser
internal import Inspection
internal import JSONText
internal import Segment

/// `check`: whether every packet is accounted for.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check that received = sent + held + dropped.",
    discussion: """
      Holds on each lcore and in total, while the forwarder runs and after; what lcores hand to each other is accounted \
      for, and so are datagrams cut anew, which leave in more or fewer fragments than they came in. The counters of the ports' drivers are \
      compared too: for information while it runs, exactly once it has stopped. Ends with status 1 when it does not hold.
      """)

  @OptionGroup var options: Options

  func run() throws {
    var holds = true
    try exitingWithStatus { () throws(SegmentError) in
      let heading = try Heading(try options.attach())
      let balance = try Balance(heading)
      holds = balance.faults.isEmpty
      if options.json {
        print(json(heading, balance))
      } else {
        print(text(heading, balance), terminator: "")
      }
    }
    if !holds { throw ExitCode.failure }
  }

  private func text(_ heading: Heading, _ balance: Balance) -> String {
    let total = balance.total
    let columns = Self.columns.filter { $0.isAlways || $0.counts(total).contains { $0 != 0 } }
    func cells(_ account: Balance.Account, name: String) -> [String] {
      [name] + columns.flatMap { $0.counts(account) }.map { "\($0)" } + ["\(account.missing)"]
    }
    var table = TextTable(head: (["LCORE"] + columns.flatMap(\.titles) + ["MISSING"]).map { ($0, .right) })
    table.rows = balance.accounts.map { cells($0, name: "\($0.lcore)") }
    table.total = cells(total, name: "total")
    let verdict = balance.faults.isEmpty ? "The balance holds.\n" : "The balance does not hold:\n"
    return heading.line + "\n" + table.text + verdict + balance.faults.map { "  \($0)\n" }.joined()
      + balance.remarks.map { "For information: \($0)\n" }.joined()
  }

  /// Columns that are shown together, those that not every forwarder needs only where they count something.
  private struct Columns: Sendable {
    var isAlways = false
    let titles: [String]
    let counts: @Sendable (Balance.Account) -> [UInt64]
  }

  private static let columns = [
    Columns(isAlways: true, titles: ["RECEIVED", "SENT", "HELD", "DROPPED"]) {
      [$0.received, $0.sent, $0.held, $0.dropped]
    },
    Columns(titles: ["HANDED IN", "HANDED OUT"]) { [$0.handedIn, $0.handedOut] },
    Columns(titles: ["CUT INTO", "CUT FROM"]) { [$0.cutInto, $0.cutFrom] },
  ]

  private func json(_ heading: Heading, _ balance: Balance) -> JSON {
    .object(
      heading.members + [
        ("holds", .truth(balance.faults.isEmpty)),
        ("lcores", .array(balance.accounts.map { .object([("lcore", .unsigned($0.lcore))] + members($0)) })),
        ("total", .object(members(balance.total))), ("faults", .array(balance.faults.map { .text($0) })),
        ("remarks", .array(balance.remarks.map { .text($0) })),
      ])
  }

  private func members(_ account: Balance.Account) -> [(String, JSON)] {
    [
      ("received", .unsigned(account.received)), ("sent", .unsigned(account.sent)), ("held", .unsigned(account.held)),
      ("dropped", .unsigned(account.dropped)), ("handed_in", .unsigned(account.handedIn)),
      ("handed_out", .unsigned(account.handedOut)), ("cut_into", .unsigned(account.cutInto)),
      ("cut_from", .unsigned(account.cutFrom)), ("missing", .signed(account.missing)),
      ("one_moment", .truth(account.isWhole)),
    ]
  }
}
