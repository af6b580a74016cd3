internal import ArgumentParser
internal import Inspection
internal import JSONText
internal import Segment

/// Which connections are meant: conntrack's options, but for `-f`, which says here which forwarder is meant.
struct FilterOptions: ParsableArguments {
  @Option(
    name: [.customShort("s"), .customLong("orig-src"), .customLong("src")],
    help: ArgumentHelp("Only with this source, an address or prefix.", valueName: "address"))
  var source: String?

  @Option(
    name: [.customShort("d"), .customLong("orig-dst"), .customLong("dst")],
    help: ArgumentHelp("Only with this destination.", valueName: "address"))
  var destination: String?

  @Option(
    name: [.customShort("r"), .customLong("reply-src")],
    help: ArgumentHelp("Only with this source of answers.", valueName: "address"))
  var replySource: String?

  @Option(
    name: [.customShort("q"), .customLong("reply-dst")],
    help: ArgumentHelp("Only with this destination of answers.", valueName: "address"))
  var replyDestination: String?

  @Option(
    name: [.customShort("p"), .customLong("protonum")],
    help: ArgumentHelp("Only connections of this protocol, by name or number.", valueName: "protocol"))
  var `protocol`: String?

  @Option(
    name: [.customLong("sport"), .customLong("orig-port-src")],
    help: ArgumentHelp("Only with this source port.", valueName: "port"))
  var sourcePort: UInt16?

  @Option(
    name: [.customLong("dport"), .customLong("orig-port-dst")],
    help: ArgumentHelp("Only with this destination port.", valueName: "port"))
  var destinationPort: UInt16?

  @Option(name: .customLong("reply-port-src"), help: ArgumentHelp("The same of answers.", valueName: "port"))
  var replySourcePort: UInt16?

  @Option(name: .customLong("reply-port-dst"), help: ArgumentHelp("The same of answers.", valueName: "port"))
  var replyDestinationPort: UInt16?

  @Option(help: ArgumentHelp("Only ICMP queries of this type.", valueName: "n"))
  var icmpType: UInt8?

  @Option(help: ArgumentHelp("Only ICMP queries of this code.", valueName: "n"))
  var icmpCode: UInt8?

  @Option(help: ArgumentHelp("Only ICMP queries of this identifier.", valueName: "n"))
  var icmpID: UInt16?

  @Option(help: ArgumentHelp("Only TCP or SCTP in this state.", valueName: "state"))
  var state: String?

  @Option(
    name: [.customShort("m"), .long],
    help: ArgumentHelp("Only with this mark, as far as mask goes.", valueName: "mark[/mask]"))
  var mark: String?

  @Option(
    name: [.customShort("u"), .long],
    help: ArgumentHelp(
      "Only with these status bits: SEEN_REPLY, ASSURED, FIXED_TIMEOUT, OFFLOAD, ...; UNSET: neither of the first two.",
      valueName: "word,..."))
  var status: String?

  @Option(
    name: [.customShort("l"), .long],
    help: ArgumentHelp("Only with these labels, by the numbers of their bits.", valueName: "n,..."))
  var label: String?

  @Option(
    name: [.customShort("w"), .long],
    help: ArgumentHelp("Only connections that have a direction in this zone.", valueName: "n"))
  var zone: UInt16?

  @Option(help: ArgumentHelp("Only with the original direction in this zone.", valueName: "n"))
  var origZone: UInt16?

  @Option(help: ArgumentHelp("Only with the reply direction in this zone.", valueName: "n"))
  var replyZone: UInt16?

  @Option(help: ArgumentHelp("Only ipv4 or ipv6.", valueName: "family"))
  var family: Family?

  enum Family: String, CaseIterable, ExpressibleByArgument { case ipv4, ipv6 }

  /// Fails with `.invalid`, naming the option.
  func filter() throws(SegmentError) -> ConnectionFilter {
    do throws(MemberError) {
      return try ConnectionFilter(json: .object(members))
    } catch {
      if error.member == "l4" { throw .invalid("there is no protocol '\(self.protocol ?? "")'") }
      let option = Self.options[error.member] ?? error.member
      throw .invalid("\(option): " + error.problem.replacing("l4, the protocol", with: "-p, the protocol"))
    }
  }

  private static let options = [
    "orig.src": "-s", "orig.dst": "-d", "reply.src": "-r", "reply.dst": "-q", "orig.sport": "--sport",
    "orig.dport": "--dport", "reply.sport": "--reply-port-src", "reply.dport": "--reply-port-dst",
    "orig.type": "--icmp-type", "orig.code": "--icmp-code", "orig.id": "--icmp-id", "state": "--state", "mark": "-m",
    "status": "-u", "labels": "-l", "unset": "-u",
  ]

  /// What was given, as requests have it.
  private var members: [(String, JSON)] {
    func text(_ value: String?) -> JSON? { value.map { .text($0) } }
    func number(_ value: (some UnsignedInteger)?) -> JSON? { value.map { .unsigned(UInt64($0)) } }
    func object(_ members: [(String, JSON?)]) -> JSON? {
      let given = members.compactMap { name, value in value.map { (name, $0) } }
      return given.isEmpty ? nil : .object(given)
    }
    let words = status.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let set = words?.filter { $0 != "UNSET" }
    let labels = label?.split(separator: ",", omittingEmptySubsequences: false).map { word in
      UInt64(word).map { JSON.unsigned($0) } ?? .text(String(word))
    }
    let all: [(String, JSON?)] = [
      ("l3", text(family?.rawValue)), ("l4", text(self.protocol)),
      (
        "orig",
        object([
          ("src", text(source)), ("dst", text(destination)), ("sport", number(sourcePort)),
          ("dport", number(destinationPort)), ("type", number(icmpType)), ("code", number(icmpCode)),
          ("id", number(icmpID)),
        ])
      ),
      (
        "reply",
        object([
          ("src", text(replySource)), ("dst", text(replyDestination)), ("sport", number(replySourcePort)),
          ("dport", number(replyDestinationPort)),
        ])
      ),
      ("state", text(state)), ("mark", text(mark)),
      ("status", set.flatMap { $0.isEmpty ? nil : .array($0.map { .text($0) }) }),
      ("unset", words?.contains("UNSET") == true ? .array([.text("SEEN_REPLY"), .text("ASSURED")]) : nil),
      ("labels", labels.map { .array($0) }), ("zone", number(zone)), ("orig_zone", number(origZone)),
      ("reply_zone", number(replyZone)),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }
}
