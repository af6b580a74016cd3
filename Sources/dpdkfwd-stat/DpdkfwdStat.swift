// dpdkfwd-stat: shows what a forwarder's segment holds, while it runs and after. It asks the forwarder nothing, links no
// DPDK, and knows few fields: most of what it prints follows the schema in the segment.
internal import ArgumentParser
internal import JSONText
internal import Segment

@main
struct DpdkfwdStat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpdkfwd-stat",
    abstract: "Show what a forwarder counts, while it runs and after.",
    discussion: """
      Reads the shared memory of the dpdkfwd that was started with the same --file-prefix, without asking it anything.
      Without a subcommand it shows rates as they are: on a terminal a full screen with keys, else a line each second.
      What a forwarder left behind is read too, and labelled stopped or stale.

      Exit status: 0 fine; 1 a check failed; 64 usage; 65 the segment is damaged or of another version; 69 there is no \
      forwarder and no segment; 77 no permission.
      """,
    version: Program.version,
    subcommands: [
      Show.self, Dump.self, Events.self, FragmentStatusCommand.self, History.self, Watch.self, Check.self, Metrics.self,
      DescribeSchema.self,
    ])

  static func main() { main(FragmentStatusCommand.verbFirst(Array(CommandLine.arguments.dropFirst()))) }

  @OptionGroup var options: Options
  @OptionGroup var pace: Pace

  @Flag(help: "List the file prefixes that have a segment, with state and process id.")
  var list = false

  func validate() throws {
    if list, options.previous {
      throw ValidationError("--list shows the last run of each prefix, not --previous ones.")
    }
  }

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      guard !list else { return try List(root: options.root).print(json: options.json) }
      var live = try Live(options, pace)
      if options.json { return try live.inLines(json: true) }
      if try !live.onScreen() { try live.inLines(json: false) }
    }
  }
}

/// What every subcommand takes, before or after its name.
struct Options: ParsableArguments {
  @Option(name: [.customShort("f"), .long], help: ArgumentHelp("The forwarder's --file-prefix.", valueName: "prefix"))
  var filePrefix = "rte"

  @Option(help: ArgumentHelp("The folder of all segments.", valueName: "folder"))
  var root = SegmentPaths.defaultRoot

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Read the run before the last one.")
  var previous = false

  func attach() throws(SegmentError) -> SegmentReader {
    try SegmentReader(SegmentPaths(root: root, prefix: filePrefix), previous: previous)
  }
}
