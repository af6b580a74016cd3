internal import ArgumentParser
internal import Segment

/// `check`: whether every packet is accounted for.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check that received = sent + held + dropped.",
    discussion: """
      Holds on each lcore and in total, while the forwarder runs and after. The counters of the ports' drivers are \
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
    let hands = total.handedIn | total.handedOut != 0
    var table = TextTable(
      head: (["LCORE", "RECEIVED", "SENT", "HELD", "DROPPED"] + (hands ? ["HANDED IN", "HANDED OUT"] : []) + ["MISSING"])
        .map { ($0, .right) })
    table.rows = balance.accounts.map { cells($0, name: "\($0.lcore)", hands: hands) }
    table.total = cells(total, name: "total", hands: hands)
    let verdict = balance.faults.isEmpty ? "The balance holds.\n" : "The balance does not hold:\n"
    return heading.line + "\n" + table.text + verdict + balance.faults.map { "  \($0)\n" }.joined()
      + balance.remarks.map { "For information: \($0)\n" }.joined()
  }

  private func cells(_ account: Balance.Account, name: String, hands: Bool) -> [String] {
    let handed = hands ? [account.handedIn, account.handedOut] : []
    let counts = [account.received, account.sent, account.held, account.dropped] + handed
    return [name] + counts.map { "\($0)" } + ["\(account.missing)"]
  }

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
      ("handed_out", .unsigned(account.handedOut)), ("missing", .signed(account.missing)),
      ("one_moment", .truth(account.isWhole)),
    ]
  }
}
