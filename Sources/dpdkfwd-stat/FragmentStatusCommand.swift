internal import ArgumentParser
internal import Glibc
internal import Inspection
internal import Segment

/// `ipf-get-status`: reassembly, as Open vSwitch shows it.
struct FragmentStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ipf-get-status",
    abstract: "Show settings and counters of reassembly, as Open vSwitch does; with -m the fragments held.",
    discussion: """
      Prints the lines of `ovs-appctl dpctl/ipf-get-status`, then what Open vSwitch does not know. -m, --more or the \
      word verbose lists the datagrams of which fragments are held; twice, also what is missing of each and which \
      connection it belongs to. zone=N lists those of a zone only. A datapath may be named, as for Open vSwitch, and \
      makes no difference. -m may stand before the verb.
      """)

  @OptionGroup var options: Options

  @Flag(name: [.customShort("m"), .long], help: "List the fragments held; twice: with what is missing.")
  var more: Int

  @Argument(help: ArgumentHelp("[datapath] [verbose] [zone=N]", valueName: "word"))
  var words: [String] = []

  func validate() throws { _ = try asked() }

  func run() throws {
    let asked = try asked()
    try exitingWithStatus(or: "ipf status could not be retrieved") { () throws(SegmentError) in
      let heading = try Heading(try options.attach())
      let status = try FragmentStatus(
        heading, zone: asked.zone, more: more + (asked.isVerbose ? 1 : 0), json: options.json)
      // Open vSwitch's block has no line for it.
      if !heading.isLive, !options.json { writeError(heading.line) }
      writeAll(STDOUT_FILENO, options.json ? "\(status.json)\n" : status.text)
    }
  }

  /// What the words ask for; the first one may be a datapath's name (F3).
  private func asked() throws(ValidationError) -> (isVerbose: Bool, zone: UInt16?) {
    var asked: (isVerbose: Bool, zone: UInt16?) = (false, nil)
    for (place, word) in words.enumerated() {
      if word == "verbose", !asked.isVerbose {
        asked.isVerbose = true
      } else if word.hasPrefix("zone="), asked.zone == nil {
        guard let zone = UInt16(word.dropFirst(5)) else {
          throw ValidationError("zone= takes a number from 0 to \(UInt16.max), not '\(word.dropFirst(5))'.")
        }
        asked.zone = zone
      } else if place > 0 || word == "verbose" || word.contains("=") {
        throw ValidationError("ipf-get-status takes [datapath] [verbose] [zone=N]; '\(word)' is one word too many.")
      }
    }
    return asked
  }

  /// The arguments with the verb in front of each `-m`, which Open vSwitch takes in either place.
  static func verbFirst(_ arguments: [String]) -> [String] {
    guard let name = configuration.commandName, let place = arguments.firstIndex(of: name) else { return arguments }
    let (before, behind) = (arguments[..<place], arguments[(place + 1)...])
    let isMore = { (word: String) in word == "--more" || word.wholeMatch(of: /-m+/) != nil }
    return before.filter { !isMore($0) } + [name] + before.filter(isMore) + behind
  }
}
