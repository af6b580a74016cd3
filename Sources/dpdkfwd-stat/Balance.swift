internal import Inspection
internal import Segment

/// Whether nothing was lost: received + handed in + cut into = sent + held + dropped + handed out + cut from, on each
/// lcore and in total, and each side agrees with the queues and the drop reasons that make it up.
struct Balance {
  struct Account {
    var lcore: UInt64
    var received: UInt64
    var sent: UInt64
    var held: UInt64
    var dropped: UInt64
    /// From and to other lcores.
    var handedIn: UInt64
    var handedOut: UInt64
    /// Fragments received whose datagrams left cut anew, and those that left in their place.
    var cutFrom: UInt64
    var cutInto: UInt64
    /// Whether its numbers belong to one moment.
    var isWhole: Bool

    /// What came in, made here included, and what became of it.
    var came: UInt64 { received &+ handedIn &+ cutInto }
    var went: UInt64 { sent &+ held &+ dropped &+ handedOut &+ cutFrom }
    var missing: Int64 { Int64(bitPattern: came &- went) }
  }

  private(set) var accounts: [Account] = []
  /// What does not hold.
  private(set) var faults: [String] = []
  /// What cannot be held against a running forwarder.
  private(set) var remarks: [String] = []

  var total: Account {
    let none = Account(
      lcore: 0, received: 0, sent: 0, held: 0, dropped: 0, handedIn: 0, handedOut: 0, cutFrom: 0, cutInto: 0,
      isWhole: true)
    return accounts.reduce(none) { sum, account in
      Account(
        lcore: 0, received: sum.received &+ account.received, sent: sum.sent &+ account.sent,
        held: sum.held &+ account.held, dropped: sum.dropped &+ account.dropped,
        handedIn: sum.handedIn &+ account.handedIn, handedOut: sum.handedOut &+ account.handedOut,
        cutFrom: sum.cutFrom &+ account.cutFrom, cutInto: sum.cutInto &+ account.cutInto,
        isWhole: sum.isWhole && account.isWhole)
    }
  }

  init(_ heading: Heading) throws(SegmentError) {
    let reader = heading.reader
    let lcores = try reader.kind("lcores", having: ["lcore", "rx_packets", "tx_packets", "held", "dropped"])
    let drops = try reader.kind("drops", having: ["packets"])
    let queues = try reader.kind("queues", having: ["port", "direction", "packets"])
    let ports = try reader.kind("ports", having: ["port", "name", "rx_packets", "tx_packets", "tx_errors"])
    var polled: [Record] = []
    for shard in 0..<lcores.shards {
      let moment = reader.moment(of: [lcores, drops, queues], shard: shard)
      guard let lcore = moment.records[0].first else { continue }
      add(lcore, drops: moment.records[1], queues: moment.records[2], isWhole: moment.isWhole)
      polled += moment.records[2]
    }
    let summed = total
    if heading.state == .stopped, summed.held != 0 { faults.append("it stopped with \(summed.held) packets held") }
    // Each lcore is read at a moment of its own: while they run, only theirs is the time in which what one handed out
    // has not come in to another.
    if heading.state == .stopped, summed.handedOut != summed.handedIn {
      faults.append("\(summed.handedOut) packets were handed out and \(summed.handedIn) handed in")
    }
    if summed.isWhole, summed.missing != 0 { faults.append("in total, \(Self.words(for: summed))") }
    for port in reader.records(of: ports) { compare(port, with: polled, isFinal: heading.state == .stopped) }
  }

  private mutating func add(_ lcore: Record, drops: [Record], queues: [Record], isWhole: Bool) {
    let account = Account(
      lcore: lcore["lcore", default: 0], received: lcore["rx_packets", default: 0],
      sent: lcore["tx_packets", default: 0], held: lcore["held", default: 0], dropped: lcore["dropped", default: 0],
      handedIn: lcore["handed_in", default: 0], handedOut: lcore["handed_out", default: 0],
      cutFrom: lcore["cut_from", default: 0], cutInto: lcore["cut_into", default: 0], isWhole: isWhole)
    accounts.append(account)
    let name = "lcore \(account.lcore)"
    guard isWhole else {
      faults.append("\(name) cannot be judged: its counters were in the middle of a commit each time they were read")
      return
    }
    if account.missing != 0 { faults.append("\(name): \(Self.words(for: account))") }
    let reasons = drops.sum("packets")
    if reasons != account.dropped {
      faults.append("\(name) dropped \(account.dropped), its reasons add up to \(reasons)")
    }
    let received = queues.filter { $0["direction"] == .text("rx") }.sum("packets")
    if received != account.received {
      faults.append("\(name) received \(account.received), its queues \(received)")
    }
    let sent = queues.filter { $0["direction"] == .text("tx") }.sum("packets")
    if sent != account.sent { faults.append("\(name) sent \(account.sent), its queues \(sent)") }
  }

  private static func words(for account: Account) -> String {
    func unlessZero(_ count: UInt64, _ name: String) -> String { count == 0 ? "" : " + \(name) \(count)" }
    return "received \(account.received)" + unlessZero(account.handedIn, "handed in")
      + unlessZero(account.cutInto, "cut into") + ", but sent \(account.sent) + held \(account.held) + dropped "
      + "\(account.dropped)" + unlessZero(account.handedOut, "handed out") + unlessZero(account.cutFrom, "cut from")
      + " = \(account.went)"
  }

  /// A driver counts on its own, a little earlier or later: only a stopped forwarder is held to it. What a driver
  /// took and then failed to send may or may not be among its errors.
  private mutating func compare(_ port: Record, with queues: [Record], isFinal: Bool) {
    let own = queues.filter { $0.number("port") == port.number("port") }
    let received = own.filter { $0["direction"] == .text("rx") }.sum("packets")
    let sent = own.filter { $0["direction"] == .text("tx") }.sum("packets")
    let (rx, tx, errors) = (
      port["rx_packets", default: 0], port["tx_packets", default: 0], port["tx_errors", default: 0]
    )
    var differences: [String] = []
    if received != rx { differences.append("the driver received \(rx), the queues \(received)") }
    if sent < tx || sent > tx &+ errors {
      differences.append("the driver sent \(tx) and failed on \(errors), the queues sent \(sent)")
    }
    for difference in differences {
      let line = "port \(port["name"]?.description ?? "?"): \(difference)"
      if isFinal { faults.append(line) } else { remarks.append(line) }
    }
  }
}

extension Record {
  fileprivate subscript(_ name: String, default otherwise: UInt64) -> UInt64 { number(name) ?? otherwise }
}

extension [Record] {
  fileprivate func sum(_ name: String) -> UInt64 { reduce(0) { $0 &+ ($1.number(name) ?? 0) } }
}
